//! From one GeoJSON feature to a zone without version and dates.
//!
//! In: [`RawFeature`] and how the file is to be read.   Out: [`Draft`], or the [`FeatureFault`] that the surveyor corrects.
//! Never: a repaired geometry; I/O.

use crate::Datum;
use crate::zone_import::ImportOptions;
use crate::zone_report::FeatureFault;
use model::{GeoPoint, LandClass, Polygon, Ring, Timestamp, TownshipCode, Zone, ZoneId, ZoneKind};
use std::collections::HashSet;
use survey::geojson::{Nested, RawFeature};
use survey::ring::{self, Crossing};

const MAX_NAME_CHARS: usize = 100;

/// A feature that is a zone, but for its version and dates.
pub(crate) struct Draft {
    pub(crate) id: ZoneId,
    pub(crate) name: String,
    pub(crate) kind: ZoneKind,
    pub(crate) land_class: LandClass,
    pub(crate) township: Option<TownshipCode>,
    pub(crate) polygons: Vec<Polygon>,
}

impl Draft {
    /// The draft as a version.
    pub(crate) fn into_zone(self, version: u32, in_force_from: Timestamp, known_from: Timestamp) -> Zone {
        let Self { id, name, kind, land_class, township, polygons } = self;
        Zone { id, name, kind, land_class, township, version, in_force_from, known_from, polygons }
    }
}

/// Reads and checks one feature.
pub(crate) fn draft(feature: &RawFeature, options: ImportOptions) -> Result<Draft, FeatureFault> {
    let id = ZoneId::parse(&feature.id().ok_or(FeatureFault::IdMissing)?).map_err(FeatureFault::Id)?;
    let name = feature.property("name").unwrap_or_else(|| id.to_string());
    if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(FeatureFault::Name);
    }
    let kind = match (options.kind, feature.property("kind")) {
        (Some(kind), _) => kind,
        (None, None) => return Err(FeatureFault::KindMissing),
        (None, Some(word)) => {
            ZoneKind::parse(&word).ok_or_else(|| FeatureFault::Kind { found: word.chars().take(32).collect() })?
        }
    };
    let township = feature.property("township").map(|code| TownshipCode::parse(&code)).transpose();
    Ok(Draft {
        id,
        name,
        kind,
        land_class: feature.property("land_class").map_or(LandClass::Unstated, |word| LandClass::parse(&word)),
        township: township.map_err(FeatureFault::Township)?,
        polygons: polygons(feature, options.datum)?,
    })
}

fn polygons(feature: &RawFeature, datum: Datum) -> Result<Vec<Polygon>, FeatureFault> {
    let missing = || FeatureFault::GeometryType { found: "missing".to_owned() };
    let geometry = feature.geometry.as_ref().ok_or_else(missing)?;
    let polygons = match (geometry.r#type.as_deref().ok_or_else(missing)?, &geometry.coordinates) {
        ("Polygon", Some(coordinates)) => vec![polygon(coordinates, datum)?],
        ("MultiPolygon", Some(Nested::List(parts))) if !parts.is_empty() => {
            parts.iter().map(|part| polygon(part, datum)).collect::<Result<_, _>>()?
        }
        ("Polygon" | "MultiPolygon", _) => return Err(FeatureFault::Shape),
        (other, _) => return Err(FeatureFault::GeometryType { found: other.chars().take(32).collect() }),
    };
    let rings = polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
    match ring::first_crossing(rings) {
        None => Ok(polygons),
        Some(Crossing::At { lat_deg, lon_deg }) => Err(FeatureFault::Crosses { lon_deg, lat_deg }),
        Some(Crossing::Along { lat_deg, lon_deg }) => Err(FeatureFault::Along { lon_deg, lat_deg }),
        Some(Crossing::Inverted { lat_deg, lon_deg }) => Err(FeatureFault::Inverted { lon_deg, lat_deg }),
    }
}

/// Rings run with the inside to their left, whichever way they were drawn: exteriors counter-clockwise, holes clockwise.
fn polygon(rings: &Nested, datum: Datum) -> Result<Polygon, FeatureFault> {
    let Nested::List(rings) = rings else { return Err(FeatureFault::Shape) };
    let mut rings = rings.iter().map(|points| ring_of(points, datum));
    let mut exterior = rings.next().ok_or(FeatureFault::Shape)??;
    let mut holes = rings.collect::<Result<Vec<Ring>, _>>()?;
    if ring::signed_area(&exterior) < 0 {
        exterior.reverse();
    }
    for hole in holes.iter_mut().filter(|hole| ring::signed_area(hole) > 0) {
        hole.reverse();
    }
    Ok(Polygon { exterior, holes })
}

fn ring_of(points: &Nested, datum: Datum) -> Result<Ring, FeatureFault> {
    let Nested::List(points) = points else { return Err(FeatureFault::Shape) };
    let mut ring: Ring = Vec::with_capacity(points.len());
    for point in points {
        let Nested::Position { lon_deg, lat_deg } = *point else { return Err(FeatureFault::Shape) };
        ring.push(vertex(lon_deg, lat_deg, datum)?);
    }
    ring.dedup();
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    // Three positions may still be two vertices, there and back.
    let distinct = if ring.len() > 3 { ring.len() } else { ring.iter().collect::<HashSet<_>>().len() };
    if distinct < 3 { Err(FeatureFault::TooFew { distinct }) } else { Ok(ring) }
}

/// 0,0 is a place here: only receivers use it for "no fix".
fn vertex(lon_deg: f64, lat_deg: f64, datum: Datum) -> Result<GeoPoint, FeatureFault> {
    // Not-a-number is in no range.
    let on_globe = |lat: f64, lon: f64| (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
    let (lat, lon) = datum.to_wgs84(lat_deg, lon_deg);
    if !on_globe(lat_deg, lon_deg) || !on_globe(lat, lon) {
        return Err(FeatureFault::OffGlobe { lon_deg, lat_deg });
    }
    // In range: |180e7| < 2^31.
    Ok(GeoPoint { lon_e7: (lon * 1e7).round() as i32, lat_e7: (lat * 1e7).round() as i32 })
}
