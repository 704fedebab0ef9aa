//! The listener over real sockets: cameras that are written here byte by byte, and one that others wrote.

mod camera;
mod peer;

use super::*;
use crate::decode::gb28181;
use camera::{Camera, Line as CameraLine};
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Body, Clock, DeviceKind, External, Frame, HeartbeatStatus, Offset, Timestamp};
use registry::{NewDevice, Registry};

const NOW_MS: i64 = 1_795_313_700_000;
const CAMERA: &str = "15252500401320000001";
const RECORDER: &str = "15252500401180000001";
const CHANNEL: &str = "15252500401320000011";
const PLATFORM: &str = "15252500402000000001";
const REALM: &str = "1525250040";

/// A platform's SIP, with a registry and a journal of its own.
struct Site {
    address: SocketAddr,
    registry: Registry,
    journal: Arc<SqliteJournal>,
    metrics: crate::metrics::Metrics,
    clock: Clock,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), SipError>>,
    folder: tempfile::TempDir,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(NOW_MS));
        let registry = Registry::open(&folder.path().join("registry.db"), clock.clone()).unwrap();
        Self::start_in(folder, registry, clock, "127.0.0.1:0".parse().unwrap()).await
    }

    async fn start_in(folder: tempfile::TempDir, registry: Registry, clock: Clock, listen: SocketAddr) -> Self {
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let counters = prometheus::Registry::new();
        let metrics = crate::metrics::Metrics::register(&counters).unwrap();
        let parts = DoorParts {
            journal: journal.clone(),
            registry: registry.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let config = SipConfig {
            listen,
            id: PLATFORM.to_owned(),
            realm: REALM.to_owned(),
            keepalive_misses: 3,
            datum: Arc::from("wgs84"),
            gcj02: BTreeSet::from([DeviceId::parse("gcj").unwrap()]),
            kept_in: folder.path().join("gb28181.json"),
        };
        let sip = Sip::bind(config, parts, SipMetrics::register(&counters).unwrap()).await.unwrap();
        let (address, stop) = (sip.local_addr(), CancellationToken::new());
        let running = tokio::spawn(sip.run(stop.clone()));
        Self { address, registry, journal, metrics, clock, stop, running, folder }
    }

    fn add(&self, id: &str, kind: DeviceKind, number: &str, via: Option<&str>) -> String {
        let device = NewDevice {
            external: vec![External { system: "gb28181".into(), id: number.into() }],
            via: via.map(|via| DeviceId::parse(via).unwrap()),
            ..NewDevice::new(DeviceId::parse(id).unwrap(), kind)
        };
        self.registry.add_device(device, "li").unwrap();
        self.registry.sip_password(&DeviceId::parse(id).unwrap()).unwrap().as_str().to_owned()
    }

    async fn camera(&self) -> Camera {
        let password = self.add("cam-1", DeviceKind::Camera, CAMERA, None);
        Camera::over(CameraLine::udp("127.0.0.1", self.address).await, CAMERA, &password)
    }

    async fn frames(&self) -> Vec<Frame> {
        self.journal.read(Offset(0), 1_000).await.unwrap().into_iter().map(|entry| entry.frame).collect()
    }

    async fn read(&self, number: usize) -> Result<Body, model::Reject> {
        let entries = self.journal.read(Offset(0), 1_000).await.unwrap();
        crate::decode::decode(&entries[number]).map(|reading| reading.body)
    }

    fn refusals(&self, why: &str) -> u64 {
        self.metrics.refusals.with_label_values(&[why]).get()
    }

    async fn end(self) -> (tempfile::TempDir, Registry, Clock) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.journal.close();
        (self.folder, self.registry, self.clock)
    }
}

fn keepalive(id: &str, number: u32) -> String {
    format!(
        "<Notify><CmdType>Keepalive</CmdType><SN>{number}</SN><DeviceID>{id}</DeviceID><Status>OK</Status></Notify>"
    )
}

fn alarm(id: &str, method: u8, kind: u8) -> String {
    format!(
        "<Notify><CmdType>Alarm</CmdType><SN>51</SN><DeviceID>{id}</DeviceID><AlarmPriority>2</AlarmPriority>\
         <AlarmMethod>{method}</AlarmMethod><AlarmTime>2026-11-22T10:15:00</AlarmTime><Info><AlarmType>{kind}</AlarmType></Info></Notify>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_registers_with_its_password_and_what_it_says_is_on_disk_before_it_hears_ok() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    let welcome = camera.register(3_600).await;
    assert!(welcome.starts_with("SIP/2.0 200 "), "{welcome}");
    assert!(welcome.contains("Date: 2026-11-22T10:15:00.000\r\n"), "{welcome}");
    assert!(welcome.contains("Expires: 3600\r\n") && welcome.contains("X-GB-Ver: 3.0\r\n"), "{welcome}");
    assert!(camera.message(&keepalive(CAMERA, 1)).await.starts_with("SIP/2.0 200 "));
    let frames = site.frames().await;
    assert_eq!(frames.len(), 2, "the registration and the keepalive");
    for frame in &frames {
        assert_eq!((frame.device.as_str(), frame.speaker.as_str()), ("cam-1", "cam-1"));
        assert_eq!(frame.transport, model::Transport::Sip);
        assert_eq!(frame.channel, gb28181::channel(CAMERA, "wgs84"));
    }
    assert!(!String::from_utf8_lossy(&frames[0].payload).contains("response="), "no proof is kept");
    assert_eq!(frames[1].payload, keepalive(CAMERA, 1).as_bytes());
    for number in 0..2 {
        assert!(
            matches!(site.read(number).await, Ok(Body::Heartbeat(life)) if life.status == Some(HeartbeatStatus::Ok))
        );
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_the_password_or_is_unknown_or_shut_out_is_refused_and_leaves_nothing() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.password = "abcdefgh".into();
    assert!(camera.register(3_600).await.starts_with("SIP/2.0 403 "));
    let line = CameraLine::udp("127.0.0.1", site.address).await;
    let mut stranger = Camera::over(line, "15252500401320000077", "abcdefgh");
    assert!(stranger.register(3_600).await.starts_with("SIP/2.0 403 "));
    camera.password = site.registry.sip_password(&DeviceId::parse("cam-1").unwrap()).unwrap().as_str().to_owned();
    site.registry.set_disabled(&DeviceId::parse("cam-1").unwrap(), true, "li").unwrap();
    assert!(camera.register(3_600).await.starts_with("SIP/2.0 403 "));
    site.registry.set_disabled(&DeviceId::parse("cam-1").unwrap(), false, "li").unwrap();
    assert!(camera.register(3_600).await.starts_with("SIP/2.0 200 "));
    // Shut out while it is registered.
    site.registry.set_disabled(&DeviceId::parse("cam-1").unwrap(), true, "li").unwrap();
    assert!(camera.message(&keepalive(CAMERA, 1)).await.starts_with("SIP/2.0 403 "));
    assert_eq!(site.frames().await.len(), 1);
    let counted = ["bad_credentials", "unknown_device", "disabled"].map(|why| site.refusals(why));
    assert_eq!(counted, [1, 1, 2]);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_was_listened_to_is_not_taken_again() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    let listened = camera.last_register.clone();
    // The very same bytes are a copy, and get the very same answer.
    let copy = camera.send(listened.as_bytes()).await;
    assert!(copy.starts_with("SIP/2.0 200 "));
    // The same proof in a request of its own is a replay.
    let replay = listened.replace("branch=z9hG4bK", "branch=z9hG4bKx");
    let answer = camera.send(replay.as_bytes()).await;
    assert!(answer.starts_with("SIP/2.0 401 ") && answer.contains("stale=true"), "{answer}");
    // A nonce of two minutes ago is none.
    let mut late = Camera::over(CameraLine::udp("127.0.0.1", site.address).await, CAMERA, &camera.password);
    let challenge = late.challenge().await;
    site.clock.set(Timestamp::from_millis(NOW_MS + 120_000));
    assert!(late.answer_challenge(&challenge, 3_600).await.contains("stale=true"));
    assert_eq!(site.frames().await.len(), 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_2022_may_answer_by_sha_256_and_one_of_2016_is_asked_for_md5_alone() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    let challenge = camera.challenge().await;
    assert_eq!(challenge.matches("WWW-Authenticate:").count(), 1);
    assert!(challenge.contains("algorithm=MD5"), "{challenge}");
    camera.extra = "X-GB-Ver: 3.0\r\n".into();
    camera.sha_256 = true;
    let challenge = camera.challenge().await;
    let (better, usual) = (challenge.find("algorithm=SHA-256").unwrap(), challenge.find("algorithm=MD5").unwrap());
    assert!(better < usual, "{challenge}");
    assert!(camera.answer_challenge(&challenge, 3_600).await.starts_with("SIP/2.0 200 "));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_message_gets_the_same_answer_and_is_recorded_once() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    let message = camera.request("MESSAGE", "", &alarm(CAMERA, 5, 6));
    let first = camera.send(&message).await;
    let second = camera.send(&message).await;
    assert!(first.starts_with("SIP/2.0 200 "));
    assert_eq!(first, second);
    assert_eq!(site.frames().await.len(), 2);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_registered_or_speaks_from_elsewhere_or_has_logged_off_is_asked_who_it_is() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    assert!(camera.message(&keepalive(CAMERA, 1)).await.starts_with("SIP/2.0 401 "));
    camera.register(3_600).await;
    let elsewhere = CameraLine::udp("127.0.0.2", site.address).await;
    let mut thief = Camera::over(elsewhere, CAMERA, "no password");
    assert!(thief.message(&keepalive(CAMERA, 2)).await.starts_with("SIP/2.0 401 "));
    // Another port of the same address is the same device behind its operator.
    let moved = CameraLine::udp("127.0.0.1", site.address).await;
    let mut moved = Camera::over(moved, CAMERA, "no password");
    assert!(moved.message(&keepalive(CAMERA, 3)).await.starts_with("SIP/2.0 200 "));
    assert!(camera.register(0).await.contains("Expires: 0\r\n"));
    assert!(camera.message(&keepalive(CAMERA, 4)).await.starts_with("SIP/2.0 401 "));
    assert_eq!(site.frames().await.len(), 2);
    assert_eq!(site.refusals("not_registered"), 3);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_speaks_for_its_channels_and_for_nobody_else() {
    let site = Site::start().await;
    let password = site.add("nvr-1", DeviceKind::Gateway, RECORDER, None);
    site.add("gate-1", DeviceKind::Camera, CHANNEL, Some("nvr-1"));
    site.add("cam-1", DeviceKind::Camera, CAMERA, None);
    let line = CameraLine::udp("127.0.0.1", site.address).await;
    let mut recorder = Camera::over(line, RECORDER, &password);
    recorder.register(3_600).await;
    recorder.message(&keepalive(RECORDER, 1)).await;
    recorder.message(&alarm(CHANNEL, 5, 6)).await;
    recorder.message(&alarm(CAMERA, 5, 6)).await;
    let about: Vec<_> = site.frames().await.iter().map(|f| (f.device.to_string(), f.speaker.to_string())).collect();
    let by_recorder = |device: &str| (device.to_owned(), "nvr-1".to_owned());
    let of = ["nvr-1", "nvr-1", "gate-1", "gate-1", "nvr-1"].map(by_recorder);
    assert_eq!(about, of);
    assert!(matches!(site.read(3).await, Ok(Body::Sighting(_))));
    let reason = site.read(4).await.unwrap_err().to_string();
    assert!(reason.contains(&format!("gb28181 Alarm of {CAMERA}, which is not registered behind nvr-1")), "{reason}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_own_alarm_is_answered_in_business_and_reset() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    camera.message(&alarm(CAMERA, 2, 1)).await;
    let answer = camera.hears(|said| said.contains("<Result>OK</Result>")).await;
    assert!(answer.contains("<CmdType>Alarm</CmdType><SN>51</SN>"), "{answer}");
    let reset = camera.hears(|said| said.contains("<AlarmCmd>ResetAlarm</AlarmCmd>")).await;
    assert!(reset.starts_with(&format!("MESSAGE sip:{CAMERA}@")) && reset.contains(CAMERA), "{reset}");
    assert!(matches!(site.read(1).await, Ok(Body::Heartbeat(life)) if life.status == Some(HeartbeatStatus::Fault)));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_asked_for_and_may_come_in_pages_and_a_broken_channel_is_not_kept_alive() {
    let site = Site::start().await;
    let password = site.add("nvr-1", DeviceKind::Gateway, RECORDER, None);
    site.add("gate-1", DeviceKind::Camera, CHANNEL, Some("nvr-1"));
    let line = CameraLine::udp("127.0.0.1", site.address).await;
    let mut recorder = Camera::over(line, RECORDER, &password);
    recorder.register(3_600).await;
    let query = recorder.hears(|said| said.contains("<CmdType>Catalog</CmdType>")).await;
    let number = query.split("<SN>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let page = |id: &str, status: &str| {
        format!(
            "<Response><CmdType>Catalog</CmdType><SN>{number}</SN><DeviceID>{RECORDER}</DeviceID><SumNum>2</SumNum>\
             <DeviceList Num=\"1\"><Item><DeviceID>{id}</DeviceID><Status>{status}</Status></Item></DeviceList></Response>"
        )
    };
    assert!(recorder.message(&page(CHANNEL, "OFF")).await.starts_with("SIP/2.0 200 "));
    assert!(recorder.message(&page("15252500401320000012", "ON")).await.starts_with("SIP/2.0 200 "));
    recorder.message(&keepalive(RECORDER, 1)).await;
    let about: Vec<_> = site.frames().await.iter().map(|frame| frame.device.to_string()).collect();
    assert_eq!(about, ["nvr-1", "nvr-1", "gate-1", "nvr-1", "nvr-1"], "the broken channel is in the catalogue alone");
    assert!(matches!(site.read(2).await, Ok(Body::Heartbeat(life)) if life.status == Some(HeartbeatStatus::Fault)));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_is_subscribed_to_and_its_positions_are_a_track_in_the_datum_that_was_configured() {
    let site = Site::start().await;
    let password = site.add("gcj", DeviceKind::Ranger, CAMERA, None);
    let mut mover = Camera::over(CameraLine::udp("127.0.0.1", site.address).await, CAMERA, &password);
    mover.register(3_600).await;
    let subscription = mover.hears(|said| said.contains("<CmdType>MobilePosition</CmdType>")).await;
    assert!(subscription.starts_with("SUBSCRIBE ") && subscription.contains("Event: presence\r\n"), "{subscription}");
    let position = "<Notify><CmdType>MobilePosition</CmdType><SN>4</SN><Time>2026-11-22T10:15:00</Time>\
                    <Longitude>113.507503</Longitude><Latitude>43.902009</Latitude><Speed>36.0</Speed></Notify>";
    let notify = mover.request("NOTIFY", "Event: presence\r\nSubscription-State: active\r\n", position);
    assert!(mover.send(&notify).await.starts_with("SIP/2.0 200 "));
    let Ok(Body::Track(track)) = site.read(1).await else { panic!("no track") };
    let at = track.position.unwrap();
    assert!((at.lat_deg() - 43.9).abs() < 1e-5 && (at.lon_deg() - 113.5).abs() < 1e-5, "{at:?}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_it_is_the_same_and_the_registration_ends_with_the_connection() {
    let site = Site::start().await;
    let password = site.add("cam-1", DeviceKind::Camera, CAMERA, None);
    let mut camera = Camera::over(CameraLine::tcp(site.address).await, CAMERA, &password);
    assert!(camera.register(3_600).await.starts_with("SIP/2.0 200 "));
    // In two pieces, and behind an empty line that keeps the way open.
    let message = [b"\r\n\r\n".to_vec(), camera.request("MESSAGE", "", &keepalive(CAMERA, 1))].concat();
    let (first, second) = message.split_at(message.len() / 2);
    camera.line.write(first).await;
    assert!(camera.send(second).await.starts_with("SIP/2.0 200 "));
    let other = CameraLine::tcp(site.address).await;
    let mut other = Camera::over(other, CAMERA, "no password");
    assert!(
        other.message(&keepalive(CAMERA, 2)).await.starts_with("SIP/2.0 401 "),
        "another connection is another device"
    );
    drop(camera);
    let mut back = Camera::over(CameraLine::tcp(site.address).await, CAMERA, &password);
    assert!(back.message(&keepalive(CAMERA, 3)).await.starts_with("SIP/2.0 401 "));
    assert!(back.register(3_600).await.starts_with("SIP/2.0 200 "));
    assert_eq!(site.frames().await.len(), 3);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_are_known_after_a_restart() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    let address = site.address;
    let (folder, registry, clock) = site.end().await;
    clock.set(Timestamp::from_millis(NOW_MS + 600_000));
    let site = Site::start_in(folder, registry, clock, address).await;
    assert!(camera.message(&keepalive(CAMERA, 1)).await.starts_with("SIP/2.0 200 "));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sip_disturbs_nobody() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    let mut noise: Vec<Vec<u8>> = vec![
        b"\0\0\0\0".to_vec(),
        vec![0xFF; 1_400],
        b"INVITE sip:a@b SIP/2.0\r\n\r\n".to_vec(),
        b"MESSAGE sip:a SIP/2.0\r\nContent-Length: 9999999\r\n\r\n".to_vec(),
        b"REGISTER sip:a SIP/2.0\r\nVia: x\r\nFrom: y\r\nTo: z\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n".to_vec(),
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKnever\r\n\r\n".to_vec(),
    ];
    // Real traffic of another protocol, where it is at hand.
    noise.extend(
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payloads/pcap/zeek_modbusSmall.pcap"))
            .ok(),
    );
    for bytes in &noise {
        let stranger = CameraLine::udp("127.0.0.1", site.address).await;
        for piece in bytes.chunks(1_400) {
            stranger.write_once(piece).await;
        }
        let mut stranger = CameraLine::tcp(site.address).await;
        stranger.write(bytes).await;
        assert!(camera.message(&keepalive(CAMERA, 1)).await.starts_with("SIP/2.0 200 "));
    }
    assert!(site.refusals("malformed") > 0);
    let invite = camera.request("INVITE", "", "");
    assert!(camera.send(&invite).await.starts_with("SIP/2.0 405 "));
    let options = camera.request("OPTIONS", "", "");
    assert!(camera.send(&options).await.contains("Allow: REGISTER, MESSAGE"));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_journal_ends_the_listening_and_no_camera_hears_ok() {
    let site = Site::start().await;
    let mut camera = site.camera().await;
    camera.register(3_600).await;
    site.journal.close();
    let message = camera.request("MESSAGE", "", &keepalive(CAMERA, 1));
    camera.line.write(&message).await;
    let error = site.running.await.unwrap().unwrap_err();
    assert!(matches!(error, SipError::Journal(AppendError::Closed)), "{error:?}");
}
