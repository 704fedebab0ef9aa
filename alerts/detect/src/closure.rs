//! What the law says in a zone at an instant. Dates are legal dates in Asia/Shanghai, instants UTC.
//!
//! In: the calendar, a zone, an instant.   Out: [`Closure`].   Never: a date of its own.
//!
//! A decision gives a rule's season of one year other days where it applies, or adds days. Of several about the same season
//! the later one counts: it replaces the season and all that was decided about it before, unless it only adds.

use model::{Closure, ClosureCalendar, ClosureDecision, ClosureLevel, ClosureRule, LegalDate, Timestamp, Zone};

/// When the legal day that holds `at` began.
pub fn day_start(at: Timestamp) -> Timestamp {
    LegalDate::of(at).and_then(LegalDate::begins_at).unwrap_or(at)
}

/// When the legal day after the one that holds `at` begins: closures start and end only then.
pub fn next_day(at: Timestamp) -> Option<Timestamp> {
    LegalDate::of(at)?.ends_at()
}

/// What holds in a zone at `at`: the strictest rule that applies, the first of equals.
pub fn closure_at(calendar: &ClosureCalendar, zone: &Zone, at: Timestamp) -> Closure {
    let Some(today) = LegalDate::of(at) else { return Closure::default() };
    let mut strictest: Option<(&ClosureRule, Held<'_>)> = None;
    for rule in calendar.rules.iter().filter(|rule| rule.level > ClosureLevel::None && rule.covers(zone)) {
        if strictest.as_ref().is_none_or(|(known, _)| rule.level > known.level)
            && let Some(held) = held(calendar, rule, zone, today)
        {
            strictest = Some((rule, held));
        }
    }
    let Some((rule, held)) = strictest else { return Closure::default() };
    let mut legal_basis = rule.legal_basis.clone();
    for decision in held.decisions {
        legal_basis.push_str("; ");
        legal_basis.push_str(&decision.legal_basis);
    }
    Closure {
        level: rule.level,
        rule: rule.name.clone(),
        legal_basis,
        until: held.last.and_then(LegalDate::ends_at),
        fine_yuan_per_sheep_unit: rule.fine_yuan_per_sheep_unit,
    }
}

/// That a rule holds on a day, how long it goes on without a gap, and what was decided about that day.
struct Held<'a> {
    last: Option<LegalDate>,
    decisions: Vec<&'a ClosureDecision>,
}

fn held<'a>(calendar: &'a ClosureCalendar, rule: &ClosureRule, zone: &Zone, today: LegalDate) -> Option<Held<'a>> {
    if !rule.is_law_on(today) {
        return None;
    }
    if rule.season.is_none() {
        return Some(Held { last: rule.effective_to, decisions: Vec::new() });
    }
    // A season may run over the new year, and a decision may let it begin in the year before.
    let years = today.year().saturating_sub(1)..=today.year().saturating_add(1);
    let periods: Vec<_> = years.flat_map(|year| periods(calendar, rule, zone, year)).collect();
    let today_in: Vec<_> = periods.iter().filter(|period| period.first <= today && today <= period.last).collect();
    let mut last = today_in.iter().map(|period| period.last).max()?;
    // What begins the day after is the same closure going on.
    while let Some(further) = periods
        .iter()
        .filter(|period| period.last > last && last.next().is_some_and(|after| period.first <= after))
        .map(|period| period.last)
        .max()
    {
        last = further;
    }
    let last = rule.effective_to.map_or(last, |to| last.min(to));
    Some(Held { last: Some(last), decisions: today_in.iter().filter_map(|period| period.decision).collect() })
}

/// Closed days without a gap, both ends included.
struct Period<'a> {
    first: LegalDate,
    last: LegalDate,
    decision: Option<&'a ClosureDecision>,
}

/// The closed days of the season that begins in `year`.
fn periods<'a>(calendar: &'a ClosureCalendar, rule: &ClosureRule, zone: &Zone, year: i16) -> Vec<Period<'a>> {
    let mut periods = Vec::new();
    if let Some((first, last)) = rule.season {
        let end_year = if first <= last { year } else { year.saturating_add(1) };
        if let (Some(first), Some(last)) = (LegalDate::of_year(year, first), LegalDate::of_year(end_year, last)) {
            periods.push(Period { first, last, decision: None });
        }
    }
    for decision in calendar.decisions.iter().filter(|decision| decision.year == year && decision.covers(rule, zone)) {
        if !decision.adds {
            periods.clear();
        }
        periods.push(Period { first: decision.first, last: decision.last, decision: Some(decision) });
    }
    periods
}

#[cfg(test)]
#[path = "closure_tests.rs"]
mod tests;
