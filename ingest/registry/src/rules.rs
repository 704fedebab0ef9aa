//! The closure calendar: which kinds of zone are closed when, how strictly, and by what law.
//!
//! In: TOML, ours or an operator's.   Out: [`ClosureRule`]s in the view.
//! Never: a date or a fine in code; a rule without its legal basis; a silent guess at a key that we do not know.

use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{ClosureLevel, ClosureRule, MonthDay, ZoneKind};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::json;

/// The calendar that ships: Hexigten Banner, 2026-2030.
const HEXIGTEN: &str = include_str!("../rules/hexigten.toml");
/// More than any plan has clauses; detection looks at every rule of a kind.
const MAX_RULES: usize = 1_000;
const MAX_TEXT_BYTES: usize = 1 << 20;
/// More than any fine in law, and small enough that a herd's sum stays exact.
const MAX_FINE_YUAN: u32 = 100_000;

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
    season: Option<RawSeason>,
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
    let mut kinds = Vec::new();
    for word in &raw.kinds {
        let kind = ZoneKind::parse(word).ok_or_else(|| {
            let remedy = "use no-grazing, balance, project, overlap, forest, forest-farm, reserve, meadow, checkpoint or \
                          jurisdiction";
            refused(name, "kinds", word, remedy)
        })?;
        kinds.push(kind);
    }
    if kinds.is_empty() {
        return Err(refused(name, "kinds", "[]", "name at least one kind of zone"));
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
        kinds,
        level,
        legal_basis: raw.legal_basis,
        fine_yuan_per_sheep_unit: raw.fine_yuan_per_sheep_unit,
        name: raw.name,
    })
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
    /// Publishes another calendar, from now on; what it replaces is kept.
    pub fn set_rules(&self, text: &str, by: &str) -> Result<Vec<ClosureRule>, RegistryError> {
        let rules = parse(text)?;
        self.write(by, |change| {
            let before: i64 =
                change.transaction.query_row("SELECT coalesce(max(version), 0) FROM rule_set", [], |row| row.get(0))?;
            change.touch(Part::Rules)?;
            change.transaction.execute(
                "INSERT INTO rule_set (version, text, known_from_ms) VALUES (?1, ?2, ?3)",
                params![before + 1, text, change.now.as_millis()],
            )?;
            let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
            let after = json!({ "version": before + 1, "rules": names });
            change.audit("rules.set".to_owned(), Some(json!({ "version": before })), Some(after))
        })?;
        Ok(rules)
    }
}

/// The newest calendar, or the shipped one.
pub(crate) fn load(connection: &Connection) -> Result<Vec<ClosureRule>, RegistryError> {
    let text: Option<String> = connection
        .query_row("SELECT text FROM rule_set ORDER BY version DESC LIMIT 1", [], |row| row.get(0))
        .optional()?;
    Ok(text.map_or_else(|| Ok(hexigten()), |text| parse(&text))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str =
        "[[rule]]\nname = 'r'\nkinds = ['balance']\nlevel = 'warn'\nlegal_basis = 'x'\nfine_yuan_per_sheep_unit = 0\n";

    #[track_caller]
    fn check_refused(text: &str, words: &[&str]) {
        let message = parse(text).unwrap_err().to_string();
        for word in words {
            assert!(message.contains(word), "`{word}` is not in: {message}");
        }
    }

    #[test]
    fn the_shipped_calendar_closes_balance_land_from_april_to_mid_june_and_warns_in_march() {
        let rules = hexigten();
        let seasons: Vec<_> = rules
            .iter()
            .filter(|rule| rule.kinds.contains(&ZoneKind::Balance))
            .map(|rule| {
                let (from, to) = rule.season.unwrap();
                (from.month, from.day, to.month, to.day, rule.level, rule.fine_yuan_per_sheep_unit)
            })
            .collect();
        assert_eq!(seasons, [(4, 1, 6, 15, ClosureLevel::Enforce, 120), (3, 1, 3, 31, ClosureLevel::Warn, 0)]);
    }

    #[test]
    fn the_shipped_calendar_always_closes_what_the_plan_bans_all_year_and_nothing_else() {
        let always: Vec<_> =
            hexigten().into_iter().filter(|rule| rule.season.is_none()).flat_map(|rule| rule.kinds).collect();
        use ZoneKind::{Forest, ForestFarm, NoGrazing, Overlap, Project, Reserve};
        assert_eq!(always, [NoGrazing, Project, Overlap, Forest, ForestFarm, Reserve]);
        let open = [ZoneKind::Meadow, ZoneKind::Checkpoint, ZoneKind::Jurisdiction];
        assert!(hexigten().iter().all(|rule| open.iter().all(|kind| !rule.kinds.contains(kind))));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_keys_that_are_allowed() {
        check_refused(&format!("{RULE}until = '06-15'\n"), &["until", "season", "legal_basis"]);
    }

    #[test]
    fn a_wrong_value_is_refused_with_key_value_and_remedy() {
        check_refused(&RULE.replace("'balance'", "'prairie'"), &["kinds", "`prairie`", "no-grazing"]);
        check_refused(&RULE.replace("'warn'", "'strict'"), &["level", "`strict`", "warn or enforce"]);
        check_refused(&RULE.replace("'x'", "' '"), &["legal_basis", "article"]);
        check_refused(&format!("{RULE}season = {{ from = '02-29', to = '03-05' }}"), &["season.from", "`02-29`"]);
        check_refused(&format!("{RULE}season = {{ from = '10-01', to = '03-05' }}"), &["season.to", "two rules"]);
        check_refused(&format!("{RULE}{RULE}"), &["`r`", "own name"]);
        check_refused("", &["0", "1 to 1000"]);
    }
}
