//! What the writer does beside appending: cursors, trimming, packed rows. Each joins the next commit.
//!
//! In:  a [`Chore`] and the state of the commit that it joins.   Out: [`Done`], to be told once that commit is on disk.
//!
//! It never makes a commit of its own, so a consumer costs no sync.

use super::Trimmed;
use super::line::Chore;
use super::store::{self, Ledger};
use super::trim::{self, Reason};
use crate::JournalError;
use model::Offset;
use rusqlite::Transaction;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// A chore's answer, given after the commit.
pub(super) enum Done {
    Cursor(oneshot::Sender<Result<(), JournalError>>, Result<(), JournalError>),
    Trim(oneshot::Sender<Result<Trimmed, JournalError>>, Trimmed),
    Pack(oneshot::Sender<()>),
}

impl Done {
    /// Tells whoever asked; nobody may be listening any more.
    pub(super) fn tell(self) {
        match self {
            Self::Cursor(reply, answer) => reply.send(answer).ok(),
            Self::Trim(reply, answer) => reply.send(Ok(answer)).ok(),
            Self::Pack(reply) => reply.send(()).ok(),
        };
    }
}

/// Does it within the commit; what it promises holds once that is on disk.
pub(super) fn carry_out(
    transaction: &Transaction<'_>,
    ledger: &mut Ledger,
    cursors: &mut BTreeMap<String, Offset>,
    consumers: &[&'static str],
    chore: Chore,
) -> rusqlite::Result<Done> {
    match chore {
        Chore::SetCursor { consumer, offset, reply } => {
            let head = ledger.head;
            if offset > head {
                let what = format!(
                    "consumer `{consumer}` says it is at {offset}, but the journal ends at {head}; \
                     its store belongs to another journal, or the journal lost its end",
                    offset = offset.0,
                    head = head.0
                );
                return Ok(Done::Cursor(reply, Err(JournalError::Engine(what))));
            }
            let cursor = cursors.entry(consumer.clone()).or_default();
            *cursor = offset.max(*cursor);
            store::write_cursor(transaction, &consumer, offset)?;
            Ok(Done::Cursor(reply, Ok(())))
        }
        Chore::ForgetCursor { consumer, reply } => {
            cursors.remove(&consumer);
            store::delete_cursor(transaction, &consumer)?;
            Ok(Done::Cursor(reply, Ok(())))
        }
        Chore::Pack { packed, reply } => {
            let (bytes, batches) = store::replace_by_packed(transaction, &packed)?;
            ledger.bytes = ledger.bytes.saturating_sub(bytes);
            ledger.batches = ledger.batches.saturating_sub(batches);
            Ok(Done::Pack(reply))
        }
        Chore::Trim { keep_from, reply } => {
            let lowest = trim::lowest_cursor(consumers, cursors);
            let before = *ledger;
            let more = trim::trim(transaction, ledger, lowest, Reason::Asked { keep_from })?;
            let entries = ledger.trimmed.0.saturating_sub(before.trimmed.0);
            let bytes = before.bytes.saturating_sub(ledger.bytes);
            Ok(Done::Trim(reply, Trimmed { entries, bytes, more }))
        }
    }
}
