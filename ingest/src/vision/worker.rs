//! One worker: takes the next picture, has it looked at, and puts what is seen into the journal.
//!
//! In: [`Job`]s.   Out: frames on disk. Pauses after each picture for as long as its share of the processor demands. Never looks at
//! the same picture twice in a row: a camera that repeats itself is counted, and says nothing new.

use super::answer;
use super::waiting::Job;
use super::{Shared, VisionError};
use model::{Clarity, Detection, Offset, Unseen};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Works until the stage ends.
pub(super) async fn work(shared: Arc<Shared>) -> Result<(), VisionError> {
    while !shared.ended.is_cancelled() {
        // Asked for before looking, so that a bell between the two is heard.
        let bell = shared.bell.notified();
        let job = shared.waiting().next();
        let Some(job) = job else {
            shared.ended.run_until_cancelled(bell).await;
            continue;
        };
        // The bell rings once for each picture; who has work passes it on to who has none.
        shared.bell.notify_one();
        // Ended half-way it stays open: after the next start it is looked at again, or found to be answered.
        let Some(worked) = shared.ended.run_until_cancelled(look_at(&shared, &job)).await else { break };
        let worked = worked?;
        shared.waiting().done(job.offset);
        let pause = pause(worked, shared.parts.config.share_percent);
        shared.ended.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
    Ok(())
}

/// For how long a worker pauses that may work for so many percent of its time.
fn pause(worked: Duration, share_percent: u32) -> Duration {
    let share = share_percent.clamp(1, 100);
    worked * (100 - share) / share
}

/// The time that it took the processor.
async fn look_at(shared: &Arc<Shared>, job: &Job) -> Result<Duration, VisionError> {
    let metrics = &shared.parts.metrics;
    let begun = Instant::now();
    let Some(looked) = see(shared, job).await? else { return Ok(begun.elapsed()) };
    let worked = begun.elapsed();
    let frames = answer::frames(job, &looked, &shared.parts.model, shared.parts.clock.now());
    if job.unfit.is_none() {
        metrics.seconds.observe(worked.as_secs_f64());
    }
    metrics.outcome(outcome(&looked));
    if !frames.is_empty() {
        shared.parts.recorder.begin(frames, ()).await?;
    }
    Ok(worked)
}

/// What came of a picture.
#[derive(Default)]
pub(super) struct Looked {
    /// What a model saw, if one looked.
    pub seen: Option<Result<Vec<Detection>, Unseen>>,
    /// How it is, if that was measured.
    pub clarity: Option<Clarity>,
}

impl Looked {
    fn unseen(why: Unseen) -> Self {
        Self { seen: Some(Err(why)), clarity: None }
    }
}

fn outcome(looked: &Looked) -> &'static str {
    match &looked.seen {
        None => "measured",
        Some(Ok(found)) if found.is_empty() => "nothing_found",
        Some(Ok(_)) => "found",
        Some(Err(unseen)) => unseen.as_str(),
    }
}

/// `None` where there is nothing to say: the picture is gone, or the same as the one before.
async fn see(shared: &Arc<Shared>, job: &Job) -> Result<Option<Looked>, VisionError> {
    let measure = shared.parts.measure.clone().filter(|_| job.is_measured);
    let model = shared.parts.see.clone().filter(|_| job.unfit.is_none());
    let unfit = job.unfit.clone().filter(|_| shared.parts.see.is_some());
    if measure.is_none() && model.is_none() {
        return Ok(unfit.map(Looked::unseen));
    }
    let before = Offset(job.offset.0.saturating_sub(1));
    let entries = shared.parts.journal.read(before, 1).await?;
    let Some(entry) = entries.into_iter().find(|entry| entry.offset == job.offset) else {
        shared.parts.metrics.outcome("gone");
        return Ok(None);
    };
    if shared.repeats(&job.device, blake3::hash(&entry.frame.payload)) {
        shared.parts.metrics.outcome("repeated");
        return Ok(None);
    }
    let look = Arc::clone(&job.look);
    let both = move || Looked {
        seen: model.map(|see| see(&entry.frame.payload, &look)).or(unfit.map(Err)),
        clarity: measure.and_then(|measure| measure(&entry.frame.payload).ok()),
    };
    match tokio::task::spawn_blocking(both).await {
        Ok(looked) => Ok(Some(looked)),
        // Whatever a stranger's picture does to a decoder, the platform goes on, and does not meet it again after a restart.
        Err(error) if error.is_panic() => Ok(Some(Looked::unseen(Unseen::Model("it panicked".to_owned())))),
        Err(error) => Err(error.into()),
    }
}

impl Shared {
    /// Whether the camera's picture before was the same, byte for byte.
    fn repeats(&self, device: &model::DeviceId, hash: blake3::Hash) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(device.clone(), hash) == Some(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_pauses_so_that_it_keeps_to_its_share() {
        for (share, paused_ms) in [(100, 0), (50, 60), (25, 180), (0, 5_940)] {
            assert_eq!(pause(Duration::from_millis(60), share), Duration::from_millis(paused_ms), "{share}");
        }
    }
}
