//! What `fuzz/` calls of the gate: the calls that a session makes, in its order, on bytes that anybody can send.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use super::acl::Acl;
use super::answers::DjiCloud;
use super::codec::{Codec, Header, Malformed, PublishHead, kind, topic_text};
use super::connect::{Proof, Turned, accepted, hello, refused};
use super::topology::Topology;
use super::{limits, proxy};
use crate::credentials::Credentials;
use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use model::{Clock, DeviceId, DeviceKind, TenantId, Timestamp};
use registry::{NewDevice, Registry};
use rumqttd::protocol::{
    Packet, PingResp, PubAck, PubAckReason, PubComp, PubCompReason, PubRec, PubRecReason, Publish, QoS, SubAck,
    SubscribeReasonCode, UnsubAck, UnsubAckReason,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

/// Prefixes of a packet that are looked at: all of a header, and of a short topic.
const CUTS: usize = 48;

/// Packets of a session. The first byte says how the rest is to be taken: as it is, or (1) as the first byte and the body of one
/// packet whose length is right, which a fuzzer seldom finds by itself.
pub fn mqtt_packet(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let bytes = match rest.split_first() {
        Some((&first, body)) if how & 1 == 1 => packet(first, body),
        _ => rest.to_vec(),
    };
    for codec in [Codec::V311, Codec::V5] {
        session(codec, &bytes).ok();
    }
    cut(&bytes);
}

/// A connection's first bytes, as a stranger and as a device with a certificate. The first byte says how the rest is to be taken:
/// as it is, or as what follows protocol name and level in a CONNECT of 3.1.1 (1), 5 (2) or its ancestor (3).
pub fn mqtt_connect(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let bytes = match how & 3 {
        0 => rest.to_vec(),
        1 => packet(0x10, &[b"\0\x04MQTT\x04", rest].concat()),
        2 => packet(0x10, &[b"\0\x04MQTT\x05", rest].concat()),
        _ => packet(0x10, &[b"\0\x06MQIsdp\x03", rest].concat()),
    };
    let Some((tenant, device, credentials)) = house() else { return };
    let address = Ipv4Addr::LOCALHOST.into();
    for certified in [None, Some(device.as_str())] {
        let mut socket = &bytes[..];
        let answer =
            hello(&mut socket, &mut BytesMut::new(), &tenant.clone().into(), credentials, Proof { address, certified })
                .now_or_never();
        let (codec, answer) = match answer {
            Some(Ok(hello)) => (hello.codec, accepted(&hello, false)),
            Some(Err(Turned::Away { refusal, codec: Some(codec), .. })) => (codec, refused(refusal)),
            Some(Err(Turned::Away { codec: None, .. } | Turned::Gone)) => continue,
            None => {
                assert!(socket.is_empty(), "waits although there are bytes");
                continue;
            }
        };
        say(codec, answer);
    }
}

/// A load balancer's first bytes. The first byte says how the rest is to be taken: as it is, or (1) as what follows the signature.
pub fn proxy_header(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let bytes = if how & 1 == 1 { [b"\r\n\r\n\0\r\nQUIT\n", rest].concat() } else { rest.to_vec() };
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let mut stream = &bytes[..];
    let client = proxy::client(&mut stream, peer).now_or_never();
    if let Some(Ok(_)) = client {
        let taken = bytes.len() - stream.len();
        let stated =
            bytes.get(14..16).map_or(0, |length| length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)));
        assert_eq!(taken, 16 + stated, "takes the header and nothing of what follows");
    }
}

/// A packet whose length is right.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        bytes.push(if left > 0 { low | 0x80 } else { low });
        if left == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// A tenant, one of its devices, and the registry that knows it; made once.
fn house() -> Option<&'static (TenantId, DeviceId, Credentials)> {
    static HOUSE: OnceLock<Option<(TenantId, DeviceId, Credentials)>> = OnceLock::new();
    HOUSE
        .get_or_init(|| {
            let folder = std::env::temp_dir().join(format!("steppewatch-fuzz-{}", std::process::id()));
            std::fs::create_dir_all(&folder).ok()?;
            let clock = Clock::manual(Timestamp::from_millis(1_795_313_700_000));
            let registry = Registry::open(&folder.join("registry.sqlite"), clock.clone()).ok()?;
            let device = DeviceId::parse("cam-1").ok()?;
            registry.add_device(NewDevice::new(device.clone(), DeviceKind::Camera), "fuzzing").ok()?;
            // Held open; nothing of it stays behind.
            std::fs::remove_dir_all(&folder).ok();
            Some((TenantId::parse("hexigten").ok()?, device, Credentials::new(registry, clock)))
        })
        .as_ref()
}

/// What `session` and `publish` do with what they have read.
fn session(codec: Codec, bytes: &[u8]) -> Result<(), Malformed> {
    let mut incoming = BytesMut::from(bytes);
    while let Some(header) = Header::peek(&incoming)? {
        let goes_on = if header.kind == kind::PUBLISH {
            publish(codec, &header, &mut incoming)?
        } else {
            control(codec, &header, &mut incoming)?
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

fn publish(codec: Codec, header: &Header, incoming: &mut BytesMut) -> Result<bool, Malformed> {
    if header.packet_len() > limits::PACKET_BYTES_MAX {
        return Ok(false);
    }
    let Some(head) = PublishHead::peek(header, incoming)? else { return Ok(false) };
    let (packet_id, rest_len, topic) = (head.packet_id, head.rest_len, head.topic.to_owned());
    if let Some((tenant, device, credentials)) = house() {
        let view = credentials.registry().view().borrow().clone();
        Acl::new(tenant.clone(), device.clone()).publish(&*view, &topic).ok();
    }
    if incoming.len() < header.packet_len() {
        return Ok(false);
    }
    let packet = incoming.split_to(header.packet_len());
    let rest_at = header.packet_len() - rest_len;
    let has_properties = codec == Codec::V5 && packet.get(rest_at).copied() != Some(0);
    let decoded = codec.decode(header, packet.clone());
    if let Ok(Packet::Publish(publish, _)) = &decoded {
        topic_text(&publish.topic)?;
        if !has_properties {
            // The way that most messages take, which leaves the decoder out.
            let mut payload = packet.freeze();
            payload.advance(rest_at + usize::from(codec == Codec::V5));
            assert_eq!((&payload, topic.as_bytes()), (&publish.payload, &publish.topic[..]), "both ways say the same");
        }
    }
    match header.qos() {
        0 => {}
        1 => say(codec, Packet::PubAck(PubAck { pkid: packet_id, reason: PubAckReason::NotAuthorized }, None)),
        _ => say(codec, Packet::PubRec(PubRec { pkid: packet_id, reason: PubRecReason::Success }, None)),
    }
    if let Packet::Publish(publish, _) = decoded? {
        pass_on(&publish);
    }
    Ok(true)
}

/// As `mailbox` writes a message for a client and reads its packet id back.
fn pass_on(publish: &Publish) {
    for codec in [Codec::V311, Codec::V5] {
        let mut out = BytesMut::new();
        if codec.encode(Packet::Publish(publish.clone(), None), &mut out).is_ok() {
            let header = Header::peek(&out).ok().flatten();
            let head = header.and_then(|header| PublishHead::peek(&header, &out).ok().flatten());
            assert_eq!(header.map(|header| header.packet_len()), Some(out.len()));
            assert_eq!(head.map(|head| head.topic.as_bytes()), Some(&publish.topic[..]));
        }
    }
}

fn control(codec: Codec, header: &Header, incoming: &mut BytesMut) -> Result<bool, Malformed> {
    if header.remaining_len > limits::CONTROL_BYTES_MAX || incoming.len() < header.packet_len() {
        return Ok(false);
    }
    let packet = incoming.split_to(header.packet_len());
    match codec.decode(header, packet)? {
        Packet::PubRel(release, _) => {
            say(codec, Packet::PubComp(PubComp { pkid: release.pkid, reason: PubCompReason::Success }, None));
        }
        Packet::Subscribe(subscribe, _) => {
            let mut return_codes = Vec::new();
            for filter in &subscribe.filters {
                if let Some((tenant, device, credentials)) = house() {
                    let view = credentials.registry().view().borrow().clone();
                    Acl::new(tenant.clone(), device.clone()).subscribe(&*view, &filter.path).ok();
                }
                return_codes.push(match filter.qos {
                    QoS::AtMostOnce => SubscribeReasonCode::NotAuthorized,
                    qos => SubscribeReasonCode::Success(qos),
                });
            }
            say(codec, Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes }, None));
        }
        Packet::Unsubscribe(unsubscribe, _) => {
            let reasons = vec![UnsubAckReason::NoSubscriptionExisted; unsubscribe.filters.len()];
            say(codec, Packet::UnsubAck(UnsubAck { pkid: unsubscribe.pkid, reasons }, None));
        }
        Packet::PingReq(_) => say(codec, Packet::PingResp(PingResp)),
        Packet::Disconnect(..) => return Ok(false),
        _ => {}
    }
    Ok(true)
}

/// What the gate answers has the length that it says.
fn say(codec: Codec, packet: Packet) {
    let mut out = BytesMut::new();
    assert!(codec.encode(packet, &mut out).is_ok(), "an answer of the gate's own is always written");
    // A packet that only a server sends is none that `peek` takes: it is looked at under a client's name.
    if let Some(first) = out.first_mut() {
        *first = kind::PUBACK << 4;
        assert_eq!(Header::peek(&out).map(|header| header.map(|header| header.packet_len())), Ok(Some(out.len())));
    }
}

/// A packet that has not come whole is waited for, or judged as it will be.
fn cut(bytes: &[u8]) {
    let Ok(Some(header)) = Header::peek(bytes) else { return };
    let head = (header.kind == kind::PUBLISH).then(|| PublishHead::peek(&header, bytes));
    for len in 0..bytes.len().min(CUTS) {
        let part = bytes.get(..len).unwrap_or_default();
        let seen = Header::peek(part);
        assert!(matches!(seen, Ok(None)) || seen == Ok(Some(header)), "{len} bytes: {seen:?}");
        if let (Ok(Some(_)), Some(head)) = (seen, head) {
            let seen = PublishHead::peek(&header, part);
            assert!(seen == Ok(None) || seen == head, "{len} bytes: {seen:?}");
        }
    }
}

/// What the gate does with a DJI device's message beside writing it down: hears who flies, and answers.
pub(crate) fn dji_conversation(payload: &[u8]) {
    let Some((_, device, credentials)) = house() else { return };
    let view = credentials.registry().view().borrow().clone();
    Topology::default().hear(&view, device, payload);
    for topic in ["thing/product/S/events_reply", "thing/product/S/requests_reply", "sys/product/S/status_reply"] {
        if let Some(answer) = DjiCloud::default().answer(topic, payload, 0, |_| None) {
            assert!(!answer.payload.is_empty(), "the router would take an empty message for another");
        }
    }
}
