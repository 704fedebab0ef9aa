//! Watches the devices themselves: one that used to speak and stops is told of once.
//!
//! In: who spoke when, and the second hand. Out: [`What::Silent`] once, [`What::Back`] once.

use crate::settings::Settings;
use crate::world::World;
use model::{DeviceId, Timestamp, What};
use std::collections::BTreeMap;
use std::time::Duration;

/// The journal holds a tick each second. A longer gap means that the platform was down, and nobody could be heard.
const DOWN_AFTER: Duration = Duration::from_secs(15);

/// When each device was last heard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Silence {
    pub(crate) devices: BTreeMap<DeviceId, Heard>,
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
}

impl Silence {
    /// A device spoke.
    pub fn heard(&mut self, device: &DeviceId, now: Timestamp) -> Option<What> {
        let heard = match self.devices.get_mut(device) {
            Some(heard) => heard,
            None => self.devices.entry(device.clone()).or_default(),
        };
        let last_seen = std::mem::replace(&mut heard.last, now);
        heard.counted_from = now;
        heard.silent_since.take().map(|_| What::Back { device: device.clone(), last_seen, at: now })
    }

    /// Time moved from `before` to `now`: who is overdue?
    pub fn tick(&mut self, world: &World, before: Timestamp, now: Timestamp, settings: &Settings) -> Vec<What> {
        let gap = now.since(before);
        if gap > DOWN_AFTER {
            for heard in self.devices.values_mut() {
                heard.counted_from = heard.counted_from.plus(gap);
            }
        }
        let mut silent = Vec::new();
        for (id, heard) in &mut self.devices {
            let Some(device) = world.device(id).filter(|device| device.kind.silence_is_news()) else { continue };
            let patience = device.cadence * settings.silent_after_cadences + settings.silence_grace;
            if heard.silent_since.is_none() && now > heard.counted_from.plus(patience) {
                heard.silent_since = Some(now);
                let deadline = heard.counted_from.plus(patience);
                silent.push(What::Silent { device: id.clone(), last_seen: heard.last, deadline });
            }
        }
        silent
    }
}
