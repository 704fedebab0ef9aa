//! The live socket: hello, events in order, positions by credit, coming back, and slow pages.

use crate::support::{Server, TOWNSHIP, alert_of, incident_json, opened};
use journal::alert_log::RecordBody;
use model::{
    AlertKind, Body, DeviceId, DeviceKind, DeviceTime, Ellipse, HerdView, Interval, Offset, Position, Reading,
    ReceivedAt, Species, Timestamp, Track,
};
use registry::{NewDevice, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

fn moved(device: &str, lat: f64, at_ms: i64) -> Reading {
    let at = Timestamp::from_millis(at_ms);
    Reading {
        device: DeviceId::parse(device).unwrap(),
        offset: Offset(1),
        received_at: ReceivedAt(at),
        device_time: Some(DeviceTime(at)),
        seq: None,
        body: Body::Track(Track { position: Position::parse(lat, 117.5).ok(), ..Track::default() }),
    }
}

fn register(server: &Server, device: &str) {
    let id = DeviceId::parse(device).unwrap();
    server.registry.add_device(NewDevice::new(id, DeviceKind::Drone), "test").unwrap();
}

#[tokio::test]
async fn a_page_is_greeted_and_told_of_each_case_with_its_place_in_the_log() {
    let server = Server::start_after(&[opened("i-1")]).await;
    let session = server.login("admin").await;
    let mut socket = session.socket("").await;
    let hello = socket.next().await.unwrap();
    assert_eq!((&hello["type"], &hello["seq"], &hello["tenant"]), (&json!("hello"), &json!(1), &json!("hexigten")));
    server.log(&[opened("i-2")]);
    let event = socket.next_of("event").await;
    assert_eq!((&event["seq"], &event["event"]["kind"]), (&json!(2), &json!("incident")));
    assert_eq!(event["event"]["alert"], "steppewatch.incident.opened");
    assert_eq!(event["event"]["incident"]["id"], "i-2");
}

#[tokio::test]
async fn a_page_that_comes_back_is_told_what_it_missed_and_nothing_twice() {
    let server = Server::start_after(&[opened("i-1"), opened("i-2"), opened("i-3")]).await;
    let session = server.login("admin").await;
    let mut socket = session.socket("?since=1").await;
    assert_eq!(socket.next().await.unwrap()["seq"], 3);
    server.log(&[opened("i-4")]);
    for seq in [2, 3, 4] {
        assert_eq!(socket.next_of("event").await["seq"], seq);
    }
}

#[tokio::test]
async fn a_page_that_was_away_for_too_long_or_speaks_of_another_log_starts_over() {
    let many: Vec<_> = (0..10_002).map(|n| crate::support::delivery(&format!("d-{n}"), "i-1", "pending")).collect();
    let server = Server::start_after(&many).await;
    let session = server.login("admin").await;
    for since in ["0", "99999999"] {
        let mut socket = session.socket(&format!("?since={since}")).await;
        assert_eq!(socket.next().await.unwrap()["type"], "hello");
        assert_eq!(socket.next().await.unwrap(), json!({ "type": "resync", "seq": 10_002 }), "{since}");
    }
}

#[tokio::test]
async fn positions_wait_for_the_credit_and_then_hold_only_the_latest() {
    let server = Server::start().await;
    for device in ["drone-1", "drone-2"] {
        register(&server, device);
    }
    server.live.observe(&[
        moved("drone-1", 43.1, 1_000),
        moved("drone-2", 43.2, 1_000),
        moved("stranger", 43.3, 1_000),
    ]);
    let session = server.login("admin").await;
    let mut socket = session.socket("").await;
    let first = socket.next_of("positions").await;
    let ids: Vec<_> = first["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["drone-1", "drone-2"]);
    assert_eq!((&first["items"][0]["kind"], &first["items"][0]["ts"]), (&json!("drone"), &json!(1_000)));

    server.live.observe(&[moved("drone-1", 43.4, 2_000)]);
    server.live.observe(&[moved("drone-1", 43.5, 3_000)]);
    // An event goes its own way, so it arrives though no credit was given; no positions came before it.
    server.log(&[opened("i-1")]);
    assert_eq!(socket.next_of("event").await["seq"], 1);
    socket.say("{\"type\":\"credit\"}").await;
    let second = socket.next_of("positions").await;
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!((&second["items"][0]["id"], &second["items"][0]["lat"]), (&json!("drone-1"), &json!(43.5)));
}

#[tokio::test]
async fn herds_are_shown_to_those_whose_township_they_stand_in() {
    let server = Server::start().await;
    server.add_user("here", &[Role::Operator], &[TOWNSHIP]);
    server.add_user("elsewhere", &[Role::Operator], &["150425200"]);
    server.live.herds(vec![HerdView {
        id: "h-1".into(),
        position: Position::parse(43.3, 117.5).unwrap(),
        accuracy_m: 30.0,
        ellipse: Ellipse { along_m: 90.0, across_m: 10.0, bearing_deg: 45.0 },
        species: Species::Sheep,
        count: Interval { low: 30, high: 50 },
        seen_at: Timestamp::from_millis(1_000),
        incident: None,
    }]);
    for (user, herds) in [("here", 1), ("elsewhere", 0)] {
        let session = server.login(user).await;
        let positions = session.socket("").await.next_of("positions").await;
        assert_eq!(positions["herds"].as_array().unwrap().len(), herds, "{user}");
        if let Some(herd) = positions["herds"].get(0) {
            assert_eq!(
                (&herd["along_m"], &herd["across_m"], &herd["bearing_deg"]),
                (&json!(90.0), &json!(10.0), &json!(45.0))
            );
        }
    }
}

#[tokio::test]
async fn a_page_hears_only_of_its_own_townships() {
    let server = Server::start().await;
    server.add_user("bayan", &[Role::Operator], &["150425200"]);
    let session = server.login("bayan").await;
    let mut socket = session.socket("").await;
    assert_eq!(socket.next().await.unwrap()["type"], "hello");
    server.log(&[opened("i-1"), alert_of(AlertKind::IncidentOpened, incident_json("i-2", "150425200", "open"))]);
    assert_eq!(socket.next_of("event").await["event"]["incident"]["id"], "i-2");
}

#[tokio::test]
async fn a_silent_device_and_a_new_one_are_told() {
    let server = Server::start().await;
    register(&server, "drone-1");
    let session = server.login("admin").await;
    let mut socket = session.socket("").await;
    assert_eq!(socket.next().await.unwrap()["type"], "hello");
    let alert = json!({
        "id": "s-1", "type": "steppewatch.device.silent", "severity": "warning", "at": "2026-05-01T00:05:00.000Z",
        "device": { "device": "drone-1", "last_seen": "2026-05-01T00:00:00.000Z", "deadline": "2026-05-01T00:03:00.000Z" }
    });
    server.log(&[RecordBody::Alert(serde_json::from_value(alert).unwrap())]);
    let event = socket.next_of("event").await;
    assert_eq!((&event["event"]["kind"], &event["event"]["device"]["health"]), (&json!("device"), &json!("silent")));
    register(&server, "drone-2");
    assert_eq!(socket.next_of("event").await["event"], json!({ "kind": "devices" }));
}

#[tokio::test]
async fn another_sites_page_cannot_open_a_socket_and_a_plain_request_is_told_why() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    assert_eq!(session.try_socket("", Some("http://evil.example")).await.err(), Some(StatusCode::FORBIDDEN));
    let own = format!("http://{}", server.address);
    assert!(session.try_socket("", Some(&own)).await.is_ok());
    assert_eq!(session.try_socket("?since=soon", None).await.err(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(session.get("/api/v1/live").await.status(), StatusCode::UPGRADE_REQUIRED);
}

#[tokio::test]
async fn a_page_that_talks_nonsense_or_too_much_is_cut_off() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for nonsense in ["nonsense".to_owned(), "x".repeat(10_000)] {
        let mut socket = session.socket("").await;
        socket.say(&nonsense).await;
        while let Some(message) = socket.next().await {
            assert_ne!(message["type"], "event");
        }
    }
}

#[tokio::test]
async fn a_page_that_reads_nothing_slows_nobody_and_starts_over_or_is_cut_off() {
    const BATCHES: u64 = 30;
    const PER_BATCH: u64 = 100;
    let server = Server::start().await;
    let session = server.login("admin").await;
    let mut asleep = session.socket("").await;
    let mut awake = session.socket("").await;
    assert_eq!(awake.next().await.unwrap()["type"], "hello");
    // 60 MB in all: far more than the system's own buffers hold for a page that does not read.
    let mut incident = incident_json("i-1", TOWNSHIP, "open");
    incident["reasoning"]["en"] = json!("x".repeat(20_000));
    let update = alert_of(AlertKind::IncidentUpdated, incident);
    let batch: Vec<_> = (0..PER_BATCH).map(|_| update.clone()).collect();
    for number in 0..BATCHES {
        server.log(&batch);
        for place in 1..=PER_BATCH {
            assert_eq!(awake.next_of("event").await["seq"], number * PER_BATCH + place);
        }
    }
    let mut told = 0;
    while let Some(message) = asleep.next().await {
        match message["type"].as_str() {
            Some("event") => told += 1,
            Some("resync") => break,
            _ => {}
        }
    }
    assert!(told < BATCHES * PER_BATCH, "a sleeping page was told everything: where was it kept?");
}

#[tokio::test]
async fn a_socket_ends_with_its_session_when_the_next_ping_is_due() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let mut socket = session.socket("").await;
    assert_eq!(socket.next().await.unwrap()["type"], "hello");
    session.request(Method::DELETE, "/api/v1/session").send().await.unwrap();
    while let Some(message) = socket.next().await {
        assert_ne!(message["type"], "event");
    }
}
