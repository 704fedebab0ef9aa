//! The engine's state as bytes: a version, then every field in order. Written and read here only, so that the nouns stay
//! free of wire formats. States of the two versions before are read as well; what any other version wrote is refused, and detection begins
//! with an empty one.

use crate::case::Open;
use crate::engine::State;
use crate::fixes::Trail;
use crate::geofence::Spread;
use crate::herd::{Herd, Newest, Seen, Source};
use crate::herds::Herds;
use crate::overload::{Loads, Over};
use crate::place::{Flight, Located, Sample};
use crate::presence::Stay;
use model::{
    AnimalId, AnimalMark, Authority, BoundingBox, Case, CasePicture, CaseTrack, CaseZone, Closure, ClosureLevel,
    DeviceId, Exhibits, Gimbal, IncidentId, Interval, MarkKind, Offset, PanTilt, Position, ReadingKind, SeenArea,
    SnapshotId, Species, SpeciesCount, Timestamp, TownshipCode, Trigger, ZoneId,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Grows with every change of a saved type. A field that came with one is given with `since` and what it was before.
const VERSION: u32 = 5;
/// The oldest version that is still read.
const VERSION_OLDEST: u32 = 3;
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

pub(crate) fn read(bytes: &[u8]) -> Result<State, BadState> {
    let mut from = From { rest: bytes, version: VERSION };
    from.version = u32::get(&mut from)?;
    if !(VERSION_OLDEST..=VERSION).contains(&from.version) {
        return Err(BadState);
    }
    let mut state = State::get(&mut from)?;
    if from.version < 4 {
        state.herds.iter_mut().for_each(Herd::derive);
    }
    if from.version < 5 {
        crate::fleet::complete_old(&mut state.fleet);
    }
    if from.rest.is_empty() { Ok(state) } else { Err(BadState) }
}

/// What is still to be read, and which version wrote it.
struct From<'a> {
    rest: &'a [u8],
    version: u32,
}

type Read<T> = Result<T, BadState>;

trait Saved: Sized {
    fn put(&self, into: &mut Vec<u8>);
    fn get(from: &mut From<'_>) -> Read<Self>;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.to_le_bytes());
            }
            fn get(from: &mut From<'_>) -> Read<Self> {
                let (head, rest) = from.rest.split_first_chunk().ok_or(BadState)?;
                from.rest = rest;
                Ok(Self::from_le_bytes(*head))
            }
        }
    )*};
}
numbers!(u8, u32, u64, i64, f64);

macro_rules! fields {
    ($($type:ty { $($field:ident $(since $version:literal or $before:ident)?),* })*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                $(self.$field.put(into);)*
            }
            fn get(from: &mut From<'_>) -> Read<Self> {
                $(let $field = fields!(from $(, $version, $before)?);)*
                Ok(Self { $($field),* })
            }
        }
    )*};
    ($from:ident) => { Saved::get($from)? };
    ($from:ident, $version:literal, $before:ident) => {
        if $from.version < $version { $before($from)? } else { Saved::get($from)? }
    };
}

mod watched;
pub(crate) use watched::{read_coverage, write_coverage};

fields! {
    State { now, day_ends, herds, trails, heads, flights, fleet, loads since 4 or nothing, stations since 5 or nothing }
    Loads { over, looked_at }
    Over { since, within_since, told }
    Flight { samples, took_off }
    Sample { at, position, height_m, alt_m, gimbal, accuracy_m }
    Herd {
        id, seen, collars, stays, case, over since 4 or nothing, told_until since 4 or nothing,
        settled_until since 4 or nothing, last_heard, last_seen, centre, species,
        newest since 4 or nothing, named since 4 or nothing
    }
    Newest { device, source, at, position, weight }
    Seen {
        device, source, species, count, young, located, at, received_at, offset, trigger, snapshot,
        view since 4 or nothing, animals since 4 or nothing
    }
    Stay {
        since, last_inside, last_likely since 4 or nothing, sightings, probability, established, pictures, collars,
        outside_in_a_row
    }
    Located { position, spread }
    Spread { east_m2, north_m2, east_north_m2 }
    Open { case, told_at, held_back }
    Case {
        id, late, zones, township, authority, closure, first_seen, last_seen, ended_at, position, accuracy_m, probability,
        sightings_count, species, sheep_units, devices,
        exhibits since 4 or snapshots, apart_m since 4 or nothing, trigger, evidence
    }
    CaseZone { id, name, version }
    Exhibits { pictures, areas, tracks, animals, up_to }
    CasePicture { snapshot, device, at, boxes }
    SeenArea { device, bounding_box, head, times }
    CaseTrack { device, from, to, fixes, entries }
    BoundingBox { x, y, w, h }
    AnimalMark { kind, id }
    Closure { level, rule, legal_basis, until, fine_yuan_per_sheep_unit }
    SpeciesCount { species, count, young }
    Interval { low, high }
    Trigger { device, kind, seq, ts }
    PanTilt { pan_deg, tilt_deg, zoom }
    Gimbal { pitch_deg, yaw_deg, roll_deg }
}

/// A version before did not know of it.
fn nothing<T: Default>(_: &mut From<'_>) -> Read<T> {
    Ok(T::default())
}

/// Version 3 knew of a case's pictures only which they were.
fn snapshots(from: &mut From<'_>) -> Read<Exhibits> {
    let snapshots: Vec<(SnapshotId, DeviceId, Timestamp)> = Saved::get(from)?;
    let picture = |(snapshot, device, at)| CasePicture { snapshot, device, at, boxes: Vec::new() };
    Ok(Exhibits { pictures: snapshots.into_iter().map(picture).collect(), ..Exhibits::default() })
}

macro_rules! names {
    ($($type:ty),*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                put_text(self.as_str(), into);
            }
            fn get(from: &mut From<'_>) -> Read<Self> {
                Self::parse(&String::get(from)?).map_err(|_| BadState)
            }
        }
    )*};
}
names!(AnimalId, DeviceId, ZoneId, IncidentId, TownshipCode, SnapshotId);

/// Words with a fixed list: saved as the word, so that a reordered list does no harm.
macro_rules! words {
    ($($type:ty: $all:expr, $word:expr;)*) => {$(
        impl Saved for $type {
            fn put(&self, into: &mut Vec<u8>) {
                let word: fn($type) -> &'static str = $word;
                $crate::saved::put_text(word(*self), into);
            }
            fn get(from: &mut From<'_>) -> Read<Self> {
                let word: fn($type) -> &'static str = $word;
                let found = String::get(from)?;
                $all.into_iter().find(|one| word(*one) == found).ok_or(BadState)
            }
        }
    )*};
}
words! {
    Species: Species::ALL, Species::as_str;
    MarkKind: MarkKind::ALL, MarkKind::as_str;
    ClosureLevel: [ClosureLevel::None, ClosureLevel::Warn, ClosureLevel::Enforce], ClosureLevel::as_str;
    Authority: [
        Authority::Township, Authority::ForestryBureau, Authority::ForestrySquadron, Authority::ReserveStation,
    ], Authority::as_str;
    ReadingKind: [
        ReadingKind::Heartbeat, ReadingKind::Track, ReadingKind::Reading, ReadingKind::Sighting, ReadingKind::Snapshot,
        ReadingKind::Report, ReadingKind::Fire, ReadingKind::DjiOsd, ReadingKind::Modbus, ReadingKind::Clock,
    ], ReadingKind::as_str;
    Source: [Source::Camera, Source::Drone, Source::Report, Source::Collar], |source| match source {
        // The word of the versions that did not tell who looked.
        Source::Camera => "picture",
        Source::Drone => "drone",
        Source::Report => "report",
        Source::Collar => "collar",
    };
}

mod stations;
// Behind the macros that it uses.
mod fleet;

impl Saved for Herds {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.list().iter().for_each(|herd| herd.put(into));
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Vec::get(from).map(|list: Vec<Herd>| list.into())
    }
}

impl Saved for Trail {
    fn put(&self, into: &mut Vec<u8>) {
        self.believed.put(into);
        self.doubted.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        // Version 3 knew the last believed fix only.
        let believed = if from.version < 4 { VecDeque::from([Saved::get(from)?]) } else { Saved::get(from)? };
        Ok(Self { believed, doubted: Saved::get(from)? })
    }
}

impl Saved for bool {
    fn put(&self, into: &mut Vec<u8>) {
        u8::from(*self).put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok(u8::get(from)? != 0)
    }
}

impl Saved for Timestamp {
    fn put(&self, into: &mut Vec<u8>) {
        self.as_millis().put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        i64::get(from).map(Self::from_millis)
    }
}

impl Saved for Offset {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        u64::get(from).map(Self)
    }
}

impl Saved for Position {
    fn put(&self, into: &mut Vec<u8>) {
        self.lat_deg().put(into);
        self.lon_deg().put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Self::parse(f64::get(from)?, f64::get(from)?).map_err(|_| BadState)
    }
}

fn length(from: &mut From<'_>) -> Read<u32> {
    u32::get(from).and_then(|length| if length <= LENGTH_MAX { Ok(length) } else { Err(BadState) })
}

fn put_length(length: usize, into: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).put(into);
}

pub(crate) fn put_text(text: &str, into: &mut Vec<u8>) {
    put_length(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

impl Saved for String {
    fn put(&self, into: &mut Vec<u8>) {
        put_text(self, into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        let length = length(from)? as usize;
        let (text, rest) = from.rest.split_at_checked(length).ok_or(BadState)?;
        from.rest = rest;
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
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok(if bool::get(from)? { Some(T::get(from)?) } else { None })
    }
}

impl<T: Saved> Saved for Vec<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        (0..length(from)?).map(|_| T::get(from)).collect()
    }
}

impl<T: Saved> Saved for VecDeque<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Vec::get(from).map(Self::from)
    }
}

impl<T: Saved + Ord> Saved for BTreeSet<T> {
    fn put(&self, into: &mut Vec<u8>) {
        put_length(self.len(), into);
        self.iter().for_each(|item| item.put(into));
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
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
    fn get(from: &mut From<'_>) -> Read<Self> {
        (0..length(from)?).map(|_| Ok((K::get(from)?, V::get(from)?))).collect()
    }
}

/// Written in the order of the keys, so that equal states are equal bytes.
impl<V: Saved> Saved for HashMap<DeviceId, V> {
    fn put(&self, into: &mut Vec<u8>) {
        let mut sorted: Vec<(&DeviceId, &V)> = self.iter().collect();
        sorted.sort_by_key(|(device, _)| *device);
        put_length(sorted.len(), into);
        for (device, value) in sorted {
            device.put(into);
            value.put(into);
        }
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        (0..length(from)?).map(|_| Ok((DeviceId::get(from)?, V::get(from)?))).collect()
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
        self.1.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

impl<A: Saved, B: Saved, C: Saved> Saved for (A, B, C) {
    fn put(&self, into: &mut Vec<u8>) {
        self.0.put(into);
        self.1.put(into);
        self.2.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok((A::get(from)?, B::get(from)?, C::get(from)?))
    }
}
