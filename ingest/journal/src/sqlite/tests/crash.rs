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

/// Enough to hit every part of a commit and of packing; more by the environment, for a night.
const ROUNDS: u64 = 100;
const ROUNDS_KEY: &str = "STEPPEWATCH_SOAK_KILLS";

/// After how many acknowledgements to kill: anything from the first on, the same in every run. When exactly it hits is chance.
fn life(round: u64) -> usize {
    let [low, high, ..] = *blake3::hash(&round.to_le_bytes()).as_bytes();
    1 + usize::from(u16::from_le_bytes([low, high])) % 600
}

#[tokio::test]
async fn a_process_killed_a_hundred_times_loses_nothing_acknowledged_and_invents_nothing() {
    let rounds = std::env::var(ROUNDS_KEY).map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut checked = 0;
    for round in 0..rounds {
        let acknowledged = kill_after(start_child(&path), life(round));
        let journal = open(&path);
        let fresh = read_all(&*journal, Offset(checked)).await.unwrap();
        let there = checked + fresh.len() as u64;
        assert!(there >= acknowledged, "round {round}: {acknowledged} were acknowledged, {there} are there");
        assert!(
            there <= acknowledged + WINDOW,
            "round {round}: {there} are there, {acknowledged} + {WINDOW} were sent"
        );
        let expected =
            (checked + 1..=there).map(|number| Entry { offset: Offset(number), frame: frame("cam-1", number) });
        assert_eq!(fresh, expected.collect::<Vec<_>>(), "round {round}");
        checked = there;
    }
    let journal = open(&path);
    assert_eq!(journal.verify().await.unwrap().entries, checked);
    check_counts_up(&entries(&journal).await, checked);
    let packed = journal.shared.packed.borrow().0;
    // How much is chance; without any, no kill could have hit it.
    assert!(packed > 0, "it never packed in its short lives");
}
