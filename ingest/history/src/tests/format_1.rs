//! A store that was written in format 1 (blocks of 512 rows whose numbers are floats, a tail of rows), by the program of November 2026.
//!
//! `format_1/` holds its files: a drone with 700 fixes, of which 512 are in a block and one was said again, a station with 30 messages.

use super::*;
use std::io::Read;

fn unpack(dir: &Path, name: &str, packed: &[u8]) {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    std::fs::write(dir.join(name), bytes).unwrap();
}

pub(super) fn unpack_all(dir: &Path) {
    unpack(dir, "tail.sqlite", include_bytes!("format_1/tail.sqlite.gz"));
    unpack(dir, "2026-11-22.sqlite", include_bytes!("format_1/2026-11-22.sqlite.gz"));
}

/// Milliseconds after midnight, latitude, height, speed.
type Fix = (i64, f64, Option<f64>, f64);

fn expected() -> Vec<Fix> {
    let fix = |n: i64| {
        let lat = Position::parse(43.3 + n as f64 / 1e4, 117.5).unwrap().lat_deg();
        let lat = (lat * 1e7).round() / 1e7;
        (n * 1_000, lat, (n % 3 == 0).then_some(80.0), f64::from(11.2_f32 + n as f32))
    };
    let mut all: Vec<Fix> = (1..=700).map(fix).collect();
    all[4] = (5_000, 43.3, None, 99.0);
    all.push((26 * HOUR_MS, 43.3, None, 7.0));
    all
}

#[track_caller]
fn check(history: &History) {
    let track = history.track(&device("drone"), at(0), at(30 * HOUR_MS)).unwrap();
    let found = track.iter().map(|point| {
        let speed = point.speed_mps.unwrap();
        (point.ts.as_millis() - MIDNIGHT_MS, point.position.lat_deg(), point.height_m, speed)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected());
    assert_eq!(track[6].alt_m, Some(1_301.5 + 7.0 / 10.0));
    let series = history.series(&device("station"), Quantity::AirTemperatureC, at(0), at(30 * HOUR_MS)).unwrap();
    let expected: Vec<_> = (1..=30).map(|n| (at(n * 600_000), n as f64 / 10.0 - 3.0)).collect();
    assert_eq!(series, expected);
    let last = history.last_positions().unwrap();
    assert_eq!(
        last.iter().map(|(device, point)| (device.as_str(), point.ts)).collect::<Vec<_>>(),
        [("drone", at(26 * HOUR_MS))]
    );
    assert_eq!(history.cursor(), Offset(732));
}

#[test]
fn what_an_older_program_wrote_is_read_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    unpack_all(dir.path());
    let clock = Clock::manual(at(27 * HOUR_MS));
    let open = || History::open(dir.path(), 30 * DAY, clock.clone()).unwrap();
    check(&open());
    // Brought up once; again changes nothing.
    let history = open();
    check(&history);
    clock.set(at(60 * HOUR_MS));
    while history.seal(100).unwrap().blocks > 0 {}
    check(&history);
    drop(history);
    check(&open());
}
