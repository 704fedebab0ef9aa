//! The tail: rows that are not yet sealed into a block, the cursor, and the last position of every device. One SQLite file.
//!
//! In: rows of a batch and the offset they reach up to, in one transaction. Out: rows by device and time, the parts that are
//! due for sealing. Lets go of rows only by [`Tail::forget`], which is called once a block with them is on disk.

use crate::block::MAX_ROWS;
use crate::day::Day;
use crate::row::{Group, Row};
use crate::sqlite::{in_file, lock, open};
use crate::{HistoryError, TrackPoint};
use model::{DeviceId, Offset, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Readers that are kept open; more queries at once than this open their own and close it.
const IDLE_READERS: usize = 4;

// `part` counts the rows of a device, group and day, so that the maintenance tick need not scan the rows. A count may be
// too high (a repeated row counts twice); it only decides when sealing looks, never what it seals.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS unsealed (
        device TEXT NOT NULL, kind INTEGER NOT NULL, ts_ms INTEGER NOT NULL, entry INTEGER NOT NULL, cells BLOB NOT NULL,
        PRIMARY KEY (device, kind, ts_ms, entry)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS part (
        device TEXT NOT NULL, kind INTEGER NOT NULL, day INTEGER NOT NULL, row_count INTEGER NOT NULL, since_ms INTEGER NOT NULL,
        PRIMARY KEY (device, kind, day)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_position (
        device TEXT PRIMARY KEY, ts_ms INTEGER NOT NULL, entry INTEGER NOT NULL, cells BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), entry INTEGER NOT NULL);
    INSERT OR IGNORE INTO cursor VALUES (1, 0);";

/// The unsealed rows of one device, group and day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) day: Day,
    pub(crate) device: String,
    pub(crate) group: Group,
}

pub(crate) struct Tail {
    file: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    cursor: AtomicU64,
}

impl Tail {
    pub(crate) fn open(dir: &Path) -> Result<Self, HistoryError> {
        let file = dir.join("tail.sqlite");
        let writer = open(&file, "WAL", SCHEMA)?;
        let cursor: i64 = writer.query_row("SELECT entry FROM cursor", [], |row| row.get(0)).map_err(in_file(&file))?;
        let cursor = AtomicU64::new(u64::try_from(cursor).unwrap_or(0));
        Ok(Self { file, writer: Mutex::new(writer), readers: Mutex::default(), cursor })
    }

    pub(crate) fn cursor(&self) -> Offset {
        Offset(self.cursor.load(Ordering::Acquire))
    }

    fn damaged(&self, what: &str) -> HistoryError {
        HistoryError::Damaged { file: self.file.clone(), what: what.to_owned() }
    }

    /// Runs in one transaction; nothing stays of it if any step fails.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        let wrap = in_file(&self.file);
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&wrap)?;
        let done = work(&transaction).map_err(&wrap)?;
        transaction.commit().map_err(&wrap)?;
        Ok(done)
    }

    /// Reads beside the writer, which never waits for it.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        let idle = lock(&self.readers).pop();
        let reader = idle.map_or_else(|| open(&self.file, "WAL", SCHEMA), Ok)?;
        let done = work(&reader).map_err(in_file(&self.file));
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        done
    }

    /// Rows and cursor together. A row that is there already (same device, group, time and offset) is replaced, so a
    /// repetition changes nothing; the cursor never goes back.
    pub(crate) fn append(
        &self,
        rows: &[(&DeviceId, Group, Row)],
        up_to: Offset,
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        self.write(|transaction| {
            insert_rows(transaction, rows)?;
            count_parts(transaction, rows, now)?;
            keep_last_positions(transaction, rows)?;
            let entry = i64::try_from(up_to.0).unwrap_or(i64::MAX);
            transaction.execute("UPDATE cursor SET entry = max(entry, ?1)", [entry])
        })?;
        self.cursor.fetch_max(up_to.0, Ordering::AcqRel);
        Ok(())
    }

    /// Unsealed rows from `first_ms` to `last_ms` (both included), at most `limit`, by time and offset.
    pub(crate) fn rows(
        &self,
        device: &str,
        group: Group,
        (first_ms, last_ms): (i64, i64),
        limit: Option<usize>,
    ) -> Result<Vec<Row>, HistoryError> {
        let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let found = self.read(|reader| {
            let mut select = reader.prepare_cached(
                "SELECT ts_ms, entry, cells FROM unsealed WHERE device = ?1 AND kind = ?2 AND ts_ms BETWEEN ?3 AND ?4
                 ORDER BY ts_ms, entry LIMIT ?5",
            )?;
            let each = select.query_map(params![device, group.code(), first_ms, last_ms, limit], |row| {
                let cells = row.get_ref(2)?.as_blob()?;
                Ok(Row::from_bytes(row.get(0)?, row.get(1)?, cells))
            })?;
            each.collect::<rusqlite::Result<Option<Vec<Row>>>>()
        })?;
        found.ok_or_else(|| self.damaged("an unsealed row has cells that do not fit"))
    }

    /// Parts that fill a block, or whose day ended before `settled` and that wait since before it: fullest first, so that
    /// the tail shrinks fastest.
    pub(crate) fn due(&self, settled: Timestamp, limit: usize) -> Result<Vec<Part>, HistoryError> {
        let full = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = self.read(|reader| {
            let mut select = reader.prepare_cached(
                "SELECT device, kind, day FROM part WHERE row_count >= ?1 OR (day < ?2 AND since_ms <= ?3)
                 ORDER BY row_count DESC, device, kind, day LIMIT ?4",
            )?;
            let bounds = params![full, Day::of(settled).number(), settled.as_millis(), limit];
            let each = select.query_map(bounds, |row| {
                let (device, day) = (row.get(0)?, Day::from_number(row.get(2)?));
                Ok(Group::from_code(row.get(1)?).map(|group| Part { day, device, group }))
            })?;
            each.collect::<rusqlite::Result<Option<Vec<Part>>>>()
        })?;
        found.ok_or_else(|| self.damaged("a part has an unknown kind"))
    }

    /// Lets go of rows that are in blocks now. A row that was replaced since it was read differs in its cells and stays.
    pub(crate) fn forget(&self, sealed: &[(Part, Vec<Row>)], now: Timestamp) -> Result<(), HistoryError> {
        self.write(|transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM unsealed WHERE device = ?1 AND kind = ?2 AND ts_ms = ?3 AND entry = ?4 AND cells = ?5",
            )?;
            for (part, rows) in sealed {
                for row in rows {
                    delete.execute(params![part.device, part.group.code(), row.ts_ms, row.offset, row.to_bytes()])?;
                }
                recount(transaction, part, now)?;
            }
            Ok(())
        })
    }

    /// Drops the rows of days that are no longer kept.
    pub(crate) fn expire(&self, oldest_kept: Day) -> Result<(), HistoryError> {
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM unsealed WHERE (device, kind) IN (SELECT device, kind FROM part WHERE day < ?1) AND ts_ms < ?2",
                params![oldest_kept.number(), oldest_kept.start_ms()],
            )?;
            transaction.execute("DELETE FROM part WHERE day < ?1", [oldest_kept.number()])
        })?;
        Ok(())
    }

    /// Where every device was last, by time and then by offset.
    pub(crate) fn last_positions(&self) -> Result<Vec<(DeviceId, TrackPoint)>, HistoryError> {
        let found = self.read(|reader| {
            let mut select = reader.prepare_cached("SELECT device, ts_ms, entry, cells FROM last_position")?;
            let each = select.query_map([], |row| {
                let device: String = row.get(0)?;
                let cells = Row::from_bytes(row.get(1)?, row.get(2)?, row.get_ref(3)?.as_blob()?);
                Ok(cells.and_then(|row| Some((DeviceId::parse(&device).ok()?, TrackPoint::of(&row)?))))
            })?;
            each.collect::<rusqlite::Result<Option<Vec<_>>>>()
        })?;
        found.ok_or_else(|| self.damaged("a last position has cells that do not fit"))
    }
}

fn insert_rows(transaction: &Transaction<'_>, rows: &[(&DeviceId, Group, Row)]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO unsealed VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (device, group, row) in rows {
        insert.execute(params![device.as_str(), group.code(), row.ts_ms, row.offset, row.to_bytes()])?;
    }
    Ok(())
}

fn count_parts(
    transaction: &Transaction<'_>,
    rows: &[(&DeviceId, Group, Row)],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut counts: BTreeMap<(&str, i64, i64), i64> = BTreeMap::new();
    for (device, group, row) in rows {
        let day = Day::of(Timestamp::from_millis(row.ts_ms)).number();
        *counts.entry((device.as_str(), group.code(), day)).or_default() += 1;
    }
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET row_count = row_count + excluded.row_count",
    )?;
    for ((device, kind, day), count) in counts {
        upsert.execute(params![device, kind, day, count, now.as_millis()])?;
    }
    Ok(())
}

fn keep_last_positions(transaction: &Transaction<'_>, rows: &[(&DeviceId, Group, Row)]) -> rusqlite::Result<()> {
    let mut newest: BTreeMap<&str, &Row> = BTreeMap::new();
    // A row without a place on the globe is no position; it would only hide the one before.
    for (device, _, row) in
        rows.iter().filter(|(_, group, row)| *group == Group::Track && TrackPoint::of(row).is_some())
    {
        let kept = newest.entry(device.as_str()).or_insert(row);
        if (row.ts_ms, row.offset) >= (kept.ts_ms, kept.offset) {
            *kept = row;
        }
    }
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO last_position VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET ts_ms = excluded.ts_ms, entry = excluded.entry, cells = excluded.cells
         WHERE (excluded.ts_ms, excluded.entry) >= (ts_ms, entry)",
    )?;
    for (device, row) in newest {
        upsert.execute(params![device, row.ts_ms, row.offset, row.to_bytes()])?;
    }
    Ok(())
}

fn recount(transaction: &Transaction<'_>, part: &Part, now: Timestamp) -> rusqlite::Result<()> {
    let (device, kind, day) = (&part.device, part.group.code(), part.day);
    let left: Option<i64> = transaction
        .prepare_cached("SELECT count(*) FROM unsealed WHERE device = ?1 AND kind = ?2 AND ts_ms BETWEEN ?3 AND ?4")?
        .query_row(params![device, kind, day.start_ms(), day.last_ms()], |row| row.get(0))
        .optional()?;
    transaction.execute(
        "DELETE FROM part WHERE device = ?1 AND kind = ?2 AND day = ?3",
        params![device, kind, day.number()],
    )?;
    if let Some(left) = left.filter(|left| *left > 0) {
        // What is left came after what was sealed, so it waits from now on.
        transaction.execute(
            "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5)",
            params![device, kind, day.number(), left, now.as_millis()],
        )?;
    }
    Ok(())
}
