//! One animal of a herd, the one that wears a collar.

use super::{Herd, SimTime};
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::CollarPlan;
use std::f64::consts::TAU;

/// How an animal strays about the middle of its herd: two slow swings, so that its place is a function of the time alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Animal {
    herd: usize,
    reach: (f64, f64),
    period_s: (f64, f64),
    phase: (f64, f64),
}

impl Animal {
    pub(super) fn new(plan: &CollarPlan, seed: u64) -> Self {
        let mut rng = Rng::new(seed, &plan.id);
        Self {
            herd: plan.herd,
            reach: (rng.between(0.1, 0.9), rng.between(0.1, 0.9)),
            period_s: (rng.between(1_200.0, 3_600.0), rng.between(1_200.0, 3_600.0)),
            phase: (rng.between(0.0, TAU), rng.between(0.0, TAU)),
        }
    }

    /// Index of its herd.
    pub fn herd(&self) -> usize {
        self.herd
    }

    /// Where it is.
    pub fn spot(&self, herd: &Herd, now: SimTime) -> Spot {
        let swing = |reach: f64, period_s: f64, phase: f64| {
            herd.plan().radius_m * reach * (TAU * now.seconds() / period_s + phase).sin()
        };
        Spot {
            east_m: herd.centre().east_m + swing(self.reach.0, self.period_s.0, self.phase.0),
            north_m: herd.centre().north_m + swing(self.reach.1, self.period_s.1, self.phase.1),
        }
    }
}
