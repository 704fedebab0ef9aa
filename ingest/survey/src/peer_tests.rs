//! What GDAL, PROJ and GEOS say: they write what we read, and read what we write.

use crate::ring::first_crossing;
use crate::transverse_mercator::WGS84;
use crate::{Crs, Export, Format, ReadOptions, Source, Survey, read, wkt, write_geojson, write_kml, write_shapefile};
use model::{GeoPoint, Polygon, Ring};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What the script prints; `None`, and a word about it, where its libraries are not installed.
fn peers(verb: &str, at: &Path) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers.py");
    let known = Command::new("python3").args(["-c", "import geopandas, pyogrio, pyproj, shapely"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: pyogrio, pyproj, shapely and geopandas are not here; tests/install.sh brings them");
        return None;
    }
    let output = Command::new("python3").arg(script).arg(verb).arg(at).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Every file of a folder as one source.
fn read_folder(folder: &Path) -> Survey {
    let mut files: Vec<(String, Cow<'_, [u8]>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), Cow::Owned(std::fs::read(entry.path()).unwrap())))
        .collect();
    files.sort();
    let name = folder.file_name().unwrap().to_str().unwrap();
    read(&Source { name, files }, &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn rings(polygons: &[Polygon]) -> impl Iterator<Item = &Ring> {
    polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
}

#[test]
fn surveys_that_gdal_wrote_are_read_to_the_places_that_proj_says() {
    let folder = tempfile::tempdir().unwrap();
    if peers("write", folder.path()).is_none() {
        return;
    }
    let expected = std::fs::read_to_string(folder.path().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    assert!(expected.len() > 20);
    let mut corners_seen = 0;
    for (name, want) in &expected {
        let survey = read_folder(&folder.path().join(name));
        let corners = want["corners"].as_array().unwrap();
        assert_eq!(survey.features.len(), corners.len(), "{name}");
        for (number, (feature, corners)) in survey.features.iter().zip(corners).enumerate() {
            let kind = ["no-grazing", "balance", "forest-farm", "meadow"][number % 4];
            let mapped = crate::Mapping::parse("[attributes]\nkind = \"地类名称\"\nid = \"BSM\"").unwrap();
            // Ten bytes are three characters in UTF-8 and five in GBK.
            let mut attributes = feature.attributes.clone();
            if let Some(kind) = attributes.get("地类名").cloned() {
                attributes.insert("地类名称".to_owned(), kind);
            }
            let mapped = mapped.apply(attributes);
            assert_eq!(mapped.get("kind").map(String::as_str), Some(kind), "{name}: {:?}", feature.attributes);
            let id = format!("15042{number}");
            assert_eq!(mapped.get("id").map(String::as_str), Some(id.as_str()), "{name}");
            let land = feature.land.as_ref().unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_eq!(first_crossing(rings(&land.polygons)), None);
            for corner in corners.as_array().unwrap() {
                let (lon, lat) = (corner[0].as_f64().unwrap() * 1e7, corner[1].as_f64().unwrap() * 1e7);
                let off =
                    |point: &GeoPoint| (f64::from(point.lon_e7) - lon).abs().max((f64::from(point.lat_e7) - lat).abs());
                let nearest = rings(&land.polygons).flatten().map(off).fold(f64::INFINITY, f64::min);
                // Half a unit of rounding; KML and RFC 7946 as GDAL writes them have fewer digits.
                assert!(nearest < 1.01, "{name} feature {number}: {corner} is {nearest} units off");
                corners_seen += 1;
            }
        }
        let shared = |a: usize, b: usize| {
            let of = |number: usize| survey.features[number].land.as_ref().unwrap();
            let points: std::collections::HashSet<_> = rings(&of(a).polygons).flatten().collect();
            rings(&of(b).polygons).flatten().filter(|point| points.contains(point)).count()
        };
        // Neighbours keep every vertex of their common border, those that were added included.
        let border = shared(0, 1);
        assert!(border >= 2 && border == shared(1, 2).max(border).min(border), "{name}: {border}");
    }
    assert!(corners_seen > 500, "{corners_seen}");
}

#[test]
fn the_inverse_projection_agrees_with_proj_to_less_than_a_tenth_of_a_millimetre_in_every_zone() {
    let folder = tempfile::tempdir().unwrap();
    if peers("write", folder.path()).is_none() {
        return;
    }
    let systems = std::fs::read_to_string(folder.path().join("systems.json")).unwrap();
    let systems: Vec<Value> = serde_json::from_str(&systems).unwrap();
    let mut worst_m: f64 = 0.0;
    for system in &systems {
        let code = system["code"].as_u64().unwrap() as u32;
        let mut all = vec![Crs::of_epsg(code).unwrap()];
        for text in system["texts"].as_array().unwrap() {
            let text = text.as_str().unwrap();
            all.push(wkt::read(text).unwrap_or_else(|error| panic!("{code}: {error}: {text}")));
        }
        for place in system["places"].as_array().unwrap() {
            let number = |at: usize| place[at].as_f64().unwrap();
            for crs in &all {
                let (lon, lat) = crs.to_wgs84([number(0), number(1)]).unwrap();
                let degree_m = WGS84.semi_major_m.to_radians();
                let off_m = ((lon - number(2)) * lat.to_radians().cos()).hypot(lat - number(3)) * degree_m;
                worst_m = worst_m.max(off_m);
                assert!(off_m < 1e-4, "EPSG:{code} {place}: {off_m} m");
            }
        }
    }
    println!("{} systems, worst {:.1} nm from PROJ", systems.len(), worst_m * 1e9);
}

#[test]
fn gdal_reads_what_we_write_and_finds_the_same_vertices() {
    let folder = tempfile::tempdir().unwrap();
    let point = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
    let field = Polygon {
        exterior: vec![
            point(1_171_234_567, 431_234_567),
            point(1_172_234_567, 431_234_561),
            point(1_172_234_563, 432_234_567),
        ],
        holes: vec![vec![
            point(1_172_000_002, 431_400_007),
            point(1_171_900_001, 431_400_001),
            point(1_172_000_001, 431_500_001),
        ]],
    };
    let island = Polygon {
        exterior: vec![
            point(1_181_234_567, 431_234_567),
            point(1_182_234_567, 431_234_561),
            point(1_182_234_563, 432_234_567),
        ],
        holes: Vec::new(),
    };
    let attributes = BTreeMap::from(
        [("id", "z1"), ("name", "北山禁牧区"), ("kind", "no-grazing"), ("township", "150425101")]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let (both, one) = ([field.clone(), island.clone()], [island]);
    let exports =
        [Export { attributes: &attributes, polygons: &both }, Export { attributes: &attributes, polygons: &one }];
    for (name, bytes) in [
        ("land.geojson", write_geojson(&exports).unwrap().into_bytes()),
        ("land.kml", write_kml("land", &exports).into_bytes()),
        ("land.zip", write_shapefile("land", &exports).unwrap()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let Some(answer) = peers("read", folder.path()) else { return };
    let answer: BTreeMap<String, Value> = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.len(), 3);
    for (file, found) in answer {
        let crs = if file == "land.zip" { 4490 } else { 4326 };
        assert_eq!((found["crs"].as_u64(), found["valid"].as_bool()), (Some(crs), Some(true)), "{file}: {found}");
        for (key, value) in &attributes {
            let column = if file == "land.kml" && key == "name" { "Name" } else { key };
            assert_eq!(found["rows"][0][column].as_str(), Some(value.as_str()), "{file}: {found}");
        }
        for (polygons, rings_found) in
            [both.as_slice(), one.as_slice()].into_iter().zip(found["rings"].as_array().unwrap())
        {
            let sorted = |ring: &Ring| {
                let mut ring: Vec<(i64, i64)> =
                    ring.iter().map(|point| (point.lon_e7.into(), point.lat_e7.into())).collect();
                ring.sort_unstable();
                ring
            };
            let mut want: Vec<_> = rings(polygons).map(sorted).collect();
            let whole = |value: &Value| (value.as_f64().unwrap() * 1e7).round() as i64;
            let of = |ring: &Value| {
                let mut ring: Vec<_> =
                    ring.as_array().unwrap().iter().map(|at| (whole(&at[0]), whole(&at[1]))).collect();
                ring.sort_unstable();
                ring
            };
            let mut got: Vec<_> = rings_found.as_array().unwrap().iter().map(of).collect();
            want.sort();
            got.sort();
            assert_eq!(got, want, "{file}");
        }
    }
}

#[test]
fn geos_finds_valid_what_was_mended() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::StdRng::seed_from_u64(11);
    let mut features = Vec::new();
    for number in 0..400 {
        let mut vertex =
            || format!("[{:.7},{:.7}]", 117.0 + random.random_range(0.0..0.02), 43.0 + random.random_range(0.0..0.02));
        let ring: Vec<String> = (0..4 + number % 9).map(|_| vertex()).collect();
        features.push(format!(
            r#"{{"type":"Feature","properties":{{"id":"{number}"}},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#,
            ring.join(",")
        ));
    }
    let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
    let options = ReadOptions { area_change_max: f64::INFINITY, snap_m: 0.0, ..ReadOptions::default() };
    let survey = read(&Source::file("scribbles.geojson", text.as_bytes()), &options).unwrap();
    assert_eq!(survey.format, Format::GeoJson);
    let lands: Vec<_> =
        survey.features.iter().filter_map(|feature| Some((&feature.attributes, feature.land.as_ref().ok()?))).collect();
    assert!(lands.len() > 390, "{}", lands.len());
    let exports: Vec<Export<'_>> =
        lands.iter().map(|(attributes, land)| Export { attributes, polygons: &land.polygons }).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mended.geojson");
    std::fs::write(&file, write_geojson(&exports).unwrap()).unwrap();
    let Some(answer) = peers("valid", &file) else { return };
    let reasons: Vec<String> = serde_json::from_str(&answer).unwrap();
    assert_eq!(reasons.len(), lands.len());
    for (reason, (attributes, _)) in reasons.iter().zip(&lands) {
        assert_eq!(reason, "Valid Geometry", "{attributes:?}");
    }
}
