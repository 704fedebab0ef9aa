use super::leaf::Leaf;
use super::lookup::{Cells, Queue};
use super::sets::SetId;
use super::store::{Kind, Node};
use model::GeoPoint;

#[inline(always)]
pub(super) fn prefetch(words: &[u32], lines: usize) {
    for line in 0..lines {
        if let Some(word) = words.get(line * 16) {
            #[expect(unsafe_code, reason = "x")]
            #[cfg(target_arch = "x86_64")]
            unsafe {
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(word).cast());
            }
        }
    }
}

pub(super) fn leaves(cells: &Cells, points: &[GeoPoint], nodes: &[Node], queue: &Queue, sets: &mut [SetId]) {
    for number in queue.iter() {
        let (Some(node), Some(point), Some(set)) = (nodes.get(number), points.get(number), sets.get_mut(number)) else {
            continue;
        };
        *set = match node.kind() {
            Kind::Leaf(at) => Leaf::read(cells.store.from(at))
                .map_or(SetId::EMPTY, |leaf| leaf.set(leaf.crossed(point.lon_e7, point.lat_e7))),
            Kind::Crowd(at) => cells.in_crowd(at, *point),
            _ => *set,
        };
    }
}
