//! What the service manager hears of us by `$NOTIFY_SOCKET`: that we are ready, that we move, that we stop.
//!
//! In:  the journal's head, [`Pulse`]s of detection.   Out: `READY=1`, `WATCHDOG=1`, `STATUS=`, `STOPPING=1`; nothing where nobody listens.
//!
//! "We move" is said only after looking: the journal has taken an entry (the second hand writes one a second) or is full and answers,
//! and detection has judged one or has nothing left to judge. A full journal is no reason to be restarted: a restart makes no room.
//!
//! Never: ends the process itself. Whoever started it decides that.

use crate::stores::Stores;
use alerts::States;
use anyhow::Result;
use journal::sqlite::SqliteJournal;
use journal::{Journal, JournalError};
use model::Offset;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// So many looks within the manager's patience: one may come late without harm.
const LOOKS_WITHIN_PATIENCE: u32 = 3;

/// What a person reads at `systemctl status` while all is well.
const MOVES: &str = "takes in and judges";

/// How often detection has finished a step.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// One more step was finished.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The listeners are bound and all stages run.
pub fn ready() {
    say(&[NotifyState::Ready, NotifyState::Status(MOVES)]);
}

/// Says that we move for as long as we do, as often as the manager wants it; and that we stop.
pub async fn run(stores: Stores, detection: Pulse, stop: CancellationToken) -> Result<()> {
    match sd_notify::watchdog_enabled() {
        Some(patience) => {
            let mut looks = tokio::time::interval(patience / LOOKS_WITHIN_PATIENCE);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut watch = Watch::new(stores.journal.clone(), stores.states.clone(), detection);
            while stop.run_until_cancelled(looks.tick()).await.is_some() {
                // Nobody waits for an answer that does not come: then nothing is said, which is the message.
                match stop.run_until_cancelled(watch.look()).await {
                    Some(seen) => tell(seen),
                    None => break,
                }
            }
        }
        None => stop.cancelled().await,
    }
    say(&[NotifyState::Stopping, NotifyState::Status("stops: what was taken in is on disk")]);
    Ok(())
}

fn tell(seen: Result<Option<Stands>>) {
    let what = match seen {
        Ok(None) => return say(&[NotifyState::Watchdog, NotifyState::Status(MOVES)]),
        Ok(Some(stands)) => stands.sentence().to_owned(),
        Err(error) => format!("whether anything moves cannot be seen: {error:#}"),
    };
    tracing::error!("{what}; the service manager is not told that we move");
    say(&[NotifyState::Status(&what)]);
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        // It will ask for us in its own way, by ending us.
        tracing::warn!(%error, "the service manager cannot be told how we are");
    }
}

/// What stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Journal,
    Detection,
}

impl Stands {
    fn sentence(self) -> &'static str {
        match self {
            Self::Journal => "the journal took nothing, not even the second hand, since the last look",
            Self::Detection => "detection judged nothing since the last look although entries wait",
        }
    }
}

/// What was seen at the last look.
struct Watch {
    journal: Arc<SqliteJournal>,
    states: States,
    detection: Pulse,
    head: Offset,
    beats: u64,
}

impl Watch {
    fn new(journal: Arc<SqliteJournal>, states: States, detection: Pulse) -> Self {
        // Before the first look anything counts as movement: a start has time until the second.
        Self { journal, states, detection, head: Offset(u64::MAX), beats: u64::MAX }
    }

    /// What stands still since the last look, if anything.
    async fn look(&mut self) -> Result<Option<Stands>> {
        let (head, beats) = (*self.journal.head().borrow(), self.detection.count());
        let (taken, judged) = (head != self.head, beats != self.beats);
        (self.head, self.beats) = (head, beats);
        let states = self.states.clone();
        let kept = tokio::task::spawn_blocking(move || states.offset()).await??.unwrap_or_default();
        if !taken && !self.is_full_and_answers(kept).await? {
            return Ok(Some(Stands::Journal));
        }
        Ok((!judged && kept < head).then_some(Stands::Detection))
    }

    /// A full journal takes no entry, but its writer still answers a consumer that says again how far it is.
    async fn is_full_and_answers(&self, kept: Offset) -> Result<bool> {
        if self.journal.stats().full.is_none() {
            return Ok(false);
        }
        match self.journal.set_cursor("detect", kept).await {
            Ok(()) | Err(JournalError::NoSpace) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alerts::Store;
    use journal::alert_log::AlertLog;
    use journal::sqlite::SqliteOptions;
    use model::{Channel, DeviceId, Frame, ReceivedAt, TenantId, Timestamp, Transport};

    struct House {
        _folder: tempfile::TempDir,
        journal: Arc<SqliteJournal>,
        states: States,
        pulse: Pulse,
        watch: Watch,
    }

    fn house(max_bytes: u64) -> House {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions { max_bytes, consumers: vec!["detect", "history"], ..SqliteOptions::default() };
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), options).unwrap();
        let alerts = folder.path().join("alerts.db");
        let tenant = TenantId::parse("hexigten").unwrap();
        let alerts = Store::open(&alerts, AlertLog::open(&alerts).unwrap(), tenant).unwrap();
        let states = States::open(&folder.path().join("detection.db"), &alerts).unwrap();
        let pulse = Pulse::default();
        let watch = Watch::new(journal.clone(), states.clone(), pulse.clone());
        House { _folder: folder, journal, states, pulse, watch }
    }

    impl House {
        async fn tick(&self, bytes: usize) -> bool {
            let platform = DeviceId::platform();
            let frame = Frame {
                device: platform.clone(),
                speaker: platform,
                channel: Channel::Clock,
                transport: Transport::Platform,
                payload: vec![0; bytes].into(),
                received_at: ReceivedAt(Timestamp::from_millis(1)),
            };
            self.journal.append(frame).await.is_ok()
        }

        async fn look(&mut self) -> Option<Stands> {
            self.watch.look().await.unwrap()
        }
    }

    #[tokio::test]
    async fn it_moves_while_the_journal_takes_and_detection_judges() {
        let mut house = house(1 << 20);
        assert_eq!(house.look().await, None, "a start has time");
        for _ in 0..3 {
            assert!(house.tick(0).await);
            house.pulse.beat();
            assert_eq!(house.look().await, None);
        }
    }

    #[tokio::test]
    async fn a_journal_that_takes_nothing_stands_and_so_does_detection_that_leaves_entries() {
        let mut house = house(1 << 20);
        assert!(house.tick(0).await);
        assert_eq!(house.look().await, None);
        house.pulse.beat();
        assert_eq!(house.look().await, Some(Stands::Journal));
        assert!(house.tick(0).await);
        assert_eq!(house.look().await, Some(Stands::Detection));
        // It has nothing left: that is no standing still.
        let head = *house.journal.head().borrow();
        house.states.keep(head.next(), b"state").unwrap();
        assert!(house.tick(0).await);
        assert_eq!(house.look().await, None);
    }

    #[tokio::test]
    async fn a_full_journal_is_no_reason_for_a_restart_while_its_writer_answers() {
        let mut house = house(64 << 10);
        while house.tick(8 << 10).await {}
        assert!(house.journal.stats().full.is_some(), "nobody read it, so it keeps all");
        let head = *house.journal.head().borrow();
        house.states.keep(head, b"state").unwrap();
        assert_eq!(house.look().await, None);
        assert_eq!(house.look().await, None);
    }
}
