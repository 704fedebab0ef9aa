//! Files of every layout that was ever released, kept beside this one: each is read for ever.

use super::*;
use crate::sqlite::OpenError;
use bytes::Bytes;
use model::{Channel, DeviceId, Frame, ReceivedAt, TenantId, Timestamp, Transport};
use std::path::PathBuf;

/// Twenty frames of `cam-1` and one tick, written by the first version; `detect` has dealt with 7, `history` with all.
const V1: &[u8] = include_bytes!("v1.journal");

/// Forty frames of `cam-1` for `hexigten`, the first of them packed; `detect` has dealt with 7.
const V2: &[u8] = include_bytes!("v2.journal");

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
        transport: Transport::Platform,
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
    assert_eq!(journal.verify().await.unwrap().entries, 21);
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

#[test]
fn a_journal_of_the_first_layout_is_verified_without_being_changed() {
    let (_dir, path) = placed(V1);
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    assert_eq!(reader.verify().unwrap().entries, 21);
    check_v1(&reader.read(Offset(0), 100).unwrap());
    assert_eq!(reader.tenant().unwrap(), None);
    drop(reader);
    assert_eq!(std::fs::read(&path).unwrap(), V1);
}

#[test]
fn a_reader_goes_on_while_another_process_renews_the_layout() {
    let (_dir, path) = placed(V1);
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    assert_eq!(reader.verify().unwrap().entries, 21);
    let _writer = open_for("hexigten", &path).unwrap();
    assert_eq!(reader.verify().unwrap().entries, 21);
    assert_eq!(reader.tenant().unwrap().as_deref(), Some("hexigten"));
}

fn open_for(tenant: &str, path: &Path) -> Result<Arc<SqliteJournal>, OpenError> {
    let tenant = Some(TenantId::parse(tenant).unwrap());
    SqliteJournal::open(path, SqliteOptions { tenant, ..SqliteOptions::default() })
}

#[tokio::test]
async fn a_journal_belongs_to_one_tenant_and_another_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open_for("hexigten", &path).unwrap();
    append(&journal, 1..=3).await;
    drop(journal);
    let error = open_for("abag", &path).unwrap_err();
    assert!(matches!(error, OpenError::OtherTenant { .. }), "{error}");
    assert!(error.to_string().contains("belongs to tenant `hexigten`, but `tenant` is `abag`"), "{error}");
    assert_eq!(open_for("hexigten", &path).unwrap().verify().await.unwrap().entries, 3);
}

#[tokio::test]
async fn a_journal_that_is_relabelled_for_another_tenant_no_longer_fits_its_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    append(&open_for("hexigten", &path).unwrap(), 1..=3).await;
    for forgery in [
        "UPDATE meta SET value = 'abag' WHERE name = 'tenant'",
        "UPDATE meta SET value = 'layout 2, tenant abag' WHERE name = 'begun'",
    ] {
        assert_eq!(rusqlite::Connection::open(&path).unwrap().execute(forgery, []).unwrap(), 1);
        let verified = SqliteJournal::open_read_only(&path).unwrap().verify();
        assert!(matches!(verified, Err(crate::JournalError::ChainBroken { offset: 1 })), "{forgery}: {verified:?}");
    }
}

#[tokio::test]
async fn a_journal_of_the_second_layout_is_read_and_goes_on() {
    let (_dir, path) = placed(V2);
    let journal = open_for("hexigten", &path).unwrap();
    assert!(journal.stats().batches < 40, "some of it is packed");
    check_counts_up(&entries(&journal).await, 40);
    assert_eq!(journal.cursors(), [("detect".to_owned(), Offset(7))].into());
    append(&journal, 41..=41).await;
    assert_eq!(journal.verify().await.unwrap().entries, 41);
}
