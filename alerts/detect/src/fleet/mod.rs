//! Watches the devices themselves: who stops speaking, alone or together with others, and who speaks and is not well.
//!
//! In: who spoke when and what it said of itself, and the second hand.   Out: a silence and its end ([`What::Silent`], [`What::Back`]), an
//! outage or a flaw and its end ([`What::Begun`], [`What::Over`]), each once.   Never: a word about a device that was never heard, is shut
//! out or is worked on; a word about a device twice: who is silent stands in exactly one silence or outage.
//!
//! How a silence is told, step by step (`docs/adr/0020-told-alone-or-together.md` says why):
//!
//! 1. Who misses its deadline waits for others, one cadence of its own and a minute at most ([`device::Standing::Held`]); if an outage
//!    goes on in which it fell silent too, it joins that at once and without a word.
//! 2. Then the widest cause that explains it is looked for ([`outage::tally`]): the fleet, its township, its site, its gateway. All who wait
//!    and share the cause are told of as one outage; who shares none is told of alone.
//! 3. A silence is over with the device's first word, but where it came back within the last hour only once it was steady ([`device`]). An
//!    outage is over when all are back, or four fifths for two minutes; for the rest it begins again at 2.
//!
//! Everything but taking in a device's word happens at a tick, so that the order of messages between two ticks changes nothing.

use crate::world::World;
use model::{Device, DeviceId, OutageCause, Reading, Timestamp, What};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

mod device;
pub mod flaws;
mod outage;
mod tell;
mod watch;

pub(crate) use device::{Alone, Heard, Standing};
pub(crate) use outage::{Member, Outage};
pub use watch::Watch;

/// The journal holds a tick each second. A longer gap means that the platform was down, and nobody could be heard.
const DOWN_AFTER: Duration = Duration::from_secs(15);
/// Outages of which it is remembered when they were over; there are not so many causes in a banner.
const ENDED_MAX: usize = 10_000;
/// For so long.
const ENDED_KEPT: Duration = Duration::from_secs(3_600);

/// All devices that were heard, and the outages that go on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fleet {
    pub(crate) devices: HashMap<DeviceId, Heard>,
    /// What goes on, one for each cause.
    pub(crate) outages: BTreeMap<OutageCause, Outage>,
    /// What was over within the last hour.
    pub(crate) ended: BTreeMap<OutageCause, Timestamp>,
    /// The last tick.
    pub(crate) ticked: Timestamp,
}

impl Fleet {
    /// A device spoke.
    pub fn heard(
        &mut self,
        world: &World,
        device: &Device,
        now: Timestamp,
        happened_at: Timestamp,
        watch: &mut Watch,
    ) -> Option<What> {
        let heard = match self.devices.get_mut(&device.id) {
            Some(heard) => heard,
            None => {
                let is_watched = device.kind.silence_is_news();
                if is_watched {
                    watch.look_at(now.plus(device.patience()), &device.id);
                    watch.appeared(device);
                }
                self.devices.entry(device.id.clone()).or_insert_with(|| Heard { is_watched, ..Heard::default() })
            }
        };
        (heard.last, heard.counted_from) = (now, now);
        heard.lag.note(now, happened_at);
        // A fast clock tells of nothing that is still to come.
        heard.told_of = heard.told_of.max(happened_at.plus(heard.lag.clock_behind()).min(now));
        if heard.standing == Standing::Heard || world.is_in_maintenance(device, now) {
            return None;
        }
        self.returned(device, now, watch)
    }

    /// It was overdue, told of or not, and spoke.
    fn returned(&mut self, device: &Device, now: Timestamp, watch: &mut Watch) -> Option<What> {
        let heard = self.devices.get_mut(&device.id)?;
        let flaps = heard.returned_lately(now);
        let told = match &mut heard.standing {
            Standing::Heard => return None,
            Standing::Held { .. } => None,
            Standing::Alone(alone) if flaps => {
                if alone.steady_from.is_none() {
                    alone.steady_from = Some(now);
                    arm(&device.id, heard, device, watch);
                }
                return None;
            }
            Standing::Alone(alone) => {
                heard.returned_at = Some(now);
                Some(What::Back { device: device.id.clone(), last_seen: alone.last_seen, at: now })
            }
            Standing::Member(cause) => {
                if self.outages.get_mut(cause).is_some_and(|outage| outage.is_back(&device.id)) {
                    watch.look_at(heard.deadline(device), &device.id);
                }
                return None;
            }
        };
        heard.standing = Standing::Heard;
        watch.note(&device.id, &heard.standing);
        arm(&device.id, heard, device, watch);
        told
    }

    /// What a device says of itself, or shows without saying it.
    pub fn look(&mut self, world: &World, device: &Device, reading: &Reading) -> Vec<What> {
        let Some(heard) = self.devices.get_mut(&device.id) else { return Vec::new() };
        let behind = heard.lag.clock_behind();
        heard.flaws.look(world, device, reading, behind)
    }

    /// By how much a device's clock is behind ours.
    pub(crate) fn clock_behind(&self, device: &DeviceId) -> Duration {
        self.devices.get(device).map_or(Duration::ZERO, |heard| heard.lag.clock_behind())
    }

    /// Up to when a device told of what it sees, by its own clock.
    pub(crate) fn told_of(&self, device: &DeviceId) -> Option<Timestamp> {
        self.devices.get(device).map(|heard| heard.told_of)
    }

    /// Time moved from `before` to `now`. If that is so much that the platform was down, nobody's deadline ran meanwhile.
    pub(crate) fn moved(&mut self, before: Timestamp, now: Timestamp) {
        let gap = now.since(before);
        if before.as_millis() <= 0 || gap <= DOWN_AFTER {
            return;
        }
        for heard in self.devices.values_mut() {
            heard.counted_from = heard.counted_from.plus(gap);
            match &mut heard.standing {
                Standing::Held { until, .. } => *until = until.plus(gap),
                Standing::Alone(alone) => alone.steady_from = alone.steady_from.map(|from| from.plus(gap)),
                Standing::Heard | Standing::Member(_) => {}
            }
        }
        for outage in self.outages.values_mut() {
            outage.mostly_back_since = outage.mostly_back_since.map(|since| since.plus(gap));
        }
    }

    /// The registry changed. Whoever is not worked on any more is given its time from now on.
    pub(crate) fn world_changed(&mut self, before: &World, world: &World, now: Timestamp) {
        if before.maintenance_at(now).next().is_none() {
            return;
        }
        for (id, heard) in &mut self.devices {
            let Some((old, new)) = before.device(id).zip(world.device(id)) else { continue };
            if before.is_in_maintenance(old, now) && !world.is_in_maintenance(new, now) {
                heard.counted_from = heard.counted_from.max(now);
            }
        }
    }

    /// The second hand moved: who is overdue, who is told of, what is over?
    pub fn tick(&mut self, world: &World, now: Timestamp, watch: &mut Watch) -> Vec<What> {
        let before = std::mem::replace(&mut self.ticked, now);
        let mut found = if watch.is_made { Vec::new() } else { self.make(world, now, watch) };
        self.work_is_done(world, before, now);
        for id in watch.due(now) {
            found.extend(self.time_came(&id, world, now, watch));
        }
        found.extend(self.end_outages(world, now, watch));
        found.extend(self.tell(world, now, watch));
        self.ended.retain(|_, at| now.since(*at) <= ENDED_KEPT);
        found
    }

    /// Looks at everybody, after a start and after a change of the registry. Who is not in it any more, or shut out, is no silence any more.
    fn make(&mut self, world: &World, now: Timestamp, watch: &mut Watch) -> Vec<What> {
        *watch = Watch::default();
        watch.is_made = true;
        let mut found = Vec::new();
        let mut gone = BTreeSet::new();
        for (id, heard) in &mut self.devices {
            let device = world.device(id);
            heard.is_watched = device.is_some_and(|device| device.kind.silence_is_news());
            match device {
                Some(device) if heard.is_watched => {
                    watch.note(id, &heard.standing);
                    arm(id, heard, device, watch);
                }
                Some(_) if heard.standing == Standing::Heard => {}
                _ => {
                    gone.insert(id.clone());
                }
            }
        }
        for outage in self.outages.values() {
            for id in outage.members.iter().filter(|(_, member)| member.is_back).map(|(id, _)| id) {
                watch.look_at(now, id);
            }
        }
        for id in gone {
            found.extend(self.leave(&id, world, now));
        }
        found
    }

    /// A device is nobody's business any more: what was told of it is over, quietly.
    fn leave(&mut self, id: &DeviceId, world: &World, now: Timestamp) -> Vec<What> {
        let Some(heard) = self.devices.get_mut(id) else { return Vec::new() };
        let mut found = Vec::new();
        match std::mem::take(&mut heard.standing) {
            Standing::Alone(alone) => {
                found.push(What::Back { device: id.clone(), last_seen: alone.last_seen, at: now });
            }
            Standing::Member(cause) => {
                if let Some(outage) = self.outages.get_mut(&cause) {
                    outage.leave(id);
                }
            }
            Standing::Heard | Standing::Held { .. } => {}
        }
        if world.device(id).is_none() {
            found.extend(heard.flaws.end_all(world, id, now));
            self.devices.remove(id);
        }
        found
    }

    /// Who was worked on until just now has all its time before it again.
    fn work_is_done(&mut self, world: &World, before: Timestamp, now: Timestamp) {
        let ended: Vec<_> = world.maintenance_ended(before, now).collect();
        if ended.is_empty() {
            return;
        }
        for (id, heard) in &mut self.devices {
            let Some(device) = world.device(id) else { continue };
            for work in ended.iter().filter(|work| work.concerns(device)) {
                heard.counted_from = heard.counted_from.max(work.until);
            }
        }
    }

    /// A device's time came.
    fn time_came(&mut self, id: &DeviceId, world: &World, now: Timestamp, watch: &mut Watch) -> Option<What> {
        let (heard, device) = self.devices.get_mut(id).zip(world.device(id))?;
        let deadline = heard.deadline(device);
        let worked_on = world.worked_on_until(device, now);
        let mut told = None;
        match &mut heard.standing {
            Standing::Heard | Standing::Held { .. } if worked_on.is_some() => heard.standing = Standing::Heard,
            Standing::Heard if now > deadline => {
                let holds =
                    |cause: &OutageCause| self.outages.get(cause).is_some_and(|outage| outage.holds(heard.last));
                heard.standing = match watch::causes(device).find(holds) {
                    Some(cause) => Standing::Member(cause),
                    None => Standing::Held { deadline, until: deadline.plus(device::held_for(device)) },
                };
            }
            Standing::Alone(alone) if worked_on.is_some() || now > deadline => alone.steady_from = None,
            Standing::Alone(Alone { steady_from: Some(from), last_seen, .. })
                if now > from.plus(device::steady_after(device)) =>
            {
                told = Some(What::Back { device: id.clone(), last_seen: *last_seen, at: *from });
                (heard.standing, heard.returned_at) = (Standing::Heard, Some(now));
            }
            _ => {}
        }
        if let Standing::Member(cause) = &heard.standing {
            match self.outages.get_mut(cause) {
                Some(outage) if now > deadline => outage.join(id.clone(), deadline),
                _ => watch.look_at(deadline, id),
            }
        }
        watch.note(id, &heard.standing);
        match worked_on {
            Some(until) => watch.look_at(until.max(deadline), id),
            None => arm(id, heard, device, watch),
        }
        told
    }

    /// Ends what is over; who is not back waits to be told of, and need not wait longer.
    fn end_outages(&mut self, world: &World, now: Timestamp, watch: &mut Watch) -> Vec<What> {
        let mut found = Vec::new();
        let over: Vec<(OutageCause, Timestamp)> = self
            .outages
            .iter_mut()
            .filter_map(|(cause, outage)| outage.over_at(world, now).map(|at| (cause.clone(), at)))
            .collect();
        for (cause, at) in over {
            let Some(outage) = self.outages.remove(&cause) else { continue };
            found.push(What::Over(outage.notice(&cause, world, Some(at.max(outage.since)))));
            for (id, member) in outage.members {
                let Some((heard, device)) = self.devices.get_mut(&id).zip(world.device(&id)) else { continue };
                (heard.standing, heard.returned_at) = if member.is_back {
                    (Standing::Heard, Some(now))
                } else {
                    (Standing::Held { deadline: member.deadline, until: member.deadline }, heard.returned_at)
                };
                watch.note(&id, &heard.standing);
                arm(&id, heard, device, watch);
            }
            if self.ended.len() < ENDED_MAX {
                self.ended.insert(cause, now);
            }
        }
        for (cause, outage) in &mut self.outages {
            if outage.grew() {
                found.push(What::Changed(outage.notice(cause, world, None)));
            }
        }
        found
    }
}

/// Looks at a device again when time alone may change how it stands.
fn arm(id: &DeviceId, heard: &Heard, device: &Device, watch: &mut Watch) {
    if let Some(at) = heard.due_at(device) {
        watch.look_at(at, id);
    }
}

/// What the saved states of older versions say of a device's silence; when it last spoke before it is [`complete_old`]'s.
pub(crate) fn standing_of_old(silent_since: Option<Timestamp>) -> Standing {
    silent_since.map_or(Standing::Heard, |told_at| {
        Standing::Alone(Alone { last_seen: Timestamp::default(), told_at, steady_from: None })
    })
}

/// The same once the whole device is known.
pub(crate) fn complete_old(fleet: &mut Fleet) {
    for heard in fleet.devices.values_mut() {
        if let Standing::Alone(alone) = &mut heard.standing {
            alone.last_seen = heard.last;
        }
    }
}

#[cfg(test)]
mod tests;
