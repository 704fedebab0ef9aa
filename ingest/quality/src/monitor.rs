//! One station's values, one after the other.
//!
//! In: what it measured at an instant.   Out: each value with its flags.   Never: work that grows with the series; of each quantity the last
//! value, the last one that was believed and the length of the present run are known.

use crate::limits::{Around, contradicts, range, rate, same_at_most};
use crate::{Flag, Flags};
use model::{Measurement, Quantity, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// How much of a series has to be read before the first value whose flags are wanted: the longest time that anything may stand still.
pub const WARM_UP: Duration = Duration::from_secs(7 * 86_400 + 6 * 3_600);
/// A value that was believed longer ago than this says nothing about how fast it changed.
const COMPARED_WITHIN: Duration = Duration::from_secs(6 * 3_600);
/// What another quantity was longer ago than this says nothing about now.
const AROUND_WITHIN: Duration = Duration::from_secs(2 * 3_600);
/// So many values have to be the same; two in a day are no run.
const SAME_AT_LEAST: u32 = 6;
/// Cadences that make a gap.
const CADENCES_OF_A_GAP: u32 = 3;

/// A value and what may be wrong with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// What was measured.
    pub quantity: Quantity,
    /// How much.
    pub value: f64,
    /// What may be wrong with it.
    pub flags: Flags,
    /// Whether it is at least as new as what was known; what is older is for the record.
    pub is_newest: bool,
}

/// What has to be known of a station to judge its next values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitor {
    /// Of each quantity that it measures.
    pub tracks: BTreeMap<Quantity, Track>,
}

/// The same of one quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    /// The last value.
    pub value: f64,
    /// When it was measured.
    pub at: Timestamp,
    /// Whether it was believed.
    pub is_sound: bool,
    /// Since when it is exactly this.
    pub same_since: Timestamp,
    /// In how many values.
    pub same_count: u32,
    /// The last value that was believed, and when.
    pub sound: Option<(Timestamp, f64)>,
}

impl Monitor {
    /// Judges what was measured at one instant. What is older than what is known was not measured in order: it is judged by itself
    /// and changes nothing.
    pub fn judge(&mut self, at: Timestamp, values: &[Measurement], cadence: Duration) -> Vec<Judged> {
        // Snow and weather first: the grass is judged by them.
        let is_grass = |one: &&Measurement| is_of_grass(one.quantity);
        let (grass, weather): (Vec<_>, Vec<_>) = values.iter().partition(is_grass);
        let judged = |one: &Measurement| self.judge_one(at, *one, cadence);
        weather.into_iter().chain(grass).map(judged).collect()
    }

    fn judge_one(&mut self, at: Timestamp, Measurement { quantity, value }: Measurement, cadence: Duration) -> Judged {
        let around = self.around(at);
        let (low, high) = range(quantity);
        let flags = Flags::default()
            .with_if(Flag::Range, !(low..=high).contains(&value))
            .with_if(Flag::Cross, contradicts(quantity, value, &around));
        let known = self.tracks.get(&quantity).copied();
        if known.is_some_and(|track| at < track.at) {
            return Judged { quantity, value, flags, is_newest: false };
        }
        let gap = known.is_some_and(|track| at.since(track.at) > cadence * CADENCES_OF_A_GAP);
        let run = known.filter(|track| track.value.to_bits() == value.to_bits() && !gap);
        let (same_since, same_count) =
            run.map_or((at, 1), |track| (track.same_since, track.same_count.saturating_add(1)));
        let is_stuck = same_count >= SAME_AT_LEAST
            && same_at_most(quantity, value, &around).is_some_and(|most| at.since(same_since) > most);
        let sound = known.and_then(|track| track.sound);
        let is_too_fast = sound.filter(|(when, _)| at.since(*when) <= COMPARED_WITHIN).is_some_and(|(when, before)| {
            rate(quantity).is_some_and(|rate| !rate.allows(value - before, at.since(when)))
        });
        let flags = flags.with_if(Flag::Gap, gap).with_if(Flag::Stuck, is_stuck).with_if(Flag::Rate, is_too_fast);
        let is_sound = flags.is_sound();
        let sound = if is_sound { Some((at, value)) } else { sound };
        self.tracks.insert(quantity, Track { value, at, is_sound, same_since, same_count, sound });
        Judged { quantity, value, flags, is_newest: true }
    }

    /// What was last believed of a quantity, if that is not long ago.
    pub fn recent(&self, quantity: Quantity, at: Timestamp) -> Option<f64> {
        let track = self.tracks.get(&quantity).filter(|track| track.is_sound)?;
        (at.since(track.at) <= AROUND_WITHIN).then_some(track.value)
    }

    fn around(&self, at: Timestamp) -> Around {
        let known = |quantity| self.recent(quantity, at);
        Around {
            soil_temperature_c: known(Quantity::SoilTemperatureC),
            air_temperature_c: known(Quantity::AirTemperatureC),
            wind_speed_mps: known(Quantity::WindSpeedMps),
            humidity_percent: known(Quantity::HumidityPercent),
            snow_depth_cm: known(Quantity::SnowDepthCm),
            grass_height_cm: known(Quantity::GrassHeightCm),
            grass_cover_percent: known(Quantity::GrassCoverPercent),
        }
    }
}

fn is_of_grass(quantity: Quantity) -> bool {
    matches!(
        quantity,
        Quantity::GrassHeightCm | Quantity::GrassCoverPercent | Quantity::Ndvi | Quantity::BiomassKgPerMu
    )
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;
