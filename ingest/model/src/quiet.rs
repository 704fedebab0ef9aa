use crate::{LegalDate, Severity, Timestamp};
use std::fmt;
use std::time::Duration;

const MINUTES_A_DAY: u16 = 24 * 60;

/// Hours in which somebody is told only of what cannot wait. Legal time; the end is not included; may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from_min: u16,
    until_min: u16,
    /// What is less urgent than this waits for the end.
    pub below: Severity,
}

impl QuietHours {
    /// From `22:00` until `06:00`; `None` for what is no time of day, or no hours at all.
    pub fn parse(from: &str, until: &str, below: Severity) -> Option<Self> {
        let (from_min, until_min) = (minute_of_day(from)?, minute_of_day(until)?);
        (from_min != until_min && from_min < MINUTES_A_DAY).then_some(Self { from_min, until_min, below })
    }

    /// Until when something as urgent as this has to wait; `None`: it need not.
    pub fn waits_until(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        if severity >= self.below {
            return None;
        }
        let today = LegalDate::of(now)?;
        let midnight = today.begins_at()?;
        let minute = u16::try_from(now.since(midnight).as_secs() / 60).ok()?;
        let at = |midnight: Timestamp| midnight.plus(Duration::from_secs(u64::from(self.until_min) * 60));
        match (self.from_min < self.until_min, minute >= self.from_min, minute < self.until_min) {
            (true, true, true) | (false, _, true) => Some(at(midnight)),
            (false, true, false) => Some(at(today.next()?.begins_at()?)),
            _ => None,
        }
    }

    /// When they begin, as `22:00`.
    pub fn from(&self) -> String {
        clock(self.from_min)
    }

    /// When they end, likewise.
    pub fn until(&self) -> String {
        clock(self.until_min)
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.from(), self.until(), self.below.as_str())
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `00:00` to `24:00`.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= MINUTES_A_DAY).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("{text}:00+08:00")).unwrap()
    }

    #[track_caller]
    fn check(from: &str, until: &str, now: &str, waits_until: Option<&str>) {
        let hours = QuietHours::parse(from, until, Severity::Urgent).unwrap();
        assert_eq!(hours.waits_until(Severity::Warning, at(now)), waits_until.map(at), "{from}-{until} at {now}");
        assert_eq!(hours.waits_until(Severity::Urgent, at(now)), None, "what cannot wait never does");
    }

    #[test]
    fn what_can_wait_waits_for_the_end_also_over_midnight() {
        check("22:00", "06:00", "2026-04-01T21:59", None);
        check("22:00", "06:00", "2026-04-01T22:00", Some("2026-04-02T06:00"));
        check("22:00", "06:00", "2026-04-02T00:00", Some("2026-04-02T06:00"));
        check("22:00", "06:00", "2026-04-02T06:00", None);
        check("12:00", "14:30", "2026-04-02T13:00", Some("2026-04-02T14:30"));
        check("12:00", "14:30", "2026-04-02T14:30", None);
        check("12:00", "24:00", "2026-12-31T23:59", Some("2027-01-01T00:00"));
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for (from, until) in [("22:00", "22:00"), ("24:00", "06:00"), ("2:00", "06:00"), ("22:60", "06:00"), ("", "x")]
        {
            assert_eq!(QuietHours::parse(from, until, Severity::Urgent), None, "{from} {until}");
        }
        let hours = QuietHours::parse("22:00", "06:30", Severity::Warning).unwrap();
        assert_eq!(hours.to_string(), "22:00 06:30 warning");
    }
}
