//! What becomes of a message between a device's encoder and the wire: lost, late, twice, out of order; and how wrong clocks are.
//!
//! In:  [`Message`]s in order of time.   Out: what reaches the wire, and when.   Next: `fleet`.
//!
//! Invariant: pure. Every device has its own stream of chance, so the fate of a message does not depend on what others say.
//! Delays count in real time, whatever the scenario's speed.

use crate::devices::Message;
use crate::rng::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages held back at once over all devices; beyond it nothing more is delayed. At the fleet's 20 messages a second and
/// two minutes of delay a few hundred are usual.
const MAX_HELD: usize = 10_000;
/// A message that waits to be overtaken goes anyway after this long.
const OVERTAKE_MS: u64 = 30_000;
/// A repetition follows within this time.
const REPEAT_MS: u64 = 3_000;

/// How likely what is; probabilities 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Lost before the wire: a full buffer, a reboot. Its number in `seq` is missing for good.
    pub loss: f64,
    /// Held back, up to `delay_max_ms`.
    pub delay: f64,
    /// Longest delay.
    pub delay_max_ms: u64,
    /// Said twice.
    pub repeat: f64,
    /// Overtaken by the device's next message.
    pub reorder: f64,
    /// A device's clock is wrong by up to this much, either way, always by the same.
    pub skew_max_ms: i64,
}

impl Faults {
    /// A perfect world.
    pub const fn none() -> Self {
        Self { loss: 0.0, delay: 0.0, delay_max_ms: 0, repeat: 0.0, reorder: 0.0, skew_max_ms: 0 }
    }

    /// A mild day on the steppe: the demo's default.
    pub const fn steppe() -> Self {
        Self { loss: 0.005, delay: 0.02, delay_max_ms: 90_000, repeat: 0.01, reorder: 0.01, skew_max_ms: 1_500 }
    }

    /// How wrong a device's clock is.
    pub fn skew_ms(&self, seed: u64, device: &str) -> i64 {
        let part = Rng::new(seed, &format!("{device}/clock")).between(-1.0, 1.0);
        (part * self.skew_max_ms as f64) as i64
    }
}

/// The stretch between the encoders and the wire.
pub struct FaultLine {
    faults: Faults,
    seed: u64,
    chance: BTreeMap<Arc<str>, Rng>,
    waiting: BTreeMap<Arc<str>, Message>,
    queue: BTreeMap<(u64, u64), Message>,
    passed: u64,
}

impl FaultLine {
    /// Nothing is on it yet.
    pub fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, seed, chance: BTreeMap::new(), waiting: BTreeMap::new(), queue: BTreeMap::new(), passed: 0 }
    }

    /// Takes a message and decides what becomes of it.
    pub fn pass(&mut self, message: Message) {
        let Faults { loss, delay, delay_max_ms, repeat, reorder, .. } = self.faults;
        let (seed, device) = (self.seed, message.device.clone());
        let rng = self.chance.entry(device.clone()).or_insert_with(|| Rng::new(seed, &format!("{device}/faults")));
        // All draws are made for every message, so that one probability does not change what the others decide.
        let (lost, late, twice, overtaken) =
            (rng.chance(loss), rng.chance(delay), rng.chance(repeat), rng.chance(reorder));
        let (late_ms, again_ms) = (rng.whole(1_000, delay_max_ms.max(1_000)), rng.whole(10, REPEAT_MS));
        if lost {
            return;
        }
        let room = self.queue.len() + self.waiting.len() < MAX_HELD;
        let release_ms = message.at_ms + if late && room { late_ms } else { 0 };
        if twice && room {
            self.enqueue(release_ms + again_ms, message.clone());
        }
        let overtaken_one = self.waiting.remove(&device);
        if overtaken && room && overtaken_one.is_none() {
            self.waiting.insert(device, message);
        } else {
            self.enqueue(release_ms, message);
        }
        if let Some(earlier) = overtaken_one {
            self.enqueue(release_ms, earlier);
        }
    }

    /// What reaches the wire up to `now_ms`, in the order in which it does.
    pub fn due(&mut self, now_ms: u64) -> Vec<Message> {
        let tired: Vec<Arc<str>> = self
            .waiting
            .iter()
            .filter(|(_, message)| message.at_ms + OVERTAKE_MS <= now_ms)
            .map(|(device, _)| device.clone())
            .collect();
        for device in tired {
            if let Some(message) = self.waiting.remove(&device) {
                self.enqueue(message.at_ms + OVERTAKE_MS, message);
            }
        }
        let later = self.queue.split_off(&(now_ms + 1, 0));
        std::mem::replace(&mut self.queue, later).into_values().collect()
    }

    fn enqueue(&mut self, release_ms: u64, message: Message) {
        self.passed += 1;
        self.queue.insert((release_ms, self.passed), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn play(faults: Faults, seed: u64) -> Vec<(String, String)> {
        let mut line = FaultLine::new(faults, seed);
        for second in 0..2_000_u64 {
            for device in ["cam-1", "cam-2"] {
                let payload = Bytes::from(second.to_string());
                line.pass(Message { device: device.into(), topic: "t".to_owned(), payload, at_ms: second * 1_000 });
            }
        }
        let said = line.due(u64::MAX - 1);
        said.into_iter().map(|m| (m.device.to_string(), String::from_utf8(m.payload.to_vec()).unwrap())).collect()
    }

    fn numbers(said: &[(String, String)], device: &str) -> Vec<u64> {
        said.iter().filter(|(name, _)| name == device).map(|(_, number)| number.parse().unwrap()).collect()
    }

    #[test]
    fn without_faults_everything_comes_once_in_order_at_once() {
        let said = play(Faults::none(), 1);
        assert_eq!(numbers(&said, "cam-1"), (0..2_000).collect::<Vec<_>>());
        let mut line = FaultLine::new(Faults::none(), 1);
        line.pass(Message { device: "a".into(), topic: "t".to_owned(), payload: Bytes::new(), at_ms: 5 });
        assert!(line.due(4).is_empty());
        assert_eq!(line.due(5).len(), 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_and_another_seed_others() {
        assert_eq!(play(Faults::steppe(), 3), play(Faults::steppe(), 3));
        assert_ne!(play(Faults::steppe(), 3), play(Faults::steppe(), 4));
        assert_eq!(Faults::steppe().skew_ms(3, "cam-1"), Faults::steppe().skew_ms(3, "cam-1"));
        assert!(Faults::steppe().skew_ms(3, "cam-1").abs() <= 1_500);
        assert_eq!(Faults::none().skew_ms(3, "cam-1"), 0);
    }

    #[test]
    fn loss_really_loses_and_nothing_else_does() {
        let lossy = numbers(&play(Faults { loss: 0.1, ..Faults::none() }, 1), "cam-1");
        assert!((1_700..1_900).contains(&lossy.len()), "{}", lossy.len());
        let others = Faults { delay: 0.1, delay_max_ms: 90_000, repeat: 0.1, reorder: 0.1, ..Faults::none() };
        let mut said = numbers(&play(others, 1), "cam-1");
        said.sort_unstable();
        said.dedup();
        assert_eq!(said, (0..2_000).collect::<Vec<_>>());
    }

    #[test]
    fn repetition_repeats_and_reordering_reorders() {
        let twice = numbers(&play(Faults { repeat: 0.1, ..Faults::none() }, 1), "cam-1");
        assert!(twice.len() > 2_100);
        let mixed = numbers(&play(Faults { reorder: 0.1, ..Faults::none() }, 1), "cam-1");
        let swaps = mixed.windows(2).filter(|pair| pair[0] == pair[1] + 1).count();
        assert!(swaps > 100 && mixed.len() == 2_000, "{swaps}");
    }
}
