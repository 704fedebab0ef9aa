//! ONVIF: what cameras notify of themselves and of what they see.
//!
//! In:  one `NotificationMessage` of an answer to `PullMessages`, or an answer without any, and beside it ([`Beside`]) which of the things
//! that it names is meant, how far the camera's clock is off, and how the camera feels.   Out: what the rule engine found is a
//! [`model::Sighting`], trouble with the camera a heartbeat with a fault, all else that is understood a sign of life.
//!
//! A property that is only initialised is how things stood when we subscribed: no event of now, but a lens that is covered is covered.
//! Motion says not what moves. Boxes are from -1 to 1 around the picture's middle, y upwards. Facts: ONVIF Core and Analytics.

use super::fields::{required, short};
use super::seen::{self, Beside};
use super::xml::{self, Element};
use super::{Statement, beijing, formats};
use model::{
    Body, BoundingBox, Channel, DeviceTime, Fire, FireSign, Frame, HeartbeatStatus, Place, Reject, Species, Timestamp,
};
use std::sync::Arc;
use std::time::Duration;

/// Things that one notification names, at most.
const TARGETS_MAX: usize = 32;

/// How a notification comes into the journal.
pub(crate) fn channel(beside: &Beside) -> Channel {
    Channel::Foreign { format: Arc::from(formats::ONVIF), detail: beside.write().into() }
}

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// That the camera lives.
    Life,
    /// The camera itself: how it feels while it goes on.
    Health(HeartbeatStatus),
    /// Something is where it may not be; which species, if the topic says it.
    Intruder(Option<Species>),
    /// Smoke or heat.
    Fire(FireSign),
    /// Understood, and none of the platform's business.
    Aside,
    /// Nobody has taught us.
    Unknown,
}

/// A notification, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Levels of the topic without namespaces: `RuleEngine/LineDetector/Crossed`.
    pub topic: String,
    /// `tt:Message`.
    message: Element,
}

/// One thing that a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Target {
    species: Option<Species>,
    confidence: Option<f64>,
    area: Option<BoundingBox>,
}

impl Note {
    /// Reads a `NotificationMessage`; `None` is an answer without any.
    pub(crate) fn read(body: &[u8]) -> Result<Option<Self>, Reject> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Reject::Empty);
        }
        let fault = |fault: &str| Reject::BadPacket { protocol: "ONVIF", fault: short(fault) };
        let root = xml::read(body).map_err(|text| fault(&text))?.root;
        match root.name.as_str() {
            "PullMessagesResponse" => return Ok(None),
            "NotificationMessage" => {}
            other => return Err(Reject::UnknownMessage(short(&format!("onvif {other}")))),
        }
        let topic = required("Topic", root.text_at("Topic"))?;
        let levels = topic.split('/').map(|level| level.rsplit(':').next().unwrap_or_default());
        let topic = levels.collect::<Vec<_>>().join("/");
        let message = root.at("Message/Message").cloned().ok_or(Reject::Missing { field: "Message" })?;
        Ok(Some(Self { topic, message }))
    }

    /// What its topic is about.
    pub(crate) fn about(&self) -> About {
        about(&self.topic)
    }

    /// It tells how things stood when we subscribed.
    pub(crate) fn is_initial(&self) -> bool {
        self.operation().eq_ignore_ascii_case("initialized")
    }

    /// Whether it goes on; what has no state has just happened.
    pub(crate) fn is_active(&self) -> bool {
        // A number beside it may be a count or an id.
        let is_named_so =
            |name: &str| name.starts_with("Is") || ["State", "Value", "Active", "Detected"].contains(&name);
        let truth = |(name, value): (&str, &str)| match value {
            "true" => Some(true),
            "false" => Some(false),
            "1" | "0" if is_named_so(name) => Some(value == "1"),
            _ => None,
        };
        let states: Vec<bool> = self.items("Data").into_iter().filter_map(truth).collect();
        let is_on = states.is_empty() || states.contains(&true);
        is_on && !self.operation().eq_ignore_ascii_case("deleted") && !self.has_nothing_left()
    }

    /// An object detector's list of classes that has become empty.
    fn has_nothing_left(&self) -> bool {
        self.items("Data").iter().any(|(name, value)| *name == "ClassTypes" && value.is_empty())
    }

    fn operation(&self) -> &str {
        self.message.attribute("PropertyOperation").unwrap_or_default()
    }

    fn items(&self, part: &str) -> Vec<(&str, &str)> {
        let simple = self.message.child(part).into_iter().flat_map(|part| &part.children);
        simple
            .filter(|item| item.name == "SimpleItem")
            .filter_map(|item| Some((item.attribute("Name")?, item.attribute("Value").unwrap_or_default())))
            .collect()
    }

    /// What it is about; never empty.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let objects =
            self.message.all().into_iter().filter(|one| one.name == "Object" && one.child("Appearance").is_some());
        let mut targets: Vec<Target> = objects.take(TARGETS_MAX).map(object).collect();
        if targets.is_empty() {
            let classes = self.items("Data").into_iter().filter(|(name, _)| *name == "ClassTypes");
            let classes = classes.flat_map(|(_, value)| value.split([' ', ',', ';'])).filter(|class| !class.is_empty());
            let target = |class| Target { species: class_of(class), ..Target::default() };
            targets = classes.take(TARGETS_MAX).map(target).collect();
        }
        if targets.is_empty() {
            targets.push(Target::default());
        }
        targets
    }

    fn time(&self) -> Option<&str> {
        self.message.attribute("UtcTime")
    }
}

fn about(topic: &str) -> About {
    let levels: Vec<&str> = topic.split('/').collect();
    match levels.as_slice() {
        ["RuleEngine", "FieldDetector", ..]
        | ["RuleEngine", "LineDetector", ..]
        | ["RuleEngine", "LoiteringDetector", ..] => About::Intruder(None),
        ["RuleEngine", "ObjectDetection", ..] | ["RuleEngine", "ObjectTrack", ..] => About::Intruder(None),
        ["RuleEngine", "TamperDetector", ..] | ["VideoSource", "GlobalSceneChange", ..] => {
            About::Health(HeartbeatStatus::Fault)
        }
        ["VideoSource", "SignalLoss" | "ConnectionFailed", ..] => About::Health(HeartbeatStatus::Fault),
        ["VideoSource", "ImageTooDark" | "ImageTooBright" | "ImageTooBlurry", ..] => {
            About::Health(HeartbeatStatus::Degraded)
        }
        ["Device", "HardwareFailure", ..] => About::Health(HeartbeatStatus::Degraded),
        ["VideoSource", "MotionAlarm", ..] => About::Life,
        ["RuleEngine", .., last] | ["VideoAnalytics", .., last] => rule(last),
        [
            "Device" | "Monitoring" | "RecordingConfig" | "RecordingHistory" | "Media" | "Configuration" | "UserAlarm",
            ..,
        ]
        | ["PTZController" | "AudioSource" | "AudioAnalytics" | "LightControl", ..] => About::Aside,
        _ => About::Unknown,
    }
}

/// Rules of makers' own, by the last level of their topic.
fn rule(name: &str) -> About {
    let name = name.to_ascii_lowercase();
    let names = |word: &str| name.contains(word);
    if names("smoke") {
        About::Fire(FireSign::Smoke)
    } else if names("fire") || names("temperaturealarm") {
        About::Fire(FireSign::Heat)
    } else if names("people") || names("human") || names("person") {
        About::Intruder(Some(Species::Person))
    } else if names("vehicle") {
        About::Intruder(Some(Species::Vehicle))
    } else if names("animal") || names("dogcat") || names("pet") {
        About::Intruder(Some(Species::Unknown))
    } else if names("motion") {
        About::Life
    } else {
        About::Unknown
    }
}

/// A class by whatever name the camera has for it; what has none that we know is something all the same.
fn class_of(class: &str) -> Option<Species> {
    seen::species_in(class.trim())
}

/// An object with its box.
fn object(object: &Element) -> Target {
    let all = object.all();
    let kinds = all.iter().filter(|one| one.name == "Type" || one.name == "ClassCandidate");
    let kind = kinds.filter_map(|one| {
        let class = one.text_at("Type").unwrap_or(one.text.as_str());
        let sure = one.attribute("Likelihood").or_else(|| one.text_at("Likelihood"));
        Some((class_of(class)?, sure.and_then(|sure| sure.parse::<f64>().ok())))
    });
    // The likeliest one comes first.
    let (species, confidence) = kind.into_iter().next().map_or((None, None), |(species, sure)| (Some(species), sure));
    let bounding_box = all.iter().find(|one| one.name == "BoundingBox");
    let transformation = all.iter().find(|one| one.name == "Transformation").copied();
    Target {
        species,
        confidence: confidence.filter(|sure| (0.0..=1.0).contains(sure)),
        area: bounding_box.and_then(|one| area(one, transformation)),
    }
}

/// A box of -1 to 1, y upwards, as a part of the picture from its left upper corner.
fn area(bounding_box: &Element, transformation: Option<&Element>) -> Option<BoundingBox> {
    let number = |element: &Element, name: &str| element.attribute(name)?.parse::<f64>().ok().filter(|n| n.is_finite());
    let turned = |axis: &str, value: f64| {
        let part =
            |name: &str, usual: f64| transformation.and_then(|one| number(one.child(name)?, axis)).unwrap_or(usual);
        value * part("Scale", 1.0) + part("Translate", 0.0)
    };
    let side = |axis: &str, name: &str| Some(turned(axis, number(bounding_box, name)?));
    let (one, other) = (side("x", "left")?, side("x", "right")?);
    let (top, bottom) = (side("y", "top")?, side("y", "bottom")?);
    let (left, right) = (f64::midpoint(one.min(other), 1.0), f64::midpoint(one.max(other), 1.0));
    let (above, below) = (f64::midpoint(-top.max(bottom), 1.0), f64::midpoint(-top.min(bottom), 1.0));
    seen::area(left, above, right - left, below - above)
}

/// One notification, or an answer without any.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let beside = Beside::read(formats::detail(frame));
    let alive = || Ok(Statement::untimed(seen::feels(beside.status)));
    let Some(note) = Note::read(&frame.payload)? else { return alive() };
    match note.about() {
        About::Unknown => Err(Reject::UnknownMessage(short(&format!("onvif {}", note.topic)))),
        About::Aside => Err(Reject::Unused(short(&format!("onvif {}", note.topic)))),
        About::Life => alive(),
        _ if !note.is_active() => alive(),
        About::Health(status) if note.is_initial() => {
            Ok(Statement::untimed(seen::feels(Some(beside.status.unwrap_or(status)))))
        }
        _ if note.is_initial() => alive(),
        About::Health(status) => timed(&note, &beside, seen::feels(Some(beside.status.unwrap_or(status)))),
        About::Intruder(species) => {
            let target = note.targets().get(beside.index).copied().unwrap_or_default();
            let species = target.species.or(species).unwrap_or(Species::Unknown);
            timed(&note, &beside, seen::sighting(species, target.confidence, target.area, beside.snapshot.clone()))
        }
        About::Fire(sign) => {
            let target = note.targets().first().copied().unwrap_or_default();
            let body = Body::Fire(Fire {
                sign,
                confidence: target.confidence.unwrap_or(seen::ALARM_CONFIDENCE),
                place: target.area.map(Place::Picture),
                snapshot_id: beside.snapshot.clone(),
            });
            timed(&note, &beside, body)
        }
    }
}

/// When it happened by the platform's clock, since the listener knows by how much the camera's is off.
fn timed(note: &Note, beside: &Beside, body: Body) -> Result<Statement, Reject> {
    let Some(text) = note.time() else { return Ok(Statement::untimed(body)) };
    let said = utc(text).ok_or_else(|| Reject::BadTime(short(text)))?;
    let off = Duration::from_millis(beside.skew_ms.unsigned_abs());
    let time = if beside.skew_ms < 0 { said.plus(off) } else { said.minus(off) };
    if time < Timestamp::from_millis(0) {
        return Err(Reject::BadTime(short(text)));
    }
    Ok(Statement { device_time: Some(DeviceTime(time)), seq: None, body })
}

/// `UtcTime` is UTC, also where the zone is left out.
fn with_zone(text: &str) -> String {
    let text = text.trim();
    let clock = text.split_once('T').map_or("", |(_, clock)| clock);
    let is_zoned = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
    if is_zoned { text.to_owned() } else { format!("{text}Z") }
}

/// `xs:dateTime` of a camera, which is UTC.
pub(crate) fn utc(text: &str) -> Option<Timestamp> {
    beijing::dashed(&with_zone(text))
}
