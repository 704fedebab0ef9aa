//! The one thread that writes the file: takes what waits, commits it as one batch with one sync, and only then answers.
//!
//! In:  [`Work`] from the line.   Out: rows, a new head, entries in the cache, and a [`Durable`] for each frame.
//!
//! It never answers before the commit returned, never writes after one failed (what is on disk is then unknown), and never
//! drops a frame without saying so.

use super::batch::{ENTRY_OVERHEAD_BYTES, SealedBatch};
use super::line::{Chore, Waiting, Work};
use super::lock::WriterLock;
use super::store::{self, Ledger};
use super::trim::{self, Reason};
use super::{Shared, SqliteOptions, Trimmed};
use crate::{AppendError, Durable, JournalError};
use model::{Offset, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Above 19/20 of the bound, consumed entries go even if they are young ...
const HIGH_WATER: (u64, u64) = (19, 20);
/// ... down to 9/10, so that not every commit has to trim.
const LOW_WATER: (u64, u64) = (9, 10);

/// Everything the thread owns. The connection is closed before the lock is given back.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) ledger: Ledger,
    pub(super) cursors: BTreeMap<String, Offset>,
    pub(super) newest_received: Option<Timestamp>,
    pub(super) options: SqliteOptions,
    pub(super) shared: Arc<Shared>,
    /// Wakes the packing thread; dropping it ends that.
    pub(super) packer: SyncSender<()>,
    /// Bytes committed since it was woken last.
    pub(super) unpacked_bytes: usize,
    pub(super) group_bytes: usize,
    pub(super) _lock: WriterLock,
}

/// Tells those who wait if the thread ends in any way but the orderly one.
struct Farewell {
    shared: Arc<Shared>,
    orderly: bool,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if !self.orderly {
            self.shared.line.fail(&AppendError::Broken("the writer thread ended unexpectedly".to_owned()));
        }
    }
}

/// What one commit made, to be published once it is on disk.
struct Committed {
    ledger: Ledger,
    cursors: BTreeMap<String, Offset>,
    newest_received: Option<Timestamp>,
    batch: SealedBatch,
    accepted: Vec<(Offset, FrameReply)>,
    refused: Vec<FrameReply>,
    done: Vec<Done>,
}

type FrameReply = oneshot::Sender<Result<Durable, AppendError>>;

/// A chore's answer, given after the commit.
enum Done {
    Cursor(oneshot::Sender<Result<(), JournalError>>, Result<(), JournalError>),
    Trim(oneshot::Sender<Result<Trimmed, JournalError>>, Trimmed),
    Pack(oneshot::Sender<()>),
}

impl Writer {
    /// Runs until the line has ended and everything that waited is on disk, or until a write fails.
    pub(super) fn run(mut self) {
        let mut farewell = Farewell { shared: Arc::clone(&self.shared), orderly: false };
        while let Some(work) = self.shared.line.take() {
            let started = Instant::now();
            match self.commit(work) {
                Ok(committed) => self.publish(committed, started),
                Err((error, replies)) => {
                    let error = AppendError::Broken(error.to_string());
                    self.shared.line.fail(&error);
                    for reply in replies {
                        // Nobody may be listening any more; nothing was promised to them.
                        reply.send(Err(error.clone())).ok();
                    }
                    farewell.orderly = true;
                    return;
                }
            }
        }
        farewell.orderly = true;
        store::fold_log(&self.connection);
    }

    /// One transaction. On failure it gives back whom to tell; chores learn it by their dropped reply.
    fn commit(&mut self, work: Work) -> Result<Committed, (rusqlite::Error, Vec<FrameReply>)> {
        let mut committed = Committed {
            ledger: self.ledger,
            cursors: self.cursors.clone(),
            newest_received: self.newest_received,
            batch: SealedBatch::starting(self.ledger.head.next(), self.ledger.head_link),
            accepted: Vec::with_capacity(work.groups.len()),
            refused: Vec::new(),
            done: Vec::with_capacity(work.chores.len()),
        };
        match self.write(work, &mut committed) {
            Ok(()) => Ok(committed),
            Err(error) => {
                let accepted = committed.accepted.into_iter().map(|(_, reply)| reply);
                Err((error, accepted.chain(committed.refused).collect()))
            }
        }
    }

    fn write(&mut self, work: Work, committed: &mut Committed) -> rusqlite::Result<()> {
        let Work { groups, chores } = work;
        let incoming = groups.iter().fold(store::ROW_OVERHEAD_BYTES, |sum, waiting| sum.saturating_add(cost(waiting)));
        let transaction = match self.connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                committed.refused.extend(groups.into_iter().map(|waiting| waiting.reply));
                return Err(error);
            }
        };
        // Seal first: from here on the replies are in `committed`, where a failure finds them.
        let trimmed = make_room(&transaction, committed, &self.options, incoming);
        seal(groups, committed, self.options.max_bytes);
        trimmed?;
        if !committed.batch.entries.is_empty() {
            let bytes = store::insert_batch(&transaction, &committed.batch)?;
            committed.ledger.bytes = committed.ledger.bytes.saturating_add(bytes);
            committed.ledger.batches = committed.ledger.batches.saturating_add(1);
        }
        for chore in chores {
            let done = do_chore(&transaction, committed, &self.options, chore)?;
            committed.done.push(done);
        }
        if committed.ledger != self.ledger {
            store::write_ledger(&transaction, &committed.ledger)?;
        }
        // Nothing changed (every frame was refused): SQLite notices and makes no sync.
        transaction.commit()
    }

    /// The commit is on disk: first whoever reads, then whoever waits for an acknowledgement.
    fn publish(&mut self, committed: Committed, started: Instant) {
        let Committed { ledger, cursors, newest_received, batch, accepted, refused, done } = committed;
        let appended = batch.entries.len();
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(batch.blob.len());
        let trimmed = ledger.trimmed.0.saturating_sub(self.ledger.trimmed.0);
        (self.ledger, self.newest_received) = (ledger, newest_received);
        self.cursors.clone_from(&cursors);
        let shared = &self.shared;
        {
            let mut cache = shared.cache();
            if appended > 0 {
                cache.push(batch.entries, batch.blob.len());
            }
            cache.forget_up_to(ledger.trimmed);
        }
        *shared.cursors.lock().unwrap_or_else(PoisonError::into_inner) = cursors;
        {
            let mut counts = shared.counts();
            counts.ledger = Some(ledger);
            counts.commits_total += 1;
            counts.appended_total += u64::try_from(appended).unwrap_or(0);
            counts.refused_full_total += u64::try_from(refused.len()).unwrap_or(0);
            counts.trimmed_total += trimmed;
            let took = started.elapsed();
            counts.commit_time_last = took;
            counts.commit_time_total += took;
        }
        shared.head.send_if_modified(|head| std::mem::replace(head, ledger.head) != ledger.head);
        // A caller that went away is not told; its frame is on disk all the same.
        for (offset, reply) in accepted {
            reply.send(Ok(Durable { offset })).ok();
        }
        for reply in refused {
            reply.send(Err(AppendError::Full { limit_bytes: self.options.max_bytes })).ok();
        }
        for done in done {
            match done {
                Done::Cursor(reply, answer) => reply.send(answer).ok(),
                Done::Trim(reply, answer) => reply.send(Ok(answer)).ok(),
                Done::Pack(reply) => reply.send(()).ok(),
            };
        }
        self.wake_packer();
    }

    /// A waking that is still unheard will do.
    fn wake_packer(&mut self) {
        if self.unpacked_bytes >= self.group_bytes {
            self.unpacked_bytes = 0;
            self.packer.try_send(()).ok();
        }
    }
}

/// What frames add to the journal.
fn cost(waiting: &Waiting) -> u64 {
    let overhead = waiting.frames.len().saturating_mul(ENTRY_OVERHEAD_BYTES);
    waiting.bytes.saturating_add(u64::try_from(overhead).unwrap_or(u64::MAX))
}

fn share(bytes: u64, (part, whole): (u64, u64)) -> u64 {
    (bytes / whole).saturating_mul(part)
}

/// Lets go of what is too old, and of more when the bound is near.
fn make_room(
    transaction: &Transaction<'_>,
    committed: &mut Committed,
    options: &SqliteOptions,
    incoming: u64,
) -> rusqlite::Result<()> {
    let lowest = trim::lowest_cursor(&options.consumers, &committed.cursors);
    if let Some(newest) = committed.newest_received {
        let reason = Reason::Age { newest, retention: options.retention };
        trim::trim(transaction, &mut committed.ledger, lowest, reason)?;
    }
    if committed.ledger.bytes.saturating_add(incoming) > share(options.max_bytes, HIGH_WATER) {
        let down_to = share(options.max_bytes, LOW_WATER).saturating_sub(incoming);
        trim::trim(transaction, &mut committed.ledger, lowest, Reason::Bytes { down_to })?;
    }
    Ok(())
}

/// Puts every group that fits into the batch, in order. One that does not fit is refused; a smaller one after it may fit.
fn seal(groups: Vec<Waiting>, committed: &mut Committed, max_bytes: u64) {
    let mut total = committed.ledger.bytes.saturating_add(store::ROW_OVERHEAD_BYTES);
    for waiting in groups {
        let with_this = total.saturating_add(cost(&waiting));
        if with_this > max_bytes {
            committed.refused.push(waiting.reply);
            continue;
        }
        total = with_this;
        for frame in waiting.frames {
            committed.newest_received = committed.newest_received.max(Some(frame.received_at.0));
            committed.ledger.head = committed.batch.push(frame);
        }
        committed.accepted.push((committed.ledger.head, waiting.reply));
    }
    committed.ledger.head_link = committed.batch.after;
}

fn do_chore(
    transaction: &Transaction<'_>,
    committed: &mut Committed,
    options: &SqliteOptions,
    chore: Chore,
) -> rusqlite::Result<Done> {
    match chore {
        Chore::SetCursor { consumer, offset, reply } => {
            let head = committed.ledger.head;
            if offset > head {
                let what = format!(
                    "consumer `{consumer}` says it is at {offset}, but the journal ends at {head}; \
                     its store belongs to another journal, or the journal lost its end",
                    offset = offset.0,
                    head = head.0
                );
                return Ok(Done::Cursor(reply, Err(JournalError::Engine(what))));
            }
            let cursor = committed.cursors.entry(consumer.clone()).or_default();
            *cursor = offset.max(*cursor);
            store::write_cursor(transaction, &consumer, offset)?;
            Ok(Done::Cursor(reply, Ok(())))
        }
        Chore::ForgetCursor { consumer, reply } => {
            committed.cursors.remove(&consumer);
            store::delete_cursor(transaction, &consumer)?;
            Ok(Done::Cursor(reply, Ok(())))
        }
        Chore::Pack { packed, reply } => {
            let (bytes, batches) = store::replace_by_packed(transaction, &packed)?;
            committed.ledger.bytes = committed.ledger.bytes.saturating_sub(bytes);
            committed.ledger.batches = committed.ledger.batches.saturating_sub(batches);
            Ok(Done::Pack(reply))
        }
        Chore::Trim { keep_from, reply } => {
            let lowest = trim::lowest_cursor(&options.consumers, &committed.cursors);
            let before = committed.ledger;
            let more = trim::trim(transaction, &mut committed.ledger, lowest, Reason::Asked { keep_from })?;
            let entries = committed.ledger.trimmed.0.saturating_sub(before.trimmed.0);
            let bytes = before.bytes.saturating_sub(committed.ledger.bytes);
            Ok(Done::Trim(reply, Trimmed { entries, bytes, more }))
        }
    }
}
