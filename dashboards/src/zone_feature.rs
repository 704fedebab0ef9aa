//! Zones as GeoJSON for the map.
//!
//! In: zones and what holds in each.   Out: one FeatureCollection (RFC 7946) as text, and a zone's plain fields.
//!
//! Written by hand into one text: a county has hundreds of thousands of vertices, and a tree of JSON values would take ten
//! times the memory. Coordinates are exact: whole 1e-7 degrees are written as such.

use crate::openapi::words::{self, Moment};
use model::{Closure, Zone};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The fields of a zone that the map and the lists need.
#[derive(Serialize, ToSchema)]
#[schema(as = Zone)]
pub struct ZoneJson {
    id: String,
    name: String,
    #[schema(value_type = words::ZoneKind)]
    kind: &'static str,
    #[schema(required)]
    township: Option<String>,
    land_class: &'static str,
    #[schema(value_type = words::Authority)]
    authority: &'static str,
    /// Document that made it a zone; may be empty.
    legal_basis: String,
    #[schema(required)]
    area_mu: Option<f64>,
    /// Sheep units.
    #[schema(required)]
    capacity: Option<u32>,
    version: u32,
    in_force_from: Moment,
    #[schema(required)]
    pub(crate) in_force_to: Option<Moment>,
    known_from: Moment,
    closure: ClosureJson,
}

/// What holds in a zone.
#[derive(Serialize, ToSchema)]
#[schema(as = Closure)]
pub(crate) struct ClosureJson {
    #[schema(value_type = words::ClosureLevel)]
    level: &'static str,
    rule: String,
    legal_basis: String,
    #[schema(required)]
    until: Option<Moment>,
}

/// A zone with what holds in it.
pub(crate) fn properties(zone: &Zone, closure: &Closure) -> ZoneJson {
    ZoneJson {
        id: zone.id.to_string(),
        name: zone.name.clone(),
        kind: zone.kind.as_str(),
        township: zone.township.as_ref().map(ToString::to_string),
        land_class: zone.land_class.as_str(),
        authority: zone.authority().as_str(),
        legal_basis: zone.legal_basis.clone(),
        area_mu: zone.area_mu,
        capacity: zone.capacity_sheep_units,
        version: zone.version,
        in_force_from: zone.in_force_from.into(),
        in_force_to: zone.in_force_to.map(Moment),
        known_from: zone.known_from.into(),
        closure: closure_json(closure),
    }
}

/// What holds in a zone, as the API shows it.
pub(crate) fn closure_json(closure: &Closure) -> ClosureJson {
    ClosureJson {
        level: closure.level.as_str(),
        rule: closure.rule.clone(),
        legal_basis: closure.legal_basis.clone(),
        until: closure.until.map(Moment),
    }
}

/// Appends one feature, with what is to be said of the zone.
pub(crate) fn push_feature(text: &mut String, zone: &Zone, properties: &impl Serialize) {
    text.push_str("{\"type\":\"Feature\",\"id\":\"");
    // A zone id holds no character that JSON would have to escape.
    text.push_str(zone.id.as_str());
    text.push_str("\",\"properties\":");
    text.push_str(&json!(properties).to_string());
    text.push_str(",\"geometry\":");
    survey::push_geometry(text, &zone.polygons);
    text.push('}');
}
