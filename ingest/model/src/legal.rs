//! Days as the law counts them: in Asia/Shanghai.
//!
//! In: a day as people write it, or an instant.   Out: [`LegalDate`], and the instants at which it begins and ends.
//! Never: a time zone database; China has used UTC+8 without summer time since 1992.

use crate::{MonthDay, Timestamp};
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use std::fmt;

/// A day of the legal calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegalDate(Date);

fn legal_zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

impl LegalDate {
    /// Reads `2026-04-01`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        // The parser takes more than we want to promise.
        let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if plain { text.parse().ok().map(Self) } else { None }
    }

    /// The day that holds an instant; `None` beyond what a calendar can show.
    pub fn of(at: Timestamp) -> Option<Self> {
        let instant = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        Some(Self(instant.to_zoned(legal_zone()).date()))
    }

    /// The day of a year; 29 February ends with its month in other years.
    pub fn of_year(year: i16, day: MonthDay) -> Option<Self> {
        let date = |number| Date::new(year, day.month, number).ok();
        date(day.day).or_else(|| date(day.day.saturating_sub(1))).map(Self)
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The day without its year.
    pub fn month_day(self) -> MonthDay {
        MonthDay { month: self.0.month(), day: self.0.day() }
    }

    /// The day after; `None` at the end of the calendar.
    pub fn next(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    /// So many days later, or earlier where negative; `None` beyond the calendar.
    pub fn plus_days(self, days: i32) -> Option<Self> {
        self.0.checked_add(jiff::Span::new().try_days(days).ok()?).ok().map(Self)
    }

    /// How many days after `earlier` it is; negative where it is before.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.since(earlier.0).map_or(0, |span| span.get_days())
    }

    /// Its midnight.
    pub fn begins_at(self) -> Option<Timestamp> {
        let zoned = self.0.to_zoned(legal_zone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    /// The midnight after it: the first instant that is no longer this day.
    pub fn ends_at(self) -> Option<Timestamp> {
        self.next()?.begins_at()
    }
}

impl fmt::Display for LegalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Timestamp {
    /// Reads an instant (RFC 3339 with a zone) or a legal date, which means the midnight at which it begins.
    pub fn parse_legal(text: &str) -> Option<Self> {
        LegalDate::parse(text).map_or_else(|| Self::parse_rfc3339(text), LegalDate::begins_at)
    }

    /// `2026-06-16 00:00:00`, as a clock in Beijing shows it; what no calendar can show as RFC 3339.
    pub fn to_legal(self) -> String {
        match jiff::Timestamp::from_millisecond(self.as_millis()) {
            Ok(instant) => {
                let civil = instant.to_zoned(legal_zone()).datetime();
                let (date, time) = (civil.date(), civil.time());
                format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
            }
            Err(_) => self.to_rfc3339(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_date_begins_at_sixteen_hundred_utc_of_the_day_before() {
        let day = LegalDate::parse("2026-04-01").unwrap();
        assert_eq!(day.begins_at().unwrap().to_rfc3339(), "2026-03-31T16:00:00.000Z");
        assert_eq!(day.ends_at(), LegalDate::parse("2026-04-02").unwrap().begins_at());
        let last = day.ends_at().unwrap().as_millis() - 1;
        assert_eq!(LegalDate::of(Timestamp::from_millis(last)), Some(day));
        assert_eq!(day.begins_at().unwrap().to_legal(), "2026-04-01 00:00:00");
    }

    #[test]
    fn a_date_and_a_time_are_both_read_and_nothing_else() {
        assert_eq!(Timestamp::parse_legal("2026-04-01"), Timestamp::parse_rfc3339("2026-04-01T00:00:00+08:00"));
        assert_eq!(
            Timestamp::parse_legal("2026-04-01T01:00:00Z"),
            Timestamp::parse_rfc3339("2026-04-01T09:00:00+08:00")
        );
        for bad in ["", "2026-4-1", "2026-02-29", "20260401", "2026-04-01 00:00", "+02026-04-1", "2026-04-01T00:00"] {
            assert_eq!(Timestamp::parse_legal(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_are_counted_over_months_and_leap_days() {
        let day = |text| LegalDate::parse(text).unwrap();
        assert_eq!(day("2028-02-28").plus_days(2), Some(day("2028-03-01")));
        assert_eq!(day("2026-06-15").plus_days(-15), Some(day("2026-05-31")));
        assert_eq!(
            (day("2026-06-15").days_since(day("2026-04-01")), day("2026-01-01").days_since(day("2026-01-02"))),
            (75, -1)
        );
    }

    #[test]
    fn the_leap_day_of_a_common_year_is_the_last_of_february() {
        let leap = MonthDay { month: 2, day: 29 };
        assert_eq!(LegalDate::of_year(2028, leap), LegalDate::parse("2028-02-29"));
        assert_eq!(LegalDate::of_year(2027, leap), LegalDate::parse("2027-02-28"));
    }
}
