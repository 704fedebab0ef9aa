//! From a publish to the journal and back.

use super::house::{House, Mood};
use super::wire::{Raw, publish};
use ingest::gate::GateError;
use journal::AppendError;
use model::{Channel, ReadingKind};

const TRACK: &str = "steppe/v1/hexigten/camera-1/track";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_says_is_in_the_journal_when_it_is_acknowledged_in_both_versions() {
    let house = House::start().await;
    for (level, packet_id) in [(4, 7), (5, 65_535)] {
        let mut camera = Raw::connect(&house, level, "camera-1").await;
        camera.publish(1, packet_id, TRACK, b"{}").await;
        camera.expect_ack(0x40, packet_id).await;
    }
    let entries = house.entries().await;
    assert_eq!(entries.len(), 2);
    let frame = &entries[0].frame;
    assert_eq!((frame.device.as_str(), frame.speaker.as_str()), ("camera-1", "camera-1"));
    assert!(matches!(&frame.channel, Channel::Native { kind: ReadingKind::Track, detail } if detail.is_empty()));
    assert_eq!(frame.received_at.0.as_millis(), 1_763_769_600_000);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledgement_leaves_before_the_frame_is_on_disk() {
    let house = House::start().await;
    house.mood.send(Mood::Holding).unwrap();
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    camera.publish(1, 1, TRACK, b"one").await;
    camera.publish(2, 2, TRACK, b"two").await;
    camera.ping().await;
    assert!(house.entries().await.is_empty());
    house.mood.send(Mood::Willing).unwrap();
    let acks = [camera.read().await.unwrap(), camera.read().await.unwrap()];
    assert!(acks.contains(&(0x40, vec![0, 1])) && acks.contains(&(0x50, vec![0, 2])), "{acks:?}");
    assert_eq!(house.payloads().await, ["one", "two"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_publishes_in_flight_are_recorded_in_order_and_each_acknowledged_once() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    let bytes: Vec<u8> = (1..=500).flat_map(|id| publish(4, 1, id, TRACK, id.to_string().as_bytes())).collect();
    camera.send(&bytes).await;
    for id in 1..=500 {
        camera.expect_ack(0x40, id).await;
    }
    let said = (1..=500).map(|id: u16| id.to_string());
    assert!(house.payloads().await.into_iter().eq(said), "not in the order in which it was said");
    assert_eq!(house.metrics.acknowledgements.with_label_values(&["puback"]).get(), 500);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_without_acknowledgement_is_recorded_too() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    camera.publish(0, 0, TRACK, b"quiet").await;
    assert_eq!(house.entries_reach(1).await[0].frame.payload, "quiet");
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exactly_once_publish_is_recorded_once_however_often_it_is_repeated() {
    let house = House::start().await;
    for level in [4, 5] {
        let mut camera = Raw::connect(&house, level, "camera-1").await;
        let mut repeated = publish(level, 2, 9, TRACK, b"once");
        camera.send(&repeated).await;
        camera.expect_ack(0x50, 9).await;
        repeated[0] |= 8;
        camera.send(&repeated).await;
        camera.expect_ack(0x50, 9).await;
        camera.send(&[0x62, 2, 0, 9]).await;
        camera.expect_ack(0x70, 9).await;
        camera.publish(2, 9, TRACK, b"again").await;
        camera.expect_ack(0x50, 9).await;
    }
    assert_eq!(house.payloads().await, ["once", "again", "once", "again"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_an_unknown_packet_id_is_answered_not_punished() {
    let house = House::start().await;
    let mut old = Raw::connect(&house, 4, "camera-1").await;
    old.send(&[0x62, 2, 0, 9]).await;
    old.expect_ack(0x70, 9).await;
    let mut new = Raw::connect(&house, 5, "camera-2").await;
    new.send(&[0x62, 2, 0, 9]).await;
    new.expect(0x70, &[0, 9, 0x92, 0]).await;
    new.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_journal_is_full_nothing_is_acknowledged_and_everything_is_once_there_is_room() {
    let house = House::start().await;
    house.mood.send(Mood::Full).unwrap();
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    for id in 1..=3 {
        camera.publish(1, id, TRACK, b"x").await;
    }
    camera.ping().await;
    while house.metrics.journal_full_waits.get() == 0 {
        tokio::task::yield_now().await;
    }
    house.mood.send(Mood::Willing).unwrap();
    for id in 1..=3 {
        camera.expect_ack(0x40, id).await;
    }
    assert_eq!(house.entries().await.len(), 3);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_write_ends_the_gate_with_its_reason_and_acknowledges_nothing() {
    let house = House::start().await;
    house.mood.send(Mood::Broken).unwrap();
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    camera.publish(1, 1, TRACK, b"x").await;
    camera.expect_closed(0x8b).await;
    assert!(matches!(house.ended().await, Err(GateError::Journal(AppendError::Broken(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_what_was_taken_in_reach_the_disk_and_tells_the_client() {
    let house = House::start().await;
    house.mood.send(Mood::Holding).unwrap();
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    camera.publish(1, 1, TRACK, b"last").await;
    camera.ping().await;
    let mood = house.mood.clone();
    let stopped = tokio::spawn(house.stop());
    mood.send(Mood::Willing).unwrap();
    camera.expect_ack(0x40, 1).await;
    camera.expect_closed(0x8b).await;
    stopped.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_speaks_for_the_drone_behind_it() {
    let house = House::start().await;
    let mut dock = Raw::connect(&house, 4, "dock").await;
    dock.publish(1, 1, "thing/product/DRONE1/osd", b"{}").await;
    dock.expect_ack(0x40, 1).await;
    dock.publish(1, 2, "sys/product/DOCK1/status", b"{}").await;
    dock.expect_ack(0x40, 2).await;
    let entries = house.entries().await;
    assert_eq!((entries[0].frame.device.as_str(), entries[0].frame.speaker.as_str()), ("drone", "dock"));
    assert_eq!(entries[0].frame.channel, Channel::DjiOsd);
    assert_eq!(entries[1].frame.channel, Channel::Foreign { format: "dji/status".into(), detail: "".into() });
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_alias_stands_for_its_topic_and_is_judged_like_it() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    let aliased = |topic: &str, id: u8, payload: &[u8]| {
        let mut body = Vec::new();
        super::wire::string(&mut body, topic.as_bytes());
        body.extend([0, id, 3, 35, 0, 1]);
        body.extend(payload);
        super::wire::packet(0x32, &body)
    };
    camera.send(&aliased(TRACK, 1, b"named")).await;
    camera.expect_ack(0x40, 1).await;
    camera.send(&aliased("", 2, b"aliased")).await;
    camera.expect_ack(0x40, 2).await;
    assert_eq!(house.payloads().await, ["named", "aliased"]);
    house.stop().await.unwrap();
}
