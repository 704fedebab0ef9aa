//! The engine's state as bytes: a version, then every field in order. Written and read here only, so that the nouns stay
//! free of wire formats. States of versions 2 and 3 are read as well; what any other version wrote is refused, and detection begins
//! with an empty one.

use crate::case::Open;
use crate::engine::State;
use crate::fixes::Trail;
use crate::geofence::Spread;
use crate::herd::{Herd, Seen, Source};
use crate::place::{Flight, Located, Sample};
use crate::presence::Stay;
use crate::silence::{Heard, Silence};
use model::{
    Authority, Case, CaseZone, Closure, ClosureLevel, DeviceId, Gimbal, IncidentId, Interval, Offset, PanTilt,
    Position, ReadingKind, SnapshotId, Species, SpeciesCount, Timestamp, TownshipCode, Trigger, ZoneId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Grows with every change of a saved type.
const VERSION: u32 = 4;
/// Did not know when a stay was last likely.
const VERSION_BEFORE: u32 = 3;
/// Knew of each drone its last place only, without the time; where it is now its next track says.
const VERSION_OF_LAST_PLACES: u32 = 2;
/// No list of ours is longer; a longer one is a damaged file.
const LENGTH_MAX: u32 = 10_000_000;

/// The bytes are not a state of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("saved detection state is damaged or of another version; herds are known again as they are seen")]
pub struct BadState;

pub(crate) fn write(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    VERSION.put(&mut bytes);
    state.put(&mut bytes);
    bytes
}

pub(crate) fn read(mut bytes: &[u8]) -> Result<State, BadState> {
    let bytes = &mut bytes;
    let state = match u32::get(bytes)? {
        VERSION => State::get(bytes)?,
        VERSION_BEFORE => StateBefore::get(bytes)?.into(),
        VERSION_OF_LAST_PLACES => StateOfLastPlaces::get(bytes)?.into(),
        _ => return Err(BadState),
    };
    if bytes.is_empty() { Ok(state) } else { Err(BadState) }
}

/// The state as version 3 wrote it.
struct StateBefore {
    now: Timestamp,
    day_ends: Option<Timestamp>,
    herds: Vec<HerdBefore>,
    trails: BTreeMap<DeviceId, Trail>,
    heads: BTreeMap<DeviceId, PanTilt>,
    flights: BTreeMap<DeviceId, Flight>,
    silence: Silence,
}

impl From<StateBefore> for State {
    fn from(old: StateBefore) -> Self {
        let StateBefore { now, day_ends, herds, trails, heads, flights, silence } = old;
        Self { now, day_ends, herds: herds.into_iter().map(Herd::from).collect(), trails, heads, flights, silence }
    }
}

/// A herd as versions 2 and 3 wrote it.
struct HerdBefore {
    id: String,
    seen: VecDeque<Seen>,
    collars: BTreeSet<DeviceId>,
    stays: BTreeMap<ZoneId, StayBefore>,
    case: Option<Open>,
    last_heard: Timestamp,
    last_seen: Timestamp,
    centre: Option<(Position, f64)>,
    species: Species,
}

impl From<HerdBefore> for Herd {
    fn from(old: HerdBefore) -> Self {
        let HerdBefore { id, seen, collars, stays, case, last_heard, last_seen, centre, species } = old;
        let stays = stays.into_iter().map(|(zone, stay)| (zone, stay.into())).collect();
        Self { id, seen, collars, stays, case, last_heard, last_seen, centre, species }
    }
}

/// A stay as versions 2 and 3 wrote it.
struct StayBefore {
    since: Timestamp,
    last_inside: Timestamp,
    sightings: u32,
    probability: f64,
    established: String,
    pictures: VecDeque<Timestamp>,
    collars: BTreeMap<DeviceId, Timestamp>,
    outside_in_a_row: u32,
}

impl From<StayBefore> for Stay {
    fn from(old: StayBefore) -> Self {
        let StayBefore { since, last_inside, sightings, probability, established, pictures, collars, outside_in_a_row } =
            old;
        let last_likely = last_inside;
        Self {
            since,
            last_inside,
            last_likely,
            sightings,
            probability,
            established,
            pictures,
            collars,
            outside_in_a_row,
        }
    }
}

/// The state as version 2 wrote it.
struct StateOfLastPlaces {
    now: Timestamp,
    day_ends: Option<Timestamp>,
    herds: Vec<HerdBefore>,
    trails: BTreeMap<DeviceId, Trail>,
    heads: BTreeMap<DeviceId, PanTilt>,
    flights: BTreeMap<DeviceId, (Position, f64, Gimbal)>,
    silence: BTreeMap<DeviceId, HeardOfLastPlaces>,
}

/// What version 2 knew of a device's life.
struct HeardOfLastPlaces {
    last: Timestamp,
    counted_from: Timestamp,
    silent_since: Option<Timestamp>,
}

impl From<StateOfLastPlaces> for State {
    fn from(old: StateOfLastPlaces) -> Self {
        let StateOfLastPlaces { now, day_ends, herds, trails, heads, flights: _, silence } = old;
        let heard = |HeardOfLastPlaces { last, counted_from, silent_since }| Heard {
            last,
            counted_from,
            silent_since,
            // By its own clock; as far as was known then, that was right.
            told_of: last,
        };
        let herds = herds.into_iter().map(Herd::from).collect();
        let devices = silence.into_iter().map(|(device, old)| (device, heard(old))).collect();
        Self { now, day_ends, herds, trails, heads, flights: BTreeMap::new(), silence: Silence { devices } }
    }
}

type Read<T> = Result<T, BadState>;

trait Saved: Sized {
    fn put(&self, into: &mut Vec<u8>);
    fn get(from: &mut &[u8]) -> Read<Self>;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }
            fn get(from: &mut &[u8]) -> Read<Self> {
                let (head, rest) = from.split_first_chunk().ok_or(BadState)?;
                *from = rest;
                Ok(Self::from_le_bytes(*head))
            }
        }
    )*};
}
numbers!(u8, u32, u64, i64, f64);

macro_rules! fields {
    ($($type:ty { $($field:ident),* })*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                $(self.$field.put(into);)*
            }
            fn get(from: &mut &[u8]) -> Read<Self> {
                $(let $field = Saved::get(from)?;)*
                Ok(Self { $($field),* })
            }
        }
    )*};
}
fields! {
    State { now, day_ends, herds, trails, heads, flights, silence }
    StateBefore { now, day_ends, herds, trails, heads, flights, silence }
    HerdBefore { id, seen, collars, stays, case, last_heard, last_seen, centre, species }
    StayBefore { since, last_inside, sightings, probability, established, pictures, collars, outside_in_a_row }
    StateOfLastPlaces { now, day_ends, herds, trails, heads, flights, silence }
    Flight { samples, took_off }
    Sample { at, position, height_m, alt_m, gimbal, accuracy_m }
    Herd { id, seen, collars, stays, case, last_heard, last_seen, centre, species }
    Seen { device, source, species, count, young, located, at, received_at, offset, trigger, snapshot }
    Stay { since, last_inside, last_likely, sightings, probability, established, pictures, collars, outside_in_a_row }
    Located { position, spread }
    Spread { east_m2, north_m2, east_north_m2 }
    Open { case, told_at, held_back }
    Case {
        id, late, zones, township, authority, closure, first_seen, last_seen, ended_at, position, accuracy_m, probability,
        sightings_count, species, sheep_units, devices, snapshots, trigger, evidence
    }
    CaseZone { id, name, version }
    Closure { level, rule, legal_basis, until, fine_yuan_per_sheep_unit }
    SpeciesCount { species, count, young }
    Interval { low, high }
    Trigger { device, kind, seq, ts }
    Trail { believed, doubted }
    PanTilt { pan_deg, tilt_deg, zoom }
    Gimbal { pitch_deg, yaw_deg, roll_deg }
    Silence { devices }
    Heard { last, counted_from, silent_since, told_of }
    HeardOfLastPlaces { last, counted_from, silent_since }
}

macro_rules! names {
    ($($type:ty),*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                self.as_str().to_owned().put(into);
            }
            fn get(from: &mut &[u8]) -> Read<Self> {
                Self::parse(&String::get(from)?).map_err(|_| BadState)
            }
        }
    )*};
}
names!(DeviceId, ZoneId, IncidentId, TownshipCode, SnapshotId);

/// Words with a fixed list: saved as the word, so that a reordered list does no harm.
macro_rules! words {
    ($($type:ty: $all:expr, $word:expr;)*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                let word: fn($type) -> &'static str = $word;
                word(*self).to_owned().put(into);
            }
            fn get(from: &mut &[u8]) -> Read<Self> {
                let word: fn($type) -> &'static str = $word;
                let found = String::get(from)?;
                $all.into_iter().find(|one| word(*one) == found).ok_or(BadState)
            }
        }
    )*};
}
words! {
    Species: Species::ALL, Species::as_str;
    ClosureLevel: [ClosureLevel::None, ClosureLevel::Warn, ClosureLevel::Enforce], ClosureLevel::as_str;
    Authority: [
        Authority::Township, Authority::ForestryBureau, Authority::ForestrySquadron, Authority::ReserveStation,
    ], Authority::as_str;
    ReadingKind: [
        ReadingKind::Heartbeat, ReadingKind::Track, ReadingKind::Reading, ReadingKind::Sighting, ReadingKind::Snapshot,
        ReadingKind::Report, ReadingKind::DjiOsd, ReadingKind::Modbus, ReadingKind::Clock,
    ], ReadingKind::as_str;
    Source: [Source::Camera, Source::Drone, Source::Report, Source::Collar], |source| match source {
        // The word of the versions that did not tell who looked.
        Source::Camera => "picture",
        Source::Drone => "drone",
        Source::Report => "report",
        Source::Collar => "collar",
    };
}

impl Saved for bool {
    fn put(&self, into: &mut Vec<u8>) {
        u8::from(*self).put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Ok(u8::get(from)? != 0)
    }
}

impl Saved for Timestamp {
    fn put(&self, into: &mut Vec<u8>) {
        self.as_millis().put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        i64::get(from).map(Self::from_millis)
    }
}

impl Saved for Offset {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        u64::get(from).map(Self)
    }
}

impl Saved for Position {
    fn put(&self, into: &mut Vec<u8>) {
        self.lat_deg().put(into);
        self.lon_deg().put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Self::parse(f64::get(from)?, f64::get(from)?).map_err(|_| BadState)
    }
}

fn length(from: &mut &[u8]) -> Read<u32> {
    u32::get(from).and_then(|length| if length <= LENGTH_MAX { Ok(length) } else { Err(BadState) })
}

fn put_length(length: usize, into: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).put(into);
}

impl Saved for String {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        into.extend_from_slice(self.as_bytes());
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        let length = length(from)? as usize;
        let (text, rest) = from.split_at_checked(length).ok_or(BadState)?;
        *from = rest;
        Self::from_utf8(text.to_vec()).map_err(|_| BadState)
    }
}

impl<T: Saved> Saved for Option<T> {
    fn put(&self, into: &mut Vec<u8>) {
        self.is_some().put(into);
        if let Some(value) = self {
            value.put(into);
        }
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Ok(if bool::get(from)? { Some(T::get(from)?) } else { None })
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        (0..length(from)?).map(|_| T::get(from)).collect()
    }
}

impl<T: Saved> Saved for VecDeque<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Vec::get(from).map(Self::from)
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        (0..length(from)?).map(|_| T::get(from)).collect()
    }
}

impl<K: Saved + Ord, V: Saved> Saved for BTreeMap<K, V> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        for (key, value) in self {
            key.put(into);
            value.put(into);
        }
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        (0..length(from)?).map(|_| Ok((K::get(from)?, V::get(from)?))).collect()
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
        self.1.put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

impl<A: Saved, B: Saved, C: Saved> Saved for (A, B, C) {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
        self.1.put(into);
        self.2.put(into);
    }
    fn get(from: &mut &[u8]) -> Read<Self> {
        Ok((A::get(from)?, B::get(from)?, C::get(from)?))
    }
}
