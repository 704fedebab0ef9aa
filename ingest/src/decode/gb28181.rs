//! GB/T 28181: what a camera or recorder says of itself and of what it sees.
//!
//! In: the body of a MESSAGE or NOTIFY (or the head of a REGISTER), the 20 digits under which it knows the device, and the datum
//! of its positions.   Out: a keepalive, a catalogue entry or an answer is a [`Heartbeat`], an alarm about animals, people or
//! vehicles a [`Sighting`], one whose text names smoke or fire a [`Fire`], an alarm about the device's own health a heartbeat with a fault, a mobile position a [`Track`].
//!
//! The standard has no field for a species: an animal is an intrusion plus a text that the installer wrote. So the species stays
//! unknown, and the picture decides. Everything else is kept and rejected under its name. Times have no zone: Beijing.

use super::fields::{required, short, within_if_said};
use super::manscdp::Manscdp;
use super::native::{HEIGHT_RANGE_M, SPEED_MAX_MPS};
use super::seen::{ALARM_CONFIDENCE, SOMEWHERE_IN_THE_PICTURE, fire_named, named};
use super::{Statement, beijing, datum, formats};
use model::{
    Body, Channel, DeviceTime, Fire, FireSign, Frame, Heartbeat, HeartbeatStatus, Place, Position, Reject, Sighting,
    Species, Track,
};
use registry::Datum;
use std::sync::Arc;

/// How a registration begins; every other message is XML.
pub(crate) const REGISTRATION: &[u8] = b"REGISTER ";

/// How a message comes into the journal: `subject` are the 20 digits under which it knows the device that it is about, `datum` that of
/// its positions, which no message states (`wgs84`, `gcj02` and so on).
pub(crate) fn channel(subject: &str, datum: &str) -> Channel {
    Channel::Foreign { format: Arc::from(formats::GB28181), detail: format!("{subject} {datum}").into() }
}

/// One message.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let (subject, datum) = formats::detail(frame).split_once(' ').unwrap_or_default();
    let payload = frame.payload.as_ref();
    if payload.starts_with(REGISTRATION) {
        return Ok(Statement::untimed(heartbeat(HeartbeatStatus::Ok)));
    }
    let message = Manscdp::read(payload)?;
    let command = required("CmdType", message.command())?;
    match command.to_ascii_lowercase().as_str() {
        "keepalive" => Ok(Statement::untimed(heartbeat(keepalive(subject, &message)))),
        "catalog" => Ok(Statement::untimed(heartbeat(catalogue(subject, &message)))),
        "alarm" if message.root == "Notify" => alarm(&message, read_datum(datum)?),
        "mobileposition" if message.root == "Notify" => position(&message, read_datum(datum)?),
        // What we asked for was done, or not.
        "devicecontrol" | "deviceconfig" | "mobileposition" | "alarm" if message.root == "Response" => {
            let done = message.get("Result").is_none_or(says_ok);
            Ok(Statement::untimed(heartbeat(if done { HeartbeatStatus::Ok } else { HeartbeatStatus::Degraded })))
        }
        _ => Err(Reject::UnknownMessage(short(&format!("gb28181 {} {command}", message.root)))),
    }
}

fn read_datum(name: &str) -> Result<Datum, Reject> {
    super::fields::word("datum", name, "wgs84, cgcs2000, gcj02, bd09", Datum::parse)
}

fn heartbeat(status: HeartbeatStatus) -> Body {
    Body::Heartbeat(Heartbeat { status: Some(status), ..Heartbeat::default() })
}

/// Written in either case; a status that nobody knows is not taken for a fault.
fn says_ok(word: &str) -> bool {
    !matches!(word.to_ascii_uppercase().as_str(), "ERROR" | "FAULT" | "OFF")
}

/// `Info/DeviceID` lists the parts that are out of order.
fn keepalive(subject: &str, message: &Manscdp) -> HeartbeatStatus {
    let out_of_order = message.all("Info/DeviceID").any(|id| id == subject);
    let is_its_own = message.device_id().is_none_or(|id| id == subject);
    let own_fault = is_its_own && !message.get("Status").is_none_or(says_ok);
    if out_of_order || own_fault { HeartbeatStatus::Fault } else { HeartbeatStatus::Ok }
}

fn catalogue(subject: &str, message: &Manscdp) -> HeartbeatStatus {
    match message.items().iter().filter(|item| item.id == subject).find_map(|item| item.works()) {
        Some(false) => HeartbeatStatus::Fault,
        // Who sends a catalogue without itself in it is well enough to do so.
        Some(true) | None => HeartbeatStatus::Ok,
    }
}

/// What an alarm is about, by its method and type (A.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Something moved where it may not be.
    Intruder,
    /// It has left again.
    Gone,
    /// The device itself.
    Health(HeartbeatStatus),
    /// Anything else: motion, a count, a phone call.
    Other,
}

/// Methods: 1 phone, 2 device, 3 text message, 4 position, 5 video, 6 fault, 7 other. `Info` outranks the top level.
fn about(message: &Manscdp) -> About {
    let kind = message.get("Info/AlarmType").or_else(|| message.get("AlarmType"));
    let leaves = message.get("Info/AlarmTypeParam/EventType") == Some("2");
    match (message.get("AlarmMethod").unwrap_or_default(), kind) {
        // Tripwire, intrusion, loitering.
        ("5", Some("5" | "6" | "8")) if leaves => About::Gone,
        ("5", Some("5" | "6" | "8")) => About::Intruder,
        // Video loss, tampering; the disk is full, too hot, too cold.
        ("2", Some("1" | "2")) => About::Health(HeartbeatStatus::Fault),
        ("2", Some("3" | "4" | "5")) => About::Health(HeartbeatStatus::Degraded),
        // The picture is abnormal.
        ("5", Some("11")) => About::Health(HeartbeatStatus::Fault),
        ("6", _) => About::Health(HeartbeatStatus::Fault),
        _ => About::Other,
    }
}

fn alarm(message: &Manscdp, datum: Datum) -> Result<Statement, Reject> {
    let device_time = message.get("AlarmTime").map(time).transpose()?;
    let description = message.get("AlarmDescription").unwrap_or_default();
    // No type of the standard means a fire; a thermal camera or an analysis box says it in words, whatever type it chose.
    if let Some(sign) = fire_named(description)
        && !matches!(about(message), About::Gone | About::Health(_))
    {
        return Ok(Statement { device_time, seq: message.number(), body: fire(message, sign, datum)? });
    }
    let body = match (about(message), named(description)) {
        (About::Intruder, None) => sighting(message, Species::Unknown, datum)?,
        (About::Intruder | About::Other, Some(species)) => sighting(message, species, datum)?,
        (About::Gone, _) => heartbeat(HeartbeatStatus::Ok),
        (About::Health(status), _) => heartbeat(status),
        (About::Other, None) => {
            let method = message.get("AlarmMethod").unwrap_or("-");
            let kind = message.get("Info/AlarmType").or_else(|| message.get("AlarmType")).unwrap_or("-");
            return Err(Reject::UnknownMessage(short(&format!("gb28181 alarm, method {method}, type {kind}"))));
        }
    };
    Ok(Statement { device_time, seq: message.number(), body })
}

fn time(text: &str) -> Result<DeviceTime, Reject> {
    beijing::dashed(text).map(DeviceTime).ok_or_else(|| Reject::BadTime(short(text)))
}

/// Where it burns only if the alarm says so: somewhere in the picture is nowhere on the ground.
fn fire(message: &Manscdp, sign: FireSign, datum: Datum) -> Result<Body, Reject> {
    let place = place(message, datum)?.map(|position| Place::Ground { position, accuracy_m: None });
    Ok(Body::Fire(Fire { sign, confidence: ALARM_CONFIDENCE, place, snapshot_id: None }))
}

fn sighting(message: &Manscdp, species: Species, datum: Datum) -> Result<Body, Reject> {
    let place = match place(message, datum)? {
        Some(position) => Place::Ground { position, accuracy_m: None },
        None => Place::Picture(SOMEWHERE_IN_THE_PICTURE),
    };
    Ok(Body::Sighting(Sighting {
        species,
        count: 1,
        young: 0,
        confidence: ALARM_CONFIDENCE,
        place,
        track_id: None,
        snapshot_id: None,
        // Which part of the picture it was no alarm says; a mask needs to know.
        bounding_box: None,
        animals: Vec::new(),
    }))
}

/// A longitude or latitude of 0 is a field that was never filled in.
fn place(message: &Manscdp, datum: Datum) -> Result<Option<Position>, Reject> {
    let (lat, lon) = (number("Latitude", message)?, number("Longitude", message)?);
    let blank = |value: Option<f64>| value.is_none_or(|degrees| degrees == 0.0);
    if blank(lat) && blank(lon) { Ok(None) } else { datum::position_or_no_fix(lat, lon, datum) }
}

fn number(field: &'static str, message: &Manscdp) -> Result<Option<f64>, Reject> {
    let Some(text) = message.get(field) else { return Ok(None) };
    let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
    number
        .map(Some)
        .ok_or_else(|| Reject::Malformed(short(&format!("field `{field}` is `{text}`, which is no number"))))
}

/// `Direction` is where the camera looks and not the course, so it is no heading of the mover, and without a pitch no gimbal.
fn position(message: &Manscdp, datum: Datum) -> Result<Statement, Reject> {
    const KMH_PER_MPS: f64 = 3.6;
    let device_time = Some(time(required("Time", message.get("Time"))?)?);
    let (lat, lon) = (number("Latitude", message)?, number("Longitude", message)?);
    let (lowest_m, highest_m) = HEIGHT_RANGE_M;
    let track = Track {
        position: datum::position_or_no_fix(
            Some(required("Latitude", lat)?),
            Some(required("Longitude", lon)?),
            datum,
        )?,
        alt_m: within_if_said("Altitude", number("Altitude", message)?, lowest_m, highest_m)?,
        speed_mps: within_if_said("Speed", number("Speed", message)?.map(|kmh| kmh / KMH_PER_MPS), 0.0, SPEED_MAX_MPS)?,
        ..Track::default()
    };
    Ok(Statement { device_time, seq: message.number(), body: Body::Track(track) })
}
