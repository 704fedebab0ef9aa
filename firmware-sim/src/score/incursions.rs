//! When a herd was where it may not be, and from when on that could be known.
//!
//! In:  [`Truth`].   Out: [`Incursion`]s.

use super::{By, HerdTruth, Sight, Truth};
use std::collections::BTreeMap;

/// Longer than this in closed land is an incursion; out of it for less does not end one.
const LASTS_MS: i64 = 180_000;
/// So many pictures ...
const PICTURES: usize = 3;
/// ... within this time are enough to tell.
const PICTURES_WITHIN_MS: i64 = 300_000;
/// A collar's fixes over this time are.
const COLLAR_MS: i64 = 180_000;

/// A herd in closed land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incursion {
    /// Index of the herd.
    pub herd: usize,
    /// When its middle came in, or the land was closed.
    pub from_ms: i64,
    /// When its middle left, or the truth ends.
    pub to_ms: i64,
    /// Sightings inside that arrived.
    pub sights: usize,
    /// When the sighting that is enough to tell arrived; `None` if too little was seen.
    pub deciding_ms: Option<i64>,
}

/// Every incursion, in order of herd and time.
pub fn incursions(truth: &Truth) -> Vec<Incursion> {
    let mut by_herd: BTreeMap<&str, Vec<&Sight>> = BTreeMap::new();
    for sight in truth.seen.iter().filter(|sight| sight.inside && sight.arrived_ms.is_some()) {
        by_herd.entry(&sight.herd).or_default().push(sight);
    }
    let mut found = Vec::new();
    for (number, herd) in truth.herds.iter().enumerate() {
        let seen = by_herd.get(herd.id.as_str()).map_or(&[][..], |seen| seen);
        for (from_ms, to_ms) in stays(herd) {
            let within = |sight: &&&Sight| from_ms <= sight.at_ms && sight.at_ms <= to_ms;
            let mut seen: Vec<&Sight> = seen.iter().filter(within).copied().collect();
            seen.sort_by_key(|sight| sight.at_ms);
            let deciding_ms = [pictures(&seen), collars(&seen)].into_iter().flatten().min();
            found.push(Incursion { herd: number, from_ms, to_ms, sights: seen.len(), deciding_ms });
        }
    }
    found
}

fn stays(herd: &HerdTruth) -> Vec<(i64, i64)> {
    let mut stays: Vec<(i64, i64)> = Vec::new();
    for stand in herd.path.iter().filter(|stand| stand.closed) {
        match stays.last_mut().filter(|(_, to_ms)| stand.at_ms - *to_ms < LASTS_MS) {
            Some((_, to_ms)) => *to_ms = stand.at_ms,
            None => stays.push((stand.at_ms, stand.at_ms)),
        }
    }
    stays.retain(|(from_ms, to_ms)| to_ms - from_ms > LASTS_MS);
    stays
}

/// When the last of any three pictures within the time had arrived.
fn pictures(seen: &[&Sight]) -> Option<i64> {
    let pictures: Vec<&Sight> = seen.iter().filter(|sight| sight.by == By::Picture).copied().collect();
    let enough = pictures.windows(PICTURES).filter(|three| match three {
        [first, .., last] => last.at_ms - first.at_ms <= PICTURES_WITHIN_MS,
        _ => false,
    });
    enough.filter_map(|three| three.iter().filter_map(|sight| sight.arrived_ms).max()).min()
}

/// When a collar's fix had arrived that was inside as long after its first one.
fn collars(seen: &[&Sight]) -> Option<i64> {
    let mut first: BTreeMap<&str, &Sight> = BTreeMap::new();
    let mut enough = None;
    for sight in seen.iter().filter(|sight| sight.by == By::Collar) {
        let since = first.entry(&sight.device).or_insert(sight);
        if sight.at_ms - since.at_ms >= COLLAR_MS {
            let arrived = sight.arrived_ms.max(since.arrived_ms);
            enough = [enough, arrived].into_iter().flatten().min();
        }
    }
    enough
}
