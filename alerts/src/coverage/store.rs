//! `coverage.db`: when each piece of land was last watched and on which days, patrols, and the cursor that goes with them.
//!
//! In: what changed since the last time.   Out: all of it at a start, days and patrols when asked.   Never: a cursor that is ahead of
//! what it stands for: one transaction writes both.

use super::row::{self, Row};
use detect::coverage::{DayMarks, Instants, POINTS, join_days};
use model::{Offset, Patrol, PatrolFilter, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), offset INTEGER NOT NULL, alert_seq INTEGER NOT NULL, began_ms INTEGER NOT NULL,
    cell_m REAL NOT NULL, body BLOB NOT NULL);
-- Seconds since 1970 of the 16 points of a cell, in four bytes each, low byte first.
CREATE TABLE IF NOT EXISTS cell (key INTEGER PRIMARY KEY, instants BLOB NOT NULL);
-- Of each legal day the cells with the points that were watched: eight bytes and two, low byte first.
CREATE TABLE IF NOT EXISTS day (day INTEGER, cell_m REAL NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (day, cell_m)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS patrol (
    id TEXT PRIMARY KEY, device TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    summary TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS patrol_by_start ON patrol (start_ms);
";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// However long they are to be kept: six drones fly some 60 a day.
const PATROLS_MAX: i64 = 200_000;
/// No patrol takes longer; so far back one that goes on into a span may have begun.
const PATROL_LONGEST: Duration = Duration::from_secs(2 * 86_400);

/// The file could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CoverageStoreError {
    /// Look at the disk; the engine complained.
    #[error("coverage store: {0}; free space on the disk of the data folder or restore coverage.db from a backup")]
    Engine(#[from] rusqlite::Error),
    /// It cannot be written as text.
    #[error("coverage store cannot write a patrol: {0}")]
    Unwritable(#[from] serde_json::Error),
}

/// What was kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) at: At,
    pub(super) state: Vec<u8>,
    pub(super) cells: Vec<(i64, Instants)>,
}

/// Up to where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct At {
    pub(super) offset: Offset,
    /// The last entry of the alert log that counted.
    pub(super) alert_seq: u64,
    /// When watching began here.
    pub(super) began: Timestamp,
    pub(super) cell_m: f64,
}

/// What is to be kept.
pub(super) struct Keep<'a> {
    pub(super) at: At,
    pub(super) state: &'a [u8],
    pub(super) cells: &'a [(i64, Instants)],
    pub(super) days: &'a BTreeMap<u32, DayMarks>,
    pub(super) patrols: &'a [Patrol],
}

/// The open file; clones share it.
#[derive(Clone)]
pub struct CoverageStore {
    connection: Arc<Mutex<Connection>>,
}

impl CoverageStore {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Self, CoverageStoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last journal entry that is in what is kept; `None` for a new file.
    pub fn cursor(&self) -> Result<Option<Offset>, CoverageStoreError> {
        let offset = self.lock().query_row("SELECT offset FROM state", [], |row| row.get(0)).optional()?;
        Ok(offset.map(|offset: i64| Offset(u64::try_from(offset).unwrap_or(0))))
    }

    pub(super) fn load(&self) -> Result<Option<Kept>, CoverageStoreError> {
        let connection = self.lock();
        let sql = "SELECT offset, alert_seq, began_ms, cell_m, body FROM state";
        let state = connection
            .query_row(sql, [], |row| {
                let at = At {
                    offset: Offset(unsigned(row.get(0)?)),
                    alert_seq: unsigned(row.get(1)?),
                    began: Timestamp::from_millis(row.get(2)?),
                    cell_m: row.get(3)?,
                };
                Ok((at, row.get::<_, Vec<u8>>(4)?))
            })
            .optional()?;
        let Some((at, state)) = state else { return Ok(None) };
        let mut statement = connection.prepare("SELECT key, instants FROM cell")?;
        let cells = statement.query_map([], |row| Ok((row.get(0)?, instants(&row.get::<_, Vec<u8>>(1)?))))?;
        Ok(Some(Kept { at, state, cells: cells.collect::<Result<_, _>>()? }))
    }

    pub(super) fn keep(&self, keep: &Keep<'_>) -> Result<(), CoverageStoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let before = transaction.query_row("SELECT cell_m FROM state", [], |row| row.get::<_, f64>(0)).optional()?;
        if before.is_some_and(|before| before.to_bits() != keep.at.cell_m.to_bits()) {
            // All cells come with it, of another size.
            transaction.execute("DELETE FROM cell", [])?;
        }
        let mut cell = transaction.prepare_cached("INSERT OR REPLACE INTO cell (key, instants) VALUES (?1, ?2)")?;
        for (key, at) in keep.cells {
            let bytes: Vec<u8> = at.iter().flat_map(|seconds| seconds.to_le_bytes()).collect();
            cell.execute(params![key, bytes])?;
        }
        drop(cell);
        keep_days(&transaction, keep)?;
        for patrol in keep.patrols {
            transaction.execute(
                "INSERT OR REPLACE INTO patrol (id, device, start_ms, end_ms, summary, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    patrol.id,
                    patrol.device.as_str(),
                    patrol.start.as_millis(),
                    patrol.end.as_millis(),
                    row::summary(patrol)?,
                    row::detail(patrol)?,
                ],
            )?;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO state (one, offset, alert_seq, began_ms, cell_m, body) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
            params![
                signed(keep.at.offset.0),
                signed(keep.at.alert_seq),
                keep.at.began.as_millis(),
                keep.at.cell_m,
                keep.state,
            ],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Lets go of what is older.
    pub(super) fn expire(&self, before: Timestamp) -> Result<(), CoverageStoreError> {
        let connection = self.lock();
        let day = detect::coverage::day(detect::coverage::seconds(before));
        connection.execute("DELETE FROM day WHERE day < ?1", [day])?;
        connection.execute("DELETE FROM patrol WHERE end_ms < ?1", [before.as_millis()])?;
        connection.execute(
            "DELETE FROM patrol WHERE id IN (SELECT id FROM patrol ORDER BY start_ms DESC LIMIT -1 OFFSET ?1)",
            [PATROLS_MAX],
        )?;
        Ok(())
    }

    /// What was watched on any of some legal days, both included.
    pub(super) fn days(&self, from: u32, to: u32, cell_m: f64) -> Result<DayMarks, CoverageStoreError> {
        let connection = self.lock();
        let sql = "SELECT cells FROM day WHERE day BETWEEN ?1 AND ?2 AND cell_m = ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![from, to, cell_m])?;
        let mut all = DayMarks::new();
        while let Some(row) = rows.next()? {
            join_days(&mut all, &marks(&row.get::<_, Vec<u8>>(0)?));
        }
        Ok(all)
    }

    /// Patrols that touch a span, newest start first, without their ways; each is shown to `keep`, which says whether it is wanted.
    pub(super) fn patrols(
        &self,
        filter: &PatrolFilter,
        with_detail: bool,
        mut keep: impl FnMut(&Patrol) -> bool,
    ) -> Result<Vec<Patrol>, CoverageStoreError> {
        let connection = self.lock();
        let detail = if with_detail { "detail" } else { "NULL" };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT id, device, start_ms, end_ms, summary, {detail} FROM patrol
             WHERE start_ms >= ?1 AND start_ms < ?2 AND end_ms >= ?3 AND (?4 IS NULL OR device = ?4) ORDER BY start_ms DESC, id"
        ))?;
        let (from, earliest) = (filter.from.as_millis(), filter.from.minus(PATROL_LONGEST).as_millis());
        let device = filter.device.as_ref().map(|device| device.as_str());
        let mut rows = statement.query(params![earliest, filter.to.as_millis(), from, device])?;
        let (mut found, mut passed) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let Some(patrol) = read(row)?.read().filter(|patrol| keep(patrol)) else { continue };
            if passed < filter.passed {
                passed += 1;
            } else if found.len() < filter.limit {
                found.push(patrol);
            } else {
                break;
            }
        }
        Ok(found)
    }

    /// One patrol with its way and its cells.
    pub(super) fn patrol(&self, id: &str) -> Result<Option<Patrol>, CoverageStoreError> {
        let sql = "SELECT id, device, start_ms, end_ms, summary, detail FROM patrol WHERE id = ?1";
        Ok(self.lock().query_row(sql, [id], read).optional()?.and_then(Row::read))
    }
}

fn keep_days(transaction: &Transaction<'_>, keep: &Keep<'_>) -> Result<(), CoverageStoreError> {
    for (day, cells) in keep.days {
        let sql = "SELECT cells FROM day WHERE day = ?1 AND cell_m = ?2";
        let key = params![day, keep.at.cell_m];
        let known = transaction.query_row(sql, key, |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let mut all = known.map(|bytes| marks(&bytes)).unwrap_or_default();
        join_days(&mut all, cells);
        let mut bytes = Vec::with_capacity(all.len() * MARK_BYTES);
        for (key, mask) in &all {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&mask.to_le_bytes());
        }
        let sql = "INSERT OR REPLACE INTO day (day, cell_m, cells) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![day, keep.at.cell_m, bytes])?;
    }
    Ok(())
}

/// A key and a mask.
const MARK_BYTES: usize = 10;

fn marks(bytes: &[u8]) -> DayMarks {
    let mark = |bytes: &[u8; MARK_BYTES]| {
        let (key, mask) = bytes.split_first_chunk::<8>()?;
        Some((i64::from_le_bytes(*key), u16::from_le_bytes(*mask.first_chunk::<2>()?)))
    };
    bytes.as_chunks::<MARK_BYTES>().0.iter().filter_map(mark).collect()
}

fn instants(bytes: &[u8]) -> Instants {
    let (numbers, _) = bytes.as_chunks::<4>();
    let mut instants = [0; POINTS];
    for (instant, bytes) in instants.iter_mut().zip(numbers) {
        *instant = u32::from_le_bytes(*bytes);
    }
    instants
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        device: row.get(1)?,
        start_ms: row.get(2)?,
        end_ms: row.get(3)?,
        summary: row.get(4)?,
        detail: row.get(5)?,
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
