//! What a device has said and not yet been thanked for.
//!
//! In:  parcels as they are published, and what is heard about them.   Out: which are settled, which must be said again.
//!
//! Why not leave it to the client crate: it forgets what was on its way when a new session begins, and a device may not.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// A message that broke so many connections is the reason, not the victim.
const MAX_ATTEMPTS: u8 = 10;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Full topic.
    pub topic: String,
    /// Payload; shared, not copied.
    pub payload: Bytes,
    /// When it was due, for latencies.
    pub due: Instant,
    /// The sender's own number for it.
    pub number: u64,
}

#[derive(Debug)]
struct Entry {
    parcel: Parcel,
    packet_id: Option<u16>,
    attempts: u8,
}

/// At most a window of parcels, oldest first.
#[derive(Debug, Default)]
pub struct Outstanding {
    entries: Mutex<VecDeque<Entry>>,
    settled: Notify,
}

impl Outstanding {
    /// Remembers a parcel that is about to be published.
    pub fn push(&self, parcel: Parcel) {
        self.lock().push_back(Entry { parcel, packet_id: None, attempts: 1 });
    }

    /// The oldest parcel without a packet id was written under this one: messages are written in the order of `push`.
    pub fn sent(&self, packet_id: u16) {
        if let Some(entry) = self.lock().iter_mut().find(|entry| entry.packet_id.is_none()) {
            entry.packet_id = Some(packet_id);
        }
    }

    /// The parcel of this packet id is settled; `None` for an id that we do not know.
    pub fn settle(&self, packet_id: u16) -> Option<Parcel> {
        let mut entries = self.lock();
        let place = entries.iter().position(|entry| entry.packet_id == Some(packet_id))?;
        let entry = entries.remove(place)?;
        drop(entries);
        self.settled.notify_one();
        Some(entry.parcel)
    }

    /// Everything that has to be said again on a new connection, and how many were given up.
    pub fn again(&self) -> (Vec<Parcel>, u64) {
        let mut entries = self.lock();
        let before = entries.len();
        entries.retain(|entry| entry.attempts < MAX_ATTEMPTS);
        for entry in entries.iter_mut() {
            entry.packet_id = None;
            entry.attempts += 1;
        }
        let given_up = (before - entries.len()) as u64;
        (entries.iter().map(|entry| entry.parcel.clone()).collect(), given_up)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits until fewer than `limit` are outstanding. For one waiter.
    pub async fn fewer_than(&self, limit: usize) {
        while self.len() >= limit {
            self.settled.notified().await;
        }
    }

    /// Every change is one push or one removal: nothing is left by halves when a holder panics.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(number: u64) -> Parcel {
        Parcel { topic: String::new(), payload: Bytes::new(), due: Instant::now(), number }
    }

    #[test]
    fn acknowledgements_settle_the_parcel_of_their_packet_whatever_their_order() {
        let outstanding = Outstanding::default();
        (1..=3).for_each(|number| outstanding.push(parcel(number)));
        [7, 8, 9].into_iter().for_each(|id| outstanding.sent(id));
        assert_eq!(outstanding.settle(8).map(|parcel| parcel.number), Some(2));
        assert_eq!(outstanding.settle(8).map(|parcel| parcel.number), None);
        assert_eq!(outstanding.settle(7).map(|parcel| parcel.number), Some(1));
        assert_eq!(outstanding.len(), 1);
    }

    #[test]
    fn what_was_not_settled_is_said_again_in_order_and_old_packet_ids_mean_nothing() {
        let outstanding = Outstanding::default();
        (1..=3).for_each(|number| outstanding.push(parcel(number)));
        [1, 2].into_iter().for_each(|id| outstanding.sent(id));
        outstanding.settle(1);
        let (again, given_up) = outstanding.again();
        assert_eq!((again.iter().map(|parcel| parcel.number).collect::<Vec<_>>(), given_up), (vec![2, 3], 0));
        assert!(outstanding.settle(2).is_none());
    }

    #[test]
    fn a_message_that_never_gets_through_is_given_up_at_last() {
        let outstanding = Outstanding::default();
        outstanding.push(parcel(1));
        let given_up: u64 = (0..20).map(|_| outstanding.again().1).sum();
        assert_eq!((given_up, outstanding.len()), (1, 0));
    }
}
