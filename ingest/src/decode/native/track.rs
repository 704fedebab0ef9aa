//! `track`: where a mover is.
//!
//! In: its JSON, in any datum.   Out: [`model::Track`] in WGS84. A receiver without a fix writes 0,0 or `null`: then the
//! rest is kept without a position. Leaving `lat` and `lon` out altogether is refused, so that a device that names them
//! differently does not lose every position in silence.

use super::super::datum::{self, WireDatum};
use super::super::fields::{heading, required, within, within_if_said};
use super::super::json::{self, Label};
use super::super::time::RawTime;
use super::Message;
use model::{Body, Gimbal, Reject, Track};
use serde::Deserialize;

/// The Dead Sea to above any aircraft we know of.
pub(in crate::decode) const HEIGHT_RANGE_M: (f64, f64) = (-1_000.0, 20_000.0);
/// Faster than sound is a receiver's jump, not a movement.
pub(in crate::decode) const SPEED_MAX_MPS: f64 = 340.0;

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    datum: Option<WireDatum>,
    #[serde(default, deserialize_with = "json::said")]
    lat: Option<Option<f64>>,
    #[serde(default, deserialize_with = "json::said")]
    lon: Option<Option<f64>>,
    alt_m: Option<f64>,
    height_m: Option<f64>,
    speed_mps: Option<f64>,
    heading_deg: Option<f64>,
    battery_percent: Option<f64>,
    #[serde(default, deserialize_with = "json::nested")]
    gimbal: Option<WireGimbal>,
    hdop: Option<f64>,
    accuracy_m: Option<f64>,
    flight_id: Option<Label>,
}

#[derive(Deserialize)]
struct WireGimbal {
    pitch_deg: Option<f64>,
    yaw_deg: Option<f64>,
    roll_deg: Option<f64>,
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let datum = WireDatum::checked(self.datum)?;
        let (lat, lon) = (required("lat", self.lat)?, required("lon", self.lon)?);
        let (lowest_m, highest_m) = HEIGHT_RANGE_M;
        Ok(Body::Track(Track {
            position: datum::position_or_no_fix(lat, lon, datum)?,
            alt_m: within_if_said("alt_m", self.alt_m, lowest_m, highest_m)?,
            height_m: within_if_said("height_m", self.height_m, lowest_m, highest_m)?,
            speed_mps: within_if_said("speed_mps", self.speed_mps, 0.0, SPEED_MAX_MPS)?,
            heading_deg: heading("heading_deg", self.heading_deg)?,
            battery_percent: within_if_said("battery_percent", self.battery_percent, 0.0, 100.0)?,
            gimbal: self.gimbal.map(gimbal).transpose()?,
            hdop: within_if_said("hdop", self.hdop, 0.0, 1_000.0)?,
            accuracy_m: within_if_said("accuracy_m", self.accuracy_m, 0.0, datum::ACCURACY_MAX_M)?,
            flight_id: Label::checked("flight_id", self.flight_id)?,
        }))
    }
}

/// A stabilised camera that does not tell its roll holds it at the horizon.
fn gimbal(wire: WireGimbal) -> Result<Gimbal, Reject> {
    Ok(Gimbal {
        pitch_deg: within("gimbal.pitch_deg", required("gimbal.pitch_deg", wire.pitch_deg)?, -180.0, 180.0)?,
        yaw_deg: within("gimbal.yaw_deg", required("gimbal.yaw_deg", wire.yaw_deg)?, -360.0, 360.0)?,
        roll_deg: within("gimbal.roll_deg", wire.roll_deg.unwrap_or(0.0), -180.0, 180.0)?,
    })
}
