//! A charge that will not last.
//!
//! In: the charge as a device tells it.   Out: a verdict, with the percent that are left.
//!
//! Bad below 15 %, or where the fall of the last two hours would empty it within a day. Sound above 25 % if it does not fall like that. A
//! drone's flight is no such fall: of a drone only a charge that stays low for longer than any flight is told.

use super::Verdict;
use model::{DeviceKind, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Percent.
const LOW: f64 = 15.0;
const ENOUGH: f64 = 25.0;
/// At its present fall it must last this long ...
const LASTS_HOURS: f64 = 24.0;
/// ... and, to be sound again, this long.
const LASTS_WELL_HOURS: f64 = 36.0;
/// A fall is measured over at least this long, and at least so many percent: gauges count in whole ones.
const FALL_SPAN_MIN: Duration = Duration::from_secs(1_800);
const FALL_MIN: f64 = 3.0;
/// One charge is kept each ten minutes, of two hours.
const KEPT_EVERY: Duration = Duration::from_secs(600);
const KEPT_MAX: usize = 13;
/// No drone flies longer on its last percents.
const DRONE_LOW_FOR: Duration = Duration::from_secs(1_800);

/// The charge of the last two hours.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Battery {
    /// Oldest first.
    pub(crate) charges: VecDeque<Charge>,
    /// Since when it is below what is low.
    pub(crate) low_since: Option<Timestamp>,
}

/// A charge at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charge {
    pub(crate) at: Timestamp,
    pub(crate) percent: f64,
}

impl Battery {
    pub(super) fn weigh(&mut self, kind: DeviceKind, at: Timestamp, percent: f64) -> Verdict {
        if percent < LOW {
            self.low_since.get_or_insert(at);
        } else {
            self.low_since = None;
        }
        if kind == DeviceKind::Drone {
            let is_low = self.low_since.is_some_and(|since| at.since(since) >= DRONE_LOW_FOR);
            return self.verdict(is_low, percent, f64::INFINITY);
        }
        let lasts = self.lasts_hours(at, percent);
        self.keep(at, percent);
        self.verdict(self.low_since.is_some() || lasts < LASTS_HOURS, percent, lasts)
    }

    fn verdict(&self, is_bad: bool, percent: f64, lasts_hours: f64) -> Verdict {
        if is_bad {
            Verdict::Bad(Some(percent.round()), self.low_since)
        } else if percent > ENOUGH && lasts_hours > LASTS_WELL_HOURS {
            Verdict::Sound
        } else {
            Verdict::Open
        }
    }

    /// How long the charge lasts at the fall since the oldest that is kept.
    fn lasts_hours(&self, at: Timestamp, percent: f64) -> f64 {
        let Some(oldest) = self.charges.front() else { return f64::INFINITY };
        let (span, fell) = (at.since(oldest.at), oldest.percent - percent);
        if span < FALL_SPAN_MIN || fell < FALL_MIN {
            return f64::INFINITY;
        }
        percent / (fell / (span.as_secs_f64() / 3_600.0))
    }

    fn keep(&mut self, at: Timestamp, percent: f64) {
        // A battery that was charged or changed falls from there on.
        if self.charges.back().is_some_and(|last| percent > last.percent + FALL_MIN) {
            self.charges.clear();
        }
        if self.charges.back().is_none_or(|last| at.since(last.at) >= KEPT_EVERY) {
            self.charges.push_back(Charge { at, percent });
        }
        let too_old = |oldest: &Charge| at.since(oldest.at) > KEPT_EVERY * KEPT_MAX as u32;
        while self.charges.len() > KEPT_MAX || self.charges.front().is_some_and(too_old) {
            self.charges.pop_front();
        }
    }
}
