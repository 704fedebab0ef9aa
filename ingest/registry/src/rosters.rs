//! Duty tables: who is told when.
//!
//! In: a table as somebody keeps it.   Out: [`model::Roster`]s in the view.   Never: a table without a bound, or one that names nobody
//! we know.

use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{Roster, Shift, Timestamp};
use rusqlite::{Connection, params};
use serde_json::json;
use std::time::Duration;

/// A year of three shifts a day for several posts.
pub const MAX_SHIFTS: usize = 10_000;
const MAX_ROSTERS: u64 = 100;
const MAX_NAME_CHARS: usize = 64;
/// Nobody is on duty for longer without a break in the table.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);

impl Registry {
    /// Writes a duty table, in the place of the one of this name; without shifts there is none.
    pub fn set_roster(&self, roster: &Roster, by: &str) -> Result<(), RegistryError> {
        check(roster)?;
        self.write(by, |change| {
            let transaction = change.transaction;
            let before = transaction.execute("DELETE FROM roster_shift WHERE roster = ?1", [&roster.name])?;
            let mut names = transaction.prepare("SELECT count(*) FROM (SELECT DISTINCT roster FROM roster_shift)")?;
            let others: i64 = names.query_row([], |row| row.get(0))?;
            if u64::try_from(others).unwrap_or(u64::MAX) >= MAX_ROSTERS {
                return Err(RegistryError::Limit { what: "duty tables", limit: MAX_ROSTERS });
            }
            let known = "SELECT EXISTS (SELECT 1 FROM subscriber WHERE id = ?1)";
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO roster_shift (roster, subscriber, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for shift in &roster.shifts {
                let is_known: bool = transaction.query_row(known, [&shift.subscriber], |row| row.get(0))?;
                if !is_known {
                    return Err(RegistryError::NotFound { what: "subscriber", name: shift.subscriber.clone() });
                }
                insert.execute(params![
                    roster.name,
                    shift.subscriber,
                    shift.from.as_millis(),
                    shift.until.as_millis()
                ])?;
            }
            change.touch(Part::Subscribers)?;
            let shifts = |count: usize| Some(json!({ "shifts": count }));
            change.audit(format!("roster.set {}", roster.name), shifts(before), shifts(roster.shifts.len()))
        })
    }
}

fn check(roster: &Roster) -> Result<(), RegistryError> {
    let invalid = RegistryError::invalid;
    let length = roster.name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&length) || roster.name.chars().any(|c| c.is_control() || c == '/') {
        return Err(invalid("roster", &roster.name, "name the duty table in 1 to 64 characters without a slash"));
    }
    if roster.shifts.len() > MAX_SHIFTS {
        return Err(invalid("shifts", &roster.shifts.len().to_string(), "write at most 10000 shifts in a table"));
    }
    let wrong = |shift: &&Shift| shift.until <= shift.from || shift.until.since(shift.from) > LONGEST;
    match roster.shifts.iter().find(wrong) {
        None => Ok(()),
        Some(shift) => {
            Err(invalid("until", &shift.until.to_rfc3339(), "end a shift after it begins and within 31 days"))
        }
    }
}

/// Every table, its shifts in order.
pub(crate) fn load(connection: &Connection) -> Result<Vec<Roster>, RegistryError> {
    let mut query = connection
        .prepare("SELECT roster, subscriber, from_ms, until_ms FROM roster_shift ORDER BY roster, from_ms")?;
    let mut rows = query.query([])?;
    let mut rosters: Vec<Roster> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let (from, until) = (Timestamp::from_millis(row.get(2)?), Timestamp::from_millis(row.get(3)?));
        let shift = Shift { subscriber: row.get(1)?, from, until };
        match rosters.last_mut().filter(|roster| roster.name == name) {
            Some(roster) => roster.shifts.push(shift),
            None => rosters.push(Roster { name, shifts: vec![shift] }),
        }
    }
    Ok(rosters)
}
