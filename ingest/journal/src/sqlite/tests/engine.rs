use super::*;
use crate::sqlite::OpenError;
use crate::sqlite::cache::Cache;
use crate::{AppendError, JournalError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_every_promise_of_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    crate::conformance::every_promise(&|| open(&path)).await.unwrap();
    open(&path).verify().await.unwrap();
}

#[tokio::test]
async fn reopening_goes_on_with_the_same_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    for round in 0..3_u64 {
        let journal = open(&path);
        append(&journal, round * 10 + 1..=round * 10 + 10).await;
    }
    let journal = open(&path);
    check_counts_up(&entries(&journal).await, 30);
    let verified = journal.verify().await.unwrap();
    assert_eq!((verified.from, verified.to, verified.entries), (Offset(1), Offset(30), 30));
    assert_eq!(verified.chain_tip, journal.stats().chain_tip);
}

#[tokio::test]
async fn a_second_writer_is_refused_with_the_path_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    let error = SqliteJournal::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(error.to_string().contains("stop that one"), "{error}");
    assert!(SqliteJournal::is_in_use(&path));
    drop(journal);
    // A process that another test is starting holds a copy of the lock for a moment.
    let free = async {
        while SqliteJournal::is_in_use(&path) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), free).await.unwrap();
    open(&path);
}

#[tokio::test]
async fn a_reader_follows_a_journal_that_is_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    append(&journal, 1..=5).await;
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    check_counts_up(&reader.read(Offset(0), 100).unwrap(), 5);
    append(&journal, 6..=9).await;
    journal.set_cursor("detect", Offset(3)).await.unwrap();
    check_counts_up(&reader.read(Offset(0), 100).unwrap(), 9);
    assert_eq!(reader.head().unwrap(), Offset(9));
    assert_eq!(reader.cursors().unwrap(), [("detect".to_owned(), Offset(3))].into());
    assert_eq!(reader.verify().unwrap().entries, 9);
    assert_eq!(reader.verify_end().unwrap().to, Offset(9));
    let held = reader.held().unwrap();
    assert_eq!((held.head, held.entries, held.bytes), (Offset(9), 9, journal.stats().bytes));
    assert_eq!(held.newest_received.unwrap().as_millis(), 9);
    drop(journal);
    check_counts_up(&SqliteJournal::open_read_only(&path).unwrap().read(Offset(0), 100).unwrap(), 9);
}

#[test]
fn a_file_that_is_not_a_journal_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE sheep (id)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteJournal::open(&path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(
        &path,
        "a letter to the herdsmen, long enough to be read as a database header, one hundred bytes or so",
    )
    .unwrap();
    assert!(matches!(SqliteJournal::open(&path, SqliteOptions::default()), Err(OpenError::Engine { .. })));
}

#[test]
fn a_missing_folder_is_named() {
    let path = Path::new("/nonexistent/journal.db");
    let error = SqliteJournal::open(path, SqliteOptions::default()).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/journal.db"), "{error}");
}

#[tokio::test]
async fn a_closed_journal_finishes_what_waits_and_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    let waiting: Vec<_> = (1..=50).map(|number| journal.append(frame("cam-1", number))).collect();
    journal.close();
    assert_eq!(journal.append(frame("cam-1", 51)).await, Err(AppendError::Closed));
    try_join_all(waiting).await.unwrap();
    check_counts_up(&entries(&journal).await, 50);
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_acknowledged_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    append(&journal, 1..=3).await;
    // Another hand takes the table away: the next commit cannot be written.
    rusqlite::Connection::open(&path).unwrap().execute_batch("ALTER TABLE batch RENAME TO gone").unwrap();
    let second = journal.append(frame("cam-1", 4));
    assert!(matches!(second.await, Err(AppendError::Broken(_))));
    rusqlite::Connection::open(&path).unwrap().execute_batch("ALTER TABLE gone RENAME TO batch").unwrap();
    assert!(matches!(journal.append(frame("cam-1", 5)).await, Err(AppendError::Broken(_))));
    assert!(matches!(journal.set_cursor("detect", Offset(1)).await, Err(JournalError::Engine(_))));
    assert!(journal.stats().broken);
    check_counts_up(&entries(&journal).await, 3);
    drop(journal);
    check_counts_up(&entries(&open(&path)).await, 3);
}

#[tokio::test]
async fn frames_that_wait_share_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(&dir.path().join("journal.db"));
    append(&journal, 1..=2_000).await;
    let stats = journal.stats();
    assert_eq!(
        (stats.head, stats.oldest, stats.entries, stats.appended_total),
        (Offset(2_000), Offset(1), 2_000, 2_000)
    );
    assert_eq!(stats.batches, stats.commits_total);
    assert!(stats.commits_total < 2_000, "{stats:?}");
    assert_eq!((stats.waiting_frames, stats.waiting_bytes, stats.broken), (0, 0, false));
}

#[tokio::test]
async fn a_consumer_far_behind_reads_the_file_and_one_that_keeps_up_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    append(&journal, 1..=10).await;
    drop(journal);
    let journal = open(&path);
    append(&journal, 11..=20).await;
    assert!(journal.shared.cache().read(Offset(5), 100).is_none());
    assert_eq!(journal.shared.cache().read(Offset(10), 100).unwrap().len(), 10);
    check_counts_up(&entries(&journal).await, 20);
    assert_eq!(journal.read(Offset(12), 3).await.unwrap().len(), 3);
}

#[tokio::test]
async fn one_answer_is_bounded_whatever_limit_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path);
    for number in 1..=4 {
        let mut picture = frame("cam-1", number);
        picture.payload = vec![7; 4 * 1024 * 1024].into();
        journal.append(picture).await.unwrap();
    }
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    assert_eq!(reader.read(Offset(0), 1_000).unwrap().len(), 2);
    assert_eq!(entries(&journal).await.len(), 4);
}

#[test]
fn the_memory_of_the_newest_entries_is_bounded_and_keeps_the_newest() {
    let mut cache = Cache::bounded(100);
    for offset in 1..=10 {
        cache.push(vec![Entry { offset: Offset(offset), frame: frame("cam-1", offset) }], 30);
    }
    let held = |after| cache.read(Offset(after), 100).map(|entries| entries.len());
    assert_eq!((held(6), held(7), held(9), held(10)), (None, Some(3), Some(1), None));
}
