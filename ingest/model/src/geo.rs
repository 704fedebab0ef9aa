/// Why a pair of numbers is no position.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BadPosition {
    /// NaN or infinite.
    #[error("position is not a number")]
    NotFinite,
    /// Off the globe.
    #[error("position lat {lat_deg}, lon {lon_deg} is out of range; latitude is -90 to 90, longitude -180 to 180")]
    OutOfRange {
        /// Latitude as given.
        lat_deg: f64,
        /// Longitude as given.
        lon_deg: f64,
    },
    /// Exactly 0,0: what receivers say when they have no fix.
    #[error("position is 0,0: the device has no fix")]
    NoFix,
}

/// A place on the WGS84 ellipsoid in degrees: finite, on the globe, and not the 0,0 of a receiver without a fix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    lat_deg: f64,
    lon_deg: f64,
}

impl Position {
    /// The only way in.
    pub fn parse(lat_deg: f64, lon_deg: f64) -> Result<Self, BadPosition> {
        if !lat_deg.is_finite() || !lon_deg.is_finite() {
            return Err(BadPosition::NotFinite);
        }
        if lat_deg.abs() > 90.0 || lon_deg.abs() > 180.0 {
            return Err(BadPosition::OutOfRange { lat_deg, lon_deg });
        }
        if lat_deg == 0.0 && lon_deg == 0.0 {
            return Err(BadPosition::NoFix);
        }
        Ok(Self { lat_deg, lon_deg })
    }

    /// Latitude, degrees north.
    pub fn lat_deg(self) -> f64 {
        self.lat_deg
    }

    /// Longitude, degrees east.
    pub fn lon_deg(self) -> f64 {
        self.lon_deg
    }

    /// Metres per degree of latitude and of longitude here (WGS84 radii of curvature M and N·cos φ).
    fn metres_per_degree(self) -> (f64, f64) {
        const SEMI_MAJOR_M: f64 = 6_378_137.0;
        const ECCENTRICITY_SQUARED: f64 = 0.006_694_379_990_141_317;
        let sin = self.lat_deg.to_radians().sin();
        let w = 1.0 - ECCENTRICITY_SQUARED * sin * sin;
        let meridian_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (w * w.sqrt());
        let prime_vertical_m = SEMI_MAJOR_M / w.sqrt();
        (meridian_m.to_radians(), (prime_vertical_m * self.lat_deg.to_radians().cos()).to_radians())
    }

    /// Where `to` lies from here on the local plane: metres (east, north). Good to a few centimetres within 10 km.
    pub fn offset_to(self, to: Self) -> (f64, f64) {
        self.plane().offset_to(to)
    }

    /// The local plane here, for many offsets from one place.
    pub fn plane(self) -> Plane {
        Plane { origin: self, metres_per_degree: self.metres_per_degree() }
    }

    /// Distance on the ground in metres; for the few kilometres in which animals are compared.
    pub fn distance_m(self, to: Self) -> f64 {
        let (east, north) = self.offset_to(to);
        east.hypot(north)
    }

    /// The place `east_m`, `north_m` from here, kept on the globe.
    pub fn moved(self, east_m: f64, north_m: f64) -> Self {
        self.plane().at(east_m, north_m)
    }
}

/// The plane that touches the ellipsoid at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    origin: Position,
    metres_per_degree: (f64, f64),
}

impl Plane {
    /// Where `to` lies from the origin: metres (east, north). Good to a few centimetres within 10 km.
    pub fn offset_to(self, to: Position) -> (f64, f64) {
        let (per_lat, per_lon) = self.metres_per_degree;
        ((to.lon_deg - self.origin.lon_deg) * per_lon, (to.lat_deg - self.origin.lat_deg) * per_lat)
    }

    /// The place `east_m`, `north_m` from the origin, kept on the globe.
    pub fn at(self, east_m: f64, north_m: f64) -> Position {
        let ((per_lat, per_lon), Position { lat_deg, lon_deg }) = (self.metres_per_degree, self.origin);
        let lat_deg = (lat_deg + north_m / per_lat).clamp(-90.0, 90.0);
        let lon_deg = if per_lon > 1.0 { lon_deg + east_m / per_lon } else { lon_deg };
        Position { lat_deg, lon_deg: (lon_deg + 180.0).rem_euclid(360.0) - 180.0 }
    }
}

/// A vertex or a query point of the geofence: whole 1e-7 degrees (about a centimetre), so that every test on it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GeoPoint {
    /// Longitude in 1e-7 degree.
    pub lon_e7: i32,
    /// Latitude in 1e-7 degree.
    pub lat_e7: i32,
}

impl From<Position> for GeoPoint {
    fn from(position: Position) -> Self {
        // In range: |180e7| < 2^31.
        Self { lon_e7: (position.lon_deg * 1e7).round() as i32, lat_e7: (position.lat_deg * 1e7).round() as i32 }
    }
}

impl GeoPoint {
    /// Degrees (longitude, latitude), in GeoJSON's order.
    pub fn degrees(self) -> (f64, f64) {
        (f64::from(self.lon_e7) / 1e7, f64::from(self.lat_e7) / 1e7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_without_a_fix_gives_no_position() {
        assert_eq!(Position::parse(0.0, 0.0), Err(BadPosition::NoFix));
        assert_eq!(Position::parse(f64::NAN, 1.0), Err(BadPosition::NotFinite));
        assert!(matches!(Position::parse(117.5, 43.3), Err(BadPosition::OutOfRange { .. })));
    }

    #[test]
    fn moving_and_measuring_agree() {
        let start = Position::parse(43.9, 113.5).unwrap();
        // Vector of the georeferencing notes: N 491.147 E 283.564 lands on 43.9044204, 113.5035295.
        let there = start.moved(283.564, 491.147);
        assert!((there.lat_deg() - 43.9044204).abs() < 2e-7 && (there.lon_deg() - 113.5035295).abs() < 2e-7);
        assert!((start.distance_m(there) - 283.564_f64.hypot(491.147)).abs() < 0.01);
    }
}
