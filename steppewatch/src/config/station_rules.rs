//! The sections `[[station_threshold]]`, `[danger]`, `[fire]` and `[green_up]`: what of stations and cameras becomes news.
//!
//! In:  the sections.   Out: [`detect::stations::StationSettings`].   Never: two rules of one name; a rule that could never begin or end.

use super::section::{ConfigError, Section};
use detect::stations::{
    DROUGHT, DangerSettings, FIRE_DANGER, FireSettings, GREEN_UP, GreenUpSettings, RULES_MAX, Side, StationSettings,
    ThresholdRule, Thresholds,
};
use model::{LegalDate, MonthDay, Quantity};
use std::time::Duration;

/// Reads them; what is left out keeps its default.
pub(super) fn station_rules(root: &mut Section) -> Result<StationSettings, ConfigError> {
    Ok(StationSettings {
        thresholds: thresholds(root.sections("station_threshold")?)?,
        danger: danger(root.section("danger")?)?,
        fire: fire(root.section("fire")?)?,
        green_up: green_up(root.section("green_up")?)?,
    })
}

/// A section with a default's name stands in its place; others are added.
fn thresholds(sections: Vec<Section>) -> Result<Thresholds, ConfigError> {
    let Thresholds(mut rules) = Thresholds::default();
    let mut named: Vec<String> = Vec::new();
    for mut section in sections {
        let name = section.required("name", "a name for the rule, for example frost")?;
        let is_plain = |name: &str| {
            (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if !is_plain(&name) || [FIRE_DANGER, DROUGHT, GREEN_UP].contains(&name.as_str()) {
            let reason = "use up to 40 small letters and underscores, and none of fire_danger, drought, green_up";
            return Err(section.invalid("name", &name, reason));
        }
        if named.contains(&name) {
            return Err(section.invalid("name", &name, "there is a rule of that name already; choose another"));
        }
        rules.retain(|rule| rule.name != name);
        if !section.flag("off", false)? {
            rules.push(rule(&mut section, name.clone())?);
        }
        if rules.len() > RULES_MAX {
            let reason = format!("there are more than {RULES_MAX} rules; leave some out");
            return Err(section.invalid("name", &name, &reason));
        }
        named.push(name);
        section.finish()?;
    }
    Ok(Thresholds(rules))
}

fn rule(section: &mut Section, name: String) -> Result<ThresholdRule, ConfigError> {
    let word = section.required("quantity", "what it looks at, for example air_temperature_c")?;
    let quantity = Quantity::parse(&word).ok_or_else(|| {
        let known = Quantity::all().map(Quantity::as_str).collect::<Vec<_>>().join(", ");
        section.invalid("quantity", &word, &format!("use one of: {known}"))
    })?;
    let (above, below) = (section.optional_decimal("above")?, section.optional_decimal("below")?);
    let (side, limit, key) = match (above, below) {
        (Some(limit), None) => (Side::Above, limit, "above"),
        (None, Some(limit)) => (Side::Below, limit, "below"),
        (None, None) => return Err(section.missing("above", "from which value on it is past, or `below` instead")),
        (Some(_), Some(below)) => {
            return Err(section.invalid("below", &below.to_string(), "`above` is there too; leave one out"));
        }
    };
    let back = section.decimal("back", 0.0)?;
    let (lowest, highest) = quantity.plausible();
    let way_back = if side == Side::Above { limit - back } else { limit + back };
    // A limit that no value can be past never begins, a way back that none can reach never ends.
    if !(lowest..=highest).contains(&limit) || !(lowest..=highest).contains(&way_back) || back < 0.0 {
        let reason = format!(
            "{} is {lowest} to {highest} {}; limit and way back have to be within that, and back not negative",
            quantity.as_str(),
            quantity.unit()
        );
        return Err(section.invalid(key, &limit.to_string(), &reason));
    }
    let season = match (section.optional_text("from")?, section.optional_text("to")?) {
        (None, None) => None,
        (from, to) => Some((day(section, "from", from)?, day(section, "to", to)?)),
    };
    let lasts = section.optional_duration("for", "30min")?.unwrap_or(Duration::ZERO);
    if lasts > Duration::from_secs(7 * 86_400) {
        return Err(section.invalid("for", &format!("{}s", lasts.as_secs()), "write at most 7d"));
    }
    let is_grave = section.flag("grave", false)?;
    Ok(ThresholdRule { name, quantity, side, limit, back, lasts, is_grave, season })
}

fn day(section: &Section, key: &'static str, text: Option<String>) -> Result<MonthDay, ConfigError> {
    let text = text.ok_or_else(|| section.missing(key, "the season's other end, for example 05-10"))?;
    // A leap year knows every day.
    let date = LegalDate::parse(&format!("2028-{text}"));
    let remedy = "write month and day, for example 05-10";
    date.map(LegalDate::month_day).ok_or_else(|| section.invalid(key, &text, remedy))
}

fn danger(mut section: Section) -> Result<DangerSettings, ConfigError> {
    let known = DangerSettings::default();
    let class = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    let settings = DangerSettings {
        fire_class: class(section.number("fire_class", u64::from(known.fire_class), 2..=5)?),
        fuel_t_per_ha: section.fraction("fuel_t_per_ha", known.fuel_t_per_ha, 0.1..=20.0)?,
        drought_class: class(section.number("drought_class", u64::from(known.drought_class), 1..=4)?),
        drought_days: u32::try_from(section.number("drought_days", u64::from(known.drought_days), 1..=30)?)
            .unwrap_or(30),
        field_capacity_percent: section.fraction("field_capacity_percent", known.field_capacity_percent, 1.0..=60.0)?,
    };
    section.finish()?;
    Ok(settings)
}

fn fire(mut section: Section) -> Result<FireSettings, ConfigError> {
    let known = FireSettings::default();
    let settings = FireSettings {
        confidence_min: section.fraction("confidence_min", known.confidence_min, 0.0..=1.0)?,
        join_m: section.fraction("join_m", known.join_m, 50.0..=20_000.0)?,
        over_after: section.duration("over_after", "30min")?,
    };
    if settings.over_after > Duration::from_secs(86_400) {
        return Err(section.invalid("over_after", &format!("{}s", settings.over_after.as_secs()), "write at most 24h"));
    }
    section.finish()?;
    Ok(settings)
}

fn green_up(mut section: Section) -> Result<GreenUpSettings, ConfigError> {
    let known = GreenUpSettings::default();
    let mut days = |key, default: u16, most: u64| -> Result<u16, ConfigError> {
        Ok(u16::try_from(section.number(key, u64::from(default), 1..=most)?).unwrap_or(u16::MAX))
    };
    let (days_before_end, extend_days) =
        (days("days_before_end", known.days_before_end, 60)?, days("extend_days", known.extend_days, 60)?);
    let warm_days = days("warm_days", known.warm_days, 20)?;
    let share = section.number("share_percent", 50, 1..=100)?;
    let settings = GreenUpSettings {
        proposes: section.flag("proposes", known.proposes)?,
        days_before_end,
        share_min: share as f64 / 100.0,
        stations_min: u32::try_from(section.number("stations_min", u64::from(known.stations_min), 1..=1_000)?)
            .unwrap_or(1),
        extend_days,
        soil_c: section.fraction("soil_c", known.soil_c, -5.0..=20.0)?,
        warm_days,
        legal_basis: section.text("legal_basis", &known.legal_basis)?,
    };
    if settings.legal_basis.trim().is_empty() || settings.legal_basis.chars().count() > 200 {
        let remedy = "name the document that allows a longer rest period, in 1 to 200 characters";
        return Err(section.invalid("legal_basis", &settings.legal_basis, remedy));
    }
    section.finish()?;
    Ok(settings)
}
