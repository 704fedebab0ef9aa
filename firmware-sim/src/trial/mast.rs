//! A camera on a mast: it believes its survey, and its survey is a little wrong.
//!
//! In:  where herds are.   Out: heartbeats and sightings, on the ground or as boxes.

use super::stage::{About, Stage};
use super::walk::{Flock, Group};
use super::way::Way;
use crate::devices::eye::Eye;
use crate::devices::look::{Certainty, Look, PicturePoint};
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::{HerdPlan, Sends, SimDevice};
use crate::score::By;
use serde_json::{Map, Value, json};

/// What the firmware claims of its own attitude when it tells places itself.
const CLAIMED: Certainty = Certainty { yaw_deg: 0.2, pitch_deg: 0.15, height_m: 1.0, middle_m: 6.0 };
/// What a detector takes for the middle of a herd strays by this share of its radius.
const MIDDLE: f64 = 0.25;

/// A mast and its camera.
pub(super) struct Mast {
    pub(super) id: String,
    pub(super) surveyed: Look,
    pub(super) sends: Sends,
    pub(super) every_ms: usize,
    /// How wrong the survey is, one standard deviation each: yaw and pitch in degrees, height in metres.
    pub(super) survey_error: (f64, f64, f64),
    /// How much it sways from picture to picture, degrees.
    pub(super) sway_deg: f64,
    /// Pictures in which it takes a bush for an animal.
    pub(super) ghosts: f64,
    pub(super) way: Way,
}

impl Mast {
    /// One that looks at a place from some way off. Cameras that tell places themselves are calibrated well, others are not.
    pub(super) fn facing(id: &str, spot: Spot, height_m: f64, target: Spot, sends: Sends) -> Self {
        let pitch_deg = -(height_m / spot.distance_m(target)).atan().to_degrees();
        let (survey_error, sway_deg) = match sends {
            Sends::Ground => ((0.18, 0.13, 1.0), 0.07),
            // Together the degree and the three metres of the protocol notes' table.
            Sends::Box => ((0.8, 0.8, 3.0), 0.6),
        };
        Self {
            id: id.to_owned(),
            surveyed: Look { spot, height_m, yaw_deg: spot.bearing_deg(target), pitch_deg, hfov_deg: 60.0 },
            sends,
            every_ms: 10_000,
            survey_error,
            sway_deg,
            ghosts: 0.0005,
            way: Way::good(),
        }
    }

    /// Looks for the whole trial.
    pub(super) fn watch(self, stage: &mut Stage) {
        let mut rng = stage.chance(&self.id);
        let (yaw_deg, pitch_deg, height_m) = self.survey_error;
        let real = Look {
            yaw_deg: self.surveyed.yaw_deg + rng.normal(0.0, yaw_deg),
            pitch_deg: self.surveyed.pitch_deg + rng.normal(0.0, pitch_deg),
            height_m: self.surveyed.height_m + rng.normal(0.0, height_m),
            ..self.surveyed
        };
        let place = stage.degrees(self.surveyed.spot);
        let device = SimDevice {
            lat: Some(place.lat),
            lon: Some(place.lon),
            height_m: Some(self.surveyed.height_m),
            yaw_deg: Some(self.surveyed.yaw_deg),
            pitch_deg: Some(self.surveyed.pitch_deg),
            hfov_deg: Some(self.surveyed.hfov_deg),
            ..SimDevice::named(self.id.clone(), "camera", "", 60)
        };
        let mut voice = stage.register(device, self.way);
        let mut eye = Eye::new(stage.seed, &format!("{}/{}", stage.name, self.id));
        let begin_ms = stage.from_ms + rng.whole(0, self.every_ms as u64) as i64;
        let mut next_heartbeat_ms = begin_ms;
        for at_ms in (begin_ms..stage.to_ms).step_by(self.every_ms) {
            if at_ms >= next_heartbeat_ms {
                next_heartbeat_ms += 60_000;
                stage.say(&mut voice, "heartbeat", at_ms, self.heartbeat(), None);
            }
            let look = Look {
                yaw_deg: real.yaw_deg + rng.normal(0.0, self.sway_deg),
                pitch_deg: real.pitch_deg + rng.normal(0.0, self.sway_deg),
                ..real
            };
            for flock in 0..stage.flocks.len() {
                for (place, fields) in self.sightings(stage, flock, at_ms, look, &mut eye) {
                    stage.say(&mut voice, "sighting", at_ms, fields, Some(About { flock, place, by: By::Picture }));
                }
            }
            if rng.chance(self.ghosts) {
                stage.say(&mut voice, "sighting", at_ms, self.ghost(stage, &mut rng), None);
            }
        }
    }

    fn sightings(
        &self,
        stage: &Stage,
        number: usize,
        at_ms: i64,
        look: Look,
        eye: &mut Eye,
    ) -> Vec<(Spot, Map<String, Value>)> {
        let Some(flock) = stage.flocks.get(number) else { return Vec::new() };
        let middle = flock.middle(at_ms);
        let range_m = look.spot.distance_m(middle);
        if !eye.notices(range_m) {
            return Vec::new();
        }
        let mut sightings = Vec::new();
        for (kind, group) in flock.groups.iter().enumerate() {
            let taken_for_middle = strayed(middle, flock, eye.rng());
            let Some(at) = look.picture_point(taken_for_middle) else { continue };
            let Some(told) = self.place(stage, at) else { continue };
            let mut fields = recognised(eye, *group, range_m, track(number, kind));
            fields.extend(told);
            // A place is claimed for the middle of the herd; a box is drawn around what is in it.
            let meant = if self.sends == Sends::Ground { middle } else { taken_for_middle };
            sightings.push((meant, fields));
        }
        sightings
    }

    /// How it tells a point of its picture.
    fn place(&self, stage: &Stage, at: PicturePoint) -> Option<Map<String, Value>> {
        let told = match self.sends {
            Sends::Box => json!({"box": small_box(at)}),
            Sends::Ground => {
                let spot = self.surveyed.ground_point(at)?;
                let place = stage.degrees(spot);
                let accuracy_m = self.surveyed.accuracy_m(self.surveyed.spot.distance_m(spot), CLAIMED);
                json!({"lat": place.lat, "lon": place.lon, "accuracy_m": (accuracy_m * 10.0).round() / 10.0})
            }
        };
        told.as_object().cloned()
    }

    fn ghost(&self, stage: &Stage, rng: &mut Rng) -> Map<String, Value> {
        let at = PicturePoint { x: rng.between(0.1, 0.9), y: rng.between(0.5, 0.95) };
        let mut fields = self.place(stage, at).unwrap_or_default();
        fields.insert("species".to_owned(), "sheep".into());
        fields.insert("count".to_owned(), rng.whole(1, 3).into());
        fields.insert("confidence".to_owned(), ((rng.between(0.25, 0.6) * 100.0).round() / 100.0).into());
        if !fields.contains_key("box") && !fields.contains_key("lat") {
            fields.insert("box".to_owned(), small_box(at));
        }
        fields
    }

    fn heartbeat(&self) -> Map<String, Value> {
        let pose = json!({"pan_deg": 0.0, "tilt_deg": self.surveyed.pitch_deg, "zoom": 1.0});
        json!({"status": "ok", "pose": pose}).as_object().cloned().unwrap_or_default()
    }
}

/// What a detector takes for the middle of a herd.
pub(super) fn strayed(middle: Spot, flock: &Flock, rng: &mut Rng) -> Spot {
    let off_m = MIDDLE * flock.radius_m;
    Spot { east_m: middle.east_m + rng.normal(0.0, off_m), north_m: middle.north_m + rng.normal(0.0, off_m) }
}

/// What a detector says of some animals, but for their place.
pub(super) fn recognised(eye: &mut Eye, group: Group, range_m: f64, track: u64) -> Map<String, Value> {
    let plan = HerdPlan {
        id: String::new(),
        species: group.species,
        count: group.count,
        young: group.young,
        radius_m: 0.0,
        speed_mps: 0.0,
        start: Spot::default(),
        stops: Vec::new(),
        watch: Spot::default(),
        zone: 0,
    };
    eye.sighting(&plan, range_m, track)
}

/// A detector follows each kind of animal by itself.
pub(super) fn track(flock: usize, kind: usize) -> u64 {
    (flock * 10 + kind) as u64
}

/// A box whose lower edge's middle is the point.
pub(super) fn small_box(at: PicturePoint) -> Value {
    let half = 0.01_f64.min(at.x).min(1.0 - at.x).max(0.0005);
    let height = 0.02_f64.min(at.y).max(0.0005);
    let round = |value: f64| (value * 1e5).round() / 1e5;
    json!({"x": round(at.x - half).max(0.0), "y": round(at.y - height).max(0.0), "w": round(2.0 * half), "h": round(height)})
}
