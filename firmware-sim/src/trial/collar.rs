//! Collars on some animals of a herd: receivers that drift, jump and now and then find nothing.
//!
//! In:  where animals are.   Out: tracks.

use super::stage::{About, Stage};
use super::walk;
use super::way::Way;
use crate::scenario::SimDevice;
use crate::score::By;
use serde_json::json;

/// A receiver's error wanders with this memory.
const MEMORY_S: f64 = 240.0;
/// Share of fixes that are 0,0.
const NO_FIX: f64 = 0.005;
/// Share of fixes that are hundreds of metres or kilometres off.
const JUMP: f64 = 0.004;

/// Collars of one herd.
pub(super) struct Collars {
    pub(super) flock: usize,
    pub(super) count: usize,
    pub(super) every_s: u64,
    /// Standard deviation of a fix to the east and to the north.
    pub(super) drift_m: f64,
    pub(super) way: Way,
}

impl Collars {
    /// They speak for the whole trial.
    pub(super) fn wander(&self, stage: &mut Stage) {
        for number in 0..self.count {
            self.one(number, stage);
        }
    }

    fn one(&self, number: usize, stage: &mut Stage) {
        let id = format!("collar-{}-{number}", self.flock + 1);
        let mut rng = stage.chance(&id);
        let mut voice = stage.register(SimDevice::named(id, "collar", "", self.every_s), self.way);
        let animal = number % walk::ANIMALS;
        let every_ms = self.every_s * 1_000;
        let kept = (-(self.every_s as f64) / MEMORY_S).exp();
        let renewed = (1.0 - kept * kept).sqrt() * self.drift_m;
        let mut drift = (rng.normal(0.0, self.drift_m), rng.normal(0.0, self.drift_m));
        let begin_ms = stage.from_ms + rng.whole(0, every_ms) as i64;
        for at_ms in (begin_ms..stage.to_ms).step_by(every_ms as usize) {
            drift = (drift.0 * kept + rng.normal(0.0, renewed), drift.1 * kept + rng.normal(0.0, renewed));
            let Some(place) = stage.flocks.get(self.flock).map(|flock| flock.animal(animal, at_ms)) else { return };
            let mut told = place;
            (told.east_m, told.north_m) = (told.east_m + drift.0, told.north_m + drift.1);
            if rng.chance(JUMP) {
                told = told.toward(rng.between(0.0, 360.0), rng.between(300.0, 6_000.0));
            }
            let degrees = stage.degrees(told);
            let (lat, lon) = if rng.chance(NO_FIX) { (0.0, 0.0) } else { (degrees.lat, degrees.lon) };
            // A receiver knows its own error to about a quarter.
            let accuracy_m = (self.drift_m * rng.normal(1.0, 0.25).clamp(0.5, 2.0) * 10.0).round() / 10.0;
            let fix = json!({"lat": lat, "lon": lon, "accuracy_m": accuracy_m, "battery_percent": 71});
            let about = (lat != 0.0).then_some(About { flock: self.flock, place, by: By::Collar });
            stage.say(&mut voice, "track", at_ms, fix.as_object().cloned().unwrap_or_default(), about);
        }
    }
}
