//! The innermost loop, eight or four edges at a time where the processor can, and words asked for before they are needed.
//!
//! In: points that lie in leaves.   Out: their sets.   Never: another answer than [`Leaf::crossed`]; an instruction that
//! the processor was not asked about first.

use super::leaf::Leaf;
use super::lookup::{Cells, Queue};
use super::sets::SetId;
use super::store::{Kind, LINE_WORDS, Node};
use model::GeoPoint;

/// How the edges of a leaf are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One by one; on every processor.
    Plain,
    /// Four at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Eight at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Way {
    /// The ways that this processor has, the fastest last.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let plain = std::iter::once(Self::Plain);
        #[cfg(target_arch = "x86_64")]
        let plain = {
            let bits = is_x86_feature_detected!("popcnt") && is_x86_feature_detected!("bmi2");
            let avx2 = bits && is_x86_feature_detected!("avx2");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
            plain.chain(avx2.then_some(Self::Avx2)).chain(avx512.then_some(Self::Avx512))
        };
        plain
    }

    pub(super) fn fastest() -> Self {
        Self::all().last().unwrap_or(Self::Plain)
    }
}

/// Asks for the first lines of the cache that hold these words.
#[inline(always)]
pub(super) fn prefetch(words: &[u32], lines: usize) {
    for line in 0..lines {
        let Some(word) = words.get(line * LINE_WORDS) else { return };
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the intrinsic takes a pointer; points near the counties' borders: 19 M/s, without it 4"
        )]
        // SAFETY: a hint, which reads nothing and takes any address. SSE, which it belongs to, is in every x86-64.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        std::hint::black_box(word);
    }
}

/// Answers the points of a batch that wait for a leaf or a crowd.
pub(super) fn leaves(way: Way, cells: &Cells, points: &[GeoPoint], nodes: &[Node], queue: &Queue, sets: &mut [SetId]) {
    match way {
        Way::Plain => each(cells, points, nodes, queue, sets, |leaf, x, y| leaf.crossed(x, y)),
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "not on every processor; counties, walking and near borders: 41 and 19 M/s, one by one 32 and 16"
        )]
        // SAFETY: the way is one of `Way::all`, so the processor has what the function is compiled for.
        Way::Avx2 => unsafe { x86::leaves_avx2(cells, points, nodes, queue, sets) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "not on every processor; counties, walking and near borders: 50 and 23 M/s, one by one 32 and 16"
        )]
        // SAFETY: the way is one of `Way::all`, so the processor has what the function is compiled for.
        Way::Avx512 => unsafe { x86::leaves_avx512(cells, points, nodes, queue, sets) },
    }
}

#[inline(always)]
fn each(
    cells: &Cells,
    points: &[GeoPoint],
    nodes: &[Node],
    queue: &Queue,
    sets: &mut [SetId],
    crossed: impl Fn(&Leaf, i32, i32) -> u32,
) {
    for number in queue.from(0) {
        let (Some(node), Some(point), Some(set)) = (nodes.get(number), points.get(number), sets.get_mut(number)) else {
            continue;
        };
        *set = match node.kind() {
            Kind::Leaf(at) => Leaf::read(cells.store.from(at))
                .map_or(SetId::EMPTY, |leaf| leaf.set(crossed(&leaf, point.lon_e7, point.lat_e7))),
            Kind::Crowd(at) => cells.in_crowd(at, *point),
            Kind::Set(id) => SetId(id),
            // Not waiting for a leaf.
            Kind::Block(_) => continue,
        };
    }
}

/// As [`Leaf::crossed`]: the side of the way from one vertex to the next is the sign of a difference of two products of 32
/// bits, exact in 64; which vertices lie at or below the point's level says which slots may cross, and in what direction.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Cells, GeoPoint, Leaf, Node, Queue, SetId, each};
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_set1_epi32, _mm_sub_epi32, _mm256_castsi256_pd, _mm256_cmpgt_epi64,
        _mm256_cmple_epi32_mask, _mm256_cvtepi32_epi64, _mm256_maskz_loadu_epi32, _mm256_movemask_pd, _mm256_mul_epi32,
        _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sub_epi32, _mm256_sub_epi64, _mm512_cmpge_epi64_mask,
        _mm512_cmple_epi64_mask, _mm512_cvtepi32_epi64, _mm512_mul_epi32, _mm512_setzero_si512, _mm512_sub_epi64,
    };

    #[target_feature(enable = "avx512f,avx512vl,popcnt,bmi2")]
    pub(super) fn leaves_avx512(cells: &Cells, points: &[GeoPoint], nodes: &[Node], queue: &Queue, sets: &mut [SetId]) {
        each(cells, points, nodes, queue, sets, |leaf, x, y| crossed_avx512(leaf, x, y));
    }

    #[target_feature(enable = "avx2,popcnt,bmi2")]
    pub(super) fn leaves_avx2(cells: &Cells, points: &[GeoPoint], nodes: &[Node], queue: &Queue, sets: &mut [SetId]) {
        each(cells, points, nodes, queue, sets, |leaf, x, y| crossed_avx2(leaf, x, y));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,popcnt,bmi2")]
    fn crossed_avx512(leaf: &Leaf, x: i32, y: i32) -> u32 {
        let (point_x, point_y, zero) = (_mm256_set1_epi32(x), _mm256_set1_epi32(y), _mm512_setzero_si512());
        let slots = leaf.slots();
        let eight = |first: usize| {
            // The lanes that have a slot; the others read 0 for both ends, which are then on one level: nothing crosses.
            let first = first.min(slots);
            let lanes = slots - first;
            let (from_x, from_y) = (load(leaf.lons, first, lanes), load(leaf.lats, first, lanes));
            let (to_x, to_y) = (load(leaf.lons, first + 1, lanes), load(leaf.lats, first + 1, lanes));
            let begins_below = _mm256_cmple_epi32_mask(from_y, point_y);
            let ends_below = _mm256_cmple_epi32_mask(to_y, point_y);
            let wide = |value, point| _mm512_cvtepi32_epi64(_mm256_sub_epi32(value, point));
            let (from_x, from_y) = (wide(from_x, point_x), wide(from_y, point_y));
            let (to_x, to_y) = (wide(to_x, point_x), wide(to_y, point_y));
            let side = _mm512_sub_epi64(_mm512_mul_epi32(from_x, to_y), _mm512_mul_epi32(to_x, from_y));
            let not_left = _mm512_cmple_epi64_mask(side, zero);
            let not_right = _mm512_cmpge_epi64_mask(side, zero);
            u32::from((begins_below & !ends_below & not_left) | (!begins_below & ends_below & not_right))
        };
        // Most leaves have no more than sixteen slots: without a branch on how many, none is guessed wrongly.
        let mut crossed = eight(0) | eight(8) << 8;
        if slots > 16 {
            crossed |= eight(16) << 16 | eight(24) << 24;
        }
        crossed
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn load(words: &[u32], first: usize, lanes: usize) -> __m256i {
        let lanes = lanes.min(8);
        let Some(words) = words.get(first..first + lanes) else { return _mm256_setzero_si256() };
        #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
        // SAFETY: as many lanes are read as there are words, eight at most; a lane that is masked out is not touched.
        unsafe {
            _mm256_maskz_loadu_epi32((0xFF_u32 >> (8 - lanes)) as u8, words.as_ptr().cast())
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,popcnt,bmi2")]
    fn crossed_avx2(leaf: &Leaf, x: i32, y: i32) -> u32 {
        let (point_x, point_y, zero) = (_mm_set1_epi32(x), _mm_set1_epi32(y), _mm256_setzero_si256());
        let mut crossed = 0;
        let mut first = 0;
        while first + 4 <= leaf.slots() {
            let wide = |value, point| _mm256_cvtepi32_epi64(_mm_sub_epi32(value, point));
            let from_x = wide(load_four(leaf.lons, first), point_x);
            let from_y = wide(load_four(leaf.lats, first), point_y);
            let to_x = wide(load_four(leaf.lons, first + 1), point_x);
            let to_y = wide(load_four(leaf.lats, first + 1), point_y);
            let side = _mm256_sub_epi64(_mm256_mul_epi32(from_x, to_y), _mm256_mul_epi32(to_x, from_y));
            let bits = |mask| _mm256_movemask_pd(_mm256_castsi256_pd(mask)).cast_unsigned();
            let begins_above = bits(_mm256_cmpgt_epi64(from_y, zero));
            let ends_above = bits(_mm256_cmpgt_epi64(to_y, zero));
            let (left, right) = (bits(_mm256_cmpgt_epi64(side, zero)), bits(_mm256_cmpgt_epi64(zero, side)));
            crossed |= ((!begins_above & ends_above & !left) | (begins_above & !ends_above & !right)) << first;
            first += 4;
        }
        crossed | leaf.crossed_from(first, x, y)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_four(words: &[u32], first: usize) -> __m128i {
        let four = words.get(first..).and_then(|words| words.first_chunk::<4>()).unwrap_or(&[0; 4]);
        #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
        // SAFETY: four words are there.
        unsafe {
            _mm_loadu_si128(four.as_ptr().cast())
        }
    }
}
