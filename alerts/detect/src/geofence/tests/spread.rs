//! How surely an uncertain position lies in a zone.

use super::oracle::{build, polygon};
use super::*;

#[test]
fn a_position_ten_sigma_from_the_border_is_certain_and_one_on_it_is_even() {
    let fence = build(&[vec![polygon(
        &[
            (1_175_000_000, 433_000_000),
            (1_176_000_000, 433_000_000),
            (1_176_000_000, 434_000_000),
            (1_175_000_000, 434_000_000),
        ],
        &[],
    )]]);
    let probability = |lat: f64, lon: f64, sigma_m: f64| {
        let found = fence.probabilities(Position::parse(lat, lon).unwrap(), Spread::round(sigma_m));
        found.first().map_or(0.0, |(_, p)| *p)
    };
    assert_eq!(probability(43.35, 117.55, 50.0), 1.0);
    assert!((probability(43.30, 117.55, 50.0) - 0.5).abs() < 0.05);
    assert_eq!(probability(43.29, 117.55, 50.0), 0.0);
    // One standard deviation inside: 84 %.
    assert!((probability(43.3 + 50.0 / 111_100.0, 117.55, 50.0) - 0.84).abs() < 0.04);
}
