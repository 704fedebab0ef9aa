//! Telemetry of DJI aircraft and docks: composed examples, and every sample of the vendor's own documentation.

use super::{RECEIVED_MS, entry};
use crate::decode::decode;
use model::{Body, Channel, Gimbal, Heartbeat, Position, Reject, Track};
use std::path::Path;
use std::sync::Arc;

fn osd(payload: &str) -> Result<Body, Reject> {
    decode(&entry(Channel::DjiOsd, payload.as_bytes())).map(|reading| reading.body)
}

fn data(fields: &str) -> Result<Body, Reject> {
    osd(&format!(r#"{{"tid":"t","bid":"b","timestamp":{RECEIVED_MS},"gateway":"7CTDM00000GRZ1","data":{{{fields}}}}}"#))
}

#[track_caller]
fn track(fields: &str) -> Track {
    match data(fields) {
        Ok(Body::Track(track)) => track,
        other => panic!("{fields}: {other:?}"),
    }
}

#[track_caller]
fn heartbeat(fields: &str) -> Heartbeat {
    match data(fields) {
        Ok(Body::Heartbeat(heartbeat)) => heartbeat,
        other => panic!("{fields}: {other:?}"),
    }
}

#[test]
fn an_aircraft_in_flight_gives_its_place_its_heights_and_where_its_camera_looks() {
    let flying = track(
        r#""latitude":43.8912345,"longitude":113.4567890,"height":1262.4,"elevation":119.6,"attitude_head":-92.5,
        "attitude_pitch":-3.1,"attitude_roll":0.4,"horizontal_speed":9.8,"vertical_speed":0.0,"mode_code":5,"track_id":"",
        "position_state":{"is_fixed":2,"quality":10,"gps_number":24,"rtk_number":31},
        "battery":{"capacity_percent":71,"remain_flight_time":1260,"return_home_power":28,"landing_power":10,"batteries":[]},
        "39-0-7":{"payload_index":"39-0-7","gimbal_pitch":0.0,"gimbal_roll":0.0,"gimbal_yaw":1.0},
        "81-0-0":{"payload_index":"81-0-0","gimbal_pitch":-45.0,"gimbal_roll":0.5,"gimbal_yaw":-92.4,"zoom_factor":1.0}"#,
    );
    assert_eq!(
        flying,
        Track {
            position: Some(Position::parse(43.8912345, 113.456789).unwrap()),
            alt_m: Some(1262.4),
            height_m: Some(119.6),
            speed_mps: Some(9.8),
            heading_deg: Some(267.5),
            battery_percent: Some(71.0),
            gimbal: Some(Gimbal { pitch_deg: -45.0, yaw_deg: -92.4, roll_deg: 0.5 }),
            ..Track::default()
        }
    );
}

#[test]
fn an_aircraft_without_a_fix_has_no_position_and_an_unread_battery_no_charge() {
    let here = r#""latitude":43.9,"longitude":113.5,"attitude_head":180"#;
    assert_eq!(track(&format!(r#"{here},"position_state":{{"is_fixed":0}}"#)).position, None);
    assert!(track(&format!(r#"{here},"position_state":{{"is_fixed":2}}"#)).position.is_some());
    let nowhere = track(r#""latitude":0,"longitude":0,"attitude_head":41.7,"battery":{"capacity_percent":32767}"#);
    assert_eq!((nowhere.position, nowhere.battery_percent, nowhere.heading_deg), (None, None, Some(41.7)));
}

#[test]
fn the_flight_is_told_by_its_track_id() {
    assert_eq!(track(r#""attitude_head":0,"track_id":"f-1""#).flight_id, Some(Arc::from("f-1")));
}

#[test]
fn a_docks_own_place_is_no_track() {
    let dock = heartbeat(
        r#""latitude":22.9,"longitude":113.7,"drone_in_dock":1,"cover_state":0,"environment_temperature":-24,
        "storage":{"total":4096,"used":1024}"#,
    );
    assert_eq!((dock.temperature_c, dock.storage_free_mb), (Some(-24.0), Some(3.0)));
    assert_eq!(heartbeat(r#""temperature":24.9,"environment_temperature":1"#).temperature_c, Some(24.9));
    heartbeat(r#""network_state":{"type":2}"#);
    heartbeat("");
}

#[test]
fn a_docks_storage_beyond_counting_is_refused_and_not_infinite() {
    let beyond = data(r#""drone_in_dock":1,"storage":{"total":1.5e308,"used":-1.5e308}"#);
    assert!(matches!(beyond, Err(Reject::OutOfRange { field: "storage", .. })), "{beyond:?}");
    assert_eq!(heartbeat(r#""storage":{"total":1024,"used":4096}"#).storage_free_mb, Some(0.0));
}

#[test]
fn what_is_no_telemetry_is_rejected_and_named() {
    let event = format!(r#"{{"timestamp":{RECEIVED_MS},"method":"hms","data":{{"list":[]}}}}"#);
    assert_eq!(osd(&event), Err(Reject::UnknownMessage("hms".to_owned())));
    assert_eq!(osd(r#"{"data":{}}"#), Err(Reject::Missing { field: "timestamp" }));
    assert_eq!(osd(r#"{"timestamp":1}"#), Err(Reject::Missing { field: "data" }));
    assert!(matches!(data(r#""latitude":"north""#), Err(Reject::Malformed(_))));
    assert!(matches!(data(r#""latitude":143.9,"longitude":1"#), Err(Reject::BadPosition(_))));
    assert!(matches!(data(r#""attitude_head":1,"height":1e9"#), Err(Reject::OutOfRange { field: "height", .. })));
    let ahead = osd(&format!(r#"{{"timestamp":{},"data":{{}}}}"#, RECEIVED_MS + 400_000));
    assert_eq!(ahead, Err(Reject::FutureTime { ahead_s: 400 }));
}

/// The vendor's documentation, if it lies beside the repository.
const SAMPLES: &str = "../../shared/data/payloads/dji_cloud_api/samples.jsonl";
const SAMPLE_COUNT: usize = 610;

#[test]
fn every_sample_of_the_vendors_documentation_is_read_or_refused_with_a_reason() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLES);
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: {} is not here", file.display());
        return;
    };
    let (mut tracks, mut heartbeats, mut refused) = (0, 0, 0);
    for line in text.lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        let topic = sample["topic"].as_str().unwrap();
        let channel = if topic.is_empty() || topic.ends_with("/osd") {
            Channel::DjiOsd
        } else {
            Channel::Other { topic: Arc::from(topic) }
        };
        match decode(&entry(channel, sample["payload"].to_string().as_bytes())).map(|reading| reading.body) {
            Ok(Body::Track(_)) => tracks += 1,
            Ok(Body::Heartbeat(_)) => heartbeats += 1,
            Ok(other) => panic!("{line}: {other:?}"),
            Err(reason) => {
                assert!(!reason.to_string().is_empty());
                refused += 1;
            }
        }
    }
    eprintln!("{tracks} tracks, {heartbeats} signs of life, {refused} refused");
    assert_eq!(tracks + heartbeats + refused, SAMPLE_COUNT);
    // The two aircraft pages and the two low-latency pages; the docks' pages and their parts.
    assert_eq!(tracks, 4);
    assert!(heartbeats >= 10, "{heartbeats}");
}
