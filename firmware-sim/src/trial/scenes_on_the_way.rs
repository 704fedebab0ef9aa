//! The trials whose difficulty is in the devices and on the way: flat views, moving eyes, poor receivers, dead links, wrong
//! clocks.
//!
//! In:  a seed.   Out: [`Trial`]s.

use super::collar::Collars;
use super::drone::Drone;
use super::land::Plot;
use super::mast::Mast;
use super::scenes::{flock, mast_near, summer, visit, watch_all};
use super::stage::Stage;
use super::walk::{Flock, Group};
use super::{Trial, way::Way};
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::Sends;

const CENTRE: Spot = Spot { east_m: 0.0, north_m: 0.0 };
const HOUR_MS: i64 = 3_600_000;

/// Masts of 30 m that look 5 degrees under the horizon and tell boxes: a degree is 69 m along the view there.
pub(super) fn mast_at_five_degrees(seed: u64) -> Trial {
    let (mut stage, closed) = summer("mast_at_five_degrees", seed, 8, 8, 1_000.0);
    let mut rng = stage.chance("herds");
    for (number, bearing_deg) in [40.0, 220.0].into_iter().enumerate() {
        let border = closed.border(CENTRE, bearing_deg);
        let mut flock = flock(&stage, number, border.toward(bearing_deg, 220.0), &mut rng);
        while flock.until_ms() < stage.to_ms {
            // As often outside as inside, so that no place is likelier than another.
            let depth_m = rng.between(-260.0, 260.0);
            let to = border.toward(bearing_deg, -depth_m);
            flock = flock.go(to, rng.between(0.3, 0.8)).graze(rng.between(15.0, 45.0), 25.0, &mut rng);
        }
        stage.flocks.push(flock);
        let target = border;
        let foot = target.toward(rng.between(0.0, 360.0), 343.0);
        let mast = Mast::facing(&format!("cam-{}", number + 1), foot, 30.0, target, Sends::Box);
        stage.masts.push(mast);
    }
    watch_all(stage)
}

/// A drone that sweeps a closed zone every hour, and nobody else there.
pub(super) fn drone_sweep(seed: u64) -> Trial {
    let (mut stage, closed) = summer("drone_sweep", seed, 8, 6, 700.0);
    let mut rng = stage.chance("herds");
    for (number, bearing_deg) in [0.0, 120.0, 240.0].into_iter().enumerate() {
        let outside = closed.border(CENTRE, bearing_deg).toward(bearing_deg, 250.0);
        let mut flock = flock(&stage, number, outside, &mut rng).graze(rng.between(20.0, 60.0), 40.0, &mut rng);
        while flock.until_ms() < stage.to_ms {
            let (depth_m, minutes) = (rng.between(100.0, 400.0), rng.between(60.0, 180.0));
            flock = visit(flock, &closed, bearing_deg, depth_m, minutes, 0.6, &mut rng);
            flock = flock.graze(rng.between(30.0, 60.0), 40.0, &mut rng);
        }
        stage.flocks.push(flock);
    }
    let field = [-900.0, -900.0, 900.0, 900.0];
    Drone { id: "drone-1".to_owned(), field, lane_m: 120.0, way: Way::good() }.sweep(&mut stage);
    stage.end()
}

/// Nothing but collars: on every camel of one herd, on some animals of two others, a fix a minute, every five and every ten.
pub(super) fn collars(seed: u64) -> Trial {
    let (mut stage, closed) = summer("collars", seed, 0, 24, 1_000.0);
    let mut rng = stage.chance("herds");
    let herds = [(("camel", 12), 12, 60, 5.0), (("sheep", 120), 6, 300, 8.0), (("cattle", 30), 8, 600, 10.0)];
    for (number, (((species, head), worn, every_s, drift_m), bearing_deg)) in
        herds.into_iter().zip([20.0, 140.0, 260.0]).enumerate()
    {
        let outside = closed.border(CENTRE, bearing_deg).toward(bearing_deg, 300.0);
        let groups = vec![Group { species, count: head, young: 0 }];
        let mut flock = Flock::at(&format!("herd-{}", number + 1), groups, outside, stage.from_ms, &mut rng);
        while flock.until_ms() < stage.to_ms {
            flock = flock.graze(rng.between(60.0, 240.0), 60.0, &mut rng);
            let (depth_m, minutes) = (rng.between(120.0, 350.0), rng.between(30.0, 150.0));
            flock = visit(flock, &closed, bearing_deg, depth_m, minutes, 0.6, &mut rng);
        }
        stage.flocks.push(flock);
        Collars { flock: number, count: worn, every_s, drift_m, way: Way::good() }.wander(&mut stage);
    }
    stage.end()
}

/// Three messages of ten are lost, and for an hour the link is dead; what was kept comes afterwards.
pub(super) fn loss_and_outage(seed: u64) -> Trial {
    let (mut stage, closed) = summer("loss_and_outage", seed, 8, 8, 1_000.0);
    let mut rng = stage.chance("herds");
    let begins_ms = stage.from_ms + rng.whole(2, 4) as i64 * HOUR_MS;
    let way = Way { loss: 0.3, outage: Some((begins_ms, begins_ms + HOUR_MS)), ..Way::good() };
    visitors(&mut stage, &closed, &mut rng);
    for mast in &mut stage.masts {
        mast.way = way;
    }
    Collars { flock: 1, count: 4, every_s: 120, drift_m: 6.0, way }.wander(&mut stage);
    watch_all(stage)
}

/// Every clock is wrong: mostly by up to two minutes, one by nearly as much as is believed, one by ten minutes late.
pub(super) fn clock_skew(seed: u64) -> Trial {
    let (mut stage, closed) = summer("clock_skew", seed, 8, 6, 1_000.0);
    let mut rng = stage.chance("herds");
    visitors(&mut stage, &closed, &mut rng);
    for (number, mast) in stage.masts.iter_mut().enumerate() {
        let skew_ms = match number {
            0 => 240_000,
            3 => -600_000,
            _ => rng.between(-120_000.0, 120_000.0) as i64,
        };
        mast.way = Way { skew_ms, ..Way::good() };
    }
    watch_all(stage)
}

/// Two herds that go in and out of a closed zone before two masts each.
fn visitors(stage: &mut Stage, closed: &Plot, rng: &mut Rng) {
    for (number, bearing_deg) in [70.0, 250.0].into_iter().enumerate() {
        let outside = closed.border(CENTRE, bearing_deg).toward(bearing_deg, 220.0);
        let mut flock = flock(stage, number, outside, rng);
        while flock.until_ms() < stage.to_ms {
            flock = flock.graze(rng.between(20.0, 50.0), 40.0, rng);
            let (depth_m, minutes) = (rng.between(120.0, 260.0), rng.between(20.0, 70.0));
            flock = visit(flock, closed, bearing_deg, depth_m, minutes, 0.7, rng);
        }
        stage.flocks.push(flock);
        let target = closed.border(CENTRE, bearing_deg).toward(bearing_deg, -100.0);
        let masts = [0, 1].map(|other| mast_near(stage, 2 * number + other, target, rng));
        stage.masts.extend(masts);
    }
}
