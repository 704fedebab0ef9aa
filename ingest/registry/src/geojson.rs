//! Reads the parts of GeoJSON (RFC 7946, and the older `crs` member) that zones need, one feature at a time wrong or right.
//!
//! In: text.   Out: [`Document`]: raw features, nothing judged but that the text is JSON of the right shape.
//! Never: a refusal of the whole file because one feature is odd; that is why this is not a general GeoJSON library, which
//! stops at the first. Vertices are read straight into pairs, so a large file takes about its own size in memory.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A FeatureCollection, or a single Feature as a collection of one.
pub(crate) struct Document {
    /// The name in the `crs` member, if there is one.
    pub(crate) crs: Option<String>,
    pub(crate) features: Vec<RawFeature>,
}

#[derive(Deserialize)]
struct RawDocument {
    r#type: Option<String>,
    crs: Option<Value>,
    features: Option<Vec<RawFeature>>,
    id: Option<Value>,
    properties: Option<Value>,
    geometry: Option<RawGeometry>,
}

#[derive(Deserialize)]
pub(crate) struct RawFeature {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    properties: Option<Value>,
    #[serde(default)]
    pub(crate) geometry: Option<RawGeometry>,
}

#[derive(Deserialize)]
pub(crate) struct RawGeometry {
    #[serde(default)]
    pub(crate) r#type: Option<String>,
    #[serde(default)]
    pub(crate) coordinates: Option<Nested>,
}

impl RawFeature {
    /// A property as text; numbers count as text, an empty text and `null` as absent.
    pub(crate) fn property(&self, name: &str) -> Option<String> {
        text(self.properties.as_ref().and_then(Value::as_object).and_then(|object: &Map<_, _>| object.get(name)))
    }

    /// The zone's id: the property, or the feature's own.
    pub(crate) fn id(&self) -> Option<String> {
        self.property("id").or_else(|| text(self.id.as_ref()))
    }
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
pub(crate) fn read(text: &str) -> Result<Document, String> {
    // Some surveyors' programs put a byte-order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw: RawDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let features = match (raw.r#type.as_deref(), raw.features) {
        (Some("FeatureCollection"), Some(features)) => features,
        (Some("FeatureCollection"), None) => return Err("a FeatureCollection needs `features`".to_owned()),
        (Some("Feature"), _) => {
            vec![RawFeature { id: raw.id, properties: raw.properties, geometry: raw.geometry }]
        }
        (Some(other), _) => return Err(format!("type is `{}`", other.chars().take(32).collect::<String>())),
        (None, _) => return Err("`type` is missing".to_owned()),
    };
    let crs = raw.crs.filter(|crs| !crs.is_null());
    let name = |crs: Value| match crs.pointer("/properties/name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => crs.to_string().chars().take(64).collect(),
    };
    Ok(Document { crs: crs.map(name), features })
}

/// GeoJSON's nested arrays: an array that begins with a number is a position, of which the height is ignored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Nested {
    Number(f64),
    Position {
        lon_deg: f64,
        lat_deg: f64,
    },
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
