//! A herd: walks to a pasture, grazes there a while, walks on.

use super::SimTime;
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::HerdPlan;

/// Close enough to a pasture to start grazing.
const ARRIVED_M: f64 = 10.0;

/// A herd on its way.
#[derive(Debug, Clone)]
pub struct Herd {
    plan: HerdPlan,
    centre: Spot,
    next_stop: usize,
    grazes_until: SimTime,
    rng: Rng,
}

impl PartialEq for Herd {
    fn eq(&self, other: &Self) -> bool {
        self.plan == other.plan
            && self.centre == other.centre
            && self.next_stop == other.next_stop
            && self.grazes_until == other.grazes_until
    }
}

impl Herd {
    pub(super) fn new(plan: &HerdPlan, seed: u64) -> Self {
        let rng = Rng::new(seed, &plan.id);
        Self { plan: plan.clone(), centre: plan.start, next_stop: 0, grazes_until: SimTime::default(), rng }
    }

    /// What it is.
    pub fn plan(&self) -> &HerdPlan {
        &self.plan
    }

    /// The middle of its animals.
    pub fn centre(&self) -> Spot {
        self.centre
    }

    /// Whether it is walking just now, and so how fast its animals are.
    pub fn speed_mps(&self, now: SimTime) -> f64 {
        if now < self.grazes_until { 0.0 } else { self.plan.speed_mps }
    }

    /// Where it is heading, clockwise from true north.
    pub fn heading_deg(&self) -> f64 {
        self.centre.bearing_deg(self.stop())
    }

    fn stop(&self) -> Spot {
        self.plan.stops.get(self.next_stop).copied().unwrap_or(self.centre)
    }

    pub(super) fn step(&mut self, now: SimTime, step_s: f64) {
        if now < self.grazes_until {
            return;
        }
        let stop = self.stop();
        let left_m = self.centre.distance_m(stop);
        if left_m <= ARRIVED_M {
            self.grazes_until = SimTime(now.0 + self.rng.whole(60_000, 600_000));
            self.next_stop = (self.next_stop + 1) % self.plan.stops.len().max(1);
            return;
        }
        self.centre = self.centre.part_way(stop, (self.plan.speed_mps * step_s / left_m).min(1.0));
    }
}
