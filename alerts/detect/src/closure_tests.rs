use super::*;
use crate::testing::square;
use model::{LandClass, MonthDay, TownshipCode, ZoneId, ZoneKind};
use proptest::prelude::*;
use std::collections::BTreeSet;

const SEASON: &str = "春季休牧";

fn day(month: i8, day: i8) -> MonthDay {
    MonthDay { month, day }
}

fn date(text: &str) -> LegalDate {
    LegalDate::parse(text).unwrap()
}

fn rule(name: &str, kind: ZoneKind, season: Option<(MonthDay, MonthDay)>, level: ClosureLevel) -> ClosureRule {
    ClosureRule {
        name: name.into(),
        kinds: vec![kind],
        townships: vec![],
        zones: vec![],
        land_classes: vec![],
        season,
        effective_from: None,
        effective_to: None,
        level,
        legal_basis: "K".into(),
        fine_yuan_per_sheep_unit: 120,
    }
}

fn calendar() -> ClosureCalendar {
    ClosureCalendar::from(vec![
        rule("常年禁牧", ZoneKind::NoGrazing, None, ClosureLevel::Enforce),
        rule("返青期预警", ZoneKind::Balance, Some((day(3, 1), day(3, 31))), ClosureLevel::Warn),
        rule(SEASON, ZoneKind::Balance, Some((day(4, 1), day(6, 15))), ClosureLevel::Enforce),
        rule("过冬", ZoneKind::Meadow, Some((day(11, 1), day(2, 29))), ClosureLevel::Warn),
    ])
}

/// About the season of 2026 in the whole banner.
fn decided(id: u64, first: &str, last: &str) -> ClosureDecision {
    ClosureDecision {
        id,
        rule: SEASON.into(),
        year: 2026,
        first: date(first),
        last: date(last),
        adds: false,
        townships: vec![],
        zones: vec![],
        legal_basis: format!("文{id}"),
        reason: "返青推迟".into(),
        proposed_by: "li".into(),
        approved_by: "wang".into(),
        known_from: Timestamp::default(),
    }
}

fn with(decisions: Vec<ClosureDecision>) -> ClosureCalendar {
    ClosureCalendar { decisions, ..calendar() }
}

fn zone(kind: ZoneKind, township: &str) -> Zone {
    Zone { township: TownshipCode::parse(township).ok(), ..Zone::clone(&square("a", kind, 433_000_000)) }
}

/// The law at an instant of Beijing, `2026-04-01` being its midnight.
fn closure(calendar: &ClosureCalendar, zone: &Zone, at: &str) -> Closure {
    closure_at(calendar, zone, Timestamp::parse_legal(at).unwrap())
}

#[track_caller]
fn check_in(calendar: &ClosureCalendar, zone: &Zone, at: &str, level: ClosureLevel, until: Option<&str>) {
    let closure = closure(calendar, zone, at);
    assert_eq!(closure.level, level, "{at}");
    assert_eq!(closure.until, until.map(|text| Timestamp::parse_legal(text).unwrap()), "{at}");
}

#[track_caller]
fn check(kind: ZoneKind, at: &str, level: ClosureLevel, until: Option<&str>) {
    check_in(&calendar(), &zone(kind, "150425100"), at, level, until);
}

#[track_caller]
fn check_season(decisions: Vec<ClosureDecision>, at: &str, until: Option<&str>) {
    let level = if until.is_some() { ClosureLevel::Enforce } else { ClosureLevel::None };
    check_in(&with(decisions), &zone(ZoneKind::Balance, "150425100"), at, level, until);
}

#[test]
fn a_season_begins_and_ends_at_midnight_of_the_legal_day_not_of_utc() {
    check(ZoneKind::Balance, "2026-03-31T23:59:59.999+08:00", ClosureLevel::Warn, Some("2026-04-01"));
    check(ZoneKind::Balance, "2026-04-01T00:00:00+08:00", ClosureLevel::Enforce, Some("2026-06-16"));
    check(ZoneKind::Balance, "2026-06-15T23:59:59.999+08:00", ClosureLevel::Enforce, Some("2026-06-16"));
    check(ZoneKind::Balance, "2026-06-16T00:00:00+08:00", ClosureLevel::None, None);
    check(ZoneKind::Balance, "2026-02-28T23:00:00+08:00", ClosureLevel::None, None);
}

#[test]
fn a_no_grazing_zone_is_always_closed_and_a_forest_without_a_rule_is_not() {
    check(ZoneKind::NoGrazing, "2026-11-22T12:00:00Z", ClosureLevel::Enforce, None);
    check(ZoneKind::Forest, "2026-11-22T12:00:00Z", ClosureLevel::None, None);
}

#[test]
fn a_season_over_the_new_year_ends_in_the_next_and_the_leap_day_belongs_to_it() {
    check(ZoneKind::Meadow, "2026-12-31T12:00:00Z", ClosureLevel::Warn, Some("2027-03-01"));
    check(ZoneKind::Meadow, "2027-02-28T12:00:00+08:00", ClosureLevel::Warn, Some("2027-03-01"));
    check(ZoneKind::Meadow, "2028-02-29T23:59:59+08:00", ClosureLevel::Warn, Some("2028-03-01"));
    check(ZoneKind::Meadow, "2026-10-31T12:00:00+08:00", ClosureLevel::None, None);
}

#[test]
fn the_next_legal_day_begins_at_sixteen_hundred_utc() {
    let at = Timestamp::parse_rfc3339("2026-03-31T15:59:59Z").unwrap();
    assert_eq!(next_day(at).unwrap().to_rfc3339(), "2026-03-31T16:00:00.000Z");
    assert_eq!(day_start(next_day(at).unwrap()).to_rfc3339(), "2026-03-31T16:00:00.000Z");
}

#[test]
fn an_extended_season_keeps_level_and_fine_and_names_both_documents() {
    let (calendar, zone) = (with(vec![decided(1, "2026-04-01", "2026-06-30")]), zone(ZoneKind::Balance, "150425100"));
    let closure = closure(&calendar, &zone, "2026-06-20");
    assert_eq!((closure.level, closure.rule.as_str()), (ClosureLevel::Enforce, SEASON));
    assert_eq!((closure.legal_basis.as_str(), closure.fine_yuan_per_sheep_unit), ("K; 文1", 120));
    assert_eq!(closure.until, date("2026-07-01").begins_at());
}

#[test]
fn an_extension_over_the_end_of_the_month_holds_to_its_last_midnight_and_for_its_year_only() {
    let extended = || vec![decided(1, "2026-04-01", "2026-07-05")];
    check_season(extended(), "2026-06-15T23:59:59.999+08:00", Some("2026-07-06"));
    check_season(extended(), "2026-06-16", Some("2026-07-06"));
    check_season(extended(), "2026-07-05T23:59:59.999+08:00", Some("2026-07-06"));
    check_season(extended(), "2026-07-06", None);
    check_season(extended(), "2027-06-15", Some("2027-06-16"));
    check_season(extended(), "2027-06-16", None);
}

#[test]
fn an_extension_for_one_township_leaves_the_others_as_they_were() {
    let calendar = with(vec![ClosureDecision {
        townships: vec![TownshipCode::parse("150425100").unwrap()],
        ..decided(1, "2026-04-01", "2026-06-30")
    }]);
    let here = zone(ZoneKind::Balance, "150425100");
    check_in(&calendar, &here, "2026-06-20", ClosureLevel::Enforce, Some("2026-07-01"));
    check_in(&calendar, &zone(ZoneKind::Balance, "150425200"), "2026-06-20", ClosureLevel::None, None);
    check_in(&calendar, &Zone { township: None, ..here }, "2026-06-20", ClosureLevel::None, None);
}

#[test]
fn a_shortened_season_opens_earlier_and_the_weaker_rule_beneath_it_shows() {
    check_season(vec![decided(1, "2026-04-01", "2026-05-31")], "2026-05-31", Some("2026-06-01"));
    check_season(vec![decided(1, "2026-04-01", "2026-05-31")], "2026-06-01", None);
    let late = with(vec![decided(1, "2026-04-10", "2026-06-15")]);
    check_in(&late, &zone(ZoneKind::Balance, "150425100"), "2026-04-05", ClosureLevel::None, None);
}

#[test]
fn of_two_decisions_about_a_season_the_later_one_counts() {
    let both = || vec![decided(1, "2026-04-01", "2026-06-30"), decided(2, "2026-04-01", "2026-06-20")];
    check_season(both(), "2026-06-18", Some("2026-06-21"));
    check_season(both(), "2026-06-25", None);
}

#[test]
fn added_days_join_the_season_that_they_touch_and_stand_alone_otherwise() {
    let adds = |id, first, last| ClosureDecision { adds: true, ..decided(id, first, last) };
    let touching = || vec![adds(1, "2026-06-10", "2026-06-20"), adds(2, "2026-06-21", "2026-06-30")];
    check_season(touching(), "2026-05-01", Some("2026-07-01"));
    check_season(touching(), "2026-06-30", Some("2026-07-01"));
    check_season(vec![adds(1, "2026-08-01", "2026-08-31")], "2026-07-31", None);
    check_season(vec![adds(1, "2026-08-01", "2026-08-31")], "2026-08-01", Some("2026-09-01"));
    let withdrawn = vec![adds(1, "2026-08-01", "2026-08-31"), decided(2, "2026-04-01", "2026-06-15")];
    check_season(withdrawn, "2026-08-01", None);
}

#[test]
fn a_season_that_is_decided_to_begin_before_the_new_year_does() {
    let winter = rule("冬", ZoneKind::Balance, Some((day(1, 1), day(2, 29))), ClosureLevel::Enforce);
    let decision = ClosureDecision { rule: "冬".into(), year: 2028, ..decided(1, "2027-12-20", "2028-02-29") };
    let calendar = ClosureCalendar { rules: vec![winter], decisions: vec![decision] };
    let zone = zone(ZoneKind::Balance, "150425100");
    check_in(&calendar, &zone, "2027-12-20", ClosureLevel::Enforce, Some("2028-03-01"));
    check_in(&calendar, &zone, "2028-02-29T23:59:59+08:00", ClosureLevel::Enforce, Some("2028-03-01"));
    check_in(&calendar, &zone, "2027-12-19", ClosureLevel::None, None);
}

#[test]
fn a_rule_holds_in_its_townships_zones_and_land_and_while_it_is_law() {
    let general = rule("r", ZoneKind::NoGrazing, None, ClosureLevel::Enforce);
    let here = zone(ZoneKind::NoGrazing, "150425100");
    let closed = |rule: ClosureRule, at: &str| closure(&vec![rule].into(), &here, at);
    let township = |code: &str| vec![TownshipCode::parse(code).unwrap()];
    let zones = |id: &str| vec![ZoneId::parse(id).unwrap()];
    for (rule, holds) in [
        (ClosureRule { townships: township("150425100"), ..general.clone() }, true),
        (ClosureRule { townships: township("150425200"), ..general.clone() }, false),
        (ClosureRule { zones: zones("a"), ..general.clone() }, true),
        (ClosureRule { zones: zones("b"), ..general.clone() }, false),
        (ClosureRule { land_classes: vec![LandClass::Grassland], ..general.clone() }, true),
        (ClosureRule { land_classes: vec![LandClass::SandyLand], ..general.clone() }, false),
    ] {
        assert_eq!(closed(rule.clone(), "2026-05-01").level > ClosureLevel::None, holds, "{rule:?}");
    }
    let plan = ClosureRule {
        effective_from: Some(date("2026-01-01")),
        effective_to: Some(date("2030-12-31")),
        ..general.clone()
    };
    assert_eq!(closed(plan.clone(), "2025-12-31T23:59:59+08:00").level, ClosureLevel::None);
    assert_eq!(closed(plan.clone(), "2026-01-01").until, date("2031-01-01").begins_at());
    assert_eq!(closed(plan, "2031-01-01").level, ClosureLevel::None);
}

/// Every day from the first of 2025 on, for three years.
fn days() -> Vec<LegalDate> {
    std::iter::successors(LegalDate::parse("2025-01-01"), |day| day.next()).take(3 * 365).collect()
}

/// A season in its year by the numbers of its days, and decisions: year, first day and length, adds, for this zone.
type Drawn = ((usize, usize), Vec<(usize, usize, usize, bool, bool)>);

fn drawn() -> impl Strategy<Value = Drawn> {
    let decision = (0_usize..3, 0_usize..340, 0_usize..60, any::<bool>(), prop::bool::weighted(0.8));
    ((0_usize..300, 0_usize..60), prop::collection::vec(decision, 0..5))
}

proptest! {
    #[test]
    fn what_holds_and_until_when_is_what_marking_day_by_day_finds(((begin, length), decisions) in drawn()) {
        let all = days();
        let here = zone(ZoneKind::Balance, "150425100");
        let day_of = |index: usize| all[index.min(all.len() - 1)];
        let season = (day_of(begin).month_day(), day_of(begin + length).month_day());
        let mut calendar = ClosureCalendar::from(vec![rule(SEASON, ZoneKind::Balance, Some(season), ClosureLevel::Enforce)]);
        for (number, (year, first, length, adds, mine)) in decisions.iter().enumerate() {
            let first = year * 365 + first;
            calendar.decisions.push(ClosureDecision {
                year: 2025 + *year as i16,
                first: day_of(first),
                last: day_of(first + length),
                adds: *adds,
                zones: vec![ZoneId::parse(if *mine { "a" } else { "b" }).unwrap()],
                ..decided(number as u64, "2026-04-01", "2026-06-15")
            });
        }
        let mut closed: BTreeSet<LegalDate> = BTreeSet::new();
        for year in 2025..2028 {
            let within = |first: LegalDate, last: LegalDate| all.iter().copied().filter(move |day| (first..=last).contains(day));
            let by_rule = (LegalDate::of_year(year, season.0).unwrap(), LegalDate::of_year(year, season.1).unwrap());
            let mut marked: BTreeSet<LegalDate> = within(by_rule.0, by_rule.1).collect();
            for decision in calendar.decisions.iter().filter(|one| one.year == year && one.zones[0].as_str() == "a") {
                if !decision.adds {
                    marked.clear();
                }
                marked.extend(within(decision.first, decision.last));
            }
            closed.extend(marked);
        }
        // What is close to the end may go on in a year that was not marked.
        for day in &all[..2 * 365] {
            let found = closure_at(&calendar, &here, day.begins_at().unwrap());
            prop_assert_eq!(found.level > ClosureLevel::None, closed.contains(day), "{}", day);
            let open = all.iter().find(|later| *later > day && !closed.contains(later));
            let until = open.filter(|_| closed.contains(day)).and_then(|open| open.begins_at());
            prop_assert_eq!(found.until, until, "{}", day);
        }
    }
}
