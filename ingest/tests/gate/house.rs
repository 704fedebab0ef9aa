//! A gate with everything behind it, on a free port, and a journal that a test can hold up.

pub use crate::moody::Mood;
use crate::moody::MoodyJournal;
use bytes::Bytes;
use ingest::gate::{Announcer, Downlink, Gate, GateAddresses, GateConfig, GateError};
use ingest::metrics::Metrics;
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Clock, DeviceId, DeviceKind, Entry, External, Offset, TenantId, Timestamp};
use registry::{NewDevice, Registry};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The gate and its surroundings. Devices: `camera-1`, `camera-2`, `dock` (DJI DOCK1), `drone` (DRONE1, via `dock`).
pub struct House {
    pub address: SocketAddr,
    pub addresses: GateAddresses,
    pub registry: Registry,
    pub metrics: Metrics,
    pub mood: watch::Sender<Mood>,
    pub downlink: Downlink,
    pub announcer: Announcer,
    secrets: Vec<(String, String)>,
    journal: Arc<SqliteJournal>,
    stop: CancellationToken,
    running: JoinHandle<Result<(), GateError>>,
    _dir: TempDir,
}

impl House {
    pub async fn start() -> Self {
        Self::start_with(100).await
    }

    pub async fn start_with(max_connections: usize) -> Self {
        Self::start_as(|config| config.max_connections = NonZeroUsize::new(max_connections).unwrap()).await
    }

    /// With a configuration that a test has changed.
    pub async fn start_as(change: impl FnOnce(&mut GateConfig)) -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_763_769_600_000));
        let registry = Registry::open(&dir.path().join("registry.db"), clock.clone()).unwrap();
        let secrets = register_devices(&registry);
        let journal = SqliteJournal::open(&dir.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let (mood, mood_rx) = watch::channel(Mood::Willing);
        let moody = Arc::new(MoodyJournal { inner: Arc::clone(&journal), mood: mood_rx, asked: watch::Sender::new(0) });
        let mut config = GateConfig {
            max_connections: NonZeroUsize::new(100).unwrap(),
            connect_timeout: Duration::from_millis(500),
            ..GateConfig::new("127.0.0.1:0".parse().unwrap(), TenantId::parse("hexigten").unwrap())
        };
        change(&mut config);
        let gate = Gate::bind(config, moody, registry.clone(), clock, metrics.clone()).await.unwrap();
        let (downlink, announcer) = (gate.downlink(), gate.announcer());
        let (addresses, stop) = (gate.addresses(), CancellationToken::new());
        let running = tokio::spawn(gate.run(stop.clone()));
        let address = addresses.plain;
        Self {
            address,
            addresses,
            registry,
            metrics,
            mood,
            downlink,
            announcer,
            secrets,
            journal,
            stop,
            running,
            _dir: dir,
        }
    }

    pub fn secret(&self, device: &str) -> &str {
        &self.secrets.iter().find(|(id, _)| id == device).unwrap().1
    }

    /// Everything in the journal: device, speaker, channel as text, payload.
    pub async fn entries(&self) -> Vec<Entry> {
        self.journal.read(Offset(0), 100_000).await.unwrap()
    }

    /// The payloads in the journal, in order.
    pub async fn payloads(&self) -> Vec<Bytes> {
        self.entries().await.into_iter().map(|entry| entry.frame.payload).collect()
    }

    /// Waits until the journal holds `count` entries.
    pub async fn entries_reach(&self, count: u64) -> Vec<Entry> {
        self.journal.head().wait_for(|head| head.0 >= count).await.unwrap();
        self.entries().await
    }

    pub fn refusals(&self, reason: &str) -> u64 {
        self.metrics.refusals.with_label_values(&[reason]).get()
    }

    pub async fn stop(self) -> Result<(), GateError> {
        self.stop.cancel();
        self.running.await.unwrap()
    }

    /// Waits until the gate ends by itself.
    pub async fn ended(self) -> Result<(), GateError> {
        self.running.await.unwrap()
    }
}

fn register_devices(registry: &Registry) -> Vec<(String, String)> {
    let dji = |id: &str| vec![External { system: "dji".into(), id: id.into() }];
    let id = |name: &str| DeviceId::parse(name).unwrap();
    let devices = [
        NewDevice::new(id("camera-1"), DeviceKind::Camera),
        NewDevice::new(id("camera-2"), DeviceKind::Camera),
        NewDevice { external: dji("DOCK1"), ..NewDevice::new(id("dock"), DeviceKind::Gateway) },
        NewDevice { external: dji("DRONE1"), via: Some(id("dock")), ..NewDevice::new(id("drone"), DeviceKind::Drone) },
    ];
    devices
        .into_iter()
        .map(|device| (device.id.to_string(), registry.add_device(device, "test").unwrap().to_string()))
        .collect()
}
