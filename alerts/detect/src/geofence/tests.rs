use super::*;
use geo::{Contains, Coord, LineString};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

fn ring(points: &[(i32, i32)]) -> Vec<GeoPoint> {
    points.iter().map(|(lon_e7, lat_e7)| GeoPoint { lon_e7: *lon_e7, lat_e7: *lat_e7 }).collect()
}

fn polygon(exterior: &[(i32, i32)], holes: &[&[(i32, i32)]]) -> Polygon {
    Polygon { exterior: ring(exterior), holes: holes.iter().map(|hole| ring(hole)).collect() }
}

fn build(zones: &[Vec<Polygon>]) -> Geofence {
    Geofence::build(zones.iter().map(Vec::as_slice)).unwrap()
}

fn at(fence: &Geofence, x: i32, y: i32) -> Vec<u32> {
    let mut zones = Vec::new();
    fence.zones_at(GeoPoint { lon_e7: x, lat_e7: y }, &mut zones);
    zones
}

#[test]
fn a_square_with_a_hole_and_an_overlapping_square_answer_as_drawn() {
    let fence = build(&[
        vec![polygon(&[(0, 0), (100, 0), (100, 100), (0, 100)], &[&[(40, 40), (60, 40), (60, 60), (40, 60)]])],
        vec![polygon(&[(50, 50), (150, 50), (150, 150), (50, 150)], &[])],
    ]);
    assert_eq!(at(&fence, 10, 10), [0]);
    assert_eq!(at(&fence, 45, 45), [] as [u32; 0]);
    assert_eq!(at(&fence, 55, 55), [1], "in the hole of the first, inside the second");
    assert_eq!(at(&fence, 80, 80), [0, 1]);
    assert_eq!(at(&fence, 120, 120), [1]);
    assert_eq!(at(&fence, -1, 50), [] as [u32; 0]);
}

#[test]
fn every_point_of_a_shared_border_lies_in_exactly_one_neighbour() {
    // Four quarters of a square whose inner borders zigzag, so that they run up, down, level and upright.
    let zigzag = [(50, 0), (45, 10), (55, 20), (55, 30), (50, 50)];
    let level = [(0, 50), (10, 55), (20, 55), (30, 45), (50, 50)];
    let up = [(50, 50), (52, 70), (48, 80), (48, 100)];
    let right = [(50, 50), (70, 48), (80, 52), (100, 52)];
    let join = |parts: &[&[(i32, i32)]]| {
        let mut points: Vec<(i32, i32)> = Vec::new();
        for part in parts {
            points.extend(part.iter().filter(|p| points.last() != Some(p)).copied().collect::<Vec<_>>());
        }
        points
    };
    let reversed = |part: &[(i32, i32)]| part.iter().rev().copied().collect::<Vec<_>>();
    let quarters = [
        join(&[&[(0, 0)], &zigzag, &reversed(&level)]),
        join(&[&[(100, 0), (100, 52)], &reversed(&right), &reversed(&zigzag)]),
        join(&[&[(0, 100)], &level, &up]),
        join(&[&[(100, 100)], &reversed(&up), &right]),
    ];
    let scaled: Vec<Vec<Polygon>> = quarters
        .iter()
        .map(|points| vec![polygon(&points.iter().map(|(x, y)| (x * 1000, y * 1000)).collect::<Vec<_>>(), &[])])
        .collect();
    let fence = build(&scaled);
    let mut random = StdRng::seed_from_u64(7);
    for line in [&zigzag[..], &level[..], &up[..], &right[..]] {
        for pair in line.windows(2) {
            for _ in 0..500 {
                let t = random.random_range(0..=1000);
                let x = pair[0].0 * 1000 + (pair[1].0 - pair[0].0) * t;
                let y = pair[0].1 * 1000 + (pair[1].1 - pair[0].1) * t;
                if x > 0 && y > 0 && x < 100_000 && y < 100_000 {
                    assert_eq!(at(&fence, x, y).len(), 1, "{x} {y}");
                }
            }
        }
    }
}

/// A star around a centre: simple by construction, spiky at will.
fn star(random: &mut StdRng, vertices: usize, cx: i32, cy: i32, radius: f64) -> Vec<(i32, i32)> {
    (0..vertices)
        .map(|i| {
            let angle = std::f64::consts::TAU * i as f64 / vertices as f64;
            let r = radius * random.random_range(0.3..1.0);
            (cx + (r * angle.cos()) as i32, cy + (r * angle.sin()) as i32)
        })
        .collect()
}

/// An oracle that shares nothing with the index: exact winding by `i128` over all edges, and `geo` beside it.
fn inside_by_winding(points: &[(i32, i32)], x: i32, y: i32) -> Option<bool> {
    let mut inside = false;
    for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
        let cross = i128::from(b.0 - a.0) * i128::from(y - a.1) - i128::from(x - a.0) * i128::from(b.1 - a.1);
        let within = x >= a.0.min(b.0) && x <= a.0.max(b.0) && y >= a.1.min(b.1) && y <= a.1.max(b.1);
        if cross == 0 && within {
            return None;
        }
        if (a.1 > y) != (b.1 > y) && ((cross > 0) == (b.1 > a.1)) {
            inside = !inside;
        }
    }
    Some(inside)
}

#[test]
fn stars_near_and_far_from_their_borders_agree_with_two_oracles() {
    let mut random = StdRng::seed_from_u64(1);
    let stars: Vec<Vec<(i32, i32)>> = (0..12)
        .map(|i| star(&mut random, 50 + 300 * i, (i as i32 % 4) * 900_000, (i as i32 / 4) * 900_000, 700_000.0))
        .collect();
    let fence = build(&stars.iter().map(|points| vec![polygon(points, &[])]).collect::<Vec<_>>());
    let shapes: Vec<geo::Polygon<f64>> = stars
        .iter()
        .map(|points| {
            let line = points.iter().map(|(x, y)| Coord { x: f64::from(*x), y: f64::from(*y) }).collect();
            geo::Polygon::new(LineString::new(line), vec![])
        })
        .collect();
    let mut compared = 0;
    for round in 0..20_000 {
        let (x, y) = if round % 2 == 0 {
            (random.random_range(-800_000..3_600_000), random.random_range(-800_000..2_700_000))
        } else {
            let points = &stars[random.random_range(0..stars.len())];
            let vertex = points[random.random_range(0..points.len())];
            (vertex.0 + random.random_range(-20..20), vertex.1 + random.random_range(-20..20))
        };
        let found = at(&fence, x, y);
        for (number, points) in stars.iter().enumerate() {
            if let Some(inside) = inside_by_winding(points, x, y) {
                assert_eq!(found.contains(&(number as u32)), inside, "star {number} at {x} {y}");
                assert_eq!(shapes[number].contains(&Coord { x: f64::from(x), y: f64::from(y) }), inside);
                compared += 1;
            }
        }
    }
    assert!(compared > 200_000);
}

proptest! {
    #[test]
    fn any_triangle_agrees_with_the_winding_oracle(
        corners in prop::array::uniform3((-1000_i32..1000, -1000_i32..1000)),
        (x, y) in (-1100_i32..1100, -1100_i32..1100),
    ) {
        let fence = build(&[vec![polygon(&corners, &[])]]);
        if let Some(inside) = inside_by_winding(&corners, x, y) {
            prop_assert_eq!(!at(&fence, x, y).is_empty(), inside);
        }
    }
}

#[test]
fn a_position_ten_sigma_from_the_border_is_certain_and_one_on_it_is_even() {
    let fence = build(&[vec![polygon(
        &[
            (1_175_000_000, 433_000_000),
            (1_176_000_000, 433_000_000),
            (1_176_000_000, 434_000_000),
            (1_175_000_000, 434_000_000),
        ],
        &[],
    )]]);
    let probability = |lat: f64, lon: f64, sigma_m: f64| {
        let found = fence.probabilities(Position::parse(lat, lon).unwrap(), Spread::round(sigma_m));
        found.first().map_or(0.0, |(_, p)| *p)
    };
    assert_eq!(probability(43.35, 117.55, 50.0), 1.0);
    assert!((probability(43.30, 117.55, 50.0) - 0.5).abs() < 0.05);
    assert_eq!(probability(43.29, 117.55, 50.0), 0.0);
    // One standard deviation inside: 84 %.
    assert!((probability(43.3 + 50.0 / 111_100.0, 117.55, 50.0) - 0.84).abs() < 0.04);
}

#[test]
fn zones_that_span_the_globe_are_refused_and_none_at_all_is_fine() {
    let wide = [vec![polygon(&[(-1_800_000_000, 0), (1_800_000_000, 0), (0, 10)], &[])]];
    assert_eq!(Geofence::build(wide.iter().map(Vec::as_slice)).unwrap_err(), BuildError::TooWide { span_deg: 360 });
    assert_eq!(at(&build(&[]), 0, 0), [] as [u32; 0]);
}
