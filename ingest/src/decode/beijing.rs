//! Times without a zone, as Chinese standards write them: always Beijing time (UTC+8).
//!
//! In: the text.   Out: a [`model::Timestamp`], or nothing. A zone that is written all the same is believed.

use model::Timestamp;

/// `yyyy-MM-ddTHH:mm:ss` with or without a fraction or a zone; some write a blank for the `T`.
pub(super) fn dashed(text: &str) -> Option<Timestamp> {
    let text = text.trim().replacen(' ', "T", 1);
    let (date, clock) = text.split_once('T')?;
    if date.len() != 10 || clock.len() < 8 || clock.len() > 32 {
        return None;
    }
    let zoned = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
    after_1970(Timestamp::parse_rfc3339(&if zoned { text } else { format!("{text}+08:00") })?)
}

/// `yyyyMMddHHmmss`, followed by milliseconds or by nothing.
pub(super) fn packed(text: &str) -> Option<Timestamp> {
    if !(14..=17).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to);
    let (date, clock) = (
        format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?),
        format!("{}:{}:{}", part(8, 10)?, part(10, 12)?, part(12, 14)?),
    );
    let millis = text.get(14..).filter(|millis| !millis.is_empty()).unwrap_or("0");
    after_1970(Timestamp::parse_rfc3339(&format!("{date}T{clock}.{millis}+08:00"))?)
}

/// Before 1970 there was neither the device nor the clock in it.
fn after_1970(time: Timestamp) -> Option<Timestamp> {
    (time >= Timestamp::from_millis(0)).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: Option<Timestamp>, want: &str) {
        assert_eq!(read.map(Timestamp::to_rfc3339).as_deref(), Some(want));
    }

    #[test]
    fn a_time_without_a_zone_is_beijing_time_and_a_zone_is_believed() {
        check(dashed("2026-11-22T10:15:00"), "2026-11-22T02:15:00.000Z");
        check(dashed(" 2026-11-22 10:15:00.250 "), "2026-11-22T02:15:00.250Z");
        check(dashed("2026-11-22T02:15:00Z"), "2026-11-22T02:15:00.000Z");
        check(dashed("2026-11-22T02:15:00+00:00"), "2026-11-22T02:15:00.000Z");
        check(packed("20261122101500"), "2026-11-22T02:15:00.000Z");
        check(packed("20261122101500123"), "2026-11-22T02:15:00.123Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "T", "2026-11-22", "2026-13-22T10:15:00", "1960-01-01T00:00:00", "２０２６-11-22T10:15:00"]
        {
            assert_eq!(dashed(text), None, "{text}");
        }
        for text in ["", "2026112210150", "20261322101500", "2026112210150x", "202611221015001234"] {
            assert_eq!(packed(text), None, "{text}");
        }
    }
}
