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
        let mut waiting = Queue::new();
        let mut leaves = Queue::new();
        for (node, point) in nodes.iter_mut().zip(points) {
            *node = self.top_node(*point);
        }
        for (number, (node, set)) in nodes.iter().zip(sets.iter_mut()).enumerate() {
            // Whoever is not waiting is overwritten later.
            *set = SetId(node.payload());
            waiting.push_if(number, !node.is_set());
        }
        let mut shift = self.frame.shift;
        self.ask(points, shift, &nodes, &waiting);
        while waiting.len > 0 {
            shift = shift.saturating_sub(2);
            let mut still = Queue::new();
            for number in waiting.iter() {
                let (Some(node), Some(point)) = (nodes.get_mut(number), points.get(number)) else { continue };
                if node.0 & 3 != Node::BLOCK {
                    leaves.push_if(number, true);
                    continue;
                }
                *node = self.store.child(node.payload(), self.place(*point, shift));
                still.push_if(number, !node.is_set());
                if let Some(set) = sets.get_mut(number) {
                    *set = SetId(node.payload());
                }
            }
            waiting = still;
            self.ask(points, shift, &nodes, &waiting);
        }
        simd::leaves(way, self, points, &nodes, &leaves, sets);
    }

    /// Asks the memory for what will be read next.
    #[inline(always)]
    fn ask(&self, points: &[GeoPoint], shift: u32, nodes: &[Node; BATCH], waiting: &Queue) {
        for number in waiting.iter() {
            let (Some(node), Some(point)) = (nodes.get(number), points.get(number)) else { continue };
            if node.0 & 3 == Node::BLOCK {
                let place = self.place(*point, shift.saturating_sub(2));
                simd::prefetch(self.store.from(node.payload() + place), 1);
            } else {
                simd::prefetch(self.store.from(node.payload()), 3);
            }
        }
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
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.numbers.iter().take(self.len).map(|number| usize::from(*number))
    }
}
