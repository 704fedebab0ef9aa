//! A drone's flight over a zone, held against the swath that its numbers say.

use super::*;
use crate::World;
use model::{
    Body, Device, DeviceId, DeviceKind, GeoPoint, Gimbal, Heartbeat, LandClass, Offset, Patrol, Polygon, Position,
    Reading, ReceivedAt, Timestamp, TownshipCode, Track, Zone, ZoneId, ZoneKind,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn origin() -> Position {
    Position::parse(43.3, 117.5).unwrap()
}

/// A no-grazing zone so many metres wide and high, from the origin to the north-east.
pub(super) fn land(id: &str, (east_m, north_m): (f64, f64), (wide_m, high_m): (f64, f64)) -> Arc<Zone> {
    let corners = [(0.0, 0.0), (wide_m, 0.0), (wide_m, high_m), (0.0, high_m)];
    let corner = |(east, north)| GeoPoint::from(origin().moved(east_m + east, north_m + north));
    Arc::new(Zone {
        id: ZoneId::parse(id).unwrap(),
        name: id.into(),
        kind: ZoneKind::NoGrazing,
        land_class: LandClass::Grassland,
        township: TownshipCode::parse("150425101").ok(),
        enforcement_body: None,
        legal_basis: String::new(),
        area_mu: None,
        capacity_sheep_units: None,
        version: 1,
        in_force_from: Timestamp::default(),
        in_force_to: None,
        known_from: Timestamp::default(),
        reason: String::new(),
        published_by: String::new(),
        polygons: vec![Polygon { exterior: corners.map(corner).to_vec(), holes: vec![] }],
    })
}

pub(super) fn world(zones: Vec<Arc<Zone>>, devices: Vec<Device>) -> World {
    let devices: BTreeMap<_, _> = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
    World::new(devices, zones, crate::testing::rules()).unwrap()
}

pub(super) fn device(id: &str, kind: DeviceKind) -> Device {
    Device { cadence: Duration::from_secs(60), ..Device::new(DeviceId::parse(id).unwrap(), kind) }
}

/// Hands readings over, each a little later.
pub(super) struct Hand {
    pub(super) coverage: Coverage,
    pub(super) now: Timestamp,
    pub(super) offset: u64,
}

impl Hand {
    pub(super) fn new(world: &World, settings: Settings) -> Self {
        let now = Timestamp::parse_rfc3339("2026-05-01T08:00:00+08:00").unwrap();
        Self { coverage: Coverage::new(settings, world), now, offset: 0 }
    }

    pub(super) fn takes(&mut self, device: &str, body: Body, happened_at: Option<Timestamp>) -> Vec<model::What> {
        self.offset += 1;
        let device = if device == "*" { DeviceId::platform() } else { DeviceId::parse(device).unwrap() };
        let reading = Reading {
            device,
            offset: Offset(self.offset),
            received_at: ReceivedAt(self.now),
            device_time: happened_at.map(model::DeviceTime),
            seq: None,
            body,
        };
        self.coverage.observe(&reading).into_iter().map(|finding| finding.what).collect()
    }

    /// Time passes, second by second where it matters.
    pub(super) fn waits(&mut self, for_s: u64, step_s: u64) -> Vec<model::What> {
        let mut found = Vec::new();
        for _ in 0..for_s / step_s {
            self.now = self.now.plus(Duration::from_secs(step_s));
            found.extend(self.takes("*", Body::Clock, None));
        }
        found
    }

    pub(super) fn beats(&mut self, device: &str) {
        self.takes(device, Body::Heartbeat(Heartbeat::default()), None);
    }

    pub(super) fn week(&self, zone: usize) -> f64 {
        self.coverage.zones(self.now, None)[zone].watched[2]
    }

    /// A drone flies straight, a word every second at 12 m/s.
    pub(super) fn flies(&mut self, from: (f64, f64), to: (f64, f64), height_m: f64, gimbal: Option<Gimbal>) {
        let way_m = (to.0 - from.0).hypot(to.1 - from.1);
        let steps = (way_m / 12.0).ceil() as i64;
        let heading_deg = (to.0 - from.0).atan2(to.1 - from.1).to_degrees();
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let place = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            let position = origin().moved(place.0, place.1);
            let gimbal = gimbal.map(|gimbal| Gimbal { yaw_deg: heading_deg + gimbal.yaw_deg, ..gimbal });
            self.now = self.now.plus(Duration::from_secs(1));
            let track = Track {
                position: Some(position),
                height_m: Some(height_m),
                heading_deg: Some(heading_deg),
                gimbal,
                flight_id: Some("f-1".into()),
                ..Track::default()
            };
            self.takes("drone-1", Body::Track(track), None);
        }
    }

    pub(super) fn patrols(&mut self) -> Vec<Patrol> {
        self.waits(700, 10);
        self.coverage.take_patrols()
    }
}

fn drone() -> Vec<Device> {
    vec![device("drone-1", DeviceKind::Drone)]
}

/// North-south lines this far apart over a square of 2 km, straight down from 80 m: the picture is `swath_m` wide.
fn mown(spacing_m: f64) -> (f64, f64, Vec<Patrol>) {
    let mut hand = Hand::new(&world(vec![land("z", (0.0, 0.0), (2_000.0, 2_000.0))], drone()), Settings::default());
    let swath_m = 2.0 * 80.0 * 42.0_f64.to_radians().tan();
    let lines = (2_000.0 / spacing_m).round() as i64;
    for line in 0..lines {
        let east_m = spacing_m * (line as f64 + 0.5);
        let (from, to) = if line % 2 == 0 { (-100.0, 2_100.0) } else { (2_100.0, -100.0) };
        hand.flies((east_m, from), (east_m, to), 80.0, None);
    }
    let share = hand.week(0);
    (share, swath_m, hand.patrols())
}

#[test]
fn a_lawn_mowers_flight_covers_what_its_swath_says_within_a_few_percent() {
    for spacing_m in [400.0, 250.0, 200.0] {
        let (share, swath_m, _) = mown(spacing_m);
        let lines = (2_000.0_f64 / spacing_m).round();
        let expected = (lines * swath_m / 2_000.0).min(1.0);
        assert!((share - expected).abs() < 0.06 * expected.max(0.5), "{spacing_m}: {share} for {expected}");
    }
    let (all, _, patrols) = mown(125.0);
    assert!(all > 0.999, "{all}");
    let [patrol] = &patrols[..] else { panic!("{patrols:?}") };
    let way_m = 16.0 * 2_200.0 + 15.0 * 125.0;
    assert!((patrol.distance_m / way_m - 1.0).abs() < 0.02, "{} for {way_m}", patrol.distance_m);
    assert!((patrol.area_m2 / 4e6 - 1.0).abs() < 0.02 && patrol.zones[0].share > 0.999, "{}", patrol.area_m2);
    assert_eq!((patrol.townships[0].0.as_str(), patrol.flight_id.as_deref()), ("150425101", Some("f-1")));
}

#[test]
fn a_drone_that_looks_at_the_horizon_or_stands_or_whose_gimbal_is_unknown_watches_nothing() {
    let zones = || vec![land("z", (-500.0, -500.0), (3_000.0, 3_000.0))];
    let flown = |height_m, gimbal: Option<Gimbal>| {
        let mut hand = Hand::new(&world(zones(), drone()), Settings::default());
        hand.flies((0.0, 0.0), (600.0, 0.0), height_m, gimbal);
        hand.week(0)
    };
    let at = |pitch_deg| Some(Gimbal { pitch_deg, yaw_deg: 0.0, roll_deg: 0.0 });
    assert!(flown(80.0, at(-90.0)) > 0.0 && flown(80.0, at(-45.0)) > 0.0);
    assert_eq!(flown(80.0, at(0.0)), 0.0, "the horizon");
    assert_eq!(flown(0.0, at(-90.0)), 0.0, "its dock");
    assert_eq!(flown(500.0, at(-90.0)), 0.0, "too high for its lens");
    let mut hand = Hand::new(&world(zones(), drone()), Settings::default());
    hand.flies((0.0, 0.0), (12.0, 0.0), 80.0, at(0.0));
    hand.flies((12.0, 0.0), (600.0, 0.0), 80.0, None);
    assert_eq!(hand.week(0), 0.0, "it has a gimbal, and nobody knows where it looks");
}

#[test]
fn halfway_down_it_sees_ahead_of_itself_and_not_below() {
    let zones = vec![land("ahead", (0.0, 60.0), (60.0, 60.0)), land("below", (0.0, -60.0), (60.0, 60.0))];
    let mut hand = Hand::new(&world(zones, drone()), Settings { cell_m: 20.0, ..Settings::default() });
    let gimbal = Some(Gimbal { pitch_deg: -45.0, yaw_deg: 0.0, roll_deg: 0.0 });
    hand.flies((30.0, 0.0), (30.0, 12.0), 80.0, gimbal);
    assert!(hand.week(0) > 0.99 && hand.week(1) == 0.0, "{} {}", hand.week(0), hand.week(1));
}

#[test]
fn a_rangers_walk_is_a_patrol_until_a_pause_and_the_land_beside_it_is_watched() {
    let settings = Settings { ranger_m: 100.0, ..Settings::default() };
    let zones = vec![land("z", (0.0, -500.0), (3_000.0, 1_000.0))];
    let mut hand = Hand::new(&world(zones, vec![device("r-1", DeviceKind::Ranger)]), settings);
    let says = |hand: &mut Hand, east_m: f64, after_s: u64| {
        hand.now = hand.now.plus(Duration::from_secs(after_s));
        let track = Track { position: Some(origin().moved(east_m, 0.0)), ..Track::default() };
        hand.takes("r-1", Body::Track(track), None);
    };
    for minute in 0..=30 {
        says(&mut hand, f64::from(minute) * 80.0, 60);
    }
    let arrived = hand.now;
    for _ in 0..20 {
        says(&mut hand, 2_403.0, 60);
    }
    for minute in 0..=5 {
        says(&mut hand, 2_400.0 - f64::from(minute) * 80.0, 60);
    }
    let expected = (2_400.0 + 100.0) * 200.0 / 3e6;
    assert!((hand.week(0) / expected - 1.0).abs() < 0.08, "{} for {expected}", hand.week(0));
    let told: Vec<_> = hand.patrols().iter().map(|patrol| (patrol.end, patrol.distance_m.round())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].0, told[0].1), (arrived, 2_400.0));
    assert!((told[1].1 - 400.0).abs() < 12.0, "{told:?}");
}
