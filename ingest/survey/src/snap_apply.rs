//! Moves one feature's vertices as a pass of snapping planned it, unless its border would cross itself.
//!
//! In: a [`Plot`] and the [`Plan`].   Out: the plot with new rings, and what was joined with whom; or the plot as it was, and where
//! it could not be.   Never: a ring that crosses itself or encloses nothing.

use crate::ring;
use crate::snap::{Joined, Plan, Plot, rings};
use crate::snap_grid::metres;
use model::{GeoPoint, Polygon, Ring};
use std::collections::{BTreeMap, HashSet};

pub(crate) struct Outcome {
    pub(crate) changed: bool,
    /// Where something was left as it was.
    pub(crate) left_at: Option<GeoPoint>,
}

/// A crossing is undone by leaving what is around it, so many times.
const ATTEMPTS_MAX: usize = 6;
/// How far around it.
const AROUND_M: f64 = 3.0;

pub(crate) fn apply(plot: &mut Plot, plan: &Plan, joined: &mut BTreeMap<usize, Joined>) -> Outcome {
    let mut outcome = Outcome { changed: false, left_at: None };
    let touched = rings(plot).any(|ring| {
        let edge = |(a, b): (&GeoPoint, &GeoPoint)| plan.inserts.contains_key(&(*a.min(b), *a.max(b)));
        ring.iter().any(|vertex| plan.moves.contains_key(vertex))
            || ring.iter().zip(ring.iter().cycle().skip(1)).any(edge)
    });
    if !touched {
        return outcome;
    }
    let mut left: HashSet<GeoPoint> = HashSet::new();
    for _ in 0..ATTEMPTS_MAX {
        let mut changes = Vec::new();
        let polygons: Vec<Polygon> = plot
            .polygons
            .iter()
            .map(|polygon| Polygon {
                exterior: rebuild(&polygon.exterior, plan, &left, &mut changes),
                holes: polygon.holes.iter().map(|hole| rebuild(hole, plan, &left, &mut changes)).collect(),
            })
            .collect();
        let next = Plot { index: plot.index, polygons, repairs: Vec::new() };
        let around = match fault(&next, plot) {
            None => {
                for (with, change) in changes {
                    let sum = joined.entry(with).or_default();
                    sum.vertices += 1;
                    sum.max_shift_m = sum.max_shift_m.max(change.max_shift_m);
                    sum.area_change_m2 += change.area_change_m2;
                    outcome.changed = true;
                }
                plot.polygons = next.polygons;
                return outcome;
            }
            Some(at) => at,
        };
        outcome.left_at = outcome.left_at.or(Some(around));
        let before = left.len();
        let moved = plan.moves.iter().filter(|(from, _)| metres(**from, around) < AROUND_M).map(|(from, _)| *from);
        left.extend(moved);
        let inserted = plan.inserts.values().flatten().map(|(point, _)| *point);
        left.extend(inserted.filter(|point| metres(*point, around) < AROUND_M));
        if left.len() == before {
            break;
        }
    }
    outcome
}

/// Where the rings are not as they should be.
fn fault(next: &Plot, before: &Plot) -> Option<GeoPoint> {
    if let Some(crossing) = ring::first_crossing(rings(next)) {
        return Some(crossing.at());
    }
    let flipped = rings(next)
        .zip(rings(before))
        .find(|(next, before)| next.len() < 3 || (ring::signed_area(next) > 0) != (ring::signed_area(before) > 0));
    flipped.and_then(|(_, before)| before.first().copied())
}

/// The ring with its vertices moved and its edges' new vertices, and what each of them changed.
fn rebuild(ring: &Ring, plan: &Plan, left: &HashSet<GeoPoint>, changes: &mut Vec<(usize, Joined)>) -> Ring {
    let target = |point: &GeoPoint| match plan.moves.get(point) {
        Some((to, with)) if !left.contains(point) => (*to, Some(*with)),
        _ => (*point, None),
    };
    let square_m2 = ring.first().map_or(0.0, |first| {
        let one = |lon: i32, lat: i32| GeoPoint {
            lon_e7: first.lon_e7.wrapping_add(lon),
            lat_e7: first.lat_e7.wrapping_add(lat),
        };
        metres(*first, one(1_000, 0)) * metres(*first, one(0, 1_000)) / 1e6
    });
    let mut built: Ring = Vec::with_capacity(ring.len());
    // The vertex before in its new place: areas are counted as if vertices moved one after the other, and the last one has
    // not moved yet.
    let mut before = ring.last().copied();
    for (vertex, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let (new, with) = target(vertex);
        if let (Some(with), Some(before)) = (with, before) {
            // A ring's first vertex is where the last one's way ends.
            let next = if Some(next) == ring.first() { target(next).0 } else { *next };
            let area = triangle(before, new, next) - triangle(before, *vertex, next);
            let change = Joined { vertices: 1, max_shift_m: metres(*vertex, new), area_change_m2: area * square_m2 };
            changes.push((with, change));
        }
        built.push(new);
        before = Some(new);
        let key = (*vertex.min(next), *vertex.max(next));
        let Some(inserts) = plan.inserts.get(&key) else { continue };
        let mut inserts: Vec<_> = inserts.iter().filter(|(point, _)| !left.contains(point)).collect();
        if vertex > next {
            inserts.reverse();
        }
        let mut from = *vertex;
        for (point, with) in inserts {
            let area_change_m2 = triangle(from, *point, *next) * square_m2;
            let max_shift_m = distance_to_line_m(*point, from, *next);
            changes.push((*with, Joined { vertices: 1, max_shift_m, area_change_m2 }));
            built.push(*point);
            from = *point;
        }
        before = Some(from);
    }
    built.dedup();
    while built.len() > 1 && built.first() == built.last() {
        built.pop();
    }
    built
}

/// The area of a triangle in squares of 1e-7 degree, positive to the left.
fn triangle(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> f64 {
    let difference = |a: i32, b: i32| i128::from(a) - i128::from(b);
    let twice = difference(b.lon_e7, a.lon_e7) * difference(c.lat_e7, a.lat_e7)
        - difference(b.lat_e7, a.lat_e7) * difference(c.lon_e7, a.lon_e7);
    twice as f64 / 2.0
}

fn distance_to_line_m(point: GeoPoint, from: GeoPoint, to: GeoPoint) -> f64 {
    // Of the triangle: twice the area by the base, both in metres of this latitude.
    let base_m = metres(from, to);
    let east = GeoPoint { lon_e7: point.lon_e7.wrapping_add(1_000), ..point };
    let north = GeoPoint { lat_e7: point.lat_e7.wrapping_add(1_000), ..point };
    let square_m2 = metres(point, east) * metres(point, north) / 1e6;
    if base_m > 0.0 { 2.0 * triangle(from, point, to).abs() * square_m2 / base_m } else { 0.0 }
}
