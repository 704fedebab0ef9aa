//! A patrol drone: where it is (natively or as DJI osd), that it lives, and what it sees below.
//!
//! In:  the world, each step.   Out: messages of `track` or `thing/product/{sn}/osd`, `heartbeat`, `sighting`, and truth.
//!
//! A DJI airframe has no word for animals; its sightings come from a companion computer under the same id, natively.

use super::camera::on_ground;
use super::eye::Eye;
use super::look::{Certainty, Look};
use super::message::{Every, TimeForm, Voice, fields, rounded};
use super::{Context, Output, dji};
use crate::ground;
use crate::rng::Rng;
use crate::scenario::{DronePlan, GROUND_ALT_M};
use crate::truth::TruthLine;
use crate::world::{self, Errand};
use serde_json::json;

/// Where its camera looks: halfway down, to see far enough ahead.
pub(super) const GIMBAL_PITCH_DEG: f64 = -45.0;
/// Width of view of a usual wide camera.
const HFOV_DEG: f64 = 84.0;
/// What a drone claims about itself.
const CERTAINTY: Certainty = Certainty { yaw_deg: 1.0, pitch_deg: 0.5, height_m: 3.0, middle_m: 6.0 };
/// Lower than this it is taking off or standing; nothing it sees is worth telling.
const MIN_SIGHTING_HEIGHT_M: f64 = 20.0;

/// A drone at work.
#[derive(Debug, Clone)]
pub struct Drone {
    plan: DronePlan,
    index: usize,
    voice: Voice,
    eye: Eye,
    track: Every,
    sighting: Every,
    heartbeat: Every,
}

impl Drone {
    /// A drone whose radio has just come up.
    pub fn new(plan: &DronePlan, index: usize, context: &Context<'_>, skew_ms: i64) -> Self {
        let mut rng = Rng::new(context.scenario.seed, &format!("{}/radio", plan.id));
        let cadence = &context.scenario.plan.cadence;
        let track_s = if plan.dji_serial.is_some() { cadence.dji_osd_s } else { cadence.drone_track_s };
        Self {
            plan: plan.clone(),
            index,
            voice: Voice::new(context.tenant, &plan.id, TimeForm::Millis, skew_ms),
            eye: Eye::new(context.scenario.seed, &plan.id),
            track: Every::new(track_s, rng.whole(0, 1_000)),
            sighting: Every::new(cadence.sighting_s, rng.whole(0, 3_000)),
            heartbeat: Every::new(cadence.heartbeat_s, rng.whole(0, 3_000)),
        }
    }

    /// Says what is due.
    pub fn speak(&mut self, context: &Context<'_>, out: &mut Output) {
        let Some(state) = context.world.drones().get(self.index) else { return };
        let now = context.world.now();
        if self.track.due(now) {
            let message = match self.plan.dji_serial.clone() {
                Some(serial) => {
                    let own_unix_ms = self.voice.own_unix_ms(context.timing.unix_ms(now));
                    let payload = dji::osd(state, &serial, own_unix_ms, &context.scenario.plane, self.eye.rng());
                    self.voice.on(format!("thing/product/{serial}/osd"), now, &context.timing, payload.into())
                }
                None => self.native_track(state, context),
            };
            out.messages.push(message);
        }
        if self.sighting.due(now) && state.height_m() > MIN_SIGHTING_HEIGHT_M {
            self.look_down(state, context, out);
        }
        if self.heartbeat.due(now) {
            let fields = fields([
                ("status", "ok".into()),
                ("uptime_s", (now.0 / 1_000).into()),
                ("battery_percent", rounded(state.battery_percent(), 0)),
                ("signal_dbm", rounded(self.eye.rng().normal(-72.0, 5.0), 0)),
            ]);
            out.messages.push(self.voice.json("heartbeat", now, &context.timing, fields));
        }
    }

    fn native_track(&mut self, state: &world::Drone, context: &Context<'_>) -> super::Message {
        let place = context.scenario.plane.degrees(state.spot());
        let rng = self.eye.rng();
        let fields = fields([
            ("lat", ground::round_deg(place.lat + rng.normal(0.0, 1e-6)).into()),
            ("lon", ground::round_deg(place.lon + rng.normal(0.0, 1e-6)).into()),
            ("alt_m", rounded(GROUND_ALT_M + state.height_m() + rng.normal(0.0, 0.5), 1)),
            ("height_m", rounded(state.height_m(), 1)),
            ("speed_mps", rounded(state.speed_mps(), 1)),
            ("heading_deg", rounded(state.heading_deg(), 1)),
            ("battery_percent", rounded(state.battery_percent(), 0)),
            (
                "gimbal",
                json!({
                    "pitch_deg": GIMBAL_PITCH_DEG, "yaw_deg": rounded(state.heading_deg(), 1), "roll_deg": 0.0,
                }),
            ),
            ("hdop", rounded(rng.between(0.6, 1.1), 1)),
            ("accuracy_m", rounded(rng.between(0.8, 2.0), 1)),
            ("flight_id", format!("{}-f{}", self.plan.id, state.flight()).into()),
        ]);
        self.voice.json("track", context.world.now(), &context.timing, fields)
    }

    fn look_down(&mut self, state: &world::Drone, context: &Context<'_>, out: &mut Output) {
        let believed = Look {
            spot: state.spot(),
            height_m: state.height_m(),
            yaw_deg: state.heading_deg(),
            pitch_deg: GIMBAL_PITCH_DEG,
            hfov_deg: HFOV_DEG,
        };
        for (index, herd) in context.world.herds().iter().enumerate() {
            let real = Look {
                yaw_deg: believed.yaw_deg + self.eye.rng().normal(0.0, 1.0),
                pitch_deg: believed.pitch_deg + self.eye.rng().normal(0.0, 0.5),
                ..believed
            };
            let range_m = believed.spot.distance_m(herd.centre());
            let noticed = self.eye.notices(range_m);
            let point = real.picture_point(herd.centre()).filter(|_| noticed);
            let Some(spot) = point.and_then(|point| believed.ground_point(point)) else { continue };
            let now = context.world.now();
            let (track, _) = self.eye.follow(index, now);
            let mut fields = self.eye.sighting(herd.plan(), range_m, track);
            fields.extend(on_ground(context, spot, believed.accuracy_m(believed.spot.distance_m(spot), CERTAINTY)));
            out.messages.push(self.voice.json("sighting", now, &context.timing, fields));
            out.truth.push(TruthLine::seen(context, self.voice.device(), herd, range_m));
        }
    }
}

/// DJI's number for what the aircraft is doing.
pub(super) fn mode_code(errand: Errand) -> u8 {
    match errand {
        Errand::Patrol => 5,   // wayline
        Errand::Home => 9,     // return to home
        Errand::Charging => 0, // standby
    }
}
