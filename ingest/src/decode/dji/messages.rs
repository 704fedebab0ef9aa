//! What DJI's devices say beside their telemetry: `state`, `events`, `requests`, `status`, answers, and the fast channel `drc/up`.
//!
//! In: the JSON envelope.   Out: `hms` gives how the device feels, `osd_info_push` a [`model::Track`], all else a sign of life: its content
//! concerns whoever flies the aircraft, and the gate answers what wants an answer.

use super::super::fields::{heading, short, within, within_if_said};
use super::super::formats::{self, DJI_DRC_OF_NOBODY};
use super::super::json;
use super::super::native::{HEIGHT_RANGE_M, SPEED_MAX_MPS};
use super::super::time::{self, RawTime};
use super::super::{Statement, datum};
use model::{Body, Frame, Gimbal, Heartbeat, HeartbeatStatus, Reject, Track};
use registry::Datum;
use serde::Deserialize;

/// Findings of one message; DJI sends twenty at most.
const FINDINGS_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Envelope {
    timestamp: Option<RawTime>,
    method: Option<String>,
}

#[derive(Deserialize)]
struct HealthEnvelope {
    #[serde(default, deserialize_with = "json::nested")]
    data: Option<HealthList>,
}

#[derive(Deserialize)]
struct HealthList {
    list: Option<Vec<Finding>>,
}

#[derive(Deserialize)]
struct Finding {
    level: Option<f64>,
}

#[derive(Deserialize)]
struct FlightEnvelope {
    #[serde(default, deserialize_with = "json::nested")]
    data: Option<Flight>,
}

#[derive(Deserialize)]
struct Flight {
    latitude: Option<f64>,
    longitude: Option<f64>,
    height: Option<f64>,
    attitude_head: Option<f64>,
    speed_x: Option<f64>,
    speed_y: Option<f64>,
    gimbal_pitch: Option<f64>,
    gimbal_roll: Option<f64>,
    gimbal_yaw: Option<f64>,
}

/// `state`, and answers to commands: the device lives.
pub(in crate::decode) fn sign_of_life(frame: &Frame) -> Result<Statement, Reject> {
    let (_, statement) = envelope(frame)?;
    Ok(statement)
}

/// `events`, `requests` and `status`, which have a `method`.
pub(in crate::decode) fn named(frame: &Frame) -> Result<Statement, Reject> {
    let (method, statement) = envelope(frame)?;
    match method.as_deref() {
        Some("hms") => Ok(Statement { body: Body::Heartbeat(health(frame)?), ..statement }),
        Some(_) => Ok(statement),
        None => Err(Reject::Missing { field: "method" }),
    }
}

/// `drc/up`: what it says of its flight is a track, unless nobody knows whose flight it is.
pub(in crate::decode) fn drc(frame: &Frame) -> Result<Statement, Reject> {
    let (method, statement) = envelope(frame)?;
    match method.as_deref() {
        Some("osd_info_push") if formats::detail(frame) != DJI_DRC_OF_NOBODY => {
            Ok(Statement { body: Body::Track(track(frame)?), ..statement })
        }
        Some(_) => Ok(statement),
        None => Err(Reject::Missing { field: "method" }),
    }
}

/// The method, and a sign of life at the message's time, if it tells one: `drc/up` has messages that do not.
fn envelope(frame: &Frame) -> Result<(Option<String>, Statement), Reject> {
    let envelope: Envelope = json::object(&frame.payload)?;
    // Some answers write it as a text; then it lived when we heard it.
    let device_time = time::required("timestamp", envelope.timestamp).ok();
    let method = envelope.method.map(|method| short(&method));
    Ok((method, Statement { device_time, seq: None, body: Body::Heartbeat(Heartbeat::default()) }))
}

/// The worst finding counts: 0 is a notice, 1 asks for care, 2 is a warning. A dock speaks for its aircraft too. No finding is good health.
fn health(frame: &Frame) -> Result<Heartbeat, Reject> {
    let envelope: HealthEnvelope = json::object(&frame.payload)?;
    let list = envelope.data.and_then(|data| data.list).ok_or(Reject::Missing { field: "data.list" })?;
    let levels = list.iter().take(FINDINGS_MAX).map(|finding| within_if_said("level", finding.level, 0.0, 2.0));
    let worst = levels.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().fold(0.0, f64::max);
    let status = match worst {
        level if level >= 2.0 => HeartbeatStatus::Fault,
        level if level >= 1.0 => HeartbeatStatus::Degraded,
        _ => HeartbeatStatus::Ok,
    };
    Ok(Heartbeat { status: Some(status), ..Heartbeat::default() })
}

fn track(frame: &Frame) -> Result<Track, Reject> {
    let envelope: FlightEnvelope = json::object(&frame.payload)?;
    let flight = envelope.data.ok_or(Reject::Missing { field: "data" })?;
    let (lowest_m, highest_m) = HEIGHT_RANGE_M;
    let speed = flight.speed_x.zip(flight.speed_y).map(|(x, y)| x.hypot(y));
    let gimbal = match (flight.gimbal_pitch, flight.gimbal_yaw) {
        (Some(pitch), Some(yaw)) => Some(Gimbal {
            pitch_deg: within("gimbal_pitch", pitch, -180.0, 180.0)?,
            yaw_deg: within("gimbal_yaw", yaw, -360.0, 360.0)?,
            roll_deg: within("gimbal_roll", flight.gimbal_roll.unwrap_or(0.0), -180.0, 180.0)?,
        }),
        _ => None,
    };
    Ok(Track {
        position: datum::position_or_no_fix(flight.latitude, flight.longitude, Datum::Wgs84)?,
        alt_m: within_if_said("height", flight.height, lowest_m, highest_m)?,
        speed_mps: within_if_said("speed", speed, 0.0, SPEED_MAX_MPS)?,
        heading_deg: heading("attitude_head", flight.attitude_head)?,
        gimbal,
        ..Track::default()
    })
}
