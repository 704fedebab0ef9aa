//! A camera that shows the same picture again and again.
//!
//! In: of each heartbeat that carries one, the hash of the camera's last picture.   Out: a verdict, with how many were the same.
//!
//! A real scene never gives the same bytes twice, at night neither: the sensor's noise is in them. A camera that takes pictures more rarely
//! than it says that it lives repeats a few hashes; so it must be at least ten minutes, and five heartbeats.

use super::Verdict;
use model::Timestamp;
use std::time::Duration;

/// So many hashes in a row must be the same ...
const SAME_MIN: u32 = 5;
/// ... over this long.
const SAME_FOR: Duration = Duration::from_secs(600);
/// So many pictures in a row must be new.
const NEW_MIN: u32 = 2;

/// The camera's last picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Picture {
    /// Its hash, hashed: only its sameness matters.
    pub(crate) hash: u64,
    /// Since when it is the same.
    pub(crate) since: Timestamp,
    /// How often it was told in a row.
    pub(crate) same: u32,
    /// How many in a row were new.
    pub(crate) new: u32,
}

impl Picture {
    pub(super) fn weigh(&mut self, hash: &[u8], at: Timestamp) -> Verdict {
        let hash = fnv(hash);
        if self.same > 0 && self.hash == hash {
            self.same = self.same.saturating_add(1);
            self.new = 0;
        } else {
            *self = Self { hash, since: at, same: 1, new: self.new.saturating_add(1) };
        }
        if self.same >= SAME_MIN && at.since(self.since) >= SAME_FOR {
            Verdict::Bad(Some(f64::from(self.same)), Some(self.since))
        } else if self.new >= NEW_MIN {
            Verdict::Sound
        } else {
            Verdict::Open
        }
    }
}

/// FNV-1a, 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
