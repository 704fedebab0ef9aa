//! Looks again and again whether something should have happened by now: nobody acknowledged a case, or one half of the dual report has
//! not taken it.
//!
//! In: the store and the time.   Out: alerts, in the store.   Never: a deadline kept in memory; the store has them all.

use crate::metrics::Metrics;
use crate::store::{Known, Store, StoreError};
use model::Clock;
use registry::View;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Deadlines are minutes; a look this often is punctual and costs nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What it works with.
pub struct OverdueParts {
    /// Where the deadlines are.
    pub store: Store,
    /// Who is told next.
    pub view: watch::Receiver<Arc<View>>,
    /// How long both halves of the dual report have.
    pub report_within: Duration,
    /// What time it is.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
}

/// Runs until `stop`.
pub async fn run(parts: OverdueParts, stop: CancellationToken) -> Result<(), StoreError> {
    let parts = Arc::new(parts);
    while !stop.is_cancelled() {
        let looking = Arc::clone(&parts);
        let looked = tokio::task::spawn_blocking(move || look(&looking)).await;
        match looked {
            Ok(outcome) => outcome?,
            // Only on the way out, or after a panic, which ends the stage.
            Err(error) => return Err(StoreError::Unreadable(error.to_string())),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    Ok(())
}

fn look(parts: &OverdueParts) -> Result<(), StoreError> {
    let view = Arc::clone(&parts.view.borrow());
    let alerts = parts.store.overdue(Known::from(&*view), parts.report_within, parts.clock.now())?;
    for alert in alerts {
        parts.metrics.alerts.with_label_values(&[alert.kind.as_str()]).inc();
        tracing::warn!(id = alert.id, kind = alert.kind.as_str(), "overdue");
    }
    Ok(())
}
