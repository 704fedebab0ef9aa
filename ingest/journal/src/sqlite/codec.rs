//! How one entry is written as bytes. Ours alone: versioned, length-prefixed, little-endian, without serde, so that a change
//! of a noun never silently changes what is on disk.
//!
//! In:  an offset and a [`Frame`], or bytes.   Out: bytes, or an [`Entry`].
//!
//! It never panics and never allocates by a length it has not seen: bytes from disk are not trusted. It does not detect a
//! changed payload; the hash chain of the batch does (`batch.rs`).
//!
//! ```text
//! version u8 | transport u8 | offset u64 | received_at i64 | device text | speaker text | channel tag u8 | its fields | payload bytes
//! text and bytes: length u32, then that many bytes
//! ```
//!
//! Version 1 had no transport; its entries are still read.

use crate::sql::device_from_text;
use bytes::Bytes;
use model::{BadName, Channel, Entry, Frame, Offset, ReadingKind, ReceivedAt, Timestamp, Transport};
use std::sync::Arc;

/// The layout above, which is the one that is written.
const VERSION: u8 = 2;

/// The first layout: the same without the transport.
const VERSION_WITHOUT_TRANSPORT: u8 = 1;

/// What is not text: version, transport, offset, time, channel tag, and at most the kind of a native payload.
const FIXED_BYTES: usize = 1 + 1 + 8 + 8 + 1 + 1;

const MQTT: u8 = 0;
const HTTP: u8 = 1;
const POLLED_MODBUS: u8 = 2;
const PLATFORM: u8 = 3;
const UDP: u8 = 16;
const SIP: u8 = 17;
const TCP: u8 = 18;

const NATIVE: u8 = 0;
const DJI_OSD: u8 = 1;
const MODBUS: u8 = 2;
const CLOCK: u8 = 3;
const OTHER: u8 = 4;
const FOREIGN: u8 = 16;

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodecError {
    /// Written by a later program, or not by us.
    #[error("entry has layout version {0}; this program knows versions up to {VERSION}")]
    Version(u8),
    /// The bytes end too soon.
    #[error("entry needs {want} more bytes but has {len}")]
    Truncated { want: usize, len: usize },
    /// The bytes go on after the end.
    #[error("entry is followed by {0} bytes")]
    Trailing(usize),
    /// A tag we never wrote.
    #[error("entry has unknown transport tag {0}")]
    Transport(u8),
    /// A tag we never wrote.
    #[error("entry has unknown channel tag {0}")]
    Channel(u8),
    /// A kind we never wrote.
    #[error("entry has unknown reading kind {0}")]
    Kind(u8),
    /// A text that is not UTF-8.
    #[error("entry holds a text that is not UTF-8")]
    NotText,
    /// A device id that could not have been one.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// At most how many bytes [`encode`] adds for this frame; never less than it does.
pub(super) fn encoded_len(frame: &Frame) -> usize {
    let texts = match &frame.channel {
        Channel::Native { detail, .. } => 4 + detail.len(),
        Channel::Modbus { model } => 4 + model.len(),
        Channel::Other { topic } => 4 + topic.len(),
        Channel::Foreign { format, detail } => 4 + format.len() + 4 + detail.len(),
        Channel::DjiOsd | Channel::Clock => 0,
    };
    FIXED_BYTES + 4 + frame.device.as_str().len() + 4 + frame.speaker.as_str().len() + texts + 4 + frame.payload.len()
}

/// Appends the entry's bytes. The line refuses frames long before a length outgrows its four bytes.
pub(super) fn encode(offset: Offset, frame: &Frame, out: &mut Vec<u8>) {
    out.extend_from_slice(&[VERSION, transport_tag(frame.transport)]);
    out.extend_from_slice(&offset.0.to_le_bytes());
    out.extend_from_slice(&frame.received_at.0.as_millis().to_le_bytes());
    put(out, frame.device.as_str().as_bytes());
    put(out, frame.speaker.as_str().as_bytes());
    match &frame.channel {
        Channel::Native { kind, detail } => {
            out.extend_from_slice(&[NATIVE, tag_of(*kind)]);
            put(out, detail.as_bytes());
        }
        Channel::DjiOsd => out.push(DJI_OSD),
        Channel::Modbus { model } => {
            out.push(MODBUS);
            put(out, model.as_bytes());
        }
        Channel::Clock => out.push(CLOCK),
        Channel::Other { topic } => {
            out.push(OTHER);
            put(out, topic.as_bytes());
        }
        Channel::Foreign { format, detail } => {
            out.push(FOREIGN);
            put(out, format.as_bytes());
            put(out, detail.as_bytes());
        }
    }
    put(out, &frame.payload);
}

/// Reads one entry, which must fill `bytes` exactly.
pub(super) fn decode(bytes: &[u8]) -> Result<Entry, CodecError> {
    let mut rest = Rest(bytes);
    let transport = match rest.byte()? {
        VERSION => Some(transport_of(rest.byte()?)?),
        VERSION_WITHOUT_TRANSPORT => None,
        unknown => return Err(CodecError::Version(unknown)),
    };
    let offset = Offset(u64::from_le_bytes(rest.array()?));
    let received_at = ReceivedAt(Timestamp::from_millis(i64::from_le_bytes(rest.array()?)));
    let device = device_from_text(rest.text()?)?;
    // Nearly always the same; sharing the text halves the allocations of a replay.
    let speaker = rest.text()?;
    let speaker = if speaker == device.as_str() { device.clone() } else { device_from_text(speaker)? };
    let channel = match rest.byte()? {
        NATIVE => Channel::Native { kind: kind_of(rest.byte()?)?, detail: Arc::from(rest.text()?) },
        DJI_OSD => Channel::DjiOsd,
        MODBUS => Channel::Modbus { model: Arc::from(rest.text()?) },
        CLOCK => Channel::Clock,
        OTHER => Channel::Other { topic: Arc::from(rest.text()?) },
        FOREIGN => Channel::Foreign { format: Arc::from(rest.text()?), detail: Arc::from(rest.text()?) },
        tag => return Err(CodecError::Channel(tag)),
    };
    let transport = transport.unwrap_or_else(|| only_transport_of(&channel));
    // Copied, so that a consumer which keeps one picture does not keep its whole batch in memory.
    let payload = Bytes::copy_from_slice(rest.prefixed()?);
    match rest.0.len() {
        0 => Ok(Entry { offset, frame: Frame { device, speaker, channel, transport, payload, received_at } }),
        more => Err(CodecError::Trailing(more)),
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // A length that does not fit would be cut to a wrong one and then be found out by `decode`, never believed.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The numbers are on disk: never change one, only add.
fn transport_tag(transport: Transport) -> u8 {
    match transport {
        Transport::Mqtt => MQTT,
        Transport::Http => HTTP,
        Transport::Modbus => POLLED_MODBUS,
        Transport::Platform => PLATFORM,
        Transport::Udp => UDP,
        Transport::Sip => SIP,
        Transport::Tcp => TCP,
    }
}

fn transport_of(tag: u8) -> Result<Transport, CodecError> {
    Ok(match tag {
        MQTT => Transport::Mqtt,
        HTTP => Transport::Http,
        POLLED_MODBUS => Transport::Modbus,
        PLATFORM => Transport::Platform,
        UDP => Transport::Udp,
        SIP => Transport::Sip,
        TCP => Transport::Tcp,
        unknown => return Err(CodecError::Transport(unknown)),
    })
}

/// When entries told no transport, each kind of message had only one.
fn only_transport_of(channel: &Channel) -> Transport {
    match channel {
        Channel::Modbus { .. } => Transport::Modbus,
        Channel::Clock => Transport::Platform,
        Channel::Native { .. } | Channel::DjiOsd | Channel::Other { .. } | Channel::Foreign { .. } => Transport::Mqtt,
    }
}

/// The numbers are on disk: never change one, only add.
fn tag_of(kind: ReadingKind) -> u8 {
    match kind {
        ReadingKind::Heartbeat => 0,
        ReadingKind::Track => 1,
        ReadingKind::Reading => 2,
        ReadingKind::Sighting => 3,
        ReadingKind::Snapshot => 4,
        ReadingKind::Report => 5,
        ReadingKind::DjiOsd => 6,
        ReadingKind::Modbus => 7,
        ReadingKind::Clock => 8,
        ReadingKind::Fire => 9,
    }
}

fn kind_of(tag: u8) -> Result<ReadingKind, CodecError> {
    Ok(match tag {
        0 => ReadingKind::Heartbeat,
        1 => ReadingKind::Track,
        2 => ReadingKind::Reading,
        3 => ReadingKind::Sighting,
        4 => ReadingKind::Snapshot,
        5 => ReadingKind::Report,
        6 => ReadingKind::DjiOsd,
        7 => ReadingKind::Modbus,
        8 => ReadingKind::Clock,
        9 => ReadingKind::Fire,
        unknown => return Err(CodecError::Kind(unknown)),
    })
}

/// What is still to be read.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn take(&mut self, want: usize) -> Result<&'a [u8], CodecError> {
        let (head, tail) = self.0.split_at_checked(want).ok_or(CodecError::Truncated { want, len: self.0.len() })?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, tail) =
            self.0.split_first_chunk::<N>().ok_or(CodecError::Truncated { want: N, len: self.0.len() })?;
        self.0 = tail;
        Ok(*head)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn len(&mut self) -> Result<usize, CodecError> {
        let len = u32::from_le_bytes(self.array()?);
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn prefixed(&mut self) -> Result<&'a [u8], CodecError> {
        let len = self.len()?;
        self.take(len)
    }

    fn text(&mut self) -> Result<&'a str, CodecError> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| CodecError::NotText)
    }
}
