//! A clock that is wrong either way.
//!
//! In: of each message when it came and when it says that it happened.   Out: a verdict, with the seconds: ahead positive, behind negative.
//!
//! Ahead is sure at once, since nothing happens after it was heard of; three messages in a row make it no slip. Behind may be late data, and
//! is a wrong clock only once [`crate::lag`] has said so for a while: in the moment in which a store is emptied it may say so by chance.

use super::Verdict;
use model::Timestamp;
use std::time::Duration;

const WRONG_MS: i64 = 60_000;
const RIGHT_MS: i64 = 30_000;
/// So long it must be behind without a break.
const BEHIND_FOR: Duration = Duration::from_secs(240);
/// Messages in a row.
const AHEAD_MIN: u32 = 3;
const RIGHT_MIN: u32 = 10;

/// How the last messages' times were.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clock {
    /// So many in a row were of the future.
    pub(crate) ahead: u32,
    /// Since when it is behind.
    pub(crate) behind_since: Option<Timestamp>,
    /// So many in a row were right.
    pub(crate) right: u32,
}

impl Clock {
    pub(super) fn weigh(&mut self, received_at: Timestamp, said: Timestamp, behind: Duration) -> Verdict {
        let off_ms = said.as_millis().saturating_sub(received_at.as_millis());
        self.ahead = if off_ms > WRONG_MS { self.ahead.saturating_add(1) } else { 0 };
        self.right = if off_ms.abs() < RIGHT_MS { self.right.saturating_add(1) } else { 0 };
        let is_behind = behind.as_millis() >= u128::from(WRONG_MS.unsigned_abs());
        self.behind_since = is_behind.then(|| self.behind_since.unwrap_or(received_at));
        if self.ahead >= AHEAD_MIN {
            Verdict::Bad(Some((off_ms / 1_000) as f64), None)
        } else if self.behind_since.is_some_and(|since| received_at.since(since) >= BEHIND_FOR) {
            Verdict::Bad(Some(-behind.as_secs_f64().round()), None)
        } else if self.right >= RIGHT_MIN {
            Verdict::Sound
        } else {
            Verdict::Open
        }
    }
}
