//! One device's way to the platform: connect, say, be thanked, connect again.
//!
//! In:  parcels from a bounded inbox.   Out: the same, published with QoS 1 at least once each, in order, until acknowledged.
//!
//! It ends when its inbox is closed and everything is acknowledged; whoever cannot wait drops it.

use super::link::{self, Client, Events, Heard, LinkError, Login, WINDOW};
use super::outstanding::{Outstanding, Parcel};
use super::stats::FleetStats;
use crate::rng::Rng;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// First pause before connecting again; it doubles with each failure in a row.
const RETRY_FIRST_MS: u64 = 500;
/// Longest pause.
const RETRY_MAX_MS: u64 = 15_000;

/// Told about every acknowledged parcel.
pub type OnAck = Arc<dyn Fn(&Parcel) + Send + Sync>;

/// What a connection shares with the rest of its fleet.
#[derive(Clone)]
pub struct Shared {
    /// Counters.
    pub stats: Arc<FleetStats>,
    /// Told about every acknowledgement.
    pub on_ack: Option<OnAck>,
}

enum End {
    Finished,
    Failed(LinkError),
}

/// Runs a device's connection to its end.
pub async fn run(login: Login, mut inbox: mpsc::Receiver<Parcel>, shared: Shared, mut rng: Rng) {
    let outstanding = Outstanding::default();
    let mut pause_ms = RETRY_FIRST_MS;
    loop {
        let mut was_connected = false;
        match session(&login, &mut inbox, &outstanding, &shared, &mut was_connected).await {
            End::Finished => return,
            End::Failed(error) => note_failure(&login, &error, &shared.stats, was_connected),
        }
        if inbox.is_closed() && inbox.is_empty() && outstanding.len() == 0 {
            return;
        }
        pause_ms = if was_connected { RETRY_FIRST_MS } else { (pause_ms * 2).min(RETRY_MAX_MS) };
        // Jitter: 230 devices that lost the same platform do not come back in the same instant.
        tokio::time::sleep(Duration::from_millis(rng.whole(pause_ms / 2, pause_ms))).await;
    }
}

fn note_failure(login: &Login, error: &LinkError, stats: &FleetStats, was_connected: bool) {
    match error {
        LinkError::Refused(reason) => {
            stats.note_refused();
            tracing::warn!(device = %login.device, %reason, "refused; check the device's secret");
        }
        LinkError::Lost(reason) => {
            if was_connected {
                stats.note_lost();
            }
            tracing::debug!(device = %login.device, %reason, "connection lost");
        }
    }
}

async fn session(
    login: &Login,
    inbox: &mut mpsc::Receiver<Parcel>,
    outstanding: &Outstanding,
    shared: &Shared,
    was_connected: &mut bool,
) -> End {
    let (client, mut events) = link::open(login);
    loop {
        match events.next().await {
            Ok(Heard::Connected) => break,
            Ok(_) => {}
            Err(error) => return End::Failed(error),
        }
    }
    *was_connected = true;
    let _connected = shared.stats.connect();
    // Both halves run side by side and neither is ever dropped in the middle of a step while the connection lives.
    tokio::select! {
        end = listen(&mut events, outstanding, shared) => end,
        () = speak(&client, inbox, outstanding, &shared.stats) => End::Failed(LinkError::Lost("client ended".to_owned())),
    }
}

async fn listen(events: &mut Events, outstanding: &Outstanding, shared: &Shared) -> End {
    loop {
        match events.next().await {
            Ok(Heard::Sent(packet_id)) => outstanding.sent(packet_id),
            Ok(Heard::Acked(packet_id)) => {
                if let Some(parcel) = outstanding.settle(packet_id) {
                    shared.stats.note_acked();
                    if let Some(on_ack) = &shared.on_ack {
                        on_ack(&parcel);
                    }
                }
            }
            Ok(Heard::Rejected(packet_id)) => {
                if let Some(parcel) = outstanding.settle(packet_id) {
                    shared.stats.note_dropped(1);
                    tracing::warn!(topic = %parcel.topic, "message refused");
                }
            }
            Ok(Heard::Left) => return End::Finished,
            Ok(Heard::Connected | Heard::Other) => {}
            Err(error) => return End::Failed(error),
        }
    }
}

/// Returns only when the client can no longer be spoken to.
async fn speak(client: &Client, inbox: &mut mpsc::Receiver<Parcel>, outstanding: &Outstanding, stats: &FleetStats) {
    let (again, given_up) = outstanding.again();
    stats.note_dropped(given_up);
    for parcel in again {
        if !client.publish(parcel.topic, parcel.payload).await {
            return;
        }
    }
    loop {
        outstanding.fewer_than(usize::from(WINDOW)).await;
        let Some(parcel) = inbox.recv().await else { break };
        // First remembered, then published: a connection that breaks in between loses nothing.
        outstanding.push(parcel.clone());
        stats.note_sent();
        if !client.publish(parcel.topic, parcel.payload).await {
            return;
        }
    }
    outstanding.fewer_than(1).await;
    if client.disconnect().await {
        // The listening half hears our goodbye and ends the session.
        std::future::pending::<()>().await;
    }
}
