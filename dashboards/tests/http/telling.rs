//! Who is told: changed, switched off and on, tried, and put into a duty table.

use crate::support::{Server, Session, delivery, opened, problem};
use model::{Action, Severity};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn put(session: &Session<'_>, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = session.request(Method::PUT, path).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_subscriber_is_changed_without_its_secret_switched_off_and_given_a_new_one() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let body = json!({ "name": "镇政府", "channel": "webhook", "url": "https://example.org/hook" });
    let made: Value = session.post("/api/v1/subscribers", body).await.json().await.unwrap();
    let path = format!("/api/v1/subscribers/{}", made["id"].as_str().unwrap());
    let new = json!({
        "name": "乡政府", "channel": "webhook", "severity": "warning", "zone_kinds": ["no-grazing"], "land_classes": ["grassland"],
        "authorities": ["township"], "after": "15m", "quiet": { "from": "21:00", "until": "07:00", "below": "urgent" },
    });
    let (status, changed) = put(&session, &path, &new).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    for key in ["name", "zone_kinds", "land_classes", "authorities", "after", "quiet"] {
        assert_eq!(changed[key], new[key], "{key}");
    }
    assert_eq!((&changed["url"], changed.get("secret")), (&json!("https://example.org/hook"), None));

    for (wrong, names) in [
        (json!({ "name": "x", "channel": "sms", "phone": "13900000000" }), "keeps its way"),
        (json!({ "name": "x", "channel": "webhook", "after": "1s" }), "10 s to 24 h"),
        (json!({ "name": "x", "channel": "webhook", "after": "soon" }), "15m"),
        (json!({ "name": "x", "channel": "webhook", "quiet": "never" }), "22:00"),
        (json!({ "name": "x", "channel": "webhook", "quiet": { "from": "9", "until": "10" } }), "22:00 and 06:00"),
        (json!({ "name": "x", "channel": "webhook", "authorities": ["army"] }), "forestry_bureau"),
        (json!({ "name": "x", "channel": "webhook", "after": "15m", "duty": "local_government" }), "told at once"),
    ] {
        let (status, answer) = put(&session, &path, &wrong).await;
        let detail = answer["detail"].as_str().unwrap_or_default().to_owned();
        assert!(status == StatusCode::BAD_REQUEST && detail.contains(names), "{wrong}: {answer}");
    }

    let renewed: Value = session.post(&format!("{path}/secret"), json!({})).await.json().await.unwrap();
    assert!(renewed["secret"].as_str().unwrap().starts_with("whsec_") && renewed["secret"] != made["secret"]);
    let view = server.registry.view().borrow().clone();
    let old = view.subscribers[0].old_secret.as_ref().unwrap();
    assert_eq!(Some(old.0.as_str()), made["secret"].as_str(), "both are used for a day");
    let off: Value = session.post(&format!("{path}/disable"), json!({})).await.json().await.unwrap();
    assert_eq!(off["off"], "by admin");
    let on: Value = session.post(&format!("{path}/enable"), json!({})).await.json().await.unwrap();
    assert_eq!(on["off"], Value::Null);
}

#[tokio::test]
async fn a_phone_is_not_woken_at_night_by_what_is_only_good_to_know_unless_its_owner_says_so() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let phone = |quiet: Value| json!({ "name": "王", "channel": "sms", "phone": "13900000000", "quiet": quiet });
    for (given, below) in [(Value::Null, Some(Severity::Warning)), (json!("none"), None)] {
        let made: Value = session.post("/api/v1/subscribers", phone(given)).await.json().await.unwrap();
        let view = server.registry.view().borrow().clone();
        let kept = view.subscribers.iter().find(|one| made["id"] == one.id.as_str()).unwrap();
        assert_eq!(kept.quiet.map(|quiet| quiet.below), below);
    }
}

#[tokio::test]
async fn a_duty_table_says_who_is_on_duty_and_names_only_subscribers() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let body = json!({ "name": "王", "channel": "sms", "phone": "13900000000" });
    let made: Value = session.post("/api/v1/subscribers", body).await.json().await.unwrap();
    let shifts =
        |who: &Value, until: &str| json!({ "shifts": [{ "subscriber": who, "from": "2026-01-01", "until": until }] });
    let path = "/api/v1/rosters/%E5%80%BC%E7%8F%AD";
    let (status, answer) = put(&session, path, &shifts(&made["id"], "2026-02-01")).await;
    assert_eq!((status, &answer["name"]), (StatusCode::OK, &json!("值班")), "{answer}");
    let listed = session.get_json("/api/v1/rosters").await;
    assert_eq!(listed["items"][0]["shifts"][0]["until"], "2026-01-31T16:00:00.000Z");
    for (who, until, status) in [
        (json!("sub-9"), "2026-02-01", StatusCode::NOT_FOUND),
        (made["id"].clone(), "2025-02-01", StatusCode::BAD_REQUEST),
        (made["id"].clone(), "tomorrow", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(put(&session, path, &shifts(&who, until)).await.0, status);
    }
    assert_eq!(session.request(Method::DELETE, path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(session.request(Method::DELETE, path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_try_and_a_new_beginning_for_what_was_given_up_go_through_the_command_log() {
    let server = Server::start_after(&[opened("i-1"), delivery("d-1", "i-1", "dead")]).await;
    let session = server.login("admin").await;
    let body = json!({ "name": "王", "channel": "sms", "phone": "13900000000" });
    let made: Value = session.post("/api/v1/subscribers", body).await.json().await.unwrap();
    let id = made["id"].as_str().unwrap();
    let tried = session.post(&format!("/api/v1/subscribers/{id}/test"), json!({})).await;
    assert_eq!(tried.status(), StatusCode::ACCEPTED);
    problem(session.post("/api/v1/subscribers/sub-9/test", json!({})).await, StatusCode::NOT_FOUND).await;
    let again = session.post("/api/v1/deliveries/retry", json!({ "subscriber": id })).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    let commands: Vec<_> = server.command_log.read(0, 10).unwrap().into_iter().map(|(_, one)| one.action).collect();
    let (subscriber, one) = (id.to_owned(), Some(id.to_owned()));
    assert_eq!(commands, [Action::TestSubscriber { subscriber }, Action::RetryDeliveries { subscriber: one }]);
    server.add_user("watch", &[Role::Operator], &[]);
    let operator = server.login("watch").await;
    problem(operator.post("/api/v1/deliveries/retry", json!({})).await, StatusCode::FORBIDDEN).await;
    let line = session.get_json("/api/v1/subscribers").await["items"][0]["health"].clone();
    assert_eq!(line["state"], "unknown");
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("steppewatch_deliveries{channel=\"webhook\",state=\"dead\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_message_is_looked_at_before_anybody_gets_it() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    assert_eq!(session.get_json("/api/v1/messages").await["items"][0]["name"], "notice.zh");
    let draft = |name: &str| json!({ "name": name, "text": "{{ zone }}有羊" });
    let shown: Value = session.post("/api/v1/messages/preview", draft("notice.zh")).await.json().await.unwrap();
    assert_eq!(shown["says"][0]["text"], "{{ zone }}有羊");
    let refused = session.post("/api/v1/messages/preview", draft("notice.fr")).await;
    assert!(problem(refused, StatusCode::BAD_REQUEST).await.contains("notice.fr"));
}
