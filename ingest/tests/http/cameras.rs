//! Cameras that post their events: by hand, by curl, and by Python's `requests`.

use super::house::{House, Mood, problem};
use ingest::decode::decode;
use model::{Body, Channel, DeviceId, DeviceKind, Entry, External, HeartbeatStatus, Species, Transport};
use registry::NewDevice;
use reqwest::{Response, StatusCode};
use std::process::{Command, Output};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture \r\n--not-a-boundary\r\n";

fn event(kind: &str, state: &str, more: &str) -> String {
    format!(
        "<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\"><channelID>3</channelID>\
         <dateTime>2025-11-22T08:00:00+08:00</dateTime><activePostCount>1</activePostCount><eventType>{kind}</eventType>\
         <eventState>{state}</eventState>{more}</EventNotificationAlert>"
    )
}

/// A person and a car.
fn intrusion() -> String {
    let region = |target: &str| {
        format!(
            "<DetectionRegionEntry><detectionTarget>{target}</detectionTarget><TargetRect><X>0.42</X><Y>0.55</Y><width>0.05</width>\
             <height>0.06</height></TargetRect></DetectionRegionEntry>"
        )
    };
    let regions = format!("<DetectionRegionList>{}{}</DetectionRegionList>", region("human"), region("vehicle"));
    event("fielddetection", "active", &regions)
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, part) in parts {
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"x\"\r\nContent-Type: {kind}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    body
}

async fn posts(house: &House, body: impl Into<reqwest::Body>, content_type: &str) -> Response {
    let request = house.event("camera-1").basic_auth("camera-1", Some(house.password()));
    request.header("content-type", content_type).body(body).send().await.unwrap()
}

fn bodies(entries: &[Entry]) -> Vec<Body> {
    entries.iter().map(|entry| decode(entry).unwrap().body).collect()
}

/// What an intrusion with a picture leaves in the journal: the picture, the person and the car, and that they belong together.
#[track_caller]
fn check_intrusion(entries: &[Entry]) {
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0].frame.payload, JPEG);
    let bodies = bodies(entries);
    let Body::Snapshot(picture) = &bodies[0] else { panic!("{bodies:?}") };
    let species: Vec<_> = bodies[1..]
        .iter()
        .map(|body| match body {
            Body::Sighting(seen) => {
                assert_eq!(seen.snapshot_id.as_ref(), Some(&picture.id));
                seen.species
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(species, [Species::Person, Species::Vehicle]);
    for entry in entries {
        assert_eq!((entry.frame.device.as_str(), entry.frame.transport), ("camera-1", Transport::Http));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_its_picture_are_on_disk_and_belong_together() {
    let house = House::start().await;
    let body = form(&[("application/xml", intrusion().as_bytes()), ("image/jpeg", JPEG)]);
    let answer = posts(&house, body, "multipart/form-data; boundary=edge").await;
    assert_eq!(answer.status(), StatusCode::OK);
    check_intrusion(&house.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_lens_is_remembered_beside_every_sign_of_life_until_it_is_taken_back() {
    let house = House::start().await;
    let beat = event("videoloss", "inactive", "");
    for (body, status) in [
        (&beat, None),
        (&event("shelteralarm", "active", ""), Some(HeartbeatStatus::Fault)),
        (&beat, Some(HeartbeatStatus::Fault)),
        (&event("shelteralarm", "inactive", ""), Some(HeartbeatStatus::Ok)),
        (&beat, Some(HeartbeatStatus::Ok)),
    ] {
        assert_eq!(posts(&house, body.clone(), "application/xml").await.status(), StatusCode::OK);
        match bodies(&house.entries().await).pop() {
            Some(Body::Heartbeat(life)) => assert_eq!(life.status, status, "{body}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_understands_is_answered_with_200_and_kept_and_disturbs_nobody() {
    let house = House::start().await;
    for bad in [&b"<EventNotificationAlert>"[..], b"\xFF\xFE\x00", b"", b"{\"eventType\": 3", &[b'<'; 100_000]] {
        assert_eq!(posts(&house, bad, "application/xml").await.status(), StatusCode::OK);
    }
    let entries = house.entries().await;
    assert_eq!(entries.len(), 5);
    assert!(entries.iter().all(|entry| decode(entry).is_err()));
    let garbage = posts(&house, "nothing of this is a part", "multipart/form-data; boundary=edge").await;
    problem(garbage, 400).await;
    assert_eq!(posts(&house, intrusion(), "text/xml").await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_whatever_it_is() {
    let house = House::start().await;
    problem(posts(&house, vec![b' '; (256 << 10) + 1], "application/xml").await, 413).await;
    // Only announced: a client that is still sending may not hear the answer.
    let announced = format!(
        "POST /isapi/camera-1/{} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n\r\n",
        house.password(),
        (12 << 20) + 1
    );
    let answer = house.raw(announced.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && !answer.contains(&house.password()), "{answer}");
    let mut picture = vec![7; (4 << 20) + 1];
    picture[..3].copy_from_slice(&JPEG[..3]);
    let body = form(&[("application/xml", intrusion().as_bytes()), ("image/jpeg", &picture)]);
    problem(posts(&house, body, "multipart/form-data; boundary=edge").await, 400).await;
    let many = form(&vec![("application/xml", &b"<a/>"[..]); 33]);
    problem(posts(&house, many, "multipart/form-data; boundary=edge").await, 400).await;
    assert_eq!(house.entries().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_with_200_that_is_not_on_disk() {
    let house = House::start_with(std::time::Duration::from_millis(50)).await;
    house.mood.send_replace(Mood::Full);
    problem(posts(&house, intrusion(), "application/xml").await, 503).await;
    assert_eq!(house.entries().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_known_by_its_password_or_secret_and_speaks_only_as_itself() {
    let house = House::start().await;
    let as_user = |path: &str, user: &str, password: &str| {
        house.event(path).basic_auth(user, Some(password)).body(intrusion()).send()
    };
    let (password, secret) = (house.password(), house.secret("camera-1").to_owned());
    assert_eq!(as_user("camera-1", "camera-1", &password).await.unwrap().status(), StatusCode::OK);
    assert_eq!(as_user("camera-1", "camera-1", &secret).await.unwrap().status(), StatusCode::OK);
    let in_path = house.event(&format!("camera-1/{password}")).body(intrusion()).send().await.unwrap();
    assert_eq!(in_path.status(), StatusCode::OK);
    let taken = house.entries().await.len();

    problem(as_user("camera-1", "camera-1", "guess").await.unwrap(), 401).await;
    problem(as_user("camera-1", "camera-9", &password).await.unwrap(), 401).await;
    problem(as_user("camera-2", "camera-1", &password).await.unwrap(), 403).await;
    problem(house.event("camera-1/guess").body(intrusion()).send().await.unwrap(), 401).await;
    problem(house.event(&format!("camera-2/{password}")).body(intrusion()).send().await.unwrap(), 401).await;
    let stranger = house.event("camera-1").body(intrusion()).send().await.unwrap();
    let ways: Vec<_> = stranger.headers().get_all("www-authenticate").iter().cloned().collect();
    assert!(ways.len() == 3 && ways[0].to_str().unwrap().starts_with("Digest realm=\"steppewatch\""), "{ways:?}");
    problem(stranger, 401).await;
    house.registry.set_disabled(&DeviceId::parse("camera-1").unwrap(), true, "test").unwrap();
    problem(as_user("camera-1", "camera-1", &password).await.unwrap(), 403).await;
    assert_eq!(house.entries().await.len(), taken, "nothing of that is kept");
    assert!(house.refusals("bad_credentials") >= 4 && house.refusals("disabled") == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_speaks_for_its_channels_and_for_no_others() {
    let house = House::start().await;
    let add = |id: &str, kind, via: Option<&str>, name: Option<&str>| {
        let external = name.map(|name| External { system: "isapi".into(), id: name.into() }).into_iter().collect();
        let via = via.map(|via| DeviceId::parse(via).unwrap());
        let device = NewDevice { via, external, ..NewDevice::new(DeviceId::parse(id).unwrap(), kind) };
        house.registry.add_device(device, "test").unwrap()
    };
    let secret = add("nvr-1", DeviceKind::Gateway, None, None);
    add("pond", DeviceKind::Camera, Some("nvr-1"), Some("nvr-1/3"));
    add("other", DeviceKind::Camera, None, Some("nvr-1/4"));
    let post = |body: String| house.event("nvr-1").basic_auth("nvr-1", Some(secret.as_str())).body(body).send();
    let fourth = intrusion().replace("<channelID>3<", "<channelID>4<");
    for body in [intrusion(), fourth, event("videoloss", "inactive", "")] {
        assert_eq!(post(body).await.unwrap().status(), StatusCode::OK);
    }
    let entries = house.entries().await;
    let about: Vec<_> = entries.iter().map(|entry| entry.frame.device.as_str()).collect();
    assert_eq!(about, ["pond", "pond", "nvr-1", "nvr-1"]);
    assert_eq!(decode(&entries[2]).unwrap_err().label(), "unregistered");
    assert!(matches!(decode(&entries[3]).unwrap().body, Body::Heartbeat(_)), "its heartbeat is its own");
    assert!(entries.iter().all(|entry| entry.frame.speaker.as_str() == "nvr-1"));
    // A channel's trouble is the channel's, and so is its end; the recorder's heartbeat stays its own.
    for (kind, state) in [("shelteralarm", "active"), ("videoloss", "inactive"), ("shelteralarm", "inactive")] {
        assert_eq!(post(event(kind, state, "")).await.unwrap().status(), StatusCode::OK);
    }
    let entries = house.entries().await.split_off(4);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| match decode(entry).unwrap().body {
            Body::Heartbeat(life) => (entry.frame.device.as_str(), life.status),
            other => panic!("{other:?}"),
        })
        .collect();
    let (fault, well) = (Some(HeartbeatStatus::Fault), Some(HeartbeatStatus::Ok));
    assert_eq!(told, [("pond", fault), ("nvr-1", None), ("nvr-1", None), ("pond", well)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_of_motion_with_nothing_in_them_are_one_sign_of_life() {
    let house = House::start().await;
    let region = "<DetectionRegionEntry><regionID>1</regionID></DetectionRegionEntry>";
    let regions = format!("<DetectionRegionList>{}</DetectionRegionList>", region.repeat(8));
    assert_eq!(posts(&house, event("VMD", "active", &regions), "application/xml").await.status(), StatusCode::OK);
    let entries = house.entries().await;
    assert!(matches!(bodies(&entries).as_slice(), [Body::Heartbeat(_)]), "{entries:?}");
}

/// The status that a request had, sent twice by hand with the same proof.
async fn proofs(house: &House, path: &str, uri: &str, count: u32) -> Vec<u16> {
    use md5::{Digest, Md5};
    let hash = |text: String| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let asked = house.event(path).body(intrusion()).send().await.unwrap();
    let challenge = asked.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let who = hash(format!("camera-1:steppewatch:{}", house.password()));
    let what = hash(format!("POST:{uri}"));
    let response = hash(format!("{who}:{nonce}:{count:08x}:abc:auth:{what}"));
    let proof = format!(
        "Digest username=\"camera-1\", realm=\"steppewatch\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         qop=auth, nc={count:08x}, cnonce=\"abc\""
    );
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let sent = house.event(path).header("authorization", &proof).body(intrusion()).send().await.unwrap();
        let stale = sent.headers().get("www-authenticate").is_some_and(|way| way.to_str().unwrap().contains("stale"));
        statuses.push(if stale { 1_000 } else { sent.status().as_u16() });
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_taken_once_and_for_its_own_address_only() {
    let house = House::start().await;
    assert_eq!(proofs(&house, "camera-1", "/isapi/camera-1", 1).await, [200, 1_000]);
    let whole = format!("http://{}/isapi/camera-1", house.address);
    assert_eq!(proofs(&house, "camera-1", &whole, 1).await, [200, 1_000]);
    assert_eq!(proofs(&house, "camera-1", "/isapi/camera-2", 1).await, [401, 401]);
    assert_eq!(house.entries().await.len(), 4);
}

/// What a program that is not ours said, or `None` where it is not installed.
fn foreign(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(done) => Some(done),
        Err(absent) => {
            eprintln!("skipped: {command:?} is not here ({absent}); tests/install.sh installs it");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_posts_an_event_with_a_picture_by_digest_and_by_basic() {
    let house = House::start().await;
    let (xml, jpeg) = (house.folder.path().join("event.xml"), house.folder.path().join("a.jpg"));
    std::fs::write(&xml, intrusion()).unwrap();
    std::fs::write(&jpeg, JPEG).unwrap();
    for (way, entries) in [("--digest", 3), ("--basic", 6)] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--max-time", "30", "--noproxy", "*", way, "--user"])
            .arg(format!("camera-1:{}", house.password()))
            .arg("--form")
            .arg(format!("fielddetection=@{};type=application/xml", xml.display()))
            .arg("--form")
            .arg(format!("picture=@{};type=image/jpeg", jpeg.display()))
            .arg(format!("http://{}/isapi/camera-1", house.address));
        let Some(said) = tokio::task::block_in_place(|| foreign(&mut curl)) else { return };
        assert!(said.status.success(), "{way}: {}", String::from_utf8_lossy(&said.stderr));
        let all = house.entries().await;
        assert_eq!(all.len(), entries, "{way}");
        check_intrusion(&all[entries - 3..]);
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--max-time", "30", "--noproxy", "*", "--digest", "--user", "camera-1:guess"])
        .args(["--data-binary", "<a/>"])
        .arg(format!("http://{}/isapi/camera-1", house.address));
    let Some(said) = tokio::task::block_in_place(|| foreign(&mut curl)) else { return };
    assert_eq!(said.status.code(), Some(22), "an error of HTTP");
}

/// Posts twice over one connection, by digest.
const REQUESTS: &str = "
import sys, requests
from requests.auth import HTTPDigestAuth
url, password, xml, jpeg = sys.argv[1:5]
session = requests.Session()
session.trust_env = False
session.auth = HTTPDigestAuth('camera-1', password)
for _ in range(2):
    files = {'event': ('e.xml', open(xml, 'rb').read(), 'application/xml'), 'a.jpg': ('a.jpg', open(jpeg, 'rb').read(), 'image/jpeg')}
    answer = session.post(url, files=files, timeout=30)
    assert answer.status_code == 200, (answer.status_code, answer.text)
";

#[tokio::test(flavor = "multi_thread")]
async fn pythons_requests_posts_events_by_digest() {
    let house = House::start().await;
    let (xml, jpeg) = (house.folder.path().join("event.xml"), house.folder.path().join("a.jpg"));
    std::fs::write(&xml, intrusion()).unwrap();
    std::fs::write(&jpeg, JPEG).unwrap();
    let there = Command::new("python3").args(["-c", "import requests"]).output();
    if !there.is_ok_and(|there| there.status.success()) {
        eprintln!("skipped: Python's requests is not here; tests/install.sh installs it");
        return;
    }
    let mut python = Command::new("python3");
    python.args(["-c", REQUESTS]).arg(format!("http://{}/isapi/camera-1", house.address)).arg(house.password());
    let Some(said) = tokio::task::block_in_place(|| foreign(python.arg(&xml).arg(&jpeg))) else { return };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let entries = house.entries().await;
    check_intrusion(&entries[..3]);
    check_intrusion(&entries[3..]);
    assert!(matches!(entries[0].frame.channel, Channel::Native { .. }));
}
