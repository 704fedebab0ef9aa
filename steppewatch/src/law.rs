//! Closures and geofence for the API, which knows neither: what holds in a zone, and in which zones a place lies.

use dashboards::{ClosureAt, ZonesAt};
use detect::{World, closure};
use model::{Position, ZoneId};
use registry::{Registry, View};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The registry's law, indexed anew when the registry changed.
pub struct Law {
    view: watch::Receiver<Arc<View>>,
}

impl Law {
    /// Of this registry.
    pub fn new(registry: &Registry) -> Self {
        Self { view: registry.view() }
    }

    /// What holds in a zone at an instant.
    pub fn closure_at(&self) -> ClosureAt {
        let view = self.view.clone();
        Arc::new(move |zone, at| closure::closure_at(&view.borrow().rules, zone.kind, at))
    }

    /// The zones in which a place lies.
    pub fn zones_at(&self) -> ZonesAt {
        let view = self.view.clone();
        let indexed: Mutex<Option<(u64, Arc<World>)>> = Mutex::new(None);
        Arc::new(move |position: Position| -> Vec<ZoneId> {
            let view = view.borrow().clone();
            let world = {
                let mut indexed = indexed.lock().unwrap_or_else(PoisonError::into_inner);
                match &*indexed {
                    Some((version, world)) if *version == view.version => Arc::clone(world),
                    _ => Arc::clone(&indexed.insert((view.version, index(&view))).1),
                }
            };
            world.zones_at(position).iter().map(|zone| zone.id.clone()).collect()
        })
    }
}

/// Zones that cannot be indexed are told of by detection, loudly; here nothing lies in them.
fn index(view: &View) -> Arc<World> {
    let world = World::new(Default::default(), view.zones.clone(), view.rules.clone());
    Arc::new(world.unwrap_or_else(|_| World::without_zones(Default::default(), Vec::new())))
}
