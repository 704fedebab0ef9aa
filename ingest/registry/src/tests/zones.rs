use super::*;
use crate::{Datum, FeatureFault, FeatureOutcome, ImportOptions, ImportReport, ZoneImportError};
use model::{ZoneId, ZoneKind};
use serde_json::{Value, json};

const SQUARE: &str = "[[[117.0,43.0],[117.1,43.0],[117.1,43.1],[117.0,43.1],[117.0,43.0]]]";

fn feature(id: &str, coordinates: &str) -> Value {
    let coordinates: Value = serde_json::from_str(coordinates).unwrap();
    json!({
        "type": "Feature",
        "properties": { "id": id, "name": "巴彦查干禁牧区", "kind": "no-grazing", "township": 150425100, "land_class": "grassland" },
        "geometry": { "type": "Polygon", "coordinates": coordinates },
    })
}

fn collection(features: &[Value]) -> String {
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn import(registry: &Registry, text: &str) -> Result<ImportReport, ZoneImportError> {
    registry.import_zones(&survey_of(text), ImportOptions::default(), "li", "五年重划")
}

/// The zones in force as GeoJSON.
fn exported(registry: &Registry) -> String {
    let zones = registry.view().borrow().zones.clone();
    String::from_utf8(crate::export_zones(&zones, survey::Format::GeoJson).unwrap()).unwrap()
}

fn outcomes(report: &ImportReport) -> Vec<FeatureOutcome> {
    report.features.iter().map(|feature| feature.outcome.clone()).collect()
}

fn versions(registry: &Registry) -> Vec<(String, u32)> {
    registry.view().borrow().zones.iter().map(|zone| (zone.id.to_string(), zone.version)).collect()
}

#[track_caller]
fn check_refused(feature: Value, words: &[&str]) -> FeatureFault {
    let Fixture { registry, .. } = &fixture();
    let error = import(registry, &collection(&[feature])).unwrap_err();
    check_message(&error, words);
    let ZoneImportError::Refused(report) = error else { panic!("{error}") };
    let (_, fault) = report.refused().next().unwrap();
    fault.clone()
}

#[test]
fn a_feature_becomes_a_zone_of_whole_1e_7_degrees_wound_the_right_way() {
    let fixture = fixture();
    let clockwise = "[[[117.0,43.0],[117.0,43.1],[117.0,43.1],[117.1,43.1],[117.1,43.0],[117.0,43.0]],
                      [[117.02,43.02],[117.04,43.02],[117.04,43.04],[117.02,43.02]]]";
    let text = format!("\u{feff}{}", feature("zone-1", clockwise));
    import(&fixture.registry, &text).unwrap();
    let view = fixture.another().view().borrow().clone();
    let zone = view.zone(&ZoneId::parse("zone-1").unwrap()).unwrap();
    let degrees = |ring: &[model::GeoPoint]| ring.iter().map(|point| point.degrees()).collect::<Vec<_>>();
    let polygon = &zone.polygons[0];
    assert_eq!(degrees(&polygon.exterior), [(117.1, 43.0), (117.1, 43.1), (117.0, 43.1), (117.0, 43.0)]);
    assert_eq!(degrees(&polygon.holes[0]), [(117.04, 43.04), (117.04, 43.02), (117.02, 43.02)]);
    assert_eq!((zone.name.as_str(), zone.kind, zone.version), ("巴彦查干禁牧区", ZoneKind::NoGrazing, 1));
    assert_eq!(zone.township.as_ref().unwrap().as_str(), "150425100");
    assert_eq!((zone.in_force_from, zone.known_from), (fixture.clock.now(), fixture.clock.now()));
}

#[test]
fn one_wrong_feature_refuses_the_whole_file_and_every_feature_has_its_answer() {
    let Fixture { registry, .. } = &fixture();
    let bow_tie = "[[[117.0,43.0],[117.2,43.2],[117.2,43.0],[117.0,43.2],[117.0,43.0]]]";
    let text = collection(&[
        feature("good", SQUARE),
        feature("禁牧区", SQUARE),
        feature("knot", bow_tie),
        feature("good", SQUARE),
    ]);
    let error = import(registry, &text).unwrap_err();
    check_message(&error, &["no zone was imported", "3 of 4", "feature 1 (禁牧区)", "A-Z a-z"]);
    let ZoneImportError::Refused(report) = error else { panic!("{error}") };
    let reasons: Vec<_> = report.refused().map(|(feature, fault)| (feature.index, fault.to_string())).collect();
    check_message(&reasons[1].1, &["lon 117.1000000, lat 43.1000000", "correct it there"]);
    assert_eq!(
        (reasons[2].0, &report.features[3].outcome),
        (3, &FeatureOutcome::Refused(FeatureFault::IdTwice { first: 0 }))
    );
    assert!(!matches!(report.features[0].outcome, FeatureOutcome::Refused(_)));
    assert!(registry.view().borrow().zones.is_empty() && registry.audit(9).unwrap().is_empty());
}

#[test]
fn a_feature_that_is_no_zone_is_refused_with_the_reason() {
    let with = |key: &str, value: Value| {
        let mut feature = feature("zone-1", SQUARE);
        feature["properties"][key] = value;
        feature
    };
    assert_eq!(check_refused(with("id", Value::Null), &["id is missing"]), FeatureFault::IdMissing);
    assert_eq!(check_refused(with("kind", json!("")), &["kind is missing"]), FeatureFault::KindMissing);
    check_refused(with("kind", json!("pasture")), &["`pasture`", "no-grazing"]);
    check_refused(with("township", json!("巴彦查干苏木")), &["township", "administrative code"]);
    check_refused(with("name", json!("x".repeat(101))), &["name", "1 to 100"]);
    let point = json!({ "type": "Feature", "properties": { "id": "p", "kind": "balance" },
                        "geometry": { "type": "Point", "coordinates": [117, 43] } });
    check_refused(point, &["geometry is Point", "MultiPolygon"]);
    let nothing = json!({ "type": "Feature", "properties": { "id": "p", "kind": "balance" }, "geometry": null });
    check_refused(nothing, &["geometry is empty"]);
}

#[test]
fn coordinates_that_enclose_nothing_or_lie_nowhere_are_refused() {
    let check = |coordinates: &str, words: &[&str]| check_refused(feature("zone-1", coordinates), words);
    check("[[[117,43],[117.1,43],[117,43]]]", &["no ring encloses land", "at least 3"]);
    check("[[[117,43],[117.00000001,43],[117.00000002,43],[117,43]]]", &["no ring encloses land"]);
    check("[[[117,43],[117.1,43],[117.2,43],[117,43]]]", &["no ring encloses land"]);
    check("[[[117,\"43\"],[117.1,43],[117.1,43.1]]]", &["rings of positions"]);
    check("[[117,43],[117.1,43],[117.1,43.1]]", &["rings of positions"]);
    check("[]", &["geometry is empty"]);
    check("[[]]", &["no ring encloses land"]);
}

#[test]
fn a_changed_zone_gets_a_version_and_an_unchanged_one_does_not() {
    let Fixture { registry, .. } = &fixture();
    import(registry, &collection(&[feature("a", SQUARE), feature("b", SQUARE)])).unwrap();
    let mut moved = feature("b", SQUARE);
    moved["geometry"]["coordinates"][0][1][0] = json!(117.2);
    let report = import(registry, &collection(&[feature("a", SQUARE), moved])).unwrap();
    let want = [FeatureOutcome::Unchanged { version: 1 }, FeatureOutcome::Published { version: 2 }];
    assert_eq!(outcomes(&report), want);
    assert_eq!(versions(registry), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let kept = registry.zone_versions(&ZoneId::parse("b").unwrap()).unwrap();
    assert_eq!(kept.iter().map(|version| version.zone.version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(kept[0].zone.polygons[0].exterior[1].lon_e7, 1_171_000_000);
    assert_eq!(registry.verify_audit().unwrap(), 3);
}

#[test]
fn a_version_of_the_future_is_kept_and_comes_into_force_on_its_day() {
    let fixture = fixture();
    let (registry, other) = (&fixture.registry, &fixture.another());
    import(registry, &collection(&[feature("a", SQUARE)])).unwrap();
    let redrawn = "[[[117.0,43.0],[117.3,43.0],[117.3,43.3],[117.0,43.0]]]";
    let day = at("2026-06-01T00:00:00+08:00");
    let options = ImportOptions { in_force: Some(day), ..ImportOptions::default() };
    registry
        .import_zones(
            &survey_of(&collection(&[feature("a", redrawn), feature("new", SQUARE)])),
            options,
            "li",
            "五年重划",
        )
        .unwrap();
    other.refresh().unwrap();
    assert_eq!(versions(other), [("a".to_owned(), 1)]);
    assert_eq!(registry.zone_versions(&ZoneId::parse("a").unwrap()).unwrap().len(), 2);
    fixture.clock.set(at("2026-05-31T23:59:59.999+08:00"));
    assert!(!other.refresh().unwrap());
    fixture.clock.set(day);
    assert!(other.refresh().unwrap());
    assert_eq!(versions(other), [("a".to_owned(), 2), ("new".to_owned(), 1)]);
    assert!(!other.refresh().unwrap());
    assert_eq!(versions(&fixture.another()), versions(other));
}

#[test]
fn a_dry_run_says_how_much_land_is_gained_and_lost() {
    let Fixture { registry, .. } = &fixture();
    let north = SQUARE.replace("[117.0,43.", "[117.0,44.").replace("[117.1,43.", "[117.1,44.");
    import(registry, &collection(&[feature("a", SQUARE), feature("b", &north)])).unwrap();
    let moved = SQUARE.replace("117.1", "117.2").replace("43.0]", "43.05]");
    let survey = survey_of(&collection(&[feature("a", &moved), feature("b", &north)]));
    let report =
        registry.import_zones(&survey, ImportOptions { dry_run: true, ..ImportOptions::default() }, "li", "").unwrap();
    let differences: Vec<_> = report.features.iter().map(|feature| feature.difference).collect();
    let change = differences[0].unwrap();
    // Half of the square is lost; as much as the other half is gained beside it.
    assert!((change.gained_m2 / change.lost_m2 - 1.0).abs() < 0.001, "{change:?}");
    assert!((change.lost_m2 / 45_270_000.0 - 1.0).abs() < 0.01, "{change:?}");
    assert_eq!(differences[1], None, "as it was");
    check_message(&report.text(), &["gains 678", "mu and loses 67"]);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let Fixture { registry, .. } = &fixture();
    let options = ImportOptions { dry_run: true, kind: Some(ZoneKind::Reserve), ..ImportOptions::default() };
    let survey = survey_of(&collection(&[feature("a", SQUARE)]));
    let report = registry.import_zones(&survey, options, "li", "五年重划").unwrap();
    assert_eq!((outcomes(&report), report.dry_run), (vec![FeatureOutcome::Published { version: 1 }], true));
    assert!(registry.view().borrow().zones.is_empty() && registry.audit(9).unwrap().is_empty());
    registry.import_zones(&survey, ImportOptions { dry_run: false, ..options }, "li", "五年重划").unwrap();
    assert_eq!(registry.view().borrow().zones[0].kind, ZoneKind::Reserve, "the command's kind wins");
}

#[test]
fn an_export_imported_again_changes_nothing() {
    let Fixture { registry, .. } = &fixture();
    let parts =
        json!([serde_json::from_str::<Value>(SQUARE).unwrap(), [[[116.1234567, 43.5], [116.2, 43.5], [116.2, 43.6]]]]);
    let mut two_parts = feature("b", SQUARE);
    two_parts["geometry"] = json!({ "type": "MultiPolygon", "coordinates": parts });
    import(registry, &collection(&[feature("a", SQUARE), two_parts])).unwrap();
    let report = import(registry, &exported(registry)).unwrap();
    assert_eq!(outcomes(&report), vec![FeatureOutcome::Unchanged { version: 1 }; 2]);
}

#[test]
fn a_boundary_from_a_consumer_map_is_moved_to_where_it_is() {
    let Fixture { registry, .. } = &fixture();
    let shifted = "[[[113.507503,43.902009],[113.607503,43.902009],[113.607503,44.0]]]";
    let survey = survey_in(&collection(&[feature("a", shifted)]), Some(Datum::Gcj02));
    registry.import_zones(&survey, ImportOptions::default(), "li", "五年重划").unwrap();
    let (lon, lat) = registry.view().borrow().zones[0].polygons[0].exterior[0].degrees();
    assert!((lon - 113.5).abs() < 2e-6 && (lat - 43.9).abs() < 2e-6, "{lon} {lat}");
}

#[test]
fn every_real_banner_boundary_is_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/polygons/inner_mongolia_datav/county");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not here", folder.display());
        return;
    };
    let Fixture { registry, .. } = &fixture();
    let mut features = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut collection: Value = serde_json::from_str(&text).unwrap();
        for feature in collection["features"].as_array_mut().unwrap() {
            feature["properties"]["id"] = feature["properties"]["adcode"].clone();
            features.push(feature.take());
        }
    }
    let options = ImportOptions { kind: Some(ZoneKind::Jurisdiction), ..ImportOptions::default() };
    let survey = survey_in(&collection(&features), Some(Datum::Gcj02));
    let report = registry.import_zones(&survey, options, "li", "五年重划").unwrap();
    assert!(!features.is_empty());
    assert_eq!(report.published(), features.len());
}

#[test]
fn a_zone_on_the_other_side_of_the_earth_is_refused_by_name_and_the_others_stay_watched() {
    let Fixture { registry, .. } = &fixture();
    import(registry, &collection(&[feature("zone-1", SQUARE), feature("zone-2", SQUARE)])).unwrap();
    let mirrored = SQUARE.replace("117", "-117");
    let error = import(registry, &collection(&[feature("zone-3", &mirrored)])).unwrap_err();
    check_message(&error, &["zone-3", "234 degrees", "longitude"]);
    assert_eq!(versions(registry).len(), 2);
}

#[test]
fn papers_are_read_with_the_feature_and_written_with_the_export() {
    let Fixture { registry, .. } = &fixture();
    let mut papers = feature("a", SQUARE);
    for (key, value) in [
        ("enforcement_body", json!("forestry_bureau")),
        ("legal_basis", json!("克政字〔2026〕29号")),
        ("area_mu", json!("135770")),
        ("capacity", json!(22628)),
    ] {
        papers["properties"][key] = value;
    }
    let report = import(registry, &collection(&[papers.clone()])).unwrap();
    assert!(report.features[0].notes.is_empty(), "{}", report.text());
    let export: Value = serde_json::from_str(&exported(registry)).unwrap();
    let properties = &export["features"][0]["properties"];
    assert_eq!(
        (&properties["authority"], &properties["enforcement_body"]),
        (&json!("forestry_bureau"), &json!("forestry_bureau"))
    );
    assert_eq!((&properties["legal_basis"], &properties["area_mu"]), (&json!("克政字〔2026〕29号"), &json!(135_770.0)));
    assert_eq!(properties["capacity"], 22628);
    assert_eq!(outcomes(&import(registry, &export.to_string()).unwrap()), [FeatureOutcome::Unchanged { version: 1 }]);
    papers["properties"]["area_mu"] = json!(137_200);
    let report = import(registry, &collection(&[papers])).unwrap();
    check_message(&report.text(), &["version 2", "stated as 137200.0 mu", "encloses 135770."]);
}

#[test]
fn papers_that_cannot_be_are_refused_with_the_reason() {
    let with = |key: &str, value: Value| {
        let mut feature = feature("zone-1", SQUARE);
        feature["properties"][key] = value;
        feature
    };
    check_refused(with("enforcement_body", json!("police")), &["enforcement_body", "`police`", "forestry_squadron"]);
    check_refused(with("area_mu", json!("12亩")), &["area_mu", "without a unit"]);
    check_refused(with("area_mu", json!(-1)), &["area_mu", "above 0"]);
    check_refused(with("capacity", json!(1.5)), &["capacity", "whole sheep units"]);
    check_refused(with("legal_basis", json!("x".repeat(501))), &["legal_basis", "500"]);
}
