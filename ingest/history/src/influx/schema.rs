//! Which lines a reading makes: the table in the module's page, as code.
//!
//! In: a reading. Out: its line, or none if it says nothing that belongs into a time series.

use super::line::{FieldValue, Line};
use model::{Body, Heartbeat, HeartbeatStatus, Measurement, Offset, Reading, Track};

/// A line and the journal entry it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcedLine {
    pub(super) offset: Offset,
    pub(super) text: String,
}

/// The line of a reading.
pub(super) fn line_of(reading: &Reading) -> Option<SourcedLine> {
    let begin = |measurement| Line::new(measurement).tag("device", reading.device.as_str());
    let line = match &reading.body {
        Body::Track(track) => track_fields(begin("track"), track),
        Body::Measurements(measurements) => station_fields(begin("station"), measurements),
        Body::Heartbeat(heartbeat) => heartbeat_fields(begin("heartbeat"), heartbeat),
        Body::Sighting(_) | Body::Snapshot(_) | Body::Report(_) | Body::Fire(_) | Body::Clarity(_) | Body::Clock => {
            return None;
        }
    };
    line.finish(reading.happened_at()).map(|text| SourcedLine { offset: reading.offset, text })
}

fn track_fields(line: Line, track: &Track) -> Line {
    let line = line
        .float("lat", track.position.map(|position| position.lat_deg()))
        .float("lon", track.position.map(|position| position.lon_deg()))
        .float("alt_m", track.alt_m)
        .float("height_m", track.height_m)
        .float("speed_mps", track.speed_mps)
        .float("heading_deg", track.heading_deg)
        .float("battery_percent", track.battery_percent)
        .float("hdop", track.hdop)
        .float("accuracy_m", track.accuracy_m)
        .float("gimbal_pitch_deg", track.gimbal.map(|gimbal| gimbal.pitch_deg))
        .float("gimbal_yaw_deg", track.gimbal.map(|gimbal| gimbal.yaw_deg))
        .float("gimbal_roll_deg", track.gimbal.map(|gimbal| gimbal.roll_deg));
    match track.flight_id.as_deref() {
        Some(flight_id) => line.field("flight_id", FieldValue::Text(flight_id)),
        None => line,
    }
}

fn station_fields(line: Line, measurements: &[Measurement]) -> Line {
    measurements.iter().fold(line, |line, one| line.float(one.quantity.as_str(), Some(one.value)))
}

fn heartbeat_fields(line: Line, heartbeat: &Heartbeat) -> Line {
    let status = heartbeat.status.map(|status| match status {
        HeartbeatStatus::Ok => "ok",
        HeartbeatStatus::Degraded => "degraded",
        HeartbeatStatus::Fault => "fault",
    });
    let line = match status {
        Some(status) => line.field("status", FieldValue::Text(status)),
        None => line,
    };
    let line = match heartbeat.uptime_s {
        Some(uptime_s) => line.field("uptime_s", FieldValue::Unsigned(uptime_s)),
        None => line,
    };
    line.float("battery_percent", heartbeat.battery_percent)
        .float("signal_dbm", heartbeat.signal_dbm)
        .float("temperature_c", heartbeat.temperature_c)
        .float("storage_free_mb", heartbeat.storage_free_mb)
        .float("pan_deg", heartbeat.pan_tilt.map(|head| head.pan_deg))
        .float("tilt_deg", heartbeat.pan_tilt.map(|head| head.tilt_deg))
        .float("zoom", heartbeat.pan_tilt.map(|head| head.zoom))
}
