//! How the pictures of a camera are looked at, and whether they are at all.
//!
//! In: the configuration, the registry, and what cameras and drones say of where they look.   Out: [`Terms`], and [`Unseen`] where
//! the model would not know. Time is that of the journal, so that the same journal gives the same choice.

use model::{Body, Device, DeviceId, DeviceKind, Look, Reading, Timestamp, Unseen};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// What a drone said of its gimbal longer ago than this says nothing of a picture.
const ATTITUDE_AGE_MAX: Duration = Duration::from_secs(30);

/// A lens does not become dirty by the second, and a picture is decoded once more for it.
const MEASURED_EVERY: Duration = Duration::from_secs(120);

/// How pictures are looked at.
#[derive(Debug, Clone)]
pub struct VisionConfig {
    /// How many pictures at a time; each takes a core.
    pub workers: NonZeroUsize,
    /// How much of its time a worker works, 1 to 100; for the rest it pauses.
    pub share_percent: u32,
    /// How many pictures of one camera may wait.
    pub waiting: NonZeroUsize,
    /// Cameras that stand.
    pub fixed: Terms,
    /// Cameras that fly.
    pub drone: Terms,
    /// Single ones that differ from their kind.
    pub devices: BTreeMap<DeviceId, Terms>,
}

/// How the pictures of one camera, or of one kind of camera, are looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// Threshold, region and masks.
    pub look: Arc<Look>,
    /// At most one picture in this time.
    pub interval: Duration,
    /// Below the horizon, degrees: a picture from steeper above is unknown.
    pub steepest_deg: f64,
    /// Whether the model can be used for it at all.
    pub fit: bool,
}

impl VisionConfig {
    /// For this device.
    pub fn of(&self, device: &Device) -> &Terms {
        let kind = if device.kind == DeviceKind::Drone { &self.drone } else { &self.fixed };
        self.devices.get(&device.id).unwrap_or(kind)
    }
}

/// What cameras said. One entry for each device that is registered and speaks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Above the horizon positive, degrees; and of when.
    pitch: HashMap<DeviceId, (f64, Timestamp)>,
    /// Of which time the last picture is that was looked at.
    last: HashMap<DeviceId, Timestamp>,
    /// The same of the last that was measured.
    measured: HashMap<DeviceId, Timestamp>,
}

impl Known {
    /// Where it looks now.
    pub fn learn(&mut self, reading: &Reading) {
        let pitch_deg = match &reading.body {
            Body::Track(track) => track.gimbal.map(|gimbal| gimbal.pitch_deg),
            Body::Heartbeat(heartbeat) => heartbeat.pan_tilt.map(|head| head.tilt_deg),
            _ => None,
        };
        if let Some(pitch_deg) = pitch_deg {
            self.pitch.insert(reading.device.clone(), (pitch_deg, reading.happened_at()));
        }
    }

    /// Whether enough time went by since the last picture; then this is the last.
    pub fn is_due(&mut self, reading: &Reading, terms: &Terms) -> bool {
        let at = reading.happened_at();
        if self.last.get(&reading.device).is_some_and(|last| at.since(*last) < terms.interval && at >= *last) {
            return false;
        }
        self.last.insert(reading.device.clone(), at);
        true
    }

    /// Whether enough time went by since a picture of this camera was measured; then this one is.
    pub fn is_measured(&mut self, reading: &Reading) -> bool {
        let at = reading.happened_at();
        if self.measured.get(&reading.device).is_some_and(|last| at.since(*last) < MEASURED_EVERY && at >= *last) {
            return false;
        }
        self.measured.insert(reading.device.clone(), at);
        true
    }

    /// Why the model would not know what is in the picture.
    pub fn unfit(&self, device: &Device, picture: &Reading, terms: &Terms) -> Option<Unseen> {
        if !terms.fit {
            return Some(Unseen::Unfit);
        }
        let said = self.pitch.get(&device.id);
        let pitch_deg = if device.kind == DeviceKind::Drone {
            let at = picture.happened_at();
            let fresh = |of: Timestamp| at.since(of).max(of.since(at)) <= ATTITUDE_AGE_MAX;
            let Some((pitch_deg, _)) = said.filter(|(_, of)| fresh(*of)) else { return Some(Unseen::NoAttitude) };
            *pitch_deg
        } else {
            // A head that does not turn stands as it was surveyed; of one that nobody surveyed, most look across the land.
            said.map(|(pitch_deg, _)| *pitch_deg).or(device.pose.map(|pose| pose.pitch_deg)).unwrap_or(0.0)
        };
        let down_deg = -pitch_deg;
        (down_deg > terms.steepest_deg).then_some(Unseen::TooSteep { down_deg })
    }
}
