//! The ground as the simulation sees it: a flat plane in metres around one origin, and its way to degrees and back.
//!
//! In:  metres east and north.   Out: WGS84 degrees, distances, bearings, inside or outside.
//!
//! Never: shares code with the platform's own geometry; if both agree, it is because both are right.

/// A place in degrees on WGS84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatLon {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// A place on the plane, metres from its origin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spot {
    /// Metres east.
    pub east_m: f64,
    /// Metres north.
    pub north_m: f64,
}

impl Spot {
    /// The place that many metres from here along a bearing (clockwise from true north).
    pub fn toward(self, bearing_deg: f64, distance_m: f64) -> Self {
        let (sin, cos) = bearing_deg.to_radians().sin_cos();
        Self { east_m: self.east_m + distance_m * sin, north_m: self.north_m + distance_m * cos }
    }

    /// Metres between the two.
    pub fn distance_m(self, to: Self) -> f64 {
        (to.east_m - self.east_m).hypot(to.north_m - self.north_m)
    }

    /// Clockwise from true north, 0 to 360 degrees.
    pub fn bearing_deg(self, to: Self) -> f64 {
        (to.east_m - self.east_m).atan2(to.north_m - self.north_m).to_degrees().rem_euclid(360.0)
    }

    /// A part of the way to `to`: 0 is here, 1 is there.
    pub fn part_way(self, to: Self, part: f64) -> Self {
        Self {
            east_m: self.east_m + (to.east_m - self.east_m) * part,
            north_m: self.north_m + (to.north_m - self.north_m) * part,
        }
    }
}

/// A tangent plane. Within the 25 km of the scenario its scale is wrong by less than 0.3 %, and every place of the
/// world lives on it, so truth, devices and zones agree with each other exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    origin: LatLon,
    metres_per_lat_deg: f64,
    metres_per_lon_deg: f64,
}

impl Plane {
    /// The plane that touches the ellipsoid at `origin`.
    pub fn at(origin: LatLon) -> Self {
        const EQUATOR_RADIUS_M: f64 = 6_378_137.0;
        const FLATTENING: f64 = 1.0 / 298.257_223_563;
        let eccentricity_sq = FLATTENING * (2.0 - FLATTENING);
        let phi = origin.lat.to_radians();
        let bulge = 1.0 - eccentricity_sq * phi.sin().powi(2);
        let meridian_radius_m = EQUATOR_RADIUS_M * (1.0 - eccentricity_sq) / bulge.powf(1.5);
        let parallel_radius_m = EQUATOR_RADIUS_M / bulge.sqrt() * phi.cos();
        Self {
            origin,
            metres_per_lat_deg: meridian_radius_m.to_radians(),
            metres_per_lon_deg: parallel_radius_m.to_radians(),
        }
    }

    /// Degrees of a place.
    pub fn degrees(&self, spot: Spot) -> LatLon {
        LatLon {
            lat: self.origin.lat + spot.north_m / self.metres_per_lat_deg,
            lon: self.origin.lon + spot.east_m / self.metres_per_lon_deg,
        }
    }

    /// Place of degrees.
    pub fn spot(&self, place: LatLon) -> Spot {
        Spot {
            east_m: (place.lon - self.origin.lon) * self.metres_per_lon_deg,
            north_m: (place.lat - self.origin.lat) * self.metres_per_lat_deg,
        }
    }
}

/// Whether a place lies within a closed line (even-odd rule; the last vertex joins the first).
pub fn inside(ring: &[Spot], spot: Spot) -> bool {
    let mut odd = false;
    let previous = ring.iter().cycle().skip(ring.len().saturating_sub(1));
    for (a, b) in previous.zip(ring) {
        let straddles = (a.north_m > spot.north_m) != (b.north_m > spot.north_m);
        if straddles {
            let part = (spot.north_m - a.north_m) / (b.north_m - a.north_m);
            if spot.east_m < a.east_m + part * (b.east_m - a.east_m) {
                odd = !odd;
            }
        }
    }
    odd
}

/// Seven decimals: a centimetre, as devices write positions.
pub fn round_deg(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metres_and_degrees_agree_with_the_published_vector() {
        // Protocol notes, section 9: N 491.147 E 283.564 from 43.9, 113.5.
        let plane = Plane::at(LatLon { lat: 43.9, lon: 113.5 });
        let there = plane.degrees(Spot { east_m: 283.564, north_m: 491.147 });
        assert!((there.lat - 43.904_420_4).abs() < 2e-7 && (there.lon - 113.503_529_5).abs() < 2e-7);
        assert!(plane.spot(there).distance_m(Spot { east_m: 283.564, north_m: 491.147 }) < 1e-6);
    }

    #[test]
    fn a_place_in_the_notch_of_a_polygon_is_outside() {
        let ring = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 2.0), (0.0, 10.0)]
            .map(|(east_m, north_m)| Spot { east_m, north_m });
        assert!(inside(&ring, Spot { east_m: 1.0, north_m: 5.0 }));
        assert!(!inside(&ring, Spot { east_m: 5.0, north_m: 5.0 }));
        assert!(!inside(&[], Spot::default()));
    }
}
