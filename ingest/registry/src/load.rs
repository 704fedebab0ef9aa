//! From rows to a view, reading again only the parts that somebody touched.
//!
//! In: a read transaction.   Out: [`Parts`], from which a [`View`] is made.   Never: a write, or a view of half a change.

use crate::listeners::Listeners;
use crate::secrets::Credentials;
use crate::{
    RegistryError, View, closures, devices, households, listeners, maintenance, masks, patrols, rosters,
    subscriber_rows, zones,
};
use model::{
    ClosureCalendar, Device, DeviceId, Households, Maintenance, Mask, PatrolRoute, RecentLand, Roster, Subscriber,
    Timestamp, Zone,
};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a change can touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Devices,
    Zones,
    Subscribers,
    Rules,
    Households,
    Masks,
    Maintenance,
    Patrols,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Devices,
        Self::Zones,
        Self::Subscribers,
        Self::Rules,
        Self::Households,
        Self::Masks,
        Self::Maintenance,
        Self::Patrols,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Zones => "zones",
            Self::Subscribers => "subscribers",
            Self::Rules => "rules",
            Self::Households => "households",
            Self::Masks => "masks",
            Self::Maintenance => "maintenance",
            Self::Patrols => "patrols",
        }
    }
}

/// The view's parts as last read.
#[derive(Default)]
pub(crate) struct Parts {
    versions: HashMap<Part, i64>,
    devices: BTreeMap<DeviceId, Device>,
    credentials: Arc<Credentials>,
    zones: Vec<Arc<Zone>>,
    recent: Arc<RecentLand>,
    /// The next instant at which a published version begins or ends.
    next_in_force: Option<Timestamp>,
    subscribers: Vec<Subscriber>,
    rosters: Arc<Vec<Roster>>,
    listeners: Arc<Listeners>,
    calendar: ClosureCalendar,
    households: Arc<Households>,
    masks: Arc<Vec<Mask>>,
    maintenance: Arc<Vec<Maintenance>>,
    routes: Arc<Vec<PatrolRoute>>,
    roles: Arc<BTreeMap<DeviceId, BTreeSet<String>>>,
}

impl Parts {
    /// Whether a version that was published for later holds by now, or one is over.
    pub(crate) fn zone_is_due(&self, now: Timestamp) -> bool {
        self.next_in_force.is_some_and(|at| at <= now)
    }

    /// Reads what changed since the last time; which parts those were.
    pub(crate) fn load(&mut self, connection: &Connection, now: Timestamp) -> Result<Vec<Part>, RegistryError> {
        let mut stored: HashMap<String, i64> = HashMap::new();
        let mut query = connection.prepare("SELECT name, version FROM part")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            stored.insert(row.get(0)?, row.get(1)?);
        }
        let mut changed = Vec::new();
        for part in Part::ALL {
            let version = stored.get(part.as_str()).copied().unwrap_or(0);
            let due = part == Part::Zones && self.zone_is_due(now);
            if self.versions.get(&part) == Some(&version) && !due {
                continue;
            }
            self.load_part(part, connection, now)?;
            self.versions.insert(part, version);
            changed.push(part);
        }
        Ok(changed)
    }

    fn load_part(&mut self, part: Part, connection: &Connection, now: Timestamp) -> Result<(), RegistryError> {
        match part {
            Part::Devices => {
                let (devices, credentials) = devices::load(connection)?;
                (self.devices, self.credentials) = (devices, Arc::new(credentials));
            }
            Part::Zones => {
                (self.zones, self.next_in_force) = zones::load(connection, now, &self.zones)?;
                self.recent = Arc::new(zones::recent(connection, now, &self.recent)?);
            }
            Part::Subscribers => {
                self.subscribers = subscriber_rows::load(connection)?;
                self.rosters = Arc::new(rosters::load(connection)?);
                self.listeners = Arc::new(listeners::load(connection)?);
            }
            // All that is in the database is known, also to a clock that was set back.
            Part::Rules => self.calendar = closures::calendar(connection, Timestamp::from_millis(i64::MAX))?,
            Part::Masks => self.masks = Arc::new(masks::load(connection)?),
            Part::Maintenance => self.maintenance = Arc::new(maintenance::load(connection, now)?),
            Part::Patrols => {
                let patrols = patrols::load(connection)?;
                (self.routes, self.roles) = (Arc::new(patrols.routes), Arc::new(patrols.roles));
            }
            Part::Households => self.households = Arc::new(households::load(connection)?),
        }
        Ok(())
    }

    pub(crate) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials)
    }

    pub(crate) fn listeners(&self) -> Arc<Listeners> {
        Arc::clone(&self.listeners)
    }

    pub(crate) fn view(&self, version: u64) -> View {
        let (zones, subscribers) = (self.zones.clone(), self.subscribers.clone());
        let view = View::new(version, self.devices.clone(), zones, subscribers, self.calendar.clone());
        view.with_recent(Arc::clone(&self.recent))
            .with_rosters(Arc::clone(&self.rosters))
            .with_households(Arc::clone(&self.households))
            .with_masks(Arc::clone(&self.masks))
            .with_maintenance(Arc::clone(&self.maintenance))
            .with_patrols(Arc::clone(&self.routes), Arc::clone(&self.roles))
    }
}
