//! What answers mean, and what goes over a real socket.

use super::*;
use reqwest::StatusCode;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

fn reply(status: u16, body: &str) -> Reply {
    Reply { status: StatusCode::from_u16(status).unwrap(), after: None, body: body.to_owned() }
}

#[track_caller]
fn check(accept: &Accept, status: u16, body: &str, wanted: &str) {
    let found = match accept.judge(&reply(status, body), "told".into()) {
        Answer::Accepted(_) => "accepted",
        Answer::Refused(_) => "refused",
        Answer::Later { .. } => "later",
        Answer::Turn(_) | Answer::Gone(_) => "turn",
    };
    assert_eq!(found, wanted, "{status} {body}");
}

#[test]
fn two_hundred_is_a_yes_only_where_the_body_says_so_too() {
    let usual = Accept::default();
    check(&usual, 200, r#"{"code":0,"msg":"成功"}"#, "accepted");
    check(&usual, 200, r#"{"code":"0"}"#, "accepted");
    check(&usual, 200, r#"{"code":1,"msg":"重复"}"#, "later");
    check(&usual, 200, r#"{"code":null}"#, "later");
    check(&usual, 200, "<html>登录</html>", "later");
    check(&usual, 200, "", "later");
    check(&usual, 500, r#"{"code":0}"#, "later");
    check(&usual, 302, r#"{"code":0}"#, "later");
}

#[test]
fn a_platform_that_says_yes_in_other_words_is_understood_by_configuration() {
    let other = Accept {
        status: vec![200, 201],
        path: "/result/success".into(),
        value: json!(true),
        refuse: vec![json!("DUPLICATE"), json!(false)],
    };
    check(&other, 201, r#"{"result":{"success":true}}"#, "accepted");
    check(&other, 200, r#"{"result":{"success":"true"}}"#, "accepted");
    check(&other, 200, r#"{"result":{"success":false}}"#, "refused");
    check(&other, 400, r#"{"result":{"success":"DUPLICATE"}}"#, "refused");
    check(&other, 200, r#"{"result":{}}"#, "later");
    let by_status = Accept { status: vec![204], path: String::new(), ..Accept::default() };
    check(&by_status, 204, "", "accepted");
    check(&by_status, 200, "", "later");
}

/// Answers one request with a body, and tells what it was asked.
fn server(answer: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
        while !bytes.ends_with(b"the end") {
            let read = stream.read(&mut chunk).unwrap();
            bytes.extend_from_slice(&chunk[..read]);
        }
        asked.send(String::from_utf8(bytes).unwrap()).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
    });
    (url, requests)
}

fn due(body: &str) -> Due {
    let at = Timestamp::from_millis(1_795_313_700_000);
    Due {
        id: "msg_1".into(),
        subscriber: "s".into(),
        body: body.into(),
        attempts: 0,
        first_at: at,
        next_at: at,
        kind: "steppewatch.fire.seen".into(),
        with: vec![],
    }
}

async fn send(url: String, auth: Auth, networks: &[&str], body: &str) -> Answer {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (tls, accept, timeout) = (Tls::default(), Accept::default(), Duration::from_secs(20));
    let adapter = Adapter { endpoint: url, auth, tls, accept, timeout };
    let upstream = Upstream::new(adapter, Networks::parse(networks.iter().copied()).unwrap()).unwrap();
    upstream.send(&due(body), Timestamp::from_millis(1_795_313_700_000)).await
}

#[tokio::test]
async fn a_long_answer_is_judged_whole_kept_short_and_without_the_token_that_it_sends_back() {
    let (url, asked) = server(json!({"code": 0, "auth": "Bearer hidden", "data": "x".repeat(10_000)}).to_string());
    let answer = send(url, Auth::Token("hidden".into()), &["127.0.0.0/8"], "{} the end").await;
    let Answer::Accepted(told) = answer else { panic!("{answer:?}") };
    assert!(told.starts_with("200 OK {") && told.contains("Bearer …") && !told.contains("hidden"), "{told}");
    assert_eq!(told.chars().count(), KEPT_MAX);
    let asked = asked.recv().unwrap().to_lowercase();
    for header in [
        "authorization: bearer hidden\r\n",
        "idempotency-key: msg_1\r\n",
        "content-type: application/json; charset=utf-8\r\n",
    ] {
        assert!(asked.contains(header), "{asked}");
    }
}

#[tokio::test]
async fn a_cap_document_goes_as_what_it_is_and_signed() {
    let (url, asked) = server(json!({"code": 0}).to_string());
    let hmac = Hmac::parse(HmacSettings { header: "x-sign".into(), ..super::sign::tests::settings(SIGNS) }).unwrap();
    let answer = send(url, Auth::Hmac(hmac), &["127.0.0.0/8"], "<?xml?> the end").await;
    assert!(matches!(answer, Answer::Accepted(_)), "{answer:?}");
    let asked = asked.recv().unwrap();
    assert!(asked.contains("content-type: application/cap+xml; charset=utf-8\r\n"), "{asked}");
    assert!(asked.contains("x-timestamp: 1795313700000\r\n") && asked.contains("x-sign: "), "{asked}");
}

#[tokio::test]
async fn a_private_address_that_is_not_allowed_waits_until_it_is() {
    let answer = send("http://127.0.0.1:9/".into(), Auth::None, &[], "{}").await;
    let Answer::Later { reason, .. } = answer else { panic!("{answer:?}") };
    assert!(reason.contains("[webhooks] allow_networks"), "{reason}");
}
