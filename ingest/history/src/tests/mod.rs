//! The store as a whole: real files in a temporary folder, a clock that the test moves.

mod days;
mod format_1;
mod property;
mod queries;
mod reader;
mod sealing;

use crate::{History, HistoryReader};
use model::{
    Body, Clock, DeviceId, DeviceTime, Measurement, Offset, Position, Quantity, Reading, ReceivedAt, Timestamp, Track,
};
use std::path::Path;
use std::time::Duration;

/// 2026-11-22T00:00:00Z.
const MIDNIGHT_MS: i64 = 1_795_305_600_000;
const HOUR_MS: i64 = 3_600_000;
const DAY: Duration = Duration::from_secs(86_400);

fn at(millis_after_midnight: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT_MS + millis_after_midnight)
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn reading(name: &str, offset: u64, ts: Timestamp, body: Body) -> Reading {
    Reading {
        device: device(name),
        offset: Offset(offset),
        received_at: ReceivedAt(ts),
        device_time: Some(DeviceTime(ts)),
        seq: None,
        body,
    }
}

fn moved(name: &str, offset: u64, ts: Timestamp, speed_mps: f64) -> Reading {
    let position = Some(Position::parse(43.3, 117.5).unwrap());
    let track = Track { position, speed_mps: Some(speed_mps), ..Track::default() };
    reading(name, offset, ts, Body::Track(track))
}

fn measured(name: &str, offset: u64, ts: Timestamp, values: &[(Quantity, f64)]) -> Reading {
    let measurements = values.iter().map(|(quantity, value)| Measurement { quantity: *quantity, value: *value });
    reading(name, offset, ts, Body::Measurements(measurements.collect()))
}

/// A store whose clock stands at noon of the day.
fn open_at_noon(dir: &Path) -> (History, Clock) {
    let clock = Clock::manual(at(12 * HOUR_MS));
    (History::open(dir, 30 * DAY, clock.clone()).unwrap(), clock)
}

/// The speeds of a device's whole track, each with its milliseconds after midnight.
fn speeds(history: &History, name: &str) -> Vec<(i64, f64)> {
    let track = history.track(&device(name), at(-40 * 24 * HOUR_MS), at(40 * 24 * HOUR_MS)).unwrap();
    track.iter().map(|point| (point.ts.as_millis() - MIDNIGHT_MS, point.speed_mps.unwrap())).collect()
}

/// The names of the files of days.
fn day_files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut days: Vec<String> = names.filter(|name| name.starts_with("20")).collect();
    days.sort();
    days
}
