//! The system above says what became of a case, by its own token.

use crate::support::{CALLBACK_TOKEN, Server, TOWNSHIP, alert_of, incident_json, opened, problem};
use model::{Action, AlertKind, Command};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/platform/acknowledgements";

async fn call(server: &Server, token: &str, body: Value) -> Response {
    server.request(Method::POST, PATH).bearer_auth(token).json(&body).send().await.unwrap()
}

fn commands(server: &Server) -> Vec<Command> {
    server.command_log.read(0, 100).unwrap().into_iter().map(|(_, command)| command).collect()
}

/// Plays `alerts`: the case with these lines more in its history.
fn carry_out(server: &Server, status: &str, lines: &[(&str, &str, Option<&str>)]) {
    let mut incident = incident_json("i-1", TOWNSHIP, status);
    for (what, by, text) in lines {
        // Later than any command of the test.
        let line = json!({ "at": "2099-01-01T00:00:00.000Z", "what": what, "by": by, "text": text });
        incident["timeline"].as_array_mut().unwrap().push(line);
    }
    server.log(&[alert_of(AlertKind::IncidentUpdated, incident)]);
}

#[tokio::test]
async fn received_acknowledges_the_case_and_a_remark_becomes_a_comment_once() {
    let server = Server::start_with_callback(&[opened("i-1")]).await;
    let body = json!({"id": "i-1", "state": "received", "by": "张三", "remark": "已转苏木", "traceId": "x"});
    let lines = [("acknowledged", "智慧林草平台 张三", None), ("comment", "智慧林草平台 张三", Some("已转苏木"))];
    let played = async {
        server.command_log.head().wait_for(|head| *head >= 2).await.unwrap();
        carry_out(&server, "acknowledged", &lines);
    };
    let (answer, ()) = tokio::join!(call(&server, CALLBACK_TOKEN, body.clone()), played);
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({"code": 0, "id": "i-1", "status": "acknowledged", "repeated": false}));
    let given: Vec<(Action, String)> = commands(&server).into_iter().map(|one| (one.action, one.by)).collect();
    let by = "智慧林草平台 张三".to_owned();
    let comment = Action::Comment { text: "已转苏木".into() };
    assert_eq!(given, [(Action::Acknowledge, by.clone()), (comment, by)]);

    let again: Value = call(&server, CALLBACK_TOKEN, body).await.json().await.unwrap();
    assert_eq!((&again["repeated"], commands(&server).len()), (&json!(true), 2));
}

#[tokio::test]
async fn the_same_call_twice_at_once_is_one_and_a_restart_does_not_forget_it() {
    let server = Server::start_with_callback(&[opened("i-1")]).await;
    let body = json!({"id": "i-1", "state": "received"});
    let played = async {
        server.command_log.head().wait_for(|head| *head >= 1).await.unwrap();
        carry_out(&server, "acknowledged", &[("acknowledged", "智慧林草平台", None)]);
    };
    let both = futures_util::future::join(
        call(&server, CALLBACK_TOKEN, body.clone()),
        call(&server, CALLBACK_TOKEN, body.clone()),
    );
    let ((one, other), ()) = tokio::join!(both, played);
    assert_eq!((one.status(), other.status(), commands(&server).len()), (StatusCode::OK, StatusCode::OK, 1));

    let mut incident = incident_json("i-1", TOWNSHIP, "acknowledged");
    let line = json!({"at": "2026-05-01T00:10:00.000Z", "what": "acknowledged", "by": "智慧林草平台", "text": null});
    incident["timeline"].as_array_mut().unwrap().push(line);
    let restarted = Server::start_with_callback(&[alert_of(AlertKind::IncidentUpdated, incident)]).await;
    let again: Value = call(&restarted, CALLBACK_TOKEN, body).await.json().await.unwrap();
    assert_eq!((&again["repeated"], commands(&restarted).len()), (&json!(true), 0));
}

#[tokio::test]
async fn what_cannot_change_the_case_is_written_down_and_nothing_closes_it() {
    let taken = alert_of(AlertKind::IncidentUpdated, incident_json("i-1", TOWNSHIP, "acknowledged"));
    let server = Server::start_with_callback(&[taken]).await;
    for (state, text) in [("received", "上级平台已接收"), ("handled", "上级平台已办结"), ("returned", "上级平台已退回")]
    {
        let before = commands(&server).len() as u64;
        let played = async {
            server.command_log.head().wait_for(|head| *head > before).await.unwrap();
            carry_out(&server, "acknowledged", &[("comment", "智慧林草平台", Some(text))]);
        };
        let (answer, ()) = tokio::join!(call(&server, CALLBACK_TOKEN, json!({"id": "i-1", "state": state})), played);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(commands(&server).pop().unwrap().action, Action::Comment { text: text.into() });
    }
}

#[tokio::test]
async fn whoever_has_not_the_token_learns_nothing_and_soon_has_to_wait() {
    let off = Server::start_after(&[opened("i-1")]).await;
    problem(call(&off, CALLBACK_TOKEN, json!({"id": "i-1", "state": "received"})).await, StatusCode::NOT_FOUND).await;
    let server = Server::start_with_callback(&[opened("i-1")]).await;
    let bare =
        server.request(Method::POST, PATH).json(&json!({"id": "i-1", "state": "received"})).send().await.unwrap();
    problem(bare, StatusCode::UNAUTHORIZED).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(call(&server, "guessed", json!({"id": "no-such"})).await.status());
    }
    let [wrong @ .., wait] = &answers[..] else { panic!("five answers") };
    assert!(wrong.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{answers:?}");
    assert_eq!(*wait, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(commands(&server).len(), 0);
}

#[tokio::test]
async fn a_call_that_makes_no_sense_is_refused_in_a_sentence() {
    let server = Server::start_with_callback(&[opened("i-1")]).await;
    for (body, status, word) in [
        (json!({"id": "i-9", "state": "received"}), StatusCode::NOT_FOUND, "i-9"),
        (json!({"id": "i-1", "state": "closed"}), StatusCode::BAD_REQUEST, "received, handled or returned"),
        (json!({"id": "i-1"}), StatusCode::BAD_REQUEST, "state"),
        (json!({"id": "i-1", "state": "received", "by": "x".repeat(61)}), StatusCode::BAD_REQUEST, "by"),
        (json!({"id": "i-1", "state": "received", "by": "a\nb"}), StatusCode::BAD_REQUEST, "by"),
        (json!({"id": "i-1", "state": "received", "remark": "x".repeat(2_001)}), StatusCode::BAD_REQUEST, "remark"),
    ] {
        let detail = problem(call(&server, CALLBACK_TOKEN, body).await, status).await;
        assert!(detail.contains(word), "{detail}");
    }
    assert_eq!(commands(&server).len(), 0);
}
