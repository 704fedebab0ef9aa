//! A collar on an animal: a fix a minute, jittery, now and then no fix at all or a jump of kilometres.
//!
//! In:  the world, each step.   Out: messages of `track` and, rarely, `heartbeat`, and a line of truth per fix.

use super::message::{Every, TimeForm, Voice, fields, rounded};
use super::{Context, Output};
use crate::ground;
use crate::rng::Rng;
use crate::scenario::{CollarPlan, GROUND_ALT_M};
use crate::truth::TruthLine;
use crate::world::SimTime;

/// A collar saves its battery: one heartbeat per so many of a camera's.
const HEARTBEAT_EVERY: u64 = 10;
/// Share of fixes that are 0,0.
const NO_FIX: f64 = 0.003;
/// Share of fixes that are kilometres off.
const JUMP: f64 = 0.002;
/// Ordinary scatter of a fix to the north and to the east.
const JITTER_M: f64 = 4.0;

/// A collar at work.
#[derive(Debug, Clone)]
pub struct Collar {
    index: usize,
    voice: Voice,
    rng: Rng,
    battery_percent: f64,
    track: Every,
    heartbeat: Every,
}

impl Collar {
    /// A collar somewhere in its minute.
    pub fn new(plan: &CollarPlan, index: usize, context: &Context<'_>, skew_ms: i64) -> Self {
        let mut rng = Rng::new(context.scenario.seed, &format!("{}/radio", plan.id));
        let cadence = &context.scenario.plan.cadence;
        let heartbeat_s = cadence.heartbeat_s.saturating_mul(HEARTBEAT_EVERY);
        Self {
            index,
            voice: Voice::new(context.tenant, &plan.id, TimeForm::Millis, skew_ms),
            battery_percent: rng.between(30.0, 100.0),
            track: Every::new(cadence.collar_s, rng.whole(0, cadence.collar_s * 1_000)),
            heartbeat: Every::new(heartbeat_s, rng.whole(0, 30_000)),
            rng,
        }
    }

    /// Says what is due.
    pub fn speak(&mut self, context: &Context<'_>, out: &mut Output) {
        let now = context.world.now();
        if self.heartbeat.due(now) {
            let fields = fields([
                ("status", "ok".into()),
                ("uptime_s", (now.0 / 1_000).into()),
                ("battery_percent", rounded(self.battery_percent, 0)),
                ("signal_dbm", rounded(self.rng.normal(-104.0, 6.0), 0)),
            ]);
            out.messages.push(self.voice.json("heartbeat", now, &context.timing, fields));
        }
        if self.track.due(now) {
            self.fix(now, context, out);
        }
    }

    fn fix(&mut self, now: SimTime, context: &Context<'_>, out: &mut Output) {
        let Some(animal) = context.world.animals().get(self.index) else { return };
        let Some(herd) = context.world.herds().get(animal.herd()) else { return };
        let rng = &mut self.rng;
        let scatter_m = if rng.chance(JUMP) { rng.between(1_500.0, 9_000.0) } else { rng.normal(0.0, JITTER_M) };
        let stands = animal.spot(herd, now);
        let spot = stands.toward(rng.between(0.0, 360.0), scatter_m);
        let place = context.scenario.plane.degrees(spot);
        let (lat, lon) = if rng.chance(NO_FIX) { (0.0, 0.0) } else { (place.lat, place.lon) };
        self.battery_percent = (self.battery_percent - 0.002).max(1.0);
        let fields = fields([
            ("lat", ground::round_deg(lat).into()),
            ("lon", ground::round_deg(lon).into()),
            ("alt_m", rounded(GROUND_ALT_M + rng.normal(0.0, 6.0), 1)),
            ("speed_mps", rounded((herd.speed_mps(now) + rng.normal(0.0, 0.1)).max(0.0), 2)),
            ("heading_deg", rounded(herd.heading_deg(), 0)),
            ("battery_percent", rounded(self.battery_percent, 0)),
            ("hdop", rounded(rng.between(0.8, 2.2), 1)),
            ("accuracy_m", rounded(rng.between(3.0, 7.0), 1)),
        ]);
        out.messages.push(self.voice.json("track", now, &context.timing, fields));
        if lat != 0.0 {
            out.truth.push(TruthLine::fix(context, self.voice.device(), herd, stands));
        }
    }
}
