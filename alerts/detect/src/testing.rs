//! A small stage for tests: two zones side by side, a camera, a drone, a collar, and a hand on the clock.

use crate::{Engine, Settings, World};
use model::{
    Body, BoundingBox, ClosureLevel, ClosureRule, Device, DeviceId, DeviceKind, DeviceTime, Finding, GeoPoint, Gimbal,
    Heartbeat, HeartbeatStatus, LandClass, MonthDay, Offset, Place, Polygon, Pose, Position, Reading, ReceivedAt,
    Sighting, Species, Timestamp, Track, What, Zone, ZoneId, ZoneKind,
};
use std::sync::Arc;
use std::time::Duration;

/// 1 km squares: `north` is a no-grazing zone from 43.300 to 43.309, `south` a balance zone from 43.291 to 43.300.
pub(crate) fn square(id: &str, kind: ZoneKind, south_lat_e7: i32) -> Arc<Zone> {
    let (west, east, north) = (1_175_000_000, 1_175_123_000, south_lat_e7 + 90_000);
    let corner = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
    Arc::new(Zone {
        id: ZoneId::parse(id).unwrap(),
        name: id.into(),
        kind,
        land_class: LandClass::Grassland,
        township: None,
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
        polygons: vec![Polygon {
            exterior: vec![
                corner(west, south_lat_e7),
                corner(east, south_lat_e7),
                corner(east, north),
                corner(west, north),
            ],
            holes: vec![],
        }],
    })
}

pub(crate) fn rules() -> Vec<ClosureRule> {
    let rule = |name: &str, kind, season, level, fine| ClosureRule {
        name: name.into(),
        kinds: vec![kind],
        townships: vec![],
        zones: vec![],
        land_classes: vec![],
        season,
        effective_from: None,
        effective_to: None,
        level,
        legal_basis: "K 二(一)1".into(),
        fine_yuan_per_sheep_unit: fine,
    };
    let season = Some((MonthDay { month: 4, day: 1 }, MonthDay { month: 6, day: 15 }));
    vec![
        rule("常年禁牧", ZoneKind::NoGrazing, None, ClosureLevel::Enforce, 120),
        rule("春季休牧", ZoneKind::Balance, season, ClosureLevel::Enforce, 120),
    ]
}

pub(crate) fn world(zones: Vec<Arc<Zone>>) -> Arc<World> {
    let device = |id: &str, kind, cadence_s| Device {
        place: Position::parse(43.305, 117.505).ok(),
        cadence: Duration::from_secs(cadence_s),
        ..Device::new(DeviceId::parse(id).unwrap(), kind)
    };
    let devices = [
        device("cam-1", DeviceKind::Camera, 60),
        device("cam-2", DeviceKind::Camera, 60),
        device("drone-1", DeviceKind::Drone, 60),
        device("collar-1", DeviceKind::Collar, 600),
        device("collar-2", DeviceKind::Collar, 600),
    ];
    let mut devices = devices;
    let pose = |height_m, pitch_deg| Some(Pose { height_m, yaw_deg: 0.0, pitch_deg, hfov_deg: 60.0 });
    for device in &mut devices {
        device.pose = match device.id.as_str() {
            "cam-1" => pose(30.0, -10.0),
            "drone-1" => pose(0.0, 0.0),
            _ => None,
        };
    }
    let devices = devices.into_iter().map(|device| (device.id.clone(), device)).collect();
    Arc::new(World::new(devices, zones, rules()).unwrap())
}

pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    pub(crate) offset: u64,
}

pub(crate) const NORTH: (f64, f64) = (43.3045, 117.506);
pub(crate) const SOUTH: (f64, f64) = (43.2955, 117.506);

impl Stage {
    pub(crate) fn at(start: &str) -> Self {
        let zones =
            vec![square("north", ZoneKind::NoGrazing, 433_000_000), square("south", ZoneKind::Balance, 432_910_000)];
        let engine = Engine::new(Settings::default(), world(zones));
        Self { engine, now: Timestamp::parse_rfc3339(start).unwrap(), offset: 0 }
    }

    pub(crate) fn take(&mut self, device: &str, body: Body, device_time: Option<Timestamp>) -> Vec<Finding> {
        self.offset += 1;
        let device = if device == "*" { DeviceId::platform() } else { DeviceId::parse(device).unwrap() };
        self.engine.observe(&Reading {
            device,
            offset: Offset(self.offset),
            received_at: ReceivedAt(self.now),
            device_time: device_time.map(DeviceTime),
            seq: Some(self.offset),
            body,
        })
    }

    /// Ticks second by second; the findings on the way.
    pub(crate) fn wait(&mut self, seconds: u64) -> Vec<What> {
        let mut found = Vec::new();
        for _ in 0..seconds {
            self.now = self.now.plus(Duration::from_secs(1));
            found.extend(self.take("*", Body::Clock, None).into_iter().map(|f| f.what));
        }
        found
    }

    pub(crate) fn sighting_body((lat, lon): (f64, f64), count: u32) -> Body {
        Body::Sighting(Sighting {
            species: Species::Sheep,
            count,
            young: 0,
            confidence: 0.9,
            place: Place::Ground { position: Position::parse(lat, lon).unwrap(), accuracy_m: Some(10.0) },
            track_id: None,
            snapshot_id: None,
            bounding_box: None,
            animals: vec![],
        })
    }

    pub(crate) fn sees(&mut self, device: &str, place: (f64, f64), count: u32) -> Vec<What> {
        let now = self.now;
        self.saw(device, place, count, now)
    }

    pub(crate) fn sees_some(&mut self, device: &str, place: (f64, f64), species: Species, count: u32) -> Vec<What> {
        let Body::Sighting(sighting) = Self::sighting_body(place, count) else { return Vec::new() };
        let now = self.now;
        self.take(device, Body::Sighting(Sighting { species, ..sighting }), Some(now))
            .into_iter()
            .map(|f| f.what)
            .collect()
    }

    pub(crate) fn saw(&mut self, device: &str, place: (f64, f64), count: u32, at: Timestamp) -> Vec<What> {
        self.take(device, Self::sighting_body(place, count), Some(at)).into_iter().map(|f| f.what).collect()
    }

    pub(crate) fn fix(&mut self, place: (f64, f64)) -> Vec<What> {
        let now = self.now;
        self.fixed("collar-1", place, now)
    }

    pub(crate) fn fixed(&mut self, collar: &str, (lat, lon): (f64, f64), at: Timestamp) -> Vec<What> {
        let track = Track { position: Position::parse(lat, lon).ok(), ..Track::default() };
        self.take(collar, Body::Track(track), Some(at)).into_iter().map(|f| f.what).collect()
    }

    /// The drone is here, its gimbal 45 degrees down to the north.
    pub(crate) fn flies(&mut self, (lat, lon): (f64, f64), height_m: f64) {
        let track = Track {
            position: Position::parse(lat, lon).ok(),
            height_m: Some(height_m),
            gimbal: Some(Gimbal { pitch_deg: -45.0, yaw_deg: 0.0, roll_deg: 0.0 }),
            ..Track::default()
        };
        self.take("drone-1", Body::Track(track), Some(self.now));
    }

    /// Forty sheep in the middle of its picture.
    pub(crate) fn sees_in_picture(&mut self, device: &str) -> Vec<What> {
        let Body::Sighting(mut sighting) = Self::sighting_body(NORTH, 40) else { return Vec::new() };
        sighting.place = Place::Picture(BoundingBox { x: 0.45, y: 0.4, w: 0.1, h: 0.1 });
        self.take(device, Body::Sighting(sighting), Some(self.now)).into_iter().map(|f| f.what).collect()
    }

    pub(crate) fn beats(&mut self, device: &str) -> Vec<What> {
        let body = Body::Heartbeat(Heartbeat { status: Some(HeartbeatStatus::Ok), ..Heartbeat::default() });
        self.take(device, body, Some(self.now)).into_iter().map(|f| f.what).collect()
    }
}

/// [`words`] of what begins, changes or ends a case.
pub(crate) fn cases(found: &[What]) -> Vec<String> {
    words(found).into_iter().filter(|word| word.contains(" in ") && !word.starts_with("seen again")).collect()
}

/// A finding in a word, for tests that read as sentences.
pub(crate) fn words(found: &[What]) -> Vec<String> {
    found
        .iter()
        .map(|what| match what {
            What::Opened(case) => format!("opened in {}", case.zones[0].id),
            What::Grew(case) => format!("grew in {}", case.zones[0].id),
            What::SeenAgain(case) => format!("seen again in {}", case.zones[0].id),
            What::Ended(case) => format!("ended in {}", case.zones[0].id),
            What::Withdrawn(case) => format!("withdrawn in {}", case.zones[0].id),
            What::Silent { device, .. } => format!("{device} silent"),
            What::Back { device, .. } => format!("{device} back"),
            What::Overloaded(load) => format!("{} overloaded", load.zone.id),
            What::OverloadEnded(load) => format!("{} within its capacity", load.zone.id),
            What::Begun(notice) => format!("begun {}", notice.matter.code()),
            What::Changed(notice) => format!("changed {}", notice.matter.code()),
            What::Over(notice) => format!("over {}", notice.matter.code()),
        })
        .collect()
}
