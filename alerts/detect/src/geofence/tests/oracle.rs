//! Oracles, and shapes to ask them about.

use super::super::simd::Way;
use super::super::{Geofence, SetId};
use geo::{CoordinatePosition, coordinate_position::CoordPos};
use model::{GeoPoint, Polygon};
use rand::{Rng, rngs::StdRng};

pub(super) fn point(x: i32, y: i32) -> GeoPoint {
    GeoPoint { lon_e7: x, lat_e7: y }
}

pub(super) fn ring(points: &[(i32, i32)]) -> Vec<GeoPoint> {
    points.iter().map(|(x, y)| point(*x, *y)).collect()
}

pub(super) fn polygon(exterior: &[(i32, i32)], holes: &[&[(i32, i32)]]) -> Polygon {
    Polygon { exterior: ring(exterior), holes: holes.iter().map(|hole| ring(hole)).collect() }
}

pub(super) fn build(zones: &[Vec<Polygon>]) -> Geofence {
    Geofence::build(zones.iter().map(Vec::as_slice)).unwrap()
}

pub(super) fn at(fence: &Geofence, x: i32, y: i32) -> Vec<u32> {
    let mut zones = Vec::new();
    fence.zones_at(point(x, y), &mut zones);
    zones
}

/// The half-open rule over all edges of all zones, in 128 bits and without any index.
pub(super) fn by_rule(zones: &[Vec<Polygon>], x: i32, y: i32) -> Vec<u32> {
    let is_in = |polygons: &Vec<Polygon>| {
        let rings = polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
        rings.map(|ring| crossings(ring, x, y)).sum::<usize>() % 2 == 1
    };
    (0_u32..).zip(zones).filter(|(_, polygons)| is_in(polygons)).map(|(number, _)| number).collect()
}

/// How many edges a ray from the far west crosses on its way to a point just to the upper right of (x, y).
fn crossings(ring: &[GeoPoint], x: i32, y: i32) -> usize {
    let (x, y) = (i128::from(x), i128::from(y));
    let vertex = |point: &GeoPoint| (i128::from(point.lon_e7), i128::from(point.lat_e7));
    let pairs = ring.iter().zip(ring.iter().cycle().skip(1)).map(|(a, b)| (vertex(a), vertex(b)));
    let crosses = |((ax, ay), (bx, by)): &((i128, i128), (i128, i128))| {
        let ((ax, ay), (bx, by)) = if ay <= by { ((*ax, *ay), (*bx, *by)) } else { ((*bx, *by), (*ax, *ay)) };
        // The edge's longitude at the level is at most the point's.
        ay <= y && y < by && ax * (by - ay) + (bx - ax) * (y - ay) <= x * (by - ay)
    };
    pairs.filter(crosses).count()
}

/// Whether `geo` finds a point strictly inside; `None` on the border.
pub(super) fn by_geo(shape: &geo::Polygon<f64>, x: i32, y: i32) -> Option<bool> {
    match shape.coordinate_position(&geo::Coord { x: f64::from(x), y: f64::from(y) }) {
        CoordPos::Inside => Some(true),
        CoordPos::Outside => Some(false),
        CoordPos::OnBoundary => None,
    }
}

pub(super) fn geo_polygon(polygon: &Polygon) -> geo::Polygon<f64> {
    let line = |ring: &Vec<GeoPoint>| {
        ring.iter().map(|point| (f64::from(point.lon_e7), f64::from(point.lat_e7))).collect::<geo::LineString>()
    };
    geo::Polygon::new(line(&polygon.exterior), polygon.holes.iter().map(line).collect())
}

/// Every point, asked one by one and all at once, answers as the rule says.
#[track_caller]
pub(super) fn check(fence: &Geofence, zones: &[Vec<Polygon>], points: &[(i32, i32)]) {
    let asked: Vec<GeoPoint> = points.iter().map(|(x, y)| point(*x, *y)).collect();
    let expected: Vec<Vec<u32>> = points.iter().map(|(x, y)| by_rule(zones, *x, *y)).collect();
    for ((x, y), expected) in points.iter().zip(&expected) {
        assert_eq!(at(fence, *x, *y), *expected, "one by one, at {x} {y}");
    }
    let mut sets = vec![SetId::EMPTY; asked.len()];
    for way in Way::all() {
        fence.cells().sets_at(way, &asked, &mut sets);
        for (((x, y), set), expected) in points.iter().zip(&sets).zip(&expected) {
            assert_eq!(fence.zones_of(*set), expected, "many at once, {way:?}, at {x} {y}");
        }
    }
}

/// A star around a centre: simple by construction, spiky at will.
pub(super) fn star(random: &mut StdRng, vertices: usize, cx: i32, cy: i32, radius: f64) -> Vec<(i32, i32)> {
    let vertex = |i| {
        let angle = std::f64::consts::TAU * f64::from(i) / vertices as f64;
        let r = radius * random.random_range(0.3..1.0);
        (cx + (r * angle.cos()) as i32, cy + (r * angle.sin()) as i32)
    };
    (0..vertices as i32).map(vertex).collect()
}

/// Points on the vertices, beside them, and all around.
pub(super) fn near(random: &mut StdRng, zones: &[Vec<Polygon>], count: usize, reach: i32) -> Vec<(i32, i32)> {
    let rings = zones.iter().flatten().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
    let edges: Vec<(GeoPoint, GeoPoint)> =
        rings.flat_map(|ring| ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))).collect();
    let place = |_| {
        let (a, b) = edges[random.random_range(0..edges.len())];
        let share = if random.random_bool(0.2) { 0.0 } else { random.random_range(0.0..1.0) };
        let between = |a: i32, b: i32| (f64::from(a) + (f64::from(b) - f64::from(a)) * share) as i32;
        let mut aside = || random.random_range(-reach..=reach);
        let (x, y) = (between(a.lon_e7, b.lon_e7), between(a.lat_e7, b.lat_e7));
        (x.saturating_add(aside()), y.saturating_add(aside()))
    };
    (0..count).map(place).collect()
}
