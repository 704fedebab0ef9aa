//! An hour of a whole fleet with everything that goes wrong with devices: what is told of it is true, and what is true is told, once.

use firmware_sim::hour::Hour;
use journeys::hour::{judge, play};

#[test]
fn in_an_hour_of_five_thousand_devices_every_change_that_is_told_is_true_and_every_true_one_is_told() {
    for seed in 1..=4 {
        let hour = Hour::make(seed);
        let verdict = judge(&hour, &play(&hour).unwrap());
        println!("seed {seed}\n{}", verdict.table());
        assert!(verdict.unexplained.is_empty() && verdict.missing.is_empty(), "seed {seed}:\n{}", verdict.table());
        let told: u32 = verdict.counts.values().map(|(told, _)| told).sum();
        assert!(told > 60, "the hour has something to tell: {told}");
    }
}
