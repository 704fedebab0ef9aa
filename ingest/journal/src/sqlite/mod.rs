//! The embedded journal engine: one SQLite file, one writer thread, one sync for all frames that wait.
//!
//! In:  [`Frame`]s.   Out: [`Durable`] once they are on disk, [`Entry`]s to whoever reads.
//!
//! - `line`: where frames wait while a commit runs; it makes the order.
//! - `writer`: takes what waits, commits, answers; `trim`: what may be freed; `store`: the rows; `layout`: the tables and
//!   their version.
//! - `batch`, `codec`: how entries become a blob, and the hash chain through them; `pack`: compression, later.
//! - `reader`, `chain`: entries from the file, always checked against the hash chain; `cache`: the newest ones from memory.
//!
//! It never acknowledges what is not on disk, never hands out what does not match the chain, and never frees what a consumer
//! has still to read. Why SQLite: `docs/adr/0003-journal-on-sqlite.md`.

mod batch;
mod cache;
mod chain;
mod chores;
mod codec;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod layout;
mod line;
mod lock;
mod pack;
mod reader;
mod stats;
mod store;
#[cfg(test)]
mod tests;
mod trim;
mod writer;

pub use batch::Link;
pub use error::OpenError;
pub use reader::{Held, SqliteReader, Verified};
pub use stats::{Full, Stats};

use crate::{AppendError, Durable, Journal, JournalError};
use cache::{CACHE_MAX_BYTES, Cache};
use futures_util::future::BoxFuture;
use line::{Chore, Limits, Line};
use lock::WriterLock;
use model::{Entry, Frame, Offset, TenantId};
use pack::Packer;
use stats::Counts;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use writer::Writer;

/// How many batches at the end are checked on opening: more than a crash can touch, and at most 64 MB to read.
const VERIFY_ON_OPEN_BATCHES: u64 = 16;

/// How large the journal may become and what it may let go of.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// At this many bytes of entries it stops acknowledging. The file itself can be a little larger: space that was freed is
    /// used again, not given back.
    pub max_bytes: u64,
    /// How long entries stay after every consumer has dealt with them; less long when the bound is near.
    pub retention: Duration,
    /// Whose journal this is. A new file is bound to the name by its chain; one of another tenant is refused. `None`:
    /// whoever's it is.
    pub tenant: Option<TenantId>,
    /// Who reads this journal. Nothing is freed before all of them, and all others that ever set a cursor, have dealt with
    /// it; one that has not spoken yet stands at 0.
    pub consumers: Vec<&'static str>,
}

impl Default for SqliteOptions {
    /// 8 GiB is about a fortnight of 2,000 devices; 30 days let a decoder bug be repaired by a replay.
    fn default() -> Self {
        Self {
            max_bytes: 8 * 1024 * 1024 * 1024,
            retention: Duration::from_secs(30 * 24 * 3_600),
            tenant: None,
            consumers: Vec::new(),
        }
    }
}

/// What a trimming freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Entries.
    pub entries: u64,
    /// Bytes.
    pub bytes: u64,
    /// There may be more that could go.
    more: bool,
}

/// What the writer thread and the handle share.
#[derive(Debug)]
struct Shared {
    line: Line,
    head: watch::Sender<Offset>,
    cache: Mutex<Cache>,
    cursors: Mutex<BTreeMap<String, Offset>>,
    counts: Mutex<Counts>,
    /// How far packing has come.
    packed: watch::Sender<Offset>,
}

impl Shared {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a chore's reply was dropped: the writer goes on, so it was for want of room; or it does not.
    fn unanswered(&self) -> JournalError {
        if self.line.stats().broken {
            return JournalError::Engine("the journal stopped writing; its appends say why".to_owned());
        }
        JournalError::NoSpace
    }
}

/// The journal, open for writing. Dropping it writes what still waits and closes the file.
#[derive(Debug)]
pub struct SqliteJournal {
    shared: Arc<Shared>,
    reader: Arc<SqliteReader>,
    path: PathBuf,
    max_bytes: u64,
    consumers: Vec<&'static str>,
    threads: Vec<JoinHandle<()>>,
}

impl SqliteJournal {
    /// Opens the file, or makes it; the folder must be there. Only one process at a time can. Blocks on the disk: checks the
    /// end of the chain, and recovers what a crash left in the log.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Arc<Self>, OpenError> {
        Self::open_with(path, options, Limits::STANDARD)
    }

    /// Opens the file for looking only, also while another process writes it.
    pub fn open_read_only(path: &Path) -> Result<SqliteReader, OpenError> {
        SqliteReader::open(path)
    }

    /// Whether a process has it open for writing at this moment.
    pub fn is_in_use(path: &Path) -> bool {
        lock::is_held(path)
    }

    fn open_with(path: &Path, options: SqliteOptions, limits: Limits) -> Result<Arc<Self>, OpenError> {
        let lock = WriterLock::take(path)?;
        let connection = layout::open_for_writing(path, options.tenant.as_ref())?;
        let reader = SqliteReader::open(path)?;
        reader.verify_last(VERIFY_ON_OPEN_BATCHES).map_err(|error| match error {
            JournalError::ChainBroken { offset } => OpenError::ChainBroken { path: path.to_owned(), offset },
            other => OpenError::Engine { path: path.to_owned(), what: other.to_string() },
        })?;
        let engine = |error: rusqlite::Error| layout::engine_error(path, &error);
        let ledger = store::read_ledger(&connection).map_err(engine)?;
        let cursors = store::read_cursors(&connection).map_err(engine)?;
        let newest_received = store::newest_received(&connection).map_err(engine)?;
        let packed = store::read_packed(&connection).map_err(engine)?;
        let (max_bytes, consumers) = (options.max_bytes, options.consumers.clone());
        let shared = Arc::new(Shared {
            line: Line::new(limits),
            head: watch::Sender::new(ledger.head),
            cache: Mutex::new(Cache::bounded(CACHE_MAX_BYTES)),
            cursors: Mutex::new(cursors.clone()),
            counts: Mutex::new(Counts { ledger: Some(ledger), ..Counts::default() }),
            packed: watch::Sender::new(packed),
        });
        let (wake, woken) = std::sync::mpsc::sync_channel(1);
        let group_bytes = limits.group_bytes;
        let packer = Packer::open(path, Arc::clone(&shared), packed, group_bytes)?;
        let writer = Writer {
            connection,
            ledger,
            cursors,
            newest_received,
            options,
            shared: Arc::clone(&shared),
            packer: wake,
            unpacked_bytes: 0,
            group_bytes,
            _lock: lock,
        };
        // The packer first: should the other not start, its waking end is dropped, and the packer ends.
        let packer = spawn(path, "journal-packer", move || packer.run(&woken))?;
        let threads = vec![spawn(path, "journal-writer", move || writer.run())?, packer];
        Ok(Arc::new(Self { shared, reader: Arc::new(reader), path: path.to_owned(), max_bytes, consumers, threads }))
    }

    /// Takes no more frames; those that wait are still written and acknowledged.
    pub fn close(&self) {
        self.shared.line.close();
    }

    /// Frees whole batches before `keep_from`, but nothing that a consumer has still to read.
    pub async fn trim(&self, keep_from: Offset) -> Result<Trimmed, JournalError> {
        let mut total = Trimmed::default();
        loop {
            let (reply, answer) = oneshot::channel();
            self.shared.line.push_chore(Chore::Trim { keep_from, reply })?;
            let step = answer.await.map_err(|_| self.shared.unanswered())??;
            total.entries = total.entries.saturating_add(step.entries);
            total.bytes = total.bytes.saturating_add(step.bytes);
            if !step.more {
                return Ok(total);
            }
        }
    }

    /// Takes a consumer's cursor away, for one that is gone for good and would hold trimming back for ever.
    pub async fn forget_cursor(&self, consumer: &str) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.shared.line.push_chore(Chore::ForgetCursor { consumer: consumer.to_owned(), reply })?;
        answer.await.map_err(|_| self.shared.unanswered())?
    }

    /// How far every consumer has come: 0 for one that is expected and never said.
    pub fn cursors(&self) -> BTreeMap<String, Offset> {
        let mut cursors: BTreeMap<String, Offset> =
            self.consumers.iter().map(|consumer| ((*consumer).to_owned(), Offset(0))).collect();
        let said = self.shared.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        cursors.extend(said.iter().map(|(consumer, offset)| (consumer.clone(), *offset)));
        cursors
    }

    /// Walks the whole chain; appends go on meanwhile. The error names the first entry that does not fit.
    pub async fn verify(&self) -> Result<Verified, JournalError> {
        let path = self.path.clone();
        // A connection of its own: the walk may take minutes, and consumers go on reading.
        blocking(move || {
            let reader = SqliteReader::open(&path).map_err(|error| JournalError::Engine(error.to_string()))?;
            reader.verify()
        })
        .await
    }

    /// What it can tell about itself.
    pub fn stats(&self) -> Stats {
        let waiting = self.shared.line.stats();
        self.shared.counts().stats(waiting, self.max_bytes)
    }
}

impl Drop for SqliteJournal {
    /// Waits for the threads, so that the file can be opened again as soon as the handle is gone.
    fn drop(&mut self) {
        self.close();
        // The writer first: the packer ends once that is gone.
        for thread in self.threads.drain(..) {
            // If it panicked, those who waited were told.
            thread.join().ok();
        }
    }
}

impl Journal for SqliteJournal {
    fn append_all(&self, frames: Vec<Frame>) -> BoxFuture<'static, Result<Durable, AppendError>> {
        // Here, not in the future: the place in the order is taken by the call.
        let place = self.shared.line.push(frames);
        Box::pin(async move {
            let gone = |_| Err(AppendError::Broken("the writer thread ended unexpectedly".to_owned()));
            place?.await.unwrap_or_else(gone)
        })
    }

    fn room(&self) -> BoxFuture<'static, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.line.room().await })
    }

    fn read(&self, after: Offset, limit: usize) -> BoxFuture<'static, Result<Vec<Entry>, JournalError>> {
        if after >= *self.shared.head.borrow() {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        if let Some(entries) = self.shared.cache().read(after, limit) {
            return Box::pin(std::future::ready(Ok(entries)));
        }
        let reader = Arc::clone(&self.reader);
        Box::pin(blocking(move || reader.read(after, limit)))
    }

    fn head(&self) -> watch::Receiver<Offset> {
        self.shared.head.subscribe()
    }

    fn cursor(&self, consumer: &'static str) -> BoxFuture<'static, Result<Offset, JournalError>> {
        let cursors = self.shared.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(Ok(cursors.get(consumer).copied().unwrap_or_default())))
    }

    fn set_cursor(&self, consumer: &'static str, offset: Offset) -> BoxFuture<'static, Result<(), JournalError>> {
        let (reply, answer) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let queued = shared.line.push_chore(Chore::SetCursor { consumer: consumer.to_owned(), offset, reply });
        Box::pin(async move {
            queued?;
            answer.await.map_err(|_| shared.unanswered())?
        })
    }
}

fn spawn(path: &Path, name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let engine = |error| OpenError::Engine { path: path.to_owned(), what: format!("no thread: {error}") };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(engine)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    let stopped = |error: tokio::task::JoinError| JournalError::Engine(format!("reading was stopped: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
