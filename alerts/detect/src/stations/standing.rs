//! Whether a value has been past a limit for long enough, and whether it is back: told once each, never a flutter.
//!
//! In: a value at an instant, in order.   Out: [`Turn`]s, each `Begun` followed by one `Over`.   Never: two of the same in a row.

use super::settings::Side;
use model::Timestamp;
use std::time::Duration;

/// A limit with its way back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Which side is past it.
    pub side: Side,
    /// From here on.
    pub at: f64,
    /// Back by this much more.
    pub back: f64,
    /// Past for so long.
    pub lasts: Duration,
}

/// Where a value stands against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Since when it is past the limit without having been on the good side of it.
    pub(crate) past_since: Option<Timestamp>,
    /// Since when people know; the same instant as `past_since` was then.
    pub(crate) told_since: Option<Timestamp>,
}

/// What follows from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has been past the limit for long enough, since then.
    Begun(Timestamp),
    /// What began then is over.
    Over(Timestamp),
}

impl Limit {
    pub(super) fn is_past(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value >= self.at,
            Side::Below => value <= self.at,
        }
    }

    fn is_back(&self, value: f64) -> bool {
        !self.is_past(value)
            && match self.side {
                Side::Above => value <= self.at - self.back,
                Side::Below => value >= self.at + self.back,
            }
    }
}

impl Standing {
    /// Takes in the next value. A gap before it does not count against it: nobody saw the value come back.
    pub fn weigh(&mut self, limit: &Limit, at: Timestamp, value: f64) -> Option<Turn> {
        if let Some(since) = self.told_since {
            return if limit.is_back(value) { self.end().map(|_| Turn::Over(since)) } else { None };
        }
        if !limit.is_past(value) {
            self.past_since = None;
            return None;
        }
        let since = *self.past_since.get_or_insert(at);
        if at.since(since) < limit.lasts {
            return None;
        }
        self.told_since = Some(since);
        Some(Turn::Begun(since))
    }

    /// Ends it whatever the value is; when that began of which people know.
    pub fn end(&mut self) -> Option<Timestamp> {
        self.past_since = None;
        self.told_since.take()
    }

    /// Whether nothing is to be remembered.
    pub fn is_idle(&self) -> bool {
        self.past_since.is_none() && self.told_since.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(limit: &Limit, values: &[f64]) -> Vec<Turn> {
        let mut standing = Standing::default();
        let minute = |step: usize| Timestamp::from_millis(i64::try_from(step).unwrap() * 60_000);
        values.iter().enumerate().filter_map(|(step, value)| standing.weigh(limit, minute(step), *value)).collect()
    }

    const FROST: Limit = Limit { side: Side::Below, at: 0.0, back: 2.0, lasts: Duration::from_secs(180) };

    #[test]
    fn it_begins_once_it_has_lasted_and_ends_only_well_back() {
        let since = |minute: i64| Timestamp::from_millis(minute * 60_000);
        assert_eq!(turns(&FROST, &[1.0, 0.0, -1.0, -2.0]), [], "two minutes are not three");
        assert_eq!(turns(&FROST, &[1.0, 0.0, -1.0, -2.0, -1.0]), [Turn::Begun(since(1))]);
        assert_eq!(turns(&FROST, &[0.0, -1.0, 0.1, -1.0, -1.0, -1.0]), [], "it was not below all the time");
        let night = [0.0, -1.0, -1.0, -1.0, 0.5, -0.5, 1.9, -0.5, 2.0, -1.0];
        assert_eq!(turns(&FROST, &night), [Turn::Begun(since(0)), Turn::Over(since(0))]);
    }

    proptest! {
        /// Whatever the weather does: beginnings and ends take turns, each end is that of the beginning before it, and nothing begins
        /// on the good side of the limit.
        #[test]
        fn beginnings_and_ends_take_turns(
            values in proptest::collection::vec(-8.0_f64..8.0, 0..400),
            above in any::<bool>(), at in -3.0_f64..3.0, back in 0.0_f64..4.0, lasts in 0_u64..600,
        ) {
            let side = if above { Side::Above } else { Side::Below };
            let limit = Limit { side, at, back, lasts: Duration::from_secs(lasts) };
            let mut begun = None;
            for turn in turns(&limit, &values) {
                match (turn, begun) {
                    (Turn::Begun(since), None) => begun = Some(since),
                    (Turn::Over(since), Some(before)) if since == before => begun = None,
                    (turn, begun) => prop_assert!(false, "{turn:?} after {begun:?}"),
                }
            }
        }
    }
}
