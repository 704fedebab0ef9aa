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

#[test]
fn far_from_every_border_nothing_is_sampled_and_the_answer_is_the_same() {
    let outline = |low: i32, high: i32| polygon(&[(low, low), (high, low), (high, high), (low, high)], &[]);
    let fence = build(&[vec![outline(400_000_000, 410_000_000)], vec![outline(402_000_000, 420_000_000)]]);
    let mut without_sampling = 0;
    for step in 0..400 {
        let place = 39.9 + f64::from(step) * 0.006;
        let position = Position::parse(place, place + 0.0013).unwrap();
        let spread = Spread::ellipse(300.0, 40.0, f64::from(step));
        let mut hits = std::collections::BTreeMap::<u32, f64>::new();
        for point in spread.lattice(position) {
            for zone in fence.zones_of(fence.set_at(point.into())) {
                *hits.entry(*zone).or_default() += 1.0 / 64.0;
            }
        }
        assert_eq!(fence.probabilities(position, spread), hits.into_iter().collect::<Vec<_>>(), "at {place}");
        without_sampling +=
            usize::from(spread.reach(position).and_then(|reach| fence.cells().only_set(reach)).is_some());
    }
    assert!((300..400).contains(&without_sampling), "{without_sampling}");
}
