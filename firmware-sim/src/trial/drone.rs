//! A drone that sweeps a field: where it flies it tells every two seconds, what it sees in between.
//!
//! In:  where herds are.   Out: tracks and sightings as boxes, patrol after patrol.

use super::mast::{recognised, small_box, strayed, track};
use super::stage::{About, Stage};
use super::way::Way;
use crate::devices::eye::Eye;
use crate::devices::look::Look;
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::SimDevice;
use crate::score::By;
use serde_json::{Map, Value, json};

/// How long it charges between two patrols.
const CHARGES_MS: i64 = 20 * 60_000;
const SPEED_MPS: f64 = 9.0;
const HEIGHT_M: f64 = 100.0;
const PITCH_DEG: f64 = -50.0;
const HFOV_DEG: f64 = 72.0;
/// Where it is told and what it sees are a moment apart.
const TELLS_EVERY_MS: i64 = 2_000;
const SEES_AFTER_MS: i64 = 900;

/// A drone and its lanes.
pub(super) struct Drone {
    pub(super) id: String,
    /// West, south, east, north of what it sweeps, metres.
    pub(super) field: [f64; 4],
    /// Between two lanes.
    pub(super) lane_m: f64,
    pub(super) way: Way,
}

/// How wrong it is about itself in one patrol.
struct Errors {
    east_m: f64,
    north_m: f64,
    height_m: f64,
    yaw_deg: f64,
    pitch_deg: f64,
}

impl Drone {
    /// Flies for the whole trial.
    pub(super) fn sweep(self, stage: &mut Stage) {
        let mut rng = stage.chance(&self.id);
        let lanes = self.lanes();
        let base = stage.degrees(lanes.first().copied().unwrap_or_default());
        let device = SimDevice {
            lat: Some(base.lat),
            lon: Some(base.lon),
            height_m: Some(0.0),
            yaw_deg: Some(0.0),
            pitch_deg: Some(PITCH_DEG),
            hfov_deg: Some(HFOV_DEG),
            ..SimDevice::named(self.id.clone(), "drone", "", 60)
        };
        let mut voice = stage.register(device, self.way);
        let mut eye = Eye::new(stage.seed, &format!("{}/{}", stage.name, self.id));
        let mut begin_ms = stage.from_ms + rng.whole(0, 600_000) as i64;
        let flight_ms = (length_m(&lanes) / SPEED_MPS * 1_000.0) as i64;
        while begin_ms + flight_ms < stage.to_ms {
            let errors = Errors::of_a_patrol(&mut rng);
            for since_ms in (0..flight_ms).step_by(TELLS_EVERY_MS as usize) {
                let at_ms = begin_ms + since_ms;
                let told = errors.track(stage, look(&lanes, since_ms), &mut rng);
                stage.say(&mut voice, "track", at_ms, told, None);
                let real = errors.real(look(&lanes, since_ms + SEES_AFTER_MS), &mut rng);
                for flock in 0..stage.flocks.len() {
                    let seen = sightings(stage, flock, at_ms + SEES_AFTER_MS, real, &mut eye);
                    for (place, fields) in seen {
                        let about = About { flock, place, by: By::Picture };
                        stage.say(&mut voice, "sighting", at_ms + SEES_AFTER_MS, fields, Some(about));
                    }
                }
            }
            begin_ms += flight_ms + CHARGES_MS;
        }
    }

    /// Up and down from west to east.
    fn lanes(&self) -> Vec<Spot> {
        let [west_m, south_m, east_m, north_m] = self.field;
        let mut corners = Vec::new();
        let mut at_m = west_m;
        let mut up = true;
        while at_m <= east_m {
            let ends = if up { [south_m, north_m] } else { [north_m, south_m] };
            corners.extend(ends.map(|north_m| Spot { east_m: at_m, north_m }));
            (at_m, up) = (at_m + self.lane_m, !up);
        }
        corners
    }
}

impl Errors {
    fn of_a_patrol(rng: &mut Rng) -> Self {
        Self {
            east_m: rng.normal(0.0, 1.5),
            north_m: rng.normal(0.0, 1.5),
            height_m: rng.normal(0.0, 2.5),
            yaw_deg: rng.normal(0.0, 0.8),
            pitch_deg: rng.normal(0.0, 0.4),
        }
    }

    /// How it really looks when it believes to look so.
    fn real(&self, look: Look, rng: &mut Rng) -> Look {
        Look {
            height_m: look.height_m + self.height_m,
            yaw_deg: look.yaw_deg + self.yaw_deg + rng.normal(0.0, 0.4),
            pitch_deg: look.pitch_deg + self.pitch_deg + rng.normal(0.0, 0.3),
            ..look
        }
    }

    fn track(&self, stage: &Stage, look: Look, rng: &mut Rng) -> Map<String, Value> {
        let told = Spot {
            east_m: look.spot.east_m + self.east_m + rng.normal(0.0, 0.3),
            north_m: look.spot.north_m + self.north_m + rng.normal(0.0, 0.3),
        };
        let place = stage.degrees(told);
        let gimbal = json!({"pitch_deg": look.pitch_deg, "yaw_deg": look.yaw_deg, "roll_deg": 0.0});
        let track = json!({
            "lat": place.lat, "lon": place.lon, "height_m": look.height_m, "speed_mps": SPEED_MPS,
            "heading_deg": look.yaw_deg, "gimbal": gimbal, "accuracy_m": 1.5,
        });
        track.as_object().cloned().unwrap_or_default()
    }
}

fn sightings(stage: &Stage, number: usize, at_ms: i64, real: Look, eye: &mut Eye) -> Vec<(Spot, Map<String, Value>)> {
    let Some(flock) = stage.flocks.get(number) else { return Vec::new() };
    let middle = flock.middle(at_ms);
    if real.picture_point(middle).is_none() || !eye.notices(real.spot.distance_m(middle)) {
        return Vec::new();
    }
    let mut sightings = Vec::new();
    for (kind, group) in flock.groups.iter().enumerate() {
        let taken_for_middle = strayed(middle, flock, eye.rng());
        let Some(at) = real.picture_point(taken_for_middle) else { continue };
        let mut fields = recognised(eye, *group, real.spot.distance_m(middle), track(number, kind));
        fields.insert("box".to_owned(), small_box(at));
        sightings.push((taken_for_middle, fields));
    }
    sightings
}

fn length_m(corners: &[Spot]) -> f64 {
    corners.windows(2).filter_map(|pair| Some(pair.first()?.distance_m(*pair.last()?))).sum()
}

/// Where it is and how it looks so long after take-off.
fn look(corners: &[Spot], since_ms: i64) -> Look {
    let mut left_m = since_ms as f64 / 1_000.0 * SPEED_MPS;
    let (mut spot, mut yaw_deg) = (corners.last().copied().unwrap_or_default(), 0.0);
    for pair in corners.windows(2) {
        let (Some(from), Some(to)) = (pair.first(), pair.last()) else { continue };
        let leg_m = from.distance_m(*to);
        yaw_deg = from.bearing_deg(*to);
        if left_m <= leg_m {
            spot = from.toward(yaw_deg, left_m);
            break;
        }
        left_m -= leg_m;
    }
    Look { spot, height_m: HEIGHT_M, yaw_deg, pitch_deg: PITCH_DEG, hfov_deg: HFOV_DEG }
}
