//! Frame -> Durable: the one way from "a device said it" to "we may tell the device so".
//!
//! In:  [`Frame`], with whatever is owed to its sender.   Out: that debt, opened by the journal's proof.   Next: `decode`,
//! which reads the journal.
//!
//! Never: an acknowledgement without a [`Durable`]. [`Owed`] gives its content out for nothing else, and only a journal's
//! append yields one.

use crate::metrics::Metrics;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use journal::{AppendError, Durable, Journal};
use model::Frame;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// First pause when the journal is full; doubles up to [`RETRY_PAUSE_MAX`].
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);
/// Long enough to cost nothing, short enough that devices go on soon after an operator made room.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What is owed to a sender once its frame is on disk, and not a moment before.
#[must_use = "the device sends again until this is settled"]
pub struct Owed<T>(T);

impl<T> Owed<T> {
    /// Locks `debt` up.
    pub fn new(debt: T) -> Self {
        Self(debt)
    }

    /// Opens it: `_proof` exists only because the frame is on disk.
    pub fn settle(self, _proof: &Durable) -> T {
        self.0
    }
}

/// Writes frames into the journal and counts them.
#[derive(Clone)]
pub struct Recorder {
    journal: Arc<dyn Journal>,
    metrics: Metrics,
}

impl Recorder {
    /// A recorder into `journal`.
    pub fn new(journal: Arc<dyn Journal>, metrics: Metrics) -> Self {
        Self { journal, metrics }
    }

    /// Hands frames that were said together to the journal and returns at once, so that many callers share one commit.
    /// Frames are written in the order in which this is called. They reach the disk together or not at all.
    pub fn begin<T>(&self, frames: Vec<Frame>, debt: T) -> Recording<T> {
        // A copy for another try shares the bytes.
        let append = self.journal.append_all(frames.clone());
        Recording {
            owed: Some(Owed::new(debt)),
            frames,
            step: Step::Appending(append),
            pause: RETRY_PAUSE_MIN,
            recorder: self.clone(),
        }
    }
}

/// Frames on their way to the disk, with what is owed for them. Resolves when they are on disk and opens the debt.
///
/// A full or overtaxed journal is tried again, with growing pauses, for as long as the caller goes on waiting; so it never answers
/// one of those that mean "not now".
#[must_use = "the frames are not known to be on disk until this is awaited"]
pub struct Recording<T> {
    owed: Option<Owed<T>>,
    frames: Vec<Frame>,
    step: Step,
    /// Before the next try.
    pause: Duration,
    recorder: Recorder,
}

enum Step {
    Appending(BoxFuture<'static, Result<Durable, AppendError>>),
    Waiting(Pin<Box<Sleep>>),
}

impl<T: Unpin> Future for Recording<T> {
    type Output = Result<T, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            this.step = match &mut this.step {
                Step::Appending(append) => match ready!(append.poll_unpin(cx)) {
                    Ok(durable) => {
                        for frame in &this.frames {
                            this.recorder.metrics.frame_recorded(frame);
                        }
                        // Polled again after it was ready: nothing is owed twice.
                        let owed = this.owed.take().ok_or(AppendError::Closed);
                        return Poll::Ready(owed.map(|owed| owed.settle(&durable)));
                    }
                    Err(error) if error.is_for_want_of_room() => {
                        this.recorder.metrics.journal_full_waits.inc();
                        tracing::warn!(%error, "not acknowledging");
                        let over = Box::pin(tokio::time::sleep(this.pause));
                        this.pause = (this.pause * 2).min(RETRY_PAUSE_MAX);
                        Step::Waiting(over)
                    }
                    Err(broken) => return Poll::Ready(Err(broken)),
                },
                Step::Waiting(over) => {
                    ready!(over.poll_unpin(cx));
                    Step::Appending(this.recorder.journal.append_all(this.frames.clone()))
                }
            };
        }
    }
}
