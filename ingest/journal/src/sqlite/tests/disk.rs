//! A disk that has no room, and one that fails: for real. The test binary runs itself on a small disk of its own, and below a
//! tracer that fails the system call.

use super::*;
use crate::AppendError;
use crate::sqlite::Full;
use std::process::Command;

/// Set for the child only: the folder it works in.
const CHILD: &str = "STEPPEWATCH_TEST_FOLDER_OF_THE_CHILD";

fn folder_of_the_child() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

/// Runs one test of this file as a child, below `around`. A machine that does not allow `around` skips, and says so.
fn run_child(name: &str, around: &[&str], folder: &Path) {
    let (tool, arguments) = around.split_first().unwrap();
    let mut probe = Command::new(tool);
    let allowed = probe.args(arguments).arg("true").env(CHILD, folder).output();
    match allowed {
        Ok(output) if output.status.success() => {}
        Ok(output) => return eprintln!("SKIPPED: {tool} is not allowed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => return eprintln!("SKIPPED: {tool} cannot be run ({error}); tests/install.sh installs it"),
    }
    let output = Command::new(tool)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sqlite::tests::disk::{name}"), "--nocapture"])
        .env(CHILD, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the child ran nothing: {said}");
}

/// Appends one by one until that fails; how many were acknowledged, and the failure.
async fn append_until_refused(journal: &SqliteJournal, from: u64) -> (u64, AppendError) {
    let mut number = from;
    loop {
        match journal.append(frame("cam-1", number + 1)).await {
            Ok(_) => number += 1,
            Err(error) => return (number, error),
        }
    }
}

#[test]
fn a_full_disk_stops_acknowledging_and_the_journal_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    // A disk of one mebibyte, seen by the child only and gone with it.
    let mount = format!("mount -t tmpfs -o size=1m tmpfs \"${CHILD}\" && exec \"$@\"");
    let around = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"];
    run_child("child_fills_its_disk", &around, dir.path());
}

/// Not a test by itself: does nothing unless it runs as the child of the one above.
#[tokio::test]
async fn child_fills_its_disk() {
    let Some(folder) = folder_of_the_child() else { return };
    let (path, ballast) = (folder.join("journal.db"), folder.join("ballast"));
    std::fs::write(&ballast, vec![7; 300 * 1024]).unwrap();
    let journal = open(&path);
    let (before, refusal) = append_until_refused(&journal, 0).await;
    assert!(before > 10, "{before}");
    assert_eq!(refusal, AppendError::NoSpace);
    assert_eq!(journal.append(frame("cam-1", before + 1)).await, Err(AppendError::NoSpace), "still");
    let stats = journal.stats();
    assert_eq!((stats.full, stats.broken, stats.head), (Some(Full::Disk), false, Offset(before)));
    check_counts_up(&entries(&journal).await, before);

    std::fs::remove_file(&ballast).unwrap();
    let (after, refusal) = append_until_refused(&journal, before).await;
    assert!(after > before, "{after}");
    assert_eq!((refusal, journal.stats().full), (AppendError::NoSpace, Some(Full::Disk)));
    drop(journal);

    // As after a kill on the full disk: what was acknowledged is there.
    let reader = SqliteJournal::open_read_only(&path).unwrap();
    assert_eq!(reader.verify().unwrap().entries, after);
    drop(reader);
    check_counts_up(&entries(&open(&path)).await, after);
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_any_more_although_the_next_sync_would_succeed() {
    let dir = tempfile::tempdir().unwrap();
    let inject = "inject=fsync,fdatasync:error=EIO:when=30";
    let around = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject];
    run_child("child_meets_a_failed_sync", &around, dir.path());
}

/// Not a test by itself: does nothing unless it runs as the child of the one above, whose thirtieth sync of a thread fails.
#[tokio::test]
async fn child_meets_a_failed_sync() {
    let Some(folder) = folder_of_the_child() else { return };
    let path = folder.join("journal.db");
    let journal = open(&path);
    let (acknowledged, failure) = append_until_refused(&journal, 0).await;
    assert!((10..60).contains(&acknowledged), "{acknowledged}");
    assert!(matches!(failure, AppendError::Broken(_)), "{failure}");
    for _ in 0..3 {
        assert!(matches!(journal.append(frame("cam-1", acknowledged + 1)).await, Err(AppendError::Broken(_))));
    }
    assert!(journal.stats().broken);
    assert_eq!(journal.stats().head, Offset(acknowledged));
    drop(journal);

    // What the restart finds: all that was acknowledged, and of what was not, at most the frame whose sync failed.
    let journal = open(&path);
    let there = entries(&journal).await;
    let count = there.len() as u64;
    assert!((acknowledged..=acknowledged + 1).contains(&count), "{count} after {acknowledged}");
    check_counts_up(&there, count);
    journal.verify().await.unwrap();
}
