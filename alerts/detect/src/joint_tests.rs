//! What several sightings say together, as sentences.

use super::*;
use crate::testing::{Stage, cases};
use model::{Position, What};

/// So far inside the southern border of the zone `north`, which is at 43.300.
fn inside(north_m: f64) -> (f64, f64) {
    let place = Position::parse(43.300, 117.506).unwrap().moved(0.0, north_m);
    (place.lat_deg(), place.lon_deg())
}

#[track_caller]
fn check(looks: &[(&str, f64)], expected: &[&str]) -> Option<String> {
    let mut stage = Stage::at("2026-11-22T10:00:00+08:00");
    let mut found = Vec::new();
    for (device, north_m) in looks {
        found.extend(stage.sees(device, inside(*north_m), 40));
        stage.wait(10);
    }
    assert_eq!(cases(&found), expected);
    found.into_iter().find_map(|what| match what {
        What::Opened(case) => Some(case.evidence),
        _ => None,
    })
}

#[test]
fn three_sightings_of_which_none_is_sure_make_a_case_by_what_they_say_together() {
    // Good to 10 m each: 9 m inside is P = 0.8, too little for one alone.
    let evidence = check(&[("cam-1", 9.0), ("cam-1", 9.0), ("cam-1", 9.0)], &["opened in north"]).unwrap();
    assert!(
        evidence.starts_with("3 sightings by 1 device within 20 s together place the herd inside (P = 0.8"),
        "{evidence}"
    );
}

#[test]
fn one_camera_is_no_surer_by_looking_often_and_two_that_err_for_themselves_are() {
    check(&[("cam-1", 5.0); 12], &[]);
    check(&[("cam-1", 6.0), ("cam-2", 6.0), ("cam-1", 6.0), ("cam-2", 6.0)], &["opened in north"]);
}

#[test]
fn two_cameras_that_contradict_each_other_are_less_sure_than_either() {
    let place = |east: f64| ((east, 0.0), Inverse::of(99.0, 99.0, 0.0));
    let agreeing = fused(&[place(0.0), place(0.0)]).unwrap().1;
    let contradicting = fused(&[place(-60.0), place(60.0)]).unwrap().1;
    assert!((agreeing.sigma_m() - 50_f64.sqrt()).abs() < 1e-6, "{agreeing:?}");
    assert!(contradicting.sigma_m() > 3.0 * agreeing.sigma_m(), "{contradicting:?}");
}

#[test]
fn a_bush_inside_beside_a_herd_outside_makes_no_case_of_it() {
    check(&[("cam-1", -8.0), ("cam-2", 120.0), ("cam-1", -8.0), ("cam-1", -8.0), ("cam-2", 120.0)], &[]);
}
