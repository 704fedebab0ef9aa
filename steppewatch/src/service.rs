//! Wires the service, in the order in which the data flows, and ends it the way the data moves.
//!
//! In: a [`Config`]. Out: a running platform that says once that it is ready, until `stop`.

use crate::announce;
use crate::certificate::{self, Expiry};
use crate::config::Config;
use crate::evidence::{EvidenceMetrics, EvidenceParts};
use crate::journal_metrics::JournalMetrics;
use crate::law::Law;
use crate::sms_incoming;
use crate::stages::{Behind, Stages};
use crate::stores::Stores;
use crate::supervisor::{self, Pulse};
use crate::upkeep;
use crate::watching::{self, Watched};
use alerts::WorkerParts;
use alerts::coverage::{self, Handed, Reader, ReaderParts, WatchParts};
use alerts::deliver::Sms;
use anyhow::{Context, Result};
use dashboards::{Certificate, Parts, Provider, SmsBack};
use history::influx::{InfluxMetrics, InfluxSink, RefusedLines};
use ingest::decode::stage::{self, StageMetrics};
use ingest::gate::{Gate, GateAddresses};
use ingest::http::{self, HttpParts};
use ingest::metrics::Metrics;
use ingest::protocol::gt06::Gt06;
use ingest::protocol::hj212::Hj212;
use ingest::protocol::mavlink::{Mavlink, MavlinkMetrics};
use ingest::protocol::modbus::{self, ModbusMetrics};
use ingest::protocol::sip::{Sip, SipMetrics};
use ingest::protocol::{DoorParts, LinkMetrics, isapi, onvif};
use ingest::second_hand;
use ingest::vision::VisionParts;
use journal::sqlite::Full;
use model::{Offset, Readings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Decoded runs that may wait for a stage; each holds up to a thousand entries. When it is full decode stops reading, and
/// the journal keeps what comes.
const RUNS_WAITING: usize = 8;
/// The same for history, which takes all that waits in one go. More, so that nobody waits for it while it writes.
const RUNS_FOR_HISTORY: usize = 64;
/// History is written so often at most. A transaction for each of hundreds of runs a second took most of the disk's syncs from the way of
/// an alert, and decode waited for it.
const HISTORY_EVERY: Duration = Duration::from_millis(25);
/// Where a running service really listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Console and API.
    pub http: SocketAddr,
    /// Devices.
    pub mqtt: GateAddresses,
    /// MAVLink vehicles, if configured; likewise cameras of GB/T 28181, stations of HJ 212, and trackers.
    pub mavlink: Option<SocketAddr>,
    pub sip: Option<SocketAddr>,
    pub hj212: Option<SocketAddr>,
    pub gt06: Option<SocketAddr>,
}

/// Listeners for devices that speak a language of their own; each is off unless configured.
struct Listeners {
    mavlink: Option<(Mavlink, MavlinkMetrics)>,
    sip: Option<Sip>,
    hj212: Option<Hj212>,
    gt06: Option<Gt06>,
}

impl Listeners {
    async fn bind(config: &Config, stores: &Stores, metrics: &Metrics) -> Result<Self> {
        let parts = || door_parts(stores, metrics);
        let sip_metrics = SipMetrics::register(&stores.metrics)?;
        let mut bound = Self { mavlink: None, sip: None, hj212: None, gt06: None };
        let mavlink_metrics = MavlinkMetrics::register(&stores.metrics)?;
        if let Some(config) = config.mavlink.clone() {
            bound.mavlink = Some((Mavlink::bind(config).await?, mavlink_metrics));
        }
        if let Some(config) = config.sip.clone() {
            bound.sip = Some(Sip::bind(config, parts(), sip_metrics).await?);
        }
        if let Some(config) = &config.hj212 {
            bound.hj212 = Some(Hj212::bind(config, parts()).await?);
        }
        if let Some(config) = &config.gt06 {
            bound.gt06 = Some(Gt06::bind(config, parts()).await?);
        }
        Ok(bound)
    }

    fn run(self, stages: &mut Stages, stores: &Stores, stop: &CancellationToken) {
        if let Some((mavlink, metrics)) = self.mavlink {
            let (view, clock) = (stores.registry.view(), stores.clock.clone());
            stages.spawn("mavlink", mavlink.run(stores.journal(), view, clock, metrics, stop.clone()));
        }
        if let Some(sip) = self.sip {
            stages.spawn("sip", sip.run(stop.clone()));
        }
        if let Some(hj212) = self.hj212 {
            stages.spawn("hj212", hj212.run(stop.clone()));
        }
        if let Some(gt06) = self.gt06 {
            stages.spawn("gt06", gt06.run(stop.clone()));
        }
    }
}

/// What listeners and links to devices of other languages work with.
fn door_parts(stores: &Stores, metrics: &Metrics) -> DoorParts {
    DoorParts {
        journal: stores.journal(),
        registry: stores.registry.clone(),
        clock: stores.clock.clone(),
        metrics: metrics.clone(),
    }
}

/// Cameras that are asked for their events.
fn ask_cameras(
    stages: &mut Stages,
    config: &Config,
    stores: &Stores,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Result<()> {
    let links = LinkMetrics::register(&stores.metrics)?;
    let parts = || door_parts(stores, metrics);
    if !config.isapi.is_empty() {
        stages.spawn("isapi", isapi::run(config.isapi.clone(), parts(), links.clone(), stop.clone()));
    }
    if !config.onvif.is_empty() {
        stages.spawn("onvif", onvif::run(config.onvif.clone(), parts(), links, stop.clone()));
    }
    Ok(())
}

/// Runs the platform; `ready` hears once where it listens.
pub async fn run(config: Config, ready: impl FnOnce(Addresses), stop: CancellationToken) -> Result<()> {
    let stores = Stores::open(&config).await?;
    let metrics = Metrics::register(&stores.metrics)?;
    // Listeners are bound before anything runs, so that a port in use stops the start and not the service.
    let gate = bind_gate(&config, &stores, metrics.clone()).await?;
    let console = TcpListener::bind(config.http).await.with_context(|| {
        format!("`http.listen` is {}, which cannot be bound; choose another port or end what holds it", config.http)
    })?;
    let certificate = certificate::load(&config)?;
    let oidc = config.oidc.clone().map(Provider::new).transpose().context("[http.oidc] cannot be used")?;
    let expiry = Expiry::register(&stores.metrics, certificate.as_ref(), gate.tls())?;
    let listeners = Listeners::bind(&config, &stores, &metrics).await?;
    // Likewise the model, which is tried before anything runs.
    let pictures = crate::pictures::prepare(&config, &stores, &metrics).await?;
    let addresses = Addresses {
        http: console.local_addr()?,
        mqtt: gate.addresses(),
        mavlink: listeners.mavlink.as_ref().map(|(mavlink, _)| mavlink.address()),
        sip: listeners.sip.as_ref().map(Sip::local_addr),
        hj212: listeners.hj212.as_ref().map(Hj212::local_addr),
        gt06: listeners.gt06.as_ref().map(Gt06::local_addr),
    };

    // The first stages hear `stop`; each later one ends when its queue is closed and empty.
    let behind = Behind::start()?;
    let mut stages = Stages::new(behind.handle());
    announce::start(&mut stages, gate.announcer(), &config.tenant, &stores, &stop)?;
    take_in(&mut stages, gate, &config, &stores, &stop)?;
    listeners.run(&mut stages, &stores, &stop);
    ask_cameras(&mut stages, &config, &stores, &metrics, &stop)?;
    let seen_from = pictures.as_ref().map(|(_, from)| *from);
    let (decoded, from) = decode(&mut stages, &stores, seen_from, &stop)?;
    let to_vision = pictures.map(|(parts, _)| look(&mut stages, parts));
    let to_coverage = watch(&mut stages, from, &config, &stores)?;
    let (to_detect, to_history) = hand_out(&mut stages, decoded, to_vision, (from, to_coverage), &stores);
    keep(&mut stages, to_history, &config, &stores, &stop)?;
    let detection = Pulse::default();
    conclude_and_tell(&mut stages, to_detect, detection.clone(), &config, &stores, &stop)?;
    let door = HttpParts::new(stores.journal(), stores.registry.clone(), stores.clock.clone(), metrics);
    let certificate = certificate::watched(certificate, &mut stages, &stop);
    let serving = show(&mut stages, (console, certificate, oidc), door, &config, &stores, &stop);
    let journal_metrics = JournalMetrics::register(&stores.metrics)?;
    stages.spawn("upkeep", upkeep::run(stores.clone(), journal_metrics, expiry, stop.clone()));

    ready(addresses);
    supervisor::ready();
    stages.spawn("supervisor", supervisor::run(stores.clone(), detection, stop.clone()));
    let outcome = stages.until_the_end(&stop, &serving).await;
    tokio::task::spawn_blocking(move || stores.journal.close()).await?;
    outcome
}

type Runs = mpsc::Receiver<Arc<Readings>>;

async fn bind_gate(config: &Config, stores: &Stores, metrics: Metrics) -> Result<Gate> {
    Ok(Gate::bind(config.gate.clone(), stores.journal(), stores.registry.clone(), stores.clock.clone(), metrics)
        .await?)
}

/// Whatever writes into the journal.
fn take_in(stages: &mut Stages, gate: Gate, config: &Config, stores: &Stores, stop: &CancellationToken) -> Result<()> {
    stages.spawn("mqtt gate", gate.run(stop.clone()));
    stages.spawn("clock", second_hand::run(stores.journal(), stores.clock.clone(), stop.clone()));
    let metrics = ModbusMetrics::register(&stores.metrics)?;
    if !config.modbus.is_empty() {
        let (stations, clock) = (config.modbus.clone(), stores.clock.clone());
        stages.spawn("modbus", modbus::run(stations, stores.journal(), clock, metrics, stop.clone()));
    }
    Ok(())
}

/// Decodes once, from where the slowest of detection, history and vision stopped; and from where that is.
fn decode(
    stages: &mut Stages,
    stores: &Stores,
    seen_from: Option<Offset>,
    stop: &CancellationToken,
) -> Result<(Runs, Offset)> {
    let from = stores.states.offset()?.unwrap_or_default().min(stores.history.cursor());
    let from = seen_from.map_or(from, |seen| seen.min(from));
    let (decoded_tx, decoded) = mpsc::channel(RUNS_WAITING);
    let metrics = StageMetrics::register(&stores.metrics)?;
    let dead_letters = stores.dead_letters.clone();
    stages.spawn_behind("decode", stage::run(stores.journal(), from, dead_letters, decoded_tx, metrics, stop.clone()));
    Ok((decoded, from))
}

/// Which land is watched. What is handed out while it works out a viewshed it reads again later.
fn watch(stages: &mut Stages, from: Offset, config: &Config, stores: &Stores) -> Result<mpsc::Sender<Handed>> {
    let (tx, runs) = mpsc::channel(RUNS_WAITING);
    let parts = WatchParts {
        store: stores.coverage.clone(),
        alerts: stores.alerts.clone(),
        view: stores.registry.view(),
        terrain: Arc::clone(&stores.relief),
        settings: config.coverage.settings.clone(),
        retention: config.coverage.retention,
        clock: stores.clock.clone(),
        metrics: coverage::Metrics::register(&stores.metrics)?,
        missed: watching::missed(stores.journal()),
        from,
        shared: stores.watched.clone(),
    };
    stages.spawn_behind("coverage", coverage::run(parts, runs));
    Ok(tx)
}

/// Pictures are looked at; what is seen comes back by way of the journal.
fn look(stages: &mut Stages, parts: VisionParts) -> mpsc::Sender<Arc<Readings>> {
    let (tx, runs) = mpsc::channel(RUNS_WAITING);
    stages.spawn_behind("vision", ingest::vision::run(parts, runs));
    tx
}

/// One decode, five readers: detection and history each at its own pace, vision and coverage, which never make anybody wait, and the
/// live view as it comes.
fn hand_out(
    stages: &mut Stages,
    mut decoded: Runs,
    to_vision: Option<mpsc::Sender<Arc<Readings>>>,
    (mut after, to_coverage): (Offset, mpsc::Sender<Handed>),
    stores: &Stores,
) -> (Runs, Runs) {
    let (live, recent) = (stores.live.clone(), stores.recent.clone());
    let (detect_tx, to_detect) = mpsc::channel(RUNS_WAITING);
    let (history_tx, to_history) = mpsc::channel(RUNS_FOR_HISTORY);
    stages.spawn_behind("hand out", async move {
        while let Some(run) = decoded.recv().await {
            live.observe(&run.readings);
            recent.observe(&run.readings);
            // A full queue is no matter: the next run says what came before it. A closed one means that its stage failed, and that
            // stage says why.
            let handed = Handed { after, run: Arc::clone(&run) };
            after = run.up_to;
            if matches!(to_coverage.try_send(handed), Err(mpsc::error::TrySendError::Closed(_))) {
                break;
            }
            if let Some(vision) = &to_vision
                && vision.send(Arc::clone(&run)).await.is_err()
            {
                break;
            }
            if detect_tx.send(Arc::clone(&run)).await.is_err() || history_tx.send(run).await.is_err() {
                break;
            }
        }
        anyhow::Ok(())
    });
    (to_detect, to_history)
}

/// Keeps tracks and measurements, here and, if configured, in InfluxDB.
fn keep(stages: &mut Stages, mut runs: Runs, config: &Config, stores: &Stores, stop: &CancellationToken) -> Result<()> {
    let history = stores.history.clone();
    stages.spawn_behind("history", async move {
        let mut waiting: Vec<Arc<Readings>> = Vec::new();
        while runs.recv_many(&mut waiting, RUNS_FOR_HISTORY).await > 0 {
            let next = tokio::time::Instant::now() + HISTORY_EVERY;
            let taken = std::mem::take(&mut waiting).into_iter().filter(|run| run.up_to > history.cursor());
            let taken: Vec<_> = taken.collect();
            if let Some(up_to) = taken.last().map(|run| run.up_to) {
                let history = history.clone();
                let write = move || history.append(taken.iter().flat_map(|run| &run.readings), up_to);
                tokio::task::spawn_blocking(write).await??;
            }
            tokio::time::sleep_until(next).await;
        }
        anyhow::Ok(())
    });
    if let Some(influx) = &config.influx {
        let sink = InfluxSink::new(influx, InfluxMetrics::register(&stores.metrics)?)?;
        let refused = RefusedLines::open(&config.data.join("influx-refused.db"))?;
        stages.spawn_behind("influxdb", upkeep::copy_to_influx(stores.journal(), sink, refused, stop.clone()));
    }
    Ok(())
}

/// Readings -> findings -> alerts -> receipts.
fn conclude_and_tell(
    stages: &mut Stages,
    runs: Runs,
    pulse: Pulse,
    config: &Config,
    stores: &Stores,
    stop: &CancellationToken,
) -> Result<()> {
    let metrics = alerts::Metrics::new(&stores.metrics)?;
    let (live, loads_live, stations_live) = (stores.live.clone(), stores.live.clone(), stores.live.clone());
    let worker = WorkerParts {
        store: stores.alerts.clone(),
        states: stores.states.clone(),
        commands: stores.commands.clone(),
        registry: stores.registry.clone(),
        view: stores.registry.view(),
        terrain: Arc::clone(&stores.relief),
        settings: config.detection.clone(),
        clock: stores.clock.clone(),
        metrics: metrics.clone(),
        backlog: *stores.journal().head().borrow(),
        herds: Box::new(move |herds| {
            // Shown after a step, several times a second at most: detection moves.
            pulse.beat();
            live.herds(herds);
        }),
        loads: Box::new(move |loads| loads_live.loads(loads)),
        stations: Box::new(move |stations| stations_live.show_stations(stations)),
    };
    stages.spawn_behind("detection", alerts::run(worker, runs));
    let evidence = EvidenceParts {
        alerts: stores.alerts.clone(),
        recent: stores.recent.clone(),
        store: stores.evidence.clone(),
        journal: stores.journal(),
        view: stores.registry.view(),
        metrics: EvidenceMetrics::register(&stores.metrics)?,
    };
    stages.spawn_behind("evidence", crate::evidence::run(evidence, stop.clone()));
    crate::tell::start(stages, config, stores, &metrics, stop);
    Ok(())
}

/// Console, API and the devices' door on the same port; what is returned says whether they should call themselves ready.
fn show(
    stages: &mut Stages,
    (console, certificate, oidc): (TcpListener, Option<Certificate>, Option<Provider>),
    door: HttpParts,
    config: &Config,
    stores: &Stores,
    stop: &CancellationToken,
) -> Arc<AtomicBool> {
    let serving = Arc::new(AtomicBool::new(true));
    let is_serving = Arc::clone(&serving);
    let journal = Arc::clone(&stores.journal);
    let law = Law::new(&stores.registry);
    let parts = Parts {
        tenant: config.tenant.clone(),
        registry: stores.registry.clone(),
        alert_log: stores.alerts.log().clone(),
        command_log: stores.commands.clone(),
        journal: stores.journal(),
        dead_letters: stores.dead_letters.clone(),
        understands: Arc::new(ingest::decode::decode),
        history: stores.history.clone(),
        evidence: stores.evidence.clone(),
        export_files: crate::stores::export_files(&config.data),
        watching: Arc::new(Watched(Reader::new(ReaderParts {
            store: stores.coverage.clone(),
            shared: stores.watched.clone(),
            view: stores.registry.view(),
            duties: config.coverage.duties.clone(),
            clock: stores.clock.clone(),
        }))),
        live: stores.live.clone(),
        metrics: stores.metrics.clone(),
        clock: stores.clock.clone(),
        closure_at: law.closure_at(),
        zones_at: law.zones_at(),
        zones_as_of: law.zones_as_of(),
        words: crate::words::words(&stores.alerts),
        foresee: crate::replay::foresee(
            &stores.registry,
            config.data.join("journal.db"),
            stores.clock.clone(),
            Arc::clone(&stores.relief),
            config.detection.clone(),
        ),
        second_person: config.second_person,
        callback: config.upstream.callback,
        sms_back: sms_back(stages, config, stop),
        ready: Arc::new(move || {
            if !is_serving.load(Ordering::Relaxed) {
                return Err("the service is stopping".into());
            }
            // Alive and serving people, but no device is acknowledged: who balances load or watches has to know.
            match journal.stats().full {
                None => Ok(()),
                Some(Full::Bound) => {
                    Err("the journal is full; its consumers have to catch up, or [journal] max_bytes to be raised"
                        .into())
                }
                Some(Full::Disk) => Err("the disk has no room for the journal; free space on it".into()),
            }
        }),
        oidc,
        certificate,
        others: http::router(door),
    };
    stages.spawn("console", dashboards::serve(console, parts, stop.clone()));
    serving
}

/// What providers push and what a modem takes come back by the console's server, which knows what a phone was told of.
fn sms_back(stages: &mut Stages, config: &Config, stop: &CancellationToken) -> SmsBack {
    let (sms_back, replies) = SmsBack::new(config.telling.sms_callback);
    if let Some(incoming) = config.telling.sms.as_ref().and_then(Sms::incoming) {
        stages.spawn("sms incoming", sms_incoming::run(incoming, replies, stop.clone()));
    }
    sms_back
}
