//! The footprint held against rays that are computed apart from it.

use super::*;
use crate::place::Attitude;
use model::Position;
use proptest::prelude::*;
use terrain::Terrain;

fn here() -> Position {
    Position::parse(43.9, 113.5).unwrap()
}

fn lookout(height_m: f64, attitude: Attitude, hfov_deg: f64, range_m: f64) -> Lookout {
    let glass = Glass::new(hfov_deg, 1.0);
    Lookout { position: here(), height_m, elevation_m: None, attitude, glass, range_m, animal_m: 0.9 }
}

/// The direction of a point of the picture by matrices written out: yaw, pitch and roll of a 16:9 picture. North, east, down.
fn ray(attitude: Attitude, hfov_deg: f64, (u, v): (f64, f64)) -> [f64; 3] {
    let half = (hfov_deg / 2.0).to_radians().tan();
    let camera = [1.0, (2.0 * u - 1.0) * half, (2.0 * v - 1.0) * half * 9.0 / 16.0];
    let [(ys, yc), (ps, pc), (rs, rc)] =
        [attitude.yaw_deg, attitude.pitch_deg, attitude.roll_deg].map(|angle| angle.to_radians().sin_cos());
    let matrices = [
        [[1.0, 0.0, 0.0], [0.0, rc, -rs], [0.0, rs, rc]],
        [[pc, 0.0, ps], [0.0, 1.0, 0.0], [-ps, 0.0, pc]],
        [[yc, -ys, 0.0], [ys, yc, 0.0], [0.0, 0.0, 1.0]],
    ];
    matrices.iter().fold(camera, |vector, matrix: &[[f64; 3]; 3]| {
        std::array::from_fn(|row| (0..3).map(|column| matrix[row][column] * vector[column]).sum())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn the_ground_behind_a_point_of_the_picture_is_seen_and_that_beside_the_picture_is_not(
        height_m in 5.0..300.0_f64, yaw_deg in -180.0..360.0_f64, pitch_deg in -90.0..0.0_f64, roll_deg in -20.0..20.0_f64,
        hfov_deg in 5.0..110.0_f64, range_m in 50.0..2_000.0_f64, u in -0.4..1.4_f64, v in -0.4..1.4_f64,
    ) {
        let attitude = Attitude { yaw_deg, pitch_deg, roll_deg };
        let [north, east, down] = ray(attitude, hfov_deg, (u, v));
        prop_assume!(down > 0.02);
        let length = height_m / down;
        let slant_m = length * north.hypot(east).hypot(down);
        // At the edges the earth's curvature and the rounding of degrees decide.
        prop_assume!([u, v].iter().all(|at| at.abs() > 0.003 && (at - 1.0).abs() > 0.003));
        prop_assume!((slant_m / range_m - 1.0).abs() > 0.003 && slant_m < 3_000.0);
        let place = here().moved(length * east, length * north);
        let is_inside = (0.0..=1.0).contains(&u) && (0.0..=1.0).contains(&v) && slant_m < range_m;
        let seen = lookout(height_m, attitude, hfov_deg, range_m).sees(place, &Terrain::default());
        prop_assert_eq!(seen, is_inside, "{} m away at {:?}", slant_m, (u, v));
    }
}

#[test]
fn an_animal_of_the_range_is_as_many_pixels_tall_as_it_has_to_be() {
    let settings = Settings::default();
    for hfov_deg in [2.0, 20.0, 60.0, 84.0, 120.0] {
        let settings = Settings { range_max_m: 1e9, ..settings.clone() };
        let range_m = Glass::new(hfov_deg, 1.0).range_m(&settings);
        // In the middle of the picture, by the angle it takes: no formula of ours.
        let widths = 2.0 * (hfov_deg / 2.0).to_radians().tan();
        let pixels = settings.animal_m / range_m / widths * settings.picture_pixels;
        assert!((pixels - 10.0).abs() < 1e-9, "{hfov_deg}: {pixels}");
    }
    let zoomed = Glass::new(60.0, 10.0).range_m(&settings);
    assert!((zoomed / Glass::new(60.0, 1.0).range_m(&settings) - 10.0).abs() < 0.01, "{zoomed}");
    assert_eq!(Glass::new(1.0, 1.0).range_m(&settings), settings.range_max_m);
}

#[test]
fn a_camera_for_the_full_circle_sees_all_around_and_a_wide_one_its_sector() {
    let level = Attitude { yaw_deg: 90.0, pitch_deg: 0.0, roll_deg: 0.0 };
    let (all, half) = (lookout(20.0, level, 360.0, 200.0), lookout(20.0, level, 180.0, 200.0));
    for (bearing_deg, in_half) in
        [(0.0, true), (45.0, true), (90.0, true), (179.0, true), (181.0, false), (270.0, false)]
    {
        let (sin, cos) = f64::to_radians(bearing_deg).sin_cos();
        let place = here().moved(150.0 * sin, 150.0 * cos);
        let seen = |lookout: &Lookout| lookout.sees(place, &Terrain::default());
        // A bearing of exactly the edge may fall either way.
        assert!(seen(&all), "{bearing_deg}");
        if bearing_deg != 0.0 {
            assert_eq!(seen(&half), in_half, "{bearing_deg}");
        }
    }
    assert!(!all.sees(here().moved(0.0, 201.0), &Terrain::default()));
}
