//! The stage over a real journal, with models that say what the test wants.

use super::*;
use crate::decode::{Decoder, Said};
use bytes::Bytes;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{
    BoundingBox, DeviceKind, Entry, Frame, Gimbal, Place, Pose, ReadingKind, ReceivedAt, Species, Timestamp, Track,
    Transport,
};
use registry::{NewDevice, Registry};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;

const NOW_MS: i64 = 1_795_313_700_000;

fn terms() -> Terms {
    let look = Arc::new(Look { threshold: 0.5, region: None, masks: Vec::new() });
    Terms { look, interval: Duration::ZERO, steepest_deg: 45.0, fit: true }
}

fn sheep(y: f64) -> Detection {
    Detection { species: Species::Sheep, confidence: 0.8, bounding_box: BoundingBox { x: 0.4, y, w: 0.1, h: 0.1 } }
}

/// What the model of these tests sees: three sheep and a person in a picture that ends in `s`, a fault in one that ends in `x`, and its end in `p`.
fn see(jpeg: &[u8]) -> Result<Vec<Detection>, Unseen> {
    match jpeg.last() {
        Some(b's') => {
            Ok(vec![sheep(0.2), sheep(0.8), sheep(0.3), Detection { species: Species::Person, ..sheep(0.5) }])
        }
        Some(b'p') => panic!("a decoder's fault"),
        Some(b'x') => Err(Unseen::NotDecodable("torn".into())),
        _ => Ok(Vec::new()),
    }
}

struct Site {
    journal: Arc<SqliteJournal>,
    registry: Registry,
    metrics: VisionMetrics,
    looked: Arc<AtomicUsize>,
    measures: bool,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(NOW_MS));
        let registry = Registry::open(&folder.path().join("registry.db"), clock).unwrap();
        for (id, kind) in [("cam-1", DeviceKind::Camera), ("d-1", DeviceKind::Drone)] {
            registry.add_device(NewDevice::new(DeviceId::parse(id).unwrap(), kind), "li").unwrap();
        }
        let journal = SqliteJournal::open(&folder.path().join("journal.db"), SqliteOptions::default()).unwrap();
        let metrics = VisionMetrics::register(&prometheus::Registry::new()).unwrap();
        Self { journal, registry, metrics, looked: Arc::default(), measures: false, _folder: folder }
    }

    async fn say(&self, device: &str, channel: Channel, payload: &str) -> Offset {
        let device = DeviceId::parse(device).unwrap();
        let frame = Frame {
            speaker: device.clone(),
            device,
            channel,
            transport: Transport::Mqtt,
            payload: Bytes::from(payload.to_owned()),
            received_at: ReceivedAt(Timestamp::from_millis(NOW_MS)),
        };
        self.journal.append(frame).await.unwrap().offset()
    }

    async fn picture(&self, device: &str, id: &str, content: &str) -> Offset {
        let channel = Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(id) };
        let device = DeviceId::parse(device).unwrap();
        let frame = Frame {
            speaker: device.clone(),
            device,
            channel,
            transport: Transport::Mqtt,
            payload: [&[0xFF, 0xD8, 0xFF], content.as_bytes()].concat().into(),
            received_at: ReceivedAt(Timestamp::from_millis(NOW_MS)),
        };
        self.journal.append(frame).await.unwrap().offset()
    }

    async fn entries(&self) -> Vec<Entry> {
        self.journal.read(Offset(0), 1_000).await.unwrap()
    }

    async fn answers(&self) -> Vec<Entry> {
        let is_answer = |entry: &Entry| matches!(&entry.frame.channel, Channel::Foreign { format, .. } if **format == *formats::VISION);
        self.entries().await.into_iter().filter(is_answer).collect()
    }

    /// Everything that the journal holds now, read and looked at, to the end.
    async fn look(&self) {
        let (runs_tx, runs) = mpsc::channel(1);
        let running = self.start(runs);
        let mut decoder = Decoder::default();
        let entries = self.entries().await;
        let up_to = entries.last().unwrap().offset;
        let readings = entries.iter().filter_map(|entry| match decoder.take(entry) {
            Said::News(reading) => Some(reading),
            _ => None,
        });
        runs_tx.send(Arc::new(Readings { readings: readings.collect(), up_to })).await.unwrap();
        // The cursor reaches the end once nothing is open any more. The pause only spares the machine.
        while self.journal.cursor(CONSUMER).await.unwrap() < up_to {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(runs_tx);
        running.await.unwrap().unwrap();
    }

    fn start(&self, runs: mpsc::Receiver<Arc<Readings>>) -> JoinHandle<Result<(), VisionError>> {
        let looked = Arc::clone(&self.looked);
        let parts = VisionParts {
            config: VisionConfig {
                workers: NonZeroUsize::MIN,
                share_percent: 100,
                waiting: NonZeroUsize::new(4).unwrap(),
                fixed: terms(),
                drone: terms(),
                devices: Default::default(),
            },
            see: Some(Arc::new(move |jpeg, _| {
                looked.fetch_add(1, Ordering::Relaxed);
                see(jpeg)
            })),
            measure: self.measures.then(|| -> Measure {
                Arc::new(|jpeg| match jpeg.last() {
                    Some(b'x') => Err(Unseen::NotDecodable("torn".into())),
                    _ => Ok(Clarity { mean: 90.0, contrast: 30.5, sharpness: 200.25 }),
                })
            }),
            model: "test".into(),
            journal: self.journal.clone(),
            recorder: Recorder::new(
                self.journal.clone(),
                crate::metrics::Metrics::register(&prometheus::Registry::new()).unwrap(),
            ),
            view: self.registry.view(),
            clock: Clock::manual(Timestamp::from_millis(NOW_MS)),
            metrics: self.metrics.clone(),
        };
        tokio::spawn(run(parts, runs))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cameras_picture_is_measured_once_in_a_while_and_a_drones_never() {
    let site = Site { measures: true, ..Site::new() };
    for (device, id, content) in [("cam-1", "m-1", "1"), ("cam-1", "m-2", "2"), ("d-1", "m-3", "3")] {
        site.picture(device, id, content).await;
    }
    site.look().await;
    let answers = site.answers().await;
    let measured = answers.iter().filter_map(|entry| crate::decode::decode(entry).ok());
    let measured: Vec<_> = measured.map(|reading| (reading.device.to_string(), reading.body)).collect();
    let clarity = Clarity { mean: 90.0, contrast: 30.5, sharpness: 200.25 };
    assert_eq!(measured, [("cam-1".to_owned(), Body::Clarity(clarity))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_is_one_sighting_for_each_species_in_the_middle_of_the_herd() {
    let site = Site::new();
    let offset = site.picture("cam-1", "s-1", "s").await;
    site.look().await;
    let answers = site.answers().await;
    let told: Vec<_> = answers
        .iter()
        .map(|entry| match crate::decode::decode(entry).unwrap().body {
            Body::Sighting(sighting) => sighting,
            other => panic!("{other:?}"),
        })
        .collect();
    let [sheep, person] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((sheep.species, sheep.count, person.species, person.count), (Species::Sheep, 3, Species::Person, 1));
    assert_eq!(sheep.place, Place::Picture(BoundingBox { x: 0.4, y: 0.3, w: 0.1, h: 0.1 }), "that of the middle one");
    let around = sheep.bounding_box.unwrap();
    assert!((around.y - 0.2).abs() < 1e-9 && (around.h - 0.7).abs() < 1e-9, "{around:?}");
    assert_eq!(sheep.snapshot_id.as_ref().unwrap().as_str(), "s-1");
    for answer in &answers {
        assert_eq!((answer.frame.device.as_str(), &answer.frame.speaker), ("cam-1", &DeviceId::platform()));
        let Channel::Foreign { detail, .. } = &answer.frame.channel else { panic!() };
        assert_eq!(**detail, offset.0.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_animals_is_counted_and_never_journalled_and_one_that_nobody_can_read_is_unknown() {
    let site = Site::new();
    site.picture("cam-1", "s-1", "empty land").await;
    site.picture("cam-1", "s-2", "torn x").await;
    site.picture("cam-1", "s-3", "evil p").await;
    site.look().await;
    let answers = site.answers().await;
    let [unknown, _] = answers.as_slice() else { panic!("{answers:?}") };
    let said: serde_json::Value = serde_json::from_slice(&unknown.frame.payload).unwrap();
    assert_eq!((&said["unknown"], &said["snapshot_id"]), (&"not_decodable".into(), &"s-2".into()));
    assert!(matches!(crate::decode::decode(unknown), Err(model::Reject::Unused(_))));
    let counts = ["nothing_found", "not_decodable", "model_failed"].map(|outcome| site.metrics.count(outcome));
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_was_answered_before_the_crash_is_not_looked_at_again() {
    let site = Site::new();
    let first = site.picture("cam-1", "s-1", "1 s").await;
    let channel = Channel::Foreign { format: Arc::from(formats::VISION), detail: Arc::from(first.0.to_string()) };
    site.say("cam-1", channel, "{}").await;
    site.picture("cam-1", "s-2", "2 s").await;
    site.look().await;
    assert_eq!((site.looked.load(Ordering::Relaxed), site.answers().await.len()), (1, 3));
    // And again from where it ended: nothing is new but the answers.
    site.look().await;
    assert_eq!((site.looked.load(Ordering::Relaxed), site.answers().await.len()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_repeats_its_picture_says_nothing_new() {
    let site = Site::new();
    for id in ["s-1", "s-2", "s-3"] {
        site.picture("cam-1", id, "same s").await;
    }
    site.look().await;
    assert_eq!((site.looked.load(Ordering::Relaxed), site.metrics.count("repeated")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drone_that_looks_down_or_does_not_say_where_it_looks_is_unknown() {
    let site = Site::new();
    let track = Channel::Native { kind: ReadingKind::Track, detail: Arc::from("") };
    site.picture("d-1", "s-1", "1 s").await;
    for (number, pitch) in [(2, -80), (3, -20)] {
        let track_json = format!(
            r#"{{"ts":{NOW_MS},"seq":{number},"lat":43.3,"lon":117.5,"height_m":80,"gimbal":{{"pitch_deg":{pitch},"yaw_deg":0}}}}"#
        );
        site.say("d-1", track.clone(), &track_json).await;
        site.picture("d-1", &format!("s-{number}"), &format!("{number} s")).await;
    }
    site.look().await;
    let counts = ["no_attitude", "too_steep", "found"].map(|outcome| site.metrics.count(outcome));
    assert_eq!((counts, site.looked.load(Ordering::Relaxed)), ([1, 1, 1], 1));
}

fn job(device: &str, offset: u64) -> waiting::Job {
    waiting::Job {
        is_measured: false,
        offset: Offset(offset),
        device: DeviceId::parse(device).unwrap(),
        snapshot: model::SnapshotId::parse("s").unwrap(),
        taken_at: Timestamp::from_millis(0),
        look: terms().look,
        unfit: None,
    }
}

#[test]
fn when_too_many_wait_the_oldest_of_that_camera_goes_and_no_other_cameras() {
    let mut waiting = waiting::Waiting::new(Offset(0), 2);
    assert!(
        waiting.put(job("a", 1)).is_none() && waiting.put(job("b", 2)).is_none() && waiting.put(job("a", 3)).is_none()
    );
    assert_eq!(waiting.put(job("a", 4)).unwrap().offset, Offset(1));
    waiting.read_up_to(Offset(9));
    let mut order = Vec::new();
    while let Some(job) = waiting.next() {
        order.push((job.device.as_str().to_owned(), job.offset.0));
    }
    assert_eq!(order, [("a".to_owned(), 3), ("b".to_owned(), 2), ("a".to_owned(), 4)], "in turn");
}

#[test]
fn the_cursor_stays_before_the_oldest_picture_that_is_not_dealt_with() {
    let mut waiting = waiting::Waiting::new(Offset(3), 4);
    waiting.put(job("a", 5));
    waiting.put(job("b", 8));
    waiting.read_up_to(Offset(10));
    assert_eq!(waiting.cursor(), Offset(4));
    for done in [8, 5] {
        waiting.done(Offset(done));
    }
    assert_eq!((waiting.cursor(), waiting.len()), (Offset(10), 0));
}

fn reading(at_ms: i64, body: Body) -> Reading {
    let at = Timestamp::from_millis(at_ms);
    Reading {
        device: DeviceId::parse("d-1").unwrap(),
        offset: Offset(1),
        received_at: ReceivedAt(at),
        device_time: None,
        seq: None,
        body,
    }
}

#[test]
fn a_camera_is_looked_at_no_more_often_than_its_interval_by_the_journals_time() {
    let mut known = terms::Known::default();
    let terms = Terms { interval: Duration::from_secs(5), ..terms() };
    let due: Vec<_> = [0, 4_999, 5_000, 9_000, 10_000]
        .into_iter()
        .filter(|at_ms| known.is_due(&reading(*at_ms, Body::Clock), &terms))
        .collect();
    assert_eq!(due, [0, 5_000, 10_000]);
}

#[test]
fn what_a_gimbal_said_half_a_minute_ago_says_nothing_and_a_survey_holds() {
    let site = Site::new();
    let view = site.registry.view().borrow().clone();
    let [drone, camera] = ["d-1", "cam-1"].map(|id| view.device(&DeviceId::parse(id).unwrap()).unwrap().clone());
    let mut known = terms::Known::default();
    let gimbal = Some(Gimbal { pitch_deg: -30.0, yaw_deg: 0.0, roll_deg: 0.0 });
    known.learn(&reading(0, Body::Track(Track { gimbal, ..Track::default() })));
    let unfit = |at_ms| known.unfit(&drone, &reading(at_ms, Body::Clock), &terms());
    assert_eq!((unfit(30_000), unfit(30_001)), (None, Some(Unseen::NoAttitude)));
    let steep = model::Device {
        pose: Some(Pose { height_m: 30.0, yaw_deg: 0.0, pitch_deg: -60.0, hfov_deg: 60.0 }),
        ..camera.clone()
    };
    let picture = reading(0, Body::Clock);
    assert_eq!(known.unfit(&camera, &picture, &terms()), None);
    assert_eq!(known.unfit(&steep, &picture, &terms()), Some(Unseen::TooSteep { down_deg: 60.0 }));
    assert_eq!(known.unfit(&camera, &picture, &Terms { fit: false, ..terms() }), Some(Unseen::Unfit));
}
