//! Reads the parts of GeoJSON (RFC 7946, and the older `crs` member) that zones need, one feature at a time wrong or right.
//!
//! In: text.   Out: [`Document`]: raw features, nothing judged but that the text is JSON of the right shape.
//! Back: [`survey`] judges the shapes of the features.
//! Never: a refusal of the whole file because one feature is odd; that is why this is not a general GeoJSON library, which
//! stops at the first. Vertices are read straight into pairs, so a large file takes about its own size in memory.

use crate::attributes::Attributes;
use crate::raw::{self, RawRing, RawShape, RawSurvey};
use crate::{Crs, Format, LandFault, Limits, ReadError};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A FeatureCollection, or a single Feature as a collection of one.
pub struct Document {
    /// The name in the `crs` member, if there is one.
    pub crs: Option<String>,
    /// In the file's order.
    pub features: Vec<RawFeature>,
}

#[derive(Deserialize)]
struct RawDocument {
    r#type: Option<String>,
    crs: Option<Value>,
    features: Option<Vec<RawFeature>>,
    id: Option<Value>,
    properties: Option<Value>,
    geometry: Option<RawGeometry>,
    coordinates: Option<Nested>,
    geometries: Option<Vec<RawGeometry>>,
}

/// A feature as it stands.
#[derive(Deserialize)]
pub struct RawFeature {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    properties: Option<Value>,
    /// `None` when it is absent or null.
    #[serde(default)]
    pub geometry: Option<RawGeometry>,
}

/// A geometry as it stands.
#[derive(Deserialize)]
pub struct RawGeometry {
    /// As written.
    #[serde(default)]
    pub r#type: Option<String>,
    /// As nested as they are.
    #[serde(default)]
    pub coordinates: Option<Nested>,
    /// Of a collection.
    #[serde(default)]
    geometries: Option<Vec<RawGeometry>>,
}

impl RawFeature {
    /// Every property as text, and the feature's own id where no property has that name.
    fn attributes(&self, limits: Limits) -> BTreeMap<String, String> {
        let mut attributes = Attributes::new(limits);
        for (name, value) in self.properties.as_ref().and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = text(Some(value)) {
                attributes.insert(name, &value);
            }
        }
        if let Some(id) = text(self.id.as_ref()) {
            attributes.insert("id", &id);
        }
        attributes.into_map()
    }

    fn shape(&self) -> Result<RawShape, LandFault> {
        let mut parts = Vec::new();
        self.geometry.as_ref().ok_or(LandFault::Empty)?.parts(&mut parts, 0)?;
        if parts.is_empty() { Err(LandFault::Empty) } else { Ok(RawShape::Parts(parts)) }
    }
}

/// A collection in a collection in a collection is somebody's joke.
const DEPTH_MAX: usize = 4;

impl RawGeometry {
    fn parts(&self, parts: &mut Vec<Vec<RawRing>>, depth: usize) -> Result<(), LandFault> {
        match (self.r#type.as_deref().unwrap_or("missing"), &self.coordinates, &self.geometries) {
            ("Polygon", Some(coordinates), _) => parts.extend(polygon(coordinates)?),
            ("MultiPolygon", Some(Nested::List(list)), _) => {
                for part in list {
                    parts.extend(polygon(part)?);
                }
            }
            ("GeometryCollection", _, Some(geometries)) if depth < DEPTH_MAX => {
                for geometry in geometries {
                    geometry.parts(parts, depth + 1)?;
                }
            }
            ("Polygon" | "MultiPolygon" | "GeometryCollection", ..) => return Err(misshapen("no coordinates")),
            (other, ..) => {
                return Err(LandFault::GeometryType {
                    found: other.chars().filter(|c| !c.is_control()).take(32).collect(),
                });
            }
        }
        Ok(())
    }
}

fn misshapen(found: &str) -> LandFault {
    LandFault::Shape { found: found.to_owned() }
}

/// `None` for `[]`, which is how an empty polygon is written.
fn polygon(rings: &Nested) -> Result<Option<Vec<RawRing>>, LandFault> {
    let Nested::List(rings) = rings else { return Err(misshapen("no list of rings")) };
    let ring = |points: &Nested| -> Result<RawRing, LandFault> {
        let Nested::List(points) = points else { return Err(misshapen("a ring that is no list")) };
        let position = |point: &Nested| match *point {
            Nested::Position { lon_deg, lat_deg } => Ok([lon_deg, lat_deg]),
            _ => Err(misshapen("a position that is no pair of numbers")),
        };
        points.iter().map(position).collect()
    };
    let rings: Vec<RawRing> = rings.iter().map(ring).collect::<Result<_, _>>()?;
    Ok((!rings.is_empty()).then_some(rings))
}

/// Reads one file.
pub(crate) fn survey(file: &str, bytes: &[u8], limits: Limits) -> Result<RawSurvey, ReadError> {
    let broken = |place: String, message: String| ReadError::Broken { file: file.to_owned(), place, message };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(format!("byte {}", error.valid_up_to()), "it is not UTF-8".to_owned()))?;
    let document = read(text).map_err(|message| broken("its text".to_owned(), message))?;
    let too_large = |what, limit| ReadError::TooLarge { file: file.to_owned(), what, limit };
    if document.features.len() > limits.features {
        return Err(too_large("features", limits.features));
    }
    let crs = document.crs.map(|name| Crs::parse(&name));
    let mut vertices = 0;
    let mut features = Vec::with_capacity(document.features.len());
    for feature in document.features {
        let shape = feature.shape();
        vertices += shape.as_ref().map_or(0, RawShape::vertices);
        if vertices > limits.vertices {
            return Err(too_large("vertices", limits.vertices));
        }
        features.push(raw::RawFeature { attributes: feature.attributes(limits), shape });
    }
    let encoding = "UTF-8".to_owned();
    Ok(RawSurvey { format: Format::GeoJson, file: file.to_owned(), encoding, crs, features, notes: Vec::new() })
}

fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        // Kept, to be refused by whoever knows what the property should hold.
        Value::Null => return None,
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// Reads the text; the error is one line for the person who chose the file.
pub fn read(text: &str) -> Result<Document, String> {
    // Some surveyors' programs put a byte-order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw: RawDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let features = match (raw.r#type.as_deref(), raw.features) {
        (Some("FeatureCollection"), Some(features)) => features,
        (Some("FeatureCollection"), None) => return Err("a FeatureCollection needs `features`".to_owned()),
        (Some("Feature"), _) => {
            vec![RawFeature { id: raw.id, properties: raw.properties, geometry: raw.geometry }]
        }
        (Some("Polygon" | "MultiPolygon" | "GeometryCollection"), _) => {
            let geometry = RawGeometry { r#type: raw.r#type, coordinates: raw.coordinates, geometries: raw.geometries };
            vec![RawFeature { id: None, properties: None, geometry: Some(geometry) }]
        }
        (Some(other), _) => return Err(format!("type is `{}`", other.chars().take(32).collect::<String>())),
        (None, _) => return Err("`type` is missing".to_owned()),
    };
    let crs = raw.crs.filter(|crs| !crs.is_null());
    let name =
        |crs: Value| match (crs.pointer("/properties/name").and_then(Value::as_str), crs.pointer("/properties/code")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(Value::Number(code))) => code.to_string(),
            _ => crs.to_string().chars().take(64).collect(),
        };
    Ok(Document { crs: crs.map(name), features })
}

/// GeoJSON's nested arrays: an array that begins with a number is a position, of which the height is ignored.
#[derive(Debug, Clone, PartialEq)]
pub enum Nested {
    /// Outside of a position.
    Number(f64),
    /// Its first two numbers.
    Position {
        /// The first.
        lon_deg: f64,
        /// The second.
        lat_deg: f64,
    },
    /// Of anything else.
    List(Vec<Nested>),
    /// Anything that has no place in coordinates.
    Other,
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NestedVisitor)
    }
}

struct NestedVisitor;

impl<'de> Visitor<'de> for NestedVisitor {
    type Value = Nested;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("coordinates")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Nested, E> {
        Ok(Nested::Number(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Nested, E> {
        Ok(Nested::Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Nested, E> {
        Ok(Nested::Number(value as f64))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Nested, E> {
        Ok(Nested::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Nested, E> {
        Ok(Nested::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Nested, E> {
        Ok(Nested::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Nested, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Nested::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Nested, A::Error> {
        let first: Option<Nested> = sequence.next_element()?;
        let Some(Nested::Number(lon_deg)) = first else {
            let mut list: Vec<Nested> = first.into_iter().collect();
            while let Some(item) = sequence.next_element()? {
                list.push(item);
            }
            return Ok(Nested::List(list));
        };
        let second: Option<Nested> = sequence.next_element()?;
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        match second {
            Some(Nested::Number(lat_deg)) => Ok(Nested::Position { lon_deg, lat_deg }),
            _ => Ok(Nested::Other),
        }
    }
}
