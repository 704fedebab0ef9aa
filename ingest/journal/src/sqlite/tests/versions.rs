//! Files of every layout that was ever released, kept beside this one: each is read for ever.

use super::*;
use crate::sqlite::OpenError;
use bytes::Bytes;
use model::{Channel, DeviceId, Frame, ReceivedAt, Timestamp};
use std::path::PathBuf;

/// Twenty frames of `cam-1` and one tick, written by the first version; `detect` has dealt with 7, `history` with all.
const V1: &[u8] = include_bytes!("v1.journal");

fn placed(file: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    std::fs::write(&path, file).unwrap();
    (dir, path)
}

fn tick() -> Frame {
    Frame {
        device: DeviceId::platform(),
        speaker: DeviceId::platform(),
        channel: Channel::Clock,
        payload: Bytes::new(),
        received_at: ReceivedAt(Timestamp::from_millis(21)),
    }
}

#[track_caller]
fn check_v1(entries: &[Entry]) {
    check_counts_up(&entries[..20], 20);
    assert_eq!(entries[20..], [Entry { offset: Offset(21), frame: tick() }]);
}

#[tokio::test]
async fn a_journal_of_the_first_layout_is_read_and_goes_on() {
    let (_dir, path) = placed(V1);
    let journal = open(&path);
    check_v1(&entries(&journal).await);
    assert_eq!(journal.cursors(), [("detect".to_owned(), Offset(7)), ("history".to_owned(), Offset(21))].into());
    assert_eq!(journal.append(frame("cam-1", 22)).await.unwrap().offset(), Offset(22));
    drop(journal);
    let journal = open(&path);
    assert_eq!(journal.verify().await.unwrap().entries, 22);
    check_v1(&entries(&journal).await[..21]);
}

#[test]
fn a_journal_of_a_later_layout_is_refused_with_a_sentence_that_says_so_and_left_alone() {
    let (_dir, path) = placed(V1);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in [
        SqliteJournal::open(&path, SqliteOptions::default()).unwrap_err(),
        SqliteJournal::open_read_only(&path).unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::Later { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("has layout 99, which a later version of this program wrote"), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
