use crate::{DeviceId, ReadingKind, ReceivedAt};
use bytes::Bytes;
use std::sync::Arc;

/// Place of an entry in the journal: 1 for the first, growing by one. 0 means "before everything".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The one after this.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What kind of message a frame is, and so how it is to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A native payload, whichever way it travelled (MQTT or HTTP). For snapshots the id stands in the topic.
    Native {
        /// What the topic says it is.
        kind: ReadingKind,
        /// The rest of the topic after the kind: a snapshot's id, otherwise empty.
        detail: Arc<str>,
    },
    /// `thing/product/{sn}/osd` of the DJI Cloud API.
    DjiOsd,
    /// Registers read from a Modbus station, as the answer's bytes; `model` names the register map.
    Modbus {
        /// Name of the station model, for example `renke-soil`.
        model: Arc<str>,
    },
    /// The platform's second hand: no payload, only the time of receipt. It makes "nothing came" a fact in the journal.
    Clock,
    /// Anything else that its sender was allowed to say; kept, and rejected by decode.
    Other {
        /// The topic.
        topic: Arc<str>,
    },
    /// A message of somebody else's protocol. Decode has a table of formats with a decoder for each, so that a new one is a
    /// line there and nothing here or on disk.
    Foreign {
        /// The format's name in that table, for example `frigate/events`.
        format: Arc<str>,
        /// What the payload does not say and its decoder needs; what that is, the format's decoder says. Often empty.
        detail: Arc<str>,
    },
}

/// On which way a frame reached us. It decides nothing about what the frame says; it is kept as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The device published it to the gate.
    Mqtt,
    /// The device, or a program for it, posted it.
    Http,
    /// We asked a station for it.
    Modbus,
    /// The platform itself: its clock.
    Platform,
    /// The device sent a datagram.
    Udp,
    /// The device said it in SIP (GB/T 28181).
    Sip,
    /// The device sent it over a TCP connection of its own protocol.
    Tcp,
}

impl Transport {
    /// As people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Modbus => "modbus",
            Self::Platform => "platform",
            Self::Udp => "udp",
            Self::Sip => "sip",
            Self::Tcp => "tcp",
        }
    }
}

/// What a device said, byte for byte, with who said it. Not yet on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whom it is about: the authenticated device, or one that it may speak for. Never the payload's own claim.
    pub device: DeviceId,
    /// Who said it: the authenticated device.
    pub speaker: DeviceId,
    /// What kind of message it is, and so how it is to be decoded.
    pub channel: Channel,
    /// On which way it came.
    pub transport: Transport,
    /// The bytes.
    pub payload: Bytes,
    /// When we took it in.
    pub received_at: ReceivedAt,
}

/// A frame that is on disk, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the journal.
    pub offset: Offset,
    /// What was said.
    pub frame: Frame,
}
