use super::*;
use crate::raw::RawShape;

/// A GeoPackage with what every test needs and what this one adds.
fn package(layer: &str) -> Vec<u8> {
    let mut database = Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT);
        CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
        CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
        INSERT INTO gpkg_contents VALUES ('land', 'features');
        INSERT INTO gpkg_geometry_columns VALUES ('land', 'geom', 4490);
        INSERT INTO gpkg_spatial_ref_sys VALUES (4490, 'EPSG', 4490, '');";
    database.execute_batch(tables).unwrap();
    database.execute_batch(layer).unwrap();
    database.serialize("main").unwrap().to_vec()
}

const LAND: &str = "CREATE TABLE land (fid INTEGER PRIMARY KEY, BSM TEXT, area REAL, geom BLOB);";

/// A triangle in well-known binary behind a header with these flags and so many bytes of envelope.
fn triangle(flags: u8, envelope: usize, code: u32, extra: &[f64]) -> Vec<u8> {
    let mut bytes = vec![b'G', b'P', 0, flags, 0x8a, 0x11, 0, 0];
    bytes.resize(8 + envelope, 0);
    bytes.push(1);
    bytes.extend(code.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(4u32.to_le_bytes());
    for (x, y) in [(117.0, 43.0), (117.1, 43.0), (117.1, 43.1), (117.0, 43.0)] {
        bytes.extend([x, y].iter().chain(extra).flat_map(|value: &f64| value.to_le_bytes()));
    }
    bytes
}

fn with_row(blob: &[u8]) -> Vec<u8> {
    let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
    package(&format!("{LAND} INSERT INTO land VALUES (1, '北山', 1.5, x'{hex}');"))
}

#[track_caller]
fn check(bytes: &[u8]) -> RawSurvey {
    read("land.gpkg", bytes, Limits::default()).unwrap()
}

#[track_caller]
fn refused(bytes: &[u8], part: &str) {
    let error = read("land.gpkg", bytes, Limits::default()).unwrap_err().to_string();
    assert!(error.contains("land.gpkg") && error.contains(part), "{error}");
}

#[test]
fn a_row_is_read_with_any_envelope_heights_and_measures() {
    for (flags, envelope, code, extra) in [
        (1, 0, 3, &[][..]),
        (3, 32, 3, &[]),
        (5, 48, 1_003, &[1.0]),
        (9, 64, 3_003, &[1.0, 2.0]),
        (1, 0, 0x8000_0003, &[1.0]),
        (1, 0, 0xc000_0003, &[1.0, 2.0]),
    ] {
        let survey = check(&with_row(&triangle(flags, envelope, code, extra)));
        let [feature] = survey.features.as_slice() else { panic!() };
        let want = vec![vec![vec![[117.0, 43.0], [117.1, 43.0], [117.1, 43.1], [117.0, 43.0]]]];
        assert_eq!(feature.shape, Ok(RawShape::Parts(want)), "{code}");
        assert_eq!(feature.attributes.get("BSM").map(String::as_str), Some("北山"));
        assert_eq!(survey.crs, Some(Ok(Crs::parse("EPSG:4490").unwrap())));
    }
}

#[test]
fn a_file_in_write_ahead_mode_is_read() {
    let mut bytes = with_row(&triangle(1, 0, 3, &[]));
    bytes[18..20].fill(2);
    assert_eq!(check(&bytes).features.len(), 1);
}

#[test]
fn a_blob_that_is_cut_anywhere_is_a_fault_of_its_row() {
    let blob = triangle(1, 0, 3, &[]);
    for cut in 1..blob.len() {
        assert!(check(&with_row(&blob[..cut])).features[0].shape.is_err(), "{cut}");
    }
    let point = triangle(1, 0, 1, &[]);
    assert_eq!(check(&with_row(&point)).features[0].shape, Err(LandFault::GeometryType { found: "Point".to_owned() }));
}

#[test]
fn whatever_would_compute_something_is_refused() {
    refused(&package("CREATE VIEW land AS SELECT 1 AS fid, x'00' AS geom;"), "no plain table");
    refused(&package("CREATE TABLE land (fid, geom, big AS (hex(zeroblob(1000000))));"), "no plain table");
    refused(
        &package(
            "DROP TABLE gpkg_contents; CREATE VIEW gpkg_contents AS SELECT 'land' AS table_name, 'features' AS data_type;",
        ),
        "gpkg_contents",
    );
    refused(&package(""), "land");
}

#[test]
fn files_without_or_with_several_layers_and_files_that_are_none_are_refused() {
    refused(&package("DELETE FROM gpkg_contents;"), "gpkg_geometry_columns");
    let two = format!(
        "{LAND} INSERT INTO gpkg_contents VALUES ('more', 'features'); INSERT INTO gpkg_geometry_columns VALUES ('more', 'geom', 1);"
    );
    refused(&package(&two), "several layers");
    refused(b"", "land.gpkg");
    refused(b"SQLite format 3\0", "land.gpkg");
    let whole = with_row(&triangle(1, 0, 3, &[]));
    for cut in (0..whole.len()).step_by(509) {
        read("land.gpkg", &whole[..cut], Limits::default()).ok();
    }
}
