//! More zones in one place than a word has bits.

use super::super::store::Kind;
use super::oracle::{build, check, near, polygon, star};
use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Whether some cell holds a crowd: otherwise a test of crowds tests none.
fn has_crowd(fence: &Geofence) -> bool {
    fn below(fence: &Geofence, node: store::Node) -> bool {
        match node.kind() {
            Kind::Crowd(_) => true,
            Kind::Block(block) => (0..16).any(|place| below(fence, fence.store.child(block, place))),
            _ => false,
        }
    }
    fence.top.iter().any(|node| below(fence, store::Node(*node)))
}

fn far() -> Vec<Polygon> {
    vec![polygon(&[(1_500_000_000, 0), (1_500_000_100, 0), (1_500_000_000, 100)], &[])]
}

#[test]
fn a_hundred_zones_that_meet_in_one_point_answer_by_the_rule() {
    let mut zones: Vec<Vec<Polygon>> = (0..100)
        .map(|i| {
            let end = |turn: f64| {
                let angle = std::f64::consts::TAU * (f64::from(i) / 100.0 + turn);
                ((1e6 * angle.cos()) as i32, (1e6 * angle.sin()) as i32)
            };
            // Each overlaps about thirty others.
            vec![polygon(&[(0, 0), end(0.0), end(0.3)], &[])]
        })
        .collect();
    zones.push(far());
    let fence = build(&zones);
    assert!(has_crowd(&fence));
    let mut random = StdRng::seed_from_u64(3);
    let mut points = near(&mut random, &zones[..100], 3_000, 3);
    points.extend((-40..40).flat_map(|x| (-40..40).map(move |y| (x, y))));
    check(&fence, &zones, &points);
}

#[test]
fn borders_a_centimetre_apart_over_a_long_way_answer_by_the_rule() {
    let mut zones: Vec<Vec<Polygon>> = (0..70)
        .map(|i| vec![polygon(&[(0, -1_000), (200_000, 60_000 + i), (200_000, 90_000 - i), (i, 90_000)], &[])])
        .collect();
    zones.push(far());
    let fence = build(&zones);
    assert!(has_crowd(&fence));
    let mut random = StdRng::seed_from_u64(4);
    check(&fence, &zones, &near(&mut random, &zones[..70], 4_000, 40));
}

#[test]
fn the_same_border_a_hundred_times_is_one_border() {
    let mut random = StdRng::seed_from_u64(5);
    let outline = star(&mut random, 500, 0, 0, 5e6);
    let zones: Vec<Vec<Polygon>> = (0..100).map(|_| vec![polygon(&outline, &[])]).collect();
    let fence = build(&zones);
    assert!(!has_crowd(&fence));
    check(&fence, &zones, &near(&mut random, &zones, 500, 10));
}

#[test]
fn many_layers_of_rough_overlapping_zones_answer_by_the_rule() {
    let mut random = StdRng::seed_from_u64(6);
    let mut zones: Vec<Vec<Polygon>> = (0..80)
        .map(|_| {
            let mut centre = || random.random_range(-3_000..3_000);
            let (x, y) = (centre(), centre());
            vec![polygon(&star(&mut random, 30, x, y, 9_000.0), &[])]
        })
        .collect();
    zones.push(far());
    check(&build(&zones), &zones, &near(&mut random, &zones[..80], 6_000, 200));
}
