//! Sets of zones, each held once and named by a number.
//!
//! In: zone numbers.   Out: [`SetId`]; equal sets have equal ids.   Never: forgets a set.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names a set of zones in one [`super::Geofence`]: two points have the same id exactly when they lie in the same zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct SetId(pub(super) u32);

impl SetId {
    /// In no zone.
    pub const EMPTY: Self = Self(0);
}

/// The sets themselves, for readers.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Set `i` is `zones[starts[i]..starts[i + 1]]`, ascending.
    starts: Vec<u32>,
    zones: Vec<u32>,
}

impl Held {
    pub(super) fn of(&self, id: SetId) -> &[u32] {
        let place = id.0 as usize;
        match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(start), Some(end)) => self.zones.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn bytes(&self) -> usize {
        (self.starts.capacity() + self.zones.capacity()) * size_of::<u32>()
    }
}

/// The sets, for builders: finds the id of a set, and what two sets do not have in common.
#[derive(Debug)]
pub(super) struct Sets {
    held: Held,
    known: HashMap<Box<[u32]>, SetId>,
    /// Differences found before, by both ids.
    xors: HashMap<u64, SetId, BuildHasherDefault<Mix>>,
}

impl Sets {
    /// Holds the empty set.
    pub(super) fn new() -> Self {
        Self::resume(&Held { starts: vec![0, 0], zones: vec![] })
    }

    /// Goes on where another builder stopped: its ids stay what they are.
    pub(super) fn resume(held: &Held) -> Self {
        let known = (0..held.len()).map(|place| SetId(u32::try_from(place).unwrap_or(u32::MAX)));
        let known = known.map(|id| (held.of(id).into(), id)).collect();
        Self { held: held.clone(), known, xors: HashMap::default() }
    }

    pub(super) fn finish(self) -> Held {
        self.held
    }

    pub(super) fn of(&self, id: SetId) -> &[u32] {
        self.held.of(id)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The id of an ascending list of zones.
    pub(super) fn id(&mut self, zones: &[u32]) -> SetId {
        if let Some(id) = self.known.get(zones) {
            return *id;
        }
        let id = SetId(u32::try_from(self.held.len()).unwrap_or(u32::MAX));
        self.held.zones.extend_from_slice(zones);
        self.held.starts.push(u32::try_from(self.held.zones.len()).unwrap_or(u32::MAX));
        self.known.insert(zones.into(), id);
        id
    }

    /// The zones that are in one of both, not in both.
    pub(super) fn xor(&mut self, a: SetId, b: SetId) -> SetId {
        if a == SetId::EMPTY || b == SetId::EMPTY {
            return if a == SetId::EMPTY { b } else { a };
        }
        if a == b {
            return SetId::EMPTY;
        }
        let key = u64::from(a.0.min(b.0)) << 32 | u64::from(a.0.max(b.0));
        if let Some(id) = self.xors.get(&key) {
            return *id;
        }
        let either = difference(self.of(a), self.of(b));
        let id = self.id(&either);
        self.xors.insert(key, id);
        id
    }
}

/// What is in one of two ascending lists, not in both.
fn difference(mut a: &[u32], mut b: &[u32]) -> Vec<u32> {
    let mut either = Vec::with_capacity(a.len() + b.len());
    while let (Some((x, a_rest)), Some((y, b_rest))) = (a.split_first(), b.split_first()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => {
                either.push(*x);
                a = a_rest;
            }
            std::cmp::Ordering::Greater => {
                either.push(*y);
                b = b_rest;
            }
            std::cmp::Ordering::Equal => (a, b) = (a_rest, b_rest),
        }
    }
    either.extend_from_slice(a);
    either.extend_from_slice(b);
    either
}

/// A hash for numbers of our own making: no stranger chooses them, so it need not resist one.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
