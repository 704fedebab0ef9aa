//! Edges and the exact questions asked of them.
//!
//! The half-open rule: a query point stands infinitesimally to the right of where it is (ε) and, infinitely less than
//! that, above it (ε²). So it never lies on an edge, neighbours that share an edge answer alike, and a walk from one point
//! to another crosses an edge or does not, whatever way it takes.

use super::sets::{SetId, Sets};
use model::{GeoPoint, Ring};

/// An edge with its lower end first, and the zones on whose border it lies. Horizontal edges run left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) low: GeoPoint,
    pub(super) high: GeoPoint,
    /// Crossing the edge enters or leaves these.
    pub(super) toggles: SetId,
}

impl Edge {
    /// The edge between two points, whichever comes first. `None` where they are one point.
    pub(super) fn between(a: GeoPoint, b: GeoPoint, toggles: SetId) -> Option<Self> {
        let upward = (a.lat_e7, a.lon_e7) < (b.lat_e7, b.lon_e7);
        let (low, high) = if upward { (a, b) } else { (b, a) };
        (a != b).then_some(Self { low, high, toggles })
    }

    pub(super) fn west(&self) -> i32 {
        self.low.lon_e7.min(self.high.lon_e7)
    }

    pub(super) fn east(&self) -> i32 {
        self.low.lon_e7.max(self.high.lon_e7)
    }

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

    /// Whether a walk along the level `y` from `x_from` to `x_to` crosses the edge.
    pub(super) fn parts_level(&self, x_from: i32, x_to: i32, y: i32) -> bool {
        self.spans_level(y) && self.has_right(x_from, y) != self.has_right(x_to, y)
    }

    /// Whether a walk up or down the column `x` from `y_from` to `y_to` crosses the edge.
    pub(super) fn parts_column(&self, x: i32, y_from: i32, y_to: i32) -> bool {
        self.spans_column(x) && self.has_below(x, y_from) != self.has_below(x, y_to)
    }

    /// Whether a ray from the far west to the point crosses the edge.
    pub(super) fn is_left_of(&self, x: i32, y: i32) -> bool {
        self.spans_level(y) && self.has_right(x, y)
    }
}

fn difference(a: i32, b: i32) -> i64 {
    i64::from(a) - i64::from(b)
}

/// Adds a ring's edges, in its order.
pub(super) fn collect(ring: &Ring, toggles: SetId, into: &mut Vec<Edge>) {
    for (from, to) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        into.extend(Edge::between(*from, *to, toggles));
    }
}

/// Joins edges that stand on the same two points: neighbours then evaluate the very same predicate. An edge that a zone
/// runs along twice is no border of it. Keeps the order, so that what hangs together stays together.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// Hash table of places in the list, one more than they are; 0 is free.
    slots: Vec<u32>,
}

impl Joiner {
    pub(super) fn join(&mut self, edges: &mut Vec<Edge>, sets: &mut Sets) {
        self.fold(edges, |twin, edge| twin.toggles = sets.xor(twin.toggles, edge.toggles));
        edges.retain(|edge| edge.toggles != SetId::EMPTY);
    }

    /// Keeps one of each, where they are copies of each other.
    pub(super) fn unique(&mut self, edges: &mut Vec<Edge>) {
        self.fold(edges, |_, _| ());
    }

    /// Where an edge stands in a list of which one of each was kept.
    pub(super) fn place(&self, edge: &Edge, unique: &[Edge]) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(edge) & mask;
        loop {
            let place = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            if unique.get(place).is_some_and(|known| known.low == edge.low && known.high == edge.high) {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn fold(&mut self, edges: &mut Vec<Edge>, mut met: impl FnMut(&mut Edge, &Edge)) {
        let mask = (edges.len() * 2 + 1).next_power_of_two() - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, 0);
        let mut kept: usize = 0;
        for at in 0..edges.len() {
            let Some(edge) = edges.get(at).copied() else { break };
            let mut slot = hash(&edge) & mask;
            while let Some(place) = self.slots.get_mut(slot) {
                let Some(known) = (*place as usize).checked_sub(1) else {
                    *place = u32::try_from(kept + 1).unwrap_or(0);
                    if let Some(free) = edges.get_mut(kept) {
                        *free = edge;
                    }
                    kept += 1;
                    break;
                };
                if let Some(twin) = edges.get_mut(known).filter(|twin| twin.low == edge.low && twin.high == edge.high) {
                    met(twin, &edge);
                    break;
                }
                slot = (slot + 1) & mask;
            }
        }
        edges.truncate(kept);
    }
}

fn hash(edge: &Edge) -> usize {
    let word =
        |point: GeoPoint| u64::from(point.lon_e7.cast_unsigned()) << 32 | u64::from(point.lat_e7.cast_unsigned());
    let mixed = (word(edge.low).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) ^ word(edge.high))
        .wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 32) as usize
}
