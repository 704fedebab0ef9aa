//! Stations and fires through the whole engine.

use crate::testing::{NORTH, Stage, rules, square, words};
use crate::{Engine, Settings, World};
use model::{
    Body, BoundingBox, Device, DeviceId, DeviceKind, Fire, FireSign, Heartbeat, LegalDate, Maintenance,
    MaintenanceScope, Matter, Measurement, Notice, Place, Pose, Position, Quantity, Timestamp, TownshipCode, What,
    ZoneKind,
};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn device(id: &str, kind: DeviceKind, cadence: Duration, township: &str) -> Device {
    Device {
        place: Position::parse(43.305, 117.505).ok(),
        cadence,
        township: TownshipCode::parse(township).ok(),
        pose: (kind == DeviceKind::Camera).then_some(Pose {
            height_m: 30.0,
            yaw_deg: 0.0,
            pitch_deg: -10.0,
            hfov_deg: 60.0,
        }),
        ..Device::new(DeviceId::parse(id).unwrap(), kind)
    }
}

fn world(cadence: Duration) -> World {
    let stations = (1..=4).map(|number| {
        let township = if number < 4 { "150425100" } else { "150425200" };
        device(&format!("station-{number}"), DeviceKind::Station, cadence, township)
    });
    let cameras = ["cam-1", "cam-2"].map(|id| device(id, DeviceKind::Camera, HOUR, "150425100"));
    let devices = stations.chain(cameras).map(|device| (device.id.clone(), device)).collect();
    let zones =
        vec![square("north", ZoneKind::NoGrazing, 433_000_000), square("south", ZoneKind::Balance, 432_910_000)];
    World::new(devices, zones, rules()).unwrap()
}

fn stage(start: &str, cadence: Duration) -> Stage {
    let engine = Engine::new(Settings::default(), Arc::new(world(cadence)));
    Stage { engine, now: Timestamp::parse_rfc3339(start).unwrap(), offset: 0 }
}

fn measures(stage: &mut Stage, station: &str, values: &[(Quantity, f64)], at: Timestamp) -> Vec<What> {
    let values = values.iter().map(|(quantity, value)| Measurement { quantity: *quantity, value: *value }).collect();
    stage.take(station, Body::Measurements(values), Some(at)).into_iter().map(|found| found.what).collect()
}

fn tick(stage: &mut Stage) -> Vec<What> {
    stage.take("*", Body::Clock, None).into_iter().map(|found| found.what).collect()
}

/// Only what is about stations and fires: nobody else speaks here.
fn notices(found: &[What]) -> Vec<String> {
    words(found).into_iter().filter(|word| !word.ends_with("silent") && !word.ends_with("back")).collect()
}

/// So many minutes of air at a station, a value every five, with the second hand.
fn air(stage: &mut Stage, values: &[f64]) -> Vec<String> {
    let mut found = Vec::new();
    for value in values {
        stage.now = stage.now.plus(Duration::from_secs(300));
        found.extend(tick(stage));
        let now = stage.now;
        found.extend(measures(stage, "station-1", &[(Quantity::AirTemperatureC, *value)], now));
    }
    notices(&found)
}

const FROST_NIGHT: [f64; 14] = [3.0, 1.5, 0.4, -0.1, -0.4, -0.9, -1.3, -1.6, -1.9, -2.2, -2.0, -1.0, 0.3, 1.1];

#[test]
fn a_frost_is_told_once_and_once_when_it_is_over() {
    let mut stage = stage("2026-05-20T02:00:00+08:00", Duration::from_secs(300));
    assert_eq!(air(&mut stage, &FROST_NIGHT), ["begun frost"]);
    assert_eq!(air(&mut stage, &[1.6, 0.4, 1.9, 2.1, 4.0]), ["over frost"]);
    assert!(stage.engine.state.stations.stations.values().all(|station| station.past.is_empty()), "nothing is kept");
    let mut april = self::stage("2026-04-20T02:00:00+08:00", Duration::from_secs(300));
    assert_eq!(air(&mut april, &FROST_NIGHT), [""; 0], "in April it freezes every night");
}

#[test]
fn a_value_that_cannot_be_believed_makes_no_threshold() {
    let mut stage = stage("2026-05-20T02:00:00+08:00", Duration::from_secs(300));
    let mut broken = vec![9.0];
    broken.extend([-40.0; 11]);
    assert_eq!(air(&mut stage, &broken), [""; 0]);
}

#[test]
fn what_comes_late_is_marked_and_what_is_out_of_order_changes_nothing() {
    let mut stage = stage("2026-05-20T08:00:00+08:00", Duration::from_secs(300));
    let night = stage.now.minus(HOUR * 5);
    let mut found = Vec::new();
    for (step, value) in FROST_NIGHT.iter().enumerate() {
        let at = night.plus(Duration::from_secs(300) * u32::try_from(step).unwrap());
        found.extend(measures(&mut stage, "station-1", &[(Quantity::AirTemperatureC, *value)], at));
    }
    assert!(matches!(found.as_slice(), [What::Begun(Notice { late: true, .. })]), "{found:?}");
    let older = night.minus(HOUR);
    assert_eq!(measures(&mut stage, "station-1", &[(Quantity::AirTemperatureC, 9.0)], older), []);
}

#[test]
fn a_station_that_says_nothing_more_is_past_nothing_after_a_day() {
    let mut stage = stage("2026-05-20T02:00:00+08:00", Duration::from_secs(300));
    air(&mut stage, &FROST_NIGHT);
    let last = stage.now;
    stage.now = last.plus(HOUR * 23);
    assert_eq!(notices(&tick(&mut stage)), [""; 0]);
    stage.now = last.plus(HOUR * 25);
    let found = tick(&mut stage);
    assert!(found.iter().any(|what| matches!(what, What::Over(notice) if notice.until == Some(last))), "{found:?}");
}

fn fire(place: Option<Place>) -> Body {
    Body::Fire(Fire { sign: FireSign::Smoke, confidence: 0.8, place, snapshot_id: None })
}

#[test]
fn smoke_in_a_picture_is_told_at_once_where_it_burns() {
    let mut stage = stage("2026-04-20T14:00:00+08:00", HOUR);
    let seen = Place::Picture(BoundingBox { x: 0.45, y: 0.4, w: 0.1, h: 0.1 });
    let now = stage.now;
    let found: Vec<_> = stage.take("cam-1", fire(Some(seen)), Some(now)).into_iter().map(|found| found.what).collect();
    let [What::Begun(notice)] = found.as_slice() else { panic!("{found:?}") };
    let camera = Position::parse(43.305, 117.505).unwrap();
    let (east_m, north_m) = camera.offset_to(notice.position.unwrap());
    assert!(east_m.abs() < 1.0 && (100.0..400.0).contains(&north_m), "{east_m} {north_m}");
    assert_eq!((notice.matter.code(), notice.late, notice.township.is_some()), ("smoke", false, true));
    // Another camera at the same place sees smoke it knows not where.
    let found = stage.take("cam-2", fire(None), Some(now)).into_iter().map(|found| found.what).collect::<Vec<_>>();
    assert_eq!(words(&found), ["changed smoke"]);
    assert_eq!(notices(&stage.wait(1_800)), [""; 0]);
    assert_eq!(notices(&stage.wait(1)), ["over smoke"]);
}

#[test]
fn who_works_on_a_device_wakes_nobody() {
    let mut stage = stage("2026-04-20T14:00:00+08:00", HOUR);
    let work = Maintenance {
        id: 1,
        scope: MaintenanceScope::Device(DeviceId::parse("cam-1").unwrap()),
        from: stage.now,
        until: stage.now.plus(HOUR),
        reason: "lens".into(),
        by: "li".into(),
    };
    let land = world(HOUR).with_maintenance(&Arc::new(vec![work]));
    stage.engine = Engine::new(Settings::default(), Arc::new(land));
    let now = stage.now;
    assert_eq!(stage.take("cam-1", fire(None), Some(now)), []);
    assert_eq!(stage.take("cam-2", fire(None), Some(now)).len(), 1);
}

/// A dry day with this wind at all stations, for so many hours; station 3 has a broken anemometer.
fn windy(stage: &mut Stage, hours: u32, wind: f64) -> Vec<What> {
    let mut found = Vec::new();
    for step in 0..hours * 12 {
        stage.now = stage.now.plus(Duration::from_secs(300));
        found.extend(tick(stage));
        let moving = f64::from(step % 5) / 10.0;
        for station in ["station-1", "station-2", "station-3", "station-4"] {
            let wind = if station == "station-3" { 0.0 } else { wind + moving };
            let values = [
                (Quantity::AirTemperatureC, 22.0 + moving),
                (Quantity::HumidityPercent, 14.0 + moving),
                (Quantity::WindSpeedMps, wind),
            ];
            let now = stage.now;
            found.extend(measures(stage, station, &values, now));
        }
    }
    found
}

#[test]
fn fire_danger_is_told_once_for_a_township_and_again_when_it_is_extreme() {
    let mut stage = stage("2026-04-12T10:00:00+08:00", Duration::from_secs(300));
    assert_eq!(notices(&windy(&mut stage, 2, 5.0)), [""; 0]);
    let found = windy(&mut stage, 2, 13.0);
    assert_eq!(notices(&found), ["begun fire_danger", "begun fire_danger"], "one for each of two townships");
    let What::Begun(notice) = found.iter().find(|what| matches!(what, What::Begun(_))).unwrap() else { return };
    assert_eq!((notice.township.as_ref().map(TownshipCode::as_str), notice.devices_count), (Some("150425100"), 3));
    let Matter::Threshold { value, limit, is_grave, .. } = &notice.matter else { return };
    assert!(*value > 20.0 && *limit == 20.0 && !is_grave, "{value}");
    let found = windy(&mut stage, 1, 19.0);
    assert_eq!(
        notices(&found).iter().filter(|word| *word == "changed fire_danger").count(),
        2,
        "{:?}",
        notices(&found)
    );
    let found = windy(&mut stage, 3, 3.0);
    assert_eq!(notices(&found).iter().filter(|word| *word == "over fire_danger").count(), 2, "{:?}", notices(&found));
}

#[test]
fn snow_and_rain_take_the_danger_away() {
    let mut stage = stage("2026-04-12T10:00:00+08:00", Duration::from_secs(300));
    assert_eq!(notices(&windy(&mut stage, 2, 13.0)).len(), 2);
    for station in ["station-1", "station-2", "station-4"] {
        let now = stage.now;
        // The third has no rain gauge; the median of three is dry only if two are.
        measures(&mut stage, station, &[(Quantity::HumidityPercent, 40.0), (Quantity::RainMm, 1.4)], now);
    }
    assert_eq!(notices(&windy(&mut stage, 1, 13.0)), ["over fire_danger", "over fire_danger"]);
}

/// A season at all stations, four values a day, until a day; a proposal for each day that has one.
fn season(stage: &mut Stage, green: &str, until: &str) -> (Vec<String>, Vec<crate::stations::LateGreenUp>) {
    let (green, until) = (LegalDate::parse(green).unwrap(), LegalDate::parse(until).unwrap());
    let (mut found, mut late) = (Vec::new(), Vec::new());
    while let Some(today) = LegalDate::of(stage.now).filter(|today| *today < until) {
        stage.now = stage.now.plus(HOUR * 6);
        found.extend(tick(stage));
        late.extend(stage.engine.take_late_green_up());
        let grown = (f64::from(today.days_since(green)) / 40.0).clamp(0.0, 1.0);
        let warmed = (f64::from(today.days_since(green) + 20) / 60.0).clamp(0.0, 1.0);
        for number in 1..=4 {
            let values = [
                // A sensor that stands still is stuck.
                (Quantity::Ndvi, 0.12 + 0.33 * grown + 0.001 * f64::from(stage.offset as u32 % 7)),
                (Quantity::SoilTemperatureC, -6.0 + 28.0 * warmed),
                (Quantity::SoilMoisturePercent, 14.0 + 0.1 * grown),
            ];
            let now = stage.now;
            found.extend(measures(stage, &format!("station-{number}"), &values, now));
        }
    }
    (notices(&found), late)
}

#[test]
fn a_late_spring_is_told_once_and_proposes_every_day_until_it_is_green() {
    let mut stage = stage("2026-03-01T00:00:00+08:00", HOUR * 6);
    let (told, late) = season(&mut stage, "2026-06-01", "2026-06-16");
    assert_eq!(told, ["begun green_up", "over green_up"]);
    let first = late.first().unwrap();
    assert_eq!((first.on.to_string().as_str(), first.last.to_string().as_str()), ("2026-05-31", "2026-06-15"));
    assert_eq!((first.proposed_last.to_string().as_str(), first.rule.as_str()), ("2026-06-30", "春季休牧"));
    assert_eq!((first.greened, first.judged, first.is_whole_rule, first.zones.len()), (0, 4, true, 1));
    let one = first.stations.first().unwrap();
    assert!(one.greened.is_none() && one.is_judged && one.ndvi.unwrap() < 0.15, "{one:?}");
    assert!(late.len() > 3 && late.iter().all(|one| one.rule == first.rule), "{}", late.len());
    let (_, early) = season(&mut self::stage("2026-03-01T00:00:00+08:00", HOUR * 6), "2026-04-25", "2026-07-01");
    assert_eq!(early, []);
}

#[test]
fn one_station_says_nothing_about_the_banner() {
    let mut stage = stage("2026-03-01T00:00:00+08:00", HOUR * 6);
    while stage.now < Timestamp::parse_rfc3339("2026-06-10T00:00:00+08:00").unwrap() {
        stage.now = stage.now.plus(HOUR * 6);
        let found = tick(&mut stage);
        assert_eq!((notices(&found), stage.engine.take_late_green_up()), (vec![], None));
        let now = stage.now;
        let moving = f64::from(stage.offset as u32 % 7) / 100.0;
        let values = [(Quantity::Ndvi, 0.12 + moving), (Quantity::SoilTemperatureC, 3.0 + moving)];
        measures(&mut stage, "station-1", &values, now);
    }
}

/// Everything that this part knows happens here, in a way that does not depend on chance.
fn busy_spring(stage: &mut Stage, restart: bool) -> Vec<What> {
    let mut found = Vec::new();
    for hour in 0..24 * 40_u32 {
        if restart && hour % 7 == 3 {
            let saved = stage.engine.save();
            let world = Arc::clone(stage.engine.world());
            stage.engine = Engine::restore(Settings::default(), world, &saved).unwrap();
            assert_eq!(stage.engine.save(), saved);
        }
        stage.now = stage.now.plus(HOUR);
        found.extend(tick(stage));
        let (now, wave) = (stage.now, f64::from(hour % 24) - 12.0);
        for number in 1..=4_u32 {
            let values = [
                (Quantity::AirTemperatureC, 14.0 + wave.abs() * -1.4 + f64::from(number)),
                (Quantity::HumidityPercent, 20.0 + wave.abs()),
                (Quantity::WindSpeedMps, 9.0 + f64::from(hour % 11)),
                (Quantity::Ndvi, 0.12 + f64::from(hour) / 8_000.0),
                (Quantity::SoilTemperatureC, 6.0 + wave / 10.0),
                (Quantity::SoilMoisturePercent, 8.0 - f64::from(hour) / 400.0),
            ];
            let at = if hour % 50 == 0 { now.minus(HOUR * 30) } else { now };
            found.extend(measures(stage, &format!("station-{number}"), &values, at));
        }
        if hour % 97 == 0 {
            let seen = Place::Ground { position: Position::parse(NORTH.0, NORTH.1).unwrap(), accuracy_m: None };
            let body = fire((hour % 2 == 0).then_some(seen));
            found.extend(stage.take("cam-1", body, Some(now)).into_iter().map(|found| found.what));
        }
    }
    found
}

#[test]
fn a_replay_and_any_number_of_restarts_find_the_same() {
    let start = || stage("2026-05-08T00:00:00+08:00", HOUR);
    let (mut once, mut again, mut restarted) = (start(), start(), start());
    let found = busy_spring(&mut once, false);
    for kind in ["begun frost", "begun wind", "begun fire_danger", "begun drought", "begun smoke", "over smoke"] {
        assert!(words(&found).iter().any(|word| word == kind), "{kind}: {:?}", notices(&found));
    }
    assert_eq!(busy_spring(&mut again, false), found);
    assert_eq!(busy_spring(&mut restarted, true), found);
    assert_eq!(restarted.engine.state, once.engine.state);
}

#[test]
fn a_heartbeat_is_no_measurement() {
    let mut stage = stage("2026-05-20T02:00:00+08:00", HOUR);
    let now = stage.now;
    stage.take("station-1", Body::Heartbeat(Heartbeat::default()), Some(now));
    assert!(stage.engine.state.stations.stations.is_empty());
}
