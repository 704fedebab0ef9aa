//! Which sighting is of which herd, as sentences.

use super::*;
use crate::testing::{NORTH, Stage};
use model::Position;
use std::time::Duration;

fn herds(stage: &Stage) -> Vec<usize> {
    stage.engine.state.herds.list().iter().map(|herd| herd.seen.len()).collect()
}

/// So far north of [`NORTH`].
fn off(north_m: f64) -> (f64, f64) {
    let place = Position::parse(NORTH.0, NORTH.1).unwrap().moved(0.0, north_m);
    (place.lat_deg(), place.lon_deg())
}

#[test]
fn what_comes_late_is_of_the_herd_that_was_there_then_not_of_the_one_that_is_there_now() {
    let mut stage = Stage::at("2026-11-22T10:00:00+08:00");
    let began = stage.now;
    // One walks north while the other follows to where the first one was.
    for minute in 0..30 {
        stage.sees("cam-1", off(f64::from(minute) * 40.0), 40);
        stage.sees("cam-2", off(f64::from(minute) * 40.0 - 1_200.0), 90);
        stage.wait(60);
    }
    assert_eq!(herds(&stage), [30, 30]);
    stage.saw("drone-1", off(0.0), 40, began.plus(Duration::from_secs(30)));
    assert_eq!(herds(&stage), [31, 30]);
}

#[test]
fn hours_that_come_at_once_do_not_push_out_where_a_herd_is_now() {
    let mut stage = Stage::at("2026-11-22T10:00:00+08:00");
    let began = stage.now;
    stage.wait(7_200);
    stage.sees("cam-1", NORTH, 40);
    for second in 0..300 {
        stage.saw("cam-2", NORTH, 40, began.plus(Duration::from_secs(second)));
    }
    let herd = stage.engine.state.herds.list().first().unwrap();
    assert_eq!((stage.engine.state.herds.len(), herd.seen.len()), (1, SEEN_MAX));
    assert!(herd.seen.iter().any(|seen| seen.device.as_str() == "cam-1"));
    assert!(herd.centre.is_some());
}

#[test]
fn what_was_taken_for_a_sheep_once_is_given_up_when_it_can_establish_nothing_any_more() {
    let mut stage = Stage::at("2026-11-22T10:00:00+08:00");
    stage.sees("cam-1", NORTH, 1);
    stage.wait(299);
    assert_eq!(herds(&stage), [1]);
    stage.wait(2);
    assert_eq!(herds(&stage), [] as [usize; 0]);
}

#[test]
fn the_map_shows_how_a_herd_is_uncertain_as_those_who_saw_it_last_err() {
    let mut stage = Stage::at("2026-11-22T10:00:00+08:00");
    stage.sees("cam-1", NORTH, 40);
    let mut herd = stage.engine.state.herds.list().first().unwrap().clone();
    let shown = |herd: &Herd| {
        let (_, sigma_m, ellipse) = herd.ellipse().unwrap();
        let area = (ellipse.along_m * ellipse.across_m).sqrt();
        assert!((area - sigma_m).abs() < 1e-6, "the area stays what it was weighed with: {ellipse:?}");
        ellipse
    };
    let round = shown(&herd);
    assert!((round.along_m - round.across_m).abs() < 0.01, "{round:?}");
    // A camera that looks to the north-east over flat land.
    herd.seen.back_mut().unwrap().located.spread = Spread::ellipse(90.0, 10.0, 45.0);
    let long = shown(&herd);
    assert!((long.bearing_deg - 45.0).abs() < 0.5 && long.along_m > 8.0 * long.across_m, "{long:?}");
    // A second one that looks at right angles to it: what both agree on is round, whoever spoke last.
    let mut other = herd.seen.back().unwrap().clone();
    other.device = model::DeviceId::parse("cam-2").unwrap();
    other.located.spread = Spread::ellipse(90.0, 10.0, 135.0);
    herd.seen.push_back(other);
    let both = shown(&herd);
    assert!((both.along_m / both.across_m - 1.0).abs() < 0.01, "{both:?}");
}
