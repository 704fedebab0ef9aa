//! Sessions with a camera over real sockets: it tells events, forgets us, hangs, has a wrong clock.

use super::*;
use crate::decode::decode;
use crate::protocol::camera_link::{Password, camera_url};
use crate::protocol::testing::Site;
use firmware_sim::onvif::{Fault, OnvifCamera};
use model::{Body, DeviceId, DeviceKind, Entry, HeartbeatStatus, Species, Timestamp};
use tokio::task::JoinHandle;

const LINE: &str = "tns1:RuleEngine/LineDetector/Crossed";
const FIELD: &str = "tns1:RuleEngine/FieldDetector/ObjectsInside";
const TAMPER: &str = "tns1:VideoSource/GlobalSceneChange/AnalyticsService";

/// Short waits; a camera that hangs is given up soon.
const QUICK: Patience = Patience {
    call: Duration::from_secs(2),
    pull: Duration::from_millis(200),
    goodbye: Duration::from_secs(2),
    backoff: Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(50) },
};

struct Run {
    site: Site,
    metrics: LinkMetrics,
    running: JoinHandle<Result<(), AppendError>>,
}

fn ask(site: Site, camera: &OnvifCamera, password: &str) -> Run {
    rustls::crypto::ring::default_provider().install_default().ok();
    let metrics = LinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let config = CameraConfig {
        device: DeviceId::parse("cam-1").unwrap(),
        url: camera_url(&camera.url()).unwrap(),
        user: "reader".to_owned(),
        password: Password::new(password),
    };
    let running = tokio::spawn(run_patiently(vec![config], site.parts(), metrics.clone(), QUICK, site.stop.clone()));
    Run { site, metrics, running }
}

async fn start() -> (OnvifCamera, Run) {
    let camera = OnvifCamera::start("reader", "grass").await.unwrap();
    // Whatever it calls itself, it is asked at the configured address.
    camera.stand_behind_nat();
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, &camera, "grass");
    camera.was_asked(1).await.unwrap();
    (camera, run)
}

impl Run {
    /// Waits for so many entries of this format.
    async fn entries(&self, count: usize) -> Vec<Entry> {
        self.site.wait_for_entries(|entries| entries.len() >= count).await
    }

    async fn failed(&self, reason: &str) {
        while self.metrics.failures("onvif", reason) == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) {
        self.site.end(self.running).await.unwrap();
    }
}

fn body(entry: &Entry) -> Body {
    decode(entry).unwrap().body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_asked_and_what_it_says_happened_is_told_by_our_clock() {
    let (camera, run) = start().await;
    camera.notify(LINE, &[("ObjectId", "17")]);
    let entries = run.site.wait_for_entries(|all| all.iter().any(|one| matches!(body(one), Body::Sighting(_)))).await;
    let reading = decode(entries.last().unwrap()).unwrap();
    let Body::Sighting(seen) = reading.body else { panic!("{reading:?}") };
    assert_eq!((seen.species, seen.confidence), (Species::Unknown, 0.5));
    // The house's clock stands days before the camera's, which is the machine's.
    let off = reading.device_time.unwrap().0.as_millis() - run.site.parts().clock.now().as_millis();
    assert!(off.abs() < 60_000, "{off} ms");
    run.end().await;
    assert_eq!(camera.subscriptions(), 0, "it was told goodbye");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_with_a_wrong_clock_is_let_in_since_we_ask_for_its_time_first() {
    let camera = OnvifCamera::start("reader", "grass").await.unwrap();
    camera.set_clock_ahead(-40 * 365 * 86_400_000);
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, &camera, "grass");
    camera.was_asked(1).await.unwrap();
    camera.notify(FIELD, &[("IsInside", "true")]);
    let entries = run.site.wait_for_entries(|all| all.iter().any(|one| matches!(body(one), Body::Sighting(_)))).await;
    let time = decode(entries.last().unwrap()).unwrap().device_time.unwrap().0;
    assert!((time.as_millis() - run.site.parts().clock.now().as_millis()).abs() < 60_000, "{time}");
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_without_events_lives_and_a_covered_lens_is_remembered_beside_it() {
    let camera = OnvifCamera::start("reader", "grass").await.unwrap();
    camera.holds(TAMPER, &[("State", "true")]);
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, &camera, "grass");
    let first = run.entries(1).await;
    let status = |entry: &Entry| match body(entry) {
        Body::Heartbeat(life) => life.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&first[0]), Some(HeartbeatStatus::Fault), "it was covered when we came");
    camera.notify("tns1:RuleEngine/CellMotionDetector/Motion", &[("IsMotion", "true")]);
    assert_eq!(status(run.entries(2).await.last().unwrap()), Some(HeartbeatStatus::Fault));
    camera.notify(TAMPER, &[("State", "false")]);
    assert_eq!(status(run.entries(3).await.last().unwrap()), Some(HeartbeatStatus::Ok));
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_forgets_us_hangs_or_talks_nonsense_is_asked_again() {
    let (camera, run) = start().await;
    for (fault, reason) in [(Fault::Forgets, "malformed"), (Fault::Hangs, "silent")] {
        camera.fails(fault);
        run.failed(reason).await;
    }
    camera.fails(Fault::Garbage);
    let before = run.metrics.failures("onvif", "malformed");
    while run.metrics.failures("onvif", "malformed") == before {
        tokio::task::yield_now().await;
    }
    // Whichever subscription it has now, it hears of this.
    let heard = run.site.wait_for_entries(|all| all.iter().any(|one| matches!(body(one), Body::Sighting(_))));
    let tells = async {
        loop {
            camera.notify(LINE, &[("ObjectId", "1")]);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = heard => {}
        () = tells => {}
    }
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_device_that_nobody_registered_leave_nothing_in_the_journal() {
    let camera = OnvifCamera::start("reader", "grass").await.unwrap();
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, &camera, "guess");
    run.failed("refused").await;
    assert_eq!(run.site.entries().await, []);
    run.end().await;

    let run = ask(Site::start(), &camera, "grass");
    run.failed("unregistered").await;
    assert_eq!((run.site.entries().await, camera.subscriptions()), (vec![], 0));
    run.end().await;
}

/// The server in the examples of `oxvif`, which reads our questions by its own code.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_server_is_asked_like_a_camera() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new("mock_server");
    server.arg("0").arg("--config").arg(folder.path().join("state.toml"));
    let mut server = match server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
        Ok(server) => server,
        Err(absent) => {
            eprintln!("skipped: oxvif's mock_server is not here ({absent}); tests/install.sh installs it");
            return;
        }
    };
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().split_once("ONVIF_URL=").map(|(_, url)| url.to_owned())).unwrap();
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let config = CameraConfig {
        device: DeviceId::parse("cam-1").unwrap(),
        url: camera_url(&url).unwrap(),
        user: "admin".to_owned(),
        password: Password::new("admin"),
    };
    let metrics = LinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let running = tokio::spawn(run_patiently(vec![config], site.parts(), metrics, QUICK, site.stop.clone()));
    // Motion, rules and relays in turn: whatever it is, it is understood.
    let entries = site.wait_for_entries(|entries| entries.len() >= 6).await;
    server.kill().unwrap();
    server.wait().unwrap();
    for entry in &entries {
        let text = String::from_utf8_lossy(&entry.frame.payload);
        match decode(entry) {
            Ok(reading) => assert!(matches!(reading.body, Body::Heartbeat(_) | Body::Sighting(_)), "{text}"),
            Err(reject) => assert_eq!(reject.label(), "unused", "{text}"),
        }
    }
    site.end(running).await.unwrap();
}

#[test]
fn a_cameras_times_before_1970_are_no_times() {
    let document = crate::decode::xml::read(b"<t><UTCDateTime/></t>").unwrap();
    assert_eq!(document.root.text_at("UTCDateTime/Date/Year"), None);
    assert_eq!(crate::decode::onvif::utc("1960-01-01T00:00:00Z"), None);
    assert_eq!(crate::decode::onvif::utc("2026-11-22T02:15:00"), Some(Timestamp::from_millis(1_795_313_700_000)));
}
