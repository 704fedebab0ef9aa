//! The time partition: one UTC day, one file.
//!
//! In: an instant. Out: its day, and the day's file name. Never reads a clock.

use model::Timestamp;
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;

/// A UTC day, counted from 1970-01-01. Instants beyond the years 1 to 9999 belong to the first or last day there is, so
/// that every instant has exactly one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(i64);

impl Day {
    /// 0001-01-01.
    const FIRST: i64 = -719_162;
    /// 9999-12-30, the last day of which the calendar library knows the beginning.
    const LAST: i64 = 2_932_895;

    /// The day an instant belongs to.
    pub(crate) fn of(ts: Timestamp) -> Self {
        Self::from_number(ts.as_millis().div_euclid(DAY_MS))
    }

    pub(crate) fn from_number(number: i64) -> Self {
        Self(number.clamp(Self::FIRST, Self::LAST))
    }

    pub(crate) fn number(self) -> i64 {
        self.0
    }

    /// First millisecond that belongs to the day; the first day reaches back to the beginning of time.
    pub(crate) fn start_ms(self) -> i64 {
        if self.0 == Self::FIRST { i64::MIN } else { self.0 * DAY_MS }
    }

    /// First millisecond after the day; the last day reaches to the end of time.
    pub(crate) fn end_ms(self) -> i64 {
        if self.0 == Self::LAST { i64::MAX } else { (self.0 + 1) * DAY_MS }
    }

    /// The oldest day that is still kept: the one in which the retention ends.
    pub(crate) fn oldest_kept(now: Timestamp, retention: Duration) -> Self {
        Self::of(now.minus(retention))
    }

    /// `2026-11-22.sqlite`: an operator can see what a file is about.
    pub(crate) fn file_name(self) -> String {
        let midnight = Timestamp::from_millis(self.0 * DAY_MS).to_rfc3339();
        format!("{}.sqlite", midnight.split('T').next().unwrap_or_default())
    }

    /// The day of a file name; `None` for any other file.
    pub(crate) fn of_file_name(name: &str) -> Option<Self> {
        let date = name.strip_suffix(".sqlite")?;
        let day = Self::of(Timestamp::parse_rfc3339(&format!("{date}T00:00:00Z"))?);
        (day.file_name() == name).then_some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_has_one_day_and_the_file_name_leads_back_to_it() {
        for millis in [0, -1, 1_795_305_600_000, 1_795_305_599_999, i64::MIN, i64::MAX] {
            let day = Day::of(Timestamp::from_millis(millis));
            let is_in = day.start_ms() <= millis && (millis < day.end_ms() || day.end_ms() == i64::MAX);
            assert!(is_in, "{millis}");
            assert_eq!(Day::of_file_name(&day.file_name()), Some(day), "{}", day.file_name());
        }
        assert_eq!(Day::of(Timestamp::from_millis(1_795_305_600_000)).file_name(), "2026-11-22.sqlite");
        assert_eq!(Day::of_file_name("tail.sqlite"), None);
        assert_eq!(Day::of_file_name("2026-11-22.sqlite-journal"), None);
    }
}
