//! The test binary runs itself as the process that is killed.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// Set for the child only: the journal it writes.
const CHILD: &str = "STEPPEWATCH_TEST_JOURNAL_TO_WRITE_UNTIL_KILLED";

/// The child keeps so many appends unanswered, like a device does.
const WINDOW: u64 = 128;

/// Not a test by itself: does nothing unless it runs as the child of the one below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    // Packing all the time, so that some are killed in it.
    let journal = open_packing(Path::new(&path), 4_096);
    let mut number = journal.head().borrow().0;
    let mut unanswered = std::collections::VecDeque::new();
    loop {
        while (unanswered.len() as u64) < WINDOW {
            number += 1;
            unanswered.push_back(journal.append(frame("cam-1", number)));
        }
        let proof = unanswered.pop_front().unwrap().await.unwrap();
        // One write for each line: a kill can cut the last line short, but not mix two.
        std::io::stdout().write_all(format!("acknowledged {}\n", proof.offset().0).as_bytes()).unwrap();
    }
}

fn start_child(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::tests::crash::child_appends_until_it_is_killed", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it after `count` acknowledgements; the last one that it told.
fn kill_after(mut child: Child, count: usize) -> u64 {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut last = 0;
    let mut seen = 0;
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some(offset) = line.strip_suffix('\n').and_then(|whole| whole.strip_prefix("acknowledged ")) {
            let offset: u64 = offset.parse().unwrap();
            assert!(seen == 0 || offset == last + 1, "{offset} was acknowledged after {last}");
            last = offset;
            seen += 1;
            if seen == count {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(seen >= count, "the child ended by itself after {seen}");
    last
}

#[tokio::test]
async fn a_process_killed_in_a_group_commit_loses_nothing_acknowledged_and_invents_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    for count in [1, 500, 1_777, 3_000, 64] {
        let acknowledged = kill_after(start_child(&path), count);
        let journal = open(&path);
        let entries = entries(&journal).await;
        let there = entries.len() as u64;
        assert!(there >= acknowledged, "{acknowledged} were acknowledged, {there} are there");
        assert!(there <= acknowledged + WINDOW, "{there} are there, but {acknowledged} + {WINDOW} were sent at most");
        check_counts_up(&entries, there);
        journal.verify().await.unwrap();
    }
}
