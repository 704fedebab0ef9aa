//! Milesight AT101: values one after another, each after its channel and type.
//!
//! In: bytes of any port.   Out: a [`model::Track`] where there is a place, otherwise a sign of life with battery and temperature.
//!
//! Facts: Milesight, "AT101 Payload Definition": battery 01 75 (percent), temperature 03 67 (tenths of a degree), place 04 88 (latitude,
//! longitude in 1e-6 degrees, motion), position 05 00, WiFi 06 D9, tamper 07 00, temperature alarm 83 67. History (20 CE) is a list of
//! older places, of which one message could tell only one: it is left out. `FF FF FF FF` is "no fix".

use super::super::datum;
use super::super::fields::within_if_said;
use super::{degrees, misshapen};
use model::{Body, Heartbeat, Reject, Track};
use registry::Datum;

/// Channel, type, and how many bytes its value has.
const VALUES: [(u8, u8, usize); 8] = [
    (0x01, 0x75, 1),
    (0x03, 0x67, 2),
    (0x04, 0x88, 9),
    (0x05, 0x00, 1),
    (0x06, 0xD9, 9),
    (0x07, 0x00, 1),
    (0x83, 0x67, 3),
    (0x20, 0xCE, 12),
];
const NO_FIX: [u8; 8] = [0xFF; 8];

pub(super) fn decode(_port: u8, mut bytes: &[u8]) -> Result<Body, Reject> {
    let (mut battery, mut temperature, mut place) = (None, None, None);
    while let [channel, kind, rest @ ..] = bytes {
        // Settings and answers follow no list that is published whole; what came before them counts.
        let Some((.., len)) = VALUES.iter().find(|(c, k, _)| (c, k) == (channel, kind)) else { break };
        let (value, after) = rest
            .split_at_checked(*len)
            .ok_or_else(|| misshapen("Milesight", format!("value {channel:02X} {kind:02X} is cut short")))?;
        match (channel, value) {
            (0x01, [percent]) => battery = Some(f64::from(*percent)),
            (0x03 | 0x83, [low, high, ..]) => temperature = Some(f64::from(i16::from_le_bytes([*low, *high])) / 10.0),
            (0x04, _) => place = Some(value),
            _ => {}
        }
        bytes = after;
    }
    let battery_percent = within_if_said("battery", battery, 0.0, 100.0)?;
    let Some(place) = place else {
        let temperature_c = within_if_said("temperature", temperature, -90.0, 150.0)?;
        return Ok(Body::Heartbeat(Heartbeat { battery_percent, temperature_c, ..Heartbeat::default() }));
    };
    let position = if place.starts_with(&NO_FIX) {
        None
    } else {
        datum::position_or_no_fix(degrees(place, 0, 1e6), degrees(place, 4, 1e6), Datum::Wgs84)?
    };
    Ok(Body::Track(Track { position, battery_percent, ..Track::default() }))
}
