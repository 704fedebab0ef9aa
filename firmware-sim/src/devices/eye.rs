//! What a camera's own software makes of a herd: mostly right, sometimes the wrong species, never the exact number.
//!
//! In:  the herd as it is, and how far away.   Out: the fields of a `sighting` but for the place.

use super::message::{fields, rounded};
use crate::rng::Rng;
use crate::scenario::HerdPlan;
use crate::world::SimTime;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A herd that was out of the picture for this long gets a new track id.
const TRACK_LOST_MS: u64 = 60_000;
/// Share of sightings with another species.
const MISREAD: f64 = 0.04;
/// Share of sightings with no species at all.
const UNNAMED: f64 = 0.03;

/// A herd in the picture, followed by the device.
#[derive(Debug, Clone, Copy)]
struct Track {
    number: u64,
    seen: SimTime,
}

/// The recognising part of one device.
#[derive(Debug, Clone)]
pub struct Eye {
    rng: Rng,
    tracks: BTreeMap<usize, Track>,
    last_number: u64,
}

impl Eye {
    /// An eye that has seen nothing yet.
    pub fn new(seed: u64, device: &str) -> Self {
        Self { rng: Rng::new(seed, &format!("{device}/eye")), tracks: BTreeMap::new(), last_number: 0 }
    }

    /// Chance, for the device around the eye.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Whether it notices a herd at all; the farther, the less often.
    pub fn notices(&mut self, range_m: f64) -> bool {
        self.rng.chance((0.98 - (range_m - 300.0).max(0.0) / 2_000.0).clamp(0.4, 0.98))
    }

    /// Number of the track that a herd belongs to, and whether it is new.
    pub fn follow(&mut self, herd: usize, now: SimTime) -> (u64, bool) {
        let known = self.tracks.get(&herd).filter(|track| now.0.saturating_sub(track.seen.0) < TRACK_LOST_MS).copied();
        let number = known.map_or(self.last_number + 1, |track| track.number);
        self.last_number = self.last_number.max(number);
        self.tracks.insert(herd, Track { number, seen: now });
        (number, known.is_none())
    }

    /// The fields of a sighting that do not tell a place.
    pub fn sighting(&mut self, herd: &HerdPlan, range_m: f64, track: u64) -> Map<String, Value> {
        let species = self.species(herd.species);
        // Animals hide behind each other; the more, the farther away the camera is.
        let visible = self.rng.normal(1.0 - range_m / 6_000.0, 0.05).clamp(0.5, 1.05);
        let count = (f64::from(herd.count) * visible).round().max(1.0);
        let young = (f64::from(herd.young) * visible * self.rng.between(0.8, 1.1)).round().min(count - 1.0).max(0.0);
        let confidence = self.rng.normal(0.9 - range_m / 4_000.0, 0.05).clamp(0.3, 0.99);
        fields([
            ("species", species.into()),
            ("count", (count as u64).into()),
            ("young", (young as u64).into()),
            ("confidence", rounded(confidence, 2)),
            ("track_id", format!("t{track}").into()),
        ])
    }

    fn species(&mut self, truth: &'static str) -> &'static str {
        if self.rng.chance(UNNAMED) {
            return "unknown";
        }
        if !self.rng.chance(MISREAD) {
            return truth;
        }
        match truth {
            "sheep" => "goat",
            "goat" => "sheep",
            "cattle" => "horse",
            "horse" => "donkey",
            "camel" => "horse",
            _ => "cattle",
        }
    }
}
