//! How many animals of which kind, and how many sheep units that is.
//!
//! In: what was seen of a herd in the last ten minutes.   Out: an interval for each species.   Never: a sum over pictures, which show
//! the same animals again; nor over species that one device saw in turn: those are the same animals, misread.

use crate::herd::{CURRENT_MS, Herd, Seen, Source};
use model::{DeviceId, Interval, Species, SpeciesCount};
use std::collections::{BTreeMap, BTreeSet};

/// A count from a picture misses some and doubles some; both ends are stretched by this share.
const COUNT_ERROR: f64 = 0.15;
/// What one device says within this time is of one picture.
const PICTURE_MS: i64 = 1_000;
/// A species that is seen less than so many times as often as the most usual one was misread.
const SELDOM: usize = 4;

/// How many of each species, from the pictures of the last ten minutes; of a herd that only collars know at least as many as wear one.
pub fn counts(herd: &Herd) -> Vec<SpeciesCount> {
    let since = herd.last_seen.as_millis().saturating_sub(CURRENT_MS);
    let is_current = |seen: &&Seen| seen.at.as_millis() >= since && seen.source.is_look();
    let pictures: Vec<&Seen> = herd.seen.iter().filter(is_current).collect();
    let there = species_there(&pictures);
    let mut counts: BTreeMap<Species, (Interval, Interval)> = BTreeMap::new();
    for seen in pictures.iter().filter(|seen| there.contains(&seen.species)) {
        let (count, young) = (u64::from(seen.count), u64::from(seen.young));
        let start = (Interval { low: count, high: count }, Interval { low: young, high: young });
        let known = counts.entry(seen.species).or_insert(start);
        known.0 = Interval { low: known.0.low.min(count), high: known.0.high.max(count) };
        known.1 = Interval { low: known.1.low.min(young), high: known.1.high.max(young) };
    }
    if counts.is_empty() {
        let collars = herd.newest.iter().filter(|seen| seen.source == Source::Collar).count() as u64;
        // Nobody puts a collar on every animal, and nobody says how many wear none.
        let count = Interval::at_least(collars);
        return vec![SpeciesCount { species: herd.species, count, young: Interval::default() }];
    }
    counts
        .into_iter()
        .map(|(species, (count, young))| SpeciesCount { species, count: stretched(count), young: stretched(young) })
        .collect()
}

/// Which species a herd has: of each device the one that it names most often, and what it shows in the same pictures.
fn species_there(pictures: &[&Seen]) -> BTreeSet<Species> {
    let mut of_devices: BTreeMap<&DeviceId, Vec<&Seen>> = BTreeMap::new();
    // An unnamed animal beside named ones is most likely one of them.
    let named = pictures.iter().any(|seen| seen.species != Species::Unknown);
    for seen in pictures.iter().filter(|seen| !named || seen.species != Species::Unknown) {
        of_devices.entry(&seen.device).or_default().push(seen);
    }
    let mut there = BTreeSet::new();
    for seen in of_devices.values() {
        let Some(usual) = most_often(&tally(seen.iter().copied())) else { continue };
        there.insert(usual);
        let at: BTreeSet<i64> =
            seen.iter().filter(|seen| seen.species == usual).map(|seen| seen.at.as_millis()).collect();
        let beside = |seen: &&&Seen| {
            let at_ms = seen.at.as_millis();
            at.range(at_ms.saturating_sub(PICTURE_MS)..=at_ms.saturating_add(PICTURE_MS)).next().is_some()
        };
        there.extend(seen.iter().filter(beside).map(|seen| seen.species));
    }
    let tally = tally(pictures.iter().copied().filter(|seen| there.contains(&seen.species)));
    let most = tally.values().copied().max().unwrap_or_default();
    there.retain(|species| tally.get(species).is_some_and(|times| times * SELDOM >= most));
    there
}

fn tally<'a>(seen: impl Iterator<Item = &'a Seen>) -> BTreeMap<Species, usize> {
    let mut tally = BTreeMap::new();
    for seen in seen {
        *tally.entry(seen.species).or_default() += 1;
    }
    tally
}

/// Of equals the first in the species' own order, so that the answer does not depend on chance.
fn most_often(tally: &BTreeMap<Species, usize>) -> Option<Species> {
    let most = tally.values().copied().max()?;
    tally.iter().find(|(_, times)| **times == most).map(|(species, _)| *species)
}

fn stretched(interval: Interval) -> Interval {
    Interval {
        low: (interval.low as f64 * (1.0 - COUNT_ERROR)).floor() as u64,
        high: (interval.high as f64 * (1.0 + COUNT_ERROR)).ceil() as u64,
    }
}

/// Sheep units of a herd (K 二(二)1): two young count as one adult.
pub fn sheep_units(counts: &[SpeciesCount]) -> Interval {
    let adults = |count: u64, young: u64| count as f64 - (young.min(count) as f64) / 2.0;
    let mut units = (0.0, 0.0);
    for of in counts {
        let (Some(low), Some(high)) = (of.species.sheep_units_low(), of.species.sheep_units_high()) else { continue };
        units.0 += adults(of.count.low, of.young.high) * f64::from(low);
        units.1 += adults(of.count.high, of.young.low) * f64::from(high);
    }
    let is_open = counts.iter().any(|of| of.count.at_most().is_none());
    Interval { low: units.0.floor() as u64, high: if is_open { Interval::OPEN } else { units.1.ceil() as u64 } }
}
