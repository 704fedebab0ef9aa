//! `heartbeat`: a sign of life and how the device feels.
//!
//! In: its JSON.   Out: [`model::Heartbeat`]. A heartbeat without a `status` is taken for `ok`: that it came is the news.

use super::super::fields::{required, within, within_if_said, word};
use super::super::json::{self, Label};
use super::super::time::RawTime;
use super::Message;
use model::{Body, Heartbeat, HeartbeatStatus, PanTilt, Reject};
use serde::Deserialize;

/// A hundred years: more is a broken counter.
const UPTIME_MAX_S: f64 = 3.2e9;
/// A petabyte: more is a broken counter or another unit.
pub(in crate::decode) const STORAGE_FREE_MAX_MB: f64 = 1e9;

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    status: Option<String>,
    uptime_s: Option<f64>,
    battery_percent: Option<f64>,
    signal_dbm: Option<f64>,
    temperature_c: Option<f64>,
    storage_free_mb: Option<f64>,
    #[serde(default, deserialize_with = "json::nested")]
    pose: Option<WirePose>,
    frame_hash: Option<Label>,
    firmware: Option<Label>,
}

#[derive(Deserialize)]
struct WirePose {
    pan_deg: Option<f64>,
    tilt_deg: Option<f64>,
    zoom: Option<f64>,
    target_pan_deg: Option<f64>,
    target_tilt_deg: Option<f64>,
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let status = self.status.map_or(Ok(HeartbeatStatus::Ok), |said| {
            word("status", &said, "ok, degraded, fault", |said| match said {
                "ok" => Some(HeartbeatStatus::Ok),
                "degraded" => Some(HeartbeatStatus::Degraded),
                "fault" => Some(HeartbeatStatus::Fault),
                _ => None,
            })
        })?;
        let pan_tilt_target = self.pose.as_ref().map(target).transpose()?.flatten();
        Ok(Body::Heartbeat(Heartbeat {
            status: Some(status),
            // Some devices count with fractions; whole seconds are enough.
            uptime_s: within_if_said("uptime_s", self.uptime_s, 0.0, UPTIME_MAX_S)?.map(|seconds| seconds as u64),
            battery_percent: within_if_said("battery_percent", self.battery_percent, 0.0, 100.0)?,
            signal_dbm: within_if_said("signal_dbm", self.signal_dbm, -200.0, 50.0)?,
            temperature_c: within_if_said("temperature_c", self.temperature_c, -90.0, 150.0)?,
            storage_free_mb: within_if_said("storage_free_mb", self.storage_free_mb, 0.0, STORAGE_FREE_MAX_MB)?,
            pan_tilt: self.pose.map(pan_tilt).transpose()?,
            pan_tilt_target,
            frame_hash: Label::checked("frame_hash", self.frame_hash)?,
            firmware: Label::checked("firmware", self.firmware)?,
        }))
    }
}

/// A head without a zoom lens leaves `zoom` out.
fn pan_tilt(pose: WirePose) -> Result<PanTilt, Reject> {
    Ok(PanTilt {
        pan_deg: within("pose.pan_deg", required("pose.pan_deg", pose.pan_deg)?, -360.0, 360.0)?,
        tilt_deg: within("pose.tilt_deg", required("pose.tilt_deg", pose.tilt_deg)?, -180.0, 180.0)?,
        zoom: within("pose.zoom", pose.zoom.unwrap_or(1.0), 1.0, 1_000.0)?,
    })
}

/// Where the head was told to point, if the camera says both angles.
fn target(pose: &WirePose) -> Result<Option<PanTilt>, Reject> {
    let Some((pan_deg, tilt_deg)) = pose.target_pan_deg.zip(pose.target_tilt_deg) else { return Ok(None) };
    Ok(Some(PanTilt {
        pan_deg: within("pose.target_pan_deg", pan_deg, -360.0, 360.0)?,
        tilt_deg: within("pose.target_tilt_deg", tilt_deg, -180.0, 180.0)?,
        zoom: within("pose.zoom", pose.zoom.unwrap_or(1.0), 1.0, 1_000.0)?,
    }))
}
