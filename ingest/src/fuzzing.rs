//! What `fuzz/` calls: the real functions on whatever strangers may send, with the promises that are cheap to check.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves. The inputs that are kept in
//! `fuzz/corpus` run as tests of this module, without libFuzzer.

use crate::gate::fuzzing::dji_conversation;
pub use crate::gate::fuzzing::{mqtt_connect, mqtt_packet, proxy_header};
pub use crate::http::fuzzing::http_batch;
pub use crate::protocol::fuzzing::sip_message;

use crate::decode::stations::STATION_MODELS;
use crate::decode::{decode, formats, gb28181, gt06};
use bytes::Bytes;
use model::{
    Body, Channel, DeviceId, Entry, Frame, Offset, Place, Position, ReadingKind, ReceivedAt, Timestamp, Transport,
};
use std::sync::Arc;

/// When every input came in: 2026-11-22T10:15:00+08:00.
const RECEIVED_MS: i64 = 1_795_313_700_000;

/// The longest reason, in bytes: what it repeats of a device's text is cut to 120 characters.
const REASON_BYTES_MAX: usize = 1_024;

/// A native payload. The first byte picks the kind; a picture's id ends with the first NUL.
pub fn native_payload(input: &[u8]) {
    let Some((&which, payload)) = input.split_first() else { return };
    let kinds = [
        ReadingKind::Heartbeat,
        ReadingKind::Track,
        ReadingKind::Reading,
        ReadingKind::Sighting,
        ReadingKind::Report,
        ReadingKind::Fire,
        ReadingKind::Snapshot,
    ];
    let kind = kinds.get(usize::from(which) % kinds.len()).copied().unwrap_or(ReadingKind::Report);
    let (detail, payload) = match payload.iter().position(|byte| *byte == 0) {
        Some(end) if kind == ReadingKind::Snapshot => payload.split_at(end),
        _ => (&b""[..], payload),
    };
    let payload = payload.strip_prefix(b"\0").unwrap_or(payload);
    check(Channel::Native { kind, detail: Arc::from(String::from_utf8_lossy(detail)) }, payload);
}

/// Telemetry of a DJI aircraft or dock.
pub fn dji_osd(payload: &[u8]) {
    check(Channel::DjiOsd, payload);
}

/// A body of GB/T 28181. The first byte picks the datum.
pub fn gb28181_body(input: &[u8]) {
    let Some((&which, payload)) = input.split_first() else { return };
    let datum = ["wgs84", "cgcs2000", "gcj02", "bd09"].get(usize::from(which) % 4).copied().unwrap_or("wgs84");
    check(gb28181::channel("15252500401320000001", datum), payload);
}

/// What a camera posts by ISAPI; and the same bytes as one event, of which each thing that it names is read.
pub fn isapi_event(input: &[u8]) {
    for frame in crate::protocol::isapi::fuzzing::frames(input) {
        check(frame.channel, &frame.payload);
    }
}

/// What a camera answers by ONVIF; and the same bytes as one notification.
pub fn onvif_answer(input: &[u8]) {
    for frame in crate::protocol::onvif::fuzzing::frames(input) {
        check(frame.channel, &frame.payload);
    }
    foreign(formats::ONVIF, "0 - -", input);
}

/// A stream of HJ 212: every packet in it, found as the listener finds it.
pub fn hj212_stream(stream: &[u8]) {
    use crate::decode::hj212::{Framed, framed};
    let mut rest = stream;
    while let Some((packet, after)) = match framed(rest) {
        Framed::More => None,
        Framed::Whole(len) | Framed::Noise(len) => rest.split_at_checked(len),
    } {
        assert!(!packet.is_empty(), "the stream goes on");
        foreign(formats::HJ212, "", packet);
        rest = after;
    }
}

/// A stream of a GT06 tracker, likewise; its last byte picks the clock.
pub fn gt06_stream(stream: &[u8]) {
    use crate::decode::gt06::{Framed, framed};
    let utc_offset_min = stream.last().map_or(0, |last| i16::from(*last) * 10 - 1_280);
    let mut rest = stream;
    while let Some((packet, after)) = match framed(rest) {
        Framed::More => None,
        Framed::Whole(len) | Framed::Noise(len) => rest.split_at_checked(len),
    } {
        assert!(!packet.is_empty(), "the stream goes on");
        check(gt06::channel(utc_offset_min, "gcj02"), packet);
        rest = after;
    }
}

/// A register map as an installer's configuration put it into the journal, and an answer behind the first NUL.
pub fn modbus_described(input: &[u8]) {
    let (map, payload) = input.split_at(input.iter().position(|byte| *byte == 0).unwrap_or(input.len()));
    check(Channel::Modbus { model: Arc::from(String::from_utf8_lossy(map)) }, payload.get(1..).unwrap_or_default());
}

/// A station's answer. The first byte picks the model and whether the answer is made as long as its map asks.
pub fn modbus_registers(input: &[u8]) {
    let Some((&which, payload)) = input.split_first() else { return };
    let Some(model) = STATION_MODELS.get(usize::from(which >> 1) % STATION_MODELS.len()) else { return };
    let mut payload = payload.to_vec();
    if which & 1 == 1 {
        payload.resize(2 * usize::from(model.register_count), 0);
    }
    check(Channel::Modbus { model: Arc::from(&*model.name) }, &payload);
}

/// Datagrams of vehicles; and the same bytes as a frame of the journal.
pub fn mavlink_datagram(input: &[u8]) {
    for frame in crate::protocol::mavlink::fuzzing::frames(input) {
        check(frame.channel, &frame.payload);
    }
    foreign(formats::MAVLINK, "", input);
}

/// A message of a DJI device. The first byte picks the topic.
pub fn dji_message(input: &[u8]) {
    let Some((&which, payload)) = input.split_first() else { return };
    let all = [
        formats::DJI_STATE,
        formats::DJI_EVENTS,
        formats::DJI_REQUESTS,
        formats::DJI_REPLY,
        formats::DJI_STATUS,
        formats::DJI_DRC,
    ];
    let format = all.get(usize::from(which) % all.len()).copied().unwrap_or(formats::DJI_STATE);
    foreign(format, "", payload);
    dji_conversation(payload);
}

/// A message of a Frigate instance. The first byte picks the topic; the detail ends with the first NUL.
pub fn frigate_message(input: &[u8]) {
    let Some((&which, rest)) = input.split_first() else { return };
    let all = [
        formats::FRIGATE_EVENTS,
        formats::FRIGATE_AVAILABLE,
        formats::FRIGATE_STATS,
        formats::FRIGATE_STATUS,
        formats::FRIGATE_SNAPSHOT,
    ];
    let format = all.get(usize::from(which) % all.len()).copied().unwrap_or(formats::FRIGATE_EVENTS);
    let (detail, payload) = match rest.iter().position(|byte| *byte == 0) {
        Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
        None => (&b"1280x720"[..], rest),
    };
    foreign(format, &String::from_utf8_lossy(detail), payload);
    crate::decode::frigate::camera_named_in(payload);
}

/// An event of a LoRaWAN network server. The first byte picks it: with 3 to 5 the rest is what an Oyster, an AT101 or another collar sent.
pub fn chirpstack_event(input: &[u8]) {
    let Some((&which, rest)) = input.split_first() else { return };
    let uplink = |profile: &str| {
        use base64::Engine;
        let port = which / 8 % 4;
        let data =
            base64::engine::general_purpose::STANDARD.encode(rest.get(..rest.len().min(256)).unwrap_or_default());
        format!(
            r#"{{"time":"2026-11-22T02:15:00Z","deviceInfo":{{"deviceProfileName":"{profile}"}},"fPort":{port},"data":"{data}"}}"#
        )
    };
    match which % 8 {
        0 => foreign(formats::CHIRPSTACK_UP, "", rest),
        1 => foreign(formats::CHIRPSTACK_JOIN, "", rest),
        2 => foreign(formats::CHIRPSTACK_STATUS, "", rest),
        3 => foreign(formats::CHIRPSTACK_UP, "", uplink("oyster").as_bytes()),
        4 => foreign(formats::CHIRPSTACK_UP, "", uplink("AT101").as_bytes()),
        _ => foreign(formats::CHIRPSTACK_UP, "", uplink("another").as_bytes()),
    }
}

/// A payload of a foreign format.
fn foreign(format: &str, detail: &str, payload: &[u8]) {
    check(Channel::Foreign { format: Arc::from(format), detail: Arc::from(detail) }, payload);
}

/// A reading holds finite numbers within what they can mean, a reject a short reason, and both are the same each time.
fn check(channel: Channel, payload: &[u8]) {
    let Ok(device) = DeviceId::parse("dev-1") else { return };
    let frame = Frame {
        device: device.clone(),
        speaker: device,
        channel,
        transport: Transport::Mqtt,
        payload: Bytes::copy_from_slice(payload),
        received_at: ReceivedAt(Timestamp::from_millis(RECEIVED_MS)),
    };
    let entry = Entry { offset: Offset(7), frame };
    let decoded = decode(&entry);
    match &decoded {
        Ok(reading) => {
            for (number, low, high) in numbers(&reading.body) {
                assert!(number >= low && number <= high, "{number} is not within {low} to {high}: {reading:?}");
            }
            assert!(reading.device_time.is_none_or(|time| time.0 >= Timestamp::from_millis(0)), "{reading:?}");
        }
        Err(reject) => {
            let reason = reject.to_string();
            assert!(!reason.is_empty() && reason.len() <= REASON_BYTES_MAX, "{reason}");
        }
    }
    assert!(decode(&entry) == decoded, "the same entry always gives the same answer");
}

/// Every number of a reading, with what it may be.
fn numbers(body: &Body) -> Vec<(f64, f64, f64)> {
    let mut found = Vec::new();
    let mut said = |number: Option<f64>, low: f64, high: f64| found.extend(number.map(|number| (number, low, high)));
    let lat = |position: &Position| position.lat_deg();
    let lon = |position: &Position| position.lon_deg();
    match body {
        Body::Heartbeat(life) => {
            said(life.battery_percent, 0.0, 100.0);
            said(life.signal_dbm, -200.0, 50.0);
            said(life.temperature_c, -90.0, 150.0);
            said(life.storage_free_mb, 0.0, 1e9);
            said(life.pan_tilt.map(|pose| pose.pan_deg), -360.0, 360.0);
            said(life.pan_tilt.map(|pose| pose.tilt_deg), -180.0, 180.0);
            said(life.pan_tilt.map(|pose| pose.zoom), 1.0, 1_000.0);
            said(life.pan_tilt_target.map(|pose| pose.pan_deg), -360.0, 360.0);
            said(life.pan_tilt_target.map(|pose| pose.tilt_deg), -180.0, 180.0);
        }
        Body::Track(track) => {
            said(track.position.as_ref().map(lat), -90.0, 90.0);
            said(track.position.as_ref().map(lon), -180.0, 180.0);
            for height in [track.alt_m, track.height_m] {
                said(height, -1_000.0, 20_000.0);
            }
            said(track.speed_mps, 0.0, 340.0);
            said(track.heading_deg, 0.0, 360.0_f64.next_down());
            said(track.battery_percent, 0.0, 100.0);
            for angle in track.gimbal.iter().flat_map(|gimbal| [gimbal.pitch_deg, gimbal.yaw_deg, gimbal.roll_deg]) {
                said(Some(angle), -360.0, 360.0);
            }
            said(track.hdop, 0.0, 1_000.0);
            said(track.accuracy_m, 0.0, 100_000.0);
        }
        Body::Measurements(all) => {
            assert!(!all.is_empty(), "a reading measures something");
            for measurement in all {
                let (low, high) = measurement.quantity.plausible();
                said(Some(measurement.value), low, high);
            }
        }
        Body::Sighting(seen) => {
            assert!(seen.count >= 1 && seen.young <= seen.count && seen.count <= 10_000, "{seen:?}");
            said(Some(seen.confidence), 0.0, 1.0);
            of_place(&seen.place, &mut said);
        }
        Body::Report(report) => {
            said(report.position.as_ref().map(lat), -90.0, 90.0);
            said(report.position.as_ref().map(lon), -180.0, 180.0);
            assert!(report.count.is_none_or(|count| (1..=10_000).contains(&count)), "{report:?}");
        }
        Body::Fire(fire) => {
            said(Some(fire.confidence), 0.0, 1.0);
            fire.place.iter().for_each(|place| of_place(place, &mut said));
        }
        Body::Clarity(of) => assert!(of.mean.is_finite() && of.contrast.is_finite() && of.sharpness.is_finite()),
        Body::Snapshot(picture) => assert!(picture.bytes >= 3, "{picture:?}"),
        Body::Clock => {}
    }
    found
}

fn of_place(place: &Place, said: &mut impl FnMut(Option<f64>, f64, f64)) {
    match place {
        Place::Ground { position, accuracy_m } => {
            said(Some(position.lat_deg()), -90.0, 90.0);
            said(Some(position.lon_deg()), -180.0, 180.0);
            said(*accuracy_m, 0.0, 100_000.0);
        }
        Place::Picture(area) => {
            said(Some(area.x), 0.0, 1.0);
            said(Some(area.y), 0.0, 1.0);
            said(Some(area.w), f64::MIN_POSITIVE, 1.0 - area.x);
            said(Some(area.h), f64::MIN_POSITIVE, 1.0 - area.y);
        }
    }
}

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;

    #[test]
    fn inputs_that_were_kept_for_the_gate_are_harmless() {
        replay("mqtt_packet", mqtt_packet);
        replay("mqtt_connect", mqtt_connect);
        replay("proxy_header", proxy_header);
    }

    #[test]
    fn payloads_that_were_kept_give_sound_readings_or_reasons() {
        replay("native_payload", native_payload);
        replay("dji_osd", dji_osd);
        replay("modbus_registers", modbus_registers);
        replay("http_batch", http_batch);
        replay("mavlink_datagram", mavlink_datagram);
        replay("dji_message", dji_message);
        replay("frigate_message", frigate_message);
        replay("chirpstack_event", chirpstack_event);
        replay("sip_message", sip_message);
        replay("gb28181_body", gb28181_body);
        replay("hj212_stream", hj212_stream);
        replay("gt06_stream", gt06_stream);
        replay("modbus_described", modbus_described);
        replay("isapi_event", isapi_event);
        replay("onvif_answer", onvif_answer);
    }
}
