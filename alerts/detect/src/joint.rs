//! What several sightings of a herd say together about where it is.
//!
//! In: what was seen of a herd.   Out: one place with its spread, weighed for the zones in which most of them probably were.
//! Never: more certainty than the devices have. One camera's pictures share the error of its survey: together they are no surer than one of
//! them, their mean is only less shaken. Another device errs for itself and makes them surer, or less sure where it disagrees.

use crate::World;
use crate::geofence::Spread;
use crate::herd::Seen;
use crate::place::Located;
use crate::presence::{LIKELY, Stay};
use crate::settings::Settings;
use model::{DeviceId, Timestamp, ZoneId};
use std::collections::{BTreeMap, VecDeque};

/// However sure a device is of itself, the middle of a herd is no point; square metres.
const VARIANCE_MIN_M2: f64 = 1.0;

/// The latest sightings of a herd, taken together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Joint {
    /// Where they place the herd.
    pub(crate) located: Located,
    /// Where each of them did.
    pub(crate) sightings: Vec<Located>,
    /// How many devices they come from.
    pub(crate) devices: usize,
    /// When the first of them happened.
    pub(crate) since: Timestamp,
    /// When the last did.
    pub(crate) at: Timestamp,
}

/// What the latest sightings of a herd say together, of each zone in which enough of them more likely were than not.
pub(crate) fn weigh(
    world: &World,
    settings: &Settings,
    stays: &mut BTreeMap<ZoneId, Stay>,
    all: &VecDeque<Seen>,
    seen: &Seen,
) {
    if !seen.source.is_look() {
        return;
    }
    let Some(joint) = Joint::of(all, seen.at, settings) else { return };
    let at = Some(joint.at);
    for (zone, probability) in world.likely(joint.located.position, joint.located.spread, at) {
        let is_likely = |located: &&Located| {
            let zones = world.likely(located.position, located.spread, at);
            zones.iter().any(|(other, probability)| other.id == zone.id && *probability >= LIKELY)
        };
        // A place that is taken for an animal once moves the mean, but is not enough.
        if probability >= settings.together_probability
            && joint.sightings.iter().filter(is_likely).take(settings.sightings_needed).count()
                >= settings.sightings_needed
        {
            let stay = stays.entry(zone.id.clone()).or_insert_with(|| Stay::begin(joint.since));
            stay.weigh_together(&joint, probability);
        }
    }
}

impl Joint {
    /// Those of the last moments before `now`, but at least as many as are needed; `None` if there are not so many.
    fn of(seen: &VecDeque<Seen>, now: Timestamp, settings: &Settings) -> Option<Self> {
        let (from, moment) = (now.minus(settings.sightings_within), now.minus(settings.together_within));
        let looks = seen.iter().filter(|seen| seen.source.is_look() && from <= seen.at && seen.at <= now);
        let mut latest: Vec<&Seen> = looks.collect();
        latest.sort_by_key(|seen| std::cmp::Reverse(seen.at));
        let count = latest.iter().filter(|seen| seen.at >= moment).count().max(settings.sightings_needed);
        let used = latest.get(..count)?;
        let (newest, oldest) = (used.first()?, used.last()?);
        let mut devices: BTreeMap<&DeviceId, Mean> = BTreeMap::new();
        for seen in used {
            let offset = newest.located.position.offset_to(seen.located.position);
            devices.entry(&seen.device).or_default().add(offset, seen.located.spread);
        }
        let ((east, north), spread) = fused(&devices.values().map(Mean::get).collect::<Vec<_>>())?;
        Some(Self {
            located: Located { position: newest.located.position.moved(east, north), spread },
            sightings: used.iter().map(|seen| seen.located).collect(),
            devices: devices.len(),
            since: oldest.at,
            at: newest.at,
        })
    }

    /// Why a stay counts by them.
    pub(crate) fn words(&self, probability: f64) -> String {
        let (sightings, seconds) = (self.sightings.len(), self.at.since(self.since).as_secs());
        let devices = if self.devices == 1 { "1 device".to_owned() } else { format!("{} devices", self.devices) };
        format!(
            "{sightings} sightings by {devices} within {seconds} s together place the herd inside (P = {probability:.2})"
        )
    }
}

/// The mean of what one device said.
#[derive(Default)]
struct Mean {
    count: f64,
    east: f64,
    north: f64,
    spread: [f64; 3],
}

impl Mean {
    fn add(&mut self, (east, north): (f64, f64), Spread { east_m2, north_m2, east_north_m2 }: Spread) {
        let [e, n, en] = self.spread;
        self.count += 1.0;
        (self.east, self.north) = (self.east + east, self.north + north);
        self.spread = [e + east_m2, n + north_m2, en + east_north_m2];
    }

    fn get(&self) -> ((f64, f64), Inverse) {
        let [east_m2, north_m2, east_north_m2] = self.spread.map(|sum| sum / self.count);
        ((self.east / self.count, self.north / self.count), Inverse::of(east_m2, north_m2, east_north_m2))
    }
}

/// An inverse covariance; those of independent devices add up.
#[derive(Clone, Copy, Default)]
struct Inverse {
    east: f64,
    north: f64,
    both: f64,
}

impl Inverse {
    fn of(east_m2: f64, north_m2: f64, east_north_m2: f64) -> Self {
        let (east_m2, north_m2) = (east_m2 + VARIANCE_MIN_M2, north_m2 + VARIANCE_MIN_M2);
        let determinant = east_m2 * north_m2 - east_north_m2 * east_north_m2;
        Self { east: north_m2 / determinant, north: east_m2 / determinant, both: -east_north_m2 / determinant }
    }

    fn apply(self, (east, north): (f64, f64)) -> (f64, f64) {
        (self.east * east + self.both * north, self.both * east + self.north * north)
    }
}

/// How uncertain a place is that several devices agree on.
pub(crate) fn together(spreads: impl IntoIterator<Item = Spread>) -> Option<Spread> {
    let places: Vec<_> = spreads
        .into_iter()
        .map(|spread| ((0.0, 0.0), Inverse::of(spread.east_m2, spread.north_m2, spread.east_north_m2)))
        .collect();
    fused(&places).map(|(_, spread)| spread)
}

/// The mean of places weighted by their inverse covariances, and its spread: stretched where they disagree by more than they state (Birge's
/// ratio: chi-squared over the degrees of freedom).
fn fused(places: &[((f64, f64), Inverse)]) -> Option<((f64, f64), Spread)> {
    let mut sum = Inverse::default();
    let mut weighted = (0.0, 0.0);
    for (place, inverse) in places {
        let (east, north) = inverse.apply(*place);
        weighted = (weighted.0 + east, weighted.1 + north);
        sum =
            Inverse { east: sum.east + inverse.east, north: sum.north + inverse.north, both: sum.both + inverse.both };
    }
    let determinant = sum.east * sum.north - sum.both * sum.both;
    if !(determinant.is_finite() && determinant > 0.0) {
        return None;
    }
    let covariance =
        Inverse { east: sum.north / determinant, north: sum.east / determinant, both: -sum.both / determinant };
    let mean = covariance.apply(weighted);
    let chi_squared = places.iter().map(|(place, inverse)| {
        let off = (place.0 - mean.0, place.1 - mean.1);
        let (east, north) = inverse.apply(off);
        off.0 * east + off.1 * north
    });
    let degrees_of_freedom = 2.0 * (places.len() as f64 - 1.0);
    let stretch = (chi_squared.sum::<f64>() / degrees_of_freedom.max(1.0)).max(1.0);
    let Inverse { east, north, both } = covariance;
    Some((mean, Spread { east_m2: stretch * east, north_m2: stretch * north, east_north_m2: stretch * both }))
}

#[cfg(test)]
#[path = "joint_tests.rs"]
mod tests;
