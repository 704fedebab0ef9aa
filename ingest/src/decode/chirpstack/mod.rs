//! ChirpStack version 4: what collars say over LoRaWAN, as its MQTT integration tells it in JSON.
//!
//! In: `up`, `join` and `status` events of a device.   Out: an uplink gives what its model's decoder reads in it, mostly a
//! [`model::Track`]; the others a [`model::Heartbeat`].
//!
//! Which model it is says the tag `model` of the device or its profile, otherwise the profile's name. A model that is not in [`MODELS`] is
//! read by what ChirpStack's own codec made of it (`object`). A new model is a file here and a line in that table.

mod digital_matter_oyster;
mod milesight_at101;
mod object;

use super::Statement;
use super::fields::{short, within_if_said};
use super::json;
use super::time::{self, RawTime};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Body, Frame, Heartbeat, Reject};
use object::Object;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a model's payload says on a port.
type Payload = fn(port: u8, bytes: &[u8]) -> Result<Body, Reject>;

/// The names under which a model is known, in lower case without spaces and dashes, and its decoder.
const MODELS: &[(&[&str], Payload)] = &[
    (
        &["digitalmatteroyster", "oyster", "oyster3", "yabby", "yabby3", "digitalmatteryabby"],
        digital_matter_oyster::decode,
    ),
    (&["milesightat101", "at101"], milesight_at101::decode),
];

/// The largest payload that LoRaWAN carries.
const PAYLOAD_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
struct Uplink {
    time: Option<RawTime>,
    #[serde(default, rename = "deviceInfo", deserialize_with = "json::nested")]
    device: Option<DeviceInfo>,
    #[serde(rename = "fCnt")]
    counter: Option<u64>,
    #[serde(rename = "fPort")]
    port: Option<u8>,
    data: Option<String>,
    #[serde(default, deserialize_with = "json::nested")]
    object: Option<Object>,
}

#[derive(Deserialize)]
struct DeviceInfo {
    #[serde(rename = "deviceProfileName")]
    profile: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Status {
    time: Option<RawTime>,
    #[serde(rename = "batteryLevel")]
    battery: Option<f64>,
    #[serde(default, rename = "batteryLevelUnavailable")]
    unavailable: bool,
    #[serde(default, rename = "externalPowerSource")]
    external_power: bool,
}

/// `event/up`.
pub(super) fn uplink(frame: &Frame) -> Result<Statement, Reject> {
    let uplink: Uplink = json::object(&frame.payload)?;
    let device_time = Some(time::required("time", uplink.time)?);
    let bytes = uplink.data.as_deref().map(bytes).transpose()?.unwrap_or_default();
    let model = uplink.device.as_ref().and_then(model);
    let body = match (model, uplink.object) {
        (Some(decode), _) if !bytes.is_empty() => decode(uplink.port.unwrap_or(0), &bytes)?,
        (_, Some(object)) => object.body()?,
        // A confirmation without content, as devices send to keep their session.
        (_, None) if bytes.is_empty() => Body::Heartbeat(Heartbeat::default()),
        (_, None) => return Err(Reject::UnknownMessage(whose(uplink.device.as_ref()))),
    };
    // Zeros are not written: the first message of a session has no count.
    Ok(Statement { device_time, seq: Some(uplink.counter.unwrap_or(0)), body })
}

/// `event/join`: it is there and was let in.
pub(super) fn join(frame: &Frame) -> Result<Statement, Reject> {
    let said: Status = json::object(&frame.payload)?;
    let device_time = Some(time::required("time", said.time)?);
    Ok(Statement { device_time, seq: None, body: Body::Heartbeat(Heartbeat::default()) })
}

/// `event/status`: what the device answered when the network asked how its battery is.
pub(super) fn status(frame: &Frame) -> Result<Statement, Reject> {
    let said: Status = json::object(&frame.payload)?;
    let device_time = Some(time::required("time", said.time)?);
    let measured = said.battery.filter(|_| !said.unavailable && !said.external_power);
    let battery_percent = within_if_said("batteryLevel", measured, 0.0, 100.0)?;
    Ok(Statement {
        device_time,
        seq: None,
        body: Body::Heartbeat(Heartbeat { battery_percent, ..Heartbeat::default() }),
    })
}

fn bytes(data: &str) -> Result<Vec<u8>, Reject> {
    let broken = |fault: String| Reject::BadPacket { protocol: "ChirpStack", fault };
    if data.len() > 2 * PAYLOAD_BYTES_MAX {
        return Err(broken(format!("`data` has {} characters; no LoRaWAN payload is that long", data.len())));
    }
    STANDARD.decode(data).map_err(|error| broken(format!("`data` is no base64: {error}")))
}

fn model(device: &DeviceInfo) -> Option<Payload> {
    let tag = device.tags.as_ref().and_then(|tags| tags.get("model"));
    let named = tag.or(device.profile.as_ref())?;
    let named: String = named.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    MODELS.iter().find(|(names, _)| names.contains(&named.as_str())).map(|(_, decode)| *decode)
}

fn whose(device: Option<&DeviceInfo>) -> String {
    let profile = device.and_then(|device| device.profile.as_deref()).unwrap_or_default();
    short(&format!("uplink of device profile `{profile}`"))
}

/// Four bytes from `at`, little-endian, as degrees in units of `1 / parts`.
fn degrees(bytes: &[u8], at: usize, parts: f64) -> Option<f64> {
    let four = bytes.get(at..at.checked_add(4)?)?.first_chunk::<4>()?;
    Some(f64::from(i32::from_le_bytes(*four)) / parts)
}

/// A payload that is not as its model makes it.
fn misshapen(model: &'static str, fault: impl Into<String>) -> Reject {
    Reject::BadPacket { protocol: model, fault: fault.into() }
}
