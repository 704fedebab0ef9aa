use std::fmt;
use std::time::Duration;

/// An instant: milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// When the device says it happened. Devices lie; compare only within one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceTime(pub Timestamp);

/// When we took it in. Ours, and monotonic within one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceivedAt(pub Timestamp);

impl Timestamp {
    /// From Unix milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Unix milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with a zone (`2026-11-22T10:15:00+08:00`); `None` for anything else, a time without a zone included.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    /// `2026-11-22T02:15:00.000Z`; instants beyond what a calendar date can show are shown as that limit.
    pub fn to_rfc3339(self) -> String {
        let limit = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        format!("{:.3}", jiff::Timestamp::from_millisecond(self.0).unwrap_or(limit))
    }

    /// Later by `by`; stops at the end of time instead of wrapping.
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Earlier by `by`.
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_needs_its_zone_and_survives_the_round_trip() {
        let t = Timestamp::parse_rfc3339("2026-11-22T10:15:00+08:00").unwrap();
        assert_eq!(t.to_rfc3339(), "2026-11-22T02:15:00.000Z");
        assert_eq!(Timestamp::parse_rfc3339("2026-11-22T10:15:00"), None);
        assert_eq!(Timestamp::from_millis(i64::MAX).to_rfc3339().get(..4), Some("9999"));
    }
}
