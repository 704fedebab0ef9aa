//! Reading the file: entries, cursors, and the whole chain.
//!
//! In:  an offset.   Out: entries that match the chain, or the first offset that does not.
//!
//! It has a connection of its own that cannot write, so readers never hold up the writer; and every call is one short
//! transaction, so that the log can be folded back in between. Every call blocks on the disk.

use super::OpenError;
use super::batch::{BrokenAt, Link, Opened, genesis};
use super::layout;
use super::store::{self, BATCH_COLUMNS, Ledger};
use crate::JournalError;
use crate::sql::Unsigned;
use model::{Entry, Offset};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction};
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

/// Where a walk along the chain has come to; it takes many transactions, so that the log can be folded back in between.
#[derive(Debug, Default)]
pub(super) struct Walk {
    reached: Option<(Offset, Link)>,
    from: Option<Offset>,
}

/// Where a walk begins.
type Start<'a> = dyn Fn(&Ledger, &Transaction<'_>) -> Result<(Offset, Link), JournalError> + 'a;

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
        let before = previous_link(&transaction, &ledger, want)?;
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
        self.verify_from(from_the_beginning)
    }

    /// Walks the last few batches, trusting what comes before them.
    pub(super) fn verify_last(&self, batches: u64) -> Result<Verified, JournalError> {
        self.verify_from(|ledger, transaction| {
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

    fn verify_from(
        &self,
        start: impl Fn(&Ledger, &Transaction<'_>) -> Result<(Offset, Link), JournalError>,
    ) -> Result<Verified, JournalError> {
        self.finish_walk(Walk::default(), &start)
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
            return finish(&transaction, &ledger, at, from).map(Some);
        }
        let at = resume(&transaction, at)?;
        walk.reached = Some(along(&transaction, &ledger, at, self.walk_batches, |_| true)?);
        Ok(None)
    }

    /// A panic elsewhere while it held the lock leaves nothing half done: we only read.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins where the file does.
pub(super) fn from_the_beginning(
    ledger: &Ledger,
    transaction: &Transaction<'_>,
) -> Result<(Offset, Link), JournalError> {
    check_beginning(ledger, transaction)?;
    Ok((ledger.trimmed, ledger.trimmed_link))
}

/// As long as nothing was trimmed, the chain has to begin with the tenant that the file names.
fn check_beginning(ledger: &Ledger, transaction: &Transaction<'_>) -> Result<(), JournalError> {
    let origin = layout::read_origin(transaction).map_err(|error| damage(&error, Offset(1)))?;
    let begins = ledger.trimmed > Offset(0) || ledger.trimmed_link == genesis(&origin.begun);
    if begins && origin.agrees() { Ok(()) } else { Err(JournalError::ChainBroken { offset: ledger.trimmed.next().0 }) }
}

/// The chain has to end where the ledger says, with nothing behind it.
fn finish(
    transaction: &Transaction<'_>,
    ledger: &Ledger,
    at: (Offset, Link),
    from: Offset,
) -> Result<Verified, JournalError> {
    let (offset, link) = at;
    let beyond: bool = transaction
        .query_row("SELECT EXISTS (SELECT 1 FROM batch WHERE first > ?1)", [Unsigned::from(ledger.head)], |row| {
            row.get(0)
        })
        .map_err(|error| damage(&error, ledger.head.next()))?;
    if beyond {
        return Err(JournalError::ChainBroken { offset: ledger.head.next().0 });
    }
    if offset != ledger.head || link != ledger.head_link {
        return Err(JournalError::ChainBroken { offset: ledger.head.0 });
    }
    Ok(Verified { from, to: offset, entries: offset.next().0.saturating_sub(from.0), chain_tip: link })
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

/// Where the batch that holds `want` begins: the offset before it, and the link there.
fn previous_link(transaction: &Transaction<'_>, ledger: &Ledger, want: Offset) -> Result<(Offset, Link), JournalError> {
    let mut select = transaction
        .prepare_cached("SELECT first - 1, link_before FROM batch WHERE first <= ?1 ORDER BY first DESC LIMIT 1")
        .map_err(engine)?;
    let start = select.query_row([Unsigned::from(want)], |row| Ok((Offset(row.get::<_, Unsigned>(0)?.0), row.get(1)?)));
    match start {
        Ok((offset, link)) if offset >= ledger.trimmed => Ok((offset, link)),
        Ok(_) | Err(rusqlite::Error::QueryReturnedNoRows) => Err(JournalError::ChainBroken { offset: want.0 }),
        Err(error) => Err(damage(&error, want)),
    }
}

/// Where to go on after a walk that stopped at `at`: packing may have put a row across that place since then. Its first
/// part is then walked again, and has to come to the same link.
fn resume(transaction: &Transaction<'_>, at: (Offset, Link)) -> Result<(Offset, Link), JournalError> {
    let (reached, link) = at;
    let mut select = transaction
        .prepare_cached(&format!("SELECT {BATCH_COLUMNS} FROM batch WHERE first <= ?1 ORDER BY first DESC LIMIT 1"))
        .map_err(engine)?;
    let row = select.query_row([Unsigned::from(reached)], store::stored_batch).optional();
    match row.map_err(|error| damage(&error, reached))? {
        Some(batch) if batch.first.0.saturating_add(batch.count) > reached.next().0 => {
            let same = batch.link_at(reached) == Some(link);
            let start = (Offset(batch.first.0.saturating_sub(1)), batch.before);
            if same { Ok(start) } else { Err(JournalError::ChainBroken { offset: batch.first.0 }) }
        }
        _ => Ok(at),
    }
}

/// Opens batches from `at` on, as long as `go_on` says so, at most `max_batches`. Every batch must begin exactly where the
/// one before it ended, in number and in link. Returns where it came to.
fn along(
    transaction: &Transaction<'_>,
    ledger: &Ledger,
    at: (Offset, Link),
    max_batches: u64,
    mut go_on: impl FnMut(Opened) -> bool,
) -> Result<(Offset, Link), JournalError> {
    let (mut reached, mut link) = at;
    let mut select = transaction
        .prepare_cached(&format!("SELECT {BATCH_COLUMNS} FROM batch WHERE first > ?1 ORDER BY first"))
        .map_err(engine)?;
    let mut rows = select.query([Unsigned::from(reached)]).map_err(engine)?;
    let mut walked = 0;
    while reached < ledger.head && walked < max_batches {
        let missing = JournalError::ChainBroken { offset: reached.next().0 };
        let row = rows.next().map_err(|error| damage(&error, reached.next()))?.ok_or(missing)?;
        let batch = store::stored_batch(row).map_err(|error| damage(&error, reached.next()))?;
        if batch.first != reached.next() || batch.before != link {
            return Err(JournalError::ChainBroken { offset: reached.next().0 });
        }
        let opened = batch.open().map_err(|BrokenAt(offset)| JournalError::ChainBroken { offset: offset.0 })?;
        let last = opened.entries.last().map_or(reached, |entry| entry.offset);
        if last <= reached || last > ledger.head {
            return Err(JournalError::ChainBroken { offset: reached.next().0 });
        }
        (reached, link) = (last, batch.after);
        walked += 1;
        if !go_on(opened) {
            break;
        }
    }
    Ok((reached, link))
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, JournalError> {
    connection.transaction().map_err(engine)
}

/// A row that is not of the shape we wrote, or a page that SQLite cannot make sense of, is a broken chain like any other.
fn damage(error: &rusqlite::Error, at: Offset) -> JournalError {
    let damaged = match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    };
    if damaged { JournalError::ChainBroken { offset: at.0 } } else { JournalError::Engine(error.to_string()) }
}

fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}
