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
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

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

    /// Hands the frame to the journal and returns at once, so that many frames share one commit. Frames are written in
    /// the order in which this is called and awaited.
    pub async fn begin<T>(&self, frame: Frame, debt: T) -> Recording<T> {
        // The journal takes the frame at the first poll; polling here keeps the order of the calls. Unconstrained: when the
        // task has used up its turn, tokio would make the queue say "not yet", and the next frame could come first.
        let mut append = tokio::task::unconstrained(self.journal.append(frame.clone())).boxed();
        let first = std::future::poll_fn(|cx| match append.poll_unpin(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        let append = match first {
            Some(result) => std::future::ready(result).boxed(),
            None => append,
        };
        Recording { owed: Owed::new(debt), frame, append, recorder: self.clone() }
    }
}

/// A frame on its way to the disk, with what is owed for it.
#[must_use = "the frame is not known to be on disk until this is awaited"]
pub struct Recording<T> {
    owed: Owed<T>,
    frame: Frame,
    append: BoxFuture<'static, Result<Durable, AppendError>>,
    recorder: Recorder,
}

impl<T> Recording<T> {
    /// Waits until the frame is on disk and opens the debt. A full journal is tried again, with growing pauses, for as
    /// long as the caller goes on waiting; so it never answers [`AppendError::Full`]
    /// or [`AppendError::NoSpace`].
    pub async fn on_disk(mut self) -> Result<T, AppendError> {
        let mut pause = RETRY_PAUSE_MIN;
        loop {
            match self.append.await {
                Ok(durable) => {
                    self.recorder.metrics.frame_recorded(&self.frame);
                    return Ok(self.owed.settle(&durable));
                }
                Err(no_room @ (AppendError::Full { .. } | AppendError::NoSpace)) => {
                    self.recorder.metrics.journal_full_waits.inc();
                    tracing::warn!(device = %self.frame.device, %no_room, "not acknowledging");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_PAUSE_MAX);
                    self.append = self.recorder.journal.append(self.frame.clone());
                }
                Err(broken) => return Err(broken),
            }
        }
    }
}
