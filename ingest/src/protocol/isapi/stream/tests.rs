//! Streams of a camera over real sockets: events with pictures, heartbeats, hang-ups, silence, nonsense.

use super::*;
use crate::decode::decode;
use crate::protocol::camera_link::{Password, camera_url};
use crate::protocol::testing::Site;
use firmware_sim::isapi::{IsapiStream, event, region};
use model::{Body, DeviceId, DeviceKind, Entry, HeartbeatStatus, Species};
use tokio::task::JoinHandle;

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture \r\n--not-a-boundary\r\n";
const TIME: &str = "2026-11-22T10:15:00+08:00";

const QUICK: Patience = Patience {
    call: Duration::from_secs(2),
    silence: Duration::from_secs(3),
    picture: Duration::from_millis(100),
    backoff: Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(50) },
};

struct Run {
    camera: IsapiStream,
    site: Site,
    metrics: LinkMetrics,
    running: JoinHandle<Result<(), AppendError>>,
}

async fn ask(site: Site, password: &str, patience: Patience) -> Run {
    rustls::crypto::ring::default_provider().install_default().ok();
    let camera = IsapiStream::start("admin", "grass").await.unwrap();
    let metrics = LinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let config = CameraConfig {
        device: DeviceId::parse("cam-1").unwrap(),
        url: camera_url(&camera.url()).unwrap(),
        user: "admin".to_owned(),
        password: Password::new(password),
    };
    let running = tokio::spawn(run_patiently(vec![config], site.parts(), metrics.clone(), patience, site.stop.clone()));
    Run { camera, site, metrics, running }
}

async fn start() -> Run {
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, "grass", QUICK).await;
    run.camera.has_listener(1).await.unwrap();
    run
}

impl Run {
    async fn failed(&self, reason: &str) {
        while self.metrics.failures("isapi", reason) == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) {
        self.site.end(self.running).await.unwrap();
    }
}

fn bodies(entries: &[Entry]) -> Vec<Body> {
    entries.iter().map(|entry| decode(entry).unwrap().body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_takes_the_picture_behind_it_along_and_one_without_does_not_wait_for_ever() {
    let run = start().await;
    let intrusion = event("fielddetection", "active", TIME, &region("human", [0.4, 0.5, 0.1, 0.2]));
    run.camera.say(&intrusion, Some(JPEG));
    let bodies = bodies(&run.site.wait_for_entries(|entries| entries.len() >= 2).await);
    let (Body::Snapshot(picture), Body::Sighting(seen)) = (&bodies[0], &bodies[1]) else { panic!("{bodies:?}") };
    assert_eq!((seen.species, seen.snapshot_id.as_ref()), (Species::Person, Some(&picture.id)));
    run.camera.say(&event("linedetection", "active", TIME, ""), None);
    run.site.wait_for_entries(|entries| entries.len() >= 3).await;
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_is_written_down_once_in_a_while_unless_it_says_something_new() {
    let run = start().await;
    let beat = event("videoloss", "inactive", TIME, "");
    for _ in 0..20 {
        run.camera.say(&beat, None);
    }
    run.camera.say(&event("shelteralarm", "active", TIME, ""), None);
    for _ in 0..20 {
        run.camera.say(&beat, None);
    }
    run.camera.say(&event("linedetection", "active", TIME, ""), None);
    let entries = run.site.wait_for_entries(|entries| entries.len() >= 4).await;
    let status: Vec<_> = bodies(&entries)
        .into_iter()
        .map(|body| match body {
            Body::Heartbeat(life) => life.status,
            other => panic!("{other:?}"),
        })
        .take(3)
        .collect();
    let fault = Some(HeartbeatStatus::Fault);
    assert_eq!(status, [None, fault, fault]);
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_hangs_up_says_nothing_or_talks_nonsense_is_listened_to_again() {
    let run = start().await;
    run.camera.hang_up();
    run.failed("ended").await;
    run.camera.has_listener(2).await.unwrap();
    run.camera.raw(&[b"--boundary\r\nx: ", [b'x'; 8_000].as_slice()].concat());
    run.failed("malformed").await;
    run.camera.has_listener(3).await.unwrap();
    // It says nothing at all.
    run.failed("silent").await;
    run.camera.has_listener(4).await.unwrap();
    run.camera.say("<EventNotificationAlert>", None);
    run.camera.say(&event("linedetection", "active", TIME, ""), None);
    let entries = run.site.wait_for_entries(|entries| entries.len() >= 2).await;
    assert!(decode(&entries[0]).is_err(), "kept with its reason");
    assert!(matches!(decode(&entries[1]).unwrap().body, Body::Sighting(_)));
    run.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_device_that_nobody_registered_leave_nothing_in_the_journal() {
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let run = ask(site, "guess", QUICK).await;
    run.failed("refused").await;
    assert_eq!(run.site.entries().await, []);
    run.end().await;
    let run = ask(Site::start(), "grass", QUICK).await;
    run.failed("unregistered").await;
    run.end().await;
}

/// A server by Flask, whose digest nobody here wrote: one event with a picture, then it waits.
const SERVER: &str = "
import sys, threading
from flask import Flask, Response
from flask_httpauth import HTTPDigestAuth
from werkzeug.serving import WSGIRequestHandler, make_server
app, auth = Flask(__name__), HTTPDigestAuth(realm='IP Camera', use_ha1_pw=False)
app.config['SECRET_KEY'] = 'a key'
known = set()
auth.generate_nonce(lambda: known.add('4d7a') or '4d7a')
auth.generate_opaque(lambda: 'o')
auth.verify_nonce(lambda nonce: nonce in known)
auth.verify_opaque(lambda opaque: opaque == 'o')
auth.get_password(lambda user: 'grass' if user == 'admin' else None)
def part(kind, body):
    return b'--boundary\\r\\nContent-Type: ' + kind + b'\\r\\nContent-Length: ' + str(len(body)).encode() + b'\\r\\n\\r\\n' + body + b'\\r\\n'
@app.route('/ISAPI/Event/notification/alertStream')
@auth.login_required
def stream():
    def parts():
        yield part(b'application/xml', sys.argv[1].encode())
        yield part(b'image/jpeg', b'\\xff\\xd8\\xff a picture')
        threading.Event().wait()
    return Response(parts(), content_type='multipart/mixed; boundary=boundary')
WSGIRequestHandler.protocol_version = 'HTTP/1.1'
server = make_server('127.0.0.1', 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
";

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_server_with_a_digest_is_listened_to_like_a_camera() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    rustls::crypto::ring::default_provider().install_default().ok();
    let there = Command::new("python3").args(["-c", "import flask_httpauth"]).output();
    if !there.is_ok_and(|there| there.status.success()) {
        eprintln!("skipped: Flask-HTTPAuth is not here; tests/install.sh installs it");
        return;
    }
    let intrusion = event("fielddetection", "active", TIME, &region("vehicle", [0.4, 0.5, 0.1, 0.2]));
    let mut python = Command::new("python3");
    python.args(["-c", SERVER, &intrusion]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = python.spawn().unwrap();
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let site = Site::start();
    site.add_plain("cam-1", DeviceKind::Camera);
    let config = CameraConfig {
        device: DeviceId::parse("cam-1").unwrap(),
        url: camera_url(&format!("http://127.0.0.1:{}", port.trim())).unwrap(),
        user: "admin".to_owned(),
        password: Password::new("grass"),
    };
    let metrics = LinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let running = tokio::spawn(run_patiently(vec![config], site.parts(), metrics, QUICK, site.stop.clone()));
    let bodies = bodies(&site.wait_for_entries(|entries| entries.len() >= 2).await);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(matches!(&bodies[0], Body::Snapshot(_)), "{bodies:?}");
    assert!(matches!(&bodies[1], Body::Sighting(seen) if seen.species == Species::Vehicle), "{bodies:?}");
    site.end(running).await.unwrap();
}
