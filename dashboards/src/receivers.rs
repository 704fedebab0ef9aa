//! How those who are told take it: what waits for each, and what came of the last attempts.
//!
//! In: deliveries as they change.   Out: a line for each subscriber, and counts for the metrics.   Never: a list of all deliveries read
//! for it; what changes is counted as it changes.

use journal::wire::DeliveryJson;
use model::ReceiptState;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// Receivers remembered; the registry holds no more.
const RECEIVERS_MAX: usize = 10_000;

#[derive(Debug, Default, Clone)]
struct Receiver {
    pending: i64,
    dead: i64,
    delivered_at: Option<String>,
    failed: Option<(String, String)>,
}

/// How a subscriber takes what it is told. `unknown`: nothing was tried yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceiverState {
    Unknown,
    Ok,
    Failing,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SubscriberHealth)]
pub(crate) struct ReceiverJson {
    state: ReceiverState,
    /// What waits for it.
    pending: i64,
    /// What was given up.
    dead: i64,
    #[schema(required, format = DateTime)]
    delivered_at: Option<String>,
    #[schema(required, format = DateTime)]
    failed_at: Option<String>,
    /// What it said, or what was wrong, when it last failed.
    #[schema(required)]
    answer: Option<String>,
}

/// The lines.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    each: HashMap<String, Receiver>,
    counts: BTreeMap<(String, String), i64>,
}

impl Receivers {
    /// A delivery changed, came, or is no longer kept.
    pub fn changed(&mut self, before: Option<&DeliveryJson>, after: Option<&DeliveryJson>) {
        for (delivery, by) in [(before, -1), (after, 1)] {
            let Some(delivery) = delivery else { continue };
            *self.counts.entry((delivery.channel.clone(), delivery.state.clone())).or_default() += by;
            if self.each.len() >= RECEIVERS_MAX && !self.each.contains_key(&delivery.subscriber) {
                continue;
            }
            let receiver = self.each.entry(delivery.subscriber.clone()).or_default();
            match delivery.state.as_str() {
                "pending" => receiver.pending += by,
                "dead" => receiver.dead += by,
                _ => {}
            }
        }
        if let Some(after) = after {
            self.learn(after);
        }
    }

    fn learn(&mut self, delivery: &DeliveryJson) {
        let Some(receiver) = self.each.get_mut(&delivery.subscriber) else { return };
        if delivery.state == ReceiptState::Delivered.as_str() {
            receiver.delivered_at = receiver.delivered_at.take().max(Some(delivery.at.clone()));
        } else if delivery.attempts > 0 {
            receiver.failed = Some((delivery.at.clone(), delivery.answer.clone()));
        }
    }

    /// How a subscriber takes what it is told. `unknown`: nothing was tried yet.
    pub fn line(&self, subscriber: &str) -> ReceiverJson {
        let Receiver { pending, dead, delivered_at, failed } = self.each.get(subscriber).cloned().unwrap_or_default();
        let fails = match (&delivered_at, &failed) {
            (Some(delivered), Some((at, _))) => at > delivered,
            (None, failed) => failed.is_some(),
            (Some(_), None) => false,
        };
        let state = match (fails, &delivered_at) {
            (true, _) => ReceiverState::Failing,
            (false, Some(_)) => ReceiverState::Ok,
            (false, None) => ReceiverState::Unknown,
        };
        let (failed_at, answer) = failed.unzip();
        ReceiverJson { state, pending, dead, delivered_at, failed_at, answer }
    }

    /// How many deliveries of each way are in each state.
    pub fn counts(&self) -> Vec<(&str, &str, i64)> {
        self.counts.iter().map(|((channel, state), count)| (channel.as_str(), state.as_str(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delivery(state: &str, attempts: u32, at: &str) -> DeliveryJson {
        let text = json!({
            "id": "d-1", "alert": "a", "type": "steppewatch.incident.opened", "incident": null, "subscriber": "s-1",
            "subscriber_name": "镇政府", "channel": "webhook", "state": state, "attempts": attempts,
            "at": format!("2026-04-01T00:00:{at}Z"), "answer": "503",
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_receiver_is_failing_from_its_last_failure_until_it_takes_something() {
        let mut receivers = Receivers::default();
        assert_eq!(receivers.line("s-1").state, ReceiverState::Unknown);
        let steps = [
            (delivery("pending", 0, "00"), ReceiverState::Unknown, 1, 0),
            (delivery("pending", 1, "01"), ReceiverState::Failing, 1, 0),
            (delivery("delivered", 2, "02"), ReceiverState::Ok, 0, 0),
            (delivery("dead", 3, "03"), ReceiverState::Failing, 0, 1),
        ];
        let mut before: Option<DeliveryJson> = None;
        for (step, state, pending, dead) in steps {
            receivers.changed(before.as_ref(), Some(&step));
            let line = receivers.line("s-1");
            assert_eq!((line.state, line.pending, line.dead), (state, pending, dead));
            before = Some(step);
        }
        let dead: Vec<_> = receivers.counts().into_iter().filter(|(.., count)| *count > 0).collect();
        assert_eq!(dead, [("webhook", "dead", 1)]);
    }
}
