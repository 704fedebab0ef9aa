//! The platform's second hand: writes the time into the journal once a second.
//!
//! In: the clock. Out: a frame of [`Channel::Clock`]. With it "nothing came" is an entry like any other, so silence, the
//! end of a case and the beginning of a closure follow from the journal alone, and a replay finds them again.

use bytes::Bytes;
use journal::{AppendError, Journal};
use model::{Channel, Clock, DeviceId, Frame, ReceivedAt, Transport};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Fine enough for closures that begin at midnight, coarse enough to cost nothing.
const TICK: Duration = Duration::from_secs(1);

/// Ticks until `stop`. A full journal only skips ticks; a broken one ends the process.
pub async fn run(journal: Arc<dyn Journal>, clock: Clock, stop: CancellationToken) -> Result<(), AppendError> {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let platform = DeviceId::platform();
        let frame = Frame {
            device: platform.clone(),
            speaker: platform,
            channel: Channel::Clock,
            transport: Transport::Platform,
            payload: Bytes::new(),
            received_at: ReceivedAt(clock.now()),
        };
        match journal.append(frame).await {
            Ok(_) => {}
            Err(AppendError::Broken(reason)) => return Err(AppendError::Broken(reason)),
            Err(error) => tracing::warn!(%error, "the journal took no tick"),
        }
    }
    Ok(())
}
