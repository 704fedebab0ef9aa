//! Published vectors, and a camera of its own that looks back.

use super::*;
use proptest::prelude::*;

const ERRORS: Errors = Errors { pan_deg: 1.0, tilt_deg: 1.0, height_m: 3.0, position_m: 0.0 };
const ONLY_TILT: Errors = Errors { pan_deg: 0.0, tilt_deg: 1.0, height_m: 0.0, position_m: 0.0 };
const ONLY_PAN: Errors = Errors { pan_deg: 1.0, tilt_deg: 0.0, height_m: 0.0, position_m: 0.0 };
const ONLY_HEIGHT: Errors = Errors { pan_deg: 0.0, tilt_deg: 0.0, height_m: 3.0, position_m: 0.0 };

fn eye(height_m: f64, yaw_deg: f64, pitch_deg: f64, hfov_deg: f64) -> Eye {
    Eye {
        position: Position::parse(43.9, 113.5).unwrap(),
        height_m,
        base: Base::Ground,
        attitude: Attitude { yaw_deg, pitch_deg, roll_deg: 0.0 },
        lens: Lens::new(hfov_deg, 1.0),
        errors: ERRORS,
    }
}

/// A box without size, so that its own error is none, whose lower edge's middle is this point.
fn dot(u: f64, v: f64) -> BoundingBox {
    BoundingBox { x: u, y: v, w: 0.0, h: 0.0 }
}

/// 100 m above ground, 84 degrees wide, yaw 30, a picture of 1920 by 1080.
#[track_caller]
fn check(pitch_deg: f64, pixel: (f64, f64), (north_m, east_m): (f64, f64), (lat, lon): (f64, f64)) {
    let eye = eye(100.0, 30.0, pitch_deg, 84.0);
    let seen = BoundingBox { x: pixel.0 / 1920.0 - 0.01, y: pixel.1 / 1080.0 - 0.02, w: 0.02, h: 0.02 };
    let found = eye.ground(seen, &Terrain::default()).unwrap().position;
    let (east, north) = eye.position.offset_to(found);
    assert!((east - east_m).abs() < 1e-3 && (north - north_m).abs() < 1e-3, "{north} {east}");
    assert!((found.lat_deg() - lat).abs() < 6e-8 && (found.lon_deg() - lon).abs() < 6e-8, "{found:?}");
}

#[test]
fn a_box_lands_where_the_published_vectors_say() {
    check(-45.0, (960.0, 540.0), (86.603, 50.000), (43.9007794, 113.5006223));
    check(-30.0, (1500.0, 800.0), (55.002, 113.988), (43.9004950, 113.5014188));
    check(-10.0, (960.0, 540.0), (491.147, 283.564), (43.9044204, 113.5035295));
}

#[test]
fn the_middle_of_the_picture_at_45_degrees_is_as_far_as_published_along_the_sight_line() {
    let ray = Sight { attitude: eye(100.0, 30.0, -45.0, 84.0).attitude, lens: Lens::new(84.0, 1.0), point: (0.5, 0.5) };
    let (east, north) = Plane::flat(100.0).meets(ray.ray()).unwrap();
    assert!((east.hypot(north).hypot(100.0) - 141.421).abs() < 1e-3);
}

/// One standard deviation along and across the sight line, metres.
fn along_and_across(height_m: f64, depression_deg: f64, errors: Errors) -> (f64, f64) {
    let found =
        Eye { errors, ..eye(height_m, 0.0, -depression_deg, 60.0) }.ground(dot(0.5, 0.5), &Terrain::default()).unwrap();
    (found.spread.north_m2.sqrt(), found.spread.east_m2.sqrt())
}

/// The table of error growth: angle, then range and errors by 1 degree of pitch, 3 m of height, 1 degree of yaw.
#[track_caller]
fn check_growth(height_m: f64, depression_deg: f64, range: f64, pitch: f64, height: f64, yaw: f64) {
    let near = |found: f64, published: f64| (found - published).abs() <= 0.011 * published + 0.06;
    assert!(near(height_m / depression_deg.to_radians().tan(), range), "range");
    let found = along_and_across(height_m, depression_deg, ONLY_TILT).0;
    assert!(near(found, pitch), "pitch {found}");
    let found = along_and_across(height_m, depression_deg, ONLY_HEIGHT).0;
    assert!(near(found, height), "height {found}");
    let found = along_and_across(height_m, depression_deg, ONLY_PAN).1;
    assert!(near(found, yaw), "yaw {found}");
}

#[test]
fn errors_grow_as_published_from_a_drone_100_m_up() {
    check_growth(100.0, 60.0, 58.0, 2.3, 1.7, 1.0);
    check_growth(100.0, 45.0, 100.0, 3.5, 3.0, 1.7);
    check_growth(100.0, 30.0, 173.0, 7.0, 5.2, 3.0);
    check_growth(100.0, 20.0, 275.0, 15.0, 8.2, 4.8);
    check_growth(100.0, 10.0, 567.0, 58.0, 17.0, 9.9);
    check_growth(100.0, 5.0, 1143.0, 230.0, 34.0, 20.0);
    check_growth(100.0, 3.001, 1908.0, 637.0, 57.0, 33.0);
}

#[test]
fn errors_grow_as_published_from_a_mast_30_m_up() {
    check_growth(30.0, 60.0, 17.3, 0.7, 1.7, 0.3);
    check_growth(30.0, 45.0, 30.0, 1.0, 3.0, 0.5);
    check_growth(30.0, 30.0, 52.0, 2.1, 5.2, 0.9);
    check_growth(30.0, 20.0, 82.0, 4.5, 8.2, 1.4);
    check_growth(30.0, 10.0, 170.0, 17.3, 17.0, 3.0);
    check_growth(30.0, 5.0, 343.0, 69.0, 34.0, 6.0);
    check_growth(30.0, 3.001, 572.0, 191.0, 57.0, 10.0);
}

#[test]
fn five_degrees_under_the_horizon_a_mast_is_wrong_by_69_metres_for_one_degree_of_pointing() {
    let (along, across) = along_and_across(30.0, 5.0, ONLY_TILT);
    assert!((along - 68.93).abs() < 0.1 && across <= 0.011, "{along} {across}");
    let (along, across) = along_and_across(30.0, 5.0, ERRORS);
    assert!((along - 68.93_f64.hypot(34.29)).abs() < 0.1 && (across - 5.98).abs() < 0.05, "{along} {across}");
}

#[test]
fn a_large_box_and_a_drone_that_knows_its_place_badly_widen_the_spread() {
    let drone = eye(100.0, 0.0, -45.0, 60.0);
    let sigma = |seen, position_m| {
        let errors = Errors { position_m, ..ERRORS };
        Eye { errors, ..drone }.ground(seen, &Terrain::default()).unwrap().spread.sigma_m()
    };
    let small = sigma(dot(0.5, 0.5), 0.0);
    let large = sigma(BoundingBox { x: 0.3, y: 0.1, w: 0.4, h: 0.4 }, 0.0);
    assert!(large > small + 0.3, "{small} {large}");
    assert!(sigma(dot(0.5, 0.5), 5.0) > 5.0);
}

#[test]
fn a_camera_that_looks_along_the_ground_tells_a_direction_and_no_position() {
    let seen = BoundingBox { x: 0.45, y: 0.4, w: 0.1, h: 0.1 };
    assert_eq!(
        eye(30.0, 72.0, -2.0, 60.0).ground(seen, &Terrain::default()),
        Err(Unplaced::Grazing { bearing_deg: 72.0 })
    );
    assert!(eye(30.0, 72.0, -2.99, 60.0).ground(seen, &Terrain::default()).is_err());
    assert!(eye(30.0, 72.0, -3.01, 60.0).ground(seen, &Terrain::default()).is_ok());
    let Err(Unplaced::Grazing { bearing_deg }) = eye(30.0, -10.0, 20.0, 60.0).ground(seen, &Terrain::default()) else {
        panic!()
    };
    assert!((bearing_deg - 350.0).abs() < 1e-9, "and above the horizon: {bearing_deg}");
    assert!(
        eye(0.0, 0.0, -45.0, 60.0).ground(seen, &Terrain::default()).is_err(),
        "on the ground there is no height to go by"
    );
}

#[test]
fn twice_the_zoom_is_half_the_field_of_view_in_the_tangent() {
    let lens = Lens::new(60.0, 2.0);
    let wide = 2.0 * (30.0_f64.to_radians().tan() / 2.0).atan();
    assert!((lens.focal_widths() - Lens::new(wide.to_degrees(), 1.0).focal_widths()).abs() < 1e-12);
    assert_eq!(Lens::new(60.0, 0.0), Lens::new(60.0, 1.0), "a head that does not zoom says 0 or 1");
}

/// A forward projection of its own: world to picture by the transpose of the rotation, written out as matrices.
fn project(eye: &Eye, k1: f64, hfov_deg: f64, (east, north): (f64, f64)) -> Option<(f64, f64)> {
    type Matrix = [[f64; 3]; 3];
    let multiply = |a: Matrix, b: Matrix| -> Matrix {
        std::array::from_fn(|row| std::array::from_fn(|column| (0..3).map(|k| a[row][k] * b[k][column]).sum()))
    };
    let Attitude { yaw_deg, pitch_deg, roll_deg } = eye.attitude;
    let [(ys, yc), (ps, pc), (rs, rc)] = [yaw_deg, pitch_deg, roll_deg].map(|angle| angle.to_radians().sin_cos());
    let yaw = [[yc, -ys, 0.0], [ys, yc, 0.0], [0.0, 0.0, 1.0]];
    let pitch = [[pc, 0.0, ps], [0.0, 1.0, 0.0], [-ps, 0.0, pc]];
    let roll = [[1.0, 0.0, 0.0], [0.0, rc, -rs], [0.0, rs, rc]];
    let camera_to_world = multiply(multiply(yaw, pitch), roll);
    let world = [north, east, eye.height_m];
    let [forward, right, down] =
        std::array::from_fn(|column| (0..3).map(|row| camera_to_world[row][column] * world[row]).sum::<f64>());
    if forward <= 0.0 {
        return None;
    }
    let (x, y) = (right / forward, down / forward);
    let bulge = 1.0 + k1 * (x * x + y * y);
    // Beyond this a barrel shows nothing new.
    if 1.0 + 3.0 * k1 * (x * x + y * y) < 0.3 {
        return None;
    }
    let focal_px = 960.0 / (hfov_deg / 2.0).to_radians().tan();
    let (u, v) = (960.0 + focal_px * x * bulge, 540.0 + focal_px * y * bulge);
    ((0.0..=1920.0).contains(&u) && (0.0..=1080.0).contains(&v)).then_some((u / 1920.0, v / 1080.0))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn a_point_of_the_ground_that_is_in_the_picture_comes_back_within_millimetres(
        height_m in 5.0..500.0_f64, yaw_deg in -180.0..360.0_f64, pitch_deg in -90.0..-5.0_f64, roll_deg in -20.0..20.0_f64,
        hfov_deg in 5.0..110.0_f64, k1 in prop_oneof![Just(0.0), -0.3..0.3_f64],
        right in 0.01..0.99_f64, down in 0.01..0.99_f64,
    ) {
        let mut eye = eye(height_m, yaw_deg, pitch_deg, hfov_deg);
        eye.attitude.roll_deg = roll_deg;
        eye.lens = eye.lens.with_distortion(k1);
        // Somewhere on the ground that is likely to be seen.
        let sight = Sight { attitude: eye.attitude, lens: Lens::new(hfov_deg, 1.0), point: (right, down) };
        let ray = sight.ray();
        prop_assume!(ray.depression_deg() > 3.1);
        let place = Plane::flat(height_m).meets(ray).unwrap();
        let Some((u, v)) = project(&eye, k1, hfov_deg, place) else { return Ok(()) };
        let found = eye.ground(dot(u, v), &Terrain::default()).unwrap().position;
        let (east, north) = eye.position.offset_to(found);
        let off_m = (east - place.0).hypot(north - place.1);
        prop_assert!(off_m < 1e-3, "{off_m} m off at {place:?}");
    }
}
