//! Pictures of cases: listed by camera, shown by their hash, and only to whom the camera is shown.

use crate::support::{Server, TOWNSHIP, opened, problem};
use evidence::{Item, Looking, Why};
use model::{DeviceId, DeviceKind, IncidentId, Offset, SnapshotId, Timestamp, TownshipCode};
use registry::{NewDevice, Role};
use reqwest::{Method, StatusCode};
use std::collections::BTreeSet;

const JPEG: &[u8] = b"\xFF\xD8\xFF a picture";

async fn server() -> Server {
    let server = Server::start().await;
    let camera = DeviceId::parse("cam-1").unwrap();
    let township = Some(TownshipCode::parse(TOWNSHIP).unwrap());
    let device = NewDevice { township, ..NewDevice::new(camera.clone(), DeviceKind::Camera) };
    server.registry.add_device(device, "test").unwrap();
    let item = Item {
        incident: IncidentId::parse("i-1").unwrap(),
        device: camera,
        snapshot: SnapshotId::parse("s-1").unwrap(),
        why: Why::Before,
        taken_at: Timestamp::parse_rfc3339("2026-05-01T00:00:00Z").unwrap(),
        offset: Offset(17),
        looking: Looking { pitch_deg: Some(-20.0), ..Looking::default() },
        hash: String::new(),
        bytes: 0,
    };
    server.evidence.keep(&item, JPEG, &BTreeSet::new()).unwrap();
    server
}

#[tokio::test]
async fn a_cameras_pictures_are_listed_with_their_age_and_shown_byte_for_byte_and_once() {
    let server = server().await;
    let session = server.login("admin").await;
    let listed = session.get_json("/api/v1/devices/cam-1/snapshots").await;
    let item = &listed["items"][0];
    assert_eq!(
        (&item["snapshot_id"], &item["why"], &item["incident"]),
        (&"s-1".into(), &"before".into(), &"i-1".into())
    );
    assert_eq!((&item["entry"], &item["pose"]["pitch_deg"]), (&17.into(), &(-20.0).into()));
    assert!(item["age_s"].is_u64(), "{item}");

    let path = format!("/api/v1/snapshots/{}", item["hash"].as_str().unwrap());
    let shown = session.get(&path).await;
    assert_eq!((shown.status(), &shown.headers()["content-type"]), (StatusCode::OK, &"image/jpeg".parse().unwrap()));
    let etag = shown.headers()["etag"].clone();
    assert_eq!(&shown.bytes().await.unwrap()[..], JPEG);
    let again = session.request(Method::GET, &path).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    problem(session.get("/api/v1/snapshots/0000").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_picture_is_not_shown_to_strangers_nor_to_another_township() {
    let server = server().await;
    let hash = server.evidence.of_device(&DeviceId::parse("cam-1").unwrap(), 1).unwrap().remove(0).hash;
    let path = format!("/api/v1/snapshots/{hash}");
    problem(server.get(&path).await, StatusCode::UNAUTHORIZED).await;
    server.add_user("wang", &[Role::Viewer], &["150425101"]);
    let session = server.login("wang").await;
    problem(session.get(&path).await, StatusCode::NOT_FOUND).await;
    problem(session.get("/api/v1/devices/cam-1/snapshots").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_cases_pictures_are_listed_to_whom_the_case_and_the_camera_are_shown() {
    let server = server().await;
    server.add_user("elsewhere", &[Role::Operator], &["150425200"]);
    server.log(&[opened("i-1"), opened("i-2")]);
    let admin = server.login("admin").await;
    let listed = admin.get_json("/api/v1/incidents/i-1/snapshots").await;
    assert_eq!((&listed["items"][0]["snapshot_id"], &listed["items"][0]["why"]), (&"s-1".into(), &"before".into()));
    let other = admin.get_json("/api/v1/incidents/i-2/snapshots").await;
    assert_eq!(other["items"].as_array().unwrap().len(), 0, "it has none");
    problem(server.login("elsewhere").await.get("/api/v1/incidents/i-1/snapshots").await, StatusCode::NOT_FOUND).await;
    problem(admin.get("/api/v1/incidents/i-9/snapshots").await, StatusCode::NOT_FOUND).await;
}
