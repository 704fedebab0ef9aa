//! Files of every kind that is read, files that GDAL wrote, a model of real mountains, and what is damaged.

use crate::*;
use model::Position;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use survey::Crs;

const SEA: Heights = Heights::Orthometric { undulation_m: None };

fn options() -> ImportOptions {
    ImportOptions { heights: SEA, crs: None }
}

fn at(tile: &Tile, lat: f64, lon: f64) -> Option<f64> {
    let terrain = Terrain::new(vec![tile.clone()]).unwrap();
    terrain.height(Position::parse(lat, lon).unwrap()).map(|ground| ground.height_m)
}

const ASCII: &str = "NCOLS 3\nnrows 2\nXLLCORNER 117.0\nyllcorner 43.0\ncellsize 0.1\nNODATA_value -1\n\
                     10 20 30\n40.5 -1 60\n";

#[test]
fn an_ascii_grid_is_read_from_its_north_western_corner() {
    let tile = import("grid", ASCII.as_bytes(), &options()).unwrap();
    assert_eq!((tile.size(), tile.range_m(), tile.name()), ((3, 2), (10.0, 60.0), "grid"));
    let check = |lat, lon, expected: Option<f64>| {
        let found = at(&tile, lat, lon);
        assert!(found.is_some() == expected.is_some(), "{lat} {lon} {found:?}");
        assert!(found.zip(expected).is_none_or(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
    };
    check(43.15, 117.05, Some(10.0));
    check(43.05, 117.05, Some(40.5));
    check(43.15, 117.25, Some(30.0));
    check(43.05, 117.15, None);
    check(43.12, 117.05, Some(10.0 + 0.3 * 30.5));
}

#[test]
fn an_ascii_grid_may_place_its_corner_cell_by_its_middle_and_have_oblong_cells() {
    let text = "ncols 2\nnrows 2\nxllcenter 117.0\nyllcenter 43.0\ndx 0.2\ndy 0.1\n10 20\n30 40\n";
    let tile = import("grid", text.as_bytes(), &options()).unwrap();
    assert_eq!(tile.bounds_deg(), ((43.0, 117.0), (43.1, 117.2)));
    assert!((at(&tile, 43.0, 117.0).unwrap() - 30.0).abs() < 1e-6);
}

#[test]
fn metres_need_a_coordinate_system_and_are_drawn_anew_in_degrees() {
    let mut text = "ncols 60\nnrows 50\nxllcorner 525000\nyllcorner 4790000\ncellsize 100\n".to_owned();
    for row in 0..50 {
        text.extend((0..60).map(|column| format!("{} ", 1_000 + column * 2 - row)));
    }
    let complaint = import("gk", text.as_bytes(), &options()).unwrap_err().to_string();
    assert!(complaint.contains("EPSG code"), "{complaint}");
    let crs = Crs::of_epsg(4548).unwrap();
    let tile = import("gk", text.as_bytes(), &ImportOptions { crs: Some(crs.clone()), ..options() }).unwrap();
    // A plane stays one: 2 m up for each 100 m east, 1 m up for each 100 m north.
    for (x, y) in [(525_050.0, 4_794_950.0), (527_777.0, 4_792_222.0), (530_900.0, 4_790_060.0)] {
        let (lon, lat) = crs.to_wgs84([x, y]).unwrap();
        let plane = 1_000.0 + (x - 525_050.0) / 50.0 - (4_794_950.0 - y) / 100.0;
        let found = at(&tile, lat, lon);
        assert!(found.is_none_or(|found| (found - plane).abs() < 0.4), "{x} {y}: {found:?} for {plane}");
        assert!(found.is_some() || x != 527_777.0);
    }
}

#[test]
fn a_file_that_is_damaged_or_something_else_says_what_is_wrong() {
    #[track_caller]
    fn check(bytes: &[u8], words: &str) {
        let complaint = import("x", bytes, &options()).unwrap_err().to_string();
        assert!(complaint.contains(words), "{complaint}");
    }
    check(b"\xff\xfe\0", "neither a GeoTIFF nor");
    check(b"", "neither a GeoTIFF nor");
    check(b"ncols 2 nrows 2 cellsize 1", "`xllcorner` is missing");
    check(b"PK\x03\x04", "neither a GeoTIFF nor");
    check(b"ncols 2 wherefrom 2", "`wherefrom` is no name of its header");
    check(b"<html> <p>", "neither a GeoTIFF nor");
    check(&ASCII.as_bytes()[..ASCII.len() - 4], "it ends after 5 of 6 heights");
    check(format!("{ASCII} 5").as_bytes(), "more heights than 3 x 2");
    check(ASCII.replace("40.5", "x").as_bytes(), "`x` is no height");
    check(ASCII.replace("ncols 3", "ncols -3").replace("NCOLS 3", "NCOLS -3").as_bytes(), "`ncols` is -3");
    check(ASCII.replace("NCOLS 3", "NCOLS 4000000000").as_bytes(), "the limit is");
    check(ASCII.replace("40.5", "13000").as_bytes(), "unit has to be metres");
    check(b"II*\0\x08\0\0\0", "GeoTIFF cannot be read");
    check(b"MM\0*\xff\xff\xff\xff", "GeoTIFF cannot be read");
}

#[test]
fn a_stored_tile_is_the_same_tile_again_and_a_damaged_one_is_refused() {
    for heights in [SEA, Heights::Ellipsoidal, Heights::Orthometric { undulation_m: Some(-10.5) }] {
        let tile = import("grid", ASCII.as_bytes(), &ImportOptions { heights, crs: None }).unwrap();
        let stored = write_stored(&tile).unwrap();
        assert_eq!(read_stored(&stored).unwrap(), tile);
        for cut in 0..stored.len() {
            assert!(read_stored(&stored[..cut]).is_err(), "{cut}");
        }
        for place in 0..stored.len() {
            let mut flipped = stored.clone();
            flipped[place] ^= 0x41;
            // A flip in the header may give another number, never a panic; in the heights the checksum tells.
            read_stored(&flipped).ok();
        }
    }
}

#[test]
fn models_that_gdal_wrote_have_the_heights_that_gdal_reads_at_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers.py");
    let known = Command::new("python3").args(["-c", "import rasterio, pyproj"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: rasterio and pyproj are not here; tests/install.sh brings them");
        return;
    }
    let output = Command::new("python3").arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = std::fs::read_to_string(folder.path().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    assert_eq!(expected.len(), 8);
    for (name, want) in &expected {
        let bytes = std::fs::read(folder.path().join(format!("{name}.tif"))).unwrap();
        let tile = import(name, &bytes, &options()).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Half a decimetre for storing; what is drawn anew is rounded off by the curve of the hills within a cell, or what a
        // whole metre hides of it.
        let tolerance = match name {
            _ if name.starts_with("kruger-4527") => 1.0,
            _ if name.contains("kruger") || name.contains("utm") => 0.6,
            _ => 0.051,
        };
        let (mut compared, mut worst) = (0, 0.0_f64);
        for place in want["places"].as_array().unwrap() {
            let [lon, lat] = [0, 1].map(|axis| place[axis].as_f64().unwrap());
            match (at(&tile, lat, lon), place[2].as_f64()) {
                (Some(found), Some(height)) => (compared, worst) = (compared + 1, worst.max((found - height).abs())),
                (None, None) => {}
                (None, Some(_)) if tolerance > 0.1 => {} // the margin of what was turned
                (found, height) => panic!("{name} at {lon} {lat}: {found:?} for {height:?}"),
            }
        }
        println!("{name}: worst {worst:.3} m of {compared}");
        assert!(worst <= tolerance && compared > 150, "{name}: {worst} m of {compared}");
    }
}

fn shared(path: &str) -> Option<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    let found = std::fs::read(&file);
    if found.is_err() {
        eprintln!("SKIPPED: {} is not here", file.display());
    }
    found.ok()
}

#[test]
fn real_mountains_are_read_and_a_sight_line_meets_the_nearest_slope() {
    let Some(bytes) = shared("dem/SRTMGL3_40.09_-105.56_colorado.asc") else { return };
    let tile = import("colorado", &bytes, &options()).unwrap();
    assert_eq!(tile.size(), (144, 144));
    let (lowest, highest) = tile.range_m();
    assert!(lowest == 2_186.0 && highest == 3_345.0, "{lowest} {highest}");
    let stored = write_stored(&tile).unwrap();
    assert!(stored.len() * 3 < bytes.len(), "{} of {} bytes", stored.len(), bytes.len());
    let terrain = Terrain::new(vec![read_stored(&stored).unwrap()]).unwrap();
    // From a mast in the middle, all around: whatever is hit lies on the ground, and nothing stands before it.
    let from = Position::parse(40.15, -105.5).unwrap();
    let base = terrain.height(from).unwrap().height_m;
    let mut hits = 0;
    for bearing in 0..72 {
        let (east, north) = (f64::from(bearing) * 5.0).to_radians().sin_cos();
        let line = SightLine { from, height_m: base + 30.0, east, north, down: 0.05 };
        let Ok(hit) = terrain.first_ground(&line, 5_000.0) else { continue };
        hits += 1;
        let away = from.distance_m(hit.position);
        assert!((terrain.height(hit.position).unwrap().height_m - hit.height_m).abs() < 0.1);
        for step in 1..100 {
            let so_far = away * f64::from(step) / 100.0;
            let ground = terrain.height(from.moved(east * so_far, north * so_far)).unwrap().height_m;
            assert!(base + 30.0 - so_far * 0.05 + 1.0 > ground, "{bearing} {so_far}");
        }
    }
    assert!(hits > 40, "{hits}");
}
