//! Land with hills, and a drone over it.

use super::*;
use model::Position;
use terrain::{Grid, Heights, Tile};

const ERRORS: Errors = Errors { pan_deg: 1.0, tilt_deg: 1.0, height_m: 3.0, position_m: 0.0 };
const CELL_DEG: f64 = 0.000_25;

fn middle() -> Position {
    Position::parse(43.3, 117.5).unwrap()
}

/// 0.1 x 0.1 degrees around the middle, by metres north of it.
fn land(heights: Heights, height_m: impl Fn(f64) -> f64) -> Terrain {
    let (west, north, count) = (117.45, 43.35, 400);
    let rows = (0..count).map(|row| {
        let place = Position::parse(north - CELL_DEG * f64::from(row), 117.5).unwrap();
        height_m(middle().offset_to(place).1) as f32
    });
    let heights_m: Vec<f32> = rows.flat_map(|height| std::iter::repeat_n(height, count as usize)).collect();
    let grid = Grid::new((west, north), (CELL_DEG, CELL_DEG), (count, count), &heights_m).unwrap();
    Terrain::new(vec![Tile::new("land", heights, grid).unwrap()]).unwrap()
}

fn level() -> Terrain {
    land(Heights::Ellipsoidal, |_| 1_000.0)
}

fn eye(height_m: f64, depression_deg: f64, base: Base) -> Eye {
    Eye {
        position: middle(),
        height_m,
        base,
        attitude: Attitude { yaw_deg: 0.0, pitch_deg: -depression_deg, roll_deg: 0.0 },
        lens: Lens::new(60.0, 1.0),
        errors: ERRORS,
    }
}

/// The middle of the picture.
const DOT: BoundingBox = BoundingBox { x: 0.5, y: 0.5, w: 0.0, h: 0.0 };

fn north_of(located: Located) -> f64 {
    middle().offset_to(located.position).1
}

#[test]
fn a_model_of_level_land_says_the_same_as_none() {
    for (height_m, depression_deg) in [(30.0, 5.0), (30.0, 12.0), (100.0, 45.0), (100.0, 89.9)] {
        let eye = eye(height_m, depression_deg, Base::Ground);
        let (with, without) = (eye.ground(DOT, &level()).unwrap(), eye.ground(DOT, &Terrain::default()).unwrap());
        assert!((north_of(with) - north_of(without)).abs() < 0.3, "{} {}", north_of(with), north_of(without));
        let (with, without) = (with.spread.sigma_m(), without.spread.sigma_m());
        assert!((with / without - 1.0).abs() < 0.05, "{with} {without}");
    }
}

#[test]
fn a_slope_that_faces_the_camera_is_seen_nearer_and_more_surely_than_level_land() {
    // From 200 m on, one in five upwards: 30 - s tan(5) = (s - 200) / 5.
    let slope = land(Heights::Ellipsoidal, |north_m| 1_000.0 + (north_m - 200.0).max(0.0) / 5.0);
    let eye = eye(30.0, 5.0, Base::Ground);
    let found = eye.ground(DOT, &slope).unwrap();
    let exact = 70.0 / (0.2 + 5f64.to_radians().tan());
    assert!((north_of(found) - exact).abs() < 1.0, "{} for {exact}", north_of(found));
    let along = found.spread.north_m2.sqrt();
    assert!(along < 25.0, "level land has 77 m: {along}");
    // The slope itself is known at angles at which level land is not.
    assert!(Eye { attitude: Attitude { pitch_deg: -1.0, ..eye.attitude }, ..eye }.ground(DOT, &slope).is_ok());
}

#[test]
fn behind_a_ridge_the_ridge_is_seen_and_beside_its_crest_only_a_direction() {
    // A ridge 40 m high at 400 m, as steep on both sides; level behind it.
    let ridge = land(Heights::Ellipsoidal, |north_m| 1_000.0 + (40.0 - (north_m - 400.0).abs() / 2.0).max(0.0));
    let at = |depression_deg| eye(30.0, depression_deg, Base::Ground).ground(DOT, &ridge);
    assert!((320.0..400.0).contains(&north_of(at(2.0).unwrap())), "level land would be 859 m");
    // At the crest itself one degree is between the slope and the sky.
    assert_eq!(at(0.0), Err(Unplaced::Grazing { bearing_deg: 0.0 }));
    assert_eq!(at(-5.0), Err(Unplaced::NoGround { bearing_deg: 0.0 }));
}

#[test]
fn level_land_seen_too_flat_is_a_direction_with_a_model_too() {
    assert!(eye(30.0, 4.0, Base::Ground).ground(DOT, &level()).is_ok());
    let flat = eye(30.0, 2.0, Base::Ground).ground(DOT, &level());
    assert!(matches!(flat, Err(Unplaced::Grazing { .. })), "{flat:?}");
}

#[test]
fn a_drone_is_as_high_as_where_it_took_off_and_what_it_climbed() {
    // It took off on a hill 200 m above the plain over which it flies, 100 m above its take-off.
    let hill = land(Heights::Ellipsoidal, |north_m| if north_m < -2_000.0 { 1_200.0 } else { 1_000.0 });
    let hilltop = middle().moved(0.0, -3_000.0);
    let at = |place, alt_m, relief: &Terrain| {
        north_of(eye(100.0, 45.0, Base::TakeOff { place, alt_m }).ground(DOT, relief).unwrap())
    };
    let check = |found: f64, expected: f64| assert!((found - expected).abs() < 0.3, "{found} for {expected}");
    check(at(Some(hilltop), None, &hill), 300.0);
    check(at(Some(hilltop), Some(1_234.0), &hill), 300.0);
    check(at(None, Some(1_300.0), &hill), 300.0);
    check(at(Some(hilltop), None, &Terrain::default()), 100.0);
    // Nothing says how high it is: level land, as if it had taken off below itself.
    check(at(None, None, &hill), 100.0);
    // A model above the sea, geoid 10 m below the ellipsoid, lowers its ground to 990 m against the receiver.
    let sea = land(Heights::Orthometric { undulation_m: Some(-10.0) }, |_| 1_000.0);
    check(at(None, Some(1_100.0), &sea), 110.0);
    let unknown = land(Heights::Orthometric { undulation_m: None }, |_| 1_000.0);
    check(at(None, Some(1_150.0), &unknown), 100.0);
}

#[test]
fn an_eye_off_the_model_looks_over_level_land() {
    let away = Eye { position: middle().moved(0.0, 50_000.0), ..eye(30.0, 10.0, Base::Ground) };
    let (with, without) = (away.ground(DOT, &level()), away.ground(DOT, &Terrain::default()));
    assert_eq!(with, without);
}
