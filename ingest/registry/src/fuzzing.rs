//! What `fuzz/` calls: a surveyor's file, whatever it holds.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use crate::{Datum, ImportOptions, drafts, geometry};
use model::ZoneKind;
use survey::{ReadOptions, Source, ring};

/// A file for `zones import`, as WGS84 with the kinds that it states, and in the shifted datums as no-grazing land.
pub fn zones_geojson(input: &[u8]) {
    let kind = Some(ZoneKind::NoGrazing);
    for (datum, kind) in [(None, None), (Some(Datum::Gcj02), kind), (Some(Datum::Bd09), kind)] {
        let options = ReadOptions { datum, ..ReadOptions::default() };
        let Ok(survey) = survey::read(&Source::file("zones.geojson", input), &options) else { continue };
        match drafts(&survey, ImportOptions { kind, ..ImportOptions::default() }) {
            Ok(drafts) => {
                for draft in drafts {
                    let kept = geometry::decode(&geometry::encode(&draft.polygons));
                    assert_eq!(kept.as_ref(), Some(&draft.polygons), "a border comes back bit for bit");
                    for polygon in &draft.polygons {
                        assert!(ring::signed_area(&polygon.exterior) > 0, "the inside is to the left: {polygon:?}");
                        assert!(polygon.holes.iter().all(|hole| ring::signed_area(hole) < 0), "{polygon:?}");
                    }
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn files_that_were_kept_are_imported_whole_or_refused() {
    replay::replay("zones_geojson", zones_geojson);
}
