//! Devices that fell silent together.
//!
//! In: who is overdue, who was told of lately, who speaks.   Out: whether a cause explains it; an outage's beginning, growth and end.
//! Never: who waits for whom; that is [`super::Fleet`]'s.

use super::device::{Alone, Heard, Standing};
use crate::world::World;
use model::{Device, DeviceId, Matter, NOTICE_DEVICES_MAX, Notice, OutageCause, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Of the devices that could have spoken since, so large a part must be silent (in hundredths).
const PART_SILENT: usize = 60;
/// So large a part must be back ...
const PART_BACK: usize = 80;
/// ... for this long to end an outage for the rest.
const MOSTLY_BACK_FOR: Duration = Duration::from_secs(120);
/// What was told of less than this ago speaks for a common cause: slow devices miss their deadlines later than quick ones.
const TOLD_LATELY: Duration = Duration::from_secs(900);
/// A device that spoke so long after the others fell silent did so before the common end.
const SAME_END: Duration = Duration::from_secs(60);
/// An outage whose like was over less than this ago is over only once all were back for [`STEADY`].
const FLAPS_WITHIN: Duration = Duration::from_secs(3_600);
const STEADY: Duration = Duration::from_secs(300);
/// People hear that an outage grew when it has twice as many members as they know of, and so many more.
const GREW_BY: u64 = 5;
/// A device that is not back when most are is given one and a half of its cadences to speak, but no longer than this.
const REST_WAITS_MAX: Duration = Duration::from_secs(1_350);

/// An outage that goes on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outage {
    /// When the last of those that it began with last spoke.
    pub(crate) since: Timestamp,
    /// Who fell silent.
    pub(crate) members: BTreeMap<DeviceId, Member>,
    /// How many of them speak again.
    pub(crate) back: u64,
    /// Since when so many are back that it is nearly over.
    pub(crate) mostly_back_since: Option<Timestamp>,
    /// How many people were told of.
    pub(crate) told: u64,
    /// When its like was last over.
    pub(crate) before: Option<Timestamp>,
}

/// One that fell silent with others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// When it should have spoken at the latest.
    pub(crate) deadline: Timestamp,
    /// Whether it speaks again.
    pub(crate) is_back: bool,
}

/// How many are silent and how many speak.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub silent: BTreeSet<DeviceId>,
    /// Those of them that are not overdue yet.
    pub pending: BTreeSet<DeviceId>,
    pub speaking: usize,
}

impl Tally {
    /// Whether the cause explains what is silent.
    pub fn explains(&self, cause: &OutageCause) -> bool {
        let silent = self.silent.len();
        silent >= least(cause) && silent * 100 >= PART_SILENT * (silent + self.speaking)
    }

    /// Whether a narrower cause holds all that are silent. Where nothing speaks any more the fleet is named all the same: our own link.
    pub fn is_narrower(&self, cause: &OutageCause, world: &World) -> bool {
        if *cause == OutageCause::Fleet && self.speaking == 0 {
            return false;
        }
        let devices: Vec<&Device> = self.silent.iter().filter_map(|id| world.device(id)).collect();
        let Some(first) = devices.first() else { return false };
        super::watch::causes(first).skip_while(|wider| wider != cause).skip(1).any(|narrower| {
            devices.len() >= least(&narrower)
                && devices.iter().all(|device| super::watch::causes(device).any(|one| one == narrower))
        })
    }
}

/// So many must be silent at least.
pub(super) fn least(cause: &OutageCause) -> usize {
    match cause {
        OutageCause::Fleet => 10,
        OutageCause::Township(_) => 5,
        OutageCause::Site(_) | OutageCause::Gateway(_) => 2,
    }
}

/// Counts a group, of which some are overdue now. Who did not speak since these fell silent, because it speaks more rarely, says nothing
/// for or against; who missed two beats already is taken to be one of them, and who speaks through a gateway that is overdue itself.
pub(super) fn tally(
    cause: &OutageCause,
    group: &[DeviceId],
    overdue: &[(DeviceId, Timestamp)],
    devices: &HashMap<DeviceId, Heard>,
    world: &World,
    now: Timestamp,
) -> Tally {
    let fell_silent = overdue.iter().filter_map(|(id, _)| devices.get(id)).map(|heard| heard.last).max();
    let fell_silent = fell_silent.unwrap_or_default();
    let cadence = overdue.iter().filter_map(|(id, _)| world.device(id)).map(|device| device.cadence).max();
    let slack = cadence.unwrap_or_default().min(SAME_END);
    let takes_along = matches!(cause, OutageCause::Gateway(gateway) if overdue.iter().any(|(id, _)| id == gateway));
    let mut tally = Tally::default();
    for id in group {
        let Some((heard, device)) = devices.get(id).zip(world.device(id)) else { continue };
        let is_silent = match &heard.standing {
            Standing::Held { .. } => true,
            Standing::Alone(Alone { told_at, steady_from: None, .. }) => {
                if now.since(*told_at) > TOLD_LATELY {
                    continue;
                }
                true
            }
            Standing::Alone(_) => continue,
            Standing::Member(_) if !heard.missed(device, 2, now) => false,
            Standing::Member(_) => {
                if now.since(heard.deadline(device)) > TOLD_LATELY {
                    continue;
                }
                true
            }
            Standing::Heard if world.is_in_maintenance(device, now) => continue,
            Standing::Heard if takes_along => heard.last <= fell_silent.plus(slack),
            Standing::Heard => heard.missed(device, 2, now),
        };
        if is_silent {
            tally.silent.insert(id.clone());
            if heard.standing == Standing::Heard {
                tally.pending.insert(id.clone());
            }
        } else if heard.last > fell_silent.plus(slack) && !heard.missed(device, 1, now) {
            tally.speaking += 1;
        }
    }
    tally
}

impl Outage {
    /// Whether a device that last spoke at `last` fell silent with it.
    pub(super) fn holds(&self, last: Timestamp) -> bool {
        last <= self.since.plus(SAME_END)
    }

    /// One more fell silent.
    pub(super) fn join(&mut self, device: DeviceId, deadline: Timestamp) {
        let before = self.members.insert(device, Member { deadline, is_back: false });
        if before.is_some_and(|member| member.is_back) {
            self.back = self.back.saturating_sub(1);
        }
    }

    /// One spoke. Whether it was silent until then.
    pub(super) fn is_back(&mut self, device: &DeviceId) -> bool {
        let Some(member) = self.members.get_mut(device).filter(|member| !member.is_back) else { return false };
        member.is_back = true;
        self.back = self.back.saturating_add(1);
        true
    }

    /// One is no business of anybody's any more.
    pub(super) fn leave(&mut self, device: &DeviceId) {
        if self.members.remove(device).is_some_and(|member| member.is_back) {
            self.back = self.back.saturating_sub(1);
        }
    }

    /// When it was over, if it is: all are back, or most have been for so long that the rest had its chance to speak.
    pub(super) fn over_at(&mut self, world: &World, now: Timestamp) -> Option<Timestamp> {
        let (back, all) = (usize::try_from(self.back).unwrap_or(usize::MAX), self.members.len());
        if back.saturating_mul(100) < all.saturating_mul(PART_BACK) {
            self.mostly_back_since = None;
            return None;
        }
        let since = *self.mostly_back_since.get_or_insert(now);
        let flaps = self.before.is_some_and(|before| self.since.since(before) < FLAPS_WITHIN);
        let wait = match (flaps, back >= all) {
            (false, true) => Duration::ZERO,
            (true, true) => STEADY,
            (true, false) => STEADY.max(self.rest_waits(world)),
            (false, false) => MOSTLY_BACK_FOR.max(self.rest_waits(world)),
        };
        (now.since(since) >= wait).then_some(if back >= all && !flaps { now } else { since })
    }

    /// How long those that are not back may take to speak.
    fn rest_waits(&self, world: &World) -> Duration {
        let rest = self.members.iter().filter(|(_, member)| !member.is_back);
        let waits = rest.filter_map(|(id, _)| world.device(id)).map(|device| device.late_after()).max();
        waits.unwrap_or_default().min(REST_WAITS_MAX)
    }

    /// Whether it grew so much that people hear of it again.
    pub(super) fn grew(&mut self) -> bool {
        let members = self.members.len() as u64;
        let grew = members >= self.told.saturating_mul(2).max(self.told.saturating_add(GREW_BY));
        if grew {
            self.told = members;
        }
        grew
    }

    /// As people are told of it.
    pub(super) fn notice(&self, cause: &OutageCause, world: &World, until: Option<Timestamp>) -> Notice {
        let named: BTreeSet<&DeviceId> = self.members.keys().collect();
        self.naming(&named, cause, world, until)
    }

    /// The same as it begins: with those that will most likely be overdue soon.
    pub(super) fn begun(&mut self, cause: &OutageCause, world: &World, pending: &BTreeSet<DeviceId>) -> Notice {
        let named: BTreeSet<&DeviceId> = self.members.keys().chain(pending).collect();
        let told = named.len() as u64;
        let notice = self.naming(&named, cause, world, None);
        self.told = told;
        notice
    }

    fn naming(
        &self,
        named: &BTreeSet<&DeviceId>,
        cause: &OutageCause,
        world: &World,
        until: Option<Timestamp>,
    ) -> Notice {
        let devices = || named.iter().filter_map(|id| world.device(id));
        let first = devices().next();
        let township = first.and_then(|device| device.township.clone());
        let place = || devices().find_map(|device| device.place);
        Notice {
            matter: Matter::Outage(cause.clone()),
            devices: named.iter().take(NOTICE_DEVICES_MAX).map(|id| (*id).clone()).collect(),
            devices_count: u32::try_from(named.len()).unwrap_or(u32::MAX),
            zone: None,
            township: township.filter(|code| devices().all(|device| device.township.as_ref() == Some(code))),
            position: match cause {
                OutageCause::Fleet | OutageCause::Township(_) => None,
                OutageCause::Site(_) => place(),
                OutageCause::Gateway(gateway) => world.device(gateway).and_then(|device| device.place).or_else(place),
            },
            since: self.since,
            until,
            late: false,
        }
    }
}
