//! One event of a Hikvision camera, taken apart: XML or JSON -> what happened, where in the picture, of what.
//!
//! In:  the bytes of an `EventNotificationAlert`.   Out: [`Alert`], or why it is none. Says nothing of what becomes of it
//! ([`super`]), so that the listener can ask which channel it is about and how many things it names.
//!
//! JSON has the names of the XML and is read as the same tree. Boxes are parts of the picture, from 0 to 1, or thousandths of it,
//! which only their size tells; what is neither is no box. Coordinates of the guarded region are not used: what they count from is
//! not the same in all firmware.

use crate::decode::fields::short;
use crate::decode::seen;
use crate::decode::xml::{self, Element};
use model::{BoundingBox, Reject, Species};
use serde_json::Value;

/// Things that one event names, at most.
pub(crate) const TARGETS_MAX: usize = 32;
/// Of the tree that JSON gives.
const DEPTH_MAX: usize = 16;
const ELEMENTS_MAX: usize = 16_384;
/// Of a box in thousandths.
const THOUSANDTHS: f64 = 1_000.0;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    root: Element,
}

/// One thing that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Target {
    /// What it is, if the event says.
    pub species: Option<Species>,
    /// How sure the camera is, if it says.
    pub confidence: Option<f64>,
    /// Where in the picture, if it says.
    pub area: Option<BoundingBox>,
}

impl Target {
    /// The event says what it is.
    pub(crate) fn is_named(&self) -> bool {
        self.species.is_some()
    }
}

impl Alert {
    /// Reads it.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Reject> {
        let text = xml::text_of(body);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if text.is_empty() {
            return Err(Reject::Empty);
        }
        let root = if text.starts_with('{') { of_json(text)? } else { of_xml(text)? };
        if root.name == "EventNotificationAlert" {
            Ok(Self { root })
        } else {
            Err(Reject::UnknownMessage(short(&format!("isapi {}", root.name))))
        }
    }

    /// The kind of event, in lower case; `duration` wraps another, which is meant.
    pub(crate) fn kind(&self) -> Option<String> {
        let own = self.root.text_at("eventType")?.to_ascii_lowercase();
        let wrapped = || self.root.text_at("DurationList/Duration/relationEvent").map(str::to_ascii_lowercase);
        if own == "duration" { wrapped().or(Some(own)) } else { Some(own) }
    }

    /// Whether it goes on; an event without a state has just happened.
    pub(crate) fn is_active(&self) -> bool {
        !self.root.text_at("eventState").is_some_and(|state| state.eq_ignore_ascii_case("inactive"))
    }

    /// A recorder's channel.
    pub(crate) fn channel(&self) -> Option<&str> {
        self.root.text_at("dynChannelID").or_else(|| self.root.text_at("channelID"))
    }

    /// `dateTime` as written.
    pub(super) fn time(&self) -> Option<&str> {
        self.root.text_at("dateTime")
    }

    /// What people wrote about the rule that fired.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        ["eventDescription", "ruleName", "taskName", "modelName"].into_iter().filter_map(|name| self.root.text_at(name))
    }

    /// What it is about; never empty, and at most [`TARGETS_MAX`].
    pub(crate) fn targets(&self) -> Vec<Target> {
        let lists = self.root.children.iter().filter(|child| child.name == "DetectionRegionList");
        let entries: Vec<&Element> = lists.flat_map(entries).take(TARGETS_MAX).collect();
        let mut targets: Vec<Target> = if entries.is_empty() {
            self.root.all().into_iter().filter_map(detected).take(TARGETS_MAX).collect()
        } else {
            entries.into_iter().map(region).collect()
        };
        if targets.is_empty() {
            targets.push(Target { species: label(&self.root), ..Target::default() });
        }
        targets
    }
}

fn malformed(fault: &str) -> Reject {
    Reject::BadPacket { protocol: "ISAPI", fault: short(fault) }
}

fn of_xml(text: &str) -> Result<Element, Reject> {
    Ok(xml::read(text.as_bytes()).map_err(|fault| malformed(&fault))?.root)
}

fn of_json(text: &str) -> Result<Element, Reject> {
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let value = match value {
        Value::Object(mut fields) => fields.remove("EventNotificationAlert").unwrap_or(Value::Object(fields)),
        other => other,
    };
    let mut left = ELEMENTS_MAX;
    element("EventNotificationAlert", value, DEPTH_MAX, &mut left)
}

/// An object's fields are children, a list's items children of the same name.
fn element(name: &str, value: Value, depth: usize, left: &mut usize) -> Result<Element, Reject> {
    if depth == 0 || *left == 0 {
        return Err(malformed("it is nested too deeply, or has too many fields"));
    }
    *left -= 1;
    let mut made = Element::named(name);
    match value {
        Value::Null => {}
        Value::Bool(flag) => made.text = flag.to_string(),
        Value::Number(number) => made.text = number.to_string(),
        Value::String(text) => text.trim().clone_into(&mut made.text),
        Value::Array(items) => {
            for item in items {
                made.children.push(element(name, item, depth - 1, left)?);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(items) => {
                        for item in items {
                            made.children.push(element(&name, item, depth - 1, left)?);
                        }
                    }
                    other => made.children.push(element(&name, other, depth - 1, left)?),
                }
            }
        }
    }
    Ok(made)
}

/// The entries of a list; in JSON they may stand in it without a name.
fn entries(list: &Element) -> Vec<&Element> {
    let named: Vec<&Element> = list.children.iter().filter(|child| child.name == "DetectionRegionEntry").collect();
    if named.is_empty() && !list.children.is_empty() { vec![list] } else { named }
}

/// One `DetectionRegionEntry`.
fn region(entry: &Element) -> Target {
    let area = ["TargetRect", "FireDetection/FireRegion"].iter().find_map(|path| entry.at(path)).and_then(area);
    Target { species: label(entry), confidence: confidence(entry), area }
}

/// A thing of the open platform's models: whatever has a box of its own and says what it is.
fn detected(element: &Element) -> Option<Target> {
    const BOXES: [&str; 5] = ["TargetRect", "targetRect", "rect", "Rect", "boundingBox"];
    let rect = BOXES.iter().find_map(|name| element.child(name))?;
    Some(Target { species: Some(label(element)?), confidence: confidence(element), area: area(rect) })
}

/// What something is, by the field that says it.
fn label(element: &Element) -> Option<Species> {
    const FIELDS: [&str; 8] =
        ["detectionTarget", "targetType", "label", "className", "typeName", "objectType", "modelName", "name"];
    FIELDS.iter().filter_map(|name| element.text_at(name)).find_map(seen::species_in)
}

/// From 0 to 1, or in percent, or in thousandths.
fn confidence(element: &Element) -> Option<f64> {
    let said = ["confidence", "score"].iter().find_map(|name| element.text_at(name))?;
    let said: f64 = said.parse().ok().filter(|said| *said >= 0.0)?;
    let scale = [1.0, 100.0, THOUSANDTHS].into_iter().find(|scale| said <= *scale)?;
    Some(said / scale)
}

/// A box, if it is one in either scale.
fn area(rect: &Element) -> Option<BoundingBox> {
    let side = |names: [&str; 2]| {
        let said = rect.children.iter().find(|one| names.iter().any(|name| one.name.eq_ignore_ascii_case(name)))?;
        said.text.parse::<f64>().ok().filter(|said| (0.0..=THOUSANDTHS).contains(said))
    };
    let (x, y) = (side(["x", "positionX"])?, side(["y", "positionY"])?);
    let (w, h) = (side(["width", "w"])?, side(["height", "h"])?);
    let scale = if [x, y, w, h].iter().any(|side| *side > 1.0) { THOUSANDTHS } else { 1.0 };
    seen::area(x / scale, y / scale, w / scale, h / scale)
}
