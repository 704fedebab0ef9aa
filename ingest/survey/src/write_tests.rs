use super::*;
use crate::{ReadOptions, Source, read, write_shapefile};
use proptest::prelude::*;

/// A star around a place, with a smaller star as its hole.
fn star(lon_e7: i32, lat_e7: i32, radii: &[i32], hole: bool) -> Polygon {
    let ring = |share: f64| -> Ring {
        let step = std::f64::consts::TAU / radii.len() as f64;
        let at = |(number, radius): (usize, &i32)| {
            let (sin, cos) = (step * number as f64).sin_cos();
            let radius = f64::from(*radius) * share;
            GeoPoint { lon_e7: lon_e7 + (radius * cos) as i32, lat_e7: lat_e7 + (radius * sin) as i32 }
        };
        radii.iter().enumerate().map(at).collect()
    };
    let mut inner = ring(0.5);
    inner.reverse();
    Polygon { exterior: ring(1.0), holes: if hole { vec![inner] } else { Vec::new() } }
}

prop_compose! {
    fn features()(
        drawn in prop::collection::vec((prop::collection::vec((prop::collection::vec(10_000..900_000i32, 5..12), any::<bool>()), 1..4), "[a-zA-Z0-9 &<>\"'一-龥]{0,20}"), 1..5),
        west in any::<bool>(),
    ) -> Vec<(BTreeMap<String, String>, Vec<Polygon>)> {
        let mut features = Vec::new();
        for (number, (parts, name)) in drawn.into_iter().enumerate() {
            let mut attributes = BTreeMap::from([("id".to_owned(), format!("z{number}")), ("乡镇名称".to_owned(), "芝瑞镇".to_owned())]);
            if !name.trim().is_empty() {
                attributes.insert("name".to_owned(), name.trim().to_owned());
            }
            let lon_e7 = if west { -3_123_456 } else { 1_171_234_567 };
            let polygons = parts.iter().enumerate().map(|(part, (radii, hole))| {
                star(lon_e7 + 2_000_000 * part as i32, 431_234_567 + 2_000_000 * number as i32, radii, *hole)
            });
            features.push((attributes, polygons.collect()));
        }
        features
    }
}

fn check(name: &str, bytes: &[u8], want: &[(BTreeMap<String, String>, Vec<Polygon>)]) {
    let survey = read(&Source::file(name, bytes), &ReadOptions::default()).unwrap();
    assert_eq!(survey.features.len(), want.len());
    for (feature, (attributes, polygons)) in survey.features.iter().zip(want) {
        let land = feature.land.as_ref().unwrap();
        assert_eq!(&land.polygons, polygons, "{name}");
        assert_eq!(land.repairs, [], "{name}");
        for (key, value) in attributes {
            // A shapefile has room for three characters of the longer name.
            let found = feature.attributes.get(key).or_else(|| feature.attributes.get("乡镇名"));
            assert_eq!(found, Some(value), "{name}: {key}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_vertex_by_vertex_in_every_format(features in features()) {
        let exports: Vec<Export<'_>> = features.iter().map(|(attributes, polygons)| Export { attributes, polygons }).collect();
        check("land.geojson", write_geojson(&exports).unwrap().as_bytes(), &features);
        check("land.kml", write_kml("禁牧区", &exports).as_bytes(), &features);
        check("land.zip", &write_shapefile("land", &exports).unwrap(), &features);
    }
}

#[test]
fn every_whole_number_of_a_coordinate_has_its_text() {
    for (value, want) in [
        (0, "0"),
        (1, "0.0000001"),
        (-1, "-0.0000001"),
        (1_170_000_000, "117"),
        (-431_234_560, "-43.123456"),
        (i32::MIN, "-214.7483648"),
    ] {
        let mut text = String::new();
        degrees(&mut text, value);
        assert_eq!(text, want);
    }
}

#[test]
fn a_name_that_a_shapefile_cannot_hold_is_refused_and_not_cut() {
    let attributes = BTreeMap::from([("name".to_owned(), "禁".repeat(85))]);
    let error = write_shapefile("land", &[Export { attributes: &attributes, polygons: &[] }]).unwrap_err();
    assert_eq!(error, WriteError::AttributeTooLong { feature: 0, name: "name".to_owned(), bytes: 255 });
}

#[test]
fn long_names_that_begin_alike_get_columns_of_their_own() {
    let attributes: BTreeMap<String, String> =
        (0..12).map(|number| (format!("population_{number:02}"), number.to_string())).collect();
    let bytes = write_shapefile("land", &[Export { attributes: &attributes, polygons: &[] }]).unwrap();
    let survey = read(&Source::file("land.zip", &bytes), &ReadOptions::default()).unwrap();
    assert_eq!(survey.features[0].attributes.len(), 12);
}
