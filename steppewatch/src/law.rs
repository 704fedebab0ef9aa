//! Closures and geofence for the API, which knows neither: what holds in a zone, and in which zones a place lies.

use dashboards::{ClosureAt, Holding, ZonesAsOf, ZonesAt};
use detect::{World, closure};
use model::{GeoPoint, Position, Timestamp, Zone, ZoneId};
use registry::{Registry, RegistryError, View};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The registry's law, indexed anew when the registry changed.
pub struct Law {
    registry: Registry,
    view: watch::Receiver<Arc<View>>,
}

impl Law {
    /// Of this registry.
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), view: registry.view() }
    }

    /// What holds in a zone at an instant.
    pub fn closure_at(&self) -> ClosureAt {
        let view = self.view.clone();
        Arc::new(move |zone, at| closure::closure_at(&view.borrow().calendar, zone, at))
    }

    /// The zones in which a place lay at another time, as known then or now.
    pub fn zones_as_of(&self) -> ZonesAsOf {
        let registry = self.registry.clone();
        Arc::new(move |position, t, known| zones_as_of(&registry, position, t, known))
    }

    /// The zones in which a place lies.
    pub fn zones_at(&self) -> ZonesAt {
        let view = self.view.clone();
        let indexed: Mutex<Option<(u64, Arc<World>)>> = Mutex::new(None);
        Arc::new(move |position: Position| -> Vec<ZoneId> {
            let view = view.borrow().clone();
            let world = {
                let mut indexed = indexed.lock().unwrap_or_else(PoisonError::into_inner);
                let before = indexed.as_ref().filter(|(version, _)| *version == view.version);
                let world = before.map(|(_, world)| Arc::clone(world));
                world.unwrap_or_else(|| {
                    let next = index(&view, indexed.as_ref().map(|(_, world)| world));
                    Arc::clone(&indexed.insert((view.version, next)).1)
                })
            };
            world.zones_at(position).iter().map(|zone| zone.id.clone()).collect()
        })
    }
}

/// The zones that hold a place at an instant, and what the law says there, both by what was known at another.
pub fn zones_as_of(
    registry: &Registry,
    position: Position,
    t: Timestamp,
    known: Timestamp,
) -> Result<Vec<Holding>, RegistryError> {
    let mut zones = registry.zones_as_of(t, known)?;
    // One question is not worth an index of a whole banner.
    zones.retain(|zone| may_hold(zone, position.into()));
    let world = World::new(Default::default(), zones, registry.calendar_as_of(known)?).map_err(|error| {
        let remedy = "publish these zones anew".to_owned();
        RegistryError::Invalid { key: "zones", value: error.to_string(), remedy }
    })?;
    let mut found = Vec::new();
    for zone in world.zones_at(position) {
        let periods = registry.zone_periods(&zone.id, zone.version, known)?;
        if let Some(period) = periods.into_iter().find(|period| period.holds(t)) {
            let closure = world.closure(&zone, t);
            found.push(Holding { zone, period, closure });
        }
    }
    Ok(found)
}

/// Whether a point is in the box around one of a zone's pieces.
fn may_hold(zone: &Zone, point: GeoPoint) -> bool {
    zone.polygons.iter().any(|polygon| {
        let outside = |beyond: &dyn Fn(&GeoPoint) -> bool| polygon.exterior.iter().all(beyond);
        !(outside(&|vertex| vertex.lon_e7 < point.lon_e7)
            || outside(&|vertex| vertex.lon_e7 > point.lon_e7)
            || outside(&|vertex| vertex.lat_e7 < point.lat_e7)
            || outside(&|vertex| vertex.lat_e7 > point.lat_e7))
    })
}

/// Zones that cannot be indexed are told of by detection, loudly; here nothing lies in them.
fn index(view: &View, before: Option<&Arc<World>>) -> Arc<World> {
    let (zones, calendar) = (view.zones.clone(), view.calendar.clone());
    let world = match before {
        Some(before) => before.next(Default::default(), zones, calendar),
        None => World::new(Default::default(), zones, calendar),
    };
    Arc::new(world.unwrap_or_else(|_| World::without_zones(Default::default(), Vec::new())))
}
