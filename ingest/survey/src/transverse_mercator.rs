//! Gauss-Krüger's projection, both ways.
//!
//! In: metres east and north.   Out: radians of longitude from the central meridian, and of latitude; and back.
//! Never: a position that is good to less than a nanometre within ten degrees of the meridian.
//!
//! Krüger's series in the third flattening to n^6 (Karney 2011, equations 35 and 36), with the latitude found by Newton's method.

/// A surface of revolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ellipsoid {
    pub(crate) semi_major_m: f64,
    pub(crate) inverse_flattening: f64,
}

pub(crate) const CGCS2000: Ellipsoid = Ellipsoid { semi_major_m: 6_378_137.0, inverse_flattening: 298.257_222_101 };
pub(crate) const WGS84: Ellipsoid = Ellipsoid { semi_major_m: 6_378_137.0, inverse_flattening: 298.257_223_563 };

/// The series of one ellipsoid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Series {
    eccentricity: f64,
    /// The radius of the sphere whose meridians are as long.
    rectifying_radius_m: f64,
    alpha: [f64; 6],
    beta: [f64; 6],
}

impl Series {
    pub(crate) fn new(ellipsoid: Ellipsoid) -> Self {
        let flattening = 1.0 / ellipsoid.inverse_flattening;
        let n = flattening / (2.0 - flattening);
        let powers = |coefficients: &[f64], from: i32| -> f64 {
            coefficients.iter().zip(from..).map(|(coefficient, power)| coefficient * n.powi(power)).sum()
        };
        let alpha = [
            powers(&[1. / 2., -2. / 3., 5. / 16., 41. / 180., -127. / 288., 7891. / 37800.], 1),
            powers(&[13. / 48., -3. / 5., 557. / 1440., 281. / 630., -1_983_433. / 1_935_360.], 2),
            powers(&[61. / 240., -103. / 140., 15061. / 26880., 167_603. / 181_440.], 3),
            powers(&[49561. / 161_280., -179. / 168., 6_601_661. / 7_257_600.], 4),
            powers(&[34729. / 80640., -3_418_889. / 1_995_840.], 5),
            powers(&[212_378_941. / 319_334_400.], 6),
        ];
        let beta = [
            powers(&[1. / 2., -2. / 3., 37. / 96., -1. / 360., -81. / 512., 96199. / 604_800.], 1),
            powers(&[1. / 48., 1. / 15., -437. / 1440., 46. / 105., -1_118_711. / 3_870_720.], 2),
            powers(&[17. / 480., -37. / 840., -209. / 4480., 5569. / 90720.], 3),
            powers(&[4397. / 161_280., -11. / 504., -830_251. / 7_257_600.], 4),
            powers(&[4583. / 161_280., -108_847. / 3_991_680.], 5),
            powers(&[20_648_693. / 638_668_800.], 6),
        ];
        Self {
            eccentricity: (flattening * (2.0 - flattening)).sqrt(),
            rectifying_radius_m: ellipsoid.semi_major_m / (1.0 + n)
                * (1.0 + n.powi(2) / 4.0 + n.powi(4) / 64.0 + n.powi(6) / 256.0),
            alpha,
            beta,
        }
    }

    /// (latitude, longitude from the central meridian) in radians to (east, north) in metres at scale 1.
    pub(crate) fn forward(&self, latitude: f64, longitude: f64) -> (f64, f64) {
        let tau = self.conformal(latitude.tan());
        let xi = tau.atan2(longitude.cos());
        let eta = (longitude.sin() / tau.hypot(longitude.cos())).asinh();
        let (mut north, mut east) = (xi, eta);
        for (alpha, twice) in self.alpha.into_iter().zip((1..).map(|order| f64::from(2 * order))) {
            north += alpha * (twice * xi).sin() * (twice * eta).cosh();
            east += alpha * (twice * xi).cos() * (twice * eta).sinh();
        }
        (east * self.rectifying_radius_m, north * self.rectifying_radius_m)
    }

    /// (east, north) in metres at scale 1 to (latitude, longitude from the central meridian) in radians.
    pub(crate) fn inverse(&self, east_m: f64, north_m: f64) -> (f64, f64) {
        let (xi, eta) = (north_m / self.rectifying_radius_m, east_m / self.rectifying_radius_m);
        let (mut on_sphere_xi, mut on_sphere_eta) = (xi, eta);
        for (beta, twice) in self.beta.into_iter().zip((1..).map(|order| f64::from(2 * order))) {
            on_sphere_xi -= beta * (twice * xi).sin() * (twice * eta).cosh();
            on_sphere_eta -= beta * (twice * xi).cos() * (twice * eta).sinh();
        }
        let sinh = on_sphere_eta.sinh();
        let longitude = sinh.atan2(on_sphere_xi.cos());
        let conformal = on_sphere_xi.sin() / sinh.hypot(on_sphere_xi.cos());
        (self.geodetic(conformal).atan(), longitude)
    }

    /// Tangent of the conformal latitude from that of the geodetic.
    fn conformal(&self, tau: f64) -> f64 {
        let root = tau.hypot(1.0);
        let sigma = (self.eccentricity * (self.eccentricity * tau / root).atanh()).sinh();
        tau * sigma.hypot(1.0) - sigma * root
    }

    /// The inverse of [`Self::conformal`]; three rounds give all digits.
    fn geodetic(&self, conformal: f64) -> f64 {
        let e2 = self.eccentricity * self.eccentricity;
        let mut tau = conformal;
        for _ in 0..5 {
            let now = self.conformal(tau);
            let slope = (1.0 + (1.0 - e2) * tau * tau) / ((1.0 - e2) * tau.hypot(1.0) * now.hypot(1.0));
            let step = (conformal - now) * slope;
            // At a pole there is nothing to improve.
            if !step.is_finite() {
                break;
            }
            tau += step;
        }
        tau
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of PROJ 9 (pyproj 3.7.2, EPSG:4490 to EPSG:4548).
    #[test]
    fn positions_of_proj_are_reproduced_to_a_tenth_of_a_millimetre() {
        let series = Series::new(CGCS2000);
        for (lon, lat, east, north) in VECTORS {
            let (e, n) = series.forward(lat.to_radians(), (lon - 117.0).to_radians());
            assert!((e + 500_000.0 - east).abs() < 1e-4 && (n - north).abs() < 1e-4, "{lon} {lat}: {e} {n}");
            let (latitude, longitude) = series.inverse(east - 500_000.0, north);
            let within = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(within(latitude.to_degrees(), lat) && within(longitude.to_degrees() + 117.0, lon), "{lon} {lat}");
        }
    }

    const VECTORS: [(f64, f64, f64, f64); 5] = [
        (117.0, 43.0, 500000.000000, 4762719.883923),
        (118.5, 43.25, 621815.275493, 4791586.370592),
        (115.5, 42.4, 376503.894241, 4697157.928617),
        (116.3, 44.3, 444139.299559, 4907395.249742),
        (119.9, 53.5, 692417.269223, 5934181.719159),
    ];

    #[test]
    fn there_and_back_is_the_same_place_over_twenty_degrees() {
        let series = Series::new(WGS84);
        for lat in -89..90 {
            for lon in -10..=10 {
                let (latitude, longitude) = (f64::from(lat).to_radians(), f64::from(lon).to_radians());
                let (east, north) = series.forward(latitude, longitude);
                let back = series.inverse(east, north);
                assert!(
                    (back.0 - latitude).abs() < 1e-13 && (back.1 - longitude).abs() < 1e-11,
                    "{lat} {lon} {back:?}"
                );
            }
        }
    }
}
