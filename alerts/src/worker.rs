//! Hands readings to detection and its findings to the store: one owner of the tenant's state, in journal order.
//!
//! In: decoded runs of the journal, operators' commands, new versions of the registry. Out: alerts in the store, and the
//! herds as the map shows them. On a start it goes on from the last state that was kept; what it judges again changes nothing.

use crate::metrics::Metrics;
use crate::states::States;
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
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

/// Detection's state is kept this often, beside the work; after a crash so much of the journal is judged again.
const KEEP_EVERY: Duration = Duration::from_secs(10);
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
    /// Where detection's state is kept.
    pub states: States,
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

/// Runs until `readings` is closed and empty; then keeps the state and ends.
pub async fn run(parts: WorkerParts, mut readings: mpsc::Receiver<Arc<Readings>>) -> Result<(), WorkerError> {
    let mut commands = parts.commands.head();
    let mut view = parts.view.clone();
    let mut keeping = tokio::time::interval(KEEP_EVERY);
    keeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let states = parts.states.clone();
    let mut worker = blocking(move || Worker::start(parts)).await??;
    let mut runs = Vec::new();
    // One state at most is on its way to the disk.
    let mut writing = JoinSet::new();
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
            // Also when nothing comes: a full journal brings nothing more until it hears how far it was read.
            _ = keeping.tick(), if writing.is_empty() && worker.is_ahead() => {
                let (worker, state) = blocking(move || worker.state()).await?;
                let (states, judged) = (states.clone(), worker.judged);
                writing.spawn_blocking(move || states.keep(judged, &state).map(|()| judged));
                worker
            }
            Some(written) = writing.join_next() => worker.was_kept(written.map_err(panicked)??),
            Ok(()) = view.changed() => {
                written(&mut writing).await?;
                blocking(move || worker.renew().map(|()| worker)).await??
            }
        };
    }
    written(&mut writing).await?;
    blocking(move || worker.keep()).await?
}

/// Waits for the state that is on its way to the disk, so that it cannot overtake the one that is written next.
async fn written(writing: &mut JoinSet<Result<Offset, StoreError>>) -> Result<(), WorkerError> {
    while let Some(written) = writing.join_next().await {
        written.map_err(panicked)??;
    }
    Ok(())
}

fn panicked(error: JoinError) -> WorkerError {
    WorkerError::Panicked(error.to_string())
}

async fn blocking<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> Result<T, WorkerError> {
    tokio::task::spawn_blocking(step).await.map_err(panicked)
}

struct Worker {
    parts: WorkerParts,
    engine: Engine,
    judged: Offset,
    command: u64,
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
        let judged = parts.states.offset()?.unwrap_or_default();
        let engine = match parts.states.state()? {
            None => fresh(world),
            Some(state) => match Engine::restore(parts.settings.clone(), Arc::clone(&world), &state) {
                Ok(engine) => engine,
                Err(error) => {
                    // Going on from the cursor without the state would lose cases that are going on only until their
                    // herds are seen again; judging years of journal anew would keep everyone waiting.
                    tracing::warn!(%error, offset = judged.0, "detection starts with an empty state");
                    fresh(world)
                }
            },
        };
        let (command, shown_at) = (parts.store.command_cursor()?, Instant::now());
        let mut worker = Self { parts, engine, judged, command, shown_at, kept: judged, reconciled: false };
        worker.obey()?;
        // The registry may have changed while we were away: whoever stands in the zones is judged by what holds now.
        let world = Arc::clone(worker.engine.world());
        let findings = worker.engine.set_world(world, worker.judged);
        worker.raise(&findings)?;
        worker.keep()?;
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
        self.raise(&findings)?;
        if self.shown_at.elapsed() >= SHOW_EVERY {
            self.show();
        }
        Ok(())
    }

    /// Once the backlog is judged: a case that the store takes for going on and detection does not know is over.
    /// That happens when the state was lost, or judged anew by another zone map. Not before: after a crash the store knows
    /// the cases that were opened since the state was kept, and detection finds them again only further on in the backlog,
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
        self.raise(&findings)?;
        // At once, so that a replay never runs over a change of the registry.
        self.keep()?;
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

    /// Whether something was judged since the state was kept.
    fn is_ahead(&self) -> bool {
        self.judged > self.kept
    }

    /// The state as bytes; everything found up to here is raised.
    fn state(self) -> (Self, Vec<u8>) {
        let state = self.engine.save();
        (self, state)
    }

    fn was_kept(self, up_to: Offset) -> Self {
        Self { kept: up_to, ..self }
    }

    /// Keeps the state before anything else is judged.
    fn keep(&mut self) -> Result<(), WorkerError> {
        self.parts.states.keep(self.judged, &self.engine.save())?;
        self.kept = self.judged;
        Ok(())
    }

    fn raise(&self, findings: &[Finding]) -> Result<(), WorkerError> {
        self.show_cursor();
        if findings.is_empty() {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let view = Arc::clone(&self.parts.view.borrow());
        for alert in self.parts.store.raise(findings, Known::from(&*view), now)? {
            let metrics = &self.parts.metrics;
            metrics.alerts.with_label_values(&[alert.kind.as_str()]).inc();
            if alert.kind == model::AlertKind::IncidentOpened {
                metrics.receipt_to_alert_seconds.observe(now.since(alert.at).as_secs_f64());
            }
            tracing::info!(id = alert.id, kind = alert.kind.as_str(), severity = alert.severity.as_str(), "alert");
        }
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
