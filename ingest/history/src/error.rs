//! What can go wrong in the store, one variant for each thing the caller can do about it.

use std::io;
use std::path::PathBuf;

/// Why the store could not do what it was asked. Nothing was half done.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Stop and tell the operator: the folder cannot be used.
    #[error("history folder {} cannot be used: {source}; check that it can be made, read and written", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Try again later; if it stays, look at the disk. A failed write left nothing behind.
    #[error("history file {} failed: {source}; check free space and that nothing else locks it", file.display())]
    Engine {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Stop and tell the operator: going on would harm what a later version wrote.
    #[error("history file {} has format {found}, this program knows up to {known}; start the newer program", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The format it says it has.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Open it for writing once, as the service does at its start: who only looks does not bring it up.
    #[error("history file {} was written by an older program; start the service once, which brings it up", file.display())]
    Older {
        /// The file.
        file: PathBuf,
    },
    /// Ask for another time range, or restore the file from a backup: what it holds is not what was written.
    #[error("history file {} holds rows that cannot be read ({what}); restore it from a backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        what: String,
    },
}
