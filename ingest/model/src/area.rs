//! How much land a border encloses.
//!
//! In: rings of whole 1e-7 degrees.   Out: square metres or mu on the ellipsoid (CGCS2000, which here is WGS84), exact but for
//! the sixth digit of the longest edges.   Never: a projection; a figure for a subsidy, which is the surveyor's.

use crate::{GeoPoint, Polygon, Ring};

/// 1 mu is a fifteenth of a hectare, 666.67 m².
pub const SQUARE_METRES_PER_MU: f64 = 10_000.0 / 15.0;
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_694_379_990_141_317;

/// The area between the equator and a latitude for one radian of longitude, in halves of the semi-major axis squared.
fn zonal(lat_deg: f64) -> f64 {
    let eccentricity = ECCENTRICITY_SQUARED.sqrt();
    let sin = lat_deg.to_radians().sin();
    (1.0 - ECCENTRICITY_SQUARED)
        * (sin / (1.0 - ECCENTRICITY_SQUARED * sin * sin) + (eccentricity * sin).atanh() / eccentricity)
}

/// Square metres inside a ring; positive when it runs counter-clockwise. Edges are straight in degrees, as the geofence has them.
pub fn signed_area_m2(ring: &[GeoPoint]) -> f64 {
    let Some(first) = ring.first() else { return 0.0 };
    // Measured from the first vertex, so that small land keeps its digits.
    let from = zonal(first.degrees().1);
    let mut sum = 0.0;
    let mut before = (*first, 0.0);
    for point in ring.iter().skip(1).chain([first]) {
        let here = zonal(point.degrees().1) - from;
        let east = (f64::from(point.lon_e7) - f64::from(before.0.lon_e7)) / 1e7;
        let middle_deg = (f64::from(before.0.lat_e7) + f64::from(point.lat_e7)) / 2e7;
        // Simpson's rule; over a short edge the trapezoid is the same.
        let mean = if before.0.lat_e7.abs_diff(point.lat_e7) < 10_000 {
            (before.1 + here) / 2.0
        } else {
            (before.1 + 4.0 * (zonal(middle_deg) - from) + here) / 6.0
        };
        sum -= east.to_radians() * mean;
        before = (*point, here);
    }
    sum * SEMI_MAJOR_M * SEMI_MAJOR_M / 2.0
}

/// Square metres of a square of 1e-7 degree at a latitude: the smallest difference that a border can have.
pub fn square_unit_m2(at: GeoPoint) -> f64 {
    let (sin, cos) = at.degrees().1.to_radians().sin_cos();
    let w = 1.0 - ECCENTRICITY_SQUARED * sin * sin;
    let unit = 1e-7f64.to_radians() * SEMI_MAJOR_M;
    unit * unit * (1.0 - ECCENTRICITY_SQUARED) * cos / (w * w)
}

/// Square metres of exteriors without their holes.
pub fn area_m2(polygons: &[Polygon]) -> f64 {
    let ring = |ring: &Ring| signed_area_m2(ring).abs();
    polygons.iter().map(|polygon| ring(&polygon.exterior) - polygon.holes.iter().map(ring).sum::<f64>()).sum()
}

/// The same in mu.
pub fn area_mu(polygons: &[Polygon]) -> f64 {
    area_m2(polygons) / SQUARE_METRES_PER_MU
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(lon: f64, lat: f64, side: f64) -> Ring {
        let point = |x: f64, y: f64| GeoPoint { lon_e7: (x * 1e7).round() as i32, lat_e7: (y * 1e7).round() as i32 };
        vec![point(lon, lat), point(lon + side, lat), point(lon + side, lat + side), point(lon, lat + side)]
    }

    /// Of `pyproj.Geod(ellps="WGS84")`; its edges are geodesics, so the larger square differs by what lies between.
    #[test]
    fn areas_of_an_independent_implementation_are_reproduced() {
        for (side, want) in [(0.001, 9058.537), (0.05, 22637437.370), (0.5, 2255534964.047)] {
            let got = signed_area_m2(&square(117.0, 43.0, side));
            assert!((got / want - 1.0).abs() < 1e-4, "{side}: {got} {want}");
            let mut turned = square(117.0, 43.0, side);
            turned.reverse();
            assert!((signed_area_m2(&turned) + got).abs() < 1e-3);
        }
    }
}
