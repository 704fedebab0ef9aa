//! One writer per journal, across processes.
//!
//! In:  the journal's path.   Out: a [`WriterLock`] for as long as it is kept; the system takes it back from a dead process.
//!
//! A file beside the journal is locked, not the journal itself: SQLite's own exclusive mode would shut out readers too.

use super::OpenError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A lock can outlive its holder by a moment: a process that is just being started still has a copy of every open file, and
/// whoever looks after the service looks at the lock. A real second writer is there longer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Held by the writer thread until its connection is closed.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    pub(super) fn take(journal: &Path) -> Result<Self, OpenError> {
        let path = lock_path(journal);
        let engine = |error: std::io::Error| OpenError::Engine {
            path: path.clone(),
            what: format!("could not lock: {error}; the folder must exist and be writable"),
        };
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(engine)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: journal.to_owned() }),
                Err(TryLockError::Error(error)) => return Err(engine(error)),
            }
        }
    }
}

/// Whether another has it. Never makes the file, and holds the lock for no longer than it takes to see.
pub(super) fn is_held(journal: &Path) -> bool {
    OpenOptions::new()
        .write(true)
        .open(lock_path(journal))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn lock_path(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
