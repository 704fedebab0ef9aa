//! A new version answers as an index built from nothing does.

use super::oracle::{build, by_rule, check, near, polygon, star};
use super::*;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Replaces zones one after the other.
#[track_caller]
fn check_changes(mut zones: Vec<Vec<Polygon>>, changes: Vec<(u32, Vec<Polygon>)>, random: &mut StdRng, reach: i32) {
    let mut fence = build(&zones);
    let first = (fence.clone(), zones.clone());
    for (number, polygons) in changes {
        let before = zones.clone();
        zones.resize(zones.len().max(number as usize + 1), Vec::new());
        zones[number as usize] = polygons;
        fence = fence.with_zone(number, &zones[number as usize]).unwrap();
        assert_eq!(fence.zones(), zones.len());
        let mut points = near(random, &before, 300, reach);
        if zones.iter().any(|zone| !zone.is_empty()) {
            points.extend(near(random, &zones, 300, reach));
        }
        check(&fence, &zones, &points);
        let fresh = build(&zones);
        for (x, y) in points {
            let place = GeoPoint { lon_e7: x, lat_e7: y };
            assert_eq!(fence.zones_of(fence.set_at(place)), fresh.zones_of(fresh.set_at(place)));
        }
    }
    let points = near(random, &first.1, 300, reach);
    check(&first.0, &first.1, &points);
}

#[test]
fn zones_that_are_replaced_added_and_taken_away_answer_as_a_fresh_index() {
    let mut random = StdRng::seed_from_u64(31);
    let mut zone = |radius: f64| {
        let (x, y) = (random.random_range(0..30_000_000), random.random_range(0..30_000_000));
        vec![polygon(&star(&mut random, 400, x, y, radius), &[])]
    };
    let zones: Vec<Vec<Polygon>> = (0..25).map(|_| zone(6e6)).collect();
    let mut changes: Vec<(u32, Vec<Polygon>)> = (0..30).map(|i| (i % 28, zone(4e6))).collect();
    changes.push((3, vec![]));
    changes.push((3, zone(9e6)));
    // Beyond the land that was laid out for.
    changes.push((4, vec![polygon(&[(-900_000_000, 5), (-900_000_000, 90_000_000), (20_000_000, 9_000)], &[])]));
    check_changes(zones, changes, &mut StdRng::seed_from_u64(32), 30);
}

#[test]
fn neighbours_keep_the_border_that_a_zone_gives_up() {
    let square = |x: i32, y: i32| vec![polygon(&[(x, y), (x + 100, y), (x + 100, y + 100), (x, y + 100)], &[])];
    let scaled = |zone: Vec<Polygon>| -> Vec<Polygon> {
        let scale = |point: &GeoPoint| GeoPoint { lon_e7: point.lon_e7 * 9_001, lat_e7: point.lat_e7 * 9_001 };
        zone.iter().map(|one| Polygon { exterior: one.exterior.iter().map(scale).collect(), holes: vec![] }).collect()
    };
    let zones: Vec<Vec<Polygon>> = (0..9).map(|i| scaled(square(i % 3 * 100, i / 3 * 100))).collect();
    let changes = vec![
        (4, vec![]),
        (4, scaled(square(100, 100))),
        (4, scaled(square(50, 50))),
        (0, zones[4].clone()),
        (4, zones[4].clone()),
    ];
    check_changes(zones, changes, &mut StdRng::seed_from_u64(33), 3);
}

#[test]
fn crowds_are_changed_too() {
    let wedge = |i: i32, turn: i32| {
        let end = |turn: f64| {
            let angle = std::f64::consts::TAU * (f64::from(i) / 100.0 + turn);
            ((1e6 * angle.cos()) as i32, (1e6 * angle.sin()) as i32)
        };
        vec![polygon(&[(0, 0), end(0.0), end(f64::from(turn) / 100.0)], &[])]
    };
    let mut zones: Vec<Vec<Polygon>> = (0..100).map(|i| wedge(i, 30)).collect();
    zones.push(vec![polygon(&[(1_500_000_000, 0), (1_500_000_100, 0), (1_500_000_000, 100)], &[])]);
    let changes = vec![(7, wedge(7, 60)), (50, vec![]), (7, wedge(80, 3))];
    check_changes(zones, changes, &mut StdRng::seed_from_u64(34), 3);
}

#[test]
fn after_many_changes_the_waste_is_thrown_away() {
    let mut random = StdRng::seed_from_u64(35);
    let mut zones: Vec<Vec<Polygon>> =
        (0..4).map(|i| vec![polygon(&star(&mut random, 5_000, i * 9_000_000, 0, 8e6), &[])]).collect();
    let mut fence = build(&zones);
    let fresh_bytes = fence.memory_bytes();
    let mut most_bytes = 0;
    for _ in 0..40 {
        zones[1] = vec![polygon(&star(&mut random, 5_000, 9_000_000, 0, 8e6), &[])];
        fence = fence.with_zone(1, &zones[1]).unwrap();
        most_bytes = most_bytes.max(fence.memory_bytes());
    }
    assert!(most_bytes < fresh_bytes * 6, "{most_bytes} of {fresh_bytes}");
    check(&fence, &zones, &near(&mut random, &zones, 1_000, 5));
}

#[test]
fn an_index_grows_from_nothing_zone_by_zone() {
    let mut random = StdRng::seed_from_u64(36);
    let mut fence = Geofence::empty();
    let mut zones = Vec::new();
    for number in 0..12 {
        zones.push(vec![polygon(&star(&mut random, 100, number * 2_000_000, 5, 3e6), &[])]);
        fence = fence.with_zone(number as u32, &zones[number as usize]).unwrap();
    }
    check(&fence, &zones, &near(&mut random, &zones, 1_000, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_rings_in_place_of_any_others_answer_by_the_rule(
        rings in prop::collection::vec(prop::collection::vec((0_i32..10, 0_i32..10), 3..8), 2..8),
        scale in prop::sample::select(vec![1, 97, 100_003]),
        number in 0_u32..9,
    ) {
        let scaled = |ring: &Vec<(i32, i32)>| vec![Polygon {
            exterior: ring.iter().map(|(x, y)| GeoPoint { lon_e7: x * scale, lat_e7: y * scale }).collect(),
            holes: vec![],
        }];
        let mut zones: Vec<Vec<Polygon>> = rings.iter().map(scaled).collect();
        let new = zones.pop().unwrap();
        let before = build(&zones);
        let fence = before.with_zone(number, &new).unwrap();
        zones.resize(zones.len().max(number as usize + 1), Vec::new());
        zones[number as usize] = new;
        let steps: Vec<i32> = (-1..11).flat_map(|step| [-1, 0, 1].map(|more| step * scale + more)).collect();
        for x in &steps {
            for y in &steps {
                let set = fence.set_at(GeoPoint { lon_e7: *x, lat_e7: *y });
                prop_assert_eq!(fence.zones_of(set), by_rule(&zones, *x, *y));
            }
        }
    }
}
