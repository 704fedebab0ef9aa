//! How long a herd may go unseen before it is given up.
//!
//! In: who saw it, and what these told of since.   Out: a time; or that nobody could have seen it.

use crate::World;
use crate::fleet::Fleet;
use crate::herd::{Herd, Source};
use crate::settings::Settings;
use model::DeviceKind;
use std::time::Duration;

/// A collar's herd is not lost before it missed this many fixes.
const COLLAR_CADENCES: u32 = 6;

/// How long a herd may go unseen. What hardly any picture shows, perhaps a bush that was taken for a sheep, is given up once its pictures can no
/// longer be among those that establish something. For others: collars speak more rarely than cameras.
pub(crate) fn unseen_after(herd: &Herd, world: &World, settings: &Settings) -> Duration {
    if herd.case.is_none() && herd.collars.is_empty() && herd.seen.len() < settings.sightings_needed {
        return settings.sightings_within;
    }
    let collar = herd.seen.iter().rev().find(|seen| seen.source == Source::Collar);
    let cadence = collar.and_then(|seen| world.device(&seen.device)).map_or(Duration::ZERO, |device| device.cadence);
    let newest = herd.seen.back().and_then(|seen| world.device(&seen.device));
    let by_drone = newest.is_some_and(|device| device.kind == DeviceKind::Drone);
    let patrol = if by_drone { settings.patrol_every } else { Duration::ZERO };
    let unseen_after = if was_far_inside(herd, world, settings) {
        settings.far_inside_unseen_after.max(settings.unseen_after)
    } else {
        settings.unseen_after
    };
    unseen_after.max(cadence * COLLAR_CADENCES).max(patrol)
}

/// Whether its case was last seen so far inside that it would have been seen again on its way out: it is most likely still there, out of
/// everybody's sight.
fn was_far_inside(herd: &Herd, world: &World, settings: &Settings) -> bool {
    let Some((centre, _)) = herd.centre.filter(|_| herd.case.is_some()) else { return false };
    let mut stays = herd.stays.iter().filter(|(_, stay)| stay.is_established());
    stays.any(|(zone, _)| world.is_clear_of(zone, centre, settings.far_inside_m))
}

/// Whether none of those that saw a herd lately has told of the time since. A device that comes back from a dead link speaks
/// first of what was before.
pub(crate) fn nobody_looks(herd: &Herd, world: &World, fleet: &Fleet) -> bool {
    herd.newest.iter().all(|seen| {
        let patience = world.device(&seen.device).map_or(Duration::ZERO, |device| device.cadence * 2);
        // Who missed it while another still saw it says nothing of the time after.
        fleet.told_of(&seen.device).is_none_or(|told_of| told_of <= herd.last_seen.plus(patience))
    })
}
