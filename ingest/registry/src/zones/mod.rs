//! Versions of zones in the database, and the ones that hold at an instant.
//!
//! In: checked versions from `publish`.   Out: the view's zones; the zones of another time, as known then or now.
//! Never: a version changed or forgotten. Of the versions known, the newest whose in-force interval holds an instant decides:
//! a later decision wins from its own date on, and whoever corrects a zone that has a redraw waiting publishes the redraw
//! again. A repeal is a version without land.

mod export;
pub(crate) mod proposals;
mod publish;
mod recent;
mod repeal;
mod timeline;
mod versions;

pub use export::export_zones;
pub(crate) use recent::recent;
pub use timeline::Period;
pub use versions::ZoneVersion;

use crate::audit::Change;
use crate::{Registry, RegistryError, geometry};
use model::{Authority, LandClass, Polygon, Timestamp, TownshipCode, Zone, ZoneId, ZoneKind};
use rusqlite::{Connection, Row, params};
use serde_json::json;
use std::sync::Arc;
use timeline::Span;

const COLUMNS: &str = "id, version, name, kind, land_class, township, enforcement_body, legal_basis, area_mu, capacity, \
                       in_force_from_ms, in_force_to_ms, known_from_ms, reason, published_by, geometry";

impl Registry {
    /// The zones in force at an instant, as known at another, by id; both may lie in the past or in the future.
    pub fn zones_as_of(&self, in_force_at: Timestamp, known_at: Timestamp) -> Result<Vec<Arc<Zone>>, RegistryError> {
        let held = self.view().borrow().zones.clone();
        self.read(|connection| as_of(connection, in_force_at, known_at, &held))
    }
}

/// Of each zone the version that decides, but for those that are repealed. A version that `held` holds already is taken from
/// there: versions do not change, and geometries are large.
fn as_of(
    connection: &Connection,
    in_force_at: Timestamp,
    known_at: Timestamp,
    held: &[Arc<Zone>],
) -> Result<Vec<Arc<Zone>>, RegistryError> {
    // SQLite takes a bare column from the row that has the maximum.
    let mut list = connection.prepare(
        "SELECT id, max(version), repealed FROM zone WHERE in_force_from_ms <= ?1
         AND (in_force_to_ms IS NULL OR in_force_to_ms > ?1) AND known_from_ms <= ?2 GROUP BY id ORDER BY id",
    )?;
    let mut one = connection.prepare(&format!("SELECT {COLUMNS} FROM zone WHERE id = ?1 AND version = ?2"))?;
    let mut rows = list.query([in_force_at.as_millis(), known_at.as_millis()])?;
    let mut zones = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, version, repealed): (String, u32, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if repealed {
            continue;
        }
        let same = held.binary_search_by(|zone| zone.id.as_str().cmp(&id)).ok().and_then(|index| held.get(index));
        zones.push(match same {
            Some(same) if same.version == version => Arc::clone(same),
            _ => Arc::new(one.query_row(params![id, version], |row| Ok(zone(row)))??),
        });
    }
    Ok(zones)
}

/// The zones in force at `now`, and when that changes next: a version begins or ends.
pub(crate) fn load(
    connection: &Connection,
    now: Timestamp,
    held: &[Arc<Zone>],
) -> Result<(Vec<Arc<Zone>>, Option<Timestamp>), RegistryError> {
    let next: Option<i64> = connection.query_row(
        "SELECT min(at_ms) FROM (SELECT in_force_from_ms AS at_ms FROM zone UNION SELECT in_force_to_ms FROM zone)
         WHERE at_ms > ?1",
        [now.as_millis()],
        |row| row.get(0),
    )?;
    // All that is in the database is known, also to a clock that was set back.
    let known_at = Timestamp::from_millis(i64::MAX);
    Ok((as_of(connection, now, known_at, held)?, next.map(Timestamp::from_millis)))
}

/// Every version of a zone without what it says, oldest first.
pub(crate) fn spans(connection: &Connection, id: &ZoneId) -> Result<Vec<Span>, RegistryError> {
    let mut query = connection.prepare_cached(
        "SELECT version, in_force_from_ms, in_force_to_ms, known_from_ms, repealed FROM zone WHERE id = ?1 ORDER BY version",
    )?;
    let rows = query.query_map([id.as_str()], |row| {
        let to: Option<i64> = row.get(2)?;
        Ok(Span {
            version: row.get(0)?,
            in_force: Period { from: Timestamp::from_millis(row.get(1)?), to: to.map(Timestamp::from_millis) },
            known_from: Timestamp::from_millis(row.get(3)?),
            repealed: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One version, which has to be there.
pub(crate) fn version(connection: &Connection, id: &ZoneId, version: u32) -> Result<Zone, RegistryError> {
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM zone WHERE id = ?1 AND version = ?2"))?;
    query.query_row(params![id.as_str(), version], |row| Ok(zone(row)))?
}

/// How many zones there are, and how many vertices they have at most, whichever of their versions hold.
pub(crate) fn size(connection: &Connection) -> Result<(u64, u64), RegistryError> {
    let (zones, vertices): (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(vertices), 0) FROM (SELECT max(vertices) AS vertices FROM zone GROUP BY id)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((u64::try_from(zones).unwrap_or_default(), u64::try_from(vertices).unwrap_or_default()))
}

/// Writes a version and its audit entry; a zone without land is a repeal.
pub(crate) fn insert(change: &Change<'_>, zone: &Zone, before: Option<&Zone>) -> Result<(), RegistryError> {
    let repealed = zone.polygons.is_empty();
    change.transaction.execute(
        "INSERT INTO zone (id, version, name, kind, land_class, township, enforcement_body, legal_basis, area_mu, capacity,
         in_force_from_ms, in_force_to_ms, known_from_ms, reason, published_by, repealed, vertices, geometry)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            zone.id.as_str(),
            zone.version,
            zone.name,
            zone.kind.as_str(),
            zone.land_class.as_str(),
            zone.township.as_ref().map(TownshipCode::as_str),
            zone.enforcement_body.map(Authority::as_str),
            zone.legal_basis,
            zone.area_mu,
            zone.capacity_sheep_units,
            zone.in_force_from.as_millis(),
            zone.in_force_to.map(Timestamp::as_millis),
            zone.known_from.as_millis(),
            zone.reason,
            zone.published_by,
            repealed,
            i64::try_from(geometry::vertices(&zone.polygons)).unwrap_or(i64::MAX),
            geometry::encode(&zone.polygons),
        ],
    )?;
    let what = if repealed { "zone.repeal" } else { "zone.publish" };
    change.audit(format!("{what} {}", zone.id), before.map(shown), Some(shown(zone)))
}

/// What the audit says of a version: the geometry by its hash, the vertices are in the row itself.
fn shown(zone: &Zone) -> serde_json::Value {
    json!({
        "version": zone.version,
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "land_class": zone.land_class.as_str(),
        "township": zone.township.as_ref().map(TownshipCode::as_str),
        "authority": zone.authority().as_str(),
        "legal_basis": zone.legal_basis,
        "area_mu": zone.area_mu,
        "capacity": zone.capacity_sheep_units,
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "in_force_to": zone.in_force_to.map(Timestamp::to_rfc3339),
        "reason": zone.reason,
        "published_by": zone.published_by,
        "vertices": geometry::vertices(&zone.polygons),
        "geometry": blake3::hash(&geometry::encode(&zone.polygons)).to_hex().as_str(),
    })
}

fn zone(row: &Row<'_>) -> Result<Zone, RegistryError> {
    let id: String = row.get(0)?;
    let corrupt = || RegistryError::corrupt("zone", id.as_str());
    let (kind, land_class, township): (String, String, Option<String>) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let body: Option<String> = row.get(6)?;
    let polygons: Vec<Polygon> =
        geometry::decode(row.get_ref(15)?.as_blob().map_err(|_| corrupt())?).ok_or_else(corrupt)?;
    let township = township.map(|code| TownshipCode::parse(&code)).transpose().map_err(|_| corrupt())?;
    Ok(Zone {
        name: row.get(2)?,
        kind: ZoneKind::parse(&kind).ok_or_else(corrupt)?,
        land_class: LandClass::parse(&land_class),
        township,
        enforcement_body: body.map(|word| Authority::parse(&word).ok_or_else(corrupt)).transpose()?,
        legal_basis: row.get(7)?,
        area_mu: row.get(8)?,
        capacity_sheep_units: row.get(9)?,
        version: row.get(1)?,
        in_force_from: Timestamp::from_millis(row.get(10)?),
        in_force_to: row.get::<_, Option<i64>>(11)?.map(Timestamp::from_millis),
        known_from: Timestamp::from_millis(row.get(12)?),
        reason: row.get(13)?,
        published_by: row.get(14)?,
        polygons,
        id: ZoneId::parse(&id).map_err(|_| corrupt())?,
    })
}
