//! Zones as GeoJSON for the map.
//!
//! In: zones and what holds in each.   Out: one FeatureCollection (RFC 7946) as text, and a zone's plain fields.
//!
//! Written by hand into one text: a county has hundreds of thousands of vertices, and a tree of JSON values would take ten
//! times the memory. Coordinates are exact: whole 1e-7 degrees are written as such.

use model::{Closure, GeoPoint, Polygon, Timestamp, Zone};
use serde_json::{Value, json};
use std::fmt::Write;

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
    text.push_str(",\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[");
    separated(text, &zone.polygons, push_polygon);
    text.push_str("]}}");
}

fn push_polygon(text: &mut String, polygon: &Polygon) {
    text.push('[');
    push_ring(text, &polygon.exterior);
    for hole in &polygon.holes {
        text.push(',');
        push_ring(text, hole);
    }
    text.push(']');
}

/// GeoJSON repeats the first vertex at the end.
fn push_ring(text: &mut String, ring: &[GeoPoint]) {
    text.push('[');
    separated(text, ring.iter().chain(ring.first()), |text, point| {
        text.push('[');
        push_degrees(text, point.lon_e7);
        text.push(',');
        push_degrees(text, point.lat_e7);
        text.push(']');
    });
    text.push(']');
}

fn separated<T>(text: &mut String, items: impl IntoIterator<Item = T>, mut push: impl FnMut(&mut String, T)) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(text, item);
    }
}

fn push_degrees(text: &mut String, e7: i32) {
    let sign = if e7 < 0 { "-" } else { "" };
    let (whole, fraction) = (e7.unsigned_abs() / 10_000_000, e7.unsigned_abs() % 10_000_000);
    // Writing into a text cannot fail.
    if fraction == 0 { write!(text, "{sign}{whole}") } else { write!(text, "{sign}{whole}.{fraction:07}") }.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_written_exactly() {
        for (e7, want) in [(1_175_000_000, "117.5000000"), (-1, "-0.0000001"), (430_000_000, "43"), (0, "0")] {
            let mut text = String::new();
            push_degrees(&mut text, e7);
            assert_eq!(text, want);
        }
    }

    #[test]
    fn a_ring_ends_where_it_began() {
        let point = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
        let mut text = String::new();
        push_ring(&mut text, &[point(10_000_000, 0), point(20_000_000, 0), point(0, 10_000_000)]);
        assert_eq!(text, "[[1,0],[2,0],[0,1],[1,0]]");
    }
}
