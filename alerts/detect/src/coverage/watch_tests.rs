//! Cameras that live and die, what comes late, a restart, and notices.

use super::flight_tests::{Hand, device, land, origin, world};
use super::*;
use model::{Body, Device, DeviceKind, Flaw, Heartbeat, HeartbeatStatus, Matter, PanTilt, Pose, Timestamp, What, Zone};
use std::sync::Arc;
use std::time::Duration;

fn camera(id: &str, yaw_deg: f64) -> Device {
    let pose = Pose { height_m: 20.0, yaw_deg, pitch_deg: -10.0, hfov_deg: 60.0 };
    Device { place: Some(origin()), pose: Some(pose), ..device(id, DeviceKind::Camera) }
}

fn around() -> Vec<Arc<Zone>> {
    vec![land("z", (-400.0, -400.0), (800.0, 800.0))]
}

fn hand() -> Hand {
    Hand::new(&world(around(), vec![camera("cam-1", 0.0)]), Settings::default())
}

#[test]
fn a_camera_that_speaks_watches_its_sector_and_one_that_died_leaves_it_blind() {
    let mut hand = hand();
    for _ in 0..10 {
        hand.waits(60, 60);
        hand.beats("cam-1");
    }
    let last_word = hand.now;
    // A sector of 60 degrees to the range of the lens, less what is under the lower edge of the picture.
    let range_m = Glass::new(60.0, 1.0).range_m(&Settings::default());
    let expected = std::f64::consts::PI * range_m * range_m / 6.0 / 640_000.0;
    let [hour, day, week] = hand.coverage.zones(hand.now, None)[0].watched;
    assert!((hour / expected - 1.0).abs() < 0.1, "{hour} for {expected}");
    assert_eq!((hour, day), (day, week));
    hand.waits(2 * 3_600, 600);
    let row = &hand.coverage.zones(hand.now, None)[0];
    assert_eq!((row.watched[0], row.watched[1], row.last), (0.0, day, Some(last_word)));
    hand.waits(23 * 3_600, 3_600);
    assert_eq!(hand.coverage.zones(hand.now, None)[0].watched[1], 0.0);
    assert!(hand.coverage.zones(hand.now, None)[0].blind_mu() > 0.8 * 960.0, "640,000 square metres are 960 mu");
}

#[test]
fn a_flaw_that_blinds_a_fault_or_somebody_who_works_on_it_is_no_watching() {
    let check = |before: &dyn Fn(&mut Hand)| {
        let mut hand = hand();
        before(&mut hand);
        hand.waits(60, 60);
        hand.beats("cam-1");
        hand.week(0)
    };
    let flaw =
        |flaw: Flaw| move |hand: &mut Hand| hand.coverage.flawed(&model::DeviceId::parse("cam-1").unwrap(), flaw, true);
    assert!(check(&|_| {}) > 0.0);
    assert!(check(&flaw(Flaw::Battery)) > 0.0);
    for of in [Flaw::FrozenPicture, Flaw::Lens, Flaw::WrongPose, Flaw::Fault] {
        assert_eq!(check(&flaw(of)), 0.0, "{of:?}");
    }
    let broken = Heartbeat { status: Some(HeartbeatStatus::Fault), ..Heartbeat::default() };
    assert_eq!(check(&|hand| drop(hand.takes("cam-1", Body::Heartbeat(broken.clone()), None))), 0.0);
}

#[test]
fn a_head_that_turns_watches_where_it_says_it_looks_and_nothing_once_it_does_not_say() {
    let turned =
        |pan_deg| Heartbeat { pan_tilt: Some(PanTilt { pan_deg, tilt_deg: -10.0, zoom: 1.0 }), ..Heartbeat::default() };
    let mut hand = hand();
    hand.takes("cam-1", Body::Heartbeat(turned(0.0)), None);
    let once = hand.week(0);
    hand.waits(60, 60);
    hand.takes("cam-1", Body::Heartbeat(turned(180.0)), None);
    assert!((hand.week(0) / once - 2.0).abs() < 0.1, "the other way is other land");
    let until = hand.now;
    hand.waits(600, 60);
    hand.beats("cam-1");
    assert_eq!(hand.coverage.zones(hand.now, None)[0].last, Some(until), "it lives, and may look anywhere");
}

#[test]
fn what_comes_late_counts_for_its_own_time_and_in_any_order_the_same() {
    let ages_h = [0_u64, 30, 3, 200, 26];
    let watched = |order: &[usize]| {
        let mut hand = hand();
        hand.waits(300 * 3_600, 3_600);
        for at in order {
            let happened = hand.now.minus(Duration::from_secs(ages_h[*at] * 3_600));
            let beat = Heartbeat::default();
            hand.takes("cam-1", Body::Heartbeat(beat), Some(happened));
        }
        let days: Vec<u32> = hand.coverage.ledger().days().keys().copied().collect();
        (hand.coverage.zones(hand.now, None)[0].watched, hand.coverage.zones(hand.now, None)[0].last, days)
    };
    let in_order = watched(&[3, 1, 4, 2, 0]);
    assert_eq!(in_order, watched(&[0, 1, 2, 3, 4]));
    assert_eq!(in_order, watched(&[2, 0, 3, 4, 1]));
    assert_eq!(in_order.2.len(), 3, "two and two fall on one day");
    let late = watched(&[1]);
    assert_eq!((late.0[0], late.0[1]), (0.0, 0.0));
    assert!(late.0[2] > 0.0);
}

#[test]
fn after_a_restart_all_goes_on_as_if_there_had_been_none() {
    let zones = || vec![land("a", (-400.0, -400.0), (800.0, 800.0)), land("b", (400.0, -400.0), (3_000.0, 800.0))];
    let devices = || vec![camera("cam-1", 0.0), device("drone-1", DeviceKind::Drone)];
    let play = |restarts: bool| {
        let land = world(zones(), devices());
        let mut hand = Hand::new(&land, Settings::default());
        let mut kept = std::collections::BTreeMap::new();
        let mut told = Vec::new();
        for leg in 0..6 {
            hand.beats("cam-1");
            let east = f64::from(leg) * 500.0;
            hand.flies((east, 0.0), (east + 500.0, 40.0), 80.0, None);
            told.extend(hand.waits(20, 1));
            if restarts {
                let cell_m = hand.coverage.grid().lattice().cell_m();
                kept.extend(hand.coverage.ledger_mut().take_changed());
                let cells = kept.iter().map(|(key, cell)| (*key, *cell)).collect();
                let state = hand.coverage.save();
                let (coverage, outcome) = Coverage::restore(Settings::default(), &land, cell_m, cells, &state);
                assert_eq!(outcome, Ok(()));
                hand.coverage = coverage;
            }
        }
        told.extend(hand.waits(8 * 86_400, 600));
        (hand.coverage.zones(hand.now, None), hand.coverage.save(), hand.coverage.take_patrols(), told)
    };
    assert_eq!(play(true), play(false));
}

#[test]
fn a_new_border_keeps_what_was_watched_and_another_cell_size_about_so() {
    let mut hand = hand();
    hand.beats("cam-1");
    let before = hand.week(0);
    hand.coverage.set_world(&world(vec![land("z", (-400.0, -400.0), (1_600.0, 800.0))], vec![camera("cam-1", 0.0)]));
    assert!((hand.week(0) * 2.0 / before - 1.0).abs() < 0.05, "{} of twice the land", hand.week(0));
    let cells = hand.coverage.ledger_mut().take_changed();
    let fine = Settings { cell_m: 100.0, ..Settings::default() };
    let land = world(around(), vec![camera("cam-1", 0.0)]);
    let (coverage, _) = Coverage::restore(fine, &land, 250.0, cells, b"of another version");
    let share = coverage.zones(hand.now, None)[0].watched[2];
    assert!((share / before - 1.0).abs() < 0.1, "{share} {before}");
}

#[test]
fn huge_land_is_laid_out_coarser_and_never_in_more_cells_than_may_be() {
    let settings = Settings { cells_max: 500, ..Settings::default() };
    let coverage = Coverage::new(settings, &world(vec![land("z", (0.0, 0.0), (20_000.0, 20_000.0))], vec![]));
    let (cells, cell_m) = (coverage.grid().len(), coverage.grid().lattice().cell_m());
    assert!((250..=500).contains(&cells) && cell_m > 250.0, "{cells} of {cell_m} m");
    let tiny = Coverage::new(Settings::default(), &world(vec![land("t", (30.0, 30.0), (2.0, 2.0))], vec![]));
    assert_eq!(tiny.grid().len(), 1, "no land is too small to be blind");
}

fn told(found: &[What]) -> Vec<String> {
    let told = found.iter().filter_map(|what| {
        let (word, notice) = match what {
            What::Begun(notice) => ("begun", notice),
            What::Changed(notice) => ("changed", notice),
            What::Over(notice) => ("over", notice),
            _ => return None,
        };
        let Matter::Blind { zones, .. } = notice.matter else { return None };
        Some(format!("{word} {} {zones}", notice.about()))
    });
    told.collect()
}

fn watched_day(hand: &mut Hand, cameras: &[&str]) -> Vec<What> {
    let mut found = Vec::new();
    for _ in 0..24 {
        cameras.iter().for_each(|camera| hand.beats(camera));
        found.extend(hand.waits(3_600, 600));
    }
    found
}

/// What one camera sees is more than half of it.
fn before_the_lens(number: usize) -> Arc<Zone> {
    land(&format!("z-{number}"), (-40.0 + 80.0 * number as f64 / 100.0, 120.0), (60.0, 100.0))
}

fn fine() -> Settings {
    Settings { cell_m: 20.0, ..Settings::default() }
}

#[test]
fn a_zone_is_told_to_be_blind_once_its_limit_has_passed_and_once_more_when_it_is_watched_again() {
    let mut hand = Hand::new(&world(vec![before_the_lens(0)], vec![camera("cam-1", 0.0)]), fine());
    let mut found = Vec::new();
    for _ in 0..6 {
        found.extend(watched_day(&mut hand, &[]));
    }
    assert_eq!(told(&found), [""; 0], "nobody had the time");
    found.extend(watched_day(&mut hand, &[]));
    found.extend(watched_day(&mut hand, &[]));
    assert_eq!(told(&found), ["begun z-0 1"]);
    assert!(hand.coverage.zones(hand.now, None)[0].blind_since.is_some());
    let found = watched_day(&mut hand, &["cam-1"]);
    assert_eq!(told(&found), ["over z-0 1"]);
    let mut found = Vec::new();
    for _ in 0..8 {
        found.extend(watched_day(&mut hand, &["cam-1"]));
    }
    assert_eq!(told(&found), [""; 0]);
}

#[test]
fn many_blind_zones_of_a_township_are_one_notice_that_says_how_many() {
    let zones: Vec<_> = (0..8).map(before_the_lens).collect();
    let mut hand = Hand::new(&world(zones, vec![camera("cam-1", 0.0)]), fine());
    let mut found = Vec::new();
    for _ in 0..9 {
        found.extend(watched_day(&mut hand, &[]));
    }
    assert_eq!(told(&found), ["begun 150425101 8"]);
    let found = watched_day(&mut hand, &["cam-1"]);
    assert_eq!(told(&found), ["over 150425101 8"]);
}

#[test]
fn after_an_outage_of_the_platform_what_devices_kept_is_waited_for() {
    let mut hand = Hand::new(&world(vec![before_the_lens(0)], vec![camera("cam-1", 0.0)]), fine());
    for _ in 0..7 {
        watched_day(&mut hand, &["cam-1"]);
    }
    hand.now = hand.now.plus(Duration::from_secs(9 * 86_400));
    let found = hand.waits(1_800, 60);
    assert_eq!(told(&found), [""; 0]);
    let kept: Timestamp = hand.now.minus(Duration::from_secs(86_400));
    hand.takes("cam-1", Body::Heartbeat(Heartbeat::default()), Some(kept));
    assert_eq!(told(&hand.waits(7_200, 60)), [""; 0]);
}

#[test]
fn a_kind_may_have_terms_of_its_own() {
    let kinds = [(model::ZoneKind::NoGrazing, KindTerms { limit: Some(Duration::from_secs(86_400)), share: None })];
    let settings = Settings { kinds: kinds.into(), ..fine() };
    let mut hand = Hand::new(&world(vec![before_the_lens(0)], vec![]), settings);
    let mut found = watched_day(&mut hand, &[]);
    found.extend(watched_day(&mut hand, &[]));
    assert_eq!(told(&found), ["begun z-0 1"]);
}
