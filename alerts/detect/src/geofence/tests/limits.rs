//! As far as it goes, and an error beyond.

use super::oracle::{at, build, check, near, polygon, star};
use super::*;
use rand::{SeedableRng, rngs::StdRng};

#[test]
fn zones_at_the_ends_of_the_allowed_extent_answer_by_the_rule() {
    // 214.7 degrees, the most there may be, both ways.
    let (west, east) = (-1_080_000_000, 1_067_483_640);
    let mut random = StdRng::seed_from_u64(11);
    let corner = |x: i32, y: i32, more: i32| vec![polygon(&[(x, y), (x + more, y), (x, y + more)], &[])];
    let zones = vec![
        corner(west, west, 1_000_000),
        corner(east, east, -1_000_000),
        vec![polygon(&[(west, west), (east, east), (east, west)], &[])],
        vec![polygon(&[(west, east), (east, west), (0, 7)], &[])],
        vec![polygon(&star(&mut random, 900, 5, 5, 1e9), &[])],
    ];
    let fence = build(&zones);
    let mut points = near(&mut random, &zones, 8_000, 3);
    let ends = [west - 1, west, west + 1, 0, east - 1, east, east + 1, i32::MIN, i32::MAX];
    points.extend(ends.iter().flat_map(|x| ends.map(|y| (*x, y))));
    check(&fence, &zones, &points);
}

#[test]
fn zones_that_span_the_globe_are_refused_and_none_at_all_is_fine() {
    let wide = [vec![polygon(&[(-1_800_000_000, 0), (1_800_000_000, 0), (0, 10)], &[])]];
    assert_eq!(Geofence::build(wide.iter().map(Vec::as_slice)).unwrap_err(), BuildError::TooWide { span_deg: 360 });
    assert_eq!(at(&build(&[]), 0, 0), [] as [u32; 0]);
    assert_eq!(at(&build(&[vec![polygon(&[(5, 5), (5, 5), (5, 5)], &[])]]), 5, 5), [] as [u32; 0]);
}

#[test]
fn whatever_is_too_much_is_an_error() {
    let mut random = StdRng::seed_from_u64(12);
    let zones: Vec<Vec<Polygon>> =
        (0..3).map(|i| vec![polygon(&star(&mut random, 40_000, i * 1_000, 0, 9e6), &[])]).collect();
    let build = |limits| Geofence::build_within(limits, zones.iter().map(Vec::as_slice)).map(|fence| fence.zones());
    assert_eq!(build(Limits { chunks: 1, ..Limits::USUAL }), Err(BuildError::TooDense));
    let few_edges = Limits { edges: 99_000, ..Limits::USUAL };
    assert_eq!(build(few_edges), Err(BuildError::TooMany { vertices: 120_000, limit: 99_000 }));
    assert_eq!(build(Limits { zones: 2, ..Limits::USUAL }), Err(BuildError::TooManyZones { limit: 2 }));
    assert_eq!(build(Limits::USUAL), Ok(3));
}
