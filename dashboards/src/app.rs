//! What the handlers share, and the start and the end of the server.
//!
//! In:  [`Parts`] from the composition root, a bound listener, and the token that says stop.
//! Out: a server that runs until then; connections in flight get [`DRAIN_MAX`] to finish.

use crate::bundle::ExportFiles;
use crate::dead_letters::Understands;
use crate::listener::{Bounded, Certificate, Peer};
use crate::live::{self, Live};
use crate::messages::Words;
use crate::oidc::Provider;
use crate::ops::Metrics;
use crate::platform_ack::{Callback, Taken};
use crate::problem::Problem;
use crate::refusals::Code;
use crate::sessions::Sessions;
use crate::shared_frames::SharedFrames;
use crate::sms_back::SmsBack;
use crate::sms_replies::{self, Heard};
use crate::throttle::Throttle;
use crate::view::{self, View};
use crate::watching::Watching;
use crate::zones::ZonesCache;
use history::History;
use journal::Journal;
use journal::alert_log::AlertLog;
use journal::command_log::CommandLog;
use journal::dead_letters::DeadLetters;
use model::{Clock, Closure, Position, TenantId, Timestamp, Zone, ZoneId};
use registry::{Period, Registry, RegistryError};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Passwords looked at at once: each takes a core for some 50 ms, and the machine has other work.
const PASSWORD_CHECKS: usize = 2;

/// Live sockets at once: every desk and wall display of a banner several times over.
const SOCKETS_MAX: usize = 256;

/// How long requests in flight may take to finish after `stop`.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long a request waits for the view to be built after a start before it is told to come back.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

/// What holds in a zone at an instant; detection knows.
pub type ClosureAt = Arc<dyn Fn(&Zone, Timestamp) -> Closure + Send + Sync>;

/// Which zones a place lies in; the geofence knows.
pub type ZonesAt = Arc<dyn Fn(Position) -> Vec<ZoneId> + Send + Sync>;

/// A zone that holds a place at an instant, with what the law said there.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The version in force.
    pub zone: Arc<Zone>,
    /// In which time without a gap it is.
    pub period: Period,
    /// What holds in it.
    pub closure: Closure,
}

/// The zones that hold a place at an instant, by what was known at another: position, in force at, known at. Reads the disk.
pub type ZonesAsOf = Arc<dyn Fn(Position, Timestamp, Timestamp) -> Result<Vec<Holding>, RegistryError> + Send + Sync>;

/// Judges the last days again with these zones in the places of those of the same id: the incidents gained, lost and changed as
/// JSON, or why it could not be done. Takes as long as the journal is.
pub type Foresee = Arc<dyn Fn(Vec<Zone>, u16) -> Result<serde_json::Value, String> + Send + Sync>;

/// Whether the whole platform is ready, or why not.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Everything the server needs from the rest of the house.
pub struct Parts {
    /// Whose platform this is.
    pub tenant: TenantId,
    /// Devices, zones, subscribers, users.
    pub registry: Registry,
    /// What was concluded and told; only read here.
    pub alert_log: AlertLog,
    /// Where operators' doings go.
    pub command_log: CommandLog,
    /// What devices said; read for what could not be understood, which goes back into it when it can be.
    pub journal: Arc<dyn Journal>,
    /// What could not be understood.
    pub dead_letters: DeadLetters,
    /// Whether it can be by now.
    pub understands: Understands,
    /// Tracks and series.
    pub history: History,
    /// Pictures of cases.
    pub evidence: evidence::Store,
    /// What only an export of a case reads.
    pub export_files: ExportFiles,
    /// Which land is watched.
    pub watching: Arc<dyn Watching>,
    /// What is known right now.
    pub live: Live,
    /// Shown at `/metrics`; the server adds its own.
    pub metrics: prometheus::Registry,
    /// Where time comes in.
    pub clock: Clock,
    /// What holds in a zone.
    pub closure_at: ClosureAt,
    /// Where a place lies.
    pub zones_at: ZonesAt,
    /// Where a place lay at another time.
    pub zones_as_of: ZonesAsOf,
    /// The words that people are told by.
    pub words: Words,
    /// What the last days would have been with other zones.
    pub foresee: Foresee,
    /// Whether changes of zones and closures wait for a second person.
    pub second_person: bool,
    /// Who may acknowledge for the system above us; none: nobody.
    pub callback: Option<Callback>,
    /// How receipts of text messages, and what phones answer, come back.
    pub sms_back: SmsBack,
    /// Shown at `/readyz`.
    pub ready: Ready,
    /// The office's own provider of identities, where there is one.
    pub oidc: Option<Provider>,
    /// Of the console's port: with one it speaks HTTPS only, and the session cookie is marked `Secure`.
    pub certificate: Option<Certificate>,
    /// What others answer on this server, under its bounds and headers: devices' doors. In the API's document it is tagged
    /// `devices-in`. It finds the other end's address as `ConnectInfo<SocketAddr>`.
    pub others: axum::Router,
}

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Mend the composition: another part registered the same name.
    #[error("metric of the HTTP server cannot be registered: {0}; start one server for each metrics registry")]
    Metrics(#[from] prometheus::Error),
    /// Look at the system: the listening socket broke.
    #[error("HTTP server stopped: {0}")]
    Listener(#[from] std::io::Error),
}

/// What the handlers share.
pub(crate) struct App {
    pub parts: Parts,
    pub view: Arc<View>,
    pub sessions: Sessions,
    pub throttle: Throttle,
    pub acknowledged: Taken,
    pub heard: Heard,
    pub password_checks: Semaphore,
    pub sockets: Arc<Semaphore>,
    pub exports: Arc<Semaphore>,
    pub shared_frames: SharedFrames,
    pub zones_cache: ZonesCache,
    pub metrics: Metrics,
    pub stop: CancellationToken,
}

impl App {
    fn new(parts: Parts, stop: CancellationToken) -> Result<Self, ServeError> {
        let metrics = Metrics::register(&parts.metrics)?;
        Ok(Self {
            parts,
            view: Arc::new(View::new()),
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            acknowledged: Taken::default(),
            heard: Heard::default(),
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            sockets: Arc::new(Semaphore::new(SOCKETS_MAX)),
            exports: Arc::new(Semaphore::new(1)),
            shared_frames: SharedFrames::default(),
            zones_cache: ZonesCache::default(),
            metrics,
            stop,
        })
    }

    /// The view, once it holds everything that was in the log at the start.
    pub async fn view(&self) -> Result<&View, Problem> {
        let mut caught_up = self.view.caught_up();
        match tokio::time::timeout(CATCH_UP_MAX, caught_up.wait_for(|caught_up| *caught_up)).await {
            Ok(Ok(_)) => Ok(&self.view),
            _ => Err(Problem::unavailable("the view is still being built from the alert log; ask again in a moment")
                .because(Code::StartingUp, [])),
        }
    }

    /// The registry as it stands.
    pub fn registry_view(&self) -> Arc<registry::View> {
        Arc::clone(&self.parts.registry.view().borrow())
    }

    /// The instant.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

/// Runs what blocks (disk, hashes, large texts) where it may block.
pub(crate) async fn blocking<T, E>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => Err(Problem::internal(doing, error)),
    }
}

/// Serves the API and the console on `listener` until `stop`; then lets requests in flight finish, and ends.
pub async fn serve(listener: TcpListener, mut parts: Parts, stop: CancellationToken) -> Result<(), ServeError> {
    let alert_log = parts.alert_log.clone();
    let others = std::mem::take(&mut parts.others);
    let modem = parts.sms_back.modem.take();
    seed_positions(&parts).await;
    let certificate = parts.certificate.clone();
    let app = Arc::new(App::new(parts, stop.child_token())?);
    let folding = tokio::spawn(view::follow(Arc::clone(&app.view), alert_log, app.stop.clone()));
    let beating = tokio::spawn(live::beat(app.parts.live.clone(), app.stop.clone()));
    let hearing = tokio::spawn(sms_replies::listen(Arc::clone(&app), modem));
    let service = crate::router::router(Arc::clone(&app), others).into_make_service_with_connect_info::<Peer>();
    let stopping = app.stop.clone();
    let serving =
        axum::serve(Bounded::new(listener, certificate), service).with_graceful_shutdown(stopping.cancelled_owned());
    let overdue = async {
        app.stop.cancelled().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    let served = tokio::select! {
        served = serving.into_future() => served,
        () = overdue => {
            tracing::warn!(seconds = DRAIN_MAX.as_secs(), "HTTP requests did not finish in time and are cut off");
            Ok(())
        }
    };
    app.stop.cancel();
    if let Err(error) = folding.await {
        tracing::error!(%error, "the view's task did not end well");
    }
    if let Err(error) = beating.await {
        tracing::error!(%error, "the task that has live pages told of moves did not end well");
    }
    if let Err(error) = hearing.await {
        tracing::error!(%error, "the task that takes a modem's replies did not end well");
    }
    Ok(served?)
}

/// After a restart the map shows where things were last, with their true age, instead of nothing.
async fn seed_positions(parts: &Parts) {
    let history = parts.history.clone();
    match tokio::task::spawn_blocking(move || history.last_positions()).await {
        Ok(Ok(positions)) => parts.live.seed(&positions),
        Ok(Err(error)) => tracing::warn!(%error, "last positions cannot be read; the map fills as devices report"),
        Err(error) => tracing::warn!(%error, "last positions were not read; the map fills as devices report"),
    }
}
