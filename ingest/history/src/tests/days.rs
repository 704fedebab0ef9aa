//! Values with their flags, and legal days that outlive them.

use super::*;
use quality::{Daily, Flag};

const CADENCE: Duration = Duration::from_secs(3_600);
const AIR: Quantity = Quantity::AirTemperatureC;

/// An hour of the legal day that begins at 16:00 UTC of the day before `MIDNIGHT_MS`, which is midnight of UTC.
fn hour(hour: i64) -> Timestamp {
    at((hour - 8) * HOUR_MS)
}

/// One value an hour for so many hours from an hour on; the hour of 5 has a spike.
fn hours(from: i64, count: i64) -> Vec<Reading> {
    let value = |hour: i64| if hour == 5 { 40.0 } else { (hour.rem_euclid(24) - 6) as f64 / 2.0 };
    (from..from + count)
        .map(|one| measured("station-1", u64::try_from(one + 10_000).unwrap(), hour(one), &[(AIR, value(one))]))
        .collect()
}

fn days(history: &History, from: i64, to: i64) -> Vec<(i64, Daily)> {
    let days = history.days(&device("station-1"), AIR, (hour(from), hour(to)), CADENCE).unwrap();
    days.into_iter().map(|(day, sums)| ((day.as_millis() - hour(0).as_millis()) / HOUR_MS, sums)).collect()
}

fn sum(history: &History) -> usize {
    history.sum_days(100, |_| CADENCE).unwrap()
}

#[test]
fn a_series_shows_what_may_be_wrong_with_its_values_however_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&hours(0, 8), Offset(1)).unwrap();
    let flagged = |history: &History| {
        let series = history.series_judged(&device("station-1"), AIR, (hour(4), hour(8)), CADENCE).unwrap();
        series.iter().map(|(_, value, flags)| (*value, flags.has(Flag::Rate))).collect::<Vec<_>>()
    };
    let expected = [(-1.0, false), (40.0, true), (0.0, false), (0.5, false)];
    assert_eq!(flagged(&history), expected);
    clock.set(at(80 * HOUR_MS));
    assert!(history.seal(100).unwrap().rows > 0);
    assert_eq!(flagged(&history), expected);
    // Said twice, and by another message of the same instant: the same series.
    history.append(&hours(0, 8), Offset(2)).unwrap();
    history.append(&[measured("station-1", 20_000, hour(6), &[(Quantity::Ndvi, 0.2)])], Offset(3)).unwrap();
    assert_eq!(flagged(&history), expected);
}

#[test]
fn a_legal_day_is_summed_without_what_cannot_be_believed_and_outlives_its_values() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&hours(0, 48), Offset(1)).unwrap();
    let first = Daily { count: 24, flagged: 1, sum: 66.5, min: -3.0, max: 8.5 };
    assert_eq!(days(&history, 0, 24), [(0, first)]);
    assert_eq!(sum(&history), 0, "the day is not over for long enough");
    clock.set(hour(50));
    assert_eq!((sum(&history), sum(&history)), (2, 0));
    let kept = days(&history, 0, 48);
    clock.set(hour(24 * 60));
    history.seal(100).unwrap();
    assert!(history.expire().unwrap() > 0);
    assert_eq!(history.series(&device("station-1"), AIR, hour(0), hour(48)).unwrap(), []);
    assert_eq!(days(&history, 0, 48), kept);
    assert_eq!((kept[0], kept.len()), ((0, first), 2));
    drop(history);
    let (history, clock) = (History::open(dir.path(), 30 * DAY, clock.clone()).unwrap(), clock);
    assert_eq!(days(&history, 0, 48), kept);
    clock.set(hour(24 * 4_000));
    sum(&history);
    assert_eq!(days(&history, 0, 48), []);
}

#[test]
fn what_comes_late_corrects_its_day_also_when_a_crash_comes_between() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&hours(0, 20), Offset(1)).unwrap();
    clock.set(hour(72));
    assert_eq!(sum(&history), 1);
    history.append(&hours(20, 4), Offset(2)).unwrap();
    drop(history);
    let history = History::open(dir.path(), 30 * DAY, clock.clone()).unwrap();
    assert_eq!(sum(&history), 1, "it is still known that the day has to be summed up again");
    clock.set(hour(24 * 60));
    history.expire().unwrap();
    assert_eq!(days(&history, 0, 24)[0].1.count, 24);
    // What is too old to be taken in marks nothing and changes nothing.
    history.append(&hours(0, 24), Offset(3)).unwrap();
    assert_eq!((sum(&history), days(&history, 0, 24)[0].1.count), (0, 24));
}
