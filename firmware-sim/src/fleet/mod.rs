//! A scenario's devices against a running platform: one MQTT connection each.
//!
//! In:  where the platform is, who may connect, what to play.   Out: messages over the wire, counters, the truth in a file.
//!
//! Bounds: a device remembers [`DEVICE_MEMORY`] messages while it cannot connect and then loses the newest, as a full logger
//! does; nothing else grows with time.

mod connection;
mod link;
mod outstanding;
mod stats;

pub use connection::{OnAck, Shared, run as connect};
pub use link::{Login, Protocol};
pub use outstanding::Parcel;
pub use stats::FleetStats;

use crate::clock;
use crate::devices::{Message, Play, Timing};
use crate::faults::{FaultLine, Faults};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::truth::TruthFile;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Secrets by device id.
pub type Credentials = BTreeMap<String, String>;

/// Messages a device keeps while it cannot connect: two minutes of a drone, four hours of a collar.
pub const DEVICE_MEMORY: usize = 256;
/// How often the play is asked for what was said.
const TICK: Duration = Duration::from_millis(100);
/// How long devices may take to get their last messages acknowledged.
const FAREWELL: Duration = Duration::from_secs(5);
/// Every how-many-th device speaks MQTT 5.
const V5_EVERY: usize = 5;

/// What to play, where, and as whom.
#[derive(Clone)]
pub struct FleetConfig {
    /// `HOST:PORT` of the platform's MQTT.
    pub mqtt_addr: String,
    /// Whose topics.
    pub tenant: String,
    /// Secrets; a device without one stays silent.
    pub credentials: Credentials,
    /// What there is.
    pub scenario: Arc<Scenario>,
    /// Of the faults; the scenario has its own.
    pub seed: u64,
    /// Scenario seconds per real second; see [`Timing`].
    pub speed: f64,
    /// What goes wrong on the way.
    pub faults: Faults,
    /// Where the truth is written, if at all.
    pub truth: Option<PathBuf>,
}

/// Why a fleet cannot play.
#[derive(Debug)]
pub enum FleetError {
    /// Not `HOST:PORT`.
    Address(String),
    /// Not a positive number.
    Speed(f64),
    /// None of the scenario's devices has a secret.
    NoCredentials,
    /// The truth cannot be written.
    Truth(PathBuf, io::Error),
}

impl std::fmt::Display for FleetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(text) => {
                write!(f, "mqtt address `{text}` is not HOST:PORT; write for example 127.0.0.1:1883")
            }
            Self::Speed(speed) => write!(f, "speed {speed} is out of range; use a number from 0.01 to 1000"),
            Self::NoCredentials => {
                f.write_str("no device of the scenario has a secret; register its devices and hand in their secrets")
            }
            Self::Truth(path, error) => write!(f, "cannot write the truth to {} ({error})", path.display()),
        }
    }
}

impl std::error::Error for FleetError {}

/// A fleet that is ready to play.
pub struct Fleet {
    config: FleetConfig,
    host: String,
    port: u16,
    stats: Arc<FleetStats>,
}

impl Fleet {
    /// Checks what can be checked before anything connects.
    pub fn new(config: FleetConfig) -> Result<Self, FleetError> {
        let (host, port) =
            host_and_port(&config.mqtt_addr).ok_or_else(|| FleetError::Address(config.mqtt_addr.clone()))?;
        if !(0.01..=1_000.0).contains(&config.speed) {
            return Err(FleetError::Speed(config.speed));
        }
        let known = |id: &String| config.credentials.contains_key(id);
        if !config.scenario.devices().iter().any(|device| device.speaks_mqtt() && known(&device.id)) {
            return Err(FleetError::NoCredentials);
        }
        Ok(Self { host, port, config, stats: Arc::default() })
    }

    /// Counters, readable while the fleet runs.
    pub fn stats(&self) -> Arc<FleetStats> {
        self.stats.clone()
    }

    /// Plays until told to stop, then gives the devices a few seconds to get their last messages acknowledged.
    pub async fn run(self, stop: CancellationToken) -> Result<(), FleetError> {
        let mut connections = JoinSet::new();
        let inboxes = self.connect_all(&mut connections);
        let played = self.play(&inboxes, &stop).await;
        // Closing the inboxes is the signal to finish and say goodbye; whoever takes too long is cut off with the set.
        drop(inboxes);
        let farewell = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::warn!(unfinished = connections.len(), "devices left with messages not acknowledged");
        }
        played
    }

    fn connect_all(&self, connections: &mut JoinSet<()>) -> BTreeMap<String, mpsc::Sender<Parcel>> {
        let mut inboxes = BTreeMap::new();
        for (index, device) in self.config.scenario.devices().iter().enumerate() {
            let Some(secret) = self.config.credentials.get(&device.id).filter(|_| device.speaks_mqtt()) else {
                continue;
            };
            let login = Login {
                host: self.host.clone(),
                port: self.port,
                device: device.id.clone(),
                secret: secret.clone(),
                protocol: if index % V5_EVERY == V5_EVERY - 1 { Protocol::V5 } else { Protocol::V311 },
            };
            let (sender, inbox) = mpsc::channel(DEVICE_MEMORY);
            let shared = Shared { stats: self.stats.clone(), on_ack: None };
            let rng = Rng::new(self.config.seed, &format!("{}/retry", device.id));
            connections.spawn(connect(login, inbox, shared, rng));
            inboxes.insert(device.id.clone(), sender);
        }
        inboxes
    }

    async fn play(
        &self,
        inboxes: &BTreeMap<String, mpsc::Sender<Parcel>>,
        stop: &CancellationToken,
    ) -> Result<(), FleetError> {
        let config = &self.config;
        let mut truth = match &config.truth {
            Some(path) => Some(TruthFile::create(path).map_err(|error| FleetError::Truth(path.clone(), error))?),
            None => None,
        };
        let started = Instant::now();
        let timing = Timing { start_unix_ms: clock::now_ms(), speed: config.speed };
        let skew_ms = |device: &str| config.faults.skew_ms(config.seed, device);
        let mut play = Play::new(config.scenario.clone(), &config.tenant, timing, skew_ms);
        let mut line = FaultLine::new(config.faults, config.seed);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return Ok(()),
            }
            let now_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let said = play.until(timing.sim_time(now_ms));
            if let (Some(file), Some(path)) = (&mut truth, &config.truth) {
                file.write(&said.truth).map_err(|error| FleetError::Truth(path.clone(), error))?;
            }
            said.messages.into_iter().for_each(|message| line.pass(message));
            for message in line.due(now_ms) {
                self.hand_over(message, inboxes);
            }
        }
    }

    fn hand_over(&self, message: Message, inboxes: &BTreeMap<String, mpsc::Sender<Parcel>>) {
        let Some(inbox) = inboxes.get(&*message.device) else { return };
        let parcel = Parcel { topic: message.topic, payload: message.payload, due: Instant::now(), number: 0 };
        if inbox.try_send(parcel).is_err() {
            self.stats.note_dropped(1);
        }
    }
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
pub fn host_and_port(addr: &str) -> Option<(String, u16)> {
    let (host, port) = addr.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { None } else { Some((host.to_owned(), port.parse().ok()?)) }
}

#[cfg(test)]
mod tests;
