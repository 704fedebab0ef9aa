//! From points to sets of zones, one by one or many at once.
//!
//! In: points.   Out: [`SetId`].   Never: an allocation.
//!
//! What a lookup waits for is memory. Many at once go down level by level: while one point's words are on their way from
//! memory, those of the next are asked for.

use super::crowd::Crowd;
use super::frame::Frame;
use super::leaf::Leaf;
use super::sets::SetId;
use super::simd::{self, Way};
use super::store::{Kind, Node, Store};
use model::GeoPoint;

/// Points of one batch; what is known of them fits in the nearest cache.
const BATCH: usize = 256;
/// Lines of the cache that most leaves fit in.
const LEAF_LINES: usize = 3;

/// The cells of a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) frame: &'a Frame,
    pub(super) top: &'a [u32],
    pub(super) store: &'a Store,
}

impl Cells<'_> {
    pub(super) fn set_at(&self, point: GeoPoint) -> SetId {
        let mut node = self.top_node(point);
        let mut shift = self.frame.shift;
        loop {
            match node.kind() {
                Kind::Set(id) => return SetId(id),
                Kind::Block(block) => {
                    shift = shift.saturating_sub(2);
                    node = self.store.child(block, self.place(point, shift));
                }
                Kind::Leaf(at) => {
                    let leaf = Leaf::read(self.store.from(at));
                    return leaf.map_or(SetId::EMPTY, |leaf| leaf.set(leaf.crossed(point.lon_e7, point.lat_e7)));
                }
                Kind::Crowd(at) => return self.in_crowd(at, point),
            }
        }
    }

    pub(super) fn in_crowd(&self, at: u32, point: GeoPoint) -> SetId {
        Crowd::read(self.store.from(at)).map_or(SetId::EMPTY, |crowd| crowd.set_at(point.lon_e7, point.lat_e7))
    }

    #[inline(always)]
    pub(super) fn top_node(&self, point: GeoPoint) -> Node {
        let Some((x, y)) = self.frame.offset(point) else { return Node::OUTSIDE };
        let (column, row) = (x >> self.frame.shift, y >> self.frame.shift);
        // Fewer cells than 2^32, which `Frame` sees to.
        Node(self.top.get((row * self.frame.columns + column) as usize).copied().unwrap_or(0))
    }

    /// Which part of its block a point lies in.
    #[inline(always)]
    fn place(&self, point: GeoPoint, shift: u32) -> u32 {
        let x = point.lon_e7.wrapping_sub(self.frame.west).cast_unsigned() >> shift;
        let y = point.lat_e7.wrapping_sub(self.frame.south).cast_unsigned() >> shift;
        (y & 3) << 2 | (x & 3)
    }

    pub(super) fn sets_at(&self, way: Way, points: &[GeoPoint], sets: &mut [SetId]) {
        for (points, sets) in points.chunks(BATCH).zip(sets.chunks_mut(BATCH)) {
            self.batch(way, points, sets);
        }
    }

    fn batch(&self, way: Way, points: &[GeoPoint], sets: &mut [SetId]) {
        let mut nodes = [Node::OUTSIDE; BATCH];
        let (mut blocks, mut leaves) = (Queue::new(), Queue::new());
        for (node, point) in nodes.iter_mut().zip(points) {
            *node = self.top_node(*point);
        }
        for (number, (node, set)) in nodes.iter().zip(sets.iter_mut()).enumerate() {
            // Who goes on to a block or leaf is overwritten later.
            *set = SetId(node.payload());
            blocks.push_if(number, node.is_block());
            leaves.push_if(number, node.is_leaf());
        }
        let mut shift = self.frame.shift;
        let mut asked = 0;
        loop {
            shift = shift.saturating_sub(2);
            for number in blocks.from(0) {
                let (Some(node), Some(point)) = (nodes.get(number), points.get(number)) else { continue };
                simd::prefetch(self.store.from(node.payload() + self.place(*point, shift)), 1);
            }
            for node in leaves.from(asked).filter_map(|number| nodes.get(number)) {
                simd::prefetch(self.store.from(node.payload()), LEAF_LINES);
            }
            asked = leaves.len;
            if blocks.len == 0 {
                break;
            }
            let mut below = Queue::new();
            for number in blocks.from(0) {
                let (Some(node), Some(point), Some(set)) =
                    (nodes.get_mut(number), points.get(number), sets.get_mut(number))
                else {
                    continue;
                };
                *node = self.store.child(node.payload(), self.place(*point, shift));
                *set = SetId(node.payload());
                below.push_if(number, node.is_block());
                leaves.push_if(number, node.is_leaf());
            }
            blocks = below;
        }
        simd::leaves(way, self, points, &nodes, &leaves, sets);
    }
}

/// Numbers of points of a batch.
#[derive(Debug)]
pub(super) struct Queue {
    numbers: [u8; BATCH],
    len: usize,
}

impl Queue {
    fn new() -> Self {
        Self { numbers: [0; BATCH], len: 0 }
    }

    /// Without a branch, which would be guessed wrongly half of the time.
    #[inline(always)]
    fn push_if(&mut self, number: usize, wanted: bool) {
        if let Some(slot) = self.numbers.get_mut(self.len) {
            *slot = number as u8;
        }
        self.len += usize::from(wanted);
    }

    #[inline(always)]
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = usize> {
        self.numbers.get(first..self.len).unwrap_or_default().iter().map(|number| usize::from(*number))
    }
}
