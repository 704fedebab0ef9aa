//! The device's own time: `ts` as RFC 3339 with a zone, or whole Unix milliseconds.
//!
//! In: the field as written, and when we took the frame in.   Out: a [`DeviceTime`], or why it is none. Never guesses a
//! zone or a unit.

use super::fields::short;
use model::{DeviceTime, ReceivedAt, Reject, Timestamp};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// How far ahead of our clock a device's may run. A sound device with NTP or GPS is within a second and a cheap one
/// drifts by minutes; what is further ahead was set wrong, and if it were believed it would stay the device's "latest"
/// until the real time catches up, hiding everything the device says in between.
pub const FUTURE_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// `ts` as it stood in the payload. A bad one is kept as a value, so that the reason can name it.
#[derive(Debug)]
pub(super) enum RawTime {
    Instant(Timestamp),
    Unreadable(String),
}

impl RawTime {
    fn of_text(text: &str) -> Self {
        Self::checked(Timestamp::parse_rfc3339(text), || short(text))
    }

    fn of_millis(millis: i64) -> Self {
        Self::checked(Some(Timestamp::from_millis(millis)), || millis.to_string())
    }

    /// Before 1970 there was neither the device nor the clock in it.
    fn checked(time: Option<Timestamp>, written: impl FnOnce() -> String) -> Self {
        match time {
            Some(time) if time >= Timestamp::from_millis(0) => Self::Instant(time),
            _ => Self::Unreadable(written()),
        }
    }
}

/// The time of a message that must have one; `field` is what its protocol calls it.
pub(super) fn required(field: &'static str, raw: Option<RawTime>) -> Result<DeviceTime, Reject> {
    match raw {
        Some(RawTime::Instant(time)) => Ok(DeviceTime(time)),
        Some(RawTime::Unreadable(written)) => Err(Reject::BadTime(written)),
        None => Err(Reject::Missing { field }),
    }
}

/// Refuses a time that has not come yet; see [`FUTURE_TOLERANCE`].
pub(super) fn refuse_future(device_time: Option<DeviceTime>, received_at: ReceivedAt) -> Result<(), Reject> {
    let Some(DeviceTime(said)) = device_time else { return Ok(()) };
    let ahead = said.since(received_at.0);
    if ahead > FUTURE_TOLERANCE { Err(Reject::FutureTime { ahead_s: ahead.as_secs() }) } else { Ok(()) }
}

impl<'de> Deserialize<'de> for RawTime {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct TimeVisitor;

        impl Visitor<'_> for TimeVisitor {
            type Value = RawTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time: RFC 3339 text with a zone, or whole Unix milliseconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawTime, E> {
                Ok(RawTime::of_text(text))
            }

            fn visit_i64<E: Error>(self, millis: i64) -> Result<RawTime, E> {
                Ok(RawTime::of_millis(millis))
            }

            fn visit_u64<E: Error>(self, millis: u64) -> Result<RawTime, E> {
                Ok(i64::try_from(millis).map_or_else(|_| RawTime::Unreadable(millis.to_string()), RawTime::of_millis))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<RawTime, E> {
                Ok(RawTime::Unreadable(number.to_string()))
            }
        }

        reader.deserialize_any(TimeVisitor)
    }
}
