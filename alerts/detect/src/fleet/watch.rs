//! When it is worth looking at which device, and which devices share a fate.
//!
//! In: the state and the world.   Out: whose time has come.   Never: part of the state; it is made anew from it at any time, and looking
//! more often changes nothing.

use super::device::{Heard, Standing};
use crate::world::World;
use model::{Device, DeviceId, DeviceKind, OutageCause, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// Whose time comes when. Each watched device has one entry or two; a deadline that moved on is found out when its time comes, so a
/// message costs nothing here.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Whether the devices of the present world are in it.
    pub(super) is_made: bool,
    times: BTreeSet<(Timestamp, DeviceId)>,
    /// Those that are overdue and not told of.
    pub(super) held: BTreeSet<DeviceId>,
    /// Those that were told of, alone or in an outage.
    pub(super) told: BTreeSet<DeviceId>,
    groups: Option<HashMap<OutageCause, Vec<DeviceId>>>,
}

impl Watch {
    /// Looks at a device again at `at`.
    pub(super) fn look_at(&mut self, at: Timestamp, device: &DeviceId) {
        self.times.insert((at, device.clone()));
    }

    /// Those whose time has come, by name.
    pub(super) fn due(&mut self, now: Timestamp) -> BTreeSet<DeviceId> {
        let mut due = BTreeSet::new();
        while let Some((at, device)) = self.times.pop_first() {
            // A deadline is missed once it is past.
            if at >= now {
                self.times.insert((at, device));
                break;
            }
            due.insert(device);
        }
        due
    }

    /// Keeps the lists of those that are overdue or told of.
    pub(super) fn note(&mut self, device: &DeviceId, standing: &Standing) {
        let is_held = matches!(standing, Standing::Held { .. });
        let is_told = matches!(standing, Standing::Alone(_) | Standing::Member(_));
        for (list, belongs) in [(&mut self.held, is_held), (&mut self.told, is_told)] {
            if !belongs {
                list.remove(device);
            } else if !list.contains(device) {
                list.insert(device.clone());
            }
        }
    }

    /// A device was heard for the first time.
    pub(super) fn appeared(&mut self, device: &Device) {
        if let Some(groups) = &mut self.groups {
            for cause in causes(device) {
                groups.entry(cause).or_default().push(device.id.clone());
            }
        }
    }

    /// The watched devices that share a fate; empty for what none shares.
    pub(super) fn group(
        &mut self,
        cause: &OutageCause,
        devices: &HashMap<DeviceId, Heard>,
        world: &World,
    ) -> &[DeviceId] {
        let groups = self.groups.get_or_insert_with(|| {
            let mut groups: HashMap<OutageCause, Vec<DeviceId>> = HashMap::new();
            for (id, _) in devices.iter().filter(|(_, heard)| heard.is_watched) {
                let Some(device) = world.device(id) else { continue };
                for cause in causes(device) {
                    groups.entry(cause).or_default().push(id.clone());
                }
            }
            groups
        });
        groups.get(cause).map(Vec::as_slice).unwrap_or_default()
    }
}

/// With whom a device can share its fate, widest first.
pub(super) fn causes(device: &Device) -> impl Iterator<Item = OutageCause> {
    let gateway = if device.kind == DeviceKind::Gateway { Some(&device.id) } else { device.via.as_ref() };
    let causes = [
        Some(OutageCause::Fleet),
        device.township.clone().map(OutageCause::Township),
        device.site.clone().map(OutageCause::Site),
        gateway.cloned().map(OutageCause::Gateway),
    ];
    causes.into_iter().flatten()
}
