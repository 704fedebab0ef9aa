//! Hands readings to detection and its findings to the store: one owner of the tenant's state, in journal order.
//!
//! In: decoded runs of the journal, operators' commands, new versions of the registry. Out: alerts in the store, and the
//! herds as the map shows them. On a start it goes on from the last checkpoint; what it judges again changes nothing.

use crate::metrics::Metrics;
use crate::store::{Known, Store, StoreError};
use detect::{Engine, Settings, World};
use journal::command_log::CommandLog;
use model::{
    Action, Clock, Finding, HerdView, IncidentId, Offset, Outcome, Readings, SeenArea, StationView, What, ZoneLoad,
};
use registry::{Registry, View};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use terrain::Terrain;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// Detection's state is kept this often; after a crash so much of the journal is judged again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// The map is told so often where the herds are. At each of the hundreds of runs a second it cost more than judging them did; the
/// second hand in the journal brings a run soon after the last.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Runs of the journal judged in one go: all that waits, so that a burst costs one transaction and not one each.
const RUNS_AT_ONCE: usize = 16;
/// Commands carried out in one go.
const COMMANDS_AT_ONCE: usize = 100;

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command log.
    #[error(transparent)]
    Commands(#[from] journal::JournalError),
    /// A step of ours panicked; the state is lost with it.
    #[error("detection stopped: {0}")]
    Panicked(String),
}

/// What the worker works with.
pub struct WorkerParts {
    /// Where alerts go.
    pub store: Store,
    /// What operators did.
    pub commands: CommandLog,
    /// Where masks are proposed after a false alarm, and a longer rest period when the grass is late.
    pub registry: Registry,
    /// The registry's current version.
    pub view: watch::Receiver<Arc<View>>,
    /// The relief of the land.
    pub terrain: Arc<Terrain>,
    /// Rules of evidence.
    pub settings: Settings,
    /// For the time of writing, never for judging.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Where the journal ended at the start: an earlier run may have judged up to here, and told of it.
    pub backlog: Offset,
    /// Hears of the herds after each run.
    pub herds: Box<dyn Fn(Vec<HerdView>) + Send>,
    /// Hears what stands in balance zones, likewise.
    pub loads: Box<dyn Fn(Arc<Vec<ZoneLoad>>) + Send>,
    /// Hears how the stations are, likewise.
    pub stations: Box<dyn Fn(Arc<Vec<StationView>>) + Send>,
}

/// From where the journal has to be decoded for this worker.
pub fn start_offset(store: &Store) -> Result<Offset, StoreError> {
    Ok(store.checkpoint()?.map_or(Offset(0), |(offset, _)| offset))
}

/// Runs until `readings` is closed and empty; then keeps the state and ends.
pub async fn run(parts: WorkerParts, mut readings: mpsc::Receiver<Arc<Readings>>) -> Result<(), WorkerError> {
    let mut commands = parts.commands.head();
    let mut view = parts.view.clone();
    let mut keeping = tokio::time::interval(CHECKPOINT_EVERY);
    keeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut worker = blocking(move || Worker::start(parts)).await??;
    let mut runs = Vec::new();
    loop {
        worker = tokio::select! {
            taken = readings.recv_many(&mut runs, RUNS_AT_ONCE) => {
                if taken == 0 {
                    break;
                }
                let runs = std::mem::take(&mut runs);
                blocking(move || worker.take(&runs).map(|()| worker)).await??
            }
            // Both senders live as long as the program; a closed one only means that it is stopping.
            Ok(()) = commands.changed() => blocking(move || worker.obey().map(|()| worker)).await??,
            _ = keeping.tick() => blocking(move || worker.keep().map(|()| worker)).await??,
            Ok(()) = view.changed() => blocking(move || worker.renew().map(|()| worker)).await??,
        };
    }
    blocking(move || worker.checkpoint(&[])).await??;
    Ok(())
}

async fn blocking<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> Result<T, WorkerError> {
    tokio::task::spawn_blocking(step).await.map_err(|error| WorkerError::Panicked(error.to_string()))
}

struct Worker {
    parts: WorkerParts,
    engine: Engine,
    judged: Offset,
    command: u64,
    kept_at: Instant,
    shown_at: Instant,
    /// How far the state on disk reaches.
    kept: Offset,
    /// Whether the cases of an earlier run that detection does not know were closed; once, as soon as the backlog is judged.
    reconciled: bool,
}

impl Worker {
    fn start(mut parts: WorkerParts) -> Result<Self, WorkerError> {
        let world = world_of(&parts.view.borrow_and_update().clone(), None, &parts.terrain);
        let fresh = |world| Engine::new(parts.settings.clone(), world);
        let (judged, engine) = match parts.store.checkpoint()? {
            None => (Offset(0), fresh(world)),
            Some((offset, state)) => match Engine::restore(parts.settings.clone(), Arc::clone(&world), &state) {
                Ok(engine) => (offset, engine),
                Err(error) => {
                    // Going on from the cursor without the state would lose cases that are going on only until their
                    // herds are seen again; judging years of journal anew would keep everyone waiting.
                    tracing::warn!(%error, offset = offset.0, "detection starts with an empty state");
                    (offset, fresh(world))
                }
            },
        };
        let command = parts.store.command_cursor()?;
        let now = Instant::now();
        let mut worker =
            Self { parts, engine, judged, command, kept_at: now, shown_at: now, kept: judged, reconciled: false };
        worker.obey()?;
        // The registry may have changed while we were away: whoever stands in the zones is judged by what holds now.
        let world = Arc::clone(worker.engine.world());
        let findings = worker.engine.set_world(world, worker.judged);
        worker.checkpoint(&findings)?;
        Ok(worker)
    }

    fn take(&mut self, runs: &[Arc<Readings>]) -> Result<(), WorkerError> {
        let started = Instant::now();
        let mut findings = Vec::new();
        for run in runs {
            for reading in run.readings.iter().filter(|reading| reading.offset > self.judged) {
                findings.extend(self.engine.observe(reading));
            }
            self.judged = self.judged.max(run.up_to);
        }
        let readings: usize = runs.iter().map(|run| run.readings.len()).sum();
        if readings > 0 {
            self.parts.metrics.detection_seconds.observe(started.elapsed().as_secs_f64() / readings as f64);
        }
        self.parts.metrics.set_aside(&self.engine.take_asides());
        self.propose_longer_rest();
        self.reconcile(&mut findings);
        if self.kept_at.elapsed() >= CHECKPOINT_EVERY {
            self.checkpoint(&findings)?;
        } else if !findings.is_empty() {
            self.raise(&findings, None)?;
        }
        self.show_cursor();
        if self.shown_at.elapsed() >= SHOW_EVERY {
            self.show();
        }
        Ok(())
    }

    /// Once the backlog is judged: a case that the store takes for going on and detection does not know is over.
    /// That happens when the state was lost, or judged anew by another zone map. Not before: after a crash the store knows
    /// the cases that were opened since the last checkpoint, and detection finds them again only further on in the backlog,
    /// however new that is.
    fn reconcile(&mut self, findings: &mut Vec<Finding>) {
        if self.reconciled || self.judged < self.parts.backlog {
            return;
        }
        self.reconciled = true;
        let known: BTreeSet<_> = self.engine.open_cases().map(|case| case.id.clone()).collect();
        match self.parts.store.going_on() {
            Ok(cases) => findings.extend(cases.into_iter().filter(|case| !known.contains(&case.id)).map(|case| {
                let ended_at = Some(case.last_seen);
                Finding { offset: self.judged, what: What::Ended(model::Case { ended_at, ..case }) }
            })),
            Err(error) => {
                tracing::error!(%error, "cases that are over cannot be closed; they stay open in the console")
            }
        }
    }

    fn renew(&mut self) -> Result<(), WorkerError> {
        let view = Arc::clone(&self.parts.view.borrow_and_update());
        let world = world_of(&view, Some(self.engine.world()), &self.parts.terrain);
        let findings = self.engine.set_world(world, self.judged);
        // Kept at once, so that a replay never runs over a change of the registry.
        self.checkpoint(&findings)?;
        self.show();
        Ok(())
    }

    fn obey(&mut self) -> Result<(), WorkerError> {
        loop {
            let commands = self.parts.commands.read(self.command, COMMANDS_AT_ONCE)?;
            if commands.is_empty() {
                return Ok(());
            }
            let view = Arc::clone(&self.parts.view.borrow());
            for (seq, command) in commands {
                // Before the command counts as carried out: after a crash it is proposed again, which changes nothing.
                if let (Action::Resolve { outcome: Outcome::FalsePositive }, Some(id)) =
                    (&command.action, &command.incident)
                {
                    self.propose_masks(&view, id, &command.by)?;
                }
                self.parts.store.command(seq, &command, Known::from(&*view), self.parts.clock.now())?;
                self.command = seq;
            }
        }
    }

    /// Before what was judged counts as judged: after a crash it is proposed again, which changes nothing. A proposal that fails is told, and
    /// made again on the next day on which the grass is late.
    fn propose_longer_rest(&mut self) {
        let Some(late) = self.engine.take_late_green_up() else { return };
        let view = Arc::clone(&self.parts.view.borrow());
        let settings = &self.parts.settings.stations.green_up;
        match crate::green_up::propose(&self.parts.registry, &view, &late, settings) {
            Ok(None) => {}
            Ok(Some(proposal)) => {
                tracing::warn!(id = proposal.id, rule = late.rule, "a longer rest period is proposed")
            }
            Err(error) => tracing::error!(%error, rule = late.rule, "a longer rest period cannot be proposed"),
        }
    }

    /// What a false alarm was made of may score as an animal again tomorrow. A proposal that fails is told and not repeated: the
    /// next false alarm there makes it again.
    fn propose_masks(&self, view: &View, id: &IncidentId, by: &str) -> Result<(), WorkerError> {
        let Some(incident) = self.parts.store.incident(id)? else { return Ok(()) };
        let area = |seen: &SeenArea| {
            let area = detect::masks::area(view.device(&seen.device)?, seen.bounding_box, seen.head)?;
            Some((seen.device.clone(), area, seen.times))
        };
        let areas: Vec<_> = incident.case.exhibits.areas.iter().filter_map(area).collect();
        match self.parts.registry.propose_masks(id, &areas, by) {
            Ok(masks) if masks.is_empty() => {}
            Ok(masks) => tracing::info!(incident = %id, masks = masks.len(), "a false alarm proposes masks"),
            Err(error) => tracing::error!(%error, incident = %id, "masks cannot be proposed"),
        }
        Ok(())
    }

    /// Also when nothing comes: a full journal brings nothing more until it hears how far it was read.
    fn keep(&mut self) -> Result<(), WorkerError> {
        if self.judged > self.kept { self.checkpoint(&[]) } else { Ok(()) }
    }

    fn checkpoint(&mut self, findings: &[Finding]) -> Result<(), WorkerError> {
        let state = self.engine.save();
        self.raise(findings, Some(&state))?;
        self.kept_at = Instant::now();
        self.kept = self.judged;
        Ok(())
    }

    fn raise(&self, findings: &[Finding], state: Option<&[u8]>) -> Result<(), WorkerError> {
        let now = self.parts.clock.now();
        let view = Arc::clone(&self.parts.view.borrow());
        let checkpoint = state.map(|state| (self.judged, state));
        for alert in self.parts.store.raise(findings, checkpoint, Known::from(&*view), now)? {
            let metrics = &self.parts.metrics;
            metrics.alerts.with_label_values(&[alert.kind.as_str()]).inc();
            if alert.kind == model::AlertKind::IncidentOpened {
                metrics.receipt_to_alert_seconds.observe(now.since(alert.at).as_secs_f64());
            }
            tracing::info!(id = alert.id, kind = alert.kind.as_str(), severity = alert.severity.as_str(), "alert");
        }
        self.show_cursor();
        Ok(())
    }

    fn show_cursor(&self) {
        self.parts.metrics.detect_cursor.set(i64::try_from(self.judged.0).unwrap_or(i64::MAX));
    }

    fn show(&mut self) {
        self.shown_at = Instant::now();
        let herds = self.engine.herds();
        self.parts.metrics.herds.set(i64::try_from(herds.len()).unwrap_or(i64::MAX));
        let cases = self.engine.open_cases().count();
        self.parts.metrics.incidents_going_on.set(i64::try_from(cases).unwrap_or(i64::MAX));
        (self.parts.herds)(herds);
        (self.parts.loads)(Arc::clone(self.engine.loads()));
        (self.parts.stations)(Arc::clone(self.engine.stations()));
    }
}

/// Zones that cannot be indexed are refused at import; should one come through, the rest must still be watched.
pub(crate) fn world_of(view: &View, before: Option<&Arc<World>>, terrain: &Arc<Terrain>) -> Arc<World> {
    let build = |zones| match before {
        Some(before) => before.next(view.devices.clone(), zones, view.calendar.clone()),
        None => World::new(view.devices.clone(), zones, view.calendar.clone()),
    };
    let world = match build(view.zones.clone()) {
        Ok(mut world) => {
            if let Err(error) = world.set_past(&view.recent) {
                tracing::error!(%error, "the land of the last weeks cannot be indexed; what comes late is judged by that of now");
            }
            world
        }
        Err(error) => {
            tracing::error!(%error, "zones cannot be indexed; NO ZONE IS WATCHED until they are mended");
            World::without_zones(view.devices.clone(), view.calendar.clone())
        }
    };
    Arc::new(world.with_terrain(Arc::clone(terrain)).with_masks(&view.masks).with_maintenance(&view.maintenance))
}
