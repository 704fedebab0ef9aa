//! A camera on a mast: heartbeat, pictures, and a sighting every few seconds while a herd is in view.
//!
//! In:  the world, each step.   Out: messages of `heartbeat`, `sighting` and `snapshot/{id}`, and a line of truth per sighting.
//!
//! Its real attitude is a little off the surveyed one. The picture is taken with the real one, the place is worked out with
//! the surveyed one, as in the field.

use super::eye::Eye;
use super::look::{Certainty, Look, PicturePoint};
use super::message::{Every, TimeForm, Voice, fields, rounded};
use super::{Context, Output, jpeg};
use crate::ground::{self, Spot};
use crate::rng::Rng;
use crate::scenario::{CameraPlan, Sends};
use crate::truth::TruthLine;
use crate::world::{Herd, SimTime};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// What a mast camera claims about itself.
const CERTAINTY: Certainty = Certainty { yaw_deg: 0.2, pitch_deg: 0.15, height_m: 1.0, middle_m: 6.0 };
/// Blocks of 8 pixels: 320 x 184.
const PICTURE_BLOCKS: (u16, u16) = (40, 23);

/// A camera at work.
#[derive(Debug, Clone)]
pub struct Camera {
    plan: CameraPlan,
    voice: Voice,
    eye: Eye,
    bias_deg: (f64, f64),
    heartbeat: Every,
    sighting: Every,
    snapshot: Every,
    last_snapshot: Option<(String, SimTime)>,
    frame_hash: String,
}

impl Camera {
    /// A camera that has just been switched on: its first heartbeat and its first look come within seconds.
    pub fn new(plan: &CameraPlan, context: &Context<'_>, skew_ms: i64) -> Self {
        let seed = context.scenario.seed;
        let mut rng = Rng::new(seed, &plan.id);
        let cadence = &context.scenario.plan.cadence;
        Self {
            plan: plan.clone(),
            voice: Voice::new(context.tenant, &plan.id, TimeForm::Text, skew_ms),
            eye: Eye::new(seed, &plan.id),
            bias_deg: (rng.normal(0.0, 0.15), rng.normal(0.0, 0.1)),
            heartbeat: Every::new(cadence.heartbeat_s, rng.whole(0, 3_000)),
            sighting: Every::new(cadence.sighting_s, rng.whole(1_000, 6_000)),
            snapshot: Every::new(cadence.snapshot_s, rng.whole(5_000, 60_000)),
            last_snapshot: None,
            frame_hash: String::new(),
        }
    }

    /// Says what is due.
    pub fn speak(&mut self, context: &Context<'_>, out: &mut Output) {
        let now = context.world.now();
        if self.snapshot.due(now) {
            self.take_picture(None, context, out);
        }
        if self.sighting.due(now) {
            for (index, herd) in context.world.herds().iter().enumerate() {
                self.look_for(index, herd, context, out);
            }
        }
        if self.heartbeat.due(now) {
            let fields = self.heartbeat(now);
            out.messages.push(self.voice.json("heartbeat", now, &context.timing, fields));
        }
    }

    /// As it was surveyed.
    fn surveyed(&self) -> Look {
        let CameraPlan { spot, height_m, yaw_deg, pitch_deg, hfov_deg, .. } = self.plan;
        Look { spot, height_m, yaw_deg, pitch_deg, hfov_deg }
    }

    fn look_for(&mut self, index: usize, herd: &Herd, context: &Context<'_>, out: &mut Output) {
        let surveyed = self.surveyed();
        let real = Look {
            yaw_deg: surveyed.yaw_deg + self.bias_deg.0 + self.eye.rng().normal(0.0, 0.05),
            pitch_deg: surveyed.pitch_deg + self.bias_deg.1 + self.eye.rng().normal(0.0, 0.04),
            ..surveyed
        };
        let range_m = surveyed.spot.distance_m(herd.centre());
        let noticed = self.eye.notices(range_m);
        let Some(point) = real.picture_point(herd.centre()).filter(|_| noticed) else { return };
        let place = match self.plan.sends {
            Sends::Box => Some(bounding_box(point, herd.plan().radius_m / range_m, &surveyed)),
            Sends::Ground => surveyed.ground_point(point).map(|spot| {
                let accuracy_m = surveyed.accuracy_m(surveyed.spot.distance_m(spot), CERTAINTY);
                on_ground(context, spot, accuracy_m)
            }),
        };
        let Some(place) = place else { return };
        let now = context.world.now();
        let (track, is_new) = self.eye.follow(index, now);
        if is_new {
            self.take_picture(Some(point), context, out);
        }
        let mut fields = self.eye.sighting(herd.plan(), range_m, track);
        fields.extend(place);
        let kept_ms = context.scenario.plan.cadence.snapshot_s * 1_000;
        let recent = self.last_snapshot.as_ref().filter(|(_, taken)| now.0 - taken.0 <= kept_ms);
        fields.extend(recent.map(|(id, _)| ("snapshot_id".to_owned(), id.as_str().into())));
        out.messages.push(self.voice.json("sighting", now, &context.timing, fields));
        out.truth.push(TruthLine::seen(context, self.voice.device(), herd, range_m));
    }

    fn take_picture(&mut self, herd: Option<PicturePoint>, context: &Context<'_>, out: &mut Output) {
        let now = context.world.now();
        let (columns, rows) = PICTURE_BLOCKS;
        let shades: Vec<u8> = (0..u32::from(columns) * u32::from(rows))
            .map(|block| {
                let (column, row) = (block % u32::from(columns), block / u32::from(columns));
                let at = PicturePoint {
                    x: (f64::from(column) + 0.5) / f64::from(columns),
                    y: (f64::from(row) + 0.5) / f64::from(rows),
                };
                let grazed = herd.is_some_and(|herd| (at.x - herd.x).abs() < 0.12 && (at.y - herd.y).abs() < 0.05);
                let shade = if at.y < 0.25 { 210.0 } else { 110.0 + 40.0 * at.y };
                let animal = grazed && self.eye.rng().chance(0.5);
                (if animal { 35.0 } else { shade } + self.eye.rng().normal(0.0, 4.0)).clamp(0.0, 255.0) as u8
            })
            .collect();
        let picture = jpeg::encode(columns, rows, &shades);
        self.frame_hash = Sha256::digest(&picture).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}-{}", self.plan.id, self.voice.own_unix_ms(context.timing.unix_ms(now)));
        out.messages.push(self.voice.native(&format!("snapshot/{id}"), now, &context.timing, picture.into()));
        self.last_snapshot = Some((id, now));
    }

    fn heartbeat(&mut self, now: SimTime) -> Map<String, Value> {
        let rng = self.eye.rng();
        let mut fields = fields([
            ("status", "ok".into()),
            ("uptime_s", (now.0 / 1_000).into()),
            ("signal_dbm", rounded(rng.normal(-78.0, 4.0), 0)),
            ("temperature_c", rounded(rng.normal(12.0, 2.0), 1)),
            ("storage_free_mb", (48_000 - (now.0 / 60_000).min(40_000)).into()),
            // The head stands at its zero: `tilt_deg` is the angle to the horizon, as surveyed.
            ("pose", json!({ "pan_deg": 0.0, "tilt_deg": self.plan.pitch_deg, "zoom": 1.0 })),
        ]);
        if !self.frame_hash.is_empty() {
            fields.insert("frame_hash".to_owned(), self.frame_hash.as_str().into());
        }
        fields
    }
}

/// The herd's part of the picture. Its lower edge's middle is where the middle of the herd stands.
fn bounding_box(at: PicturePoint, half_angle: f64, look: &Look) -> Map<String, Value> {
    let half_width = half_angle / (look.hfov_deg / 2.0).to_radians().tan() / 2.0;
    let half_width = half_width.min(at.x).min(1.0 - at.x).max(0.0005);
    let height = (half_width * 0.6).min(at.y).max(0.0005);
    let part = json!({
        "x": rounded(at.x - half_width, 5), "y": rounded(at.y - height, 5),
        "w": rounded(2.0 * half_width, 5), "h": rounded(height, 5),
    });
    fields([("box", part)])
}

/// A place on the ground as the contract writes it.
pub(super) fn on_ground(context: &Context<'_>, spot: Spot, accuracy_m: f64) -> Map<String, Value> {
    let place = context.scenario.plane.degrees(spot);
    fields([
        ("lat", ground::round_deg(place.lat).into()),
        ("lon", ground::round_deg(place.lon).into()),
        ("accuracy_m", rounded(accuracy_m, 1)),
    ])
}
