//! The sink against a strict little parser, a server that misbehaves on purpose, and real servers.

mod answers;
mod faults;
mod line;
mod real;
mod server;
mod strict;
mod victoria;

use super::backoff::Backoff;
use super::{InfluxConfig, InfluxMetrics, InfluxSink};
use model::{
    Body, DeviceId, DeviceTime, Heartbeat, HeartbeatStatus, Measurement, Offset, Position, Quantity, Reading,
    ReceivedAt, Timestamp, Track,
};
use prometheus::Registry;
use std::time::Duration;

/// 2024-05-01T00:00:00Z: past for every machine's clock, since a server may refuse the future.
const START_MS: i64 = 1_714_521_600_000;

fn reading(device: &str, offset: u64, body: Body) -> Reading {
    let happened_at = Timestamp::from_millis(START_MS + offset as i64 * 1_000);
    Reading {
        device: DeviceId::parse(device).unwrap(),
        offset: Offset(offset),
        received_at: ReceivedAt(happened_at.plus(Duration::from_secs(5))),
        device_time: Some(DeviceTime(happened_at)),
        seq: None,
        body,
    }
}

fn moved(device: &str, offset: u64) -> Reading {
    let position = Position::parse(43.25 + offset as f64 / 1_024.0, 117.5).unwrap();
    let track = Track { position: Some(position), speed_mps: Some(offset as f64), ..Track::default() };
    reading(device, offset, Body::Track(track))
}

fn sink(url: &str) -> (InfluxSink, Registry) {
    let registry = Registry::new();
    let config = InfluxConfig::parse(url, "steppe", "telemetry", "s3cret").unwrap();
    let quick = Backoff { first: Duration::from_millis(5), longest: Duration::from_millis(50) };
    let sink = InfluxSink::new(&config, InfluxMetrics::register(&registry).unwrap()).unwrap().with_backoff(quick);
    (sink, registry)
}

/// The sum of a counter over its labels.
fn counted(registry: &Registry, name: &str) -> u64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name);
    family.map_or(0, |family| family.get_metric().iter().map(|metric| metric.get_counter().get_value() as u64).sum())
}

/// Asks again and again until it holds; far more often than it takes, so that only a real failure ends the patience.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("gave up waiting until {what}");
}
