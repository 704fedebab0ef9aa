//! A receiver that fails again and again is left alone for a while: it has to come back to its feet, and others need the room.
//!
//! In: what came of attempts.   Out: how many messages a receiver may be sent now.   Never: a message lost for it; it waits in the
//! outbox, and one is sent to try whether the receiver is back.

use super::backoff::RETRY_AFTER_MAX;
use model::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// Failures in a row after which a receiver is left alone.
const FAILURES_MAX: u32 = 5;
/// How long at first; twice as long after each message that fails again.
const REST_FIRST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);
/// Receivers remembered; the registry holds no more.
const RECEIVERS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Trouble {
    failures: u32,
    rest: Duration,
    until: Timestamp,
}

/// Receivers in trouble.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(HashMap<String, Trouble>);

impl Breaker {
    /// How many messages may be under way to a receiver that `usual` many otherwise may.
    pub(super) fn room(&self, receiver: &str, usual: usize, now: Timestamp) -> usize {
        match self.0.get(receiver) {
            Some(trouble) if trouble.failures < FAILURES_MAX => usual,
            Some(trouble) if now < trouble.until => 0,
            Some(_) => usual.min(1),
            None => usual,
        }
    }

    /// When a receiver that is left alone is tried again.
    pub(super) fn until(&self, receiver: &str) -> Option<Timestamp> {
        self.0.get(receiver).filter(|trouble| trouble.failures >= FAILURES_MAX).map(|trouble| trouble.until)
    }

    /// Whether a receiver was left alone long enough and is tried with one message.
    pub(super) fn is_tried(&self, receiver: &str, now: Timestamp) -> bool {
        self.until(receiver).is_some_and(|until| now >= until)
    }

    /// It took a message; whether it had been left alone.
    pub(super) fn took(&mut self, receiver: &str) -> bool {
        self.0.remove(receiver).is_some_and(|trouble| trouble.failures >= FAILURES_MAX)
    }

    /// It failed, and perhaps asked for patience; whether it is left alone from now on.
    pub(super) fn failed(&mut self, receiver: &str, asked: Option<Duration>, now: Timestamp) -> bool {
        if self.0.len() >= RECEIVERS_MAX && !self.0.contains_key(receiver) {
            self.0.clear();
        }
        let fresh = Trouble { failures: 0, rest: REST_FIRST, until: now };
        let trouble = self.0.entry(receiver.to_owned()).or_insert(fresh);
        trouble.failures = trouble.failures.saturating_add(1);
        // What was under way when it was left alone says nothing new.
        if trouble.failures < FAILURES_MAX || now < trouble.until {
            return false;
        }
        trouble.until = now.plus(trouble.rest.max(asked.unwrap_or_default().min(RETRY_AFTER_MAX)));
        trouble.rest = trouble.rest.saturating_mul(2).min(REST_MAX);
        trouble.failures == FAILURES_MAX
    }

    /// How many are left alone.
    pub(super) fn resting(&self) -> usize {
        self.0.values().filter(|trouble| trouble.failures >= FAILURES_MAX).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn five_failures_in_a_row_are_left_alone_then_tried_with_one_message_ever_more_rarely() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.failed("a", None, at(0)));
        }
        assert_eq!(breaker.room("a", 8, at(0)), 8);
        assert!(breaker.failed("a", None, at(0)), "it is said once");
        assert_eq!(
            (breaker.room("a", 8, at(0)), breaker.room("b", 8, at(0))),
            (0, 8),
            "others have nothing to do with it"
        );
        assert!(!breaker.failed("a", None, at(0)), "what was still under way");
        assert_eq!((breaker.room("a", 8, at(1)), breaker.until("a")), (1, Some(at(1))));
        assert_eq!((breaker.is_tried("a", at(0)), breaker.is_tried("a", at(1))), (false, true));
        assert!(!breaker.failed("a", None, at(1)));
        assert_eq!((breaker.room("a", 8, at(2)), breaker.until("a")), (0, Some(at(3))));
        for second in 3..1_000 {
            if breaker.room("a", 8, at(second)) == 1 {
                breaker.failed("a", None, at(second));
            }
        }
        let until = breaker.until("a").unwrap();
        let mut asks = breaker.clone();
        asks.failed("a", Some(Duration::from_secs(3_600)), until);
        assert_eq!(asks.until("a"), Some(until.plus(Duration::from_secs(3_600))), "who asks for patience gets it");
        assert!(until > at(999) && until <= at(1_060), "a minute at most");
        assert!(breaker.took("a") && !breaker.took("a"));
        assert_eq!((breaker.room("a", 8, at(1_000)), breaker.resting()), (8, 0));
    }

    #[test]
    fn a_yes_between_noes_leaves_nobody_alone() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            (0..4).for_each(|_| assert!(!breaker.failed("a", None, at(0))));
            assert!(!breaker.took("a"));
        }
        assert_eq!(breaker.room("a", 8, at(0)), 8);
    }
}
