//! The land of the last weeks: what comes late is judged by the land of its own time, not by that of now.
//!
//! In: what held and holds no more, and since when what holds does.   Out: the zones that held at an instant.
//! Never: a word about now; that is the world's own index.

use crate::geofence::{BuildError, Geofence, Spread};
use model::{LapsedZone, Position, RecentLand, Timestamp, Zone, ZoneId};
use std::sync::Arc;

/// [`RecentLand`], indexed.
#[derive(Debug, Clone)]
pub struct Past {
    land: Arc<RecentLand>,
    fence: Geofence,
}

impl Past {
    /// Nothing changed lately.
    pub fn none() -> Self {
        Self { land: Arc::default(), fence: Geofence::empty() }
    }

    /// Indexes what held.
    pub fn new(land: Arc<RecentLand>) -> Result<Self, BuildError> {
        let fence = Geofence::build(land.lapsed.iter().map(|lapsed| lapsed.zone.polygons.as_slice()))?;
        Ok(Self { land, fence })
    }

    /// What it was made of.
    pub fn land(&self) -> &Arc<RecentLand> {
        &self.land
    }

    /// Whether a zone of now was in force at an instant, as far back as is known.
    pub fn had_begun(&self, zone: &ZoneId, at: Timestamp) -> bool {
        self.land.began.get(zone).is_none_or(|began| *began <= at)
    }

    /// The versions that held at an instant and hold no more.
    pub fn held_at(&self, at: Timestamp) -> impl Iterator<Item = &Arc<Zone>> {
        self.land.lapsed.iter().filter(move |lapsed| holds(lapsed, at)).map(|lapsed| &lapsed.zone)
    }

    /// Those of them in which a position may lie, and how surely it does.
    pub fn likely(&self, position: Position, spread: Spread, at: Timestamp) -> Vec<(Arc<Zone>, f64)> {
        if self.held_at(at).next().is_none() {
            return Vec::new();
        }
        let found = self.fence.probabilities(position, spread).into_iter();
        found
            .filter_map(|(number, probability)| Some((self.land.lapsed.get(number as usize)?, probability)))
            .filter(|(lapsed, _)| holds(lapsed, at))
            .map(|(lapsed, probability)| (Arc::clone(&lapsed.zone), probability))
            .collect()
    }
}

fn holds(lapsed: &LapsedZone, at: Timestamp) -> bool {
    lapsed.from <= at && at < lapsed.to
}
