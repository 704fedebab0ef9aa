//! What the index answers, against oracles that share nothing with it.

mod borders;
mod crowds;
mod distance;
mod jts;
mod limits;
mod oracle;
mod random;
mod spread;
mod update;

use super::*;
use oracle::{at, build, polygon};

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
fn points_of_the_same_zones_have_the_same_set_and_the_sets_of_many_are_the_sets_of_each() {
    let fence = build(&[
        vec![polygon(&[(0, 0), (9_000, 0), (9_000, 9_000), (0, 9_000)], &[])],
        vec![polygon(&[(5_000, 0), (14_000, 0), (14_000, 9_000), (5_000, 9_000)], &[])],
    ]);
    let point = |x, y| GeoPoint { lon_e7: x, lat_e7: y };
    assert_eq!(fence.set_at(point(1, 1)), fence.set_at(point(4_999, 8_999)));
    assert_ne!(fence.set_at(point(1, 1)), fence.set_at(point(5_001, 1)));
    assert_eq!(fence.set_at(point(-5, -5)), SetId::EMPTY);
    let points: Vec<GeoPoint> = (0..1_000).map(|i| point(i * 16 - 1_000, i * 10 - 500)).collect();
    let mut sets = vec![SetId::EMPTY; points.len()];
    fence.sets_at(&points, &mut sets);
    assert!(points.iter().zip(&sets).all(|(point, set)| fence.set_at(*point) == *set));
}
