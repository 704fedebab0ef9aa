use super::*;
use crate::JournalError;
use crate::sqlite::OpenError;
use rusqlite::Connection;
use std::path::PathBuf;

/// Ten commits of ten entries each, as a machine that lost power at that moment would leave them: the file, and the log
/// that was not yet folded back into it. `acknowledged` is the log's length after each commit.
struct Left {
    _dir: tempfile::TempDir,
    path: PathBuf,
    acknowledged: Vec<u64>,
}

fn wal(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

async fn power_cut() -> Left {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.db");
    let path = dir.path().join("left.db");
    let journal = open(&live);
    let mut acknowledged = Vec::new();
    for commit in 0..10_u64 {
        // Ten frames queued at once may be committed as more than one batch; the last answer means all are on disk.
        append(&journal, commit * 10 + 1..=commit * 10 + 10).await;
        acknowledged.push(std::fs::metadata(wal(&live)).unwrap().len());
    }
    std::fs::copy(&live, &path).unwrap();
    std::fs::copy(wal(&live), wal(&path)).unwrap();
    Left { _dir: dir, path, acknowledged }
}

/// The file after an orderly end, with all entries in it and no log.
async fn closed() -> Left {
    let left = power_cut().await;
    drop(open(&left.path));
    assert_eq!(std::fs::metadata(wal(&left.path)).map_or(0, |log| log.len()), 0, "the log was folded back");
    left
}

fn edit(path: &Path, sql: &str) {
    assert!(Connection::open(path).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn a_log_cut_anywhere_gives_everything_acknowledged_before_the_cut_and_nothing_else() {
    let left = power_cut().await;
    let whole = std::fs::read(wal(&left.path)).unwrap();
    let file = std::fs::read(&left.path).unwrap();
    for cut in (0..=whole.len()).step_by(whole.len() / 40) {
        let torn = left.path.with_file_name(format!("torn-{cut}.db"));
        std::fs::write(&torn, &file).unwrap();
        std::fs::write(wal(&torn), &whole[..cut]).unwrap();
        let promised = left.acknowledged.iter().filter(|end| **end <= cut as u64).count() as u64 * 10;
        let journal = open(&torn);
        let entries = entries(&journal).await;
        let count = entries.len() as u64;
        assert!(count >= promised, "cut at {cut}: {count} of {promised}");
        check_counts_up(&entries, count);
        journal.verify().await.unwrap();
        assert_eq!(journal.append(frame("cam-1", count + 1)).await.unwrap().offset(), Offset(count + 1));
    }
}

#[tokio::test]
async fn a_doubled_tail_of_the_log_is_not_taken_for_new_entries() {
    let left = power_cut().await;
    let mut log = std::fs::read(wal(&left.path)).unwrap();
    let last_commit = left.acknowledged[8] as usize;
    log.extend_from_within(last_commit..);
    std::fs::write(wal(&left.path), log).unwrap();
    check_counts_up(&entries(&open(&left.path)).await, 100);
}

#[tokio::test]
async fn a_flipped_byte_in_the_log_ends_it_before_that_commit() {
    let left = power_cut().await;
    let mut log = std::fs::read(wal(&left.path)).unwrap();
    let inside_the_sixth = (left.acknowledged[4] + 100) as usize;
    log[inside_the_sixth] ^= 0x10;
    std::fs::write(wal(&left.path), log).unwrap();
    let entries = entries(&open(&left.path)).await;
    assert!(entries.len() >= 50);
    check_counts_up(&entries, entries.len() as u64);
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_the_file_is_found_or_harmless() {
    let left = closed().await;
    let whole = std::fs::read(&left.path).unwrap();
    let torn = left.path.with_file_name("torn.db");
    let mut found = 0;
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x04;
        for leftover in [wal(&torn), torn.with_extension("db-shm")] {
            std::fs::remove_file(leftover).ok();
        }
        std::fs::write(&torn, bytes).unwrap();
        match SqliteJournal::open(&torn, SqliteOptions::default()) {
            Ok(journal) => match read_all(&*journal, Offset(0)).await {
                // Unused space, or a number that is only used for trimming.
                Ok(entries) => check_counts_up(&entries, 100),
                Err(_) => found += 1,
            },
            Err(_) => found += 1,
        }
    }
    // Most of so small a file is unused space.
    assert!(found > 40, "{found} of 200");
}

#[tokio::test]
async fn a_changed_payload_is_named_by_its_offset() {
    let left = closed().await;
    let connection = Connection::open(&left.path).unwrap();
    let (first, blob): (u64, Vec<u8>) = connection
        .query_row("SELECT first, entries FROM batch WHERE first <= 47 ORDER BY first DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
        })
        .unwrap();
    let said = b"cam-1 says 47";
    let at = blob.windows(said.len()).position(|window| window == said).unwrap();
    let mut forged = blob;
    forged[at + said.len() - 1] = b'8';
    connection.execute("UPDATE batch SET entries = ?1 WHERE first = ?2", (forged, first.cast_signed())).unwrap();
    drop(connection);
    let reader = SqliteJournal::open_read_only(&left.path).unwrap();
    assert!(matches!(reader.verify(), Err(JournalError::ChainBroken { offset: 47 })));
    assert!(matches!(reader.read(Offset(46), 1), Err(JournalError::ChainBroken { offset: 47 })));
    let error = SqliteJournal::open(&left.path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::ChainBroken { offset: 47, .. }), "{error}");
}

#[tokio::test]
async fn a_batch_taken_out_moved_or_added_breaks_the_chain() {
    for forgery in [
        "DELETE FROM batch WHERE first = (SELECT max(first) FROM batch)",
        "DELETE FROM batch WHERE first = (SELECT min(first) FROM batch)",
        "DELETE FROM batch WHERE first = (SELECT first FROM batch ORDER BY first LIMIT 1 OFFSET 3)",
        "INSERT INTO batch SELECT first + count, count, bytes, received_first, received_last, link_before, link_after, \
         entries FROM batch ORDER BY first DESC LIMIT 1",
        "UPDATE batch SET link_before = zeroblob(32) WHERE first = (SELECT max(first) FROM batch)",
        "UPDATE batch SET count = count + 1 WHERE first = (SELECT min(first) FROM batch)",
        "UPDATE ledger SET head = head - 1",
        "UPDATE ledger SET head_link = zeroblob(32)",
        "UPDATE ledger SET trimmed = 1",
        "UPDATE meta SET value = 'layout 2, tenant other' WHERE name = 'begun'",
    ] {
        let left = closed().await;
        edit(&left.path, forgery);
        let reader = SqliteJournal::open_read_only(&left.path).unwrap();
        let verified = reader.verify();
        assert!(matches!(verified, Err(JournalError::ChainBroken { .. })), "{forgery}: {verified:?}");
    }
}

#[tokio::test]
async fn a_broken_end_stops_the_journal_from_opening_and_says_where() {
    let left = closed().await;
    edit(&left.path, "DELETE FROM batch WHERE first = (SELECT max(first) FROM batch)");
    let error = SqliteJournal::open(&left.path, SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::ChainBroken { .. }), "{error}");
    assert!(error.to_string().contains("restore a copy"), "{error}");
}

#[tokio::test]
async fn a_lost_log_leaves_a_whole_but_shorter_journal_and_whoever_read_further_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.db");
    append(&open(&live), 1..=50).await;
    let journal = open(&live);
    append(&journal, 51..=80).await;
    let left = dir.path().join("left.db");
    std::fs::copy(&live, &left).unwrap();
    assert!(std::fs::metadata(wal(&live)).unwrap().len() > 0, "there is a log to be lost");

    let shorter = open(&left);
    check_counts_up(&entries(&shorter).await, 50);
    assert_eq!(shorter.verify().await.unwrap().entries, 50);
    let told = shorter.set_cursor("detect", Offset(80)).await.unwrap_err().to_string();
    assert!(told.contains("the journal lost its end"), "{told}");
    assert_eq!(shorter.append(frame("cam-1", 51)).await.unwrap().offset(), Offset(51));
}

#[tokio::test]
async fn a_file_cut_anywhere_is_refused_or_found_and_never_read_as_whole() {
    let left = closed().await;
    let whole = std::fs::read(&left.path).unwrap();
    for cut in (1..20).map(|part| whole.len() * part / 20) {
        let torn = left.path.with_file_name(format!("cut-{cut}.db"));
        std::fs::write(&torn, &whole[..cut]).unwrap();
        let read = SqliteJournal::open_read_only(&torn).map(|reader| reader.verify());
        assert!(!matches!(read, Ok(Ok(_))), "cut at {cut} of {}: {read:?}", whole.len());
    }
}
