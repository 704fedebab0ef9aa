//! Which zones a point lies in, exactly, how far it is from their borders, and how surely an uncertain position lies in them.
//!
//! In: polygons of whole 1e-7 degrees ([`model::GeoPoint`]). Out: zone numbers, in the order the zones were given, or
//! [`SetId`], the number of a set of zones. Season and authority are questions to ask of the answer, not of the index.
//!
//! Every test is on integers, so there is no "almost": with the half-open rule of [`edge`] a point on a border that two
//! zones share lies in exactly one of them. The index is immutable; a change of a zone makes a next version that shares
//! what did not change ([`Geofence::with_zone`]), and readers of the old one go on until they take the new.
//!
//! # The structure in one minute
//!
//! ```text
//! frame.rs    the map is laid out in square top cells, a quarter of a million to a million
//!               |  most hold no edge: their node is the set of all their points, and the answer
//! build.rs      |  some hold many: their node leads to a block of 4 x 4 smaller cells (one line of the cache), and so on ...
//! leaf.rs       '- ... until 16 edges or fewer are left: the edges as chains of vertices, and a table of sets
//!                    answer = table[which borders a ray from the west crosses an odd number of times]
//! crowd.rs           where the borders of many zones meet, that table would be too large: slower, without a limit
//! sets.rs     each set of zones is held once; equal sets have equal numbers
//! store.rs    blocks and leaves lie in chunks of 4 MiB that versions share
//! ```
//!
//! [`lookup`] goes down for many points at once, level by level, and asks the memory for the next level's words of all of
//! them before it reads the first; [`simd`] has the innermost loop. [`update`] makes the next version, [`distance`] looks at
//! the cells around a point, [`spread`] says where an uncertain position may be. What was measured, and what was not chosen:
//! `docs/adr/0012-geofence-index.md`.

mod buckets;
mod build;
mod crowd;
mod distance;
mod edge;
mod frame;
mod leaf;
mod lookup;
mod sets;
mod simd;
mod spread;
mod store;
mod update;

pub use sets::SetId;
pub use spread::Spread;

use buckets::Buckets;
use build::Builder;
use edge::Edge;
use frame::Frame;
use lookup::Cells;
use model::{GeoPoint, Polygon, Position};
use sets::{Held, Sets};
use simd::Way;
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

/// The least number of top cells suits this many edges.
const LAID_OUT_MIN: usize = 1 << 17;

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
    /// Where each zone lies.
    extents: Arc<[Extent]>,
    /// As many edges suit the size of the top cells.
    laid_out_for: usize,
    /// What the store took when it was built as a whole.
    fresh_words: usize,
}

/// How far a zone reaches, and how many edges it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    bounds: Option<(GeoPoint, GeoPoint)>,
    edges: usize,
}

impl Extent {
    const NONE: Self = Self { bounds: None, edges: 0 };

    fn of(edges: &[Edge]) -> Self {
        edges.iter().fold(Self::NONE, |extent, edge| {
            let low = GeoPoint { lon_e7: edge.west(), lat_e7: edge.low.lat_e7 };
            let high = GeoPoint { lon_e7: edge.east(), lat_e7: edge.high.lat_e7 };
            Self { bounds: extent.joined(Self { bounds: Some((low, high)), edges: 1 }), edges: extent.edges + 1 }
        })
    }

    fn joined(self, other: Self) -> Option<(GeoPoint, GeoPoint)> {
        let (Some((low, high)), Some((other_low, other_high))) = (self.bounds, other.bounds) else {
            return self.bounds.or(other.bounds);
        };
        let both = |a: GeoPoint, b: GeoPoint, choose: fn(i32, i32) -> i32| GeoPoint {
            lon_e7: choose(a.lon_e7, b.lon_e7),
            lat_e7: choose(a.lat_e7, b.lat_e7),
        };
        Some((both(low, other_low, i32::min), both(high, other_high, i32::max)))
    }
}

impl Geofence {
    /// Builds the index; zone `i` of the answers is `zones[i]`. Rings may run either way round.
    pub fn build<'a>(zones: impl IntoIterator<Item = &'a [Polygon]>) -> Result<Self, BuildError> {
        Self::build_within(Limits::USUAL, zones)
    }

    fn build_within<'a>(limits: Limits, zones: impl IntoIterator<Item = &'a [Polygon]>) -> Result<Self, BuildError> {
        let mut sets = Sets::new();
        let mut edges: Vec<Edge> = Vec::new();
        let mut extents: Vec<Extent> = Vec::new();
        for polygons in zones {
            let number = u32::try_from(extents.len()).ok().filter(|_| extents.len() < limits.zones);
            let number = number.ok_or(BuildError::TooManyZones { limit: limits.zones })?;
            let before = edges.len();
            collect(number, polygons, &mut sets, &mut edges);
            extents.push(Extent::of(edges.get(before..).unwrap_or_default()));
        }
        Self::of_edges(limits, &edges, sets, extents)
    }

    fn of_edges(limits: Limits, edges: &[Edge], sets: Sets, extents: Vec<Extent>) -> Result<Self, BuildError> {
        if edges.len() > limits.edges {
            return Err(BuildError::TooMany { vertices: edges.len(), limit: limits.edges });
        }
        let frame = match Extent::of(edges).bounds {
            Some((low, high)) => Frame::over(low, high, edges.len())?,
            None => Frame::NONE,
        };
        let buckets = Buckets::fill(&frame, edges).ok_or(BuildError::TooDense)?;
        let mut builder = Builder::new(frame, sets, Writer::new(limits.chunks));
        let top = builder.rows(&buckets, edges)?;
        let store = builder.writer.finish();
        Ok(Self {
            frame,
            top: top.into(),
            fresh_words: store.words(),
            store,
            sets: Arc::new(builder.sets.finish()),
            zones: extents.len(),
            extents: extents.into(),
            laid_out_for: edges.len().max(LAID_OUT_MIN),
        })
    }

    /// An index of no zones.
    pub fn empty() -> Self {
        Self {
            frame: Frame::NONE,
            top: Arc::default(),
            store: Store::default(),
            sets: Arc::new(Sets::new().finish()),
            zones: 0,
            extents: Arc::default(),
            laid_out_for: 0,
            fresh_words: 0,
        }
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
        self.cells().sets_at(Way::fastest(), points, sets);
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

    /// Metres from a point to the nearest border of any zone; `None` where there is none within `band_m`.
    pub fn border_m(&self, point: GeoPoint, band_m: f64) -> Option<f64> {
        self.cells().border_m(&self.sets, None, point, band_m)
    }

    /// Metres from a point to the border of a zone, negative inside; `None` where there is none within `band_m`.
    pub fn distance_m(&self, zone: u32, point: GeoPoint, band_m: f64) -> Option<f64> {
        let away_m = self.cells().border_m(&self.sets, Some(zone), point, band_m)?;
        let is_inside = self.zones_of(self.set_at(point)).binary_search(&zone).is_ok();
        Some(if is_inside { -away_m } else { away_m })
    }

    /// For each zone that a position may lie in: how surely it does, 0 to 1. Zones with probability 0 are left out.
    pub fn probabilities(&self, position: Position, spread: Spread) -> Vec<(u32, f64)> {
        if let Some(set) = spread.reach(position).and_then(|reach| self.cells().only_set(reach)) {
            return self.zones_of(set).iter().map(|zone| (*zone, 1.0)).collect();
        }
        let points: Vec<GeoPoint> = spread.lattice(position).map(GeoPoint::from).collect();
        let mut sets = [SetId::EMPTY; spread::LATTICE_POINTS];
        self.sets_at(&points, &mut sets);
        let mut hits: Vec<u32> = sets.iter().flat_map(|set| self.zones_of(*set)).copied().collect();
        hits.sort_unstable();
        let share = |hits: &[u32]| Some((*hits.first()?, hits.len() as f64 / spread::LATTICE_POINTS as f64));
        hits.chunk_by(|a, b| a == b).filter_map(share).collect()
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

#[cfg(test)]
mod tests;
