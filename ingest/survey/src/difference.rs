//! How much land one drawing has that another has not.
//!
//! In: two lists of polygons on whole 1e-7 degrees.   Out: [`AreaDifference`].   Never: a changed geometry.

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use model::{GeoPoint, Polygon, Ring, area_m2};

/// The overlay multiplies differences in 64 bits.
const SPAN_MAX: i64 = 1 << 30;

/// Square metres of one drawing that are not in the other.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AreaDifference {
    /// In the new one and not in the old.
    pub gained_m2: f64,
    /// In the old one and not in the new.
    pub lost_m2: f64,
}

/// What changes between two drawings; `None` when they lie so far apart that nothing of them can be the same place.
pub fn difference(old: &[Polygon], new: &[Polygon]) -> Option<AreaDifference> {
    if old == new {
        return Some(AreaDifference::default());
    }
    let origin = origin(old, new)?;
    let area = |rule| area_m2(&overlay(old, new, origin, rule));
    Some(AreaDifference { gained_m2: area(OverlayRule::InverseDifference), lost_m2: area(OverlayRule::Difference) })
}

/// The middle of both, if nothing is too far from it.
fn origin(old: &[Polygon], new: &[Polygon]) -> Option<GeoPoint> {
    let points = || old.iter().chain(new).flat_map(|polygon| &polygon.exterior);
    let middle = |of: fn(&GeoPoint) -> i32| -> Option<i32> {
        let (low, high) = (points().map(of).min()?, points().map(of).max()?);
        let span = i64::from(high) - i64::from(low);
        (span < SPAN_MAX).then(|| i32::try_from(i64::midpoint(i64::from(low), i64::from(high))).ok()).flatten()
    };
    if old.is_empty() && new.is_empty() {
        return Some(GeoPoint { lon_e7: 0, lat_e7: 0 });
    }
    Some(GeoPoint { lon_e7: middle(|point| point.lon_e7)?, lat_e7: middle(|point| point.lat_e7)? })
}

fn overlay(old: &[Polygon], new: &[Polygon], origin: GeoPoint, rule: OverlayRule) -> Vec<Polygon> {
    let vertices = old.iter().chain(new).map(|polygon| polygon.exterior.len()).sum();
    let mut overlay = Overlay::new(vertices);
    // In range: both span less than 2^30.
    let inward = |point: &GeoPoint| IntPoint {
        x: point.lon_e7.wrapping_sub(origin.lon_e7),
        y: point.lat_e7.wrapping_sub(origin.lat_e7),
    };
    for (polygons, role) in [(old, ShapeType::Subject), (new, ShapeType::Clip)] {
        for ring in polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes)) {
            overlay.add_contour(&ring.iter().map(inward).collect::<Vec<_>>(), role);
        }
    }
    let outward = |point: &IntPoint| GeoPoint {
        lon_e7: point.x.wrapping_add(origin.lon_e7),
        lat_e7: point.y.wrapping_add(origin.lat_e7),
    };
    overlay
        .overlay(rule, FillRule::EvenOdd)
        .into_iter()
        .filter_map(|shape| {
            let mut rings = shape.into_iter().map(|contour| contour.iter().map(outward).collect::<Ring>());
            Some(Polygon { exterior: rings.next()?, holes: rings.collect() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(west: i32, south: i32, east: i32, north: i32) -> Polygon {
        let corner =
            |lon: i32, lat: i32| GeoPoint { lon_e7: 1_170_000_000 + lon * 1_000, lat_e7: 430_000_000 + lat * 1_000 };
        Polygon {
            exterior: vec![corner(west, south), corner(east, south), corner(east, north), corner(west, north)],
            holes: vec![],
        }
    }

    #[track_caller]
    fn check(old: &[Polygon], new: &[Polygon], gained: &[Polygon], lost: &[Polygon]) {
        let found = difference(old, new).unwrap();
        let near = |got: f64, want: f64| (got - want).abs() <= want * 1e-6 + 0.01;
        assert!(near(found.gained_m2, area_m2(gained)), "{found:?}");
        assert!(near(found.lost_m2, area_m2(lost)), "{found:?}");
    }

    #[test]
    fn a_border_that_moves_gains_on_one_side_and_loses_on_the_other() {
        let (old, new) = (rectangle(0, 0, 100, 100), rectangle(10, 0, 130, 100));
        check(std::slice::from_ref(&old), &[new], &[rectangle(100, 0, 130, 100)], &[rectangle(0, 0, 10, 100)]);
        check(std::slice::from_ref(&old), std::slice::from_ref(&old), &[], &[]);
        check(&[], std::slice::from_ref(&old), std::slice::from_ref(&old), &[]);
        check(&[old], &[], &[], &[rectangle(0, 0, 100, 100)]);
    }

    #[test]
    fn a_hole_that_is_cut_is_lost_and_one_that_is_filled_is_gained() {
        let whole = rectangle(0, 0, 100, 100);
        let hole = rectangle(40, 40, 60, 60);
        let holed = Polygon { holes: vec![hole.exterior.iter().rev().copied().collect()], ..whole.clone() };
        check(std::slice::from_ref(&whole), std::slice::from_ref(&holed), &[], std::slice::from_ref(&hole));
        check(&[holed], &[whole], &[hole], &[]);
    }

    #[test]
    fn drawings_on_two_sides_of_the_earth_have_nothing_to_compare() {
        let far = Polygon {
            exterior: [(-1_000_000_000, 0), (-999_000_000, 0), (-999_000_000, 1_000_000)]
                .map(|(lon_e7, lat_e7)| GeoPoint { lon_e7, lat_e7 })
                .to_vec(),
            holes: vec![],
        };
        assert_eq!(difference(&[rectangle(0, 0, 1, 1)], &[far]), None);
    }
}
