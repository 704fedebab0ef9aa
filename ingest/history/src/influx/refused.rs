//! Lines that InfluxDB will never take, kept with its reason: for an operator to look at, and to send again once the cause is mended.
//!
//! In: [`RefusedLine`]s, before the cursor moves past them.   Out: the same, the newest first.   Bounded: the newest [`KEEP_LINES`] stay. A
//! line that is refused again after a restart is kept once.

use super::RefusedLine;
use crate::HistoryError;
use crate::sqlite::{Kind, in_file, lock, open};
use model::Offset;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How many are kept: at some 300 bytes a line 30 MB.
const KEEP_LINES: i64 = 100_000;

const KIND: Kind = Kind {
    journal_mode: "WAL",
    page_bytes: 4_096,
    schema: "
    CREATE TABLE IF NOT EXISTS refused (
        entry INTEGER NOT NULL, line TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (entry, line)
    ) WITHOUT ROWID;",
};

/// The dead letters of the sink. One SQLite file; every call blocks on the disk.
pub struct RefusedLines {
    file: PathBuf,
    connection: Mutex<Connection>,
    keep: i64,
}

impl RefusedLines {
    /// Opens the file, or makes it.
    pub fn open(file: &Path) -> Result<Self, HistoryError> {
        Self::open_keeping(file, KEEP_LINES)
    }

    fn open_keeping(file: &Path, keep: i64) -> Result<Self, HistoryError> {
        Ok(Self { file: file.to_owned(), connection: Mutex::new(open(file, &KIND)?), keep })
    }

    /// Keeps these; on disk when it returns.
    pub fn record(&self, refused: &[RefusedLine]) -> Result<(), HistoryError> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut connection = lock(&self.connection);
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO refused VALUES (?1, ?2, ?3)")?;
                for RefusedLine { offset, line, reason } in refused {
                    insert.execute(params![i64::try_from(offset.0).unwrap_or(i64::MAX), line, reason])?;
                }
            }
            transaction.execute(
                "DELETE FROM refused WHERE entry <= (SELECT entry FROM refused ORDER BY entry DESC LIMIT 1 OFFSET ?1)",
                [self.keep],
            )?;
            transaction.commit()
        };
        write().map_err(in_file(&self.file))
    }

    /// At most so many, the newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<RefusedLine>, HistoryError> {
        let connection = lock(&self.connection);
        let read = || -> rusqlite::Result<Vec<RefusedLine>> {
            let mut select = connection
                .prepare_cached("SELECT entry, line, reason FROM refused ORDER BY entry DESC, line LIMIT ?1")?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let each = select.query_map([limit], |row| {
                let offset = Offset(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0));
                Ok(RefusedLine { offset, line: row.get(1)?, reason: row.get(2)? })
            })?;
            each.collect()
        };
        read().map_err(in_file(&self.file))
    }

    /// How many are kept.
    pub fn count(&self) -> Result<u64, HistoryError> {
        let connection = lock(&self.connection);
        let count: i64 =
            connection.query_row("SELECT count(*) FROM refused", [], |row| row.get(0)).map_err(in_file(&self.file))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(offset: u64, reason: &str) -> RefusedLine {
        RefusedLine {
            offset: Offset(offset),
            line: format!("track,device=d lat={offset}.0 1"),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn refused_lines_are_kept_once_with_the_last_reason_and_the_newest_stay() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("influx-refused.db");
        let lines = RefusedLines::open_keeping(&file, 3).unwrap();
        lines.record(&[]).unwrap();
        lines.record(&[refused(1, "400: a"), refused(2, "400: b")]).unwrap();
        lines.record(&[refused(2, "422: c")]).unwrap();
        assert_eq!(lines.list(10).unwrap(), [refused(2, "422: c"), refused(1, "400: a")]);
        lines.record(&[refused(3, "d"), refused(4, "e")]).unwrap();
        drop(lines);
        let lines = RefusedLines::open_keeping(&file, 3).unwrap();
        assert_eq!(lines.list(2).unwrap(), [refused(4, "e"), refused(3, "d")]);
        assert_eq!(lines.count().unwrap(), 3);
    }
}
