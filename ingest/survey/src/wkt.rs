//! Reads the text of a `.prj` file: a coordinate system in ESRI's or OGC's well-known text.
//!
//! In: text.   Out: [`Crs`], or what is wrong with it and what would do.
//! Never: a recursion deeper than the bound; a parameter that was passed over in silence.

use crate::Datum;
use crate::crs::{Crs, CrsError, Projection};
use crate::transverse_mercator::{CGCS2000, Ellipsoid, Series, WGS84};

const DEPTH_MAX: usize = 16;
/// The longest that EPSG has is some 3,000 bytes.
const BYTES_MAX: usize = 64 << 10;

/// `KEYWORD["text", number, KEYWORD[...]]`
#[derive(Debug, Default)]
struct Node {
    keyword: String,
    texts: Vec<String>,
    numbers: Vec<f64>,
    children: Vec<Node>,
}

impl Node {
    /// The first node below with this keyword, the nearest first.
    fn find(&self, keywords: &[&str]) -> Option<&Node> {
        let here = self.children.iter().find(|child| keywords.contains(&child.keyword.as_str()));
        here.or_else(|| self.children.iter().find_map(|child| child.find(keywords)))
    }

    fn child(&self, keywords: &[&str]) -> Option<&Node> {
        self.children.iter().find(|child| keywords.contains(&child.keyword.as_str()))
    }

    fn name(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }

    fn all<'a>(&'a self, keyword: &str, into: &mut Vec<&'a Node>) {
        for child in &self.children {
            if child.keyword == keyword {
                into.push(child);
            }
            child.all(keyword, into);
        }
    }
}

/// Reads the text of a `.prj` file.
pub(crate) fn read(text: &str) -> Result<Crs, CrsError> {
    let unreadable = || CrsError::Unreadable { found: text.chars().filter(|c| !c.is_control()).take(60).collect() };
    if text.len() > BYTES_MAX {
        return Err(unreadable());
    }
    let text = text.trim_start_matches('\u{feff}').trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let mut rest = text;
    let node = node(&mut rest, 0).ok_or_else(unreadable)?;
    // A height beside it changes nothing on the ground.
    let horizontal = match node.keyword.as_str() {
        "COMPD_CS" | "COMPOUNDCRS" => node.children.first().ok_or_else(unreadable)?,
        _ => &node,
    };
    let (datum, ellipsoid) = datum(horizontal)?;
    match horizontal.keyword.as_str() {
        "GEOGCS" | "GEOGCRS" | "GEODCRS" | "GEOGRAPHICCRS" => {
            let degree = angular_unit(horizontal);
            if (degree - 1f64.to_radians()).abs() > 1e-9 {
                return Err(CrsError::Unit { found: format!("an angle of {degree} rad") });
            }
            Ok(Crs::Geographic(datum))
        }
        "PROJCS" | "PROJCRS" | "PROJECTEDCRS" => projected(horizontal, datum, ellipsoid),
        _ => Err(unreadable()),
    }
}

fn angular_unit(node: &Node) -> f64 {
    let unit = node.child(&["UNIT", "ANGLEUNIT"]).or_else(|| node.find(&["ANGLEUNIT"]));
    unit.and_then(|unit| unit.numbers.first().copied()).unwrap_or(1f64.to_radians())
}

fn datum(node: &Node) -> Result<(Datum, Ellipsoid), CrsError> {
    let datum = node.find(&["DATUM", "ENSEMBLE", "GEODETICDATUM", "TRF"]);
    let name = datum.map_or("", Node::name);
    let spheroid = node.find(&["SPHEROID", "ELLIPSOID"]);
    let spheroid_name = spheroid.map_or("", Node::name);
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '_', '-'], "");
    let words = format!("{} {} {}", plain(name), plain(spheroid_name), plain(node.name()));
    for (word, found) in [
        ("beijing1954", "Beijing 1954"),
        ("beijing54", "Beijing 1954"),
        ("newbeijing", "New Beijing"),
        ("krass", "Beijing 1954"),
        ("xian1980", "Xian 1980"),
        ("xian80", "Xian 1980"),
        ("iag1975", "Xian 1980"),
        ("xian19", "Xian 1980"),
    ] {
        if words.contains(word) {
            return Err(CrsError::OldDatum { found });
        }
    }
    if node
        .find(&["PRIMEM", "PRIMEMERIDIAN"])
        .and_then(|meridian| meridian.numbers.first())
        .is_some_and(|at| *at != 0.0)
    {
        return Err(CrsError::NotSupported { found: "a prime meridian that is not Greenwich".to_owned() });
    }
    let china = ["china2000", "cgcs2000", "chinageodeticcoordinatesystem2000", "china2000"];
    if china.iter().any(|word| words.contains(word)) {
        return Ok((Datum::Cgcs2000, CGCS2000));
    }
    if words.contains("wgs1984") || words.contains("wgs84") || words.contains("worldgeodeticsystem1984") {
        return Ok((Datum::Wgs84, WGS84));
    }
    let found = if name.is_empty() { node.name() } else { name };
    Err(CrsError::NotSupported { found: format!("datum `{}`", found.chars().take(60).collect::<String>()) })
}

fn projected(node: &Node, datum: Datum, ellipsoid: Ellipsoid) -> Result<Crs, CrsError> {
    let method = node.find(&["PROJECTION", "METHOD"]).map_or("", Node::name);
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '_', '-'], "");
    if !["transversemercator", "gausskruger", "gaußkrüger"].contains(&plain(method).as_str()) {
        return Err(CrsError::NotSupported {
            found: format!("projection `{}`", method.chars().take(60).collect::<String>()),
        });
    }
    let metre = node.child(&["UNIT", "LENGTHUNIT"]).or_else(|| node.find(&["LENGTHUNIT"]));
    let metre = metre.and_then(|unit| unit.numbers.first().copied()).unwrap_or(1.0);
    if metre != 1.0 {
        return Err(CrsError::Unit { found: format!("a length of {metre} m") });
    }
    let mut projection = Projection {
        name: node.name().chars().filter(|c| !c.is_control()).take(80).collect(),
        datum,
        series: Series::new(ellipsoid),
        latitude_of_origin_deg: 0.0,
        central_meridian_deg: f64::NAN,
        scale: 1.0,
        false_easting_m: 0.0,
        false_northing_m: 0.0,
    };
    let mut parameters = Vec::new();
    node.all("PARAMETER", &mut parameters);
    for parameter in parameters {
        let value = parameter.numbers.first().copied().unwrap_or(f64::NAN);
        match plain(parameter.name()).as_str() {
            "falseeasting" => projection.false_easting_m = value,
            "falsenorthing" => projection.false_northing_m = value,
            "centralmeridian" | "longitudeofnaturalorigin" | "longitudeoforigin" => {
                projection.central_meridian_deg = value
            }
            "latitudeoforigin" | "latitudeofnaturalorigin" => projection.latitude_of_origin_deg = value,
            "scalefactor" | "scalefactoratnaturalorigin" => projection.scale = value,
            other => return Err(CrsError::NotSupported { found: format!("parameter `{other}`") }),
        }
    }
    projection.check()?;
    Ok(Crs::Projected(projection))
}

fn node(rest: &mut &str, depth: usize) -> Option<Node> {
    if depth > DEPTH_MAX {
        return None;
    }
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (keyword, after) = rest.split_at_checked(end)?;
    let mut node = Node { keyword: keyword.to_ascii_uppercase(), ..Node::default() };
    *rest = after.trim_start().strip_prefix(['[', '('])?;
    loop {
        *rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        match rest.chars().next()? {
            ']' | ')' => {
                *rest = rest.get(1..)?;
                return Some(node);
            }
            '"' => {
                let (text, after) = rest.get(1..)?.split_once('"')?;
                node.texts.push(text.to_owned());
                *rest = after;
            }
            '-' | '+' | '.' | '0'..='9' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))?;
                let (number, after) = rest.split_at_checked(end)?;
                node.numbers.push(number.parse().ok()?);
                *rest = after;
            }
            _ => {
                // `AXIS["X", NORTH]` has words of its own.
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
                let (_, after) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
                if after.trim_start().starts_with(['[', '(']) {
                    node.children.push(self::node(rest, depth + 1)?);
                } else {
                    *rest = after;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOGRAPHIC: &str = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

    fn zone_39(geographic: &str) -> String {
        format!(
            r#"PROJCS["CGCS2000_3_Degree_GK_Zone_39",{geographic},PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",39500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#
        )
    }

    #[track_caller]
    fn check_same(text: &str, code: &str) {
        let (found, want) = (read(text).unwrap(), Crs::parse(code).unwrap());
        match (found, want) {
            (Crs::Projected(found), Crs::Projected(want)) => {
                assert_eq!(Projection { name: want.name.clone(), ..found }, want)
            }
            (found, want) => assert_eq!(found, want),
        }
    }

    #[test]
    fn what_arcgis_writes_is_what_epsg_has() {
        check_same(GEOGRAPHIC, "EPSG:4490");
        check_same(&zone_39(GEOGRAPHIC), "EPSG:4527");
        check_same(&format!("\u{feff}{}\r\n", zone_39(GEOGRAPHIC)), "EPSG:4527");
    }

    #[test]
    fn old_datums_are_refused_by_name() {
        let old = GEOGRAPHIC.replace("D_China_2000", "D_Xian_1980").replace("CGCS2000", "Xian_1980");
        assert_eq!(read(&zone_39(&old)), Err(CrsError::OldDatum { found: "Xian 1980" }));
        let old = GEOGRAPHIC.replace("D_China_2000", "D_Beijing_1954").replace("CGCS2000", "Krasovsky_1940");
        assert_eq!(read(&old), Err(CrsError::OldDatum { found: "Beijing 1954" }));
    }

    #[test]
    fn other_projections_and_units_and_broken_text_are_refused() {
        let lambert = zone_39(GEOGRAPHIC).replace("Gauss_Kruger", "Lambert_Conformal_Conic");
        assert!(matches!(read(&lambert), Err(CrsError::NotSupported { .. })));
        let feet = zone_39(GEOGRAPHIC).replace(r#"UNIT["Meter",1.0]"#, r#"UNIT["Foot",0.3048]"#);
        assert!(matches!(read(&feet), Err(CrsError::Unit { .. })));
        for text in ["", "[", "PROJCS", "PROJCS[", &GEOGRAPHIC[..40], &"A[".repeat(1_000), "GEOGCS[\"x\",1e]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
