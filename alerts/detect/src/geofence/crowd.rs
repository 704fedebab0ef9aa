//! A cell in which the edges of many zones meet: the slow way that has no limit.
//!
//! In: the edges that touch a cell, and every set of zones that a point of it may have.   Out: words, and from them the
//! zones of a point.
//!
//! As in a [`super::leaf`], but each zone has a random number, and a set is known by the numbers of its zones, exclusive-or'ed:
//! what a ray crosses changes it by one operation, however many zones there are. The sets that the cell has are held beside
//! it, by that number. Two of them with the same number would be one too many, so then others are drawn.
//!
//! ```text
//! word 0       how many edges and stoppers        word 1   how many sets
//! words 2, 3   the number of the set of a point whose ray crosses nothing
//! 7 words      for each edge: both ends, the set it toggles, its number; a stopper toggles a set, too, and is marked
//! 3 words      for each set: its number and the set, by number
//! ```

use super::edge::Edge;
use super::frame::Cell;
use super::leaf::{base, stoppers};
use super::sets::{SetId, Sets};
use model::GeoPoint;

const EDGE_WORDS: usize = 7;
const SET_WORDS: usize = 3;
const STOPPER: u32 = 1 << 31;

/// A crowd's words, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd<'a> {
    number: u64,
    edges: &'a [[u32; EDGE_WORDS]],
    sets: &'a [[u32; SET_WORDS]],
}

impl<'a> Crowd<'a> {
    /// From the words of a crowd and whatever follows them.
    pub(super) fn read(words: &'a [u32]) -> Option<Self> {
        let (head, rest) = words.split_first_chunk::<4>()?;
        let [edges_count, sets_count, number_low, number_high] = *head;
        let (edges, rest) = rest.split_at_checked(edges_count as usize * EDGE_WORDS)?;
        let sets = rest.get(..sets_count as usize * SET_WORDS)?;
        Some(Self { number: joined(number_low, number_high), edges: edges.as_chunks().0, sets: sets.as_chunks().0 })
    }

    /// The set of a point of the cell.
    pub(super) fn set_at(&self, x: i32, y: i32) -> SetId {
        let mut number = self.number;
        for words in self.edges {
            let (edge, edge_number) = edge(words);
            if edge.is_left_of(x, y) {
                number ^= edge_number;
            }
        }
        let found = self.sets.binary_search_by_key(&number, |[low, high, _]| joined(*low, *high));
        let set = found.ok().and_then(|place| self.sets.get(place));
        debug_assert!(set.is_some(), "a crowd holds every set of its cell");
        set.map_or(SetId::EMPTY, |[_, _, set]| SetId(*set))
    }

    /// The edges; the third is the set of zones that each toggles.
    pub(super) fn each_edge(&self) -> impl Iterator<Item = (GeoPoint, GeoPoint, SetId)> {
        let edges = self.edges.iter().map(|words| edge(words).0).filter(|edge| edge.toggles.0 & STOPPER == 0);
        edges.map(|edge| (edge.low, edge.high, edge.toggles))
    }
}

fn joined(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn parted(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn edge(words: &[u32; EDGE_WORDS]) -> (Edge, u64) {
    let [low_lon, low_lat, high_lon, high_lat, toggles, number_low, number_high] = *words;
    let point = |lon: u32, lat: u32| GeoPoint { lon_e7: lon.cast_signed(), lat_e7: lat.cast_signed() };
    let edge = Edge { low: point(low_lon, low_lat), high: point(high_lon, high_lat), toggles: SetId(toggles) };
    (edge, joined(number_low, number_high))
}

/// The words of a crowd in which every point has one of the sets `reached`.
pub(super) fn encode(
    cell: Cell,
    top: i32,
    edges: &[Edge],
    corner: SetId,
    reached: &[SetId],
    sets: &mut Sets,
) -> Vec<u32> {
    let base = base(cell, edges, corner, sets);
    let mut ends = Vec::new();
    stoppers(cell, top, edges, sets, &mut ends);
    let (salt, held) = numbered(reached, sets);
    let number = |set: SetId| number(salt, sets.of(set));
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let mut words = vec![count(edges.len() + ends.len()), count(held.len())];
    words.extend(parted(number(base)));
    let marked = edges.iter().map(|edge| (edge, 0)).chain(ends.iter().map(|stopper| (stopper, STOPPER)));
    for (edge, mark) in marked {
        let places = [edge.low.lon_e7, edge.low.lat_e7, edge.high.lon_e7, edge.high.lat_e7];
        words.extend(places.map(i32::cast_unsigned));
        words.push(edge.toggles.0 | mark);
        words.extend(parted(number(edge.toggles)));
    }
    for (number, set) in held {
        words.extend(parted(number));
        words.push(set.0);
    }
    words
}

/// The sets by their numbers, which all differ, and what the numbers were drawn with.
fn numbered(reached: &[SetId], sets: &Sets) -> (u64, Vec<(u64, SetId)>) {
    let mut salt = 0;
    loop {
        let mut held: Vec<(u64, SetId)> = reached.iter().map(|set| (number(salt, sets.of(*set)), *set)).collect();
        held.sort_unstable();
        held.dedup();
        if held.windows(2).all(|pair| pair.first().map(|set| set.0) != pair.last().map(|set| set.0)) {
            return (salt, held);
        }
        salt += 1;
    }
}

fn number(salt: u64, zones: &[u32]) -> u64 {
    zones.iter().fold(0, |number, zone| number ^ mixed(u64::from(*zone) | salt << 32))
}

/// The finaliser of SplitMix64: each bit of the seed turns half of the bits.
fn mixed(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}
