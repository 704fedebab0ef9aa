//! Sets aside fixes that no animal can have walked.
//!
//! In: an animal's fixes, one after the other. Out: whether each may be believed. A single jump of kilometres is a
//! receiver's error; an animal that is carried away shows by further fixes at the new place, and is then believed.

use model::{Position, Timestamp};

/// A herd that is driven covers a kilometre in ten minutes; longer it does not keep that up.
pub(crate) const WALK_MPS: f64 = 1.7;
/// In the first minute it may bolt.
const BOLT_M: f64 = 400.0;
/// Slack for the receiver's own noise.
const NOISE_M: f64 = 50.0;
/// So many fixes at a new place, each within reach of the one before, make it believed.
const FIXES_TO_BELIEVE: u8 = 3;

/// The last believed fix of an animal, and a place it may have been carried to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trail {
    /// The last believed fix.
    pub believed: (Position, Timestamp),
    /// A place out of reach, and how many fixes in a row agree on it.
    pub doubted: Option<(Position, Timestamp, u8)>,
}

/// What to make of a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// An animal can have walked there.
    Believed,
    /// Out of reach since the last believed fix.
    Jump,
    /// Not later than the last believed fix: a repeat, or out of order.
    Stale,
}

impl Trail {
    /// Starts at a first fix, which has nothing to be doubted by.
    pub fn start(position: Position, at: Timestamp) -> Self {
        Self { believed: (position, at), doubted: None }
    }

    /// Judges the next fix and remembers it.
    pub fn judge(&mut self, position: Position, at: Timestamp) -> Verdict {
        let (from, since) = self.believed;
        if at <= since {
            return Verdict::Stale;
        }
        if within_reach(from, since, position, at) {
            *self = Self::start(position, at);
            return Verdict::Believed;
        }
        let agreeing = match self.doubted {
            Some((place, time, count)) if at > time && within_reach(place, time, position, at) => count + 1,
            _ => 1,
        };
        if agreeing >= FIXES_TO_BELIEVE {
            *self = Self::start(position, at);
            return Verdict::Believed;
        }
        self.doubted = Some((position, at, agreeing));
        Verdict::Jump
    }
}

fn within_reach(from: Position, since: Timestamp, to: Position, at: Timestamp) -> bool {
    from.distance_m(to) <= NOISE_M + BOLT_M + WALK_MPS * at.since(since).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    #[test]
    fn a_single_jump_is_set_aside_and_the_way_back_is_not() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(0));
        assert_eq!(trail.judge(home.moved(5_000.0, 0.0), at(10)), Verdict::Jump);
        assert_eq!(trail.judge(home.moved(60.0, 20.0), at(20)), Verdict::Believed);
    }

    #[test]
    fn an_animal_that_was_carried_away_is_believed_at_the_third_fix() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(0));
        let verdicts =
            [10, 20, 30, 40].map(|minute| trail.judge(home.moved(30_000.0, f64::from(minute as i32)), at(minute)));
        assert_eq!(verdicts, [Verdict::Jump, Verdict::Jump, Verdict::Believed, Verdict::Believed]);
    }

    #[test]
    fn a_repeated_fix_says_nothing_new() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(5));
        assert_eq!(trail.judge(home, at(5)), Verdict::Stale);
        assert_eq!(trail.judge(home, at(4)), Verdict::Stale);
    }
}
