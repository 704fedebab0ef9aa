//! The world in motion: herds graze, drones fly their rounds.
//!
//! In:  a [`Scenario`] and a time to move to.   Out: where everything is then.   Next: `devices`, which see parts of it.
//!
//! Invariant: pure. No clock, no I/O; it moves in fixed steps, so the way to a time does not depend on how often it was asked.

mod animal;
mod drone;
mod herd;

pub use animal::Animal;
pub use drone::{Drone, Errand};
pub use herd::Herd;

use crate::scenario::Scenario;

/// The step in which everything moves: at a drone's 14 m/s, 7 metres.
const STEP_MS: u64 = 500;

/// Milliseconds of scenario time since its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SimTime(pub u64);

impl SimTime {
    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

/// Where everything is.
#[derive(Debug, Clone)]
pub struct World {
    now: SimTime,
    herds: Vec<Herd>,
    drones: Vec<Drone>,
    animals: Vec<Animal>,
}

impl World {
    /// As it is at the beginning.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            now: SimTime::default(),
            herds: scenario.herds.iter().map(|plan| Herd::new(plan, scenario.seed)).collect(),
            drones: scenario.drones.iter().map(|plan| Drone::new(plan, scenario.seed)).collect(),
            animals: scenario.collars.iter().map(|plan| Animal::new(plan, scenario.seed)).collect(),
        }
    }

    /// Moves everything on to `to`, in whole steps; an earlier time changes nothing.
    pub fn advance(&mut self, to: SimTime) {
        while self.now.0 + STEP_MS <= to.0 {
            self.now.0 += STEP_MS;
            let step_s = STEP_MS as f64 / 1_000.0;
            for herd in &mut self.herds {
                herd.step(self.now, step_s);
            }
            for drone in &mut self.drones {
                drone.step(step_s);
            }
        }
    }

    /// The time it has reached.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The herds, in the scenario's order.
    pub fn herds(&self) -> &[Herd] {
        &self.herds
    }

    /// The drones, in the scenario's order.
    pub fn drones(&self) -> &[Drone] {
        &self.drones
    }

    /// The animals that wear a collar, in the order of the collars.
    pub fn animals(&self) -> &[Animal] {
        &self.animals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_time_does_not_depend_on_how_often_it_was_asked() {
        let scenario = Scenario::hexigten_day(4);
        let (mut often, mut once) = (World::new(&scenario), World::new(&scenario));
        for second in 1..=600_u64 {
            often.advance(SimTime(second * 1_000));
        }
        once.advance(SimTime(600_000));
        assert_eq!(often.herds(), once.herds());
        assert_eq!(often.drones(), once.drones());
    }

    #[test]
    fn herds_walk_no_faster_than_their_pace_and_drones_get_somewhere() {
        let scenario = Scenario::hexigten_day(4);
        let mut world = World::new(&scenario);
        let begin: Vec<_> = world.drones().iter().map(Drone::spot).collect();
        world.advance(SimTime(60_000));
        for (herd, plan) in world.herds().iter().zip(&scenario.herds) {
            assert!(herd.centre().distance_m(plan.start) <= plan.speed_mps * 60.0 + 1e-6);
        }
        assert!(world.drones().iter().zip(begin).all(|(drone, begin)| drone.spot().distance_m(begin) > 100.0));
    }

    #[test]
    fn lawful_herds_stay_in_their_zone_all_day() {
        let scenario = Scenario::hexigten_day(4);
        let mut world = World::new(&scenario);
        let lawful = 3..scenario.herds.len() - 1;
        for quarter in 1..=96 {
            world.advance(SimTime(quarter * 900_000));
            for index in lawful.clone() {
                let zone = &scenario.zones[scenario.herds[index].zone];
                assert!(zone.contains(world.herds()[index].centre()), "herd {index} left at quarter {quarter}");
            }
        }
    }
}
