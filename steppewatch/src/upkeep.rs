//! What has to be done now and then: other processes' changes taken in, cursors told to the journal, old data let go; and
//! the copy to InfluxDB, which goes at its own pace.

use crate::certificate::Expiry;
use crate::journal_metrics::JournalMetrics;
use crate::stores::Stores;
use anyhow::Result;
use history::influx::{InfluxSink, PushReport, RefusedLines};
use ingest::decode::stage::BATCH_ENTRIES;
use journal::{Journal, JournalError};
use model::DeviceId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Changes made by the command line are in force within this.
const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// Every tenth round: cursors, sealing, retention.
const ROUNDS_BETWEEN_HOUSEKEEPING: u64 = 10;
/// Blocks sealed in one go, so that sealing never holds up the way of the data.
const BLOCKS_AT_ONCE: usize = 64;
/// Between two tries to keep what InfluxDB refused.
const KEEP_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Days of stations summed up in one go, some milliseconds each.
const DAYS_AT_ONCE: usize = 64;

/// Runs until `stop`.
pub async fn run(stores: Stores, metrics: JournalMetrics, expiry: Expiry, stop: CancellationToken) -> Result<()> {
    let mut rounds = tokio::time::interval(REFRESH_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut round: u64 = 0;
    while stop.run_until_cancelled(rounds.tick()).await.is_some() {
        let registry = stores.registry.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || registry.refresh()).await? {
            tracing::error!(%error, "the registry cannot be read; the last version stays in force");
        }
        metrics.show(&stores.journal);
        expiry.show();
        round += 1;
        if round.is_multiple_of(ROUNDS_BETWEEN_HOUSEKEEPING) {
            housekeeping(&stores).await?;
        }
    }
    Ok(())
}

async fn housekeeping(stores: &Stores) -> Result<()> {
    let (states, history) = (stores.states.clone(), stores.history.clone());
    let coverage = stores.coverage.clone();
    let (detected, watched) = tokio::task::spawn_blocking(move || {
        anyhow::Ok((states.offset()?.unwrap_or_default(), coverage.cursor()?.unwrap_or_default()))
    })
    .await??;
    let cursors = [("detect", detected), ("history", history.cursor()), (alerts::coverage::CONSUMER, watched)];
    for (consumer, offset) in cursors {
        match stores.journal.set_cursor(consumer, offset).await {
            // The next round tells it again.
            Ok(()) | Err(JournalError::NoSpace) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let view = Arc::clone(&stores.registry.view().borrow());
    let kept = tokio::task::spawn_blocking(move || {
        // Before anything expires: a day is kept as it was when its values were all there.
        let cadence = |device: &DeviceId| view.device(device).map_or(Duration::from_secs(300), |device| device.cadence);
        history.sum_days(DAYS_AT_ONCE, cadence)?;
        history.seal(BLOCKS_AT_ONCE)?;
        history.expire()
    });
    if let Err(error) = kept.await? {
        tracing::error!(%error, "history cannot be tidied; it grows until this is mended");
    }
    Ok(())
}

/// Copies what the journal says to InfluxDB from its own cursor; an outage only leaves the cursor behind.
pub async fn copy_to_influx(
    journal: Arc<dyn Journal>,
    sink: InfluxSink,
    refused: RefusedLines,
    stop: CancellationToken,
) -> Result<()> {
    match stop.run_until_cancelled(copy(journal, sink, Arc::new(refused))).await {
        Some(ended) => ended,
        None => Ok(()),
    }
}

async fn copy(journal: Arc<dyn Journal>, sink: InfluxSink, refused: Arc<RefusedLines>) -> Result<()> {
    let mut head = journal.head();
    let mut done = journal.cursor("influx").await?;
    loop {
        head.borrow_and_update();
        let entries = journal.read(done, BATCH_ENTRIES).await?;
        let Some(last) = entries.last() else {
            head.changed().await?;
            continue;
        };
        let up_to = last.offset;
        // Rejects are in the dead letters already; here only what was understood matters.
        let readings: Vec<_> = entries.iter().filter_map(|entry| ingest::decode::decode(entry).ok()).collect();
        keep_refused(&refused, sink.push(&readings).await).await?;
        match journal.set_cursor("influx", up_to).await {
            // Told with the next ones; after a restart some are copied once more, which overwrites them.
            Ok(()) | Err(JournalError::NoSpace) => {}
            Err(error) => return Err(error.into()),
        }
        done = up_to;
    }
}

/// Lines that were refused are on disk before the cursor moves past them.
async fn keep_refused(kept: &Arc<RefusedLines>, report: PushReport) -> Result<()> {
    let lines = Arc::new(report.refused);
    let Some(first) = lines.first() else { return Ok(()) };
    tracing::warn!(
        count = lines.len(),
        reason = first.reason,
        "influxdb refused lines; they are kept in influx-refused.db"
    );
    loop {
        let (kept, lines) = (Arc::clone(kept), Arc::clone(&lines));
        match tokio::task::spawn_blocking(move || kept.record(&lines)).await? {
            Ok(()) => return Ok(()),
            // The cursor waits as it does for a server that is away.
            Err(error) => tracing::error!(%error, "lines that influxdb refused cannot be kept; trying again"),
        }
        tokio::time::sleep(KEEP_AGAIN_AFTER).await;
    }
}
