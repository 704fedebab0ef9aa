//! The land, its law and the devices as detection sees them.
//!
//! In: one version of the registry.   Out: [`World`], with its zones indexed.   Never: changes; a new version is a new world.

use crate::closure::closure_at;
use crate::geofence::{BuildError, Geofence, Spread};
use crate::masks::Masks;
use crate::past::Past;
use model::{
    Closure, ClosureCalendar, Device, DeviceId, Maintenance, Mask, Position, RecentLand, Timestamp, Zone, ZoneId,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use terrain::Terrain;

/// More zones than this are indexed together rather than one after the other.
const CHANGES_MAX: usize = 8;

/// What detection knows of the land and the devices at one version of the registry.
#[derive(Debug, Clone)]
pub struct World {
    /// By hash: each reading looks up its device. Only ever looked up, never walked in a way that could decide something.
    devices: HashMap<DeviceId, Device>,
    zones: Vec<Arc<Zone>>,
    calendar: ClosureCalendar,
    fence: Geofence,
    past: Past,
    terrain: Arc<Terrain>,
    masks: Arc<Masks>,
    maintenance: Arc<Vec<Maintenance>>,
}

impl World {
    /// Indexes the zones. Zone numbers of [`World::fence`] are places in [`World::zones`].
    pub fn new(
        devices: BTreeMap<DeviceId, Device>,
        zones: Vec<Arc<Zone>>,
        calendar: impl Into<ClosureCalendar>,
    ) -> Result<Self, BuildError> {
        let fence = Geofence::build(zones.iter().map(|zone| zone.polygons.as_slice()))?;
        Ok(Self {
            devices: devices.into_iter().collect(),
            zones,
            calendar: calendar.into(),
            fence,
            past: Past::none(),
            terrain: Arc::default(),
            masks: Arc::default(),
            maintenance: Arc::default(),
        })
    }

    /// The next version of the registry. Where few zones have other borders, the index keeps the rest of this one's, which
    /// takes milliseconds; a zone that comes between others or goes shifts their numbers, and then all is indexed anew.
    pub fn next(
        &self,
        devices: BTreeMap<DeviceId, Device>,
        zones: Vec<Arc<Zone>>,
        calendar: impl Into<ClosureCalendar>,
    ) -> Result<Self, BuildError> {
        match self.changed(&zones) {
            Some(changed) => {
                let change = |fence: Geofence, (number, zone): (u32, &Zone)| fence.with_zone(number, &zone.polygons);
                let fence = changed.into_iter().try_fold(self.fence.clone(), change)?;
                Ok(Self {
                    devices: devices.into_iter().collect(),
                    zones,
                    calendar: calendar.into(),
                    fence,
                    past: self.past.clone(),
                    terrain: self.terrain.clone(),
                    masks: self.masks.clone(),
                    maintenance: self.maintenance.clone(),
                })
            }
            None => Ok(Self {
                past: self.past.clone(),
                terrain: self.terrain.clone(),
                masks: self.masks.clone(),
                maintenance: self.maintenance.clone(),
                ..Self::new(devices, zones, calendar)?
            }),
        }
    }

    /// The zones whose borders are others, where they are few and all keep their numbers.
    fn changed<'a>(&self, zones: &'a [Arc<Zone>]) -> Option<Vec<(u32, &'a Zone)>> {
        let keep_numbers = self.zones.len() <= zones.len() && self.zones.iter().zip(zones).all(|(a, b)| a.id == b.id);
        let is_same = |number: u32, zone: &Arc<Zone>| {
            self.zone(number).is_some_and(|old| Arc::ptr_eq(old, zone) || old.polygons == zone.polygons)
        };
        let changed = (0..).zip(zones).filter(|(number, zone)| !is_same(*number, zone));
        let changed: Vec<(u32, &Zone)> = changed.map(|(number, zone)| (number, zone.as_ref())).collect();
        (keep_numbers && changed.len() <= CHANGES_MAX).then_some(changed)
    }

    /// The same without any zone.
    pub fn without_zones(devices: BTreeMap<DeviceId, Device>, calendar: impl Into<ClosureCalendar>) -> Self {
        Self {
            devices: devices.into_iter().collect(),
            zones: Vec::new(),
            calendar: calendar.into(),
            fence: Geofence::empty(),
            past: Past::none(),
            terrain: Arc::default(),
            masks: Arc::default(),
            maintenance: Arc::default(),
        }
    }

    /// The same without its zones and their index; devices, calendar, relief and maintenance stay.
    #[must_use]
    pub fn without_index(&self) -> Self {
        Self { zones: Vec::new(), fence: Geofence::empty(), past: Past::none(), ..self.clone() }
    }

    /// The same with the masks that were ever applied; each counts while it holds.
    #[must_use]
    pub fn with_masks(self, masks: &[Mask]) -> Self {
        Self { masks: Arc::new(Masks::new(masks)), ..self }
    }

    /// The same with the times in which somebody works on devices.
    #[must_use]
    pub fn with_maintenance(self, maintenance: &Arc<Vec<Maintenance>>) -> Self {
        Self { maintenance: Arc::clone(maintenance), ..self }
    }

    /// Whether somebody works on a device at an instant: then nothing that it does or does not is news.
    pub fn is_in_maintenance(&self, device: &Device, at: Timestamp) -> bool {
        self.maintenance_at(at).any(|work| work.concerns(device))
    }

    /// The times of work on devices that hold at an instant.
    pub(crate) fn maintenance_at(&self, at: Timestamp) -> impl Iterator<Item = &Maintenance> {
        self.maintenance.iter().filter(move |work| work.holds(at))
    }

    /// Until when somebody works on a device that is worked on at an instant.
    pub(crate) fn worked_on_until(&self, device: &Device, at: Timestamp) -> Option<Timestamp> {
        self.maintenance_at(at).filter(|work| work.concerns(device)).map(|work| work.until).max()
    }

    /// The times of work on devices that ended after one instant and up to another.
    pub(crate) fn maintenance_ended(&self, after: Timestamp, now: Timestamp) -> impl Iterator<Item = &Maintenance> {
        self.maintenance.iter().filter(move |work| work.from < work.until && after < work.until && work.until <= now)
    }

    /// The masks over what cameras see.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// The same with the relief of the land; without it all land is level.
    #[must_use]
    pub fn with_terrain(self, terrain: Arc<Terrain>) -> Self {
        Self { terrain, ..self }
    }

    /// The relief as far as it is known.
    pub fn terrain(&self) -> &Terrain {
        &self.terrain
    }

    /// A registered device that is not shut out.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id).filter(|device| !device.disabled)
    }

    /// A registered device, shut out or not.
    pub(crate) fn registered(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// All registered devices, in no order.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values()
    }

    /// The zones in force.
    pub fn zones(&self) -> &[Arc<Zone>] {
        &self.zones
    }

    /// The zone with this number in [`World::fence`].
    pub fn zone(&self, number: u32) -> Option<&Arc<Zone>> {
        self.zones.get(number as usize)
    }

    /// The index over the zones.
    pub fn fence(&self) -> &Geofence {
        &self.fence
    }

    /// Takes in the land of the last weeks, by which what comes late is judged. On an error it keeps what it had.
    pub fn set_past(&mut self, land: &Arc<RecentLand>) -> Result<(), BuildError> {
        if !Arc::ptr_eq(self.past.land(), land) {
            self.past = Past::new(Arc::clone(land))?;
        }
        Ok(())
    }

    /// The zones in which a position may lie, and how surely it does: those of now, or those that held at an instant.
    pub fn likely(&self, position: Position, spread: Spread, at: Option<Timestamp>) -> Vec<(Arc<Zone>, f64)> {
        let now = self.fence.probabilities(position, spread).into_iter();
        let now = now.filter_map(|(number, probability)| Some((Arc::clone(self.zone(number)?), probability)));
        let Some(at) = at else { return now.collect() };
        let now = now.filter(|(zone, _)| self.past.had_begun(&zone.id, at));
        now.chain(self.past.likely(position, spread, at)).collect()
    }

    /// Whether the border of a zone of now is farther from a position than `band_m`; false for one that is none now.
    pub fn is_clear_of(&self, zone: &ZoneId, position: Position, band_m: f64) -> bool {
        let number = self.zones.binary_search_by(|known| known.id.cmp(zone)).ok().and_then(|at| u32::try_from(at).ok());
        number.is_some_and(|number| self.fence.distance_m(number, position.into(), band_m).is_none())
    }

    /// Whether a zone held at an instant as it does now; true for one that is none now.
    pub fn held_as_now(&self, zone: &ZoneId, at: Timestamp) -> bool {
        self.past.had_begun(zone, at)
    }

    /// Those of some zones that held at an instant, in their order, then versions of them that hold no more.
    pub fn held_at<'a>(&'a self, ids: &'a [&ZoneId], at: Timestamp) -> impl Iterator<Item = &'a Arc<Zone>> {
        let now = ids.iter().filter_map(|id| self.zones.get(self.zones.binary_search_by(|zone| zone.id.cmp(id)).ok()?));
        let now = now.filter(move |zone| self.past.had_begun(&zone.id, at));
        now.chain(self.past.held_at(at).filter(|zone| ids.contains(&&zone.id)))
    }

    /// The zones that hold a position, taken as a point.
    pub fn zones_at(&self, position: Position) -> Vec<Arc<Zone>> {
        let mut numbers = Vec::new();
        self.fence.zones_at(position.into(), &mut numbers);
        numbers.into_iter().filter_map(|number| self.zone(number).cloned()).collect()
    }

    /// What the law says in a zone at an instant.
    pub fn closure(&self, zone: &Zone, at: Timestamp) -> Closure {
        closure_at(&self.calendar, zone, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::square;
    use model::ZoneKind;

    #[test]
    fn a_next_version_answers_as_one_that_is_indexed_anew() {
        let named = |names: &[(&str, i32)]| -> Vec<Arc<Zone>> {
            names.iter().map(|(name, south)| square(name, ZoneKind::NoGrazing, *south)).collect()
        };
        let world = |zones| World::new(BTreeMap::new(), zones, vec![]).unwrap();
        let first = world(named(&[("b", 432_000_000), ("c", 433_000_000)]));
        let versions = [
            named(&[("b", 432_000_000), ("c", 433_050_000)]),
            named(&[("b", 432_000_000), ("c", 433_000_000), ("d", 434_000_000)]),
            named(&[("a", 431_000_000), ("b", 432_000_000), ("c", 433_000_000)]),
            named(&[("c", 433_000_000)]),
        ];
        for zones in versions {
            let next = first.next(BTreeMap::new(), zones.clone(), vec![]).unwrap();
            let fresh = world(zones);
            for step in 0..4_000 {
                let position = Position::parse(43.05 + f64::from(step) * 0.0001, 117.506).unwrap();
                let ids =
                    |world: &World| world.zones_at(position).iter().map(|zone| zone.id.clone()).collect::<Vec<_>>();
                assert_eq!(ids(&next), ids(&fresh), "{position:?}");
            }
        }
    }
}
