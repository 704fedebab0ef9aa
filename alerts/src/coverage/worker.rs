//! Hands readings to `detect::coverage` and keeps what comes of it: one owner, in journal order, off everybody's way.
//!
//! In: decoded runs as they are handed out, flaws from the alert log, versions of the registry.   Out: `coverage.db`, and alerts about
//! blind zones.   Never: makes whoever hands out wait; a run that found the queue full is read again from the journal.

use super::metrics::Metrics;
use super::store::{At, CoverageStore, CoverageStoreError, Keep};
use crate::store::{Store, StoreError};

use detect::World;
use detect::coverage::{Coverage, Settings};
use futures_util::future::BoxFuture;
use journal::JournalError;
use journal::alert_log::RecordBody;
use model::{AlertKind, Clock, Finding, Matter, Notice, Offset, Readings, Timestamp};
use registry::View;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use terrain::Terrain;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// After a crash so much of the journal is read again.
const KEEP_EVERY: Duration = Duration::from_secs(120);
/// Old days and patrols are let go this often.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);
/// The gauges are no more exact than this.
const SHOW_EVERY: Duration = Duration::from_secs(10);
/// Entries of the alert log that are read in one go.
const ALERTS_AT_ONCE: usize = 1_000;

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] CoverageStoreError),
    /// The alerts' disk.
    #[error(transparent)]
    Alerts(#[from] StoreError),
    /// A log.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// A step of ours panicked; what was kept is whole.
    #[error("watching the land stopped: {0}")]
    Panicked(String),
}

/// A run and what was handed out before it, whether or not there was room for it.
#[derive(Debug, Clone)]
pub struct Handed {
    /// The last entry of the run before.
    pub after: Offset,
    /// The run.
    pub run: Arc<Readings>,
}

/// Reads the next run after an entry from the journal once more, decoded; it is empty only at the journal's end.
pub type Missed = Box<dyn Fn(Offset) -> BoxFuture<'static, Result<Readings, JournalError>> + Send + Sync>;

/// What the worker works with.
pub struct WatchParts {
    /// Where it is kept.
    pub store: CoverageStore,
    /// Where blind zones are told.
    pub alerts: Store,
    /// The registry's current version.
    pub view: watch::Receiver<Arc<View>>,
    /// The relief of the land.
    pub terrain: Arc<Terrain>,
    /// The numbers.
    pub settings: Settings,
    /// How long days and patrols are kept.
    pub retention: Duration,
    /// For the time of writing, never for judging.
    pub clock: Clock,
    /// Gauges.
    pub metrics: Metrics,
    /// What found no room.
    pub missed: Missed,
    /// Where a new store begins: nobody waits for years of journal to be read again.
    pub from: Offset,
    /// Shared with the reader.
    pub shared: Shared,
}

/// What is known, for the worker and the reader; nothing until the worker has laid out the land.
#[derive(Clone, Default)]
pub struct Shared(Arc<(Mutex<Option<Known>>, Condvar)>);

/// Laying out a banner takes half a second; who asks right after a start waits for it at most so long.
const LAID_OUT_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Known {
    pub(super) coverage: Coverage,
    pub(super) began: Timestamp,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same once the land is laid out, or after a while whether or not it is.
    pub(super) fn laid_out(&self) -> MutexGuard<'_, Option<Known>> {
        let waited = self.0.1.wait_timeout_while(self.lock(), LAID_OUT_WITHIN, |known| known.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lay_out(&self, known: Known) {
        *self.lock() = Some(known);
        self.0.1.notify_all();
    }
}

/// Runs until `runs` is closed and empty; then keeps what it knows and ends.
pub async fn run(parts: WatchParts, mut runs: mpsc::Receiver<Handed>) -> Result<(), WatchError> {
    let mut view = parts.view.clone();
    let mut alerts = parts.alerts.log().head();
    let mut keeping = tokio::time::interval(KEEP_EVERY);
    keeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut worker = blocking(move || Worker::start(parts)).await??;
    loop {
        worker = tokio::select! {
            handed = runs.recv() => match handed {
                Some(Handed { after, run }) => {
                    let mut worker = worker;
                    while worker.judged < after {
                        let missed = (worker.parts.missed)(worker.judged).await?;
                        if missed.up_to <= worker.judged {
                            break;
                        }
                        worker = blocking(move || worker.take(&missed).map(|()| worker)).await??;
                    }
                    blocking(move || worker.take(&run).map(|()| worker)).await??
                }
                None => break,
            },
            // The senders live as long as the program; a closed one only means that it is stopping.
            Ok(()) = view.changed() => blocking(move || { worker.renew(); worker }).await?,
            Ok(()) = alerts.changed() => blocking(move || worker.hear().map(|()| worker)).await??,
            _ = keeping.tick() => blocking(move || worker.keep().map(|()| worker)).await??,
        };
    }
    blocking(move || worker.keep()).await?
}

async fn blocking<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> Result<T, WatchError> {
    tokio::task::spawn_blocking(step).await.map_err(|error| WatchError::Panicked(error.to_string()))
}

struct Worker {
    parts: WatchParts,
    judged: Offset,
    alert_seq: u64,
    began: Timestamp,
    expired_at: Option<Instant>,
    shown_at: Option<Instant>,
}

impl Worker {
    fn start(mut parts: WatchParts) -> Result<Self, WatchError> {
        let world = world_of(&parts.view.borrow_and_update().clone(), &parts.terrain);
        let now = parts.clock.now();
        let (coverage, at) = match parts.store.load()? {
            None => {
                let at = At { offset: parts.from, alert_seq: 0, began: now, cell_m: 0.0 };
                (Coverage::new(parts.settings.clone(), &world), at)
            }
            Some(kept) => {
                let (coverage, outcome) =
                    Coverage::restore(parts.settings.clone(), &world, kept.at.cell_m, kept.cells, &kept.state);
                if let Err(error) = outcome {
                    tracing::warn!(%error, "what was watched is known; which patrols go on and what was told is not");
                }
                (coverage, kept.at)
            }
        };
        let (cells, cell_m) = (coverage.grid().len(), coverage.grid().lattice().cell_m());
        tracing::info!(cells, cell_m, "land is laid out");
        parts.shared.lay_out(Known { coverage, began: at.began });
        let mut worker = Self {
            parts,
            judged: at.offset,
            alert_seq: at.alert_seq,
            began: at.began,
            expired_at: None,
            shown_at: None,
        };
        worker.hear()?;
        // So that a cursor exists from the first moment on.
        worker.keep()?;
        Ok(worker)
    }

    fn with<T>(&self, step: impl FnOnce(&mut Coverage) -> T) -> Option<T> {
        self.parts.shared.lock().as_mut().map(|known| step(&mut known.coverage))
    }

    fn take(&mut self, run: &Readings) -> Result<(), WatchError> {
        let mut findings = Vec::new();
        for reading in run.readings.iter().filter(|reading| reading.offset > self.judged) {
            // Let go after each, so that no answer waits for more than one viewshed.
            findings.extend(self.with(|coverage| coverage.observe(reading)).unwrap_or_default());
        }
        self.judged = self.judged.max(run.up_to);
        self.parts.metrics.show_cursor(self.judged.0);
        self.raise(&findings)?;
        if self.with(|coverage| coverage.has_ended_patrols()).unwrap_or(false) {
            self.keep()?;
        }
        self.show();
        Ok(())
    }

    fn raise(&self, findings: &[Finding]) -> Result<(), WatchError> {
        if findings.is_empty() {
            return Ok(());
        }
        let view = Arc::clone(&self.parts.view.borrow());
        for alert in self.parts.alerts.raise(findings, crate::store::Known::from(&*view), self.parts.clock.now())? {
            tracing::info!(id = alert.id, kind = alert.kind.as_str(), severity = alert.severity.as_str(), "alert");
        }
        Ok(())
    }

    /// Flaws that detection found since.
    fn hear(&mut self) -> Result<(), WatchError> {
        loop {
            let records = self.parts.alerts.log().read(self.alert_seq, ALERTS_AT_ONCE)?;
            let Some(last) = records.last() else { return Ok(()) };
            self.alert_seq = last.seq;
            for record in records {
                let RecordBody::Alert(alert) = record.body else { continue };
                let is_so = alert.type_ == AlertKind::DeviceFaulty.as_str();
                let Some(notice) = alert.notice.filter(|_| is_so || alert.type_ == AlertKind::DeviceSound.as_str())
                else {
                    continue;
                };
                let Ok(Notice { matter: Matter::Flaw { flaw, .. }, devices, .. }) = Notice::try_from(&notice) else {
                    continue;
                };
                for device in devices {
                    self.with(|coverage| coverage.flawed(&device, flaw, is_so));
                }
            }
        }
    }

    fn renew(&mut self) {
        let view = Arc::clone(&self.parts.view.borrow_and_update());
        let same = self.with(|coverage| coverage.has_zones(&view.zones)).unwrap_or(false);
        if same {
            let world = World::without_zones(view.devices.clone(), view.calendar.clone());
            let world = world.with_terrain(Arc::clone(&self.parts.terrain)).with_maintenance(&view.maintenance);
            self.with(|coverage| coverage.set_devices(world));
        } else {
            // The index is made before anybody waits for the lock.
            let world = world_of(&view, &self.parts.terrain);
            self.with(|coverage| coverage.set_world(&world));
        }
        self.shown_at = None;
        self.show();
    }

    fn show(&mut self) {
        if self.shown_at.is_some_and(|at| at.elapsed() < SHOW_EVERY) {
            return;
        }
        self.shown_at = Some(Instant::now());
        let now = self.parts.clock.now();
        if let Some((watched, blind_mu)) = self.with(|coverage| Coverage::total(&coverage.zones(now, None))) {
            self.parts.metrics.show(watched, blind_mu);
        }
    }

    fn keep(&mut self) -> Result<(), WatchError> {
        let taken = self.with(|coverage| {
            let patrols = coverage.take_patrols();
            let cell_m = coverage.grid().lattice().cell_m();
            let state = coverage.save();
            let ledger = coverage.ledger_mut();
            (cell_m, state, ledger.take_changed(), ledger.take_days(), patrols)
        });
        let Some((cell_m, state, cells, days, patrols)) = taken else { return Ok(()) };
        let at = At { offset: self.judged, alert_seq: self.alert_seq, began: self.began, cell_m };
        self.parts.store.keep(&Keep { at, state: &state, cells: &cells, days: &days, patrols: &patrols })?;
        if self.expired_at.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY) {
            self.expired_at = Some(Instant::now());
            self.parts.store.expire(self.parts.clock.now().minus(self.parts.retention))?;
        }
        Ok(())
    }
}

/// Zones that cannot be indexed are refused at import, and told of by detection; here no land is watched then.
fn world_of(view: &View, terrain: &Arc<Terrain>) -> World {
    let world = World::new(view.devices.clone(), view.zones.clone(), view.calendar.clone())
        .unwrap_or_else(|_| World::without_zones(view.devices.clone(), view.calendar.clone()));
    world.with_terrain(Arc::clone(terrain)).with_maintenance(&view.maintenance)
}
