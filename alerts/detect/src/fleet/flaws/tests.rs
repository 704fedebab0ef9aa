use crate::World;
use crate::fleet::flaws::Flaws;
use crate::testing::words;
use model::{
    Body, Clarity, Device, DeviceId, DeviceKind, DeviceTime, Heartbeat, HeartbeatStatus, Maintenance, MaintenanceScope,
    Matter, Offset, PanTilt, Reading, ReceivedAt, Timestamp, Track, What,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One device and what is told of it.
struct Patient {
    device: Device,
    world: World,
    flaws: Flaws,
    second: u64,
    /// How wrong its clock is, seconds.
    off_s: i64,
    lag: crate::lag::Lag,
}

impl Patient {
    fn new(kind: DeviceKind) -> Self {
        let device = Device::new(DeviceId::parse("d-1").unwrap(), kind);
        let world = World::without_zones(BTreeMap::from([(device.id.clone(), device.clone())]), vec![]);
        Self { device, world, flaws: Flaws::default(), second: 0, off_s: 0, lag: crate::lag::Lag::default() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(Duration::from_secs(self.second))
    }

    fn says(&mut self, body: Body) -> Vec<What> {
        let said = Timestamp::from_millis(self.now().as_millis() + self.off_s * 1_000);
        self.lag.note(self.now(), said);
        let reading = Reading {
            device: self.device.id.clone(),
            offset: Offset(self.second),
            received_at: ReceivedAt(self.now()),
            device_time: Some(DeviceTime(said)),
            seq: None,
            body,
        };
        self.flaws.look(&self.world, &self.device, &reading, self.lag.clock_behind())
    }

    /// A heartbeat a minute, of so many minutes; what was told, with the minute.
    fn minutes(&mut self, minutes: u64, beat: impl Fn(u64) -> Heartbeat) -> Vec<String> {
        let mut told = Vec::new();
        for minute in 0..minutes {
            self.second += 60;
            let found = self.says(Body::Heartbeat(beat(minute)));
            told.extend(words(&found).into_iter().map(|word| format!("{word} at {minute}")));
        }
        told
    }
}

fn status(status: HeartbeatStatus) -> Heartbeat {
    Heartbeat { status: Some(status), ..Heartbeat::default() }
}

fn charge(percent: f64) -> Heartbeat {
    Heartbeat { battery_percent: Some(percent), ..Heartbeat::default() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_fault_begins_with_the_word_fault_and_is_over_with_ok() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let said = |minute| match minute {
        0..3 => status(HeartbeatStatus::Ok),
        3 => status(HeartbeatStatus::Fault),
        4 => Heartbeat::default(),
        5..8 => status(HeartbeatStatus::Degraded),
        _ => status(HeartbeatStatus::Ok),
    };
    assert_eq!(camera.minutes(20, said), ["begun fault at 3", "over fault at 8"]);
}

#[test]
fn a_fault_that_comes_and_goes_is_told_of_twice_at_most_within_the_hour() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let flutter = |minute: u64| {
        status(if minute.is_multiple_of(2) && minute < 40 { HeartbeatStatus::Fault } else { HeartbeatStatus::Ok })
    };
    let told = camera.minutes(60, flutter);
    assert_eq!(told, ["begun fault at 0", "over fault at 1", "begun fault at 2", "over fault at 49"]);
}

#[test]
fn the_same_picture_for_ten_minutes_is_a_frozen_camera_since_its_first_time() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let picture = |name: String| Heartbeat { frame_hash: Some(Arc::from(name)), ..Heartbeat::default() };
    assert_eq!(camera.minutes(30, |minute| picture(format!("p{}", minute / 4))), NOTHING, "pictures each four minutes");
    camera.second += 60;
    camera.says(Body::Heartbeat(picture("stuck".to_owned())));
    let first = camera.now();
    let mut told = Vec::new();
    for _ in 0..20 {
        camera.second += 60;
        told.extend(camera.says(Body::Heartbeat(picture("stuck".to_owned()))));
    }
    let [What::Begun(notice)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(notice.since, first);
    let Matter::Flaw { value: Some(value), .. } = notice.matter else { panic!() };
    assert_eq!(value, 11.0);
    assert_eq!(camera.minutes(5, |_| Heartbeat::default()), NOTHING, "a heartbeat without a hash says nothing");
    assert_eq!(camera.minutes(5, |minute| picture(format!("new{minute}"))), ["over frozen_picture at 1"]);
}

#[test]
fn a_head_that_stays_where_it_was_not_told_to_look_is_off_and_one_on_its_way_is_not() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let head = |pan_deg: f64, target: Option<f64>| {
        let at = |pan_deg| PanTilt { pan_deg, tilt_deg: -5.0, zoom: 1.0 };
        Heartbeat { pan_tilt: Some(at(pan_deg)), pan_tilt_target: target.map(at), ..Heartbeat::default() }
    };
    assert_eq!(camera.minutes(20, |minute| head(minute as f64 * 9.0, None)), NOTHING, "a tour that nobody told us of");
    assert_eq!(camera.minutes(20, |minute| head(if minute % 4 == 0 { 0.0 } else { 90.0 }, Some(90.0))), NOTHING);
    assert_eq!(camera.minutes(6, |_| head(359.0, Some(-1.5))), NOTHING, "half a degree off, the short way round");
    assert_eq!(camera.minutes(6, |_| head(40.0, Some(-20.0))), ["begun wrong_pose at 2"]);
    assert_eq!(camera.minutes(6, |_| head(-20.0, Some(-20.0))), ["over wrong_pose at 1"]);
}

#[test]
fn a_clock_that_is_wrong_either_way_is_told_with_its_seconds_and_late_data_is_none() {
    let mut camera = Patient::new(DeviceKind::Camera);
    camera.off_s = 90;
    assert_eq!(camera.minutes(5, |_| Heartbeat::default()), ["begun clock at 2"]);
    camera.off_s = 1;
    assert_eq!(camera.minutes(15, |_| Heartbeat::default()), ["over clock at 9"]);
    let mut slow = Patient::new(DeviceKind::Camera);
    slow.off_s = -300;
    let mut told = Vec::new();
    for _ in 0..40 {
        slow.second += 60;
        told.extend(slow.says(Body::Heartbeat(Heartbeat::default())));
    }
    let [What::Begun(notice)] = &told[..] else { panic!("{told:?}") };
    let Matter::Flaw { value: Some(value), .. } = notice.matter else { panic!() };
    assert_eq!(value, -300.0, "behind is negative");
    let mut late = Patient::new(DeviceKind::Camera);
    let mut told = Vec::new();
    for minute in 0..60 {
        // Its store of two hours, twice as fast as it was filled.
        (late.second, late.off_s) = (minute * 60, -7_200 + i64::try_from(minute).unwrap() * 60);
        told.extend(late.says(Body::Heartbeat(status(HeartbeatStatus::Fault))));
    }
    assert_eq!(words(&told), NOTHING, "and the faults in it are history");
}

#[test]
fn a_battery_is_told_of_when_it_is_low_or_will_not_last_the_day() {
    let mut station = Patient::new(DeviceKind::Station);
    assert_eq!(station.minutes(180, |minute| charge(90.0 - minute as f64 / 60.0)), NOTHING, "it lasts three days");
    let told = station.minutes(120, |minute| charge(80.0 - minute as f64 / 6.0));
    assert!(told.len() == 1 && told[0].starts_with("begun battery"), "{told:?}");
    assert_eq!(station.minutes(150, |_| charge(60.0)).len(), 1, "it does not fall any more");
    let mut low = Patient::new(DeviceKind::Camera);
    let told = low.minutes(40, |minute| charge(if minute < 10 { 14.0 } else { 20.0 }));
    assert_eq!(told, ["begun battery at 0"], "between low and enough nothing changes");
    assert_eq!(low.minutes(40, |_| charge(26.0)), ["over battery at 0"]);
}

#[test]
fn a_drones_flight_is_no_falling_battery_and_a_collars_battery_is_all_that_is_told_of_it() {
    let mut drone = Patient::new(DeviceKind::Drone);
    let flights = |minute: u64| charge(100.0 - (minute % 45) as f64 * 2.2);
    assert_eq!(drone.minutes(168, flights), NOTHING);
    assert_eq!(drone.minutes(40, |_| charge(5.0)), ["begun battery at 30"]);
    let mut collar = Patient::new(DeviceKind::Collar);
    collar.off_s = 200;
    assert_eq!(collar.minutes(20, |_| status(HeartbeatStatus::Fault)), NOTHING);
    collar.second += 60;
    let track = Body::Track(Track { battery_percent: Some(9.0), ..Track::default() });
    assert_eq!(words(&collar.says(track)), ["begun battery"]);
}

#[test]
fn storage_runs_low_and_is_enough_again_with_room_between() {
    let mut dock = Patient::new(DeviceKind::Gateway);
    let free = |minute: u64| Heartbeat {
        storage_free_mb: Some([2_000.0, 499.0, 510.0, 490.0, 900.0, 1_001.0][(minute as usize).min(5)]),
        ..Heartbeat::default()
    };
    assert_eq!(dock.minutes(10, free), ["begun storage at 1", "over storage at 5"]);
}

#[test]
fn nothing_begins_or_ends_while_somebody_works_on_the_device() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let work = Maintenance {
        id: 1,
        scope: MaintenanceScope::Device(camera.device.id.clone()),
        from: camera.now(),
        until: camera.now().plus(Duration::from_secs(1_830)),
        reason: "lens".to_owned(),
        by: "admin".to_owned(),
    };
    let world = World::clone(&camera.world);
    camera.world = camera.world.with_maintenance(&Arc::new(vec![work]));
    let said = |minute| status(if minute < 35 { HeartbeatStatus::Fault } else { HeartbeatStatus::Ok });
    assert_eq!(camera.minutes(40, said), ["begun fault at 30", "over fault at 35"]);
    camera.world = world;
}

/// A camera at this hour of a legal day, whose pictures are like this every two minutes for so many minutes; what was told.
fn pictures(camera: &mut Patient, hour: u64, minutes: u64, of: Clarity) -> Vec<String> {
    // The stage begins on 2027-01-15 at 16:00 by legal time.
    let day_s = 86_400;
    camera.second = (camera.second / day_s + 1) * day_s - 16 * 3_600 + hour * 3_600;
    let mut told = Vec::new();
    for _ in 0..minutes / 2 {
        camera.second += 120;
        told.extend(words(&camera.says(Body::Clarity(of))));
    }
    told
}

#[test]
fn a_lens_that_is_covered_by_day_is_told_of_and_night_is_none() {
    let mut camera = Patient::new(DeviceKind::Camera);
    let clear = Clarity { mean: 110.0, contrast: 40.0, sharpness: 300.0 };
    let night = Clarity { mean: 8.0, contrast: 1.5, sharpness: 0.8 };
    let dusk = Clarity { mean: 45.0, contrast: 18.0, sharpness: 90.0 };
    assert_eq!(pictures(&mut camera, 10, 120, clear), NOTHING);
    assert_eq!(pictures(&mut camera, 7, 60, dusk), NOTHING, "softer than by day, but far from blurred");
    assert_eq!(pictures(&mut camera, 20, 700, night), NOTHING);
    assert_eq!(pictures(&mut camera, 10, 28, night), NOTHING, "half an hour it must be");
    assert_eq!(pictures(&mut camera, 10, 60, night), ["begun lens"], "dark at ten in the morning");
    assert_eq!(pictures(&mut camera, 20, 600, night), NOTHING, "at night nobody can say that it is clear again");
    assert_eq!(pictures(&mut camera, 9, 60, clear), ["over lens"]);
    let dew = Clarity { sharpness: 20.0, ..clear };
    assert_eq!(pictures(&mut camera, 9, 60, dew), ["begun lens"], "far less sharp than it usually is");
    let mut new = Patient::new(DeviceKind::Camera);
    assert_eq!(pictures(&mut new, 9, 60, dew), NOTHING, "of which nobody knows how sharp it usually is");
    let snow = Clarity { mean: 230.0, contrast: 2.0, sharpness: 0.1 };
    assert_eq!(pictures(&mut new, 12, 60, snow), ["begun lens"]);
    let mut drone = Patient::new(DeviceKind::Drone);
    assert_eq!(pictures(&mut drone, 12, 60, snow), NOTHING);
}
