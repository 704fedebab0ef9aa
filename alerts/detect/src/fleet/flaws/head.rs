//! A camera's head that does not look where it was told to.
//!
//! In: where the head is and where it is to be, as the camera says.   Out: a verdict, with the degrees between.
//!
//! A camera that does not say where it is to be is not judged: a tour and a person at the joystick turn a head as well. A head on its way is
//! nothing yet; it must be off for three heartbeats and two minutes.

use super::Verdict;
use model::{PanTilt, Timestamp};
use std::time::Duration;

/// Farther off than this, degrees, is not where it was told to look: at 300 m that is 15 m.
const OFF_DEG: f64 = 3.0;
/// Nearer than this is.
const ON_DEG: f64 = 1.5;
/// Heartbeats in a row.
const OFF_MIN: u32 = 3;
const OFF_FOR: Duration = Duration::from_secs(120);
const ON_MIN: u32 = 2;

/// How the head stood in the last heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Head {
    /// So many in a row it was off.
    pub(crate) off: u32,
    /// Since when.
    pub(crate) off_since: Timestamp,
    /// So many in a row it was where it was to be.
    pub(crate) on: u32,
}

impl Head {
    pub(super) fn weigh(&mut self, head: PanTilt, target: PanTilt, at: Timestamp) -> Verdict {
        // By the shorter way round.
        let pan = (head.pan_deg - target.pan_deg + 180.0).rem_euclid(360.0) - 180.0;
        let off_deg = pan.abs().max((head.tilt_deg - target.tilt_deg).abs());
        if off_deg > OFF_DEG {
            self.off_since = if self.off == 0 { at } else { self.off_since };
            (self.off, self.on) = (self.off.saturating_add(1), 0);
        } else if off_deg < ON_DEG {
            (self.off, self.on) = (0, self.on.saturating_add(1));
        }
        if self.off >= OFF_MIN && at.since(self.off_since) >= OFF_FOR {
            Verdict::Bad(Some((off_deg * 10.0).round() / 10.0), Some(self.off_since))
        } else if self.on >= ON_MIN {
            Verdict::Sound
        } else {
            Verdict::Open
        }
    }
}
