use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY: &str =
    r#"{"specversion":"1.0","id":"a-1","source":"/steppewatch","type":"steppewatch.incident.opened","data":{}}"#;

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn sign(id: &str, timestamp: i64) -> String {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{BODY}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends one delivery and returns the answer's status line, or the error that took its place.
async fn post(receiver: &Receiver, id: &str, signature: &str, timestamp: i64) -> io::Result<String> {
    let mut stream = TcpStream::connect(receiver.addr()).await?;
    let request = format!(
        "POST /hook HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/cloudevents+json\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n\
         content-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

async fn post_signed(receiver: &Receiver, id: &str) -> io::Result<String> {
    let timestamp = clock::now_ms() / 1_000;
    post(receiver, id, &sign(id, timestamp), timestamp).await
}

#[tokio::test]
async fn a_signed_delivery_is_believed_and_a_wrong_signature_is_not() {
    let receiver = Receiver::bind(any_port(), SECRET).await.unwrap();
    assert_eq!(post_signed(&receiver, "msg_1").await.unwrap(), "HTTP/1.1 204 No Content");
    let timestamp = clock::now_ms() / 1_000;
    let wrong = sign("msg_other", timestamp);
    assert_eq!(post(&receiver, "msg_2", &wrong, timestamp).await.unwrap(), "HTTP/1.1 401 Unauthorized");
    let deliveries = receiver.wait_for(2).await;
    let seen: Vec<_> = deliveries.iter().map(|delivery| (delivery.id.as_str(), delivery.verified)).collect();
    assert_eq!(seen, [("msg_1", true), ("msg_2", false)]);
    assert_eq!(deliveries[0].type_, "steppewatch.incident.opened");
    assert_eq!(deliveries[0].body, BODY);
}

#[tokio::test]
async fn a_script_makes_it_fail_in_the_order_written_and_then_behave() {
    let script = [Behaviour::Status(500), Behaviour::Reset, Behaviour::Slow(Duration::from_millis(1))];
    let receiver = Receiver::scripted(any_port(), SECRET, script).await.unwrap();
    assert!(post_signed(&receiver, "msg_1").await.unwrap().starts_with("HTTP/1.1 500"));
    let broken = post_signed(&receiver, "msg_1").await;
    assert!(broken.as_ref().map_or(true, String::is_empty), "{broken:?}");
    assert!(post_signed(&receiver, "msg_1").await.unwrap().starts_with("HTTP/1.1 204"));
    assert!(post_signed(&receiver, "msg_1").await.unwrap().starts_with("HTTP/1.1 204"));
    let accepted = receiver.deliveries().iter().filter(|delivery| delivery.accepted()).count();
    assert_eq!(accepted, 2);
}

#[tokio::test]
async fn a_redirect_names_another_place_a_cut_off_answer_breaks_and_a_yes_may_speak_of_an_error() {
    let script = [Behaviour::Redirect(307), Behaviour::CutOff, Behaviour::OkBut(1)];
    let receiver = Receiver::scripted(any_port(), SECRET, script).await.unwrap();
    assert_eq!(post_signed(&receiver, "msg_1").await.unwrap(), "HTTP/1.1 307 Temporary Redirect");
    // What came before the cut may be lost with the reset.
    let cut = post_signed(&receiver, "msg_1").await;
    assert!(cut.as_ref().map_or(true, |line| line.is_empty() || line == "HTTP/1.1 200 OK"), "{cut:?}");
    assert_eq!(post_signed(&receiver, "msg_1").await.unwrap(), "HTTP/1.1 200 OK");
    let taken: Vec<_> = receiver.deliveries().iter().map(|one| (one.is_taken(), one.accepted())).collect();
    assert_eq!(taken, [(false, false), (true, false), (true, true)]);
}

#[tokio::test]
async fn a_moody_receiver_tells_of_each_request_and_keeps_none() {
    let (tell, mut told) = tokio::sync::mpsc::channel(10);
    let moods = Moods::new(1, "moody", 1.0, [Behaviour::Status(503)]);
    let note = move |delivery: &Delivery| tell.try_send((delivery.behaviour, delivery.path.clone())).unwrap();
    let receiver = Receiver::moody(any_port(), SECRET, moods, note).await.unwrap();
    for _ in 0..4 {
        post_signed(&receiver, "msg_1").await.unwrap();
    }
    assert_eq!(receiver.wait_for(4).await, []);
    let told: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
    assert_eq!(told.iter().filter(|(behaviour, _)| *behaviour == Behaviour::Status(503)).count(), 3);
    assert_eq!(told[3], (Behaviour::Ok, "/hook".to_owned()));
}

#[tokio::test]
async fn a_hanging_receiver_answers_nothing_while_another_request_is_served() {
    let receiver = Receiver::scripted(any_port(), SECRET, [Behaviour::Hang]).await.unwrap();
    let hanging = post_signed(&receiver, "msg_1");
    tokio::pin!(hanging);
    tokio::select! {
        answer = &mut hanging => panic!("answered {answer:?}"),
        _ = receiver.wait_for(1) => {}
    }
    let served = post_signed(&receiver, "msg_2").await.unwrap();
    assert!(served.starts_with("HTTP/1.1 204"));
    assert_eq!(receiver.wait_until(|delivery| delivery.id == "msg_2").await.behaviour, Behaviour::Ok);
}
