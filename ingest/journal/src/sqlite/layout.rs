//! The journal file's layout: its tables, their version, whose journal it is, and how an older file becomes one of today.
//!
//! In:  a path.   Out: a connection to a file that is ours, of a layout that is known, and of the right tenant.
//!
//! It never touches a file that is not ours, or that a later version wrote. What an older version wrote stays as it is,
//! byte for byte: only tables are added, and the chain goes on.

use super::OpenError;
use super::batch::genesis;
use model::TenantId;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// "SWJ1": tells our file from any other SQLite file.
const APPLICATION_ID: i64 = 0x5357_4A31;

/// The tables below. An older layout is brought up to it, a later one refused.
const LAYOUT_VERSION: i64 = 2;

/// Without [`META`], and with entries of version 1 only.
const FIRST_LAYOUT: i64 = 1;

/// Only a reader in another process that recovers the file after a crash can hold the lock, and only for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// After this much the log is folded back into the file, at the cost of one more sync for the commit that hits it.
const WAL_PAGES: i64 = 4_000;

/// A long reader can let the log outgrow [`WAL_PAGES`]; afterwards it is cut back to this.
const WAL_LIMIT_BYTES: i64 = 64 * 1024 * 1024;

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

/// `begun`: the words that the chain begins from, see [`Origin`]. `tenant`: whose journal it is. `packed`: how far packing
/// has come.
const META: &str = "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;";

/// What the chain of a file of the first layout begins from.
const FIRST_BEGUN: &str = "layout 1";

/// Whose journal a file is, and what its chain begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The words whose hash is the link before the first entry. They name the tenant, so that the journal of one cannot be
    /// passed off as that of another.
    pub(super) begun: String,
    /// `None` as long as nobody said whose it is.
    pub(super) tenant: Option<String>,
}

impl Origin {
    fn of_new(tenant: Option<&TenantId>) -> Self {
        let begun = match tenant {
            Some(tenant) => Self::begun_for(tenant.as_str()),
            None => format!("layout {LAYOUT_VERSION}"),
        };
        Self { begun, tenant: tenant.map(ToString::to_string) }
    }

    fn begun_for(tenant: &str) -> String {
        format!("layout {LAYOUT_VERSION}, tenant {tenant}")
    }

    /// Whether the name in the file is the one that its chain begins with, if that begins with one.
    pub(super) fn agrees(&self) -> bool {
        let named = self.begun.contains(", tenant ");
        !named || self.tenant.as_deref().is_some_and(|tenant| self.begun == Self::begun_for(tenant))
    }
}

/// Opens the file for writing, making or renewing its tables. The caller holds the writer lock.
pub(super) fn open_for_writing(path: &Path, tenant: Option<&TenantId>) -> Result<Connection, OpenError> {
    let engine = |error: rusqlite::Error| engine_error(path, &error);
    let mut connection = Connection::open(path).map_err(engine)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
    let layout = if is_empty(&connection).map_err(engine)? { None } else { Some(check_ours(path, &connection)?) };
    if layout.is_some() {
        check_tenant(path, &read_origin(&connection).map_err(engine)?, tenant)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(engine)?;
    // A commit returns after the log was synced: this line is the acknowledgement's whole worth.
    connection.pragma_update(None, "synchronous", "FULL").map_err(engine)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES).map_err(engine)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES).map_err(engine)?;
    match layout {
        None => make_tables(&mut connection, &Origin::of_new(tenant)),
        Some(FIRST_LAYOUT) => renew_first_layout(&mut connection),
        Some(_) => Ok(()),
    }
    .map_err(engine)?;
    if let Some(tenant) = tenant {
        let insert = "INSERT INTO meta VALUES ('tenant', ?1) ON CONFLICT DO NOTHING";
        connection.execute(insert, [tenant.as_str()]).map_err(engine)?;
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

/// Asked anew for every walk: while a file of the first layout is read, another process may renew it.
pub(super) fn read_origin(connection: &Connection) -> rusqlite::Result<Origin> {
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == FIRST_LAYOUT {
        return Ok(Origin { begun: FIRST_BEGUN.to_owned(), tenant: None });
    }
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let begun = select.query_row(["begun"], |row| row.get(0))?;
    let tenant = select.query_row(["tenant"], |row| row.get(0)).optional()?;
    Ok(Origin { begun, tenant })
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}

/// The file's layout, if it is ours and known.
fn check_ours(path: &Path, connection: &Connection) -> Result<i64, OpenError> {
    let number = |pragma: &str| -> Result<i64, OpenError> {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| engine_error(path, &error))
    };
    if number("application_id")? != APPLICATION_ID {
        return Err(OpenError::NotOurs { path: path.to_owned(), found: "not a journal of this program".to_owned() });
    }
    match number("user_version")? {
        found @ FIRST_LAYOUT..=LAYOUT_VERSION => Ok(found),
        found if found > LAYOUT_VERSION => {
            Err(OpenError::Later { path: path.to_owned(), found, known: LAYOUT_VERSION })
        }
        other => Err(OpenError::NotOurs { path: path.to_owned(), found: format!("a journal of layout {other}") }),
    }
}

fn check_tenant(path: &Path, origin: &Origin, wanted: Option<&TenantId>) -> Result<(), OpenError> {
    match (&origin.tenant, wanted) {
        (Some(found), Some(wanted)) if found != wanted.as_str() => {
            Err(OpenError::OtherTenant { path: path.to_owned(), found: found.clone(), wanted: wanted.to_string() })
        }
        _ => Ok(()),
    }
}

/// In one transaction, so that a crash leaves either an empty file or a whole one.
fn make_tables(connection: &mut Connection, origin: &Origin) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute("INSERT INTO ledger VALUES (1, 0, ?1, 0, ?1, 0, 0)", [genesis(&origin.begun)])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    add_meta(&transaction, &origin.begun)?;
    transaction.commit()
}

/// In one transaction, so that a crash leaves the file as it was or renewed.
fn renew_first_layout(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    add_meta(&transaction, FIRST_BEGUN)?;
    // What the older version wrote is not packed: rewriting gigabytes is not worth a start that keeps the disk busy.
    transaction.execute("INSERT INTO meta SELECT 'packed', head FROM ledger", [])?;
    transaction.commit()
}

fn add_meta(connection: &Connection, begun: &str) -> rusqlite::Result<()> {
    connection.execute_batch(META)?;
    connection.execute("INSERT INTO meta VALUES ('begun', ?1)", [begun])?;
    connection.pragma_update(None, "user_version", LAYOUT_VERSION)
}
