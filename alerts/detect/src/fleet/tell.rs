//! Who is told of, and with whom.
//!
//! In: those that are overdue and were held back long enough.   Out: an outage for those who share a cause, widest first, and a silence for each
//! of the others.   Never: holds anybody back; that is done by then.

use super::device::{Alone, Standing};
use super::watch::{self, Watch};
use super::{Fleet, outage};
use crate::world::World;
use model::{DeviceId, OutageCause, Timestamp, What};
use std::collections::BTreeSet;

impl Fleet {
    /// Tells of those who waited long enough, together with those who share their fate, or alone.
    pub(super) fn tell(&mut self, world: &World, now: Timestamp, watch: &mut Watch) -> Vec<What> {
        let mut held = self.overdue(world, watch);
        let is_due = |(_, until): &&(DeviceId, Timestamp)| now > *until;
        if !held.iter().any(|one| is_due(&one)) {
            return Vec::new();
        }
        held.retain(|(id, _)| self.is_told_of_now(id, world, now, watch));
        let mut found = Vec::new();
        let due = held.iter().filter(is_due).filter_map(|(id, _)| world.device(id));
        let causes: BTreeSet<OutageCause> = due.flat_map(watch::causes).collect();
        for cause in causes {
            let of_it =
                |id: &DeviceId| world.device(id).is_some_and(|device| watch::causes(device).any(|one| one == cause));
            let (share, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(|(id, _)| of_it(id));
            held = rest;
            let is_due = share.iter().any(|one| is_due(&one));
            match is_due.then(|| self.explained(&cause, &share, world, now, watch)).flatten() {
                Some(pending) => found.extend(self.begin(cause, &share, &pending, world, watch)),
                None => held.extend(share),
            }
        }
        held.sort_unstable();
        for (id, _) in held.iter().filter(is_due) {
            found.extend(self.tell_alone(id, now, watch));
        }
        found
    }

    /// Those who wait, and until when.
    fn overdue(&self, world: &World, watch: &Watch) -> Vec<(DeviceId, Timestamp)> {
        let until = |id: &DeviceId| match &self.devices.get(id)?.standing {
            Standing::Held { until, .. } if world.device(id).is_some() => Some((id.clone(), *until)),
            _ => None,
        };
        watch.held.iter().filter_map(until).collect()
    }

    /// Whether it may be told of: who is worked on by now is not.
    fn is_told_of_now(&mut self, id: &DeviceId, world: &World, now: Timestamp, watch: &mut Watch) -> bool {
        let Some((heard, device)) = self.devices.get_mut(id).zip(world.device(id)) else { return false };
        let Some(until) = world.worked_on_until(device, now) else { return true };
        heard.standing = Standing::Heard;
        watch.note(id, &heard.standing);
        watch.look_at(until, id);
        false
    }

    /// Whether a cause explains that these are overdue, and no narrower one does; then with those that are not overdue yet.
    fn explained(
        &self,
        cause: &OutageCause,
        share: &[(DeviceId, Timestamp)],
        world: &World,
        now: Timestamp,
        watch: &mut Watch,
    ) -> Option<BTreeSet<DeviceId>> {
        let overdue = watch.held.len() + watch.told.len();
        let group = watch.group(cause, &self.devices, world);
        // Counting a large group takes a while, and is no use while hardly anybody in it is overdue.
        if group.len() < outage::least(cause) || overdue.saturating_mul(20) < group.len() {
            return None;
        }
        let tally = outage::tally(cause, group, share, &self.devices, world, now);
        (tally.explains(cause) && !tally.is_narrower(cause, world)).then_some(tally.pending)
    }

    /// Tells of an outage, or lets these join the one that goes on.
    fn begin(
        &mut self,
        cause: OutageCause,
        share: &[(DeviceId, Timestamp)],
        pending: &BTreeSet<DeviceId>,
        world: &World,
        watch: &mut Watch,
    ) -> Option<What> {
        let goes_on = self.outages.contains_key(&cause);
        let before = self.ended.get(&cause).copied();
        let mut outage = self.outages.remove(&cause).unwrap_or_default();
        let mut last = outage.since;
        for (id, _) in share {
            let Some(heard) = self.devices.get_mut(id) else { continue };
            let Standing::Held { deadline, .. } = heard.standing else { continue };
            last = last.max(heard.last);
            outage.join(id.clone(), deadline);
            heard.standing = Standing::Member(cause.clone());
            watch.note(id, &heard.standing);
        }
        let begun = (!goes_on).then(|| {
            // Never the same beginning twice, since that would be the same notice.
            outage.since = last.max(before.unwrap_or(last));
            outage.before = before;
            What::Begun(outage.begun(&cause, world, pending))
        });
        self.outages.insert(cause, outage);
        begun
    }

    fn tell_alone(&mut self, id: &DeviceId, now: Timestamp, watch: &mut Watch) -> Option<What> {
        let heard = self.devices.get_mut(id)?;
        let Standing::Held { deadline, .. } = heard.standing else { return None };
        let last_seen = heard.last;
        heard.standing = Standing::Alone(Alone { last_seen, told_at: now, steady_from: None });
        watch.note(id, &heard.standing);
        Some(What::Silent { device: id.clone(), last_seen, deadline })
    }
}
