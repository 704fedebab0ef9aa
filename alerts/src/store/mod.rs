//! `alerts.db`: incidents, the alert log and the outbox, moved together or not at all.
//!
//! Only this crate writes the file. What is in one transaction: an alert, the incident it changes, the deliveries it
//! makes. An alert whose id is there already changes nothing, so judging the journal again from where detection's state stands is safe.

mod deliveries;
mod incidents;
mod overdue;

pub use deliveries::{Due, Looked, Share};

use crate::message::Messages;
use crate::outbox::{Reach, Stationery};
use crate::raise::{self, Raised};
use crate::upstream::{Letter, Payloads};
use crate::{duties, outbox, states};
use deliveries::About;
use incidents::{find, involve, mark_reported, parse, save, stored};
use journal::JournalError;
use journal::alert_log::{self, AlertLog, RecordBody};
use journal::wire::AlertJson;
use model::{
    Action, Alert, Case, Command, Finding, Households, Incident, IncidentId, Offset, Roster, Subject, Subscriber,
    TenantId, Timestamp, Zone,
};
use registry::{Links, View};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::HashSet;
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
DROP INDEX IF EXISTS outbox_due;
CREATE INDEX IF NOT EXISTS outbox_turn ON outbox (subscriber, next_at, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS outbox_told ON outbox (lane, subscriber, seq);
CREATE INDEX IF NOT EXISTS outbox_dead ON outbox (seq) WHERE state = 'dead';
CREATE TABLE IF NOT EXISTS overdue (
    incident TEXT NOT NULL, what TEXT NOT NULL, since INTEGER NOT NULL, told_s INTEGER NOT NULL, PRIMARY KEY (incident, what)
) WITHOUT ROWID;
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

/// What the registry knows that a case is told with.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Who wants to be told.
    pub subscribers: &'a [Subscriber],
    /// Who of them is on duty when.
    pub rosters: &'a [Roster],
    /// The zones in force, by id.
    pub zones: &'a [Arc<Zone>],
    /// Whose the known animals are.
    pub households: &'a Households,
}

impl<'a> From<&'a View> for Known<'a> {
    fn from(view: &'a View) -> Self {
        let View { subscribers, rosters, zones, households, .. } = view;
        Self { subscribers, rosters, zones, households }
    }
}

/// The open file; clones share it.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    log: AlertLog,
    stationery: Stationery,
}

impl Store {
    /// Opens the file, making it if it is not there yet. `log` must be of the same path.
    pub fn open(path: &Path, log: AlertLog, tenant: TenantId) -> Result<Self, StoreError> {
        let connection = alert_log::open_writer(path)?;
        connection.execute_batch(SCHEMA)?;
        let stationery = Stationery { tenant, messages: Arc::default(), links: None, payloads: Arc::default() };
        Ok(Self { connection: Arc::new(Mutex::new(connection)), log, stationery })
    }

    /// The same with the messages of an installation.
    #[must_use]
    pub fn with_messages(self, messages: Messages) -> Self {
        Self { stationery: Stationery { messages: Arc::new(messages), ..self.stationery }, ..self }
    }

    /// The same with links in messages by which people acknowledge.
    #[must_use]
    pub fn with_links(self, links: Option<Links>) -> Self {
        Self { stationery: Stationery { links, ..self.stationery }, ..self }
    }

    /// The messages that people are told by.
    pub fn messages(&self) -> &Messages {
        &self.stationery.messages
    }

    /// The same with what upstream systems are told.
    #[must_use]
    pub fn with_payloads(self, payloads: Payloads) -> Self {
        Self { stationery: Stationery { payloads: Arc::new(payloads), ..self.stationery }, ..self }
    }

    /// The log that this store writes.
    pub fn log(&self) -> &AlertLog {
        &self.log
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Detection's state, where it still stands here: of an installation from before it had a file of its own.
    pub(crate) fn state_before(&self) -> Result<Option<(Offset, Vec<u8>)>, StoreError> {
        let connection = self.lock();
        if !connection.table_exists(None, "checkpoint")? {
            return Ok(None);
        }
        let row = connection
            .query_row("SELECT offset, state FROM checkpoint", [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
            .optional()?;
        Ok(row.map(|(number, state)| (states::offset(number), state)))
    }

    /// Once it stands there.
    pub(crate) fn forget_state_before(&self) -> Result<(), StoreError> {
        Ok(self.lock().execute_batch("DROP TABLE IF EXISTS checkpoint")?)
    }

    /// The last command that was carried out.
    pub fn command_cursor(&self) -> Result<u64, StoreError> {
        Ok(self.cursor("commands")?.unwrap_or(0))
    }

    /// How far a reader of the log has come; `None` for one that has not begun.
    pub fn cursor(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let seq = self.lock().query_row("SELECT seq FROM cursor WHERE name = ?1", [name], |row| row.get::<_, i64>(0));
        Ok(seq.optional()?.map(|seq| u64::try_from(seq).unwrap_or(0)))
    }

    /// Remembers it.
    pub fn keep_cursor(&self, name: &str, seq: u64) -> Result<(), StoreError> {
        self.lock().execute(
            "INSERT INTO cursor (name, seq) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
            params![name, signed(seq)],
        )?;
        Ok(())
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

    /// Raises findings; returns the alerts that were new.
    pub fn raise(&self, findings: &[Finding], registry: Known<'_>, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
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
            match &command.action {
                Action::RetryDelivery { delivery } => {
                    return deliveries::retry(transaction, Some(delivery), None, now);
                }
                Action::RetryDeliveries { subscriber } => {
                    return deliveries::retry(transaction, None, subscriber.as_deref(), now);
                }
                Action::Drill { zone } => {
                    let zone = registry.zones.iter().find(|known| known.id == *zone);
                    let raised = zone.and_then(|zone| raise::drill(seq, command, zone));
                    return self.keep_if_any(transaction, raised, registry, now);
                }
                Action::TestSubscriber { subscriber } => {
                    return self.test(transaction, seq, subscriber, registry, now);
                }
                Action::SmsReceipt { delivery, arrived, told } => {
                    return deliveries::sms_receipt(transaction, delivery, *arrived, told, now);
                }
                _ => {}
            }
            let Some(id) = &command.incident else { return Ok(None) };
            let Some(incident) = find(transaction, id)? else { return Ok(None) };
            self.keep_if_any(transaction, raise::from_command(seq, command, incident), registry, now)
        })
    }

    fn keep_if_any(
        &self,
        transaction: &Transaction<'_>,
        raised: Option<Raised>,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        raised.map_or(Ok(None), |mut raised| self.keep(transaction, &mut raised, registry, now))
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
        Raised { alert, reach }: &mut Raised,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let mut known = transaction.prepare_cached("SELECT 1 FROM alert WHERE id = ?1")?;
        if known.exists(params![alert.id])? {
            return Ok(None);
        }
        if let Subject::Incident(incident) = &mut alert.subject {
            involve(transaction, incident, registry.households)?;
        }
        let mut json = AlertJson { told: *reach != Reach::Nobody, ..AlertJson::from(&*alert) };
        // Asked only where somebody waits for others: most alerts are for the record, and told to nobody.
        let waits = || registry.subscribers.iter().any(|subscriber| subscriber.after.is_some());
        let is_asked = *reach == Reach::Everybody && waits();
        let told = if is_asked { deliveries::told_of(transaction, alert)? } else { HashSet::new() };
        let subscribers = outbox::addressed(alert, *reach, registry, now, &told);
        // The body names the halves of the dual report, so they must be known before it is written.
        if let Some(incident) = &mut json.incident {
            let before = stored(transaction, &incident.id)?.map(|(json, _)| json.reports).unwrap_or_default();
            let told: Vec<&str> = subscribers.iter().filter_map(|subscriber| subscriber.duty.as_deref()).collect();
            incident.reports = duties::reports(&before, incident, &told);
            save(transaction, incident)?;
        }
        let mut seq = alert_log::append(transaction, now, &RecordBody::Alert(json.clone()))?;
        transaction
            .prepare_cached("INSERT INTO alert (id, seq) VALUES (?1, ?2)")?
            .execute(params![alert.id, signed(seq)])?;
        let lane = outbox::lane(alert);
        for subscriber in subscribers {
            let letter = Letter::of(&self.stationery.payloads, transaction, (alert, subscriber, &lane), now)?;
            let outgoing = self.stationery.outgoing(subscriber, (alert, &json), letter.as_ref(), now);
            let about = About {
                alert: &alert.id,
                kind: &json.type_,
                incident: json.incident.as_ref().map(|incident| incident.id.as_str()),
            };
            seq = deliveries::post(transaction, outgoing, subscriber, about, seq, now)?;
        }
        if *reach != Reach::Nobody {
            overdue::track(transaction, alert, registry, now)?;
        }
        Ok(Some(seq))
    }

    /// Sends somebody a message that says that it is one to try; `None` for a subscriber that there is not.
    fn test(
        &self,
        transaction: &Transaction<'_>,
        seq: u64,
        id: &str,
        registry: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let Some(to) = registry.subscribers.iter().find(|subscriber| subscriber.id == id) else { return Ok(None) };
        let about = About { alert: outbox::TEST, kind: outbox::TEST, incident: None };
        // A half of the dual report is not done by a try.
        let to = Subscriber { duty: None, ..to.clone() };
        let last = deliveries::last_seq(transaction)?;
        Ok(Some(deliveries::post(transaction, self.stationery.test(&to, seq, now), &to, about, last, now)?))
    }
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
