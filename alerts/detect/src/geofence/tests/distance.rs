//! Distances to borders, beside those of `geo`.

use super::oracle::{build, geo_polygon, near, point, polygon, star};
use super::*;
use geo::{Distance, Euclidean};
use rand::{SeedableRng, rngs::StdRng};

/// The least distance from a point to a ring of a polygon, in metres on the plane at the point's latitude.
fn by_geo_m(polygon: &Polygon, point: GeoPoint) -> f64 {
    let lat_deg = point.degrees().1;
    let here = Position::parse(lat_deg, 100.0).unwrap();
    let per_lon_m = here.distance_m(Position::parse(lat_deg, 100.001).unwrap()) / 1e4;
    let per_lat_m = here.distance_m(Position::parse(lat_deg + 0.001, 100.0).unwrap()) / 1e4;
    let plane = |c: geo::Coord| geo::Coord {
        x: (c.x - f64::from(point.lon_e7)) * per_lon_m,
        y: (c.y - f64::from(point.lat_e7)) * per_lat_m,
    };
    let shape = geo::MapCoords::map_coords(&geo_polygon(polygon), plane);
    let rings = std::iter::once(shape.exterior()).chain(shape.interiors());
    rings.map(|ring| Euclidean.distance(&geo::Point::new(0.0, 0.0), ring)).fold(f64::INFINITY, f64::min)
}

#[test]
fn distances_are_those_of_geo_within_the_band_and_none_beyond() {
    let mut random = StdRng::seed_from_u64(21);
    let mut outline = |x: i32, y: i32| star(&mut random, 700, x, y, 8e5);
    let zones = vec![
        vec![polygon(&outline(1_170_000_000, 433_000_000), &[])],
        vec![polygon(&outline(1_170_900_000, 433_500_000), &[])],
    ];
    let fence = build(&zones);
    let band_m = 150.0;
    let mut found = 0;
    let mut random = StdRng::seed_from_u64(22);
    for (x, y) in near(&mut random, &zones, 1_500, 20_000) {
        let place = point(x, y);
        let expected: Vec<f64> = zones.iter().map(|zone| by_geo_m(&zone[0], place)).collect();
        for (zone, expected_m) in (0..).zip(&expected) {
            let is_inside = fence.zones_of(fence.set_at(place)).contains(&zone);
            match fence.distance_m(zone, place, band_m) {
                Some(away_m) => {
                    assert!((away_m.abs() - expected_m).abs() <= expected_m * 0.01 + 0.01, "{away_m} {expected_m}");
                    assert!(away_m == 0.0 || (away_m < 0.0) == is_inside);
                    found += 1;
                }
                None => assert!(*expected_m > band_m * 0.99, "{expected_m} at {x} {y}"),
            }
        }
        let nearest_m = expected.iter().copied().fold(f64::INFINITY, f64::min);
        let border_m = fence.border_m(place, band_m);
        assert!(border_m.map_or(nearest_m > band_m * 0.99, |m| (m - nearest_m).abs() <= nearest_m * 0.01 + 0.01));
    }
    assert!(found > 1_000, "{found}");
}

#[test]
fn a_crowd_of_zones_has_distances_and_a_place_without_zones_has_none() {
    let zones: Vec<Vec<Polygon>> = (0..70)
        .map(|i| vec![polygon(&[(0, -1_000), (200_000, 60_000 + i), (200_000, 90_000 - i), (i, 90_000)], &[])])
        .collect();
    let fence = build(&zones);
    for (number, zone) in (0..).zip(&zones) {
        let place = point(100_000, 32_000);
        let (away_m, expected_m) = (fence.distance_m(number, place, 500.0).unwrap(), by_geo_m(&zone[0], place));
        assert!((away_m.abs() - expected_m).abs() <= expected_m * 0.01, "{away_m} {expected_m}");
    }
    assert_eq!(fence.border_m(point(50_000_000, 50_000_000), 500.0), None);
    assert_eq!(Geofence::empty().border_m(point(5, 5), 500.0), None);
}
