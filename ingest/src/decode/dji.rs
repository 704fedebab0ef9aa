//! `thing/product/{sn}/osd` of the DJI Cloud API: the half-second telemetry of an aircraft or its dock. Other topics: [`messages`].
//!
//! In: the JSON envelope.   Out: an aircraft gives a [`model::Track`]; a dock, or an aircraft that tells nothing of its
//! flight, gives a [`model::Heartbeat`]. A dock's own place is no track: it stands where the registry says.
//!
//! One topic carries several messages with different keys, and every drone model adds some, so the keys are read as they
//! come ([`osd`]). What has a `method` is an event or an answer that strayed here, not telemetry, and is rejected.

pub(super) mod messages;
mod osd;

use super::fields::{heading, required, short, within, within_if_said};
use super::json::{self, Label};
use super::native::{HEIGHT_RANGE_M, SPEED_MAX_MPS, STORAGE_FREE_MAX_MB};
use super::time::{self, RawTime};
use super::{Statement, datum};
use model::{Body, Gimbal, Heartbeat, Position, Reject, Track};
use osd::{Osd, WireGimbal};
use registry::Datum;
use serde::Deserialize;

#[derive(Deserialize)]
struct Envelope {
    timestamp: Option<RawTime>,
    method: Option<String>,
    /// Marks what DJI's cloud pushes to its own web pages.
    biz_code: Option<String>,
    #[serde(default, deserialize_with = "json::nested")]
    data: Option<Osd>,
}

/// One osd message.
pub(super) fn decode(payload: &[u8]) -> Result<Statement, Reject> {
    let envelope: Envelope = json::object(payload)?;
    if let Some(stray) = envelope.method.or(envelope.biz_code) {
        return Err(Reject::UnknownMessage(short(&stray)));
    }
    let device_time = Some(time::required("timestamp", envelope.timestamp)?);
    let osd = required("data", envelope.data)?;
    let body = if osd.is_of_a_mover() { Body::Track(track(osd)?) } else { Body::Heartbeat(heartbeat(&osd)?) };
    Ok(Statement { device_time, seq: None, body })
}

fn track(osd: Osd) -> Result<Track, Reject> {
    let (lowest_m, highest_m) = HEIGHT_RANGE_M;
    Ok(Track {
        position: position(&osd)?,
        // `height` is above the ellipsoid, `elevation` above the take-off point.
        alt_m: within_if_said("height", osd.height, lowest_m, highest_m)?,
        height_m: within_if_said("elevation", osd.elevation, lowest_m, highest_m)?,
        speed_mps: within_if_said("horizontal_speed", osd.horizontal_speed, 0.0, SPEED_MAX_MPS)?,
        heading_deg: heading("attitude_head", osd.attitude_head)?,
        battery_percent: battery(&osd)?,
        gimbal: osd.gimbal.map(gimbal).transpose()?.flatten(),
        hdop: None,
        accuracy_m: None,
        flight_id: Label::checked("track_id", osd.track_id)?,
    })
}

/// DJI documents WGS84 for everything it draws on a map and names no other datum for telemetry.
fn position(osd: &Osd) -> Result<Option<Position>, Reject> {
    /// `position_state.is_fixed` of a receiver that has not begun to find itself.
    const NOT_FIXED: f64 = 0.0;
    if osd.is_fixed == Some(NOT_FIXED) {
        return Ok(None);
    }
    datum::position_or_no_fix(osd.latitude, osd.longitude, Datum::Wgs84)
}

fn battery(osd: &Osd) -> Result<Option<f64>, Reject> {
    /// What battery fields hold when they could not be read.
    const UNREAD: f64 = 32_767.0;
    within_if_said("capacity_percent", osd.capacity_percent.filter(|percent| *percent != UNREAD), 0.0, 100.0)
}

/// Yaw is taken as true north, as DJI states it for its mobile SDK. Cameras without a gimbal tell no pitch and yaw.
fn gimbal(wire: WireGimbal) -> Result<Option<Gimbal>, Reject> {
    let (Some(pitch), Some(yaw)) = (wire.gimbal_pitch, wire.gimbal_yaw) else { return Ok(None) };
    Ok(Some(Gimbal {
        pitch_deg: within("gimbal_pitch", pitch, -180.0, 180.0)?,
        yaw_deg: within("gimbal_yaw", yaw, -360.0, 360.0)?,
        roll_deg: within("gimbal_roll", wire.gimbal_roll.unwrap_or(0.0), -180.0, 180.0)?,
    }))
}

/// How a dock feels comes as `hms` events; its telemetry, of which each message has other keys, says nothing about it, and what it
/// does not say holds as said before.
fn heartbeat(osd: &Osd) -> Result<Heartbeat, Reject> {
    const KILOBYTES_PER_MEGABYTE: f64 = 1_024.0;
    Ok(Heartbeat {
        status: None,
        uptime_s: None,
        battery_percent: battery(osd)?,
        signal_dbm: None,
        // Inside the housing first; the weather outside if that is all there is.
        temperature_c: within_if_said("temperature", osd.temperature.or(osd.environment_temperature), -90.0, 150.0)?,
        storage_free_mb: within_if_said(
            "storage",
            osd.storage_free_kb().map(|free_kb| free_kb / KILOBYTES_PER_MEGABYTE),
            0.0,
            STORAGE_FREE_MAX_MB,
        )?,
        pan_tilt: None,
        pan_tilt_target: None,
        frame_hash: None,
        firmware: None,
    })
}
