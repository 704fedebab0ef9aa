//! The tables of the journal file, and every SQL statement that touches them for writing.
//!
//! In:  a connection and values.   Out: rows. It decides nothing: what is written, and when, is the writer's business.
//!
//! One row for each group commit, because a row for each frame would pay for a place in the tree each time. The
//! ledger's one row says where the chain begins and ends, so that a vanished last row is noticed as surely as a changed one.

use super::OpenError;
use super::batch::{Link, SealedBatch, StoredBatch, genesis};
use crate::sql::Unsigned;
use model::{Offset, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// "SWJ1": tells our file from any other SQLite file.
const APPLICATION_ID: i64 = 0x5357_4A31;

/// The tables below. A reader refuses a later one.
const LAYOUT_VERSION: i64 = 1;

/// Only a reader in another process that recovers the file after a crash can hold the lock, and only for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// After this much the log is folded back into the file, at the cost of one more sync for the commit that hits it.
const WAL_PAGES: i64 = 4_000;

/// A long reader can let the log outgrow [`WAL_PAGES`]; afterwards it is cut back to this.
const WAL_LIMIT_BYTES: i64 = 64 * 1024 * 1024;

/// What a row costs beside its blob: its columns, the two links, and its share of the tree.
pub(super) const ROW_OVERHEAD_BYTES: u64 = 256;

const SCHEMA: &str = "
    CREATE TABLE batch (
        first          INTEGER PRIMARY KEY,
        count          INTEGER NOT NULL,
        bytes          INTEGER NOT NULL,
        received_first INTEGER NOT NULL,
        received_last  INTEGER NOT NULL,
        link_before    BLOB NOT NULL,
        link_after     BLOB NOT NULL,
        entries        BLOB NOT NULL
    ) STRICT;
    CREATE TABLE ledger (
        id           INTEGER PRIMARY KEY CHECK (id = 1),
        head         INTEGER NOT NULL,
        head_link    BLOB NOT NULL,
        trimmed      INTEGER NOT NULL,
        trimmed_link BLOB NOT NULL,
        batches      INTEGER NOT NULL,
        bytes        INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE cursor (
        consumer TEXT PRIMARY KEY,
        offset   INTEGER NOT NULL
    ) STRICT;
";

/// The columns of [`stored_batch`], in its order.
pub(super) const BATCH_COLUMNS: &str = "first, count, link_before, link_after, entries";

/// Where the chain begins and ends, and how much lies between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) head: Offset,
    pub(super) head_link: Link,
    /// Everything up to and including this was trimmed.
    pub(super) trimmed: Offset,
    pub(super) trimmed_link: Link,
    pub(super) batches: u64,
    pub(super) bytes: u64,
}

impl Ledger {
    pub(super) fn entries(&self) -> u64 {
        self.head.0.saturating_sub(self.trimmed.0)
    }
}

/// What trimming has to know of a batch; its blob stays on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchHead {
    pub(super) last: Offset,
    pub(super) bytes: u64,
    pub(super) received_last: Timestamp,
    pub(super) link_after: Link,
}

/// Opens the file for writing, making the tables if it is new. The caller holds the writer lock.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, OpenError> {
    let engine = |error: rusqlite::Error| engine_error(path, &error);
    let mut connection = Connection::open(path).map_err(engine)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
    let fresh = is_empty(&connection).map_err(engine)?;
    if !fresh {
        check_ours(path, &connection)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(engine)?;
    // A commit returns after the log was synced: this line is the acknowledgement's whole worth.
    connection.pragma_update(None, "synchronous", "FULL").map_err(engine)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES).map_err(engine)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES).map_err(engine)?;
    if fresh {
        make_tables(&mut connection).map_err(engine)?;
    }
    Ok(connection)
}

/// Opens the file for reading; another process may be writing it.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
    let engine = |error: rusqlite::Error| engine_error(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(engine)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
    check_ours(path, &connection)?;
    Ok(connection)
}

pub(super) fn engine_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Engine { path: path.to_owned(), what: error.to_string() }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}

fn check_ours(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let number = |pragma: &str| -> Result<i64, OpenError> {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| engine_error(path, &error))
    };
    if number("application_id")? != APPLICATION_ID {
        return Err(OpenError::NotOurs { path: path.to_owned(), found: "not a journal of this program".to_owned() });
    }
    match number("user_version")? {
        LAYOUT_VERSION => Ok(()),
        found if found > LAYOUT_VERSION => {
            Err(OpenError::Later { path: path.to_owned(), found, known: LAYOUT_VERSION })
        }
        other => Err(OpenError::NotOurs { path: path.to_owned(), found: format!("a journal of layout {other}") }),
    }
}

/// In one transaction, so that a crash leaves either an empty file or a whole one.
fn make_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute("INSERT INTO ledger VALUES (1, 0, ?1, 0, ?1, 0, 0)", [genesis()])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", LAYOUT_VERSION)?;
    transaction.commit()
}

/// Folds the log back into the file, so that after an orderly end the one file is the whole journal and can be copied.
pub(super) fn fold_log(connection: &Connection) {
    // A reader in another process may be in the way; then the log stays, and is read with the file.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
}

pub(super) fn read_ledger(connection: &Connection) -> rusqlite::Result<Ledger> {
    let mut select = connection
        .prepare_cached("SELECT head, head_link, trimmed, trimmed_link, batches, bytes FROM ledger WHERE id = 1")?;
    select.query_row([], |row| {
        Ok(Ledger {
            head: offset(row, 0)?,
            head_link: row.get(1)?,
            trimmed: offset(row, 2)?,
            trimmed_link: row.get(3)?,
            batches: unsigned(row, 4)?,
            bytes: unsigned(row, 5)?,
        })
    })
}

pub(super) fn write_ledger(connection: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(
        "UPDATE ledger SET head = ?1, head_link = ?2, trimmed = ?3, trimmed_link = ?4, batches = ?5, bytes = ?6
         WHERE id = 1",
    )?;
    update.execute(params![
        Unsigned::from(ledger.head),
        ledger.head_link,
        Unsigned::from(ledger.trimmed),
        ledger.trimmed_link,
        Unsigned(ledger.batches),
        Unsigned(ledger.bytes)
    ])?;
    Ok(())
}

/// Writes the batch and says how many bytes it counts for.
pub(super) fn insert_batch(connection: &Connection, batch: &SealedBatch) -> rusqlite::Result<u64> {
    let bytes = u64::try_from(batch.blob.len()).unwrap_or(u64::MAX).saturating_add(ROW_OVERHEAD_BYTES);
    let received = |entry: &model::Entry| entry.frame.received_at.0.as_millis();
    let mut insert = connection.prepare_cached("INSERT INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    insert.execute(params![
        Unsigned::from(batch.first),
        Unsigned(u64::try_from(batch.entries.len()).unwrap_or(u64::MAX)),
        Unsigned(bytes),
        batch.entries.iter().map(received).min(),
        batch.entries.iter().map(received).max(),
        batch.before,
        batch.after,
        batch.blob,
    ])?;
    Ok(bytes)
}

/// The oldest batch after `trimmed`.
pub(super) fn oldest_batch(connection: &Connection, trimmed: Offset) -> rusqlite::Result<Option<BatchHead>> {
    let mut select = connection.prepare_cached(
        "SELECT first + count - 1, bytes, received_last, link_after FROM batch WHERE first > ?1 ORDER BY first LIMIT 1",
    )?;
    select
        .query_row([Unsigned::from(trimmed)], |row| {
            Ok(BatchHead {
                last: offset(row, 0)?,
                bytes: unsigned(row, 1)?,
                received_last: Timestamp::from_millis(row.get(2)?),
                link_after: row.get(3)?,
            })
        })
        .optional()
}

/// When the newest entry came in; `None` in an empty journal.
pub(super) fn newest_received(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let mut select = connection.prepare_cached("SELECT received_last FROM batch ORDER BY first DESC LIMIT 1")?;
    select.query_row([], |row| row.get(0).map(Timestamp::from_millis)).optional()
}

pub(super) fn delete_batches_up_to(connection: &Connection, last: Offset) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM batch WHERE first <= ?1")?.execute([Unsigned::from(last)])?;
    Ok(())
}

pub(super) fn read_cursors(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Offset>> {
    let mut select = connection.prepare_cached("SELECT consumer, offset FROM cursor")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, offset(row, 1)?)))?;
    rows.collect()
}

pub(super) fn write_cursor(connection: &Connection, consumer: &str, offset: Offset) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO cursor VALUES (?1, ?2)
         ON CONFLICT (consumer) DO UPDATE SET offset = max(offset, excluded.offset)",
    )?;
    upsert.execute(params![consumer, Unsigned::from(offset)])?;
    Ok(())
}

pub(super) fn delete_cursor(connection: &Connection, consumer: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM cursor WHERE consumer = ?1")?.execute([consumer])?;
    Ok(())
}

/// Reads a row of [`BATCH_COLUMNS`].
pub(super) fn stored_batch(row: &Row<'_>) -> rusqlite::Result<StoredBatch> {
    Ok(StoredBatch {
        first: offset(row, 0)?,
        count: unsigned(row, 1)?,
        before: row.get(2)?,
        after: row.get(3)?,
        blob: row.get(4)?,
    })
}

fn offset(row: &Row<'_>, column: usize) -> rusqlite::Result<Offset> {
    unsigned(row, column).map(Offset)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, Unsigned>(column).map(|number| number.0)
}
