//! How often the truth lies where a spread says, and how far from it, measured with errors that are drawn.

use super::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;
use terrain::{Heights, ImportOptions, Lookup, SightLine};

const DRAWS: usize = 4_000;
const ERRORS: Errors = Errors { pan_deg: 1.0, tilt_deg: 1.0, height_m: 3.0, position_m: 0.0 };

/// Box and Muller's.
fn normal(rng: &mut StdRng, sigma: f64) -> f64 {
    let (u, v): (f64, f64) = (rng.random_range(f64::EPSILON..1.0), rng.random());
    sigma * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The share of draws that lie within the ellipse which should hold `share` of them.
fn within(located: Located, draws: &[Position], share: f64) -> f64 {
    let Spread { east_m2, north_m2, east_north_m2 } = located.spread;
    let determinant = east_m2 * north_m2 - east_north_m2 * east_north_m2;
    let inside = draws.iter().filter(|place| {
        let (e, n) = located.position.offset_to(**place);
        let distance = (e * e * north_m2 - 2.0 * e * n * east_north_m2 + n * n * east_m2) / determinant;
        distance <= -2.0 * (1.0 - share).ln()
    });
    inside.count() as f64 / draws.len() as f64
}

#[test]
fn nine_in_ten_of_what_a_mast_may_have_meant_lie_in_the_ellipse_of_nine_in_ten() {
    let mut rng = StdRng::seed_from_u64(9);
    // The flatter, the more the truth lies to the far side: less of it is in the ellipse.
    for (depression_deg, least) in [(45.0, 0.89), (20.0, 0.89), (10.0, 0.88), (6.0, 0.85), (5.0, 0.83)] {
        let eye = Eye {
            position: Position::parse(43.3, 117.5).unwrap(),
            height_m: 30.0,
            base: Base::Ground,
            attitude: Attitude { yaw_deg: 30.0, pitch_deg: -depression_deg, roll_deg: 0.0 },
            lens: Lens::new(60.0, 1.0),
            errors: ERRORS,
        };
        let dot = BoundingBox { x: 0.5, y: 0.5, w: 0.0, h: 0.0 };
        let located = eye.ground(dot, &Terrain::default()).unwrap();
        let sight = Sight { attitude: eye.attitude, lens: eye.lens, point: (0.5, 0.5) };
        let draws: Vec<Position> = std::iter::repeat_with(|| {
            let (pan, tilt) = (normal(&mut rng, ERRORS.pan_deg), normal(&mut rng, ERRORS.tilt_deg));
            let height_m = 30.0 + normal(&mut rng, ERRORS.height_m);
            Plane::flat(height_m).meets(sight.turned(pan, tilt).ray())
        })
        .take(DRAWS)
        .filter_map(|met| met.map(|(east, north)| eye.position.moved(east, north)))
        .collect();
        let found = within(located, &draws, 0.9);
        println!("{depression_deg} degrees: {:.1} % in the ellipse of 90 %", found * 100.0);
        assert!((least..0.94).contains(&found), "{depression_deg}: {found}");
    }
}

fn mountains() -> Option<Terrain> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dem/SRTMGL3_40.09_-105.56_colorado.asc");
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!("SKIPPED: {} is not here", file.display());
        return None;
    };
    let options = ImportOptions { heights: Heights::Orthometric { undulation_m: None }, crs: None };
    Some(Terrain::new(vec![terrain::import("colorado", &bytes, &options).unwrap()]).unwrap())
}

/// The middle value and that of nine in ten.
fn quantiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[values.len() * 9 / 10])
}

#[test]
fn among_real_mountains_the_model_finds_what_level_land_misses_by_hundreds_of_metres() {
    let Some(relief) = mountains() else { return };
    let mut rng = StdRng::seed_from_u64(3);
    let (mut by_relief, mut by_level, mut inside, mut unplaced) = (Vec::new(), Vec::new(), 0.0, 0);
    for _ in 0..1_500 {
        let position = Position::parse(rng.random_range(40.11..40.19), rng.random_range(-105.54..-105.46)).unwrap();
        let (yaw_deg, pitch_deg) = (rng.random_range(0.0..360.0), rng.random_range(-12.0..4.0));
        let eye = Eye {
            position,
            height_m: 30.0,
            base: Base::Ground,
            attitude: Attitude { yaw_deg, pitch_deg, roll_deg: 0.0 },
            lens: Lens::new(60.0, 1.0),
            errors: ERRORS,
        };
        // What really stood in the middle of the picture: the head's angles and the mast's height were a little others.
        let sight = Sight { attitude: eye.attitude, lens: eye.lens, point: (0.5, 0.5) };
        let ray = sight.turned(normal(&mut rng, 1.0), normal(&mut rng, 1.0)).ray();
        let Lookup::Height(ground) = relief.ground(position) else { continue };
        let height_m = ground.height_m + 30.0 + normal(&mut rng, 3.0);
        let line = SightLine { from: position, height_m, east: ray.east, north: ray.north, down: ray.down };
        // Nobody recognises an animal beyond two kilometres, nor one below the mast's own feet.
        let Ok(truth) = relief.first_ground(&line, 2_000.0) else { continue };
        let dot = BoundingBox { x: 0.5, y: 0.5, w: 0.0, h: 0.0 };
        match eye.ground(dot, &relief) {
            Ok(found) => {
                by_relief.push(found.position.distance_m(truth.position));
                inside += within(found, &[truth.position], 0.9);
                if let Ok(level) = eye.ground(dot, &Terrain::default()) {
                    by_level.push(level.position.distance_m(truth.position));
                }
            }
            Err(_) => unplaced += 1,
        }
    }
    let (count, inside) = (by_relief.len(), inside / by_relief.len() as f64);
    let ((middle, most), level) = (quantiles(by_relief), quantiles(by_level.clone()));
    println!(
        "{count} placed by relief, {unplaced} by direction only: off by {middle:.0} m, nine in ten by {most:.0} m; {:.1} % in the ellipse of 90 %",
        inside * 100.0
    );
    println!("{} placed on level land: off by {:.0} m, nine in ten by {:.0} m", by_level.len(), level.0, level.1);
    assert!(count > 500 && middle < 30.0 && level.0 > 3.0 * middle, "{count} {middle} {level:?}");
    assert!(inside > 0.8, "{inside}");
}
