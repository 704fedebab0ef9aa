//! What should have happened by now: a case acknowledged, a report taken by both halves.
//!
//! In: alerts as they are kept, receipts, and the time.   Out: cases that nobody took in time, and those that are only half reported.
//! On disk, in the transaction that begins or ends the waiting: a restart forgets no deadline and tells none twice.

use super::{Known, Store, StoreError, find, stored};
use crate::{duties, raise};
use model::{Alert, AlertKind, IncidentId, IncidentStatus, Outcome, Severity, Subject, Subscriber, Timestamp};
use rusqlite::{Transaction, params};
use std::time::Duration;

const ACKNOWLEDGE: &str = "acknowledge";
const REPORT: &str = "report";

struct Waiting {
    incident: String,
    what: String,
    since: Timestamp,
    told: Duration,
}

/// Begins or ends the waiting that an alert is about.
pub(super) fn track(
    transaction: &Transaction<'_>,
    alert: &Alert,
    registry: Known<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Subject::Incident(incident) = &alert.subject else { return Ok(()) };
    let id = incident.case.id.as_str();
    // Late data wakes nobody; and when the herd has left, whoever comes now comes too late.
    let asks = incident.status == IncidentStatus::Open
        && !incident.case.late
        && incident.case.ended_at.is_none()
        && alert.severity > Severity::Notice;
    if asks {
        begin(transaction, id, ACKNOWLEDGE, now)?
    } else {
        end(transaction, id, ACKNOWLEDGE)?
    }
    let is_unfounded = matches!(incident.outcome, Some(Outcome::FalsePositive | Outcome::Unfounded));
    let is_dual = registry.subscribers.iter().any(|subscriber| subscriber.duty.is_some());
    match alert.kind {
        AlertKind::IncidentOpened if is_dual => begin(transaction, id, REPORT, now),
        _ if is_unfounded => end(transaction, id, REPORT),
        _ => Ok(()),
    }
}

/// Both halves took a case.
pub(super) fn reported(transaction: &Transaction<'_>, incident: &str) -> Result<(), StoreError> {
    end(transaction, incident, REPORT)
}

fn begin(transaction: &Transaction<'_>, incident: &str, what: &str, now: Timestamp) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO overdue (incident, what, since, told_s) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
        )?
        .execute(params![incident, what, now.as_millis()])?;
    Ok(())
}

fn end(transaction: &Transaction<'_>, incident: &str, what: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM overdue WHERE incident = ?1 AND what = ?2")?
        .execute(params![incident, what])?;
    Ok(())
}

impl Store {
    /// Raises what is overdue; a case is half reported `report_within` after it was opened.
    pub fn overdue(
        &self,
        registry: Known<'_>,
        report_within: Duration,
        now: Timestamp,
    ) -> Result<Vec<Alert>, StoreError> {
        let levels = levels(registry.subscribers);
        let mut alerts = Vec::new();
        self.write(|transaction| {
            let mut last = None;
            for waiting in waiting(transaction)? {
                let due = match waiting.what.as_str() {
                    // One level at a time; the next one may be due at the next look.
                    ACKNOWLEDGE => levels.iter().find(|level| **level > waiting.told).copied(),
                    _ => Some(report_within),
                };
                if let Some(due) = due.filter(|due| waiting.since.plus(*due) <= now)
                    && let Some((seq, alert)) = self.raise_overdue(transaction, &waiting, due, registry, now)?
                {
                    last = Some(seq);
                    alerts.push(alert);
                }
            }
            Ok(last)
        })?;
        Ok(alerts)
    }

    fn raise_overdue(
        &self,
        transaction: &Transaction<'_>,
        waiting: &Waiting,
        due: Duration,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<(u64, Alert)>, StoreError> {
        let id = waiting.incident.as_str();
        let incident = IncidentId::parse(id).ok().map(|id| find(transaction, &id)).transpose()?.flatten();
        let Some(incident) = incident else {
            end(transaction, id, &waiting.what)?;
            return Ok(None);
        };
        let mut raised = if waiting.what == ACKNOWLEDGE {
            transaction.execute(
                "UPDATE overdue SET told_s = ?2 WHERE incident = ?1 AND what = ?3",
                params![id, i64::try_from(due.as_secs()).unwrap_or(i64::MAX), ACKNOWLEDGE],
            )?;
            raise::escalated(incident, waiting.since, due)
        } else {
            end(transaction, id, REPORT)?;
            let reports = stored(transaction, id)?.map(|(json, _)| json.reports).unwrap_or_default();
            let missing = duties::missing(&reports);
            if missing.is_empty() {
                return Ok(None);
            }
            raise::half_reported(incident, &missing, now)
        };
        let seq = self.keep(transaction, &mut raised, registry, now)?;
        Ok(seq.map(|seq| (seq, raised.alert)))
    }
}

/// After how long without an acknowledgement somebody is told, shortest first.
fn levels(subscribers: &[Subscriber]) -> Vec<Duration> {
    let mut levels: Vec<Duration> =
        subscribers.iter().filter(|one| one.off.is_none()).filter_map(|one| one.after).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

fn waiting(transaction: &Transaction<'_>) -> Result<Vec<Waiting>, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT incident, what, since, told_s FROM overdue")?;
    let rows = statement.query_map([], |row| {
        let told: i64 = row.get(3)?;
        Ok(Waiting {
            incident: row.get(0)?,
            what: row.get(1)?,
            since: Timestamp::from_millis(row.get(2)?),
            told: Duration::from_secs(u64::try_from(told).unwrap_or(0)),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
#[path = "overdue_tests.rs"]
mod tests;
