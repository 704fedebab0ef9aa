//! The MQTT edge: what devices say comes in here, and is acknowledged only when it is on disk.
//!
//! In:  TCP connections speaking MQTT 3.1.1 or 5.   Out: [`model::Frame`]s in the journal.   Next: `record`, `decode`.
//!
//! ```text
//! listen         who comes in                  limits    every bound, with its reason
//! transport      what it travels on            flow      bytes in and out
//! connect        CONNECT -> who is it          seats     which sessions a device has
//! session        packets, one after another    publish   PUBLISH -> Frame
//! acl, topics    may it say this               owed      Durable -> acknowledgement
//! topology       whom a dock flies             answers   what DJI's devices ask for
//! subscriptions  what it wants to hear         mailbox   what the router has for it
//! audience       who listens to alerts         bus       rumqttd's router
//! serve          begin and end of all that
//! ```
//!
//! Never: an acknowledgement before the journal's, a device speaking as another, one client's fault disturbing others.

mod acl;
pub(crate) mod addresses;
mod answers;
mod audience;
mod bus;
mod codec;
mod connect;
mod end;
mod flow;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod limits;
mod listen;
mod mailbox;
mod owed;
pub(crate) mod pace;
mod proxy;
mod publish;
mod refusal;
mod seats;
mod serve;
mod session;
mod subscriptions;
mod tls;
mod topics;
mod topology;
mod transport;
mod websocket;

pub use answers::{DjiApp, DjiCloud};
pub use audience::{Announcement, Announcer};
pub use bus::{NotSaid, RouterGone};
pub use pace::Rate;
pub use tls::{BadTls, Tls, TlsFiles};

use crate::credentials::Credentials;
use crate::metrics::Metrics;
use crate::record::Recorder;
use acl::Roots;
use addresses::Addresses;
use audience::{Audience, alerts_root};
use bus::Bus;
use journal::{AppendError, Journal};
use model::{Clock, TenantId};
use refusal::RefusalLog;
use registry::{Registry, View};
use seats::Seats;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::Topology;
use transport::Way;

/// How long sessions may take to end after the stop, beyond their own limits.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Failures that are remembered; the first ends the gate.
const FAILURES_MAX: usize = 1;

/// What the gate needs to know.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// Where to listen for plain MQTT; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where to listen for MQTT over TLS, and with what.
    pub tls: Option<(SocketAddr, TlsFiles)>,
    /// Where to listen for MQTT over websocket.
    pub websocket: Option<SocketAddr>,
    /// Whether a load balancer stands before all listeners and says whose connections it passes on.
    pub proxy_protocol: bool,
    /// Whose devices connect here: the third level of native topics.
    pub tenant: TenantId,
    /// Connections at a time, strangers included.
    pub max_connections: NonZeroUsize,
    /// Connections of those who listen to alerts, among them.
    pub max_listeners: NonZeroUsize,
    /// How long a stranger may take to say CONNECT.
    pub connect_timeout: Duration,
    /// How fast one device may speak.
    pub device_rate: Rate,
    /// How long a client is only slowed before it is sent away.
    pub slowed_max: Duration,
    /// How many connections one address may have.
    pub address_connections: NonZeroUsize,
    /// How fast one address may speak.
    pub address_rate: Rate,
    /// First level of Frigate's topics.
    pub frigate_topic: Arc<str>,
    /// The size of the pictures in which Frigate finds things.
    pub frigate_detect: FrigateDetect,
    /// What DJI's devices ask for.
    pub dji: DjiCloud,
}

/// Width and height, in pixels, of the pictures in which Frigate finds things: its boxes are measured in them, and its messages
/// do not say how large they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrigateDetect {
    /// Of every camera that is not named.
    pub usual: Option<(u16, u16)>,
    /// By the name that Frigate gives the camera.
    pub cameras: BTreeMap<String, (u16, u16)>,
}

impl FrigateDetect {
    /// `1280x720`; empty when nobody said.
    fn of(&self, camera: &str) -> String {
        let size = self.cameras.get(camera).copied().or(self.usual);
        size.map(|(width, height)| format!("{width}x{height}")).unwrap_or_default()
    }
}

impl GateConfig {
    /// A configuration with the usual bounds.
    pub fn new(listen: SocketAddr, tenant: TenantId) -> Self {
        Self {
            listen,
            tls: None,
            websocket: None,
            proxy_protocol: false,
            tenant,
            // A banner's fleet of 10,000 devices, and the same again while they reconnect.
            max_connections: limits::CONNECTIONS,
            max_listeners: limits::LISTENERS,
            connect_timeout: limits::CONNECT_TIMEOUT,
            device_rate: limits::DEVICE_RATE,
            slowed_max: limits::SLOWED_MAX,
            address_connections: limits::CONNECTIONS,
            address_rate: limits::ADDRESS_RATE,
            frigate_topic: Arc::from("frigate"),
            frigate_detect: FrigateDetect::default(),
            dji: DjiCloud::default(),
        }
    }
}

/// Where the gate really listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateAddresses {
    /// Plain MQTT.
    pub plain: SocketAddr,
    /// MQTT over TLS.
    pub tls: Option<SocketAddr>,
    /// MQTT over websocket.
    pub websocket: Option<SocketAddr>,
}

/// Why the gate did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Choose another address or end what holds it.
    #[error("mqtt listener could not bind {address}: {source}; choose another [mqtt] {key} address")]
    Bind {
        /// Which listener.
        key: &'static str,
        /// What was asked for.
        address: SocketAddr,
        /// The system's complaint.
        source: io::Error,
    },
    /// Stop the process: nothing can be acknowledged any more.
    #[error("mqtt gate stopped, nothing can be acknowledged: {0}")]
    Journal(AppendError),
    /// Put right what the file holds.
    #[error("[mqtt.tls] {0}")]
    Tls(#[from] BadTls),
    /// Restart the process.
    #[error(transparent)]
    Router(#[from] RouterGone),
}

/// What every session shares.
struct Shared {
    roots: Roots,
    frigate_detect: FrigateDetect,
    dji: DjiCloud,
    topology: Topology,
    connect_timeout: Duration,
    behind_proxy: bool,
    addresses: Arc<Addresses>,
    /// Places for connections that have not proved who they are; the others are kept for those who have.
    strangers: Arc<Semaphore>,
    slowed_max: Duration,
    recorder: Recorder,
    credentials: Credentials,
    view: watch::Receiver<Arc<View>>,
    clock: Clock,
    metrics: Metrics,
    refusals: RefusalLog,
    bus: Bus,
    audience: Audience,
    seats: Arc<Seats>,
    large_bodies: Arc<Semaphore>,
    stop: CancellationToken,
    failures: mpsc::Sender<GateError>,
}

impl Shared {
    /// Ends the gate with `error`, unless something else did already.
    fn fail(&self, error: GateError) {
        // Full: another failure came first, and one is enough to end the gate.
        self.failures.try_send(error).ok();
    }
}

/// The MQTT listeners, bound and ready to [`Gate::run`].
pub struct Gate {
    listeners: Vec<(TcpListener, Way)>,
    addresses: GateAddresses,
    tls: Option<Arc<Tls>>,
    shared: Arc<Shared>,
    failures: mpsc::Receiver<GateError>,
    connections: Arc<Semaphore>,
}

/// Says things to devices, on topics that they subscribed to.
#[derive(Clone)]
pub struct Downlink(Arc<Shared>);

impl Downlink {
    /// Says `payload` to whoever subscribed to `topic`. Kept in memory only; a device that is away and keeps its session
    /// hears it when it comes back, within the router's bounds.
    pub async fn say(&self, topic: &str, payload: &[u8], retain: bool) -> Result<(), NotSaid> {
        self.0.bus.say(topic, payload, retain).await
    }
}

impl Gate {
    /// Binds the listeners and starts the router. Needs a multi-threaded runtime: the router's queue is blocking.
    pub async fn bind(
        config: GateConfig,
        journal: Arc<dyn Journal>,
        registry: Registry,
        clock: Clock,
        metrics: Metrics,
    ) -> Result<Self, GateError> {
        let tls = config.tls.clone().map(|(_, files)| Tls::load(files)).transpose()?.map(Arc::new);
        let (listeners, addresses) = listen::bind(&config, tls.as_ref()).await?;
        let (failures_tx, failures) = mpsc::channel(FAILURES_MAX);
        let large_bodies = usize::try_from(limits::LARGE_BODIES_KIB).unwrap_or(usize::MAX);
        let alerts = alerts_root(&config.tenant);
        let shared = Shared {
            roots: Roots { tenant: config.tenant, frigate: config.frigate_topic },
            frigate_detect: config.frigate_detect,
            dji: config.dji,
            topology: Topology::default(),
            connect_timeout: config.connect_timeout,
            behind_proxy: config.proxy_protocol,
            addresses: Arc::new(Addresses::new(
                config.address_connections.get(),
                limits::strangers_of_an_address(config.max_connections),
                config.address_rate,
            )),
            strangers: Arc::new(Semaphore::new(limits::strangers(config.max_connections))),
            slowed_max: config.slowed_max,
            recorder: Recorder::new(journal, metrics.clone()),
            view: registry.view(),
            credentials: Credentials::new(registry, clock.clone()),
            clock,
            refusals: RefusalLog::new(metrics.clone()),
            audience: Audience::new(config.max_listeners, &metrics),
            metrics,
            bus: Bus::start(config.max_connections.get(), &alerts).await?,
            seats: Arc::new(Seats::new(config.device_rate)),
            large_bodies: Arc::new(Semaphore::new(large_bodies)),
            stop: CancellationToken::new(),
            failures: failures_tx,
        };
        let connections = Arc::new(Semaphore::new(config.max_connections.get()));
        Ok(Self { listeners, addresses, tls, shared: Arc::new(shared), failures, connections })
    }

    /// Where it really listens.
    pub fn addresses(&self) -> GateAddresses {
        self.addresses
    }

    /// The certificate of `tls_listen`, if there is one.
    pub fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    /// A way to speak to devices.
    pub fn downlink(&self) -> Downlink {
        Downlink(Arc::clone(&self.shared))
    }

    /// A way to say alerts.
    pub fn announcer(&self) -> Announcer {
        Announcer(Arc::clone(&self.shared))
    }

    /// Serves until `stop` is cancelled or something fails that no session can survive. On stop: no new connections, what
    /// was taken in gets to the disk and is acknowledged, clients are told.
    pub async fn run(self, stop: CancellationToken) -> Result<(), GateError> {
        let Self { listeners, tls, shared, mut failures, connections, .. } = self;
        let mut sessions = JoinSet::new();
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(failure) = failures.recv() => Err(failure),
            gone = watch_router(&shared.bus) => Err(GateError::Router(gone)),
            never = listen::accept(&listeners, &shared, &connections, &mut sessions) => match never {},
            never = watch_certificate(tls.as_deref()) => match never {},
        };
        drop(listeners);
        shared.stop.cancel();
        let drained = async { while sessions.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!(left = sessions.len(), "sessions did not end in time; their devices will send again");
        }
        // A frame that failed while the gate drained is the reason that counts.
        match (outcome, failures.try_recv()) {
            // The process is stopping; what the journal no longer took was not acknowledged.
            (Ok(()), Ok(GateError::Journal(AppendError::Closed))) => Ok(()),
            (Ok(()), Ok(failure)) => Err(failure),
            (outcome, _) => outcome,
        }
    }
}

async fn watch_certificate(tls: Option<&Tls>) -> std::convert::Infallible {
    match tls {
        Some(tls) => tls.watch().await,
        None => std::future::pending().await,
    }
}

/// Returns when the router gives no sign of life.
async fn watch_router(bus: &Bus) -> RouterGone {
    loop {
        tokio::time::sleep(limits::WATCHDOG_INTERVAL).await;
        match tokio::time::timeout(limits::WATCHDOG_PATIENCE, bus.barrier()).await {
            Ok(Ok(())) => {}
            Ok(Err(RouterGone)) | Err(_) => return RouterGone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::sqlite::{SqliteJournal, SqliteOptions};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_router_that_dies_ends_the_gate_with_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let config = GateConfig::new("127.0.0.1:0".parse().unwrap(), TenantId::parse("hexigten").unwrap());
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let gate = Gate::bind(config, journal, registry, clock, metrics).await.unwrap();
        let shared = Arc::clone(&gate.shared);
        let running = tokio::spawn(gate.run(CancellationToken::new()));
        // What `close` takes care never to do: the router stops at a word from a link that it has ended.
        let bus::Link { to, from, .. } = shared.bus.open("doomed:0", true).await.unwrap();
        bus::close(to).await.unwrap();
        shared.bus.barrier().await.unwrap();
        from.wake().await.unwrap();
        let error = running.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("mqtt router stopped; restart the process"), "{error}");
    }
}
