//! Every version of one zone, with what became of it.
//!
//! In: the versions known at an instant.   Out: [`ZoneVersion`]s, oldest first.   Never: a guess; what is derived comes from
//! `timeline` alone.

use super::{COLUMNS, timeline, zone};
use crate::{Period, Registry, RegistryError};
use model::{Timestamp, Zone, ZoneId};

/// A version of a zone and when it decides, by what is known.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneVersion {
    /// What was published; without land where it is a repeal.
    pub zone: Zone,
    /// It says that there is no zone any more.
    pub repealed: bool,
    /// When it decides: its interval without those of later versions.
    pub decides: Vec<Period>,
    /// When a later version was published that left it nothing to decide; `None`: it still decides something.
    pub known_to: Option<Timestamp>,
}

impl ZoneVersion {
    /// Until when it is in force, by what is known: where it decides for the last time, or as it was published when it never
    /// does.
    pub fn in_force_to(&self) -> Option<Timestamp> {
        self.decides.last().map_or(self.zone.in_force_to, |last| last.to)
    }

    /// The period in which it decides and that holds an instant.
    pub fn period_at(&self, at: Timestamp) -> Option<Period> {
        self.decides.iter().copied().find(|period| period.holds(at))
    }
}

impl Registry {
    /// Every version of a zone, oldest first, those of the future too.
    pub fn zone_versions(&self, id: &ZoneId) -> Result<Vec<ZoneVersion>, RegistryError> {
        self.zone_versions_as_of(id, Timestamp::from_millis(i64::MAX))
    }

    /// When one version decides, by what was known at an instant; without reading any land.
    pub fn zone_periods(&self, id: &ZoneId, version: u32, known_at: Timestamp) -> Result<Vec<Period>, RegistryError> {
        let mut spans = self.read(|connection| super::spans(connection, id))?;
        spans.retain(|span| span.known_from <= known_at);
        Ok(timeline::decided(&spans, version).0)
    }

    /// Every version by what was known at an instant.
    pub fn zone_versions_as_of(&self, id: &ZoneId, known_at: Timestamp) -> Result<Vec<ZoneVersion>, RegistryError> {
        self.read(|connection| {
            let mut spans = super::spans(connection, id)?;
            spans.retain(|span| span.known_from <= known_at);
            let mut query = connection.prepare(&format!(
                "SELECT {COLUMNS} FROM zone WHERE id = ?1 AND known_from_ms <= ?2 ORDER BY version"
            ))?;
            let mut rows = query.query(rusqlite::params![id.as_str(), known_at.as_millis()])?;
            let mut versions = Vec::with_capacity(spans.len());
            while let Some(row) = rows.next()? {
                let zone = zone(row)?;
                let repealed = spans.iter().any(|span| span.version == zone.version && span.repealed);
                let (decides, known_to) = timeline::decided(&spans, zone.version);
                versions.push(ZoneVersion { zone, repealed, decides, known_to });
            }
            Ok(versions)
        })
    }
}
