//! Why a journal could not be opened. One variant for each thing the operator can do.

use std::path::PathBuf;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Two writers would tear the chain apart.
    #[error("journal {path} is in use by another process; stop that one, or give this one its own data folder")]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// Another program's file.
    #[error("journal {path} is {found}; move the file away, or run the program that wrote it")]
    NotOurs {
        /// The journal.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// One tenant's evidence must not land in another's journal.
    #[error(
        "journal {path} belongs to tenant `{found}`, but `tenant` is `{wanted}`; set it back, or give this tenant its own \
         data folder"
    )]
    OtherTenant {
        /// The journal.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it was to be.
        wanted: String,
    },
    /// A later version of this program wrote the file; reading it by halves would be guessing.
    #[error(
        "journal {path} has layout {found}, which a later version of this program wrote; this one reads layouts up to {known}: \
         run the later version, or restore a copy from before it"
    )]
    Later {
        /// The journal.
        path: PathBuf,
        /// Its layout.
        found: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// The file is damaged. What comes before the offset may still be read.
    #[error(
        "journal {path} does not match its hash chain from entry {offset} on; restore a copy, or keep the file as evidence \
         and start with a new one"
    )]
    ChainBroken {
        /// The journal.
        path: PathBuf,
        /// The first entry that does not fit.
        offset: u64,
    },
    /// The engine's own complaint: permissions, a missing folder, a full disk.
    #[error("journal {path}: {what}")]
    Engine {
        /// The file.
        path: PathBuf,
        /// What it said.
        what: String,
    },
}
