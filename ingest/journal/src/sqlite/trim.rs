//! What may be freed: whole batches, the oldest first, and only what every consumer has dealt with.
//!
//! In:  the ledger, the cursors, and why room is wanted.   Out: deleted rows, and the ledger as it is afterwards.
//!
//! It never frees an entry that some consumer has still to read, however full the journal is. Age is told by the newest
//! entry's time of receipt, so no clock is asked and a replayed journal trims as it did then.

use super::store::{self, BatchHead, Ledger};
use model::{Offset, Timestamp};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::Duration;

/// So many in one commit, so that those who wait for the same commit hardly notice; the next commit goes on.
const BATCHES_PER_COMMIT: usize = 4_096;

/// Why room is wanted, and so what may go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reason {
    /// Nobody wants it: older than the retention.
    Age {
        /// When the newest entry came in.
        newest: Timestamp,
        /// How long entries are kept.
        retention: Duration,
    },
    /// The bound is near: until no more than this many bytes are left.
    Bytes { down_to: u64 },
    /// Somebody asked: everything before this.
    Asked { keep_from: Offset },
}

impl Reason {
    fn covers(self, ledger: &Ledger, oldest: &BatchHead) -> bool {
        match self {
            Self::Age { newest, retention } => newest.since(oldest.received_last) > retention,
            Self::Bytes { down_to } => ledger.bytes > down_to,
            Self::Asked { keep_from } => oldest.last < keep_from,
        }
    }
}

/// How far trimming may go: the lowest cursor, where a consumer that was declared but never spoke stands at 0. Nobody
/// declared and nobody spoke: nothing may go.
pub(super) fn lowest_cursor(declared: &[&'static str], cursors: &BTreeMap<String, Offset>) -> Offset {
    let silent = declared.iter().any(|consumer| !cursors.contains_key(*consumer));
    if silent { Offset::default() } else { cursors.values().min().copied().unwrap_or_default() }
}

/// Frees what `reason` covers, up to and including `lowest`. Returns whether there may be more to free.
pub(super) fn trim(
    connection: &Connection,
    ledger: &mut Ledger,
    lowest: Offset,
    reason: Reason,
) -> rusqlite::Result<bool> {
    let before = ledger.trimmed;
    let mut more = true;
    for _ in 0..BATCHES_PER_COMMIT {
        let oldest = store::oldest_batch(connection, ledger.trimmed)?;
        let Some(oldest) = oldest.filter(|oldest| oldest.last <= lowest && reason.covers(ledger, oldest)) else {
            more = false;
            break;
        };
        ledger.trimmed = oldest.last;
        ledger.trimmed_link = oldest.link_after;
        ledger.batches = ledger.batches.saturating_sub(1);
        ledger.bytes = ledger.bytes.saturating_sub(oldest.bytes);
    }
    if ledger.trimmed > before {
        store::delete_batches_up_to(connection, ledger.trimmed)?;
    }
    Ok(more)
}
