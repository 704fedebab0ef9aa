//! Takes the readings one by one and says what follows.

use crate::aside::Asides;
use crate::case::{self, Facts, Open, closed_zones};
use crate::count::counts;
use crate::fixes::Trail;
use crate::herd::{Herd, Seen, Source, join, take_back_stray};
use crate::joint;
use crate::place::{Flight, Located};
use crate::presence::{Stay, Verdict};
use crate::settings::Settings;
use crate::silence::{Silence, Watch};
use crate::unseen::{nobody_looks, unseen_after};
use crate::{World, closure};
use model::{Body, DeviceId, Finding, HerdView, Interval, Offset, PanTilt, Reading, Timestamp, What, ZoneId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

mod reading;

/// Herds followed at once; beyond it the one heard of longest ago is forgotten.
const HERDS_MAX: usize = 10_000;

/// The whole state of detection: a function of the entries and worlds it was given, and of nothing else.
#[derive(Debug, Clone)]
pub struct Engine {
    settings: Settings,
    world: Arc<World>,
    pub(crate) state: State,
    watch: Watch,
    /// In which place among the herds a collar's was last found; a hint, looked up before it is believed.
    collar_places: HashMap<DeviceId, usize>,
    asides: Asides,
}

/// What a restart must find again.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) day_ends: Option<Timestamp>,
    pub(crate) herds: Vec<Herd>,
    pub(crate) trails: BTreeMap<DeviceId, Trail>,
    pub(crate) heads: BTreeMap<DeviceId, PanTilt>,
    pub(crate) flights: BTreeMap<DeviceId, Flight>,
    pub(crate) silence: Silence,
}

impl Engine {
    /// A fresh engine.
    pub fn new(settings: Settings, world: Arc<World>) -> Self {
        let (state, watch, asides) = (State::default(), Watch::default(), Asides::default());
        Self { settings, world, state, watch, collar_places: HashMap::new(), asides }
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
            found.extend(self.end_what_was_left(reading.offset));
            found.extend(self.tell_what_was_held_back());
        }
        let world = Arc::clone(&self.world);
        let Some(device) = world.device(&reading.device) else { return finding(reading.offset, found) };
        let now = self.state.now;
        found.extend(self.state.silence.heard(&reading.device, now, reading.happened_at(), &mut self.watch));
        if let Some(seen) = self.seen(device, reading) {
            found.extend(self.place_in_herd(seen));
        }
        finding(reading.offset, found)
    }

    /// The registry changed: what stands in the zones is judged anew at this instant.
    pub fn set_world(&mut self, world: Arc<World>, offset: Offset) -> Vec<Finding> {
        self.world = world;
        self.watch = Watch::default();
        let mut herds = std::mem::take(&mut self.state.herds);
        let mut found = Vec::new();
        for herd in &mut herds {
            self.weigh_again(herd);
            found.extend(self.decide(
                herd,
                self.state.now,
                self.state.now,
                offset,
                Some("the zones or closures changed"),
            ));
        }
        self.state.herds = herds;
        finding(offset, found)
    }

    /// The herds as the map shows them.
    pub fn herds(&self) -> Vec<HerdView> {
        self.state.herds.iter().filter_map(view).collect()
    }

    /// Moves "now", and does what time alone brings about.
    fn advance(&mut self, now: Timestamp, offset: Offset) -> Vec<What> {
        let before = self.state.now;
        // Receipt times are ours and grow; a clock that was set back stands still until it is caught up.
        if now <= before {
            return Vec::new();
        }
        self.state.now = now;
        let mut found = Vec::new();
        if before.as_millis() > 0 {
            found = self.state.silence.tick(&self.world, before, now, &self.settings, &mut self.watch);
        }
        if self.state.day_ends.is_none_or(|end| now >= end) {
            if let Some(midnight) = self.state.day_ends {
                found.extend(self.at_midnight(midnight, offset));
            }
            self.state.day_ends = closure::next_day(now);
        }
        found.extend(self.forget_unseen());
        found
    }

    /// Closures begin and end at legal midnight: whoever stands inside is judged without a new sighting.
    fn at_midnight(&mut self, midnight: Timestamp, offset: Offset) -> Vec<What> {
        let mut herds = std::mem::take(&mut self.state.herds);
        let mut found = Vec::new();
        for herd in &mut herds {
            found.extend(self.decide(herd, midnight, midnight, offset, Some("already inside when the closure began")));
        }
        self.state.herds = herds;
        found
    }

    /// What was seen since a case was last told, once it may be told again. Only at a tick: an entry that tells of a case by
    /// what it says itself would otherwise tell of it twice.
    fn tell_what_was_held_back(&mut self) -> Vec<What> {
        let (now, every) = (self.state.now, self.settings.grew_every);
        let open = self.state.herds.iter_mut().filter_map(|herd| herd.case.as_mut());
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
        for herd in &mut herds {
            let stays = herd.stays.len();
            herd.stays.retain(|_, stay| !stay.has_left(now, &self.settings));
            if herd.stays.len() < stays {
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
        let (world, settings, silence) = (&self.world, &self.settings, &self.state.silence);
        self.state.herds.retain_mut(|herd| {
            let unheard = now.since(herd.last_heard);
            let keep = unheard <= unseen_after(herd, world, settings)
                || unheard <= settings.unseen_in_silence && herd.case.is_some() && nobody_looks(herd, world, silence);
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
        let mut own = self.herd_of_collar(&herds, &seen);
        if take_back_stray(&mut herds, &seen, own) {
            own = None;
        }
        let number = match join(&herds, &seen, own) {
            Some(number) => number,
            None => {
                if herds.len() >= HERDS_MAX
                    && let Some((oldest, _)) = herds.iter().enumerate().min_by_key(|(_, herd)| herd.last_heard)
                {
                    herds.swap_remove(oldest);
                    own = self.herd_of_collar(&herds, &seen);
                }
                herds.push(Herd::new(&seen));
                herds.len() - 1
            }
        };
        if seen.source == Source::Collar {
            // A collar walks with one herd only.
            if let Some(left) = own.filter(|own| *own != number).and_then(|own| herds.get_mut(own)) {
                left.collars.remove(&seen.device);
                left.stays.values_mut().for_each(|stay| stay.without(&seen.device));
            }
            self.collar_places.insert(seen.device.clone(), number);
        }
        let found = match herds.get_mut(number) {
            Some(herd) if !herd.knows(&seen) => self.grow(herd, seen),
            _ => Vec::new(),
        };
        self.state.herds = herds;
        found
    }

    /// The place of the herd that a collar walks with.
    fn herd_of_collar(&self, herds: &[Herd], seen: &Seen) -> Option<usize> {
        if seen.source != Source::Collar {
            return None;
        }
        let walks_with = |herd: &Herd| herd.collars.contains(&seen.device);
        let hint = self.collar_places.get(&seen.device).copied();
        hint.filter(|place| herds.get(*place).is_some_and(walks_with)).or_else(|| herds.iter().position(walks_with))
    }

    fn grow(&self, herd: &mut Herd, seen: Seen) -> Vec<What> {
        let mut found = Vec::new();
        // A long gap in event time ends what was, so that late data of two days is not one long stay.
        let unseen = unseen_after(herd, &self.world, &self.settings);
        if herd.stays.values().any(|stay| seen.at.since(stay.last_inside) > unseen) {
            herd.stays.retain(|_, stay| seen.at.since(stay.last_inside) <= unseen);
            let last_seen = herd.last_seen;
            found.extend(self.decide(herd, last_seen, last_seen, seen.offset, None));
        }
        let (at, offset) = (seen.at, seen.offset);
        herd.add(seen.clone());
        if weigh(&self.world, &self.settings, &mut herd.stays, &seen, Some(at)) == Sure::No {
            joint::weigh(&self.world, &self.settings, herd, &seen);
        }
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
    fn decide(
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
            return Some(What::Ended(model::Case { ended_at: Some(left_at.max(open.case.first_seen)), ..open.case }));
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
        self.state.herds.iter().filter_map(|herd| herd.case.as_ref()).map(|open| &open.case)
    }
}

/// Whether a sighting says of each zone by itself on which side of its border it was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sure {
    Yes,
    No,
}

/// What a sighting says of each zone: of those that held when it happened (`at`), or of those of now.
fn weigh(
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
    let (position, accuracy_m) = herd.centre?;
    let counts = counts(herd);
    let count = counts.iter().fold(Interval::default(), |sum, of| sum.and(of.count));
    Some(HerdView {
        id: herd.id.clone(),
        position,
        accuracy_m,
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
