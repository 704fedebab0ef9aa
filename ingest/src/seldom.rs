//! Says what happens again and again only once in a while: whoever reads the log sees that it goes on, and can still read
//! the rest of it.
//!
//! In:  what happened, as a key.   Out: whether it is time for a line, and how many alike went unsaid.
//!
//! Never: more memory than [`REMEMBERED_MAX`] keys take; when full it starts anew, and a few more lines are written.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// One line for each key in this time; counters count them all.
const INTERVAL: Duration = Duration::from_secs(10);

/// Keys that are remembered for [`INTERVAL`].
const REMEMBERED_MAX: usize = 4_096;

/// What was said lately.
#[derive(Debug)]
pub(crate) struct Seldom<K> {
    said: HashMap<K, Said>,
}

#[derive(Debug)]
struct Said {
    at: Instant,
    unsaid: u64,
}

impl<K> Default for Seldom<K> {
    fn default() -> Self {
        Self { said: HashMap::new() }
    }
}

impl<K: Eq + Hash> Seldom<K> {
    /// How many alike went unsaid, if it is time for a line.
    pub(crate) fn may_speak(&mut self, key: K, now: Instant) -> Option<u64> {
        if self.said.len() >= REMEMBERED_MAX {
            self.said.clear();
        }
        match self.said.get_mut(&key) {
            Some(last) if now.duration_since(last.at) < INTERVAL => {
                last.unsaid += 1;
                None
            }
            Some(last) => {
                last.at = now;
                Some(std::mem::take(&mut last.unsaid))
            }
            None => {
                self.said.insert(key, Said { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_said_once_in_a_while_with_what_went_unsaid() {
        let (mut seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.may_speak(("cam-1", "malformed"), start), Some(0));
        assert_eq!(seldom.may_speak(("cam-1", "malformed"), start), None);
        assert_eq!(seldom.may_speak(("cam-1", "malformed"), start), None);
        assert_eq!(seldom.may_speak(("cam-1", "empty"), start), Some(0));
        assert_eq!(seldom.may_speak(("cam-2", "malformed"), start), Some(0));
        assert_eq!(seldom.may_speak(("cam-1", "malformed"), start + INTERVAL), Some(2));
        assert_eq!(seldom.may_speak(("cam-1", "malformed"), start + 2 * INTERVAL), Some(0));
    }

    #[test]
    fn a_flood_of_different_things_takes_no_more_memory() {
        let (mut seldom, start) = (Seldom::default(), Instant::now());
        for number in 0..3 * REMEMBERED_MAX {
            assert_eq!(seldom.may_speak(number, start), Some(0));
        }
        assert!(seldom.said.len() <= REMEMBERED_MAX);
    }
}
