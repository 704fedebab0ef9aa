//! Each refusal in the protocol's own words, with its metric, and nobody else disturbed.

use super::house::House;
use super::wire::{Connect, Raw, packet, publish, string};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const TRACK: &str = "steppe/v1/hexigten/camera-1/track";
const FOREIGN: &str = "steppe/v1/hexigten/camera-2/track";

/// What makes a CONNECT one that is refused.
type Change = fn(&mut Connect);

/// A client that was there before still gets its acknowledgements.
async fn undisturbed(witness: &mut Raw) {
    witness.publish(1, 77, "steppe/v1/hexigten/camera-2/heartbeat", b"{}").await;
    witness.expect_ack(0x40, 77).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connect_that_is_not_allowed_gets_the_code_of_its_version() {
    let house = House::start().await;
    let mut witness = Raw::connect(&house, 4, "camera-2").await;
    house.registry.set_disabled(&model::DeviceId::parse("drone").unwrap(), true, "test").unwrap();
    let changes: [(&str, Change, u8, u8); 9] = [
        ("bad_credentials", |c| c.password.push('x'), 4, 0x86),
        ("bad_credentials", |c| c.username = "nobody".into(), 4, 0x86),
        ("bad_credentials", |c| c.username = "../etc".into(), 4, 0x86),
        ("bad_client_id", |c| c.client = "a/b".into(), 2, 0x85),
        ("bad_client_id", |c| c.client = "$share".into(), 2, 0x85),
        ("bad_client_id", |c| c.client = "x".repeat(200), 2, 0x85),
        ("bad_will", |c| c.will = Some((FOREIGN.into(), vec![])), 5, 0x87),
        ("bad_topic", |c| c.will = Some(("steppe/#".into(), vec![])), 5, 0x90),
        ("disabled", |c| c.username = "drone".into(), 5, 0x87),
    ];
    for (reason, change, code_311, code_5) in changes {
        for (level, code) in [(4, code_311), (5, code_5)] {
            let mut connect = Connect::new(&house, level, "camera-1");
            change(&mut connect);
            if connect.username == "drone" {
                connect.password = house.secret("drone").to_owned();
            }
            let before = house.refusals(reason);
            let (mut raw, (first, body)) = connect.to(house.address).await;
            assert_eq!((first, body[0], body[1]), (0x20, 0, code), "{reason} {level}");
            assert_eq!(raw.read().await, None);
            assert_eq!(house.refusals(reason), before + 1);
        }
    }
    undisturbed(&mut witness).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_version_that_we_do_not_speak_is_told_so() {
    let house = House::start().await;
    for level in [3, 6] {
        let (mut raw, connack) = Connect::new(&house, level, "camera-1").to(house.address).await;
        assert_eq!(connack, (0x20, vec![0, 1]));
        assert_eq!(raw.read().await, None);
    }
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_topic_is_not_authorised_and_never_recorded() {
    let house = House::start().await;
    let mut witness = Raw::connect(&house, 4, "camera-2").await;
    let mut new = Raw::connect(&house, 5, "camera-1").await;
    new.publish(1, 1, FOREIGN, b"x").await;
    new.expect(0x40, &[0, 1, 0x87, 0]).await;
    new.publish(2, 2, FOREIGN, b"x").await;
    new.expect(0x50, &[0, 2, 0x87, 0]).await;
    new.publish(0, 0, FOREIGN, b"x").await;
    new.publish(1, 3, TRACK, b"mine").await;
    new.expect_ack(0x40, 3).await;
    let mut old = Raw::connect(&house, 4, "camera-1").await;
    old.publish(1, 1, FOREIGN, b"x").await;
    old.expect_closed(0).await;
    assert_eq!(house.refusals("foreign_topic"), 4);
    assert_eq!(house.payloads().await, ["mine"]);
    undisturbed(&mut witness).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_wildcards_or_a_leading_dollar_is_invalid() {
    let house = House::start().await;
    let mut new = Raw::connect(&house, 5, "camera-1").await;
    for topic in ["steppe/v1/hexigten/camera-1/#", "$SYS/x"] {
        new.publish(1, 1, topic, b"x").await;
        new.expect(0x40, &[0, 1, 0x90, 0]).await;
    }
    let mut old = Raw::connect(&house, 4, "camera-2").await;
    old.publish(1, 1, "+/x", b"x").await;
    old.expect_closed(0).await;
    assert_eq!(house.refusals("bad_topic"), 3);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_is_acknowledged_and_kept_for_the_dead_letters() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    let topic = "steppe/v1/hexigten/camera-1/mood";
    camera.publish(1, 1, topic, b"grumpy").await;
    camera.expect_ack(0x40, 1).await;
    assert_eq!(house.entries().await[0].frame.channel, model::Channel::Other { topic: topic.into() });
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    const MIB: usize = 1 << 20;
    let house = House::start().await;
    let mut witness = Raw::connect(&house, 4, "camera-2").await;
    let snapshot = "steppe/v1/hexigten/camera-1/snapshot/s1";
    let mut new = Raw::connect(&house, 5, "camera-1").await;
    for (id, topic, limit) in [(1, TRACK, MIB), (2, snapshot, 4 * MIB)] {
        new.publish(1, id, topic, &vec![7; limit]).await;
        new.expect_ack(0x40, id).await;
        new.publish(1, id, topic, &vec![7; limit + 1]).await;
        new.expect(0x40, &[0, u8::try_from(id).unwrap(), 0x97, 0]).await;
    }
    undisturbed(&mut witness).await;
    assert_eq!(house.entries().await.len(), 3);
    assert_eq!(house.refusals("too_large"), 2);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_too_large_is_refused_before_it_is_read() {
    let house = House::start().await;
    let whole = publish(4, 1, 1, TRACK, &vec![7; 2 << 20]);
    let mut old = Raw::connect(&house, 4, "camera-1").await;
    old.send(&whole[..200]).await;
    old.expect_closed(0).await;
    // Beyond the announced packet size, and a publish that could not be answered otherwise.
    let mut new = Raw::connect(&house, 5, "camera-1").await;
    new.send(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await;
    new.expect_closed(0x95).await;
    let mut new = Raw::connect(&house, 5, "camera-1").await;
    new.publish(0, 0, TRACK, &vec![7; 3 << 20]).await;
    new.expect_closed(0x95).await;
    assert_eq!(house.refusals("too_large"), 3);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_beyond_the_own_downward_topics_fails_alone() {
    let house = House::start().await;
    for (level, foreign, shared, invalid) in [(4, 0x80, 0x80, 0x80), (5, 0x87, 0x9e, 0x8f)] {
        let mut camera = Raw::connect(&house, level, "camera-1").await;
        assert_eq!(camera.subscribe(1, "#", 1).await, foreign);
        assert_eq!(camera.subscribe(2, "steppe/v1/hexigten/camera-2/down/#", 1).await, foreign);
        assert_eq!(camera.subscribe(3, "$share/g/steppe/v1/hexigten/camera-1/down/#", 1).await, shared);
        assert_eq!(camera.subscribe(4, "steppe/v1/hexigten/camera-1/down/#/x", 1).await, invalid);
        assert_eq!(camera.subscribe(5, "steppe/v1/hexigten/camera-1/down/#", 2).await, 1);
        camera.ping().await;
    }
    assert_eq!(house.refusals("foreign_filter"), 8);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subscribe_may_be_granted_in_part() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    let mut body = vec![0, 9, 0];
    for filter in ["#", "steppe/v1/hexigten/camera-1/down/#", "steppe/v1/hexigten/camera-1/down/a"] {
        string(&mut body, filter.as_bytes());
        body.push(0);
    }
    camera.send(&packet(0x82, &body)).await;
    camera.expect(0x90, &[0, 9, 0, 0x87, 0, 0]).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_says_nothing_is_shown_out_and_does_not_hold_up_the_others() {
    let house = House::start().await;
    let mut silent = Raw { stream: TcpStream::connect(house.address).await.unwrap(), level: 4 };
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    slow.write_all(&[0x10, 0x80]).await.unwrap();
    Raw::connect(&house, 4, "camera-1").await.ping().await;
    assert_eq!(silent.read().await, None);
    assert_eq!(Raw { stream: slow, level: 4 }.read().await, None);
    assert_eq!(house.refusals("connect_timeout"), 2);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_closed_and_there_is_room_again_when_one_leaves() {
    let house = House::start_with(1).await;
    let mut first = Raw::connect(&house, 4, "camera-1").await;
    let stream = TcpStream::connect(house.address).await.unwrap();
    assert_eq!(Raw { stream, level: 4 }.read().await, None);
    first.send(&[0xe0, 0]).await;
    assert_eq!(first.read().await, None);
    while house.metrics.connections.get() > 0 {
        tokio::task::yield_now().await;
    }
    Raw::connect(&house, 4, "camera-2").await.ping().await;
    house.stop().await.unwrap();
}
