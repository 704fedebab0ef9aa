//! The rows of the journal file, and every SQL statement that touches them for writing. The tables are `layout`'s.
//!
//! In:  a connection and values.   Out: rows. It decides nothing: what is written, and when, is the writer's business.
//!
//! One row for each group commit, because a row for each frame would pay for a place in the tree each time. The
//! ledger's one row says where the chain begins and ends, so that a vanished last row is noticed as surely as a changed one.

use super::batch::{Link, SealedBatch, StoredBatch};
use super::pack::Packed;
use crate::sql::Unsigned;
use model::{Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

/// What a row costs beside its blob: its columns, the two links, and its share of the tree.
pub(super) const ROW_OVERHEAD_BYTES: u64 = 256;

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

/// Puts a packed batch in the place of the ones that it was made of and moves the mark; says how many bytes fewer the
/// journal counts and in how many batches fewer. Nothing but the mark changes if they were trimmed meanwhile.
pub(super) fn replace_by_packed(connection: &Connection, packed: &Packed) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached("INSERT INTO meta VALUES ('packed', ?1) ON CONFLICT DO UPDATE SET value = excluded.value")?
        .execute([Unsigned::from(packed.last)])?;
    let Some(blob) = &packed.blob else { return Ok((0, 0)) };
    let span = [Unsigned::from(packed.first), Unsigned::from(packed.last)];
    let mut select = connection
        .prepare_cached("SELECT count(*), coalesce(sum(bytes), 0) FROM batch WHERE first BETWEEN ?1 AND ?2")?;
    let (batches, before) = select.query_row(span, |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)))?;
    if batches != packed.batches {
        return Ok((0, 0));
    }
    connection.prepare_cached("DELETE FROM batch WHERE first BETWEEN ?1 AND ?2")?.execute(span)?;
    let bytes = u64::try_from(blob.len()).unwrap_or(u64::MAX).saturating_add(ROW_OVERHEAD_BYTES);
    let mut insert = connection.prepare_cached("INSERT INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    insert.execute(params![
        span[0],
        Unsigned(packed.last.next().0.saturating_sub(packed.first.0)),
        Unsigned(bytes),
        packed.received_first.as_millis(),
        packed.received_last.as_millis(),
        packed.before,
        packed.after,
        blob,
    ])?;
    Ok((before.saturating_sub(bytes), batches.saturating_sub(1)))
}

/// How far packing has come.
pub(super) fn read_packed(connection: &Connection) -> rusqlite::Result<Offset> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE name = 'packed'")?;
    Ok(select.query_row([], |row| offset(row, 0)).optional()?.unwrap_or_default())
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
