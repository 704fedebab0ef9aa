//! What is known of watched land besides its cells, as bytes. A version of its own, since it is kept in a file of its own.

use super::{BadState, From, Read, Saved};
use crate::coverage::{Blind, BlindZone, Cameras, Movers, Open, Patrols};
use crate::coverage::{Camera, Drone, Group, State};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Grows with every change of a saved type.
const VERSION: u32 = 1;

pub(crate) fn write_coverage(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    VERSION.put(&mut bytes);
    state.put(&mut bytes);
    bytes
}

pub(crate) fn read_coverage(bytes: &[u8]) -> Result<State, BadState> {
    let mut from = From { rest: bytes, version: super::VERSION };
    if u32::get(&mut from)? != VERSION {
        return Err(BadState);
    }
    let state = State::get(&mut from)?;
    if from.rest.is_empty() { Ok(state) } else { Err(BadState) }
}

fields! {
    State { cameras, movers, patrols, blind }
    Camera { head, broken, flaws, heard_s }
    Movers { drones }
    Drone { took_off, has_gimbal }
    Open {
        is_drone, flight_id, start, last, heard, moved_at, distance_m, anchor, sample, line, line_step_m, points
    }
    Blind { zones, groups, next_look, not_before, now }
    BlindZone { closed_since, since, in_group, about }
    Group { township, since, zones, told, limit }
}

impl Saved for Cameras {
    fn put(&self, into: &mut Vec<u8>) {
        self.states.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Saved::get(from).map(Self::of)
    }
}

/// Those that ended are taken out before anything is kept.
impl Saved for Patrols {
    fn put(&self, into: &mut Vec<u8>) {
        self.open.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        Ok(Self { open: Saved::get(from)?, ended: Vec::new() })
    }
}

impl Saved for Duration {
    fn put(&self, into: &mut Vec<u8>) {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX).put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        u64::get(from).map(Self::from_millis)
    }
}

impl Saved for HashMap<i64, u16> {
    fn put(&self, into: &mut Vec<u8>) {
        let sorted: BTreeMap<i64, u32> = self.iter().map(|(key, mask)| (*key, u32::from(*mask))).collect();
        sorted.put(into);
    }
    fn get(from: &mut From<'_>) -> Read<Self> {
        let sorted: BTreeMap<i64, u32> = Saved::get(from)?;
        Ok(sorted.into_iter().map(|(key, mask)| (key, mask as u16)).collect())
    }
}
