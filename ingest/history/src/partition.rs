//! The sealed days: one SQLite file per UTC day with the blocks of every device.
//!
//! In: blocks that seal made. Out: the bytes of the blocks that overlap a device's time range. Retention unlinks whole files.
//!
//! A block is never changed. Writing the same block again (after a crash between the write here and the delete in the tail)
//! finds its own bytes and does nothing; a block that overlaps others is fine, since queries merge row by row.

use crate::HistoryError;
use crate::day::Day;
use crate::row::Group;
use crate::sqlite::{Kind, in_file, lock, open, open_existing, open_to_look};
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Files held open at once: a month of days, the longest range that the console asks for at a stroke.
const OPEN_FILES: usize = 32;

const KIND: Kind = Kind {
    // A rollback journal, not a WAL: a day's file is written rarely, and one file is all that retention has to unlink.
    journal_mode: "DELETE",
    // A block fills its pages but for half of the last one, so small pages waste least.
    page_bytes: 1_024,
    schema: "
    CREATE TABLE IF NOT EXISTS block (
        sequence INTEGER PRIMARY KEY, device TEXT NOT NULL, kind INTEGER NOT NULL,
        start_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, row_count INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS block_by_start ON block (device, kind, start_ms, last_ms);",
};

/// A block on its way to a day's file.
pub(crate) struct NewBlock<'a> {
    pub(crate) device: &'a str,
    pub(crate) group: Group,
    pub(crate) start_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) row_count: usize,
    pub(crate) body: Vec<u8>,
}

type DayFile = Arc<Mutex<Connection>>;
type OpenDay = fn(&Path, &Kind) -> Result<Connection, HistoryError>;

/// What is open, each with the tick of its last use.
#[derive(Default)]
struct OpenFiles {
    tick: u64,
    files: BTreeMap<Day, (u64, DayFile)>,
}

pub(crate) struct Partitions {
    dir: PathBuf,
    days: Mutex<BTreeSet<Day>>,
    open: Mutex<OpenFiles>,
    /// How a day is opened to be read.
    to_read: OpenDay,
}

impl Partitions {
    pub(crate) fn open(dir: &Path) -> Result<Self, HistoryError> {
        Self::listed(dir, open_existing)
    }

    /// The days that are there at this moment, for looking only.
    pub(crate) fn look(dir: &Path) -> Result<Self, HistoryError> {
        Self::listed(dir, open_to_look)
    }

    fn listed(dir: &Path, to_read: OpenDay) -> Result<Self, HistoryError> {
        let list = || -> io::Result<BTreeSet<Day>> {
            let names = std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name()));
            names
                .map(|name| name.map(|name| name.to_str().and_then(Day::of_file_name)))
                .filter_map(Result::transpose)
                .collect()
        };
        let days = list().map_err(|source| HistoryError::Folder { dir: dir.to_owned(), source })?;
        Ok(Self { dir: dir.to_owned(), days: Mutex::new(days), open: Mutex::default(), to_read })
    }

    pub(crate) fn file(&self, day: Day) -> PathBuf {
        self.dir.join(day.file_name())
    }

    /// The days from `first` to `last` that have a file.
    pub(crate) fn days(&self, first: Day, last: Day) -> Vec<Day> {
        if first > last { Vec::new() } else { lock(&self.days).range(first..=last).copied().collect() }
    }

    /// The open file of a day. `open` says what happens if there is none.
    fn connection(&self, day: Day, open: OpenDay) -> Result<DayFile, HistoryError> {
        let mut open_files = lock(&self.open);
        open_files.tick += 1;
        let tick = open_files.tick;
        if let Some((used, file)) = open_files.files.get_mut(&day) {
            *used = tick;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(Mutex::new(open(&self.file(day), &KIND)?));
        if open_files.files.len() >= OPEN_FILES {
            let oldest = open_files.files.iter().min_by_key(|(_, (used, _))| *used).map(|(day, _)| *day);
            oldest.and_then(|day| open_files.files.remove(&day));
        }
        open_files.files.insert(day, (tick, Arc::clone(&file)));
        Ok(file)
    }

    /// Puts blocks into a day's file in one transaction. On disk when it returns.
    pub(crate) fn write(&self, day: Day, blocks: &[NewBlock<'_>]) -> Result<(), HistoryError> {
        let file = self.connection(day, open)?;
        let wrap = in_file(&self.file(day));
        let mut connection = lock(&file);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&wrap)?;
        for block in blocks {
            insert_once(&transaction, block).map_err(&wrap)?;
        }
        transaction.commit().map_err(&wrap)?;
        lock(&self.days).insert(day);
        Ok(())
    }

    /// The blocks of a day that overlap `first_ms` to `last_ms` (both included), in the order they were written.
    pub(crate) fn bodies(
        &self,
        day: Day,
        device: &str,
        group: Group,
        (first_ms, last_ms): (i64, i64),
    ) -> Result<Vec<Vec<u8>>, HistoryError> {
        let file = match self.connection(day, self.to_read) {
            // Retention unlinked it since the days were listed.
            Err(_) if !lock(&self.days).contains(&day) => return Ok(Vec::new()),
            opened => opened?,
        };
        let connection = lock(&file);
        let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
            let mut select = connection.prepare_cached(
                "SELECT body FROM block WHERE device = ?1 AND kind = ?2 AND start_ms <= ?4 AND last_ms >= ?3
                 ORDER BY sequence",
            )?;
            select.query_map(params![device, group.code(), first_ms, last_ms], |row| row.get(0))?.collect()
        };
        read().map_err(in_file(&self.file(day)))
    }

    /// Unlinks the files of days before `oldest_kept`; says how many. A file that is gone already is as good.
    pub(crate) fn expire(&self, oldest_kept: Day) -> Result<usize, HistoryError> {
        let expired: Vec<Day> = lock(&self.days).range(..oldest_kept).copied().collect();
        for day in &expired {
            lock(&self.days).remove(day);
            lock(&self.open).files.remove(day);
            let gone = std::fs::remove_file(self.file(*day)).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            });
            if let Err(source) = gone {
                // Still there: the next tick tries again.
                lock(&self.days).insert(*day);
                return Err(HistoryError::Folder { dir: self.dir.clone(), source });
            }
        }
        Ok(expired.len())
    }
}

fn insert_once(connection: &Connection, block: &NewBlock<'_>) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO block (device, kind, start_ms, last_ms, row_count, body) SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE NOT EXISTS (SELECT 1 FROM block WHERE device = ?1 AND kind = ?2 AND start_ms = ?3 AND last_ms = ?4 AND body = ?6)",
    )?;
    let row_count = i64::try_from(block.row_count).unwrap_or(i64::MAX);
    let values = params![block.device, block.group.code(), block.start_ms, block.last_ms, row_count, block.body];
    insert.execute(values).map(|_| ())
}
