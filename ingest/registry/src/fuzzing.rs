//! What `fuzz/` calls: a surveyor's file, whatever it holds.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use crate::{Datum, ImportOptions, geometry, zone_import};
use model::ZoneKind;
use survey::ring;

/// A file for `zones import`, as WGS84 with the kinds that it states, and in the shifted datums as no-grazing land.
pub fn zones_geojson(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let kind = Some(ZoneKind::NoGrazing);
    for options in [
        ImportOptions::default(),
        ImportOptions { datum: Datum::Gcj02, kind, ..ImportOptions::default() },
        ImportOptions { datum: Datum::Bd09, kind, ..ImportOptions::default() },
    ] {
        match zone_import::read(text, options) {
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
