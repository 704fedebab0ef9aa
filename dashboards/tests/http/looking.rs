//! Lists, single things, errors, and the console's own files.

use crate::support::{SMS_TOKEN, Server, TOWNSHIP, alert_of, delivery, incident_json, opened, problem, zone_geojson};
use journal::alert_log::RecordBody;
use model::{AlertKind, Body, DeviceId, DeviceTime, Offset, Position, Reading, ReceivedAt, Timestamp, Track};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn three_cases() -> [RecordBody; 4] {
    [
        opened("i-1"),
        alert_of(AlertKind::IncidentOpened, incident_json("i-2", "150425200", "open")),
        opened("i-3"),
        alert_of(AlertKind::IncidentUpdated, incident_json("i-1", TOWNSHIP, "acknowledged")),
    ]
}

#[tokio::test]
async fn cases_of_the_alert_log_are_listed_newest_first_page_by_page() {
    let server = Server::start_after(&three_cases()).await;
    let session = server.login("admin").await;
    let first = session.get_json("/api/v1/incidents?limit=2").await;
    assert_eq!(ids(&first), ["i-3", "i-2"]);
    let next = first["next"].as_str().unwrap();
    let second = session.get_json(&format!("/api/v1/incidents?limit=2&cursor={next}")).await;
    assert_eq!((ids(&second), &second["next"]), (vec!["i-1"], &Value::Null));
}

#[tokio::test]
async fn cases_are_found_by_status_township_zone_and_time() {
    let server = Server::start_after(&three_cases()).await;
    let session = server.login("admin").await;
    for (query, want) in [
        ("status=acknowledged", vec!["i-1"]),
        ("status=open,acknowledged&township=150425100", vec!["i-3", "i-1"]),
        ("township=150425200", vec!["i-2"]),
        ("zone=zone-9", vec![]),
        ("since=2026-05-01T00:05:00Z&until=2026-05-02T00:00:00Z", vec!["i-3", "i-2", "i-1"]),
        ("since=2026-05-02T00:00:00Z", vec![]),
        ("until=2026-05-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(ids(&session.get_json(&format!("/api/v1/incidents?{query}")).await), want, "{query}");
    }
}

#[tokio::test]
async fn a_user_sees_only_the_cases_of_their_townships() {
    let server = Server::start_after(&three_cases()).await;
    server.add_user("bayan", &[Role::Operator], &["150425200"]);
    let session = server.login("bayan").await;
    assert_eq!(ids(&session.get_json("/api/v1/incidents").await), ["i-2"]);
    problem(session.get("/api/v1/incidents/i-1").await, StatusCode::NOT_FOUND).await;
    problem(session.post("/api/v1/incidents/i-1/acknowledge", json!({})).await, StatusCode::NOT_FOUND).await;
    assert!(server.command_log.read(0, 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_case_shows_how_far_its_reports_came() {
    let mut incident = incident_json("i-1", TOWNSHIP, "open");
    let half = |duty, body, state| json!({ "duty": duty, "body": body, "township": null, "state": state });
    let forestry = half("forestry_authority", "forestry_bureau", "no_receiver");
    incident["reports"] = json!([half("local_government", "township", "pending"), forestry]);
    let opened = alert_of(AlertKind::IncidentOpened, incident);
    let server = Server::start_after(&[opened, delivery("d-1", "i-1", "dead")]).await;
    let session = server.login("admin").await;
    let incident = session.get_json("/api/v1/incidents/i-1").await;
    assert_eq!(incident["reports"], json!([half("local_government", "township", "dead"), forestry]));
    assert_eq!(incident["fine_yuan"]["estimate"], true);
    assert_eq!(ids(&session.get_json("/api/v1/deliveries?state=dead").await), ["d-1"]);
    assert_eq!(ids(&session.get_json("/api/v1/deliveries?incident=i-1&channel=webhook").await), ["d-1"]);
    for nothing in ["state=pending", "incident=i-2", "subscriber=sub-2", "channel=sms"] {
        assert!(ids(&session.get_json(&format!("/api/v1/deliveries?{nothing}")).await).is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_with_the_value_and_the_remedy() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for (path, names) in [
        ("incidents?status=odd", "open, acknowledged"),
        ("incidents?limit=0", "1 to 1000"),
        ("incidents?cursor=!", "next"),
        ("incidents?since=yesterday", "RFC 3339"),
        ("zones/at?lat=91&lon=0", "-90 to 90"),
        ("zones/at?lat=43.5", "lon"),
        ("zones/at?lat=43.5&lon=117&t=april", "legal date"),
        ("closures?known=april", "known"),
        ("zones/at?lat=north&lon=1", "north"),
        ("deliveries?state=odd", "pending, delivered or dead"),
        ("devices?kind=odd", "camera"),
    ] {
        let detail = problem(session.get(&format!("/api/v1/{path}")).await, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(names), "{path}: {detail}");
    }
    for path in ["incidents/none", "devices/none", "nothing", "zones/none/versions"] {
        problem(session.get(&format!("/api/v1/{path}")).await, StatusCode::NOT_FOUND).await;
    }
    let wrong_method = session.request(Method::PATCH, "/api/v1/zones").send().await.unwrap();
    problem(wrong_method, StatusCode::METHOD_NOT_ALLOWED).await;
    let too_large = session.request(Method::POST, "/api/v1/devices").body(vec![b' '; 2 << 20]);
    let too_large = too_large.header("content-type", "application/json").send().await.unwrap();
    problem(too_large, StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn zones_come_with_what_holds_in_them_and_are_not_sent_twice() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let response = session.get("/api/v1/zones").await;
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let zones: Value = response.json().await.unwrap();
    let zone = &zones["features"][0];
    assert_eq!((&zone["properties"]["id"], &zone["properties"]["kind"]), (&json!("zone-1"), &json!("balance")));
    assert_eq!(zone["geometry"]["coordinates"][0].as_array().unwrap().len(), 5);
    assert!(zone["properties"]["closure"]["level"].is_string());

    let again = session.request(Method::GET, "/api/v1/zones").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let renamed = zone_geojson().replace("一号平衡区", "二号平衡区");
    let imported =
        session.request(Method::POST, "/api/v1/zones/import?reason=renamed").body(renamed).send().await.unwrap();
    assert_eq!(imported.json::<Value>().await.unwrap()["published"], 1);
    let changed = session.request(Method::GET, "/api/v1/zones").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let versions = session.get_json("/api/v1/zones/zone-1/versions").await;
    assert_eq!(versions["items"][0]["version"], 2);
}

#[tokio::test]
async fn a_dry_run_of_an_import_says_what_would_happen_and_changes_nothing() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let renamed = zone_geojson().replace("zone-1", "zone-2");
    let dry = session.request(Method::POST, "/api/v1/zones/import?dry_run=true").body(renamed).send().await.unwrap();
    let report: Value = dry.json().await.unwrap();
    assert_eq!((&report["dry_run"], &report["features"][0]["outcome"]), (&json!(true), &json!("published")));
    assert_eq!(server.registry.view().borrow().zones.len(), 1);
    let broken = session.request(Method::POST, "/api/v1/zones/import?reason=none").body("{}").send().await.unwrap();
    problem(broken, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn what_holds_at_a_place_depends_on_the_day() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let at = |t: &str| format!("/api/v1/zones/at?lat=43.5&lon=117.5&t={t}");
    let may = session.get_json(&at("2026-05-01T12:00:00%2B08:00")).await;
    assert_eq!(may["t"], "2026-05-01T04:00:00.000Z");
    assert_eq!(may["zones"][0]["authority"], "township");
    let closure = json!({ "level": "enforce", "rule": "休牧期", "legal_basis": "K 二(一)1", "until": "2026-06-15T16:00:00.000Z" });
    assert_eq!(may["zones"][0]["closure"], closure);
    let july = session.get_json(&at("2026-07-01T00:00:00Z")).await;
    assert_eq!(july["zones"][0]["closure"]["level"], "none");
    let elsewhere = session.get_json("/api/v1/zones/at?lat=40&lon=110").await;
    assert_eq!(elsewhere["zones"], json!([]));
    let zone = &may["zones"][0];
    assert_eq!((&zone["in_force_from"], &zone["in_force_to"]), (&json!("2025-12-31T16:00:00.000Z"), &json!(null)));
    let before = session.get_json("/api/v1/zones/at?lat=43.5&lon=117.5&t=2025-12-31").await;
    assert_eq!((&before["t"], &before["zones"]), (&json!("2025-12-30T16:00:00.000Z"), &json!([])));
    let unknown = session.get_json("/api/v1/zones/at?lat=43.5&lon=117.5&known=2026-01-01").await;
    assert_eq!(unknown["zones"], json!([]));
}

#[tokio::test]
async fn a_new_device_gets_its_secret_once_and_is_never_seen_until_it_speaks() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let body = json!({ "id": "drone-1", "kind": "drone", "township": TOWNSHIP, "cadence": "10s", "external": { "dji": "1ZNBJ" } });
    let made = session.post("/api/v1/devices", body.clone()).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let secret = made.json::<Value>().await.unwrap()["secret"].as_str().unwrap().to_owned();
    let drone = DeviceId::parse("drone-1").unwrap();
    assert_eq!(server.registry.check_secret(&drone, &secret), Ok(()));
    problem(session.post("/api/v1/devices", body).await, StatusCode::CONFLICT).await;

    let shown = session.get_json("/api/v1/devices/drone-1").await;
    assert_eq!((&shown["health"], &shown["deadline"]), (&json!("never_seen"), &Value::Null));
    assert_eq!(shown["external"], json!({ "dji": "1ZNBJ" }));
    assert!(shown.get("secret").is_none());

    let now = model::Clock::system().now();
    server.live.observe(&[track(&drone, now)]);
    let shown = session.get_json("/api/v1/devices/drone-1").await;
    assert_eq!((&shown["health"], &shown["last_position"]["lat"]), (&json!("online"), &json!(43.25)));
    assert_eq!(ids(&session.get_json("/api/v1/devices?kind=drone").await), ["drone-1"]);
}

fn track(device: &DeviceId, at: Timestamp) -> Reading {
    let track = Track { position: Position::parse(43.25, 117.5).ok(), speed_mps: Some(8.0), ..Track::default() };
    Reading {
        device: device.clone(),
        offset: Offset(1),
        received_at: ReceivedAt(at),
        device_time: Some(DeviceTime(at)),
        seq: None,
        body: Body::Track(track),
    }
}

#[tokio::test]
async fn a_track_comes_in_three_formats() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    session.post("/api/v1/devices", json!({ "id": "drone-1", "kind": "drone" })).await;
    let now = model::Clock::system().now();
    let drone = DeviceId::parse("drone-1").unwrap();
    server.history.append(&[track(&drone, now.minus(std::time::Duration::from_secs(60)))], Offset(1)).unwrap();

    let path = "/api/v1/devices/drone-1/track";
    let points = session.get_json(path).await;
    assert_eq!((&points["items"][0]["lon"], &points["items"][0]["alt_m"]), (&json!(117.5), &Value::Null));
    let geojson = session.get_json(&format!("{path}?format=geojson")).await;
    assert_eq!(geojson["features"][0]["geometry"], json!({ "type": "Point", "coordinates": [117.5, 43.25] }));
    let csv = session.get(&format!("{path}?format=csv")).await.text().await.unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("ts,lat,lon,alt_m,speed_mps,heading_deg,accuracy_m"));
    assert!(lines.next().unwrap().ends_with("Z,43.25,117.5,,8,,"), "{csv}");
    problem(session.get(&format!("{path}?format=doc")).await, StatusCode::BAD_REQUEST).await;
    problem(session.get("/api/v1/devices/drone-1/series?field=luck").await, StatusCode::BAD_REQUEST).await;
    let series = session.get_json("/api/v1/devices/drone-1/series?field=rain_mm&step=1h").await;
    assert_eq!(series, json!({ "field": "rain_mm", "unit": "mm", "points": [] }));
    let charge = session.get_json("/api/v1/devices/drone-1/series?field=battery_percent").await;
    assert_eq!((&charge["unit"], &charge["points"]), (&json!("%"), &json!([])));
}

#[tokio::test]
async fn a_subscribers_secret_is_shown_when_it_is_made_and_never_again() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let body = json!({ "name": "镇政府", "channel": "webhook", "url": "https://example.org/hook", "duty": "local_government" });
    let made: Value = session.post("/api/v1/subscribers", body).await.json().await.unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let listed = session.get_json("/api/v1/subscribers").await;
    assert_eq!(ids(&listed), [made["id"].as_str().unwrap()]);
    assert!(listed["items"][0].get("secret").is_none());
    let odd = json!({ "name": "n", "channel": "pigeon", "url": "https://example.org/" });
    problem(session.post("/api/v1/subscribers", odd).await, StatusCode::BAD_REQUEST).await;
    let audit = session.get_json("/api/v1/audit?limit=1").await;
    assert_eq!(audit["items"][0]["who"], "admin");
    let path = format!("/api/v1/subscribers/{}", made["id"].as_str().unwrap());
    let removed = session.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn every_path_of_the_openapi_document_is_answered() {
    // Where the system above may acknowledge, and providers of messages and identities are configured: elsewhere there are no such paths.
    let server = Server::start_with_callback(&[]).await;
    let session = server.login("admin").await;
    let document = session.get_json("/api/v1/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        // Devices' doors are served by others, and not here.
        let methods = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        let ours = methods.filter(|(_, operation)| operation["tags"][0] != "devices-in");
        for (method, operation) in ours {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            // Without a session, so that nothing happens: a known path asks to log in, an unknown one is not found.
            let asked = path.replace("{id}", "x").replace("{provider}", "aliyun").replace("{token}", SMS_TOKEN);
            let response = server.request(method.clone(), &asked).send().await.unwrap();
            let status = response.status();
            if operation["tags"][0] == "links" {
                let page = response.text().await.unwrap();
                assert!(status == StatusCode::NOT_FOUND && page.contains("链接无效"), "{method} {path}: {page}");
                continue;
            }
            assert!(
                status != StatusCode::NOT_FOUND && status != StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}: {status}"
            );
        }
    }
}

#[tokio::test]
async fn the_console_answers_pages_but_never_a_missing_script_or_api_path() {
    let server = Server::start().await;
    let index = server.get("/").await;
    assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
    assert!(index.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(index.headers()["x-content-type-options"], "nosniff");
    let etag = index.headers()["etag"].to_str().unwrap().to_owned();
    let page = server.request(Method::GET, "/incidents/i-1").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_MODIFIED);
    for path in ["/assets/gone-1234.js", "/gone.js", "/../Cargo.toml", "/api/v2/x"] {
        problem(server.get(path).await, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn the_probes_tell_how_the_platform_is_doing() {
    let server = Server::start_after(&three_cases()).await;
    let session = server.login("admin").await;
    session.get_json("/api/v1/incidents").await;
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("steppewatch_console_incidents{status=\"open\"} 2"), "{metrics}");
    assert!(metrics.contains("steppewatch_http_responses_total{class=\"2xx\"}"));
}

#[tokio::test]
async fn a_zone_of_another_township_does_not_exist_for_who_is_there_for_one() {
    let server = Server::start().await;
    server.add_user("ours", &[Role::Viewer], &[TOWNSHIP]);
    server.add_user("theirs", &[Role::Viewer], &["150425200"]);
    let (ours, theirs) = (server.login("ours").await, server.login("theirs").await);
    let count = |zones: Value| zones["features"].as_array().unwrap().len();
    assert_eq!(count(ours.get_json("/api/v1/zones").await), 1);
    assert_eq!(count(theirs.get_json("/api/v1/zones").await), 0);
    assert_eq!(ours.get("/api/v1/zones/zone-1/versions").await.status(), StatusCode::OK);
    problem(theirs.get("/api/v1/zones/zone-1/versions").await, StatusCode::NOT_FOUND).await;
    let at = "/api/v1/zones/at?lat=43.5&lon=117.5";
    assert_eq!(ours.get_json(at).await["zones"].as_array().unwrap().len(), 1);
    assert_eq!(theirs.get_json(at).await["zones"], json!([]));
}
