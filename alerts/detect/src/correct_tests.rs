use crate::testing::{NORTH, SOUTH, Stage, cases, words};
use model::{Timestamp, What};
use std::time::Duration;

/// No closure in the south, the no-grazing zone in the north.
const SUMMER: &str = "2026-07-10T10:00:00+08:00";
/// Nobody's land, a kilometre off the zones.
const FAR: (f64, f64) = (43.3245, 117.506);
/// A few minutes' walk south of the north zone.
const BESIDE: (f64, f64) = (43.2985, 117.506);

fn minutes_before(now: Timestamp, minutes: u64) -> Timestamp {
    now.minus(Duration::from_secs(minutes * 60))
}

#[test]
fn a_stay_that_a_late_fix_shows_to_be_two_visits_is_withdrawn() {
    let mut stage = Stage::at(SUMMER);
    let found = stage.fix(NORTH);
    assert!(found.is_empty());
    stage.wait(480);
    assert_eq!(cases(&stage.fix(NORTH)), ["opened in north"]);
    let between = minutes_before(stage.now, 4);
    stage.wait(10);
    let found = stage.fixed("collar-1", BESIDE, between);
    assert_eq!(words(&found), ["withdrawn in north"]);
    let [What::Withdrawn(case)] = &found[..] else { panic!() };
    assert_eq!(case.ended_at, Some(case.last_seen));
    assert_eq!(stage.engine.open_cases().count(), 0);
    assert!(stage.wait(60).is_empty(), "and is not told again");
}

#[test]
fn late_fixes_that_agree_withdraw_nothing() {
    let mut stage = Stage::at(SUMMER);
    stage.fix(NORTH);
    stage.wait(480);
    assert_eq!(cases(&stage.fix(NORTH)), ["opened in north"]);
    let between = minutes_before(stage.now, 4);
    assert!(cases(&stage.fixed("collar-1", NORTH, between)).is_empty());
    assert_eq!(stage.engine.open_cases().count(), 1);
}

#[test]
fn a_visit_that_only_late_data_tells_of_is_one_late_case_that_is_over() {
    let mut stage = Stage::at(SUMMER);
    stage.sees("cam-2", SOUTH, 40);
    stage.wait(3_600);
    stage.sees("cam-2", SOUTH, 40);
    let mut found = Vec::new();
    for minute in [40, 39, 38, 37] {
        let at = minutes_before(stage.now, minute);
        found.extend(stage.saw("cam-1", NORTH, 40, at));
        stage.wait(1);
    }
    assert_eq!(cases(&found), ["opened in north", "ended in north"]);
    let [What::Opened(opened), What::Ended(ended), ..] = &found[..] else { panic!("{:?}", words(&found)) };
    assert!(opened.late);
    assert_eq!(opened.id, ended.id);
    assert!(ended.ended_at.is_some());
    // The fourth sighting lengthened it; that is told once it may be told again.
    let told = stage.wait(15);
    let [What::SeenAgain(last)] = &told[..] else { panic!("{:?}", words(&told)) };
    assert_eq!(last.id, opened.id);
    assert_eq!(last.last_seen.since(ended.last_seen), Duration::from_secs(61));
    assert!(last.ended_at.is_some());
}

#[test]
fn what_was_outside_before_comes_late_and_ends_nothing() {
    let mut stage = Stage::at(SUMMER);
    stage.sees("cam-2", FAR, 40);
    stage.wait(1_200);
    let mut found = Vec::new();
    for _ in 0..4 {
        found.extend(stage.sees("cam-1", NORTH, 40));
        stage.wait(30);
    }
    assert_eq!(cases(&found), ["opened in north"]);
    let mut late = Vec::new();
    for minute in [18, 17, 16, 15] {
        let at = minutes_before(stage.now, minute);
        late.extend(stage.saw("cam-2", FAR, 40, at));
    }
    assert!(cases(&late).is_empty(), "{:?}", words(&late));
    assert_eq!(stage.engine.open_cases().count(), 1);
}

#[test]
fn a_case_that_seemed_over_goes_on_when_late_data_shows_that_it_was_not() {
    let mut stage = Stage::at(SUMMER);
    let (edge, outside) = ((43.3078, 117.506), (43.3095, 117.506));
    let mut found = Vec::new();
    for _ in 0..4 {
        found.extend(stage.sees("cam-1", edge, 40));
        stage.wait(60);
    }
    // Two that were seen outside, and the herd is inside again: it seemed to have left, and to have come back.
    found.extend(stage.sees("cam-2", outside, 5));
    found.extend(stage.sees("cam-2", outside, 5));
    found.extend(stage.wait(300));
    assert_eq!(cases(&found), ["opened in north", "ended in north"]);
    let mut late = Vec::new();
    for back in [290, 280, 200, 120, 100] {
        let at = stage.now.minus(Duration::from_secs(back));
        late.extend(stage.saw("cam-1", edge, 40, at));
    }
    assert_eq!(cases(&late), ["grew in north"], "{:?}", words(&late));
    assert_eq!(stage.engine.open_cases().count(), 1);
    let What::Opened(opened) = &found[0] else { panic!() };
    assert_eq!(stage.engine.open_cases().next().unwrap().id, opened.id);
}

#[test]
fn a_fast_clock_puts_nothing_after_the_moment_in_which_we_heard_of_it() {
    let mut stage = Stage::at(SUMMER);
    let mut found = Vec::new();
    for _ in 0..3 {
        let ahead = stage.now.plus(Duration::from_secs(240));
        found.extend(stage.saw("cam-1", NORTH, 40, ahead));
        stage.wait(10);
    }
    // That its clock is wrong is told besides.
    assert_eq!(words(&found), ["begun clock", "opened in north"]);
    let Some(What::Opened(case)) = found.last() else { panic!("{found:?}") };
    assert!(case.last_seen <= stage.now, "{case:?}");
}

#[test]
fn a_track_of_many_visits_that_comes_at_once_makes_each_of_them_one_case() {
    let mut stage = Stage::at(SUMMER);
    let began = minutes_before(stage.now, 40 * 60);
    let mut found = Vec::new();
    // A fix each ten minutes: an hour beside the zone, half an hour within it, twenty times over.
    for step in 0..180_u64 {
        let at = began.plus(Duration::from_secs(step * 600));
        let place = if step % 9 < 6 { BESIDE } else { (43.3012, 117.506) };
        found.extend(stage.fixed("collar-1", place, at));
        if step % 40 == 0 {
            found.extend(stage.wait(2));
        }
    }
    let opened: std::collections::BTreeSet<_> = found
        .iter()
        .filter_map(|what| if let What::Opened(case) = what { Some(case.first_seen) } else { None })
        .collect();
    let cases = cases(&found);
    assert_eq!(opened.len(), 20, "{cases:?}");
    assert_eq!(cases.iter().filter(|word| word.starts_with("opened")).count(), 20, "{cases:?}");
    assert_eq!(cases.iter().filter(|word| word.starts_with("ended")).count(), 20 - stage.engine.open_cases().count());
    assert!(!cases.iter().any(|word| word.starts_with("withdrawn")), "{cases:?}");
}
