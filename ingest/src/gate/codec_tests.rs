//! The codec against bytes that are wrong, and against what rumqttd's own codecs get wrong.

use super::*;
use proptest::prelude::*;
use rumqttd::protocol::{ConnectReturnCode, PubAck, PubAckReason, UnsubAck, UnsubAckReason};

fn encoded(codec: Codec, packet: Packet) -> Vec<u8> {
    let mut out = BytesMut::new();
    codec.encode(packet, &mut out).unwrap();
    out.to_vec()
}

fn decode_all(codec: Codec, bytes: &[u8]) {
    let Ok(Some(header)) = Header::peek(bytes) else { return };
    if header.kind == kind::PUBLISH {
        PublishHead::peek(&header, bytes).ok();
    }
    if let Some(packet) = bytes.get(..header.packet_len()) {
        codec.decode(&header, BytesMut::from(packet)).ok();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_bytes_make_the_decoder_panic(
        kind in 0_u8..16, flags in 0_u8..16, body in proptest::collection::vec(any::<u8>(), 0..96), v5 in any::<bool>(),
    ) {
        let mut bytes = vec![kind << 4 | flags, u8::try_from(body.len()).unwrap()];
        bytes.extend_from_slice(&body);
        decode_all(if v5 { Codec::V5 } else { Codec::V311 }, &bytes);
    }

    #[test]
    fn no_edit_of_a_sound_packet_makes_the_decoder_panic(
        place in 0_usize..64, value in any::<u8>(), cut in 0_usize..64, which in 0_usize..5, v5 in any::<bool>(),
    ) {
        let mut bytes = SOUND[which].to_vec();
        let end = bytes.len();
        bytes[place % end] = value;
        bytes.truncate(end - cut % end);
        if let Some(length) = bytes.get_mut(1) { *length = u8::try_from(end.saturating_sub(2 + cut % end)).unwrap(); }
        decode_all(if v5 { Codec::V5 } else { Codec::V311 }, &bytes);
    }
}

const SOUND: [&[u8]; 5] = [
    b"\x10\x1b\0\x04MQTT\x05\xc2\0\x3c\x05\x11\0\0\0\x0a\0\x01c\0\x01u\0\x01p",
    b"\x32\x0d\0\x03a/b\0\x07\x02\x01\x01{}!",
    b"\x82\x0a\0\x01\0\0\x04a/+b\x01",
    b"\xa2\x09\0\x02\0\0\x04a/#b",
    b"\x62\x04\0\x09\x92\0",
];

#[test]
fn a_header_waits_for_its_bytes_and_refuses_a_fifth_length_byte() {
    assert_eq!(Header::peek(&[]), Ok(None));
    assert_eq!(Header::peek(&[0x30]), Ok(None));
    assert_eq!(Header::peek(&[0x30, 0x80]), Ok(None));
    assert_eq!(Header::peek(&[0x30, 0x80, 0x01]).unwrap().unwrap().remaining_len, 128);
    assert!(Header::peek(&[0x30, 0xff, 0xff, 0xff, 0xff]).is_err());
}

#[test]
fn packets_that_only_a_server_sends_are_malformed_before_they_reach_the_decoder() {
    for first in [0x20, 0x90, 0xb0, 0xd0, 0xf0, 0x00, 0x80, 0x36, 0x38, 0x60, 0xe1] {
        assert!(Header::peek(&[first, 2, 0, 0]).is_err(), "{first:#x}");
    }
}

#[test]
fn a_publish_can_be_judged_before_its_payload_has_come() {
    let packet = [0x32, 0xff, 0x7f, 0, 3, b'a', b'/', b'b', 0, 7];
    let header = Header::peek(&packet).unwrap().unwrap();
    let head = PublishHead::peek(&header, &packet).unwrap().unwrap();
    assert_eq!((head.topic, head.packet_id, head.rest_len), ("a/b", 7, 16_383 - 7));
    assert_eq!(PublishHead::peek(&header, &packet[..8]), Ok(None));
}

#[test]
fn a_disconnect_of_one_byte_is_understood() {
    let packet: &[u8] = &[0xe0, 1, 4];
    let header = Header::peek(packet).unwrap().unwrap();
    let Ok(Packet::Disconnect(disconnect, None)) = Codec::V5.decode(&header, BytesMut::from(packet)) else {
        panic!("not a disconnect")
    };
    assert_eq!(disconnect.reason_code, DisconnectReasonCode::DisconnectWithWillMessage);
}

#[test]
fn a_servers_disconnect_has_the_length_that_it_says_and_is_not_sent_to_311() {
    let disconnect = || Packet::Disconnect(Disconnect { reason_code: DisconnectReasonCode::ServerShuttingDown }, None);
    assert_eq!(encoded(Codec::V5, disconnect()), [0xe0, 2, 0x8b, 0]);
    assert!(encoded(Codec::V311, disconnect()).is_empty());
}

#[test]
fn refusals_are_said_in_the_words_of_each_version() {
    let connack = |code| Packet::ConnAck(ConnAck { session_present: false, code }, None);
    for (code, v311, v5) in [
        (ConnectReturnCode::BadUserNamePassword, 4, 0x86),
        (ConnectReturnCode::NotAuthorized, 5, 0x87),
        (ConnectReturnCode::ClientIdentifierNotValid, 2, 0x85),
        (ConnectReturnCode::ServerBusy, 3, 0x89),
        (ConnectReturnCode::TopicNameInvalid, 5, 0x90),
    ] {
        assert_eq!(encoded(Codec::V311, connack(code)), [0x20, 2, 0, v311]);
        assert_eq!(encoded(Codec::V5, connack(code)), [0x20, 3, 0, v5, 0]);
    }
    let suback = || {
        let return_codes = vec![SubscribeReasonCode::QoS1, SubscribeReasonCode::NotAuthorized];
        Packet::SubAck(SubAck { pkid: 5, return_codes }, None)
    };
    assert_eq!(encoded(Codec::V311, suback()), [0x90, 4, 0, 5, 1, 0x80]);
    assert_eq!(encoded(Codec::V5, suback()), [0x90, 5, 0, 5, 0, 1, 0x87]);
    let unsuback = Packet::UnsubAck(UnsubAck { pkid: 5, reasons: vec![UnsubAckReason::Success] }, None);
    assert_eq!(encoded(Codec::V311, unsuback), [0xb0, 2, 0, 5]);
    let puback = Packet::PubAck(PubAck { pkid: 5, reason: PubAckReason::NotAuthorized }, None);
    assert_eq!(encoded(Codec::V5, puback), [0x40, 4, 0, 5, 0x87, 0]);
}
