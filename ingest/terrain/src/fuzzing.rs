//! What `fuzz/` calls: an elevation model or a stored tile, whatever it holds.
//!
//! In:  any bytes, of which the first says what the others are.   Out: nothing; a panic is a finding.   Never: a part of what
//! serves.

use crate::{Heights, ImportOptions, SightLine, Terrain, Tile, import, read_stored, write_stored};
use model::Position;
use survey::Crs;

/// A file for `terrain import`, or one of the data folder.
pub fn terrain_file(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind {
        b'i' => {
            for crs in [None, Crs::of_epsg(4548)] {
                let heights = Heights::Orthometric { undulation_m: Some(-10.0) };
                match import("fuzz", bytes, &ImportOptions { heights, crs }) {
                    Ok(tile) => check(tile),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
        b's' => match read_stored(bytes) {
            Ok(tile) => check(tile),
            Err(error) => assert!(!error.to_string().is_empty()),
        },
        _ => {}
    }
}

/// It is kept as it is, and can be looked at from its middle.
fn check(tile: Tile) {
    let again = write_stored(&tile).ok().and_then(|stored| read_stored(&stored).ok());
    assert_eq!(again.as_ref(), Some(&tile));
    let ((south, west), (north, east)) = tile.bounds_deg();
    let Ok(from) = Position::parse(f64::midpoint(south, north), f64::midpoint(west, east)) else { return };
    let Ok(relief) = Terrain::new(vec![tile]) else { return };
    let Some(ground) = relief.height(from) else { return };
    for (east, north, down) in [(0.0, 1.0, 0.1), (-1.0, 0.3, 0.01), (0.0, 0.0, 1.0)] {
        let line = SightLine { from, height_m: ground.height_m + 30.0, east, north, down };
        if let Ok(hit) = relief.first_ground(&line, 10_000.0) {
            assert!(hit.distance_m <= 10_000.0);
        }
    }
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn files_that_were_kept_are_read_whole_or_refused() {
    replay::replay("terrain_file", terrain_file);
}

#[test]
fn a_byte_that_flipped_anywhere_is_survived() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/terrain_file");
    for entry in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        for place in 1..input.len().min(1_200) {
            for flip in [0x01, 0x80, 0xff] {
                let mut flipped = input.clone();
                flipped[place] ^= flip;
                terrain_file(&flipped);
            }
        }
    }
}
