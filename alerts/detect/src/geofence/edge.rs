//! Edges and the two exact questions asked of them.
//!
//! The half-open rule: a query point stands infinitesimally to the right of where it is (ε) and, infinitely less than
//! that, above it (ε²). So it never lies on an edge, neighbours that share an edge answer alike, and a walk from one point
//! to another crosses an edge or does not, whatever way it takes.

use model::{GeoPoint, Ring};

/// An edge with its lower end first, and the zones on whose border it lies. Horizontal edges run left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) low: GeoPoint,
    pub(super) high: GeoPoint,
    /// Crossing the edge enters or leaves these.
    pub(super) zones: Vec<u32>,
}

impl Edge {
    /// Twice the signed area of the triangle low, high, point: positive when the point lies to the left of the edge.
    /// Exact in `i64` while coordinates differ by less than 2^31, which [`super::BuildError::TooWide`] guarantees.
    fn side(&self, x: i32, y: i32) -> i64 {
        let (dx, dy) = (difference(self.high.lon_e7, self.low.lon_e7), difference(self.high.lat_e7, self.low.lat_e7));
        dx * difference(y, self.low.lat_e7) - difference(x, self.low.lon_e7) * dy
    }

    /// Whether a level line at `y` crosses the edge.
    pub(super) fn spans_level(&self, y: i32) -> bool {
        self.low.lat_e7 <= y && y < self.high.lat_e7
    }

    /// For an edge that spans the level of the point: whether the point lies to its right.
    pub(super) fn has_right(&self, x: i32, y: i32) -> bool {
        self.side(x, y) <= 0
    }

    /// Whether an upright line at `x` crosses the edge.
    pub(super) fn spans_column(&self, x: i32) -> bool {
        (self.low.lon_e7 <= x) != (self.high.lon_e7 <= x)
    }

    /// For an edge that spans the column of the point: whether the point lies below it.
    pub(super) fn has_below(&self, x: i32, y: i32) -> bool {
        let rightward = self.high.lon_e7 > self.low.lon_e7;
        match self.side(x, y) {
            // On the edge: one ε to the right, a rising edge stands above the point, a falling or level one below it.
            0 => rightward && self.high.lat_e7 > self.low.lat_e7,
            side => (side > 0) != rightward,
        }
    }
}

fn difference(a: i32, b: i32) -> i64 {
    i64::from(a) - i64::from(b)
}

/// Adds a ring's edges for `zone`.
pub(super) fn collect(ring: &Ring, zone: u32, into: &mut Vec<Edge>) {
    for (from, to) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        if from == to {
            continue;
        }
        let (low, high) =
            if (from.lat_e7, from.lon_e7) <= (to.lat_e7, to.lon_e7) { (*from, *to) } else { (*to, *from) };
        into.push(Edge { low, high, zones: vec![zone] });
    }
}

/// Joins edges that stand on the same two points: neighbours then evaluate the very same predicate. An edge that a zone
/// runs along twice is no border of it.
pub(super) fn deduplicated(mut edges: Vec<Edge>) -> Vec<Edge> {
    edges.sort_unstable_by(|a, b| (a.low, a.high, &a.zones).cmp(&(b.low, b.high, &b.zones)));
    let mut unique: Vec<Edge> = Vec::with_capacity(edges.len());
    for edge in edges {
        match unique.last_mut() {
            Some(last) if last.low == edge.low && last.high == edge.high => {
                for zone in edge.zones {
                    toggle(&mut last.zones, zone);
                }
            }
            _ => unique.push(edge),
        }
    }
    unique.retain(|edge| !edge.zones.is_empty());
    unique
}

/// Enters a zone, or leaves it: the set stays sorted.
pub(super) fn toggle(set: &mut Vec<u32>, zone: u32) {
    match set.binary_search(&zone) {
        Ok(at) => {
            set.remove(at);
        }
        Err(at) => set.insert(at, zone),
    }
}
