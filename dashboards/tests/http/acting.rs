//! What operators do: durable in the command log first, shown when it came back through the alert log.

use crate::support::{Server, TOWNSHIP, alert_of, delivery, incident_json, opened, problem};
use model::{Action, AlertKind, DeviceId, DeviceKind, Outcome};
use registry::{NewClaimKey, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Plays `alerts` for one command: waits for it, and writes what came of it.
async fn carry_out(server: &Server, status: &str) {
    let mut head = server.command_log.head();
    head.wait_for(|head| *head > 0).await.unwrap();
    let (_, command) = server.command_log.read(0, 10).unwrap().pop().unwrap();
    let mut incident = incident_json("i-1", TOWNSHIP, status);
    let line = json!({ "at": command.at.to_rfc3339(), "what": status, "by": command.by, "text": null });
    incident["timeline"].as_array_mut().unwrap().push(line);
    server.log(&[alert_of(AlertKind::IncidentUpdated, incident)]);
}

#[tokio::test]
async fn an_acknowledgement_is_written_to_the_command_log_and_answered_with_what_came_of_it() {
    let server = Server::start_after(&[opened("i-1")]).await;
    let session = server.login("admin").await;
    let (answer, ()) =
        tokio::join!(session.post("/api/v1/incidents/i-1/acknowledge", json!({})), carry_out(&server, "acknowledged"),);
    assert_eq!(answer.status(), StatusCode::OK);
    let incident: Value = answer.json().await.unwrap();
    assert_eq!((&incident["status"], &incident["timeline"][1]["by"]), (&json!("acknowledged"), &json!("admin")));
    let (_, command) = server.command_log.read(0, 10).unwrap().pop().unwrap();
    assert_eq!((command.action, command.by.as_str()), (Action::Acknowledge, "admin"));
}

#[tokio::test]
async fn a_command_that_nobody_carries_out_yet_is_kept_and_answered_as_on_its_way() {
    let server = Server::start_after(&[opened("i-1")]).await;
    let session = server.login("admin").await;
    let answer = session.post("/api/v1/incidents/i-1/resolve", json!({ "outcome": "false_positive" })).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let (_, command) = server.command_log.read(0, 10).unwrap().pop().unwrap();
    assert_eq!(command.action, Action::Resolve { outcome: Outcome::FalsePositive });
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_not_written_down() {
    let resolved = alert_of(AlertKind::IncidentUpdated, incident_json("i-2", TOWNSHIP, "resolved"));
    let server = Server::start_after(&[opened("i-1"), resolved, delivery("d-1", "i-1", "delivered")]).await;
    let session = server.login("admin").await;
    for (path, body, status, names) in [
        (
            "incidents/i-1/resolve",
            json!({ "outcome": "odd" }),
            StatusCode::BAD_REQUEST,
            "violation, lawful, false_positive",
        ),
        ("incidents/i-1/resolve", json!({}), StatusCode::BAD_REQUEST, "outcome"),
        ("incidents/i-1/comment", json!({ "text": "  " }), StatusCode::BAD_REQUEST, "text"),
        ("incidents/i-1/comment", json!({ "text": "x".repeat(2_001) }), StatusCode::BAD_REQUEST, "2000"),
        ("incidents/i-1/reopen", json!({}), StatusCode::CONFLICT, "open"),
        ("incidents/i-2/acknowledge", json!({}), StatusCode::CONFLICT, "reopen"),
        ("incidents/i-9/acknowledge", json!({}), StatusCode::NOT_FOUND, "i-9"),
        ("deliveries/d-1/retry", json!({}), StatusCode::CONFLICT, "nothing to send"),
        ("deliveries/d-9/retry", json!({}), StatusCode::NOT_FOUND, "d-9"),
    ] {
        let detail = problem(session.post(&format!("/api/v1/{path}"), body).await, status).await;
        assert!(detail.contains(names), "{path}: {detail}");
    }
    assert!(server.command_log.read(0, 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_delivery_is_sent_again_on_request() {
    let server = Server::start_after(&[opened("i-1"), delivery("d-1", "i-1", "dead")]).await;
    let session = server.login("admin").await;
    let carried_out = async {
        let mut head = server.command_log.head();
        head.wait_for(|head| *head > 0).await.unwrap();
        server.log(&[delivery("d-1", "i-1", "pending")]);
    };
    let (answer, ()) = tokio::join!(session.post("/api/v1/deliveries/d-1/retry", json!({})), carried_out);
    assert_eq!(answer.json::<Value>().await.unwrap()["state"], "pending");
    let (_, command) = server.command_log.read(0, 10).unwrap().pop().unwrap();
    assert_eq!(command.action, Action::RetryDelivery { delivery: "d-1".into() });
}

#[tokio::test]
async fn a_device_that_registered_itself_is_shown_in_quarantine_until_an_administrator_approves_it() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let new = NewClaimKey { name: "spring".into(), kind: None, life: Duration::from_secs(3_600), uses: 1 };
    let (key, _) = server.registry.add_claim_key(&new, "test").unwrap();
    server.registry.claim(key.as_str(), &DeviceId::parse("SN-1").unwrap(), DeviceKind::Station).unwrap();
    let shown = session.get_json("/api/v1/devices/SN-1").await;
    assert_eq!((&shown["health"], &shown["quarantined"]), (&json!("disabled"), &json!(true)));

    let approve = "/api/v1/devices/SN-1/approve";
    server.add_user("watch", &[Role::Operator], &[]);
    let operator = server.login("watch").await;
    problem(operator.post(approve, json!({})).await, StatusCode::FORBIDDEN).await;
    problem(session.post("/api/v1/devices/SN-9/approve", json!({})).await, StatusCode::NOT_FOUND).await;
    let approved: Value = session.post(approve, json!({})).await.json().await.unwrap();
    assert_eq!((&approved["health"], &approved["quarantined"]), (&json!("never_seen"), &json!(false)));
    let detail = problem(session.post(approve, json!({})).await, StatusCode::CONFLICT).await;
    assert!(detail.contains("does not await approval"), "{detail}");
    let audit = session.get_json("/api/v1/audit?limit=1").await;
    let entry = &audit["items"][0];
    assert_eq!((&entry["who"], &entry["what"]), (&json!("admin"), &json!("device.approve SN-1")));
}
