//! A receiver with moods: on a share of its requests it misbehaves, by chance, from a seed.
//!
//! In:  the id of a message that is asked to be taken.   Out: how it is treated.   Never: the same message treated badly without end, so that
//! a journey ends.

use super::behaviour::Behaviour;
use crate::rng::Rng;
use std::collections::HashMap;

/// So often a message is treated badly at most.
const BADLY_MAX: u8 = 3;
/// Messages remembered; a journey has fewer.
const MESSAGES_MAX: usize = 1 << 20;

/// Chance, and what it chooses among.
#[derive(Debug)]
pub struct Moods {
    chance: Rng,
    share: f64,
    among: Vec<Behaviour>,
    badly: HashMap<String, u8>,
}

impl Moods {
    /// On `share` of the requests one of `among`; else it behaves well. Another `name` has other moods.
    pub fn new(seed: u64, name: &str, share: f64, among: impl IntoIterator<Item = Behaviour>) -> Self {
        Self { chance: Rng::new(seed, name), share, among: among.into_iter().collect(), badly: HashMap::new() }
    }

    pub(super) fn next(&mut self, id: &str) -> Behaviour {
        let (is_bad, which) = (self.chance.chance(self.share), self.chance.next_u64());
        let often = self.badly.get(id).copied().unwrap_or(0);
        if !is_bad || often >= BADLY_MAX || self.badly.len() >= MESSAGES_MAX {
            return Behaviour::Ok;
        }
        let choices = u64::try_from(self.among.len()).unwrap_or(1).max(1);
        let chosen = usize::try_from(which % choices).ok().and_then(|which| self.among.get(which));
        self.badly.insert(id.to_owned(), often.saturating_add(1));
        chosen.copied().unwrap_or(Behaviour::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_requests_is_treated_badly_and_the_same_seed_does_it_again() {
        let moods = || Moods::new(7, "a", 0.2, [Behaviour::Reset, Behaviour::Status(503)]);
        let (mut one, mut other) = (moods(), moods());
        let ids: Vec<String> = (0..1_000).map(|number| format!("msg_{number}")).collect();
        let treated: Vec<Behaviour> = ids.iter().map(|id| one.next(id)).collect();
        let badly = treated.iter().filter(|behaviour| **behaviour != Behaviour::Ok).count();
        assert!((150..250).contains(&badly), "{badly} of 1,000");
        assert!(treated.contains(&Behaviour::Reset) && treated.contains(&Behaviour::Status(503)));
        assert_eq!(treated, ids.iter().map(|id| other.next(id)).collect::<Vec<_>>());
    }

    #[test]
    fn a_message_is_taken_at_its_fourth_attempt_at_the_latest() {
        let mut moods = Moods::new(1, "a", 1.0, [Behaviour::Hang]);
        let treated: Vec<Behaviour> = (0..5).map(|_| moods.next("msg_1")).collect();
        assert_eq!(treated, [Behaviour::Hang, Behaviour::Hang, Behaviour::Hang, Behaviour::Ok, Behaviour::Ok]);
    }
}
