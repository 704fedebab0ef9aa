//! GT06, the packets of small trackers: a packet -> a track or a sign of life.
//!
//! In: a whole packet, from its start bits to its end bits, what its clock is ahead of UTC and the datum of its positions; no
//! packet states these.   Out: a position or an alarm is a [`Track`], a login or status a [`Heartbeat`].
//!
//! The listener needs a packet's type, number and identity too, so they are read here ([`Packet`]). Alarms of a tracker (SOS, cut
//! cable, shaking) are its position; the packet keeps which it was.

use super::fields::within;
use super::native::SPEED_MAX_MPS;
use super::{Statement, datum, formats};
use model::{Body, Channel, DeviceTime, Frame, Heartbeat, HeartbeatStatus, Reject, Timestamp, Track};
use registry::Datum;
use std::sync::Arc;

/// Types of packets.
pub(crate) mod kind {
    pub(crate) const LOGIN: u8 = 0x01;
    pub(crate) const POSITION: [u8; 3] = [0x10, 0x12, 0x22];
    pub(crate) const STATUS: [u8; 2] = [0x13, 0x23];
    pub(crate) const ALARM: [u8; 3] = [0x16, 0x26, 0x27];
    pub(crate) const TIME: u8 = 0x8A;
}

/// The longest packet that we let come: text of a terminal; the length field could say 65 thousand.
pub(crate) const PACKET_BYTES_MAX: usize = 4_096;

/// The beginning of a stream of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framed {
    /// More has to come first.
    More,
    /// A packet of so many bytes.
    Whole(usize),
    /// So many bytes that are no packet.
    Noise(usize),
}

/// Finds the packet at the beginning of `bytes`, by its start, length, check and end.
pub(crate) fn framed(bytes: &[u8]) -> Framed {
    let (length, head) = match bytes {
        [] | [0x78] | [0x79] | [0x78, 0x78] | [0x79, 0x79] | [0x79, 0x79, _] => return Framed::More,
        [0x78, 0x78, length, ..] => (usize::from(*length), 3),
        [0x79, 0x79, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
        _ => {
            let next = bytes.windows(2).skip(1).position(|two| matches!(two, [0x78, 0x78] | [0x79, 0x79]));
            let last = usize::from(matches!(bytes.last(), Some(0x78 | 0x79)) && bytes.len() > 1);
            return Framed::Noise(next.map_or(bytes.len() - last, |before| before + 1));
        }
    };
    // Type, number and check at least.
    if !(5..=PACKET_BYTES_MAX).contains(&length) {
        return Framed::Noise(1);
    }
    let whole = head + length + 2;
    let Some(packet) = bytes.get(..whole) else { return Framed::More };
    match packet {
        [_, _, checked @ .., high, low, 0x0D, 0x0A] if crc(checked) == u16::from_be_bytes([*high, *low]) => {
            Framed::Whole(whole)
        }
        _ => Framed::Noise(1),
    }
}

/// CRC-ITU as trackers mean it: CRC-16/X-25.
pub(crate) fn crc(data: &[u8]) -> u16 {
    !data.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 })
    })
}

/// A packet taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    /// What it is.
    pub kind: u8,
    /// What it says.
    pub content: &'a [u8],
    /// Its number, which an answer repeats.
    pub number: u16,
}

impl<'a> Packet<'a> {
    /// Reads a whole packet.
    pub(crate) fn read(packet: &'a [u8]) -> Result<Self, Reject> {
        if packet.is_empty() {
            return Err(Reject::Empty);
        }
        let malformed = || Reject::Malformed("GT06: it is no packet, or its check is wrong".to_owned());
        if framed(packet) != Framed::Whole(packet.len()) {
            return Err(malformed());
        }
        let inner = match packet {
            [0x78, 0x78, _, inner @ ..] | [0x79, 0x79, _, _, inner @ ..] => inner,
            _ => return Err(malformed()),
        };
        match inner {
            [kind, content @ .., high, low, _, _, _, _] => {
                Ok(Self { kind: *kind, content, number: u16::from_be_bytes([*high, *low]) })
            }
            _ => Err(malformed()),
        }
    }

    /// The 15 digits that a login states: eight bytes of two digits, the first of which is 0.
    pub(crate) fn imei(&self) -> Option<String> {
        let bytes = self.content.get(..8).filter(|_| self.kind == kind::LOGIN)?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let imei = digits.strip_prefix('0')?;
        imei.bytes().all(|byte| byte.is_ascii_digit()).then(|| imei.to_owned())
    }
}

/// How a packet comes into the journal: `utc_offset_min` is what the tracker's clock is ahead of UTC, minutes, and `datum` that of its
/// positions; no packet states either.
pub(crate) fn channel(utc_offset_min: i16, datum: &str) -> Channel {
    Channel::Foreign { format: Arc::from(formats::GT06), detail: format!("{utc_offset_min} {datum}").into() }
}

/// One packet.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let (utc_offset_min, datum) = formats::detail(frame).split_once(' ').unwrap_or_default();
    let utc_offset_min = utc_offset_min.parse().map_err(|_| Reject::Missing { field: "clock" })?;
    let packet = Packet::read(&frame.payload)?;
    if packet.kind == kind::LOGIN {
        return Ok(Statement::untimed(heartbeat(None)));
    }
    if kind::STATUS.contains(&packet.kind) {
        return Ok(Statement::untimed(heartbeat(packet.content.get(1).and_then(|level| battery_percent(*level)))));
    }
    if kind::POSITION.contains(&packet.kind) || kind::ALARM.contains(&packet.kind) {
        let datum = super::fields::word("datum", datum, "wgs84, cgcs2000, gcj02, bd09", Datum::parse)?;
        return position(utc_offset_min, datum, &packet);
    }
    Err(Reject::UnknownMessage(format!("gt06 packet {:#04x}", packet.kind)))
}

/// Trackers tell seven levels, 0 to 6; some tell percent instead.
fn battery_percent(level: u8) -> Option<f64> {
    match level {
        0..=6 => Some(f64::from(level) * 100.0 / 6.0),
        7..=100 => Some(f64::from(level)),
        _ => None,
    }
}

fn heartbeat(battery_percent: Option<f64>) -> Body {
    Body::Heartbeat(Heartbeat { status: Some(HeartbeatStatus::Ok), battery_percent, ..Heartbeat::default() })
}

/// Time (6), number of satellites (1), latitude (4), longitude (4), speed (1), course and flags (2).
fn position(utc_offset_min: i16, datum: Datum, packet: &Packet<'_>) -> Result<Statement, Reject> {
    /// Half a ten-thousandth of a minute.
    const UNITS_PER_DEGREE: f64 = 1_800_000.0;
    const KMH_PER_MPS: f64 = 3.6;
    const COURSE: u16 = 0x03FF;
    const NORTH: u16 = 1 << 10;
    const WEST: u16 = 1 << 11;
    const HAS_FIX: u16 = 1 << 12;
    let block = packet.content.first_chunk::<18>().ok_or(Reject::Missing { field: "position" })?;
    let [year, month, day, hour, minute, second, _, rest @ ..] = *block;
    let [lat0, lat1, lat2, lat3, lon0, lon1, lon2, lon3, speed, high, low] = rest;
    let flags = u16::from_be_bytes([high, low]);
    let written = format!("20{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let local = Timestamp::parse_rfc3339(&format!("{written}Z")).ok_or(Reject::BadTime(written))?;
    let utc = Timestamp::from_millis(local.as_millis() - i64::from(utc_offset_min) * 60_000);
    let degrees = |units: [u8; 4]| f64::from(u32::from_be_bytes(units)) / UNITS_PER_DEGREE;
    let lat = degrees([lat0, lat1, lat2, lat3]) * if flags & NORTH == 0 { -1.0 } else { 1.0 };
    let lon = degrees([lon0, lon1, lon2, lon3]) * if flags & WEST == 0 { 1.0 } else { -1.0 };
    let has_fix = flags & HAS_FIX != 0;
    let track = Track {
        position: if has_fix { datum::position_or_no_fix(Some(lat), Some(lon), datum)? } else { None },
        speed_mps: Some(within("speed", f64::from(speed) / KMH_PER_MPS, 0.0, SPEED_MAX_MPS)?).filter(|_| has_fix),
        heading_deg: Some(f64::from(flags & COURSE)).filter(|course| has_fix && *course < 360.0),
        ..Track::default()
    };
    Ok(Statement { device_time: Some(DeviceTime(utc)), seq: Some(u64::from(packet.number)), body: Body::Track(track) })
}
