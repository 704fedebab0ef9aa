//! Devices are changed and imported, maintenance is announced, and notices are read: each by who may, in their townships.

use crate::support::{Server, TOWNSHIP, problem};
use journal::alert_log::RecordBody;
use model::DeviceKind;
use registry::{NewDevice, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const LIST: &str = "编号,类型,站点,苏木乡镇,网关\ncam-1,摄像机,北山塔,150425100,\ndock-1,gateway,,150425200,\ndrone-1,drone,,150425200,dock-1\n";

fn devices(items: &Value) -> Vec<&str> {
    items["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_is_tried_then_taken_and_new_devices_get_their_secrets_once() {
    let server = Server::start().await;
    server.add_user("operator", &[Role::Operator], &[]);
    let admin = server.login("admin").await;
    let path = "/api/v1/devices/import";
    let import =
        |query: &str, body: &'static str| admin.request(Method::POST, &format!("{path}{query}")).body(body).send();
    let tried: Value = import("?dry_run=true", LIST).await.unwrap().json().await.unwrap();
    assert_eq!(tried["new"], json!([{ "id": "cam-1" }, { "id": "dock-1" }, { "id": "drone-1" }]));
    assert_eq!(devices(&admin.get_json("/api/v1/devices").await), [""; 0]);
    let done: Value = import("", LIST).await.unwrap().json().await.unwrap();
    assert_eq!(done["new"].as_array().unwrap().iter().filter(|new| new["secret"].is_string()).count(), 3);
    let again: Value = import("", LIST).await.unwrap().json().await.unwrap();
    assert_eq!((&again["new"], &again["same"]), (&json!([]), &json!(3)));
    assert_eq!(admin.get_json("/api/v1/devices/cam-1").await["site"], "北山塔");
    let why = problem(import("", "编号,颜色\n").await.unwrap(), StatusCode::BAD_REQUEST).await;
    assert!(why.contains("`颜色` is none of them"), "{why}");
    let operator = server.login("operator").await;
    let refused = operator.request(Method::POST, path).body(LIST).send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn many_devices_are_changed_at_once_and_null_takes_a_field_away() {
    let server = Server::start().await;
    for name in ["cam-1", "cam-2"] {
        server
            .registry
            .add_device(NewDevice::new(model::DeviceId::parse(name).unwrap(), DeviceKind::Camera), "li")
            .unwrap();
    }
    let admin = server.login("admin").await;
    let patch = |path: &str, body: Value| admin.request(Method::PATCH, path).json(&body).send();
    let change = json!({ "site": "北山塔", "cadence": "30s", "place": { "lat": 43.3, "lon": 117.5 } });
    let done: Value = patch("/api/v1/devices", json!({ "ids": ["cam-1", "cam-2"], "change": change }))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(done["changed"], 2);
    let one: Value = patch("/api/v1/devices/cam-1", json!({ "place": null })).await.unwrap().json().await.unwrap();
    assert_eq!((&one["place"], &one["site"], &one["cadence_s"]), (&Value::Null, &json!("北山塔"), &json!(30.0)));
    let missing = json!({ "ids": ["cam-2", "cam-9"], "change": { "site": "南坡" } });
    problem(patch("/api/v1/devices", missing).await.unwrap(), StatusCode::NOT_FOUND).await;
    assert_eq!(admin.get_json("/api/v1/devices/cam-2").await["site"], "北山塔", "all or none");
    let why = problem(patch("/api/v1/devices/cam-1", json!({})).await.unwrap(), StatusCode::BAD_REQUEST).await;
    assert!(why.contains("at least one field"), "{why}");
    for (word, health) in [("disable", "disabled"), ("enable", "never_seen")] {
        let path = format!("/api/v1/devices/cam-1/{word}");
        let shown: Value = admin.request(Method::POST, &path).send().await.unwrap().json().await.unwrap();
        assert_eq!(shown["health"], health);
    }
}

#[tokio::test]
async fn maintenance_is_announced_by_those_whose_devices_they_are() {
    let server = Server::start().await;
    server.add_user("chief", &[Role::Supervisor], &[TOWNSHIP]);
    server.add_user("operator", &[Role::Operator], &[]);
    let admin = server.login("admin").await;
    admin.request(Method::POST, "/api/v1/devices/import").body(LIST).send().await.unwrap();
    let chief = server.login("chief").await;
    let announce = |of: Value| {
        let mut body = json!({ "reason": "换硬盘" });
        let until = model::Clock::system().now().plus(std::time::Duration::from_secs(3_600)).to_rfc3339();
        body["until"] = until.into();
        body.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        body
    };
    let path = "/api/v1/maintenance";
    let post = |body: Value| chief.request(Method::POST, path).json(&body).send();
    let made = post(announce(json!({ "site": "北山塔" }))).await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let id = made.json::<Value>().await.unwrap()["id"].as_u64().unwrap();
    problem(post(announce(json!({ "device": "drone-1" }))).await.unwrap(), StatusCode::NOT_FOUND).await;
    problem(post(announce(json!({ "township": "150425200" }))).await.unwrap(), StatusCode::NOT_FOUND).await;
    let both = post(announce(json!({ "device": "cam-1", "site": "北山塔" }))).await.unwrap();
    problem(both, StatusCode::BAD_REQUEST).await;
    let operator = server.login("operator").await;
    let refused =
        operator.request(Method::POST, path).json(&announce(json!({ "device": "cam-1" }))).send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN).await;
    let listed = chief.get_json(path).await;
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["state"]), (&json!("北山塔"), &json!("holds")));
    chief.request(Method::POST, &format!("{path}/{id}/end")).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(chief.get_json(path).await["items"][0]["state"], "over");
}

fn notice(id: &str, matter: &str, township: Option<&str>, devices: &[&str], until: Option<&str>) -> RecordBody {
    let alert = json!({
        "id": format!("{id}{}", if until.is_some() { "-over" } else { "" }), "type": "steppewatch.device.faulty",
        "severity": "warning", "at": "2026-05-01T00:05:00.000Z",
        "notice": {
            "id": id, "matter": matter, "code": "lens", "devices": devices, "devices_count": devices.len(), "zone": null,
            "township": township, "position": null, "since": "2026-05-01T00:05:00.000Z", "until": until, "value": null,
            "limit": null, "unit": "", "late": false, "text": { "zh": "镜头", "en": "lens" },
        },
    });
    RecordBody::Alert(serde_json::from_value(alert).unwrap())
}

#[tokio::test]
async fn notices_are_listed_and_pushed_to_those_whose_township_it_is() {
    let server = Server::start().await;
    server.add_user("ranger", &[Role::Operator], &[TOWNSHIP]);
    let admin = server.login("admin").await;
    admin.request(Method::POST, "/api/v1/devices/import").body(LIST).send().await.unwrap();
    let ranger = server.login("ranger").await;
    let mut socket = ranger.socket("").await;
    assert_eq!(socket.next().await.unwrap()["type"], "hello");
    server.log(&[
        notice("n-1", "flaw", None, &["drone-1"], None),
        notice("n-2", "outage", None, &["cam-1", "drone-1"], None),
        notice("n-3", "blind", Some("150425200"), &[], None),
        notice("n-4", "flaw", None, &["cam-1"], None),
        notice("n-1", "flaw", None, &["drone-1"], Some("2026-05-01T01:00:00.000Z")),
    ]);
    let event = loop {
        let event = socket.next_of("event").await["event"].clone();
        if event["kind"] == "notice" {
            break event;
        }
    };
    assert_eq!(event["notice"]["id"], "n-4", "the others are not theirs");
    assert_eq!(devices(&ranger.get_json("/api/v1/notices").await), ["n-4"]);
    assert_eq!(devices(&admin.get_json("/api/v1/notices?state=going_on").await), ["n-4", "n-3", "n-2"]);
    assert_eq!(devices(&admin.get_json("/api/v1/notices?state=over").await), ["n-1"]);
    assert_eq!(devices(&admin.get_json("/api/v1/notices?matter=flaw&device=cam-1").await), ["n-4"]);
    let page = admin.get_json("/api/v1/notices?limit=2").await;
    assert_eq!(devices(&page), ["n-4", "n-3"]);
    let rest = admin.get_json(&format!("/api/v1/notices?cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!(devices(&rest), ["n-2", "n-1"]);
    let why = problem(admin.get("/api/v1/notices?matter=weather").await, StatusCode::BAD_REQUEST).await;
    assert!(why.contains("use flaw, outage"), "{why}");
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_stands_in_the_audit_without_it() {
    let server = Server::start().await;
    server.add_user("operator", &[Role::Operator], &[]);
    let id = model::DeviceId::parse("cam-1").unwrap();
    let old = server.registry.add_device(NewDevice::new(id, DeviceKind::Camera), "li").unwrap();
    let admin = server.login("admin").await;
    let path = "/api/v1/devices/cam-1/secret";
    problem(server.login("operator").await.post(path, json!({})).await, StatusCode::FORBIDDEN).await;
    problem(admin.post("/api/v1/devices/cam-9/secret", json!({})).await, StatusCode::NOT_FOUND).await;
    let made: Value = admin.post(path, json!({})).await.json().await.unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert!(made["id"] == "cam-1" && !secret.is_empty() && secret != old.as_str(), "{made}");
    let entry = &admin.get_json("/api/v1/audit").await["items"][0];
    assert_eq!((&entry["who"], &entry["what"]), (&json!("admin"), &json!("device.renew_credential cam-1")));
    assert!(!entry.to_string().contains(secret));
}
