//! Tracks in every form and number of points, of one device and of many, and series by aggregate with holes.

use crate::support::{Server, Session, TOWNSHIP, problem};
use model::{
    Body, Clock, DeviceId, DeviceTime, Measurement, Offset, Position, Quantity, Reading, ReceivedAt, Timestamp, Track,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use registry::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Two days ago at a full hour: nothing of it is of the present.
fn begun() -> Timestamp {
    let hour_ms = 3_600_000;
    let at = Clock::system().now().minus(Duration::from_secs(2 * 86_400)).as_millis();
    Timestamp::from_millis(at - at % hour_ms)
}

fn said(device: &str, at: Timestamp, body: Body) -> Reading {
    Reading {
        device: DeviceId::parse(device).unwrap(),
        offset: Offset(1),
        received_at: ReceivedAt(at),
        device_time: Some(DeviceTime(at)),
        seq: None,
        body,
    }
}

/// A fix every ten seconds: 50 to the north, 50 to the east, and ten more after a silence of an hour.
fn way(device: &str) -> Vec<Reading> {
    let fix = |n: u64| {
        let (north, east) = (n.min(50) as f64, n.saturating_sub(50) as f64);
        let position = Position::parse(43.25 + north / 1_024.0, 117.5 + east / 1_024.0).ok();
        let track = Track { position, alt_m: Some(1_300.0 + n as f64), speed_mps: Some(8.0), ..Track::default() };
        let silence = if n >= 100 { 3_600 } else { 0 };
        said(device, begun().plus(Duration::from_secs(n * 10 + silence)), Body::Track(track))
    };
    (0..110).map(fix).collect()
}

async fn registered(session: &Session<'_>, id: &str, kind: &str, township: &str) {
    let device = json!({ "id": id, "kind": kind, "township": township, "cadence": "10s" });
    assert_eq!(session.post("/api/v1/devices", device).await.status(), StatusCode::CREATED);
}

fn span() -> String {
    let to = begun().plus(Duration::from_secs(86_400));
    format!("from={}&to={to}", begun())
}

/// The body of a file, after a look at what it is called.
async fn file(session: &Session<'_>, path: &str, content_type: &str, name: &str) -> Vec<u8> {
    let response = session.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(response.headers()["content-type"], content_type);
    assert_eq!(response.headers()["content-disposition"], format!("attachment; filename=\"{name}\""));
    response.bytes().await.unwrap().to_vec()
}

/// How often an element stands in a document; fails where it is no XML.
fn count(xml: &[u8], element: &str) -> usize {
    let mut reader = quick_xml::Reader::from_reader(xml);
    let (mut found, mut buffer) = (0, Vec::new());
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            quick_xml::events::Event::Start(start) => found += usize::from(start.name().as_ref() == element),
            quick_xml::events::Event::Eof => return found,
            _ => {}
        }
    }
}

fn rows(bytes: Vec<u8>) -> Vec<(String, i64, f64)> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
    rows.map(|row| {
        let device = row.get_string(0).unwrap().clone();
        (device, row.get_timestamp_millis(1).unwrap(), row.get_double(4).unwrap())
    })
    .collect()
}

#[tokio::test]
async fn a_track_is_a_file_that_other_programs_open() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    registered(&session, "drone-1", "drone", TOWNSHIP).await;
    server.history.append(&way("drone-1"), Offset(1)).unwrap();
    let path = |format: &str| format!("/api/v1/devices/drone-1/track?{}&format={format}", span());

    let gpx = file(&session, &path("gpx"), "application/gpx+xml", "drone-1.gpx").await;
    assert_eq!((count(&gpx, "trk"), count(&gpx, "trkseg"), count(&gpx, "trkpt")), (1, 2, 110));
    let kml = file(&session, &path("kml"), "application/vnd.google-earth.kml+xml", "drone-1.kml").await;
    assert_eq!((count(&kml, "gx:Track"), count(&kml, "when")), (2, 110));
    let csv = file(&session, &path("csv"), "text/csv; charset=utf-8", "drone-1.csv").await;
    assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 111);
    let geojson = file(&session, &path("geojson"), "application/geo+json", "drone-1.geojson").await;
    let geojson: Value = serde_json::from_slice(&geojson).unwrap();
    let lengths = geojson["features"].as_array().unwrap().iter();
    let lengths: Vec<_> = lengths.map(|line| line["properties"]["times"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [100, 10]);
    let parquet = file(&session, &path("parquet"), "application/vnd.apache.parquet", "drone-1.parquet").await;
    let rows = rows(parquet);
    assert_eq!(rows.len(), 110);
    assert_eq!(rows[0], ("drone-1".to_owned(), begun().as_millis(), 1_300.0));
}

#[tokio::test]
async fn a_track_of_fewer_points_keeps_its_corner_and_its_silence_and_says_how_far_it_may_be_off() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    registered(&session, "drone-1", "drone", TOWNSHIP).await;
    server.history.append(&way("drone-1"), Offset(1)).unwrap();
    let path = format!("/api/v1/devices/drone-1/track?{}", span());

    let second = |second: u64| json!(begun().plus(Duration::from_secs(second)).to_rfc3339());
    let track = session.get_json(&format!("{path}&points=5")).await;
    let times: Vec<_> = track["items"].as_array().unwrap().iter().map(|point| point["ts"].clone()).collect();
    assert_eq!(times, [0, 500, 990, 4_600, 4_690].map(second));
    assert_eq!((&track["items"][1]["alt_m"], &track["items"][1]["speed_mps"]), (&json!(1_350.0), &json!(8.0)));
    let said = json!({ "deviation_m": 0.0, "read": 110, "bridged": 0, "breaks": [second(4_600)] });
    assert_eq!(track["simplified"], said);
    assert!(session.get_json(&path).await.get("simplified").is_none(), "all points are all there is to say");

    // Two points are one line over the silence, far beside the corner.
    let response = session.get(&format!("{path}&points=2&format=gpx")).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().parse::<f64>().unwrap();
    assert!((2_000.0..6_000.0).contains(&header("track-deviation-m")), "{:?}", response.headers());
    assert_eq!((header("track-points-read"), header("track-silences-bridged")), (110.0, 1.0));
    let gpx = response.bytes().await.unwrap();
    assert_eq!((count(&gpx, "trkseg"), count(&gpx, "trkpt")), (1, 2));
    let parquet = format!("{path}&points=5&format=parquet");
    let parquet = file(&session, &parquet, "application/vnd.apache.parquet", "drone-1.parquet").await;
    assert_eq!(
        rows(parquet).iter().map(|row| row.2).collect::<Vec<_>>(),
        [1_300.0, 1_350.0, 1_399.0, 1_400.0, 1_409.0]
    );

    for points in ["1", "10001", "-1", "many"] {
        let refused = session.get(&format!("{path}&points={points}")).await;
        assert!(problem(refused, StatusCode::BAD_REQUEST).await.contains("2 to 10000"), "{points}");
    }
    let refused = session.get(&format!("{path}&format=dxf")).await;
    assert!(problem(refused, StatusCode::BAD_REQUEST).await.contains("geojson, gpx, kml, csv, parquet"));
}

fn shown(tracks: &Value) -> Vec<(&str, Vec<usize>)> {
    let length = |piece: &Value| piece.as_array().unwrap().len();
    let pieces = |track: &Value| track["pieces"].as_array().unwrap().iter().map(length).collect();
    tracks["tracks"].as_array().unwrap().iter().map(|track| (track["id"].as_str().unwrap(), pieces(track))).collect()
}

#[tokio::test]
async fn many_tracks_come_in_one_answer_by_name_township_and_kind_and_never_of_another_township() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for (id, kind, township) in [
        ("collar-1", "collar", TOWNSHIP),
        ("drone-1", "drone", TOWNSHIP),
        ("drone-2", "drone", "150425200"),
        ("drone-3", "drone", TOWNSHIP),
    ] {
        registered(&session, id, kind, township).await;
    }
    for device in ["collar-1", "drone-1", "drone-2"] {
        server.history.append(&way(device), Offset(1)).unwrap();
    }
    let path = format!("/api/v1/tracks?{}", span());
    let all = session.get_json(&path).await;
    assert_eq!(shown(&all), ["collar-1", "drone-1", "drone-2"].map(|id| (id, vec![3, 2])));
    assert_eq!((&all["tracks"][1]["read"], &all["tracks"][1]["kind"]), (&json!(110), &json!("drone")));
    assert_eq!(all["tracks"][0]["pieces"][0][0], json!([begun().as_millis(), 43.25, 117.5]));
    for (query, want) in [
        ("kind=collar", vec!["collar-1"]),
        ("township=150425200", vec!["drone-2"]),
        ("device=drone-2&device=drone-1&device=drone-2", vec!["drone-1", "drone-2"]),
        ("device=drone-1&kind=collar", vec![]),
        ("device=drone-3", vec![]),
    ] {
        let found = session.get_json(&format!("{path}&{query}")).await;
        assert_eq!(shown(&found).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), want, "{query}");
    }
    // Twelve points for four devices, of which one has none.
    let few = session.get_json(&format!("{path}&points=12")).await;
    assert!(shown(&few).iter().flat_map(|(_, pieces)| pieces).sum::<usize>() <= 12, "{few}");

    let csv = file(&session, &format!("{path}&format=csv"), "text/csv; charset=utf-8", "tracks.csv").await;
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("device,ts,") && csv.lines().count() == 16, "{csv}");
    let gpx = file(&session, &format!("{path}&format=gpx"), "application/gpx+xml", "tracks.gpx").await;
    assert_eq!((count(&gpx, "trk"), count(&gpx, "trkseg")), (3, 6));

    server.add_user("ours", &[Role::Viewer], &[TOWNSHIP]);
    let ours = server.login("ours").await;
    assert_eq!(shown(&ours.get_json(&path).await).len(), 2);
    problem(ours.get(&format!("{path}&device=drone-1&device=drone-2")).await, StatusCode::NOT_FOUND).await;
    assert!(shown(&ours.get_json(&format!("{path}&township=150425200")).await).is_empty());
}

#[tokio::test]
async fn more_tracks_than_one_answer_holds_are_refused_with_the_remedy() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for number in 0..40 {
        registered(&session, &format!("collar-{number}"), "collar", TOWNSHIP).await;
    }
    let many = "&device=collar-1".repeat(2_001);
    for (query, remedy) in [
        (format!("{}&points=79", span()), "at least 80"),
        (format!("{}&points=1", span()), "2 to 200000"),
        ("from=2026-01-01&to=2026-12-31".to_owned(), "at most 350 days"),
        (format!("{}{many}", span()), "more than 2000"),
        ("kind=odd".to_owned(), "camera"),
        ("format=odd".to_owned(), "parquet"),
    ] {
        let detail = problem(session.get(&format!("/api/v1/tracks?{query}")).await, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(remedy), "{detail}");
    }
    problem(session.get("/api/v1/tracks?device=none").await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_series_has_one_value_a_step_by_the_chosen_aggregate_and_holes_where_they_are_asked_for() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let station = json!({ "id": "station-1", "kind": "station", "cadence": "10m" });
    assert_eq!(session.post("/api/v1/devices", station).await.status(), StatusCode::CREATED);
    let rain = |minute: u64, value: f64| {
        let at = begun().plus(Duration::from_secs(minute * 60));
        said("station-1", at, Body::Measurements(vec![Measurement { quantity: Quantity::RainMm, value }]))
    };
    // Nothing came in the second and third hour.
    server.history.append(&[rain(0, 1.0), rain(10, 3.0), rain(20, 2.0), rain(180, 4.0)], Offset(1)).unwrap();
    let minute = |minute: i64| begun().as_millis() + minute * 60_000;
    let path = format!("/api/v1/devices/station-1/series?field=rain_mm&{}", span());
    for (query, want) in [
        ("&step=1h&aggregate=sum", json!([[minute(0), 6.0], [minute(180), 4.0]])),
        ("&step=1h&aggregate=last", json!([[minute(0), 2.0], [minute(180), 4.0]])),
        ("&step=1h&aggregate=count&gaps=true", json!([[minute(0), 3.0], [minute(60), null], [minute(180), 1.0]])),
        ("&step=1h", json!([[minute(0), 1.0, 2.0, 3.0], [minute(180), 4.0, 4.0, 4.0]])),
        (
            "&step=1h&gaps=true",
            json!([[minute(0), 1.0, 2.0, 3.0], [minute(0) + 1, null, null, null], [minute(180), 4.0, 4.0, 4.0]]),
        ),
        (
            "&gaps=true",
            json!([[minute(0), 1.0], [minute(10), 3.0], [minute(20), 2.0], [minute(20) + 1, null], [minute(180), 4.0]]),
        ),
    ] {
        assert_eq!(session.get_json(&format!("{path}{query}")).await["points"], want, "{query}");
    }
    let days = session.get_json(&format!("{path}&step=1d&aggregate=sum")).await;
    let total: f64 = days["points"].as_array().unwrap().iter().map(|day| day[1].as_f64().unwrap()).sum();
    assert_eq!(total, 10.0, "{days}");
    for (query, remedy) in [
        ("&step=1h&aggregate=median", "min, mean, max, sum, count, first, last"),
        ("&aggregate=sum", "name a step"),
        ("&step=1d&aggregate=last", "legal days"),
        ("&gaps=some", "true or false"),
    ] {
        let detail = problem(session.get(&format!("{path}{query}")).await, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(remedy), "{query}: {detail}");
    }
}
