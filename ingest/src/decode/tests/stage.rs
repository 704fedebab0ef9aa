//! The decode stage over a real journal.

use super::{RECEIVED_MS, entry, native_channel};
use crate::decode::stage::{BATCH_ENTRIES, StageError, StageMetrics, run};
use journal::Journal;
use journal::dead_letters::DeadLetters;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Channel, DeviceId, Frame, Offset, ReadingKind, Readings, Transport};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Stage {
    journal: Arc<SqliteJournal>,
    dead_letters: DeadLetters,
    registry: prometheus::Registry,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

type Running = (mpsc::Receiver<Arc<Readings>>, tokio::task::JoinHandle<Result<(), StageError>>);

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            journal: SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap(),
            dead_letters: DeadLetters::open(&folder.path().join("dead.db")).unwrap(),
            registry: prometheus::Registry::new(),
            stop: CancellationToken::new(),
            _folder: folder,
        }
    }

    async fn append(&self, frames: impl IntoIterator<Item = Frame>) {
        let appends: Vec<_> = frames.into_iter().map(|frame| self.journal.append(frame)).collect();
        for append in appends {
            append.await.unwrap();
        }
    }

    /// With a queue of one, so that a batch is not made before the one before it was taken.
    fn run_from(&self, from: u64) -> Running {
        let (readings_tx, readings) = mpsc::channel(1);
        let metrics = StageMetrics::register(&self.registry).unwrap();
        let (journal, letters) = (self.journal.clone(), self.dead_letters.clone());
        (readings, tokio::spawn(run(journal, Offset(from), letters, readings_tx, metrics, self.stop.clone())))
    }

    /// The offsets that became readings, of everything that is in the journal after `from`.
    async fn read_from(&self, from: u64) -> Vec<u64> {
        let head = *self.journal.head().borrow();
        let (mut readings, running) = self.run_from(from);
        let mut offsets = Vec::new();
        loop {
            let decoded = readings.recv().await.unwrap();
            offsets.extend(decoded.readings.iter().map(|reading| reading.offset.0));
            if decoded.up_to == head {
                break;
            }
        }
        running.abort();
        offsets
    }

    fn repeats(&self) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "steppewatch_repeats_total").unwrap();
        family.get_metric()[0].get_counter().get_value() as u64
    }

    fn counted(&self, name: &str, label: &str) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let metric = family.get_metric().iter().find(|metric| metric.get_label()[0].value() == label);
        metric.map_or(0, |metric| metric.get_counter().get_value() as u64)
    }
}

fn heartbeat(seq: u64) -> Frame {
    let payload = format!(r#"{{"ts":{RECEIVED_MS},"seq":{seq}}}"#);
    entry(native_channel(ReadingKind::Heartbeat), payload.as_bytes()).frame
}

fn broken() -> Frame {
    entry(native_channel(ReadingKind::Track), b"{").frame
}

#[tokio::test]
async fn readings_come_in_the_journals_order_and_rejects_are_on_disk_before_their_batch() {
    let stage = Stage::new();
    let topic = entry(Channel::Other { topic: Arc::from("thing/product/x/events") }, b"{}").frame;
    stage.append([heartbeat(1), broken(), heartbeat(3), topic, heartbeat(5)]).await;
    let (mut readings, running) = stage.run_from(0);
    let decoded = readings.recv().await.unwrap();
    assert_eq!(decoded.up_to, Offset(5));
    let seqs: Vec<_> = decoded.readings.iter().map(|reading| (reading.offset.0, reading.seq)).collect();
    assert_eq!(seqs, [(1, Some(1)), (3, Some(3)), (5, Some(5))]);
    let letters = stage.dead_letters.list(None, 10).unwrap();
    let letters: Vec<_> = letters.iter().map(|row| (row.offset.0, &*row.channel, &*row.reason)).collect();
    assert_eq!(letters, [(4, "thing/product/x/events", "unknown_message"), (2, "track", "malformed")]);
    assert_eq!(stage.counted("steppewatch_decoded_total", "heartbeat"), 3);
    assert_eq!(stage.counted("steppewatch_rejects_total", "malformed"), 1);
    stage.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_message_of_the_future_is_a_dead_letter_and_a_sign_of_life_with_its_time() {
    let stage = Stage::new();
    let ahead_ms = RECEIVED_MS + 400_000;
    let payload = format!(r#"{{"ts":{ahead_ms},"lat":43.3,"lon":117.5}}"#);
    stage.append([entry(native_channel(ReadingKind::Track), payload.as_bytes()).frame]).await;
    let (mut readings, running) = stage.run_from(0);
    let decoded = readings.recv().await.unwrap();
    let [alive] = &decoded.readings[..] else { panic!("{decoded:?}") };
    assert_eq!(alive.body, model::Body::Heartbeat(model::Heartbeat::default()), "nothing else of it is used");
    assert_eq!(alive.device_time.unwrap().0.as_millis(), ahead_ms);
    assert_eq!(&*stage.dead_letters.list(None, 10).unwrap()[0].reason, "future_time");
    running.abort();
}

#[tokio::test]
async fn a_batch_of_nothing_but_rejects_still_tells_how_far_it_reaches() {
    let stage = Stage::new();
    stage.append([broken(), broken()]).await;
    let (mut readings, _running) = stage.run_from(0);
    assert_eq!(*readings.recv().await.unwrap(), Readings { readings: Vec::new(), up_to: Offset(2) });
    stage.stop.cancel();
}

#[tokio::test]
async fn batches_follow_one_another_without_gap_and_new_entries_wake_the_stage() {
    let stage = Stage::new();
    let count = u64::try_from(BATCH_ENTRIES).unwrap() * 2 + 1;
    stage.append((1..=count).map(heartbeat)).await;
    let (mut readings, _running) = stage.run_from(0);
    let mut seen = 0;
    while seen < count {
        let decoded = readings.recv().await.unwrap();
        assert!(decoded.readings.len() <= BATCH_ENTRIES);
        assert_eq!(decoded.readings.first().unwrap().offset.0, seen + 1);
        assert_eq!(decoded.readings.last().unwrap().offset, decoded.up_to);
        seen = decoded.up_to.0;
    }
    stage.append([heartbeat(count + 1)]).await;
    assert_eq!(readings.recv().await.unwrap().readings[0].seq, Some(count + 1));
    stage.stop.cancel();
}

#[tokio::test]
async fn it_goes_on_after_the_cursor_it_is_given() {
    let stage = Stage::new();
    stage.append((1..=3).map(heartbeat)).await;
    let (mut readings, _running) = stage.run_from(2);
    assert_eq!(readings.recv().await.unwrap().readings[0].offset, Offset(3));
    stage.stop.cancel();
}

#[tokio::test]
async fn it_ends_when_it_is_stopped_although_its_queue_is_full() {
    let stage = Stage::new();
    stage.append((1..=3).map(heartbeat)).await;
    let (readings, running) = stage.run_from(0);
    stage.stop.cancel();
    running.await.unwrap().unwrap();
    drop(readings);
}

#[tokio::test]
async fn it_ends_when_nobody_receives_any_more() {
    let stage = Stage::new();
    stage.append([heartbeat(1)]).await;
    let (readings, running) = stage.run_from(0);
    drop(readings);
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_a_device_says_again_because_it_was_not_acknowledged_is_one_reading_and_no_dead_letter() {
    let stage = Stage::new();
    stage.append([heartbeat(1), heartbeat(2), heartbeat(1), heartbeat(3), heartbeat(2)]).await;
    assert_eq!(stage.read_from(0).await, [1, 2, 4]);
    assert_eq!(stage.repeats(), 2);
    assert_eq!(stage.dead_letters.count().unwrap(), 0);
    assert_eq!(stage.journal.read(Offset(0), 10).await.unwrap().len(), 5, "it stays in the journal");
}

#[tokio::test]
async fn a_repetition_is_known_as_one_wherever_the_stage_begins() {
    let again = (1..=400).chain(1..=400).map(heartbeat);
    let whole = Stage::new();
    whole.append(again.clone()).await;
    assert_eq!(whole.read_from(0).await, (1..=400).collect::<Vec<_>>());
    for start in [1, 399, 400, 401, 650, 799] {
        let restarted = Stage::new();
        restarted.append(again.clone()).await;
        assert_eq!(restarted.read_from(start).await, (start + 1..=400).collect::<Vec<_>>(), "from {start}");
    }
}

#[tokio::test]
async fn the_same_bytes_from_another_device_or_of_another_picture_are_news() {
    let stage = Stage::new();
    let jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];
    let picture = |id: &str| {
        let channel = Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(id) };
        entry(channel, &jpeg).frame
    };
    let of = |device: &str, frame: Frame| {
        let device = DeviceId::parse(device).unwrap();
        Frame { device: device.clone(), speaker: device, ..frame }
    };
    let said = [
        picture("p-1"),
        picture("p-2"),
        picture("p-1"),
        of("dev-2", picture("p-1")),
        heartbeat(1),
        of("dev-2", heartbeat(1)),
    ];
    stage.append(said).await;
    assert_eq!(stage.read_from(0).await, [1, 2, 4, 5, 6]);
    assert_eq!(stage.repeats(), 1, "only the picture that came twice under one name");
}

#[tokio::test]
async fn a_station_that_measures_the_same_again_and_a_clock_that_ticks_are_news_each_time() {
    let stage = Stage::new();
    let soil = Channel::Modbus { model: Arc::from("renke-soil") };
    let polled = || Frame { transport: Transport::Modbus, ..entry(soil.clone(), &[0, 200, 0, 100]).frame };
    let tick = || Frame { transport: Transport::Platform, ..entry(Channel::Clock, b"").frame };
    stage.append([polled(), polled(), tick(), tick()]).await;
    let readings = stage.read_from(0).await;
    assert!(readings.ends_with(&[3, 4]), "{readings:?}");
    assert_eq!(readings.len() as u64 + stage.dead_letters.count().unwrap(), 4);
    assert_eq!(stage.repeats(), 0);
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_dead_letter_each_time() {
    let stage = Stage::new();
    stage.append([broken(), broken()]).await;
    assert_eq!(stage.read_from(0).await, [0_u64; 0]);
    assert_eq!((stage.dead_letters.count().unwrap(), stage.repeats()), (2, 0));
}
