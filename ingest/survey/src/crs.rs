//! Coordinate systems that surveyors here use, and the way from them to degrees.
//!
//! In: an EPSG code, or what `wkt` read.   Out: [`Crs`], which turns survey coordinates into WGS84 degrees.
//! Never: a transformation between datums that is not public (Beijing 1954, Xian 1980): those are refused by name.

use crate::Datum;
use crate::transverse_mercator::{CGCS2000, Ellipsoid, Series, WGS84};
use std::fmt;

/// What the numbers of a file mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Crs {
    /// Degrees, longitude first.
    Geographic(Datum),
    /// Metres east and north on a transverse Mercator projection.
    Projected(Projection),
}

/// A transverse Mercator projection with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    pub(crate) name: String,
    pub(crate) datum: Datum,
    pub(crate) series: Series,
    pub(crate) latitude_of_origin_deg: f64,
    pub(crate) central_meridian_deg: f64,
    pub(crate) scale: f64,
    pub(crate) false_easting_m: f64,
    pub(crate) false_northing_m: f64,
}

/// Why the coordinates of a file have no meaning.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrsError {
    /// Give a code that is known.
    #[error(
        "`{found}` is no coordinate system that is known; use EPSG:4490, EPSG:4326, EPSG:4491 to EPSG:4554 (CGCS2000 \
         Gauss-Kruger) or EPSG:32601 to EPSG:32660 (UTM)"
    )]
    Unknown {
        /// What was given.
        found: String,
    },
    /// Transform it where the parameters are known.
    #[error(
        "coordinates are in {found}, whose shift to CGCS2000 is not public; have the surveying authority transform them to \
         CGCS2000 (EPSG:4490)"
    )]
    OldDatum {
        /// Which datum.
        found: &'static str,
    },
    /// Transform it with any GIS.
    #[error("coordinate system has {found}, which is not read; transform it to EPSG:4490 and export it again")]
    NotSupported {
        /// What it has.
        found: String,
    },
    /// Likewise.
    #[error("coordinate system counts in {found}; transform it to metres or degrees and export it again")]
    Unit {
        /// Which unit.
        found: String,
    },
    /// The file is damaged or no coordinate system.
    #[error("coordinate system `{found}` cannot be read; export the .prj again or state the EPSG code")]
    Unreadable {
        /// How it begins.
        found: String,
    },
    /// State it.
    #[error("no coordinate system is stated, and {looks_like}; state the EPSG code")]
    Needed {
        /// What the numbers suggest.
        looks_like: String,
    },
    /// Export it the right way round.
    #[error("{x}, {y} has its latitude first; export it with longitude first")]
    Swapped {
        /// First number.
        x: f64,
        /// Second number.
        y: f64,
    },
    /// A datum was given for metres.
    #[error("{crs} has its datum; `{datum}` can only be stated for degrees")]
    DatumOfProjection {
        /// The coordinate system of the file.
        crs: String,
        /// The datum that was given.
        datum: &'static str,
    },
}

impl Crs {
    /// By code: `EPSG:4527`, `4527`, `urn:ogc:def:crs:EPSG::4490`, `urn:ogc:def:crs:OGC:1.3:CRS84`.
    pub fn parse(name: &str) -> Result<Self, CrsError> {
        let unknown =
            || CrsError::Unknown { found: name.trim().chars().filter(|c| !c.is_control()).take(60).collect() };
        let upper = name.trim().to_ascii_uppercase();
        let last = upper.rsplit([':', '/', '#']).next().unwrap_or_default();
        if last == "CRS84" {
            return Ok(Self::Geographic(Datum::Wgs84));
        }
        if last.len() != upper.len() && !upper.contains("EPSG") {
            return Err(unknown());
        }
        last.parse().ok().and_then(Self::of_epsg).map_or_else(
            || match last.parse() {
                Ok(2327..=2390u32 | 4610) => Err(CrsError::OldDatum { found: "Xian 1980" }),
                Ok(2401..=2442 | 21413..=21483 | 4214 | 4555) => Err(CrsError::OldDatum { found: "Beijing 1954" }),
                _ => Err(unknown()),
            },
            Ok,
        )
    }

    /// By EPSG's number; `None` for one that is not read.
    pub fn of_epsg(code: u32) -> Option<Self> {
        let kruger = |central_meridian_deg: u32, zone: Option<u32>| {
            let name = match zone {
                Some(zone) => format!("EPSG:{code}, CGCS2000 Gauss-Kruger zone {zone} ({central_meridian_deg} E)"),
                None => format!("EPSG:{code}, CGCS2000 Gauss-Kruger {central_meridian_deg} E"),
            };
            let false_easting_m = f64::from(zone.unwrap_or(0)) * 1e6 + 500_000.0;
            Self::Projected(Projection {
                name,
                datum: Datum::Cgcs2000,
                ..Projection::plain(CGCS2000, f64::from(central_meridian_deg), 1.0, false_easting_m)
            })
        };
        Some(match code {
            4326 | 4979 => Self::Geographic(Datum::Wgs84),
            4490 | 4480 => Self::Geographic(Datum::Cgcs2000),
            // Six degrees wide: zones 13 to 23, with and without the zone before the easting.
            4491..=4501 => kruger((code - 4491 + 13) * 6 - 3, Some(code - 4491 + 13)),
            4502..=4512 => kruger((code - 4502) * 6 + 75, None),
            // Three degrees wide: zones 25 to 45.
            4513..=4533 => kruger((code - 4513 + 25) * 3, Some(code - 4513 + 25)),
            4534..=4554 => kruger((code - 4534) * 3 + 75, None),
            32601..=32660 => {
                let zone = code - 32600;
                let central_meridian_deg = f64::from(zone) * 6.0 - 183.0;
                let plain = Projection::plain(WGS84, central_meridian_deg, 0.9996, 500_000.0);
                let name = format!("EPSG:{code}, WGS 84 / UTM zone {zone}N");
                Self::Projected(Projection { name, datum: Datum::Wgs84, ..plain })
            }
            _ => return None,
        })
    }

    /// What numbers without a coordinate system suggest: degrees are taken as such, metres have to be named.
    pub(crate) fn of_numbers(first: Option<[f64; 2]>, datum: Datum) -> Result<Self, CrsError> {
        let Some([x, y]) = first else { return Ok(Self::Geographic(datum)) };
        if x.abs() <= 180.0 && y.abs() <= 90.0 {
            return Ok(Self::Geographic(datum));
        }
        let zone = (x / 1e6).floor();
        let within_zone = (100_000.0..900_000.0).contains(&(x - zone * 1e6)) && (0.0..10_000_000.0).contains(&y);
        let looks_like = match zone {
            _ if x.abs() <= 90.0 && y.abs() <= 180.0 => {
                return Err(CrsError::Swapped { x, y });
            }
            _ if !within_zone => format!("{x}, {y} are neither degrees nor Gauss-Kruger metres"),
            13.0..=23.0 => format!("{x:.0} looks like zone {zone} of EPSG:{}", 4491.0 + zone - 13.0),
            25.0..=45.0 => format!("{x:.0} looks like zone {zone} of EPSG:{}", 4513.0 + zone - 25.0),
            0.0 => {
                "the numbers look like Gauss-Kruger metres without a zone, whose meridian only the surveyor knows (EPSG:4548 is 117 E)"
                    .to_owned()
            }
            _ => format!("{x}, {y} are neither degrees nor Gauss-Kruger metres"),
        };
        Err(CrsError::Needed { looks_like })
    }

    /// WGS84 degrees (longitude, latitude) of a place in the survey's coordinates; `None` off the globe or far off the zone.
    pub fn to_wgs84(&self, [x, y]: [f64; 2]) -> Option<(f64, f64)> {
        let on_globe = |lon: f64, lat: f64| (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        let (lon, lat) = match self {
            Self::Geographic(datum) => {
                // Not-a-number is in no range.
                if !on_globe(x, y) {
                    return None;
                }
                let (lat, lon) = datum.to_wgs84(y, x);
                (lon, lat)
            }
            Self::Projected(projection) => projection.inverse(x, y)?,
        };
        on_globe(lon, lat).then_some((lon, lat))
    }

    /// The other way: survey coordinates of WGS84 degrees (longitude, latitude). `None` far off the zone, and for a datum that is shifted.
    pub fn of_wgs84(&self, (lon, lat): (f64, f64)) -> Option<[f64; 2]> {
        match self {
            Self::Geographic(Datum::Wgs84 | Datum::Cgcs2000) => Some([lon, lat]),
            Self::Geographic(_) => None,
            Self::Projected(projection) => projection.forward(lon, lat),
        }
    }

    /// Whether both give the same places, whatever they are called.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Projected(a), Self::Projected(b)) => Projection { name: b.name.clone(), ..a.clone() } == *b,
            _ => self == other,
        }
    }

    /// Whether lines that are straight in the survey are straight in WGS84 degrees.
    pub(crate) fn keeps_lines(&self) -> bool {
        matches!(self, Self::Geographic(Datum::Wgs84 | Datum::Cgcs2000))
    }
}

impl fmt::Display for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Geographic(Datum::Wgs84) => f.write_str("EPSG:4326, WGS 84 degrees"),
            Self::Geographic(Datum::Cgcs2000) => f.write_str("EPSG:4490, CGCS2000 degrees"),
            Self::Geographic(datum) => write!(f, "{} degrees", datum.as_str()),
            Self::Projected(projection) => f.write_str(&projection.name),
        }
    }
}

/// Half of this is the widest zone that anybody uses, with room for land that lies across its border.
const OFF_MERIDIAN_MAX_M: f64 = 1_000_000.0;
const OFF_MERIDIAN_MAX_DEG: f64 = 45.0;

impl Projection {
    fn plain(ellipsoid: Ellipsoid, central_meridian_deg: f64, scale: f64, false_easting_m: f64) -> Self {
        Self {
            name: String::new(),
            datum: Datum::Wgs84,
            series: Series::new(ellipsoid),
            latitude_of_origin_deg: 0.0,
            central_meridian_deg,
            scale,
            false_easting_m,
            false_northing_m: 0.0,
        }
    }

    /// Refuses numbers with which nothing can be computed.
    pub(crate) fn check(&self) -> Result<(), CrsError> {
        let refuse = |found: String| Err(CrsError::NotSupported { found });
        if !(-180.0..=180.0).contains(&self.central_meridian_deg) {
            return refuse("no central meridian".to_owned());
        }
        if !(-80.0..=80.0).contains(&self.latitude_of_origin_deg) {
            return refuse(format!("a latitude of origin of {}", self.latitude_of_origin_deg));
        }
        if !(0.5..=2.0).contains(&self.scale) {
            return refuse(format!("a scale of {}", self.scale));
        }
        if !(self.false_easting_m.is_finite() && self.false_northing_m.is_finite()) {
            return refuse("false easting or northing that is no number".to_owned());
        }
        Ok(())
    }

    /// Metres north of the equator where the projection begins to count.
    fn origin_m(&self) -> f64 {
        match self.latitude_of_origin_deg {
            0.0 => 0.0,
            latitude => self.series.forward(latitude.to_radians(), 0.0).1,
        }
    }

    fn forward(&self, lon: f64, lat: f64) -> Option<[f64; 2]> {
        let off_meridian_deg = (lon - self.central_meridian_deg + 180.0).rem_euclid(360.0) - 180.0;
        // On the far side of the earth the distance from the meridian shrinks again.
        if !(-OFF_MERIDIAN_MAX_DEG..=OFF_MERIDIAN_MAX_DEG).contains(&off_meridian_deg) {
            return None;
        }
        let (east_m, north_m) = self.series.forward(lat.to_radians(), off_meridian_deg.to_radians());
        let (x, y) = (east_m * self.scale + self.false_easting_m, (north_m - self.origin_m()) * self.scale);
        // Not-a-number is in no range.
        (-OFF_MERIDIAN_MAX_M..=OFF_MERIDIAN_MAX_M).contains(&east_m).then_some([x, y + self.false_northing_m])
    }

    fn inverse(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let east_m = (x - self.false_easting_m) / self.scale;
        let north_m = (y - self.false_northing_m) / self.scale + self.origin_m();
        // Not-a-number is in no range.
        if !((-OFF_MERIDIAN_MAX_M..=OFF_MERIDIAN_MAX_M).contains(&east_m) && (-1e7..=1e7).contains(&north_m)) {
            return None;
        }
        let (latitude, longitude) = self.series.inverse(east_m, north_m);
        let lon = longitude.to_degrees() + self.central_meridian_deg;
        Some(((lon + 180.0).rem_euclid(360.0) - 180.0, latitude.to_degrees()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_in_every_way_of_writing_them() {
        for name in [
            "EPSG:4490",
            "epsg:4490",
            "4490",
            "urn:ogc:def:crs:EPSG::4490",
            "http://www.opengis.net/def/crs/EPSG/0/4490",
        ] {
            assert_eq!(Crs::parse(name), Ok(Crs::Geographic(Datum::Cgcs2000)), "{name}");
        }
        assert_eq!(Crs::parse("urn:ogc:def:crs:OGC:1.3:CRS84"), Ok(Crs::Geographic(Datum::Wgs84)));
        assert!(matches!(Crs::parse("EPSG:3857"), Err(CrsError::Unknown { .. })));
        assert!(matches!(Crs::parse("ESRI:4490"), Err(CrsError::Unknown { .. })));
        assert_eq!(Crs::parse("EPSG:2363"), Err(CrsError::OldDatum { found: "Xian 1980" }));
        assert_eq!(Crs::parse("EPSG:4214"), Err(CrsError::OldDatum { found: "Beijing 1954" }));
    }

    #[test]
    fn numbers_without_a_coordinate_system_are_degrees_or_named_for_what_they_look_like() {
        let of = |x, y| Crs::of_numbers(Some([x, y]), Datum::Wgs84);
        assert_eq!(of(117.5, 43.2), Ok(Crs::Geographic(Datum::Wgs84)));
        for (x, y, word) in [
            (43.2, 117.5, "longitude first"),
            (39_621_815.0, 4_791_586.0, "EPSG:4527"),
            (621_815.0, 4_791_586.0, "meridian"),
            (1e9, 5.0, "neither degrees"),
        ] {
            let message = of(x, y).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn the_two_forms_of_a_zone_are_the_same_place() {
        let with = Crs::of_epsg(4527).unwrap().to_wgs84([39_621_815.275493, 4_791_586.370592]).unwrap();
        let without = Crs::of_epsg(4548).unwrap().to_wgs84([621_815.275493, 4_791_586.370592]).unwrap();
        for (lon, lat) in [with, without] {
            assert!((lon - 118.5).abs() < 1e-9 && (lat - 43.25).abs() < 1e-9, "{lon} {lat}");
        }
        // The zone in front, in the system without it.
        assert_eq!(Crs::of_epsg(4548).unwrap().to_wgs84([39_621_815.0, 4_791_586.0]), None);
    }

    #[test]
    fn metres_without_a_coordinate_system_are_refused_with_the_one_that_would_fit() {
        let hint = |x, y| Crs::of_numbers(Some([x, y]), Datum::Wgs84).unwrap_err().to_string();
        assert!(hint(39_621_815.0, 4_791_586.0).contains("EPSG:4527"));
        assert!(hint(20_621_815.0, 4_791_586.0).contains("EPSG:4498"));
        assert!(hint(621_815.0, 4_791_586.0).contains("without a zone"));
        assert_eq!(Crs::of_numbers(Some([117.0, 43.0]), Datum::Cgcs2000), Ok(Crs::Geographic(Datum::Cgcs2000)));
    }

    #[test]
    fn degrees_go_to_a_projection_as_proj_does_and_come_back() {
        for (code, lon, lat, x, y) in [
            (4547, 113.5, 43.9, 459_829.587_8, 4_862_832.781_6),
            (4526, 113.5, 43.9, 38_459_829.587_8, 4_862_832.781_6),
        ] {
            let crs = Crs::of_epsg(code).unwrap();
            let [east, north] = crs.of_wgs84((lon, lat)).unwrap();
            assert!((east - x).abs() < 1e-3 && (north - y).abs() < 1e-3, "{east} {north}");
            let (back_lon, back_lat) = crs.to_wgs84([east, north]).unwrap();
            assert!((back_lon - lon).abs() < 1e-9 && (back_lat - lat).abs() < 1e-9);
        }
        assert_eq!(Crs::of_epsg(4548).unwrap().of_wgs84((-60.0, 43.0)), None, "far off its zone");
    }
}
