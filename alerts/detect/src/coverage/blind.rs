//! A closed zone that too little was seen of, told once, and told again when it is over.
//!
//! In: how much of each zone was watched.   Out: [`What::Begun`] and [`What::Over`] with [`Matter::Blind`].   Never: at once on a fresh
//! start, for a zone counts from when it was first known to be closed; a flutter, for to be watched again takes more than not to be
//! blind; a storm: of many zones of one township there is one notice that says how many.

use super::settings::Settings;
use model::{CaseZone, ClosureLevel, Matter, Notice, Timestamp, TownshipCode, What, ZoneId, ZoneWatch};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Land does not become blind by the second.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The journal holds a tick each second; after a longer gap the platform was down, and devices bring what they kept.
const DOWN_AFTER: Duration = Duration::from_secs(600);
/// So long they are waited for.
const WAIT_FOR_STORES: Duration = Duration::from_secs(3_600);
/// Zones of one township that are told one by one; of more there is one notice.
const ALONE_MAX: usize = 3;

/// Which zones are blind, and what was told of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Blind {
    pub(crate) zones: BTreeMap<ZoneId, BlindZone>,
    pub(crate) groups: Vec<Group>,
    pub(crate) next_look: Timestamp,
    pub(crate) not_before: Timestamp,
    pub(crate) now: Timestamp,
}

/// A zone that is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct BlindZone {
    /// Since when, as far as we know.
    pub(crate) closed_since: Timestamp,
    /// Since when it was told to be blind.
    pub(crate) since: Option<Timestamp>,
    /// Told with others of its township.
    pub(crate) in_group: bool,
    /// What a notice of it says besides.
    pub(crate) about: (CaseZone, Option<TownshipCode>),
}

/// Zones of a township that were told together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) township: Option<TownshipCode>,
    pub(crate) since: Timestamp,
    pub(crate) zones: BTreeSet<ZoneId>,
    /// How many the last notice told of.
    pub(crate) told: u32,
    pub(crate) limit: Duration,
}

impl Blind {
    /// Whether it is time to look again.
    pub(crate) fn is_due(&mut self, now: Timestamp) -> bool {
        if self.now != Timestamp::default() && now.since(self.now) > DOWN_AFTER {
            self.not_before = now.plus(WAIT_FOR_STORES);
        }
        self.now = now;
        if now < self.next_look {
            return false;
        }
        self.next_look = now.plus(LOOK_EVERY);
        true
    }

    /// Since when a zone was told to be blind.
    pub(crate) fn since(&self, zone: &ZoneId) -> Option<Timestamp> {
        self.zones.get(zone)?.since
    }

    /// What has begun, changed or ended.
    pub(crate) fn look(&mut self, rows: &[ZoneWatch], now: Timestamp, settings: &Settings) -> Vec<What> {
        let closed: BTreeMap<&ZoneId, &ZoneWatch> =
            rows.iter().filter(|row| row.level != ClosureLevel::None).map(|row| (&row.zone.id, row)).collect();
        let mut found = Vec::new();
        // What is open, or no zone any more, is not blind.
        let open: Vec<ZoneId> = self.zones.keys().filter(|id| !closed.contains_key(id)).cloned().collect();
        for id in open {
            self.is_over(&id, None, now, &mut found);
            self.zones.remove(&id);
        }
        let mut new: BTreeMap<Option<&TownshipCode>, Vec<&ZoneWatch>> = BTreeMap::new();
        for row in closed.into_values() {
            let about = (row.zone.clone(), row.township.clone());
            let zone = self.zones.entry(row.zone.id.clone()).or_insert_with(|| BlindZone {
                closed_since: now,
                since: None,
                in_group: false,
                about: about.clone(),
            });
            zone.about = about;
            let had_time = now.since(zone.closed_since) >= row.limit && now >= self.not_before;
            if zone.since.is_none() && had_time && row.watched_in_limit < row.share {
                new.entry(row.township.as_ref()).or_default().push(row);
            } else if zone.since.is_some() && row.watched_in_limit >= (row.share + settings.hysteresis).min(1.0) {
                self.is_over(&row.zone.id, Some(row), now, &mut found);
            }
        }
        for (township, rows) in new {
            self.begin(township, &rows, now, &mut found);
        }
        found
    }

    fn begin(&mut self, township: Option<&TownshipCode>, rows: &[&ZoneWatch], now: Timestamp, found: &mut Vec<What>) {
        let is_here = |zone: &&BlindZone| zone.since.is_some() && zone.about.1.as_ref() == township;
        let told_alone = self.zones.values().filter(is_here).filter(|zone| !zone.in_group).count();
        let group = self.groups.iter().position(|group| group.township.as_ref() == township);
        let is_storm = group.is_some() || told_alone + rows.len() > ALONE_MAX;
        for row in rows {
            if let Some(zone) = self.zones.get_mut(&row.zone.id) {
                (zone.since, zone.in_group) = (Some(now), is_storm);
            }
            if !is_storm {
                found.push(What::Begun(alone(row, now, None)));
            }
        }
        if !is_storm {
            return;
        }
        let ids = rows.iter().map(|row| row.zone.id.clone());
        let watched = mean(rows);
        let group = match group.and_then(|at| self.groups.get_mut(at)) {
            Some(group) => group,
            None => {
                let (zones, limit) = (BTreeSet::new(), rows.first().map_or(Duration::ZERO, |row| row.limit));
                self.groups.push(Group { township: township.cloned(), since: now, zones, told: 0, limit });
                let Some(group) = self.groups.last_mut() else { return };
                group
            }
        };
        group.zones.extend(ids);
        let count = u32::try_from(group.zones.len()).unwrap_or(u32::MAX);
        // Again only when it is twice as bad.
        if count >= group.told.saturating_mul(2) {
            let is_first = group.told == 0;
            group.told = count;
            let notice = together(group, count, watched, None);
            found.push(if is_first { What::Begun(notice) } else { What::Changed(notice) });
        }
    }

    fn is_over(&mut self, id: &ZoneId, row: Option<&ZoneWatch>, now: Timestamp, found: &mut Vec<What>) {
        let Some(zone) = self.zones.get_mut(id) else { return };
        let Some(since) = zone.since.take() else { return };
        let (about, in_group) = (zone.about.clone(), std::mem::take(&mut zone.in_group));
        let watched = row.map_or(0.0, |row| row.watched_in_limit);
        if !in_group {
            let limit_hours = row.map_or(0.0, |row| hours(row.limit));
            found.push(What::Over(notice(Some(about.0), about.1, since, Some(now), (watched, limit_hours, 1))));
            return;
        }
        let Some(at) = self.groups.iter().position(|group| group.zones.contains(id)) else { return };
        let Some(group) = self.groups.get_mut(at) else { return };
        group.zones.remove(id);
        if group.zones.is_empty() {
            found.push(What::Over(together(group, group.told, watched, Some(now))));
            self.groups.remove(at);
        }
    }
}

fn hours(limit: Duration) -> f64 {
    limit.as_secs_f64() / 3_600.0
}

/// By their areas.
fn mean(rows: &[&ZoneWatch]) -> f64 {
    let all: f64 = rows.iter().map(|row| row.area_mu).sum();
    let watched: f64 = rows.iter().map(|row| row.area_mu * row.watched_in_limit).sum();
    if all > 0.0 { watched / all } else { 0.0 }
}

fn alone(row: &ZoneWatch, since: Timestamp, until: Option<Timestamp>) -> Notice {
    let measure = (row.watched_in_limit, hours(row.limit), 1);
    notice(Some(row.zone.clone()), row.township.clone(), since, until, measure)
}

fn together(group: &Group, zones: u32, watched: f64, until: Option<Timestamp>) -> Notice {
    notice(None, group.township.clone(), group.since, until, (watched, hours(group.limit), zones))
}

fn notice(
    zone: Option<CaseZone>,
    township: Option<TownshipCode>,
    since: Timestamp,
    until: Option<Timestamp>,
    (watched, limit_hours, zones): (f64, f64, u32),
) -> Notice {
    Notice {
        matter: Matter::Blind { watched, limit_hours, zones },
        devices: Vec::new(),
        devices_count: 0,
        zone,
        township,
        position: None,
        since,
        until,
        late: false,
    }
}
