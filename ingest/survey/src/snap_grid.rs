//! Finds what lies near what: for each vertex the nearest vertex and the nearest edge of another feature.
//!
//! In: edges and vertices with their plots.   Out: [`Near`], at most one for each vertex.
//! Never: every vertex against every edge. Edges are entered into the cells of a grid that a circle around a vertex could reach
//! them from, so that a vertex looks into its own cell only; both lists are sorted by cell and walked together.

use crate::snap_places::Places;
use model::GeoPoint;

/// One side of a ring by its places, the smaller first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) plot: u32,
}

/// Something of another feature that is near to a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Near {
    pub(crate) point: u32,
    pub(crate) metres: f64,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    /// A vertex; it goes before edges.
    Vertex(u32),
    /// An edge, and the place on it that is nearest.
    Edge(Edge, GeoPoint),
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
    fn new(places: &Places, edges: &[Edge], snap_m: f64) -> Self {
        let poleward = places.points().iter().map(|point| point.lat_e7.saturating_abs()).max();
        let up = (snap_m / UNIT_M).ceil();
        let sideways = (up / shrink(poleward.unwrap_or(0))).ceil();
        let lengths = edges.iter().map(|edge| {
            let (from, to) = (places.point(edge.from), places.point(edge.to));
            i64::from(from.lon_e7.abs_diff(to.lon_e7)) + i64::from(from.lat_e7.abs_diff(to.lat_e7))
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
    fn enter(&self, from: GeoPoint, to: GeoPoint, mut enter: impl FnMut(Cell)) {
        let (west, east) = (i64::from(from.lon_e7), i64::from(to.lon_e7));
        let (from, to) = (i64::from(from.lat_e7), i64::from(to.lat_e7));
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

/// Cells by a few bits of their numbers: says yes to all that were put in, and now and then to another.
struct Cells(Vec<u64>);

impl Cells {
    const BITS: u32 = 26;

    fn new() -> Self {
        Self(vec![0; 1 << (Self::BITS - 6)])
    }

    fn place((column, row): Cell) -> (usize, u64) {
        let mixed = (u64::from(column) << 32 | u64::from(row)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = mixed >> (64 - Self::BITS);
        ((bit >> 6) as usize, 1 << (bit & 63))
    }

    fn put(&mut self, cell: Cell) {
        let (word, bit) = Self::place(cell);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn has(&self, cell: Cell) -> bool {
        let (word, bit) = Self::place(cell);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// More edges in one cell are a scribble, in which nothing is the nearest.
const CROWD_MAX: usize = 1_024;

/// What is near to each place, if anything is; and a plot and place where it is too crowded to tell. With `changed`, only
/// around edges that end in one of those, which are in order.
pub(crate) fn near(
    places: &Places,
    edges: &[Edge],
    changed: Option<&[GeoPoint]>,
    snap_m: f64,
) -> (Vec<Near>, Option<(u32, GeoPoint)>) {
    let grid = Grid::new(places, edges, snap_m);
    let ends = |edge: &Edge| (places.point(edge.from), places.point(edge.to));
    let around = changed.map(|changed| {
        let is_changed = places.among(changed);
        let is_changed = |place: u32| is_changed.get(place as usize).copied().unwrap_or(false);
        let mut cells = Cells::new();
        for edge in edges.iter().filter(|edge| is_changed(edge.from) || is_changed(edge.to)) {
            let (from, to) = ends(edge);
            grid.enter(from, to, |cell| cells.put(cell));
        }
        cells
    });
    let wanted = |cell: Cell| around.as_ref().is_none_or(|cells| cells.has(cell));
    let mut entries: Vec<(Cell, u32)> = Vec::with_capacity(edges.len());
    for (number, edge) in (0u32..).zip(edges) {
        let (from, to) = ends(edge);
        grid.enter(from, to, |cell| {
            if wanted(cell) {
                entries.push((cell, number));
            }
        });
    }
    entries.sort_unstable();
    let mut points: Vec<(Cell, u32)> = (0u32..)
        .zip(places.points())
        .map(|(number, point)| (grid.cell_of(*point), number))
        .filter(|(cell, _)| wanted(*cell))
        .collect();
    points.sort_unstable();
    let (mut found, mut crowded) = (Vec::new(), None);
    let mut here: Vec<Edge> = Vec::new();
    let mut entries = entries.as_slice();
    for in_cell in points.chunk_by(|a, b| a.0 == b.0) {
        let Some((cell, _)) = in_cell.first() else { continue };
        let skip = entries.iter().take_while(|(other, _)| other < cell).count();
        entries = entries.get(skip..).unwrap_or_default();
        let numbers = entries.iter().take_while(|(other, _)| other == cell).map(|(_, number)| *number as usize);
        here.clear();
        here.extend(numbers.filter_map(|number| edges.get(number)));
        // Inside of a feature nobody else is near.
        if here.windows(2).all(|pair| matches!(pair, [a, b] if a.plot == b.plot)) {
            continue;
        }
        if here.len() > CROWD_MAX {
            crowded = crowded.or(here.first().map(|edge| (edge.plot, places.point(edge.from))));
            continue;
        }
        found.extend(in_cell.iter().filter_map(|(_, point)| nearest(*point, &here, places, snap_m)));
    }
    (found, crowded)
}

fn nearest(number: u32, edges: &[Edge], places: &Places, snap_m: f64) -> Option<Near> {
    let (point, own) = (places.point(number), places.owners(number));
    let shrink = shrink(point.lat_e7);
    let mut vertex: Option<(f64, u32)> = None;
    let mut onto: Option<(f64, GeoPoint, &Edge)> = None;
    for edge in edges.iter().filter(|edge| !own.contains(&edge.plot)) {
        for end in [edge.from, edge.to] {
            let (x, y) = offset(point, places.point(end), shrink);
            let metres = x.hypot(y);
            let nearer = vertex.is_none_or(|best| metres.total_cmp(&best.0).then(end.cmp(&best.1)).is_lt());
            // A vertex that also belongs to an owner of this one stays apart from it.
            if metres <= snap_m && nearer && !places.owners(end).iter().any(|plot| own.contains(plot)) {
                vertex = Some((metres, end));
            }
        }
        let (metres, foot) = foot(point, places.point(edge.from), places.point(edge.to), shrink);
        let key = |edge: &Edge| (edge.from, edge.to, edge.plot);
        let nearer = onto.is_none_or(|best| metres.total_cmp(&best.0).then(key(edge).cmp(&key(best.2))).is_lt());
        if metres <= snap_m && nearer {
            onto = Some((metres, foot, edge));
        }
    }
    if let Some((metres, other)) = vertex {
        return Some(Near { point: number, metres, what: What::Vertex(other) });
    }
    let (metres, foot, edge) = onto?;
    // A border that the vertex's own feature shares: it would touch itself.
    let shared = edges.iter().any(|other| own.contains(&other.plot) && (other.from, other.to) == (edge.from, edge.to));
    let between = foot != places.point(edge.from) && foot != places.point(edge.to);
    (!shared && between).then_some(Near { point: number, metres, what: What::Edge(*edge, foot) })
}

/// The place of an edge that is nearest to a point, and how near.
fn foot(point: GeoPoint, from: GeoPoint, to: GeoPoint, shrink: f64) -> (f64, GeoPoint) {
    let (from_x, from_y) = offset(point, from, shrink);
    let (to_x, to_y) = offset(point, to, shrink);
    let (along_x, along_y) = (to_x - from_x, to_y - from_y);
    let squared = along_x * along_x + along_y * along_y;
    let share = if squared > 0.0 { (-(from_x * along_x + from_y * along_y) / squared).clamp(0.0, 1.0) } else { 0.0 };
    let between = |a: i32, b: i32| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as i32;
    let foot = GeoPoint { lon_e7: between(from.lon_e7, to.lon_e7), lat_e7: between(from.lat_e7, to.lat_e7) };
    ((from_x + share * along_x).hypot(from_y + share * along_y), foot)
}
