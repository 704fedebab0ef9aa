//! The one thread that writes the file: takes what waits, commits it as one batch with one sync, and only then answers.
//!
//! In:  [`Work`] from the line.   Out: rows, a new head, entries in the cache, and a [`Durable`] for each frame.
//!
//! It never answers before the commit returned, never writes after one failed (what is on disk is then unknown), and never
//! drops a frame without saying so.

use super::batch::{ENTRY_OVERHEAD_BYTES, SealedBatch};
use super::chores::{self, Done};
use super::line::{Waiting, Work};
use super::lock::WriterLock;
use super::stats::Full;
use super::store::{self, Ledger};
use super::trim::{self, Reason};
use super::{Shared, SqliteOptions};
use crate::{AppendError, Durable};
use model::{Offset, Timestamp};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
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

impl Writer {
    /// Runs until the line has ended and everything that waited is on disk, or until a write fails.
    pub(super) fn run(mut self) {
        let mut farewell = Farewell { shared: Arc::clone(&self.shared), orderly: false };
        while let Some(work) = self.shared.line.take() {
            let started = Instant::now();
            match self.commit(work) {
                Ok(committed) => self.publish(committed, started),
                Err((error, replies)) if is_disk_full(&error) => self.refuse_for_the_disk(replies),
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
            let done = chores::carry_out(
                &transaction,
                &mut committed.ledger,
                &mut committed.cursors,
                &self.options.consumers,
                chore,
            )?;
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
            counts.full = self.still_full(counts.full, appended, refused.len());
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
        done.into_iter().for_each(Done::tell);
        self.wake_packer();
    }

    /// The disk took nothing and SQLite rolled back: unlike after a failed sync, what is on disk is known. Chores learn it by
    /// their dropped reply, and are asked for again.
    fn refuse_for_the_disk(&self, replies: Vec<FrameReply>) {
        let mut counts = self.shared.counts();
        if counts.full.replace(Full::Disk) != Some(Full::Disk) {
            tracing::error!("the disk has no room for the journal; nothing is acknowledged until there is");
        }
        counts.refused_full_total += u64::try_from(replies.len()).unwrap_or(0);
        drop(counts);
        for reply in replies {
            reply.send(Err(AppendError::NoSpace)).ok();
        }
    }

    /// Full from the first refusal until something is taken, or until there is room again.
    fn still_full(&self, before: Option<Full>, appended: usize, refused: usize) -> Option<Full> {
        let near_bound = self.ledger.bytes > share(self.options.max_bytes, HIGH_WATER);
        let full = match before {
            _ if refused > 0 && (appended == 0 || near_bound) => Some(Full::Bound),
            Some(Full::Bound) if appended == 0 && near_bound => before,
            // A commit without a frame may have needed no room.
            Some(Full::Disk) if appended == 0 => before,
            _ => None,
        };
        match (before, full) {
            (None, Some(_)) => {
                let limit_bytes = self.options.max_bytes;
                tracing::error!(
                    limit_bytes,
                    "the journal is full; nothing is acknowledged until its consumers catch up"
                );
            }
            (Some(_), None) => tracing::info!("the journal has room again"),
            _ => {}
        }
        full
    }

    /// A waking that is still unheard will do.
    fn wake_packer(&mut self) {
        if self.unpacked_bytes >= self.group_bytes {
            self.unpacked_bytes = 0;
            self.packer.try_send(()).ok();
        }
    }
}

fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
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
