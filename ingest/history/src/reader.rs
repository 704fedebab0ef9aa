//! The store for who only looks, as a command does beside the running service.
//!
//! In: the folder of a store that is there. Out: tracks as they were when it was opened. Never: a file that is made, brought up or written; what
//! the service writes meanwhile.

use crate::daily::Dailies;
use crate::partition::Partitions;
use crate::store::{History, Store};
use crate::tail::Tail;
use crate::{HistoryError, Simplified, TrackPoint};
use model::{Clock, DeviceId, Timestamp};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// The telemetry store at one moment. While it is open the writer's log on disk is not shortened, so let go of it soon.
pub struct HistoryReader(History);

impl HistoryReader {
    /// Opens the store in its folder. What is older than `retention` is not found.
    pub fn open(dir: &Path, retention: Duration, clock: Clock) -> Result<Self, HistoryError> {
        // The tail first: what is sealed after that is in it still, what was sealed before is in a day that is listed then.
        let tail = Tail::look(dir)?;
        let (partitions, dailies, maintenance) = (Partitions::look(dir)?, Dailies::look(dir)?, Mutex::default());
        let daily_retention = retention;
        Ok(Self(History::of(Store { tail, partitions, dailies, maintenance, retention, daily_retention, clock })))
    }

    /// As [`History::track`].
    pub fn track(&self, device: &DeviceId, from: Timestamp, to: Timestamp) -> Result<Vec<TrackPoint>, HistoryError> {
        self.0.track(device, from, to)
    }

    /// As [`History::track_simplified`].
    pub fn track_simplified(
        &self,
        device: &DeviceId,
        span: (Timestamp, Timestamp),
        vertices: usize,
        gap: Duration,
    ) -> Result<Simplified, HistoryError> {
        self.0.track_simplified(device, span, vertices, gap)
    }

    /// As [`History::track_vertices`].
    pub fn track_vertices(&self, device: &DeviceId, track: &Simplified) -> Result<Vec<Vec<TrackPoint>>, HistoryError> {
        self.0.track_vertices(device, track)
    }
}
