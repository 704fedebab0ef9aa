//! The store against a list in memory, under any order of appends, repetitions, seals, crashes and reopenings.

use super::*;
use crate::seal;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    /// Rows at these places (device, tenth of a day, speed).
    Append(Vec<(u8, i64, u16)>),
    /// The batch before once more.
    Repeat,
    Seal,
    /// Blocks are written but the tail is not told.
    CrashInSeal,
    Reopen,
    /// Hours that pass.
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let row = (0..2_u8, -20..20_i64, any::<u16>());
    prop_oneof![
        4 => prop::collection::vec(row, 1..30).prop_map(Step::Append),
        1 => Just(Step::Repeat),
        2 => Just(Step::Seal),
        1 => Just(Step::CrashInSeal),
        1 => Just(Step::Reopen),
        2 => (1..30_i64).prop_map(Step::Pass),
    ]
}

/// The store, and what it should hold.
struct Played {
    dir: tempfile::TempDir,
    history: History,
    clock: Clock,
    next_offset: u64,
    batch: Vec<Reading>,
    /// Device and time, the offset that counts, and its speed.
    model: BTreeMap<(u8, i64), f64>,
}

impl Played {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (history, clock) = open_at_noon(dir.path());
        Self { dir, history, clock, next_offset: 1, batch: Vec::new(), model: BTreeMap::new() }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Append(rows) => {
                self.batch.clear();
                for (name, tenth, speed) in rows {
                    let (ms, speed) = (tenth * 24 * HOUR_MS / 10, f64::from(speed) / 16.0);
                    self.batch.push(moved(&format!("d{name}"), self.next_offset, at(ms), speed));
                    self.model.insert((name, ms), speed);
                    self.next_offset += 1;
                }
                self.append();
            }
            Step::Repeat => self.append(),
            Step::Seal => drop(self.history.seal(3).unwrap()),
            Step::CrashInSeal => {
                let store = self.history.store();
                for (day, taken) in seal::take(&store.tail, self.clock.now(), 3).unwrap() {
                    seal::write(&store.partitions, day, &taken).unwrap();
                }
                self.reopen();
            }
            Step::Reopen => self.reopen(),
            Step::Pass(hours) => self.clock.set(self.clock.now().plus(Duration::from_secs(3_600) * hours as u32)),
        }
    }

    fn append(&self) {
        self.history.append(&self.batch, Offset(self.next_offset - 1)).unwrap();
    }

    fn reopen(&mut self) {
        self.history = History::open(self.dir.path(), 3_650 * DAY, self.clock.clone()).unwrap();
    }

    #[track_caller]
    fn check(&self) {
        assert_eq!(self.history.cursor(), Offset(self.next_offset - 1));
        for name in 0..2_u8 {
            let expected = self.model.iter().filter(|((one, _), _)| *one == name).map(|((_, ms), speed)| (*ms, *speed));
            assert_eq!(speeds(&self.history, &format!("d{name}")), expected.collect::<Vec<_>>());
        }
    }
}

proptest! {
    // Each case works on real files with real syncs.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn whatever_happens_the_store_answers_like_a_plain_list(steps in prop::collection::vec(step(), 1..12)) {
        let mut played = Played::new();
        played.reopen();
        for step in steps {
            played.play(step);
            played.check();
        }
    }
}
