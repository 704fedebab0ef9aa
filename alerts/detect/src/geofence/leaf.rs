//! A cell with a few edges: what lies in it in as few words as may be.
//!
//! In: the edges that touch a cell, and the zones at its corner.   Out: words, and from them the zones of a point.
//!
//! Whoever counts, modulo two, the edges that a ray from the far west to the point crosses knows the zones, but for what
//! the ray crosses outside of the cell. Along one level that is the same for all points of the cell. From level to level
//! it changes only where an edge of the leaf ends to the west of the cell, because there its neighbour is not in the leaf.
//! So an upright *stopper* is put on each such end, up to the top of the cell: it takes over where the edge ends. Then the
//! answer is one set, changed by what the ray crosses, and nothing has to be known of the corner.
//!
//! Edges that follow each other are kept as a chain of vertices: half of the memory, so half of what a look-up waits for.
//!
//! ```text
//! word 0            slots | dimensions << 8          a slot is an edge, a stopper, or the gap between two chains
//! word 1            which slots are edges
//! dimensions words  which slots change the answer in this dimension
//! 2^dimensions      set of zones by what was crossed an odd number of times
//! slots + 1         longitudes of the vertices, then as many latitudes
//! ```
//!
//! Dimensions: what the edges toggle is written as a combination of as few sets as possible. One border has one, the place
//! where three zones meet has two. Where more than [`DIMENSIONS_MAX`] are needed, a [`super::crowd`] takes the place of a leaf.

use super::edge::Edge;
use super::frame::Cell;
use super::sets::{SetId, Sets};
use model::GeoPoint;

/// One bit of a word for each.
const SLOTS_MAX: usize = 32;
/// 16 sets; more would be read less often than they are skipped.
const DIMENSIONS_MAX: usize = 4;

/// A leaf's words, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf<'a> {
    /// Bits of the slots that are edges.
    pub(super) edges: u32,
    pub(super) dimensions: &'a [u32],
    pub(super) sets: &'a [u32],
    pub(super) lons: &'a [u32],
    pub(super) lats: &'a [u32],
}

impl<'a> Leaf<'a> {
    /// From the words of a leaf and whatever follows them.
    #[inline(always)]
    pub(super) fn read(words: &'a [u32]) -> Option<Self> {
        let (head, rest) = words.split_first_chunk::<2>()?;
        let [shape, edges] = *head;
        let (dimensions, rest) = rest.split_at_checked((shape >> 8) as usize)?;
        let (sets, rest) = rest.split_at_checked(1 << dimensions.len())?;
        let vertices = (shape as u8) as usize + 1;
        let (lons, rest) = rest.split_at_checked(vertices)?;
        Some(Self { edges, dimensions, sets, lons, lats: rest.get(..vertices)? })
    }

    #[inline(always)]
    pub(super) fn slots(&self) -> usize {
        self.lons.len() - 1
    }

    /// The set of a point of the cell, from the slots that the ray to it crosses.
    #[inline(always)]
    pub(super) fn set(&self, crossed: u32) -> SetId {
        SetId(self.sets.get(self.code(crossed)).copied().unwrap_or(0))
    }

    #[inline(always)]
    fn code(&self, crossed: u32) -> usize {
        let parity = |mask: &u32| (crossed & mask).count_ones() & 1;
        self.dimensions.iter().rev().fold(0, |code, mask| code << 1 | parity(mask)) as usize
    }

    /// Bits of the slots that the ray from the far west to a point crosses.
    #[inline(always)]
    pub(super) fn crossed(&self, x: i32, y: i32) -> u32 {
        self.crossed_from(0, x, y)
    }

    /// The same, leaving out the slots before one.
    #[inline(always)]
    pub(super) fn crossed_from(&self, slot: usize, x: i32, y: i32) -> u32 {
        let mut crossed = 0;
        let (lons, lats) = (self.lons.get(slot..).unwrap_or_default(), self.lats.get(slot..).unwrap_or_default());
        let mut vertices = lons.iter().zip(lats).map(|(lon, lat)| {
            let (lon, lat) = (lon.cast_signed(), lat.cast_signed());
            (i64::from(lon) - i64::from(x), i64::from(lat) - i64::from(y))
        });
        let Some((mut from_x, mut from_y)) = vertices.next() else { return 0 };
        for (slot, (to_x, to_y)) in (slot..).zip(vertices) {
            // Positive when the point lies to the left of the way from one vertex to the next.
            let side = from_x * to_y - to_x * from_y;
            let (upward, downward) = (from_y <= 0 && to_y > 0, from_y > 0 && to_y <= 0);
            let is_right = (upward && side <= 0) || (downward && side >= 0);
            crossed |= u32::from(is_right) << slot;
            (from_x, from_y) = (to_x, to_y);
        }
        crossed
    }

    /// The edges, and the codes of what each toggles: the difference of the sets of code and of 0.
    pub(super) fn each_edge(&self) -> impl Iterator<Item = (GeoPoint, GeoPoint, SetId)> {
        let vertex = |(lon, lat): (&u32, &u32)| GeoPoint { lon_e7: lon.cast_signed(), lat_e7: lat.cast_signed() };
        let vertices = self.lons.iter().zip(self.lats).map(vertex);
        let pairs = vertices.clone().zip(vertices.skip(1)).enumerate();
        pairs.filter(|(slot, _)| self.edges >> slot & 1 == 1).map(|(slot, (a, b))| (a, b, self.set(1 << slot)))
    }

    /// The zones of a point that crosses nothing.
    pub(super) fn base(&self) -> SetId {
        self.set(0)
    }
}

/// Makes leaves; holds the memory it needs from one to the next.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// The edges, and behind them the stoppers.
    pieces: Vec<Edge>,
    vertices: Vec<GeoPoint>,
    /// Which piece lies behind each vertex but the last; `None` is a gap.
    slots: Vec<Option<u8>>,
    basis: Basis,
    words: Vec<u32>,
}

impl Encoder {
    /// The words of a leaf. `None` where it needs more slots or dimensions than there are.
    pub(super) fn encode(
        &mut self,
        cell: Cell,
        top: i32,
        edges: &[Edge],
        corner: SetId,
        sets: &mut Sets,
    ) -> Option<&[u32]> {
        if edges.len() > SLOTS_MAX {
            return None;
        }
        self.pieces.clear();
        self.pieces.extend_from_slice(edges);
        stoppers(cell, top, edges, sets, &mut self.pieces);
        if self.pieces.len() > SLOTS_MAX || !self.basis.find(&self.pieces, sets) {
            return None;
        }
        self.chain();
        if self.slots.len() > SLOTS_MAX {
            return None;
        }
        let mut edge_bits = 0;
        let mut dimension_bits = [0_u32; DIMENSIONS_MAX];
        for (slot, piece) in self.slots.iter().enumerate() {
            let Some(piece) = piece.map(usize::from) else { continue };
            edge_bits |= u32::from(piece < edges.len()) << slot;
            let code = self.basis.piece_codes.get(piece).copied().unwrap_or(0);
            for (dimension, bits) in dimension_bits.iter_mut().enumerate() {
                *bits |= (code >> dimension & 1) << slot;
            }
        }
        let dimensions = self.basis.sets.len();
        self.words.clear();
        self.words.extend([u32::try_from(self.slots.len() | dimensions << 8).ok()?, edge_bits]);
        self.words.extend(dimension_bits.iter().take(dimensions));
        let base = base(cell, edges, corner, sets);
        for code in 0..1_u32 << dimensions {
            let toggled = self.basis.sets.iter().enumerate().filter(|(dimension, _)| code >> dimension & 1 == 1);
            self.words.push(toggled.fold(base, |set, (_, toggles)| sets.xor(set, *toggles)).0);
        }
        self.words.extend(self.vertices.iter().map(|vertex| vertex.lon_e7.cast_unsigned()));
        self.words.extend(self.vertices.iter().map(|vertex| vertex.lat_e7.cast_unsigned()));
        Some(&self.words)
    }

    /// Lays the pieces end to end, as far as they hang together.
    fn chain(&mut self) {
        self.vertices.clear();
        self.slots.clear();
        // Bits of the pieces that are not laid yet; there are no more than 32.
        let mut left = (1_u64 << self.pieces.len()) - 1;
        while let Some((number, first)) = next_of(&self.pieces, &mut left, |_| true) {
            if !self.vertices.is_empty() {
                self.slots.push(None);
            }
            let (vertex, slot) = (self.vertices.len(), self.slots.len());
            self.vertices.extend([first.low, first.high]);
            self.slots.push(Some(number));
            // First in one direction, then, turned round, in the other.
            for _ in 0..2 {
                while let Some(tail) = self.vertices.last().copied()
                    && let Some((number, next)) =
                        next_of(&self.pieces, &mut left, |piece| piece.low == tail || piece.high == tail)
                {
                    self.vertices.push(if next.low == tail { next.high } else { next.low });
                    self.slots.push(Some(number));
                }
                self.vertices.get_mut(vertex..).unwrap_or_default().reverse();
                self.slots.get_mut(slot..).unwrap_or_default().reverse();
            }
        }
    }
}

/// Takes the first of the pieces that are left and wanted. They come in the order of a ring, so it is mostly the first.
fn next_of(pieces: &[Edge], left: &mut u64, wanted: impl Fn(&Edge) -> bool) -> Option<(u8, Edge)> {
    let mut candidates = *left;
    while candidates != 0 {
        let number = candidates.trailing_zeros();
        let piece = pieces.get(number as usize)?;
        if wanted(piece) {
            *left &= !(1 << number);
            return Some((number as u8, *piece));
        }
        candidates &= candidates - 1;
    }
    None
}

/// The set of a point whose ray crosses nothing.
pub(super) fn base(cell: Cell, edges: &[Edge], corner: SetId, sets: &mut Sets) -> SetId {
    let crossed = edges.iter().filter(|edge| edge.is_left_of(cell.west, cell.south));
    crossed.fold(corner, |set, edge| sets.xor(set, edge.toggles))
}

/// Adds what takes over where edges end to the west of the cell, between its bottom and its top.
pub(super) fn stoppers(cell: Cell, top: i32, edges: &[Edge], sets: &mut Sets, into: &mut Vec<Edge>) {
    let first = into.len();
    for edge in edges.iter().filter(|edge| edge.west() <= cell.west) {
        for end in [edge.low, edge.high] {
            if end.lon_e7 > cell.west || end.lat_e7 <= cell.south || end.lat_e7 >= top {
                continue;
            }
            match into.iter_mut().skip(first).find(|known| known.low == end) {
                Some(known) => known.toggles = sets.xor(known.toggles, edge.toggles),
                None => {
                    let high = GeoPoint { lon_e7: end.lon_e7, lat_e7: top };
                    into.push(Edge { low: end, high, toggles: edge.toggles });
                }
            }
        }
    }
    // Where the edges of a chain follow each other, there is nothing to take over. No edge is without zones.
    into.retain(|stopper| stopper.toggles != SetId::EMPTY);
}

/// As few sets as possible, of which each toggled set is a combination.
#[derive(Debug, Default)]
struct Basis {
    sets: Vec<SetId>,
    /// What is toggled, and of which of the sets it is the combination.
    codes: Vec<(SetId, u32)>,
    /// The same by piece.
    piece_codes: Vec<u32>,
    /// What is left of each of the sets, and its combination; a row's first zone is in no later row.
    rows: Vec<(SetId, u32)>,
}

impl Basis {
    /// Gauss's elimination, where the unknowns are zones. False where there are more than [`DIMENSIONS_MAX`].
    fn find(&mut self, pieces: &[Edge], sets: &mut Sets) -> bool {
        self.sets.clear();
        self.codes.clear();
        self.piece_codes.clear();
        self.rows.clear();
        for piece in pieces {
            let known = self.codes.iter().find(|(toggled, _)| *toggled == piece.toggles);
            let code = match known {
                Some((_, code)) => *code,
                None => {
                    let Some(code) = self.code(piece.toggles, sets) else { return false };
                    self.codes.push((piece.toggles, code));
                    code
                }
            };
            self.piece_codes.push(code);
        }
        true
    }

    /// The combination of what is toggled, which is put to the basis where there is none.
    fn code(&mut self, toggled: SetId, sets: &mut Sets) -> Option<u32> {
        let (mut rest, mut code) = (toggled, 0);
        for (row, combination) in &self.rows {
            let first = sets.of(*row).first();
            if first.is_some_and(|first| sets.of(rest).binary_search(first).is_ok()) {
                rest = sets.xor(rest, *row);
                code ^= combination;
            }
        }
        if rest == SetId::EMPTY {
            return Some(code);
        }
        let dimension = self.sets.len();
        self.rows.push((rest, code ^ 1 << dimension));
        self.sets.push(toggled);
        (dimension < DIMENSIONS_MAX).then_some(1 << dimension)
    }
}
