//! A plane that touches the ellipsoid at one place, and what lies above and below it.
//!
//! In: metres east, north and up of an origin.   Out: the place there, and how high above the ellipsoid it is: the earth's curvature
//! is in it. Exact: by way of the earth's centre (Bowring's formula back, to less than a millimetre).

use model::Position;

const SEMI_MAJOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const ECCENTRICITY_SQUARED: f64 = FLATTENING * (2.0 - FLATTENING);
const SEMI_MINOR_M: f64 = SEMI_MAJOR_M * (1.0 - FLATTENING);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    lon_deg: f64,
    lat_sin: f64,
    lat_cos: f64,
    /// Of the origin: from the axis, and above the equator.
    from_axis_m: f64,
    above_equator_m: f64,
}

impl Frame {
    /// Touching at this height above the ellipsoid.
    pub(crate) fn new(origin: Position, height_m: f64) -> Self {
        let (lat_sin, lat_cos) = origin.lat_deg().to_radians().sin_cos();
        let prime_vertical_m = SEMI_MAJOR_M / (1.0 - ECCENTRICITY_SQUARED * lat_sin * lat_sin).sqrt();
        Self {
            lon_deg: origin.lon_deg(),
            lat_sin,
            lat_cos,
            from_axis_m: (prime_vertical_m + height_m) * lat_cos,
            above_equator_m: (prime_vertical_m * (1.0 - ECCENTRICITY_SQUARED) + height_m) * lat_sin,
        }
    }

    /// (latitude, longitude, height above the ellipsoid).
    pub(crate) fn geodetic(&self, east_m: f64, north_m: f64, up_m: f64) -> (f64, f64, f64) {
        let x = self.from_axis_m - north_m * self.lat_sin + up_m * self.lat_cos;
        let z = self.above_equator_m + north_m * self.lat_cos + up_m * self.lat_sin;
        let from_axis_m = x.hypot(east_m);
        let (sin, cos) = (z * SEMI_MAJOR_M).atan2(from_axis_m * SEMI_MINOR_M).sin_cos();
        let second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED);
        let lat = (z + second * SEMI_MINOR_M * sin.powi(3))
            .atan2(from_axis_m - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * cos.powi(3));
        let (lat_sin, lat_cos) = lat.sin_cos();
        let prime_vertical_m = SEMI_MAJOR_M / (1.0 - ECCENTRICITY_SQUARED * lat_sin * lat_sin).sqrt();
        // Good at the poles as at the equator.
        let height_m =
            from_axis_m * lat_cos + z * lat_sin - prime_vertical_m * (1.0 - ECCENTRICITY_SQUARED * lat_sin * lat_sin);
        (lat.to_degrees(), self.lon_deg + east_m.atan2(x).to_degrees(), height_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_itself_and_the_ground_falls_away_with_the_square_of_the_distance() {
        let origin = Position::parse(43.9, 113.5).unwrap();
        let frame = Frame::new(origin, 1_000.0);
        let (lat, lon, height_m) = frame.geodetic(0.0, 0.0, 0.0);
        assert!((lat - 43.9).abs() < 1e-11 && (lon - 113.5).abs() < 1e-11 && (height_m - 1_000.0).abs() < 1e-6);
        for (away_m, drop_m) in [(1_000.0, 0.0784), (5_000.0, 1.96), (20_000.0, 31.35)] {
            let (_, _, height_m) = frame.geodetic(away_m, 0.0, 0.0);
            assert!((height_m - 1_000.0 - drop_m).abs() < 0.01 * drop_m, "{away_m}: {height_m}");
        }
    }

    /// PROJ 9.5 (pyproj 3.7.2): `+proj=topocentric` at 43.9, 113.5, 1000 m, inverse of (east, north, up).
    #[test]
    fn places_of_proj_are_reproduced_to_a_millimetre() {
        let frame = Frame::new(Position::parse(43.9, 113.5).unwrap(), 1_000.0);
        for ((east, north, up), (lat, lon, height)) in VECTORS {
            let found = frame.geodetic(east, north, up);
            assert!((found.0 - lat).abs() < 1e-8 && (found.1 - lon).abs() < 1e-8, "{found:?}");
            assert!((found.2 - height).abs() < 1e-3, "{found:?}");
        }
    }

    type Triple = (f64, f64, f64);

    const VECTORS: [(Triple, Triple); 4] = [
        ((283.564, 491.147, -100.0), (43.904419675, 113.503529279, 900.0252)),
        ((5000.0, -5000.0, -100.0), (43.854988944, 113.562179276, 903.9196)),
        ((14000.0, 14000.0, -300.0), (44.025852068, 113.674606252, 730.7305)),
        ((-20000.0, 300.0, 50.0), (43.902428495, 113.251091659, 1081.3085)),
    ];
}
