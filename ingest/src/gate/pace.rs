//! How fast one device, or one address, may speak.
//!
//! In:  what was just heard.   Out: how long not to listen.
//!
//! Token buckets that hold one second's worth. They may be overdrawn by what one read brings, and are paid back by waiting:
//! a fast client is slowed and loses nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Messages and bytes a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Publishes a second.
    pub messages_per_s: f64,
    /// Their bytes a second.
    pub bytes_per_s: f64,
}

/// See the module.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    messages: f64,
    bytes: f64,
    at: Instant,
}

impl Pace {
    /// With full buckets.
    pub fn new(rate: Rate) -> Self {
        let left = Left { messages: rate.messages_per_s, bytes: rate.bytes_per_s, at: Instant::now() };
        Self { rate, left: Mutex::new(left) }
    }

    /// Takes what was heard out of the buckets; answers how long it takes until they are no longer overdrawn.
    pub fn charge(&self, messages: usize, bytes: usize, now: Instant) -> Duration {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_s = now.saturating_duration_since(left.at).as_secs_f64();
        let refill = |held: f64, per_s: f64, taken: usize| (held + per_s * passed_s).min(per_s) - taken as f64;
        left.messages = refill(left.messages, self.rate.messages_per_s, messages);
        left.bytes = refill(left.bytes, self.rate.bytes_per_s, bytes);
        left.at = now;
        let wait_s = (-left.messages / self.rate.messages_per_s).max(-left.bytes / self.rate.bytes_per_s);
        Duration::try_from_secs_f64(wait_s.max(0.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_a_second_is_free_and_what_is_over_is_waited_for() {
        let pace = Pace::new(Rate { messages_per_s: 10.0, bytes_per_s: 1_000.0 });
        let start = Instant::now();
        assert_eq!(pace.charge(10, 100, start), Duration::ZERO);
        assert_eq!(pace.charge(5, 100, start), Duration::from_millis(500));
        let later = start + Duration::from_millis(500);
        assert_eq!(pace.charge(1, 10, later), Duration::from_millis(100));
        assert_eq!(pace.charge(0, 3_000, start + Duration::from_secs(60)), Duration::from_secs(2));
    }
}
