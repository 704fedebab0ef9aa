//! The tail: rows that are not yet sealed into a block, the cursor, and the last position of every device. One SQLite file.
//!
//! In: rows of a batch and the offset they reach up to, in one transaction. Out: rows by device and time, the parts that are
//! due for sealing. Lets go of rows only by [`Tail::forget`], which is called once a block with them is on disk.
//!
//! A batch goes to the end of a log, one blob for all its rows, since a row of its own would cost ten times the processor. Its rows are
//! kept in memory as well ("fresh"), by part, until there are [`FRESH_ROWS`]; then each part's fresh rows become a chunk on disk and the
//! log begins anew. So memory is bounded, a start reads at most that many rows, and a row is written twice before it is sealed.
//!
//! Order of locks: the writer, then the memory. Memory changes after the commit that it tells of, and both only under the writer.

mod disk;
mod memory;

pub(crate) use memory::Part;

use crate::block::MAX_ROWS;
use crate::day::Day;
use crate::row::{Group, Row};
use crate::sqlite::{in_file, lock, open, open_to_look};
use crate::{HistoryError, TrackPoint};
use memory::{Chunk, Held, Memory};
use model::{DeviceId, Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Readers that are kept open; more queries at once than this open their own and close it.
const IDLE_READERS: usize = 4;
/// Rows in memory before they become chunks: some six megabytes, and a chunk of a fleet of two thousand has some sixty rows.
const FRESH_ROWS: usize = 131_072;
/// Pages of 8 KiB that wait for their place in the file: more than the log fills before it begins anew, so that its pages are often
/// written there once instead of twice.
const CHECKPOINT_PAGES: i64 = 4_096;
/// Pages of a file that is worth packing, and the share of it that then has to be empty.
const PACK_PAGES: i64 = 1_024;
const PACK_SHARE: i64 = 4;

/// Rows on their way into blocks, and how to let go of them.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) part: Part,
    /// By time and offset; of rows with the same time and offset the one written last.
    pub(crate) rows: Vec<Row>,
    chunks: Vec<i64>,
    fresh: Fresh,
}

/// Which fresh rows were taken: the first of their part as it was at this batch, if nothing was flushed since.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    bytes: usize,
    rows: usize,
    batch: i64,
    flushes: u64,
}

pub(crate) struct Tail {
    file: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    memory: Mutex<Memory>,
    cursor: AtomicU64,
    /// Who only looks reads by the writer's connection, which is in one transaction from the beginning: numbers of chunks are given again,
    /// so what is in memory fits no later state of the file.
    is_snapshot: bool,
}

impl Tail {
    pub(crate) fn open(dir: &Path) -> Result<Self, HistoryError> {
        let file = dir.join("tail.sqlite");
        let wrap = in_file(&file);
        let mut writer = open(&file, &disk::KIND)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(&wrap)?;
        let transaction = writer.transaction().map_err(&wrap)?;
        let damaged = || HistoryError::Damaged { file: file.clone(), what: "unsealed rows do not fit".to_owned() };
        disk::bring_up(&transaction).map_err(&wrap)?.ok_or_else(damaged)?;
        let memory = disk::load(&transaction).map_err(&wrap)?.ok_or_else(damaged)?;
        let cursor: i64 = transaction.query_row("SELECT entry FROM cursor", [], |row| row.get(0)).map_err(&wrap)?;
        transaction.commit().map_err(&wrap)?;
        Ok(Self {
            file,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            memory: Mutex::new(memory),
            cursor: AtomicU64::new(u64::try_from(cursor).unwrap_or(0)),
            is_snapshot: false,
        })
    }

    /// The tail as it is at this moment, while somebody else may write it. Nothing is written.
    pub(crate) fn look(dir: &Path) -> Result<Self, HistoryError> {
        let file = dir.join("tail.sqlite");
        let wrap = in_file(&file);
        let reader = open_to_look(&file, &disk::KIND)?;
        reader.execute_batch("BEGIN").map_err(&wrap)?;
        if disk::is_old(&reader).map_err(&wrap)? {
            return Err(HistoryError::Older { file });
        }
        let damaged = || HistoryError::Damaged { file: file.clone(), what: "unsealed rows do not fit".to_owned() };
        let memory = disk::load(&reader).map_err(&wrap)?.ok_or_else(damaged)?;
        Ok(Self {
            file,
            writer: Mutex::new(reader),
            readers: Mutex::default(),
            memory: Mutex::new(memory),
            cursor: AtomicU64::default(),
            is_snapshot: true,
        })
    }

    pub(crate) fn cursor(&self) -> Offset {
        Offset(self.cursor.load(Ordering::Acquire))
    }

    fn damaged(&self, what: &str) -> HistoryError {
        HistoryError::Damaged { file: self.file.clone(), what: what.to_owned() }
    }

    /// Runs in one transaction; nothing stays of it if any step fails.
    fn write<T>(
        &self,
        writer: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let wrap = in_file(&self.file);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&wrap)?;
        let done = work(&transaction).map_err(&wrap)?;
        transaction.commit().map_err(&wrap)?;
        Ok(done)
    }

    /// Reads beside the writer, which never waits for it.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        if self.is_snapshot {
            return work(&lock(&self.writer)).map_err(in_file(&self.file));
        }
        let idle = lock(&self.readers).pop();
        let reader = idle.map_or_else(|| open(&self.file, &disk::KIND), Ok)?;
        let done = work(&reader).map_err(in_file(&self.file));
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        done
    }

    /// Rows and cursor together. The same row again (same device, group, time and offset) is kept beside the first and takes its place
    /// when it is read or sealed; the cursor never goes back.
    pub(crate) fn append(
        &self,
        rows: &[(&DeviceId, Group, Row)],
        up_to: Offset,
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        let (mut body, mut packed) = (Vec::with_capacity(rows.len() * 64), Vec::with_capacity(rows.len()));
        for (device, group, row) in rows {
            let from = disk::push(&mut body, device, *group, row);
            packed.push(from..body.len());
        }
        let mut writer = lock(&self.writer);
        let batch = lock(&self.memory).batch + i64::from(!rows.is_empty());
        self.write(&mut writer, |transaction| {
            if !rows.is_empty() {
                disk::insert_batch(transaction, batch, now.as_millis(), &body)?;
            }
            let entry = i64::try_from(up_to.0).unwrap_or(i64::MAX);
            transaction.prepare_cached("UPDATE cursor SET entry = max(entry, ?1)")?.execute([entry])
        })?;
        let mut memory = lock(&self.memory);
        for ((device, group, row), packed) in rows.iter().zip(packed) {
            memory.add_row(device, *group, row, body.get(packed).unwrap_or_default(), now.as_millis());
        }
        memory.batch = batch;
        let is_full = memory.fresh_count >= FRESH_ROWS;
        drop(memory);
        self.cursor.fetch_max(up_to.0, Ordering::AcqRel);
        if is_full {
            self.flush(&mut writer)?;
        }
        Ok(())
    }

    /// Fresh rows become chunks, and the log begins anew.
    fn flush(&self, writer: &mut Connection) -> Result<(), HistoryError> {
        let (fresh, last) = {
            let memory = lock(&self.memory);
            (memory.fresh(), memory.unsaved_last())
        };
        let chunk = |held: &Held| {
            let (start_ms, last_ms) = held.fresh_ms;
            Chunk { id: 0, start_ms, last_ms, row_count: held.fresh_count }
        };
        let mut chunks: Vec<Chunk> = fresh.iter().map(|(_, held)| chunk(held)).collect();
        self.write(writer, |transaction| {
            for ((part, held), chunk) in fresh.iter().zip(&mut chunks) {
                chunk.id = disk::insert_chunk(transaction, part, (*chunk, held.since_ms), &held.fresh)?;
            }
            disk::save_last(transaction, &last)?;
            transaction.execute_batch("DELETE FROM batch; DELETE FROM taken;")
        })?;
        let mut memory = lock(&self.memory);
        for ((part, held), chunk) in fresh.iter().zip(chunks) {
            memory.drain(part, held.fresh.len(), held.fresh_count);
            memory.add_chunk(part, chunk, held.since_ms);
        }
        memory.last_saved(&last);
        memory.flushes += 1;
        Ok(())
    }

    /// Unsealed rows from `first_ms` to `last_ms` (both included), in the order they were written.
    pub(crate) fn rows(
        &self,
        device: &DeviceId,
        group: Group,
        (first_ms, last_ms): (i64, i64),
    ) -> Result<Vec<Row>, HistoryError> {
        let day = |ms| Day::of(Timestamp::from_millis(ms));
        let (mut chunks, mut fresh) = (Vec::new(), Vec::new());
        for held in lock(&self.memory).parts(device, group, (day(first_ms), day(last_ms))) {
            let overlap = held.chunks.iter().filter(|chunk| chunk.start_ms <= last_ms && chunk.last_ms >= first_ms);
            chunks.extend(overlap.map(|chunk| chunk.id));
            fresh.extend_from_slice(&held.fresh);
        }
        let mut rows = self.unpacked(&chunks, &fresh)?;
        rows.retain(|row| (first_ms..=last_ms).contains(&row.ts_ms));
        Ok(rows)
    }

    /// The days of which a device has unsealed rows.
    pub(crate) fn days(&self, device: &DeviceId, group: Group, days: (Day, Day)) -> Vec<Day> {
        lock(&self.memory).days(device, group, days)
    }

    /// Rows of chunks and of fresh bytes. A chunk that is gone meanwhile is in a block, which is looked at after the tail.
    fn unpacked(&self, chunks: &[i64], fresh: &[u8]) -> Result<Vec<Row>, HistoryError> {
        let mut rows = Vec::new();
        let damaged = || self.damaged("an unsealed row has cells that do not fit");
        if !chunks.is_empty() {
            let sound = self.read(|reader| {
                let mut select = reader.prepare_cached("SELECT body FROM chunk_body WHERE id = ?1")?;
                for id in chunks {
                    let unpacked = select
                        .query_row([id], |row| Ok(disk::unpack(row.get_ref(0)?.as_blob()?, &mut rows).is_some()))
                        .optional()?;
                    if unpacked == Some(false) {
                        return Ok(false);
                    }
                }
                Ok(true)
            })?;
            if !sound {
                return Err(damaged());
            }
        }
        disk::unpack(fresh, &mut rows).ok_or_else(damaged)?;
        Ok(rows)
    }

    /// The parts that are due for sealing, with their rows.
    pub(crate) fn due(&self, settled: Timestamp, limit: usize) -> Result<Vec<Taken>, HistoryError> {
        let mut all = Vec::new();
        let parts = lock(&self.memory).due(settled, limit);
        let mut blocks = 0;
        for part in parts {
            let held = {
                let memory = lock(&self.memory);
                let (batch, flushes) = (memory.batch, memory.flushes);
                memory.part(&part).map(|held| (held.clone(), batch, flushes))
            };
            let Some((held, batch, flushes)) = held else { continue };
            let chunks: Vec<i64> = held.chunks.iter().map(|chunk| chunk.id).collect();
            let mut rows = self.unpacked(&chunks, &held.fresh)?;
            rows.sort_by_key(|row| (row.ts_ms, row.offset));
            rows.dedup_by(|next, kept| {
                let is_same = (next.ts_ms, next.offset) == (kept.ts_ms, kept.offset);
                if is_same {
                    *kept = *next;
                }
                is_same
            });
            blocks += rows.len().div_ceil(MAX_ROWS);
            let fresh = Fresh { bytes: held.fresh.len(), rows: held.fresh_count, batch, flushes };
            all.push(Taken { part, rows, chunks, fresh });
            if blocks >= limit {
                break;
            }
        }
        Ok(all)
    }

    /// Lets go of rows that are in blocks now. What came since they were taken stays.
    pub(crate) fn forget(&self, sealed: &[Taken], now: Timestamp) -> Result<(), HistoryError> {
        let mut writer = lock(&self.writer);
        // Fresh rows that were flushed since are in a chunk that was not taken: they are sealed once more, which a query merges.
        let flushes = lock(&self.memory).flushes;
        let fresh_too = |taken: &Taken| taken.fresh.rows > 0 && taken.fresh.flushes == flushes;
        self.write(&mut writer, |transaction| {
            for taken in sealed {
                taken.chunks.iter().try_for_each(|id| disk::delete_chunk(transaction, *id))?;
                if fresh_too(taken) {
                    disk::mark_taken(transaction, &taken.part, taken.fresh.batch)?;
                }
            }
            Ok(())
        })?;
        let mut memory = lock(&self.memory);
        for taken in sealed {
            if fresh_too(taken) {
                memory.drain(&taken.part, taken.fresh.bytes, taken.fresh.rows);
            }
            memory.forget(&taken.part, &taken.chunks, now.as_millis());
        }
        Ok(())
    }

    /// Drops the rows of days that are no longer kept. Those that are still in the log come back with a restart, and are dropped again.
    pub(crate) fn expire(&self, oldest_kept: Day) -> Result<(), HistoryError> {
        let mut writer = lock(&self.writer);
        if !lock(&self.memory).expire(oldest_kept) {
            return Ok(());
        }
        self.write(&mut writer, |transaction| {
            let day = oldest_kept.number();
            transaction.execute("DELETE FROM chunk_body WHERE id IN (SELECT id FROM chunk WHERE day < ?1)", [day])?;
            transaction.execute("DELETE FROM chunk WHERE day < ?1", [day])
        })?;
        Ok(())
    }

    /// Gives empty pages back to the disk when most of the file is empty, as after a day was sealed: what is left is little to copy.
    pub(crate) fn pack(&self) -> Result<(), HistoryError> {
        let writer = lock(&self.writer);
        let wrap = in_file(&self.file);
        let count = |pragma: &str| writer.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(&wrap);
        let (pages, empty) = (count("PRAGMA page_count")?, count("PRAGMA freelist_count")?);
        if pages >= PACK_PAGES && empty > pages - pages / PACK_SHARE {
            writer.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(&wrap)?;
        }
        Ok(())
    }

    /// Where every device was last, by time and then by offset.
    pub(crate) fn last_positions(&self) -> Vec<(DeviceId, TrackPoint)> {
        lock(&self.memory).last_positions()
    }
}
