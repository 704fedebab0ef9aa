//! What decode promises, by payload kind.

mod chirpstack;
mod dji;
mod dji_samples;
mod frigate;
mod gb28181;
mod gt06;
mod hj212;
mod isapi;
mod modbus;
mod native;
mod onvif;
mod properties;
mod sighting;
mod stage;

use super::decode;
use bytes::Bytes;
use model::{
    Body, Channel, DeviceId, Entry, Frame, Offset, Reading, ReadingKind, ReceivedAt, Reject, Timestamp, Transport,
};
use std::sync::Arc;

/// When every test frame came in: 2026-11-22T10:15:00+08:00.
pub(super) const RECEIVED_MS: i64 = 1_795_313_700_000;

pub(super) fn entry(channel: Channel, payload: &[u8]) -> Entry {
    let device = DeviceId::parse("dev-1").unwrap();
    Entry {
        offset: Offset(7),
        frame: Frame {
            device: device.clone(),
            speaker: device,
            channel,
            transport: Transport::Mqtt,
            payload: Bytes::copy_from_slice(payload),
            received_at: ReceivedAt(Timestamp::from_millis(RECEIVED_MS)),
        },
    }
}

/// What a payload of a foreign format says.
pub(super) fn foreign(format: &str, detail: &str, payload: &[u8]) -> Result<Reading, Reject> {
    decode(&entry(Channel::Foreign { format: Arc::from(format), detail: Arc::from(detail) }, payload))
}

pub(super) fn native_channel(kind: ReadingKind) -> Channel {
    Channel::Native { kind, detail: Arc::from("") }
}

pub(super) fn native(kind: ReadingKind, payload: &str) -> Result<Reading, Reject> {
    decode(&entry(native_channel(kind), payload.as_bytes()))
}

/// The common fields of a test message in front of its own.
pub(super) fn timed(kind: ReadingKind, fields: &str) -> Result<Body, Reject> {
    native(kind, &format!(r#"{{"ts":{RECEIVED_MS},"seq":3{}{fields}}}"#, if fields.is_empty() { "" } else { "," }))
        .map(|reading| reading.body)
}

#[track_caller]
pub(super) fn check_rejected(kind: ReadingKind, fields: &str, reason: &str) {
    let reject = timed(kind, fields).expect_err(fields);
    assert_eq!(reject.to_string(), reason, "{fields}");
}

#[test]
fn the_platforms_second_hand_is_a_reading_of_its_own() {
    let reading = decode(&entry(Channel::Clock, b"")).unwrap();
    assert_eq!((reading.body, reading.device_time), (Body::Clock, None));
}

#[test]
fn a_topic_that_is_not_understood_is_kept_under_its_name_cut_to_a_readable_length() {
    let topic: Arc<str> = Arc::from("thing/product/7CTDM00000GRZ1/events");
    let rejected = decode(&entry(Channel::Other { topic: topic.clone() }, b"{}"));
    assert_eq!(rejected, Err(Reject::UnknownMessage(topic.to_string())));
    let endless = decode(&entry(Channel::Other { topic: Arc::from("x".repeat(10_000)) }, b"{}"));
    assert!(matches!(endless, Err(Reject::UnknownMessage(name)) if name.len() == 120));
}
