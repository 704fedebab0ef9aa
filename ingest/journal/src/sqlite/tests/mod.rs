//! The engine under test: what every engine promises, and what only a file can suffer.

mod crash;
mod disk;
mod engine;
mod full;
mod line;
mod measure;
mod packing;
mod sealed;
mod torn;
mod versions;

use super::line::Limits;
use super::{SqliteJournal, SqliteOptions};
use crate::Journal;
use crate::conformance::{frame, read_all};
use futures_util::future::try_join_all;
use model::{Entry, Offset};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

fn open(path: &Path) -> Arc<SqliteJournal> {
    SqliteJournal::open(path, SqliteOptions::default()).unwrap()
}

/// The same, packing as soon as there are so many bytes.
fn open_packing(path: &Path, group_bytes: usize) -> Arc<SqliteJournal> {
    let limits = Limits { group_bytes, ..Limits::STANDARD };
    SqliteJournal::open_with(path, SqliteOptions::default(), limits).unwrap()
}

/// Waits until everything up to `offset` was packed, or left as it is.
async fn packed_up_to(journal: &SqliteJournal, offset: u64) {
    journal.shared.packed.subscribe().wait_for(|packed| packed.0 >= offset).await.unwrap();
}

/// Appends these numbers of `cam-1`, one commit for each call, and waits for all.
async fn append(journal: &SqliteJournal, numbers: RangeInclusive<u64>) {
    let appends: Vec<_> = numbers.map(|number| journal.append(frame("cam-1", number))).collect();
    try_join_all(appends).await.unwrap();
}

async fn entries(journal: &SqliteJournal) -> Vec<Entry> {
    read_all(journal, Offset(0)).await.unwrap()
}

/// The entries are number 1 to `count` of `cam-1` at offset 1 to `count`, and nothing else.
#[track_caller]
fn check_counts_up(entries: &[Entry], count: u64) {
    let expected: Vec<Entry> =
        (1..=count).map(|number| Entry { offset: Offset(number), frame: frame("cam-1", number) }).collect();
    assert_eq!(entries, expected);
}
