//! Frames -> journal, as many together as have come.
//!
//! In: frames of the listener.   Out: nothing; they are on disk. A full journal loses them: nobody can be asked to send a datagram again.

use super::metrics::{Fate, MavlinkMetrics};
use journal::{AppendError, Journal};
use model::Frame;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Frames that share a commit.
const TOGETHER_MAX: usize = 256;

/// Ends when the queue is closed and empty; an error means that the journal is gone.
pub(super) async fn write(
    mut frames: mpsc::Receiver<Frame>,
    journal: Arc<dyn Journal>,
    metrics: &MavlinkMetrics,
) -> Result<(), AppendError> {
    let mut together = Vec::with_capacity(TOGETHER_MAX);
    while frames.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let count = together.len();
        journal.room().await;
        match journal.append_all(std::mem::take(&mut together)).await {
            Ok(_) => (0..count).for_each(|_| metrics.count(Fate::Recorded)),
            Err(error @ (AppendError::Broken(_) | AppendError::Closed)) => return Err(error),
            Err(refused) => {
                (0..count).for_each(|_| metrics.count(Fate::Lost));
                tracing::warn!(%refused, count, "what mavlink vehicles said is lost");
            }
        }
    }
    Ok(())
}
