//! What reader and writer of one session both know: messages on their way to the client, answers that wait for the router.
//!
//! In:  packet ids.   Out: whether there is room, and what the router may be told.
//!
//! Invariant: acknowledgements come out in the order in which the messages went out; the router takes no other.

use rumqttd::protocol::SubscribeReasonCode;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What reader and writer of a session both know.
#[derive(Default)]
pub struct Desk {
    inner: Mutex<DeskInner>,
    /// Told when the client acknowledged something.
    acknowledged: Notify,
}

#[derive(Default)]
struct DeskInner {
    /// Packet ids on their way to the client, in the router's order; `true` once the client acknowledged.
    sent: VecDeque<(u16, bool)>,
    /// SUBACKs to write when the router has taken the subscription.
    subacks: HashMap<u16, Vec<SubscribeReasonCode>>,
}

impl Desk {
    /// The client acknowledged `packet_id`. Answers with what may be passed on to the router now, in its order; nothing
    /// for an id that is not on its way.
    pub fn acknowledge(&self, packet_id: u16) -> Vec<u16> {
        let mut inner = self.lock();
        if let Some(entry) = inner.sent.iter_mut().find(|(id, done)| *id == packet_id && !done) {
            entry.1 = true;
        }
        let mut released = Vec::new();
        while let Some((id, _)) = inner.sent.pop_front_if(|(_, done)| *done) {
            released.push(id);
        }
        drop(inner);
        self.acknowledged.notify_one();
        released
    }

    /// Remembers the answer to a SUBSCRIBE until the router has taken it; `false` if the packet id is in use.
    pub fn expect_suback(&self, packet_id: u16, codes: Vec<SubscribeReasonCode>) -> bool {
        let mut inner = self.lock();
        let free = !inner.subacks.contains_key(&packet_id);
        if free {
            inner.subacks.insert(packet_id, codes);
        }
        free
    }

    /// The answer that was expected, once.
    pub fn take_suback(&self, packet_id: u16) -> Option<Vec<SubscribeReasonCode>> {
        self.lock().subacks.remove(&packet_id)
    }

    /// Takes a place among at most `max` packets on their way.
    pub fn send(&self, packet_id: u16, max: usize) -> bool {
        let mut inner = self.lock();
        let room = inner.sent.iter().filter(|(_, done)| !done).count() < max;
        if room {
            inner.sent.push_back((packet_id, false));
        }
        room
    }

    /// Returns when the client has acknowledged something since the last time.
    pub async fn room(&self) {
        self.acknowledged.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, DeskInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_reach_the_router_in_its_order_whatever_the_clients_order() {
        let desk = Desk::default();
        for packet_id in 1..=4 {
            assert!(desk.send(packet_id, 4));
        }
        assert!(!desk.send(5, 4));
        assert!(desk.acknowledge(2).is_empty());
        assert!(desk.acknowledge(3).is_empty());
        assert!(desk.acknowledge(99).is_empty());
        assert_eq!(desk.acknowledge(1), [1, 2, 3]);
        assert!(desk.acknowledge(1).is_empty());
        assert_eq!(desk.acknowledge(4), [4]);
    }

    #[test]
    fn a_suback_is_answered_once_and_its_packet_id_is_not_taken_twice() {
        let desk = Desk::default();
        assert!(desk.expect_suback(1, vec![SubscribeReasonCode::QoS1]));
        assert!(!desk.expect_suback(1, vec![]));
        assert_eq!(desk.take_suback(1), Some(vec![SubscribeReasonCode::QoS1]));
        assert_eq!(desk.take_suback(1), None);
    }
}
