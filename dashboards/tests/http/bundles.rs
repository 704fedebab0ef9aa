//! A case as one file for outside the house: who may take it, what is in it and what is not, and that the audit knows.

use crate::support::{Server, TOWNSHIP, alert_of, delivery, incident_json, opened, problem};
use evidence::bundle::{Verified, verify};
use evidence::{Item, Looking, Why};
use journal::Journal;
use model::{
    AlertKind, Channel, DeviceId, DeviceKind, Frame, IncidentId, Offset, ReadingKind, ReceivedAt, SnapshotId,
    Timestamp, TownshipCode, Transport,
};
use registry::{NewDevice, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

const BUNDLE: &str = "/api/v1/incidents/i-1/bundle";
const JPEG: &[u8] = b"\xFF\xD8\xFF a picture";

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn keep(server: &Server, device: &str, snapshot: &str, jpeg: &[u8]) {
    let item = Item {
        incident: IncidentId::parse("i-1").unwrap(),
        device: DeviceId::parse(device).unwrap(),
        snapshot: SnapshotId::parse(snapshot).unwrap(),
        why: Why::Named,
        taken_at: time("2026-05-01T00:05:00Z"),
        offset: Offset(2),
        looking: Looking::default(),
        hash: String::new(),
        bytes: 0,
    };
    server.evidence.keep(&item, jpeg, &BTreeSet::new()).unwrap();
}

/// A case of two cameras, one of them of another township; each has a picture that is kept.
async fn server() -> Server {
    let mut incident = incident_json("i-1", TOWNSHIP, "open");
    incident["devices"] = json!(["camera-1", "camera-2"]);
    let named = |device: &str, id: &str| json!({ "snapshot_id": id, "device": device, "ts": "2026-05-01T00:05:00.000Z", "boxes": [[0.1, 0.2, 0.3, 0.4]] });
    incident["evidence"] = json!([named("camera-1", "s-1"), named("camera-2", "s-2"), named("camera-1", "s-lost")]);
    let other = delivery("d-9", "i-2", "delivered");
    let told = [alert_of(AlertKind::IncidentOpened, incident), opened("i-2"), delivery("d-1", "i-1", "dead"), other];
    let server = Server::start_after(&told).await;
    for (camera, township) in [("camera-1", TOWNSHIP), ("camera-2", "150425200")] {
        let (id, township) = (DeviceId::parse(camera).unwrap(), TownshipCode::parse(township).unwrap());
        let device = NewDevice { township: Some(township), ..NewDevice::new(id, DeviceKind::Camera) };
        server.registry.add_device(device, "test").unwrap();
    }
    keep(&server, "camera-1", "s-1", JPEG);
    keep(&server, "camera-2", "s-2", b"\xFF\xD8\xFF another");
    server
}

fn opened_up(bundle: &[u8]) -> (Verified, BTreeMap<String, Vec<u8>>) {
    let verified = verify(Cursor::new(bundle), None).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bundle)).unwrap();
    let all = 0..archive.len();
    let files = all.map(|index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    });
    (verified, files.collect())
}

fn json_of(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap()
}

#[tokio::test]
async fn a_bundle_holds_the_case_its_law_its_pictures_and_who_was_told_and_the_audit_knows_of_it() {
    let server = server().await;
    let session = server.login("admin").await;
    assert_eq!(session.post("/api/v1/incidents/i-1/acknowledge", json!({})).await.status(), StatusCode::ACCEPTED);
    let answer = session.get(BUNDLE).await;
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"application/zip".parse().unwrap())
    );
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"evidence-i-1.zip\"");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let (Verified { manifest, .. }, files) = opened_up(&answer.bytes().await.unwrap());

    assert_eq!(
        (manifest.tenant.as_str(), manifest.incident.as_str(), manifest.exported_by.as_str()),
        ("hexigten", "i-1", "admin")
    );
    assert_eq!(json_of(&files, "incident.json"), session.get_json("/api/v1/incidents/i-1").await);
    let told = json_of(&files, "deliveries.json");
    assert_eq!((told.as_array().unwrap().len(), &told[0]["id"]), (1, &"d-1".into()), "and nobody else's");
    let zones = json_of(&files, "zones.geojson");
    assert_eq!(
        (&zones["features"][0]["id"], &zones["features"][0]["properties"]["version"]),
        (&"zone-1".into(), &1.into())
    );
    assert_eq!(json_of(&files, "closures.json")["decided"]["legal_basis"], "R 35");
    let pictures = json_of(&files, "pictures.json");
    assert_eq!(pictures.as_array().unwrap().len(), 2);
    let first = pictures.as_array().unwrap().iter().find(|picture| picture["device"] == "camera-1").unwrap();
    assert_eq!((&files[first["file"].as_str().unwrap()][..], &first["boxes"]), (JPEG, &json!([[0.1, 0.2, 0.3, 0.4]])));
    let audit = json_of(&files, "audit.json");
    let did: Vec<_> = audit.as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    assert_eq!(did, ["incident.acknowledge i-1"]);
    assert_eq!(audit[0].get("address"), None, "the house's own addresses stay in it");
    assert!(files["case-sheet.pdf"].starts_with(b"%PDF"));
    let readme = String::from_utf8(files["README.txt"].clone()).unwrap();
    assert!(readme.contains("案件编号：i-1") && readme.contains("Case: i-1"), "{readme}");
    let absent: Vec<_> = manifest.absent.iter().map(|line| line.what.as_str()).collect();
    assert!(absent.contains(&"camera-1 s-lost") && absent.contains(&"journal.jsonl"), "{absent:?}");

    let entries = server.registry.audit(1).unwrap();
    assert_eq!((entries[0].what.as_str(), entries[0].who.as_str()), ("incident.export i-1", "admin"));
    assert!(entries[0].after.as_ref().unwrap().contains(&manifest.chain_tip), "by which the bundle is known again");
    let again = opened_up(&session.get(BUNDLE).await.bytes().await.unwrap());
    assert_eq!(again.0.manifest.public_key, manifest.public_key, "one key for all");
}

#[tokio::test]
async fn only_who_works_on_cases_or_looks_after_them_takes_one_out_of_the_house_and_only_of_their_townships() {
    let server = server().await;
    problem(server.get(BUNDLE).await, StatusCode::UNAUTHORIZED).await;
    for (name, role, status) in [
        ("viewer", Role::Viewer, StatusCode::FORBIDDEN),
        ("drawer", Role::ZoneEditor, StatusCode::FORBIDDEN),
        ("operator", Role::Operator, StatusCode::OK),
        ("supervisor", Role::Supervisor, StatusCode::OK),
        ("auditor", Role::Auditor, StatusCode::OK),
    ] {
        server.add_user(name, &[role], &[]);
        assert_eq!(server.login(name).await.get(BUNDLE).await.status(), status, "{name}");
    }
    server.add_user("elsewhere", &[Role::Operator], &["150425200"]);
    let elsewhere = server.login("elsewhere").await;
    problem(elsewhere.get(BUNDLE).await, StatusCode::NOT_FOUND).await;
    let entries = server.registry.audit(100).unwrap();
    let mut exported: Vec<_> = entries
        .iter()
        .filter(|entry| entry.what.starts_with("incident.export"))
        .map(|entry| entry.who.as_str())
        .collect();
    exported.sort_unstable();
    assert_eq!(exported, ["auditor", "operator", "supervisor"], "what was refused is no export");
}

#[tokio::test]
async fn what_another_townships_camera_showed_stays_there_and_the_bundle_says_so() {
    let server = server().await;
    server.add_user("here", &[Role::Operator], &[TOWNSHIP]);
    let bundle = server.login("here").await.get(BUNDLE).await.bytes().await.unwrap();
    let (Verified { manifest, .. }, files) = opened_up(&bundle);
    let pictures = json_of(&files, "pictures.json");
    assert_eq!((pictures.as_array().unwrap().len(), &pictures[0]["device"]), (1, &"camera-1".into()));
    let absent: Vec<_> = manifest.absent.iter().map(|line| line.what.as_str()).collect();
    assert!(absent.contains(&"camera-2 s-2") && absent.contains(&"journal.jsonl: camera-2"), "{absent:?}");
}

#[tokio::test]
async fn what_devices_said_is_in_it_word_for_word_and_who_informed_is_not() {
    let server = server().await;
    let said = |device: &str, kind, at: &str, payload: &str| Frame {
        device: DeviceId::parse(device).unwrap(),
        speaker: DeviceId::parse(device).unwrap(),
        channel: Channel::Native { kind, detail: "".into() },
        transport: Transport::Mqtt,
        payload: payload.to_owned().into(),
        received_at: ReceivedAt(time(at)),
    };
    let frames = vec![
        said("camera-1", ReadingKind::Heartbeat, "2026-04-30T20:00:00Z", "{\"long\":\"before\"}"),
        said("camera-1", ReadingKind::Sighting, "2026-05-01T00:01:00Z", "{\"species\": \"sheep\"}"),
        said("camera-1", ReadingKind::Report, "2026-05-01T00:02:00Z", "{\"informant\":\"a neighbour\"}"),
        said("camera-9", ReadingKind::Sighting, "2026-05-01T00:03:00Z", "{\"of\":\"another\"}"),
        said("camera-1", ReadingKind::Heartbeat, "2026-05-01T04:00:00Z", "{\"long\":\"after\"}"),
    ];
    server.journal.append_all(frames).await.unwrap();
    let bundle = server.login("admin").await.get(BUNDLE).await.bytes().await.unwrap();
    let (_, files) = opened_up(&bundle);
    let lines = String::from_utf8(files["journal.jsonl"].clone()).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((&lines[0]["entry"], &lines[0]["payload"]), (&2.into(), &"{\"species\": \"sheep\"}".into()));
    assert_eq!((lines[1].get("payload"), lines[1]["withheld"].is_string()), (None, true));
    let about = json_of(&files, "journal.json");
    assert_eq!((&about["messages"], &about["journal"]["newest_entry"]), (&2.into(), &5.into()));
    assert!(!String::from_utf8_lossy(&files.into_values().flatten().collect::<Vec<_>>()).contains("neighbour"));
}
