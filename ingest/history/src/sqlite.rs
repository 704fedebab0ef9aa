//! How every file of the store is opened: pragmas, format number, locks.
//!
//! In: a path and a [`Kind`]. Out: a connection that is safe to use. Never holds rows.

use crate::HistoryError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The format that this program writes. Format 1 (before 2026-12) is read and brought up to it where it is opened.
const FORMAT: i64 = 2;
/// Another process (an export, a backup) may hold a lock for a moment.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Gives SQLite's errors the name of their file.
pub(crate) fn in_file(file: &Path) -> impl Fn(rusqlite::Error) -> HistoryError + use<> {
    let file: PathBuf = file.to_owned();
    move |source| HistoryError::Engine { file: file.clone(), source }
}

/// What a kind of file is like.
pub(crate) struct Kind {
    /// `WAL` or `DELETE`.
    pub(crate) journal_mode: &'static str,
    /// Of a new file; an old one keeps its own.
    pub(crate) page_bytes: u32,
    /// Statements that may find their tables there.
    pub(crate) schema: &'static str,
}

/// Opens or makes a file of a kind, after making sure that no newer program wrote it.
///
/// `synchronous=FULL`: what is said to be written survives a power cut, since the journal may be trimmed after it.
pub(crate) fn open(file: &Path, kind: &Kind) -> Result<Connection, HistoryError> {
    let connection = Connection::open(file).map_err(in_file(file))?;
    prepare(connection, file, kind)
}

/// The same for a file that must be there already: asking about a day never makes its file.
pub(crate) fn open_existing(file: &Path, kind: &Kind) -> Result<Connection, HistoryError> {
    prepare(existing(file)?, file, kind)
}

/// Opens a file for looking only, whoever else has it open: it is not made, not brought up, and nothing can be written by it.
pub(crate) fn open_to_look(file: &Path, _: &Kind) -> Result<Connection, HistoryError> {
    let connection = existing(file)?;
    connection.busy_timeout(LOCK_WAIT).map_err(in_file(file))?;
    known_format(&connection, file)?;
    connection.execute_batch("PRAGMA query_only=1").map_err(in_file(file))?;
    Ok(connection)
}

/// SQLite opens for writing where it may, so that what a crash left half done is undone first, as by any reader of such files.
fn existing(file: &Path) -> Result<Connection, HistoryError> {
    let flags = OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags(file, flags).map_err(in_file(file))
}

/// The format of a file, unless a newer program wrote it.
fn known_format(connection: &Connection, file: &Path) -> Result<i64, HistoryError> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(in_file(file))?;
    if found > FORMAT {
        return Err(HistoryError::Newer { file: file.to_owned(), found, known: FORMAT });
    }
    Ok(found)
}

fn prepare(connection: Connection, file: &Path, kind: &Kind) -> Result<Connection, HistoryError> {
    let wrap = in_file(file);
    let Kind { journal_mode, page_bytes, schema } = kind;
    connection.busy_timeout(LOCK_WAIT).map_err(&wrap)?;
    let found = known_format(&connection, file)?;
    if found == 0 {
        connection.execute_batch(&format!("PRAGMA page_size={page_bytes}")).map_err(&wrap)?;
    }
    // The pragma answers with the mode it chose.
    connection.query_row(&format!("PRAGMA journal_mode={journal_mode}"), [], |_| Ok(())).map_err(&wrap)?;
    connection.execute_batch("PRAGMA synchronous=FULL").map_err(&wrap)?;
    if found < FORMAT {
        let make = format!("BEGIN IMMEDIATE; {schema} PRAGMA user_version={FORMAT}; COMMIT;");
        connection.execute_batch(&make).map_err(&wrap)?;
    }
    Ok(connection)
}

/// A panic elsewhere rolled its transaction back; what the lock guards is sound.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
