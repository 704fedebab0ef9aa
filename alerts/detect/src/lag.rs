//! Tells a slow clock from late data.
//!
//! In:  of each message of a device when it came and when it says that it happened.   Out: by how much its clock is behind, once that is sure.
//!
//! What comes late catches up: who empties its store after a dead link sends faster than time goes by, and the lag shrinks. A clock that is ten
//! minutes slow is so in every message. So the least lag of ten minutes is compared with that of the ten before; if they are the same, it is
//! the clock. Without this a slow camera would be taken to tell of the past, and what it sees now would be put before what others saw.

use model::Timestamp;
use std::time::Duration;

/// The least lag is taken over this long.
const SPAN: Duration = Duration::from_secs(600);
/// A link takes seconds; less than this is no wrong clock.
const CLOCK_WRONG_MS: i64 = 60_000;
/// Of a clock that is merely wrong the lag is as constant as the link.
const CONSTANT_MS: i64 = 20_000;

/// How far a device's messages lag behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lag {
    /// From when on the present span counts (receipt).
    pub(crate) since: Timestamp,
    /// The least lag in it, milliseconds.
    pub(crate) least_ms: i64,
    /// The least lag of the span before, if the device spoke in it.
    pub(crate) before_ms: Option<i64>,
}

impl Lag {
    /// A message came.
    pub fn note(&mut self, received_at: Timestamp, happened_at: Timestamp) {
        let lag_ms = received_at.as_millis().saturating_sub(happened_at.as_millis()).max(0);
        let span = received_at.since(self.since);
        if span < SPAN {
            self.least_ms = self.least_ms.min(lag_ms);
            return;
        }
        // After a silence nothing is known of the span before.
        self.before_ms = (span < SPAN * 2).then_some(self.least_ms);
        (self.since, self.least_ms) = (received_at, lag_ms);
    }

    /// By how much the clock is behind; nothing while that is not sure.
    pub fn clock_behind(&self) -> Duration {
        let sure = self.before_ms.filter(|before_ms| {
            *before_ms >= CLOCK_WRONG_MS && self.least_ms.saturating_sub(*before_ms).abs() <= CONSTANT_MS
        });
        let behind_ms = sure.map_or(0, |before_ms| before_ms.min(self.least_ms));
        Duration::from_millis(u64::try_from(behind_ms).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1_000)
    }

    /// A message each half minute, for so long, each so late.
    fn after(seconds: i64, lag_s: impl Fn(i64) -> i64) -> Duration {
        let mut lag = Lag::default();
        for second in (0..seconds).step_by(30) {
            lag.note(at(second), at(second - lag_s(second)));
        }
        lag.clock_behind()
    }

    #[test]
    fn a_clock_that_is_always_as_far_behind_is_slow() {
        assert_eq!(after(1_500, |second| 570 + second % 4), Duration::from_secs(570));
        assert_eq!(after(500, |_| 570), Duration::ZERO, "not yet sure");
        assert_eq!(after(1_500, |_| 3), Duration::ZERO, "a slow link");
    }

    #[test]
    fn a_store_that_is_emptied_is_late_and_no_slow_clock() {
        // An hour's store, sent in half an hour.
        assert_eq!(after(1_700, |second| 3_600 - second), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_was_put_right_is_right_at_once() {
        assert_eq!(after(2_400, |second| if second < 2_000 { 570 } else { 1 }), Duration::ZERO);
    }
}
