//! A drone: flies its round until the battery asks for home, charges, flies on.

use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::DronePlan;

/// A full battery lasts this long in the air.
const FLIGHT_S: f64 = 38.0 * 60.0;
/// Charging from empty to full.
const CHARGE_S: f64 = 25.0 * 60.0;
/// At this charge it turns for home.
const HOME_PERCENT: f64 = 20.0;
/// At this charge it takes off again.
const READY_PERCENT: f64 = 95.0;
/// Near enough to a corner of its round.
const ARRIVED_M: f64 = 8.0;

/// What a drone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// On its round.
    Patrol,
    /// On the way to its base.
    Home,
    /// On its base.
    Charging,
}

/// A drone in the air or on its base.
#[derive(Debug, Clone, PartialEq)]
pub struct Drone {
    plan: DronePlan,
    spot: Spot,
    heading_deg: f64,
    next_corner: usize,
    battery_percent: f64,
    errand: Errand,
    flight: u32,
}

impl Drone {
    /// Somewhere on its round: drones do not all take off when somebody starts to look.
    pub(super) fn new(plan: &DronePlan, seed: u64) -> Self {
        let mut rng = Rng::new(seed, &plan.id);
        let corners = plan.round.len() as u64;
        let next_corner = rng.whole(1, corners.saturating_sub(1).max(1)) as usize;
        let spot = plan.round.get(next_corner - 1).copied().unwrap_or(plan.base);
        let battery_percent = rng.between(60.0, 98.0);
        Self {
            plan: plan.clone(),
            spot,
            heading_deg: 0.0,
            next_corner,
            battery_percent,
            errand: Errand::Patrol,
            flight: 1,
        }
    }

    /// What it is.
    pub fn plan(&self) -> &DronePlan {
        &self.plan
    }

    /// What it flies over.
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// Its nose, clockwise from true north, 0 to 360 degrees.
    pub fn heading_deg(&self) -> f64 {
        self.heading_deg
    }

    /// Charge, 0 to 100 percent.
    pub fn battery_percent(&self) -> f64 {
        self.battery_percent
    }

    /// What it is doing.
    pub fn errand(&self) -> Errand {
        self.errand
    }

    /// Above its take-off point.
    pub fn height_m(&self) -> f64 {
        if self.errand == Errand::Charging { 0.0 } else { self.plan.height_m }
    }

    /// Over ground.
    pub fn speed_mps(&self) -> f64 {
        if self.errand == Errand::Charging { 0.0 } else { self.plan.speed_mps }
    }

    /// Counts its flights from 1.
    pub fn flight(&self) -> u32 {
        self.flight
    }

    pub(super) fn step(&mut self, step_s: f64) {
        match self.errand {
            Errand::Charging => {
                self.battery_percent = (self.battery_percent + 100.0 * step_s / CHARGE_S).min(100.0);
                if self.battery_percent >= READY_PERCENT {
                    self.errand = Errand::Patrol;
                    self.flight += 1;
                }
                return;
            }
            Errand::Patrol if self.battery_percent < HOME_PERCENT => self.errand = Errand::Home,
            Errand::Patrol | Errand::Home => {}
        }
        self.battery_percent = (self.battery_percent - 100.0 * step_s / FLIGHT_S).max(0.0);
        let goal = match self.errand {
            Errand::Home => self.plan.base,
            _ => self.plan.round.get(self.next_corner).copied().unwrap_or(self.plan.base),
        };
        let left_m = self.spot.distance_m(goal);
        if left_m > ARRIVED_M {
            self.heading_deg = self.spot.bearing_deg(goal);
            self.spot = self.spot.part_way(goal, (self.plan.speed_mps * step_s / left_m).min(1.0));
        } else if self.errand == Errand::Home {
            self.errand = Errand::Charging;
        } else {
            self.next_corner = (self.next_corner + 1) % self.plan.round.len().max(1);
        }
    }
}
