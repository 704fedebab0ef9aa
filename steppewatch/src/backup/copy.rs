//! One file copied: a database as SQLite does it, anything else byte by byte.
//!
//! In: a path.   Out: the same content elsewhere, on disk, and its hash.

use anyhow::{Context, Result, bail};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// With this every database of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long the copy of a database waits for a writer that has it for itself.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It may be written while it is copied.
    Database,
    /// It is written once.
    Plain,
}

/// By the first bytes, whatever the name.
pub fn kind(path: &Path) -> Result<Kind> {
    let mut first = [0; 16];
    let mut file = fs::File::open(path)
        .with_context(|| format!("{} cannot be read; run this as the service's user", path.display()))?;
    match file.read_exact(&mut first) {
        Ok(()) if &first == MAGIC => Ok(Kind::Database),
        Ok(()) => Ok(Kind::Plain),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Kind::Plain),
        Err(error) => Err(error.into()),
    }
}

/// Copies a file, unless it is gone in the meantime; whether it was there. On disk when it returns.
pub fn copy(from: &Path, to: &Path, kind: Kind) -> Result<bool> {
    if let Some(folder) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if !from.exists() {
        return Ok(false);
    }
    // Made here so that nobody else can read it, whatever the mask says.
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    match kind {
        Kind::Database => database(from, to)?,
        Kind::Plain => match fs::File::open(from) {
            Ok(mut old) => {
                io::copy(&mut old, &mut new)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_file(to)?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        },
    }
    new.sync_all()?;
    Ok(true)
}

/// One look at a database, as it is at one moment; and whether what came of it is sound.
fn database(from: &Path, to: &Path) -> Result<()> {
    let old = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    old.busy_timeout(BUSY_TIMEOUT)?;
    let mut new = Connection::open(to)?;
    // Synced as a whole at the end; a half copy is thrown away.
    new.pragma_update(None, "synchronous", "OFF")?;
    // All pages in one step: between two steps a writer would make it begin anew.
    match Backup::new(&old, &mut new)?.step(-1)? {
        StepResult::Done => {}
        _ => bail!("it was locked for {} s; try again", BUSY_TIMEOUT.as_secs()),
    }
    let found: String = new.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        bail!("the database is damaged ({found}); keep the earlier backups, and see what the disk says");
    }
    new.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Size and BLAKE3 of a file.
pub fn hash(path: &Path) -> Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let mut file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    hasher.update_reader(&mut file)?;
    Ok((hasher.count(), hasher.finalize().to_hex().to_string()))
}
