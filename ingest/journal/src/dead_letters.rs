//! Which journal entries could not be understood, and why: for an operator to look at, and to replay after a fix.
//!
//! In:  [`model::DeadLetter`] from decode.   Out: [`DeadLetterRow`], as the console shows it.
//!
//! It never holds the bytes (the journal does) and never grows without end: the newest [`KEEP_ROWS`] stay. Recording is
//! idempotent by offset, so decode may replay. Every call blocks on the disk: make it on a blocking thread.

use crate::JournalError;
use crate::sql::{Unsigned, device_from_text};
use model::{DeadLetter, DeviceId, Offset, ReceivedAt, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many are kept. At a few hundred bytes a row this is some 30 MB: weeks of one broken device, and more than a person
/// would ever page through.
pub const KEEP_ROWS: u64 = 100_000;

/// How long a write waits for another process that reads or writes the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Marks the file as ours and gives the version of its tables (`PRAGMA user_version`).
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS dead_letter (
        offset      INTEGER PRIMARY KEY,
        device      TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        channel     TEXT NOT NULL,
        reason      TEXT NOT NULL,
        detail      TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
";

/// One entry that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    /// Its place in the journal, which holds the bytes.
    pub offset: Offset,
    /// Whom it was about.
    pub device: DeviceId,
    /// When it came.
    pub received_at: ReceivedAt,
    /// How it came, for people.
    pub channel: String,
    /// Why, as the short word of the metric's label.
    pub reason: String,
    /// Why, as a sentence.
    pub detail: String,
}

/// The store of rejected entries; clones share it.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    connection: Arc<Mutex<Connection>>,
    keep_rows: u64,
}

impl DeadLetters {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_keeping(path, KEEP_ROWS)
    }

    fn open_keeping(path: &Path, keep_rows: u64) -> Result<Self, JournalError> {
        let connection = connect(path).map_err(|error| {
            JournalError::Engine(format!("could not open dead letters {}: {error}", path.display()))
        })?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(engine)?;
        if version > SCHEMA_VERSION {
            return Err(JournalError::Engine(format!(
                "dead letters {} have version {version}, but this program knows {SCHEMA_VERSION}; use the newer program",
                path.display()
            )));
        }
        connection.execute_batch(SCHEMA).map_err(engine)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), keep_rows })
    }

    /// Keeps these; on disk when it returns. An offset that is already there keeps its place and takes the new reason.
    pub fn record(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let transaction = connection.transaction().map_err(engine)?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT OR REPLACE INTO dead_letter VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                .map_err(engine)?;
            for letter in letters {
                insert
                    .execute(params![
                        Unsigned::from(letter.offset),
                        letter.device.as_str(),
                        letter.received_at.0.as_millis(),
                        letter.channel,
                        letter.reason.label(),
                        letter.reason.to_string(),
                    ])
                    .map_err(engine)?;
            }
            transaction
                .prepare_cached(
                    "DELETE FROM dead_letter WHERE offset <=
                     (SELECT offset FROM dead_letter ORDER BY offset DESC LIMIT 1 OFFSET ?1)",
                )
                .map_err(engine)?
                .execute([Unsigned(self.keep_rows)])
                .map_err(engine)?;
        }
        transaction.commit().map_err(engine)
    }

    /// Up to `limit` rows, the newest first, those before `before_offset` if it is given.
    pub fn list(&self, before_offset: Option<u64>, limit: usize) -> Result<Vec<DeadLetterRow>, JournalError> {
        let connection = self.lock();
        let mut select = connection
            .prepare_cached(
                "SELECT offset, device, received_at, channel, reason, detail FROM dead_letter
                 WHERE ?1 IS NULL OR offset < ?1 ORDER BY offset DESC LIMIT ?2",
            )
            .map_err(engine)?;
        let limit = Unsigned(u64::try_from(limit).unwrap_or(u64::MAX).min(self.keep_rows));
        let rows = select.query_map(params![before_offset.map(Unsigned), limit], row_of).map_err(engine)?;
        rows.collect::<Result<_, _>>().map_err(engine)
    }

    /// The one at this place, if it is here.
    pub fn one(&self, offset: Offset) -> Result<Option<DeadLetterRow>, JournalError> {
        let connection = self.lock();
        let mut select = connection
            .prepare_cached(
                "SELECT offset, device, received_at, channel, reason, detail FROM dead_letter WHERE offset = ?1",
            )
            .map_err(engine)?;
        select.query_row([Unsigned::from(offset)], row_of).optional().map_err(engine)
    }

    /// Takes one away, after it was replayed and understood. Nothing happens if it is not there.
    pub fn forget(&self, offset: Offset) -> Result<(), JournalError> {
        let connection = self.lock();
        connection.execute("DELETE FROM dead_letter WHERE offset = ?1", [Unsigned::from(offset)]).map_err(engine)?;
        Ok(())
    }

    /// How many are kept now.
    pub fn count(&self) -> Result<u64, JournalError> {
        let count: Unsigned =
            self.lock().query_row("SELECT count(*) FROM dead_letter", [], |row| row.get(0)).map_err(engine)?;
        Ok(count.0)
    }

    /// A panic elsewhere while it held the lock leaves no half-done transaction: dropping one rolls it back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Decode moves its cursor after recording; without the sync a power cut could forget a letter for good.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<DeadLetterRow> {
    let offset: Unsigned = row.get(0)?;
    let device: String = row.get(1)?;
    let device = device_from_text(&device)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(DeadLetterRow {
        offset: Offset(offset.0),
        device,
        received_at: ReceivedAt(Timestamp::from_millis(row.get(2)?)),
        channel: row.get(3)?,
        reason: row.get(4)?,
        detail: row.get(5)?,
    })
}

fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Reject;

    fn letter(offset: u64, reason: Reject) -> DeadLetter {
        DeadLetter {
            offset: Offset(offset),
            device: DeviceId::parse("cam-7").unwrap(),
            received_at: ReceivedAt(Timestamp::from_millis(1_000 + i64::try_from(offset).unwrap())),
            channel: "steppe/cam-7/track".to_owned(),
            reason,
        }
    }

    fn offsets(rows: &[DeadLetterRow]) -> Vec<u64> {
        rows.iter().map(|row| row.offset.0).collect()
    }

    #[test]
    fn a_recorded_letter_is_listed_with_its_label_and_its_sentence_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dead.db");
        DeadLetters::open(&path).unwrap().record(&[letter(7, Reject::Missing { field: "lat" })]).unwrap();
        let rows = DeadLetters::open(&path).unwrap().list(None, 10).unwrap();
        assert_eq!(
            rows,
            [DeadLetterRow {
                offset: Offset(7),
                device: DeviceId::parse("cam-7").unwrap(),
                received_at: ReceivedAt(Timestamp::from_millis(1_007)),
                channel: "steppe/cam-7/track".to_owned(),
                reason: "missing_field".to_owned(),
                detail: "field `lat` is missing".to_owned(),
            }]
        );
    }

    #[test]
    fn recording_the_same_offset_again_keeps_one_row_with_the_newer_reason() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(&dir.path().join("dead.db")).unwrap();
        letters.record(&[letter(1, Reject::Empty), letter(2, Reject::Empty)]).unwrap();
        letters.record(&[letter(2, Reject::NotJpeg), letter(3, Reject::Empty)]).unwrap();
        let rows = letters.list(None, 10).unwrap();
        assert_eq!(offsets(&rows), [3, 2, 1]);
        assert_eq!(rows[1].reason, "not_jpeg");
        assert_eq!(letters.count().unwrap(), 3);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open_keeping(&dir.path().join("dead.db"), 10).unwrap();
        for start in [1, 8, 15] {
            letters.record(&(start..start + 7).map(|n| letter(n, Reject::Empty)).collect::<Vec<_>>()).unwrap();
        }
        assert_eq!(offsets(&letters.list(None, 100).unwrap()), (12..=21).rev().collect::<Vec<_>>());
        assert_eq!(letters.count().unwrap(), 10);
    }

    #[test]
    fn pages_follow_one_another_and_end_empty() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(&dir.path().join("dead.db")).unwrap();
        letters.record(&[letter(2, Reject::Empty), letter(5, Reject::Empty), letter(9, Reject::Empty)]).unwrap();
        assert_eq!(offsets(&letters.list(None, 2).unwrap()), [9, 5]);
        assert_eq!(offsets(&letters.list(Some(5), 2).unwrap()), [2]);
        assert!(letters.list(Some(2), 2).unwrap().is_empty());
    }

    #[test]
    fn one_is_found_by_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(&dir.path().join("dead.db")).unwrap();
        letters.record(&[letter(2, Reject::Empty), letter(5, Reject::NotJpeg)]).unwrap();
        assert_eq!(letters.one(Offset(5)).unwrap().unwrap().reason, "not_jpeg");
        assert_eq!(letters.one(Offset(3)).unwrap(), None);
    }

    #[test]
    fn a_letter_that_was_dealt_with_is_forgotten_once_and_for_all() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(&dir.path().join("dead.db")).unwrap();
        letters.record(&[letter(2, Reject::Empty), letter(5, Reject::Empty)]).unwrap();
        letters.forget(Offset(2)).unwrap();
        letters.forget(Offset(2)).unwrap();
        assert_eq!(offsets(&letters.list(None, 10).unwrap()), [5]);
    }

    #[test]
    fn the_platforms_own_letters_can_be_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let letters = DeadLetters::open(&dir.path().join("dead.db")).unwrap();
        letters.record(&[DeadLetter { device: DeviceId::platform(), ..letter(1, Reject::Empty) }]).unwrap();
        assert_eq!(letters.list(None, 1).unwrap()[0].device, DeviceId::platform());
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dead.db");
        DeadLetters::open(&path).unwrap();
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let error = DeadLetters::open(&path).unwrap_err().to_string();
        assert!(error.contains("use the newer program"), "{error}");
    }
}
