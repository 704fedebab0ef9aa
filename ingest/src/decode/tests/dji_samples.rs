//! Every JSON example of the vendor's own documentation, sorted by what it is and read on the topic that it belongs to.
//!
//! The documentation names hardly any topic, so the sorting goes by what it says of the envelope: telemetry has no method, an answer has
//! a `result`, an event's and a request's method stands in the lists below, all other methods are the cloud's commands.

use super::{entry, foreign};
use crate::decode::{decode, formats};
use model::{Body, Channel, Reject};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What a device tells (with or without `need_reply`), beside what ends in `_progress` or `_notify`.
const EVENTS: [&str; 14] = [
    "hms",
    "file_upload_callback",
    "highest_priority_upload_flighttask_media",
    "flighttask_ready",
    "return_home_info",
    "airsense_warning",
    "flight_areas_drone_location",
    "psdk_ui_resource_upload_result",
    "psdk_floating_window_text",
    "custom_data_transmission_from_psdk",
    "custom_data_transmission_from_esdk",
    "joystick_invalid_notify",
    "fileupload_progress",
    "ota_progress",
];
/// What a device asks for.
const REQUESTS: [&str; 7] = [
    "config",
    "storage_config_get",
    "airport_bind_status",
    "airport_organization_get",
    "airport_organization_bind",
    "flighttask_resource_get",
    "flight_areas_get",
];
/// What it pushes on its fast channel.
const FAST: [&str; 8] = [
    "osd_info_push",
    "hsi_info_push",
    "delay_info_push",
    "heart_beat",
    "drc_drone_state_push",
    "drc_camera_osd_info_push",
    "drc_camera_state_push",
    "drc_camera_photo_info_push",
];

/// What a sample is, and the format of the topic that a device would say it on.
fn kind(payload: &Value) -> (&'static str, Option<&'static str>) {
    let Some(method) = payload["method"].as_str() else {
        return match (payload["biz_code"].is_string(), payload["timestamp"].is_i64() && payload["data"].is_object()) {
            (true, _) => ("pushed by the cloud to its web pages", None),
            (false, true) => ("osd, state or property", Some(formats::DJI_OSD)),
            (false, false) => ("not MQTT: HTTP interfaces, files, parts of messages", None),
        };
    };
    let is_answer = payload["data"]["result"].is_number() && payload.get("need_reply").is_none();
    let is_event = EVENTS.contains(&method) || method.ends_with("_progress") || method.ends_with("_notify");
    match method {
        "some_method" => ("a pattern of any message", None),
        "update_topo" if is_answer => ("the cloud's answer to a topology", None),
        "update_topo" => ("topology", Some(formats::DJI_STATUS)),
        _ if is_event || payload.get("need_reply").is_some() => ("event", Some(formats::DJI_EVENTS)),
        _ if FAST.contains(&method) => ("fast channel", Some(formats::DJI_DRC)),
        "config" if payload["data"]["app_id"].is_number() => ("the cloud's answer to a request", None),
        _ if REQUESTS.contains(&method) && is_answer => ("the cloud's answer to a request", None),
        _ if REQUESTS.contains(&method) => ("request", Some(formats::DJI_REQUESTS)),
        _ if is_answer => ("answer to a command", Some(formats::DJI_REPLY)),
        _ => ("command of the cloud", None),
    }
}

fn outcome(format: &str, payload: &Value) -> String {
    let bytes = payload.to_string().into_bytes();
    let decoded =
        if format == formats::DJI_OSD { decode(&entry(Channel::DjiOsd, &bytes)) } else { foreign(format, "", &bytes) };
    match decoded.map(|reading| reading.body) {
        Ok(Body::Track(_)) => "track".to_owned(),
        Ok(Body::Heartbeat(life)) if life.status.is_some() => "heartbeat with health".to_owned(),
        Ok(Body::Heartbeat(_)) => "sign of life".to_owned(),
        Ok(other) => panic!("{payload} is {other:?}"),
        Err(reject) => format!("refused: {}", reject.label()),
    }
}

#[test]
fn all_610_samples_of_the_documentation_are_what_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/payloads/dji_cloud_api/samples.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("SKIPPED: {} is not there; it is real data that is kept beside the repository", file.display());
        return;
    };
    let mut table: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for line in text.lines() {
        let sample: Value = serde_json::from_str(line).unwrap();
        let payload = &sample["payload"];
        let (kind, format) = kind(payload);
        // What no device says is read as an event all the same: it may be refused, it may not panic.
        let told = format.map_or_else(
            || {
                drop(outcome(formats::DJI_EVENTS, payload));
                "a device does not say it".to_owned()
            },
            |format| outcome(format, payload),
        );
        *table.entry((kind, told)).or_default() += 1;
    }
    for ((kind, told), count) in &table {
        println!("{count:4}  {kind:52} {told}");
    }
    assert_eq!(table.values().sum::<usize>(), 610);
    let refused: Vec<_> = table.iter().filter(|((_, told), _)| told.starts_with("refused")).collect();
    // The documentation's own slip: a time with a digit too many, in the year 2494.
    let slip = ("event", "refused: future_time".to_owned());
    assert_eq!(refused, [(&slip, &11)], "what a device says is understood");
    let of = |kind: &str| table.iter().filter(|((k, _), _)| *k == kind).map(|(_, count)| count).sum::<usize>();
    assert_eq!(of("topology") + of("the cloud's answer to a topology"), 6);
    assert_eq!(table.get(&("event", "heartbeat with health".to_owned())), Some(&2));
}

#[test]
fn how_a_dock_feels_is_its_worst_finding_and_no_finding_is_good_health() {
    let feels = |levels: &str| {
        let text =
            format!(r#"{{"tid":"t","bid":"b","timestamp":1795313700000,"method":"hms","data":{{"list":[{levels}]}}}}"#);
        match foreign(formats::DJI_EVENTS, "", text.as_bytes()).map(|reading| reading.body) {
            Ok(Body::Heartbeat(life)) => Ok(life.status.unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(reject) => Err(reject),
        }
    };
    use model::HeartbeatStatus::{Degraded, Fault, Ok as Well};
    assert_eq!(feels(""), Ok(Well));
    assert_eq!(feels(r#"{"level":0,"code":"0x1"}"#), Ok(Well));
    assert_eq!(feels(r#"{"level":1},{"level":0}"#), Ok(Degraded));
    assert_eq!(feels(r#"{"level":1},{"level":2},{}"#), Ok(Fault));
    assert!(matches!(feels(r#"{"level":7}"#), Err(Reject::OutOfRange { field: "level", .. })));
}

#[test]
fn the_fast_channel_is_a_track_of_the_aircraft_and_of_nobody_else() {
    let text = br#"{"method":"osd_info_push","timestamp":1795313700000,"data":{"attitude_head":-90,"latitude":43.9,"longitude":113.5,
        "height":1262.4,"speed_x":3.0,"speed_y":4.0,"speed_z":0.1,"gimbal_pitch":-45,"gimbal_roll":0,"gimbal_yaw":-90}}"#;
    let Body::Track(track) = foreign(formats::DJI_DRC, "", text).unwrap().body else { panic!() };
    assert_eq!((track.speed_mps, track.heading_deg, track.alt_m), (Some(5.0), Some(270.0), Some(1_262.4)));
    assert!(track.position.is_some() && track.gimbal.is_some());
    let gateways = foreign(formats::DJI_DRC, formats::DJI_DRC_OF_NOBODY, text).unwrap().body;
    assert!(matches!(gateways, Body::Heartbeat(_)));
    let no_fix = br#"{"method":"osd_info_push","data":{"latitude":0,"longitude":0}}"#;
    assert!(
        matches!(foreign(formats::DJI_DRC, "", no_fix).unwrap().body, Body::Track(track) if track.position.is_none())
    );
}
