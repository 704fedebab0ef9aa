//! Uplinks as ChirpStack version 4 tells them: by a model's own bytes, or by what its codec made of them.

use super::foreign;
use crate::decode::formats;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Body, Heartbeat, Position, Quantity, Reject, Timestamp, Track};
use serde_json::{Value, json};

fn uplink(profile: &str, port: u8, data: &[u8]) -> Value {
    json!({
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2026-11-22T02:15:00.123456789+00:00",
        "deviceInfo": { "tenantName": "hexigten", "applicationName": "herds", "deviceProfileName": profile,
            "deviceName": "ewe-17", "devEui": "a84041000181c061", "tags": {} },
        "devAddr": "00189440", "adr": true, "dr": 1, "fCnt": 4, "fPort": port, "confirmed": false, "data": STANDARD.encode(data),
        "rxInfo": [{ "gatewayId": "0016c001f153a14c", "rssi": -89, "snr": 7.5 }]
    })
}

fn said(message: &Value) -> Result<Body, Reject> {
    foreign(formats::CHIRPSTACK_UP, "", message.to_string().as_bytes()).map(|reading| reading.body)
}

#[track_caller]
fn track(message: &Value) -> Track {
    match said(message) {
        Ok(Body::Track(track)) => track,
        other => panic!("{other:?}"),
    }
}

fn place(lat: f64, lon: f64) -> Option<Position> {
    Some(Position::parse(lat, lon).unwrap())
}

/// 43.8912345, 113.456789; moving, heading 90 degrees, 10 km/h, 5 V.
const OYSTER: [u8; 11] = [0x59, 0x45, 0x29, 0x1a, 0xd2, 0x21, 0xa0, 0x43, 0x01, 0x12, 0xc8];

#[test]
fn an_oyster_tells_its_place_in_eleven_bytes() {
    let walking = track(&uplink("Digital Matter Oyster", 1, &OYSTER));
    assert_eq!(walking.position, place(43.891_234_5, 113.456_789));
    assert_eq!(walking.heading_deg, Some(90.0));
    assert!((walking.speed_mps.unwrap() - 10.0 / 3.6).abs() < 1e-9);
    let mut lost = OYSTER;
    lost[8] |= 2;
    assert_eq!(track(&uplink("Yabby-3", 1, &lost)).position, None, "the last place known is no place");
    let reading = foreign(formats::CHIRPSTACK_UP, "", uplink("oyster", 1, &OYSTER).to_string().as_bytes()).unwrap();
    assert_eq!((reading.seq, reading.happened_at()), (Some(4), Timestamp::from_millis(1_795_313_700_123)));
    assert_eq!(said(&uplink("oyster", 3, &[1, 2])), Ok(Body::Heartbeat(Heartbeat::default())));
    let cut = said(&uplink("oyster", 1, &OYSTER[..9])).unwrap_err();
    assert_eq!(cut.to_string(), "payload is no valid Digital Matter message: a position has 11 bytes, not 9");
}

/// The maker's own example.
const AT101: [u8; 21] = [
    0x01, 0x75, 0x64, 0x03, 0x67, 0x1b, 0x01, 0x05, 0x00, 0x00, 0x04, 0x88, 0x36, 0xbf, 0x77, 0x01, 0xf0, 0x00, 0x09,
    0x07, 0x22,
];

#[test]
fn an_at101_tells_its_values_one_after_another() {
    let found = track(&uplink("AT101", 85, &AT101));
    assert_eq!((found.position, found.battery_percent), (place(24.624_95, 118.030_576), Some(100.0)));
    let no_fix = [&AT101[..12], &[0xff; 8], &[0x22]].concat();
    assert_eq!(track(&uplink("milesight at101", 85, &no_fix)).position, None);
    let Ok(Body::Heartbeat(resting)) = said(&uplink("AT101", 85, &AT101[..7])) else { panic!() };
    assert_eq!((resting.battery_percent, resting.temperature_c), (Some(100.0), Some(28.3)));
    assert!(matches!(said(&uplink("AT101", 85, &AT101[..15])), Err(Reject::BadPacket { .. })));
}

#[test]
fn the_tag_of_a_device_says_its_model_before_the_profiles_name_does() {
    let mut message = uplink("Sheep 2026", 1, &OYSTER);
    assert!(matches!(said(&message), Err(Reject::UnknownMessage(name)) if name.contains("Sheep 2026")));
    message["deviceInfo"]["tags"]["model"] = "digital-matter-oyster".into();
    assert!(track(&message).position.is_some());
}

#[test]
fn what_chirpstacks_own_codec_decoded_is_taken_where_the_model_is_unknown() {
    let object = |object: Value| {
        let mut message = uplink("Some collar", 2, &[1, 2, 3]);
        message["object"] = object;
        message
    };
    let flat =
        track(&object(json!({ "lat": 43.9, "lng": 113.5, "batteryPercent": 81, "speedKmph": 3.6, "alarm": "none" })));
    assert_eq!((flat.position, flat.battery_percent, flat.speed_mps), (place(43.9, 113.5), Some(81.0), Some(1.0)));
    let nested = track(&object(json!({ "gps": { "latitude": 43.9, "longitude": 113.5 }, "battery": 3.6 })));
    assert_eq!((nested.position, nested.battery_percent), (place(43.9, 113.5), None), "3.6 is volts");
    assert_eq!(track(&object(json!({ "latitude": 0.0, "longitude": 0.0 }))).position, None);
    assert_eq!(track(&object(json!({ "latitude": 43.9, "longitude": 113.5, "fixFailed": true }))).position, None);
    let Ok(Body::Measurements(soil)) = said(&object(json!({ "soil_moisture_percent": 17.5, "unknown": 3 }))) else {
        panic!()
    };
    assert_eq!((soil[0].quantity, soil[0].value), (Quantity::SoilMoisturePercent, 17.5));
    let Ok(Body::Heartbeat(alive)) = said(&object(json!({ "position": "normal", "battery_level": 64 }))) else {
        panic!()
    };
    assert_eq!(alive.battery_percent, Some(64.0));
}

#[test]
fn a_join_an_empty_uplink_and_a_battery_report_are_signs_of_life() {
    let battery = |format: &str, message: Value| match foreign(format, "", message.to_string().as_bytes()).unwrap().body
    {
        Body::Heartbeat(life) => life.battery_percent,
        other => panic!("{other:?}"),
    };
    let time = "2026-11-22T02:15:00Z";
    assert_eq!(battery(formats::CHIRPSTACK_JOIN, json!({ "time": time, "devAddr": "00189440" })), None);
    let status = |battery_level: f64, unavailable: bool| json!({ "time": time, "margin": 7, "externalPowerSource": false, "batteryLevelUnavailable": unavailable, "batteryLevel": battery_level });
    assert_eq!(battery(formats::CHIRPSTACK_STATUS, status(75.2, false)), Some(75.2));
    assert_eq!(battery(formats::CHIRPSTACK_STATUS, status(0.0, true)), None);
    assert_eq!(battery(formats::CHIRPSTACK_UP, uplink("any", 0, &[])), None);
}

#[test]
fn data_that_is_no_base64_or_longer_than_any_uplink_is_refused() {
    let mut message = uplink("oyster", 1, &[]);
    message["data"] = "not base64!".into();
    assert!(matches!(said(&message), Err(Reject::BadPacket { protocol: "ChirpStack", .. })));
    message["data"] = "A".repeat(10_000).into();
    assert!(matches!(said(&message), Err(Reject::BadPacket { protocol: "ChirpStack", .. })));
}

/// What the network server itself would publish: its own message definitions, written by its own rules for JSON, which leave out every zero.
const BY_ITS_OWN_DEFINITIONS: &str = r#"
import sys
from chirpstack_api import integration
from google.protobuf.json_format import MessageToJson
up = integration.UplinkEvent(
    deduplication_id="3ac7e3c4-4401-4b8d-9386-a5c902f9202d", dev_addr="00189440", adr=True, dr=1,
    f_cnt=int(sys.argv[1]), f_port=1, data=bytes.fromhex("5945291ad221a0430112c8"))
up.time.FromJsonString("2026-11-22T02:15:00.123456789Z")
up.device_info.dev_eui = "a84041000181c061"
up.device_info.device_profile_name = "Digital Matter Oyster"
up.device_info.tags["herd"] = "ewes"
heard = up.rx_info.add(gateway_id="0016c001f153a14c", uplink_id=4217106255, rssi=-89, snr=7.5)
heard.location.latitude, heard.location.longitude = 43.9, 113.5
up.tx_info.frequency = 486300000
up.tx_info.modulation.lora.bandwidth = 125000
status = integration.StatusEvent(margin=7, battery_level=80.0)
status.time.FromJsonString("2026-11-22T02:15:00Z")
status.device_info.CopyFrom(up.device_info)
for message in (up, status):
    print(MessageToJson(message, indent=None))
"#;

#[test]
fn what_the_network_servers_own_definitions_write_is_read() {
    let python = |arguments: &[&str]| std::process::Command::new("python3").args(arguments).output();
    if !python(&["-c", "import chirpstack_api"]).is_ok_and(|found| found.status.success()) {
        eprintln!("SKIPPED: python3 with chirpstack-api 4.20.0 is not here; tests/install.sh installs it");
        return;
    }
    for count in [0_u64, 4] {
        let written = python(&["-c", BY_ITS_OWN_DEFINITIONS, &count.to_string()]).unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let written = String::from_utf8(written.stdout).unwrap();
        let (up, status) = written.trim().split_once('\n').unwrap();
        assert_eq!(up.contains("fCnt"), count > 0, "a first message has no count: {up}");
        let reading = foreign(formats::CHIRPSTACK_UP, "", up.as_bytes()).unwrap();
        assert_eq!((reading.seq, reading.happened_at()), (Some(count), Timestamp::from_millis(1_795_313_700_123)));
        let Body::Track(track) = reading.body else { panic!("{:?}", reading.body) };
        assert_eq!(track.position, place(43.891_234_5, 113.456_789));
        let Body::Heartbeat(life) = foreign(formats::CHIRPSTACK_STATUS, "", status.as_bytes()).unwrap().body else {
            panic!("{status}")
        };
        assert_eq!(life.battery_percent, Some(80.0));
    }
}
