//! The closure calendar: which kinds of zone are closed when, how strictly, and by what law.
//!
//! In: TOML, ours or an operator's.   Out: [`ClosureRule`]s in the view.
//! Never: a date or a fine in code; a rule without its legal basis; a silent guess at a key that we do not know.

use crate::audit::Change;
use crate::load::Part;
use crate::{Registry, RegistryError, approval, closures};
use model::{ClosureLevel, ClosureRule, LandClass, LegalDate, MonthDay, Timestamp, TownshipCode, ZoneId, ZoneKind};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::json;

/// The calendar that ships as its file: Hexigten Banner, 2026-2030.
pub const HEXIGTEN: &str = include_str!("../rules/hexigten.toml");
/// More than any plan has clauses; detection looks at every rule of a kind.
const MAX_RULES: usize = 1_000;
const MAX_TEXT_BYTES: usize = 1 << 20;
/// More than any fine in law, and small enough that a herd's sum stays exact.
const MAX_FINE_YUAN: u32 = 100_000;

const KINDS: &str =
    "use no-grazing, balance, project, overlap, forest, forest-farm, reserve, meadow, checkpoint or jurisdiction";
const CLASSES: &str = "use grassland, forest, sandy-land or unstated";
const CODES: &str = "use the administrative code of a township, for example \"150425100\"";
const IDS: &str = "use the id of a zone: 1 to 64 of A-Z a-z 0-9 . _ -";
const DAY: &str = "use a legal date, for example \"2026-01-01\"";

/// Why a calendar was refused; the one in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Correct the TOML; the message names line, key and what is allowed there.
    #[error("rules cannot be read: {message}")]
    Unreadable {
        /// What the parser said.
        message: String,
    },
    /// Correct one value.
    #[error("rule {rule}: {key} is `{value}`; {remedy}")]
    Value {
        /// Its name, or its number when it has none.
        rule: String,
        /// Which key.
        key: &'static str,
        /// What it held.
        value: String,
        /// What would do.
        remedy: &'static str,
    },
    /// State at least one rule, and no more than the bound.
    #[error("rules hold {count} [[rule]] tables; write 1 to {limit}")]
    Count {
        /// How many there are.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
}

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    name: String,
    kinds: Vec<String>,
    #[serde(default)]
    townships: Vec<String>,
    #[serde(default)]
    zones: Vec<String>,
    #[serde(default)]
    land_classes: Vec<String>,
    season: Option<RawSeason>,
    effective_from: Option<String>,
    effective_to: Option<String>,
    level: String,
    legal_basis: String,
    fine_yuan_per_sheep_unit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeason {
    from: String,
    to: String,
}

/// The calendar that ships with the program; another one is published with [`Registry::set_rules`].
pub fn hexigten() -> Vec<ClosureRule> {
    match parse(HEXIGTEN) {
        Ok(rules) => rules,
        // Not reachable: a test reads the same text. Without rules nothing would be closed, so say it loudly.
        Err(error) => {
            tracing::error!(%error, "the shipped closure rules cannot be read; no zone is closed");
            Vec::new()
        }
    }
}

/// Reads and checks a calendar.
pub fn parse(text: &str) -> Result<Vec<ClosureRule>, RulesError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("text has {} bytes; at most {MAX_TEXT_BYTES} are allowed", text.len());
        return Err(RulesError::Unreadable { message });
    }
    let raw: Raw = toml::from_str(text)
        .map_err(|error| RulesError::Unreadable { message: error.to_string().trim().to_owned() })?;
    let count = raw.rule.len();
    if count == 0 || count > MAX_RULES {
        return Err(RulesError::Count { count, limit: MAX_RULES });
    }
    let mut rules: Vec<ClosureRule> = Vec::with_capacity(count);
    for (index, raw) in raw.rule.into_iter().enumerate() {
        let rule = checked(index, raw)?;
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(refused(&rule.name, "name", &rule.name, "give each rule its own name"));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn refused(rule: &str, key: &'static str, value: &str, remedy: &'static str) -> RulesError {
    let value = value.chars().take(64).collect();
    RulesError::Value { rule: format!("`{rule}`"), key, value, remedy }
}

fn checked(index: usize, raw: RawRule) -> Result<ClosureRule, RulesError> {
    if !(1..=100).contains(&raw.name.trim().chars().count()) {
        let rule = format!("number {}", index + 1);
        let value = raw.name.chars().take(64).collect();
        return Err(RulesError::Value { rule, key: "name", value, remedy: "use 1 to 100 characters" });
    }
    let name = raw.name.as_str();
    let kinds = names(name, "kinds", &raw.kinds, KINDS, ZoneKind::parse)?;
    if kinds.is_empty() {
        return Err(refused(name, "kinds", "[]", "name at least one kind of zone"));
    }
    let land_class = |word: &str| Some(LandClass::parse(word)).filter(|class| class.as_str() == word);
    let day = |key, text: Option<&String>| {
        let read = |text: &String| LegalDate::parse(text).ok_or_else(|| refused(name, key, text, DAY));
        text.map(read).transpose()
    };
    let effective_from = day("effective_from", raw.effective_from.as_ref())?;
    let effective_to = day("effective_to", raw.effective_to.as_ref())?;
    if let (Some(from), Some(to)) = (effective_from, effective_to)
        && to < from
    {
        return Err(refused(name, "effective_to", &to.to_string(), "use a day after effective_from"));
    }
    let level = match raw.level.as_str() {
        "enforce" => ClosureLevel::Enforce,
        "warn" => ClosureLevel::Warn,
        other => return Err(refused(name, "level", other, "use warn or enforce, or leave the rule out")),
    };
    if raw.legal_basis.trim().is_empty() {
        return Err(refused(name, "legal_basis", &raw.legal_basis, "name the article or document"));
    }
    if raw.fine_yuan_per_sheep_unit > MAX_FINE_YUAN {
        let value = raw.fine_yuan_per_sheep_unit.to_string();
        return Err(refused(name, "fine_yuan_per_sheep_unit", &value, "use 0 to 100000 yuan"));
    }
    Ok(ClosureRule {
        season: raw.season.map(|season| checked_season(name, &season)).transpose()?,
        townships: names(name, "townships", &raw.townships, CODES, |code| TownshipCode::parse(code).ok())?,
        zones: names(name, "zones", &raw.zones, IDS, |id| ZoneId::parse(id).ok())?,
        land_classes: names(name, "land_classes", &raw.land_classes, CLASSES, land_class)?,
        kinds,
        effective_from,
        effective_to,
        level,
        legal_basis: raw.legal_basis,
        fine_yuan_per_sheep_unit: raw.fine_yuan_per_sheep_unit,
        name: raw.name,
    })
}

fn names<T>(
    rule: &str,
    key: &'static str,
    words: &[String],
    remedy: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, RulesError> {
    words.iter().map(|word| parse(word).ok_or_else(|| refused(rule, key, word, remedy))).collect()
}

fn checked_season(rule: &str, season: &RawSeason) -> Result<(MonthDay, MonthDay), RulesError> {
    let day = |key, text: &str| {
        month_day(text).ok_or_else(|| {
            // 29 February is not a day of every year, so no season may begin or end on it.
            refused(rule, key, text, "use a day of every year as month-day, for example \"04-01\"")
        })
    };
    let (from, to) = (day("season.from", &season.from)?, day("season.to", &season.to)?);
    if from > to {
        return Err(refused(rule, "season.to", &season.to, "end in the year it begins; split a winter in two rules"));
    }
    Ok((from, to))
}

fn month_day(text: &str) -> Option<MonthDay> {
    let (month, day) = text.split_once('-')?;
    if month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (month, day): (i8, i8) = (month.parse().ok()?, day.parse().ok()?);
    let days = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(MonthDay { month, day })
}

impl Registry {
    /// Publishes another calendar, from now on; what it replaces is kept. The reason goes to the audit.
    pub fn set_rules(&self, text: &str, by: &str, reason: &str) -> Result<Vec<ClosureRule>, RegistryError> {
        approval::check_reason(reason)?;
        self.write(by, |change| publish(change, text, reason))
    }
}

/// The same as a part of a change. A decision that is still to be kept needs its rule.
pub(crate) fn publish(change: &Change<'_>, text: &str, reason: &str) -> Result<Vec<ClosureRule>, RegistryError> {
    let rules = parse(text)?;
    let today = LegalDate::of(change.now);
    for decision in closures::load(change.transaction, change.now)?.iter().filter(|one| Some(one.last) >= today) {
        if !rules.iter().any(|rule| rule.name == decision.rule && rule.season.is_some()) {
            let (id, last) = (decision.id, decision.last);
            let remedy =
                format!("decision {id} until {last} is about this rule; keep its name and a season until then");
            return Err(RegistryError::invalid("rule", &decision.rule, remedy));
        }
    }
    let before = version(change.transaction)?;
    change.touch(Part::Rules)?;
    change.transaction.execute(
        "INSERT INTO rule_set (version, text, known_from_ms) VALUES (?1, ?2, ?3)",
        params![before + 1, text, change.now.as_millis()],
    )?;
    let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let after = json!({ "version": before + 1, "rules": names, "reason": reason });
    change.audit("rules.set".to_owned(), Some(json!({ "version": before })), Some(after))?;
    Ok(rules)
}

/// The newest calendar's number; 0 is the shipped one.
pub(crate) fn version(connection: &Connection) -> Result<i64, RegistryError> {
    Ok(connection.query_row("SELECT coalesce(max(version), 0) FROM rule_set", [], |row| row.get(0))?)
}

/// The newest calendar known at an instant, or the shipped one.
pub(crate) fn load(connection: &Connection, known_at: Timestamp) -> Result<Vec<ClosureRule>, RegistryError> {
    let text: Option<String> = connection
        .query_row(
            "SELECT text FROM rule_set WHERE known_from_ms <= ?1 ORDER BY version DESC LIMIT 1",
            [known_at.as_millis()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(text.map_or_else(|| Ok(hexigten()), |text| parse(&text))?)
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
