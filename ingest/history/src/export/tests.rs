//! What other programs find in the files.

use super::*;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::RowAccessor;
use model::{Position, Timestamp};
use quick_xml::events::Event;

const BEGUN_MS: i64 = 1_795_305_600_000;

fn point(second: i64, alt_m: Option<f64>) -> TrackPoint {
    TrackPoint {
        ts: Timestamp::from_millis(BEGUN_MS + second * 1_000),
        position: Position::parse(43.25 + second as f64 / 1_024.0, 117.5).unwrap(),
        alt_m,
        height_m: Some(80.0),
        speed_mps: Some(11.5),
        heading_deg: None,
        accuracy_m: Some(2.5),
        battery_percent: None,
    }
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

/// Three points with a silence before the last, and of another device one.
fn written(format: TrackFormat, is_of_many: bool) -> Vec<u8> {
    let mut writer = TrackWriter::new(Vec::new(), format, is_of_many, Duration::from_secs(60)).unwrap();
    let track = [point(0, Some(1_300.5)), point(15, Some(1_301.0)), point(500, None)];
    writer.track(&device("drone-1"), &track).unwrap();
    writer.track(&device("silent"), &[]).unwrap();
    if is_of_many {
        writer.track(&device("drone-2"), &[point(1, Some(2.0))]).unwrap();
    }
    writer.finish().unwrap()
}

fn text(format: TrackFormat, is_of_many: bool) -> String {
    String::from_utf8(written(format, is_of_many)).unwrap()
}

#[test]
fn geojson_has_a_line_for_each_piece_with_the_times_of_its_vertices() {
    let found: serde_json::Value = serde_json::from_str(&text(TrackFormat::GeoJson, true)).unwrap();
    let features = found["features"].as_array().unwrap();
    let ids: Vec<_> = features.iter().map(|feature| feature["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["drone-1/1", "drone-1/2", "drone-2"]);
    assert_eq!(features[0]["geometry"]["type"], "LineString");
    assert_eq!(features[0]["geometry"]["coordinates"][1], serde_json::json!([117.5, 43.2646484375, 1301.0]));
    assert_eq!(features[0]["properties"]["times"][1], "2026-11-22T00:00:15.000Z");
    assert_eq!(features[1]["geometry"], serde_json::json!({"type": "Point", "coordinates": [117.5, 43.73828125]}));
    let empty = TrackWriter::new(Vec::new(), TrackFormat::GeoJson, false, Duration::ZERO).unwrap().finish().unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&empty).unwrap()["features"], serde_json::json!([]));
}

/// The names of the elements in the order in which they begin; fails where it is no XML.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => names.push(element.name().as_ref().to_owned()),
            Event::Eof => return names,
            _ => {}
        }
    }
}

#[test]
fn gpx_has_a_segment_for_each_piece() {
    let gpx = text(TrackFormat::Gpx, true);
    let names = elements(&gpx);
    let count = |name: &str| names.iter().filter(|one| *one == name).count();
    assert_eq!((count("trk"), count("trkseg"), count("trkpt"), count("ele"), count("time")), (2, 3, 4, 3, 4));
    let whole = "<trkpt lat=\"43.25\" lon=\"117.5\"><ele>1300.5</ele><time>2026-11-22T00:00:00.000Z</time></trkpt>";
    assert!(gpx.contains(whole), "{gpx}");
}

#[test]
fn kml_has_as_many_times_as_places_in_each_track() {
    let kml = text(TrackFormat::Kml, true);
    let names = elements(&kml);
    let count = |name: &str| names.iter().filter(|one| *one == name).count();
    assert_eq!((count("Placemark"), count("gx:Track"), count("when"), count("gx:coord")), (2, 3, 4, 4));
    assert!(kml.contains("<gx:coord>117.5 43.25 1300.5</gx:coord>"), "{kml}");
}

#[test]
fn csv_has_the_device_in_front_where_there_are_many() {
    let one = text(TrackFormat::Csv, false);
    let lines: Vec<&str> = one.lines().collect();
    assert_eq!(lines[0], "ts,lat,lon,alt_m,speed_mps,heading_deg,accuracy_m");
    assert_eq!(lines[1], "2026-11-22T00:00:00.000Z,43.25,117.5,1300.5,11.5,,2.5");
    assert_eq!(lines.len(), 4);
    let many = text(TrackFormat::Csv, true);
    assert!(many.lines().next().unwrap().starts_with("device,ts,"));
    assert!(many.lines().last().unwrap().starts_with("drone-2,2026-11-22T00:00:01.000Z,"));
}

#[test]
fn parquet_comes_back_with_its_types_and_what_was_not_said() {
    let bytes = written(TrackFormat::Parquet, true);
    let reader = SerializedFileReader::new(::bytes::Bytes::from(bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    assert_eq!(schema.num_columns(), 10);
    assert!(schema.column(1).logical_type_ref().is_some_and(|of| format!("{of:?}").contains("Timestamp")));
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row.get_string(0).unwrap().as_str(), row.get_timestamp_millis(1).unwrap(), row.get_double(4).ok()))
        .collect();
    let expected = [
        ("drone-1", BEGUN_MS, Some(1_300.5)),
        ("drone-1", BEGUN_MS + 15_000, Some(1_301.0)),
        ("drone-1", BEGUN_MS + 500_000, None),
        ("drone-2", BEGUN_MS + 1_000, Some(2.0)),
    ];
    assert_eq!(found, expected);
    assert_eq!((rows[0].get_double(2).unwrap(), rows[0].get_double(8).unwrap()), (43.25, 2.5));
    assert!(rows.iter().all(|row| row.get_double(7).is_err() && row.get_double(9).is_err()));
}

#[test]
fn every_format_is_known_by_its_name() {
    assert!(TrackFormat::ALL.into_iter().all(|format| TrackFormat::parse(format.as_str()) == Some(format)));
    assert_eq!(TrackFormat::parse("dxf"), None);
}
