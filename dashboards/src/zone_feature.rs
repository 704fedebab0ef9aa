//! Zones as GeoJSON for the map.
//!
//! In: zones and what holds in each.   Out: one FeatureCollection (RFC 7946) as text, and a zone's plain fields.
//!
//! Written by hand into one text: a county has hundreds of thousands of vertices, and a tree of JSON values would take ten
//! times the memory. Coordinates are exact: whole 1e-7 degrees are written as such.

use model::{Closure, Timestamp, Zone};
use serde_json::{Value, json};

/// The fields that the map and the lists need.
pub(crate) fn properties(zone: &Zone, closure: &Closure) -> Value {
    json!({
        "id": zone.id.as_str(),
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "township": zone.township.as_ref().map(|code| code.as_str()),
        "land_class": zone.land_class.as_str(),
        "authority": zone.authority().as_str(),
        "legal_basis": zone.legal_basis,
        "area_mu": zone.area_mu,
        "capacity": zone.capacity_sheep_units,
        "version": zone.version,
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "in_force_to": zone.in_force_to.map(Timestamp::to_rfc3339),
        "known_from": zone.known_from.to_rfc3339(),
        "closure": closure_json(closure),
    })
}

/// What holds in a zone.
pub(crate) fn closure_json(closure: &Closure) -> Value {
    json!({
        "level": closure.level.as_str(),
        "rule": closure.rule,
        "legal_basis": closure.legal_basis,
        "until": closure.until.map(Timestamp::to_rfc3339),
    })
}

/// Appends one feature.
pub(crate) fn push_feature(text: &mut String, zone: &Zone, closure: &Closure) {
    text.push_str("{\"type\":\"Feature\",\"id\":\"");
    // A zone id holds no character that JSON would have to escape.
    text.push_str(zone.id.as_str());
    text.push_str("\",\"properties\":");
    text.push_str(&properties(zone, closure).to_string());
    text.push_str(",\"geometry\":");
    survey::push_geometry(text, &zone.polygons);
    text.push('}');
}
