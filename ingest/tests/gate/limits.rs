//! What is over a limit is slowed by not reading, then sent away with the reason, and nobody else notices.

use super::house::House;
use super::wire::{Connect, Raw, publish};
use ingest::gate::Rate;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const TRACK: &str = "steppe/v1/hexigten/camera-1/track";
const FEW: Rate = Rate { messages_per_s: 200.0, bytes_per_s: 1e9 };

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_speaks_too_fast_for_a_while_is_slowed_and_loses_nothing() {
    let house = House::start_as(|config| config.device_rate = FEW).await;
    let mut camera = Raw::connect(&house, 4, "camera-1").await;
    for packet_id in 1..=300 {
        camera.publish(1, packet_id, TRACK, format!("{packet_id}").as_bytes()).await;
    }
    for packet_id in 1..=300 {
        camera.expect_ack(0x40, packet_id).await;
    }
    assert_eq!(house.payloads().await.len(), 300);
    assert_eq!(house.refusals("too_fast"), 0);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_does_not_slow_down_is_sent_away_with_the_reason_and_others_stay() {
    let house = House::start_as(|config| {
        config.device_rate = FEW;
        config.slowed_max = Duration::from_millis(100);
    })
    .await;
    let mut other = Raw::connect(&house, 5, "camera-2").await;
    let mut camera = Raw::connect(&house, 5, "camera-1").await;
    let flood = (1..=20_000).flat_map(|packet_id| publish(5, 1, packet_id, TRACK, b"")).collect::<Vec<_>>();
    // The gate may hang up before all of it is written.
    camera.stream.write_all(&flood).await.ok();
    let mut last = camera.read().await;
    while let Some((0x40, _)) = last {
        last = camera.read().await;
    }
    assert_eq!(last, Some((0xe0, vec![0x96, 0])));
    assert!(house.payloads().await.len() < 20_000, "it was heard to the end");
    assert_eq!(house.refusals("too_fast"), 1);
    other.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_connections_and_another_address_its_own() {
    let house = House::start_as(|config| {
        config.address_connections = NonZeroUsize::new(2).unwrap();
        config.proxy_protocol = true;
    })
    .await;
    let mut held = Vec::new();
    for (source, welcome) in [(1, true), (1, true), (1, false), (2, true)] {
        let connect = Connect { client: format!("c{}", held.len()), ..Connect::new(&house, 4, "camera-1") };
        let mut stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
        let header = [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".as_slice(), &[10, 0, 0, source, 127, 0, 0, 1, 0, 1, 0, 2]];
        stream.write_all(&header.concat()).await.unwrap();
        let mut raw = Raw { stream, level: 4 };
        raw.send(&connect.encode()).await;
        assert_eq!(raw.read().await.is_some(), welcome);
        held.push(raw);
    }
    assert_eq!(house.refusals("too_many_from_address"), 1);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_load_balancer_nobody_comes_in_without_its_header() {
    let house = House::start_as(|config| config.proxy_protocol = true).await;
    let mut raw = Raw { stream: tokio::net::TcpStream::connect(house.address).await.unwrap(), level: 4 };
    raw.send(&Connect::new(&house, 4, "camera-1").encode()).await;
    assert_eq!(raw.read().await, None);
    assert_eq!(house.refusals("handshake"), 1);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_wrong_secrets_make_whoever_is_wrong_there_wait_and_the_right_ones_get_in() {
    let house = House::start().await;
    let mut wrong = Connect::new(&house, 5, "camera-1");
    wrong.password.push('x');
    for _ in 0..20 {
        assert_eq!(wrong.to(house.address).await.1, (0x20, vec![0, 0x86, 0]));
    }
    // Server busy: its secret is not looked at any more.
    assert_eq!(wrong.to(house.address).await.1, (0x20, vec![0, 0x89, 0]));
    assert_eq!((house.refusals("bad_credentials"), house.refusals("throttled")), (20, 1));
    Raw::connect(&house, 5, "camera-1").await.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_dawdles_with_large_bodies_waits_for_itself_and_others_do_not() {
    let house = House::start().await;
    let snapshot =
        |device: &str| publish(4, 1, 1, &format!("steppe/v1/hexigten/{device}/snapshot/s1"), &vec![7; 4 << 20]);
    let mut sessions = Vec::new();
    for number in 0..3 {
        let mut connect = Connect::new(&house, 4, "camera-1");
        connect.client = format!("client-{number}");
        sessions.push(connect.accepted(house.address).await);
    }
    let mut third = sessions.pop().unwrap();
    let body = snapshot("camera-1");
    let (head, rest) = body.split_at(100_000);
    for session in &mut sessions {
        session.send(head).await;
        // Read: the gate takes what it has room for, and waits for the rest.
        session.send(&rest[..2 << 20]).await;
    }
    // While the other device's whole body goes through, the gate also reads what these two have begun.
    let mut other = Raw::connect(&house, 4, "camera-2").await;
    other.send(&snapshot("camera-2")).await;
    other.expect_ack(0x40, 1).await;
    let waiting = tokio::spawn(async move {
        third.send(&snapshot("camera-1")).await;
        third.expect_ack(0x40, 1).await;
    });
    other.send(&publish(4, 1, 2, "steppe/v1/hexigten/camera-2/snapshot/s2", &vec![7; 4 << 20])).await;
    other.expect_ack(0x40, 2).await;
    assert_eq!(house.entries().await.len(), 2, "only the other device's");
    sessions[0].send(&rest[2 << 20..]).await;
    sessions[0].expect_ack(0x40, 1).await;
    waiting.await.unwrap();
    house.stop().await.unwrap();
}
