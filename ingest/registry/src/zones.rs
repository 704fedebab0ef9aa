//! Versions of zones in the database, and the ones in force as a map.
//!
//! In: checked zones from `zone_import`.   Out: the view's zones; GeoJSON; every version of one zone.
//! Never: a version changed or forgotten. A later decision wins from its own date on: whoever corrects a zone that has a
//! redraw waiting publishes the redraw again.

use crate::audit::Change;
use crate::{Registry, RegistryError, geometry};
use model::{LandClass, Polygon, Ring, Timestamp, TownshipCode, Zone, ZoneId, ZoneKind};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

const COLUMNS: &str = "id, version, name, kind, land_class, township, in_force_from_ms, known_from_ms, geometry";

impl Registry {
    /// Every version of a zone, oldest first, those of the future too.
    pub fn zone_versions(&self, id: &ZoneId) -> Result<Vec<Zone>, RegistryError> {
        self.read(|connection| {
            let mut query =
                connection.prepare(&format!("SELECT {COLUMNS} FROM zone WHERE id = ?1 ORDER BY version"))?;
            query.query_and_then([id.as_str()], zone)?.collect()
        })
    }

    /// The zones in force as a GeoJSON FeatureCollection (RFC 7946); imported again it changes nothing.
    pub fn zones_geojson(&self) -> String {
        let view = Arc::clone(&self.view().borrow());
        let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
        for (index, zone) in view.zones.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            push_feature(&mut text, zone);
        }
        text.push_str("]}");
        text
    }
}

fn push_feature(text: &mut String, zone: &Zone) {
    let properties = json!({
        "id": zone.id.as_str(),
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "township": zone.township.as_ref().map(TownshipCode::as_str),
        "land_class": zone.land_class.as_str(),
        "authority": zone.kind.authority().as_str(),
        "version": zone.version,
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "known_from": zone.known_from.to_rfc3339(),
    });
    // Writing into a String cannot fail.
    write!(text, "{{\"type\":\"Feature\",\"id\":\"{}\",\"properties\":{properties},", zone.id).ok();
    text.push_str("\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[");
    for (index, polygon) in zone.polygons.iter().enumerate() {
        text.push_str(if index > 0 { ",[" } else { "[" });
        push_ring(text, &polygon.exterior);
        for hole in &polygon.holes {
            text.push(',');
            push_ring(text, hole);
        }
        text.push(']');
    }
    text.push_str("]}}");
}

/// With the first vertex repeated at the end, as GeoJSON wants it. A whole 1e-7 degree prints with at most 7 decimals.
fn push_ring(text: &mut String, ring: &Ring) {
    text.push('[');
    for (index, point) in ring.iter().chain(ring.first()).enumerate() {
        let (lon_deg, lat_deg) = point.degrees();
        let comma = if index > 0 { "," } else { "" };
        write!(text, "{comma}[{lon_deg},{lat_deg}]").ok();
    }
    text.push(']');
}

/// The newest version of a zone, in force or not.
pub(crate) fn newest(connection: &Connection, id: &ZoneId) -> Result<Option<Zone>, RegistryError> {
    let mut query = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM zone WHERE id = ?1 ORDER BY version DESC LIMIT 1"))?;
    query.query_row([id.as_str()], |row| Ok(zone(row))).optional()?.transpose()
}

/// How many zones there are, and how many vertices their newest versions have.
pub(crate) fn size(connection: &Connection) -> Result<(u64, u64), RegistryError> {
    let (zones, vertices): (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(vertices), 0) FROM zone
         WHERE (id, version) IN (SELECT id, max(version) FROM zone GROUP BY id)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((u64::try_from(zones).unwrap_or_default(), u64::try_from(vertices).unwrap_or_default()))
}

/// Writes a version and its audit entry.
pub(crate) fn insert(change: &Change<'_>, zone: &Zone, before: Option<&Zone>) -> Result<(), RegistryError> {
    let geometry = geometry::encode(&zone.polygons);
    let vertices = geometry::vertices(&zone.polygons);
    change.transaction.execute(
        "INSERT INTO zone (id, version, name, kind, land_class, township, in_force_from_ms, known_from_ms, vertices,
         geometry) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            zone.id.as_str(),
            zone.version,
            zone.name,
            zone.kind.as_str(),
            zone.land_class.as_str(),
            zone.township.as_ref().map(TownshipCode::as_str),
            zone.in_force_from.as_millis(),
            zone.known_from.as_millis(),
            i64::try_from(vertices).unwrap_or(i64::MAX),
            geometry,
        ],
    )?;
    change.audit(format!("zone.publish {}", zone.id), before.map(shown), Some(shown(zone)))
}

/// What the audit says of a version: the geometry by its hash, the vertices are in the row itself.
fn shown(zone: &Zone) -> serde_json::Value {
    json!({
        "version": zone.version,
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "land_class": zone.land_class.as_str(),
        "township": zone.township.as_ref().map(TownshipCode::as_str),
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "vertices": geometry::vertices(&zone.polygons),
        "geometry": blake3::hash(&geometry::encode(&zone.polygons)).to_hex().as_str(),
    })
}

/// Of each zone the version in force at `now`, by id, and when the next one begins. A version that `known` holds already is
/// taken from there: versions do not change, and geometries are large.
pub(crate) fn load(
    connection: &Connection,
    now: Timestamp,
    known: &[Arc<Zone>],
) -> Result<(Vec<Arc<Zone>>, Option<Timestamp>), RegistryError> {
    let next: Option<i64> = connection.query_row(
        "SELECT min(in_force_from_ms) FROM zone WHERE in_force_from_ms > ?1",
        [now.as_millis()],
        |row| row.get(0),
    )?;
    let mut list =
        connection.prepare("SELECT id, max(version) FROM zone WHERE in_force_from_ms <= ?1 GROUP BY id ORDER BY id")?;
    let mut one = connection.prepare(&format!("SELECT {COLUMNS} FROM zone WHERE id = ?1 AND version = ?2"))?;
    let mut rows = list.query([now.as_millis()])?;
    let mut zones = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, version): (String, u32) = (row.get(0)?, row.get(1)?);
        let same = known.binary_search_by(|zone| zone.id.as_str().cmp(&id)).ok().and_then(|index| known.get(index));
        zones.push(match same {
            Some(same) if same.version == version => Arc::clone(same),
            _ => Arc::new(one.query_row(params![id, version], |row| Ok(zone(row)))??),
        });
    }
    Ok((zones, next.map(Timestamp::from_millis)))
}

fn zone(row: &Row<'_>) -> Result<Zone, RegistryError> {
    let id: String = row.get(0)?;
    let corrupt = || RegistryError::corrupt("zone", id.as_str());
    let (kind, land_class, township): (String, String, Option<String>) = (row.get(3)?, row.get(4)?, row.get(5)?);
    let polygons: Vec<Polygon> =
        geometry::decode(row.get_ref(8)?.as_blob().map_err(|_| corrupt())?).ok_or_else(corrupt)?;
    let township = township.map(|code| TownshipCode::parse(&code)).transpose().map_err(|_| corrupt())?;
    Ok(Zone {
        name: row.get(2)?,
        kind: ZoneKind::parse(&kind).ok_or_else(corrupt)?,
        land_class: LandClass::parse(&land_class),
        township,
        version: row.get(1)?,
        in_force_from: Timestamp::from_millis(row.get(6)?),
        known_from: Timestamp::from_millis(row.get(7)?),
        polygons,
        id: ZoneId::parse(&id).map_err(|_| corrupt())?,
    })
}
