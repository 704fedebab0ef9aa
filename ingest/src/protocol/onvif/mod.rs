//! ONVIF: cameras are asked for their events, by a pull point that waits until there are any.
//!
//! ```text
//! session   clock, subscription, pull, renew, unsubscribe
//! soap      what we say, and who says it           events   answers -> frames
//! ```
//!
//! In:  cameras of the configuration.   Out: [`model::Frame`]s with the format `onvif`, one for each thing that a notification names.
//! Next: [`crate::decode`].
//!
//! Never: a subscription that is left behind when the platform stops in order; an answer of one camera that disturbs another;
//! another host than the configured one that is spoken to, whatever address a camera gives for its services.

mod events;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod session;
mod soap;

#[cfg(test)]
mod tests;

use super::backoff::Backoff;
use super::camera_link::{self, CameraConfig, Link, LinkMetrics, keep};
use super::door::DoorParts;
use journal::AppendError;
use session::Session;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For an answer, beside the time that the camera was asked to wait.
    call: Duration,
    /// For events, before the camera answers without any.
    pull: Duration,
    /// For the end of a subscription when the platform stops.
    goodbye: Duration,
    backoff: Backoff,
}

const PATIENCE: Patience = Patience {
    call: Duration::from_secs(15),
    pull: Duration::from_secs(10),
    goodbye: Duration::from_secs(2),
    backoff: Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(120) },
};

/// Asks all of them until `stop`; an error means that the process cannot go on.
pub async fn run(
    cameras: Vec<CameraConfig>,
    parts: DoorParts,
    metrics: LinkMetrics,
    stop: CancellationToken,
) -> Result<(), AppendError> {
    run_patiently(cameras, parts, metrics, PATIENCE, stop).await
}

async fn run_patiently(
    cameras: Vec<CameraConfig>,
    parts: DoorParts,
    metrics: LinkMetrics,
    patience: Patience,
    stop: CancellationToken,
) -> Result<(), AppendError> {
    let ask = |link: Link| {
        let stop = stop.clone();
        async move {
            tokio::select! {
                never = keep(&link, patience.backoff, || Session::run(&link, patience, &stop)) => match never {},
                () = stopped(&stop, patience.goodbye) => {}
            }
        }
    };
    camera_link::each("onvif", cameras, parts, metrics, ask).await
}

/// Some time after the stop: a session says goodbye first.
async fn stopped(stop: &CancellationToken, goodbye: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(goodbye).await;
}
