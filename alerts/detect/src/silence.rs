//! Watches the devices themselves: one that used to speak and stops is told of once.
//!
//! In: who spoke when, and the second hand. Out: [`What::Silent`] once, [`What::Back`] once.

use crate::lag::Lag;
use crate::world::World;
use model::{Device, DeviceId, Timestamp, What};
use std::collections::HashMap;
use std::time::Duration;

/// The journal holds a tick each second. A longer gap means that the platform was down, and nobody could be heard.
const DOWN_AFTER: Duration = Duration::from_secs(15);

/// When each device was last heard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Silence {
    pub(crate) devices: HashMap<DeviceId, Heard>,
}

/// What is known of one device's life.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// When it last spoke.
    pub(crate) last: Timestamp,
    /// From when its deadline runs: later than `last` after the platform itself was down.
    pub(crate) counted_from: Timestamp,
    /// When it was told of as silent.
    pub(crate) silent_since: Option<Timestamp>,
    /// The latest event that it told of: behind `last` while it empties its store after a dead link.
    pub(crate) told_of: Timestamp,
    /// How far its messages lag behind.
    pub(crate) lag: Lag,
    /// Whether its silence would be news: of five thousand collars it is not, and they need not be looked at.
    pub(crate) is_watched: bool,
}

impl Silence {
    /// A device spoke.
    pub fn heard(
        &mut self,
        device: &Device,
        now: Timestamp,
        happened_at: Timestamp,
        watch: &mut Watch,
    ) -> Option<What> {
        let heard = match self.devices.get_mut(&device.id) {
            Some(heard) if heard.silent_since.is_none() => heard,
            _ => {
                watch.look_at(now.plus(device.patience()));
                self.devices.entry(device.id.clone()).or_default()
            }
        };
        let last_seen = std::mem::replace(&mut heard.last, now);
        heard.counted_from = now;
        heard.is_watched = device.kind.silence_is_news();
        heard.lag.note(now, happened_at);
        heard.told_of = heard.told_of.max(happened_at.plus(heard.lag.clock_behind()));
        heard.silent_since.take().map(|_| What::Back { device: device.id.clone(), last_seen, at: now })
    }

    /// By how much a device's clock is behind ours.
    pub(crate) fn clock_behind(&self, device: &DeviceId) -> Duration {
        self.devices.get(device).map_or(Duration::ZERO, |heard| heard.lag.clock_behind())
    }

    /// Up to when a device told of what it sees, by its own clock.
    pub(crate) fn told_of(&self, device: &DeviceId) -> Option<Timestamp> {
        self.devices.get(device).map(|heard| heard.told_of)
    }

    /// Time moved from `before` to `now`: who is overdue?
    pub fn tick(&mut self, world: &World, before: Timestamp, now: Timestamp, watch: &mut Watch) -> Vec<What> {
        let gap = now.since(before);
        if gap > DOWN_AFTER {
            for heard in self.devices.values_mut() {
                heard.counted_from = heard.counted_from.plus(gap);
            }
        }
        if watch.nothing_before.is_some_and(|earliest| now <= earliest) {
            return Vec::new();
        }
        let mut silent = Vec::new();
        let mut earliest = Timestamp::from_millis(i64::MAX);
        for (id, heard) in self.devices.iter_mut().filter(|(_, heard)| heard.is_watched && heard.silent_since.is_none())
        {
            let Some(device) = world.device(id).filter(|device| device.kind.silence_is_news()) else { continue };
            let deadline = heard.counted_from.plus(device.patience());
            if now > deadline {
                heard.silent_since = Some(now);
                silent.push((id.clone(), heard.last, deadline));
            } else {
                earliest = earliest.min(deadline);
            }
        }
        watch.nothing_before = Some(earliest);
        // By name: those of one instant in an order that does not depend on chance.
        silent.sort_by(|a, b| a.0.cmp(&b.0));
        silent.into_iter().map(|(device, last_seen, deadline)| What::Silent { device, last_seen, deadline }).collect()
    }
}

/// When it is worth looking at all devices again: a deadline only moves on, unless [`Silence::heard`] says otherwise. Not a part
/// of the state: looking more often changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    nothing_before: Option<Timestamp>,
}

impl Watch {
    /// A deadline that was not among those that were looked at.
    fn look_at(&mut self, deadline: Timestamp) {
        self.nothing_before = self.nothing_before.map(|earliest| earliest.min(deadline));
    }
}
