//! Zones as files: GeoJSON (RFC 7946), a packed shapefile, KML; imported again they change nothing.
//!
//! In: zones or drafts.   Out: text or bytes.   Never: a rounding.

use crate::zone_draft::ZoneDraft;
use model::{Authority, Polygon, Timestamp, TownshipCode, Zone, ZoneId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use survey::{Export, Format, WriteError, push_geometry, write_kml, write_shapefile};

/// The zones as a file in one of the formats that are written; a shapefile as a `.zip`.
pub fn export_zones(zones: &[Arc<Zone>], format: Format) -> Result<Vec<u8>, WriteError> {
    if format == Format::GeoJson {
        return Ok(zones_text(zones).into_bytes());
    }
    let attributes: Vec<BTreeMap<String, String>> = zones.iter().map(|zone| texts(&properties(zone))).collect();
    let features: Vec<Export<'_>> = zones
        .iter()
        .zip(&attributes)
        .map(|(zone, attributes)| Export { attributes, polygons: &zone.polygons })
        .collect();
    match format {
        Format::Kml => Ok(write_kml("zones", &features).into_bytes()),
        _ => write_shapefile("zones", &features),
    }
}

/// Properties as text; what is not stated is left out.
fn texts(properties: &Value) -> BTreeMap<String, String> {
    let Value::Object(properties) = properties else { return BTreeMap::new() };
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    };
    properties.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
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
        write!(text, "{{\"type\":\"Feature\",\"id\":\"{id}\",\"properties\":{properties},\"geometry\":").ok();
        push_geometry(&mut text, polygons);
        text.push('}');
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
