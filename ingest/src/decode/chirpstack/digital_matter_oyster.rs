//! Digital Matter Oyster and Yabby: port 1 is a position, the others are settings and statistics.
//!
//! In: port and bytes.   Out: a [`model::Track`], or a sign of life. Facts: Digital Matter, "Yabby LoRaWAN Integration", "Oyster LoRaWAN
//! Integration": latitude and longitude in 1e-7 degrees, flags (bit 0 moving, bit 1 no fix), heading in 45 degrees (low 3 bits) with
//! speed in 5 km/h (high 5), battery in 25 mV. The place is the last one known where there is no fix, so then it is left out.

use super::super::datum;
use super::{degrees, misshapen};
use model::{Body, Heartbeat, Reject, Track};
use registry::Datum;

const POSITION_PORT: u8 = 1;
const NO_FIX: u8 = 0x02;

pub(super) fn decode(port: u8, bytes: &[u8]) -> Result<Body, Reject> {
    if port != POSITION_PORT {
        return Ok(Body::Heartbeat(Heartbeat::default()));
    }
    let cut = || misshapen("Digital Matter", format!("a position has 11 bytes, not {}", bytes.len()));
    let (lat, lon) = (degrees(bytes, 0, 1e7).ok_or_else(cut)?, degrees(bytes, 4, 1e7).ok_or_else(cut)?);
    let [flags, motion, _battery, ..] = bytes.get(8..).unwrap_or_default() else { return Err(cut()) };
    let position =
        if flags & NO_FIX == 0 { datum::position_or_no_fix(Some(lat), Some(lon), Datum::Wgs84)? } else { None };
    Ok(Body::Track(Track {
        position,
        heading_deg: Some(f64::from(motion & 0x07) * 45.0),
        speed_mps: Some(f64::from(motion >> 3) * 5.0 / 3.6),
        // Volts of cells whose make the owner chooses say no percentage.
        ..Track::default()
    }))
}
