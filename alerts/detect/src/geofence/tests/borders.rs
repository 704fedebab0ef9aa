//! The shared borders of the banners of Inner Mongolia.

use super::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A real input below `shared/data`, beside the repository. `None`, and a visible reason, where it is absent.
pub(super) fn shared_data(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIPPED: {} is not there; it is real data that is kept beside the repository", found.display());
    None
}

fn banner(path: &Path) -> Vec<Polygon> {
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let ring = |ring: &serde_json::Value| -> Vec<GeoPoint> {
        let vertex = |pair: &serde_json::Value| {
            Position::parse(pair[1].as_f64().unwrap(), pair[0].as_f64().unwrap()).unwrap().into()
        };
        ring.as_array().unwrap().iter().map(vertex).collect()
    };
    let polygon = |rings: &serde_json::Value| {
        let mut rings: Vec<_> = rings.as_array().unwrap().iter().map(ring).collect();
        Polygon { exterior: rings.remove(0), holes: rings }
    };
    let features = json["features"].as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
    let polygons = |feature: &serde_json::Value| {
        let geometry = feature.get("geometry").unwrap_or(feature);
        match geometry["type"].as_str() {
            Some("MultiPolygon") => geometry["coordinates"].as_array().unwrap().iter().map(polygon).collect(),
            _ => vec![polygon(&geometry["coordinates"])],
        }
    };
    features.iter().flat_map(polygons).collect()
}

#[test]
fn every_whole_point_of_a_border_that_two_banners_share_lies_in_exactly_one_of_them() {
    let Some(folder) = shared_data("polygons/inner_mongolia_datav/county") else { return };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let zones: Vec<Vec<Polygon>> = paths.iter().map(|path| banner(path)).collect();
    let fence = super::oracle::build(&zones);
    let mut owners: HashMap<(GeoPoint, GeoPoint), Vec<u32>> = HashMap::new();
    for (number, zone) in (0..).zip(&zones) {
        for ring in zone.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes)) {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)).filter(|(a, b)| a != b) {
                owners.entry((*a.min(b), *a.max(b))).or_default().push(number);
            }
        }
    }
    let (mut edges, mut points) = (0, 0);
    for ((a, b), owners) in &owners {
        let [one, other] = owners[..] else { continue };
        edges += 1;
        let (dx, dy) = (i64::from(b.lon_e7) - i64::from(a.lon_e7), i64::from(b.lat_e7) - i64::from(a.lat_e7));
        let parts = greatest_common_divisor(dx.unsigned_abs(), dy.unsigned_abs()) as i64;
        for part in (1..parts).step_by((parts as usize / 50).max(1)) {
            let point = GeoPoint {
                lon_e7: (i64::from(a.lon_e7) + dx / parts * part) as i32,
                lat_e7: (i64::from(a.lat_e7) + dy / parts * part) as i32,
            };
            let zones = fence.zones_of(fence.set_at(point));
            assert!(zones.contains(&one) != zones.contains(&other), "{point:?} between {one} and {other}: {zones:?}");
            points += 1;
        }
    }
    println!("{} banners, {edges} shared edges, {points} points on them", zones.len());
    assert!(points > 0);
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
