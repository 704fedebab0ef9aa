//! Reading the file: entries, cursors, and the whole chain.
//!
//! In:  an offset.   Out: entries that match the chain, or the first offset that does not.
//!
//! It has a connection of its own that cannot write, so readers never hold up the writer; and every call is one short
//! transaction, so that the log can be folded back in between. Every call blocks on the disk.

use super::OpenError;
use super::batch::{Link, Opened};
use super::chain::{self, Start, Walk, along, damage, engine};
use super::layout;
use super::store::{self, Ledger};
use crate::JournalError;
use crate::sql::Unsigned;
use model::{Entry, Offset, Timestamp};
use rusqlite::{Connection, Transaction};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One answer holds at most about this much, whatever limit the caller asks for; a batch's worth is always given.
const READ_MAX_BYTES: usize = 8 * 1024 * 1024;

/// How many batches one transaction of a walk along the chain covers: some 100 MB, well under a second.
const WALK_BATCHES: u64 = 64;

/// The journal, for looking only. Another process may be writing it.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Mutex<Connection>,
    /// How many batches one transaction covers.
    pub(super) walk_batches: u64,
}

/// What a journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The last entry.
    pub head: Offset,
    /// How many entries are held.
    pub entries: u64,
    /// How many bytes they take, counted against `max_bytes`.
    pub bytes: u64,
    /// When the newest came in; `None` if there is none.
    pub newest_received: Option<Timestamp>,
}

/// The chain was walked and everything fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The first entry that was checked; one after the head if there was none.
    pub from: Offset,
    /// The last entry that was checked: the head.
    pub to: Offset,
    /// How many entries that is.
    pub entries: u64,
    /// The chain's end.
    pub chain_tip: Link,
}

impl SqliteReader {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: Mutex::new(layout::open_for_reading(path)?), walk_batches: WALK_BATCHES })
    }

    /// Up to `limit` entries after `after`, in order; empty only at the end. It may give fewer than there are.
    pub fn read(&self, after: Offset, limit: usize) -> Result<Vec<Entry>, JournalError> {
        let mut connection = self.lock();
        let transaction = begin(&mut connection)?;
        let ledger = store::read_ledger(&transaction).map_err(|error| damage(&error, after.next()))?;
        let want = after.max(ledger.trimmed).next();
        if want > ledger.head || limit == 0 {
            return Ok(Vec::new());
        }
        let mut found = Found { entries: Vec::new(), bytes: 0, want, limit };
        let before = chain::previous_link(&transaction, &ledger, want)?;
        along(&transaction, &ledger, before, u64::MAX, |opened| found.take(opened))?;
        Ok(found.entries)
    }

    /// The last offset on disk.
    pub fn head(&self) -> Result<Offset, JournalError> {
        self.ledger().map(|ledger| ledger.head)
    }

    /// How far every consumer has come.
    pub fn cursors(&self) -> Result<BTreeMap<String, Offset>, JournalError> {
        store::read_cursors(&self.lock()).map_err(engine)
    }

    /// Whose journal it is; `None` if nobody said so yet.
    pub fn tenant(&self) -> Result<Option<String>, JournalError> {
        layout::read_origin(&self.lock()).map(|origin| origin.tenant).map_err(engine)
    }

    /// Walks the whole chain. The error names the first entry that does not fit.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        self.finish_walk(Walk::default(), &chain::from_the_beginning)
    }

    /// What is held now, and how far it reaches.
    pub fn held(&self) -> Result<Held, JournalError> {
        let mut connection = self.lock();
        let transaction = begin(&mut connection)?;
        let ledger = store::read_ledger(&transaction).map_err(|error| damage(&error, Offset(1)))?;
        let newest_received = store::newest_received(&transaction).map_err(engine)?;
        Ok(Held { head: ledger.head, entries: ledger.entries(), bytes: ledger.bytes, newest_received })
    }

    /// Walks the end of the chain, as much as is walked on opening.
    pub fn verify_end(&self) -> Result<Verified, JournalError> {
        self.verify_last(super::VERIFY_ON_OPEN_BATCHES)
    }

    /// Walks the last few batches, trusting what comes before them.
    pub(super) fn verify_last(&self, batches: u64) -> Result<Verified, JournalError> {
        self.finish_walk(Walk::default(), &|ledger: &Ledger, transaction: &Transaction<'_>| {
            let mut select = transaction
                .prepare_cached("SELECT first - 1, link_before FROM batch ORDER BY first DESC LIMIT 1 OFFSET ?1")
                .map_err(engine)?;
            let start = select.query_row([Unsigned(batches.saturating_sub(1))], |row| {
                Ok((Offset(row.get::<_, Unsigned>(0)?.0), row.get(1)?))
            });
            match start {
                Ok(start) => Ok(start),
                Err(rusqlite::Error::QueryReturnedNoRows) => Ok((ledger.trimmed, ledger.trimmed_link)),
                Err(error) => Err(damage(&error, ledger.trimmed.next())),
            }
        })
    }

    pub(super) fn ledger(&self) -> Result<Ledger, JournalError> {
        store::read_ledger(&self.lock()).map_err(engine)
    }

    pub(super) fn finish_walk(&self, mut walk: Walk, start: &Start<'_>) -> Result<Verified, JournalError> {
        loop {
            if let Some(verified) = self.step(&mut walk, start)? {
                return Ok(verified);
            }
        }
    }

    /// One transaction of a walk along the chain; what was found, once it is at the end.
    pub(super) fn step(&self, walk: &mut Walk, start: &Start<'_>) -> Result<Option<Verified>, JournalError> {
        let mut connection = self.lock();
        let transaction = begin(&mut connection)?;
        let ledger = store::read_ledger(&transaction).map_err(|error| damage(&error, Offset(1)))?;
        // What was trimmed while we walked is gone; go on from where the file begins now.
        let at = match walk.reached.filter(|(offset, _)| *offset >= ledger.trimmed) {
            Some(reached) => reached,
            None => start(&ledger, &transaction)?,
        };
        let from = *walk.from.get_or_insert(at.0.next());
        if at.0 >= ledger.head {
            return chain::finish(&transaction, &ledger, at, from).map(Some);
        }
        let at = chain::resume(&transaction, at)?;
        walk.reached = Some(along(&transaction, &ledger, at, self.walk_batches, |_| true)?);
        Ok(None)
    }

    /// A panic elsewhere while it held the lock leaves nothing half done: we only read.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gathers what a read asked for.
struct Found {
    entries: Vec<Entry>,
    bytes: usize,
    want: Offset,
    limit: usize,
}

impl Found {
    /// Takes what is wanted of a batch; whether to go on.
    fn take(&mut self, Opened { entries, bytes }: Opened) -> bool {
        let room = self.limit.saturating_sub(self.entries.len());
        self.entries.extend(entries.into_iter().filter(|entry| entry.offset >= self.want).take(room));
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.len() < self.limit && self.bytes < READ_MAX_BYTES
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, JournalError> {
    connection.transaction().map_err(engine)
}
