//! The way of a trial's messages to the platform: lost, kept back by a dead link, said twice; and how wrong a clock is.
//!
//! In:  when a message was made.   Out: when it arrived, not at all, once or twice.

use crate::rng::Rng;

/// Messages of a store that is emptied follow each other at this distance.
const EMPTIES_MS: i64 = 50;

/// The way of one device's messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Share that is lost for good.
    pub(super) loss: f64,
    /// Share that is said twice.
    pub(super) repeat: f64,
    /// From when to when the link is dead; what is made meanwhile is kept and sent afterwards.
    pub(super) outage: Option<(i64, i64)>,
    /// How far the device's clock is ahead.
    pub(super) skew_ms: i64,
}

/// One device on its way.
#[derive(Debug)]
pub(super) struct Road {
    way: Way,
    kept: i64,
    last_ms: i64,
}

impl Way {
    /// Nothing goes wrong.
    pub(super) fn good() -> Self {
        Self { loss: 0.0, repeat: 0.0, outage: None, skew_ms: 0 }
    }
}

impl Road {
    /// Nothing has gone along it yet.
    pub(super) fn new(way: Way) -> Self {
        Self { way, kept: 0, last_ms: i64::MIN }
    }

    /// What the device's own clock shows.
    pub(super) fn own_ms(&self, at_ms: i64) -> i64 {
        at_ms + self.way.skew_ms
    }

    /// When a message that was made at this time arrives; in the order in which they were made.
    pub(super) fn arrivals(&mut self, at_ms: i64, rng: &mut Rng) -> Vec<i64> {
        let (lost, twice, took_ms) =
            (rng.chance(self.way.loss), rng.chance(self.way.repeat), rng.whole(40, 900) as i64);
        if lost {
            return Vec::new();
        }
        let arrives_ms = match self.way.outage {
            Some((from_ms, to_ms)) if (from_ms..to_ms).contains(&at_ms) => {
                self.kept += 1;
                to_ms + self.kept * EMPTIES_MS
            }
            _ => at_ms + took_ms,
        };
        self.last_ms = self.last_ms.max(arrives_ms);
        let again_ms = twice.then(|| self.last_ms + rng.whole(200, 4_000) as i64);
        std::iter::once(self.last_ms).chain(again_ms).collect()
    }
}
