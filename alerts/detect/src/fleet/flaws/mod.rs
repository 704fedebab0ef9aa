//! A heartbeat is not health: in which ways a device that speaks is not well.
//!
//! In: what it says of itself, message by message.   Out: a flaw once as it begins and once as it is over ([`What::Begun`], [`What::Over`]).
//! Never: a flaw while somebody works on the device; what a collar says of itself, but that its battery runs down (of five thousand, all
//! night); what is told late, from a store, of a time that is over.
//!
//! Each rule says of a message whether the device is bad in its way, sound, or neither; between bad and sound there is room, so that
//! a value at the edge tells nothing twice. A flaw that was over within the last hour must be sound for ten minutes to be over again.

mod battery;
mod clock;
mod head;
mod lens;
mod picture;

use crate::world::World;
use model::{Body, Device, DeviceId, DeviceKind, Flaw, HeartbeatStatus, Matter, Notice, Reading, Timestamp, What};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use battery::{Battery, Charge};
pub(crate) use clock::Clock;
pub(crate) use head::Head;
pub(crate) use lens::Lens;
pub(crate) use picture::Picture;

/// A flaw that was over less than this ago is over again only once the device was sound for [`SOUND_FOR`].
const FLAPS_WITHIN: Duration = Duration::from_secs(3_600);
const SOUND_FOR: Duration = Duration::from_secs(600);
/// What a device said of itself longer ago than this is history.
const OLD: Duration = Duration::from_secs(300);
/// A picture that waited longer than this to be looked at says nothing of now.
const LOOKED_AT_LATE: Duration = Duration::from_secs(1_800);
/// Megabytes.
const STORAGE_BAD: f64 = 500.0;
const STORAGE_SOUND: f64 = 1_000.0;

/// The flaws of one device, and what its rules remember. A few hundred bytes at most.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flaws {
    /// Told, and not over.
    pub(crate) going_on: BTreeMap<Flaw, Going>,
    /// When those were last over that were within the last hour.
    pub(crate) ended: BTreeMap<Flaw, Timestamp>,
    /// The newest time of which the device spoke.
    pub(crate) told_of: Timestamp,
    pub(crate) clock: Clock,
    pub(crate) picture: Picture,
    pub(crate) head: Head,
    pub(crate) battery: Battery,
    pub(crate) lens: Lens,
}

/// A flaw that goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Going {
    /// Since when.
    pub(crate) since: Timestamp,
    /// Since when the device seems sound again.
    pub(crate) sound_since: Option<Timestamp>,
}

/// What a message says of one flaw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// It has it: by how much, and since when.
    Bad(Option<f64>, Option<Timestamp>),
    /// It does not have it.
    Sound,
    /// Neither is sure.
    Open,
}

impl Flaws {
    /// What a message says. `behind` is by how much the device's clock is known to be slow.
    pub(crate) fn look(&mut self, world: &World, device: &Device, reading: &Reading, behind: Duration) -> Vec<What> {
        let mut told = Vec::new();
        let now = reading.received_at.0;
        let mut weigh = |flaws: &mut Self, flaw, verdict| told.extend(flaws.weigh(world, device, now, flaw, verdict));
        if is_whole(device.kind)
            && let Some(said) = reading.device_time
            && !matches!(reading.body, Body::Clarity(_) | Body::Sighting(_))
        {
            let verdict = self.clock.weigh(now, said.0, behind);
            weigh(self, Flaw::Clock, verdict);
        }
        let happened_at = reading.happened_at().plus(behind).min(now);
        if let Body::Clarity(clarity) = reading.body {
            // Our own word of an earlier picture: it has an order of its own.
            if device.kind == DeviceKind::Camera && now.since(happened_at) <= LOOKED_AT_LATE {
                let verdict = self.lens.weigh(clarity, happened_at);
                weigh(self, Flaw::Lens, verdict);
            }
            return told;
        }
        if happened_at < self.told_of || now.since(happened_at) > OLD {
            return told;
        }
        match &reading.body {
            Body::Heartbeat(heartbeat) => {
                self.told_of = happened_at;
                if let Some(percent) = heartbeat.battery_percent.filter(|_| device.kind != DeviceKind::Ranger) {
                    let verdict = self.battery.weigh(device.kind, happened_at, percent);
                    weigh(self, Flaw::Battery, verdict);
                }
                if !is_whole(device.kind) {
                    return told;
                }
                if let Some(status) = heartbeat.status {
                    weigh(self, Flaw::Fault, of_status(status));
                }
                if let Some(megabytes) = heartbeat.storage_free_mb {
                    weigh(self, Flaw::Storage, of_storage(megabytes));
                }
                if let Some(hash) = &heartbeat.frame_hash {
                    let verdict = self.picture.weigh(hash.as_bytes(), happened_at);
                    weigh(self, Flaw::FrozenPicture, verdict);
                }
                if let Some((at, target)) = heartbeat.pan_tilt.zip(heartbeat.pan_tilt_target) {
                    let verdict = self.head.weigh(at, target, happened_at);
                    weigh(self, Flaw::WrongPose, verdict);
                }
            }
            Body::Track(track) if device.kind == DeviceKind::Collar => {
                self.told_of = happened_at;
                if let Some(percent) = track.battery_percent {
                    let verdict = self.battery.weigh(device.kind, happened_at, percent);
                    weigh(self, Flaw::Battery, verdict);
                }
            }
            _ => {}
        }
        told
    }

    /// The same word about every flaw: it begins with the first that is bad, and is over once the device is sound.
    fn weigh(&mut self, world: &World, device: &Device, now: Timestamp, flaw: Flaw, verdict: Verdict) -> Option<What> {
        let going = self.going_on.get_mut(&flaw);
        match (verdict, going) {
            (Verdict::Bad(value, since), None) if !world.is_in_maintenance(device, now) => {
                let since = since.unwrap_or(now).max(self.ended.get(&flaw).copied().unwrap_or_default());
                self.going_on.insert(flaw, Going { since, sound_since: None });
                Some(What::Begun(notice(world, &device.id, flaw, value, since, None)))
            }
            (Verdict::Bad(..) | Verdict::Open, Some(going)) => {
                going.sound_since = None;
                None
            }
            (Verdict::Sound, Some(going)) if !world.is_in_maintenance(device, now) => {
                let sound_since = *going.sound_since.get_or_insert(now);
                let since = going.since;
                let flaps = self.ended.get(&flaw).is_some_and(|ended| since.since(*ended) < FLAPS_WITHIN);
                if flaps && now.since(sound_since) < SOUND_FOR {
                    return None;
                }
                self.going_on.remove(&flaw);
                self.ended.insert(flaw, now);
                Some(What::Over(notice(world, &device.id, flaw, None, since, Some(now.max(since)))))
            }
            _ => None,
        }
    }

    /// Ends all of a device that is nobody's business any more.
    pub(crate) fn end_all(&mut self, world: &World, device: &DeviceId, now: Timestamp) -> Vec<What> {
        let over = std::mem::take(&mut self.going_on).into_iter();
        over.map(|(flaw, going)| What::Over(notice(world, device, flaw, None, going.since, Some(now.max(going.since)))))
            .collect()
    }
}

/// Whether all flaws of such a device are looked for. Of a collar only the battery is news, of a ranger's phone nothing.
fn is_whole(kind: DeviceKind) -> bool {
    !matches!(kind, DeviceKind::Collar | DeviceKind::Ranger)
}

fn of_status(status: HeartbeatStatus) -> Verdict {
    match status {
        HeartbeatStatus::Fault => Verdict::Bad(None, None),
        HeartbeatStatus::Ok => Verdict::Sound,
        HeartbeatStatus::Degraded => Verdict::Open,
    }
}

fn of_storage(megabytes: f64) -> Verdict {
    if megabytes < STORAGE_BAD {
        Verdict::Bad(Some(megabytes), None)
    } else if megabytes > STORAGE_SOUND {
        Verdict::Sound
    } else {
        Verdict::Open
    }
}

fn notice(
    world: &World,
    device: &DeviceId,
    flaw: Flaw,
    value: Option<f64>,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Notice {
    let known = world.registered(device);
    Notice {
        matter: Matter::Flaw { flaw, value },
        devices: vec![device.clone()],
        devices_count: 1,
        zone: None,
        township: known.and_then(|device| device.township.clone()),
        position: known.and_then(|device| device.place),
        since,
        until,
        late: false,
    }
}

#[cfg(test)]
mod tests;
