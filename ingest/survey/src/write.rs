//! From land to GeoJSON and KML.
//!
//! In: attributes and polygons of whole 1e-7 degrees.   Out: text that reads back as the same numbers.
//! Never: a coordinate through a floating-point number.

use crate::WriteError;
use model::{GeoPoint, Polygon, Ring};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One feature to write.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// In any order; `id` and `name` are what other programs look for.
    pub attributes: &'a BTreeMap<String, String>,
    /// Its pieces.
    pub polygons: &'a [Polygon],
}

/// A FeatureCollection by RFC 7946: WGS84, outlines counter-clockwise.
pub fn write_geojson(features: &[Export<'_>]) -> Result<String, WriteError> {
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (number, Export { attributes, polygons }) in features.iter().enumerate() {
        text.push_str(if number > 0 { ",\n" } else { "\n" });
        let properties =
            serde_json::to_string(attributes).map_err(|error| WriteError::Pack { message: error.to_string() })?;
        text.push_str("{\"type\":\"Feature\",\"properties\":");
        text.push_str(&properties);
        text.push_str(",\"geometry\":");
        push_geometry(&mut text, polygons);
        text.push('}');
    }
    text.push_str("\n]}\n");
    Ok(text)
}

/// Appends a geometry by RFC 7946: `null`, a Polygon or a MultiPolygon.
pub fn push_geometry(text: &mut String, polygons: &[Polygon]) {
    match polygons {
        [] => text.push_str("null"),
        [polygon] => {
            text.push_str("{\"type\":\"Polygon\",\"coordinates\":");
            rings(text, polygon);
            text.push('}');
        }
        many => {
            text.push_str("{\"type\":\"MultiPolygon\",\"coordinates\":[");
            for (number, polygon) in many.iter().enumerate() {
                text.push_str(if number > 0 { "," } else { "" });
                rings(text, polygon);
            }
            text.push_str("]}");
        }
    }
}

fn rings(text: &mut String, polygon: &Polygon) {
    for (number, ring) in std::iter::once(&polygon.exterior).chain(&polygon.holes).enumerate() {
        text.push_str(if number > 0 { ",[" } else { "[[" });
        for (number, point) in closed(ring).enumerate() {
            text.push_str(if number > 0 { ",[" } else { "[" });
            position(text, point);
            text.push(']');
        }
        text.push(']');
    }
    text.push(']');
}

/// A KML document of placemarks, with the attributes as `ExtendedData`.
pub fn write_kml(name: &str, features: &[Export<'_>]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>",
    );
    element(&mut text, "name", name);
    for Export { attributes, polygons } in features {
        text.push_str("\n<Placemark>");
        if let Some(name) = attributes.get("name") {
            element(&mut text, "name", name);
        }
        text.push_str("<ExtendedData>");
        for (name, value) in attributes.iter().filter(|(name, _)| *name != "name") {
            text.push_str("<Data name=\"");
            escaped(&mut text, name);
            text.push_str("\">");
            element(&mut text, "value", value);
            text.push_str("</Data>");
        }
        text.push_str("</ExtendedData><MultiGeometry>");
        for polygon in *polygons {
            text.push_str("<Polygon>");
            let holes = polygon.holes.iter().map(|hole| ("innerBoundaryIs", hole));
            for (boundary, ring) in std::iter::once(("outerBoundaryIs", &polygon.exterior)).chain(holes) {
                text.push('<');
                text.push_str(boundary);
                text.push_str("><LinearRing><coordinates>");
                for (number, point) in closed(ring).enumerate() {
                    text.push_str(if number > 0 { " " } else { "" });
                    position(&mut text, point);
                }
                text.push_str("</coordinates></LinearRing></");
                text.push_str(boundary);
                text.push('>');
            }
            text.push_str("</Polygon>");
        }
        text.push_str("</MultiGeometry></Placemark>");
    }
    text.push_str("\n</Document></kml>\n");
    text
}

fn element(text: &mut String, name: &str, value: &str) {
    text.push('<');
    text.push_str(name);
    text.push('>');
    escaped(text, value);
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

/// XML has no way to write most control characters, so they are left out.
fn escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\n' | '\t' => text.push(character),
            control if control.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&control) => {}
            other => text.push(other),
        }
    }
}

/// The ring with its first vertex once more, as all formats want it.
pub(crate) fn closed(ring: &Ring) -> impl Iterator<Item = GeoPoint> {
    ring.iter().chain(ring.first()).copied()
}

fn position(text: &mut String, point: GeoPoint) {
    degrees(text, point.lon_e7);
    text.push(',');
    degrees(text, point.lat_e7);
}

/// As whole numbers around a point, without the zeros that say nothing.
fn degrees(text: &mut String, value_e7: i32) {
    let (whole, rest) = (value_e7.unsigned_abs() / 10_000_000, value_e7.unsigned_abs() % 10_000_000);
    let sign = if value_e7 < 0 { "-" } else { "" };
    let rest = format!("{rest:07}");
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    // Writing into a String cannot fail.
    write!(text, "{sign}{whole}{point}{rest}").ok();
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
