//! How a fleet is doing, readable while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Counters of a running fleet, shared by all its connections.
#[derive(Debug, Default)]
pub struct FleetStats {
    connected: watch::Sender<u64>,
    sent: AtomicU64,
    acked: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    lost_connections: AtomicU64,
}

impl FleetStats {
    /// Devices connected just now.
    pub fn connected(&self) -> u64 {
        *self.connected.borrow()
    }

    /// Waits until so many devices are connected at once.
    pub async fn wait_connected(&self, devices: u64) {
        // The sender is `self`, so the wait cannot end by its loss.
        self.connected.subscribe().wait_for(|connected| *connected >= devices).await.ok();
    }

    /// Messages handed to a connection, repetitions after a lost one not counted.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Messages that the other side acknowledged.
    pub fn acked(&self) -> u64 {
        self.acked.load(Ordering::Relaxed)
    }

    /// Messages given up because a device's memory was full or the other side would not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Times that a device was refused: an unknown name or a wrong secret.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Times that a connection broke.
    pub fn lost_connections(&self) -> u64 {
        self.lost_connections.load(Ordering::Relaxed)
    }

    pub(super) fn note_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_acked(&self) {
        self.acked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Ordering::Relaxed);
    }

    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_lost(&self) {
        self.lost_connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a device as connected until the guard is dropped.
    pub(super) fn connect(&self) -> ConnectedGuard<'_> {
        self.connected.send_modify(|connected| *connected += 1);
        ConnectedGuard(self)
    }
}

/// One connected device.
pub(super) struct ConnectedGuard<'a>(&'a FleetStats);

impl Drop for ConnectedGuard<'_> {
    fn drop(&mut self) {
        self.0.connected.send_modify(|connected| *connected = connected.saturating_sub(1));
    }
}
