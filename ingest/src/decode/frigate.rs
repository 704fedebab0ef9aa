//! Frigate: what its detector sees, and whether it and its cameras live.
//!
//! In: the messages of its MQTT topics.   Out: an event gives a [`model::Sighting`] in the picture or a [`model::Fire`], a camera's or the instance's state a
//! [`model::Heartbeat`], a picture a [`model::Snapshot`].
//!
//! Boxes are in pixels of the picture in which Frigate looks, whose size no message tells: the frame's detail is that size
//! (`1280x720`), as the installation states it. Facts: Frigate's documentation, "MQTT", and `tracked_object.py`.

use super::Statement;
use super::fields::{required, short, within};
use super::formats;
use super::json::{self, Label};
use super::seen::{fire_of, species_of};
use model::{
    Body, BoundingBox, DeviceTime, Fire, Frame, Heartbeat, HeartbeatStatus, Place, Reject, Sighting, Snapshot,
    SnapshotId, Timestamp,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "json::nested")]
    after: Option<Tracked>,
}

#[derive(Deserialize)]
struct Tracked {
    id: Option<Label>,
    camera: Option<String>,
    frame_time: Option<f64>,
    label: Option<String>,
    sub_label: Option<SubLabel>,
    score: Option<f64>,
    false_positive: Option<bool>,
    #[serde(rename = "box")]
    corners: Option<[f64; 4]>,
}

/// `null`, a word, or a word with how sure it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum SubLabel {
    Word(String),
    Scored(String, IgnoredAny),
}

#[derive(Deserialize)]
struct Naming {
    #[serde(default, deserialize_with = "json::nested")]
    after: Option<NamedCamera>,
}

#[derive(Deserialize)]
struct NamedCamera {
    camera: Option<String>,
}

/// The camera that an event is about.
pub(crate) fn camera_named_in(payload: &[u8]) -> Option<String> {
    let event: Naming = json::object(payload).ok()?;
    event.after?.camera.filter(|name| !name.is_empty())
}

/// `frigate/events`.
pub(super) fn event(frame: &Frame) -> Result<Statement, Reject> {
    let event: Event = json::object(&frame.payload)?;
    let seen = required("after", event.after)?;
    required("after.camera", seen.camera)?;
    let label = required("after.label", seen.label)?;
    if seen.false_positive == Some(true) {
        return Err(Reject::Unused("frigate false positive".to_owned()));
    }
    let finer = seen.sub_label.map(|sub| match sub {
        SubLabel::Word(word) | SubLabel::Scored(word, _) => word,
    });
    let picture = || picture(formats::detail(frame)).ok_or(Reject::Missing { field: "[mqtt.frigate] detect" });
    let device_time = Some(time(required("after.frame_time", seen.frame_time)?)?);
    if let Some(sign) = fire_of(&label) {
        // That there may be a fire is the news, even where nobody can say in which part of the picture.
        let bounding_box = seen.corners.zip(picture().ok()).and_then(|(corners, picture)| area(corners, picture).ok());
        let confidence = within("after.score", seen.score.unwrap_or(1.0), 0.0, 1.0)?;
        let body = Body::Fire(Fire { sign, confidence, place: bounding_box.map(Place::Picture), snapshot_id: None });
        return Ok(Statement { device_time, seq: None, body });
    }
    // Sheep that another model knows for goats are goats.
    let species = finer.as_deref().and_then(species_of).or_else(|| species_of(&label));
    let species = species.ok_or_else(|| Reject::Unused(format!("frigate {}", short(&label))))?;
    let bounding_box = area(required("after.box", seen.corners)?, picture()?)?;
    Ok(Statement {
        device_time,
        seq: None,
        body: Body::Sighting(Sighting {
            species,
            count: 1,
            young: 0,
            confidence: within("after.score", required("after.score", seen.score)?, 0.0, 1.0)?,
            place: Place::Picture(bounding_box),
            track_id: Label::checked("after.id", seen.id)?,
            snapshot_id: None,
            bounding_box: Some(bounding_box),
            animals: Vec::new(),
        }),
    })
}

/// `1280x720`.
fn picture(size: &str) -> Option<(f64, f64)> {
    let (width, height) = size.split_once('x')?;
    let side = |side: &str| side.parse::<u16>().ok().filter(|pixels| *pixels > 0).map(f64::from);
    Some((side(width)?, side(height)?))
}

/// Two corners in pixels, as a part of the picture; a tracker's prediction may overhang, and what does is cut.
fn area([x1, y1, x2, y2]: [f64; 4], (width, height): (f64, f64)) -> Result<BoundingBox, Reject> {
    let (left, right) = ((x1 / width).clamp(0.0, 1.0), (x2 / width).clamp(0.0, 1.0));
    let (top, bottom) = ((y1 / height).clamp(0.0, 1.0), (y2 / height).clamp(0.0, 1.0));
    // Far outside the stated size is another size than stated, and every place would be wrong.
    within("after.box x", x2, 0.0, width * 1.1)?;
    within("after.box y", y2, 0.0, height * 1.1)?;
    let w = within("after.box width", right - left, f64::EPSILON, 1.0)?.min(1.0 - left);
    let h = within("after.box height", bottom - top, f64::EPSILON, 1.0)?.min(1.0 - top);
    Ok(BoundingBox { x: left, y: top, w, h })
}

/// Unix seconds with fractions.
fn time(seconds: f64) -> Result<DeviceTime, Reject> {
    const YEAR_3000_S: f64 = 32_503_680_000.0;
    let seconds = within("after.frame_time", seconds, 0.0, YEAR_3000_S)?;
    Ok(DeviceTime(Timestamp::from_millis((seconds * 1_000.0).round() as i64)))
}

/// `frigate/available`: the instance, or its last will.
pub(super) fn available(frame: &Frame) -> Result<Statement, Reject> {
    let status = match word(frame)? {
        "online" => HeartbeatStatus::Ok,
        // It said that it ends, or its connection broke.
        "stopped" | "offline" => HeartbeatStatus::Fault,
        other => return Err(unknown("available", other, "online, stopped, offline")),
    };
    Ok(feels(Some(status)))
}

/// `frigate/{camera}/status/{role}`: whether its stream comes in. Without `detect` nothing is seen.
pub(super) fn status(frame: &Frame) -> Result<Statement, Reject> {
    let detects = formats::detail(frame) == "detect";
    match (word(frame)?, detects) {
        ("online", true) => Ok(feels(Some(HeartbeatStatus::Ok))),
        ("online", false) => Ok(feels(None)),
        ("offline", true) => Ok(feels(Some(HeartbeatStatus::Fault))),
        ("offline", false) => Ok(feels(Some(HeartbeatStatus::Degraded))),
        ("disabled", _) => Err(Reject::Unused("frigate disabled".to_owned())),
        (other, _) => Err(unknown("status", other, "online, offline, disabled")),
    }
}

/// `frigate/stats`: every minute or so, and so a sign of the instance's life.
pub(super) fn stats(frame: &Frame) -> Result<Statement, Reject> {
    #[derive(Deserialize)]
    struct Any {}
    let Any {} = json::object(&frame.payload)?;
    Ok(feels(None))
}

/// `frigate/{camera}/{label}/snapshot`: the best picture of the label so far. The topic has no id for it, so it gets one of its own.
pub(super) fn snapshot(frame: &Frame) -> Result<Statement, Reject> {
    if frame.payload.is_empty() {
        return Err(Reject::Empty);
    }
    if !frame.payload.starts_with(&super::native::JPEG_START) {
        return Err(Reject::NotJpeg);
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let label: String = formats::detail(frame).chars().map(plain).take(32).collect();
    let id = SnapshotId::parse(&format!("frigate-{label}-{}", frame.received_at.0.as_millis()))?;
    Ok(Statement::untimed(Body::Snapshot(Snapshot { id, bytes: frame.payload.len() })))
}

fn feels(status: Option<HeartbeatStatus>) -> Statement {
    Statement::untimed(Body::Heartbeat(Heartbeat { status, ..Heartbeat::default() }))
}

fn word(frame: &Frame) -> Result<&str, Reject> {
    match std::str::from_utf8(&frame.payload).map(str::trim) {
        Ok("") => Err(Reject::Empty),
        Ok(word) => Ok(word),
        Err(_) => Err(Reject::Malformed("not UTF-8".to_owned())),
    }
}

fn unknown(field: &'static str, said: &str, allowed: &'static str) -> Reject {
    Reject::UnknownWord { field, value: short(said), allowed }
}
