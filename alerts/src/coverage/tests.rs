//! The stage with its file: what found no room, a restart, late days, and what the reader makes of it.

use super::*;
use crate::Store;
use detect::coverage::Settings;
use detect::coverage::duty::defaults;
use journal::alert_log::AlertLog;
use model::{
    Body, Clock, DeviceId, DeviceKind, DeviceTime, GeoPoint, Heartbeat, Offset, PatrolFilter, Pose, Position, Reading,
    Readings, ReceivedAt, TenantId, Timestamp, Track,
};
use registry::{ImportOptions, NewDevice, Registry};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

fn origin() -> Position {
    Position::parse(43.3, 117.5).unwrap()
}

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

/// A no-grazing zone of 2 km around the origin, a camera in its middle, a drone and a ranger.
fn registry(folder: &Path) -> Registry {
    let registry = Registry::open(&folder.join("registry.db"), Clock::system()).unwrap();
    let corners =
        [(-1_000.0, -1_000.0), (1_000.0, -1_000.0), (1_000.0, 1_000.0), (-1_000.0, 1_000.0), (-1_000.0, -1_000.0)];
    let ring: Vec<[f64; 2]> =
        corners.iter().map(|(e, n)| GeoPoint::from(origin().moved(*e, *n)).degrees().into()).collect();
    let file = serde_json::json!({ "type": "FeatureCollection", "features": [{
        "type": "Feature",
        "properties": { "id": "z", "name": "北坡", "kind": "no-grazing", "township": "150425101" },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    }]});
    let file = file.to_string();
    let survey = survey::read(&survey::Source::file("zones.geojson", file.as_bytes()), &Default::default()).unwrap();
    registry.import_zones(&survey, ImportOptions::default(), "test", "test").unwrap();
    for (name, kind) in [("cam-1", DeviceKind::Camera), ("drone-1", DeviceKind::Drone), ("r-1", DeviceKind::Ranger)] {
        let pose = Pose { height_m: 20.0, yaw_deg: 0.0, pitch_deg: -10.0, hfov_deg: 60.0 };
        let device = NewDevice {
            place: Some(origin()),
            pose: (kind == DeviceKind::Camera).then_some(pose),
            ..NewDevice::new(id(name), kind)
        };
        registry.add_device(device, "test").unwrap();
    }
    registry
}

struct House {
    folder: tempfile::TempDir,
    registry: Registry,
    now: Timestamp,
    offset: u64,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = registry(folder.path());
        Self { registry, folder, now: Clock::system().now(), offset: 0 }
    }

    fn reading(&mut self, device: &str, body: Body, happened_at: Timestamp) -> Reading {
        self.offset += 1;
        Reading {
            device: id(device),
            offset: Offset(self.offset),
            received_at: ReceivedAt(self.now),
            device_time: Some(DeviceTime(happened_at)),
            seq: None,
            body,
        }
    }

    fn beat(&mut self, ago_s: u64) -> Reading {
        let at = self.now.minus(Duration::from_secs(ago_s));
        self.reading("cam-1", Body::Heartbeat(Heartbeat::default()), at)
    }

    /// Straight to the east at 10 m/s, a word every two seconds, and a landing.
    fn flight(&mut self, ago_s: u64) -> Vec<Reading> {
        let start = self.now.minus(Duration::from_secs(ago_s));
        let word = |at: u64, height_m| Track {
            position: Some(origin().moved(-500.0 + 10.0 * at as f64, 0.0)),
            height_m: Some(height_m),
            flight_id: Some("f-1".into()),
            ..Track::default()
        };
        let steps = (0..=50).map(|step| (step * 2, if step == 50 { 0.0 } else { 80.0 }));
        let words: Vec<_> =
            steps.map(|(at, height_m)| (start.plus(Duration::from_secs(at)), word(at, height_m))).collect();
        words.into_iter().map(|(at, track)| self.reading("drone-1", Body::Track(track), at)).collect()
    }

    fn store(&self) -> CoverageStore {
        CoverageStore::open(&self.folder.path().join("coverage.db")).unwrap()
    }

    /// Runs the stage over runs that were handed out and such as found no room; what can be asked after it ended.
    async fn watch(&self, handed: Vec<Handed>, missed: Vec<Reading>) -> Reader {
        let alerts = self.folder.path().join("alerts.db");
        let alerts =
            Store::open(&alerts, AlertLog::open(&alerts).unwrap(), TenantId::parse("hexigten").unwrap()).unwrap();
        let shared = Shared::default();
        let missed = Arc::new(missed);
        let parts = WatchParts {
            store: self.store(),
            alerts,
            view: self.registry.view(),
            terrain: Arc::default(),
            settings: Settings::default(),
            retention: Duration::from_secs(400 * 86_400),
            clock: Clock::system(),
            metrics: Metrics::register(&prometheus::Registry::new()).unwrap(),
            missed: Box::new(move |after| {
                let next: Vec<_> = missed.iter().filter(|reading| reading.offset > after).take(20).cloned().collect();
                let up_to = next.last().map_or(after, |reading| reading.offset);
                Box::pin(async move { Ok(Readings { readings: next, up_to }) })
            }),
            from: Offset(0),
            shared: shared.clone(),
        };
        let (tx, runs) = mpsc::channel(8);
        let stage = tokio::spawn(run(parts, runs));
        for handed in handed {
            tx.send(handed).await.unwrap();
        }
        drop(tx);
        stage.await.unwrap().unwrap();
        let (view, duties) = (self.registry.view(), defaults());
        Reader::new(ReaderParts { store: self.store(), shared, view, duties, clock: Clock::system() })
    }
}

fn handed(after: u64, readings: Vec<Reading>) -> Handed {
    let up_to = readings.last().map_or(Offset(after), |reading| reading.offset);
    Handed { after: Offset(after), run: Arc::new(Readings { readings, up_to }) }
}

fn lately() -> PatrolFilter {
    let to = Timestamp::from_millis(i64::MAX);
    PatrolFilter { to, limit: 100, ..PatrolFilter::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_found_no_room_is_read_again_and_counts_as_if_it_had() {
    let mut house = House::new();
    let first = house.beat(30);
    let flight = house.flight(600);
    let last = house.beat(0);
    let after = flight.last().unwrap().offset.0;
    // The flight was handed out while the queue was full.
    let reader = house.watch(vec![handed(0, vec![first]), handed(after, vec![last])], flight).await;
    let listed = reader.patrols(&lately()).unwrap();
    let [patrol] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((patrol.device.as_str(), patrol.flight_id.as_deref()), ("drone-1", Some("f-1")));
    assert!((patrol.distance_m - 980.0).abs() < 15.0 && patrol.line.is_empty(), "{patrol:?}");
    let detail = reader.patrol(&patrol.id).unwrap().unwrap();
    assert!(detail.patrol.line.len() > 10 && !detail.cells.is_empty());
    assert_eq!(house.store().cursor().unwrap(), Some(Offset(house.offset)));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_it_goes_on_from_its_cursor_with_all_that_was_watched() {
    let mut house = House::new();
    let mut readings = vec![house.beat(30)];
    readings.extend(house.flight(600));
    let reader = house.watch(vec![handed(0, readings.clone())], vec![]).await;
    let (before, cells) = (reader.zones(None).unwrap(), reader.cells(&before_id(), None).unwrap());
    assert!(before[0].watched[2] > 0.1, "{before:?}");
    // What was judged comes again and changes nothing, not even the list of patrols.
    let reader = house.watch(vec![handed(0, readings)], vec![]).await;
    let after = reader.zones(None).unwrap();
    assert_eq!((after[0].watched[2], after[0].last), (before[0].watched[2], before[0].last));
    assert_eq!(reader.cells(&before_id(), None).unwrap().unwrap().len(), cells.unwrap().len());
    assert_eq!(reader.patrols(&lately()).unwrap().len(), 1);
}

fn before_id() -> model::ZoneId {
    model::ZoneId::parse("z").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_the_past_is_told_by_what_was_watched_then_also_when_it_came_late() {
    let mut house = House::new();
    const DAY_S: u64 = 86_400;
    let now = vec![house.beat(0)];
    let reader = house.watch(vec![handed(0, now)], vec![]).await;
    let day = |ago: u64| {
        let day = model::LegalDate::of(house.now.minus(Duration::from_secs(ago * DAY_S))).unwrap();
        Some((day.begins_at().unwrap(), day.ends_at().unwrap()))
    };
    let (third, fourth) = (day(3), day(4));
    assert_eq!(reader.zones(third).unwrap()[0].in_span, Some(0.0));
    let late = vec![house.beat(3 * DAY_S)];
    let up_to = house.offset - 1;
    let reader = house.watch(vec![handed(up_to, late)], vec![]).await;
    assert!(reader.zones(third).unwrap()[0].in_span.unwrap() > 0.0);
    assert_eq!(reader.zones(fourth).unwrap()[0].in_span, Some(0.0));
    let since = Some((house.now.minus(Duration::from_secs(60)), house.now.plus(Duration::from_secs(3_600))));
    assert!(reader.zones(since).unwrap()[0].in_span.unwrap() > 0.0, "until now by the last instants");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patrol_does_the_duty_of_the_device_that_flew_it_and_a_planned_route_shows_its_gaps() {
    let mut house = House::new();
    let flight = house.flight(600);
    house.registry.set_patrol_roles(&id("drone-1"), &["inspection_team".into()], "test").unwrap();
    let place = |east_m| GeoPoint::from(origin().moved(east_m, 30.0));
    let route = model::PatrolRoute {
        id: "r-1".into(),
        name: "北线".into(),
        township: None,
        device: None,
        reach_m: 100.0,
        duty: None,
        line: vec![place(-500.0), place(1_500.0)],
    };
    house.registry.plan_routes(std::slice::from_ref(&route), "test").unwrap();
    let reader = house.watch(vec![handed(0, flight)], vec![]).await;
    let duties = reader.duties().unwrap();
    let of = |name: &str| duties.iter().find(|state| state.duty == name).unwrap();
    let team = of("inspection_team");
    assert_eq!((team.township.as_ref().unwrap().as_str(), team.times), ("150425101", 2));
    // On Monday, within the first minutes, the flight was last week's.
    assert!(team.last_done.is_some() && !team.overdue && team.done <= 1, "{team:?}");
    assert_eq!((of("village_chief").last_done, of("banner_chief").township.as_ref()), (None, None));
    let flown = reader.route_flown(&route, house.now.minus(Duration::from_secs(3_600)), house.now).unwrap();
    assert!((flown.share - 0.54).abs() < 0.03 && flown.gaps_m.len() == 1, "{flown:?}");
    let patrol = reader.patrols(&lately()).unwrap().remove(0);
    assert_eq!(reader.patrol(&patrol.id).unwrap().unwrap().routes[0].0.id, "r-1");
}
