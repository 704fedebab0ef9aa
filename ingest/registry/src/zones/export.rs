//! Zones as GeoJSON (RFC 7946); imported again they change nothing.
//!
//! In: zones or drafts.   Out: one FeatureCollection as text.   Never: a rounding.

use crate::zone_draft::ZoneDraft;
use crate::{Registry, RegistryError};
use model::{Authority, Polygon, Ring, Timestamp, TownshipCode, Zone, ZoneId};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

impl Registry {
    /// The zones in force as a FeatureCollection.
    pub fn zones_geojson(&self) -> String {
        let view = Arc::clone(&self.view().borrow());
        zones_text(&view.zones)
    }

    /// The zones in force at an instant, as known at another.
    pub fn zones_geojson_as_of(&self, in_force_at: Timestamp, known_at: Timestamp) -> Result<String, RegistryError> {
        Ok(zones_text(&self.zones_as_of(in_force_at, known_at)?))
    }
}

fn zones_text(zones: &[Arc<Zone>]) -> String {
    collection(zones.iter().map(|zone| (&zone.id, properties(zone), zone.polygons.as_slice())))
}

/// Drafts as a file that reads as these drafts.
pub(crate) fn drafts_text(drafts: &[ZoneDraft]) -> String {
    collection(drafts.iter().map(|draft| (&draft.id, draft_properties(draft), draft.polygons.as_slice())))
}

fn collection<'a>(features: impl Iterator<Item = (&'a ZoneId, Value, &'a [Polygon])>) -> String {
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (index, (id, properties, polygons)) in features.enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Writing into a String cannot fail.
        write!(text, "{{\"type\":\"Feature\",\"id\":\"{id}\",\"properties\":{properties},").ok();
        push_geometry(&mut text, polygons);
    }
    text.push_str("]}");
    text
}

fn properties(zone: &Zone) -> Value {
    json!({
        "id": zone.id.as_str(),
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "township": zone.township.as_ref().map(TownshipCode::as_str),
        "land_class": zone.land_class.as_str(),
        "enforcement_body": zone.enforcement_body.map(Authority::as_str),
        "authority": zone.authority().as_str(),
        "legal_basis": zone.legal_basis,
        "area_mu": zone.area_mu,
        "capacity": zone.capacity_sheep_units,
        "version": zone.version,
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "in_force_to": zone.in_force_to.map(Timestamp::to_rfc3339),
        "known_from": zone.known_from.to_rfc3339(),
    })
}

fn draft_properties(draft: &ZoneDraft) -> Value {
    json!({
        "id": draft.id.as_str(),
        "name": draft.name,
        "kind": draft.kind.as_str(),
        "township": draft.township.as_ref().map(TownshipCode::as_str),
        "land_class": draft.land_class.as_str(),
        "enforcement_body": draft.enforcement_body.map(Authority::as_str),
        "legal_basis": draft.legal_basis,
        "area_mu": draft.area_mu,
        "capacity": draft.capacity_sheep_units,
    })
}

fn push_geometry(text: &mut String, polygons: &[Polygon]) {
    text.push_str("\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[");
    for (index, polygon) in polygons.iter().enumerate() {
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
