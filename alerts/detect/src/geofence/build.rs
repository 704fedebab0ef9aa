//! Lays edges out in cells, until few lie in each.
//!
//! In: edges, and the zones along their way.   Out: nodes.   Never: a lookup.

use super::BuildError;
use super::buckets::Buckets;
use super::crowd;
use super::edge::{Edge, Joiner};
use super::frame::{Cell, Frame};
use super::leaf::Encoder;
use super::sets::{SetId, Sets};
use super::store::{Kind, LINE_WORDS, Node, PAYLOAD_MAX, Writer};

/// A cell with more edges than this is split.
const LEAF_EDGES: usize = 16;
/// Words: a leaf begins at a multiple of this.
const LEAF_ALIGN: usize = 4;
/// A block is four cells wide and high.
const BLOCK_SHIFT: u32 = 2;
const BLOCK_SIDE: u32 = 1 << BLOCK_SHIFT;
/// Cells of less than 70 cm are split no further, or a bundle of borders that run side by side would fill the memory.
const SHIFT_MIN: u32 = 6;
/// Cells of less than 50 m with few edges are not split only because these are of many zones.
const CROWD_SHIFT: u32 = 12;
/// As many different borders in a cell give so few sets of zones that all of them may be held.
const BORDERS_FEW: usize = 3;

/// Splits cells and writes what lies in them.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) frame: Frame,
    pub(super) sets: Sets,
    pub(super) writer: Writer,
    encoder: Encoder,
    pub(super) joiner: Joiner,
    /// Lists that are not in use.
    spare: Vec<Parts>,
}

/// The edges of each part of a cell.
#[derive(Debug, Default)]
struct Parts {
    /// Part `i` has those from the end of the part before to `ends[i]`.
    edges: Vec<Edge>,
    ends: [usize; LINE_WORDS],
    /// Bits of the parts that each edge touches.
    touched: Vec<u16>,
}

impl Parts {
    fn of(&self, place: usize) -> &[Edge] {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(place).and_then(|end| self.edges.get(start..*end)).unwrap_or_default()
    }
}

/// A part of a cell, its edges, and the zones at its lower left corner.
struct Part<'a> {
    place: u32,
    cell: Cell,
    edges: &'a [Edge],
    corner: SetId,
}

impl Builder {
    pub(super) fn new(frame: Frame, sets: Sets, writer: Writer) -> Self {
        Self { frame, sets, writer, encoder: Encoder::default(), joiner: Joiner::default(), spare: Vec::new() }
    }

    /// What was too much, if anything was.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        if self.writer.is_full() || self.sets.len() >= PAYLOAD_MAX as usize {
            return Err(BuildError::TooDense);
        }
        Ok(())
    }

    /// Nodes of all top cells, row by row from the west, where the edges of each are listed.
    pub(super) fn rows(&mut self, buckets: &Buckets, edges: &[Edge]) -> Result<Vec<u32>, BuildError> {
        let mut nodes = Vec::with_capacity(self.frame.cells());
        let mut list = Vec::new();
        for row in 0..self.frame.rows {
            let mut corner = SetId::EMPTY;
            for column in 0..self.frame.columns {
                let numbers = buckets.of(nodes.len());
                if numbers.is_empty() {
                    nodes.push(Node::new(Kind::Set(corner.0)).0);
                    continue;
                }
                list.clear();
                list.extend(numbers.iter().filter_map(|number| edges.get(*number as usize)));
                self.join(&mut list);
                let cell = self.frame.cell(column, row);
                nodes.push(self.node(cell, &list, corner).0);
                corner = self.step_east(cell, &list, corner);
            }
            self.check()?;
        }
        Ok(nodes)
    }

    /// Joins edges that stand on the same two points.
    pub(super) fn join(&mut self, edges: &mut Vec<Edge>) {
        if edges.len() > 1 {
            self.joiner.join(edges, &mut self.sets);
        }
    }

    /// The zones at the lower left corner of the next cell to the east.
    pub(super) fn step_east(&mut self, cell: Cell, edges: &[Edge], corner: SetId) -> SetId {
        let east = self.frame.beyond_east(cell);
        let parted = edges.iter().filter(|edge| edge.parts_level(cell.west, east, cell.south));
        parted.fold(corner, |set, edge| self.sets.xor(set, edge.toggles))
    }

    /// What lies in a cell.
    pub(super) fn node(&mut self, cell: Cell, edges: &[Edge], corner: SetId) -> Node {
        if edges.is_empty() {
            return Node::new(Kind::Set(corner.0));
        }
        let is_small = cell.shift <= SHIFT_MIN;
        if edges.len() <= LEAF_EDGES || is_small {
            let top = self.frame.beyond_north(cell);
            if let Some(words) = self.encoder.encode(cell, top, edges, corner, &mut self.sets) {
                return Node::new(Kind::Leaf(self.writer.put(words, LEAF_ALIGN)));
            }
            if is_small || cell.shift <= CROWD_SHIFT {
                let mut reached = Vec::new();
                self.reach(cell, edges, corner, &mut reached);
                reached.sort_unstable();
                reached.dedup();
                let words = crowd::encode(cell, top, edges, corner, &reached, &mut self.sets);
                return Node::new(Kind::Crowd(self.writer.put(&words, LEAF_ALIGN)));
            }
        }
        let block = self.writer.put(&[0; LINE_WORDS], LINE_WORDS);
        if !self.writer.is_full() {
            self.split(cell, edges, corner, &mut |builder, part| {
                let node = builder.node(part.cell, part.edges, part.corner);
                builder.writer.set(block + part.place, node);
            });
        }
        Node::new(Kind::Block(block))
    }

    /// Every set of zones that a point of the cell has, and perhaps a few more.
    fn reach(&mut self, cell: Cell, edges: &[Edge], corner: SetId, reached: &mut Vec<SetId>) {
        let mut borders: Vec<SetId> = Vec::new();
        for edge in edges {
            if borders.len() <= BORDERS_FEW && !borders.contains(&edge.toggles) {
                borders.push(edge.toggles);
            }
        }
        if cell.shift == 0 || borders.is_empty() {
            reached.push(corner);
        } else if borders.len() <= BORDERS_FEW {
            for code in 0..1_u32 << borders.len() {
                let crossed = borders.iter().enumerate().filter(|(place, _)| code >> place & 1 == 1);
                reached.push(crossed.fold(corner, |set, (_, toggles)| self.sets.xor(set, *toggles)));
            }
        } else {
            self.split(cell, edges, corner, &mut |builder, part| {
                builder.reach(part.cell, part.edges, part.corner, reached);
            });
        }
    }

    /// Hands out the parts of a cell that lie in the frame: the corner's zones are walked up its left border, and from
    /// there to the right along the bottom of each part.
    fn split(&mut self, cell: Cell, edges: &[Edge], corner: SetId, each: &mut dyn FnMut(&mut Self, Part)) {
        let shift = cell.shift.saturating_sub(BLOCK_SHIFT);
        let side = 1 << (cell.shift - shift);
        let mut parts = self.spare.pop().unwrap_or_default();
        self.distribute(cell, shift, edges, &mut parts);
        let rising: Vec<Edge> = edges.iter().filter(|edge| edge.spans_column(cell.west)).copied().collect();
        for row in 0..side {
            let Some(south) = offset(cell.south, row, shift).filter(|south| *south <= self.frame.north()) else {
                break;
            };
            let parted = rising.iter().filter(|edge| edge.parts_column(cell.west, cell.south, south));
            let mut corner = parted.fold(corner, |set, edge| self.sets.xor(set, edge.toggles));
            for column in 0..side {
                let Some(west) = offset(cell.west, column, shift).filter(|west| *west <= self.frame.east()) else {
                    break;
                };
                let place = row * BLOCK_SIDE + column;
                let cell = Cell { west, south, shift };
                let edges = parts.of(place as usize);
                each(self, Part { place, cell, edges, corner });
                corner = self.step_east(cell, edges, corner);
            }
        }
        self.spare.push(parts);
    }

    /// Lists the edges of each part of a cell.
    fn distribute(&self, cell: Cell, shift: u32, edges: &[Edge], parts: &mut Parts) {
        parts.touched.clear();
        parts.touched.extend(edges.iter().map(|edge| self.touched(cell, shift, edge)));
        parts.ends = [0; LINE_WORDS];
        for touched in &parts.touched {
            each_bit(*touched, |place| {
                if let Some(end) = parts.ends.get_mut(place) {
                    *end += 1;
                }
            });
        }
        let mut sum = 0;
        let mut starts = parts.ends.map(|count| {
            sum += count;
            sum - count
        });
        let Some(filler) = edges.first() else { return };
        parts.edges.clear();
        parts.edges.resize(sum, *filler);
        for (edge, touched) in edges.iter().zip(&parts.touched) {
            each_bit(*touched, |place| {
                let Some(next) = starts.get_mut(place) else { return };
                if let Some(slot) = parts.edges.get_mut(*next) {
                    *slot = *edge;
                }
                *next += 1;
            });
        }
        // Each part is filled up to its end.
        parts.ends = starts;
    }

    /// Bits of the parts that an edge touches, borders included, and perhaps of some that it only passes closely.
    fn touched(&self, cell: Cell, shift: u32, edge: &Edge) -> u16 {
        let last = (1_i64 << (cell.shift - shift)) - 1;
        let part = |value: i32, start: i32| ((i64::from(value) - i64::from(start)) >> shift).clamp(0, last);
        // A border belongs to the parts on both sides, so look one unit further to the lower left.
        let columns = part(edge.west().saturating_sub(1), cell.west)..=part(edge.east(), cell.west);
        let rows = part(edge.low.lat_e7.saturating_sub(1), cell.south)..=part(edge.high.lat_e7, cell.south);
        let bit = |row: i64, column: i64| 1_u16 << (row * i64::from(BLOCK_SIDE) + column);
        if columns.start() == columns.end() || rows.start() == rows.end() {
            let bits = rows.flat_map(|row| columns.clone().map(move |column| bit(row, column)));
            return bits.fold(0, |all, bit| all | bit);
        }
        let (dx, dy) = (difference(edge.high.lon_e7, edge.low.lon_e7), difference(edge.high.lat_e7, edge.low.lat_e7));
        let half = f64::from(1_u32 << shift) / 2.0;
        // Rounded up by far more than what floating point may be wrong by.
        let reach = half * (dx.abs() + dy.abs()) * (1.0 + 1e-9) + 1.0;
        let (to_x, to_y) = (difference(cell.west, edge.low.lon_e7), difference(cell.south, edge.low.lat_e7));
        let mut bits = 0;
        for row in rows {
            for column in columns.clone() {
                let middle = |place: i64| (place as f64 * 2.0 + 1.0) * half;
                // How far the middle of the part lies from the line through the edge, and how far a part reaches.
                let side = dx * (to_y + middle(row)) - (to_x + middle(column)) * dy;
                if side.abs() <= reach {
                    bits |= bit(row, column);
                }
            }
        }
        bits
    }
}

fn each_bit(mut bits: u16, mut found: impl FnMut(usize)) {
    while bits != 0 {
        found(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

fn difference(a: i32, b: i32) -> f64 {
    f64::from(a) - f64::from(b)
}

fn offset(start: i32, place: u32, shift: u32) -> Option<i32> {
    i32::try_from(i64::from(start) + (i64::from(place) << shift)).ok()
}
