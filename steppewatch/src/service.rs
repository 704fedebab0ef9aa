//! Wires the service, in the order in which the data flows, and ends it the way the data moves.
//!
//! In: a [`Config`]. Out: a running platform that says once that it is ready, until `stop`.

use crate::config::Config;
use crate::journal_metrics::JournalMetrics;
use crate::upkeep;
use alerts::deliver::{self, DeliverParts};
use alerts::{Store, WorkerParts};
use anyhow::{Context, Result};
use dashboards::{Parts, live::Live};
use detect::{Settings, World, closure};
use history::History;
use history::influx::{InfluxMetrics, InfluxSink};
use ingest::decode::stage::{self, StageMetrics};
use ingest::gate::{Gate, GateConfig};
use ingest::protocol::modbus::{self, ModbusMetrics};
use ingest::second_hand;
use journal::Journal;
use journal::alert_log::AlertLog;
use journal::command_log::CommandLog;
use journal::dead_letters::DeadLetters;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Clock, Offset, Readings};
use registry::{Registry, View};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Decoded runs that may wait for a stage; each holds up to a thousand entries. When it is full decode stops reading, and
/// the journal keeps what comes.
const RUNS_WAITING: usize = 8;
/// So much of the journal's end is read at a start to know where everything was: an hour of a banner's fleet at rest.
const REMEMBERED: u64 = 20_000;

/// Where a running service really listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Console and API.
    pub http: SocketAddr,
    /// Devices.
    pub mqtt: SocketAddr,
}

/// Opens the registry of a data folder.
pub fn open_registry(data: &Path) -> Result<Registry> {
    std::fs::create_dir_all(data).with_context(|| {
        format!("`data` names {}, which cannot be made; name a folder that may be written", data.display())
    })?;
    Ok(Registry::open(&data.join("registry.db"), Clock::system())?)
}

/// Runs the platform; `ready` hears once where it listens.
pub async fn run(config: Config, ready: impl FnOnce(Addresses), stop: CancellationToken) -> Result<()> {
    let clock = Clock::system();
    let registry = open_registry(&config.data)?;
    announce_admin(&registry).await?;
    let metrics = prometheus::Registry::new();
    let in_data = |name: &str| config.data.join(name);

    // What is on disk.
    let mut consumers = vec!["detect", "history"];
    consumers.extend(config.influx.as_ref().map(|_| "influx"));
    let options = SqliteOptions { max_bytes: config.journal_max_bytes, retention: config.journal_retention, consumers };
    let journal = SqliteJournal::open(&in_data("journal.db"), options)?;
    let dyn_journal: Arc<dyn Journal> = journal.clone();
    let dead_letters = DeadLetters::open(&in_data("dead-letters.db"))?;
    let history = History::open(&in_data("history"), config.history_retention, clock.clone())?;
    let alert_log = AlertLog::open(&in_data("alerts.db"))?;
    let store = Store::open(&in_data("alerts.db"), alert_log.clone(), config.tenant.clone())?;
    let commands = CommandLog::open(&in_data("commands.db"))?;
    let live = Live::new();
    remember(&dyn_journal, &live).await?;

    // Listeners are bound before anything runs, so that a port in use stops the start and not the service.
    let ingest_metrics = ingest::metrics::Metrics::register(&metrics)?;
    let gate_config = GateConfig::new(config.mqtt, config.tenant.clone());
    let gate = Gate::bind(gate_config, dyn_journal.clone(), registry.clone(), clock.clone(), ingest_metrics).await?;
    let console = TcpListener::bind(config.http).await.with_context(|| {
        format!("`http.listen` is {}, which cannot be bound; choose another port or end what holds it", config.http)
    })?;
    let addresses = Addresses { http: console.local_addr()?, mqtt: gate.local_addr() };

    let mut stages: JoinSet<Result<()>> = JoinSet::new();
    // The first stages hear `stop`; each later one ends when its queue is closed and empty.
    stages.spawn(named("mqtt gate", gate.run(stop.clone())));
    stages.spawn(named("clock", second_hand::run(dyn_journal.clone(), clock.clone(), stop.clone())));
    if !config.modbus.is_empty() {
        let modbus_metrics = ModbusMetrics::register(&metrics)?;
        let polling =
            modbus::run(config.modbus.clone(), dyn_journal.clone(), clock.clone(), modbus_metrics, stop.clone());
        stages.spawn(named("modbus", polling));
    }

    let from = alerts::start_offset(&store)?.min(history.cursor());
    let (decoded_tx, decoded) = mpsc::channel(RUNS_WAITING);
    let decoding = stage::run(
        dyn_journal.clone(),
        from,
        dead_letters.clone(),
        decoded_tx,
        StageMetrics::register(&metrics)?,
        stop.clone(),
    );
    stages.spawn(named("decode", decoding));
    let (detect_tx, to_detect) = mpsc::channel(RUNS_WAITING);
    let (history_tx, to_history) = mpsc::channel(RUNS_WAITING);
    stages.spawn(hand_out(decoded, detect_tx, history_tx, live.clone()));
    stages.spawn(named("history", keep_history(history.clone(), to_history)));
    if let Some(influx) = &config.influx {
        let sink = InfluxSink::new(influx, InfluxMetrics::register(&metrics)?)?;
        stages.spawn(named("influxdb", upkeep::copy_to_influx(dyn_journal.clone(), sink, stop.clone())));
    }

    let alert_metrics = alerts::Metrics::new(&metrics)?;
    let shown = live.clone();
    let worker = WorkerParts {
        store: store.clone(),
        commands: commands.clone(),
        view: registry.view(),
        settings: Settings::default(),
        clock: clock.clone(),
        metrics: alert_metrics.clone(),
        herds: Box::new(move |herds| shown.herds(herds)),
    };
    stages.spawn(named("detection", alerts::run(worker, to_detect)));
    let delivery = DeliverParts {
        store: store.clone(),
        view: registry.view(),
        allowed: config.webhook_networks.clone(),
        clock: clock.clone(),
        metrics: alert_metrics,
    };
    stages.spawn(named("delivery", deliver::run(delivery, stop.clone())));

    let serving = Arc::new(AtomicBool::new(true));
    let is_serving = Arc::clone(&serving);
    let (closure_at, zones_at) = law(&registry)?;
    let parts = Parts {
        tenant: config.tenant.clone(),
        registry: registry.clone(),
        alert_log,
        command_log: commands,
        dead_letters,
        history: history.clone(),
        live,
        metrics: metrics.clone(),
        clock: clock.clone(),
        closure_at,
        zones_at,
        ready: Arc::new(move || {
            if is_serving.load(Ordering::Relaxed) { Ok(()) } else { Err("the service is stopping".into()) }
        }),
        secure_cookie: false,
    };
    stages.spawn(named("console", dashboards::serve(console, parts, stop.clone())));
    stages.spawn(upkeep::run(
        journal.clone(),
        registry,
        store,
        history,
        JournalMetrics::register(&metrics)?,
        stop.clone(),
    ));

    ready(addresses);
    let outcome = until_the_end(stages, &stop, &serving).await;
    tokio::task::spawn_blocking(move || journal.close()).await?;
    outcome
}

/// Waits for all stages; the first that fails ends the rest.
async fn until_the_end(mut stages: JoinSet<Result<()>>, stop: &CancellationToken, serving: &AtomicBool) -> Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = stages.join_next().await {
        serving.store(false, Ordering::Relaxed);
        let ended = ended.unwrap_or_else(|panic| Err(anyhow::anyhow!("a stage panicked: {panic}")));
        if let Err(error) = ended
            && outcome.is_ok()
        {
            tracing::error!(error = format!("{error:#}"), "stopping");
            outcome = Err(error);
        }
        // A stage that ends although nobody asked it to has failed, whatever it says.
        if !stop.is_cancelled() && outcome.is_ok() {
            outcome = Err(anyhow::anyhow!("a stage ended by itself; the log says which came last"));
        }
        stop.cancel();
    }
    outcome
}

async fn named<E: Into<anyhow::Error>>(name: &'static str, stage: impl Future<Output = Result<(), E>>) -> Result<()> {
    let ended = stage.await.map_err(Into::into).context(name);
    tracing::debug!(stage = name, "ended");
    ended
}

/// One decode, three readers: detection and history each at its own pace, the live view as it comes.
async fn hand_out(
    mut decoded: mpsc::Receiver<Arc<Readings>>,
    detect: mpsc::Sender<Arc<Readings>>,
    history: mpsc::Sender<Arc<Readings>>,
    live: Live,
) -> Result<()> {
    while let Some(run) = decoded.recv().await {
        live.observe(&run.readings);
        // A closed queue means that its stage failed, and that stage says why.
        if history.send(Arc::clone(&run)).await.is_err() || detect.send(run).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn keep_history(history: History, mut runs: mpsc::Receiver<Arc<Readings>>) -> Result<()> {
    while let Some(run) = runs.recv().await {
        if run.up_to > history.cursor() {
            let history = history.clone();
            tokio::task::spawn_blocking(move || history.append(&run.readings, run.up_to)).await??;
        }
    }
    Ok(())
}

/// Where everything was, from the journal's end: a restart must not show a fleet that was never seen.
async fn remember(journal: &Arc<dyn Journal>, live: &Live) -> Result<()> {
    let head = *journal.head().borrow();
    let mut after = Offset(head.0.saturating_sub(REMEMBERED));
    while after < head {
        let entries = journal.read(after, stage::BATCH_ENTRIES).await?;
        let Some(last) = entries.last() else { break };
        after = last.offset;
        let readings: Vec<_> = entries.iter().filter_map(|entry| ingest::decode::decode(entry).ok()).collect();
        live.observe(&readings);
    }
    Ok(())
}

/// The first administrator: by the environment, or made up and shown once.
async fn announce_admin(registry: &Registry) -> Result<()> {
    let registry = registry.clone();
    let made = tokio::task::spawn_blocking(move || {
        registry.ensure_admin(std::env::var("STEPPEWATCH_ADMIN_PASSWORD").ok().as_deref())
    });
    if let Some(password) = made.await?? {
        eprintln!(
            "first administrator: user `admin`, password `{password}` (shown this once; change it in the console)"
        );
    }
    Ok(())
}

type Law = (dashboards::ClosureAt, dashboards::ZonesAt);

/// The closures and the geofence for the API; indexed anew when the registry changed.
fn law(registry: &Registry) -> Result<Law> {
    let view = registry.view();
    let rules = view.clone();
    let closure_at = move |zone: &model::Zone, at| closure::closure_at(&rules.borrow().rules, zone.kind, at);
    let indexed: Mutex<Option<(u64, Arc<World>)>> = Mutex::new(None);
    let world = move || {
        let view: Arc<View> = view.borrow().clone();
        let mut indexed = indexed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*indexed {
            Some((version, world)) if *version == view.version => Arc::clone(world),
            _ => {
                let world = World::new(Default::default(), view.zones.clone(), view.rules.clone());
                let world = Arc::new(world.unwrap_or_else(|_| World::without_zones(Default::default(), Vec::new())));
                *indexed = Some((view.version, Arc::clone(&world)));
                world
            }
        }
    };
    let zones_at = move |position| world().zones_at(position).iter().map(|zone| zone.id.clone()).collect();
    Ok((Arc::new(closure_at), Arc::new(zones_at)))
}
