//! Makes one case of a herd that stands where it may not.
//!
//! In: a herd with its stays, and the closures that hold. Out: the case as it stands, for `alerts::raise` to keep.

use crate::count::{counts, sheep_units};
use crate::herd::Herd;
use crate::presence::Stay;
use crate::world::World;
use model::{Case, CaseZone, Closure, ClosureLevel, DeviceId, IncidentId, Offset, Timestamp, Zone};
use std::sync::Arc;

/// Devices named in a case.
const DEVICES_MAX: usize = 64;

/// A case that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// As it stands; what [`matters`] compares is as it was last told.
    pub case: Case,
    /// When it was last told (time of receipt).
    pub told_at: Timestamp,
    /// Whether something was seen since, and not told yet.
    pub held_back: bool,
}

impl Open {
    /// Goes on as `now` without telling it. A collar that sends the hours of a gorge at once is told of once in them, and
    /// the case must still end with what was last seen. What was last told stays the yardstick for what matters, so that
    /// slow growth is noticed too.
    pub fn hold_back(&self, now: Case) -> Self {
        let Case { zones, closure, species, sheep_units, .. } = self.case.clone();
        Self { case: Case { zones, closure, species, sheep_units, ..now }, told_at: self.told_at, held_back: true }
    }
}

/// The closed zones in which the herd's stay is established at `at`, strictest first.
pub fn closed_zones(herd: &Herd, world: &World, at: Timestamp) -> Vec<(Arc<Zone>, Closure)> {
    let stays = herd.stays.iter().filter(|(_, stay)| stay.is_established());
    let stays: Vec<_> = stays.map(|(zone, _)| zone).collect();
    let mut closed: Vec<_> = world
        .held_at(&stays, at)
        .map(|zone| (Arc::clone(zone), world.closure(zone, at)))
        .filter(|(_, closure)| closure.level > ClosureLevel::None)
        .collect();
    closed.sort_by_key(|(_, closure)| std::cmp::Reverse(closure.level));
    closed
}

/// What a case is opened or brought up to date from.
pub struct Facts<'a> {
    /// The herd.
    pub herd: &'a Herd,
    /// [`closed_zones`], not empty.
    pub closed: &'a [(Arc<Zone>, Closure)],
    /// The entry that decides.
    pub offset: Offset,
    /// Why it was opened, where it was not the sighting itself (a closure began).
    pub occasion: Option<&'a str>,
    /// The evidence came later than `late_after`.
    pub late: bool,
}

/// Writes the case down; `before` keeps what does not change once it is open.
pub fn describe(facts: &Facts<'_>, before: Option<&Case>) -> Option<Case> {
    let (zone, closure) = facts.closed.first()?;
    let herd = facts.herd;
    let stay = herd.stays.get(&zone.id)?;
    let (position, accuracy_m) = herd.centre?;
    let counts = counts(herd);
    let newest = herd.seen.back()?;
    let evidence = match facts.occasion {
        Some(occasion) => format!("{occasion}; {}", stay.established),
        None => stay.established.clone(),
    };
    Some(Case {
        id: match before {
            Some(case) => case.id.clone(),
            None => id(herd, zone, stay, facts.offset)?,
        },
        late: before.map_or(facts.late, |case| case.late),
        zones: facts
            .closed
            .iter()
            .map(|(zone, _)| CaseZone { id: zone.id.clone(), name: zone.name.clone(), version: zone.version })
            .collect(),
        township: zone.township.clone(),
        authority: zone.authority(),
        closure: closure.clone(),
        first_seen: before.map_or(stay.since, |case| case.first_seen.min(stay.since)),
        last_seen: before.map_or(stay.last_inside, |case| case.last_seen.max(stay.last_inside)),
        ended_at: None,
        position,
        accuracy_m,
        probability: stay.probability,
        sightings_count: before.map_or(stay.sightings, |case| case.sightings_count.max(stay.sightings)),
        sheep_units: sheep_units(&counts),
        species: counts,
        devices: devices(herd, before),
        exhibits: crate::exhibits::shown(herd, before.map(|case| &case.exhibits)),
        apart_m: crate::exhibits::apart_m(herd, position),
        trigger: before.map_or_else(|| newest.trigger.clone(), |case| case.trigger.clone()),
        evidence: before.map_or(evidence, |case| case.evidence.clone()),
    })
}

/// Whether the change is worth telling at once: another zone, clearly more animals, or that it goes on although it seemed over.
pub fn matters(before: &Case, now: &Case) -> bool {
    // By the upper end, or, where it is not known, by the lower one.
    let size = |case: &Case| match (before.sheep_units.at_most(), now.sheep_units.at_most()) {
        (Some(_), Some(_)) => case.sheep_units.high,
        _ => case.sheep_units.low,
    };
    let grown = size(now) > size(before).saturating_add(size(before) / 5);
    before.ended_at != now.ended_at || before.zones != now.zones || before.closure.level != now.closure.level || grown
}

/// The same herd, zone, stay and entry always make the same id, so that a replay finds the case it made before.
fn id(herd: &Herd, zone: &Zone, stay: &Stay, offset: Offset) -> Option<IncidentId> {
    let mut hash = blake3::Hasher::new();
    hash.update(herd.id.as_bytes()).update(zone.id.as_str().as_bytes());
    hash.update(&stay.since.as_millis().to_le_bytes()).update(&offset.0.to_le_bytes());
    IncidentId::parse(&format!("inc-{}", hash.finalize().to_hex().get(..16)?)).ok()
}

fn devices(herd: &Herd, before: Option<&Case>) -> Vec<DeviceId> {
    let mut devices = before.map(|case| case.devices.clone()).unwrap_or_default();
    for seen in herd.news_after(before.map(|case| case.exhibits.up_to)) {
        if devices.len() < DEVICES_MAX && !devices.contains(&seen.device) {
            devices.push(seen.device.clone());
        }
    }
    devices
}
