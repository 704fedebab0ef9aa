//! Sets aside fixes that no animal can have walked.
//!
//! In: an animal's fixes, one after the other. Out: whether each may be believed. A single jump of kilometres is a
//! receiver's error; an animal that is carried away shows by further fixes at the new place, and is then believed.

use model::{DeviceId, Position, Reading, Timestamp, Track};
use std::collections::{HashMap, VecDeque};

/// A herd that is driven covers a kilometre in ten minutes; longer it does not keep that up.
pub(crate) const WALK_MPS: f64 = 1.7;
/// In the first minute it may bolt.
const BOLT_M: f64 = 400.0;
/// Slack for the receiver's own noise.
const NOISE_M: f64 = 50.0;
/// So many fixes at a new place, each within reach of the one before, make it believed.
const FIXES_TO_BELIEVE: u8 = 3;

/// Believed fixes that are kept: what comes late is judged between those before and after it.
const BELIEVED_MAX: usize = 16;

/// The last believed fixes of an animal, and a place it may have been carried to.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The last believed fixes in the order of their times, never none.
    pub believed: VecDeque<(Position, Timestamp)>,
    /// A place out of reach, and how many fixes in a row agree on it.
    pub doubted: Option<(Position, Timestamp, u8)>,
}

/// What to make of a fix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// An animal can have walked here.
    Believed(Position),
    /// It says nothing.
    SetAside(Reason),
}

/// Why a fix is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The receiver had none; many write 0,0.
    NoFix,
    /// Out of reach since the last believed fix.
    Jump,
    /// Of the very time of a believed fix: a repeat.
    Repeat,
    /// Older than all that is remembered of this animal.
    OutOfOrder,
}

impl Reason {
    /// A word for counting.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoFix => "no_fix",
            Self::Jump => "jump",
            Self::Repeat => "repeat",
            Self::OutOfOrder => "out_of_order",
        }
    }
}

/// Judges what a collar says by its trail.
pub(crate) fn judge(trails: &mut HashMap<DeviceId, Trail>, reading: &Reading, track: &Track) -> Verdict {
    let Some(position) = track.position else { return Verdict::SetAside(Reason::NoFix) };
    let at = reading.happened_at();
    if let Some(trail) = trails.get_mut(&reading.device) {
        return trail.judge(position, at);
    }
    trails.insert(reading.device.clone(), Trail::start(position, at));
    Verdict::Believed(position)
}

impl Trail {
    /// Starts at a first fix, which has nothing to be doubted by.
    pub fn start(position: Position, at: Timestamp) -> Self {
        Self { believed: VecDeque::from([(position, at)]), doubted: None }
    }

    /// Judges the next fix and remembers it.
    pub fn judge(&mut self, position: Position, at: Timestamp) -> Verdict {
        let after = self.believed.partition_point(|(_, time)| *time < at);
        if self.believed.get(after).is_some_and(|(_, time)| *time == at) {
            return Verdict::SetAside(Reason::Repeat);
        }
        if after < self.believed.len() {
            return self.judge_late(position, at, after);
        }
        if self.believed.back().is_none_or(|(from, since)| within_reach(*from, *since, position, at)) {
            if self.believed.len() >= BELIEVED_MAX {
                self.believed.pop_front();
            }
            self.believed.push_back((position, at));
            self.doubted = None;
            return Verdict::Believed(position);
        }
        let agreeing = match self.doubted {
            Some((place, time, count)) if at > time && within_reach(place, time, position, at) => count + 1,
            _ => 1,
        };
        if agreeing >= FIXES_TO_BELIEVE {
            *self = Self::start(position, at);
            return Verdict::Believed(position);
        }
        self.doubted = Some((position, at, agreeing));
        Verdict::SetAside(Reason::Jump)
    }

    /// A collar whose link is back tells first where it is and then where it was. Such a fix is believed if an animal can have
    /// come by there on its way between those before and after it; `after` is the place of the latter.
    fn judge_late(&mut self, position: Position, at: Timestamp, after: usize) -> Verdict {
        let before = after.checked_sub(1).and_then(|before| self.believed.get(before));
        if before.is_none() && self.believed.len() >= BELIEVED_MAX {
            // What was before is forgotten, and with it by what this could be doubted.
            return Verdict::SetAside(Reason::OutOfOrder);
        }
        let from_before = before.is_none_or(|(from, since)| within_reach(*from, *since, position, at));
        let to_after = self.believed.get(after).is_none_or(|(to, then)| within_reach(position, at, *to, *then));
        if !(from_before && to_after) {
            return Verdict::SetAside(Reason::Jump);
        }
        if self.believed.len() >= BELIEVED_MAX {
            self.believed.pop_front();
            self.believed.insert(after - 1, (position, at));
        } else {
            self.believed.insert(after, (position, at));
        }
        Verdict::Believed(position)
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
        assert_eq!(trail.judge(home.moved(5_000.0, 0.0), at(10)), Verdict::SetAside(Reason::Jump));
        let back = home.moved(60.0, 20.0);
        assert_eq!(trail.judge(back, at(20)), Verdict::Believed(back));
    }

    #[test]
    fn an_animal_that_was_carried_away_is_believed_at_the_third_fix() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(0));
        let verdicts =
            [10, 20, 30, 40].map(|minute| trail.judge(home.moved(30_000.0, f64::from(minute as i32)), at(minute)));
        let believed = verdicts.map(|verdict| matches!(verdict, Verdict::Believed(_)));
        assert_eq!(believed, [false, false, true, true]);
    }

    #[test]
    fn a_repeated_fix_says_nothing_new() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(5));
        assert_eq!(trail.judge(home, at(5)), Verdict::SetAside(Reason::Repeat));
    }

    #[test]
    fn a_late_fix_is_believed_if_the_animal_can_have_come_by_there() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(0));
        let there = home.moved(1_200.0, 0.0);
        assert_eq!(trail.judge(there, at(60)), Verdict::Believed(there));
        let between = home.moved(600.0, 200.0);
        assert_eq!(trail.judge(between, at(30)), Verdict::Believed(between));
        assert_eq!(trail.judge(between, at(30)), Verdict::SetAside(Reason::Repeat));
        // Within reach of the fix before, and not of the one after.
        assert_eq!(trail.judge(home.moved(-2_400.0, 0.0), at(20)), Verdict::SetAside(Reason::Jump));
        let earlier = home.moved(-100.0, 0.0);
        assert_eq!(trail.judge(earlier, at(-10)), Verdict::Believed(earlier));
        let onward = home.moved(1_300.0, 0.0);
        assert_eq!(
            trail.judge(onward, at(70)),
            Verdict::Believed(onward),
            "the newest is still what the next is judged by"
        );
    }

    #[test]
    fn a_fix_older_than_all_that_is_remembered_is_set_aside() {
        let home = Position::parse(43.6, -116.2).unwrap();
        let mut trail = Trail::start(home, at(0));
        for minute in 1..100 {
            assert_eq!(trail.judge(home, at(minute)), Verdict::Believed(home));
        }
        assert_eq!(trail.believed.len(), BELIEVED_MAX);
        assert_eq!(trail.judge(home, at(50)), Verdict::SetAside(Reason::OutOfOrder));
    }
}
