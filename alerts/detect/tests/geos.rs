//! The geofence beside GEOS, an implementation that shares nothing with it or with `geo`.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use detect::geofence::{Geofence, SetId};
use model::{GeoPoint, Polygon};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

const POINTS: usize = 100_000;

#[test]
fn a_hundred_thousand_points_near_borders_lie_where_geos_says() {
    if !Command::new("python3").args(["-c", "import shapely"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: python3 has no shapely; tests/install.sh installs it");
        return;
    }
    let mut random = StdRng::seed_from_u64(51);
    let zones = zones(&mut random);
    let points = near_borders(&zones, &mut random);
    let folder = tempfile::tempdir().unwrap();
    let (inside, border) = by_geos(folder.path(), &zones, &points);
    let fence = Geofence::build(zones.iter().map(Vec::as_slice)).unwrap();
    let mut sets = vec![SetId::EMPTY; points.len()];
    fence.sets_at(&points, &mut sets);
    let mut compared = 0;
    for ((number, point), set) in (0_u32..).zip(&points).zip(&sets) {
        for zone in (0_u32..).zip(&zones).map(|(zone, _)| zone).filter(|zone| !border.contains(&(number, *zone))) {
            let is_in = fence.zones_of(*set).contains(&zone);
            assert_eq!(is_in, inside.contains(&(number, zone)), "{point:?} and zone {zone}");
            compared += 1;
        }
    }
    println!("{compared} answers compared, {} border points left out", border.len());
    assert!(compared > POINTS * zones.len() * 9 / 10);
}

/// Overlapping stars, every second one with a hole and an island in it.
fn zones(random: &mut StdRng) -> Vec<Vec<Polygon>> {
    let mut star = |lon_e7: i32, lat_e7: i32, radius: f64| -> Vec<GeoPoint> {
        let vertex = |i| {
            let angle = std::f64::consts::TAU * f64::from(i) / 2_000.0;
            let away = radius * random.random_range(0.5..1.0);
            GeoPoint { lon_e7: lon_e7 + (away * angle.cos()) as i32, lat_e7: lat_e7 + (away * angle.sin()) as i32 }
        };
        (0..2_000).map(vertex).collect()
    };
    let zone = |i: i32| {
        let (lon, lat) = (1_165_000_000 + i % 4 * 5_000_000, 430_000_000 + i / 4 * 5_000_000);
        let outline = star(lon, lat, 4e6);
        if i % 2 == 0 {
            return vec![Polygon { exterior: outline, holes: vec![] }];
        }
        let (hole, island) = (star(lon, lat, 1.9e6), star(lon, lat, 0.9e6));
        vec![Polygon { exterior: outline, holes: vec![hole] }, Polygon { exterior: island, holes: vec![] }]
    };
    (0..12).map(zone).collect()
}

/// On vertices, and within a metre or thirty of edges.
fn near_borders(zones: &[Vec<Polygon>], random: &mut StdRng) -> Vec<GeoPoint> {
    let rings: Vec<&Vec<GeoPoint>> =
        zones.iter().flatten().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes)).collect();
    let place = |_| {
        let ring = rings[random.random_range(0..rings.len())];
        let first = random.random_range(0..ring.len());
        let (a, b) = (ring[first], ring[(first + 1) % ring.len()]);
        let share = if random.random_bool(0.1) { 0.0 } else { random.random_range(0.0..1.0) };
        let reach = *[0, 1, 100, 2_700].get(random.random_range(0..4)).unwrap();
        let mut between = |a: i32, b: i32| {
            (f64::from(a) + (f64::from(b) - f64::from(a)) * share) as i32 + random.random_range(-reach..=reach)
        };
        GeoPoint { lon_e7: between(a.lon_e7, b.lon_e7), lat_e7: between(a.lat_e7, b.lat_e7) }
    };
    (0..POINTS).map(place).collect()
}

type Pairs = HashSet<(u32, u32)>;

/// Pairs of point and zone, strictly inside and on the border.
fn by_geos(folder: &Path, zones: &[Vec<Polygon>], points: &[GeoPoint]) -> (Pairs, Pairs) {
    let count = |count: usize| i32::try_from(count).unwrap();
    let mut words = vec![count(zones.len())];
    for zone in zones {
        words.push(count(zone.len()));
        for polygon in zone {
            words.push(count(polygon.holes.len() + 1));
            for ring in std::iter::once(&polygon.exterior).chain(&polygon.holes) {
                words.push(count(ring.len()));
                words.extend(ring.iter().flat_map(|point| [point.lon_e7, point.lat_e7]));
            }
        }
    }
    let write = |name: &str, words: &[i32]| {
        let path = folder.join(name);
        std::fs::write(&path, words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
        path
    };
    let zones_path = write("zones", &words);
    let points: Vec<i32> = points.iter().flat_map(|point| [point.lon_e7, point.lat_e7]).collect();
    let points_path = write("points", &points);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/geofence/geos.py");
    let mut python = Command::new("python3");
    python.arg(script).args([zones_path, points_path]).args([&POINTS.to_string(), "1"]).arg(folder.join("out"));
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| -> Pairs {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        bytes.chunks_exact(8).map(|pair| (word(&pair[..4]), word(&pair[4..]))).collect()
    };
    (read("out.inside"), read("out.border"))
}
