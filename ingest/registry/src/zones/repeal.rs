//! A zone ends: from a date on it is none.
//!
//! In: which zone, from when, why.   Out: a version without land.   Never: a version removed; published again the zone is back.

use super::timeline::{self, Period};
use crate::audit::Change;
use crate::load::Part;
use crate::zone_report::MAX_VERSIONS;
use crate::{Registry, RegistryError, approval};
use model::{Timestamp, Zone, ZoneId};
use rusqlite::Connection;

impl Registry {
    /// Repeals a zone from an instant on; the version that says so.
    pub fn repeal_zone(&self, id: &ZoneId, from: Timestamp, by: &str, reason: &str) -> Result<u32, RegistryError> {
        approval::check_reason(reason)?;
        self.write(by, |change| repeal(change, id, from, by, reason))
    }
}

/// The same as a part of a change.
pub(crate) fn repeal(
    change: &Change<'_>,
    id: &ZoneId,
    from: Timestamp,
    published_by: &str,
    reason: &str,
) -> Result<u32, RegistryError> {
    let newest = check(change.transaction, id, from)?;
    let before = super::version(change.transaction, id, newest)?;
    let version = newest + 1;
    let repealed = Zone {
        version,
        in_force_from: from,
        in_force_to: None,
        known_from: change.now,
        reason: reason.to_owned(),
        published_by: published_by.to_owned(),
        polygons: Vec::new(),
        ..before.clone()
    };
    super::insert(change, &repealed, Some(&before))?;
    change.touch(Part::Zones)?;
    Ok(version)
}

/// Whether there is something to repeal; the zone's newest version.
pub(crate) fn check(connection: &Connection, id: &ZoneId, from: Timestamp) -> Result<u32, RegistryError> {
    let spans = super::spans(connection, id)?;
    let Some(newest) = spans.last() else {
        return Err(RegistryError::NotFound { what: "zone", name: id.to_string() });
    };
    let (deciders, _) = timeline::deciders(&spans, Period { from, to: None });
    if deciders.iter().all(|span| span.repealed) {
        let remedy = format!("there is no such zone from {} on already; choose an earlier date", from.to_legal());
        return Err(RegistryError::invalid("zone", id.as_str(), remedy));
    }
    if newest.version >= MAX_VERSIONS {
        return Err(RegistryError::Limit { what: "versions of a zone", limit: u64::from(MAX_VERSIONS) });
    }
    Ok(newest.version)
}
