//! The stages of a running service: where each runs, and how the end of one becomes the end of all.
//!
//! In:  futures that run until they are stopped.   Out: how the service ended.
//!
//! What takes in and what answers people runs on the threads that everything starts on. What reads the journal runs behind,
//! on threads of its own that give way: a backlog is judged a little later, and no device waits for its acknowledgement
//! because of it.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A third of the processor where others want it, all of it where nobody does.
const NICE: i32 = 5;

/// The threads behind. Dropped, whatever still runs on them is let go.
pub struct Behind(Option<Runtime>);

impl Behind {
    /// Starts them, one for each core.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("behind")
            .on_thread_start(|| {
                // Of this thread alone, on Linux. Without it the threads only compete as equals.
                if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                    tracing::debug!(%error, "threads that read the journal do not give way");
                }
            })
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// A way to run something there.
    pub fn handle(&self) -> Handle {
        // Taken only when it is dropped.
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // All stages have ended by now; a runtime must not be waited for within another.
            runtime.shutdown_background();
        }
    }
}

/// The stages that run.
pub struct Stages {
    set: JoinSet<Result<()>>,
    behind: Handle,
}

impl Stages {
    /// None yet.
    pub fn new(behind: Handle) -> Self {
        Self { set: JoinSet::new(), behind }
    }

    /// Starts a stage that devices or people wait for.
    pub fn spawn<E: Into<anyhow::Error> + 'static>(
        &mut self,
        name: &'static str,
        stage: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.set.spawn(named(name, stage));
    }

    /// Starts a stage that reads the journal.
    pub fn spawn_behind<E: Into<anyhow::Error> + 'static>(
        &mut self,
        name: &'static str,
        stage: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.set.spawn_on(named(name, stage), &self.behind);
    }

    /// Waits for all stages; the first that fails ends the rest.
    pub async fn until_the_end(mut self, stop: &CancellationToken, serving: &AtomicBool) -> Result<()> {
        let mut outcome = Ok(());
        while let Some(ended) = self.set.join_next().await {
            serving.store(false, Ordering::Relaxed);
            let ended = ended.unwrap_or_else(|panic| Err(anyhow::anyhow!("a stage panicked: {panic}")));
            if let Err(error) = ended
                && outcome.is_ok()
            {
                tracing::error!(error = format!("{error:#}"), "stopping");
                outcome = Err(error);
            }
            // A stage that ends although nobody asked it to has failed, whatever it says.
            if !stop.is_cancelled() && outcome.is_ok() {
                outcome = Err(anyhow::anyhow!("a stage ended by itself; the log says which came last"));
            }
            stop.cancel();
        }
        outcome
    }
}

async fn named<E: Into<anyhow::Error> + 'static>(
    name: &'static str,
    stage: impl Future<Output = Result<(), E>>,
) -> Result<()> {
    let ended = stage.await.map_err(Into::into).context(name);
    tracing::debug!(stage = name, "ended");
    ended
}
