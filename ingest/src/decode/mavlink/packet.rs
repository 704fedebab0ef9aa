//! One MAVLink packet, version 1 or 2: its bounds, its checksum, its fields by place.
//!
//! In: bytes that begin with a packet.   Out: the packet and what follows it, or why there is none.
//!
//! Facts: the MAVLink guide, "Packet Serialization", and `common.xml` (the extra byte of each checksum). A MAVLink 2 sender leaves out
//! the zeros at the end of a payload, and fields that it does not know are missing there, so what is missing reads as zero. Never
//! allocates, never reads beyond the packet.

use std::fmt;

const MAGIC_V1: u8 = 0xFE;
const MAGIC_V2: u8 = 0xFD;
/// The only incompatibility flag there is: a signature follows the checksum.
const SIGNED: u8 = 0x01;
/// Link id, timestamp, signature.
pub(crate) const SIGNATURE_BYTES: usize = 1 + 6 + 6;

/// A message of `common.xml` that the platform reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Message {
    Heartbeat,
    SysStatus,
    SystemTime,
    GpsRawInt,
    Attitude,
    GlobalPositionInt,
    BatteryStatus,
    MountOrientation,
    CameraTrackingImageStatus,
    CameraTrackingGeoStatus,
    GimbalDeviceAttitudeStatus,
}

/// Message, its id, and the byte that its definition adds to the checksum.
const MESSAGES: [(Message, u32, u8); 11] = [
    (Message::Heartbeat, 0, 50),
    (Message::SysStatus, 1, 124),
    (Message::SystemTime, 2, 137),
    (Message::GpsRawInt, 24, 24),
    (Message::Attitude, 30, 39),
    (Message::GlobalPositionInt, 33, 104),
    (Message::BatteryStatus, 147, 154),
    (Message::MountOrientation, 265, 26),
    (Message::CameraTrackingImageStatus, 275, 126),
    (Message::CameraTrackingGeoStatus, 276, 18),
    (Message::GimbalDeviceAttitudeStatus, 285, 137),
];

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// They do not begin like one.
    NoStart,
    /// They end too soon.
    Cut,
    /// They are not what was sent, or the sender has another definition of the message.
    Checksum,
    /// A flag that changes the layout in a way nobody here knows.
    Flags,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStart => "it does not begin with FD or FE",
            Self::Cut => "it ends too soon",
            Self::Checksum => "its checksum is wrong",
            Self::Flags => "it has an incompatibility flag that is not known",
        })
    }
}

/// A packet whose checksum is right, or whose message we do not know and so could not check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    /// Which vehicle.
    pub system: u8,
    /// Which part of it.
    pub component: u8,
    /// Which message, if it is one that we read.
    pub message: Option<Message>,
    payload: &'a [u8],
    /// All of it, the signature included.
    pub bytes: &'a [u8],
    /// Whether a signature follows the checksum.
    pub is_signed: bool,
}

impl<'a> Packet<'a> {
    /// The packet at the beginning of `bytes`, and what follows it.
    pub(crate) fn first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        match bytes.first() {
            Some(&MAGIC_V2) => Self::version_2(bytes),
            Some(&MAGIC_V1) => Self::version_1(bytes),
            Some(_) => Err(Fault::NoStart),
            None => Err(Fault::Cut),
        }
    }

    fn version_2(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let (head, _) = bytes.split_first_chunk::<10>().ok_or(Fault::Cut)?;
        let [_, len, flags, _compatible, _sequence, system, component, low, middle, high] = *head;
        if flags & !SIGNED != 0 {
            return Err(Fault::Flags);
        }
        let is_signed = flags & SIGNED != 0;
        let id = u32::from_le_bytes([low, middle, high, 0]);
        Self::whole(bytes, 10, len, id, is_signed).map(|(message, payload, bytes, rest)| {
            (Self { system, component, message, payload, bytes, is_signed }, rest)
        })
    }

    fn version_1(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let (head, _) = bytes.split_first_chunk::<6>().ok_or(Fault::Cut)?;
        let [_, len, _sequence, system, component, id] = *head;
        Self::whole(bytes, 6, len, u32::from(id), false).map(|(message, payload, bytes, rest)| {
            (Self { system, component, message, payload, bytes, is_signed: false }, rest)
        })
    }

    #[expect(clippy::type_complexity, reason = "taken apart by the two lines that call it")]
    fn whole(
        bytes: &'a [u8],
        head: usize,
        len: u8,
        id: u32,
        is_signed: bool,
    ) -> Result<(Option<Message>, &'a [u8], &'a [u8], &'a [u8]), Fault> {
        let end = head + usize::from(len);
        let total = end + 2 + if is_signed { SIGNATURE_BYTES } else { 0 };
        let (packet, rest) = bytes.split_at_checked(total).ok_or(Fault::Cut)?;
        let covered = packet.get(1..end).ok_or(Fault::Cut)?;
        let stated = packet.get(end..end + 2).ok_or(Fault::Cut)?;
        let known = MESSAGES.iter().find(|(_, known, _)| *known == id);
        if let Some((_, _, extra)) = known
            && stated != checksum(covered, *extra).to_le_bytes()
        {
            return Err(Fault::Checksum);
        }
        Ok((known.map(|(message, ..)| *message), packet.get(head..end).ok_or(Fault::Cut)?, packet, rest))
    }

    /// What its signature covers, and the signature with the link's id and the timestamp before it.
    pub(crate) fn signature(&self) -> Option<(&'a [u8], &'a [u8; SIGNATURE_BYTES])> {
        if !self.is_signed {
            return None;
        }
        self.bytes.split_last_chunk::<SIGNATURE_BYTES>()
    }

    /// `N` bytes from `at`; what the sender left out is zero.
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut array = [0; N];
        let there = self.payload.get(at..).unwrap_or_default();
        array.iter_mut().zip(there).for_each(|(to, from)| *to = *from);
        array
    }

    pub(crate) fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.array(at))
    }

    pub(crate) fn i8(&self, at: usize) -> i8 {
        i8::from_le_bytes(self.array(at))
    }

    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(crate) fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.array(at))
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(crate) fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.array(at))
    }

    pub(crate) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    /// A single-precision number; not-a-number is `None`.
    pub(crate) fn f32(&self, at: usize) -> Option<f64> {
        let number = f64::from(f32::from_le_bytes(self.array(at)));
        number.is_finite().then_some(number)
    }
}

/// CRC-16/MCRF4XX, which MAVLink calls X.25, with the message's extra byte at the end.
fn checksum(covered: &[u8], extra: u8) -> u16 {
    covered.iter().chain([&extra]).fold(0xFFFF, |crc: u16, byte| {
        let mixed = byte ^ crc.to_le_bytes()[0];
        let mixed = mixed ^ (mixed << 4);
        let wide = u16::from(mixed);
        (crc >> 8) ^ (wide << 8) ^ (wide << 3) ^ (wide >> 4)
    })
}

/// A packet of system 7 with a right checksum: of the message that `which` picks, with any payload. For made-up input.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn sealed(which: u8, payload: &[u8]) -> Vec<u8> {
    let Some((_, id, extra)) = MESSAGES.get(usize::from(which) % MESSAGES.len()) else { return Vec::new() };
    let payload = payload.get(..payload.len().min(255)).unwrap_or_default();
    let [low, middle, high, _] = id.to_le_bytes();
    let len = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![MAGIC_V2, len, 0, 0, 0, 7, 1, low, middle, high];
    bytes.extend_from_slice(payload);
    let crc = checksum(bytes.get(1..).unwrap_or_default(), *extra);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By a foreign encoder: quadrotor, armed, active; system 7, component 1.
    const HEARTBEAT: &str = "fd0900002a07010000000000000002038104038651";
    const POSITION: &str = "fd1c00002a070121000040e201005945291ad221a04384271300c0d401005e0188ff0a002e22b8e5";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_foreign_encoders_packets_are_read_to_the_last_byte() {
        let both = [bytes(HEARTBEAT), bytes(POSITION)].concat();
        let (heartbeat, rest) = Packet::first(&both).unwrap();
        assert_eq!((heartbeat.system, heartbeat.component, heartbeat.message), (7, 1, Some(Message::Heartbeat)));
        assert_eq!((heartbeat.u8(4), heartbeat.u8(7)), (2, 4));
        let (position, rest) = Packet::first(rest).unwrap();
        assert_eq!((position.i32(4), position.i32(8), position.u16(26)), (438_912_345, 1_134_567_890, 8_750));
        assert_eq!(position.u64(28), 0, "beyond its payload there are zeros");
        assert!(rest.is_empty());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_shows() {
        let whole = bytes(POSITION);
        for len in 0..whole.len() {
            assert_eq!(Packet::first(&whole[..len]).err(), Some(Fault::Cut), "{len}");
        }
        for place in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[place / 8] ^= 1 << (place % 8);
            // A flipped id may name a message that we do not read, and so cannot check.
            let read = Packet::first(&flipped);
            assert!(!read.is_ok_and(|(packet, _)| packet.message.is_some()), "bit {place}");
        }
    }
}
