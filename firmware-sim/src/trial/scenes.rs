//! The trials whose difficulty is on the ground: where herds go, what they are, when the law changes.
//!
//! In:  a seed.   Out: [`Trial`]s. Helpers that the other scenes use stand at the end.

use super::land::{Edition, Land, Plot, legal_midnight};
use super::mast::Mast;
use super::stage::Stage;
use super::walk::{Flock, Group};
use super::{Trial, way::Way};
use crate::ground::Spot;
use crate::rng::Rng;
use crate::scenario::Sends;

const HOUR_MS: i64 = 3_600_000;
/// 2026-07-10, when no season closes anything.
pub(super) const SUMMER: i64 = 20_644;
const CENTRE: Spot = Spot { east_m: 0.0, north_m: 0.0 };

/// Herds where they may be, one of them along a closed border; nothing has to be told, and nothing may.
pub(super) fn calm_day(seed: u64) -> Trial {
    let (mut stage, closed) = summer("calm_day", seed, 0, 24, 900.0);
    let mut rng = stage.chance("herds");
    for (number, bearing_deg) in [20.0, 140.0, 260.0].into_iter().enumerate() {
        let spot = closed.border(CENTRE, bearing_deg).toward(bearing_deg, rng.between(110.0, 160.0));
        let mut flock = flock(&stage, number, spot, &mut rng);
        while flock.until_ms() < stage.to_ms {
            let off_deg = bearing_deg + rng.between(-6.0, 6.0);
            let beside = closed.border(CENTRE, off_deg).toward(off_deg, rng.between(100.0, 300.0) + flock.radius_m);
            flock = flock.go(beside, rng.between(0.2, 0.8)).graze(rng.between(20.0, 90.0), 30.0, &mut rng);
        }
        stage.flocks.push(flock);
        watch_border(&mut stage, &closed, bearing_deg, number, &mut rng);
    }
    watch_all(stage)
}

/// Eight herds before six cameras that tell every two seconds, and half of it twice.
pub(super) fn storm_of_sightings(seed: u64) -> Trial {
    let (mut stage, _) = summer("storm_of_sightings", seed, 10, 2, 1_600.0);
    let mut rng = stage.chance("herds");
    for number in 0..8 {
        let bearing_deg = 45.0 * number as f64;
        let spot = CENTRE.toward(bearing_deg, rng.between(1_050.0, 1_150.0));
        let flock = flock(&stage, number, spot, &mut rng).graze(120.0, 40.0, &mut rng);
        stage.flocks.push(flock);
        if number < 6 {
            let mast = mast_near(&stage, number, spot, &mut rng);
            let way = Way { repeat: 0.5, ..Way::good() };
            stage.masts.push(Mast { every_ms: 2_000, way, ..mast });
        }
    }
    watch_all(stage)
}

/// Herds that weave over a closed border and back all day.
pub(super) fn border_walkers(seed: u64) -> Trial {
    let (mut stage, closed) = summer("border_walkers", seed, 8, 8, 900.0);
    let mut rng = stage.chance("herds");
    for (number, bearing_deg) in [80.0, 200.0, 320.0].into_iter().enumerate() {
        let mut flock = flock(&stage, number, closed.border(CENTRE, bearing_deg).toward(bearing_deg, 100.0), &mut rng);
        while flock.until_ms() < stage.to_ms {
            let off_deg = bearing_deg + rng.between(-7.0, 7.0);
            let depth_m = rng.between(-140.0, 160.0);
            let to = closed.border(CENTRE, off_deg).toward(off_deg, -depth_m);
            flock = flock.go(to, rng.between(0.3, 0.9)).graze(rng.between(3.0, 25.0), 20.0, &mut rng);
        }
        stage.flocks.push(flock);
        watch_border(&mut stage, &closed, bearing_deg, number, &mut rng);
    }
    watch_all(stage)
}

/// A rest period that begins (even seeds) or ends (odd seeds) at midnight, with herds inside.
pub(super) fn closure_at_midnight(seed: u64) -> Trial {
    let mut rng = Rng::new(seed, "closure_at_midnight/land");
    let rest = Plot::blob("rest", "balance", CENTRE, 1_000.0, &mut rng);
    let mut land = Land::of(vec![rest.clone()]);
    land.season = Some(((4, 1), (6, 15)));
    // 2026-04-01 or 2026-06-16.
    let midnight_ms = legal_midnight(if seed.is_multiple_of(2) { 20_544 } else { 20_620 });
    let mut stage = Stage::new("closure_at_midnight", seed, midnight_ms - 5 * HOUR_MS, 10, land);
    for (number, bearing_deg) in [30.0, 150.0, 270.0].into_iter().enumerate() {
        let inside = rest.border(CENTRE, bearing_deg).toward(bearing_deg, -rng.between(150.0, 300.0));
        let outside = rest.border(CENTRE, bearing_deg).toward(bearing_deg, 200.0);
        let hours = rng.between(1.0, 4.0);
        let flock = flock(&stage, number, inside, &mut rng);
        let flock = match number {
            // Stays, leaves before midnight, comes after midnight.
            0 => flock.graze(600.0, 40.0, &mut rng),
            1 => flock.graze(hours * 60.0, 40.0, &mut rng).go(outside, 0.7).graze(600.0, 40.0, &mut rng),
            _ => flock
                .go(outside, 1.0)
                .graze(300.0 + hours * 30.0, 40.0, &mut rng)
                .go(inside, 0.7)
                .graze(600.0, 40.0, &mut rng),
        };
        stage.flocks.push(flock);
        watch_border(&mut stage, &rest, bearing_deg, number, &mut rng);
    }
    watch_all(stage)
}

/// A closed zone whose border moves at noon: one herd is inside from then on, one no longer, one before and after.
pub(super) fn zone_edit_at_noon(seed: u64) -> Trial {
    let before = Plot::field("edited", "no-grazing", [-1_200.0, -900.0, 0.0, 900.0]);
    let after = Plot::field("edited", "no-grazing", [-700.0, -900.0, 700.0, 900.0]);
    let mut land = Land::of(vec![before]);
    let noon_ms = legal_midnight(SUMMER) + 12 * HOUR_MS;
    land.editions.push(Edition { from_ms: noon_ms, plots: vec![after] });
    let mut stage = Stage::new("zone_edit_at_noon", seed, noon_ms - 4 * HOUR_MS, 8, land);
    let mut rng = stage.chance("herds");
    for (number, east_m) in [320.0, -960.0, -330.0].into_iter().enumerate() {
        let spot = Spot { east_m, north_m: rng.between(-500.0, 500.0) };
        let flock = flock(&stage, number, spot, &mut rng).graze(480.0, 60.0, &mut rng);
        stage.flocks.push(flock);
        let masts = [mast_near(&stage, 2 * number, spot, &mut rng), mast_near(&stage, 2 * number + 1, spot, &mut rng)];
        stage.masts.extend(masts);
    }
    watch_all(stage)
}

/// Two flocks of sheep that meet in closed land, pass each other, and go on.
pub(super) fn two_herds_crossing(seed: u64) -> Trial {
    let (mut stage, _) = summer("two_herds_crossing", seed, 9, 4, 1_600.0);
    let mut rng = stage.chance("herds");
    let (west, east) = (Spot { east_m: -750.0, north_m: 0.0 }, Spot { east_m: 750.0, north_m: 0.0 });
    for (number, (from, to)) in [(west, east), (east, west)].into_iter().enumerate() {
        let lane_m = rng.between(40.0, 160.0) * if number == 0 { 1.0 } else { -1.0 };
        let beside = |spot: Spot| Spot { north_m: spot.north_m + lane_m, ..spot };
        let head = rng.whole(60, 180) as u32;
        let flock = Flock::at(
            &format!("herd-{}", number + 1),
            vec![Group::of("sheep", head)],
            beside(from),
            stage.from_ms,
            &mut rng,
        );
        let flock = flock.graze(rng.between(40.0, 60.0), 40.0, &mut rng).go(beside(to), rng.between(0.4, 0.9));
        stage.flocks.push(flock.graze(120.0, 40.0, &mut rng));
    }
    let masts: Vec<Mast> = [-750.0, -375.0, 0.0, 375.0, 750.0]
        .into_iter()
        .enumerate()
        .map(|(number, east_m)| mast_near(&stage, number, Spot { east_m, north_m: 0.0 }, &mut rng))
        .collect();
    stage.masts.extend(masts);
    watch_all(stage)
}

/// Sheep, goats and cattle in one herd, told one by one; horses elsewhere.
pub(super) fn mixed_species(seed: u64) -> Trial {
    let (mut stage, closed) = summer("mixed_species", seed, 8, 6, 1_000.0);
    let mut rng = stage.chance("herds");
    let mixed = vec![
        Group::of("sheep", rng.whole(50, 120) as u32),
        Group::of("goat", rng.whole(20, 60) as u32),
        Group::of("cattle", rng.whole(4, 15) as u32),
    ];
    let horses = vec![Group::of("horse", rng.whole(8, 25) as u32), Group::of("cattle", rng.whole(5, 20) as u32)];
    for (number, (groups, bearing_deg)) in [(mixed, 60.0), (horses, 240.0)].into_iter().enumerate() {
        let outside = closed.border(CENTRE, bearing_deg).toward(bearing_deg, 220.0);
        let mut flock = Flock::at(&format!("herd-{}", number + 1), groups, outside, stage.from_ms, &mut rng);
        flock = flock.graze(rng.between(30.0, 60.0), 40.0, &mut rng);
        for _ in 0..2 {
            let depth_m = rng.between(150.0, 260.0);
            flock = visit(flock, &closed, bearing_deg, depth_m, rng.between(30.0, 80.0), 0.7, &mut rng);
            flock = flock.graze(rng.between(40.0, 60.0), 30.0, &mut rng);
        }
        stage.flocks.push(flock);
        watch_border(&mut stage, &closed, bearing_deg, number, &mut rng);
    }
    watch_all(stage)
}

/// A herd that is driven through closed land as fast as it walks, and back again later.
pub(super) fn driven_through(seed: u64) -> Trial {
    let (mut stage, closed) = summer("driven_through", seed, 7, 4, 700.0);
    let mut rng = stage.chance("herds");
    let (in_deg, out_deg) = (rng.between(150.0, 180.0), rng.between(330.0, 380.0));
    let beyond = |bearing_deg: f64| closed.border(CENTRE, bearing_deg).toward(bearing_deg, 260.0);
    let flock = flock(&stage, 0, beyond(in_deg), &mut rng).graze(rng.between(30.0, 60.0), 40.0, &mut rng);
    let flock = flock.go(beyond(out_deg), rng.between(1.2, 1.6)).graze(rng.between(40.0, 70.0), 40.0, &mut rng);
    stage.flocks.push(flock.go(beyond(in_deg), rng.between(1.2, 1.6)).graze(120.0, 40.0, &mut rng));
    let masts: Vec<Mast> = [in_deg, out_deg]
        .into_iter()
        .enumerate()
        .map(|(number, bearing_deg)| {
            let at = closed.border(CENTRE, bearing_deg).toward(bearing_deg, -120.0);
            mast_near(&stage, number, at, &mut rng)
        })
        .collect();
    stage.masts.extend(masts);
    watch_all(stage)
}

/// A summer's stage with one closed zone about the middle.
pub(super) fn summer(name: &'static str, seed: u64, hour: i64, hours: i64, radius_m: f64) -> (Stage, Plot) {
    let mut rng = Rng::new(seed, &format!("{name}/land"));
    let closed = Plot::blob("closed", "no-grazing", CENTRE, radius_m, &mut rng);
    let open = Plot::blob("open", "balance", Spot { east_m: 2.5 * radius_m, north_m: 0.0 }, radius_m, &mut rng);
    let mut land = Land::of(vec![closed.clone(), open]);
    land.season = Some(((4, 1), (6, 15)));
    (Stage::new(name, seed, legal_midnight(SUMMER) + hour * HOUR_MS, hours, land), closed)
}

/// A herd of one species, as they come.
pub(super) fn flock(stage: &Stage, number: usize, spot: Spot, rng: &mut Rng) -> Flock {
    let mix = [("sheep", 60, 200), ("goat", 40, 120), ("cattle", 15, 60), ("horse", 10, 40), ("camel", 8, 30)];
    let (species, low, high) =
        mix.get((number + stage.seed as usize) % mix.len()).copied().unwrap_or(("sheep", 40, 90));
    let groups = vec![Group::of(species, rng.whole(low, high) as u32)];
    Flock::at(&format!("herd-{}", number + 1), groups, spot, stage.from_ms, rng)
}

/// Goes into a zone, grazes, and comes out again.
pub(super) fn visit(
    flock: Flock,
    plot: &Plot,
    bearing_deg: f64,
    depth_m: f64,
    minutes: f64,
    speed_mps: f64,
    rng: &mut Rng,
) -> Flock {
    let border = plot.border(CENTRE, bearing_deg);
    let (inside, outside) = (border.toward(bearing_deg, -depth_m), border.toward(bearing_deg, 220.0));
    flock.go(inside, speed_mps).graze(minutes, (depth_m / 3.0).min(40.0), rng).go(outside, speed_mps)
}

/// A mast within sight of a place; every second one tells boxes.
pub(super) fn mast_near(stage: &Stage, number: usize, spot: Spot, rng: &mut Rng) -> Mast {
    let sends = if (number + stage.seed as usize).is_multiple_of(2) { Sends::Ground } else { Sends::Box };
    let foot = spot.toward(rng.between(0.0, 360.0), rng.between(160.0, 260.0));
    Mast::facing(&format!("cam-{}", number + 1), foot, rng.between(18.0, 30.0), spot, sends)
}

/// Two masts at a border, one of each kind.
pub(super) fn watch_border(stage: &mut Stage, plot: &Plot, bearing_deg: f64, number: usize, rng: &mut Rng) {
    let border = plot.border(CENTRE, bearing_deg);
    let masts = [0, 1].map(|other| mast_near(stage, 2 * number + other, border.toward(bearing_deg, -60.0), rng));
    stage.masts.extend(masts);
}

/// All masts look, and the trial is over.
pub(super) fn watch_all(mut stage: Stage) -> Trial {
    for mast in std::mem::take(&mut stage.masts) {
        mast.watch(&mut stage);
    }
    stage.end()
}
