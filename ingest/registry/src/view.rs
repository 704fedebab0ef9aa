//! What everybody else sees of the registry: an immutable snapshot, published as a whole.
//!
//! In: rows of the database, read by `load`.   Out: [`View`], through a tokio watch channel.
//! Never: a credential hash or a password (they stay inside this crate), and no I/O.

use crate::devices::normal_external_id;
use model::{
    ClosureCalendar, Device, DeviceId, Households, Maintenance, Mask, PatrolRoute, RecentLand, Roster, Subscriber, Zone,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The registry at one moment.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Grows with every publication of this handle; says nothing across processes.
    pub version: u64,
    /// Every registered device, disabled ones too.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Of each zone the version in force when the snapshot was taken, by id.
    pub zones: Vec<Arc<Zone>>,
    /// How the land of the last weeks differs from that.
    pub recent: Arc<RecentLand>,
    /// Everybody who wants to be told, oldest first.
    pub subscribers: Vec<Subscriber>,
    /// Duty tables: which of them are told when.
    pub rosters: Arc<Vec<Roster>>,
    /// The closure law: rules and decisions.
    pub calendar: ClosureCalendar,
    /// Whose the known animals are.
    pub households: Arc<Households>,
    /// The masks that were ever applied, each with the time in which it held or holds.
    pub masks: Arc<Vec<Mask>>,
    /// The times in which somebody works on devices, those that are over left out.
    pub maintenance: Arc<Vec<Maintenance>>,
    /// Where patrols are to go, by id.
    pub patrol_routes: Arc<Vec<PatrolRoute>>,
    /// Whose duties to be out a device's patrols count for.
    pub patrol_roles: Arc<BTreeMap<DeviceId, BTreeSet<String>>>,
    /// system -> id there -> device.
    external: HashMap<String, HashMap<String, DeviceId>>,
}

impl View {
    /// A snapshot of these parts.
    pub fn new(
        version: u64,
        devices: BTreeMap<DeviceId, Device>,
        zones: Vec<Arc<Zone>>,
        subscribers: Vec<Subscriber>,
        calendar: impl Into<ClosureCalendar>,
    ) -> Self {
        let mut external: HashMap<String, HashMap<String, DeviceId>> = HashMap::new();
        for device in devices.values() {
            for name in &device.external {
                let ids = external.entry(name.system.clone()).or_default();
                ids.insert(name.id.clone(), device.id.clone());
            }
        }
        Self {
            version,
            devices,
            zones,
            recent: Arc::default(),
            subscribers,
            rosters: Arc::default(),
            calendar: calendar.into(),
            households: Arc::default(),
            masks: Arc::default(),
            maintenance: Arc::default(),
            patrol_routes: Arc::default(),
            patrol_roles: Arc::default(),
            external,
        }
    }

    /// With the land of the last weeks.
    pub fn with_recent(self, recent: Arc<RecentLand>) -> Self {
        Self { recent, ..self }
    }

    /// With the duty tables.
    pub fn with_rosters(self, rosters: Arc<Vec<Roster>>) -> Self {
        Self { rosters, ..self }
    }

    /// With the households and their animals.
    pub fn with_households(self, households: Arc<Households>) -> Self {
        Self { households, ..self }
    }

    /// With the masks over what cameras see.
    pub fn with_masks(self, masks: Arc<Vec<Mask>>) -> Self {
        Self { masks, ..self }
    }

    /// With the times in which somebody works on devices.
    pub fn with_maintenance(self, maintenance: Arc<Vec<Maintenance>>) -> Self {
        Self { maintenance, ..self }
    }

    /// With planned patrols and who carries their duties.
    pub fn with_patrols(
        self,
        patrol_routes: Arc<Vec<PatrolRoute>>,
        patrol_roles: Arc<BTreeMap<DeviceId, BTreeSet<String>>>,
    ) -> Self {
        Self { patrol_routes, patrol_roles, ..self }
    }

    /// The device of this id.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// The device that another system knows as `id`. A device whose own id is that identity needs no entry, unless it
    /// states another identity in the same system.
    pub fn by_external(&self, system: &str, id: &str) -> Option<&Device> {
        let id = normal_external_id(system, id);
        if let Some(device) = self.external.get(system).and_then(|ids| ids.get(id.as_ref())) {
            return self.devices.get(device);
        }
        let device = self.devices.get(&DeviceId::parse(&id).ok()?)?;
        let elsewhere = device.external.iter().any(|name| name.system == system);
        if elsewhere { None } else { Some(device) }
    }

    /// The version of a zone that is in force.
    pub fn zone(&self, id: &model::ZoneId) -> Option<&Arc<Zone>> {
        let index = self.zones.binary_search_by(|zone| zone.id.cmp(id)).ok()?;
        self.zones.get(index)
    }
}
