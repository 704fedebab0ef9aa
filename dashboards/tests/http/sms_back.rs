//! Providers push what became of text messages, and phones write back.

use crate::support::{SMS_TOKEN, Server, TOWNSHIP, alert_of, incident_json, opened, problem};
use dashboards::Reply;
use journal::alert_log::RecordBody;
use model::{Action, AlertKind, Command};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

const PHONE: &str = "13900000000";
/// Later than any command of the test, and long ago.
const FRESH: &str = "2099-01-01T00:00:00.000Z";
const STALE: &str = "2020-01-01T00:00:00.000Z";

async fn push(server: &Server, provider: &str, what: &str, body: Value) -> Response {
    let path = format!("/api/v1/sms/{provider}/{SMS_TOKEN}/{what}");
    server.request(Method::POST, &path).json(&body).send().await.unwrap()
}

/// Pushes what is taken, and checks that the provider hears what it takes for a yes.
async fn pushed(server: &Server, provider: &str, what: &str, body: Value) {
    let answer = push(server, provider, what, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let yes = match provider {
        "aliyun" => json!({"code": 0, "msg": "成功"}),
        _ => json!({"result": 0, "errmsg": "OK"}),
    };
    assert_eq!(answer.json::<Value>().await.unwrap(), yes);
}

fn commands(server: &Server) -> Vec<Command> {
    server.command_log.read(0, 100).unwrap().into_iter().map(|(_, command)| command).collect()
}

/// What was commanded, each with its case and by whom.
fn given(server: &Server) -> Vec<(String, String, Action)> {
    let shown = |one: Command| (one.incident.map(|id| id.to_string()).unwrap_or_default(), one.by, one.action);
    commands(server).into_iter().map(shown).collect()
}

/// The message `msg_{case}` to a phone, as `alerts` writes down that Tencent Cloud took it.
fn message(case: &str, subscriber: &str, at: &str) -> RecordBody {
    let id = format!("msg_{case}");
    let answer =
        format!("200 OK {{\"Response\":{{\"SendStatusSet\":[{{\"SerialNo\":\"5000:{id}\",\"Code\":\"Ok\"}}]}}}}");
    let delivery = json!({
        "id": id, "alert": "a", "type": "steppewatch.incident.opened", "incident": case, "subscriber": subscriber,
        "subscriber_name": "王所长", "channel": "sms", "duty": null, "state": "delivered", "attempts": 1, "at": at,
        "answer": answer
    });
    RecordBody::Delivery(serde_json::from_value(delivery).unwrap())
}

/// A server that has told the phone of 王所长 of these cases, oldest first, and shows it.
async fn told_of(cases: &[(&str, &str)]) -> Server {
    let bodies: Vec<_> = cases.iter().map(|(case, _)| opened(case)).collect();
    let server = Server::start_with_callback(&bodies).await;
    let session = server.login("admin").await;
    let phone = json!({"name": "王所长", "channel": "sms", "phone": PHONE});
    let made: Value = session.post("/api/v1/subscribers", phone).await.json().await.unwrap();
    let subscriber = made["id"].as_str().unwrap();
    let messages: Vec<_> = cases.iter().map(|(case, at)| message(case, subscriber, at)).collect();
    server.log(&messages);
    let shown = async {
        while session.get_json("/api/v1/deliveries").await["items"].as_array().unwrap().len() < cases.len() {}
    };
    tokio::time::timeout(Duration::from_secs(30), shown).await.unwrap();
    server
}

#[tokio::test]
async fn both_providers_say_what_became_of_a_message_and_say_it_twice_for_nothing() {
    let server = told_of(&[("i-1", FRESH), ("i-2", FRESH)]).await;
    let failed = json!([
        {"phone_number": PHONE, "send_time": "2026-05-01 08:10:00", "report_time": "2026-05-01 08:10:09", "success": false,
         "err_code": "MK:0001", "err_msg": format!("{PHONE} 空号"), "sms_size": "1", "biz_id": "9006", "out_id": "msg_i-1"},
        {"phone_number": PHONE, "success": true, "err_code": "DELIVERED", "err_msg": "用户接收成功", "out_id": "msg_of-others"},
        {"phone_number": PHONE},
    ]);
    pushed(&server, "aliyun", "receipts", failed.clone()).await;
    pushed(&server, "aliyun", "receipts", failed).await;
    let arrived = |sid: &str, ext: Option<&str>| {
        json!({"user_receive_time": "2026-05-01 08:10:09", "nationcode": "86", "mobile": PHONE, "report_status": "SUCCESS",
            "errmsg": "DELIVRD", "description": "用户短信送达成功", "sid": sid, "ext": ext})
    };
    // Without `ext`, which not every account has, by the number that it was given when it was taken.
    pushed(&server, "tencent", "receipts", json!([arrived("5000:msg_i-2", None), arrived("5000:unknown", None)])).await;
    pushed(&server, "tencent", "receipts", json!([arrived("5000:unknown", Some("msg_i-1"))])).await;
    let receipt = |case: &str, by: &str, arrived: bool, told: &str| {
        let action = Action::SmsReceipt { delivery: format!("msg_{case}"), arrived, told: told.to_owned() };
        (case.to_owned(), by.to_owned(), action)
    };
    assert_eq!(
        given(&server),
        [
            receipt("i-1", "aliyun", false, "MK:0001 … 空号"),
            receipt("i-2", "tencent", true, "DELIVRD 用户短信送达成功"),
            receipt("i-1", "tencent", true, "DELIVRD 用户短信送达成功"),
        ]
    );
}

#[tokio::test]
async fn a_yes_takes_the_newest_open_case_then_the_next_and_anything_else_is_written_down() {
    let server = told_of(&[("i-1", FRESH), ("i-2", FRESH)]).await;
    let reply = |number: Value, phone: &str, content: &str| {
        json!([{"phone_number": phone, "content": content, "send_time": "2026-05-01 08:11:00", "dest_code": "1234",
            "sequence_id": number, "sign_name": "草原禁牧"}])
    };
    pushed(&server, "aliyun", "replies", reply(json!(1), PHONE, " 收到。")).await;
    pushed(&server, "aliyun", "replies", reply(json!(1), PHONE, " 收到。")).await;
    pushed(&server, "aliyun", "replies", reply(json!("2"), "8613900000000", "１")).await;
    pushed(&server, "aliyun", "replies", reply(json!("3"), "13911111111", "收到")).await;
    let text = json!({"nationcode": "86", "mobile": PHONE, "text": "看见了，\n正在路上", "sign": "草原禁牧", "time": 1_777_594_260, "extend": null});
    pushed(&server, "tencent", "replies", text.clone()).await;
    pushed(&server, "tencent", "replies", text).await;
    let by_phone = |case: &str, action: Action| (case.to_owned(), "王所长（短信）".to_owned(), action);
    let comment = Action::Comment { text: "看见了， 正在路上".into() };
    assert_eq!(
        given(&server),
        [by_phone("i-2", Action::Acknowledge), by_phone("i-1", Action::Acknowledge), by_phone("i-2", comment)]
    );
    let metrics = server.get("/metrics").await.text().await.unwrap();
    for (result, count) in [("acknowledged", 2), ("comment", 1), ("unknown", 1)] {
        let line = format!("steppewatch_sms_replies_total{{result=\"{result}\"}} {count}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn a_modem_hands_in_what_phones_write_by_the_same_door() {
    let server = told_of(&[("i-1", STALE)]).await;
    let reply = |id: &str, text: &str| Reply { phone: "8613900000000".into(), text: text.into(), id: id.into() };
    assert!(server.modem.take(reply("m-1", "哪里？")).await, "dealt with, though it is about nothing of the last day");
    assert_eq!(commands(&server).len(), 0);
    assert!(server.modem.take(reply("m-2", "好的")).await);
    assert!(server.modem.take(reply("m-2", "好的")).await);
    assert_eq!(given(&server), [("i-1".to_owned(), "王所长（短信）".to_owned(), Action::Acknowledge)]);
}

#[tokio::test]
async fn a_yes_to_a_case_that_somebody_has_is_a_comment() {
    let server = told_of(&[("i-1", FRESH)]).await;
    server.log(&[alert_of(AlertKind::IncidentUpdated, incident_json("i-1", TOWNSHIP, "acknowledged"))]);
    let session = server.login("admin").await;
    let shown = async { while session.get_json("/api/v1/incidents/i-1").await["status"] != "acknowledged" {} };
    tokio::time::timeout(Duration::from_secs(30), shown).await.unwrap();
    pushed(&server, "aliyun", "replies", json!([{"phone_number": PHONE, "content": "收到", "sequence_id": 1}])).await;
    let comment = Action::Comment { text: "收到".into() };
    assert_eq!(given(&server), [("i-1".to_owned(), "王所长（短信）".to_owned(), comment)]);
}

#[tokio::test]
async fn whoever_has_not_the_token_finds_no_such_address_and_what_is_too_much_is_refused() {
    let off = Server::start_after(&[opened("i-1")]).await;
    problem(push(&off, "aliyun", "receipts", json!([])).await, StatusCode::NOT_FOUND).await;
    let server = Server::start_with_callback(&[opened("i-1")]).await;
    for path in ["aliyun/guessed-but-long-enough/receipts", "aliyun/guessed-but-long-enough/replies"] {
        let path = format!("/api/v1/sms/{path}");
        let answer = server.request(Method::POST, &path).json(&json!([])).send().await.unwrap();
        problem(answer, StatusCode::NOT_FOUND).await;
    }
    problem(push(&server, "huawei", "receipts", json!([])).await, StatusCode::NOT_FOUND).await;
    problem(push(&server, "aliyun", "receipts", json!("text")).await, StatusCode::BAD_REQUEST).await;
    let many = vec![json!({}); 501];
    let detail = problem(push(&server, "tencent", "receipts", json!(many)).await, StatusCode::BAD_REQUEST).await;
    assert!(detail.contains("at most 500"), "{detail}");
    let path = format!("/api/v1/sms/aliyun/{SMS_TOKEN}/replies");
    let large = server.request(Method::POST, &path).body(vec![b' '; 65 << 10]).send().await.unwrap();
    problem(large, StatusCode::PAYLOAD_TOO_LARGE).await;
    let nothing = server.request(Method::POST, &path).send().await.unwrap();
    assert_eq!(nothing.status(), StatusCode::OK, "so a provider tries an address before it keeps it");
    assert_eq!(commands(&server).len(), 0);
}
