//! A grid of square cells. A cell knows the zones at its lower left corner and the edges that touch it; the answer for a
//! point is the corner's zones, changed by every edge that lies between corner and point.

use super::BuildError;
use super::edge::{Edge, toggle};
use model::GeoPoint;
use std::collections::HashMap;

/// Most edges an index can number.
const EDGES_MAX: usize = 100_000_000;
/// About this many cells for each edge: most cells then hold none or a few.
const CELLS_PER_EDGE: u64 = 2;
/// Never more cells than this (12 bytes each), so that a map of many small zones far apart does not eat the memory.
const CELLS_MAX: u64 = 4 << 20;
const CELLS_MIN: u64 = 256;

#[derive(Debug, Clone)]
pub(super) struct Grid {
    edges: Vec<Edge>,
    /// Lower left corner of cell 0; one unit below and left of every edge, so that the first column starts outside.
    origin: GeoPoint,
    /// A cell is 2^shift units wide and high.
    shift: u32,
    columns: u64,
    rows: u64,
    /// Zones at each cell's lower left corner, as an index into `sets`.
    corners: Vec<u32>,
    /// Cell `i` holds `touching[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    /// Indices of edges.
    touching: Vec<u32>,
    sets: Vec<Vec<u32>>,
}

/// The square of one cell; all its borders belong to it, so an edge along a border is listed on both sides.
#[derive(Clone, Copy)]
struct Cell {
    x0: i64,
    y0: i64,
    x1: i64,
    y1: i64,
}

impl Grid {
    pub(super) fn build(edges: Vec<Edge>) -> Result<Self, BuildError> {
        if edges.len() > EDGES_MAX {
            return Err(BuildError::TooMany { vertices: edges.len(), limit: EDGES_MAX });
        }
        let Some((low, high)) = bounds(&edges) else { return Ok(Self::empty()) };
        let (width, height) =
            (i64::from(high.lon_e7) - i64::from(low.lon_e7), i64::from(high.lat_e7) - i64::from(low.lat_e7));
        // Two units of margin on either side must still fit below 2^31.
        if width.max(height) > i64::from(i32::MAX) - 4 || low.lon_e7 == i32::MIN || low.lat_e7 == i32::MIN {
            return Err(BuildError::TooWide {
                span_deg: u32::try_from(width.max(height) / 10_000_000).unwrap_or(u32::MAX),
            });
        }
        let origin = GeoPoint { lon_e7: low.lon_e7 - 1, lat_e7: low.lat_e7 - 1 };
        let (width, height) = ((width + 2).unsigned_abs(), (height + 2).unsigned_abs());
        let wanted = (edges.len() as u64).saturating_mul(CELLS_PER_EDGE).clamp(CELLS_MIN, CELLS_MAX);
        let mut shift = 0;
        while ((width >> shift) + 1) * ((height >> shift) + 1) > wanted {
            shift += 1;
        }
        let mut grid =
            Self { edges, origin, shift, columns: (width >> shift) + 1, rows: (height >> shift) + 1, ..Self::empty() };
        grid.list_edges();
        grid.walk_corners();
        Ok(grid)
    }

    /// No edges: every point lies in no zone.
    pub(super) fn empty() -> Self {
        let origin = GeoPoint { lon_e7: 0, lat_e7: 0 };
        Self {
            edges: vec![],
            origin,
            shift: 0,
            columns: 0,
            rows: 0,
            corners: vec![],
            starts: vec![],
            touching: vec![],
            sets: vec![vec![]],
        }
    }

    /// Finds the cells that each edge touches: counted first, then filled in, so the lists lie in one piece of memory.
    fn list_edges(&mut self) {
        let cells = usize::try_from(self.columns * self.rows).unwrap_or(0);
        let mut starts = vec![0_u32; cells + 1];
        self.each_touch(|cell, _| {
            if let Some(count) = starts.get_mut(cell + 1) {
                *count += 1;
            }
        });
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut touching = vec![0_u32; total as usize];
        self.each_touch(|cell, edge| {
            if let Some(place) = next.get_mut(cell) {
                if let Some(slot) = touching.get_mut(*place as usize) {
                    *slot = edge;
                }
                *place += 1;
            }
        });
        (self.starts, self.touching) = (starts, touching);
    }

    fn each_touch(&self, mut found: impl FnMut(usize, u32)) {
        for (number, edge) in self.edges.iter().enumerate() {
            let (west, east) = (edge.low.lon_e7.min(edge.high.lon_e7), edge.low.lon_e7.max(edge.high.lon_e7));
            // A border belongs to the cells on both sides, so look one unit further to the lower left.
            let first = (self.column(west.saturating_sub(1)), self.row(edge.low.lat_e7.saturating_sub(1)));
            let last = (self.column(east), self.row(edge.high.lat_e7));
            for row in first.1..=last.1.min(self.rows - 1) {
                for column in first.0..=last.0.min(self.columns - 1) {
                    if first == last || touches(edge, self.cell(column, row)) {
                        let number = u32::try_from(number).unwrap_or(u32::MAX);
                        found(usize::try_from(row * self.columns + column).unwrap_or(usize::MAX), number);
                    }
                }
            }
        }
    }

    fn column(&self, lon_e7: i32) -> u64 {
        (i64::from(lon_e7) - i64::from(self.origin.lon_e7)).max(0).unsigned_abs() >> self.shift
    }

    fn row(&self, lat_e7: i32) -> u64 {
        (i64::from(lat_e7) - i64::from(self.origin.lat_e7)).max(0).unsigned_abs() >> self.shift
    }

    fn cell(&self, column: u64, row: u64) -> Cell {
        let x0 = i64::from(self.origin.lon_e7) + i64::try_from(column << self.shift).unwrap_or(i64::MAX);
        let y0 = i64::from(self.origin.lat_e7) + i64::try_from(row << self.shift).unwrap_or(i64::MAX);
        Cell { x0, y0, x1: x0 + (1_i64 << self.shift), y1: y0 + (1_i64 << self.shift) }
    }

    /// Walks each row's lower border from outside to the right, noting the zones at every corner.
    fn walk_corners(&mut self) {
        let mut numbers: HashMap<Vec<u32>, u32> = HashMap::from([(Vec::new(), 0)]);
        let mut corners = Vec::with_capacity(self.starts.len());
        for row in 0..self.rows {
            let mut here: Vec<u32> = Vec::new();
            for column in 0..self.columns {
                let number = match numbers.get(&here) {
                    Some(number) => *number,
                    None => {
                        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
                        self.sets.push(here.clone());
                        numbers.insert(here.clone(), number);
                        number
                    }
                };
                corners.push(number);
                let Cell { x0, y0, x1, .. } = self.cell(column, row);
                let (Ok(x0), Ok(y0), Ok(x1)) = (i32::try_from(x0), i32::try_from(y0), i32::try_from(x1)) else { break };
                for edge in self.edges_of(usize::try_from(row * self.columns + column).unwrap_or(usize::MAX)) {
                    if edge.spans_level(y0) && edge.has_right(x0, y0) != edge.has_right(x1, y0) {
                        edge.zones.iter().for_each(|zone| toggle(&mut here, *zone));
                    }
                }
            }
        }
        self.corners = corners;
    }

    fn edges_of(&self, cell: usize) -> impl Iterator<Item = &Edge> {
        let range = match (self.starts.get(cell), self.starts.get(cell + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        };
        self.touching.get(range).unwrap_or_default().iter().filter_map(|number| self.edges.get(*number as usize))
    }

    pub(super) fn zones_at(&self, point: GeoPoint, into: &mut Vec<u32>) {
        into.clear();
        let (x, y) = (point.lon_e7, point.lat_e7);
        if x < self.origin.lon_e7 || y < self.origin.lat_e7 {
            return;
        }
        let (column, row) = (self.column(x), self.row(y));
        if column >= self.columns || row >= self.rows {
            return;
        }
        let cell = usize::try_from(row * self.columns + column).unwrap_or(usize::MAX);
        if let Some(set) = self.corners.get(cell).and_then(|number| self.sets.get(*number as usize)) {
            into.extend_from_slice(set);
        }
        let Cell { x0, y0, .. } = self.cell(column, row);
        let (Ok(x0), Ok(y0)) = (i32::try_from(x0), i32::try_from(y0)) else { return };
        for edge in self.edges_of(cell) {
            // From the corner up the left border to the point's level, then right to the point.
            let upward = edge.spans_column(x0) && edge.has_below(x0, y0) != edge.has_below(x0, y);
            let rightward = edge.spans_level(y) && edge.has_right(x0, y) != edge.has_right(x, y);
            if upward != rightward {
                edge.zones.iter().for_each(|zone| toggle(into, *zone));
            }
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

/// Whether an edge and a cell have a point in common, borders included: their boxes overlap, and the cell's corners do
/// not all lie strictly on one side of the edge.
fn touches(edge: &Edge, cell: Cell) -> bool {
    let (ax, ay) = (i64::from(edge.low.lon_e7), i64::from(edge.low.lat_e7));
    let (bx, by) = (i64::from(edge.high.lon_e7), i64::from(edge.high.lat_e7));
    if ax.max(bx) < cell.x0 || ax.min(bx) > cell.x1 || by < cell.y0 || ay > cell.y1 {
        return false;
    }
    let (dx, dy) = (i128::from(bx - ax), i128::from(by - ay));
    let side = |x: i64, y: i64| (dx * i128::from(y - ay) - i128::from(x - ax) * dy).signum();
    let corners = [side(cell.x0, cell.y0), side(cell.x1, cell.y0), side(cell.x0, cell.y1), side(cell.x1, cell.y1)];
    !(corners.iter().all(|side| *side > 0) || corners.iter().all(|side| *side < 0))
}
