//! Real land: the banners of Inner Mongolia, and a forester's shapefile.

use crate::ring::first_crossing;
use crate::{Crs, ReadOptions, Repair, Source, Survey, read};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::PathBuf;

/// `None`, and a word about it, where the shared data is absent.
fn data(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/polygons").join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    }
    Some(path)
}

fn banners(folder: PathBuf) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let features = |file: &PathBuf| -> Vec<Value> {
        let mut collection: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        serde_json::from_value(collection["features"].take()).unwrap()
    };
    files.iter().flat_map(features).collect()
}

fn survey(features: &[Value], snap_m: f64) -> Survey {
    let text = json!({"type": "FeatureCollection", "features": features}).to_string();
    let options = ReadOptions { snap_m, ..ReadOptions::default() };
    read(&Source::file("banners.geojson", text.as_bytes()), &options).unwrap()
}

#[test]
fn banners_come_out_as_they_were_drawn_and_snapped_they_are_sound_and_say_what_changed() {
    let Some(folder) = data("inner_mongolia_datav/county") else { return };
    let features = banners(folder);
    let plain = survey(&features, 0.0);
    let snapped = survey(&features, 0.5);
    assert!(plain.features.len() > 100);
    let mut joined = 0;
    for (before, after) in plain.features.iter().zip(&snapped.features) {
        let (before, after) = (before.land.as_ref().unwrap(), after.land.as_ref().unwrap());
        let harmless =
            |repair: &Repair| matches!(repair, Repair::WrongWinding { .. } | Repair::DuplicateVertices { .. });
        assert!(before.repairs.iter().all(harmless), "{:?}", before.repairs);
        let rings = after.polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
        assert_eq!(first_crossing(rings), None);
        let told: f64 = after.repairs.iter().map(Repair::area_change_m2).sum();
        let change = after.area_m2 - before.area_m2;
        let all: f64 = after.repairs.iter().map(|repair| repair.area_change_m2().abs()).sum();
        assert!((told - change).abs() < 0.5 + all * 0.001, "told {told}, is {change}");
        assert!(change.abs() < after.area_m2 * 1e-5);
        let vertices =
            |repair: &Repair| if let Repair::SliverSnapped { vertices, .. } = repair { *vertices } else { 0 };
        joined += after.repairs.iter().map(vertices).sum::<usize>();
    }
    // Their publisher simplified each of them by itself.
    println!("{joined} vertices joined, {} notes", snapped.notes.len());
}

#[test]
fn a_foresters_shapefile_in_another_datum_is_refused_by_name_and_read_when_told() {
    let Some(folder) = data("shp") else { return };
    let mut files: Vec<(String, Cow<'_, [u8]>)> = Vec::new();
    for extension in ["shp", "dbf", "prj"] {
        let name = format!("forest_stands_2012.{extension}");
        files.push((name.clone(), Cow::Owned(std::fs::read(folder.join(name)).unwrap())));
    }
    let source = Source { name: "forest", files };
    let error = read(&source, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("D_ETRS_1989") && error.contains("EPSG:4490"), "{error}");
    // UTM 35 on WGS84: the same numbers to a millimetre.
    let survey = read(&source, &ReadOptions { crs: Crs::of_epsg(32635), ..ReadOptions::default() }).unwrap();
    assert_eq!(survey.features.len(), 74);
    for feature in &survey.features {
        let land = feature.land.as_ref().unwrap_or_else(|fault| panic!("{}: {fault}", feature.index));
        let (lon, lat) = land.polygons[0].exterior[0].degrees();
        assert!((22.0..32.0).contains(&lon) && (60.0..70.0).contains(&lat), "{lon} {lat}");
    }
}
