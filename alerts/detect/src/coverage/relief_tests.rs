//! Land that hides land: a real mountain range, held against a walk along the line of sight that knows nothing of `march`.

use super::*;
use crate::place::Attitude;
use model::Position;
use std::path::PathBuf;
use terrain::{Grid as Relief, Heights, ImportOptions, Terrain, Tile, import};

fn mountains() -> Option<Terrain> {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dem/SRTMGL3_40.09_-105.56_colorado.asc");
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    };
    let heights = Heights::Orthometric { undulation_m: None };
    let options = ImportOptions { heights, crs: None };
    Some(Terrain::new(vec![import("mountains", &bytes, &options).unwrap()]).unwrap())
}

/// Metre by metre along the straight line on the map: is some ground higher than the line to the animal there? By how much the line
/// clears the ground at its worst.
fn clearance_m(relief: &Terrain, from: Position, eye_m: f64, to: Position, animal_m: f64) -> Option<f64> {
    let (east, north) = from.offset_to(to);
    let length_m = east.hypot(north);
    let target_m = relief.height(to)?.height_m + animal_m;
    let mut least_m = f64::INFINITY;
    for step in 1..length_m as i64 {
        let share = step as f64 / length_m;
        let ground_m = relief.height(from.moved(share * east, share * north))?.height_m;
        // Seen from a line between both ends the earth bulges by this; refraction takes an eighth of it back.
        let bulge_m = 0.87 * length_m * length_m * share * (1.0 - share) / (2.0 * 6_371_000.0);
        least_m = least_m.min(eye_m + share * (target_m - eye_m) - ground_m - bulge_m);
    }
    Some(least_m)
}

#[test]
fn in_real_mountains_a_viewshed_is_what_a_walk_along_each_line_says() {
    let Some(relief) = mountains() else { return };
    let ((south, west), (north, east)) = relief.tiles()[0].bounds_deg();
    let from = Position::parse(f64::midpoint(south, north), f64::midpoint(west, east)).unwrap();
    let eye_m = relief.height(from).unwrap().height_m + 30.0;
    let all_around = Attitude { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 };
    let lookout = Lookout {
        position: from,
        height_m: 30.0,
        elevation_m: Some(eye_m),
        attitude: all_around,
        glass: Glass::Round(360.0),
        range_m: 3_000.0,
        animal_m: 0.9,
    };
    let (mut seen, mut hidden, mut wrong) = (0, 0, Vec::new());
    for ring in 1..=14 {
        for bearing in 0..72 {
            let (sin, cos) = f64::from(bearing * 5).to_radians().sin_cos();
            let away_m = f64::from(ring) * 200.0;
            let to = from.moved(away_m * sin, away_m * cos);
            let Some(clear_m) = clearance_m(&relief, from, eye_m, to, 0.9) else { continue };
            let is_below = eye_m - relief.height(to).unwrap().height_m > 0.0;
            let found = lookout.sees(to, &relief);
            // Within a metre both may say either; a round lens looks down only.
            if is_below && clear_m.abs() > 1.0 && found != (clear_m > 0.0) {
                wrong.push((away_m, bearing * 5, clear_m));
            }
            if is_below && clear_m > 1.0 {
                seen += 1;
            } else if is_below && clear_m < -1.0 {
                hidden += 1;
            }
        }
    }
    assert!(seen > 50 && hidden > 50, "the land must have both: {seen} {hidden}");
    assert!(wrong.len() * 100 <= seen + hidden, "{} of {}: {wrong:?}", wrong.len(), seen + hidden);
}

#[test]
fn land_behind_a_ridge_is_not_watched_and_level_land_is() {
    let start = Position::parse(43.3, 117.5).unwrap();
    let (count, step_deg) = (200_u32, 0.000_25);
    let north_m = |row: u32| {
        let place = Position::parse(43.325 - step_deg * f64::from(row), 117.5).unwrap();
        start.offset_to(place).1
    };
    // A ridge 40 m high, 400 m to the north.
    let height_m = |row| 1_000.0 + (40.0 - (north_m(row) - 400.0).abs() / 2.0).max(0.0);
    let heights: Vec<f32> =
        (0..count).flat_map(|row| std::iter::repeat_n(height_m(row) as f32, count as usize)).collect();
    let relief = Relief::new((117.475, 43.325), (step_deg, step_deg), (count, count), &heights).unwrap();
    let relief = Terrain::new(vec![Tile::new("ridge", Heights::Ellipsoidal, relief).unwrap()]).unwrap();
    let lookout = Lookout {
        position: start,
        height_m: 30.0,
        elevation_m: Some(1_030.0),
        attitude: Attitude { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 },
        glass: Glass::Round(360.0),
        range_m: 1_500.0,
        animal_m: 0.9,
    };
    let at = |north_m: f64| lookout.sees(start.moved(0.0, north_m), &relief);
    assert_eq!([at(-600.0), at(200.0), at(350.0), at(450.0), at(600.0)], [true, true, true, false, false]);
    let blindfold = Lookout { elevation_m: None, ..lookout };
    assert!(blindfold.sees(start.moved(0.0, 600.0), &Terrain::default()), "without a relief nobody knows of the ridge");
}
