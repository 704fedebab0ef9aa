//! Alert log -> messages for whoever listens: the same event as a webhook's, under a topic that says whose it is and what happened.
//!
//! In: told alerts of the log, from a durable cursor.   Out: a [`Message`] for each, handed to [`Publish`] in the log's order; the cursor
//! moves when that has them.   Next: the gate.
//!
//! Never: a receipt. Who is not connected and keeps no session misses what is said, and nothing here knows; after a crash some are
//! said again, under the same id. Nobody listens: nothing is made, and the cursor moves on all the same.

use crate::outbox::{cloud_event, delivery_id};
use crate::store::{Store, StoreError};
use futures_util::future::BoxFuture;
use journal::JournalError;
use journal::alert_log::{Record, RecordBody};
use journal::wire::AlertJson;
use model::{AlertKind, ChannelKind, Severity, TenantId};
use prometheus::{IntCounter, IntGauge, Registry};
use registry::View;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The cursor's name.
const CURSOR: &str = "broadcast";
/// Entries of the log that are read, and at most messages that are handed over, in one go.
const AT_ONCE: usize = 100;
/// A cursor that passed so many entries of which none was said is kept: most entries are what came of deliveries.
const KEPT_EVERY: u64 = 1_000;
/// The township's level in the topic of an alert that is of none.
const NO_TOWNSHIP: &str = "-";

/// What is said to whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `steppe/v1/{tenant}/alerts/{township}/{event}`
    pub topic: String,
    /// The CloudEvent.
    pub body: Vec<u8>,
    /// How urgent.
    pub severity: Severity,
}

/// Says messages in their order; has them when it returns.
pub type Publish = Box<dyn Fn(Vec<Message>) -> BoxFuture<'static, Result<(), Unsaid>> + Send + Sync>;

/// Nothing can be said any more, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsaid(pub String);

/// Why the stage stopped.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// Whoever says it.
    #[error(transparent)]
    Unsaid(#[from] Unsaid),
    /// A step of ours panicked.
    #[error("saying alerts stopped: {0}")]
    Panicked(String),
}

/// What this stage counts.
#[derive(Clone)]
pub struct BroadcastMetrics {
    said: IntCounter,
    cursor: IntGauge,
}

impl BroadcastMetrics {
    /// Makes them and registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            said: IntCounter::new("steppewatch_broadcast_alerts_total", "Alerts said to whoever listens by MQTT.")?,
            cursor: IntGauge::new(
                "steppewatch_broadcast_cursor",
                "Last entry of the alert log that was said or passed.",
            )?,
        };
        registry.register(Box::new(metrics.said.clone()))?;
        registry.register(Box::new(metrics.cursor.clone()))?;
        Ok(metrics)
    }
}

/// What the stage works with.
pub struct BroadcastParts {
    /// The log and the cursor.
    pub store: Store,
    /// Whether anybody listens.
    pub view: watch::Receiver<Arc<View>>,
    /// Whose alerts they are.
    pub tenant: TenantId,
    /// By what they are said.
    pub publish: Publish,
    /// Counters.
    pub metrics: BroadcastMetrics,
}

/// Runs until `stop`.
pub async fn run(parts: BroadcastParts, stop: CancellationToken) -> Result<(), BroadcastError> {
    let mut news = parts.store.log().head();
    let store = parts.store.clone();
    let mut kept = match blocking(move || store.cursor(CURSOR)).await?? {
        Some(seq) => seq,
        // Whoever begins to listen is not told of years gone by.
        None => {
            let now = *news.borrow();
            keep(&parts, now).await?
        }
    };
    let mut at = kept;
    while !stop.is_cancelled() {
        news.borrow_and_update();
        let log = parts.store.log().clone();
        let records = blocking(move || log.read(at, AT_ONCE)).await??;
        let Some(last) = records.last() else {
            tokio::select! {
                () = stop.cancelled() => break,
                // The log lives as long as the program; a closed bell only means that it is stopping.
                rung = news.changed() => if rung.is_err() { break },
            }
            continue;
        };
        at = last.seq;
        let messages = if somebody_listens(&parts.view) { said(&records, &parts.tenant) } else { Vec::new() };
        let count = messages.len();
        if count > 0 {
            (parts.publish)(messages).await?;
            parts.metrics.said.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        }
        if count > 0 || at - kept >= KEPT_EVERY {
            kept = keep(&parts, at).await?;
        }
        parts.metrics.cursor.set(i64::try_from(at).unwrap_or(i64::MAX));
    }
    if at > kept {
        keep(&parts, at).await?;
    }
    Ok(())
}

async fn keep(parts: &BroadcastParts, seq: u64) -> Result<u64, BroadcastError> {
    let store = parts.store.clone();
    blocking(move || store.keep_cursor(CURSOR, seq)).await??;
    parts.metrics.cursor.set(i64::try_from(seq).unwrap_or(i64::MAX));
    Ok(seq)
}

async fn blocking<T: Send + 'static>(step: impl FnOnce() -> T + Send + 'static) -> Result<T, BroadcastError> {
    tokio::task::spawn_blocking(step).await.map_err(|error| BroadcastError::Panicked(error.to_string()))
}

fn somebody_listens(view: &watch::Receiver<Arc<View>>) -> bool {
    view.borrow().subscribers.iter().any(|subscriber| subscriber.channel == ChannelKind::Mqtt)
}

fn said(records: &[Record], tenant: &TenantId) -> Vec<Message> {
    let told = records.iter().filter_map(|record| match &record.body {
        RecordBody::Alert(alert) if alert.told => Some(alert),
        RecordBody::Alert(_) | RecordBody::Delivery(_) => None,
    });
    told.filter_map(|alert| message(alert, tenant)).collect()
}

/// `None` for a kind that a later version of the program wrote.
fn message(alert: &AlertJson, tenant: &TenantId) -> Option<Message> {
    let kind = AlertKind::parse(&alert.type_)?;
    let severity = Severity::parse(&alert.severity)?;
    // The same for whoever listens, and at every time that it is said.
    let id = delivery_id(&alert.id, ChannelKind::Mqtt.as_str());
    let township = township(alert).unwrap_or(NO_TOWNSHIP);
    Some(Message {
        topic: format!("steppe/v1/{tenant}/alerts/{township}/{}", kind.topic_level()),
        body: cloud_event(&id, alert, tenant).into_bytes(),
        severity,
    })
}

/// A device is nobody's township, as for a webhook.
fn township(alert: &AlertJson) -> Option<&str> {
    let of_incident = alert.incident.as_ref().and_then(|incident| incident.township.as_deref());
    let of_zone = || alert.zone.as_ref().and_then(|load| load.township.as_deref());
    let of_notice = || alert.notice.as_ref().and_then(|notice| notice.township.as_deref());
    of_incident.or_else(of_zone).or_else(of_notice)
}

#[cfg(test)]
#[path = "broadcast_tests.rs"]
mod tests;
