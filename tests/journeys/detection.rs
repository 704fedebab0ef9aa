//! Detection on trials whose truth is known: a floor below which no change may fall. `make bench BENCH=detection` has all of them.

use firmware_sim::score::{Score, score};
use firmware_sim::trial::Trial;
use journeys::detection::{play, play_with_restarts};

#[track_caller]
fn check(name: &str, recall_min: f64, precision_min: f64, once_min: f64) {
    let played = (1..=2).map(|seed| {
        let trial = Trial::make(name, seed).unwrap();
        score(&trial.truth, &play(&trial).unwrap().incidents)
    });
    let score = played.fold(Score::default(), Score::and);
    assert!(score.seen_enough > 0, "{name} has nothing to tell");
    assert!(score.recall() >= recall_min, "{name}: recall {} {:?}", score.recall(), score.missed);
    assert!(score.precision() >= precision_min, "{name}: precision {} {:?}", score.precision(), score.wrong);
    assert!(score.once() >= once_min, "{name}: told once {} {:?}", score.once(), score.doubled);
}

#[test]
fn herds_that_walk_over_a_border_are_told_and_others_are_not() {
    check("border_walkers", 0.9, 0.95, 0.8);
}

#[test]
fn twenty_restarts_change_nothing() {
    for name in ["loss_and_outage", "closure_at_midnight"] {
        let trial = Trial::make(name, 3).unwrap();
        let undisturbed = play(&trial).unwrap().incidents;
        assert!(!undisturbed.is_empty(), "{name} has something to tell");
        assert_eq!(play_with_restarts(&trial, 20).unwrap().incidents, undisturbed, "{name}");
    }
}

#[test]
fn collars_tell_of_every_incursion_once() {
    check("collars", 0.99, 0.99, 0.99);
}
