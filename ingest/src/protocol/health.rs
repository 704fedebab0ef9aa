//! Which troubles cameras have said and not taken back.
//!
//! In:  alarms of cameras about themselves, by name.   Out: how a camera feels by all of them together, to be written beside what it
//! says next: a sign of life does not take back that its lens is covered.
//!
//! Many cameras repeat a trouble while it goes on and never say that it is over; so one that is not repeated is over after
//! [`HOLDS`]. Kept in memory: after a start nothing is known, and nothing is said, until that time has passed.

use model::{DeviceId, HeartbeatStatus, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// For so long a trouble is believed that nobody repeats.
pub(crate) const HOLDS: Duration = Duration::from_secs(600);
/// Cameras whose troubles are known: far above a banner's.
const DEVICES_MAX: usize = 20_000;
/// Kinds of trouble of one camera; the protocols know some twenty.
const TROUBLES_MAX: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct Health {
    since: Timestamp,
    troubles: HashMap<DeviceId, BTreeMap<String, (HeartbeatStatus, Timestamp)>>,
}

impl Health {
    /// Nothing is known yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { since: now, troubles: HashMap::new() }
    }

    /// A camera says that a trouble goes on, and how it feels by it; or that it is over.
    pub(crate) fn says(&mut self, device: &DeviceId, trouble: &str, status: Option<HeartbeatStatus>, now: Timestamp) {
        let Some(status) = status else {
            // That something is over which was never told says nothing of the rest.
            if let Some(troubles) = self.troubles.get_mut(device) {
                troubles.remove(trouble);
            }
            return;
        };
        if !self.troubles.contains_key(device) && self.troubles.len() >= DEVICES_MAX {
            return;
        }
        let troubles = self.troubles.entry(device.clone()).or_default();
        if troubles.len() < TROUBLES_MAX || troubles.contains_key(trouble) {
            troubles.insert(trouble.to_owned(), (status, now));
        }
    }

    /// Whether a camera has said that, and not taken it back.
    pub(crate) fn has(&self, device: &DeviceId, trouble: &str) -> bool {
        self.troubles.get(device).is_some_and(|troubles| troubles.contains_key(trouble))
    }

    /// How it feels, if that is known.
    pub(crate) fn of(&mut self, device: &DeviceId, now: Timestamp) -> Option<HeartbeatStatus> {
        let known = self.troubles.get_mut(device);
        let was_told = known.is_some();
        let left = known.map(|troubles| {
            troubles.retain(|_, (_, said)| now.since(*said) <= HOLDS);
            troubles.values().map(|(status, _)| *status).max_by_key(|status| weight(*status))
        });
        let is_settled = was_told || now.since(self.since) > HOLDS;
        left.flatten().or_else(|| is_settled.then_some(HeartbeatStatus::Ok))
    }
}

fn weight(status: HeartbeatStatus) -> u8 {
    match status {
        HeartbeatStatus::Ok => 0,
        HeartbeatStatus::Degraded => 1,
        HeartbeatStatus::Fault => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HeartbeatStatus::{Degraded, Fault, Ok};

    #[test]
    fn the_worst_trouble_counts_until_it_is_taken_back_or_not_repeated() {
        let at = |seconds: u64| Timestamp::from_millis(1_795_313_700_000).plus(Duration::from_secs(seconds));
        let (one, two) = (DeviceId::parse("cam-1").unwrap(), DeviceId::parse("cam-2").unwrap());
        let mut health = Health::new(at(0));
        health.says(&one, "videoloss", None, at(1));
        assert_eq!(health.of(&one, at(1)), None, "what it said before the start holds");
        health.says(&one, "diskfull", Some(Degraded), at(1));
        health.says(&one, "shelteralarm", Some(Fault), at(2));
        assert_eq!((health.of(&one, at(3)), health.of(&two, at(3))), (Some(Fault), None));
        health.says(&one, "shelteralarm", None, at(4));
        assert_eq!(health.of(&one, at(5)), Some(Degraded));
        assert_eq!(health.of(&one, at(601)), Some(Degraded));
        assert_eq!(health.of(&one, at(602)), Some(Ok), "nobody repeated it");
        assert_eq!(health.of(&two, at(600)), None);
        assert_eq!(health.of(&two, at(601)), Some(Ok), "it would have repeated itself by now");
    }

    #[test]
    fn a_camera_that_makes_up_troubles_fills_no_memory() {
        let device = DeviceId::parse("cam-1").unwrap();
        let now = Timestamp::from_millis(1_795_313_700_000);
        let mut health = Health::new(now);
        for number in 0..10_000 {
            health.says(&device, &format!("trouble-{number}"), Some(Fault), now);
        }
        assert_eq!(health.troubles[&device].len(), TROUBLES_MAX);
    }
}
