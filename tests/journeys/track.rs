//! A track is exported by the command line, beside the running service and without it, and the service's data is none the worse.

use journeys::Platform;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

/// Midnight in UTC of a day that is over: the service may pack it while somebody looks.
fn yesterday_ms() -> i64 {
    let now = firmware_sim::clock::now_ms();
    now - now % DAY_MS - DAY_MS
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_is_exported_beside_the_running_service_and_after_it_the_same() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let mut drone = platform.device("drone-1", "drone", &[]).await.unwrap();
    drone.connect(&platform).await.unwrap();
    let begun = yesterday_ms();
    for n in 0..30_i64 {
        // A corner, and a silence before the last ten.
        let (north, east) = (n.min(10) as f64 / 1_024.0, (n - 10).max(0) as f64 / 1_024.0);
        let ts = begun + n * 10_000 + if n < 20 { 0 } else { 3_600_000 };
        let fix = json!({"ts": ts, "lat": 43.25 + north, "lon": 117.5 + east, "alt_m": 1_300, "speed_mps": 8});
        drone.say("track", fix).await.unwrap();
    }
    let operator = platform.operator().await.unwrap();
    let (from, to) = (firmware_sim::clock::rfc3339(begun), firmware_sim::clock::rfc3339(begun + DAY_MS));
    let asked = format!("/devices/drone-1/track?from={from}&to={to}");
    operator.wait_for_items(&asked, |points| points.len() == 30).await.unwrap();

    let export = |format: &str| {
        let arguments = ["track", "export", "drone-1", "--from", &from, "--to", &to, "--format", format];
        arguments.map(str::to_owned)
    };
    let tell = async |platform: &Platform, arguments: &[String], more: &[&str]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        platform.tell(&arguments).await
    };
    let mut beside = Vec::new();
    for format in ["geojson", "gpx", "kml", "csv"] {
        let said = tell(&platform, &export(format), &[]).await.unwrap();
        let answered = operator.download(&format!("{asked}&format={format}")).await.unwrap();
        assert_eq!(said.as_bytes(), answered, "the API says the same");
        beside.push(said);
    }
    let geojson: Value = serde_json::from_str(&beside[0]).unwrap();
    assert_eq!(geojson["features"].as_array().unwrap().len(), 2, "{geojson}");
    assert_eq!(beside[3].lines().count(), 31);

    // The service goes on as if nobody had looked.
    drone.say("track", json!({"ts": begun + 7_200_000, "lat": 43.3, "lon": 117.5})).await.unwrap();
    operator.wait_for_items(&asked, |points| points.len() == 31).await.unwrap();

    let file = platform.file("drone-1.parquet").display().to_string();
    let said = tell(&platform, &export("parquet"), &["--out", &file, "--points", "6", "--json"]).await.unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["points"], &said["read"], &said["deviation_m"]), (&json!(6), &json!(31), &json!(0.0)));
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let refused = tell(&platform, &export("parquet"), &["--out", &file]).await.unwrap_err().to_string();
    assert!(refused.contains("not there yet"), "{refused}");
    let refused = platform.tell(&["track", "export", "nobody", "--from", &from, "--to", &to]).await.unwrap_err();
    assert!(refused.to_string().contains("there is no device `nobody`"), "{refused}");
    let refused = platform.tell(&["track", "export", "drone-1", "--from", &to, "--to", &from]).await.unwrap_err();
    assert!(refused.to_string().contains("is not before"), "{refused}");

    let csv = tell(&platform, &export("csv"), &[]).await.unwrap();
    platform.stop().await.unwrap();
    assert_eq!(tell(&platform, &export("csv"), &[]).await.unwrap(), csv, "without the service the same");
    platform.run().await.unwrap();
    platform.wait_until_ready().await.unwrap();
    let operator = platform.operator().await.unwrap();
    operator.wait_for_items(&asked, |points| points.len() == 31).await.unwrap();
    platform.stop().await.unwrap();
}
