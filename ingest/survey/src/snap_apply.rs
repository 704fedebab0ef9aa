//! Moves one feature's vertices as a pass of snapping planned it, unless its border would cross itself.
//!
//! In: a [`Plot`] and the [`Plan`].   Out: the plot with new rings, and what was joined with whom; or the plot as it was, and where
//! it could not be.   Never: a ring that crosses itself or encloses nothing.

use crate::ring;
use crate::snap::{Joined, Plot, rings};
use crate::snap_grid::metres;
use crate::snap_places::Places;
use crate::snap_plan::Plan;
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

/// `numbers` are the places of the plot's vertices.
pub(crate) fn apply(
    plot: &mut Plot,
    numbers: &[u32],
    places: &Places,
    plan: &Plan,
    joined: &mut BTreeMap<u32, Joined>,
) -> Outcome {
    let mut outcome = Outcome { changed: false, left_at: None };
    let mut pass = Pass { places, plan, left: HashSet::new(), changes: Vec::new() };
    for _ in 0..ATTEMPTS_MAX {
        pass.changes.clear();
        let mut rest = numbers;
        let mut next = |ring: &Ring| {
            let (here, after) = rest.split_at_checked(ring.len()).unwrap_or_default();
            rest = after;
            pass.rebuild(ring, here)
        };
        let rebuilt = |polygon: &Polygon| Polygon {
            exterior: next(&polygon.exterior),
            holes: polygon.holes.iter().map(&mut next).collect(),
        };
        let polygons = plot.polygons.iter().map(rebuilt).collect();
        if pass.changes.is_empty() {
            return outcome;
        }
        let moved = Plot { index: plot.index, polygons, repairs: Vec::new() };
        let Some(around) = fault(&moved, plot) else {
            for (with, change) in pass.changes {
                let sum = joined.entry(with).or_default();
                sum.vertices += 1;
                sum.max_shift_m = sum.max_shift_m.max(change.max_shift_m);
                sum.area_change_m2 += change.area_change_m2;
            }
            plot.polygons = moved.polygons;
            outcome.changed = true;
            return outcome;
        };
        outcome.left_at = outcome.left_at.or(Some(around));
        if !pass.leave(around, rings(plot), numbers) {
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

struct Pass<'a> {
    places: &'a Places,
    plan: &'a Plan,
    /// What is not moved and not taken in, since the ring would cross itself there.
    left: HashSet<GeoPoint>,
    /// With whom, and what each vertex changed.
    changes: Vec<(u32, Joined)>,
}

impl Pass<'_> {
    /// Leaves what is around a place; false when everything there is left already.
    fn leave<'a>(&mut self, around: GeoPoint, rings: impl Iterator<Item = &'a Ring>, mut numbers: &[u32]) -> bool {
        let before = self.left.len();
        for ring in rings {
            let (here, after) = numbers.split_at_checked(ring.len()).unwrap_or_default();
            numbers = after;
            for (number, next) in here.iter().zip(here.iter().cycle().skip(1)) {
                let point = self.places.point(*number);
                if self.plan.target(*number).is_some() && metres(point, around) < AROUND_M {
                    self.left.insert(point);
                }
                let inserts = self.plan.inserts(*number.min(next), *number.max(next));
                self.left.extend(
                    inserts.iter().map(|insert| insert.point).filter(|point| metres(*point, around) < AROUND_M),
                );
            }
        }
        self.left.len() > before
    }

    fn target(&self, number: u32) -> (GeoPoint, Option<u32>) {
        let point = self.places.point(number);
        match self.plan.target(number) {
            Some((to, with)) if self.left.is_empty() || !self.left.contains(&point) => (to, Some(with)),
            _ => (point, None),
        }
    }

    /// The ring with its vertices moved and its edges' new vertices.
    fn rebuild(&mut self, ring: &Ring, numbers: &[u32]) -> Ring {
        let mut built: Ring = Vec::with_capacity(ring.len());
        // The vertex before in its new place: areas are counted as if vertices moved one after the other, and the last one
        // has not moved yet.
        let mut before = ring.last().copied();
        let last = numbers.len().saturating_sub(1);
        for (at, (number, next)) in numbers.iter().zip(numbers.iter().cycle().skip(1)).enumerate() {
            let (vertex, (new, with)) = (self.places.point(*number), self.target(*number));
            if let (Some(with), Some(before)) = (with, before) {
                let next = if at == last { self.target(*next).0 } else { self.places.point(*next) };
                let area = triangle(before, new, next) - triangle(before, vertex, next);
                let change = Joined {
                    vertices: 1,
                    max_shift_m: metres(vertex, new),
                    area_change_m2: area * model::square_unit_m2(middle(before, vertex, next)),
                };
                self.changes.push((with, change));
            }
            built.push(new);
            before = Some(new);
            let inserts = self.plan.inserts(*number.min(next), *number.max(next));
            if inserts.is_empty() {
                continue;
            }
            let mut inserts: Vec<_> = inserts.iter().filter(|insert| !self.left.contains(&insert.point)).collect();
            if number > next {
                inserts.reverse();
            }
            let end = self.places.point(*next);
            let mut from = vertex;
            for insert in inserts {
                let area_change_m2 =
                    triangle(from, insert.point, end) * model::square_unit_m2(middle(from, insert.point, end));
                let max_shift_m = distance_to_line_m(insert.point, from, end);
                self.changes.push((insert.plot, Joined { vertices: 1, max_shift_m, area_change_m2 }));
                built.push(insert.point);
                from = insert.point;
            }
            before = Some(from);
        }
        built.dedup();
        while built.len() > 1 && built.first() == built.last() {
            built.pop();
        }
        built
    }
}

/// Where the area of a triangle lies.
fn middle(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> GeoPoint {
    let mean = |a: i32, b: i32, c: i32| ((i64::from(a) + i64::from(b) + i64::from(c)) / 3) as i32;
    GeoPoint { lon_e7: mean(a.lon_e7, b.lon_e7, c.lon_e7), lat_e7: mean(a.lat_e7, b.lat_e7, c.lat_e7) }
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
    if base_m > 0.0 { 2.0 * triangle(from, point, to).abs() * model::square_unit_m2(point) / base_m } else { 0.0 }
}
