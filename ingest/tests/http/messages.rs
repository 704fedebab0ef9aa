//! A message is answered with 202 when it is on disk, and not a moment before.

use super::house::{House, Mood, NOW_MS, beat, problem};
use model::{Channel, DeviceId, ReadingKind, ReceivedAt, Timestamp};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_in_the_journal_as_its_device_said_it_and_counted_like_any_other() {
    let house = House::start().await;
    let answer = house.sends("heartbeat", beat(1)).await;
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (202, r#"{"accepted":1}"#));
    let entries = house.entries().await;
    let frame = &entries[0].frame;
    let camera = DeviceId::parse("camera-1").unwrap();
    assert_eq!((&frame.device, &frame.speaker), (&camera, &camera));
    assert_eq!(frame.channel, Channel::Native { kind: ReadingKind::Heartbeat, detail: Arc::from("") });
    assert_eq!(frame.payload, beat(1));
    assert_eq!(frame.received_at, ReceivedAt(Timestamp::from_millis(NOW_MS)));
    assert!(ingest::decode::decode(&entries[0]).is_ok());
    assert_eq!(house.metrics.frames.with_label_values(&["heartbeat"]).get(), 1);
    assert_eq!(house.metrics.acknowledgements.with_label_values(&["http"]).get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_not_kept_between_two_messages_so_that_a_fleet_leaves_room_for_people() {
    let house = House::start().await;
    let request = format!(
        "POST /api/v1/ingest/camera-1/heartbeat HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        house.secret("camera-1"),
        beat(1).len(),
        beat(1)
    );
    // It is read to its end, which comes because the server closes.
    let answer = house.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 202") && answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_its_address_and_a_bearer_secret_does_as_well_as_basic() {
    let house = House::start().await;
    let messages = [
        ("heartbeat", beat(1)),
        ("track", format!(r#"{{"ts":{NOW_MS},"lat":43.3,"lon":117.5}}"#)),
        ("reading", format!(r#"{{"ts":{NOW_MS},"values":{{"ndvi":0.4}}}}"#)),
        (
            "sighting",
            format!(r#"{{"ts":{NOW_MS},"species":"sheep","count":4,"confidence":0.9,"lat":43.3,"lon":117.5}}"#),
        ),
        ("report", format!(r#"{{"ts":{NOW_MS},"text":"sheep"}}"#)),
    ];
    for (kind, payload) in &messages {
        let request = house.post(&format!("/ingest/camera-1/{kind}")).bearer_auth(house.secret("camera-1"));
        let request = request.header("content-type", "application/json; charset=utf-8").body(payload.clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202, "{kind}: {}", answer.text().await.unwrap());
    }
    let kinds: Vec<_> = house.entries().await.into_iter().map(|entry| entry.frame.channel).collect();
    assert_eq!(kinds.len(), 5);
    for (channel, (kind, _)) in kinds.iter().zip(&messages) {
        assert!(matches!(channel, Channel::Native { kind: known, .. } if known.as_str() == *kind));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_told_why_at_once_and_is_not_recorded() {
    let house = House::start().await;
    for (payload, reason, words) in [
        (r#"{"status":"ok"}"#.to_owned(), "missing_field", "`ts`"),
        (format!(r#"{{"ts":{},"status":"ok"}}"#, NOW_MS + 3_600_000), "future_time", "3600 s"),
        (format!(r#"{{"ts":{NOW_MS},"status":"sleepy"}}"#), "unknown_word", "sleepy"),
        ("{".to_owned(), "malformed", "JSON"),
        (String::new(), "empty", "empty"),
    ] {
        let told = problem(house.sends("heartbeat", payload).await, 400).await;
        assert_eq!(told["reason"], reason);
        assert!(told["detail"].as_str().unwrap().contains(words), "{told}");
    }
    assert_eq!(house.entries().await, []);
    assert_eq!((*house.asked.borrow(), house.refusals("not_understood")), (0, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_answer_before_the_journal_has_it() {
    let mut house = House::start().await;
    house.mood.send_replace(Mood::Holding);
    let answer = tokio::spawn(house.says("heartbeat").header("content-type", "application/json").body(beat(1)).send());
    house.asked.wait_for(|asked| *asked == 1).await.unwrap();
    assert!(!answer.is_finished());
    house.mood.send_replace(Mood::Willing);
    assert_eq!(answer.await.unwrap().unwrap().status().as_u16(), 202);
    assert_eq!(house.payloads().await, [beat(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_says_come_back_and_takes_the_same_message_when_there_is_room() {
    let house = House::start_with(Duration::from_millis(300)).await;
    house.mood.send_replace(Mood::Full);
    let answer = house.sends("heartbeat", beat(1)).await;
    assert_eq!(answer.headers()["retry-after"], "5");
    problem(answer, 503).await;
    assert_eq!((house.entries().await, house.refusals("journal_full")), (vec![], 1));
    assert!(house.metrics.journal_full_waits.get() > 0);
    assert_eq!(house.metrics.acknowledgements.with_label_values(&["http"]).get(), 0);
    house.mood.send_replace(Mood::Willing);
    assert_eq!(house.sends("heartbeat", beat(1)).await.status().as_u16(), 202);
    assert_eq!(house.payloads().await, [beat(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_finds_room_while_the_message_waits_takes_it() {
    let mut house = House::start().await;
    house.mood.send_replace(Mood::Full);
    let answer = tokio::spawn(house.says("heartbeat").header("content-type", "application/json").body(beat(1)).send());
    house.asked.wait_for(|asked| *asked >= 2).await.unwrap();
    house.mood.send_replace(Mood::Willing);
    assert_eq!(answer.await.unwrap().unwrap().status().as_u16(), 202);
    assert_eq!(house.payloads().await, [beat(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_journal_acknowledges_nothing() {
    let house = House::start().await;
    house.mood.send_replace(Mood::Broken);
    problem(house.sends("heartbeat", beat(1)).await, 503).await;
    assert_eq!(house.metrics.acknowledgements.with_label_values(&["http"]).get(), 0);
}
