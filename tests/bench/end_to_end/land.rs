//! A hundred closed zones of sixteen corners, a place in them for every herd, and open land south of them.

use serde_json::{Value, json};

/// Zones in a row, and rows.
const SIDE: usize = 10;
/// Herds in a row within a zone, and rows: each so far from the next that no animal walks there meanwhile.
const HERDS_SIDE: usize = 9;
/// Between two herds.
const APART_DEG: f64 = 0.03;
/// Between the corners of two zones.
const ZONE_EVERY_DEG: f64 = 0.3;
const ZONE_DEG: f64 = 0.27;
const SOUTH_DEG: f64 = 41.5;
const WEST_DEG: f64 = 116.0;

/// Places for herds.
pub const PLACES: usize = SIDE * SIDE * HERDS_SIDE * HERDS_SIDE;

/// The zones as a file.
pub fn zones() -> Value {
    let zone = |number: usize| {
        json!({"type": "Feature",
               "properties": {"id": format!("zone-{number}"), "name": format!("禁牧区{number}"), "kind": "no-grazing", "township": "150425100"},
               "geometry": {"type": "Polygon", "coordinates": [ring(number)]}})
    };
    json!({"type": "FeatureCollection", "features": (0..SIDE * SIDE).map(zone).collect::<Vec<_>>()})
}

fn corner(zone: usize) -> (f64, f64) {
    (SOUTH_DEG + (zone / SIDE) as f64 * ZONE_EVERY_DEG, WEST_DEG + (zone % SIDE) as f64 * ZONE_EVERY_DEG)
}

/// Four corners on each side, the middle ones a little outward.
fn ring(zone: usize) -> Vec<[f64; 2]> {
    let (south, west) = corner(zone);
    let along = [0.0, 0.25, 0.5, 0.75].map(|share| share * ZONE_DEG);
    let out = [0.0, 0.002, 0.004, 0.002];
    let side = |at: fn(f64, f64) -> (f64, f64)| along.iter().zip(out).map(move |(along, out)| at(*along, out));
    let all = side(|along, out| (along, -out))
        .chain(side(|along, out| (ZONE_DEG + out, along)))
        .chain(side(|along, out| (ZONE_DEG - along, ZONE_DEG + out)))
        .chain(side(|along, out| (-out, ZONE_DEG - along)));
    let mut ring: Vec<[f64; 2]> = all.map(|(x, y)| [west + x, south + y]).collect();
    ring.push(ring[0]);
    ring
}

/// Where a herd stands: latitude and longitude. Herds that follow each other are in different zones.
pub fn inside(herd: usize) -> (f64, f64) {
    let (south, west) = corner(herd % (SIDE * SIDE));
    let place = herd / (SIDE * SIDE);
    let (row, column) = (place / HERDS_SIDE % HERDS_SIDE, place % HERDS_SIDE);
    (south + 0.015 + row as f64 * APART_DEG, west + 0.015 + column as f64 * APART_DEG)
}

/// Where a device is, or what it looks at while it sees nothing that matters.
pub fn outside(device: usize) -> (f64, f64) {
    (SOUTH_DEG - 0.5 - (device / 50) as f64 * APART_DEG, WEST_DEG + (device % 50) as f64 * APART_DEG)
}
