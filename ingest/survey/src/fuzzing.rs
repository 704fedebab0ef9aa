//! What `fuzz/` calls: a surveyor's file of any format, whatever it holds.
//!
//! In:  any bytes, of which the first says what the others are.   Out: nothing; a panic is a finding.   Never: a part of what
//! serves.

use crate::ring::{first_crossing, signed_area};
use crate::{Crs, Datum, Export, Limits, Mapping, ReadOptions, Source, Survey, read, write_geojson};
use std::borrow::Cow;

/// So small that an input takes no longer than a libFuzzer run can wait.
const LIMITS: Limits = Limits { bytes: 1 << 20, features: 200, vertices: 20_000, attribute_chars: 200, attributes: 40 };

/// A file for `zones import`: as it is, and with every repair allowed in metres and in a shifted datum.
pub fn survey_file(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), Cow::Owned(bytes.to_vec()));
    let files = match kind {
        b'j' => vec![file("land.geojson", bytes)],
        b'k' => vec![file("land.kml", bytes)],
        b'g' => vec![file("land.gpkg", bytes)],
        b'z' => vec![file("land.zip", bytes)],
        // Two bytes of length before each but the last.
        b's' => {
            let Some((shp, rest)) = counted(bytes) else { return };
            let Some((dbf, prj)) = counted(rest) else { return };
            let mut files = vec![file("land.shp", shp), file("land.dbf", dbf)];
            if !prj.is_empty() {
                files.push(file("land.prj", prj));
            }
            files
        }
        b'm' => {
            if let Err(error) = Mapping::parse(&String::from_utf8_lossy(bytes)) {
                assert!(!error.to_string().is_empty());
            }
            return;
        }
        _ => return,
    };
    let source = Source { name: "land", files };
    let plain = ReadOptions { limits: LIMITS, ..ReadOptions::default() };
    let anything = ReadOptions { area_change_max: f64::INFINITY, snap_m: 100.0, ..plain.clone() };
    for options in [
        ReadOptions { crs: Crs::of_epsg(4548), ..anything.clone() },
        ReadOptions { datum: Some(Datum::Gcj02), ..anything.clone() },
        anything,
        plain,
    ] {
        match read(&source, &options) {
            Ok(survey) => check(&survey),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))
}

/// Land is sound, has words for everything, and comes back as it is.
fn check(survey: &Survey) {
    assert!(survey.notes.iter().all(|note| !note.to_string().is_empty()));
    let mut exports = Vec::new();
    for feature in &survey.features {
        match &feature.land {
            Ok(land) => {
                let rings =
                    land.polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
                assert_eq!(first_crossing(rings), None, "{:?}", land.polygons);
                for polygon in &land.polygons {
                    assert!(signed_area(&polygon.exterior) > 0, "the inside is to the left: {polygon:?}");
                    assert!(polygon.holes.iter().all(|hole| signed_area(hole) < 0), "{polygon:?}");
                }
                assert!(land.area_m2.is_finite() && land.repairs.iter().all(|repair| !repair.to_string().is_empty()));
                exports.push(Export { attributes: &feature.attributes, polygons: &land.polygons });
            }
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
    let Ok(text) = write_geojson(&exports) else { return };
    let options = ReadOptions { snap_m: 0.0, ..ReadOptions::default() };
    let Ok(again) = read(&Source::file("again.geojson", text.as_bytes()), &options) else {
        assert!(text.is_empty(), "what was written is not read: {text}");
        return;
    };
    for (feature, export) in again.features.iter().zip(&exports) {
        let land = feature.land.as_ref().ok();
        assert_eq!(land.map(|land| land.polygons.as_slice()), Some(export.polygons), "it comes back vertex by vertex");
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn files_that_were_kept_are_read_whole_or_refused() {
    replay::replay("survey_file", survey_file);
}
