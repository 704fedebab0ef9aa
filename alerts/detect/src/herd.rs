//! Joins sightings to herds.
//!
//! In: what was seen, where and when. Out: the herd it belongs to. A herd is a group of animals that could have walked
//! from where it was last seen to where it is seen now: of the same species, or so close that they graze together. A detector
//! takes a cow for a horse now and then; such a picture must not be a herd of its own.

use crate::case::Open;
use crate::fixes::WALK_MPS;
use crate::geofence::Spread;
use crate::herds::Herds;
use crate::joint::together;
use crate::place::Located;
use crate::presence::Stay;
use model::{
    AnimalMark, BoundingBox, DeviceId, Ellipse, Offset, PanTilt, Position, SnapshotId, Species, Timestamp, Trigger,
    ZoneId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Sightings kept of one herd: enough for every collar of a large herd and several cameras over the evidence window.
pub(crate) const SEEN_MAX: usize = 256;
/// Cases of one herd that are over and may yet be set right by late data.
const OVER_MAX: usize = 4;
/// Sightings of the last ten minutes say where a herd is and how many it has.
pub(crate) const CURRENT_MS: i64 = 600_000;
/// So many devices at most shape the uncertainty that the map shows, and so many sightings are looked through for them.
const SHAPED_BY: usize = 4;
const LOOKED_BACK: usize = 32;
/// A herd that was seen so often is known to be one.
const KNOWN_AFTER: usize = 3;
/// Two sightings this close may be one herd even at once: a herd is not a point.
const HERD_REACH_M: f64 = 250.0;
/// Animals of another kind this close graze with the herd, or are of it and were misread.
const TOGETHER_M: f64 = 60.0;
/// Farther than this an animal of another kind is of another herd, however poor the view.
const UNLIKE_REACH_MAX_M: f64 = 400.0;
/// However long it was not seen: farther than this it is taken for another herd.
const REACH_MAX_M: f64 = 1_500.0;

/// How an animal was noticed; the rules of evidence differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By a fixed camera.
    Camera,
    /// By a drone.
    Drone,
    /// By a person who reports it.
    Report,
    /// By the collar that it wears.
    Collar,
}

impl Source {
    /// By who looks at the herd, not by one of its animals.
    pub fn is_look(self) -> bool {
        self != Self::Collar
    }
}

/// One sighting on the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The device that saw it, or the collar itself.
    pub device: DeviceId,
    /// How.
    pub source: Source,
    /// What.
    pub species: Species,
    /// How many, young included.
    pub count: u32,
    /// How many of them young.
    pub young: u32,
    /// Where.
    pub located: Located,
    /// When it happened.
    pub at: Timestamp,
    /// When we heard of it.
    pub received_at: Timestamp,
    /// The entry that said so.
    pub offset: Offset,
    /// The same, for people.
    pub trigger: Trigger,
    /// The picture.
    pub snapshot: Option<SnapshotId>,
    /// Where in the picture, and where the head of its camera was turned to.
    pub view: Option<(BoundingBox, Option<PanTilt>)>,
    /// Which of the animals are known.
    pub animals: Vec<AnimalMark>,
}

/// A group of animals that is followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Herd {
    /// Derived from its first sighting.
    pub id: String,
    /// What was seen of it, in the order of arrival, newest last.
    pub seen: VecDeque<Seen>,
    /// The collars that walk with it.
    pub collars: BTreeSet<DeviceId>,
    /// The zones it is or may be in.
    pub stays: BTreeMap<ZoneId, Stay>,
    /// The case it makes.
    pub case: Option<Open>,
    /// Its cases that are over, by when it was last seen in them, at most a few.
    pub over: Vec<Open>,
    /// Of cases whose herd was last seen by then, some are forgotten: what is found of that time may have been told.
    pub told_until: Timestamp,
    /// By the clock it was taken to have left, as far as was known until then.
    pub settled_until: Timestamp,
    /// When we last heard of it.
    pub last_heard: Timestamp,
    /// When it was last seen, in event time.
    pub last_seen: Timestamp,
    /// Where it is, with its standard deviation in metres: derived from `newest` by [`Herd::add`].
    pub centre: Option<(Position, f64)>,
    /// What it mostly is: derived from `named` likewise.
    pub species: Species,
    /// The newest sighting of each device in the last ten minutes (event time), by device.
    pub newest: Vec<Newest>,
    /// How often each species was named in `seen`.
    pub named: BTreeMap<Species, u32>,
}

/// What a device saw last of a herd.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// Who saw it.
    pub device: DeviceId,
    /// How.
    pub source: Source,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub position: Position,
    /// How much it counts: one by its variance, in square metres.
    pub(crate) weight: f64,
}

impl Newest {
    fn of(seen: &Seen) -> Self {
        let Located { position, spread } = seen.located;
        let weight = spread.sigma_m().max(1.0).powi(-2);
        Self { device: seen.device.clone(), source: seen.source, at: seen.at, position, weight }
    }
}

impl Herd {
    /// A herd that a sighting founds; the sighting itself is still to be added.
    pub fn new(first: &Seen) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&first.offset.0.to_le_bytes()).update(first.device.as_str().as_bytes());
        let hex = hash.finalize().to_hex();
        let (last_heard, last_seen) = (first.received_at, first.at);
        Self {
            id: format!("herd-{}", hex.get(..10).unwrap_or_default()),
            seen: VecDeque::new(),
            collars: BTreeSet::new(),
            stays: BTreeMap::new(),
            case: None,
            over: Vec::new(),
            told_until: Timestamp::default(),
            settled_until: Timestamp::default(),
            last_heard,
            last_seen,
            centre: None,
            species: first.species,
            newest: Vec::new(),
            named: BTreeMap::new(),
        }
    }

    /// Adds a sighting that [`join`] found to be of this herd.
    pub fn add(&mut self, seen: Seen) {
        self.last_heard = self.last_heard.max(seen.received_at);
        self.last_seen = self.last_seen.max(seen.at);
        if seen.source == Source::Collar {
            self.collars.insert(seen.device.clone());
        }
        if self.seen.len() >= SEEN_MAX {
            self.forget_oldest();
        }
        self.note(&seen);
        self.seen.push_back(seen);
    }

    /// Brings what is derived from the sightings up to date with one more.
    fn note(&mut self, seen: &Seen) {
        if seen.species != Species::Unknown {
            *self.named.entry(seen.species).or_default() += 1;
        }
        self.species = most_often(&self.named);
        match self.newest.binary_search_by(|known| known.device.cmp(&seen.device)) {
            Ok(place) => {
                if let Some(known) = self.newest.get_mut(place).filter(|known| seen.at >= known.at) {
                    *known = Newest::of(seen);
                }
            }
            Err(place) => self.newest.insert(place, Newest::of(seen)),
        }
        let since = self.last_seen.as_millis().saturating_sub(CURRENT_MS);
        self.newest.retain(|known| known.at.as_millis() >= since);
        self.centre = self.position().or(self.centre);
    }

    /// Derives from the sightings what a state of an older version did not keep.
    pub(crate) fn derive(&mut self) {
        (self.newest, self.named) = (Vec::new(), BTreeMap::new());
        for seen in std::mem::take(&mut self.seen) {
            self.note(&seen);
            self.seen.push_back(seen);
        }
        self.stays.values_mut().for_each(|stay| stay.last_likely = stay.last_inside);
    }

    /// A case of this herd is over.
    pub fn remember(&mut self, over: Open) {
        self.over.push(over);
        self.over.sort_by_key(|over| over.case.last_seen);
        if self.over.len() > OVER_MAX {
            let forgotten = self.over.remove(0);
            self.told_until = self.told_until.max(forgotten.case.last_seen);
        }
    }

    /// The oldest by when it happened: what comes late must not push out what says where the herd is now.
    fn forget_oldest(&mut self) {
        let oldest = self.seen.iter().enumerate().min_by_key(|(_, seen)| seen.at).map(|(number, _)| number);
        let forgotten = oldest.and_then(|number| self.seen.remove(number));
        if let Some(times) = forgotten.and_then(|forgotten| self.named.get_mut(&forgotten.species)) {
            *times = times.saturating_sub(1);
        }
    }

    /// What came after an entry, in the order of arrival; all that is kept if there is none.
    pub fn news_after(&self, up_to: Option<Offset>) -> impl Iterator<Item = &Seen> {
        let known = up_to.map_or(0, |up_to| self.seen.partition_point(|seen| seen.offset <= up_to));
        self.seen.range(known..)
    }

    /// Whether this very sighting is known already: networks repeat themselves.
    pub fn knows(&self, seen: &Seen) -> bool {
        // What happened after all that is known is news, without a look at each.
        seen.at <= self.last_seen
            && self.seen.iter().rev().any(|known| {
                known.at == seen.at
                    && known.device == seen.device
                    && known.trigger.seq == seen.trigger.seq
                    && known.located.position == seen.located.position
            })
    }

    /// Whether a collar that walked with this herd still does: it is near, or it is all that we know of the herd.
    fn keeps(&self, seen: &Seen) -> bool {
        let near = |stood: Stood| stood.position.distance_m(seen.located.position) <= REACH_MAX_M;
        self.stands().is_some_and(near)
            || self.stood(seen.at).is_some_and(near)
            || self.collars.len() == 1 && self.seen.iter().all(|known| known.device == seen.device)
    }

    /// Where it is.
    fn stands(&self) -> Option<Stood> {
        self.centre.map(|(position, sigma_m)| Stood { position, sigma_m, at: self.last_seen })
    }

    /// Whether it has been seen since, and walked on.
    fn is_late(&self, at: Timestamp) -> bool {
        self.last_seen.since(at).as_millis() > CURRENT_MS as u128
    }

    /// Where it was at about a time, if that is another time than now: what comes late belongs to the herd that was there then.
    fn stood(&self, at: Timestamp) -> Option<Stood> {
        if !self.is_late(at) {
            return None;
        }
        let apart = |seen: &&Seen| seen.at.since(at).max(at.since(seen.at));
        let nearest = self.seen.iter().min_by_key(apart).filter(|seen| apart(seen) < self.last_seen.since(at))?;
        let Located { position, spread } = nearest.located;
        Some(Stood { position, sigma_m: spread.sigma_m(), at: nearest.at })
    }

    /// How far from this herd a sighting is, and whether from where it was then or only from where it is now: a clock may be
    /// minutes slow, and then the animals seen are those of now. `None` if no animal of this herd can have been there.
    fn apart(&self, seen: &Seen) -> Option<(OfWhen, f64)> {
        let of = |when: OfWhen, stood: Stood| Some((when, stood.within_reach(self.species, seen)?));
        let then = self.stood(seen.at).and_then(|stood| of(OfWhen::Then, stood));
        then.or_else(|| of(if self.is_late(seen.at) { OfWhen::Now } else { OfWhen::Then }, self.stands()?))
    }

    /// Where it is, and how uncertain that is in which direction: as the devices that saw it last err together, with the area of the
    /// uncertainty that it was weighed with.
    pub fn ellipse(&self) -> Option<(Position, f64, Ellipse)> {
        let (position, sigma_m) = self.centre?;
        let since = self.last_seen.as_millis().saturating_sub(CURRENT_MS);
        let mut latest: Vec<&Seen> = Vec::with_capacity(SHAPED_BY);
        for seen in self.seen.iter().rev().take(LOOKED_BACK).filter(|seen| seen.at.as_millis() >= since) {
            if latest.len() < SHAPED_BY && !latest.iter().any(|known| known.device == seen.device) {
                latest.push(seen);
            }
        }
        let spread = together(latest.iter().map(|seen| seen.located.spread));
        let shape = spread.map(Spread::axes).filter(|(along_m, across_m, _)| along_m.is_finite() && *across_m > 0.0);
        let Some((along_m, across_m, bearing_deg)) = shape else {
            return Some((position, sigma_m, Ellipse::round(sigma_m)));
        };
        let scale = sigma_m / (along_m * across_m).sqrt();
        Some((position, sigma_m, Ellipse { along_m: along_m * scale, across_m: across_m * scale, bearing_deg }))
    }

    /// Nothing but one collar, and nobody's case: losing it loses nothing.
    fn is_stray(&self) -> bool {
        self.case.is_none()
            && self.collars.len() == 1
            && self.seen.iter().all(|seen| self.collars.contains(&seen.device))
    }

    /// Whether it grazes where and when the sighting was.
    fn is_beside(&self, seen: &Seen) -> bool {
        let apart_ms = self.last_seen.since(seen.at).max(seen.at.since(self.last_seen)).as_millis();
        let near = |(centre, _): (Position, f64)| centre.distance_m(seen.located.position) <= HERD_REACH_M;
        apart_ms <= CURRENT_MS as u128 && alike(self.species, seen.species) && self.centre.is_some_and(near)
    }

    /// Where the herd is: the mean of the newest sightings, each weighted by how exact it is; and its standard deviation.
    fn position(&self) -> Option<(Position, f64)> {
        let origin = self.newest.first()?.position;
        let plane = origin.plane();
        let (mut weights, mut east, mut north) = (0.0, 0.0, 0.0);
        for seen in &self.newest {
            let (e, n) = plane.offset_to(seen.position);
            (weights, east, north) = (weights + seen.weight, east + seen.weight * e, north + seen.weight * n);
        }
        let (east, north) = (east / weights, north / weights);
        let square = |seen: &Newest| {
            let (e, n) = plane.offset_to(seen.position);
            (e - east).powi(2) + (n - north).powi(2)
        };
        let scatter = self.newest.iter().map(square).sum::<f64>();
        Some((origin.moved(east, north), (1.0 / weights + scatter / self.newest.len() as f64).sqrt()))
    }
}

/// The species named most often; of equals the first in the species' own order, so that the answer does not depend on chance.
fn most_often(named: &BTreeMap<Species, u32>) -> Species {
    let most = named.values().copied().max().filter(|most| *most > 0);
    most.and_then(|most| named.iter().find(|(_, times)| **times == most))
        .map_or(Species::Unknown, |(species, _)| *species)
}

/// Where a herd was at a time.
#[derive(Clone, Copy)]
struct Stood {
    position: Position,
    /// One standard deviation, metres.
    sigma_m: f64,
    at: Timestamp,
}

impl Stood {
    /// How far away a sighting is, if an animal of a herd of this species can have been there.
    fn within_reach(self, species: Species, seen: &Seen) -> Option<f64> {
        let Self { position, sigma_m, at } = self;
        let walked_m = WALK_MPS * at.since(seen.at).max(seen.at.since(at)).as_secs_f64();
        let noise_m = 3.0 * sigma_m.hypot(error_towards(position, &seen.located));
        let reach_m = if alike(species, seen.species) {
            (HERD_REACH_M + walked_m + noise_m).min(REACH_MAX_M)
        } else {
            (TOGETHER_M + walked_m + noise_m).min(UNLIKE_REACH_MAX_M)
        };
        let distance_m = position.distance_m(seen.located.position);
        (distance_m <= reach_m).then_some(distance_m)
    }
}

/// Which place of a herd a sighting was held against; that of its own time says more.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum OfWhen {
    Then,
    Now,
}

/// A collar that strayed, made a herd of its own and now grazes beside another is of that one again; else one herd would be two
/// cases from then on. Not while it makes a case itself: that case would end without the animal having left.
///
/// `own` is the place of the herd that its collar walks with; whether that herd was taken out of the list.
pub fn take_back_stray(herds: &mut Herds, seen: &Seen, own: Option<usize>) -> bool {
    let Some(own) = own.filter(|own| herds.get(*own).is_some_and(Herd::is_stray)) else { return false };
    let mut others = herds.near(seen.located.position, HERD_REACH_M).filter(|(number, _)| *number != own);
    let rejoins = others.any(|(_, herd)| herd.is_beside(seen));
    drop(others);
    if rejoins {
        herds.remove(own);
    }
    rejoins
}

/// The herd that a sighting belongs to: the one that its collar walks with (`own`), else the nearest that can have walked there. One
/// that was hardly seen yet, perhaps a bush that was taken for a sheep, takes nothing away from one that is known.
pub fn join(herds: &Herds, seen: &Seen, own: Option<usize>) -> Option<usize> {
    if own.and_then(|number| herds.get(number)).is_some_and(|herd| herd.keeps(seen)) {
        return own;
    }
    let mut nearest: Option<(usize, (bool, OfWhen, f64))> = None;
    for (number, herd) in candidates(herds, seen) {
        let Some((when, distance_m)) = herd.apart(seen) else { continue };
        let rank = (herd.seen.len() < KNOWN_AFTER, when, distance_m);
        if nearest.is_none_or(|(_, known)| rank < known) {
            nearest = Some((number, rank));
        }
    }
    nearest.map(|(number, _)| number)
}

/// The herds that a sighting may belong to, and perhaps more. What comes late may be of any, since each was elsewhere then.
fn candidates<'a>(herds: &'a Herds, seen: &Seen) -> Box<dyn Iterator<Item = (usize, &'a Herd)> + 'a> {
    // A little earlier than a herd may take it for late: its clock is not ours.
    let is_late = seen.received_at.since(seen.at).as_millis() > CURRENT_MS as u128 / 2;
    if is_late {
        Box::new(herds.list().iter().enumerate())
    } else {
        Box::new(herds.near(seen.located.position, REACH_MAX_M))
    }
}

/// One standard deviation of a place in the direction of another: a flat view errs far along and little across.
fn error_towards(other: Position, located: &Located) -> f64 {
    let (east, north) = other.offset_to(located.position);
    let square = east.mul_add(east, north * north);
    if square < 1.0 {
        return located.spread.sigma_m();
    }
    let Spread { east_m2, north_m2, east_north_m2 } = located.spread;
    ((east * east * east_m2 + 2.0 * east * north * east_north_m2 + north * north * north_m2) / square).max(0.0).sqrt()
}

/// Sheep and goats graze together and are hard to tell apart; an unnamed animal may be any.
fn alike(a: Species, b: Species) -> bool {
    let small = |species| matches!(species, Species::Sheep | Species::Goat);
    a == b || a == Species::Unknown || b == Species::Unknown || (small(a) && small(b))
}

#[cfg(test)]
#[path = "herd_tests.rs"]
mod tests;
