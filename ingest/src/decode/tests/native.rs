//! Heartbeats, tracks, measurements, reports, pictures, and the fields they share.

use super::{RECEIVED_MS, check_rejected, entry, native, timed};
use crate::decode::{FUTURE_TOLERANCE, decode};
use model::{
    Body, Channel, Gimbal, Heartbeat, HeartbeatStatus, Measurement, PanTilt, Position, Quantity, ReadingKind, Reject,
    SnapshotId, Species, Timestamp, Track,
};
use std::sync::Arc;

const LIFE: &str = r#""status":"ok""#;

fn with_ts(ts: &str) -> Result<Option<Timestamp>, Reject> {
    native(ReadingKind::Heartbeat, &format!(r#"{{"ts":{ts},{LIFE}}}"#)).map(|r| r.device_time.map(|t| t.0))
}

#[test]
fn text_with_a_zone_and_milliseconds_are_the_same_instant() {
    let want = Ok(Some(Timestamp::from_millis(RECEIVED_MS)));
    assert_eq!(with_ts(&RECEIVED_MS.to_string()), want);
    assert_eq!(with_ts(r#""2026-11-22T10:15:00+08:00""#), want);
    assert_eq!(with_ts(r#""2026-11-22T02:15:00Z""#), want);
}

#[test]
fn a_time_without_a_zone_or_that_is_none_is_rejected_and_named() {
    for bad in ["\"2026-11-22T10:15:00\"", "\"yesterday\"", "1795313700.5", "-5", "18446744073709551615", "\"\""] {
        assert_eq!(with_ts(bad), Err(Reject::BadTime(bad.trim_matches('"').to_owned())), "{bad}");
    }
    assert!(matches!(with_ts("true"), Err(Reject::Malformed(_))));
}

#[test]
fn every_kind_but_a_picture_needs_its_time() {
    for kind in ["heartbeat", "track", "reading", "sighting", "report"] {
        let kind = ReadingKind::of_native_topic(kind).unwrap();
        assert_eq!(native(kind, "{}"), Err(Reject::Missing { field: "ts" }));
        assert_eq!(native(kind, r#"{"ts":null}"#), Err(Reject::Missing { field: "ts" }));
    }
}

#[test]
fn a_clock_that_runs_ahead_is_tolerated_for_minutes_and_refused_beyond() {
    let tolerance_ms = i64::try_from(FUTURE_TOLERANCE.as_millis()).unwrap();
    assert!(with_ts(&(RECEIVED_MS + tolerance_ms).to_string()).is_ok());
    let ahead_s = FUTURE_TOLERANCE.as_secs();
    assert_eq!(with_ts(&(RECEIVED_MS + tolerance_ms + 1).to_string()), Err(Reject::FutureTime { ahead_s }));
    assert!(matches!(with_ts(&i64::MAX.to_string()), Err(Reject::FutureTime { .. })));
}

#[test]
fn a_message_that_waited_in_a_device_for_years_is_read() {
    assert_eq!(with_ts("\"2001-01-01T00:00:00Z\""), Ok(Some(Timestamp::from_millis(978_307_200_000))));
}

#[test]
fn what_is_no_json_object_is_malformed() {
    for broken in ["{", "[]", "[1795313700000,1]", "null", "3", "\"x\"", "{} {}", "\u{feff}{}"] {
        assert!(matches!(native(ReadingKind::Heartbeat, broken), Err(Reject::Malformed(_))), "{broken}");
    }
    assert_eq!(native(ReadingKind::Heartbeat, ""), Err(Reject::Empty));
    let invalid_utf8 = decode(&entry(super::native_channel(ReadingKind::Report), b"{\"text\":\"\xff\"}"));
    assert!(matches!(invalid_utf8, Err(Reject::Malformed(_))));
}

#[test]
fn nesting_without_end_is_malformed_and_not_a_crash() {
    let deep = format!("{{\"ts\":{}", "[".repeat(200_000));
    assert!(matches!(native(ReadingKind::Heartbeat, &deep), Err(Reject::Malformed(_))));
    let skipped = format!("{{\"new\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(native(ReadingKind::Heartbeat, &skipped).is_err());
}

#[test]
fn a_malformed_payload_is_not_repeated_in_full() {
    let long = format!(r#"{{"ts":1,"status":"{}"}}"#, "x".repeat(50_000));
    let reject = native(ReadingKind::Heartbeat, &long).unwrap_err();
    assert!(reject.to_string().len() < 300, "{reject}");
}

#[test]
fn a_heartbeat_tells_all_that_the_contract_names_and_fields_of_later_firmware_are_skipped() {
    let body = timed(
        ReadingKind::Heartbeat,
        r#""status":"degraded","uptime_s":86400,"battery_percent":71.5,"signal_dbm":-97,"temperature_c":-31.5,
           "storage_free_mb":2048,"pose":{"pan_deg":-12.5,"tilt_deg":3,"zoom":4,"target_pan_deg":-12,"target_tilt_deg":3},"frame_hash":"9f3a","fan":{"rpm":[1,2]}"#,
    );
    assert_eq!(
        body,
        Ok(Body::Heartbeat(Heartbeat {
            status: Some(HeartbeatStatus::Degraded),
            uptime_s: Some(86_400),
            battery_percent: Some(71.5),
            signal_dbm: Some(-97.0),
            temperature_c: Some(-31.5),
            storage_free_mb: Some(2_048.0),
            pan_tilt: Some(PanTilt { pan_deg: -12.5, tilt_deg: 3.0, zoom: 4.0 }),
            pan_tilt_target: Some(PanTilt { pan_deg: -12.0, tilt_deg: 3.0, zoom: 4.0 }),
            frame_hash: Some(Arc::from("9f3a")),
            firmware: None,
        }))
    );
    assert!(timed(ReadingKind::Heartbeat, "").is_ok(), "that it came is the news");
}

#[test]
fn a_heartbeat_out_of_the_contract_is_rejected_with_field_value_and_remedy() {
    let check = |fields, reason| check_rejected(ReadingKind::Heartbeat, fields, reason);
    check(r#""status":"fine""#, "field `status` is `fine`, which is not one of: ok, degraded, fault");
    check(r#""battery_percent":101"#, "field `battery_percent` is 101; it must be within 0 to 100");
    check(r#""pose":{"pan_deg":1}"#, "field `pose.tilt_deg` is missing");
    check(r#""pose":{"pan_deg":1,"tilt_deg":1,"zoom":0}"#, "field `pose.zoom` is 0; it must be within 1 to 1000");
    assert!(timed(ReadingKind::Heartbeat, r#""battery_percent":1e999"#).is_err(), "no infinity comes in");
    assert!(timed(ReadingKind::Heartbeat, r#""pose":[1,2,3]"#).is_err(), "an array is no pose");
}

#[test]
fn a_track_tells_where_how_fast_and_where_its_camera_looks() {
    let body = timed(
        ReadingKind::Track,
        r#""lat":43.9,"lon":113.5,"alt_m":1262.4,"height_m":119.6,"speed_mps":9.8,"heading_deg":-92.5,"battery_percent":71,
           "gimbal":{"pitch_deg":-45,"yaw_deg":-92.4},"hdop":0.8,"accuracy_m":1.5,"flight_id":20261122"#,
    );
    assert_eq!(
        body,
        Ok(Body::Track(Track {
            position: Some(Position::parse(43.9, 113.5).unwrap()),
            alt_m: Some(1262.4),
            height_m: Some(119.6),
            speed_mps: Some(9.8),
            heading_deg: Some(267.5),
            battery_percent: Some(71.0),
            gimbal: Some(Gimbal { pitch_deg: -45.0, yaw_deg: -92.4, roll_deg: 0.0 }),
            hdop: Some(0.8),
            accuracy_m: Some(1.5),
            flight_id: Some(Arc::from("20261122")),
        }))
    );
}

#[test]
fn a_track_without_a_fix_is_a_sign_of_life_and_one_without_coordinates_a_fault() {
    for no_fix in [r#""lat":0,"lon":0"#, r#""lat":null,"lon":null"#, r#""lat":-0.0,"lon":0.0,"datum":"gcj02""#] {
        let Ok(Body::Track(track)) = timed(ReadingKind::Track, &format!(r#"{no_fix},"battery_percent":50"#)) else {
            panic!("{no_fix}")
        };
        assert_eq!((track.position, track.battery_percent), (None, Some(50.0)));
    }
    check_rejected(ReadingKind::Track, "", "field `lat` is missing");
    check_rejected(ReadingKind::Track, r#""lat":43.9"#, "field `lon` is missing");
    check_rejected(ReadingKind::Track, r#""lat":43.9,"lon":null"#, "field `lon` is missing");
    assert!(matches!(timed(ReadingKind::Track, r#""lat":113.5,"lon":43.9"#), Err(Reject::BadPosition(_))));
}

#[test]
fn the_stated_datum_decides_where_a_mover_is() {
    let at = |lat: f64, lon: f64, datum: &str| match timed(
        ReadingKind::Track,
        &format!(r#""lat":{lat},"lon":{lon},"datum":"{datum}""#),
    ) {
        Ok(Body::Track(Track { position: Some(position), .. })) => position,
        other => panic!("{other:?}"),
    };
    let truth = Position::parse(43.9, 113.5).unwrap();
    assert_eq!(at(43.9, 113.5, "wgs84"), truth);
    assert_eq!(at(43.9, 113.5, "cgcs2000"), truth);
    assert!(truth.distance_m(at(43.902009, 113.507503, "gcj02")) < 1.0);
    assert!(truth.distance_m(at(43.908273, 113.513883, "bd09")) < 1.0);
    check_rejected(
        ReadingKind::Track,
        r#""lat":43.9,"lon":113.5,"datum":"WGS-84""#,
        "field `datum` is `WGS-84`, which is not one of: wgs84, cgcs2000, gcj02, bd09",
    );
}

#[test]
fn a_station_tells_the_contracts_quantities_and_strange_ones_are_skipped() {
    let body = timed(
        ReadingKind::Reading,
        r#""values":{"soil_moisture_percent":12.5,"leaf_wetness":3,"air_temperature_c":null,"ndvi":0.3,"ndvi":0.4}"#,
    );
    let measured = |quantity, value| Measurement { quantity, value };
    assert_eq!(
        body,
        Ok(Body::Measurements(vec![measured(Quantity::SoilMoisturePercent, 12.5), measured(Quantity::Ndvi, 0.4)]))
    );
}

#[test]
fn implausible_or_empty_measurements_are_rejected() {
    let check = |fields, reason| check_rejected(ReadingKind::Reading, fields, reason);
    check(r#""values":{"ndvi":0.1,"rain_mm":-1}"#, "field `rain_mm` is -1; it must be within 0 to 1000");
    check("", "field `values` is missing");
    check(r#""values":{}"#, "field `values` is missing");
    let stranger = timed(ReadingKind::Reading, r#""values":{"soil":1}"#);
    assert!(matches!(stranger, Err(Reject::UnknownWord { field: "values", value, .. }) if value == "soil"));
    assert!(matches!(timed(ReadingKind::Reading, r#""values":{"ndvi":"0.1"}"#), Err(Reject::Malformed(_))));
}

#[test]
fn a_report_keeps_the_words_and_not_the_informant() {
    // Cut off inside the informant's name: not even the complaint about a broken payload repeats it.
    let broken = native(ReadingKind::Report, r#"{"ts":1,"text":"羊","informant":"张三"#);
    assert!(matches!(&broken, Err(Reject::Malformed(reason)) if !reason.contains('张')), "{broken:?}");
    let whole =
        timed(ReadingKind::Report, r#""text":"羊","species":"sheep","count":40,"channel":"12345","informant":"张三""#);
    let Ok(Body::Report(report)) = &whole else { panic!("{whole:?}") };
    assert_eq!((report.text.as_str(), report.position, report.species), ("羊", None, Some(Species::Sheep)));
    assert_eq!((report.count, report.channel.as_deref()), (Some(40), Some("12345")));
    assert!(!format!("{whole:?}").contains('张'));
}

#[test]
fn a_report_needs_words_or_a_place() {
    check_rejected(ReadingKind::Report, r#""lat":0,"lon":0"#, "field `text` is missing");
    assert!(timed(ReadingKind::Report, r#""lat":43.9,"lon":113.5"#).is_ok());
}

#[test]
fn a_picture_is_a_jpeg_under_a_name_that_is_safe_in_a_path() {
    let shot = |id: &str, payload: &[u8]| {
        let channel = Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(id) };
        decode(&entry(channel, payload)).map(|reading| reading.body)
    };
    let jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 0x00];
    let Ok(Body::Snapshot(snapshot)) = shot("s-1", &jpeg) else { panic!() };
    assert_eq!((snapshot.id, snapshot.bytes), (SnapshotId::parse("s-1").unwrap(), 5));
    assert_eq!(shot("s-1", b"\x89PNG"), Err(Reject::NotJpeg));
    assert_eq!(shot("s-1", b""), Err(Reject::Empty));
    for id in ["", "../etc/passwd", "a/b"] {
        assert!(matches!(shot(id, &jpeg), Err(Reject::BadName(_))), "{id}");
    }
}
