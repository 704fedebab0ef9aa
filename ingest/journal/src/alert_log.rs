//! The alert log: what was concluded and what came of telling it, in the order it was written.
//!
//! `alerts` owns the file (`alerts.db`) and appends inside its own transactions by [`append`], so that an incident, its
//! outgoing deliveries, the cursor and the log move together or not at all. Everyone else reads through [`AlertLog`].

use crate::JournalError;
use crate::wire::{AlertJson, DeliveryJson};
use model::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, params};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a reader waits for a writer's checkpoint before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// One entry: something to tell, or what came of telling it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "records are read in pages and let go at once")]
pub enum RecordBody {
    /// Something happened.
    Alert(AlertJson),
    /// A delivery was made, tried, accepted or given up; the newest record of an id wins.
    Delivery(DeliveryJson),
}

/// An entry and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Grows; gaps are possible after a rolled back write.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub body: RecordBody,
}

/// A reader's handle, and the bell that the writer rings.
#[derive(Clone)]
pub struct AlertLog {
    connection: Arc<Mutex<Connection>>,
    head: watch::Sender<u64>,
}

impl AlertLog {
    /// Opens the log, making the file if it is not there yet.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        create(&open_writer(path)?)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(engine)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
        let head = connection
            .query_row("SELECT coalesce(max(seq), 0) FROM alert_log", [], |row| row.get::<_, i64>(0))
            .map_err(engine)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            head: watch::Sender::new(u64::try_from(head).unwrap_or(0)),
        })
    }

    /// The last entry's number, and a way to be woken when it grows.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Called by the writer after its commit.
    pub fn committed(&self, seq: u64) {
        self.head.send_if_modified(|head| {
            let grew = seq > *head;
            *head = seq.max(*head);
            grew
        });
    }

    /// Up to `limit` entries after `after_seq`. Blocks on the disk.
    pub fn read(&self, after_seq: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection
            .prepare_cached("SELECT seq, at, body FROM alert_log WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(engine)?;
        let rows = statement
            .query_map(params![signed(after_seq), i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
            })
            .map_err(engine)?;
        rows.map(|row| {
            let (seq, at, body) = row.map_err(engine)?;
            let body = serde_json::from_str(&body)
                .map_err(|error| JournalError::Engine(format!("alert log entry {seq} cannot be read: {error}")))?;
            Ok(Record { seq: u64::try_from(seq).unwrap_or(0), at: Timestamp::from_millis(at), body })
        })
        .collect()
    }
}

/// Opens `alerts.db` for writing, as every write must: WAL and a sync at each commit.
pub fn open_writer(path: &Path) -> Result<Connection, JournalError> {
    let connection = Connection::open(path)
        .map_err(|error| JournalError::Engine(format!("cannot open {}: {error}", path.display())))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(engine)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(engine)?;
    Ok(connection)
}

/// Makes the table where it is missing.
pub fn create(connection: &Connection) -> Result<(), JournalError> {
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS alert_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body TEXT NOT NULL)",
        )
        .map_err(engine)
}

/// Appends within the writer's transaction; the writer rings [`AlertLog::committed`] once it is committed.
pub fn append(transaction: &Transaction<'_>, at: Timestamp, body: &RecordBody) -> Result<u64, JournalError> {
    let json = serde_json::to_string(body).map_err(|error| JournalError::Engine(error.to_string()))?;
    transaction
        .prepare_cached("INSERT INTO alert_log (at, body) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.insert(params![at.as_millis(), json]))
        .map(|seq| u64::try_from(seq).unwrap_or(0))
        .map_err(engine)
}

fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str) -> RecordBody {
        RecordBody::Delivery(DeliveryJson {
            id: id.into(),
            alert: "a".into(),
            type_: "steppewatch.incident.opened".into(),
            incident: None,
            subscriber: "s".into(),
            subscriber_name: "镇政府".into(),
            channel: "webhook".into(),
            duty: None,
            state: "pending".into(),
            attempts: 0,
            at: "2026-11-22T00:00:00.000Z".into(),
            answer: String::new(),
            tries: Vec::new(),
        })
    }

    #[test]
    fn a_reader_sees_committed_entries_in_order_and_is_woken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.db");
        let log = AlertLog::open(&path).unwrap();
        let mut head = log.head();
        let mut writer = open_writer(&path).unwrap();

        let transaction = writer.transaction().unwrap();
        append(&transaction, Timestamp::from_millis(1), &delivery("one")).unwrap();
        let last = append(&transaction, Timestamp::from_millis(2), &delivery("two")).unwrap();
        assert_eq!(log.read(0, 10).unwrap(), [], "not committed yet");
        transaction.commit().unwrap();
        log.committed(last);

        assert!(head.has_changed().unwrap());
        assert_eq!(*head.borrow_and_update(), 2);
        let records = log.read(0, 10).unwrap();
        assert_eq!(records.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(records[1].body, delivery("two"));
        assert_eq!(AlertLog::open(&path).unwrap().read(1, 10).unwrap().len(), 1);
    }
}
