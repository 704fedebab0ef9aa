//! What the law says about a kind of zone at an instant. Dates are legal dates in Asia/Shanghai, instants UTC.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use model::{Closure, ClosureLevel, ClosureRule, MonthDay, Timestamp, ZoneKind};

/// China has used UTC+8 without summer time since 1992, so legal dates need no time zone database.
fn legal_zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

fn legal_date(at: Timestamp) -> Option<Date> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok().map(|instant| instant.to_zoned(legal_zone()).date())
}

fn starts_at(date: Date) -> Option<Timestamp> {
    let zoned = date.to_zoned(legal_zone()).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

/// When the legal day that holds `at` began.
pub fn day_start(at: Timestamp) -> Timestamp {
    legal_date(at).and_then(starts_at).unwrap_or(at)
}

/// When the legal day after the one that holds `at` begins: closures start and end only then.
pub fn next_day(at: Timestamp) -> Option<Timestamp> {
    legal_date(at)?.tomorrow().ok().and_then(starts_at)
}

/// What holds in zones of `kind` at `at`: the strictest rule that applies, the first of equals.
pub fn closure_at(rules: &[ClosureRule], kind: ZoneKind, at: Timestamp) -> Closure {
    let Some(today) = legal_date(at) else { return Closure::default() };
    let mut strictest: Option<&ClosureRule> = None;
    for rule in rules.iter().filter(|rule| rule.kinds.contains(&kind) && applies(rule.season, today)) {
        if strictest.is_none_or(|known| rule.level > known.level) {
            strictest = Some(rule);
        }
    }
    let Some(rule) = strictest.filter(|rule| rule.level != ClosureLevel::None) else { return Closure::default() };
    Closure {
        level: rule.level,
        rule: rule.name.clone(),
        legal_basis: rule.legal_basis.clone(),
        until: rule.season.and_then(|(_, last)| ends_after(last, today)),
        fine_yuan_per_sheep_unit: rule.fine_yuan_per_sheep_unit,
    }
}

/// Both days belong to the season; a season may run over the new year.
fn applies(season: Option<(MonthDay, MonthDay)>, today: Date) -> bool {
    let Some((first, last)) = season else { return true };
    let today = MonthDay { month: today.month(), day: today.day() };
    if first <= last { first <= today && today <= last } else { today >= first || today <= last }
}

/// The instant at which the day after the season's last one begins.
fn ends_after(last: MonthDay, today: Date) -> Option<Timestamp> {
    let this_year = MonthDay { month: today.month(), day: today.day() } <= last;
    let year = if this_year { today.year() } else { today.year().checked_add(1)? };
    // 29 February ends with the month in other years.
    let end =
        Date::new(year, last.month, last.day).or_else(|_| Date::new(year, last.month, last.day.saturating_sub(1)));
    end.ok()?.tomorrow().ok().and_then(starts_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<ClosureRule> {
        let rule = |name: &str, kinds: &[ZoneKind], season, level| ClosureRule {
            name: name.into(),
            kinds: kinds.to_vec(),
            season,
            level,
            legal_basis: "K".into(),
            fine_yuan_per_sheep_unit: 120,
        };
        let day = |month, day| MonthDay { month, day };
        vec![
            rule("常年禁牧", &[ZoneKind::NoGrazing], None, ClosureLevel::Enforce),
            rule("返青期预警", &[ZoneKind::Balance], Some((day(3, 1), day(3, 31))), ClosureLevel::Warn),
            rule("春季休牧", &[ZoneKind::Balance], Some((day(4, 1), day(6, 15))), ClosureLevel::Enforce),
            rule("过冬", &[ZoneKind::Meadow], Some((day(11, 1), day(2, 29))), ClosureLevel::Warn),
        ]
    }

    #[track_caller]
    fn check(kind: ZoneKind, at: &str, level: ClosureLevel, until: Option<&str>) {
        let closure = closure_at(&rules(), kind, Timestamp::parse_rfc3339(at).unwrap());
        assert_eq!(closure.level, level, "{at}");
        assert_eq!(closure.until, until.map(|text| Timestamp::parse_rfc3339(text).unwrap()), "{at}");
    }

    #[test]
    fn a_season_begins_and_ends_at_midnight_of_the_legal_day_not_of_utc() {
        check(
            ZoneKind::Balance,
            "2026-03-31T23:59:59.999+08:00",
            ClosureLevel::Warn,
            Some("2026-04-01T00:00:00+08:00"),
        );
        check(ZoneKind::Balance, "2026-04-01T00:00:00+08:00", ClosureLevel::Enforce, Some("2026-06-16T00:00:00+08:00"));
        check(
            ZoneKind::Balance,
            "2026-06-15T23:59:59.999+08:00",
            ClosureLevel::Enforce,
            Some("2026-06-16T00:00:00+08:00"),
        );
        check(ZoneKind::Balance, "2026-06-16T00:00:00+08:00", ClosureLevel::None, None);
        check(ZoneKind::Balance, "2026-02-28T23:00:00+08:00", ClosureLevel::None, None);
    }

    #[test]
    fn a_no_grazing_zone_is_always_closed_and_a_forest_without_a_rule_is_not() {
        check(ZoneKind::NoGrazing, "2026-11-22T12:00:00Z", ClosureLevel::Enforce, None);
        check(ZoneKind::Forest, "2026-11-22T12:00:00Z", ClosureLevel::None, None);
    }

    #[test]
    fn a_season_over_the_new_year_ends_in_the_next() {
        check(ZoneKind::Meadow, "2026-12-31T12:00:00Z", ClosureLevel::Warn, Some("2027-03-01T00:00:00+08:00"));
        check(ZoneKind::Meadow, "2027-02-28T12:00:00+08:00", ClosureLevel::Warn, Some("2027-03-01T00:00:00+08:00"));
        check(ZoneKind::Meadow, "2026-10-31T12:00:00+08:00", ClosureLevel::None, None);
    }

    #[test]
    fn the_next_legal_day_begins_at_sixteen_hundred_utc() {
        let at = Timestamp::parse_rfc3339("2026-03-31T15:59:59Z").unwrap();
        assert_eq!(next_day(at).unwrap().to_rfc3339(), "2026-03-31T16:00:00.000Z");
        assert_eq!(day_start(next_day(at).unwrap()).to_rfc3339(), "2026-03-31T16:00:00.000Z");
    }
}
