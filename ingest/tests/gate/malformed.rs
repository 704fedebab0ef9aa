//! Bytes that are no MQTT: a clean end for their sender, nothing for anybody else.

use super::house::House;
use super::wire::{Connect, Raw, packet};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_packet_is_answered_by_its_reason_and_the_end() {
    let house = House::start().await;
    let mut witness = Raw::connect(&house, 4, "camera-2").await;
    let broken: [&[u8]; 9] = [
        &[0x36, 2, 0, 0],                   // QoS 3
        &[0x20, 3, 0, 0, 0],                // a server's CONNACK
        &[0xb0, 3, 0, 1, 0],                // a server's UNSUBACK
        &[0xf0, 0],                         // AUTH without a method
        &[0x80, 2, 0, 1],                   // SUBSCRIBE with wrong flags
        &[0x32, 0xff, 0xff, 0xff, 0xff, 1], // five length bytes
        &[0x32, 3, 0, 9, b'a'],             // shorter than its topic
        &[0x32, 5, 0, 1, b'a', 0, 0],       // packet id 0
        &[0x82, 3, 0, 1, 0x80],             // property length without its end
    ];
    for bytes in broken {
        for level in [4, 5] {
            let before = house.refusals("malformed");
            let mut camera = Raw::connect(&house, level, "camera-1").await;
            camera.send(bytes).await;
            camera.expect_closed(0x81).await;
            assert_eq!(house.refusals("malformed"), before + 1, "{bytes:?}");
        }
    }
    witness.ping().await;
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_out_of_place_is_a_protocol_error() {
    let house = House::start().await;
    for level in [4, 5] {
        for bytes in [&Connect::new(&house, level, "camera-1").encode()[..], &[0x50, 2, 0, 1], &[0x70, 2, 0, 1]] {
            let mut camera = Raw::connect(&house, level, "camera-1").await;
            camera.send(bytes).await;
            camera.expect_closed(0x82).await;
        }
    }
    // Before CONNECT there is nobody to answer.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(&[0xc0, 0]).await.unwrap();
    assert_eq!(Raw { stream, level: 4 }.read().await, None);
    house.stop().await.unwrap();
}

/// Sends `bytes` after a CONNECT and waits until the gate has dealt with them.
async fn throw(connect: &Connect, house: &House, bytes: &[u8]) {
    let mut camera = connect.accepted(house.address).await;
    // The gate may have closed already; that is one of the right answers.
    camera.stream.write_all(bytes).await.ok();
    camera.stream.shutdown().await.ok();
    let mut answers = Vec::new();
    camera.stream.read_to_end(&mut answers).await.ok();
}

#[test]
fn no_bytes_after_connect_disturb_another_client_or_stop_the_router() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (house, mut witness) = runtime.block_on(async {
        let house = House::start().await;
        let mut witness = Raw::connect(&house, 5, "camera-2").await;
        witness.subscribe(1, "steppe/v1/hexigten/camera-2/down/#", 0).await;
        (house, witness)
    });
    let noise = proptest::collection::vec(any::<u8>(), 0..200).boxed();
    let framed = (0_u8..16, 0_u8..16, proptest::collection::vec(any::<u8>(), 0..80))
        .prop_map(|(kind, flags, body)| packet(kind << 4 | flags, &body))
        .boxed();
    let near_miss = (3_u8..=14, proptest::collection::vec(0_u8..6, 2..40))
        .prop_map(|(kind, body)| packet(kind << 4 | if matches!(kind, 6 | 8 | 10) { 2 } else { 0 }, &body))
        .boxed();
    let packets = proptest::collection::vec(prop_oneof![noise, framed, near_miss], 1..6);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    runner
        .run(&(packets, any::<bool>()), |(packets, v5)| {
            let connect = Connect::new(&house, if v5 { 5 } else { 4 }, "camera-1");
            runtime.block_on(throw(&connect, &house, &packets.concat()));
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        house.downlink.say("steppe/v1/hexigten/camera-2/down/x", b"still there", false).await.unwrap();
        assert!(witness.read().await.unwrap().1.ends_with(b"still there"));
        witness.ping().await;
        house.stop().await.unwrap();
    });
}

/// What the clients of a capture said over TCP, one after the other; empty for a frame that is none.
fn said_in(capture: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = capture.get(24..).unwrap_or_default();
    let mut said = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(head[8..12].try_into().unwrap()) as usize;
        let (frame, after) = tail.split_at(length.min(tail.len()));
        rest = after;
        let network = frame.get(14..).unwrap_or_default();
        let tcp = match network.first().map(|byte| byte >> 4) {
            Some(4) => network.get(usize::from(network[0] & 15) * 4..),
            Some(6) => network.get(40..),
            _ => None,
        };
        let payload = tcp.and_then(|tcp| tcp.get(usize::from(tcp.get(12)? >> 4) * 4..));
        said.extend(payload.filter(|payload| !payload.is_empty()).map(<[u8]>::to_vec));
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_captured_from_strangers_whole_or_cut_stops_nobody() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/payloads/pcap"));
    let Ok(files) = std::fs::read_dir(folder) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    };
    let house = House::start().await;
    let mut witness = Raw::connect(&house, 5, "camera-2").await;
    let mut spoken = 0;
    for file in files {
        let capture = std::fs::read(file.unwrap().path()).unwrap();
        let said = said_in(&capture);
        spoken += said.len();
        for bytes in [said.concat(), capture[..capture.len().min(100_000)].to_vec()].into_iter().chain(said) {
            for cut in [bytes.len(), bytes.len() / 2, 1] {
                let mut stream = TcpStream::connect(house.address).await.unwrap();
                // The gate may have closed already; that is one of the right answers.
                stream.write_all(&bytes[..cut.min(bytes.len())]).await.ok();
                stream.shutdown().await.ok();
                stream.read_to_end(&mut Vec::new()).await.ok();
            }
        }
        witness.ping().await;
    }
    assert!(spoken > 10, "the captures hold what clients said: {spoken}");
    assert_eq!(house.entries().await.len(), 0, "strangers leave nothing in the journal");
    Raw::connect(&house, 4, "camera-1").await.ping().await;
    house.stop().await.unwrap();
}
