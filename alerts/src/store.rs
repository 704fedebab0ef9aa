//! `alerts.db`: incidents, the alert log, the outbox, and detection's state with its cursor, moved together or not at all.
//!
//! Only this crate writes the file. What is in one transaction: an alert, the incident it changes, the deliveries it
//! makes. An alert whose id is there already changes nothing, so replaying the journal from the last checkpoint is safe.

use crate::message::Messages;
use crate::raise::{self, Raised};
use crate::{duties, involved, outbox};
use journal::JournalError;
use journal::alert_log::{self, AlertLog, RecordBody};
use journal::wire::{AlertJson, DeliveryJson, IncidentJson};
use model::{
    Alert, Case, Command, EarlierIncident, Finding, Households, Incident, IncidentId, LegalDate, MonthDay, Offset,
    Outcome, Receipt, ReceiptState, Subject, Subscriber, TenantId, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS incident (id TEXT PRIMARY KEY, ended INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS incident_going_on ON incident (id) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS incident_household (
    household TEXT NOT NULL, incident TEXT NOT NULL, first_seen INTEGER NOT NULL, PRIMARY KEY (household, incident)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alert (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, subscriber TEXT NOT NULL, lane TEXT NOT NULL, body TEXT NOT NULL,
    record TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL,
    first_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (subscriber, lane, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (next_at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), offset INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
";

/// The file could not do what was asked. The process stops: what is not written must not be told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine's complaint.
    #[error("alert store: {0}")]
    Engine(#[from] rusqlite::Error),
    /// The log within it.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// What is in it is not what we write.
    #[error("alert store holds an incident that cannot be read: {0}")]
    Unreadable(String),
}

/// Earlier cases named of each household.
const EARLIER_MAX: i64 = 20;

/// What the registry knows that a case is told with.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Who wants to be told.
    pub subscribers: &'a [Subscriber],
    /// Whose the known animals are.
    pub households: &'a Households,
}

/// A pending delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Its id, which is also the `webhook-id`.
    pub id: String,
    /// The subscriber's id.
    pub subscriber: String,
    /// What to send.
    pub body: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was made.
    pub first_at: Timestamp,
    /// From when on it is due.
    pub next_at: Timestamp,
    /// The alert's type.
    pub kind: String,
    /// Others that are told with it, and their attempts so far.
    pub with: Vec<(String, u32)>,
}

/// The open file; clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    log: AlertLog,
    tenant: TenantId,
    messages: Arc<Messages>,
}

impl Store {
    /// Opens the file, making it if it is not there yet. `log` must be of the same path.
    pub fn open(path: &Path, log: AlertLog, tenant: TenantId) -> Result<Self, StoreError> {
        let connection = alert_log::open_writer(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), log, tenant, messages: Arc::default() })
    }

    /// The same with the messages of an installation.
    #[must_use]
    pub fn with_messages(self, messages: Messages) -> Self {
        Self { messages: Arc::new(messages), ..self }
    }

    /// The log that this store writes.
    pub fn log(&self) -> &AlertLog {
        &self.log
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Detection's state and the journal entry up to which it counts.
    pub fn checkpoint(&self) -> Result<Option<(Offset, Vec<u8>)>, StoreError> {
        let row = self
            .lock()
            .query_row("SELECT offset, state FROM checkpoint", [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
            .optional()?;
        Ok(row.map(|(offset, state)| (Offset(u64::try_from(offset).unwrap_or(0)), state)))
    }

    /// The last command that was carried out.
    pub fn command_cursor(&self) -> Result<u64, StoreError> {
        let seq = self.lock().query_row("SELECT seq FROM cursor WHERE name = 'commands'", [], |row| row.get(0));
        Ok(u64::try_from(seq.optional()?.unwrap_or(0_i64)).unwrap_or(0))
    }

    /// Cases that the store takes for going on.
    pub fn going_on(&self) -> Result<Vec<Case>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare("SELECT body FROM incident WHERE ended = 0")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|body| Ok(parse(&body?)?.1.case)).collect()
    }

    /// One case as it stands.
    pub fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        find(&self.lock().transaction()?, id)
    }

    /// Raises findings, with detection's state if it is time to keep it; returns the alerts that were new.
    pub fn raise(
        &self,
        findings: &[Finding],
        checkpoint: Option<(Offset, &[u8])>,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Vec<Alert>, StoreError> {
        let mut new = Vec::new();
        self.write(|transaction| {
            let mut last = None;
            for finding in findings {
                let known = finding.what.case().map(|case| find(transaction, &case.id)).transpose()?.flatten();
                if let Some(mut raised) = raise::from_finding(finding, known)
                    && let Some(seq) = self.keep(transaction, &mut raised, registry, now)?
                {
                    last = Some(seq);
                    new.push(raised.alert);
                }
            }
            if let Some((offset, state)) = checkpoint {
                transaction.execute(
                    "INSERT INTO checkpoint (one, offset, state) VALUES (1, ?1, ?2)
                     ON CONFLICT (one) DO UPDATE SET offset = excluded.offset, state = excluded.state",
                    params![signed(offset.0), state],
                )?;
            }
            Ok(last)
        })?;
        Ok(new)
    }

    /// Carries out an operator's command, once.
    pub fn command(&self, seq: u64, command: &Command, registry: Known<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO cursor (name, seq) VALUES ('commands', ?1)
                 ON CONFLICT (name) DO UPDATE SET seq = max(seq, excluded.seq)",
                params![signed(seq)],
            )?;
            if let model::Action::RetryDelivery { delivery } = &command.action {
                return retry(transaction, delivery, now);
            }
            let Some(id) = &command.incident else { return Ok(None) };
            let Some(incident) = find(transaction, id)? else { return Ok(None) };
            match raise::from_command(seq, command, incident) {
                Some(mut raised) => self.keep(transaction, &mut raised, registry, now),
                None => Ok(None),
            }
        })
    }

    /// Runs a transaction and rings the log's bell for the last entry it wrote.
    fn write(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<Option<u64>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let last = change(&transaction)?;
        transaction.commit()?;
        if let Some(seq) = last {
            self.log.committed(seq);
        }
        Ok(())
    }

    /// Writes an alert with all that follows from it; `None` when it was written before.
    fn keep(
        &self,
        transaction: &Transaction<'_>,
        Raised { alert, told }: &mut Raised,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let known = transaction.query_row("SELECT 1 FROM alert WHERE id = ?1", params![alert.id], |_| Ok(()));
        if known.optional()?.is_some() {
            return Ok(None);
        }
        if let Subject::Incident(incident) = &mut alert.subject {
            involve(transaction, incident, registry.households)?;
        }
        let mut json = AlertJson::from(&*alert);
        let subscribers = if *told { outbox::addressed(alert, registry.subscribers) } else { Vec::new() };
        // The body names the halves of the dual report, so they must be known before it is written.
        if let Some(incident) = &mut json.incident {
            let before = stored(transaction, &incident.id)?.map(|(json, _)| json.reports).unwrap_or_default();
            let told: Vec<&str> = subscribers.iter().filter_map(|subscriber| subscriber.duty.as_deref()).collect();
            incident.reports = duties::reports(&before, incident, &told);
            save(transaction, incident)?;
        }
        let mut seq = alert_log::append(transaction, now, &RecordBody::Alert(json.clone()))?;
        transaction.execute("INSERT INTO alert (id, seq) VALUES (?1, ?2)", params![alert.id, signed(seq)])?;
        for subscriber in subscribers {
            seq = self.post(transaction, alert, &json, subscriber, seq, now)?;
        }
        Ok(Some(seq))
    }

    /// Puts one subscriber's delivery into the outbox; returns the number of its entry in the log.
    fn post(
        &self,
        transaction: &Transaction<'_>,
        alert: &Alert,
        json: &AlertJson,
        subscriber: &Subscriber,
        seq: u64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let outgoing = outbox::outgoing(subscriber, alert, json, &self.tenant, &self.messages);
        let record = DeliveryJson {
            id: outgoing.id.clone(),
            alert: alert.id.clone(),
            type_: json.type_.clone(),
            incident: json.incident.as_ref().map(|incident| incident.id.clone()),
            subscriber: subscriber.id.clone(),
            subscriber_name: subscriber.name.clone(),
            channel: subscriber.channel.as_str().to_owned(),
            duty: subscriber.duty.clone(),
            state: ReceiptState::Pending.as_str().to_owned(),
            attempts: 0,
            at: now.to_rfc3339(),
            answer: String::new(),
        };
        let written = serde_json::to_string(&record).map_err(unreadable)?;
        transaction.execute(
            "INSERT INTO outbox (id, seq, subscriber, lane, body, record, state, attempts, next_at, first_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', 0, ?7, ?7)",
            params![outgoing.id, signed(seq), subscriber.id, outgoing.lane, outgoing.body, written, now.as_millis()],
        )?;
        Ok(alert_log::append(transaction, now, &RecordBody::Delivery(record))?)
    }

    /// Pending deliveries that are due and first in their lane, oldest first, without those in `busy`.
    pub fn due(&self, now: Timestamp, limit: usize, busy: &[String]) -> Result<Vec<Due>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, subscriber, body, attempts, first_at, next_at, json_extract(record, '$.type') FROM outbox o
             WHERE state = 'pending' AND next_at <= ?1 AND NOT EXISTS (
                 SELECT 1 FROM outbox e WHERE e.state = 'pending' AND e.subscriber = o.subscriber AND e.lane = o.lane AND e.seq < o.seq)
             ORDER BY next_at LIMIT ?2",
        )?;
        let wanted = i64::try_from(limit.saturating_add(busy.len())).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.as_millis(), wanted], |row| {
            Ok(Due {
                id: row.get(0)?,
                subscriber: row.get(1)?,
                body: row.get(2)?,
                attempts: row.get(3)?,
                first_at: Timestamp::from_millis(row.get(4)?),
                next_at: Timestamp::from_millis(row.get(5)?),
                kind: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                with: Vec::new(),
            })
        })?;
        let mut due = rows.collect::<Result<Vec<_>, _>>()?;
        due.retain(|delivery| !busy.contains(&delivery.id));
        due.truncate(limit);
        Ok(due)
    }

    /// When the next pending delivery becomes due.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> =
            self.lock().query_row("SELECT min(next_at) FROM outbox WHERE state = 'pending'", [], |row| row.get(0))?;
        Ok(next.map(Timestamp::from_millis))
    }

    /// Writes down what came of an attempt; `next_at` is when to try again, for one that stays pending.
    pub fn receipt(&self, receipt: &Receipt, next_at: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            let record = transaction
                .query_row("SELECT record FROM outbox WHERE id = ?1", params![receipt.delivery], |row| {
                    row.get::<_, String>(0)
                })
                .optional()?;
            let Some(record) = record else { return Ok(None) };
            let mut record: DeliveryJson = serde_json::from_str(&record).map_err(unreadable)?;
            record.state = receipt.state.as_str().to_owned();
            record.attempts = receipt.attempts;
            record.at = receipt.at.to_rfc3339();
            record.answer.clone_from(&receipt.answer);
            transaction.execute(
                "UPDATE outbox SET state = ?2, attempts = ?3, next_at = ?4, record = ?5 WHERE id = ?1",
                params![
                    receipt.delivery,
                    record.state,
                    receipt.attempts,
                    next_at.as_millis(),
                    serde_json::to_string(&record).map_err(unreadable)?,
                ],
            )?;
            if let (Some(duty), Some(incident)) = (&record.duty, &record.incident) {
                mark_reported(transaction, incident, duty, receipt.state)?;
            }
            Ok(Some(alert_log::append(transaction, receipt.at, &RecordBody::Delivery(record))?))
        })
    }
}

fn retry(transaction: &Transaction<'_>, delivery: &str, now: Timestamp) -> Result<Option<u64>, StoreError> {
    let record = transaction
        .query_row("SELECT record FROM outbox WHERE id = ?1 AND state = 'dead'", params![delivery], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    let Some(record) = record else { return Ok(None) };
    let mut record: DeliveryJson = serde_json::from_str(&record).map_err(unreadable)?;
    record.state = ReceiptState::Pending.as_str().to_owned();
    record.at = now.to_rfc3339();
    transaction.execute(
        "UPDATE outbox SET state = 'pending', attempts = 0, next_at = ?2, first_at = ?2, record = ?3 WHERE id = ?1",
        params![delivery, now.as_millis(), serde_json::to_string(&record).map_err(unreadable)?],
    )?;
    Ok(Some(alert_log::append(transaction, now, &RecordBody::Delivery(record))?))
}

fn find(transaction: &Transaction<'_>, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
    Ok(stored(transaction, id.as_str())?.map(|(_, incident)| incident))
}

fn stored(transaction: &Transaction<'_>, id: &str) -> Result<Option<(IncidentJson, Incident)>, StoreError> {
    let body = transaction
        .prepare_cached("SELECT body FROM incident WHERE id = ?1")?
        .query_row(params![id], |row| row.get::<_, String>(0))
        .optional()?;
    body.map(|body| parse(&body)).transpose()
}

fn parse(body: &str) -> Result<(IncidentJson, Incident), StoreError> {
    let json: IncidentJson = serde_json::from_str(body).map_err(unreadable)?;
    let incident = Incident::try_from(&json).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok((json, incident))
}

fn save(transaction: &Transaction<'_>, incident: &IncidentJson) -> Result<(), StoreError> {
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
fn involve(transaction: &Transaction<'_>, incident: &mut Incident, ledger: &Households) -> Result<(), StoreError> {
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

fn mark_reported(
    transaction: &Transaction<'_>,
    incident: &str,
    duty: &str,
    state: ReceiptState,
) -> Result<(), StoreError> {
    let Some((mut json, _)) = stored(transaction, incident)? else { return Ok(()) };
    duties::deliver(&mut json.reports, duty, state);
    save(transaction, &json)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
