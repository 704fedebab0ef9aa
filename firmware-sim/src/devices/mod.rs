//! What the devices say about the world.
//!
//! In:  a [`World`] that moves.   Out: [`Message`]s in the encodings of the contract, and the truth beside them.
//! Next: `faults`.
//!
//! Invariant: pure. The same scenario, timing and skews give the same messages, byte for byte.

mod camera;
mod collar;
mod dji;
mod drone;
pub(crate) mod eye;
pub mod jpeg;
pub mod look;
mod message;

pub use message::{Message, Timing};

use crate::scenario::Scenario;
use crate::truth::TruthLine;
use crate::world::{SimTime, World};
use std::sync::Arc;

/// How far the world moves before the devices look at it again.
const LOOK_EVERY_MS: u64 = 500;

/// What a device may know while it speaks.
pub struct Context<'a> {
    /// What there is.
    pub scenario: &'a Scenario,
    /// Where it is now.
    pub world: &'a World,
    /// How scenario time lies on real time.
    pub timing: Timing,
    /// Whose devices these are.
    pub tenant: &'a str,
}

/// What came of a stretch of time.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Output {
    /// What was said, in order of time.
    pub messages: Vec<Message>,
    /// What was true.
    pub truth: Vec<TruthLine>,
}

enum Device {
    Camera(Box<camera::Camera>),
    Drone(Box<drone::Drone>),
    Collar(Box<collar::Collar>),
}

/// A scenario being played: the world and everybody who speaks about it.
pub struct Play {
    scenario: Arc<Scenario>,
    tenant: String,
    timing: Timing,
    world: World,
    devices: Vec<Device>,
    truth: message::Every,
    looked: SimTime,
}

impl Play {
    /// Nothing has happened yet. `skew_ms` says how wrong each device's clock is.
    pub fn new(scenario: Arc<Scenario>, tenant: &str, timing: Timing, skew_ms: impl Fn(&str) -> i64) -> Self {
        let world = World::new(&scenario);
        let context = Context { scenario: &scenario, world: &world, timing, tenant };
        let cameras = scenario
            .cameras
            .iter()
            .map(|plan| Device::Camera(Box::new(camera::Camera::new(plan, &context, skew_ms(&plan.id)))));
        let drones =
            scenario.drones.iter().enumerate().map(|(index, plan)| {
                Device::Drone(Box::new(drone::Drone::new(plan, index, &context, skew_ms(&plan.id))))
            });
        let collars = scenario.collars.iter().enumerate().map(|(index, plan)| {
            Device::Collar(Box::new(collar::Collar::new(plan, index, &context, skew_ms(&plan.id))))
        });
        let devices = cameras.chain(drones).chain(collars).collect();
        let truth = message::Every::new(scenario.plan.cadence.truth_s, 0);
        Self { tenant: tenant.to_owned(), timing, world, devices, truth, looked: SimTime::default(), scenario }
    }

    /// How scenario time lies on real time.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Plays on to `to`; what is said on the way comes out in order of time.
    pub fn until(&mut self, to: SimTime) -> Output {
        let mut out = Output::default();
        while self.looked.0 + LOOK_EVERY_MS <= to.0 {
            self.looked.0 += LOOK_EVERY_MS;
            self.world.advance(self.looked);
            let context =
                Context { scenario: &self.scenario, world: &self.world, timing: self.timing, tenant: &self.tenant };
            if self.truth.due(self.looked) {
                out.truth.extend(self.world.herds().iter().map(|herd| TruthLine::herd(&context, herd)));
            }
            for device in &mut self.devices {
                match device {
                    Device::Camera(camera) => camera.speak(&context, &mut out),
                    Device::Drone(drone) => drone.speak(&context, &mut out),
                    Device::Collar(collar) => collar.speak(&context, &mut out),
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
