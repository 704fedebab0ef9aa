//! How long to wait before trying again.
//!
//! In: how often it failed in a row, and a name.   Out: a pause. Pure: the jitter comes from the name and the number of
//! the try, not from chance, so that a hundred gateways behind one dead link come back spread out and a test can say when.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// The pause doubles with every failure from `first` up to `longest`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// The pause after the `failures`-th failure in a row of what is called `name`: at least `first` and at most
    /// `longest`, in the upper half of the doubled time.
    pub(super) fn pause(&self, failures: u32, name: &str) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        let share = 0.5 + 0.5 * jitter(failures, name);
        full.mul_f64(share).max(self.first)
    }
}

/// 0 to below 1.
fn jitter(failures: u32, name: &str) -> f64 {
    let mut hasher = DefaultHasher::new();
    (failures, name).hash(&mut hasher);
    f64::from((hasher.finish() >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };

    #[test]
    fn pauses_double_and_stay_between_the_first_and_the_longest() {
        for failures in 0..=100 {
            let pause = BACKOFF.pause(failures, "10.0.0.1:502");
            let full = Duration::from_secs(1 << failures.saturating_sub(1).min(31)).min(BACKOFF.longest);
            assert!(
                pause >= BACKOFF.first && pause >= full / 2 && pause <= full.max(BACKOFF.first),
                "{failures}: {pause:?}"
            );
        }
    }

    #[test]
    fn gateways_that_fail_together_come_back_apart() {
        let mut pauses: Vec<_> = (0..20).map(|n| BACKOFF.pause(9, &format!("10.0.0.{n}:502"))).collect();
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 15, "{pauses:?}");
    }
}
