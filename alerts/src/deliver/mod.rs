//! Alert -> Receipt: tells subscribers from the durable outbox, again and again until each has accepted or all hope is gone.
//!
//! In: pending deliveries of the store. Out: a [`Receipt`] for every attempt. Sending and writing the receipt are two
//! steps: after a crash between them the same message goes out again under the same id, and the receiver can tell.

mod address;
mod backoff;
mod digest;
mod pace;
mod robot;
mod sender;
mod sms;
mod webhook;

pub use sms::{Aliyun, BadSms, Params, Sms, Spool, Tencent, Way};
pub use webhook::sign;

use crate::metrics::Metrics;
use crate::store::{Due, Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::{Clock, Networks, Receipt, ReceiptState, Timestamp};
use registry::View;
use sender::{Answer, Sender};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Attempts under way at once, over all subscribers.
const ATTEMPTS_AT_ONCE: usize = 32;
/// Deliveries looked at together: a storm for one person has to be seen whole to be told as one.
const DUE_AT_ONCE: usize = 500;
/// Without news the outbox is looked at this often: a safety net, the log's bell is the rule.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Why delivery stopped.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The outbox.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP client could not be made.
    #[error("webhook client: {0}")]
    Client(#[from] reqwest::Error),
    /// A step of ours panicked.
    #[error("delivery stopped: {0}")]
    Panicked(String),
}

/// What delivery works with.
pub struct DeliverParts {
    /// The outbox.
    pub store: Store,
    /// For secrets and addresses.
    pub view: watch::Receiver<Arc<View>>,
    /// Private networks that receivers may be in; none by default.
    pub allowed: Networks,
    /// By what way phones are reached; none: text messages wait.
    pub sms: Option<Sms>,
    /// When an attempt is due.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
}

/// Runs until `stop`; attempts under way are finished first, within their own timeout.
pub async fn run(parts: DeliverParts, stop: CancellationToken) -> Result<(), DeliverError> {
    let sender = Sender::new(parts.allowed.clone(), parts.sms.clone())?;
    let mut news = parts.store.log().head();
    let mut under_way = FuturesUnordered::new();
    let mut busy: Vec<String> = Vec::new();
    while !stop.is_cancelled() {
        let room = ATTEMPTS_AT_ONCE.saturating_sub(under_way.len());
        for due in look(&parts, room, &busy).await? {
            busy.extend(due.with.iter().map(|(id, _)| id.clone()).chain([due.id.clone()]));
            under_way.push(attempt(&parts, &sender, due));
        }
        let wait = pause(&parts).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            // Ringing also happens for our own receipts; a look at an index is cheap.
            Ok(()) = news.changed(), if room > 0 => {}
            Some(outcome) = under_way.next(), if !under_way.is_empty() => {
                let (receipts, next_at) = outcome;
                busy.retain(|id| !receipts.iter().any(|receipt| receipt.delivery == *id));
                keep(&parts, receipts, next_at).await?;
            }
            () = tokio::time::sleep(wait), if room > 0 => {}
        }
    }
    while let Some((receipts, next_at)) = under_way.next().await {
        keep(&parts, receipts, next_at).await?;
    }
    Ok(())
}

/// What is due, that of one person together.
async fn look(parts: &DeliverParts, room: usize, busy: &[String]) -> Result<Vec<Due>, DeliverError> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let (store, now, busy) = (parts.store.clone(), parts.clock.now(), busy.to_vec());
    let mut due = blocking(move || store.due(now, DUE_AT_ONCE, &busy)).await?;
    let view = Arc::clone(&parts.view.borrow());
    let told = |id: &str| {
        let subscriber = view.subscribers.iter().find(|subscriber| subscriber.id == id)?;
        Some((subscriber.channel, subscriber.language))
    };
    due = digest::merged(due, told);
    due.truncate(room);
    Ok(due)
}

async fn keep(parts: &DeliverParts, receipts: Vec<Receipt>, next_at: Timestamp) -> Result<(), DeliverError> {
    let store = parts.store.clone();
    blocking(move || receipts.iter().try_for_each(|receipt| store.receipt(receipt, next_at))).await
}

/// Until the next attempt is due, or the safety net.
async fn pause(parts: &DeliverParts) -> Result<Duration, DeliverError> {
    let store = parts.store.clone();
    let next = blocking(move || store.next_due()).await?;
    let until = next.map_or(LOOK_AGAIN, |at| at.since(parts.clock.now()));
    // Due but waiting for its turn in the lane: the receipt of the one before wakes us.
    Ok(if until.is_zero() { LOOK_AGAIN } else { until.min(LOOK_AGAIN) })
}

async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, DeliverError> {
    Ok(tokio::task::spawn_blocking(step).await.map_err(|error| DeliverError::Panicked(error.to_string()))??)
}

/// One attempt, what came of it for all that it tells of, and when to try again should it fail.
async fn attempt(parts: &DeliverParts, sender: &Sender, due: Due) -> (Vec<Receipt>, Timestamp) {
    let subscriber = {
        let view = parts.view.borrow();
        view.subscribers.iter().find(|subscriber| subscriber.id == due.subscriber).cloned()
    };
    let channel = subscriber.as_ref().map_or("none", |subscriber| subscriber.channel.as_str());
    let started = parts.clock.now();
    let answer = match &subscriber {
        Some(subscriber) => sender.send(subscriber, &due, started).await,
        None => Answer::Refused("the subscriber was removed".into()),
    };
    let now = parts.clock.now();
    let tried = due.attempts.saturating_add(1);
    let (state, label, attempts, next_at, text) = match answer {
        Answer::Accepted(text) => (ReceiptState::Delivered, "delivered", tried, now, text),
        Answer::Refused(text) => (ReceiptState::Dead, "refused", tried, now, text),
        Answer::Turn(wait) => (
            ReceiptState::Pending,
            "paced",
            due.attempts,
            now.plus(wait),
            "waits for its turn: so many at once are not taken".into(),
        ),
        Answer::Later { reason, after } => match backoff::next(tried, now.since(due.first_at), after) {
            Some(wait) => (ReceiptState::Pending, "failed", tried, now.plus(wait), reason),
            None => (ReceiptState::Dead, "given_up", tried, now, format!("given up after three days: {reason}")),
        },
    };
    parts.metrics.attempts.with_label_values(&[channel, label]).inc();
    if state == ReceiptState::Delivered {
        tracing::debug!(delivery = due.id, attempts, "delivered");
    } else {
        tracing::warn!(
            delivery = due.id,
            subscriber = due.subscriber,
            attempts,
            state = state.as_str(),
            reason = text,
            "not delivered"
        );
    }
    let counted = attempts.saturating_sub(due.attempts);
    let all = due.with.into_iter().chain([(due.id, due.attempts)]);
    let receipt = |(delivery, before): (String, u32)| Receipt {
        delivery,
        state,
        attempts: before.saturating_add(counted),
        at: now,
        answer: text.clone(),
    };
    (all.map(receipt).collect(), next_at)
}

#[cfg(test)]
mod tests {
    use super::sender::Http;
    use model::{ChannelKind, Language, Networks, Severity, Subscriber, Timestamp};

    /// A client that may speak to this machine.
    pub(crate) fn http() -> Http {
        // Fails when another test did it before.
        rustls::crypto::ring::default_provider().install_default().ok();
        Http::new(Networks::parse(["127.0.0.0/8"]).unwrap()).unwrap()
    }

    /// Somebody who hears everything by this way.
    pub(crate) fn subscriber(id: &str, channel: ChannelKind) -> Subscriber {
        Subscriber {
            id: id.to_owned(),
            name: id.to_owned(),
            channel,
            url: "http://127.0.0.1:9/".into(),
            phone: (channel == ChannelKind::Sms).then(|| "+8613900000000".to_owned()),
            language: Language::Zh,
            secret: String::new(),
            events: vec![],
            townships: vec![],
            zones: vec![],
            severity: Severity::Notice,
            duty: None,
            since: Timestamp::default(),
        }
    }
}
