//! What comes back of what was taken in, before anything is sealed.

use super::*;
use crate::{HistoryError, Summary, TrackPoint, Vital, in_steps};
use model::Heartbeat;

#[test]
fn a_track_comes_back_whole_in_order_of_time_and_without_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let position = Position::parse(43.312_345_6, 117.512_345_7).unwrap();
    let track = Track {
        position: Some(position),
        alt_m: Some(1_301.5),
        height_m: Some(80.0),
        speed_mps: Some(11.2),
        heading_deg: Some(359.9),
        battery_percent: Some(77.0),
        accuracy_m: Some(1.8),
        ..Track::default()
    };
    history
        .append(
            &[
                moved("d", 1, at(3_000), 3.0),
                reading("d", 2, at(2_000), Body::Track(track)),
                moved("e", 3, at(2_000), 9.0),
            ],
            Offset(3),
        )
        .unwrap();
    let found = history.track(&device("d"), at(2_000), at(3_000)).unwrap();
    let expected = TrackPoint {
        ts: at(2_000),
        position,
        alt_m: Some(1_301.5),
        height_m: Some(80.0),
        speed_mps: Some(11.2),
        heading_deg: Some(359.9),
        accuracy_m: Some(1.8),
        battery_percent: Some(77.0),
    };
    assert_eq!(found, [expected]);
    assert_eq!(speeds(&history, "d"), [(2_000, 11.2), (3_000, 3.0)]);
    assert_eq!(history.track(&device("d"), at(3_000), at(2_000)).unwrap(), []);
}

#[test]
fn the_same_batch_again_doubles_nothing_and_the_cursor_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let batch = [moved("d", 4, at(1_000), 1.0), moved("d", 5, at(2_000), 2.0)];
    history.append(&batch, Offset(5)).unwrap();
    history.append(&[], Offset(9)).unwrap();
    history.append(&batch, Offset(5)).unwrap();
    assert_eq!(history.cursor(), Offset(9));
    assert_eq!(speeds(&history, "d"), [(1_000, 1.0), (2_000, 2.0)]);
    drop(history);
    let (history, _) = open_at_noon(dir.path());
    assert_eq!((history.cursor(), speeds(&history, "d").len()), (Offset(9), 2));
}

#[test]
fn a_batch_whose_cursor_cannot_be_written_leaves_no_rows_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let tail = rusqlite::Connection::open(dir.path().join("tail.sqlite")).unwrap();
    let fail = "CREATE TRIGGER broken BEFORE UPDATE ON cursor BEGIN SELECT raise(ABORT, 'disk full'); END";
    tail.execute_batch(fail).unwrap();
    let batch = [moved("d", 1, at(1_000), 1.0)];
    let error = history.append(&batch, Offset(1)).unwrap_err();
    assert!(matches!(error, HistoryError::Engine { .. }), "{error}");
    assert_eq!((speeds(&history, "d"), history.cursor()), (vec![], Offset(0)));
    assert_eq!(history.last_positions().unwrap(), []);
    tail.execute_batch("DROP TRIGGER broken").unwrap();
    history.append(&batch, Offset(1)).unwrap();
    assert_eq!((speeds(&history, "d"), history.cursor()), (vec![(1_000, 1.0)], Offset(1)));
}

#[test]
fn of_two_rows_with_the_same_time_the_one_with_the_highest_offset_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    history.append(&[moved("d", 8, at(0), 8.0), moved("d", 7, at(0), 7.0)], Offset(8)).unwrap();
    assert_eq!(speeds(&history, "d"), [(0, 8.0)]);
    // An entry that a mended decoder reads differently takes the place of its old row.
    history.append(&[moved("d", 8, at(0), 8.5)], Offset(8)).unwrap();
    assert_eq!(speeds(&history, "d"), [(0, 8.5)]);
}

#[test]
fn quantities_of_one_instant_that_came_in_two_messages_do_not_hide_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let air = measured("s", 1, at(0), &[(Quantity::AirTemperatureC, -20.5)]);
    let soil = measured("s", 2, at(0), &[(Quantity::SoilMoisturePercent, 11.0)]);
    history.append(&[air, soil], Offset(2)).unwrap();
    let series = |quantity| history.series(&device("s"), quantity, at(0), at(1)).unwrap();
    assert_eq!(series(Quantity::AirTemperatureC), [(at(0), -20.5)]);
    assert_eq!(series(Quantity::SoilMoisturePercent), [(at(0), 11.0)]);
    assert_eq!(series(Quantity::Ndvi), []);
}

#[test]
fn a_stepped_series_has_the_lowest_mean_and_highest_of_each_step_that_has_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let values = [(0, 1.0), (30_000, 3.0), (59_999, 2.0), (180_000, 7.0)];
    let readings: Vec<Reading> = values
        .iter()
        .zip(1..)
        .map(|((ms, value), offset)| measured("s", offset, at(*ms), &[(Quantity::WindSpeedMps, *value)]))
        .collect();
    history.append(&readings, Offset(4)).unwrap();
    let minute = Duration::from_secs(60);
    let steps = history.series_stepped(&device("s"), Quantity::WindSpeedMps, at(0), at(HOUR_MS), minute).unwrap();
    let first = Summary { ts: at(0), min: 1.0, mean: 2.0, max: 3.0 };
    assert_eq!(steps, [first, Summary { ts: at(180_000), min: 7.0, mean: 7.0, max: 7.0 }]);
    let all = history.series_stepped(&device("s"), Quantity::WindSpeedMps, at(0), at(HOUR_MS), Duration::ZERO).unwrap();
    assert_eq!(all.len(), 4);
}

#[test]
fn the_last_position_is_the_latest_by_time_whatever_came_last() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    history.append(&[moved("d", 1, at(5_000), 5.0), moved("e", 2, at(1_000), 1.0)], Offset(2)).unwrap();
    history.append(&[moved("d", 3, at(4_000), 4.0)], Offset(3)).unwrap();
    let last = history.last_positions().unwrap();
    let shown: Vec<_> = last.iter().map(|(device, point)| (device.as_str(), point.speed_mps)).collect();
    assert_eq!(shown, [("d", Some(5.0)), ("e", Some(1.0))]);
}

#[test]
fn a_position_that_rounds_to_0_0_does_not_hide_the_last_real_one() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let nowhere = Track { position: Some(Position::parse(1e-9, 1e-9).unwrap()), ..Track::default() };
    let drifted = reading("d", 2, at(2_000), Body::Track(nowhere));
    history.append(&[moved("d", 1, at(1_000), 1.0), drifted], Offset(2)).unwrap();
    assert_eq!(history.last_positions().unwrap().len(), 1);
    assert_eq!(speeds(&history, "d"), [(1_000, 1.0)]);
}

#[test]
fn a_file_of_a_newer_program_is_left_alone_and_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_at_noon(dir.path()));
    let tail = rusqlite::Connection::open(dir.path().join("tail.sqlite")).unwrap();
    tail.execute_batch("PRAGMA user_version=99").unwrap();
    let refused = History::open(dir.path(), DAY, Clock::system()).err().unwrap();
    assert!(matches!(refused, HistoryError::Newer { found: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("tail.sqlite"), "{refused}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let refused = History::open(&file.join("history"), DAY, Clock::system()).err().unwrap();
    assert!(matches!(refused, HistoryError::Folder { .. }), "{refused}");
}

#[test]
fn a_devices_charge_is_a_series_whether_its_heartbeats_or_its_track_tell_it_sealed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let beat = |offset, ms, percent, signal_dbm| {
        let heartbeat = Heartbeat { battery_percent: Some(percent), signal_dbm, ..Heartbeat::default() };
        reading("d", offset, at(ms), Body::Heartbeat(heartbeat))
    };
    let position = Position::parse(43.3, 117.5).ok();
    let track = Track { position, battery_percent: Some(80.0), ..Track::default() };
    let silent = reading("d", 4, at(4_000), Body::Heartbeat(Heartbeat::default()));
    let all = [
        beat(1, 1_000, 90.0, Some(-70.0)),
        reading("d", 2, at(2_000), Body::Track(track)),
        beat(3, 3_000, 70.0, None),
        silent,
    ];
    history.append(&all, Offset(4)).unwrap();
    let charge = || history.vital(&device("d"), Vital::BatteryPercent, at(0), at(9_000)).unwrap();
    let expected = [(at(1_000), 90.0), (at(2_000), 80.0), (at(3_000), 70.0)];
    assert_eq!(charge(), expected);
    assert_eq!(history.vital(&device("d"), Vital::SignalDbm, at(0), at(9_000)).unwrap(), [(at(1_000), -70.0)]);
    let steps = in_steps(&charge(), std::time::Duration::from_secs(2));
    assert_eq!(steps.iter().map(|step| step.mean).collect::<Vec<_>>(), [90.0, 75.0]);
    clock.set(at(80 * HOUR_MS));
    while history.seal(100).unwrap().blocks > 0 {}
    assert_eq!(charge(), expected, "sealed");
}
