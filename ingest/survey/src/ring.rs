//! Finds where the edges of a feature cross each other, exactly, in time n log n; and which ring lies in which.
//!
//! In: the rings of one feature.   Out: a [`Crossing`], the first from the west, or none; or for each ring what lies around it.
//! Never: floating point in a decision; a refusal of rings that only touch. A border that touches itself or its neighbour in
//! points has a clear inside (surveyors tie holes to outlines that way), one that crosses itself or runs back along
//! itself has not.
//!
//! A line sweeps from west to east over the edges' ends (Shamos and Hoey). Edges under the line are kept in their order
//! from south to north; two that cross stand next to each other there before the line reaches the crossing.

use model::{GeoPoint, Ring};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// Where two edges meet as they may not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// They cross here.
    At {
        /// Degrees north.
        lat_deg: f64,
        /// Degrees east.
        lon_deg: f64,
    },
    /// They run along each other from here: a spike, or two parts that overlap.
    Along {
        /// Degrees north.
        lat_deg: f64,
        /// Degrees east.
        lon_deg: f64,
    },
    /// No two edges meet wrongly, but from here on the inside is outside or is there twice: a part within a part, a hole
    /// without land around it, a border that crosses itself exactly in a vertex.
    Inverted {
        /// Degrees north.
        lat_deg: f64,
        /// Degrees east.
        lon_deg: f64,
    },
}

impl Crossing {
    /// The vertex of the grid next to it.
    pub(crate) fn at(self) -> GeoPoint {
        let (Self::At { lat_deg, lon_deg } | Self::Along { lat_deg, lon_deg } | Self::Inverted { lat_deg, lon_deg }) =
            self;
        GeoPoint { lon_e7: (lon_deg * 1e7).round() as i32, lat_e7: (lat_deg * 1e7).round() as i32 }
    }
}

/// An edge from its western end (of a vertical one: its southern) to the other.
#[derive(Debug, Clone, Copy)]
struct Edge {
    left: GeoPoint,
    right: GeoPoint,
    /// Which ring it belongs to.
    ring: u32,
    /// Whether the ring runs from left to right here.
    forward: bool,
    number: u32,
}

/// Twice the area of the triangle a, b, c: positive when c lies to the left of a -> b. Exact: 2^32 squared needs more than 64
/// bits, but land that somebody draws spans less than 2^30 (107 degrees).
fn orientation(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> i128 {
    let difference = |to: i32, from: i32| i64::from(to) - i64::from(from);
    let (ab_x, ab_y) = (difference(b.lon_e7, a.lon_e7), difference(b.lat_e7, a.lat_e7));
    let (ac_x, ac_y) = (difference(c.lon_e7, a.lon_e7), difference(c.lat_e7, a.lat_e7));
    let short = |value: i64| value.unsigned_abs() < 1 << 30;
    if short(ab_x) && short(ab_y) && short(ac_x) && short(ac_y) {
        return i128::from(ab_x * ac_y - ab_y * ac_x);
    }
    i128::from(ab_x) * i128::from(ac_y) - i128::from(ab_y) * i128::from(ac_x)
}

/// Whether two edges cross between their ends.
pub(crate) fn cross((a, b): (GeoPoint, GeoPoint), (c, d): (GeoPoint, GeoPoint)) -> bool {
    let side = |a, b, c| orientation(a, b, c).signum();
    side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
}

/// South to north where both are under the line. Consistent as long as no two of them cross to the west of it.
impl Ord for Edge {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.number == other.number {
            return Ordering::Equal;
        }
        let (earlier, later, swapped) =
            if self.left <= other.left { (self, other, false) } else { (other, self, true) };
        let above = orientation(earlier.left, earlier.right, later.left)
            .cmp(&0)
            .then_with(|| orientation(earlier.left, earlier.right, later.right).cmp(&0));
        // `above` says where `later` lies; the order asks where `self` lies.
        let order = if swapped { above } else { above.reverse() };
        // On a shared border the southern part ends before the northern one begins.
        order.then(self.forward.cmp(&other.forward)).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Edge {}

/// Twice the signed area: positive when the ring runs counter-clockwise.
pub fn signed_area(ring: &[GeoPoint]) -> i128 {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(a, b)| i128::from(a.lon_e7) * i128::from(b.lat_e7) - i128::from(b.lon_e7) * i128::from(a.lat_e7))
        .sum()
}

/// The first crossing from the west among the edges of all these rings, which run with their inside to the left.
pub fn first_crossing<'a>(rings: impl Iterator<Item = &'a Ring>) -> Option<Crossing> {
    nesting(rings).err()
}

/// What lies directly south of the westernmost vertex of a ring: an edge of which ring, and whether there is land between the
/// two; nothing for a ring that stands by itself.
pub(crate) type Below = Option<(usize, bool)>;

/// For each ring what is below it, in the order in which a line from the west meets them; or the first crossing.
pub(crate) fn nesting<'a>(rings: impl Iterator<Item = &'a Ring>) -> Result<Vec<(usize, Below)>, Crossing> {
    let mut edges = Vec::new();
    let mut met = Vec::new();
    for (ring, points) in rings.enumerate() {
        met.push(false);
        for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
            let forward = a < b;
            let (left, right) = if forward { (*a, *b) } else { (*b, *a) };
            // Far fewer than 2^32 vertices are let in.
            edges.push(Edge { left, right, ring: ring as u32, forward, number: edges.len() as u32 });
        }
    }
    // At one point, edges that end there go before those that begin there.
    let mut events: Vec<(GeoPoint, bool, Edge)> =
        edges.iter().flat_map(|edge| [(edge.left, true, *edge), (edge.right, false, *edge)]).collect();
    events.sort_unstable_by_key(|(at, begins, edge)| (*at, *begins, edge.number));
    let mut line: BTreeSet<Edge> = BTreeSet::new();
    // Remembered while the sweep goes on: a crossing further on explains it better.
    let mut inverted = None;
    let mut below = Vec::with_capacity(met.len());
    for at_one_point in events.chunk_by(|(a, ..), (b, ..)| a == b) {
        for (_, begins, edge) in at_one_point {
            if let Some(crossing) = advance(&mut line, *edge, *begins) {
                return Err(crossing);
            }
        }
        let mut begun = at_one_point.iter().filter(|(_, begins, _)| *begins);
        if inverted.is_none() && begun.any(|(_, _, edge)| !alternates(&line, edge)) {
            inverted = at_one_point.first().map(|(at, ..)| at.degrees());
        }
        let new = |edge: &&Edge| !met.get(edge.ring as usize).copied().unwrap_or(true);
        let mut begun: Vec<Edge> =
            at_one_point.iter().filter_map(|(_, begins, edge)| begins.then_some(edge).filter(new).copied()).collect();
        begun.sort_unstable();
        for edge in begun {
            if let Some(met) = met.get_mut(edge.ring as usize).filter(|met| !**met) {
                *met = true;
                let lower = line.range(..edge).next_back();
                below.push((edge.ring as usize, lower.map(|lower| (lower.ring as usize, lower.forward))));
            }
        }
    }
    match inverted {
        Some((lon_deg, lat_deg)) => Err(Crossing::Inverted { lat_deg, lon_deg }),
        None => Ok(below),
    }
}

/// Lets an edge begin or end under the line; how the edges that become neighbours by it meet wrongly, if they do.
fn advance(line: &mut BTreeSet<Edge>, edge: Edge, begins: bool) -> Option<Crossing> {
    if !begins {
        line.remove(&edge);
    }
    let below = line.range(..edge).next_back();
    let above = line.range((Excluded(edge), Unbounded)).next();
    if !begins {
        return below.zip(above).and_then(|(below, above)| meet(below, above));
    }
    let found = below.and_then(|other| meet(other, &edge)).or_else(|| above.and_then(|other| meet(&edge, other)));
    line.insert(edge);
    found
}

/// From south to north one enters land and leaves it by turns, beginning outside: an edge that runs eastward has its inside
/// to the north.
fn alternates(line: &BTreeSet<Edge>, edge: &Edge) -> bool {
    edge.forward != line.range(..edge).next_back().is_some_and(|below| below.forward)
}

/// How two edges meet as they may not, if they do.
fn meet(a: &Edge, b: &Edge) -> Option<Crossing> {
    let (b_left, b_right) = (orientation(a.left, a.right, b.left), orientation(a.left, a.right, b.right));
    let (a_left, a_right) = (orientation(b.left, b.right, a.left), orientation(b.left, b.right, a.right));
    if b_left == 0 && b_right == 0 {
        let from = a.left.max(b.left);
        // Two parts may share a border: then their rings run along it in opposite directions.
        let neighbours = a.ring != b.ring && a.forward != b.forward;
        let (lon_deg, lat_deg) = from.degrees();
        return (from < a.right.min(b.right) && !neighbours).then_some(Crossing::Along { lat_deg, lon_deg });
    }
    let opposite = |x: i128, y: i128| x.signum() * y.signum() < 0;
    if !(opposite(b_left, b_right) && opposite(a_left, a_right)) {
        return None;
    }
    // Only to show it: where b crosses a, by the distances of b's ends from a.
    let share = b_left as f64 / (b_left - b_right) as f64;
    let ((from_lon, from_lat), (to_lon, to_lat)) = (b.left.degrees(), b.right.degrees());
    Some(Crossing::At {
        lat_deg: from_lat + share * (to_lat - from_lat),
        lon_deg: from_lon + share * (to_lon - from_lon),
    })
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
