//! Finds what lies near what: for each vertex the nearest vertex and the nearest edge of another feature.
//!
//! In: edges and vertices with their plots.   Out: [`Near`], at most one for each vertex.
//! Never: every vertex against every edge. Edges are entered into the cells of a grid that a circle around a vertex could reach
//! them from, so that a vertex looks into its own cell only; both lists are sorted by cell and walked together.

use crate::snap::owners;
use model::GeoPoint;

/// One side of a ring, its smaller end first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: GeoPoint,
    pub(crate) to: GeoPoint,
    pub(crate) plot: u32,
}

/// Something of another feature that is near to a vertex.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Near {
    /// A vertex; it goes before edges.
    Vertex { point: GeoPoint, other: GeoPoint, metres: f64 },
    /// An edge, and the place on it that is nearest.
    Edge { point: GeoPoint, edge: Edge, foot: GeoPoint, metres: f64 },
}

/// Metres of 1e-7 degree of latitude.
const UNIT_M: f64 = 0.011_132;

/// How much shorter a degree of longitude is here; near the poles nobody surveys.
fn shrink(lat_e7: i32) -> f64 {
    (f64::from(lat_e7) / 1e7).to_radians().cos().max(0.05)
}

/// How far two places are from each other; good for some metres.
pub(crate) fn metres(a: GeoPoint, b: GeoPoint) -> f64 {
    let (x, y) = offset(a, b, shrink(a.lat_e7));
    x.hypot(y)
}

fn offset(from: GeoPoint, to: GeoPoint, shrink: f64) -> (f64, f64) {
    let difference = |a: i32, b: i32| (f64::from(a) - f64::from(b)) * UNIT_M;
    (difference(to.lon_e7, from.lon_e7) * shrink, difference(to.lat_e7, from.lat_e7))
}

/// The place of a cell, counted from the corner of the globe.
type Cell = (u32, u32);

struct Grid {
    /// In 1e-7 degree.
    cell: i64,
    /// Of a circle around a vertex, in 1e-7 degree.
    radius: (i64, i64),
}

impl Grid {
    fn new(edges: &[Edge], snap_m: f64) -> Self {
        let poleward =
            edges.iter().map(|edge| edge.from.lat_e7.saturating_abs().max(edge.to.lat_e7.saturating_abs())).max();
        let up = (snap_m / UNIT_M).ceil();
        let sideways = (up / shrink(poleward.unwrap_or(0))).ceil();
        let lengths = edges.iter().map(|edge| {
            let span = |a: i32, b: i32| i64::from(a.abs_diff(b));
            span(edge.from.lon_e7, edge.to.lon_e7) + span(edge.from.lat_e7, edge.to.lat_e7)
        });
        let mean = lengths.sum::<i64>() / i64::try_from(edges.len().max(1)).unwrap_or(i64::MAX);
        let radius = (sideways as i64 + 1, up as i64 + 1);
        Self { cell: mean.max(radius.0 * 4).max(16), radius }
    }

    fn column(&self, value: i64) -> u32 {
        // Not negative and below 2^32 by the clamp.
        ((value + (1 << 31)).clamp(0, u32::MAX.into()) / self.cell) as u32
    }

    fn cell_of(&self, point: GeoPoint) -> Cell {
        (self.column(point.lon_e7.into()), self.column(point.lat_e7.into()))
    }

    /// Every cell from which a vertex could be near to this edge.
    fn enter(&self, edge: &Edge, mut enter: impl FnMut(Cell)) {
        let (west, east) = (i64::from(edge.from.lon_e7), i64::from(edge.to.lon_e7));
        let (from, to) = (i64::from(edge.from.lat_e7), i64::from(edge.to.lat_e7));
        let (sideways, up) = self.radius;
        let (first, last) = (self.column(west - sideways), self.column(east + sideways));
        for column in first..=last {
            // The part of the edge that this column can see, a little generously.
            let left = i64::from(column) * self.cell - (1 << 31) - sideways;
            let right = left + self.cell + 2 * sideways;
            let at = |lon: i64| {
                if east == west {
                    None
                } else {
                    Some(from + (to - from) * (lon.clamp(west, east) - west) / (east - west))
                }
            };
            let (a, b) = (at(left).unwrap_or(from), at(right).unwrap_or(to));
            for row in self.column(a.min(b) - up - 1)..=self.column(a.max(b) + up + 1) {
                enter((column, row));
            }
        }
    }
}

/// What is near to each vertex, if anything is.
pub(crate) fn near(edges: &[Edge], vertices: &[(GeoPoint, u32)], snap_m: f64) -> Vec<Near> {
    let grid = Grid::new(edges, snap_m);
    let mut entries: Vec<(Cell, u32)> = Vec::with_capacity(edges.len() * 3);
    for (number, edge) in (0u32..).zip(edges) {
        grid.enter(edge, |cell| entries.push((cell, number)));
    }
    entries.sort_unstable();
    let mut points: Vec<(Cell, GeoPoint)> = vertices.iter().map(|(point, _)| (grid.cell_of(*point), *point)).collect();
    points.sort_unstable();
    points.dedup();
    let mut found = Vec::new();
    let mut entries = entries.as_slice();
    for in_cell in points.chunk_by(|a, b| a.0 == b.0) {
        let Some((cell, _)) = in_cell.first() else { continue };
        entries = entries.get(entries.partition_point(|(other, _)| other < cell)..).unwrap_or_default();
        let here = entries.get(..entries.partition_point(|(other, _)| other == cell)).unwrap_or_default();
        let here: Vec<&Edge> = here.iter().filter_map(|(_, number)| edges.get(*number as usize)).collect();
        // Inside of a feature nobody else is near.
        if here.windows(2).all(|pair| matches!(pair, [a, b] if a.plot == b.plot)) {
            continue;
        }
        found.extend(in_cell.iter().filter_map(|(_, point)| nearest(*point, &here, vertices, snap_m)));
    }
    found
}

fn nearest(point: GeoPoint, edges: &[&Edge], vertices: &[(GeoPoint, u32)], snap_m: f64) -> Option<Near> {
    let own = owners(vertices, point);
    let is_own = |plot: u32| own.iter().any(|(_, owner)| *owner == plot);
    let shrink = shrink(point.lat_e7);
    let mut vertex: Option<(f64, GeoPoint)> = None;
    let mut onto: Option<(f64, GeoPoint, &Edge)> = None;
    for edge in edges.iter().filter(|edge| !is_own(edge.plot)) {
        for end in [edge.from, edge.to] {
            let (x, y) = offset(point, end, shrink);
            let metres = x.hypot(y);
            let nearer = vertex.is_none_or(|best| metres.total_cmp(&best.0).then(end.cmp(&best.1)).is_lt());
            // A vertex that also belongs to an owner of this one stays apart from it.
            if metres <= snap_m && nearer && !owners(vertices, end).iter().any(|(_, plot)| is_own(*plot)) {
                vertex = Some((metres, end));
            }
        }
        let (metres, foot) = foot(point, edge, shrink);
        let key = |edge: &Edge| (edge.from, edge.to, edge.plot);
        let nearer = onto.is_none_or(|best| metres.total_cmp(&best.0).then(key(edge).cmp(&key(best.2))).is_lt());
        if metres <= snap_m && nearer {
            onto = Some((metres, foot, edge));
        }
    }
    if let Some((metres, other)) = vertex {
        return Some(Near::Vertex { point, other, metres });
    }
    let (metres, foot, edge) = onto?;
    // A border that the vertex's own feature shares: it would touch itself.
    let shared = edges.iter().any(|other| is_own(other.plot) && (other.from, other.to) == (edge.from, edge.to));
    (!shared && foot != edge.from && foot != edge.to).then_some(Near::Edge { point, edge: *edge, foot, metres })
}

/// The place of an edge that is nearest to a point, and how near.
fn foot(point: GeoPoint, edge: &Edge, shrink: f64) -> (f64, GeoPoint) {
    let (from_x, from_y) = offset(point, edge.from, shrink);
    let (to_x, to_y) = offset(point, edge.to, shrink);
    let (along_x, along_y) = (to_x - from_x, to_y - from_y);
    let squared = along_x * along_x + along_y * along_y;
    let share = if squared > 0.0 { (-(from_x * along_x + from_y * along_y) / squared).clamp(0.0, 1.0) } else { 0.0 };
    let between = |a: i32, b: i32| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as i32;
    let foot = GeoPoint {
        lon_e7: between(edge.from.lon_e7, edge.to.lon_e7),
        lat_e7: between(edge.from.lat_e7, edge.to.lat_e7),
    };
    ((from_x + share * along_x).hypot(from_y + share * along_y), foot)
}
