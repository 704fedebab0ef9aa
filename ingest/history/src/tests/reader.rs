//! Looking beside a writer: all that was there, nothing of later, nothing changed.

use super::*;
use crate::HistoryError;
use std::collections::BTreeMap;

/// Every file with its bytes, but for what SQLite keeps about readers.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let names = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    names.filter(|(name, _)| !name.ends_with("-shm")).map(|(name, path)| (name, std::fs::read(path).unwrap())).collect()
}

fn seconds(reader: &HistoryReader, name: &str) -> Vec<i64> {
    let track = reader.track(&device(name), at(0), at(24 * HOUR_MS)).unwrap();
    track.iter().map(|point| (point.ts.as_millis() - MIDNIGHT_MS) / 1_000).collect()
}

#[test]
fn who_looks_sees_one_moment_whatever_is_written_and_sealed_meanwhile_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (history, clock) = open_at_noon(dir.path());
    // More than stay in memory, so that there are chunks; their numbers are given again once they are sealed.
    let walk = |name: &str, n: std::ops::Range<i64>| -> Vec<Reading> {
        n.map(|n| moved(name, n as u64, at(n * 1_000), 1.0)).collect()
    };
    for name in ["a", "b", "c"] {
        history.append(&walk(name, 0..43_200), Offset(43_200)).unwrap();
    }
    history.append(&walk("d", 0..10_000), Offset(43_200)).unwrap();
    let before = files(dir.path());
    let reader = HistoryReader::open(dir.path(), 30 * DAY, clock.clone()).unwrap();
    assert_eq!(seconds(&reader, "a"), (0..43_200).collect::<Vec<_>>());
    assert!(files(dir.path()) == before, "looking changes no file");

    clock.set(at(26 * HOUR_MS));
    while history.seal(1_000).unwrap().blocks > 0 {}
    history.append(&walk("e", 0..80_000), Offset(80_000)).unwrap();
    history.append(&walk("d", 10_000..80_000), Offset(80_000)).unwrap();
    assert_eq!(day_files(dir.path()), ["2026-11-22.sqlite"]);
    assert_eq!(seconds(&reader, "b"), (0..43_200).collect::<Vec<_>>());
    assert_eq!(seconds(&reader, "d"), (0..10_000).collect::<Vec<_>>());
    assert!(seconds(&reader, "e").is_empty());

    let later = HistoryReader::open(dir.path(), 30 * DAY, clock).unwrap();
    assert_eq!(seconds(&later, "d"), (0..80_000).collect::<Vec<_>>());
    let gap = Duration::from_secs(60);
    let line = later.track_simplified(&device("d"), (at(0), at(24 * HOUR_MS)), 2, gap).unwrap();
    let vertices = later.track_vertices(&device("d"), &line).unwrap();
    let speeds: Vec<_> = vertices.iter().flatten().map(|point| (point.ts, point.speed_mps)).collect();
    assert_eq!(speeds, [(at(0), Some(1.0)), (at(79_999_000), Some(1.0))]);
}

#[test]
fn who_looks_makes_no_store_and_brings_none_up() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent");
    let clock = Clock::manual(at(0));
    assert!(matches!(HistoryReader::open(&absent, DAY, clock.clone()), Err(HistoryError::Engine { .. })));
    assert!(!absent.exists());
    format_1::unpack_all(dir.path());
    let before = files(dir.path());
    assert!(matches!(HistoryReader::open(dir.path(), DAY, clock), Err(HistoryError::Older { .. })));
    assert!(files(dir.path()) == before);
}
