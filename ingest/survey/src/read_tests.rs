use super::*;
use crate::{Encoding, Limits, Mapping};
use std::borrow::Cow;
use std::io::Write as _;

const SQUARE: &str = "[[[117,43],[117.01,43],[117.01,43.01],[117,43.01],[117,43]]]";

fn feature(geometry: &str) -> String {
    format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"id":"z1"}},"geometry":{geometry}}}]}}"#
    )
}

fn polygon(coordinates: &str) -> String {
    feature(&format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#))
}

#[track_caller]
fn geojson(text: &str, options: &ReadOptions) -> Survey {
    read(&Source::file("land.geojson", text.as_bytes()), options).unwrap()
}

/// The first vertex of the first feature, in degrees.
#[track_caller]
fn first(survey: &Survey) -> (f64, f64) {
    survey.features[0].land.as_ref().unwrap().polygons[0].exterior[0].degrees()
}

#[track_caller]
fn refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let error = read(&Source::file(name, bytes), &ReadOptions::default()).unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn geojson_comes_as_collection_feature_and_bare_geometry_with_and_without_mark() {
    let options = ReadOptions::default();
    let bare = format!(r#"{{"type":"Polygon","coordinates":{SQUARE}}}"#);
    let collection = format!(r#"{{"type":"GeometryCollection","geometries":[{bare}]}}"#);
    for text in [polygon(SQUARE), bare.clone(), collection, format!(r#"{{"type":"Feature","geometry":{bare}}}"#)] {
        for text in [format!("\u{feff}{text}"), text] {
            let survey = geojson(&text, &options);
            assert_eq!(first(&survey), (117.0, 43.0));
            let land = survey.features[0].land.as_ref().unwrap();
            assert!((land.area_m2 - 905_000.0).abs() < 1_000.0 && land.repairs.is_empty(), "{land:?}");
            assert!(survey.notes.is_empty() && survey.crs.contains("4326"));
        }
    }
}

#[test]
fn geojson_in_metres_says_so_in_its_crs_member_or_is_told() {
    let metres = "[[[39500000,4762719.883923],[39501000,4762719],[39501000,4763719]]]";
    let stated = polygon(metres).replacen(
        '{',
        r#"{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4527"}},"#,
        1,
    );
    let survey = geojson(&stated, &ReadOptions::default());
    assert_eq!(first(&survey), (117.0, 43.0));
    assert!(survey.crs.contains("EPSG:4527"));
    let told = ReadOptions { crs: Some(Crs::parse("EPSG:4527").unwrap()), ..ReadOptions::default() };
    assert_eq!(first(&geojson(&polygon(metres), &told)), (117.0, 43.0));
    refused("land.geojson", polygon(metres).as_bytes(), &["land.geojson", "EPSG:4527", "state the EPSG code"]);
    let old = stated.replace("4527", "2363");
    refused("land.geojson", old.as_bytes(), &["Xian 1980", "not public"]);
}

#[test]
fn the_shifted_datums_are_taken_when_they_are_stated() {
    let square = "[[[113.507503,43.902009],[113.6,43.902009],[113.6,44]]]";
    let survey = geojson(&polygon(square), &ReadOptions { datum: Some(Datum::Gcj02), ..ReadOptions::default() });
    let (lon, lat) = first(&survey);
    assert!((lon - 113.5).abs() < 1e-5 && (lat - 43.9).abs() < 1e-5, "{lon} {lat}");
    assert!(matches!(survey.notes.as_slice(), [Note::CrsAssumed { .. }]));
    let both = ReadOptions { datum: Some(Datum::Gcj02), crs: Crs::of_epsg(4527), ..ReadOptions::default() };
    let error = read(&Source::file("land.geojson", polygon(square).as_bytes()), &both).unwrap_err();
    assert!(matches!(error, ReadError::Crs { error: CrsError::DatumOfProjection { .. }, .. }));
}

#[test]
fn a_wrong_feature_is_named_and_the_others_are_read() {
    for (geometry, part) in [
        ("null", "empty"),
        (r#"{"type":"Point","coordinates":[117,43]}"#, "Point"),
        (r#"{"type":"Polygon","coordinates":[[[43,117],[43,118],[44,118]]]}"#, "not on the globe"),
        (r#"{"type":"Polygon","coordinates":[[[117,43],[117,43],[117.1,43]]]}"#, "no ring encloses land"),
        (r#"{"type":"Polygon","coordinates":[[["x",43],[118,43],[118,44]]]}"#, "no pair of numbers"),
        (r#"{"type":"Polygon","coordinates":[[[117,43],[118,44],[118,43],[117,44]]]}"#, "crosses itself"),
    ] {
        let good = format!(
            r#"{{"type":"Feature","properties":{{"id":"z2"}},"geometry":{{"type":"Polygon","coordinates":{SQUARE}}}}}"#
        );
        let text = feature(geometry).replacen("\"features\":[", &format!("\"features\":[{good},"), 1);
        let survey = geojson(&text, &ReadOptions::default());
        let [right, wrong] = survey.features.as_slice() else { panic!("{survey:?}") };
        assert!(right.land.is_ok());
        let fault = wrong.land.as_ref().unwrap_err().to_string();
        assert!(fault.contains(part), "{fault}");
    }
}

#[test]
fn kml_has_its_attributes_in_two_ways_and_its_points_are_labels() {
    let kml = r#"<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="x"><Document><Folder>
      <Placemark><name>北山 &amp; &#21335;坡</name><ExtendedData><Data name="BSM"><displayName>no</displayName><value>7</value></Data>
        <SchemaData schemaUrl="\#s"><SimpleData name="类型"><![CDATA[禁牧区]]></SimpleData></SchemaData></ExtendedData>
        <MultiGeometry><Point><coordinates>117,43</coordinates></Point><Polygon>
          <innerBoundaryIs><LinearRing><coordinates>117.002,43.002 117.002,43.004 117.004,43.004 117.002,43.002</coordinates></LinearRing></innerBoundaryIs>
          <outerBoundaryIs><LinearRing><coordinates>
            117,43,1200 117.01,43,1200
            117.01,43.01,0 117,43.01,0 117,43,1200</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark>
      <Placemark><LineString><coordinates>117,43 118,44</coordinates></LineString></Placemark></Folder></Document></kml>"#;
    let mapping = Mapping::parse("[attributes]\nid = \"BSM\"\nkind = \"类型\"").unwrap();
    let survey =
        read(&Source::file("land.kml", kml.as_bytes()), &ReadOptions { mapping, ..ReadOptions::default() }).unwrap();
    let [land, line] = survey.features.as_slice() else { panic!("{survey:?}") };
    let attribute = |key: &str| land.attributes.get(key).map(String::as_str);
    assert_eq!(
        (attribute("id"), attribute("name"), attribute("kind")),
        (Some("7"), Some("北山 & 南坡"), Some("no-grazing"))
    );
    let polygons = &land.land.as_ref().unwrap().polygons;
    assert_eq!((polygons.len(), polygons[0].exterior.len(), polygons[0].holes.len()), (1, 4, 1));
    assert_eq!(line.land, Err(LandFault::GeometryType { found: "LineString".to_owned() }));
    // Packed.
    assert_eq!(
        read(&zip(&[("doc.kml", kml.as_bytes())]).source("land.kmz"), &ReadOptions::default()).unwrap().features.len(),
        2
    );
}

#[test]
fn kml_that_would_grow_or_never_end_is_refused() {
    let bomb = r#"<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><kml><Placemark><name>&b;</name></Placemark></kml>"#;
    refused("land.kml", bomb.as_bytes(), &["land.kml", "entity"]);
    refused("land.kml", "<kml>".repeat(100).as_bytes(), &["nested"]);
    refused("land.kml", b"<kml><Placemark>", &["cut off"]);
    refused("land.kml", b"<html></html>", &["no KML"]);
    refused("land.kml", b"", &["no KML"]);
}

struct Zip(Vec<u8>);

impl Zip {
    fn source<'a>(&'a self, name: &'a str) -> Source<'a> {
        Source::file(name, &self.0)
    }
}

fn zip(members: &[(&str, &[u8])]) -> Zip {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    Zip(archive.finish().unwrap().into_inner())
}

#[test]
fn a_zip_that_unpacks_to_more_than_the_limit_is_refused_before_it_does() {
    let zeros = vec![b' '; 1 << 20];
    let bomb = zip(&[("a.geojson", &zeros)]);
    assert!(bomb.0.len() < 4_096);
    let limits = Limits { bytes: 100_000, ..Limits::default() };
    let error = read(&bomb.source("land.zip"), &ReadOptions { limits, ..ReadOptions::default() }).unwrap_err();
    assert_eq!(error, ReadError::TooLarge { file: "land.zip".to_owned(), what: "bytes", limit: 100_000 });
}

#[test]
fn what_is_missing_or_too_much_in_a_source_is_named() {
    refused("land.dxf", b"x", &["land.dxf", ".gpkg"]);
    refused("land.zip", b"PK", &["land.zip", "export it again"]);
    refused("land.shp", &shapefile_of(&[SQUARE_M]).0, &[".dbf"]);
    let two = zip(&[("a.geojson", b"{}"), ("b.kml", b"{}"), ("__MACOSX/._a.geojson", b"")]);
    let error = read(&two.source("land.zip"), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("a.geojson, b.kml"), "{error}");
}

const SQUARE_M: &[[f64; 2]] = &[[500_000.0, 4_762_719.883923], [500_000.0, 4_763_000.0], [501_000.0, 4_763_000.0]];

/// A shapefile with these rings as features, and a table with one text.
fn shapefile_of(rings: &[&[[f64; 2]]]) -> (Vec<u8>, Vec<u8>) {
    let mut shp = 9_994i32.to_be_bytes().to_vec();
    shp.resize(100, 0);
    let mut dbf = vec![3, 0, 0, 0];
    dbf.extend((rings.len() as u32).to_le_bytes());
    dbf.extend([65, 0, 9, 0]);
    dbf.resize(32, 0);
    let (name, _, _) = encoding_rs::GB18030.encode("地类名称");
    dbf.extend(&*name);
    dbf.resize(32 + 11, 0);
    dbf.push(b'C');
    dbf.resize(32 + 16, 0);
    dbf.push(8);
    dbf.resize(64, 0);
    dbf.push(b'\r');
    for (number, ring) in rings.iter().enumerate() {
        shp.extend((number as i32 + 1).to_be_bytes());
        shp.extend(((48 + ring.len() as i32 * 16) / 2).to_be_bytes());
        shp.extend(5i32.to_le_bytes());
        shp.extend([0; 32]);
        shp.extend(1i32.to_le_bytes());
        shp.extend((ring.len() as i32).to_le_bytes());
        shp.extend(0i32.to_le_bytes());
        shp.extend(ring.iter().flatten().flat_map(|value| value.to_le_bytes()));
        dbf.push(b' ');
        let (text, _, _) = encoding_rs::GB18030.encode("禁牧草地");
        dbf.extend(&*text);
    }
    (shp, dbf)
}

fn files<'a>(shp: &'a [u8], dbf: &'a [u8], prj: Option<&'a str>) -> Source<'a> {
    let mut files = vec![("land.shp".to_owned(), Cow::Borrowed(shp)), ("LAND.DBF".to_owned(), Cow::Borrowed(dbf))];
    files.extend(prj.map(|text| ("land.prj".to_owned(), Cow::Borrowed(text.as_bytes()))));
    Source { name: "land", files }
}

#[test]
fn a_shapefile_without_prj_wants_its_coordinate_system_and_its_names_are_found_to_be_gbk() {
    let (shp, dbf) = shapefile_of(&[SQUARE_M]);
    let error = read(&files(&shp, &dbf, None), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("land.shp") && error.contains("EPSG:4548"), "{error}");
    let options = ReadOptions { crs: Crs::of_epsg(4548), ..ReadOptions::default() };
    let survey = read(&files(&shp, &dbf, None), &options).unwrap();
    assert_eq!(survey.features[0].attributes.get("地类名称").map(String::as_str), Some("禁牧草地"));
    assert_eq!(survey.encoding, "gb18030");
    assert!(matches!(survey.notes.as_slice(), [Note::EncodingDetected { .. }]));
    let options = ReadOptions { encoding: Some(Encoding::UTF8), ..options };
    let survey = read(&files(&shp, &dbf, None), &options).unwrap();
    assert!(matches!(survey.notes.as_slice(), [Note::TextReplaced { .. }]), "{:?}", survey.notes);
}

#[test]
fn a_mapping_for_another_file_is_refused_with_the_fields_of_this_one() {
    let (shp, dbf) = shapefile_of(&[SQUARE_M]);
    let mapping = Mapping::parse("[attributes]\nid = \"BSM\"").unwrap();
    let options = ReadOptions { crs: Crs::of_epsg(4548), mapping, ..ReadOptions::default() };
    let error = read(&files(&shp, &dbf, None), &options).unwrap_err().to_string();
    assert!(error.contains("BSM") && error.contains("地类名称"), "{error}");
}

#[test]
fn a_coordinate_system_that_does_not_fit_the_numbers_is_a_fault_of_each_feature() {
    let (shp, dbf) = shapefile_of(&[&[[39_500_000.0, 4e6], [39_500_000.0, 5e6], [39_600_000.0, 5e6]]]);
    let survey =
        read(&files(&shp, &dbf, None), &ReadOptions { crs: Crs::of_epsg(4548), ..ReadOptions::default() }).unwrap();
    assert!(matches!(survey.features[0].land, Err(LandFault::OffZone { .. })), "{survey:?}");
}

#[test]
fn a_shapefile_that_is_cut_anywhere_is_refused_and_names_itself() {
    let (shp, dbf) = shapefile_of(&[SQUARE_M, SQUARE_M]);
    let options = ReadOptions { crs: Crs::of_epsg(4548), ..ReadOptions::default() };
    for cut in 0..shp.len() {
        let error = read(&files(&shp[..cut], &dbf, None), &options).unwrap_err().to_string();
        assert!(error.contains("land.shp"), "{cut}: {error}");
    }
    for cut in 0..dbf.len() {
        assert!(read(&files(&shp, &dbf[..cut], None), &options).is_err(), "{cut}");
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for options in [
        ReadOptions { snap_m: -1.0, ..ReadOptions::default() },
        ReadOptions { snap_m: f64::NAN, ..ReadOptions::default() },
        ReadOptions { area_change_max: f64::NAN, ..ReadOptions::default() },
    ] {
        let error = read(&Source::file("land.geojson", polygon(SQUARE).as_bytes()), &options).unwrap_err();
        assert!(matches!(error, ReadError::Option { .. }));
    }
}

#[test]
fn limits_hold_for_features_and_vertices() {
    let text = polygon(SQUARE);
    let limited = |limits| {
        read(&Source::file("land.geojson", text.as_bytes()), &ReadOptions { limits, ..ReadOptions::default() })
    };
    let all = Limits::default();
    assert!(matches!(limited(Limits { features: 0, ..all }), Err(ReadError::TooLarge { what: "features", .. })));
    assert!(matches!(limited(Limits { vertices: 4, ..all }), Err(ReadError::TooLarge { what: "vertices", .. })));
    assert!(matches!(limited(Limits { bytes: 10, ..all }), Err(ReadError::TooLarge { what: "bytes", .. })));
    assert!(limited(Limits { vertices: 5, features: 1, ..all }).is_ok());
}
