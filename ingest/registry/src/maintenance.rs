//! Times in which somebody works on devices: announced, and ended early or left to pass.
//!
//! In: who works on what, from when until when, and why.   Out: [`model::Maintenance`] in the view while it is ahead or holds.
//! Never: a time without an end, nor a change of one that is over; what was announced stays in the audit.

use crate::audit::Change;
use crate::load::Part;
use crate::{Registry, RegistryError};
use model::{DeviceId, Maintenance, MaintenanceScope, Timestamp, TownshipCode};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};
use std::time::Duration;

/// Announced at once; more is a calendar, not a maintenance.
pub const MAX_MAINTENANCE: u64 = 1_000;
/// What takes longer is a device to disable.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// How far ahead it may be announced.
const AHEAD: Duration = Duration::from_secs(366 * 86_400);
const MAX_REASON_CHARS: usize = 500;
const MAX_SITE_CHARS: usize = 64;

/// A maintenance to announce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMaintenance {
    /// On which devices.
    pub scope: MaintenanceScope,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive; at most 30 days later.
    pub until: Timestamp,
    /// What is done.
    pub reason: String,
}

impl Registry {
    /// Announces that somebody works on devices; its number.
    pub fn announce_maintenance(&self, new: &NewMaintenance, by: &str) -> Result<u64, RegistryError> {
        self.write(by, |change| {
            check(change, new)?;
            let transaction = change.transaction;
            transaction.execute(
                "INSERT INTO maintenance (scope, name, from_ms, until_ms, reason, by_whom) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    new.scope.kind(), new.scope.name(), new.from.as_millis(), new.until.as_millis(), new.reason, by,
                ],
            )?;
            let id = transaction.last_insert_rowid();
            change.touch(Part::Maintenance)?;
            change.audit(format!("maintenance.announce {id}"), None, Some(shown(new)))?;
            Ok(u64::try_from(id).unwrap_or(0))
        })
    }

    /// Ends a maintenance now, or takes one back that is ahead.
    pub fn end_maintenance(&self, id: u64, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let key = i64::try_from(id).unwrap_or(i64::MAX);
            let found = change
                .transaction
                .query_row(&format!("{SELECT} WHERE id = ?1"), [key], |row| Ok(read(row)))
                .optional()?;
            let before = found.ok_or_else(|| unknown(id))??;
            if before.until <= change.now {
                return Err(RegistryError::invalid(
                    "maintenance",
                    &id.to_string(),
                    "it is over already; nothing to end",
                ));
            }
            let until = before.from.max(change.now);
            change
                .transaction
                .execute("UPDATE maintenance SET until_ms = ?2 WHERE id = ?1", params![key, until.as_millis()])?;
            change.touch(Part::Maintenance)?;
            let until = |at: Timestamp| Some(json!({ "until": at.to_rfc3339() }));
            change.audit(format!("maintenance.end {id}"), until(before.until), until(change.now))
        })
    }

    /// What was announced and is not longer over than a month, newest first.
    pub fn maintenance(&self) -> Result<Vec<Maintenance>, RegistryError> {
        let since = self.inner.clock.now().minus(LONGEST);
        self.read(|connection| select(connection, since))
    }
}

fn unknown(id: u64) -> RegistryError {
    RegistryError::NotFound { what: "maintenance", name: id.to_string() }
}

fn check(change: &Change<'_>, new: &NewMaintenance) -> Result<(), RegistryError> {
    let invalid = RegistryError::invalid;
    let length = new.until.since(new.from);
    if new.until <= new.from || new.until <= change.now {
        return Err(invalid("until", &new.until.to_rfc3339(), "end it after it begins and after now"));
    }
    if length > LONGEST || new.from.since(change.now) > AHEAD {
        return Err(invalid(
            "until",
            &new.until.to_rfc3339(),
            "announce at most 30 days, within a year; disable the device instead",
        ));
    }
    if new.reason.trim().is_empty() || new.reason.chars().count() > MAX_REASON_CHARS {
        return Err(invalid("reason", &new.reason, "say in 1 to 500 characters what is done"));
    }
    if let MaintenanceScope::Device(device) = &new.scope {
        let known = "SELECT EXISTS (SELECT 1 FROM device WHERE id = ?1)";
        let known: bool = change.transaction.query_row(known, [device.as_str()], |row| row.get(0))?;
        if !known {
            return Err(crate::devices::not_found(device));
        }
    }
    if let MaintenanceScope::Site(site) = &new.scope {
        check_site(site)?;
    }
    let ahead = "SELECT count(*) FROM maintenance WHERE until_ms > ?1";
    let ahead: i64 = change.transaction.query_row(ahead, [change.now.as_millis()], |row| row.get(0))?;
    if u64::try_from(ahead).unwrap_or(u64::MAX) >= MAX_MAINTENANCE {
        return Err(RegistryError::Limit { what: "announced maintenances", limit: MAX_MAINTENANCE });
    }
    Ok(())
}

/// A site's name as people write it: a mast, a dock, a link.
pub(crate) fn check_site(site: &str) -> Result<(), RegistryError> {
    let length = site.chars().count();
    if (1..=MAX_SITE_CHARS).contains(&length) && site.trim() == site && !site.chars().any(char::is_control) {
        return Ok(());
    }
    Err(RegistryError::invalid("site", site, "name the mast or link in 1 to 64 characters"))
}

fn shown(new: &NewMaintenance) -> Value {
    json!({
        "scope": new.scope.kind(), "name": new.scope.name(), "from": new.from.to_rfc3339(),
        "until": new.until.to_rfc3339(), "reason": new.reason,
    })
}

const SELECT: &str = "SELECT id, scope, name, from_ms, until_ms, reason, by_whom FROM maintenance";

fn select(connection: &Connection, since: Timestamp) -> Result<Vec<Maintenance>, RegistryError> {
    let mut query = connection.prepare(&format!("{SELECT} WHERE until_ms > ?1 ORDER BY id DESC LIMIT 10000"))?;
    let rows = query.query_map([since.as_millis()], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<Maintenance, RegistryError> {
    let (id, kind, name): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let corrupt = || RegistryError::corrupt("maintenance", id.to_string());
    let scope = match kind.as_str() {
        "device" => MaintenanceScope::Device(DeviceId::parse(&name).map_err(|_| corrupt())?),
        "township" => MaintenanceScope::Township(TownshipCode::parse(&name).map_err(|_| corrupt())?),
        "site" => MaintenanceScope::Site(name),
        _ => return Err(corrupt()),
    };
    Ok(Maintenance {
        id: u64::try_from(id).map_err(|_| corrupt())?,
        scope,
        from: Timestamp::from_millis(row.get(3)?),
        until: Timestamp::from_millis(row.get(4)?),
        reason: row.get(5)?,
        by: row.get(6)?,
    })
}

/// What holds or is ahead. What ended since stays until somebody touches it again: it says when it holds.
pub(crate) fn load(connection: &Connection, now: Timestamp) -> Result<Vec<Maintenance>, RegistryError> {
    select(connection, now)
}
