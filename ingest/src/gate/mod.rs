//! The MQTT edge: what devices say comes in here, and is acknowledged only when it is on disk.
//!
//! In:  TCP connections speaking MQTT 3.1.1 or 5.   Out: [`model::Frame`]s in the journal.   Next: `record`, `decode`.
//!
//! ```text
//! transport      what it travels on            flow      bytes in and out
//! connect        CONNECT -> who is it          seats     which sessions a device has
//! session        packets, one after another    publish   PUBLISH -> Frame
//! acl            may it say this               owed      Durable -> acknowledgement
//! subscriptions  what it wants to hear         mailbox   what the router has for it
//! serve          begin and end of all that     bus       rumqttd's router
//! ```
//!
//! Never: an acknowledgement before the journal's, a device speaking as another, one client's fault disturbing others.

mod acl;
mod bus;
mod codec;
mod connect;
mod end;
mod flow;
mod limits;
mod mailbox;
mod owed;
mod publish;
mod refusal;
mod seats;
mod serve;
mod session;
mod subscriptions;
mod transport;

pub use bus::RouterGone;

use crate::metrics::Metrics;
use crate::record::Recorder;
use bus::Bus;
use journal::{AppendError, Journal};
use model::{Clock, TenantId};
use refusal::{Refusal, RefusalLog};
use registry::{Registry, View};
use seats::Seats;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Pause after an accept that failed for want of file descriptors or memory: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long sessions may take to end after the stop, beyond their own limits.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Failures that are remembered; the first ends the gate.
const FAILURES_MAX: usize = 1;

/// What the gate needs to know.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Whose devices connect here: the third level of native topics.
    pub tenant: TenantId,
    /// Connections at a time, strangers included.
    pub max_connections: NonZeroUsize,
    /// How long a stranger may take to say CONNECT.
    pub connect_timeout: Duration,
}

impl GateConfig {
    /// A configuration with the usual bounds.
    pub fn new(listen: SocketAddr, tenant: TenantId) -> Self {
        Self {
            listen,
            tenant,
            // A banner's fleet of 10,000 devices, and the same again while they reconnect.
            max_connections: NonZeroUsize::MIN.saturating_add(20_000 - 1),
            connect_timeout: limits::CONNECT_TIMEOUT,
        }
    }
}

/// Why the gate did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Choose another address or end what holds it.
    #[error("mqtt listener could not bind {address}: {source}; choose another [mqtt] listen address")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The system's complaint.
        source: io::Error,
    },
    /// Stop the process: nothing can be acknowledged any more.
    #[error("mqtt gate stopped, nothing can be acknowledged: {0}")]
    Journal(AppendError),
    /// Restart the process.
    #[error(transparent)]
    Router(#[from] RouterGone),
}

/// What every session shares.
struct Shared {
    tenant: TenantId,
    connect_timeout: Duration,
    recorder: Recorder,
    registry: Registry,
    view: watch::Receiver<Arc<View>>,
    clock: Clock,
    metrics: Metrics,
    refusals: RefusalLog,
    bus: Bus,
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

/// The MQTT listener, bound and ready to [`Gate::run`].
pub struct Gate {
    listener: TcpListener,
    address: SocketAddr,
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
    pub async fn say(&self, topic: &str, payload: &[u8], retain: bool) -> Result<(), RouterGone> {
        self.0.bus.say(topic, payload, retain).await
    }
}

impl Gate {
    /// Binds the listener and starts the router. Needs a multi-threaded runtime: the router's queue is blocking.
    pub async fn bind(
        config: GateConfig,
        journal: Arc<dyn Journal>,
        registry: Registry,
        clock: Clock,
        metrics: Metrics,
    ) -> Result<Self, GateError> {
        let bind_error = |source| GateError::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        let (failures_tx, failures) = mpsc::channel(FAILURES_MAX);
        let large_bodies = usize::try_from(limits::LARGE_BODIES_KIB).unwrap_or(usize::MAX);
        let shared = Shared {
            tenant: config.tenant,
            connect_timeout: config.connect_timeout,
            recorder: Recorder::new(journal, metrics.clone()),
            view: registry.view(),
            registry,
            clock,
            refusals: RefusalLog::new(metrics.clone()),
            metrics,
            bus: Bus::start(config.max_connections.get()).await?,
            seats: Arc::new(Seats::default()),
            large_bodies: Arc::new(Semaphore::new(large_bodies)),
            stop: CancellationToken::new(),
            failures: failures_tx,
        };
        let connections = Arc::new(Semaphore::new(config.max_connections.get()));
        Ok(Self { listener, address, shared: Arc::new(shared), failures, connections })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A way to speak to devices.
    pub fn downlink(&self) -> Downlink {
        Downlink(Arc::clone(&self.shared))
    }

    /// Serves until `stop` is cancelled or something fails that no session can survive. On stop: no new connections, what
    /// was taken in gets to the disk and is acknowledged, clients are told.
    pub async fn run(self, stop: CancellationToken) -> Result<(), GateError> {
        let Self { listener, shared, mut failures, connections, .. } = self;
        let mut sessions = JoinSet::new();
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(failure) = failures.recv() => Err(failure),
            gone = watch_router(&shared.bus) => Err(GateError::Router(gone)),
            never = accept(&listener, &shared, &connections, &mut sessions) => match never {},
        };
        drop(listener);
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

/// Accepts for ever.
async fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    connections: &Arc<Semaphore>,
    sessions: &mut JoinSet<()>,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => match Arc::clone(connections).try_acquire_owned() {
                    Ok(turn) => {
                        sessions.spawn(counted(Arc::clone(shared), socket, peer, turn));
                    }
                    Err(_full) => shared.refusals.note(Refusal::TooManyConnections, peer, "", ""),
                },
                Err(error) => {
                    tracing::warn!(%error, "accept failed; trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = sessions.join_next() => if let Err(error) = ended {
                tracing::error!(%error, "a session's task failed");
            },
        }
    }
}

async fn counted(shared: Arc<Shared>, socket: TcpStream, peer: SocketAddr, _turn: OwnedSemaphorePermit) {
    shared.metrics.connections.inc();
    let metrics = shared.metrics.clone();
    // Counted down whatever happens in between.
    let _down = CountDown(metrics);
    serve::connection(shared, socket, peer).await;
}

struct CountDown(Metrics);

impl Drop for CountDown {
    fn drop(&mut self) {
        self.0.connections.dec();
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
