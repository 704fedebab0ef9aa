//! The land, its law and the devices as detection sees them.
//!
//! In: one version of the registry.   Out: [`World`], with its zones indexed.   Never: changes; a new version is a new world.

use crate::closure::closure_at;
use crate::geofence::{BuildError, Geofence};
use model::{Closure, ClosureCalendar, Device, DeviceId, Position, Timestamp, Zone};
use std::collections::BTreeMap;
use std::sync::Arc;
use terrain::Terrain;

/// What detection knows of the land and the devices at one version of the registry.
#[derive(Debug, Clone)]
pub struct World {
    devices: BTreeMap<DeviceId, Device>,
    zones: Vec<Arc<Zone>>,
    calendar: ClosureCalendar,
    fence: Geofence,
    terrain: Arc<Terrain>,
}

impl World {
    /// Indexes the zones. Zone numbers of [`World::fence`] are places in [`World::zones`].
    pub fn new(
        devices: BTreeMap<DeviceId, Device>,
        zones: Vec<Arc<Zone>>,
        calendar: impl Into<ClosureCalendar>,
    ) -> Result<Self, BuildError> {
        let fence = Geofence::build(zones.iter().map(|zone| zone.polygons.as_slice()))?;
        Ok(Self { devices, zones, calendar: calendar.into(), fence, terrain: Arc::default() })
    }

    /// The same without any zone.
    pub fn without_zones(devices: BTreeMap<DeviceId, Device>, calendar: impl Into<ClosureCalendar>) -> Self {
        Self {
            devices,
            zones: Vec::new(),
            calendar: calendar.into(),
            fence: Geofence::empty(),
            terrain: Arc::default(),
        }
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

    /// All registered devices.
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
