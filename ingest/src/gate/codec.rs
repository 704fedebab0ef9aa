//! Bytes <-> MQTT packets: one codec over rumqttd's two, with the checks that those leave out.
//!
//! In:  bytes from a socket.   Out: a [`Packet`], or [`Malformed`].   And back.
//!
//! Never: a panic, whatever the bytes. rumqttd's decoders reach `unreachable!` for packets that only a server sends, and
//! answer "need more bytes" in the middle of a whole packet; its encoders reach it for MQTT 5 properties or reason codes
//! on a 3.1.1 connection. So a frame is cut out and judged here first, and what is written is reduced here first.

use bytes::{Bytes, BytesMut};
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::v5::V5;
use rumqttd::protocol::{
    ConnAck, Disconnect, DisconnectReasonCode, Error, Packet, Protocol, SubAck, SubscribeReasonCode,
};

/// The control packet types that a client may send.
pub mod kind {
    /// CONNECT
    pub const CONNECT: u8 = 1;
    /// PUBLISH
    pub const PUBLISH: u8 = 3;
    /// PUBACK
    pub const PUBACK: u8 = 4;
    /// PUBREC
    pub const PUBREC: u8 = 5;
    /// PUBREL
    pub const PUBREL: u8 = 6;
    /// PUBCOMP
    pub const PUBCOMP: u8 = 7;
    /// SUBSCRIBE
    pub const SUBSCRIBE: u8 = 8;
    /// UNSUBSCRIBE
    pub const UNSUBSCRIBE: u8 = 10;
    /// PINGREQ
    pub const PINGREQ: u8 = 12;
    /// DISCONNECT
    pub const DISCONNECT: u8 = 14;
}

/// The bytes are not MQTT; the text says what is wrong with them and holds nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed packet: {0}")]
pub struct Malformed(pub &'static str);

/// Which MQTT a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5, protocol level 5.
    V5,
}

/// The fixed header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Type, see [`kind`].
    pub kind: u8,
    /// Lower half of the first byte.
    pub flags: u8,
    /// Bytes of the header itself.
    pub header_len: usize,
    /// Bytes after the header.
    pub remaining_len: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` when more bytes are needed.
    pub fn peek(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let header = Self { kind: first >> 4, flags: first & 0x0f, header_len: 0, remaining_len: 0 };
        header.check_type()?;
        let mut remaining_len = 0_usize;
        for (place, &byte) in rest.iter().take(4).enumerate() {
            remaining_len |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(Some(Self { header_len: place + 2, remaining_len, ..header }));
            }
        }
        if rest.len() < 4 { Ok(None) } else { Err(Malformed("remaining length has more than four bytes")) }
    }

    /// Length of the whole packet.
    pub fn packet_len(&self) -> usize {
        self.header_len + self.remaining_len
    }

    /// QoS bits of a PUBLISH.
    pub fn qos(&self) -> u8 {
        (self.flags >> 1) & 3
    }

    fn check_type(&self) -> Result<(), Malformed> {
        match self.kind {
            kind::PUBLISH if self.qos() == 3 => Err(Malformed("QoS 3")),
            kind::PUBLISH if self.qos() == 0 && self.flags & 8 != 0 => Err(Malformed("DUP on QoS 0")),
            kind::PUBLISH => Ok(()),
            kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE if self.flags == 2 => Ok(()),
            kind::CONNECT | kind::PUBACK | kind::PUBREC | kind::PUBCOMP | kind::PINGREQ | kind::DISCONNECT
                if self.flags == 0 =>
            {
                Ok(())
            }
            2 | 9 | 11 | 13 => Err(Malformed("a packet type that only a server sends")),
            0 | 15 => Err(Malformed("a reserved or unsupported packet type")),
            _ => Err(Malformed("flags that this packet type does not have")),
        }
    }
}

/// The beginning of a PUBLISH: enough to judge it before its payload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishHead<'b> {
    /// The topic; empty where MQTT 5 uses an alias.
    pub topic: &'b str,
    /// The packet id; 0 for QoS 0.
    pub packet_id: u16,
    /// What follows: the payload, and before it the MQTT 5 properties.
    pub rest_len: usize,
}

impl<'b> PublishHead<'b> {
    /// Reads it from a packet that may not be whole yet; `None` when more bytes are needed.
    pub fn peek(header: &Header, packet: &'b [u8]) -> Result<Option<Self>, Malformed> {
        const TOO_SHORT: Malformed = Malformed("PUBLISH is shorter than its topic");
        let body = packet.get(header.header_len..).unwrap_or_default();
        let topic_len = match body {
            [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
            _ if header.remaining_len < 2 => return Err(TOO_SHORT),
            _ => return Ok(None),
        };
        let id_len = if header.qos() == 0 { 0 } else { 2 };
        let rest_len = header.remaining_len.checked_sub(2 + topic_len + id_len).ok_or(TOO_SHORT)?;
        let (Some(topic), Some(id)) = (body.get(2..2 + topic_len), body.get(2 + topic_len..2 + topic_len + id_len))
        else {
            return Ok(None);
        };
        let topic = std::str::from_utf8(topic).map_err(|_| Malformed("topic is not UTF-8"))?;
        let packet_id = match id {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        if id_len > 0 && packet_id == 0 {
            return Err(Malformed("packet id 0"));
        }
        Ok(Some(Self { topic, packet_id, rest_len }))
    }
}

/// Protocol level of a CONNECT that is whole: 4, 5, or what else it says.
pub fn protocol_level(header: &Header, packet: &[u8]) -> Result<u8, Malformed> {
    match packet.get(header.header_len..).unwrap_or_default() {
        [0, 4, b'M', b'Q', b'T', b'T', level, ..] => Ok(*level),
        [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', level, ..] => Ok(*level),
        _ => Err(Malformed("CONNECT does not begin with MQTT's name")),
    }
}

impl Codec {
    /// Decodes one whole packet, `header` being its own.
    pub fn decode(self, header: &Header, packet: BytesMut) -> Result<Packet, Malformed> {
        if packet.len() != header.packet_len() {
            return Err(Malformed("packet length differs from its header"));
        }
        if header.kind == kind::DISCONNECT {
            return decode_disconnect(self, packet.get(header.header_len..).unwrap_or_default());
        }
        if header.kind == kind::PINGREQ && header.remaining_len > 0 {
            return Err(Malformed("PINGREQ with a body"));
        }
        let mut packet = packet;
        let decoded = match self {
            Self::V311 => V4.read_mut(&mut packet, usize::MAX),
            Self::V5 => V5.read_mut(&mut packet, usize::MAX),
        };
        decoded.map_err(|_| Malformed("body does not fit its packet type"))
    }

    /// Encodes `packet` behind what `out` holds. What 3.1.1 cannot say is left out or said in its words.
    pub fn encode(self, packet: Packet, out: &mut BytesMut) -> Result<(), Error> {
        match self {
            Self::V5 => match packet {
                // rumqttd writes a length that is one byte short, or no reason at all.
                Packet::Disconnect(disconnect, _) => {
                    out.extend_from_slice(&[0xe0, 2, disconnect_byte(disconnect.reason_code), 0]);
                    Ok(4)
                }
                packet => V5.write(packet, out),
            },
            Self::V311 => match in_311(packet) {
                Some(packet) => V4.write(packet, out),
                None => Ok(0),
            },
        }
        .map(|_written| ())
    }

    /// For logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// A client's DISCONNECT. rumqttd's decoder refuses the legal one-byte body, and nobody needs the properties.
fn decode_disconnect(codec: Codec, body: &[u8]) -> Result<Packet, Malformed> {
    let reason_code = match (codec, body.first()) {
        (_, None) | (Codec::V5, Some(0x00)) => DisconnectReasonCode::NormalDisconnection,
        (Codec::V311, Some(_)) => return Err(Malformed("DISCONNECT with a body")),
        (Codec::V5, Some(0x04)) => DisconnectReasonCode::DisconnectWithWillMessage,
        (Codec::V5, Some(0x80..)) => DisconnectReasonCode::UnspecifiedError,
        (Codec::V5, Some(_)) => return Err(Malformed("DISCONNECT with an unknown reason")),
    };
    Ok(Packet::Disconnect(Disconnect { reason_code }, None))
}

/// The reasons that this server gives, as numbers.
fn disconnect_byte(reason: DisconnectReasonCode) -> u8 {
    use DisconnectReasonCode as Reason;
    match reason {
        Reason::NormalDisconnection => 0x00,
        Reason::MalformedPacket => 0x81,
        Reason::ProtocolError => 0x82,
        Reason::NotAuthorized => 0x87,
        Reason::ServerShuttingDown => 0x8b,
        Reason::KeepAliveTimeout => 0x8d,
        Reason::SessionTakenOver => 0x8e,
        Reason::TopicNameInvalid => 0x90,
        Reason::TopicAliasInvalid => 0x94,
        Reason::PacketTooLarge => 0x95,
        Reason::MessageRateTooHigh => 0x96,
        Reason::QuotaExceeded => 0x97,
        Reason::AdministrativeAction => 0x98,
        _ => 0x80,
    }
}

/// The packet without what 3.1.1 does not have; `None` for one that a 3.1.1 server does not send.
fn in_311(packet: Packet) -> Option<Packet> {
    Some(match packet {
        Packet::ConnAck(ack, _) => Packet::ConnAck(ConnAck { code: code_in_311(ack.code), ..ack }, None),
        Packet::Publish(publish, _) => Packet::Publish(publish, None),
        Packet::PubAck(ack, _) => Packet::PubAck(ack, None),
        Packet::PubRec(ack, _) => Packet::PubRec(ack, None),
        Packet::PubRel(ack, _) => Packet::PubRel(ack, None),
        Packet::PubComp(ack, _) => Packet::PubComp(ack, None),
        Packet::SubAck(ack, _) => {
            let return_codes = ack.return_codes.into_iter().map(suback_code_in_311).collect();
            Packet::SubAck(SubAck { pkid: ack.pkid, return_codes }, None)
        }
        Packet::UnsubAck(ack, _) => Packet::UnsubAck(ack, None),
        Packet::PingResp(pong) => Packet::PingResp(pong),
        _ => return None,
    })
}

/// 3.1.1 knows six codes; each refusal in its nearest.
fn code_in_311(code: rumqttd::protocol::ConnectReturnCode) -> rumqttd::protocol::ConnectReturnCode {
    use rumqttd::protocol::ConnectReturnCode as Code;
    match code {
        Code::Success => Code::Success,
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => Code::RefusedProtocolVersion,
        Code::ClientIdentifierNotValid => Code::ClientIdentifierNotValid,
        Code::BadUserNamePassword => Code::BadUserNamePassword,
        Code::ServiceUnavailable | Code::ServerUnavailable | Code::ServerBusy => Code::ServiceUnavailable,
        _ => Code::NotAuthorized,
    }
}

fn suback_code_in_311(code: SubscribeReasonCode) -> SubscribeReasonCode {
    use SubscribeReasonCode::{Failure, QoS0, QoS1, QoS2, Success};
    match code {
        QoS0 | QoS1 | QoS2 | Success(_) => code,
        _ => Failure,
    }
}

/// The topic of a decoded packet, as text.
pub fn topic_text(topic: &Bytes) -> Result<&str, Malformed> {
    std::str::from_utf8(topic).map_err(|_| Malformed("topic is not UTF-8"))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
