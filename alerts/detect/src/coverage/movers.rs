//! Drones and rangers: what their way swept.
//!
//! In: their tracks.   Out: marks in the ledger and in the patrol that the track belongs to.   Never: anything of a drone that stands
//! on its dock or looks at the horizon, nor of the land between two words that are too far apart.

use super::cameras::{Land, drone_eye, of_eye};
use super::ledger::seconds;
use super::lookout::{Glass, Lookout};
use super::patrol::{Open, Patrols, Step};
use crate::place::{Attitude, Base, Sample, between};
use model::{Device, DeviceId, DeviceKind, Gimbal, Position, Reading, Timestamp, Track};
use std::collections::BTreeMap;
use std::time::Duration;

/// Lower than this above where it took off, a drone stands or is about to.
const AIRBORNE_M: f64 = 5.0;
/// Where nothing says how high it is: slower than this it may as well stand, metres per second.
const AIRBORNE_MPS: f64 = 3.0;
/// A gimbal above this looks where it flies, not at the land, degrees.
const HORIZON_DEG: f64 = -10.0;
/// Between two words of a drone further apart nobody knows where it looked.
const DRONE_GAP: Duration = Duration::from_secs(30);
/// From one look to the next along its way, metres, and looks of one way at the most.
const LOOK_EVERY_M: f64 = 25.0;
const LOOKS_MAX: f64 = 60.0;
/// A ranger's car, metres per second.
const RANGER_MPS_MAX: f64 = 35.0;
/// What was watched so lately is not looked at again.
const FRESH_S: u32 = 10;

/// What is known of drones besides their patrols.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Movers {
    pub(crate) drones: BTreeMap<DeviceId, Drone>,
}

/// One drone.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Drone {
    /// Where it stood last.
    pub(crate) took_off: Option<Position>,
    /// Whether it ever told of a gimbal; one that has none looks straight down.
    pub(crate) has_gimbal: bool,
}

impl Movers {
    /// A drone or a ranger said where it is.
    pub(crate) fn moved(
        &mut self,
        device: &Device,
        reading: &Reading,
        track: &Track,
        land: &mut Land<'_>,
        patrols: &mut Patrols,
    ) {
        let Some(position) = track.position else { return };
        let at = reading.happened_at().min(reading.received_at.0);
        let is_drone = device.kind == DeviceKind::Drone;
        let mut base = Base::Ground;
        let mut sample = Sample {
            at,
            position,
            height_m: 0.0,
            alt_m: track.alt_m,
            gimbal: Gimbal { pitch_deg: 0.0, yaw_deg: 0.0, roll_deg: 0.0 },
            accuracy_m: track.accuracy_m,
        };
        let mut is_out = true;
        if is_drone {
            let drone = self.drones.entry(device.id.clone()).or_default();
            (is_out, base) = drone.look(device, track, land, &mut sample);
        }
        let flight_id = track.flight_id.as_deref();
        let step = Step { device, flight_id, sample, heard: reading.received_at.0, is_out };
        let Some((patrol, before)) = patrols.join(&step, land.settings.patrol_pause) else { return };
        if is_drone {
            let before = before.filter(|before| at.since(before.at) <= DRONE_GAP);
            fly(before.as_ref(), &sample, base, device, land, patrol);
        } else {
            // Nobody walks or rides so far in that time: a receiver that jumped.
            let is_way = |before: &Sample| {
                before.position.distance_m(position) <= RANGER_MPS_MAX * at.since(before.at).as_secs_f64()
            };
            let before = before.filter(is_way).map_or(position, |before| before.position);
            walk(before, &sample, land, patrol);
        }
    }

    /// Devices that are registered no more.
    pub(crate) fn retain(&mut self, world: &crate::world::World) {
        self.drones.retain(|id, _| world.device(id).is_some());
    }
}

impl Drone {
    /// Whether it flies, and from where its height counts; fills in how high it is and where it looks. A gimbal that says nothing is
    /// turned to the sky, where it sees nothing.
    fn look(&mut self, device: &Device, track: &Track, land: &Land<'_>, sample: &mut Sample) -> (bool, Base) {
        let ground = land.world.terrain().height(sample.position).filter(|ground| ground.ellipsoidal);
        let above_ground = track.alt_m.zip(ground).map(|(alt_m, ground)| alt_m - ground.height_m);
        let height_m = track.height_m.or(above_ground);
        let is_out = height_m.map_or_else(
            || track.speed_mps.is_some_and(|speed| speed >= AIRBORNE_MPS),
            |height_m| height_m >= AIRBORNE_M,
        );
        if track.height_m.is_some_and(|height_m| height_m.abs() < 1.0) {
            self.took_off = Some(sample.position);
        }
        self.has_gimbal |= track.gimbal.is_some();
        let level = Gimbal { pitch_deg: 0.0, yaw_deg: 0.0, roll_deg: 0.0 };
        let down = Gimbal { pitch_deg: -90.0, yaw_deg: track.heading_deg.unwrap_or(0.0), roll_deg: 0.0 };
        sample.gimbal = track.gimbal.unwrap_or(if self.has_gimbal || height_m.is_none() { level } else { down });
        sample.height_m = height_m.unwrap_or(0.0);
        let base = match track.height_m {
            Some(_) => Base::TakeOff { place: self.took_off.or(device.place), alt_m: track.alt_m },
            None => Base::Ground,
        };
        (is_out, base)
    }
}

/// Looks down along the way from the sample before.
fn fly(before: Option<&Sample>, sample: &Sample, base: Base, device: &Device, land: &mut Land<'_>, patrol: &mut Open) {
    let hfov_deg = device.pose.map_or(land.settings.drone_hfov_deg, |pose| pose.hfov_deg);
    let way_m = before.map_or(0.0, |before| before.position.distance_m(sample.position));
    let looks = (way_m / LOOK_EVERY_M).ceil().clamp(1.0, LOOKS_MAX);
    for look in 1..=looks as i64 {
        let here = match before {
            Some(before) => {
                let span_ms = sample.at.as_millis().saturating_sub(before.at.as_millis());
                let at = before.at.as_millis().saturating_add(span_ms.saturating_mul(look) / looks as i64);
                between(before, sample, Timestamp::from_millis(at))
            }
            None => *sample,
        };
        if here.gimbal.pitch_deg > HORIZON_DEG {
            continue;
        }
        let Gimbal { yaw_deg, pitch_deg, roll_deg } = here.gimbal;
        let base = match base {
            Base::TakeOff { place, .. } => Base::TakeOff { place, alt_m: here.alt_m },
            Base::Ground => Base::Ground,
        };
        let eye = drone_eye(here.position, here.height_m, base, Attitude { yaw_deg, pitch_deg, roll_deg });
        let lookout = of_eye(&eye, Glass::new(hfov_deg, 1.0), land);
        sweep(&lookout, seconds(here.at), land, patrol);
    }
}

fn sweep(lookout: &Lookout, at_s: u32, land: &mut Land<'_>, patrol: &mut Open) {
    let Land { world, grid, ledger, .. } = land;
    grid.near(lookout.position, lookout.range_m, |place, position| {
        let is_fresh = ledger.last(place).abs_diff(at_s) <= FRESH_S;
        if !(is_fresh && patrol.has_swept(place)) && lookout.sees(position, world.terrain()) {
            ledger.mark(place, at_s);
            patrol.sweep(place);
        }
    });
}

/// All around the straight way from the place before.
fn walk(before: Position, sample: &Sample, land: &mut Land<'_>, patrol: &mut Open) {
    let reach_m = land.settings.ranger_m;
    let (east, north) = before.offset_to(sample.position);
    let length_m = east.hypot(north);
    let middle = before.moved(east / 2.0, north / 2.0);
    let at_s = seconds(sample.at);
    let ledger = &mut *land.ledger;
    land.grid.near(middle, length_m / 2.0 + reach_m, |place, position| {
        let (to_east, to_north) = before.offset_to(position);
        let along = if length_m > 0.0 { (to_east * east + to_north * north) / (length_m * length_m) } else { 0.0 };
        let along = along.clamp(0.0, 1.0);
        if (to_east - along * east).hypot(to_north - along * north) <= reach_m {
            ledger.mark(place, at_s);
            patrol.sweep(place);
        }
    });
}
