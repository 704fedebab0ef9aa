//! Which zones a point lies in, exactly, and how surely an uncertain position lies in them.
//!
//! In: polygons of whole 1e-7 degrees ([`model::GeoPoint`]). Out: zone indices, in the order the zones were given.
//!
//! Every test is on integers, so there is no "almost": with the half-open rule of [`edge`] a point on a border that two
//! zones share lies in exactly one of them. The index is immutable; a change of the zones builds a new one, and readers
//! of the old one go on until they take the new.

mod edge;
mod grid;
mod spread;

pub use spread::Spread;

use grid::Grid;
use model::{GeoPoint, Polygon, Position};

/// Why no index was built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The zones span more of the globe than exact 64-bit arithmetic can hold.
    #[error("zones span {span_deg} degrees; at most 214 are possible, so split the data by region")]
    TooWide {
        /// Their larger extent.
        span_deg: u32,
    },
    /// More vertices than the index can number.
    #[error("zones have {vertices} vertices; at most {limit} are possible, so simplify or split the data")]
    TooMany {
        /// How many there are.
        vertices: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// An index over a set of zones.
#[derive(Debug, Clone)]
pub struct Geofence {
    grid: Grid,
    zones: usize,
}

impl Geofence {
    /// Builds the index; zone `i` of the answers is `zones[i]`. Rings may run either way round.
    pub fn build<'a>(zones: impl IntoIterator<Item = &'a [Polygon]>) -> Result<Self, BuildError> {
        let mut edges = Vec::new();
        let mut count: u32 = 0;
        for polygons in zones {
            for polygon in polygons {
                for ring in std::iter::once(&polygon.exterior).chain(&polygon.holes) {
                    edge::collect(ring, count, &mut edges);
                }
            }
            count = count.saturating_add(1);
        }
        Ok(Self { grid: Grid::build(edge::deduplicated(edges))?, zones: count as usize })
    }

    /// An index of no zones.
    pub fn empty() -> Self {
        Self { grid: Grid::empty(), zones: 0 }
    }

    /// How many zones there are.
    pub fn zones(&self) -> usize {
        self.zones
    }

    /// Writes the zones that hold `point` into `into` (cleared first), in ascending order.
    pub fn zones_at(&self, point: GeoPoint, into: &mut Vec<u32>) {
        self.grid.zones_at(point, into);
    }

    /// For each zone that a position may lie in: how surely it does, 0 to 1. Zones with probability 0 are left out.
    pub fn probabilities(&self, position: Position, spread: Spread) -> Vec<(u32, f64)> {
        let mut hits: Vec<(u32, u32)> = Vec::new();
        let mut at = Vec::new();
        for point in spread.lattice(position) {
            self.zones_at(point.into(), &mut at);
            for zone in &at {
                match hits.iter_mut().find(|(known, _)| known == zone) {
                    Some((_, count)) => *count += 1,
                    None => hits.push((*zone, 1)),
                }
            }
        }
        hits.sort_unstable();
        hits.into_iter().map(|(zone, count)| (zone, f64::from(count) / spread::LATTICE_POINTS as f64)).collect()
    }
}

#[cfg(test)]
mod tests;
