//! What can go wrong in the registry, one variant for each thing the caller can do about it.
//!
//! In: failures of SQLite, of files and of checks.   Out: [`RegistryError`].   Never: a secret in a message.

use std::path::PathBuf;

/// Why the registry did not do what it was asked; nothing was changed unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Try again: another process held the write lock for longer than we wait.
    #[error("registry is busy: another process holds its write lock; try again")]
    Busy,
    /// Look at the disk; the database answered with an error.
    #[error("registry database failed: {0}")]
    Storage(#[source] rusqlite::Error),
    /// Look at the folder and its permissions.
    #[error("registry file {path} cannot be used: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bring back the key file: without it no credential can be checked.
    #[error(
        "registry key {path} is missing or belongs to another registry; restore it from the backup of this database"
    )]
    Key {
        /// Where it should be.
        path: PathBuf,
    },
    /// Run the newer program.
    #[error("registry {path} has schema {found}, this program knows {known}; run the newer program")]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Restore a backup: a row holds what no version of this program wrote.
    #[error("registry row {what} `{name}` cannot be read; restore a backup")]
    Corrupt {
        /// What kind of row.
        what: &'static str,
        /// Which, or what it held.
        name: String,
    },
    /// Restore a backup or find who edited the file: the chain of audit entries does not hold.
    #[error("audit entry {seq} was changed or an entry before it was removed; compare with a backup")]
    AuditBroken {
        /// The first entry that does not fit.
        seq: u64,
    },
    /// Choose another name or use the existing one.
    #[error("{what} `{name}` exists already; choose another or change the existing one")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Name one that exists.
    #[error("{what} `{name}` is not registered; register it first or correct the name")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// The name that was asked for.
        name: String,
    },
    /// Correct the value.
    #[error("{key} `{value}` is refused; {remedy}")]
    Invalid {
        /// Which field.
        key: &'static str,
        /// What it held (never a secret).
        value: String,
        /// What would do.
        remedy: String,
    },
    /// Give the identity to one device only.
    #[error("external identity {system}={id} belongs to device `{device}`; one identity belongs to one device")]
    ExternalTaken {
        /// Whose names they are.
        system: String,
        /// The name there.
        id: String,
        /// Who has it.
        device: String,
    },
    /// Remove something first: a stated bound is reached.
    #[error("registry is full: at most {limit} {what}; remove some first")]
    Limit {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// Do what the text says; the device is in another state than this needs.
    #[error("device `{device}` {state}")]
    State {
        /// Which.
        device: String,
        /// In which state it is, and what would do.
        state: &'static str,
    },
    /// Do what the text says: nobody would be left who can.
    #[error(
        "user `{username}` cannot be changed so: nobody would be left who administers everything; make somebody else an administrator first"
    )]
    LastAdministrator {
        /// Whom.
        username: String,
    },
    /// Have somebody else approve it.
    #[error("proposal {id} was proposed by {by}; another person has to approve it")]
    OwnProposal {
        /// Which.
        id: u64,
        /// Who asked, as the audit names them.
        by: String,
    },
    /// Do what the text says; the proposal is in another state than this needs.
    #[error("proposal {id} {why}")]
    Proposal {
        /// Which.
        id: u64,
        /// What is in the way, and what would do.
        why: String,
    },
    /// Do what the text says; the mask is in another state than this needs.
    #[error("mask {id} {why}")]
    Mask {
        /// Which.
        id: u64,
        /// In which state it is, and what would do.
        why: &'static str,
    },
    /// Correct the rules' text.
    #[error(transparent)]
    Rules(#[from] crate::rules::RulesError),
    /// The system gave no random bytes, or a hash could not be made; look at the system.
    #[error("cannot make a secret: {0}")]
    Secret(String),
}

impl From<rusqlite::Error> for RegistryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Storage(error),
        }
    }
}

impl RegistryError {
    /// A refused value; long ones are cut so that a message stays a line.
    pub(crate) fn invalid(key: &'static str, value: &str, remedy: impl Into<String>) -> Self {
        Self::Invalid { key, value: value.chars().take(64).collect(), remedy: remedy.into() }
    }

    pub(crate) fn corrupt(what: &'static str, name: impl Into<String>) -> Self {
        Self::Corrupt { what, name: name.into() }
    }
}
