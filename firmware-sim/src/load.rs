//! Load: many devices, one steady rate, every acknowledgement timed.
//!
//! In:  where to, who may connect, how much.   Out: [`LoadReport`] and, if asked, the list of what was acknowledged.
//!
//! Open loop: a message is due when the rate says so, and its latency counts from then, so a platform that stalls cannot hide
//! it by slowing the generator. With rate 0 every connection sends as fast as it is acknowledged.

use crate::clock;
use crate::fleet::{self, Credentials, FleetStats, Login, OnAck, Parcel, Protocol, Shared};
use crate::rng::Rng;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Messages a connection may fall behind; more are counted as dropped.
const BACKLOG: usize = 4_096;
/// Latencies kept, four bytes each: enough for ten minutes at 16,000 a second.
const MAX_SAMPLES: usize = 10_000_000;
/// How long all connections may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the last acknowledgements may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
/// One message in so many is a sighting, the others are tracks.
const SIGHTING_EVERY: u64 = 10;

/// What to load.
#[derive(Clone)]
pub struct LoadConfig {
    /// `HOST:PORT` of the platform's MQTT.
    pub mqtt_addr: String,
    /// Whose topics.
    pub tenant: String,
    /// Secrets; the first `connections` of them are used.
    pub credentials: Credentials,
    /// How many devices.
    pub connections: usize,
    /// Messages a second over all of them; 0: as fast as acknowledged.
    pub rate: f64,
    /// For how long.
    pub seconds: u64,
    /// Name of the run, in every payload's `run`.
    pub run: String,
    /// Where `DEVICE SEQ` of every acknowledged message is written, one a line.
    pub acked: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// Messages handed to a connection.
    pub sent: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages not sent because a connection was too far behind.
    pub dropped: u64,
    /// Connections that broke on the way.
    pub lost_connections: u64,
    /// Acknowledged messages a second, from the first message to the last acknowledgement.
    pub rate: f64,
    /// Half of the messages were acknowledged within this time.
    pub p50_ms: f64,
    /// Of a hundred messages, 99 were acknowledged within this time.
    pub p99_ms: f64,
}

impl LoadReport {
    /// As the command prints it.
    pub fn to_json(&self) -> Value {
        json!({
            "sent": self.sent, "acked": self.acked, "dropped": self.dropped,
            "lost_connections": self.lost_connections, "rate": self.rate, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms,
        })
    }
}

/// Why no load was made.
#[derive(Debug)]
pub enum LoadError {
    /// Not `HOST:PORT`.
    Address(String),
    /// Fewer secrets than connections.
    TooFewCredentials {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// Not all could connect in time.
    NotConnected {
        /// How many did.
        connected: u64,
        /// How many were refused.
        refused: u64,
    },
    /// The list of acknowledgements cannot be written.
    Acked(PathBuf, io::Error),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(text) => {
                write!(f, "mqtt address `{text}` is not HOST:PORT; write for example 127.0.0.1:1883")
            }
            Self::TooFewCredentials { have, need } => {
                write!(f, "{have} secrets are too few for {need} connections; register more devices or ask for fewer")
            }
            Self::NotConnected { connected, refused } => write!(
                f,
                "only {connected} devices connected within {} s and {refused} were refused; check address and secrets",
                CONNECT_TIMEOUT.as_secs()
            ),
            Self::Acked(path, error) => write!(f, "cannot write {} ({error})", path.display()),
        }
    }
}

impl std::error::Error for LoadError {}

/// What acknowledgements leave behind.
#[derive(Default)]
struct Tally {
    latencies_us: Vec<u32>,
    acked_file: Option<io::BufWriter<std::fs::File>>,
    last_ack: Option<Instant>,
}

impl Tally {
    fn note(&mut self, device: &str, parcel: &Parcel) {
        let now = Instant::now();
        let late_us = now.saturating_duration_since(parcel.due).as_micros();
        if self.latencies_us.len() < MAX_SAMPLES {
            self.latencies_us.push(u32::try_from(late_us).unwrap_or(u32::MAX));
        }
        self.last_ack = Some(now);
        if let Some(file) = &mut self.acked_file
            && let Err(error) = writeln!(file, "{device} {}", parcel.number)
        {
            tracing::error!(%error, "acknowledgement not written; the list is incomplete");
        }
    }

    /// Milliseconds within which this share of the messages was acknowledged.
    fn within_ms(&mut self, share: f64) -> f64 {
        self.latencies_us.sort_unstable();
        let place = (self.latencies_us.len() as f64 * share).ceil() as usize;
        self.latencies_us.get(place.saturating_sub(1)).map_or(0.0, |us| f64::from(*us) / 1_000.0)
    }
}

/// Makes the load and waits for its acknowledgements.
pub async fn run(config: LoadConfig) -> Result<LoadReport, LoadError> {
    let (host, port) =
        fleet::host_and_port(&config.mqtt_addr).ok_or_else(|| LoadError::Address(config.mqtt_addr.clone()))?;
    if config.credentials.len() < config.connections {
        return Err(LoadError::TooFewCredentials { have: config.credentials.len(), need: config.connections });
    }
    let mut tally = Tally::default();
    if let Some(path) = &config.acked {
        let file = std::fs::File::create(path).map_err(|error| LoadError::Acked(path.clone(), error))?;
        tally.acked_file = Some(io::BufWriter::new(file));
    }
    let (tally, stats) = (Arc::new(Mutex::new(tally)), Arc::new(FleetStats::default()));
    let mut connections = JoinSet::new();
    let mut inboxes = Vec::new();
    for (device, secret) in config.credentials.iter().take(config.connections) {
        let (sender, inbox) = mpsc::channel(if config.rate > 0.0 { BACKLOG } else { 1 });
        let (name, kept) = (device.clone(), tally.clone());
        let on_ack: OnAck = Arc::new(move |parcel| lock(&kept).note(&name, parcel));
        let login = Login {
            host: host.clone(),
            port,
            device: device.clone(),
            secret: secret.clone(),
            protocol: Protocol::V311,
        };
        let shared = Shared { stats: stats.clone(), on_ack: Some(on_ack) };
        connections.spawn(fleet::connect(login, inbox, shared, Rng::new(0, device)));
        inboxes.push((device.clone(), sender));
    }
    let standing = stats.wait_connected(config.connections as u64);
    if tokio::time::timeout(CONNECT_TIMEOUT, standing).await.is_err() {
        return Err(LoadError::NotConnected { connected: stats.connected(), refused: stats.refused() });
    }
    let started = Instant::now();
    send_all(&config, inboxes, started, &stats).await;
    let drain = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, drain).await.is_err() {
        tracing::warn!(unfinished = connections.len(), "connections ended with messages not acknowledged");
    }
    report(&config, &tally, &stats, started)
}

async fn send_all(
    config: &LoadConfig,
    inboxes: Vec<(String, mpsc::Sender<Parcel>)>,
    started: Instant,
    stats: &Arc<FleetStats>,
) {
    let end = started + Duration::from_secs(config.seconds);
    let period = (config.rate > 0.0).then(|| Duration::from_secs_f64(inboxes.len() as f64 / config.rate));
    let mut senders = JoinSet::new();
    let devices = inboxes.len().max(1);
    for (index, (device, inbox)) in inboxes.into_iter().enumerate() {
        // Spread over one period, so that the load is even and not a pulse.
        let first = started + period.unwrap_or_default().mul_f64(index as f64 / devices as f64);
        let (config, stats) = (config.clone(), stats.clone());
        senders.spawn(async move {
            let mut due = first;
            for number in 1_u64.. {
                if due >= end || Instant::now() >= end {
                    return;
                }
                if period.is_some() {
                    tokio::time::sleep_until(due.into()).await;
                }
                let mut parcel = parcel(&config, &device, number, due);
                match period {
                    Some(period) => {
                        if inbox.try_send(parcel).is_err() {
                            stats.note_dropped(1);
                        }
                        due += period;
                    }
                    None => {
                        let Ok(place) = inbox.reserve().await else { return };
                        parcel.due = Instant::now();
                        place.send(parcel);
                    }
                }
            }
        });
    }
    while senders.join_next().await.is_some() {}
}

fn parcel(config: &LoadConfig, device: &str, number: u64, due: Instant) -> Parcel {
    let kind = if number.is_multiple_of(SIGHTING_EVERY) { "sighting" } else { "track" };
    // A walk of a metre a message, somewhere of its own for each device.
    let metres = (number % 1_000) as f64 * 1e-5;
    let home = device.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 1_000;
    let (lat, lon) = (43.2 + f64::from(home) * 2e-4 + metres, 117.4 + f64::from(home) * 2e-4);
    let mut payload = json!({
        "ts": clock::now_ms(), "seq": number, "run": config.run,
        "lat": crate::ground::round_deg(lat), "lon": crate::ground::round_deg(lon), "accuracy_m": 5.0,
    });
    if let Some(object) = payload.as_object_mut() {
        let more = if kind == "sighting" {
            [("species", json!("sheep")), ("count", json!(12)), ("confidence", json!(0.9))]
        } else {
            [("speed_mps", json!(0.8)), ("heading_deg", json!(0)), ("battery_percent", json!(80))]
        };
        object.extend(more.map(|(key, value)| (key.to_owned(), value)));
    }
    Parcel {
        topic: format!("steppe/v1/{}/{device}/{kind}", config.tenant),
        payload: payload.to_string().into(),
        due,
        number,
    }
}

fn report(
    config: &LoadConfig,
    tally: &Mutex<Tally>,
    stats: &FleetStats,
    started: Instant,
) -> Result<LoadReport, LoadError> {
    let mut tally = lock(tally);
    if let (Some(file), Some(path)) = (&mut tally.acked_file, &config.acked) {
        file.flush().map_err(|error| LoadError::Acked(path.clone(), error))?;
    }
    let took_s = tally.last_ack.map_or(0.0, |last| last.saturating_duration_since(started).as_secs_f64());
    Ok(LoadReport {
        sent: stats.sent(),
        acked: stats.acked(),
        dropped: stats.dropped(),
        lost_connections: stats.lost_connections(),
        rate: if took_s > 0.0 { stats.acked() as f64 / took_s } else { 0.0 },
        p50_ms: tally.within_ms(0.5),
        p99_ms: tally.within_ms(0.99),
    })
}

/// A tally whose holder panicked lacks at most one sample.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
