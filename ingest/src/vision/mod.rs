//! Pictures are looked at: a model says what is in them, and what it says goes into the journal like what any device says.
//!
//! ```text
//! terms.rs    a camera -> how its pictures are looked at, or why they are not
//! waiting.rs  pictures that wait, for each camera; the oldest goes when there are too many
//! worker.rs   picture -> what is seen -> journal
//! answer.rs   what is seen -> frames
//! ```
//!
//! In: decoded runs of the journal.   Out: frames of the format `vision` about the camera, with the platform as their speaker;
//! [`crate::decode`] makes sightings and measures of them, and so a replay gives the same answer without the model.
//!
//! Never slows the journal's other readers: what cannot be looked at in time is given up, the oldest picture of that camera first,
//! and counted. Never says that a picture is clear: where the model finds nothing only a counter grows, and where it cannot know
//! the journal says "unknown" and why. A picture is answered once: its answer names its place in the journal, and after a restart
//! the answers that are there already are read first.

mod answer;
mod metrics;
mod terms;
mod waiting;
mod worker;

#[cfg(test)]
mod tests;

pub use metrics::VisionMetrics;
pub use terms::{Terms, VisionConfig};

use crate::decode::formats;
use crate::decode::stage::BATCH_ENTRIES;
use crate::record::Recorder;
use crate::seldom::Seldom;
use journal::{AppendError, Journal, JournalError};
use model::{Body, Channel, Clarity, Clock, Detection, DeviceId, DeviceKind, Look, Offset, Reading, Readings, Unseen};
use registry::View;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Under which name the journal keeps how far pictures are dealt with.
pub const CONSUMER: &str = "vision";
/// How far it came is written down this often; after a crash so much is looked at again, or found to be answered.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Looks at a JPEG.
pub type See = Arc<dyn Fn(&[u8], &Look) -> Result<Vec<Detection>, Unseen> + Send + Sync>;

/// How bright, rich in contrast and sharp a JPEG is.
pub type Measure = Arc<dyn Fn(&[u8]) -> Result<Clarity, Unseen> + Send + Sync>;

/// Why the stage stopped although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// Stop the process: what devices said can no longer be read.
    #[error("vision could not read the journal")]
    Read(#[from] JournalError),
    /// Stop the process: the journal no longer takes anything.
    #[error("what was seen could not be recorded")]
    Record(#[from] AppendError),
    /// Stop the process: a worker was torn down.
    #[error("a vision worker was aborted")]
    Aborted(#[from] tokio::task::JoinError),
}

/// What the stage works with.
pub struct VisionParts {
    /// How pictures are looked at.
    pub config: VisionConfig,
    /// By what; `None` where no model looks and pictures are only measured.
    pub see: Option<See>,
    /// How pictures of cameras are measured, if they are.
    pub measure: Option<Measure>,
    /// Which model that is; it stands in every answer.
    pub model: String,
    /// Where pictures are and answers go.
    pub journal: Arc<dyn Journal>,
    /// Writes the answers.
    pub recorder: Recorder,
    /// Who the cameras are.
    pub view: watch::Receiver<Arc<View>>,
    /// When answers are given.
    pub clock: Clock,
    /// Counters.
    pub metrics: VisionMetrics,
}

/// What dispatch and workers share.
struct Shared {
    parts: VisionParts,
    waiting: Mutex<waiting::Waiting>,
    /// Each camera's last picture.
    last: Mutex<HashMap<DeviceId, blake3::Hash>>,
    /// Somebody waits, or the end has come.
    bell: Notify,
    ended: CancellationToken,
}

impl Shared {
    fn waiting(&self) -> std::sync::MutexGuard<'_, waiting::Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From where the journal has to be decoded for this stage. Who turns it on begins with the next picture, not with those of a month.
pub async fn start_offset(journal: &dyn Journal) -> Result<Offset, JournalError> {
    let cursor = journal.cursor(CONSUMER).await?;
    if cursor > Offset(0) {
        return Ok(cursor);
    }
    let head = *journal.head().borrow();
    journal.set_cursor(CONSUMER, head).await?;
    Ok(head)
}

/// Runs until `runs` is closed; the pictures that wait then are looked at after the next start.
pub async fn run(parts: VisionParts, runs: mpsc::Receiver<Arc<Readings>>) -> Result<(), VisionError> {
    let journal = Arc::clone(&parts.journal);
    let from = journal.cursor(CONSUMER).await?;
    let answered = answered(&*journal, from).await?;
    let workers_wanted = parts.config.workers.get();
    let waiting = waiting::Waiting::new(from, parts.config.waiting.get());
    let shared = Arc::new(Shared {
        parts,
        waiting: Mutex::new(waiting),
        last: Mutex::default(),
        bell: Notify::new(),
        ended: CancellationToken::new(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..workers_wanted {
        workers.spawn(worker::work(Arc::clone(&shared)));
    }
    let dispatch = Dispatch {
        shared: Arc::clone(&shared),
        terms: terms::Known::default(),
        answered,
        from,
        shed: Seldom::default(),
    };
    let outcome = tokio::select! {
        outcome = dispatch.run(runs) => outcome,
        // A worker ends by itself only if it failed.
        Some(ended) = workers.join_next() => ended?,
    };
    shared.ended.cancel();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    let cursor = shared.waiting().cursor();
    journal.set_cursor(CONSUMER, cursor).await?;
    outcome
}

/// Which pictures after `from` are answered already.
async fn answered(journal: &dyn Journal, from: Offset) -> Result<BTreeSet<Offset>, JournalError> {
    let head = *journal.head().borrow();
    let (mut answered, mut after) = (BTreeSet::new(), from);
    while after < head {
        let entries = journal.read(after, BATCH_ENTRIES).await?;
        let Some(last) = entries.last() else { break };
        after = last.offset;
        let pictures = entries.iter().filter_map(|entry| match &entry.frame.channel {
            Channel::Foreign { format, detail } if **format == *formats::VISION => detail.parse().ok().map(Offset),
            _ => None,
        });
        answered.extend(pictures.filter(|offset| *offset > from));
    }
    Ok(answered)
}

/// Decides which pictures are looked at, and how.
struct Dispatch {
    shared: Arc<Shared>,
    terms: terms::Known,
    answered: BTreeSet<Offset>,
    from: Offset,
    shed: Seldom<DeviceId>,
}

impl Dispatch {
    async fn run(mut self, mut runs: mpsc::Receiver<Arc<Readings>>) -> Result<(), VisionError> {
        let journal = Arc::clone(&self.shared.parts.journal);
        let mut keeping = tokio::time::interval(KEEP_EVERY);
        keeping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut kept = self.from;
        loop {
            tokio::select! {
                run = runs.recv() => match run {
                    Some(run) => self.take(&run),
                    None => return Ok(()),
                },
                _ = keeping.tick() => {
                    let cursor = self.shared.waiting().cursor();
                    if cursor > kept {
                        match journal.set_cursor(CONSUMER, cursor).await {
                            Ok(()) => kept = cursor,
                            // Said again in a moment; until then nothing is lost but the journal's room.
                            Err(JournalError::NoSpace) => {}
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
            }
        }
    }

    fn take(&mut self, run: &Readings) {
        let view = Arc::clone(&self.shared.parts.view.borrow());
        for reading in &run.readings {
            self.terms.learn(reading);
            if let Body::Snapshot(snapshot) = &reading.body
                && reading.offset > self.from
                && !self.answered.remove(&reading.offset)
            {
                self.picture(reading, snapshot, &view);
            }
        }
        self.shared.waiting().read_up_to(run.up_to);
        self.shared.parts.metrics.waiting.set(i64::try_from(self.shared.waiting().len()).unwrap_or(i64::MAX));
    }

    fn picture(&mut self, reading: &Reading, snapshot: &model::Snapshot, view: &View) {
        let metrics = &self.shared.parts.metrics;
        let Some(device) = view.device(&reading.device) else { return };
        let terms = self.shared.parts.config.of(device);
        if !self.terms.is_due(reading, terms) {
            metrics.outcome("too_often");
            return;
        }
        let is_measured =
            self.shared.parts.measure.is_some() && device.kind == DeviceKind::Camera && self.terms.is_measured(reading);
        if self.shared.parts.see.is_none() && !is_measured {
            return;
        }
        let job = waiting::Job {
            offset: reading.offset,
            device: reading.device.clone(),
            snapshot: snapshot.id.clone(),
            taken_at: reading.happened_at(),
            look: Arc::clone(&terms.look),
            unfit: self.terms.unfit(device, reading, terms),
            is_measured,
        };
        if let Some(shed) = self.shared.waiting().put(job) {
            metrics.outcome("shed");
            if let Some(unsaid) = self.shed.may_speak(shed.device.clone(), Instant::now()) {
                tracing::warn!(
                    device = %shed.device, snapshot = %shed.snapshot, unsaid,
                    "a picture was not looked at: too many wait; raise [vision] workers or share_percent, or the cameras' interval"
                );
            }
        }
        self.shared.bell.notify_one();
    }
}
