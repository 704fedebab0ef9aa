use super::*;
use crate::JournalError;
use crate::sqlite::pack::{pack, unpack};
use rusqlite::Connection;
use std::path::PathBuf;

/// Few enough that a group is only some commits.
const GROUP: usize = 1_500;

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    (dir, path)
}

/// A hundred entries, a commit for each; all but the last few packed.
async fn packed(path: &Path) -> Arc<SqliteJournal> {
    let journal = open_packing(path, GROUP);
    for number in 1..=100 {
        append(&journal, number..=number).await;
    }
    packed_up_to(&journal, 60).await;
    journal
}

#[tokio::test]
async fn packed_batches_say_the_same_in_fewer_rows_and_bytes() {
    let ((_dir, path), (_other_dir, other_path)) = (place(), place());
    let journal = packed(&path).await;
    let loose = open_packing(&other_path, usize::MAX);
    for number in 1..=100 {
        append(&loose, number..=number).await;
    }
    let (few, many) = (journal.stats(), loose.stats());
    assert_eq!(many.batches, 100);
    assert!(few.batches < 60 && few.bytes < many.bytes / 2, "{few:?} against {many:?}");
    assert_eq!(few.chain_tip, many.chain_tip, "the chain is the same");
    drop((journal, loose));
    let journal = open(&path);
    check_counts_up(&entries(&journal).await, 100);
    assert_eq!(journal.verify().await.unwrap().entries, 100);
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    for after in [0, 1, 33, 59, 99] {
        assert_eq!(
            reader.read(Offset(after), 1).unwrap()[0],
            Entry { offset: Offset(after + 1), frame: frame("cam-1", after + 1) }
        );
    }
}

#[tokio::test]
async fn a_walk_along_the_chain_goes_on_across_what_was_packed_meanwhile() {
    let (_dir, path) = place();
    let loose = open_packing(&path, usize::MAX);
    for number in 1..=100 {
        append(&loose, number..=number).await;
    }
    drop(loose);
    let mut reader = SqliteJournal::open_read_only(&path).unwrap();
    for stop_after in [1, 2, 17, 50] {
        reader.walk_batches = stop_after;
        let mut walk = crate::sqlite::chain::Walk::default();
        assert_eq!(reader.step(&mut walk, &crate::sqlite::chain::from_the_beginning).unwrap(), None);
        let journal = open_packing(&path, GROUP);
        let head = journal.stats().head.0 + 100;
        append(&journal, head - 99..=head).await;
        packed_up_to(&journal, 60).await;
        let verified = reader.finish_walk(walk, &crate::sqlite::chain::from_the_beginning).unwrap();
        assert_eq!((verified.from, verified.entries), (Offset(1), head));
    }
}

/// The first packed row, and what it holds.
fn first_packed(path: &Path) -> (i64, Vec<u8>) {
    let select =
        "SELECT first, entries FROM batch WHERE hex(substr(entries, 1, 4)) = '28B52FFD' ORDER BY first LIMIT 1";
    Connection::open(path).unwrap().query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

fn put_back(path: &Path, first: i64, blob: &[u8]) {
    Connection::open(path).unwrap().execute("UPDATE batch SET entries = ?1 WHERE first = ?2", (blob, first)).unwrap();
}

#[tokio::test]
async fn an_edited_entry_in_a_packed_batch_is_named() {
    let (_dir, path) = place();
    drop(packed(&path).await);
    let (first, blob) = first_packed(&path);
    let (mut raw, whole) = unpack(&blob);
    assert!(whole);
    let victim = u64::try_from(first).unwrap() + 3;
    let said = format!("cam-1 says {victim}");
    let at = raw.windows(said.len()).position(|window| window == said.as_bytes()).unwrap();
    raw[at] = b'd';
    put_back(&path, first, &pack(&raw).unwrap());
    let verified = SqliteJournal::open_read_only(&path).unwrap().verify();
    assert!(matches!(verified, Err(JournalError::ChainBroken { offset }) if offset == victim), "{verified:?}");
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_packed_batch_is_found_within_that_batch() {
    let (_dir, path) = place();
    drop(packed(&path).await);
    let (first, blob) = first_packed(&path);
    let mut found = 0;
    for at in 0..blob.len() {
        let mut torn = blob.clone();
        torn[at] ^= 0x20;
        put_back(&path, first, &torn);
        let reader = SqliteJournal::open_read_only(&path).unwrap();
        match reader.verify() {
            Err(JournalError::ChainBroken { offset }) => {
                assert!((first.unsigned_abs()..=100).contains(&offset), "{offset}");
                found += 1;
            }
            // A bit of the frame's head that means nothing: what it unpacks to is what was said.
            Ok(verified) => assert_eq!(verified.entries, 100),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(found > blob.len() * 9 / 10, "{found} of {}", blob.len());
}

#[tokio::test]
async fn a_packed_batch_that_was_cut_is_named_by_the_first_entry_that_is_missing() {
    let (_dir, path) = place();
    drop(packed(&path).await);
    let (first, blob) = first_packed(&path);
    put_back(&path, first, &blob[..blob.len() / 2]);
    let verified = SqliteJournal::open_read_only(&path).unwrap().verify();
    assert!(
        matches!(verified, Err(JournalError::ChainBroken { offset }) if offset >= first.unsigned_abs()),
        "{verified:?}"
    );
}

#[tokio::test]
async fn pictures_stay_as_they_are_and_what_lies_between_them_is_packed() {
    let (_dir, path) = place();
    let journal = open_packing(&path, GROUP);
    let mut noise = blake3::Hasher::new().finalize_xof();
    for number in 1..=60 {
        let mut frame = frame("cam-1", number);
        if number % 20 == 0 {
            let mut picture = vec![0; 4_000];
            noise.fill(&mut picture);
            frame.payload = picture.into();
        }
        journal.append(frame).await.unwrap();
    }
    packed_up_to(&journal, 60).await;
    let stats = journal.stats();
    assert!((6..20).contains(&stats.batches), "{stats:?}");
    assert!(stats.bytes > 3 * 4_000, "{stats:?}");
    assert_eq!(journal.verify().await.unwrap().entries, 60);
}

#[tokio::test]
async fn packed_batches_are_trimmed_like_any_other_and_the_counts_stay_true() {
    let (_dir, path) = place();
    let journal = packed(&path).await;
    journal.set_cursor("detect", Offset(50)).await.unwrap();
    let freed = journal.trim(Offset(50)).await.unwrap();
    assert!((1..=50).contains(&freed.entries), "{freed:?}");
    let stats = journal.stats();
    assert_eq!(stats.oldest, Offset(freed.entries + 1));
    drop(journal);
    let (batches, bytes): (i64, i64) = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*), sum(bytes) FROM batch", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((batches.unsigned_abs(), bytes.unsigned_abs()), (stats.batches, stats.bytes));
    assert_eq!(open(&path).verify().await.unwrap().entries, 100 - freed.entries);
}

#[tokio::test]
async fn packing_goes_on_after_a_restart_where_it_was() {
    let (_dir, path) = place();
    drop(packed(&path).await);
    let journal = open_packing(&path, GROUP);
    let before = *journal.shared.packed.borrow();
    assert!(before >= Offset(60), "{before:?}");
    for number in 101..=200 {
        append(&journal, number..=number).await;
    }
    packed_up_to(&journal, 160).await;
    check_counts_up(&SqliteJournal::open_read_only(&path).unwrap().read(Offset(0), 500).unwrap(), 200);
}

#[test]
fn a_blob_that_would_unpack_without_end_is_not_believed() {
    let endless = zstd::bulk::compress(&vec![0; 65 * 1024 * 1024], 1).unwrap();
    let (raw, whole) = unpack(&endless);
    assert!(!whole && raw.len() <= 64 * 1024 * 1024 + 1, "{}", raw.len());
}
