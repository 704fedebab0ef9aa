//! The decode stage: tails the journal and hands on what it says.
//!
//! In:  journal entries after `from`, in order.   Out: [`Readings`] batches, in the same order; rejects to the dead letters.
//!
//! A device that did not hear its acknowledgement says the same again; that stays in the journal, and goes no further
//! ([`Decoder`]). What counts as such depends on the journal alone, wherever the stage begins.
//!
//! A rejected entry never stops the stage. Dead letters are on disk before their batch is sent, so a consumer's cursor
//! never passes a reject that nobody can see. On `stop` it ends at once: what is not yet decoded stays in the journal, and
//! the consumers' cursors make it come after the restart. Never writes a cursor itself: each consumer keeps its own.

use super::reject_log::RejectLog;
use super::{Decoder, MEMORY_ENTRIES, Said, sign_of_life};
use journal::dead_letters::DeadLetters;
use journal::{Journal, JournalError};
use model::{Channel, DeadLetter, Entry, Offset, Reading, ReadingKind, Readings, Reject};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Entries read at a time: a third of a second of a banner's 3,000 messages, so that a batch costs one wake-up and one
/// send, and still no more than a few megabytes of small frames.
pub const BATCH_ENTRIES: usize = 1_000;

/// Why the stage ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Stop the process: what devices said can no longer be read.
    #[error("decode could not read the journal after entry {after}")]
    Read {
        /// The last entry that was read.
        after: u64,
        /// The journal's complaint.
        source: JournalError,
    },
    /// Stop the process: going on would lose rejects without a trace.
    #[error("decode could not record {count} dead letters; check free space of the data folder")]
    DeadLetters {
        /// How many were to be recorded.
        count: usize,
        /// The store's complaint.
        source: JournalError,
    },
    /// Stop the process: the thread that records dead letters was torn down.
    #[error("decode's recording of dead letters was aborted")]
    Aborted(#[from] tokio::task::JoinError),
    /// The journal's writer is gone, so nothing will ever come again.
    #[error("journal was closed while decode still reads it; stop decode first")]
    JournalClosed,
}

/// What the stage counts.
#[derive(Debug, Clone)]
pub struct StageMetrics {
    decoded: IntCounterVec,
    rejects: IntCounterVec,
    repeats: IntCounter,
    unused: IntCounter,
}

impl StageMetrics {
    /// Registers the counters.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let decoded = IntCounterVec::new(
            Opts::new("steppewatch_decoded_total", "Journal entries that were understood, by kind of reading."),
            &["kind"],
        )?;
        let rejects = IntCounterVec::new(
            Opts::new("steppewatch_rejects_total", "Journal entries that became dead letters, by reason."),
            &["reason"],
        )?;
        let repeats = IntCounter::new(
            "steppewatch_repeats_total",
            "Journal entries that a device had said before and said again, not knowing that we had heard it.",
        )?;
        let unused = IntCounter::new(
            "steppewatch_unused_total",
            "Journal entries that were understood and say nothing that the platform uses.",
        )?;
        registry.register(Box::new(unused.clone()))?;
        registry.register(Box::new(decoded.clone()))?;
        registry.register(Box::new(rejects.clone()))?;
        registry.register(Box::new(repeats.clone()))?;
        Ok(Self { decoded, rejects, repeats, unused })
    }
}

/// Runs until `stop`, or until nobody receives any more; an error means that the process cannot go on.
pub async fn run(
    journal: Arc<dyn Journal>,
    from: Offset,
    dead_letters: DeadLetters,
    readings_tx: mpsc::Sender<Arc<Readings>>,
    metrics: StageMetrics,
    stop: CancellationToken,
) -> Result<(), StageError> {
    match stop.run_until_cancelled(tail(journal, from, dead_letters, readings_tx, metrics)).await {
        Some(ended) => ended,
        None => Ok(()),
    }
}

async fn tail(
    journal: Arc<dyn Journal>,
    from: Offset,
    dead_letters: DeadLetters,
    readings_tx: mpsc::Sender<Arc<Readings>>,
    metrics: StageMetrics,
) -> Result<(), StageError> {
    let mut head = journal.head();
    let mut decoder = remember(&*journal, from).await?;
    let mut done = from;
    let mut log = RejectLog::default();
    loop {
        // Look at the head before reading: an entry that lands in between wakes us once more, and none is missed.
        head.borrow_and_update();
        let entries = read(&*journal, done).await?;
        let Some(last) = entries.last().map(|entry| entry.offset) else {
            head.changed().await.map_err(|_| StageError::JournalClosed)?;
            continue;
        };
        tell_of_gap(done, &entries);
        let (readings, letters) = sort(&entries, &mut decoder, &metrics);
        letters.iter().for_each(|letter| log.note(letter));
        record(&dead_letters, letters).await?;
        done = last;
        if readings_tx.send(Arc::new(Readings { readings, up_to: last })).await.is_err() {
            return Ok(());
        }
    }
}

async fn read(journal: &dyn Journal, after: Offset) -> Result<Vec<Entry>, StageError> {
    journal.read(after, BATCH_ENTRIES).await.map_err(|source| StageError::Read { after: after.0, source })
}

/// What was said just before `from`, so that a repetition is known as one whether or not we were stopped in between.
async fn remember(journal: &dyn Journal, from: Offset) -> Result<Decoder, StageError> {
    let mut decoder = Decoder::default();
    let mut after = Offset(from.0.saturating_sub(MEMORY_ENTRIES));
    while after < from {
        let entries = read(journal, after).await?;
        for entry in entries.iter().filter(|entry| entry.offset <= from) {
            decoder.remember(entry);
        }
        // Nothing left to read: the journal is another, or was cut; whoever keeps the cursor says so.
        let Some(last) = entries.last() else { break };
        after = last.offset;
    }
    Ok(decoder)
}

/// Entries that were trimmed before we came to them are gone for good; that is for an operator to know.
fn tell_of_gap(done: Offset, entries: &[Entry]) {
    if let Some(first) = entries.first().map(|entry| entry.offset).filter(|first| *first > done.next()) {
        let lost = first.0 - done.next().0;
        tracing::error!(
            after = done.0,
            lost,
            "journal entries were trimmed before they were decoded; raise [journal] max_bytes"
        );
    }
}

/// Decodes a batch. At a few microseconds an entry this is too short to be worth another thread.
fn sort(entries: &[Entry], decoder: &mut Decoder, metrics: &StageMetrics) -> (Vec<Reading>, Vec<DeadLetter>) {
    let mut readings = Vec::with_capacity(entries.len());
    let mut letters = Vec::new();
    for entry in entries {
        match decoder.take(entry) {
            Said::News(reading) => {
                metrics.decoded.with_label_values(&[reading.body.kind().as_str()]).inc();
                readings.push(reading);
            }
            Said::Again => metrics.repeats.inc(),
            Said::Unused => metrics.unused.inc(),
            Said::Nonsense(reject) => {
                metrics.rejects.with_label_values(&[reject.label()]).inc();
                readings.extend(sign_of_life(entry, &reject));
                letters.push(dead_letter(entry, reject));
            }
        }
    }
    (readings, letters)
}

fn dead_letter(entry: &Entry, reason: Reject) -> DeadLetter {
    let frame = &entry.frame;
    DeadLetter {
        offset: entry.offset,
        device: frame.device.clone(),
        received_at: frame.received_at,
        channel: channel_for_people(&frame.channel),
        reason,
    }
}

fn channel_for_people(channel: &Channel) -> String {
    match channel {
        Channel::Native { kind, detail } if detail.is_empty() => kind.as_str().to_owned(),
        Channel::Native { kind, detail } => format!("{}/{detail}", kind.as_str()),
        Channel::DjiOsd => "dji osd".to_owned(),
        // Of a described model only its name.
        Channel::Modbus { model } => format!("modbus {}", model.split(' ').next().unwrap_or_default()),
        Channel::Clock => ReadingKind::Clock.as_str().to_owned(),
        Channel::Other { topic } => topic.to_string(),
        Channel::Foreign { format, .. } => format.to_string(),
    }
}

async fn record(dead_letters: &DeadLetters, letters: Vec<DeadLetter>) -> Result<(), StageError> {
    if letters.is_empty() {
        return Ok(());
    }
    let store = dead_letters.clone();
    let count = letters.len();
    tokio::task::spawn_blocking(move || store.record(&letters))
        .await?
        .map_err(|source| StageError::DeadLetters { count, source })
}
