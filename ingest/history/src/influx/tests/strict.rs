//! The sink against InfluxDB's own parser and type checks: `influxdb` 1.6, behind a little proxy that turns the write path of
//! version 2 into that of version 1.

use super::line::beat;
use super::real::{Real, client, free_port};
use super::*;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

pub(super) fn start(data: &Path, port: u16) -> Option<Real> {
    let mut command = Command::new("influxd");
    command.arg("run").env("INFLUXDB_REPORTING_DISABLED", "true").env("INFLUXDB_MONITOR_STORE_ENABLED", "false");
    for (key, part) in [("META_DIR", "meta"), ("DATA_DIR", "data"), ("DATA_WAL_DIR", "wal")] {
        command.env(format!("INFLUXDB_{key}"), data.join(part));
    }
    command.env("INFLUXDB_BIND_ADDRESS", format!("127.0.0.1:{}", free_port()));
    command.env("INFLUXDB_HTTP_BIND_ADDRESS", format!("127.0.0.1:{port}"));
    Real::start("influxdb", &mut command, port)
}

/// Makes the database as soon as the server answers.
pub(super) async fn make_database(server: &Real) {
    let url = format!("{}/query", server.url);
    let make = [("q", "CREATE DATABASE telemetry")];
    until("the server answers", async || {
        client().post(&url).query(&make).send().await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
}

/// Passes everything on with a changed first line; its address.
async fn proxy(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut first = Vec::new();
            while !first.ends_with(b"\r\n") {
                first.push(near.read_u8().await.unwrap());
            }
            assert!(first.starts_with(b"POST /api/v2/write?bucket=telemetry&org=steppe&precision=ms "));
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            // One request a connection, so that every first line passes here.
            far.write_all(b"POST /write?db=telemetry&precision=ms HTTP/1.1\r\nConnection: close\r\n").await.unwrap();
            copy_bidirectional(&mut near, &mut far).await.ok(); // Whoever hangs up first ends it.
        }
    });
    url
}

pub(super) async fn rows(server: &Real, question: &str) -> Value {
    let text = server.get("/query", &[("db", "telemetry"), ("epoch", "ms"), ("q", question)]).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    answer["results"][0]["series"][0]["values"].clone()
}

#[tokio::test]
async fn a_strict_server_takes_every_line_and_one_that_it_refuses_is_handed_back_alone() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(server) = start(data.path(), port) else { return };
    make_database(&server).await;
    // Somebody else wrote a text where we write a number.
    let clash = format!("station,device=other ndvi=\"green\" {START_MS}");
    let url = format!("{}/write?db=telemetry&precision=ms", server.url);
    // It answers before it is ready for writes.
    until("the server takes writes", async || {
        client().post(&url).body(clash.clone()).send().await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;

    let flight =
        Track { flight_id: Some("a \"b\" \\ c,d=e\nevil f=1\\".into()), alt_m: Some(-1e-7), ..Track::default() };
    let ndvi = Measurement { quantity: Quantity::Ndvi, value: 0.5 };
    let rain = Measurement { quantity: Quantity::RainMm, value: 0.5 };
    let mut readings: Vec<Reading> = (1..=40).map(|offset| moved("d", offset)).collect();
    readings.push(reading("drone", 41, Body::Track(flight)));
    readings.push(reading("s", 42, Body::Measurements(vec![ndvi])));
    readings.push(reading("s", 43, Body::Measurements(vec![rain])));
    readings.push(reading("cam", 44, Body::Heartbeat(beat(Some(7)))));
    let (sink, _) = sink(&proxy(port).await);
    let report = sink.push(&readings).await;

    assert_eq!(report.refused.iter().map(|one| one.offset).collect::<Vec<_>>(), [Offset(42)]);
    assert!(report.refused[0].reason.contains("field type conflict"), "{}", report.refused[0].reason);
    assert_eq!(report.accepted, 43);
    assert_eq!(rows(&server, "SELECT count(lat) FROM track WHERE device='d'").await[0][1], json!(40));
    assert_eq!(
        rows(&server, "SELECT alt_m, flight_id FROM track WHERE device='drone'").await,
        json!([[START_MS + 41_000, -1e-7, "a \"b\" \\ c,d=e evil f=1\\"]])
    );
    assert_eq!(rows(&server, "SELECT rain_mm FROM station").await, json!([[START_MS + 43_000, 0.5]]));
    assert_eq!(
        rows(&server, "SELECT status, uptime_s, battery_percent FROM heartbeat").await,
        json!([[START_MS + 44_000, "degraded", 7, 81.5]])
    );
    let text = server.get("/query", &[("db", "telemetry"), ("q", "SHOW SERIES")]).await;
    assert!(!text.contains("evil"), "{text}");
}
