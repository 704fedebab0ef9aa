//! Where cameras, drones, stations and collars are.
//!
//! In:  zones, herds, a seed.   Out: one plan per device.
//!
//! The first cameras each look at a herd's first pasture, the next two look at the first two trespassers from another side
//! (so that two cameras tell of one herd), the others at zones where nothing may happen for hours: an empty picture is the
//! usual picture.

use super::{HerdPlan, Plan, ZoneShape};
use crate::ground::Spot;
use crate::rng::Rng;
use std::collections::BTreeSet;

/// How a camera says where it saw something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// It works out the place itself: `lat`, `lon`, `accuracy_m`.
    Ground,
    /// It tells the part of its picture: `box`.
    Box,
}

/// A camera on a mast.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraPlan {
    /// For example `cam-07`.
    pub id: String,
    /// Foot of the mast.
    pub spot: Spot,
    /// Lens above the ground.
    pub height_m: f64,
    /// Clockwise from true north.
    pub yaw_deg: f64,
    /// Negative is down.
    pub pitch_deg: f64,
    /// Width of view.
    pub hfov_deg: f64,
    /// How it tells places.
    pub sends: Sends,
    /// Code of its township.
    pub township: String,
}

/// A drone and its round.
#[derive(Debug, Clone, PartialEq)]
pub struct DronePlan {
    /// For example `drone-2`.
    pub id: String,
    /// Where it charges.
    pub base: Spot,
    /// The lawnmower over its zone, in order.
    pub round: Vec<Spot>,
    /// Height above the ground on patrol.
    pub height_m: f64,
    /// Cruising speed.
    pub speed_mps: f64,
    /// Serial number if it speaks DJI osd.
    pub dji_serial: Option<String>,
    /// Code of its township.
    pub township: String,
}

/// A grass station.
#[derive(Debug, Clone, PartialEq)]
pub struct StationPlan {
    /// For example `station-4`.
    pub id: String,
    /// Unit id on the Modbus server.
    pub unit: u8,
    /// Where it stands.
    pub spot: Spot,
    /// Code of its township.
    pub township: String,
}

/// A collar and the animal that wears it.
#[derive(Debug, Clone, PartialEq)]
pub struct CollarPlan {
    /// For example `collar-042`.
    pub id: String,
    /// Index of its herd.
    pub herd: usize,
    /// Code of its township.
    pub township: String,
}

pub(super) fn cameras(plan: &Plan, zones: &[ZoneShape], herds: &[HerdPlan], seed: u64) -> Vec<CameraPlan> {
    let mut rng = Rng::new(seed, "cameras");
    let taken: BTreeSet<usize> = herds.iter().map(|herd| herd.zone).collect();
    let quiet: Vec<&ZoneShape> =
        zones.iter().enumerate().filter(|(index, _)| !taken.contains(index)).map(|(_, zone)| zone).collect();
    (0..plan.cameras)
        .filter_map(|index| {
            let herd = herds
                .get(index)
                .or_else(|| herds.get(index - herds.len().min(index)).filter(|_| index < herds.len() + 2));
            let (watch, zone) = match herd {
                Some(herd) => (herd.watch, zones.get(herd.zone)?),
                None => {
                    let zone = quiet.get(index % quiet.len().max(1)).copied().or(zones.first())?;
                    let fence = zone.fence_toward(rng.between(0.0, 360.0));
                    (zone.centre.part_way(fence, rng.between(0.4, 0.9)), zone)
                }
            };
            let number = index + 1;
            let range_m = rng.between(250.0, 380.0);
            let height_m = round_to(rng.between(30.0, 45.0), 0.5);
            let spot = watch.toward(rng.between(0.0, 360.0), range_m);
            let boxes = plan.box_camera_every > 0 && index % plan.box_camera_every == 2 % plan.box_camera_every;
            Some(CameraPlan {
                id: format!("cam-{number:02}"),
                spot,
                height_m,
                yaw_deg: round_to(spot.bearing_deg(watch), 0.1).rem_euclid(360.0),
                pitch_deg: round_to(-(height_m / range_m).atan().to_degrees(), 0.1),
                hfov_deg: round_to(rng.between(55.0, 70.0), 1.0),
                sends: if boxes { Sends::Box } else { Sends::Ground },
                township: zone.township.to_owned(),
            })
        })
        .collect()
}

pub(super) fn drones(plan: &Plan, zones: &[ZoneShape], herds: &[HerdPlan], seed: u64) -> Vec<DronePlan> {
    let mut rng = Rng::new(seed, "drones");
    (0..plan.drones)
        .filter_map(|index| {
            // Over the herds' first pastures in turn, so that drones and cameras tell of the same herds.
            let herd = herds.get(index % herds.len().max(1))?;
            let zone = zones.get(herd.zone)?;
            let number = index + 1;
            let speaks_dji = index + plan.dji_drones >= plan.drones;
            Some(DronePlan {
                id: format!("drone-{number}"),
                base: zone.centre.toward(rng.between(0.0, 360.0), rng.between(600.0, 1_400.0)),
                round: lawnmower(herd.watch, rng.between(0.0, 180.0)),
                height_m: rng.between(90.0, 120.0).round(),
                speed_mps: rng.between(10.0, 14.0),
                dji_serial: speaks_dji.then(|| format!("1581F6Q8D24{:05}SIM{number}", seed % 100_000)),
                township: zone.township.to_owned(),
            })
        })
        .collect()
}

/// Legs up and down over a disc, near enough to each other that the camera sees all of it: some ten minutes of flight.
fn lawnmower(centre: Spot, along_deg: f64) -> Vec<Spot> {
    const DISC_RADIUS_M: f64 = 800.0;
    const LEG_SPACING_M: f64 = 200.0;
    const LEGS_TO_A_SIDE: i32 = 3;
    let mut corners = Vec::new();
    for leg in -LEGS_TO_A_SIDE..=LEGS_TO_A_SIDE {
        let aside_m = f64::from(leg) * LEG_SPACING_M;
        let half_m = (DISC_RADIUS_M.powi(2) - aside_m.powi(2)).max(0.0).sqrt();
        let middle = centre.toward(along_deg + 90.0, aside_m);
        let mut ends = [middle.toward(along_deg, -half_m), middle.toward(along_deg, half_m)];
        if leg % 2 != 0 {
            ends.reverse();
        }
        corners.extend(ends);
    }
    corners
}

pub(super) fn stations(plan: &Plan, zones: &[ZoneShape], seed: u64) -> Vec<StationPlan> {
    let mut rng = Rng::new(seed, "stations");
    (1..=plan.stations)
        .filter_map(|number| {
            // Every second zone has one.
            let zone = zones.get((number * 2) % zones.len().max(1))?;
            Some(StationPlan {
                id: format!("station-{number}"),
                unit: u8::try_from(number).ok()?,
                spot: zone.centre.toward(rng.between(0.0, 360.0), rng.between(0.0, 600.0)),
                township: zone.township.to_owned(),
            })
        })
        .collect()
}

pub(super) fn collars(plan: &Plan, zones: &[ZoneShape], herds: &[HerdPlan]) -> Vec<CollarPlan> {
    (0..plan.collars)
        .filter_map(|index| {
            let herd = index % herds.len().max(1);
            let township = zones.get(herds.get(herd)?.zone)?.township.to_owned();
            Some(CollarPlan { id: format!("collar-{:03}", index + 1), herd, township })
        })
        .collect()
}

/// Surveyed angles and heights are written down with a decimal, not sixteen.
fn round_to(value: f64, step: f64) -> f64 {
    let steps_per_one = (1.0 / step).round();
    (value * steps_per_one).round() / steps_per_one
}
