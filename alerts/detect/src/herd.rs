//! Joins sightings to herds.
//!
//! In: what was seen, where and when. Out: the herd it belongs to. A herd is a group of animals that could have walked
//! from where it was last seen to where it is seen now: of the same species, or so close that they graze together. A detector
//! takes a cow for a horse now and then; such a picture must not be a herd of its own.

use crate::case::Open;
use crate::fixes::WALK_MPS;
use crate::geofence::Spread;
use crate::place::Located;
use crate::presence::Stay;
use model::{
    AnimalMark, BoundingBox, DeviceId, Offset, PanTilt, Position, SnapshotId, Species, Timestamp, Trigger, ZoneId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Sightings kept of one herd: enough for every collar of a large herd and several cameras over the evidence window.
const SEEN_MAX: usize = 256;
/// Sightings of the last ten minutes say where a herd is and how many it has.
pub(crate) const CURRENT_MS: i64 = 600_000;
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
    /// By a camera, a drone or a person.
    Picture,
    /// By the collar that it wears.
    Collar,
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
    /// When we last heard of it.
    pub last_heard: Timestamp,
    /// When it was last seen, in event time.
    pub last_seen: Timestamp,
    /// Where it is, with its standard deviation in metres: derived from `seen` by [`Herd::add`].
    pub centre: Option<(Position, f64)>,
    /// What it mostly is: derived likewise.
    pub species: Species,
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
            last_heard,
            last_seen,
            centre: None,
            species: first.species,
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
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
        self.centre = self.position();
        self.species = crate::count::most_seen(self);
    }

    /// Whether this very sighting is known already: networks repeat themselves.
    pub fn knows(&self, seen: &Seen) -> bool {
        self.seen.iter().rev().any(|known| {
            known.device == seen.device
                && known.at == seen.at
                && known.trigger.seq == seen.trigger.seq
                && known.located.position == seen.located.position
        })
    }

    /// Whether a collar that walked with this herd still does: it is near, or it is all that we know of the herd.
    fn keeps(&self, seen: &Seen) -> bool {
        let near = |(centre, _): (Position, f64)| centre.distance_m(seen.located.position) <= REACH_MAX_M;
        self.collars.len() == 1 && self.seen.iter().all(|known| known.device == seen.device)
            || self.centre.is_some_and(near)
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

    /// The newest sighting of each device in the last ten minutes (event time).
    pub(crate) fn current(&self) -> BTreeMap<&DeviceId, &Seen> {
        let since = self.last_seen.as_millis().saturating_sub(CURRENT_MS);
        let mut newest: BTreeMap<&DeviceId, &Seen> = BTreeMap::new();
        for seen in self.seen.iter().filter(|seen| seen.at.as_millis() >= since) {
            let known = newest.entry(&seen.device).or_insert(seen);
            if seen.at >= known.at {
                *known = seen;
            }
        }
        newest
    }

    /// Where the herd is: the mean of the current sightings, each weighted by how exact it is; and its standard deviation.
    fn position(&self) -> Option<(Position, f64)> {
        let current = self.current();
        let origin = current.values().next()?.located.position;
        let (mut weights, mut east, mut north) = (0.0, 0.0, 0.0);
        for seen in current.values() {
            let weight = seen.located.spread.sigma_m().max(1.0).powi(-2);
            let (e, n) = origin.offset_to(seen.located.position);
            (weights, east, north) = (weights + weight, east + weight * e, north + weight * n);
        }
        let centre = origin.moved(east / weights, north / weights);
        let scatter = current.values().map(|seen| centre.distance_m(seen.located.position).powi(2)).sum::<f64>();
        Some((centre, (1.0 / weights + scatter / current.len() as f64).sqrt()))
    }
}

/// A collar that strayed, made a herd of its own and now grazes beside another is of that one again; else one herd would be two
/// cases from then on. Not while it makes a case itself: that case would end without the animal having left.
///
/// `own` is the place of the herd that its collar walks with; whether that herd was taken out of the list.
pub fn take_back_stray(herds: &mut Vec<Herd>, seen: &Seen, own: Option<usize>) -> bool {
    let Some(own) = own.filter(|own| herds.get(*own).is_some_and(Herd::is_stray)) else { return false };
    let rejoins = herds.iter().enumerate().any(|(number, herd)| number != own && herd.is_beside(seen));
    if rejoins {
        herds.remove(own);
    }
    rejoins
}

/// The herd that a sighting belongs to: the one that its collar walks with (`own`), else the nearest that can have walked there. One
/// that was hardly seen yet, perhaps a bush that was taken for a sheep, takes nothing away from one that is known.
pub fn join(herds: &[Herd], seen: &Seen, own: Option<usize>) -> Option<usize> {
    if own.and_then(|number| herds.get(number)).is_some_and(|herd| herd.keeps(seen)) {
        return own;
    }
    let mut nearest: Option<(usize, (bool, f64))> = None;
    for (number, herd) in herds.iter().enumerate() {
        let Some((position, sigma_m)) = herd.centre else { continue };
        let walked_s = herd.last_seen.since(seen.at).max(seen.at.since(herd.last_seen)).as_secs_f64();
        let noise_m = 3.0 * sigma_m.hypot(error_towards(position, &seen.located));
        let reach_m = if alike(herd.species, seen.species) {
            (HERD_REACH_M + WALK_MPS * walked_s + noise_m).min(REACH_MAX_M)
        } else {
            (TOGETHER_M + WALK_MPS * walked_s + noise_m).min(UNLIKE_REACH_MAX_M)
        };
        let distance_m = position.distance_m(seen.located.position);
        let rank = (herd.seen.len() < KNOWN_AFTER, distance_m);
        if distance_m <= reach_m && nearest.is_none_or(|(_, known)| rank < known) {
            nearest = Some((number, rank));
        }
    }
    nearest.map(|(number, _)| number)
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
