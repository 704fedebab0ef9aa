//! Cases as they stand, in their table.
//!
//! In: a case after a change, the ledger, receipts of its reports.   Out: the case as it was kept.   Never: half of a change; all is part of
//! the caller's transaction.

use super::{StoreError, overdue, unreadable};
use crate::{duties, involved};
use journal::wire::IncidentJson;
use model::{EarlierIncident, Households, Incident, IncidentId, LegalDate, MonthDay, Outcome, ReceiptState, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

/// Earlier cases named of each household.
const EARLIER_MAX: i64 = 20;

pub(super) fn find(transaction: &Transaction<'_>, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
    Ok(stored(transaction, id.as_str())?.map(|(_, incident)| incident))
}

pub(super) fn stored(transaction: &Transaction<'_>, id: &str) -> Result<Option<(IncidentJson, Incident)>, StoreError> {
    let body = transaction
        .prepare_cached("SELECT body FROM incident WHERE id = ?1")?
        .query_row(params![id], |row| row.get::<_, String>(0))
        .optional()?;
    body.map(|body| parse(&body)).transpose()
}

pub(super) fn parse(body: &str) -> Result<(IncidentJson, Incident), StoreError> {
    let json: IncidentJson = serde_json::from_str(body).map_err(unreadable)?;
    let incident = Incident::try_from(&json).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok((json, incident))
}

pub(super) fn save(transaction: &Transaction<'_>, incident: &IncidentJson) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO incident (id, ended, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, body = excluded.body",
        )?
        .execute(params![
            incident.id,
            incident.ended_at.is_some(),
            serde_json::to_string(incident).map_err(unreadable)?
        ])?;
    Ok(())
}

/// Joins a case with the ledger: whose animals were recognised, and what else they were found in since the year began.
pub(super) fn involve(
    transaction: &Transaction<'_>,
    incident: &mut Incident,
    ledger: &Households,
) -> Result<(), StoreError> {
    incident.households = involved::households(&incident.households, &incident.case, ledger);
    incident.earlier.clear();
    let (id, began) = (incident.case.id.as_str(), incident.case.first_seen);
    for involved in &incident.households {
        let household = &involved.household.id;
        transaction
            .prepare_cached(
                "INSERT INTO incident_household (household, incident, first_seen) VALUES (?1, ?2, ?3)
                 ON CONFLICT (household, incident) DO UPDATE SET first_seen = excluded.first_seen",
            )?
            .execute(params![household.as_str(), id, began.as_millis()])?;
        let mut earlier = transaction.prepare_cached(
            "SELECT h.incident, h.first_seen, json_extract(i.body, '$.outcome')
             FROM incident_household h JOIN incident i ON i.id = h.incident
             WHERE h.household = ?1 AND h.incident <> ?2 AND h.first_seen BETWEEN ?3 AND ?4
                 AND coalesce(json_extract(i.body, '$.outcome'), '') <> 'false_positive'
             ORDER BY h.first_seen DESC, h.incident LIMIT ?5",
        )?;
        let rows = earlier.query_map(
            params![household.as_str(), id, year_began(began).as_millis(), began.as_millis(), EARLIER_MAX],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<String>>(2)?)),
        )?;
        for row in rows {
            let (id, first_seen, outcome) = row?;
            incident.earlier.push(EarlierIncident {
                id: IncidentId::parse(&id).map_err(|error| StoreError::Unreadable(error.to_string()))?,
                household: household.clone(),
                first_seen: Timestamp::from_millis(first_seen),
                outcome: outcome.as_deref().and_then(Outcome::parse),
            });
        }
    }
    Ok(())
}

/// The season of a household's ledger is the legal year.
fn year_began(at: Timestamp) -> Timestamp {
    let new_year = |today: LegalDate| LegalDate::of_year(today.year(), MonthDay { month: 1, day: 1 })?.begins_at();
    LegalDate::of(at).and_then(new_year).unwrap_or(at)
}

pub(super) fn mark_reported(
    transaction: &Transaction<'_>,
    incident: &str,
    duty: &str,
    state: ReceiptState,
) -> Result<(), StoreError> {
    let Some((mut json, _)) = stored(transaction, incident)? else { return Ok(()) };
    duties::deliver(&mut json.reports, duty, state);
    if duties::is_reported(&json.reports) {
        overdue::reported(transaction, incident)?;
    }
    save(transaction, &json)
}
