//! Something before the lens: a cover, snow, dust, a spider; or fog, which blinds a camera as well.
//!
//! In: how a camera's pictures are, one in two minutes or so ([`Clarity`]).   Out: a verdict.
//!
//! Night is dark and soft without being a fault. So of a dark picture nothing is said, but in the middle of the day (9 to 15 o'clock by legal
//! time, when it is light here in every season). In light, a picture is bad if it is flat, or if it is far less sharp than the camera's own usual,
//! which is learnt from its good pictures in light. It must be so for half an hour and five pictures, and three good ones end it.

use super::Verdict;
use model::{Clarity, Timestamp};
use std::time::Duration;

/// Mean brightness below which it is night, or covered.
const DARK: f64 = 40.0;
/// Contrast below which there is nothing to be seen.
const FLAT: f64 = 7.0;
/// A picture with less than this part of the usual sharpness is blurred.
const BLURRED: f64 = 0.12;
/// The usual is sure after so many good pictures; each then moves it by a fiftieth.
const USUAL_MIN: u32 = 20;
const USUAL_OVER: f64 = 50.0;
const BAD_MIN: u32 = 5;
const BAD_FOR: Duration = Duration::from_secs(1_800);
const GOOD_MIN: u32 = 3;
/// Legal time is eight hours ahead of UTC; it has no summer time.
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const AHEAD_OF_UTC_MS: i64 = 8 * HOUR_MS;

/// How a camera's last pictures were, and how they usually are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lens {
    /// So many in a row were bad.
    pub(crate) bad: u32,
    /// Since when.
    pub(crate) bad_since: Timestamp,
    /// So many in a row were good.
    pub(crate) good: u32,
    /// Sharpness as it usually is in light ...
    pub(crate) usual: f64,
    /// ... learnt from so many.
    pub(crate) learnt: u32,
}

impl Lens {
    pub(super) fn weigh(&mut self, of: Clarity, at: Timestamp) -> Verdict {
        let Some(is_bad) = self.is_bad(of, at) else { return Verdict::Open };
        if is_bad {
            self.bad_since = if self.bad == 0 { at } else { self.bad_since };
            (self.bad, self.good) = (self.bad.saturating_add(1), 0);
        } else {
            (self.bad, self.good) = (0, self.good.saturating_add(1));
            self.learnt = self.learnt.saturating_add(1);
            self.usual += (of.sharpness - self.usual) / f64::from(self.learnt).min(USUAL_OVER);
        }
        if self.bad >= BAD_MIN && at.since(self.bad_since) >= BAD_FOR {
            Verdict::Bad(None, Some(self.bad_since))
        } else if self.good >= GOOD_MIN {
            Verdict::Sound
        } else {
            Verdict::Open
        }
    }

    /// `None` where nobody can say: it is night.
    fn is_bad(&self, of: Clarity, at: Timestamp) -> Option<bool> {
        let of_day_ms = at.as_millis().saturating_add(AHEAD_OF_UTC_MS).rem_euclid(DAY_MS);
        let is_noon = (9 * HOUR_MS..15 * HOUR_MS).contains(&of_day_ms);
        if of.mean < DARK {
            return is_noon.then_some(true);
        }
        let is_blurred = self.learnt >= USUAL_MIN && of.sharpness < self.usual * BLURRED;
        Some(of.contrast < FLAT || is_blurred)
    }
}
