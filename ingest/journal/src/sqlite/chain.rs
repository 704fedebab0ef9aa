//! Walking along the hash chain: from batch to batch, each beginning exactly where the one before it ended.
//!
//! In:  a transaction, and where to begin.   Out: where the walk came to, or the first entry that does not fit.
//!
//! It trusts nothing in the file: a missing row, a row too many, a changed link and a page that SQLite cannot make sense of
//! are all the same to it, a chain that is broken there.

use super::batch::{BrokenAt, Link, Opened, genesis};
use super::layout;
use super::reader::Verified;
use super::store::{self, BATCH_COLUMNS, Ledger};
use crate::JournalError;
use crate::sql::Unsigned;
use model::Offset;
use rusqlite::{ErrorCode, OptionalExtension, Transaction};

/// Where a walk along the chain has come to; it takes many transactions, so that the log can be folded back in between.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) reached: Option<(Offset, Link)>,
    pub(super) from: Option<Offset>,
}

/// Where a walk begins.
pub(super) type Start<'a> = dyn Fn(&Ledger, &Transaction<'_>) -> Result<(Offset, Link), JournalError> + 'a;

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
pub(super) fn finish(
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

/// Where the batch that holds `want` begins: the offset before it, and the link there.
pub(super) fn previous_link(
    transaction: &Transaction<'_>,
    ledger: &Ledger,
    want: Offset,
) -> Result<(Offset, Link), JournalError> {
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
pub(super) fn resume(transaction: &Transaction<'_>, at: (Offset, Link)) -> Result<(Offset, Link), JournalError> {
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
pub(super) fn along(
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

/// A row that is not of the shape we wrote, or a page that SQLite cannot make sense of, is a broken chain like any other.
pub(super) fn damage(error: &rusqlite::Error, at: Offset) -> JournalError {
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

pub(super) fn engine(error: rusqlite::Error) -> JournalError {
    JournalError::Engine(error.to_string())
}
