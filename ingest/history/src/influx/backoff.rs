//! How long to wait before a batch is tried again.
//!
//! In: how often it failed. Out: a pause that doubles up to a limit, drawn from its upper half, so that many senders that
//! lost the same server do not come back in step.

use rand::Rng;
use std::time::Duration;

/// The pauses between tries of one batch.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

impl Default for Backoff {
    /// Half a second for a hiccup, a minute for an outage: short enough that nobody has to restart anything afterwards.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The pause after `failures` failures in a row (1 for the first).
    pub(super) fn pause(&self, failures: u32, chance: &mut impl Rng) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(self.longest).mul_f64(chance.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn pauses_grow_to_the_limit_and_stay_in_its_upper_half() {
        let mut chance = StdRng::seed_from_u64(1);
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        for failures in 1..200 {
            let whole = Duration::from_millis(100 << (failures - 1).min(9)).min(Duration::from_secs(1));
            let pause = backoff.pause(failures, &mut chance);
            assert!(pause >= whole / 2 && pause <= whole, "{failures}: {pause:?}");
        }
    }
}
