//! From one GeoJSON feature to a zone without version and dates.
//!
//! In: [`RawFeature`] and how the file is to be read.   Out: [`ZoneDraft`], or the [`FeatureFault`] that the surveyor corrects.
//! Never: a repaired geometry; I/O.

use crate::Datum;
use crate::zone_import::ImportOptions;
use crate::zone_report::FeatureFault;
use model::{Authority, GeoPoint, LandClass, Polygon, Ring, TownshipCode, ZoneId, ZoneKind};
use std::collections::HashSet;
use survey::geojson::{Nested, RawFeature};
use survey::ring::{self, Crossing};

const MAX_NAME_CHARS: usize = 100;
const MAX_BASIS_CHARS: usize = 500;

/// More than any zone; the whole banner has some 16 million mu.
const MAX_AREA_MU: f64 = 1e9;
/// Likewise, in sheep units.
const MAX_CAPACITY: u32 = 100_000_000;

/// A zone that is to be published: all but its version and dates. Its rings run with the inside to their left, the first
/// vertex not repeated, and do not cross.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneDraft {
    /// Whose version it will be.
    pub id: ZoneId,
    /// As officers call it.
    pub name: String,
    /// What it is.
    pub kind: ZoneKind,
    /// 地类
    pub land_class: LandClass,
    /// Whose township it lies in.
    pub township: Option<TownshipCode>,
    /// Who enforces, where it is not who the law names for such land.
    pub enforcement_body: Option<Authority>,
    /// The document that makes it a zone; may be empty.
    pub legal_basis: String,
    /// Its area in mu as the document states it.
    pub area_mu: Option<f64>,
    /// How many sheep units it carries, as the document states it.
    pub capacity_sheep_units: Option<u32>,
    /// Its pieces.
    pub polygons: Vec<Polygon>,
}

/// Reads and checks one feature.
pub(crate) fn draft(feature: &RawFeature, options: ImportOptions) -> Result<ZoneDraft, FeatureFault> {
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
    Ok(ZoneDraft {
        id,
        name,
        kind,
        land_class: feature.property("land_class").map_or(LandClass::Unstated, |word| LandClass::parse(&word)),
        township: township.map_err(FeatureFault::Township)?,
        enforcement_body: enforcement_body(feature)?,
        legal_basis: legal_basis(feature)?,
        area_mu: area_mu(feature)?,
        capacity_sheep_units: capacity(feature)?,
        polygons: polygons(feature, options.datum)?,
    })
}

/// A value that is none, cut so that the reason stays a line.
fn cut(text: &str) -> String {
    text.chars().take(32).collect()
}

fn enforcement_body(feature: &RawFeature) -> Result<Option<Authority>, FeatureFault> {
    let word = feature.property("enforcement_body");
    word.map(|word| Authority::parse(&word).ok_or_else(|| FeatureFault::EnforcementBody { found: cut(&word) }))
        .transpose()
}

fn legal_basis(feature: &RawFeature) -> Result<String, FeatureFault> {
    let text = feature.property("legal_basis").unwrap_or_default();
    let fits = text.chars().count() <= MAX_BASIS_CHARS && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(FeatureFault::LegalBasis) }
}

fn area_mu(feature: &RawFeature) -> Result<Option<f64>, FeatureFault> {
    let area = |text: &str| text.parse().ok().filter(|area: &f64| *area > 0.0 && *area <= MAX_AREA_MU);
    let stated = feature.property("area_mu");
    stated.map(|text| area(&text).ok_or_else(|| FeatureFault::Area { found: cut(&text) })).transpose()
}

fn capacity(feature: &RawFeature) -> Result<Option<u32>, FeatureFault> {
    let units = |text: &str| text.parse().ok().filter(|units: &u32| *units <= MAX_CAPACITY);
    let stated = feature.property("capacity");
    stated.map(|text| units(&text).ok_or_else(|| FeatureFault::Capacity { found: cut(&text) })).transpose()
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
