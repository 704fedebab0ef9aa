//! Lands whose sight lines have exact answers.

use crate::*;
use model::Position;
use proptest::prelude::*;

const RANGE_M: f64 = 20_000.0;

fn middle() -> Position {
    Position::parse(43.0, 117.0).unwrap()
}

/// Land of 0.5 x 0.5 degrees in cells of this many degrees, with heights by metres east and north of its middle.
fn land(cell_deg: f64, height_m: impl Fn(f64, f64) -> f64) -> Terrain {
    let count = (0.5 / cell_deg) as u32;
    let (west, north) = (117.0 - 0.25, 43.0 + 0.25);
    let mut heights = Vec::new();
    for row in 0..count {
        for column in 0..count {
            let (lat, lon) = (north - cell_deg * f64::from(row), west + cell_deg * f64::from(column));
            let (east_m, north_m) = middle().offset_to(Position::parse(lat, lon).unwrap());
            heights.push(height_m(east_m, north_m) as f32);
        }
    }
    let grid = Grid::new((west, north), (cell_deg, cell_deg), (count, count), &heights).unwrap();
    Terrain::new(vec![Tile::new("land", Heights::Ellipsoidal, grid).unwrap()]).unwrap()
}

/// From the middle, this far above sea, looking north.
fn north(height_m: f64, depression_deg: f64) -> SightLine {
    let (down, north) = depression_deg.to_radians().sin_cos();
    SightLine { from: middle(), height_m, east: 0.0, north, down }
}

#[track_caller]
fn north_of(hit: Hit) -> f64 {
    let (east_m, north_m) = middle().offset_to(hit.position);
    assert!(east_m.abs() < 0.01);
    north_m
}

/// 0.001 degrees: 111 m.
const CELL_DEG: f64 = 0.001;

#[test]
fn on_flat_land_it_is_height_over_tangent_and_farther_by_the_curvature() {
    let flat = land(CELL_DEG, |_, _| 1_000.0);
    let near = flat.first_ground(&north(1_030.0, 5.0), RANGE_M).unwrap();
    assert!((north_of(near) - 30.0 / 5f64.to_radians().tan()).abs() < 0.15, "{near:?}");
    assert!((near.height_m - 1_000.0).abs() < 0.01);
    // h = s tan(a) - (1 - k) s^2 / 2R at s = 5 km: 1.7 m of drop on 87.3 m.
    let (slope, drop) = (1f64.to_radians().tan(), 5_000f64.powi(2) * 0.87 / (2.0 * 6_371_000.0));
    let far = flat.first_ground(&north(1_000.0 + 5_000.0 * slope - drop, 1.0), RANGE_M).unwrap();
    // Counted along the ellipsoid, below the land.
    let below = 6_365_000.0 / (6_365_000.0 + 1_087.0);
    assert!((north_of(far) - 5_000.0 * below).abs() < 0.25, "{}", north_of(far));
    let without = 5_000.0 - drop / slope;
    assert!(north_of(far) - without > 90.0, "a flat earth would be {without}");
}

#[test]
fn straight_down_is_straight_down() {
    let flat = land(CELL_DEG, |_, _| 1_000.0);
    let line = SightLine { from: middle(), height_m: 1_500.0, east: 0.0, north: 0.0, down: 3.0 };
    let hit = flat.first_ground(&line, RANGE_M).unwrap();
    assert!(middle().distance_m(hit.position) < 1e-6 && (hit.distance_m - 500.0).abs() < 0.05);
}

#[test]
fn on_a_ramp_it_is_where_the_lines_cross() {
    // One in ten, up to the north; the eye 50 m above it looks level.
    let up = land(CELL_DEG, |_, north_m| 4_000.0 + 0.1 * north_m);
    let hit = up.first_ground(&north(4_050.0, 0.0), RANGE_M).unwrap();
    assert!((north_of(hit) - 500.0).abs() < 0.8, "decimetres at one in ten: {}", north_of(hit));
    // Down to the north, one in ten, seen at one in five.
    let down = land(CELL_DEG, |_, north_m| 4_000.0 - 0.1 * north_m);
    let hit = down.first_ground(&north(4_050.0, 0.2_f64.atan().to_degrees()), RANGE_M).unwrap();
    assert!((north_of(hit) - 500.0).abs() < 1.0, "{}", north_of(hit));
}

#[test]
fn a_camera_behind_a_ridge_sees_the_ridge_and_not_the_valley() {
    // A ridge 100 m high and 600 m wide at its foot, its crest 1 km to the north; a valley behind it.
    let ridge =
        |north_m: f64| (100.0 - (north_m - 1_000.0).abs() / 3.0).max(if north_m > 1_000.0 { -200.0 } else { 0.0 });
    let relief = land(0.0002, |_, north_m| 1_000.0 + ridge(north_m));
    let flat = land(0.0002, |_, _| 1_000.0);
    // Its foot is at 700 m, and a line down 1.5 degrees from 30 m falls to 1146 m on flat land.
    let line = north(1_030.0, 1.5);
    assert!((north_of(flat.first_ground(&line, RANGE_M).unwrap()) - 1_146.0).abs() < 5.0);
    let hit = relief.first_ground(&line, RANGE_M).unwrap();
    // 30 - s tan(1.5) = (s - 700) / 3
    let exact = (30.0 + 700.0 / 3.0) / (1.0 / 3.0 + 1.5_f64.to_radians().tan());
    assert!((north_of(hit) - exact).abs() < 1.0, "{} for {exact}", north_of(hit));
    // Looking up to it meets it too; over its crest there is only sky.
    assert!(north_of(relief.first_ground(&north(1_030.0, -3.0), RANGE_M).unwrap()) < 1_000.0);
    assert_eq!(relief.first_ground(&north(1_030.0, -5.0), RANGE_M), Err(Miss::Sky));
}

#[test]
fn what_cannot_be_seen_says_why() {
    let flat = land(CELL_DEG, |_, _| 1_000.0);
    assert_eq!(flat.first_ground(&north(1_030.0, -1.0), RANGE_M), Err(Miss::Sky));
    assert_eq!(flat.first_ground(&north(1_030.0, 5.0), 300.0), Err(Miss::Sky), "not within the range");
    assert_eq!(flat.first_ground(&north(999.0, 5.0), RANGE_M), Err(Miss::Buried));
    assert_eq!(flat.first_ground(&north(f64::NAN, 5.0), RANGE_M), Err(Miss::Unknown));
    assert_eq!(flat.first_ground(&north(1_900.0, 1.0), 90_000.0), Err(Miss::Unknown), "off the model");
    assert_eq!(Terrain::default().first_ground(&north(1_030.0, 5.0), RANGE_M), Err(Miss::Unknown));
    let holed = land(CELL_DEG, |_, north_m| if north_m > 300.0 { f64::NAN } else { 1_000.0 });
    assert_eq!(holed.first_ground(&north(1_030.0, 5.0), RANGE_M), Err(Miss::Unknown), "over a void");
    assert!(holed.first_ground(&north(1_030.0, 20.0), RANGE_M).is_ok());
}

#[test]
fn of_two_tiles_the_finer_counts_and_where_it_is_void_the_coarser() {
    let tile = |name: &str, cell_deg: f64, heights: Heights, height_m: &dyn Fn(f64) -> f32| {
        let count = (0.2 / cell_deg) as u32;
        let row = |_| (0..count).map(|column| height_m(116.9 + cell_deg * f64::from(column)));
        let heights_m: Vec<f32> = (0..count).flat_map(row).collect();
        let grid = Grid::new((116.9, 43.1), (cell_deg, cell_deg), (count, count), &heights_m).unwrap();
        Tile::new(name, heights, grid).unwrap()
    };
    let coarse = tile("coarse", 0.01, Heights::Ellipsoidal, &|_| 1_000.0);
    let sea = Heights::Orthometric { undulation_m: Some(-10.0) };
    let fine = tile("fine", 0.001, sea, &|lon| if lon < 117.0 { f32::NAN } else { 1_050.0 });
    let both = Terrain::new(vec![coarse.clone(), fine]).unwrap();
    let at = |lon| both.height(Position::parse(43.0, lon).unwrap());
    assert_eq!(at(116.95).map(|ground| ground.height_m), Some(1_000.0));
    let fine_m = at(117.05).unwrap().height_m;
    assert!((fine_m - 1_040.0).abs() < 1e-6, "ten metres of geoid are taken off: {fine_m}");
    assert_eq!(at(117.5), None);
    let unknown = tile("unknown", 0.001, Heights::Orthometric { undulation_m: None }, &|_| 1_050.0);
    let ground = Terrain::new(vec![unknown, coarse]).unwrap().height(middle()).unwrap();
    assert!(!ground.ellipsoidal && (ground.height_m - 1_050.0).abs() < 1e-6, "what is not stated is not made up");
}

#[test]
fn between_four_heights_the_ground_is_bilinear() {
    let grid = Grid::new((117.0, 43.0), (0.1, 0.1), (2, 2), &[0.0, 10.0, 20.0, 40.0]).unwrap();
    let terrain = Terrain::new(vec![Tile::new("t", Heights::Ellipsoidal, grid).unwrap()]).unwrap();
    let at = |lat, lon| terrain.height(Position::parse(lat, lon).unwrap()).map(|ground| ground.height_m);
    let check = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}");
    check(at(43.0, 117.0), 0.0);
    check(at(42.9, 117.1), 40.0);
    check(at(42.95, 117.05), 17.5);
    check(at(42.975, 117.05), 11.25);
    check(at(43.04, 117.05), 5.0);
    assert_eq!(at(43.06, 117.05), None, "half a cell out is out");
}

#[test]
fn numbers_that_are_no_grid_are_refused_by_what_is_wrong() {
    let of = |corner, steps, size, heights: &[f32]| Grid::new(corner, steps, size, heights).unwrap_err();
    let (corner, steps) = ((117.0, 43.0), (0.1, 0.1));
    assert!(matches!(of(corner, steps, (100_000, 100_000), &[]), BadGrid::TooLarge { .. }));
    assert!(matches!(of(corner, steps, (1, 9), &[0.0; 9]), BadGrid::TooSmall { .. }));
    assert!(matches!(of(corner, steps, (2, 2), &[0.0; 3]), BadGrid::Count { .. }));
    assert!(matches!(of((117.0, 91.0), steps, (2, 2), &[0.0; 4]), BadGrid::OffTheMap { .. }));
    assert!(matches!(of(corner, (0.1, f64::NAN), (2, 2), &[0.0; 4]), BadGrid::OffTheMap { .. }));
    assert!(matches!(of(corner, steps, (2, 2), &[0.0, 1.0, 2.0, 13_000.0]), BadGrid::NotHeights { .. }));
    assert!(matches!(of(corner, steps, (2, 2), &[f32::NAN; 4]), BadGrid::Empty));
    let grid = Grid::new(corner, steps, (2, 2), &[0.0; 4]).unwrap();
    for name in ["", "../escape", "a b", "名", &"x".repeat(65)] {
        assert!(Tile::new(name, Heights::Ellipsoidal, grid.clone()).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn whatever_is_met_lies_on_the_line_and_on_the_ground_and_nothing_before_it_is_higher(
        seed in 0.0..10.0_f64, bearing in 0.0..std::f64::consts::TAU, depression_deg in -2.0..30.0_f64, height_m in 5.0..300.0_f64,
    ) {
        let hills = land(0.002, |east_m, north_m| {
            1_200.0 + 80.0 * ((east_m / 900.0 + seed).sin() + (north_m / 700.0 - seed).cos())
        });
        let base = hills.height(middle()).unwrap().height_m;
        let (down, level) = depression_deg.to_radians().sin_cos();
        let line = SightLine {
            from: middle(), height_m: base + height_m, east: level * bearing.sin(), north: level * bearing.cos(), down,
        };
        let Ok(hit) = hills.first_ground(&line, 10_000.0) else { return Ok(()) };
        let ground = hills.height(hit.position).unwrap().height_m;
        // Within 5 cm of the way, on slopes of up to one in ten against lines of up to 30 degrees.
        prop_assert!((hit.height_m - ground).abs() < 0.06, "{hit:?} {ground}");
        let flat_m = middle().distance_m(hit.position);
        for share in [0.1, 0.3, 0.5, 0.7, 0.9] {
            let away = flat_m * share;
            let drop = away * away * 0.87 / (2.0 * 6_371_000.0);
            let line_m = base + height_m - away * down / level + drop;
            let under = hills.height(middle().moved(away * bearing.sin(), away * bearing.cos())).unwrap().height_m;
            prop_assert!(line_m > under - 1.0, "{line_m} under {under} at {away}");
        }
    }
}
