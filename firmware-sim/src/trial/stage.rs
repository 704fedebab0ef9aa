//! Where a trial is made: herds walk, devices look at them, messages go their way.
//!
//! In:  land, herds, devices.   Out: a [`Trial`].   The devices themselves are in `mast`, `drone` and `collar`.

use super::land::Land;
use super::mast::Mast;
use super::walk::Flock;
use super::way::{Road, Way};
use super::{Said, Trial, walk};
use crate::ground::{self, LatLon, Spot};
use crate::rng::Rng;
use crate::scenario::SimDevice;
use crate::score::{By, HerdTruth, Sight, Stand, Truth};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The truth is written down this often.
const TRUTH_MS: usize = 10_000;

/// A trial in the making.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) land: Land,
    pub(super) flocks: Vec<Flock>,
    /// They look only when all herds are there.
    pub(super) masts: Vec<Mast>,
    devices: Vec<SimDevice>,
    said: Vec<Said>,
    seen: Vec<Sight>,
    clock_error_ms: i64,
}

/// What a message tells of, for the truth.
pub(super) struct About {
    pub(super) flock: usize,
    pub(super) place: Spot,
    pub(super) by: By,
}

/// A device that speaks.
pub(super) struct Voice {
    device: Arc<str>,
    road: Road,
    seq: u64,
    rng: Rng,
}

impl Stage {
    pub(super) fn new(name: &'static str, seed: u64, from_ms: i64, hours: i64, land: Land) -> Self {
        let (flocks, devices, said, seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let to_ms = from_ms + hours * 3_600_000;
        Self { name, seed, from_ms, to_ms, land, flocks, masts: Vec::new(), devices, said, seen, clock_error_ms: 0 }
    }

    /// Chance of its own for a part of the trial.
    pub(super) fn chance(&self, part: &str) -> Rng {
        rng(self.name, self.seed, part)
    }

    /// Registers a device and gives it a voice.
    pub(super) fn register(&mut self, device: SimDevice, way: Way) -> Voice {
        self.clock_error_ms = self.clock_error_ms.max(way.skew_ms.abs());
        let voice = Voice {
            device: Arc::from(device.id.as_str()),
            road: Road::new(way),
            seq: 0,
            rng: self.chance(&format!("{}/way", device.id)),
        };
        self.devices.push(device);
        voice
    }

    /// A place in degrees, as devices write it.
    pub(super) fn degrees(&self, spot: Spot) -> LatLon {
        let place = self.land.plane.degrees(spot);
        LatLon { lat: ground::round_deg(place.lat), lon: ground::round_deg(place.lon) }
    }

    /// Says something; the truth learns of it.
    pub(super) fn say(
        &mut self,
        voice: &mut Voice,
        kind: &'static str,
        at_ms: i64,
        mut fields: Map<String, Value>,
        about: Option<About>,
    ) {
        voice.seq += 1;
        fields.insert("ts".to_owned(), voice.road.own_ms(at_ms).into());
        fields.insert("seq".to_owned(), voice.seq.into());
        let arrivals = voice.road.arrivals(at_ms, &mut voice.rng);
        let payload = bytes::Bytes::from(Value::Object(fields).to_string());
        let place = about.as_ref().map(|about| self.land.plane.degrees(about.place));
        self.said.extend(arrivals.iter().map(|arrived_ms| Said {
            arrived_ms: *arrived_ms,
            device: voice.device.clone(),
            kind,
            payload: payload.clone(),
            happened_ms: at_ms,
            place,
        }));
        let herd = about.as_ref().and_then(|about| self.flocks.get(about.flock)).map(|flock| flock.id.clone());
        let (Some(about), Some(herd)) = (about, herd) else { return };
        self.seen.push(Sight {
            at_ms,
            arrived_ms: arrivals.first().copied(),
            device: voice.device.to_string(),
            herd,
            by: about.by,
            inside: self.land.is_closed(about.place, at_ms),
        });
    }

    /// What came of it.
    pub(super) fn end(mut self) -> Trial {
        self.said.retain(|said| said.arrived_ms < self.to_ms);
        self.said.sort_by_key(|said| said.arrived_ms);
        let herds = self.flocks.iter().map(|flock| self.truth_of(flock)).collect();
        // What was still on the way at the end did not arrive.
        for sight in &mut self.seen {
            sight.arrived_ms = sight.arrived_ms.filter(|arrived_ms| *arrived_ms < self.to_ms);
        }
        let truth = Truth { herds, seen: self.seen, clock_error_ms: self.clock_error_ms };
        let Self { name, seed, from_ms, to_ms, land, devices, said, .. } = self;
        Trial { name, seed, from_ms, to_ms, land, devices, said, truth }
    }

    fn truth_of(&self, flock: &Flock) -> HerdTruth {
        let stand = |at_ms: i64| {
            let middle = flock.middle(at_ms);
            let closed = self.land.is_closed(middle, at_ms);
            let touched =
                closed || (0..walk::ANIMALS).any(|number| self.land.is_closed(flock.animal(number, at_ms), at_ms));
            Stand { at_ms, place: self.land.plane.degrees(middle), closed, touched }
        };
        HerdTruth {
            id: flock.id.clone(),
            sheep_units: flock.sheep_units(),
            radius_m: flock.radius_m,
            path: (self.from_ms..self.to_ms).step_by(TRUTH_MS).map(stand).collect(),
        }
    }
}

fn rng(name: &str, seed: u64, part: &str) -> Rng {
    Rng::new(seed, &format!("{name}/{part}"))
}
