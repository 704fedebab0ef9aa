//! Shapes drawn at random.

use super::oracle::{build, by_geo, by_rule, check, geo_polygon, near, point, polygon, star};
use model::{GeoPoint, Polygon};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

#[test]
fn stars_near_and_far_from_their_borders_agree_with_two_oracles() {
    let mut random = StdRng::seed_from_u64(1);
    let zones: Vec<Vec<Polygon>> = (0..12)
        .map(|i| {
            let outline =
                star(&mut random, 50 + 300 * i, (i as i32 % 4) * 900_000, (i as i32 / 4) * 900_000, 700_000.0);
            vec![polygon(&outline, &[])]
        })
        .collect();
    let fence = build(&zones);
    let mut points = near(&mut random, &zones, 10_000, 20);
    points.extend(
        (0..10_000).map(|_| (random.random_range(-800_000..3_600_000), random.random_range(-800_000..2_700_000))),
    );
    check(&fence, &zones, &points);
    let shapes: Vec<_> = zones.iter().map(|zone| geo_polygon(&zone[0])).collect();
    for (x, y) in points {
        let zones = by_rule(&zones, x, y);
        for (number, shape) in (0..).zip(&shapes) {
            let inside = by_geo(shape, x, y);
            assert!(inside.is_none_or(|inside| zones.contains(&number) == inside), "star {number} at {x} {y}");
        }
    }
}

#[test]
fn a_hole_with_an_island_of_the_same_zone_answers_as_geo_does() {
    let mut random = StdRng::seed_from_u64(2);
    let outline = |random: &mut StdRng, radius: f64| star(random, 400, 0, 0, radius);
    // Each fits in the one before: the radius varies from 0.3 to 1.
    let (outer, hole) = (outline(&mut random, 3e7), outline(&mut random, 8e6));
    let island = outline(&mut random, 2e6);
    let zones = vec![vec![polygon(&outer, &[&hole]), polygon(&island, &[])]];
    let shapes: Vec<_> = zones[0].iter().map(geo_polygon).collect();
    let points = near(&mut random, &zones, 20_000, 100);
    check(&build(&zones), &zones, &points);
    for (x, y) in points {
        let found: Option<Vec<bool>> = shapes.iter().map(|shape| by_geo(shape, x, y)).collect();
        if let Some(found) = found {
            assert_eq!(!by_rule(&zones, x, y).is_empty(), found.contains(&true), "{x} {y}");
        }
    }
}

/// Rings of zones.
type Zones = Vec<Vec<Vec<(i32, i32)>>>;

/// Few places, so that vertices, edges and lines fall together; apart from each other as `scale` says.
fn shapes() -> impl Strategy<Value = (Zones, i32, bool)> {
    let corner = (0_i32..12, 0_i32..12);
    let ring = prop::collection::vec(corner, 3..9);
    let zone = prop::collection::vec(ring, 1..4);
    let scale = prop::sample::select(vec![1, 2, 97, 1_009, 100_003]);
    (prop::collection::vec(zone, 1..9), scale, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever is drawn, crossing itself and others: an even number of crossings is outside.
    #[test]
    fn any_rings_answer_by_the_rule((zones, scale, is_far) in shapes()) {
        let scaled = |(x, y): &(i32, i32)| point(x * scale, y * scale);
        let zone = |rings: &Vec<Vec<(i32, i32)>>| -> Vec<Polygon> {
            let ring = |ring: &Vec<(i32, i32)>| Polygon { exterior: ring.iter().map(scaled).collect(), holes: vec![] };
            rings.iter().map(ring).collect()
        };
        let mut zones: Vec<Vec<Polygon>> = zones.iter().map(zone).collect();
        if is_far {
            // Makes the top cells so large that all of the rest lies in one of them.
            zones.push(vec![polygon(&[(1_500_000_000, 0), (1_500_000_100, 0), (1_500_000_000, 100)], &[])]);
        }
        let steps: Vec<i32> = (-1..13).flat_map(|step| [-1, 0, 1, scale / 2].map(|more| step * scale + more)).collect();
        let points: Vec<(i32, i32)> = steps.iter().flat_map(|x| steps.iter().map(|y| (*x, *y))).collect();
        check(&build(&zones), &zones, &points);
    }

    #[test]
    fn slivers_of_any_length_answer_by_the_rule(
        corners in prop::array::uniform4((-1_000_000_000_i32..1_000_000_000, -3_i32..3)),
        turned in any::<bool>(),
        aside in prop::collection::vec((0.0_f64..1.0, -2_i32..3), 40),
    ) {
        let turn = |(x, y): (i32, i32)| if turned { (y, x) } else { (x, y) };
        let zones = vec![
            vec![polygon(&corners[..3].iter().copied().map(turn).collect::<Vec<_>>(), &[])],
            vec![polygon(&corners[1..].iter().copied().map(turn).collect::<Vec<_>>(), &[])],
        ];
        let mut points = Vec::new();
        for pair in corners.windows(2) {
            for (share, more) in &aside {
                let x = f64::from(pair[0].0) + (f64::from(pair[1].0) - f64::from(pair[0].0)) * share;
                points.push(turn((x as i32, pair[0].1 + more)));
            }
        }
        check(&build(&zones), &zones, &points);
    }
}

#[test]
fn every_point_of_a_shared_border_lies_in_exactly_one_neighbour() {
    // Four quarters of a square whose inner borders zigzag, so that they run up, down, level and upright.
    let zigzag = [(50, 0), (45, 10), (55, 20), (55, 30), (50, 50)];
    let level = [(0, 50), (10, 55), (20, 55), (30, 45), (50, 50)];
    let up = [(50, 50), (52, 70), (48, 80), (48, 100)];
    let right = [(50, 50), (70, 48), (80, 52), (100, 52)];
    let reversed = |part: &[(i32, i32)]| part.iter().rev().copied().collect::<Vec<_>>();
    let join = |parts: &[&[(i32, i32)]]| {
        let mut points: Vec<(i32, i32)> = parts.concat();
        points.dedup();
        points
    };
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
                    let set = fence.set_at(GeoPoint { lon_e7: x, lat_e7: y });
                    assert_eq!(fence.zones_of(set).len(), 1, "{x} {y}");
                }
            }
        }
    }
}
