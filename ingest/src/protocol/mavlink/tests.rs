//! The listener against an implementation that nobody here wrote (pymavlink, over a real socket), and against strangers.

use super::metrics::Fate;
use super::*;
use crate::decode::decode;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{
    Body, Channel, DeviceId, DeviceKind, Entry, External, Gimbal, HeartbeatStatus, Offset, Place, Position, Species,
    Timestamp, Transport,
};
use registry::{NewDevice, Registry};
use std::process::{Command, Stdio};
use tokio::task::JoinHandle;

const NOW_MS: i64 = 1_795_313_700_000;
/// Longer than any test: of each kind of news only the first makes a frame, however slow the machine is.
const ONCE: Duration = Duration::from_secs(24 * 3_600);

struct Ear {
    address: SocketAddr,
    journal: Arc<SqliteJournal>,
    metrics: MavlinkMetrics,
    registry: Registry,
    stop: CancellationToken,
    running: JoinHandle<Result<(), MavlinkError>>,
    _folder: tempfile::TempDir,
}

impl Ear {
    /// Device `drone-7` is system 7.
    async fn open(networks: &str, system: System, clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        let external = vec![External { system: "mavlink".into(), id: "7".into() }];
        let drone = DeviceId::parse("drone-7").unwrap();
        registry.add_device(NewDevice { external, ..NewDevice::new(drone, DeviceKind::Drone) }, "test").unwrap();
        let metrics = MavlinkMetrics::register(&prometheus::Registry::new()).unwrap();
        let config = MavlinkConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            networks: Networks::parse([networks]).unwrap(),
            systems: BTreeMap::from([(7, system)]),
            track_interval: ONCE,
        };
        let listener = Mavlink::bind(config).await.unwrap();
        let (address, stop) = (listener.address(), CancellationToken::new());
        let running =
            tokio::spawn(listener.run(journal.clone(), registry.view(), clock, metrics.clone(), stop.clone()));
        Self { address, journal, metrics, registry, stop, running, _folder: folder }
    }

    async fn entries(&self, count: u64) -> Vec<Entry> {
        self.journal.head().wait_for(|head| head.0 >= count).await.unwrap();
        self.journal.read(Offset(0), 1_000).await.unwrap()
    }

    /// Waits for a count that no channel tells of.
    async fn wait_for(&self, fate: Fate, count: u64) {
        while self.metrics.packets(fate) < count {
            tokio::task::yield_now().await;
        }
    }

    async fn close(self) -> Vec<Entry> {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.journal.read(Offset(0), 1_000).await.unwrap()
    }
}

fn by_hand() -> Clock {
    Clock::manual(Timestamp::from_millis(NOW_MS))
}

fn trusting() -> System {
    System { tracks: Some(Species::Sheep), ..System::default() }
}

/// Runs a script with `link`, a pymavlink connection as system 7 to the listener, and `mav`, what speaks over it.
async fn pymavlink(address: SocketAddr, script: &str) -> bool {
    let program = format!(
        "import os, sys, time, math\nos.environ['MAVLINK20'] = '1'\nfrom pymavlink import mavutil\n\
         link = mavutil.mavlink_connection('udpout:{address}', source_system=7, source_component=1, dialect='common')\n\
         mav = link.mav\n{script}\n"
    );
    let outcome = tokio::task::spawn_blocking(move || {
        if !Command::new("python3")
            .args(["-c", "import pymavlink"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
        {
            eprintln!("SKIPPED: python3 with pymavlink 2.4.49 is not here; tests/install.sh installs it");
            return None;
        }
        Some(Command::new("python3").args(["-c", &program]).status().unwrap())
    });
    match outcome.await.unwrap() {
        None => false,
        Some(status) => {
            assert!(status.success(), "the script failed");
            true
        }
    }
}

/// A flight over the steppe, fifty positions of it at once.
const FLIGHT: &str = r"
mav.system_time_send(1795313690000000, 100000)
mav.gps_raw_int_send(0, 3, 438912345, 1134567890, 1255300, 80, 120, 350, 8750, 17, alt_ellipsoid=1242500, h_acc=1200, v_acc=1900)
mav.attitude_send(123400, 0.01, -0.02, math.radians(87.5), 0, 0, 0)
mav.battery_status_send(0, 0, 0, 2000, [4000]*4 + [65535]*6, 1500, 100, 100, 64)
# Looks 45 degrees down, turned 30 degrees to the right of the vehicle.
pitch, yaw = math.radians(-45), math.radians(30)
q = [math.cos(pitch/2)*math.cos(yaw/2), -math.sin(pitch/2)*math.sin(yaw/2), math.sin(pitch/2)*math.cos(yaw/2), math.cos(pitch/2)*math.sin(yaw/2)]
mav.gimbal_device_attitude_status_send(0, 0, 123400, 32, q, 0, 0, 0, 0)
for step in range(50):
    mav.global_position_int_send(123456 + 20*step, 438912345 + step, 1134567890, 1255300, 120000, 350, -120, 10, 8750)
for step in range(5):
    mav.heartbeat_send(2, 12, 129, 0, 4)
mav.heartbeat_send(2, 12, 129, 0, 6)
mav.camera_tracking_geo_status_send(1, 438915000, 1134570000, 1140.0, 6.5, 9.0, 0.5, 0, 0, 0.1, 140, float('nan'), float('nan'))
mav.camera_tracking_image_status_send(1, 2, 1, 0, 0, 0, 0.40, 0.55, 0.45, 0.61)
mav.statustext_send(6, b'hello')
";

#[tokio::test]
async fn a_flight_of_a_foreign_autopilot_becomes_one_track_two_heartbeats_and_what_its_camera_follows() {
    let ear = Ear::open("127.0.0.0/8", trusting(), by_hand()).await;
    if !pymavlink(ear.address, FLIGHT).await {
        return;
    }
    let entries = ear.entries(5).await;
    ear.wait_for(Fate::Unused, 1).await;
    let readings: Vec<_> = entries.iter().map(|entry| decode(entry).unwrap()).collect();
    let Body::Track(track) = &readings[0].body else { panic!("{readings:?}") };
    assert_eq!(track.position, Some(Position::parse(43.891_234_5, 113.456_789).unwrap()));
    assert_eq!((track.alt_m, track.height_m, track.accuracy_m), (Some(1_242.5), Some(120.0), Some(1.2)));
    assert_eq!((track.heading_deg, track.battery_percent, track.hdop), (Some(87.5), Some(64.0), Some(0.8)));
    assert!((track.speed_mps.unwrap() - 3.7).abs() < 1e-9, "{track:?}");
    let Gimbal { pitch_deg, yaw_deg, roll_deg } = track.gimbal.unwrap();
    for (got, want) in [(pitch_deg, -45.0), (yaw_deg, 117.5), (roll_deg, 0.0)] {
        assert!((got - want).abs() < 1e-4, "{track:?}");
    }
    // 23.456 s after the vehicle said what time it was.
    assert_eq!(readings[0].happened_at(), Timestamp::from_millis(1_795_313_713_456));
    let feels = |at: usize| match &readings[at].body {
        Body::Heartbeat(life) => life.status,
        other => panic!("{other:?}"),
    };
    assert_eq!((feels(1), feels(2)), (Some(HeartbeatStatus::Ok), Some(HeartbeatStatus::Fault)));
    let seen = |at: usize| match &readings[at].body {
        Body::Sighting(seen) => (seen.species, seen.place),
        other => panic!("{other:?}"),
    };
    let position = Position::parse(43.8915, 113.457).unwrap();
    assert_eq!(seen(3), (Species::Sheep, Place::Ground { position, accuracy_m: Some(6.5) }));
    assert!(matches!(seen(4).1, Place::Picture(area) if (area.x - 0.4).abs() < 1e-6 && (area.h - 0.06).abs() < 1e-6));
    let frame = &entries[0].frame;
    assert_eq!((frame.device.as_str(), frame.transport), ("drone-7", Transport::Udp));
    assert_eq!(frame.channel, Channel::Foreign { format: "mavlink".into(), detail: "sheep".into() });
    // 49 positions, 4 heartbeats, and 5 packets that explain.
    assert_eq!((ear.metrics.packets(Fate::Thinned), ear.close().await.len()), (58, 5));
}

#[tokio::test]
async fn a_system_with_a_key_is_heard_with_its_signature_only_and_once() {
    let key = Some(SigningKey::parse("grass").unwrap());
    // The signature holds the sender's own time: this one test needs the true one.
    let ear = Ear::open("127.0.0.0/8", System { key, ..System::default() }, Clock::system()).await;
    let script = r"
import hashlib
mav.heartbeat_send(2, 12, 0, 0, 3)
link.setup_signing(hashlib.sha256(b'another').digest(), sign_outgoing=True)
mav.heartbeat_send(2, 12, 0, 0, 3)
link.setup_signing(hashlib.sha256(b'grass').digest(), sign_outgoing=True)
message = mav.heartbeat_encode(2, 12, 0, 0, 3)
packet = message.pack(mav)
link.write(packet)
link.write(packet)
";
    if !pymavlink(ear.address, script).await {
        return;
    }
    for fate in [Fate::Unsigned, Fate::BadSignature, Fate::Recorded, Fate::Replayed] {
        ear.wait_for(fate, 1).await;
    }
    let entries = ear.close().await;
    assert_eq!(entries.len(), 1);
    assert!(matches!(decode(&entries[0]).unwrap().body, Body::Heartbeat(_)));
}

/// By a foreign encoder: system 7, armed, active.
const HEARTBEAT: [u8; 21] = [
    0xfd, 0x09, 0x00, 0x00, 0x2a, 0x07, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x81, 0x04, 0x03,
    0x86, 0x51,
];

async fn stranger(ear: &Ear) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(ear.address).await.unwrap();
    socket
}

#[tokio::test]
async fn from_a_network_that_nobody_named_nothing_is_taken() {
    let ear = Ear::open("10.8.0.0/24", System::default(), by_hand()).await;
    stranger(&ear).await.send(&HEARTBEAT).await.unwrap();
    ear.wait_for(Fate::Stranger, 1).await;
    assert!(ear.close().await.is_empty());
}

#[tokio::test]
async fn while_one_source_speaks_for_a_system_no_other_does() {
    let ear = Ear::open("127.0.0.0/8", System::default(), by_hand()).await;
    let (first, second) = (stranger(&ear).await, stranger(&ear).await);
    first.send(&HEARTBEAT).await.unwrap();
    ear.wait_for(Fate::Recorded, 1).await;
    second.send(&HEARTBEAT).await.unwrap();
    ear.wait_for(Fate::Taken, 1).await;
    assert_eq!(ear.close().await.len(), 1);
}

#[tokio::test]
async fn garbage_and_systems_that_nobody_registered_are_counted_and_the_listener_goes_on() {
    let ear = Ear::open("127.0.0.0/8", System::default(), by_hand()).await;
    let socket = stranger(&ear).await;
    socket.send(b"").await.unwrap();
    for garbage in [&b"GET / HTTP/1.1"[..], &HEARTBEAT[..20], &[0xfd; 300]] {
        socket.send(garbage).await.unwrap();
    }
    ear.wait_for(Fate::Malformed, 3).await;
    let disabled = DeviceId::parse("drone-7").unwrap();
    ear.registry.set_disabled(&disabled, true, "test").unwrap();
    socket.send(&HEARTBEAT).await.unwrap();
    ear.wait_for(Fate::Unregistered, 1).await;
    ear.registry.set_disabled(&disabled, false, "test").unwrap();
    socket.send(&HEARTBEAT).await.unwrap();
    ear.wait_for(Fate::Recorded, 1).await;
    assert_eq!(ear.close().await.len(), 1);
}

#[tokio::test]
async fn a_port_that_is_in_use_is_named_with_the_remedy() {
    let holder = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listen = holder.local_addr().unwrap();
    let networks = Networks::default();
    let config = MavlinkConfig { listen, networks, systems: BTreeMap::new(), track_interval: ONCE };
    let error = Mavlink::bind(config).await.err().unwrap().to_string();
    assert!(
        error.contains(&listen.to_string()) && error.contains("choose another [mavlink] listen address"),
        "{error}"
    );
}
