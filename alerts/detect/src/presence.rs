//! Weighs whether a herd stands in a zone, closed or not.
//!
//! In: a sighting and how surely it was inside. Out: whether the stay became established, or is over. A stay is kept for
//! open zones too: when a closure begins at midnight, whoever stands inside has already been weighed.

use crate::herd::{Seen, Source};
use crate::joint::Joint;
use crate::settings::Settings;
use model::{DeviceId, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// More likely inside than outside.
pub(crate) const LIKELY: f64 = 0.5;
/// Sightings kept for the window of evidence.
const WINDOW_MAX: usize = 64;

/// What a sighting says about one zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Inside, this surely.
    Inside(f64),
    /// Too near to the border to say, but more likely inside than outside.
    Likely,
    /// Too near to the border to say.
    Border,
    /// Outside.
    Outside,
    /// Outside, and so far from the border that it is no step over it.
    Away,
}

impl Verdict {
    /// By the probability of being inside.
    pub fn of(probability: f64, source: Source, settings: &Settings) -> Self {
        if probability >= settings.confirmed_probability.of(source) {
            Self::Inside(probability)
        } else if probability >= LIKELY {
            Self::Likely
        } else if probability > settings.outside_probability {
            Self::Border
        } else {
            Self::Outside
        }
    }
}

/// What is known of a herd's stay in one zone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stay {
    /// First sighting inside.
    pub since: Timestamp,
    /// Latest sighting inside.
    pub last_inside: Timestamp,
    /// Latest sighting that was more likely inside than outside.
    pub last_likely: Timestamp,
    /// Sightings inside.
    pub sightings: u32,
    /// How sure the latest one inside was.
    pub probability: f64,
    /// By which rule of evidence the stay counts; empty until it does.
    pub established: String,
    /// Pictures inside, within the window of evidence.
    pub pictures: VecDeque<Timestamp>,
    /// Collars that are inside, and since when without a fix outside.
    pub collars: BTreeMap<DeviceId, Timestamp>,
    /// Sightings outside in a row.
    pub outside_in_a_row: u32,
}

impl Stay {
    /// A stay that begins with a sighting inside.
    pub fn begin(at: Timestamp) -> Self {
        Self { since: at, last_inside: at, last_likely: at, ..Self::default() }
    }

    /// Whether the evidence suffices.
    pub fn is_established(&self) -> bool {
        !self.established.is_empty()
    }

    /// Takes in a sighting; `false` when the stay is over by it.
    pub fn weigh(&mut self, seen: &Seen, verdict: Verdict, settings: &Settings) -> bool {
        match verdict {
            Verdict::Inside(probability) => {
                self.inside(seen, probability, settings);
                true
            }
            Verdict::Likely => {
                self.last_likely = self.last_likely.max(seen.at);
                true
            }
            Verdict::Border => true,
            Verdict::Outside => self.outside(seen, false, settings),
            Verdict::Away => self.outside(seen, true, settings),
        }
    }

    /// Takes in what several sightings say together.
    pub(crate) fn weigh_together(&mut self, joint: &Joint, probability: f64) {
        self.since = self.since.min(joint.since);
        self.last_inside = self.last_inside.max(joint.at);
        self.last_likely = self.last_likely.max(joint.at);
        self.sightings = self.sightings.max(joint.sightings.len() as u32);
        self.probability = probability;
        self.outside_in_a_row = 0;
        if !self.is_established() {
            self.established = joint.words(probability);
        }
    }

    /// A collar walks with another herd now; it no longer holds this one inside.
    pub fn without(&mut self, collar: &DeviceId) {
        self.collars.remove(collar);
    }

    fn inside(&mut self, seen: &Seen, probability: f64, settings: &Settings) {
        self.since = self.since.min(seen.at);
        self.last_inside = self.last_inside.max(seen.at);
        self.last_likely = self.last_likely.max(seen.at);
        self.sightings = self.sightings.saturating_add(1);
        self.probability = probability;
        self.outside_in_a_row = 0;
        match seen.source {
            Source::Camera | Source::Drone | Source::Report => {
                self.pictures.push_back(seen.at);
                self.forget_pictures(self.last_inside, settings);
                if self.pictures.len() >= settings.sightings_needed && !self.is_established() {
                    let (count, minutes) = (self.pictures.len(), settings.sightings_within.as_secs() / 60);
                    self.established = format!("{count} sightings inside within {minutes} minutes");
                }
            }
            Source::Collar => {
                let since = *self.collars.entry(seen.device.clone()).or_insert(seen.at);
                if seen.at.since(since) >= settings.collar_dwell && !self.is_established() {
                    let minutes = settings.collar_dwell.as_secs() / 60;
                    self.established = format!("collar {} stayed inside for {minutes} minutes", seen.device);
                }
            }
        }
    }

    fn outside(&mut self, seen: &Seen, away: bool, settings: &Settings) -> bool {
        match seen.source {
            Source::Camera | Source::Drone | Source::Report => {
                self.outside_in_a_row = self.outside_in_a_row.saturating_add(1)
            }
            Source::Collar => {
                self.collars.remove(&seen.device);
            }
        }
        self.forget_pictures(seen.at, settings);
        // A collar inside outweighs any number of pictures of the others outside.
        if !self.collars.is_empty() {
            return true;
        }
        if seen.source == Source::Collar && self.pictures.is_empty() {
            // The last collar that held it inside is out, and no picture says otherwise.
            self.outside_in_a_row = self.outside_in_a_row.max(settings.sightings_to_leave);
        }
        let seen_outside = self.outside_in_a_row >= settings.sightings_to_leave;
        !(seen_outside && (away || !self.is_established() || self.has_left(seen.at, settings)))
    }

    /// Whether it was seen outside, and long enough not inside.
    pub fn has_left(&self, now: Timestamp, settings: &Settings) -> bool {
        self.outside_in_a_row >= settings.sightings_to_leave
            && self.collars.is_empty()
            && now.since(self.last_likely) >= settings.leave_after
    }

    fn forget_pictures(&mut self, now: Timestamp, settings: &Settings) {
        let from = now.minus(settings.sightings_within);
        self.pictures.retain(|at| *at >= from);
        while self.pictures.len() > WINDOW_MAX {
            self.pictures.pop_front();
        }
    }
}
