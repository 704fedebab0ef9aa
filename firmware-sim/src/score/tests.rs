//! Cases made by hand.

use super::*;

const MINUTE: i64 = 60_000;
const HOME: LatLon = LatLon { lat: 43.3, lon: 117.5 };

fn north_of(place: LatLon, metres: f64) -> LatLon {
    LatLon { lat: place.lat + metres / 111_100.0, ..place }
}

/// A herd that stands for two hours and is in closed land in these minutes.
fn herd(id: &str, place: LatLon, closed: &[(i64, i64)]) -> HerdTruth {
    let path = (0..=720)
        .map(|step| {
            let at_ms = step * 10_000;
            let closed = closed.iter().any(|(from, to)| (from * MINUTE..=to * MINUTE).contains(&at_ms));
            Stand { at_ms, place, closed, touched: closed }
        })
        .collect();
    HerdTruth { id: id.into(), sheep_units: 40.0, radius_m: 30.0, path }
}

fn sight(herd: &str, minute: i64, device: &str, by: By) -> Sight {
    let at_ms = minute * MINUTE;
    Sight { at_ms, arrived_ms: Some(at_ms + 500), device: device.into(), herd: herd.into(), by, inside: true }
}

fn pictures(herd: &str, minutes: [i64; 3]) -> Vec<Sight> {
    minutes.map(|minute| sight(herd, minute, "cam-1", By::Picture)).into()
}

fn incident(id: &str, (from, to): (i64, i64), place: LatLon) -> Incident {
    let (first_seen_ms, last_seen_ms) = (from * MINUTE, to * MINUTE);
    let trace = [first_seen_ms, last_seen_ms].map(|at_ms| Trace { at_ms, place, accuracy_m: 10.0 }).into();
    let opened_ms = Some(first_seen_ms + 2 * MINUTE);
    Incident { id: id.into(), first_seen_ms, last_seen_ms, opened_ms, sheep_units: (34.0, 46.0), trace }
}

fn truth(herds: Vec<HerdTruth>, seen: Vec<Sight>) -> Truth {
    Truth { herds, seen, clock_error_ms: 0 }
}

#[track_caller]
fn check(score: &Score, recall: (usize, usize), precision: (usize, usize), once: usize) {
    assert_eq!((score.found, score.seen_enough), recall, "found of seen enough");
    assert_eq!((score.right, score.incidents), precision, "right of incidents");
    assert_eq!(score.told_once, once, "told once");
}

#[test]
fn one_incursion_and_its_incident_are_found_right_and_told_once() {
    let truth = truth(vec![herd("a", HOME, &[(10, 40)])], pictures("a", [11, 12, 13]));
    let score = score(&truth, &[incident("i", (11, 39), HOME)]);
    check(&score, (1, 1), (1, 1), 1);
    assert_eq!((score.covered, score.counted), (1, 1));
    // Told at minute 13, the third picture arrived half a second after minute 13.
    assert_eq!(score.delays.quantile_s(0.5), 0.0);
}

#[test]
fn a_miss_is_a_miss_only_if_enough_was_seen() {
    let herds = vec![herd("a", HOME, &[(10, 40)])];
    let missed = score(&truth(herds.clone(), pictures("a", [11, 12, 13])), &[]);
    check(&missed, (0, 1), (0, 0), 0);
    assert_eq!(missed.missed.len(), 1);
    let glimpsed = score(&truth(herds.clone(), pictures("a", [11, 14, 17])), &[]);
    check(&glimpsed, (0, 0), (0, 0), 0);
    assert_eq!((glimpsed.incursions, glimpsed.seen), (1, 1));
    let mut lost = pictures("a", [11, 12, 13]);
    lost[1].arrived_ms = None;
    check(&score(&truth(herds, lost), &[]), (0, 0), (0, 0), 0);
}

#[test]
fn three_minutes_are_no_incursion_and_a_moment_outside_ends_none() {
    let short = truth(vec![herd("a", HOME, &[(10, 13)])], pictures("a", [11, 12, 13]));
    assert_eq!(incursions(&short), []);
    let interrupted = truth(vec![herd("a", HOME, &[(10, 20), (22, 30)])], vec![]);
    assert_eq!(incursions(&interrupted).len(), 1);
    let twice = truth(vec![herd("a", HOME, &[(10, 20), (24, 30)])], vec![]);
    assert_eq!(incursions(&twice).len(), 2);
}

#[test]
fn an_incident_elsewhere_or_at_another_time_is_wrong() {
    let truth = truth(vec![herd("a", HOME, &[(10, 40)])], pictures("a", [11, 12, 13]));
    let elsewhere = incident("elsewhere", (11, 39), north_of(HOME, 900.0));
    let afterwards = incident("afterwards", (50, 60), HOME);
    let score = score(&truth, &[elsewhere, afterwards]);
    check(&score, (0, 1), (0, 2), 0);
    assert_eq!(score.wrong, ["elsewhere", "afterwards"]);
}

#[test]
fn two_incidents_of_one_herd_and_incursion_are_told_twice_and_of_two_herds_once_each() {
    let both = vec![herd("a", HOME, &[(10, 40)]), herd("b", north_of(HOME, 900.0), &[(10, 40)])];
    let mut seen = pictures("a", [11, 12, 13]);
    seen.extend(pictures("b", [11, 12, 13]));
    let truth = truth(both, seen);
    let twice = [incident("i", (11, 20), HOME), incident("j", (25, 39), HOME)];
    let doubled = score(&truth, &twice);
    check(&doubled, (1, 2), (2, 2), 0);
    assert_eq!(doubled.doubled[0].1, ["i", "j"]);
    let each = [incident("i", (11, 39), HOME), incident("j", (11, 39), north_of(HOME, 900.0))];
    check(&score(&truth, &each), (2, 2), (2, 2), 2);
}

#[test]
fn two_incidents_that_change_herds_where_these_cross_are_one_each() {
    let mut seen = pictures("a", [11, 12, 13]);
    seen.extend(pictures("b", [11, 12, 13]));
    let there = north_of(HOME, 900.0);
    let truth = truth(vec![herd("a", HOME, &[(10, 40)]), herd("b", there, &[(10, 40)])], seen);
    let trace = |minutes: &[(i64, LatLon)]| {
        minutes
            .iter()
            .map(|(minute, place)| Trace { at_ms: minute * MINUTE, place: *place, accuracy_m: 10.0 })
            .collect()
    };
    let first = Incident { trace: trace(&[(12, HOME), (20, HOME), (30, there)]), ..incident("i", (11, 39), HOME) };
    let second = Incident { trace: trace(&[(12, there), (30, HOME), (35, HOME)]), ..incident("j", (11, 39), HOME) };
    check(&score(&truth, &[first, second]), (2, 2), (2, 2), 2);
}

#[test]
fn one_incident_over_two_incursions_tells_of_both() {
    let mut seen = pictures("a", [11, 12, 13]);
    seen.extend(pictures("a", [51, 52, 53]));
    let truth = truth(vec![herd("a", HOME, &[(10, 40), (50, 60)])], seen);
    let mut whole = incident("i", (11, 60), HOME);
    whole.trace.insert(1, Trace { at_ms: 30 * MINUTE, place: HOME, accuracy_m: 10.0 });
    let score = score(&truth, &[whole]);
    check(&score, (2, 2), (1, 1), 2);
    assert_eq!(score.merged, 0, "ten minutes outside are of one visit");
}

#[test]
fn an_incident_that_goes_on_over_two_visits_takes_them_for_one() {
    let mut seen = pictures("a", [11, 12, 13]);
    seen.extend(pictures("a", [71, 72, 73]));
    let truth = truth(vec![herd("a", HOME, &[(10, 40), (70, 80)])], seen);
    let mut whole = incident("i", (11, 80), HOME);
    whole.trace.insert(1, Trace { at_ms: 30 * MINUTE, place: HOME, accuracy_m: 10.0 });
    assert_eq!(score(&truth, &[whole]).merged, 1);
    let apart = [incident("i", (11, 39), HOME), incident("j", (71, 79), HOME)];
    assert_eq!(score(&truth, &apart).merged, 0);
}

#[test]
fn a_second_incident_after_half_an_hour_in_which_nobody_looked_is_counted_apart() {
    let mut seen = pictures("a", [11, 12, 13]);
    seen.extend(pictures("a", [51, 52, 53]));
    let truth = truth(vec![herd("a", HOME, &[(10, 60)])], seen);
    let twice = score(&truth, &[incident("i", (11, 13), HOME), incident("j", (51, 53), HOME)]);
    assert_eq!((twice.told_once, twice.told_again_unwatched), (0, 1));
    assert_eq!((twice.once(), twice.once_while_watched()), (0.0, 1.0));
}

#[test]
fn a_collar_needs_fixes_over_three_minutes() {
    let herds = vec![herd("a", HOME, &[(10, 40)])];
    let fixes = |minutes: &[i64]| minutes.iter().map(|minute| sight("a", *minute, "collar-1", By::Collar)).collect();
    let decided = |seen| incursions(&truth(herds.clone(), seen))[0].deciding_ms;
    assert_eq!(decided(fixes(&[12, 14])), None);
    assert_eq!(decided(fixes(&[12, 14, 16])), Some(16 * MINUTE + 500));
}

#[test]
fn what_arrives_late_decides_when_it_arrives() {
    let mut seen = pictures("a", [11, 12, 13]);
    seen[0].arrived_ms = Some(70 * MINUTE);
    let incursion = incursions(&truth(vec![herd("a", HOME, &[(10, 40)])], seen))[0];
    assert_eq!(incursion.deciding_ms, Some(70 * MINUTE));
}

#[test]
fn a_stray_over_the_border_may_be_told_and_need_not_be() {
    let mut stray = herd("a", HOME, &[]);
    stray.path.iter_mut().filter(|stand| stand.at_ms > 60 * MINUTE).for_each(|stand| stand.touched = true);
    let truth = truth(vec![stray], vec![]);
    check(&score(&truth, &[]), (0, 0), (0, 0), 0);
    check(&score(&truth, &[incident("i", (70, 80), HOME)]), (0, 0), (1, 1), 0);
    check(&score(&truth, &[incident("i", (10, 20), HOME)]), (0, 0), (0, 1), 0);
}

#[test]
fn sheep_units_are_those_of_a_herd_or_of_all_that_stand_together() {
    let together = vec![herd("a", HOME, &[(10, 40)]), herd("b", HOME, &[(10, 40)])];
    let truth = truth(together, vec![]);
    let covered = |low: f64, high: f64| {
        let told = Incident { sheep_units: (low, high), ..incident("i", (11, 39), HOME) };
        score(&truth, &[told]).covered
    };
    assert_eq!([covered(35.0, 45.0), covered(75.0, 85.0), covered(50.0, 60.0)], [1, 1, 0]);
}

#[test]
fn tenths_hold_what_was_stated_and_what_was_true() {
    let judged = [(0.95, true), (1.0, true), (0.85, false), (0.05, false)]
        .map(|(probability, inside)| Judged { probability, inside });
    let tenths = calibration(&judged);
    assert_eq!((tenths[9].count, tenths[9].inside), (2, 1.0));
    assert_eq!((tenths[8].count, tenths[8].inside), (1, 0.0));
    assert_eq!((tenths[0].count, tenths[0].stated), (1, 0.05));
}
