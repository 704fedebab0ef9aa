//! Whether more grazes in a balance zone than it carries, while it is open.
//!
//! In: the herds that are established inside, and what the zone carries.   Out: an indication once it has lasted, and one once it is
//! over.   Never: a case, nor a word about a zone that is closed (there every animal is one) or whose document names no capacity;
//! nor a flutter: it takes as long to end as to begin.

use crate::count::{counts, sheep_units};
use crate::herd::Herd;
use crate::settings::Settings;
use crate::world::World;
use model::{CaseZone, ClosureLevel, Interval, Timestamp, What, Zone, ZoneId, ZoneKind, ZoneLoad};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Herds do not come and go by the second.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is known of the loads of zones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loads {
    /// Zones that are over what they carry, or were told to be.
    pub(crate) over: BTreeMap<ZoneId, Over>,
    /// When it was last looked.
    pub(crate) looked_at: Timestamp,
}

/// A zone that carries more than it can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Over {
    /// Since when.
    pub(crate) since: Timestamp,
    /// Since when it is not any more; `None` while it is.
    pub(crate) within_since: Option<Timestamp>,
    /// Whether people were told.
    pub(crate) told: bool,
}

impl Loads {
    /// Looks once a minute; what has begun or ended by then, `None` in between.
    pub fn tick(&mut self, herds: &[Herd], world: &World, now: Timestamp, settings: &Settings) -> Option<Vec<What>> {
        if now.since(self.looked_at) < LOOK_EVERY {
            return None;
        }
        self.looked_at = now;
        let mut found = Vec::new();
        for zone in open_zones(world, now) {
            let load = load(&zone, herds, now);
            let is_over = load.sheep_units.low > u64::from(load.capacity_sheep_units);
            let Some(told) = self.weigh(&zone.id, is_over, now, settings.overload_after) else { continue };
            let since = self.over.get(&zone.id).map(|over| over.since);
            let load = ZoneLoad { over_since: since, ..load };
            if told {
                found.push(What::Overloaded(load));
            } else {
                self.over.remove(&zone.id);
                found.push(What::OverloadEnded(load));
            }
        }
        // What was closed, repealed or lost its capacity is over without a word about numbers that no longer count.
        self.over.retain(|id, _| open_zones(world, now).any(|zone| zone.id == *id));
        Some(found)
    }

    /// The loads of all open balance zones that name what they carry.
    pub fn shown(&self, herds: &[Herd], world: &World, now: Timestamp) -> Vec<ZoneLoad> {
        let over_since = |zone: &Zone| self.over.get(&zone.id).filter(|over| over.told).map(|over| over.since);
        open_zones(world, now)
            .map(|zone| ZoneLoad { over_since: over_since(&zone), ..load(&zone, herds, now) })
            .collect()
    }

    /// Whether people are to be told now that it is over (`true`) or that it no longer is (`false`).
    fn weigh(&mut self, zone: &ZoneId, is_over: bool, now: Timestamp, after: Duration) -> Option<bool> {
        if is_over {
            let over = self.over.entry(zone.clone()).or_insert(Over { since: now, within_since: None, told: false });
            over.within_since = None;
            let tell = !over.told && now.since(over.since) >= after;
            over.told |= tell;
            return tell.then_some(true);
        }
        let over = self.over.get_mut(zone)?;
        if !over.told {
            self.over.remove(zone);
            return None;
        }
        let since = *over.within_since.get_or_insert(now);
        (now.since(since) >= after).then_some(false)
    }
}

fn open_zones(world: &World, now: Timestamp) -> impl Iterator<Item = Arc<Zone>> {
    let carries = |zone: &&Arc<Zone>| zone.kind == ZoneKind::Balance && zone.capacity_sheep_units.is_some();
    let open = move |zone: &&Arc<Zone>| world.closure(zone, now).level == ClosureLevel::None;
    world.zones().iter().filter(carries).filter(open).map(Arc::clone)
}

fn load(zone: &Zone, herds: &[Herd], now: Timestamp) -> ZoneLoad {
    let inside = herds.iter().filter(|herd| herd.stays.get(&zone.id).is_some_and(|stay| stay.is_established()));
    let (mut units, mut count) = (Interval::default(), 0_u32);
    for herd in inside {
        let of = sheep_units(&counts(herd));
        units = Interval { low: units.low.saturating_add(of.low), high: units.high.saturating_add(of.high) };
        count = count.saturating_add(1);
    }
    ZoneLoad {
        zone: CaseZone { id: zone.id.clone(), name: zone.name.clone(), version: zone.version },
        township: zone.township.clone(),
        authority: zone.authority(),
        capacity_sheep_units: zone.capacity_sheep_units.unwrap_or(u32::MAX),
        sheep_units: units,
        herds: count,
        over_since: None,
        at: now,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{SOUTH, Stage, square, world};
    use model::{Offset, What, Zone, ZoneKind};
    use std::sync::Arc;

    /// `south` is a balance zone that carries so many sheep units.
    fn stage(start: &str, capacity: Option<u32>) -> Stage {
        let mut stage = Stage::at(start);
        let south = square("south", ZoneKind::Balance, 432_910_000);
        let south = Arc::new(Zone { capacity_sheep_units: capacity, ..(*south).clone() });
        stage.engine.set_world(world(vec![south]), Offset(0));
        stage
    }

    /// So many sheep are seen once a minute; what is told of the zone's load.
    fn minutes(stage: &mut Stage, minutes: u32, sheep: u32) -> Vec<String> {
        let mut told = Vec::new();
        for minute in 0..minutes {
            let mut found = if sheep > 0 { stage.sees("cam-2", SOUTH, sheep) } else { Vec::new() };
            found.extend(stage.wait(60));
            told.extend(found.iter().filter_map(|what| match what {
                What::Overloaded(load) => {
                    Some(format!("over after {minute} min: {}-{}", load.sheep_units.low, load.sheep_units.high))
                }
                What::OverloadEnded(load) => Some(format!("within after {minute} min: {}", load.sheep_units.low)),
                _ => None,
            }));
        }
        told
    }

    const AUTUMN: &str = "2026-09-10T10:00:00+08:00";

    #[test]
    fn more_than_it_carries_for_half_an_hour_is_told_once_and_so_is_its_end() {
        let mut stage = stage(AUTUMN, Some(80));
        assert_eq!(minutes(&mut stage, 60, 100), ["over after 32 min: 85-115"]);
        let shown = stage.engine.loads();
        assert_eq!((shown[0].herds, shown[0].sheep_units.low, shown[0].over_since.is_some()), (1, 85, true));
        assert_eq!(minutes(&mut stage, 60, 50), ["within after 30 min: 42"], "it takes as long to end as to begin");
        assert!(stage.engine.loads()[0].over_since.is_none());
    }

    #[test]
    fn only_the_low_end_counts_and_a_moment_is_nothing() {
        let mut certain_only = stage(AUTUMN, Some(90));
        assert_eq!(minutes(&mut certain_only, 60, 100), [""; 0], "85 to 115 may be within 90");
        let mut moment = stage(AUTUMN, Some(80));
        assert_eq!(minutes(&mut moment, 20, 100), [""; 0]);
        assert_eq!(minutes(&mut moment, 30, 50), [""; 0]);
        assert_eq!(minutes(&mut moment, 20, 100), [""; 0]);
    }

    #[test]
    fn a_zone_without_a_capacity_or_under_a_closure_has_no_load() {
        let mut unstated = stage(AUTUMN, None);
        assert_eq!(minutes(&mut unstated, 60, 1_000), [""; 0]);
        assert!(unstated.engine.loads().is_empty());
        let mut closed = stage("2026-05-01T10:00:00+08:00", Some(1));
        assert_eq!(minutes(&mut closed, 60, 1_000), [""; 0]);
        assert!(closed.engine.loads().is_empty());
    }
}
