//! Which zones a point lies in, exactly, and how surely an uncertain position lies in them.
//!
//! In: polygons of whole 1e-7 degrees ([`model::GeoPoint`]). Out: zone indices, in the order the zones were given.
//!
//! Every test is on integers, so there is no "almost": with the half-open rule of [`edge`] a point on a border that two
//! zones share lies in exactly one of them. The index is immutable; a change of the zones builds a new one, and readers
//! of the old one go on until they take the new.

mod build;
mod crowd;
mod edge;
mod frame;
mod leaf;
mod lookup;
mod sets;
mod simd;
mod spread;
mod store;

pub use sets::SetId;
pub use spread::Spread;

use build::{Buckets, Builder};
use edge::Edge;
use frame::Frame;
use lookup::Cells;
use model::{GeoPoint, Polygon, Position};
use sets::{Held, Sets};
use std::sync::Arc;
use store::{Store, Writer};

/// How much an index may hold.
#[derive(Debug, Clone, Copy)]
struct Limits {
    edges: usize,
    zones: usize,
    /// Of 4 MiB each; a node has 30 bits for an address.
    chunks: usize,
}

impl Limits {
    const USUAL: Self = Self { edges: 100_000_000, zones: 10_000_000, chunks: store::CHUNKS_MAX };
}

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
    /// More zones than the index can number.
    #[error("there are more than {limit} zones, so split the data by region")]
    TooManyZones {
        /// How many there may be.
        limit: usize,
    },
    /// The index would need more than 4 GiB, or more than 2^30 sets of zones.
    #[error("so many borders lie so close together that the index has no room for them, so simplify or split the data")]
    TooDense,
}

/// An index over a set of zones. A copy shares the memory.
#[derive(Debug, Clone)]
pub struct Geofence {
    frame: Frame,
    /// Nodes of the top cells.
    top: Arc<[u32]>,
    store: Store,
    sets: Arc<Held>,
    zones: usize,
}

impl Geofence {
    /// Builds the index; zone `i` of the answers is `zones[i]`. Rings may run either way round.
    pub fn build<'a>(zones: impl IntoIterator<Item = &'a [Polygon]>) -> Result<Self, BuildError> {
        Self::build_within(Limits::USUAL, zones)
    }

    fn build_within<'a>(
        limits: Limits,
        zones: impl IntoIterator<Item = &'a [Polygon]>,
    ) -> Result<Self, BuildError> {
        let mut sets = Sets::new();
        let mut edges = Vec::new();
        let mut count: usize = 0;
        for polygons in zones {
            let number = u32::try_from(count).ok().filter(|_| count < limits.zones);
            let number = number.ok_or(BuildError::TooManyZones { limit: limits.zones })?;
            collect(number, polygons, &mut sets, &mut edges);
            count += 1;
        }
        Self::of_edges(limits, &edges, sets, count)
    }

    fn of_edges(limits: Limits, edges: &[Edge], sets: Sets, zones: usize) -> Result<Self, BuildError> {
        if edges.len() > limits.edges {
            return Err(BuildError::TooMany { vertices: edges.len(), limit: limits.edges });
        }
        let frame = match bounds(edges) {
            Some((low, high)) => Frame::over(low, high, edges.len())?,
            None => Frame::NONE,
        };
        let buckets = Buckets::fill(&frame, edges).ok_or(BuildError::TooDense)?;
        let mut builder = Builder::new(frame, sets, Writer::new(limits.chunks));
        let top = builder.rows(&buckets, edges)?;
        Ok(Self { frame, top: top.into(), store: builder.writer.finish(), sets: Arc::new(builder.sets.finish()), zones })
    }

    /// An index of no zones.
    pub fn empty() -> Self {
        Self { frame: Frame::NONE, top: Arc::default(), store: Store::default(), sets: Arc::new(Sets::new().finish()), zones: 0 }
    }

    /// How many zones there are.
    pub fn zones(&self) -> usize {
        self.zones
    }

    fn cells(&self) -> Cells<'_> {
        Cells { frame: &self.frame, top: &self.top, store: &self.store }
    }

    /// The set of zones that hold a point.
    pub fn set_at(&self, point: GeoPoint) -> SetId {
        self.cells().set_at(point)
    }

    /// The sets of many points: `sets[i]` becomes that of `points[i]`, as far as both reach.
    pub fn sets_at(&self, points: &[GeoPoint], sets: &mut [SetId]) {
        self.cells().sets_at(points, sets);
    }

    /// The zones of a set that this index has answered, in ascending order.
    pub fn zones_of(&self, set: SetId) -> &[u32] {
        self.sets.of(set)
    }

    /// Writes the zones that hold `point` into `into` (cleared first), in ascending order.
    pub fn zones_at(&self, point: GeoPoint, into: &mut Vec<u32>) {
        into.clear();
        into.extend_from_slice(self.zones_of(self.set_at(point)));
    }

    /// What the index takes, shared memory included.
    pub fn memory_bytes(&self) -> usize {
        self.top.len() * size_of::<u32>() + self.store.bytes() + self.sets.bytes()
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

/// The edges of a zone, in the order of its rings.
fn collect(number: u32, polygons: &[Polygon], sets: &mut Sets, into: &mut Vec<Edge>) {
    for polygon in polygons {
        let zone = sets.id(&[number]);
        for ring in std::iter::once(&polygon.exterior).chain(&polygon.holes) {
            edge::collect(ring, zone, into);
        }
    }
}

fn bounds(edges: &[Edge]) -> Option<(GeoPoint, GeoPoint)> {
    let mut points = edges.iter().flat_map(|edge| [edge.low, edge.high]);
    let first = points.next()?;
    Some(points.fold((first, first), |(low, high), point| {
        (
            GeoPoint { lon_e7: low.lon_e7.min(point.lon_e7), lat_e7: low.lat_e7.min(point.lat_e7) },
            GeoPoint { lon_e7: high.lon_e7.max(point.lon_e7), lat_e7: high.lat_e7.max(point.lat_e7) },
        )
    }))
}

#[cfg(test)]
mod tests;
