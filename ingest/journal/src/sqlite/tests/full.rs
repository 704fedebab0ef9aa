use super::*;
use crate::AppendError;
use crate::sqlite::Full;
use model::{ReceivedAt, Timestamp};
use std::time::Duration;

fn bounded(path: &Path, max_bytes: u64) -> Arc<SqliteJournal> {
    let options = SqliteOptions { max_bytes, consumers: vec!["detect", "history"], ..SqliteOptions::default() };
    SqliteJournal::open(path, options).unwrap()
}

/// Appends one by one until it is full; how many went in.
async fn fill(journal: &SqliteJournal) -> u64 {
    let mut number = 0;
    loop {
        match journal.append(frame("cam-1", number + 1)).await {
            Ok(_) => number += 1,
            Err(error) => {
                assert_eq!(error, AppendError::Full { limit_bytes: 20_000 });
                return number;
            }
        }
    }
}

#[tokio::test]
async fn a_full_journal_stops_acknowledging_loses_nothing_and_goes_on_after_trimming() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = bounded(&path, 20_000);
    let count = fill(&journal).await;
    assert!(count > 20, "{count}");
    check_counts_up(&entries(&journal).await, count);
    assert_eq!(journal.stats().refused_full_total, 1);
    assert!(journal.stats().bytes <= 20_000);
    assert_eq!(journal.stats().full, Some(Full::Bound));

    // One of the two consumers has still to read everything.
    journal.set_cursor("detect", Offset(count)).await.unwrap();
    assert!(matches!(journal.append(frame("cam-1", count + 1)).await, Err(AppendError::Full { .. })));

    assert_eq!(journal.stats().full, Some(Full::Bound), "still");

    journal.set_cursor("history", Offset(10)).await.unwrap();
    journal.append(frame("cam-1", count + 1)).await.unwrap();
    assert_eq!(journal.stats().full, None);
    let oldest = journal.stats().oldest.0;
    assert!((2..=11).contains(&oldest), "{oldest}");
    assert_eq!(entries(&journal).await.len() as u64, count + 1 - (oldest - 1));
    journal.verify().await.unwrap();
    drop(journal);
    let journal = bounded(&path, 20_000);
    assert_eq!(journal.stats().oldest.0, oldest);
    assert_eq!(journal.verify().await.unwrap().to, Offset(count + 1));
}

#[tokio::test]
async fn a_frame_that_does_not_fit_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = bounded(&dir.path().join("journal.db"), 20_000);
    let mut large = frame("cam-1", 1);
    large.payload = vec![7; 30_000].into();
    let (before, refused, after) =
        (journal.append(frame("cam-1", 1)), journal.append(large), journal.append(frame("cam-1", 2)));
    before.await.unwrap();
    assert_eq!(refused.await, Err(AppendError::Full { limit_bytes: 20_000 }));
    after.await.unwrap();
    assert_eq!(journal.stats().full, None, "others are taken");
    check_counts_up(&entries(&journal).await, 2);
}

#[tokio::test]
async fn trimming_frees_whole_batches_below_the_lowest_cursor_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = bounded(&path, 1_000_000);
    for number in 1..=10 {
        append(&journal, number..=number).await;
    }
    assert_eq!(journal.trim(Offset(100)).await.unwrap().entries, 0, "nobody has read anything");
    journal.set_cursor("detect", Offset(8)).await.unwrap();
    assert_eq!(journal.trim(Offset(100)).await.unwrap().entries, 0, "history has not");
    journal.set_cursor("history", Offset(4)).await.unwrap();
    assert_eq!(journal.trim(Offset(3)).await.unwrap().entries, 2, "asked to keep 3");
    assert_eq!(journal.trim(Offset(100)).await.unwrap().entries, 2, "history has still to read 5");
    assert_eq!(journal.read(Offset(0), 100).await.unwrap()[0].offset, Offset(5));
    drop(journal);
    let journal = bounded(&path, 1_000_000);
    assert_eq!(journal.read(Offset(0), 100).await.unwrap()[0].offset, Offset(5));
    assert_eq!(journal.verify().await.unwrap().entries, 6);
}

#[tokio::test]
async fn offsets_go_on_after_everything_was_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = bounded(&path, 1_000_000);
    append(&journal, 1..=5).await;
    journal.set_cursor("detect", Offset(5)).await.unwrap();
    journal.set_cursor("history", Offset(5)).await.unwrap();
    journal.trim(Offset(100)).await.unwrap();
    let stats = journal.stats();
    assert_eq!((stats.entries, stats.batches, stats.bytes, stats.oldest), (0, 0, 0, Offset(0)));
    drop(journal);
    let journal = bounded(&path, 1_000_000);
    assert_eq!(journal.append(frame("cam-1", 6)).await.unwrap().offset(), Offset(6));
    assert_eq!(journal.verify().await.unwrap().entries, 1);
}

#[tokio::test]
async fn what_is_older_than_the_retention_goes_once_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        SqliteOptions { retention: Duration::from_secs(60), consumers: vec!["detect"], ..SqliteOptions::default() };
    let journal = SqliteJournal::open(&dir.path().join("journal.db"), options).unwrap();
    for second in [0, 30, 70, 100, 101] {
        let mut frame = frame("cam-1", 1);
        frame.received_at = ReceivedAt(Timestamp::from_millis(second * 1_000));
        journal.append(frame).await.unwrap();
    }
    assert_eq!(journal.stats().oldest, Offset(1), "not read yet");
    journal.set_cursor("detect", Offset(5)).await.unwrap();
    journal.append(frame("cam-1", 1)).await.unwrap();
    assert_eq!(journal.stats().oldest, Offset(3), "0 s and 30 s are more than 60 s before 101 s");
}

#[tokio::test]
async fn a_consumer_that_is_gone_for_good_can_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(&dir.path().join("journal.db"), SqliteOptions::default()).unwrap();
    append(&journal, 1..=3).await;
    journal.set_cursor("old-sink", Offset(0)).await.unwrap();
    journal.set_cursor("detect", Offset(3)).await.unwrap();
    assert_eq!(journal.trim(Offset(9)).await.unwrap().entries, 0);
    journal.forget_cursor("old-sink").await.unwrap();
    assert_eq!(journal.trim(Offset(9)).await.unwrap().entries, 3);
    assert_eq!(journal.cursors(), [("detect".to_owned(), Offset(3))].into());
}

#[tokio::test]
async fn a_consumer_that_is_expected_and_never_came_is_wholly_behind() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { consumers: vec!["detect", "history"], ..SqliteOptions::default() };
    let journal = SqliteJournal::open(&dir.path().join("journal.db"), options).unwrap();
    append(&journal, 1..=3).await;
    journal.set_cursor("history", Offset(2)).await.unwrap();
    assert_eq!(journal.cursors(), [("detect".to_owned(), Offset(0)), ("history".to_owned(), Offset(2))].into());
}
