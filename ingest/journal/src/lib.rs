//! Append-only logs with cursors: where the stages meet across a restart.
//!
//! - [`Journal`]: what devices said, byte for byte ([`sqlite::SqliteJournal`] is the embedded engine).
//! - [`alert_log`]: what was concluded and told; written by `alerts`, read by `dashboards`.
//! - [`command_log`]: what operators did; written by `dashboards`, read by `alerts`.
//! - [`dead_letters`]: which journal entries could not be understood, and why.

pub mod alert_log;
pub mod command_log;
pub mod wire;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod dead_letters;
mod sql;
pub mod sqlite;

use futures_util::future::BoxFuture;
use model::{Entry, Frame, Offset};
use tokio::sync::watch;

/// Proof that a frame is on disk. Only an append yields it, and only it settles an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    offset: Offset,
}

impl Durable {
    /// Where the frame stands.
    pub fn offset(self) -> Offset {
        self.offset
    }
}

/// Why an append did not happen. One variant for each thing the caller can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Do not acknowledge; the device sends again when there is room. Nothing was written.
    #[error("journal is full at {limit_bytes} bytes; free disk space or raise [journal] max_bytes")]
    Full {
        /// The bound that was reached.
        limit_bytes: u64,
    },
    /// Do not acknowledge; the device sends again when there is room. Nothing was written.
    #[error("the disk has no room for the journal; free space on it, and it goes on by itself")]
    NoSpace,
    /// Do not acknowledge; stop reading until [`Journal::room`] resolves. Nothing was written.
    #[error(
        "journal has {waiting_bytes} bytes waiting for the disk, more than it may hold in memory; the disk is too slow for the fleet"
    )]
    Busy {
        /// How much was waiting.
        waiting_bytes: u64,
    },
    /// Stop the process: after a failed write we no longer know what is on disk.
    #[error("journal could not write: {0}")]
    Broken(String),
    /// The journal was closed; the process is stopping.
    #[error("journal is closed")]
    Closed,
}

impl AppendError {
    /// Whether it may work later: nothing was written, and nothing is broken.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy { .. } | Self::NoSpace)
    }
}

/// Why a read or a cursor did not work.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file is there but is not what we wrote.
    #[error("journal entry {offset} does not match its hash chain; the file was cut or edited")]
    ChainBroken {
        /// The first entry that does not fit.
        offset: u64,
    },
    /// Ask again when there is room; nothing was written.
    #[error("the disk has no room for the journal; free space on it")]
    NoSpace,
    /// The engine's own complaint.
    #[error("journal engine: {0}")]
    Engine(String),
}

/// The log of what devices said. The embedded engine is SQLite; a cluster engine implements the same and passes the same
/// tests. Offsets start at 1, grow by one, and are never reused.
pub trait Journal: Send + Sync + 'static {
    /// Appends frames that were said together: all of them or none. Resolves when they are on disk, with the place of the
    /// last. Frames are written in the order of the calls: they take their place within the call, before the future is
    /// polled, and dropping the future does not take them back.
    fn append_all(&self, frames: Vec<Frame>) -> BoxFuture<'static, Result<Durable, AppendError>>;

    /// Appends one frame, likewise.
    fn append(&self, frame: Frame) -> BoxFuture<'static, Result<Durable, AppendError>> {
        self.append_all(vec![frame])
    }

    /// Resolves when little enough waits for the disk that reading from devices may go on. Await it before reading more;
    /// who does not is told [`AppendError::Busy`] once the bound is reached.
    fn room(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Up to `limit` entries after `after`, in order; empty only at the end. It may give fewer than there are, to bound
    /// memory, and starts at the oldest entry still held if `after` was trimmed.
    fn read(&self, after: Offset, limit: usize) -> BoxFuture<'static, Result<Vec<Entry>, JournalError>>;

    /// The last offset on disk, and a way to be woken when it grows: readers tail without polling.
    fn head(&self) -> watch::Receiver<Offset>;

    /// How far the named consumer has come; 0 if it never said.
    fn cursor(&self, consumer: &'static str) -> BoxFuture<'static, Result<Offset, JournalError>>;

    /// Remembers that the consumer has dealt with everything up to and including `offset`.
    fn set_cursor(&self, consumer: &'static str, offset: Offset) -> BoxFuture<'static, Result<(), JournalError>>;
}
