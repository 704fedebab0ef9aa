//! Reads the placemarks of a KML file that have an area.
//!
//! In: text.   Out: [`RawSurvey`]; coordinates are WGS84 degrees, as KML has no others.   Next: `mapping`.
//! Never: an entity but XML's own five and numbers; a file that is linked to; elements nested deeper than the bound.
//!
//! Own code over an XML reader: the crate for KML keeps whole files as trees, styles included, and reads no `SchemaData` as
//! attributes (docs/adr/0013). Points beside polygons in one placemark are labels and are passed over.

use crate::attributes::Attributes;
use crate::raw::{RawFeature, RawRing, RawShape, RawSurvey};
use crate::{Crs, Datum, Encoding, Format, LandFault, Limits, ReadError};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

const DEPTH_MAX: usize = 64;

/// What is open at the moment.
struct Placemark {
    attributes: Attributes,
    parts: Vec<Vec<RawRing>>,
    /// A geometry without area, the first of them.
    other: Option<String>,
    fault: Option<LandFault>,
}

struct State {
    limits: Limits,
    /// Local names of the open elements.
    open: Vec<String>,
    text: String,
    /// The `name` of the open `Data` or `SimpleData`.
    key: String,
    placemark: Option<Placemark>,
    /// Whether the open ring is a hole.
    hole: bool,
    vertices: usize,
    features: Vec<RawFeature>,
}

/// Why reading stops; the place is added by the caller.
enum Stop {
    Broken(String),
    TooLarge(&'static str, usize),
}

/// Reads one file.
pub(crate) fn read(file: &str, bytes: &[u8], limits: Limits) -> Result<RawSurvey, ReadError> {
    let (text, encoding) = decode(bytes);
    let mut reader = Reader::from_str(&text);
    let mut state = State {
        limits,
        open: Vec::new(),
        text: String::new(),
        key: String::new(),
        placemark: None,
        hole: false,
        vertices: 0,
        features: Vec::new(),
    };
    let mut seen_kml = false;
    loop {
        let at = reader.buffer_position();
        let stop = |stop: Stop| match stop {
            Stop::Broken(message) => ReadError::Broken { file: file.to_owned(), place: format!("byte {at}"), message },
            Stop::TooLarge(what, limit) => ReadError::TooLarge { file: file.to_owned(), what, limit },
        };
        let event = reader.read_event().map_err(|error| stop(Stop::Broken(error.to_string())))?;
        match event {
            Event::Start(element) => {
                seen_kml |= matches!(element.local_name().as_ref(), "kml" | "Placemark");
                state.start(&element).map_err(stop)?;
            }
            Event::Empty(element) => {
                state.start(&element).map_err(stop)?;
                state.end().map_err(stop)?;
            }
            Event::End(_) => state.end().map_err(stop)?,
            Event::Text(text) => state.text(&text),
            Event::CData(text) => state.text(&text),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned);
                let text = character.or(known);
                let text = text.ok_or_else(|| stop(Stop::Broken("it has an entity of its own".to_owned())))?;
                state.text(&text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let broken = |message: &str| ReadError::Broken {
        file: file.to_owned(),
        place: "the end".to_owned(),
        message: message.to_owned(),
    };
    if !state.open.is_empty() {
        return Err(broken("it is cut off"));
    }
    if !seen_kml {
        return Err(broken("it is no KML"));
    }
    Ok(RawSurvey {
        format: Format::Kml,
        file: file.to_owned(),
        encoding,
        crs: Some(Ok(Crs::Geographic(Datum::Wgs84))),
        features: state.features,
        notes: Vec::new(),
    })
}

/// UTF-8 and UTF-16 by their marks, UTF-8 without one, and what the first line states.
fn decode(bytes: &[u8]) -> (String, String) {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        return (text.into_owned(), encoding.name().to_owned());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), "UTF-8".to_owned());
    }
    let start = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned();
    let stated = start.split_once("encoding=").and_then(|(_, rest)| {
        let quote = rest.chars().next()?;
        Encoding::parse(rest.get(1..)?.split(quote).next()?)
    });
    let encoding = stated.unwrap_or(Encoding::GB18030);
    (encoding.decode(bytes).0, encoding.name().to_owned())
}

impl State {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Stop> {
        if self.open.len() == DEPTH_MAX {
            return Err(Stop::Broken(format!("elements are nested more than {DEPTH_MAX} deep")));
        }
        let name = element.local_name().as_ref().to_owned();
        self.text.clear();
        match name.as_str() {
            "Placemark" => {
                if self.features.len() == self.limits.features {
                    return Err(Stop::TooLarge("features", self.limits.features));
                }
                let attributes = Attributes::new(self.limits);
                self.placemark = Some(Placemark { attributes, parts: Vec::new(), other: None, fault: None });
            }
            "Data" | "SimpleData" => {
                let name = element.try_get_attribute("name").map_err(|error| Stop::Broken(error.to_string()))?;
                let value = name.map(|name| name.value.into_owned());
                let value = value.map(|value| quick_xml::escape::unescape(&value).map(|value| value.into_owned()));
                self.key = value.transpose().map_err(|error| Stop::Broken(error.to_string()))?.unwrap_or_default();
            }
            "Polygon" => {
                if let Some(placemark) = &mut self.placemark {
                    placemark.parts.push(Vec::new());
                }
            }
            "outerBoundaryIs" => self.hole = false,
            "innerBoundaryIs" => self.hole = true,
            "Point" | "LineString" | "Model" | "Track" | "MultiTrack" => {
                if let Some(placemark) = &mut self.placemark {
                    placemark.other.get_or_insert_with(|| name.clone());
                }
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let wanted = matches!(
            self.open.last().map(String::as_str),
            Some("coordinates" | "name" | "value" | "SimpleData" | "description")
        );
        if wanted && self.placemark.is_some() {
            self.text.push_str(text);
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(name) = self.open.pop() else {
            return Err(Stop::Broken("an element ends that never began".to_owned()));
        };
        let parent = self.open.last().map(String::as_str);
        let text = std::mem::take(&mut self.text);
        let Some(placemark) = &mut self.placemark else { return Ok(()) };
        match (name.as_str(), parent) {
            ("name" | "description", Some("Placemark")) => placemark.attributes.insert(&name, &text),
            ("value", Some("Data")) => placemark.attributes.insert(&self.key, &text),
            ("SimpleData", _) => placemark.attributes.insert(&self.key, &text),
            ("coordinates", Some("LinearRing")) if self.open.iter().any(|name| name == "Polygon") => {
                match ring(&text, self.limits.vertices.saturating_sub(self.vertices)) {
                    None => return Err(Stop::TooLarge("vertices", self.limits.vertices)),
                    Some(Err(fault)) => placemark.fault = Some(fault),
                    Some(Ok(ring)) => {
                        self.vertices += ring.len();
                        let part = placemark.parts.last_mut();
                        if let Some(part) = part {
                            // The outline is the first, wherever it stands.
                            let place = if self.hole { part.len() } else { 0 };
                            part.insert(place, ring);
                        }
                    }
                }
            }
            ("LinearRing", parent) if !matches!(parent, Some("outerBoundaryIs" | "innerBoundaryIs")) => {
                placemark.other.get_or_insert(name);
            }
            ("Placemark", _) => {
                if let Some(placemark) = self.placemark.take() {
                    self.features.push(placemark.finish());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Placemark {
    fn finish(self) -> RawFeature {
        let parts: Vec<_> = self.parts.into_iter().filter(|part| !part.is_empty()).collect();
        let shape = match (self.fault, self.other) {
            (Some(fault), _) => Err(fault),
            (None, other) if parts.is_empty() => {
                Err(other.map_or(LandFault::Empty, |found| LandFault::GeometryType { found }))
            }
            (None, Some(other)) if other != "Point" => {
                Err(LandFault::GeometryType { found: format!("MultiGeometry with {other}") })
            }
            _ => Ok(RawShape::Parts(parts)),
        };
        RawFeature { attributes: self.attributes.into_map(), shape }
    }
}

/// `lon,lat,height` with white space between; `None` for too many.
fn ring(text: &str, vertices_max: usize) -> Option<Result<RawRing, LandFault>> {
    let mut ring = Vec::new();
    for tuple in text.split_ascii_whitespace() {
        if ring.len() == vertices_max {
            return None;
        }
        let mut numbers = tuple.split(',').map(|number| number.trim().parse::<f64>());
        let (Some(Ok(lon)), Some(Ok(lat))) = (numbers.next(), numbers.next()) else {
            let found = format!("`{}`", tuple.chars().filter(|c| !c.is_control()).take(40).collect::<String>());
            return Some(Err(LandFault::Shape { found }));
        };
        ring.push([lon, lat]);
    }
    Some(Ok(ring))
}
