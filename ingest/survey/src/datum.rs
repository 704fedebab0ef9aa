//! From the datum a position was measured in to WGS84.
//!
//! In: degrees and the datum that the sender stated.   Out: WGS84 degrees.
//! Never: a guess of the datum. GCJ-02 lies 220-640 m off here, which is the other side of a fence.

/// What the numbers of a position mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Datum {
    /// What is stored.
    #[default]
    Wgs84,
    /// The national survey datum (EPSG:4490): equal to WGS84 within the decimetres that plate motion makes.
    Cgcs2000,
    /// The shifted datum of Chinese consumer maps.
    Gcj02,
    /// GCJ-02 with Baidu's further shift.
    Bd09,
}

impl Datum {
    /// Every datum, in the contract's order.
    pub const ALL: [Self; 4] = [Self::Wgs84, Self::Cgcs2000, Self::Gcj02, Self::Bd09];

    /// As written in payloads and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Cgcs2000 => "cgcs2000",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }

    /// `None` for a word that is no datum.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|datum| datum.as_str() == word)
    }

    /// (latitude, longitude) in WGS84 degrees.
    pub fn to_wgs84(self, lat_deg: f64, lon_deg: f64) -> (f64, f64) {
        match self {
            Self::Wgs84 | Self::Cgcs2000 => (lat_deg, lon_deg),
            Self::Gcj02 => gcj02_to_wgs84(lat_deg, lon_deg),
            Self::Bd09 => {
                let (lat, lon) = bd09_to_gcj02(lat_deg, lon_deg);
                gcj02_to_wgs84(lat, lon)
            }
        }
    }
}

/// Semi-major axis of the Krasovsky ellipsoid, which the shift is built on.
const SEMI_MAJOR_M: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;

/// How far GCJ-02 lies from WGS84 at a place: degrees of latitude and longitude. Defined around 35 N, 105 E.
fn gcj02_shift(lat_deg: f64, lon_deg: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    let (x, y) = (lon_deg - 105.0, lat_deg - 35.0);
    let wave = |value: f64, per: f64| (value / per * PI).sin();
    let common = (20.0 * wave(x, 1.0 / 6.0) + 20.0 * wave(x, 0.5)) * 2.0 / 3.0;
    let root = x.abs().sqrt();
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + common
        + (20.0 * wave(y, 1.0) + 40.0 * wave(y, 3.0)) * 2.0 / 3.0
        + (160.0 * wave(y, 12.0) + 320.0 * wave(y, 30.0)) * 2.0 / 3.0;
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + common
        + (20.0 * wave(x, 1.0) + 40.0 * wave(x, 3.0)) * 2.0 / 3.0
        + (150.0 * wave(x, 12.0) + 300.0 * wave(x, 30.0)) * 2.0 / 3.0;
    let latitude = lat_deg.to_radians();
    let w = 1.0 - ECCENTRICITY_SQUARED * latitude.sin().powi(2);
    let meridian_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (w * w.sqrt());
    let parallel_m = SEMI_MAJOR_M / w.sqrt() * latitude.cos();
    ((north_m / meridian_m).to_degrees(), (east_m / parallel_m).to_degrees())
}

/// The shift is known as a function of the WGS84 place, so the inverse is a fixed point; it gains about three digits a round.
fn gcj02_to_wgs84(lat_deg: f64, lon_deg: f64) -> (f64, f64) {
    let (mut lat, mut lon) = (lat_deg, lon_deg);
    for _ in 0..4 {
        let (north, east) = gcj02_shift(lat, lon);
        (lat, lon) = (lat_deg - north, lon_deg - east);
    }
    (lat, lon)
}

/// Baidu's shift: a constant and a ripple whose phase is 3000/180 of the coordinate in half turns.
fn bd09_to_gcj02(lat_deg: f64, lon_deg: f64) -> (f64, f64) {
    const TURN: f64 = std::f64::consts::PI * 3000.0 / 180.0;
    let (x, y) = (lon_deg - 0.0065, lat_deg - 0.006);
    let radius = x.hypot(y) - 0.000_02 * (y * TURN).sin();
    let angle = y.atan2(x) - 0.000_003 * (x * TURN).cos();
    (radius * angle.sin(), radius * angle.cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(datum: Datum, from: (f64, f64), want: (f64, f64), within_m: f64) {
        let got = datum.to_wgs84(from.0, from.1);
        let metres = |a: (f64, f64), b: (f64, f64)| {
            ((a.0 - b.0) * 111_000.0).hypot((a.1 - b.1) * 111_000.0 * b.0.to_radians().cos())
        };
        assert!(
            metres(got, want) < within_m,
            "{datum:?} {from:?}: got {got:?}, want {want:?}, {} m",
            metres(got, want)
        );
    }

    #[test]
    fn a_gcj02_position_on_the_steppe_moves_600_m_back_to_where_it_is() {
        check(Datum::Gcj02, (43.902_009, 113.507_503), (43.9, 113.5), 0.2);
        check(Datum::Gcj02, (39.902_45, 116.427_03), (39.901_05, 116.420_79), 1.0);
        check(Datum::Bd09, (43.908_273, 113.513_883), (43.9, 113.5), 1.0);
    }

    #[test]
    fn survey_and_satellite_datum_are_the_same_numbers() {
        check(Datum::Cgcs2000, (43.5, 117.5), (43.5, 117.5), 1e-9);
        assert_eq!(Datum::parse("cgcs2000"), Some(Datum::Cgcs2000));
        assert_eq!(Datum::parse("WGS84"), None);
    }

    #[test]
    fn positions_of_an_independent_implementation_are_reproduced() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared/data/conformance/gcj02/vectors.json");
        let Ok(text) = std::fs::read_to_string(&file) else {
            eprintln!("SKIPPED: {} is not here", file.display());
            return;
        };
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = |name: &str| -> Vec<[f64; 4]> { serde_json::from_value(vectors[name].clone()).unwrap() };
        for [lat, lon, gcj_lat, gcj_lon] in rows("wgs_gcj") {
            let (north, east) = gcj02_shift(lat, lon);
            assert!((lat + north - gcj_lat).abs() < 1e-6 && (lon + east - gcj_lon).abs() < 1e-6);
            check(Datum::Gcj02, (gcj_lat, gcj_lon), (lat, lon), 0.5);
        }
        // That implementation takes the phase of Baidu's ripple as x·π, all others (and we) as x·π·3000/180: the ripple's
        // two amplitudes, 2e-5 of the radius and 3e-6 rad, keep the two within 50 m of each other.
        for [bd_lat, bd_lon, lat, lon] in rows("bd_wgs") {
            check(Datum::Bd09, (bd_lat, bd_lon), (lat, lon), 50.0);
        }
    }
}
