//! The sink against `victoria-metrics`, which speaks the write API of InfluxDB 2.
//!
//! It takes lines that a strict server would refuse, so it proves that what is written comes back; `strict.rs` proves that
//! the lines are sound.

use super::line::beat;
use super::real::{Real, free_port};
use super::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn start(data: &Path, port: u16) -> Option<Real> {
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", data.display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .args(["-retentionPeriod=100y", "-memory.allowedBytes=128MB", "-loggerLevel=ERROR"]);
    Real::start("victoria-metrics", &mut command, port)
}

/// The points of every series by name and device. This server keeps a repeated point twice until it tidies up, where
/// InfluxDB overwrites it; here it is shown once.
async fn export(server: &Real) -> BTreeMap<(String, String), Vec<(i64, f64)>> {
    server.get("/internal/force_flush", &[]).await;
    let all = [("match[]", "{__name__!=\"\"}"), ("start", "0"), ("end", "4000000000")];
    let text = server.get("/api/v1/export", &all).await;
    let mut series: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
    for line in text.lines() {
        let one: Value = serde_json::from_str(line).unwrap();
        let label = |name: &str| one["metric"][name].as_str().unwrap_or_default().to_owned();
        let times = one["timestamps"].as_array().unwrap().iter().map(|ts| ts.as_i64().unwrap());
        let values = one["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        series.entry((label("__name__"), label("device"))).or_default().extend(times.zip(values));
    }
    for points in series.values_mut() {
        points.sort_by_key(|point| point.0);
        points.dedup();
    }
    series
}

fn at(offset: u64) -> i64 {
    START_MS + offset as i64 * 1_000
}

#[tokio::test]
async fn what_is_pushed_comes_back_from_a_real_server_with_its_values_and_times() {
    let data = tempfile::tempdir().unwrap();
    let Some(server) = start(data.path(), free_port()) else { return };
    let (sink, _) = sink(&server.url);
    let measured = Measurement { quantity: Quantity::SoilMoisturePercent, value: 17.25 };
    let readings = [
        moved("drone-1", 1),
        moved("drone-1", 2),
        moved("drone-2", 3),
        reading("station-1", 4, Body::Measurements(vec![measured])),
        reading("camera-1", 5, Body::Heartbeat(beat(Some(90_061)))),
    ];
    // The server is hardly up when the first write is tried; the sink waits for it.
    let report = sink.push(&readings).await;
    assert_eq!((report.accepted, report.refused.len()), (5, 0));
    // Once more, as after a crash before the cursor moved.
    assert_eq!(sink.push(&readings).await.accepted, 5);

    let series = export(&server).await;
    let points =
        |name: &str, device: &str| series.get(&(name.to_owned(), device.to_owned())).cloned().unwrap_or_default();
    assert_eq!(points("track_lat", "drone-1"), [(at(1), 43.250_976_562_5), (at(2), 43.251_953_125)]);
    assert_eq!(points("track_lon", "drone-2"), [(at(3), 117.5)]);
    assert_eq!(points("track_speed_mps", "drone-1"), [(at(1), 1.0), (at(2), 2.0)]);
    assert_eq!(points("station_soil_moisture_percent", "station-1"), [(at(4), 17.25)]);
    assert_eq!(points("heartbeat_uptime_s", "camera-1"), [(at(5), 90_061.0)]);
    assert_eq!(points("heartbeat_battery_percent", "camera-1"), [(at(5), 81.5)]);
    assert_eq!(points("heartbeat_temperature_c", "camera-1"), []);
}

#[tokio::test]
async fn an_outage_of_a_real_server_before_and_between_writes_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let (sink, registry) = sink(&format!("http://127.0.0.1:{port}"));
    let sink = Arc::new(sink);
    let push = |offsets: std::ops::RangeInclusive<u64>| {
        let sink = Arc::clone(&sink);
        tokio::spawn(async move { sink.push(&offsets.map(|offset| moved("d", offset)).collect::<Vec<_>>()).await })
    };
    let retries = || counted(&registry, "steppewatch_influx_retries_total");

    let before = push(1..=500);
    until("the first write has failed", async || retries() > 0).await;
    let Some(server) = start(data.path(), port) else { return };
    assert_eq!(before.await.unwrap().accepted, 500);

    server.stop();
    let failed_so_far = retries();
    let between = push(501..=1_000);
    until("a write has failed again", async || retries() > failed_so_far).await;
    let Some(server) = start(data.path(), port) else { return };
    assert_eq!(between.await.unwrap().accepted, 500);

    let series = export(&server).await;
    let expected: Vec<(i64, f64)> = (1..=1_000).map(|offset| (at(offset), offset as f64)).collect();
    assert_eq!(series[&("track_speed_mps".to_owned(), "d".to_owned())], expected);
}
