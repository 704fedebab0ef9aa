//! A drone that flies east at ten metres a second and turns its gimbal over north.

use super::*;
use model::{Body, DeviceId, DeviceTime, Offset, ReceivedAt};

fn home() -> Position {
    Position::parse(43.3, 117.5).unwrap()
}

fn reading(at_ms: i64) -> Reading {
    let at = Timestamp::from_millis(at_ms);
    Reading {
        device: DeviceId::parse("drone-1").unwrap(),
        offset: Offset(1),
        received_at: ReceivedAt(at),
        device_time: Some(DeviceTime(at)),
        seq: None,
        body: Body::Clock,
    }
}

fn track(east_m: f64, height_m: f64, yaw_deg: f64) -> Track {
    Track {
        position: Some(home().moved(east_m, 0.0)),
        height_m: Some(height_m),
        alt_m: Some(1_000.0 + height_m),
        gimbal: Some(Gimbal { pitch_deg: -45.0, yaw_deg, roll_deg: 0.0 }),
        accuracy_m: Some(2.0),
        ..Track::default()
    }
}

/// Tracks at 10, 12 and 14 s.
fn flight() -> Flight {
    let mut flight = Flight::default();
    for (at_ms, east_m, height_m, yaw_deg) in
        [(12_000, 20.0, 102.0, 10.0), (10_000, 0.0, 100.0, 350.0), (14_000, 40.0, 104.0, 10.0)]
    {
        flight.add(&reading(at_ms), &track(east_m, height_m, yaw_deg));
    }
    flight
}

/// East, height, yaw.
#[track_caller]
fn check(at_ms: i64, expected: Option<(f64, f64, f64)>) {
    let found = flight().at(Timestamp::from_millis(at_ms)).map(|sample| {
        assert!((sample.alt_m.unwrap() - sample.height_m - 1_000.0).abs() < 1e-9);
        (home().offset_to(sample.position).0, sample.height_m, sample.gimbal.yaw_deg.rem_euclid(360.0))
    });
    let near = |(a, b, c): (f64, f64, f64), (x, y, z): (f64, f64, f64)| {
        (a - x).abs() < 1e-3 && (b - y).abs() < 1e-9 && (c - z).abs() < 1e-9
    };
    assert!(found.is_some() == expected.is_some(), "{found:?}");
    assert!(found.zip(expected).is_none_or(|(found, expected)| near(found, expected)), "{found:?}");
}

#[test]
fn between_two_tracks_it_is_on_the_way_and_its_gimbal_turns_the_shorter_way_round() {
    check(10_000, Some((0.0, 100.0, 350.0)));
    check(10_500, Some((5.0, 100.5, 355.0)));
    check(11_500, Some((15.0, 101.5, 5.0)));
    check(12_000, Some((20.0, 102.0, 10.0)));
}

#[test]
fn up_to_two_seconds_past_its_tracks_it_goes_on_as_it_did_and_then_it_is_nowhere() {
    check(16_000, Some((60.0, 106.0, 10.0)));
    check(16_001, None);
    check(8_000, Some((-20.0, 98.0, 350.0)));
    check(7_999, None);
    assert_eq!(Flight::default().at(Timestamp::from_millis(0)), None);
}

#[test]
fn what_is_made_up_is_less_sure() {
    let accuracy = |at_ms| flight().at(Timestamp::from_millis(at_ms)).unwrap().accuracy_m;
    assert_eq!(accuracy(13_000), Some(2.0));
    assert!((accuracy(16_000).unwrap() - 10.0).abs() < 1e-3, "half of the 20 m that nobody saw");
}

#[test]
fn tracks_too_far_apart_say_nothing_of_the_time_between_them() {
    let mut flight = Flight::default();
    flight.add(&reading(0), &track(0.0, 100.0, 0.0));
    flight.add(&reading(30_000), &track(300.0, 100.0, 180.0));
    let at = |at_ms| flight.at(Timestamp::from_millis(at_ms)).map(|sample| sample.gimbal.yaw_deg);
    assert_eq!([at(1_000), at(15_000), at(29_000)], [Some(0.0), None, Some(180.0)]);
}

#[test]
fn a_flight_keeps_its_last_tracks_and_where_it_took_off() {
    let mut flight = Flight::default();
    for second in 0..200 {
        flight.add(&reading(second * 1_000), &track(second as f64, if second < 2 { 0.2 } else { 80.0 }, 0.0));
    }
    assert_eq!(flight.samples.len(), SAMPLES_MAX);
    let (east_m, _) = home().offset_to(flight.took_off.unwrap());
    assert!((east_m - 1.0).abs() < 1e-6);
    assert_eq!(flight.at(Timestamp::from_millis(100_000)), None, "forgotten");
}

#[test]
fn a_track_said_again_and_one_without_a_gimbal_change_nothing() {
    let mut again = flight();
    again.add(&reading(12_000), &track(20.0, 102.0, 10.0));
    again.add(&reading(13_000), &Track { gimbal: None, ..track(99.0, 99.0, 99.0) });
    again.add(&reading(13_000), &Track { position: None, ..track(99.0, 99.0, 99.0) });
    assert_eq!(again, flight());
}
