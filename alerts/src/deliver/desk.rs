//! Who is told next: attempts under way, room for more, and what came of each.
//!
//! In: the outbox.   Out: attempts, each on its own, and their receipts, written together.   Never: the room of all taken by one
//! receiver that hangs, nor two messages of one case under way to one receiver.

use super::breaker::Breaker;
use super::sender::{Answer, Sender};
use super::{DeliverError, DeliverParts, backoff, digest};
use crate::store::{Due, Looked, Share, StoreError};
use model::{ChannelKind, Language, Receipt, ReceiptState, Subscriber, Timestamp};
use registry::View;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// Attempts under way at once, over all subscribers.
const ATTEMPTS_AT_ONCE: usize = 256;
/// To one program.
const ATTEMPTS_EACH: usize = 8;
/// Messages for one person that are looked at together: a storm has to be seen whole to be told as one.
const DUE_TOGETHER: usize = 500;
/// Without news the outbox is looked at this often: a safety net, the log's bell is the rule.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What came of one attempt.
pub(super) struct Done {
    subscriber: String,
    /// A yes, a no that says something about the receiver, or neither.
    verdict: Verdict,
    receipts: Vec<(Receipt, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Took,
    /// And for how long it asked us to wait.
    Failed(Option<Duration>),
    /// It says that it is no more.
    Gone,
    /// It was not asked, or the message was at fault.
    Neither,
}

/// What is under way.
pub(super) struct Desk {
    parts: Arc<DeliverParts>,
    sender: Arc<Sender>,
    under_way: JoinSet<Done>,
    busy: HashSet<String>,
    /// Attempts under way to each.
    each: HashMap<String, usize>,
    breaker: Breaker,
}

impl Desk {
    pub(super) fn new(parts: DeliverParts) -> Result<Self, DeliverError> {
        let sender = Sender::new(parts.allowed.clone(), parts.timeout, parts.sms.clone(), parts.upstream.clone())?;
        Ok(Self {
            parts: Arc::new(parts),
            sender: Arc::new(sender),
            under_way: JoinSet::new(),
            busy: HashSet::new(),
            each: HashMap::new(),
            breaker: Breaker::default(),
        })
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Starts what is due and has room; how long there is nothing more to start unless something happens.
    pub(super) async fn start_what_is_due(&mut self) -> Result<Duration, DeliverError> {
        let free = ATTEMPTS_AT_ONCE.saturating_sub(self.under_way.len());
        if free == 0 {
            return Ok(LOOK_AGAIN);
        }
        let now = self.parts.clock.now();
        let looked = self.look(now, free).await?;
        for due in looked.due.into_iter().take(free) {
            self.start(due);
        }
        let rested =
            looked.held.iter().filter_map(|receiver| self.breaker.until(receiver)).filter(|until| *until > now);
        let next = rested.chain(looked.next_at).min();
        Ok(next.map_or(LOOK_AGAIN, |at| at.since(now).min(LOOK_AGAIN)))
    }

    /// What is due, that of one person together.
    async fn look(&self, now: Timestamp, free: usize) -> Result<Looked, DeliverError> {
        let view = Arc::clone(&self.parts.registry.view().borrow());
        let room = Room { view: Arc::clone(&view), each: self.each.clone(), breaker: self.breaker.clone(), free, now };
        let (store, busy) = (self.parts.store.clone(), self.busy.clone());
        let mut looked = blocking(move || store.look(now, |receiver| room.of(receiver), &busy)).await?;
        looked.due = digest::merged(looked.due, |id| told(&view, id));
        Ok(looked)
    }

    fn start(&mut self, due: Due) {
        self.busy.extend(due.with.iter().map(|(id, _)| id.clone()).chain([due.id.clone()]));
        *self.each.entry(due.subscriber.clone()).or_default() += 1;
        let (parts, sender) = (Arc::clone(&self.parts), Arc::clone(&self.sender));
        self.under_way.spawn(async move { attempt(&parts, &sender, due).await });
    }

    /// The next attempt that ends, and all that have ended by then. Waits for ever when nothing is under way.
    pub(super) async fn finished(&mut self) -> Result<Vec<Done>, DeliverError> {
        let ended = |done: Result<Done, JoinError>| done.map_err(|error| DeliverError::Panicked(error.to_string()));
        let Some(first) = self.under_way.join_next().await else { return std::future::pending().await };
        let mut done = vec![ended(first)?];
        while let Some(next) = self.under_way.try_join_next() {
            done.push(ended(next)?);
        }
        Ok(done)
    }

    /// Writes down what came of attempts.
    pub(super) async fn keep(&mut self, done: Vec<Done>) -> Result<(), DeliverError> {
        let now = self.parts.clock.now();
        let mut receipts = Vec::new();
        let mut verdicts = Vec::new();
        for Done { subscriber, verdict, receipts: of_one } in done {
            for (receipt, _) in &of_one {
                self.busy.remove(&receipt.delivery);
            }
            match self.each.get_mut(&subscriber) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.each.remove(&subscriber)),
            }
            receipts.extend(of_one);
            verdicts.push((subscriber, verdict));
        }
        let store = self.parts.store.clone();
        blocking(move || store.receipts(&receipts)).await?;
        for (subscriber, verdict) in verdicts {
            self.learn(subscriber, verdict, now).await?;
        }
        self.parts.metrics.receivers_resting.set(i64::try_from(self.breaker.resting()).unwrap_or(i64::MAX));
        Ok(())
    }

    /// What an attempt says about the receiver.
    async fn learn(&mut self, subscriber: String, verdict: Verdict, now: Timestamp) -> Result<(), DeliverError> {
        let store = self.parts.store.clone();
        match verdict {
            Verdict::Neither => {}
            Verdict::Took => {
                if self.breaker.took(&subscriber) {
                    tracing::info!(subscriber, "the receiver takes messages again; what waits is sent");
                    // Not to a phone: of an attempt of which nobody knows, the provider is asked a minute later.
                    let view = Arc::clone(&self.parts.registry.view().borrow());
                    let is_phone = |one: &Subscriber| one.id == subscriber && one.channel == ChannelKind::Sms;
                    if !view.subscribers.iter().any(is_phone) {
                        blocking(move || store.hurry(&subscriber, now)).await?;
                    }
                }
            }
            Verdict::Failed(asked) => {
                if self.breaker.failed(&subscriber, asked, now) {
                    tracing::warn!(
                        subscriber,
                        "the receiver fails again and again and is left alone for a while; messages wait"
                    );
                }
                if self.breaker.until(&subscriber).is_some() {
                    let since = now.minus(backoff::GIVE_UP_AFTER);
                    let why = "given up after three days: the receiver took nothing";
                    blocking(move || store.give_up(&subscriber, since, now, why)).await?;
                }
            }
            Verdict::Gone => {
                let registry = self.parts.registry.clone();
                let off = tokio::task::spawn_blocking(move || {
                    let why = "the receiver answered 410: it is no more";
                    registry.switch_subscriber(&subscriber, Some(why), "platform").map_err(|error| (subscriber, error))
                });
                match off.await.map_err(|error| DeliverError::Panicked(error.to_string()))? {
                    Ok(off) => tracing::warn!(
                        subscriber = off.id,
                        "a receiver answered 410 and is switched off; POST /api/v1/subscribers/{{id}}/enable switches it on again"
                    ),
                    Err((subscriber, error)) => {
                        tracing::error!(subscriber, %error, "a receiver that is gone cannot be switched off")
                    }
                }
            }
        }
        Ok(())
    }
}

/// In which language somebody is told in words; `None` for programs.
fn told(view: &View, subscriber: &str) -> Option<Language> {
    let subscriber = view.subscribers.iter().find(|known| known.id == subscriber)?;
    subscriber.channel.is_text().then_some(subscriber.language)
}

/// How much each may be sent now.
struct Room {
    view: Arc<View>,
    each: HashMap<String, usize>,
    breaker: Breaker,
    free: usize,
    now: Timestamp,
}

impl Room {
    fn of(&self, receiver: &str) -> Share {
        let under_way = self.each.get(receiver).copied().unwrap_or(0);
        match told(&self.view, receiver) {
            // One message after the other, each of all that waits, in its own time: what failed together is tried again together.
            Some(_) if under_way > 0 => Share::from(0),
            Some(_) => Share::from(self.breaker.room(receiver, DUE_TOGETHER, self.now)),
            None => {
                let room = self.breaker.room(receiver, ATTEMPTS_EACH.min(self.free), self.now);
                // What waits for a program that was left alone may be due only in hours; whether it is back is found out now.
                let whenever = self.breaker.is_tried(receiver, self.now);
                Share { most: room.saturating_sub(under_way), whenever }
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, DeliverError> {
    Ok(tokio::task::spawn_blocking(step).await.map_err(|error| DeliverError::Panicked(error.to_string()))??)
}

/// One attempt, what came of it for all that it tells of, and when to try again should it fail.
async fn attempt(parts: &DeliverParts, sender: &Sender, due: Due) -> Done {
    let subscriber = {
        let view = parts.registry.view();
        let view = view.borrow();
        view.subscribers.iter().find(|subscriber| subscriber.id == due.subscriber).cloned()
    };
    let channel = subscriber.as_ref().map_or("none", |subscriber| subscriber.channel.as_str());
    let started = parts.clock.now();
    let answer = match &subscriber {
        None => Answer::Refused("the subscriber was removed".into()),
        Some(Subscriber { off: Some(why), .. }) => Answer::Refused(format!("the subscriber is switched off: {why}")),
        Some(subscriber) => sender.send(subscriber, &due, started).await,
    };
    let now = parts.clock.now();
    let Judged { state, label, attempts, next_at, text, verdict } = judge(answer, &due, now);
    let text = subscriber.as_ref().map_or(text.clone(), |subscriber| without_secrets(&text, subscriber));
    parts.metrics.attempts.with_label_values(&[channel, label]).inc();
    if state == ReceiptState::Delivered {
        tracing::debug!(delivery = due.id, attempts, "delivered");
    } else {
        let (delivery, subscriber) = (&due.id, &due.subscriber);
        tracing::warn!(delivery, subscriber, attempts, state = state.as_str(), reason = text, "not delivered");
    }
    let counted = attempts.saturating_sub(due.attempts);
    let all = due.with.into_iter().chain([(due.id, due.attempts)]);
    let took_ms = u64::try_from(now.since(started).as_millis()).unwrap_or(u64::MAX);
    let receipt = |(delivery, before): (String, u32)| {
        let attempts = before.saturating_add(counted);
        (Receipt { delivery, state, attempts, at: now, took_ms, answer: text.clone() }, next_at)
    };
    Done { subscriber: due.subscriber, verdict, receipts: all.map(receipt).collect() }
}

struct Judged {
    state: ReceiptState,
    label: &'static str,
    attempts: u32,
    next_at: Timestamp,
    text: String,
    verdict: Verdict,
}

fn judge(answer: Answer, due: &Due, now: Timestamp) -> Judged {
    let tried = due.attempts.saturating_add(1);
    let finished = |state, label, text, verdict| Judged { state, label, attempts: tried, next_at: now, text, verdict };
    match answer {
        Answer::Accepted(text) => finished(ReceiptState::Delivered, "delivered", text, Verdict::Took),
        Answer::Refused(text) => finished(ReceiptState::Dead, "refused", text, Verdict::Neither),
        Answer::Gone(text) => finished(ReceiptState::Dead, "refused", text, Verdict::Gone),
        Answer::Turn(wait) => Judged {
            state: ReceiptState::Pending,
            label: "paced",
            attempts: due.attempts,
            next_at: now.plus(wait),
            text: "waits for its turn: so many at once are not taken".into(),
            verdict: Verdict::Neither,
        },
        Answer::Later { reason, after } => match backoff::next(tried, now.since(due.first_at), after) {
            Some(wait) => Judged {
                state: ReceiptState::Pending,
                label: "failed",
                attempts: tried,
                next_at: now.plus(wait),
                text: reason,
                verdict: Verdict::Failed(after),
            },
            None => {
                let text = format!("given up after three days: {reason}");
                finished(ReceiptState::Dead, "given_up", text, Verdict::Failed(after))
            }
        },
    }
}

/// An answer may repeat what it was sent: nothing of the subscriber's secret, phone or token is kept of it.
fn without_secrets(text: &str, subscriber: &Subscriber) -> String {
    let query = subscriber.url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let tokens = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    // A group's robot may carry its token as the last step of its path.
    let path = subscriber.url.split('?').next().and_then(|path| path.rsplit('/').next());
    let path = path.filter(|_| subscriber.channel.is_text());
    let phone = subscriber.phone.as_deref().map(|phone| phone.trim_start_matches("+86"));
    let hidden = [subscriber.secret.as_str(), subscriber.secret.trim_start_matches("whsec_")];
    let hidden = hidden.into_iter().chain(tokens).chain(path).chain(phone).filter(|secret| secret.len() >= 6);
    hidden.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}
