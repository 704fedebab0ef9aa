//! Takes the readings one by one and says what follows.

use crate::aside::Asides;
use crate::case::{self, Facts, Open, closed_zones};
use crate::correct::is_out_of_order;
use crate::count::counts;
use crate::fixes::Trail;
use crate::fleet::{Fleet, Watch};
use crate::herd::{Herd, Seen, Source, join, take_back_stray};
use crate::herds::Herds;
use crate::joint;
use crate::overload::Loads;
use crate::place::{Flight, Located};
use crate::presence::{Stay, Verdict};
use crate::settings::Settings;
use crate::stations::Stations;
use crate::unseen::{nobody_looks, unseen_after};
use crate::{World, closure};
use model::{Body, DeviceId, Finding, HerdView, Interval, Offset, PanTilt, Reading, Timestamp, What, ZoneId, ZoneLoad};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

mod reading;
mod stations;

/// Herds followed at once; beyond it the one heard of longest ago is forgotten.
const HERDS_MAX: usize = 10_000;

/// The whole state of detection: a function of the entries and worlds it was given, and of nothing else.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) settings: Settings,
    pub(crate) world: Arc<World>,
    pub(crate) state: State,
    watch: Watch,
    asides: Asides,
    /// What [`Engine::loads`] shows; made anew within a minute.
    loads: Arc<Vec<ZoneLoad>>,
    of_stations: stations::OfStations,
}

/// What a restart must find again.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) day_ends: Option<Timestamp>,
    pub(crate) herds: Herds,
    pub(crate) trails: HashMap<DeviceId, Trail>,
    pub(crate) heads: HashMap<DeviceId, PanTilt>,
    pub(crate) flights: HashMap<DeviceId, Flight>,
    pub(crate) fleet: Fleet,
    pub(crate) loads: Loads,
    pub(crate) stations: Stations,
}

impl Engine {
    /// A fresh engine.
    pub fn new(settings: Settings, world: Arc<World>) -> Self {
        let (state, watch, asides) = (State::default(), Watch::default(), Asides::default());
        let (loads, of_stations) = (Arc::default(), stations::OfStations::default());
        Self { settings, world, state, watch, asides, loads, of_stations }
    }

    /// The state as bytes, to be kept with the cursor that it belongs to.
    pub fn save(&self) -> Vec<u8> {
        crate::saved::write(&self.state)
    }

    /// An engine that goes on where [`Engine::save`] left off.
    pub fn restore(settings: Settings, world: Arc<World>, saved: &[u8]) -> Result<Self, crate::BadState> {
        Ok(Self { state: crate::saved::read(saved)?, ..Self::new(settings, world) })
    }

    /// What was heard and not used since this was last asked.
    pub fn take_asides(&mut self) -> Asides {
        std::mem::take(&mut self.asides)
    }

    /// What it knows of the land.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Takes the next reading of the journal.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Finding> {
        let mut found = self.advance(reading.received_at.0, reading.offset);
        if matches!(reading.body, Body::Clock) {
            found.extend(self.state.fleet.tick(&self.world, self.state.now, &mut self.watch));
            found.extend(self.forget_unseen());
            found.extend(self.end_what_was_left(reading.offset));
            found.extend(self.tell_what_was_held_back());
            found.extend(self.tick_stations());
            let State { loads, herds, now, .. } = &mut self.state;
            if let Some(told) = loads.tick(herds.list(), &self.world, *now, &self.settings) {
                found.extend(told);
                self.loads = Arc::new(loads.shown(herds.list(), &self.world, *now));
            }
        }
        let world = Arc::clone(&self.world);
        let Some(device) = world.device(&reading.device) else { return finding(reading.offset, found) };
        let now = self.state.now;
        let fleet = &mut self.state.fleet;
        // What we found in a camera's picture is no word of the camera.
        if !matches!(reading.body, Body::Clarity(_)) {
            found.extend(fleet.heard(&world, device, now, reading.happened_at(), &mut self.watch));
        }
        found.extend(fleet.look(&world, device, reading));
        found.extend(self.measured(device, reading));
        found.extend(self.passed(device, reading));
        if let Some(seen) = self.seen(device, reading) {
            found.extend(self.place_in_herd(seen));
        }
        finding(reading.offset, found)
    }

    /// The registry changed: what stands in the zones is judged anew at this instant.
    pub fn set_world(&mut self, world: Arc<World>, offset: Offset) -> Vec<Finding> {
        self.state.fleet.world_changed(&self.world, &world, self.state.now);
        self.world = world;
        self.watch = Watch::default();
        let mut herds = std::mem::take(&mut self.state.herds);
        let (now, mut found) = (self.state.now, Vec::new());
        for herd in herds.iter_mut() {
            self.weigh_again(herd);
            found.extend(self.decide(herd, now, now, offset, Some("the zones or closures changed")));
        }
        self.state.herds = herds;
        finding(offset, found)
    }

    /// What stands in each open balance zone that names what it carries, as it was a minute ago at most.
    pub fn loads(&self) -> &Arc<Vec<ZoneLoad>> {
        &self.loads
    }

    /// The herds as the map shows them.
    pub fn herds(&self) -> Vec<HerdView> {
        self.state.herds.list().iter().filter_map(view).collect()
    }

    /// Moves "now", and does what time alone brings about.
    fn advance(&mut self, now: Timestamp, offset: Offset) -> Vec<What> {
        let before = self.state.now;
        // Receipt times are ours and grow; a clock that was set back stands still until it is caught up.
        if now <= before {
            return Vec::new();
        }
        self.state.now = now;
        self.state.fleet.moved(before, now);
        let mut found = Vec::new();
        if self.state.day_ends.is_none_or(|end| now >= end) {
            if let Some(midnight) = self.state.day_ends {
                found.extend(self.at_midnight(midnight, offset));
            }
            self.state.day_ends = closure::next_day(now);
        }
        found
    }

    /// Closures begin and end at legal midnight: whoever stands inside is judged without a new sighting.
    fn at_midnight(&mut self, midnight: Timestamp, offset: Offset) -> Vec<What> {
        let mut herds = std::mem::take(&mut self.state.herds);
        let mut found = Vec::new();
        for herd in herds.iter_mut() {
            found.extend(self.decide(herd, midnight, midnight, offset, Some("already inside when the closure began")));
        }
        self.state.herds = herds;
        found
    }

    /// What was seen since a case was last told, once it may be told again. Only at a tick: an entry that tells of a case by
    /// what it says itself would otherwise tell of it twice.
    fn tell_what_was_held_back(&mut self) -> Vec<What> {
        let (now, every) = (self.state.now, self.settings.grew_every);
        let open = self.state.herds.iter_mut().flat_map(|herd| herd.case.iter_mut().chain(&mut herd.over));
        let due = open.filter(|open| open.held_back && now.since(open.told_at) >= every);
        due.map(|open| {
            (open.held_back, open.told_at) = (false, now);
            What::SeenAgain(open.case.clone())
        })
        .collect()
    }

    /// A herd that was seen outside and does not come back has left, whether or not it is seen again.
    fn end_what_was_left(&mut self, offset: Offset) -> Vec<What> {
        let now = self.state.now;
        let mut herds = std::mem::take(&mut self.state.herds);
        let mut found = Vec::new();
        for herd in herds.iter_mut() {
            let stays = herd.stays.len();
            herd.stays.retain(|_, stay| !stay.has_left(now, &self.settings));
            if herd.stays.len() < stays {
                herd.settled_until = now;
                let last_seen = herd.last_seen;
                found.extend(self.decide(herd, last_seen, last_seen, offset, None));
            }
        }
        self.state.herds = herds;
        found
    }

    fn forget_unseen(&mut self) -> Vec<What> {
        let now = self.state.now;
        let mut found = Vec::new();
        let (world, settings, fleet) = (&self.world, &self.settings, &self.state.fleet);
        self.state.herds.retain_mut(|herd| {
            let unheard = now.since(herd.last_heard);
            let keep = unheard <= settings.sightings_within.min(settings.unseen_after)
                || unheard <= unseen_after(herd, world, settings)
                || unheard <= settings.unseen_in_silence && herd.case.is_some() && nobody_looks(herd, world, fleet);
            if !keep && let Some(open) = herd.case.take() {
                let ended_at = Some(open.case.last_seen);
                found.push(What::Ended(model::Case { ended_at, ..open.case }));
            }
            keep
        });
        found
    }

    fn place_in_herd(&mut self, seen: Seen) -> Vec<What> {
        let mut herds = std::mem::take(&mut self.state.herds);
        let own = |herds: &Herds| if seen.source == Source::Collar { herds.of_collar(&seen.device) } else { None };
        let strayed = own(&herds);
        take_back_stray(&mut herds, &seen, strayed);
        let number = match join(&herds, &seen, own(&herds)) {
            Some(number) => number,
            None => {
                if herds.len() >= HERDS_MAX
                    && let Some((oldest, _)) = herds.list().iter().enumerate().min_by_key(|(_, herd)| herd.last_heard)
                {
                    herds.remove(oldest);
                }
                herds.push(Herd::new(&seen))
            }
        };
        if seen.source == Source::Collar {
            herds.walks_with(&seen.device, number);
        }
        let grown = herds.change(number, |herd| if herd.knows(&seen) { Vec::new() } else { self.grow(herd, seen) });
        self.state.herds = herds;
        grown.unwrap_or_default()
    }

    fn grow(&self, herd: &mut Herd, seen: Seen) -> Vec<What> {
        let mut found = Vec::new();
        // A long gap in event time ends what was, so that late data of two days is not one long stay.
        let gap = herd.stays.values().map(|stay| seen.at.since(stay.last_inside)).max().unwrap_or_default();
        let unseen = if gap > self.settings.sightings_within {
            unseen_after(herd, &self.world, &self.settings)
        } else {
            self.settings.unseen_after
        };
        if gap > unseen {
            herd.stays.retain(|_, stay| seen.at.since(stay.last_inside) <= unseen);
            let last_seen = herd.last_seen;
            found.extend(self.decide(herd, last_seen, last_seen, seen.offset, None));
        }
        let (at, offset) = (seen.at, seen.offset);
        let out_of_order = is_out_of_order(herd, &seen);
        herd.add(seen.clone());
        if out_of_order {
            found.extend(self.set_right(herd, offset));
            return found;
        }
        weigh_all(&self.world, &self.settings, &mut herd.stays, &herd.seen, &seen);
        found.extend(self.decide(herd, at, at, offset, None));
        found
    }

    /// Replays what was seen of a herd against the new zones, keeping what the old stays knew.
    fn weigh_again(&self, herd: &mut Herd) {
        let mut stays = BTreeMap::new();
        for seen in &herd.seen {
            weigh(&self.world, &self.settings, &mut stays, seen, None);
        }
        for (zone, stay) in &mut stays {
            if let Some(old) = herd.stays.get(zone) {
                stay.since = stay.since.min(old.since);
                stay.sightings = stay.sightings.max(old.sightings);
                if !stay.is_established() {
                    stay.established.clone_from(&old.established);
                }
            }
        }
        herd.stays = stays;
    }

    /// Opens, updates or ends the herd's case by the closures that hold at `at`.
    pub(crate) fn decide(
        &self,
        herd: &mut Herd,
        at: Timestamp,
        left_at: Timestamp,
        offset: Offset,
        occasion: Option<&str>,
    ) -> Option<What> {
        let mut closed = closed_zones(herd, &self.world, at);
        if closed.is_empty() && herd.case.is_some() {
            // Older evidence than the closure is none against a case of now: it comes late, and the herd still stands there.
            closed = closed_zones(herd, &self.world, self.state.now);
        }
        let late = herd.seen.back().is_some_and(|seen| seen.received_at.since(seen.at) > self.settings.late_after);
        let facts = Facts { herd, closed: &closed, offset, occasion, late };
        let before = herd.case.as_ref();
        if closed.is_empty() {
            let open = herd.case.take()?;
            let case = model::Case { ended_at: Some(left_at.max(open.case.first_seen)), ..open.case };
            herd.remember(Open { case: case.clone(), told_at: self.state.now, held_back: false });
            return Some(What::Ended(case));
        }
        let case = case::describe(&facts, before.map(|open| &open.case))?;
        let told = match before {
            None => What::Opened as fn(model::Case) -> What,
            Some(open) if case::matters(&open.case, &case) => What::Grew,
            Some(open) if self.state.now.since(open.told_at) >= self.settings.grew_every => What::SeenAgain,
            Some(open) => {
                herd.case = Some(open.hold_back(case));
                return None;
            }
        };
        herd.case = Some(Open { case: case.clone(), told_at: self.state.now, held_back: false });
        Some(told(case))
    }

    /// The cases that go on.
    pub fn open_cases(&self) -> impl Iterator<Item = &model::Case> {
        self.state.herds.list().iter().filter_map(|herd| herd.case.as_ref()).map(|open| &open.case)
    }
}

/// What a sighting says of each zone, and, where it is not sure by itself, what it says together with those before it.
pub(crate) fn weigh_all(
    world: &World,
    settings: &Settings,
    stays: &mut BTreeMap<ZoneId, Stay>,
    all: &VecDeque<Seen>,
    seen: &Seen,
) {
    if weigh(world, settings, stays, seen, Some(seen.at)) == Sure::No {
        joint::weigh(world, settings, stays, all, seen);
    }
}

/// Whether a sighting says of each zone by itself on which side of its border it was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sure {
    Yes,
    No,
}

/// What a sighting says of each zone: of those that held when it happened (`at`), or of those of now.
pub(crate) fn weigh(
    world: &World,
    settings: &Settings,
    stays: &mut BTreeMap<ZoneId, Stay>,
    seen: &Seen,
    at: Option<Timestamp>,
) -> Sure {
    let likely = world.likely(seen.located.position, seen.located.spread, at);
    for (zone, probability) in &likely {
        if let Verdict::Inside(_) = Verdict::of(*probability, seen.source, settings) {
            stays.entry(zone.id.clone()).or_insert_with(|| Stay::begin(seen.at));
        }
    }
    stays.retain(|id, stay| {
        let found = likely.iter().find(|(zone, _)| zone.id == *id).map_or(0.0, |(_, probability)| *probability);
        let Located { position, spread } = seen.located;
        let clear_m = settings.clear_of_border_m + 3.0 * spread.sigma_m();
        let verdict = match Verdict::of(found, seen.source, settings) {
            Verdict::Outside if world.is_clear_of(id, position, clear_m) => Verdict::Away,
            verdict => verdict,
        };
        // What was seen before a zone held as it does speaks for a stay then, never against one of now.
        let is_silent = at.is_some_and(|at| !world.held_as_now(id, at)) && !matches!(verdict, Verdict::Inside(_));
        is_silent || stay.weigh(seen, verdict, settings)
    });
    let is_unsure =
        |probability: f64| matches!(Verdict::of(probability, seen.source, settings), Verdict::Likely | Verdict::Border);
    if likely.iter().any(|(_, probability)| is_unsure(*probability)) { Sure::No } else { Sure::Yes }
}

fn view(herd: &Herd) -> Option<HerdView> {
    let (position, accuracy_m, ellipse) = herd.ellipse()?;
    let counts = counts(herd);
    let count = counts.iter().fold(Interval::default(), |sum, of| sum.and(of.count));
    Some(HerdView {
        id: herd.id.clone(),
        position,
        accuracy_m,
        ellipse,
        species: herd.species,
        count,
        seen_at: herd.last_seen,
        incident: herd.case.as_ref().map(|open| open.case.id.clone()),
    })
}

fn finding(offset: Offset, found: Vec<What>) -> Vec<Finding> {
    found.into_iter().map(|what| Finding { offset, what }).collect()
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
