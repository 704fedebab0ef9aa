//! A fleet and a load against a real broker: Debian's mosquitto. Where it is not installed the tests say so and pass.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is a failed test")]

use firmware_sim::faults::Faults;
use firmware_sim::fleet::{Credentials, Fleet, FleetConfig};
use firmware_sim::load::{self, LoadConfig};
use firmware_sim::scenario::{Cadence, Plan, Scenario};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine; nothing waits for it unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

struct Broker {
    process: Child,
    port: u16,
    binary: PathBuf,
    folder: TempDir,
}

impl Broker {
    /// `None`, said aloud, where there is no mosquitto.
    fn start() -> Option<Self> {
        let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];
        let Some(binary) = places.iter().map(Path::new).find(|path| path.exists()) else {
            eprintln!("SKIPPED: mosquitto is not installed (apt-get install mosquitto)");
            return None;
        };
        // mosquitto cannot tell which port it got, so a free one is picked for it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let process = Self::launch(binary, port, &folder);
        Some(Self { process, port, binary: binary.to_owned(), folder })
    }

    fn launch(binary: &Path, port: u16, folder: &TempDir) -> Child {
        let config = folder.path().join("mosquitto.conf");
        std::fs::write(&config, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"))
            .unwrap();
        let mut command = Command::new(binary);
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = Self::launch(&self.binary, self.port, &self.folder);
    }

    fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Listens to everything until every one of `wanted` has been heard, and returns the topics.
    async fn hear(&self, mut wanted: BTreeSet<String>) -> BTreeSet<String> {
        let options = MqttOptions::new("listener", "127.0.0.1", self.port);
        let (client, mut events) = AsyncClient::new(options, 8);
        let mut topics = BTreeSet::new();
        while !wanted.is_empty() {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => client.subscribe("#", QoS::AtLeastOnce).await.unwrap(),
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    wanted.retain(|id| !publish.topic.contains(&format!("/{id}/")));
                    topics.insert(publish.topic);
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        topics
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Twenty devices that talk often: 6 cameras, 4 drones (one of them DJI), 10 collars.
fn small_scenario() -> Scenario {
    let cadence = Cadence { heartbeat_s: 2, collar_s: 1, ..Cadence::default() };
    let plan = Plan { cameras: 6, drones: 4, dji_drones: 1, collars: 10, stations: 0, cadence, ..Plan::default() };
    Scenario::from_plan("small", plan, 5)
}

fn secrets(scenario: &Scenario) -> Credentials {
    scenario.devices().iter().map(|device| (device.id.clone(), "secret".to_owned())).collect()
}

fn config(broker: &Broker, truth: Option<PathBuf>) -> FleetConfig {
    let scenario = small_scenario();
    FleetConfig {
        mqtt_addr: broker.addr(),
        tenant: "hexigten".to_owned(),
        credentials: secrets(&scenario),
        scenario: Arc::new(scenario),
        seed: 5,
        speed: 5.0,
        faults: Faults::none(),
        truth,
    }
}

fn ids(config: &FleetConfig) -> BTreeSet<String> {
    config.scenario.devices().iter().map(|device| device.id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_devices_are_heard_and_leave_nothing_unacknowledged() {
    let Some(broker) = Broker::start() else { return };
    let truth = broker.folder.path().join("truth.jsonl");
    let config = config(&broker, Some(truth.clone()));
    let wanted = ids(&config);
    assert_eq!(wanted.len(), 20);
    let fleet = Fleet::new(config).unwrap();
    let (stats, stop) = (fleet.stats(), CancellationToken::new());
    let running = tokio::spawn(fleet.run(stop.clone()));
    let topics = tokio::time::timeout(PATIENCE, broker.hear(wanted)).await.expect("every device is heard");
    assert!(topics.iter().any(|topic| topic.starts_with("thing/product/1581F6Q8D24")));
    assert!(topics.iter().any(|topic| topic.starts_with("steppe/v1/hexigten/cam-01/")));
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(stats.sent() > 0);
    assert_eq!((stats.acked(), stats.dropped(), stats.refused()), (stats.sent(), 0, 0));
    let lines = std::fs::read_to_string(truth).unwrap();
    assert!(lines.lines().count() >= 8);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(["herd", "fix", "seen"].iter().any(|what| line["what"] == *what), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_come_back_after_the_broker_died_and_lose_nothing_on_the_way() {
    let Some(mut broker) = Broker::start() else { return };
    let config = config(&broker, None);
    let wanted = ids(&config);
    let fleet = Fleet::new(config).unwrap();
    let (stats, stop) = (fleet.stats(), CancellationToken::new());
    let running = tokio::spawn(fleet.run(stop.clone()));
    tokio::time::timeout(PATIENCE, stats.wait_connected(20)).await.expect("all connect");
    broker.restart();
    tokio::time::timeout(PATIENCE, broker.hear(wanted)).await.expect("every device is heard again");
    tokio::time::timeout(PATIENCE, stats.wait_connected(20)).await.expect("all connect again");
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(stats.lost_connections() > 0);
    assert_eq!((stats.acked(), stats.dropped()), (stats.sent(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_acknowledged_in_full_and_the_list_says_so() {
    let Some(broker) = Broker::start() else { return };
    let acked = broker.folder.path().join("acked.txt");
    let report = load::run(LoadConfig {
        mqtt_addr: broker.addr(),
        tenant: "hexigten".to_owned(),
        credentials: secrets(&small_scenario()),
        connections: 20,
        rate: 500.0,
        seconds: 2,
        run: "test".to_owned(),
        acked: Some(acked.clone()),
    })
    .await
    .unwrap();
    assert_eq!((report.sent, report.acked, report.dropped), (1_000, 1_000, 0));
    assert!(report.p50_ms > 0.0 && report.p50_ms <= report.p99_ms);
    let lines: BTreeSet<String> = std::fs::read_to_string(acked).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 1_000);
    assert!(lines.contains("cam-01 1") && lines.contains("cam-01 50"));
}
