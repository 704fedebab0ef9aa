//! When to try again: soon at first, since an alert is urgent; then ever more rarely, for three days.

use rand::Rng;
use std::time::Duration;

/// Waits after the first, second, ... attempt; the last one repeats.
const WAITS_S: [u64; 9] = [1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200];
/// After this long a delivery is dead: visible, and retried only by a person.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 86_400);
/// A receiver may ask for more patience than ours, but not for days.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3_600);

/// How long to wait after `attempts` attempts; `None` when it is time to give up.
pub(super) fn next(attempts: u32, since_first: Duration, retry_after: Option<Duration>) -> Option<Duration> {
    if since_first >= GIVE_UP_AFTER {
        return None;
    }
    let step = (attempts.saturating_sub(1) as usize).min(WAITS_S.len() - 1);
    let planned = Duration::from_secs(WAITS_S.get(step).copied().unwrap_or(7_200));
    // A fifth either way, so that a receiver that comes back is not met by everyone at once.
    let planned = planned.mul_f64(rand::rng().random_range(0.8..1.2));
    Some(retry_after.map_or(planned, |asked| planned.max(asked.min(RETRY_AFTER_MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_three_days() {
        let waits: Vec<_> = (1..=12).map(|n| next(n, Duration::ZERO, None).unwrap()).collect();
        assert!(waits[0] < Duration::from_secs(2) && waits[11] > Duration::from_secs(5_000));
        assert_eq!(next(40, Duration::from_secs(3 * 86_400), None), None);
    }

    #[test]
    fn a_receiver_that_asks_for_patience_gets_it_up_to_six_hours() {
        let asked = |seconds| next(1, Duration::ZERO, Some(Duration::from_secs(seconds))).unwrap();
        assert_eq!(asked(120), Duration::from_secs(120));
        assert_eq!(asked(1_000_000), Duration::from_secs(21_600));
    }
}
