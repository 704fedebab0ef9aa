//! Sessions: takeover, what is remembered between connections, wills, devices that are shut out.

use super::house::{House, Mood};
use super::wire::{Connect, Raw, packet, string};
use model::DeviceId;

const TRACK: &str = "steppe/v1/hexigten/camera-1/track";
const DOWN: &str = "steppe/v1/hexigten/camera-1/down/#";
const ORDER: &str = "steppe/v1/hexigten/camera-1/down/reboot";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_id_takes_the_session_over_and_the_old_connection_is_told() {
    let house = House::start().await;
    for level in [4, 5] {
        let mut first = Raw::connect(&house, level, "camera-1").await;
        let mut second = Raw::connect(&house, level, "camera-1").await;
        first.expect_closed(0x8e).await;
        second.ping().await;
    }
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_cannot_take_over_another_devices_session_by_its_client_id() {
    let house = House::start().await;
    let mut victim = Raw::connect(&house, 5, "camera-1").await;
    let mut thief = Connect::new(&house, 5, "camera-2");
    for client in ["camera-1-client", "camera-1:0", "*loopback", "*platform"] {
        thief.client = client.to_owned();
        thief.accepted(house.address).await.ping().await;
    }
    victim.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_takeovers_in_a_row_leave_one_working_session() {
    let house = House::start().await;
    let mut last = Raw::connect(&house, 4, "camera-1").await;
    for _ in 0..100 {
        last = Raw::connect(&house, 4, "camera-1").await;
    }
    last.publish(1, 1, TRACK, b"still here").await;
    last.expect_ack(0x40, 1).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_client_id_is_assigned_and_told() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 5, "camera-1");
    connect.client.clear();
    let (mut raw, (_, body)) = connect.to(house.address).await;
    assert_eq!(body[1], 0);
    assert!(body.windows(5).any(|part| part == b"auto-"));
    raw.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_reaches_the_device_that_subscribed_and_no_other() {
    let house = House::start().await;
    for (level, first_bytes) in [(4, 0x32), (5, 0x32)] {
        let mut camera = Raw::connect(&house, level, "camera-1").await;
        let mut other = Raw::connect(&house, level, "camera-2").await;
        assert_eq!(camera.subscribe(1, DOWN, 1).await, 1);
        other.subscribe(1, "steppe/v1/hexigten/camera-2/down/#", 1).await;
        house.downlink.say(ORDER, b"now", false).await.unwrap();
        let (first, body) = camera.read().await.unwrap();
        assert_eq!(first, first_bytes);
        assert!(body.ends_with(b"now"));
        camera.send(&[0x40, 2, 0, 1]).await;
        other.ping().await;
    }
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_out_of_order_or_of_nothing_do_not_end_the_session() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    camera.subscribe(1, DOWN, 1).await;
    for _ in 0..3 {
        house.downlink.say(ORDER, b"now", false).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(camera.read().await.unwrap().0, 0x32);
    }
    for id in [99, 3, 1, 2, 2] {
        camera.send(&[0x40, 2, 0, id]).await;
    }
    camera.ping().await;
    house.downlink.say(ORDER, b"later", false).await.unwrap();
    assert!(camera.read().await.unwrap().1.ends_with(b"later"));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_not_sent_more_unacknowledged_messages_than_it_takes() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 5, "camera-1");
    connect.properties = vec![33, 0, 2];
    let mut camera = connect.accepted(house.address).await;
    camera.subscribe(1, DOWN, 1).await;
    for _ in 0..5 {
        house.downlink.say(ORDER, b"x", false).await.unwrap();
    }
    for id in [1, 2] {
        let (_, body) = camera.read().await.unwrap();
        assert_eq!(body[body.len() - 3], id);
    }
    camera.ping().await;
    for id in 1..=5 {
        camera.send(&[0x40, 2, 0, id]).await;
        if id <= 3 {
            assert_eq!(camera.read().await.unwrap().0, 0x32);
        }
    }
    camera.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_messages_than_the_router_hands_out_at_once_all_arrive() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    camera.subscribe(1, DOWN, 0).await;
    for number in 0..1_000_u16 {
        house.downlink.say(ORDER, &number.to_be_bytes(), false).await.unwrap();
    }
    for number in 0..1_000_u16 {
        let (first, body) = camera.read().await.unwrap();
        assert_eq!(first, 0x30);
        assert!(body.ends_with(&number.to_be_bytes()), "{number}");
    }
    // The router was woken in between; leaving must not stop it.
    camera.send(&[0xe0, 0]).await;
    assert_eq!(camera.read().await, None);
    Raw::connect(&house, 4, "camera-1").await.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_session_hears_what_was_said_while_it_was_away_and_can_unsubscribe_then() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 4, "camera-1");
    connect.clean = false;
    let (mut camera, connack) = connect.to(house.address).await;
    assert_eq!(connack, (0x20, vec![0, 0]));
    camera.subscribe(1, DOWN, 1).await;
    camera.send(&[0xe0, 0]).await;
    assert_eq!(camera.read().await, None);
    while house.metrics.connections.get() > 0 {
        tokio::task::yield_now().await;
    }
    house.downlink.say(ORDER, b"while away", false).await.unwrap();
    let (mut camera, connack) = connect.to(house.address).await;
    assert_eq!(connack, (0x20, vec![1, 0]));
    let (_, body) = camera.read().await.unwrap();
    assert!(body.ends_with(b"while away"));
    camera.send(&[0x40, 2, 0, 1]).await;
    let mut unsubscribe = vec![0, 2];
    string(&mut unsubscribe, DOWN.as_bytes());
    camera.send(&packet(0xa2, &unsubscribe)).await;
    camera.expect(0xb0, &[0, 2]).await;
    camera.ping().await;
    house.downlink.say(ORDER, b"unheard", false).await.unwrap();
    camera.ping().await;
    connect.clean = true;
    let (_, connack) = connect.to(house.address).await;
    assert_eq!(connack, (0x20, vec![0, 0]));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exactly_once_publish_stays_so_across_a_lost_connection() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 4, "camera-1");
    connect.clean = false;
    let mut camera = connect.accepted(house.address).await;
    camera.publish(2, 5, TRACK, b"once").await;
    camera.expect_ack(0x50, 5).await;
    drop(camera);
    let mut camera = connect.accepted(house.address).await;
    let mut repeated = super::wire::publish(4, 2, 5, TRACK, b"once");
    repeated[0] |= 8;
    camera.send(&repeated).await;
    camera.expect_ack(0x50, 5).await;
    camera.send(&[0x62, 2, 0, 5]).await;
    camera.expect_ack(0x70, 5).await;
    assert_eq!(house.payloads().await, ["once"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_is_recorded_when_the_device_goes_without_a_word_and_only_then() {
    let house = House::start().await;
    for level in [4, 5] {
        let mut connect = Connect::new(&house, level, "camera-1");
        connect.will = Some((TRACK.into(), format!("will {level}").into_bytes()));
        let mut polite = connect.accepted(house.address).await;
        polite.send(&[0xe0, 0]).await;
        assert_eq!(polite.read().await, None);
        drop(connect.accepted(house.address).await);
    }
    let wills = house.entries_reach(2).await;
    let payloads: Vec<_> = wills.iter().map(|entry| entry.frame.payload.clone()).collect();
    assert!(payloads.contains(&"will 4".into()) && payloads.contains(&"will 5".into()));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_asks_for_its_will_while_leaving_gets_it() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 5, "camera-1");
    connect.will = Some((TRACK.into(), b"will".to_vec()));
    let mut camera = connect.accepted(house.address).await;
    camera.send(&[0xe0, 1, 4]).await;
    assert_eq!(house.entries_reach(1).await[0].frame.payload, "will");
    house.stop().await.unwrap();
}

/// A CONNECT of version 5 that resumes, whose will waits for `delay_s` and whose session lives for an hour.
fn with_delayed_will(house: &House, delay_s: u32) -> Connect {
    let mut connect = Connect::new(house, 5, "camera-1");
    connect.clean = false;
    connect.will = Some((TRACK.into(), b"will".to_vec()));
    connect.will_properties = [&[0x18][..], &delay_s.to_be_bytes()].concat();
    connect.properties = [&[0x11][..], &3_600_u32.to_be_bytes()].concat();
    connect
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_will_is_taken_back_when_the_device_comes_back_in_time_and_goes_on() {
    let house = House::start().await;
    let mut connect = with_delayed_will(&house, 1);
    drop(connect.accepted(house.address).await);
    connect.will = Some((TRACK.into(), b"second will".to_vec()));
    let (camera, (_, body)) = connect.to(house.address).await;
    assert_eq!(body[0], 1, "the session goes on");
    // It waits as long as the first would have, and longer: had that been said, it would stand before.
    drop(camera);
    house.entries_reach(1).await;
    assert_eq!(house.payloads().await, ["second will"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_will_is_said_when_the_device_stays_away_or_starts_anew() {
    let house = House::start().await;
    drop(with_delayed_will(&house, 1).accepted(house.address).await);
    house.entries_reach(1).await;
    // An hour's delay ends when the session does.
    let mut connect = with_delayed_will(&house, 3_600);
    drop(connect.accepted(house.address).await);
    connect.clean = true;
    connect.will = None;
    let _anew = connect.accepted(house.address).await;
    house.entries_reach(2).await;
    assert_eq!(house.payloads().await, ["will", "will"]);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_without_a_session_to_outlive_the_connection_is_said_at_once() {
    let house = House::start().await;
    let mut connect = with_delayed_will(&house, 3_600);
    connect.properties = Vec::new();
    drop(connect.accepted(house.address).await);
    house.entries_reach(1).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_disabled_is_cut_off() {
    let house = House::start().await;
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    let mut other = Raw::connect(&house, 5, "camera-2").await;
    house.registry.set_disabled(&DeviceId::parse("camera-1").unwrap(), true, "test").unwrap();
    camera.expect_closed(0x98).await;
    other.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_device_is_let_go_after_one_and_a_half_keep_alives() {
    let house = House::start().await;
    let mut connect = Connect::new(&house, 5, "camera-1");
    connect.keep_alive_s = 1;
    let mut camera = connect.accepted(house.address).await;
    camera.expect_closed(0x8d).await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_does_not_lose_what_the_old_connection_said() {
    let house = House::start().await;
    house.mood.send(Mood::Holding).unwrap();
    let mut first = Raw::connect(&house, 4, "camera-1").await;
    first.publish(1, 1, TRACK, b"said before").await;
    first.ping().await;
    let connect = Connect::new(&house, 4, "camera-1");
    let address = house.address;
    let second = tokio::spawn(async move { connect.accepted(address).await });
    house.mood.send(Mood::Willing).unwrap();
    first.expect_ack(0x40, 1).await;
    assert_eq!(first.read().await, None);
    second.await.unwrap().ping().await;
    assert_eq!(house.payloads().await, ["said before"]);
    house.stop().await.unwrap();
}
