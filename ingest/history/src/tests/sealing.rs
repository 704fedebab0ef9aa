//! Sealing and retention: every step may be the last one before a crash.

use super::*;
use crate::block::FULL_ROWS;
use crate::seal::{self, Sealed};

/// More blocks than any of these tests has.
const ENOUGH: usize = 100;

/// A second apart from midnight on.
fn walk(name: &str, offsets: std::ops::RangeInclusive<u64>) -> Vec<Reading> {
    offsets.map(|offset| moved(name, offset, at(offset as i64 * 1_000), offset as f64)).collect()
}

fn walked(offsets: std::ops::RangeInclusive<u64>) -> Vec<(i64, f64)> {
    offsets.map(|offset| (offset as i64 * 1_000, offset as f64)).collect()
}

#[test]
fn a_full_part_is_sealed_at_once_and_a_small_one_only_after_its_day() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let full = FULL_ROWS as u64;
    history.append(&walk("full", 1..=full), Offset(full)).unwrap();
    history.append(&walk("small", 1..=10), Offset(full)).unwrap();
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed { blocks: 1, rows: FULL_ROWS });
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed::default());
    history.append(&walk("full", full + 1..=full + 88), Offset(full + 88)).unwrap();
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed::default());
    clock.set(at(26 * HOUR_MS));
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed { blocks: 2, rows: 98 });
    assert_eq!(speeds(&history, "full"), walked(1..=full + 88));
    assert_eq!(speeds(&history, "small"), walked(1..=10));
    assert_eq!(day_files(dir.path()), ["2026-11-22.sqlite"]);
}

#[test]
fn a_small_budget_spreads_the_work_over_ticks_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let names = ["a", "b", "c"];
    for name in names {
        history.append(&walk(name, 1..=20), Offset(20)).unwrap();
    }
    clock.set(at(26 * HOUR_MS));
    let ticks: Vec<usize> = (0..4).map(|_| history.seal(1).unwrap().blocks).collect();
    assert_eq!(ticks, [1, 1, 1, 0]);
    assert!(names.iter().all(|name| speeds(&history, name) == walked(1..=20)));
}

#[test]
fn a_crash_after_any_step_of_sealing_loses_and_doubles_nothing() {
    for steps in 0..=2 {
        let dir = tempfile::tempdir().unwrap();
        let (history, clock) = open_at_noon(dir.path());
        history.append(&walk("d", 1..=5_000), Offset(5_000)).unwrap();
        clock.set(at(26 * HOUR_MS));
        let store = history.store();
        for (day, taken) in seal::take(&store.tail, clock.now(), ENOUGH).unwrap() {
            if steps >= 1 {
                seal::write(&store.partitions, day, &taken).unwrap();
            }
            if steps >= 2 {
                store.tail.forget(&taken, clock.now()).unwrap();
            }
        }
        drop(history);

        let (history, clock) = open_at_noon(dir.path());
        assert_eq!(speeds(&history, "d"), walked(1..=5_000), "after step {steps}");
        for hour in [50, 53] {
            clock.set(at(hour * HOUR_MS));
            history.seal(ENOUGH).unwrap();
        }
        assert_eq!(speeds(&history, "d"), walked(1..=5_000), "after step {steps}, sealed");
        assert_eq!(block_rows(dir.path()), [2_500, 2_500], "after step {steps}: a repeated block is not kept twice");
    }
}

/// The sizes of the blocks in the day's file.
fn block_rows(dir: &Path) -> Vec<i64> {
    let file = rusqlite::Connection::open(dir.join("2026-11-22.sqlite")).unwrap();
    let mut select = file.prepare("SELECT row_count FROM block ORDER BY sequence").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_row_that_was_replaced_while_its_old_form_was_being_sealed_stays_and_wins() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&walk("d", 1..=3), Offset(3)).unwrap();
    clock.set(at(26 * HOUR_MS));
    let store = history.store();
    for (day, taken) in seal::take(&store.tail, clock.now(), ENOUGH).unwrap() {
        seal::write(&store.partitions, day, &taken).unwrap();
        history.append(&[moved("d", 2, at(2_000), 99.0), moved("d", 4, at(500), 4.0)], Offset(4)).unwrap();
        store.tail.forget(&taken, clock.now()).unwrap();
    }
    let expected = [(500, 4.0), (1_000, 1.0), (2_000, 99.0), (3_000, 3.0)];
    assert_eq!(speeds(&history, "d"), expected);
    clock.set(at(50 * HOUR_MS));
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed { blocks: 1, rows: 2 });
    assert_eq!(speeds(&history, "d"), expected);
}

#[test]
fn late_and_repeated_points_come_out_right_over_sealed_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&walk("d", 10..=30), Offset(30)).unwrap();
    clock.set(at(26 * HOUR_MS));
    assert_eq!(history.seal(ENOUGH).unwrap().blocks, 1);
    let late = [moved("d", 31, at(10_500), 31.0), moved("d", 32, at(11_000), 32.0), moved("d", 9, at(12_000), 9.0)];
    history.append(&late, Offset(32)).unwrap();
    history.append(&walk("d", 20..=25), Offset(32)).unwrap();
    let mut expected = walked(10..=30);
    expected[1] = (11_000, 32.0);
    expected.insert(1, (10_500, 31.0));
    assert_eq!(speeds(&history, "d"), expected, "while in the tail");
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed::default(), "late rows settle first");
    clock.set(at(29 * HOUR_MS));
    assert_eq!(history.seal(ENOUGH).unwrap().rows, 9);
    assert_eq!(speeds(&history, "d"), expected, "when sealed");
}

#[test]
fn a_track_across_midnight_is_read_from_two_files_and_the_tail() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let around = [moved("d", 1, at(-1), 1.0), moved("d", 2, at(0), 2.0)];
    history.append(&around, Offset(2)).unwrap();
    clock.set(at(26 * HOUR_MS));
    history.seal(ENOUGH).unwrap();
    history.append(&[moved("d", 3, at(24 * HOUR_MS), 3.0)], Offset(3)).unwrap();
    assert_eq!(day_files(dir.path()), ["2026-11-21.sqlite", "2026-11-22.sqlite"]);
    assert_eq!(speeds(&history, "d"), [(-1, 1.0), (0, 2.0), (24 * HOUR_MS, 3.0)]);
    assert_eq!(history.track(&device("d"), at(-1), at(0)).unwrap().len(), 1);
}

#[test]
fn retention_unlinks_whole_days_and_takes_in_nothing_older() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&[moved("d", 1, at(-24 * HOUR_MS), 1.0), moved("d", 2, at(0), 2.0)], Offset(2)).unwrap();
    clock.set(at(26 * HOUR_MS));
    history.seal(ENOUGH).unwrap();
    history.append(&[moved("d", 3, at(-1), 3.0)], Offset(3)).unwrap();
    assert_eq!(history.expire().unwrap(), 0);
    clock.set(at(30 * 24 * HOUR_MS));
    assert_eq!(speeds(&history, "d"), [(0, 2.0)], "what has expired is not shown, even before its file is gone");
    assert_eq!(history.expire().unwrap(), 1);
    assert_eq!(day_files(dir.path()), ["2026-11-22.sqlite"]);
    history.append(&[moved("d", 4, at(-1), 4.0)], Offset(4)).unwrap();
    clock.set(at(31 * 24 * HOUR_MS - 1));
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed::default(), "nothing of an expired day was left to seal");
    assert_eq!((speeds(&history, "d"), history.cursor()), (vec![(0, 2.0)], Offset(4)));
    assert_eq!(history.last_positions().unwrap().len(), 1);
}

#[test]
fn asking_about_a_day_without_a_file_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    assert_eq!(speeds(&history, "nobody"), []);
    assert_eq!(day_files(dir.path()), Vec::<String>::new());
}

#[test]
fn a_damaged_block_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    history.append(&walk("d", 1..=20), Offset(20)).unwrap();
    clock.set(at(26 * HOUR_MS));
    history.seal(ENOUGH).unwrap();
    let file = rusqlite::Connection::open(dir.path().join("2026-11-22.sqlite")).unwrap();
    file.execute("UPDATE block SET body = substr(body, 1, 40)", []).unwrap();
    let error = history.track(&device("d"), at(0), at(HOUR_MS)).unwrap_err();
    assert!(error.to_string().contains("2026-11-22.sqlite"), "{error}");
}

#[test]
fn readers_that_race_with_sealing_never_miss_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _) = open_at_noon(dir.path());
    let full = FULL_ROWS as u64;
    history.append(&walk("d", 1..=full), Offset(full)).unwrap();
    let reader = std::thread::spawn({
        let history = history.clone();
        move || {
            (0..40).all(|_| {
                let count = speeds(&history, "d").len() as u64;
                count >= full && count.is_multiple_of(full)
            })
        }
    });
    for round in 1..4 {
        assert_eq!(history.seal(1).unwrap().blocks, 1);
        history.append(&walk("d", round * full + 1..=(round + 1) * full), Offset((round + 1) * full)).unwrap();
    }
    assert!(reader.join().unwrap());
    assert_eq!(speeds(&history, "d"), walked(1..=4 * full));
}

/// Rows of many devices, so many that the log begins anew.
fn fleet(devices: u64, rows_each: u64) -> Vec<Reading> {
    let each = |offset: u64| {
        let (number, device) = (offset / devices, offset % devices);
        moved(&format!("m{device}"), offset + 1, at(number as i64 * 1_000), number as f64)
    };
    (0..devices * rows_each).map(each).collect()
}

#[test]
fn rows_in_chunks_in_the_log_and_in_blocks_are_one_track_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let all = fleet(100, 1_500);
    let expected: Vec<(i64, f64)> = (0..1_500).map(|number| (number * 1_000, number as f64)).collect();
    for (round, batch) in all.chunks(50_000).enumerate() {
        history.append(batch, Offset((round as u64 + 1) * 50_000)).unwrap();
    }
    let whole = |history: &History| {
        [0, 42, 99].iter().for_each(|device| assert_eq!(speeds(history, &format!("m{device}")), expected, "{device}"));
        let last = history.last_positions().unwrap();
        assert_eq!((last.len(), last[7].1.ts), (100, at(1_499_000)));
    };
    whole(&history);
    // Said again: in a chunk and in the log.
    history.append(&all[..10_000], Offset(150_000)).unwrap();
    whole(&history);
    drop(history);
    let (history, _) = open_at_noon(dir.path());
    assert_eq!(history.cursor(), Offset(150_000));
    whole(&history);
    clock.set(at(26 * HOUR_MS));
    let (history, clock) = (History::open(dir.path(), 30 * DAY, clock.clone()).unwrap(), clock);
    // What had been waiting when the program ended is still waiting.
    let mut sealed = 0;
    for budget in [30, 30, 30, 30] {
        sealed += history.seal(budget).unwrap().rows;
        whole(&history);
    }
    assert_eq!(sealed, 150_000);
    drop(history);
    let history = History::open(dir.path(), 30 * DAY, clock).unwrap();
    whole(&history);
    assert_eq!(history.seal(ENOUGH).unwrap(), Sealed::default(), "what is in blocks does not come back");
}

#[test]
fn a_tail_of_which_little_is_left_gives_its_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    let bytes = || std::fs::metadata(dir.path().join("tail.sqlite")).unwrap().len();
    let all = fleet(100, 5_000);
    for (round, batch) in all.chunks(50_000).enumerate() {
        history.append(batch, Offset((round as u64 + 1) * 50_000)).unwrap();
    }
    let before = bytes();
    assert!(before > 16_000_000, "{before}");
    clock.set(at(26 * HOUR_MS));
    while history.seal(ENOUGH).unwrap().blocks > 0 {}
    assert!(bytes() < before / 4, "{} of {before}", bytes());
    assert_eq!(speeds(&history, "m5").len(), 5_000);
}
