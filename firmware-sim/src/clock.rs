//! Where wall time comes in.
//!
//! In:  the machine's clock.   Out: Unix milliseconds, and how they are written in payloads.
//!
//! Never: used by anything below `fleet`, `load` and `receiver`; the world, the encoders and the faults are handed their time.

/// Asia/Shanghai is eight hours ahead, without summer time.
pub(crate) const LEGAL_AHEAD_MS: i64 = 8 * 3_600_000;

/// Unix milliseconds now.
#[expect(clippy::disallowed_methods, reason = "this crate may not use the platform's clock; this is its one door")]
pub fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// Writes an instant as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(unix_ms: i64) -> String {
    let days = unix_ms.div_euclid(86_400_000);
    let of_day_ms = unix_ms.rem_euclid(86_400_000);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute) = (of_day_ms / 3_600_000, of_day_ms / 60_000 % 60);
    let (second, milli) = (of_day_ms / 1_000 % 60, of_day_ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Month and day in Asia/Shanghai, by which closures are counted.
pub(crate) fn legal_day(unix_ms: i64) -> (u32, u32) {
    let (_, month, day) = civil_from_days(unix_ms.saturating_add(LEGAL_AHEAD_MS).div_euclid(86_400_000));
    (u32::try_from(month).unwrap_or(0), u32::try_from(day).unwrap_or(0))
}

/// The Unix milliseconds of an instant as [`rfc3339`] writes it, or with fewer digits of a second; `None` for anything else.
pub fn parse_rfc3339_utc(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let second_ms = (time.next()?.parse::<f64>().ok()? * 1_000.0).round() as i64;
    Some(days_from_civil(year, month, day) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second_ms)
}

/// The reverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (march_year.div_euclid(400), march_year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The civil date of a day counted from 1970-01-01. Works in years that begin in March, so that the leap day comes last.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097; // 400 years
    let shifted = days + 719_468; // from 0000-03-01
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_313_700_123), "2026-11-22T02:15:00.123Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        for unix_ms in [0, 1_795_313_700_123, 951_782_400_000, 1_709_251_199_999] {
            assert_eq!(parse_rfc3339_utc(&rfc3339(unix_ms)), Some(unix_ms));
        }
        assert_eq!(parse_rfc3339_utc("2026-11-22T02:15:00Z"), Some(1_795_313_700_000));
        assert_eq!(parse_rfc3339_utc("2026-11-22"), None);
        assert_eq!(legal_day(951_782_400_000 + 16 * 3_600_000), (3, 1));
    }
}
