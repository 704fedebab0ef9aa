//! Sets right what late data shows to have been otherwise.
//!
//! In:  a herd of which something became known that happened before what was known already.   Out: its stays as if all had come in the
//! order in which it happened, and what follows for its cases: one that seemed over goes on, one that was missed is opened and ended
//! at once, one that never was is withdrawn.   Never: a withdrawal where the evidence is no longer all at hand.

use crate::case::{Facts, Open, closed_zones, describe};
use crate::engine::{Engine, weigh_all};
use crate::herd::{Herd, SEEN_MAX, Seen};
use crate::presence::Stay;
use crate::settings::Settings;
use crate::unseen::unseen_after;
use crate::world::World;
use model::{Case, Closure, ClosureLevel, Offset, Timestamp, What, Zone, ZoneId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What comes no later than this after what happened since is taken as it comes: the clocks of devices are no more exact.
const IN_ORDER_MS: i64 = 5_000;

/// Whether a sighting has to be put before some that are known, or before the moment at which the herd was taken to have left
/// because nobody saw it.
pub(crate) fn is_out_of_order(herd: &Herd, seen: &Seen) -> bool {
    let until = seen.at.as_millis().saturating_add(IN_ORDER_MS);
    !herd.seen.is_empty() && until < herd.last_seen.as_millis() || until < herd.settled_until.as_millis()
}

/// What is known of a herd, in the order in which it happened.
struct InOrder {
    /// Its stays as of the newest.
    stays: BTreeMap<ZoneId, Stay>,
    /// Those that were established and are over, oldest first.
    over: Vec<Over>,
    /// From when on nothing is missing.
    complete_from: Timestamp,
}

/// A stay that was established and is over.
struct Over {
    zone: ZoneId,
    stay: Stay,
    at: Timestamp,
}

impl InOrder {
    fn of(herd: &Herd, world: &World, settings: &Settings) -> Self {
        let mut seen: Vec<&Seen> = herd.seen.iter().collect();
        seen.sort_by_key(|seen| (seen.at, seen.offset));
        let oldest = seen.first().map_or(Timestamp::from_millis(0), |seen| seen.at);
        let complete_from = if seen.len() < SEEN_MAX { Timestamp::from_millis(0) } else { oldest };
        let unseen = unseen_after(herd, world, settings);
        let (mut stays, mut over) = (BTreeMap::<ZoneId, Stay>::new(), Vec::new());
        for seen in seen {
            let established = stays.iter().filter(|(_, stay)| stay.is_established());
            let before: Vec<(ZoneId, Stay)> = established.map(|(zone, stay)| (zone.clone(), stay.clone())).collect();
            let is_lost = |stay: &Stay| seen.at.since(stay.last_inside) > unseen;
            stays.retain(|_, stay| !is_lost(stay) && !stay.has_left(seen.at, settings));
            weigh_all(world, settings, &mut stays, &herd.seen, seen);
            for (zone, stay) in before {
                if stays.get(&zone).is_none_or(|now| now.since > stay.since) {
                    let at = if is_lost(&stay) { stay.last_inside } else { seen.at };
                    over.push(Over { zone, stay, at });
                }
            }
        }
        Self { stays, over, complete_from }
    }
}

impl Engine {
    /// Judges a herd by all that is known of it, after something out of order was added, and sets its cases right.
    pub(crate) fn set_right(&self, herd: &mut Herd, offset: Offset) -> Vec<What> {
        let order = InOrder::of(herd, &self.world, &self.settings);
        herd.stays = self.stays_in_order(herd, &order);
        let over: Vec<(&Over, Arc<Zone>, Closure)> = order.over.iter().filter_map(|over| self.closed(over)).collect();
        let newest = herd.last_seen;
        let closed_now = closed_zones(herd, &self.world, newest);
        let stood = |case: &Case| {
            over.iter().any(|(over, ..)| is_of(&over.stay, case))
                || closed_now.iter().any(|(zone, _)| herd.stays.get(&zone.id).is_some_and(|stay| is_of(stay, case)))
        };
        let never_was = |case: &Case| !stood(case) && self.is_complete(case, &order);
        let mut found = Vec::new();

        let (withdrawn, known) = std::mem::take(&mut herd.over).into_iter().partition(|known| never_was(&known.case));
        let mut withdrawn: Vec<Open> = withdrawn;
        let mut known: Vec<Open> = known;
        match herd.case.take() {
            Some(open) if never_was(&open.case) => withdrawn.push(open),
            Some(open) => herd.case = Some(open),
            None => {
                // The herd seemed to have left, and had not.
                let goes_on = |known: &Open| {
                    let stays = closed_now.iter().filter_map(|(zone, _)| herd.stays.get(&zone.id));
                    stays.into_iter().any(|stay| is_of(stay, &known.case))
                };
                if let Some(place) = known.iter().rposition(goes_on) {
                    // That it had ended stays in it until it is told that it goes on.
                    herd.case = Some(known.remove(place));
                }
            }
        }
        found.extend(withdrawn.into_iter().map(|open| {
            What::Withdrawn(Case { ended_at: Some(open.case.ended_at.unwrap_or(open.case.last_seen)), ..open.case })
        }));
        herd.over = known;
        let left_at =
            over.iter().rev().find(|(over, ..)| herd.case.as_ref().is_some_and(|open| is_of(&over.stay, &open.case)));
        let left_at = left_at.map_or(newest, |(over, ..)| over.at);
        found.extend(self.decide(herd, newest, left_at, offset, None));
        for (over, zone, closure) in over {
            found.extend(self.tell_of(herd, over, (zone, closure), offset));
        }
        found
    }

    /// The stays in their order. Two things only the order of arrival knows: what was before the oldest sighting that is kept,
    /// and what a map that came into force since says of those who stood there already.
    fn stays_in_order(&self, herd: &Herd, order: &InOrder) -> BTreeMap<ZoneId, Stay> {
        let oldest = herd.seen.iter().map(|seen| seen.at).min().unwrap_or_default();
        let held = |zone: &ZoneId| self.world.held_as_now(zone, oldest);
        let mut stays: BTreeMap<ZoneId, Stay> = order.stays.clone();
        stays.retain(|zone, _| held(zone));
        for (zone, stay) in &mut stays {
            if let Some(old) = herd.stays.get(zone).filter(|old| old.since < order.complete_from) {
                stay.since = stay.since.min(old.since);
                stay.sightings = stay.sightings.max(old.sightings);
                if !stay.is_established() {
                    stay.established.clone_from(&old.established);
                }
            }
        }
        let mut as_they_came = herd.stays.clone();
        if let Some(seen) = herd.seen.back() {
            weigh_all(&self.world, &self.settings, &mut as_they_came, &herd.seen, seen);
        }
        stays.extend(as_they_came.into_iter().filter(|(zone, _)| !held(zone)));
        stays
    }

    /// A stay that is over, if it was where and when nobody may stand.
    fn closed<'a>(&self, over: &'a Over) -> Option<(&'a Over, Arc<Zone>, Closure)> {
        let at = over.stay.last_inside;
        let ids = [&over.zone];
        let zone = self.world.held_at(&ids, at).next()?;
        let closure = self.world.closure(zone, at);
        (closure.level > ClosureLevel::None).then(|| (over, Arc::clone(zone), closure))
    }

    /// Whether all that could speak for a case is at hand: all sightings since before it began, under a map that held then.
    fn is_complete(&self, case: &Case, order: &InOrder) -> bool {
        order.complete_from <= case.first_seen.minus(self.settings.sightings_within)
            && case.zones.iter().all(|zone| self.world.held_as_now(&zone.id, case.first_seen))
    }

    /// A stay that is over and that is nobody's case was missed; one that lasted longer than its case says is put right.
    fn tell_of(&self, herd: &mut Herd, over: &Over, closed: (Arc<Zone>, Closure), offset: Offset) -> Vec<What> {
        if herd.case.as_ref().is_some_and(|open| is_of(&over.stay, &open.case)) {
            return Vec::new();
        }
        if let Some(known) = herd.over.iter_mut().find(|known| is_of(&over.stay, &known.case)) {
            return lengthen(known, over, self.state.now, &self.settings).into_iter().collect();
        }
        if over.stay.last_inside <= herd.told_until {
            return Vec::new();
        }
        let late_by =
            herd.seen.back().map_or(std::time::Duration::ZERO, |seen| seen.received_at.since(over.stay.last_inside));
        let stays = std::mem::replace(&mut herd.stays, BTreeMap::from([(over.zone.clone(), over.stay.clone())]));
        let late = late_by > self.settings.late_after;
        let case = describe(&Facts { herd, closed: &[closed], offset, occasion: None, late }, None);
        herd.stays = stays;
        let Some(case) = case else { return Vec::new() };
        let there = herd.seen.iter().find(|seen| seen.at == over.stay.last_inside);
        let (position, accuracy_m) = there
            .map_or((case.position, case.accuracy_m), |seen| (seen.located.position, seen.located.spread.sigma_m()));
        let opened = Case { position, accuracy_m, ..case };
        let ended = Case { ended_at: Some(over.at), ..opened.clone() };
        herd.remember(Open { case: ended.clone(), told_at: self.state.now, held_back: false });
        vec![What::Opened(opened), What::Ended(ended)]
    }
}

/// Whether a stay is what a case tells of: the same herd at the same time, in whichever zone.
fn is_of(stay: &Stay, case: &Case) -> bool {
    stay.since <= case.last_seen && case.first_seen <= stay.last_inside
}

/// More became known of a case that is over.
fn lengthen(known: &mut Open, over: &Over, now: Timestamp, settings: &Settings) -> Option<What> {
    let case = &mut known.case;
    let is_news = over.stay.since < case.first_seen || over.stay.last_inside > case.last_seen;
    if !is_news {
        return None;
    }
    case.first_seen = case.first_seen.min(over.stay.since);
    case.last_seen = case.last_seen.max(over.stay.last_inside);
    case.ended_at = case.ended_at.map(|ended_at| ended_at.max(over.at));
    case.sightings_count = case.sightings_count.max(over.stay.sightings);
    if now.since(known.told_at) < settings.grew_every {
        known.held_back = true;
        return None;
    }
    (known.told_at, known.held_back) = (now, false);
    Some(What::SeenAgain(known.case.clone()))
}

#[cfg(test)]
#[path = "correct_tests.rs"]
mod tests;
