//! Made-up zones: ragged outlines in a grid, so that none touches another.
//!
//! In:  a plan and a seed.   Out: [`ZoneShape`]s and their GeoJSON.
//!
//! Invariant: outlines are simple. A vertex lies at a radius of its own, but the angle about the centre only ever grows, so
//! no two edges can cross; distances between neighbouring angles stay far above the centimetre to which degrees are rounded.

use super::{Plan, TOWNSHIPS};
use crate::ground::{self, LatLon, Plane, Spot};
use crate::rng::Rng;
use serde_json::json;

/// Distance between the centres of neighbouring zones.
pub(super) const CELL_M: f64 = 8_000.0;
/// Zones beside each other before the next row begins.
pub(super) const COLUMNS: usize = 6;
/// No outline comes nearer to its cell's edge than 200 m.
const MAX_RADIUS_M: f64 = 3_800.0;
/// Even a deep notch leaves this much.
const MIN_RADIUS_M: f64 = 700.0;
/// Written into every feature: nobody may take these for surveyed land.
pub const NOTE: &str = "made up for the demonstration";

/// One zone of the made-up map.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneShape {
    /// For example `zone-07`.
    pub id: String,
    /// As officers would call it.
    pub name: String,
    /// As the contract names it.
    pub kind: &'static str,
    /// `grassland` or `forest`.
    pub land_class: &'static str,
    /// Code of its township.
    pub township: &'static str,
    /// The middle of its cell; every edge is seen from there.
    pub centre: Spot,
    /// The outline, counter-clockwise; the first vertex is not repeated.
    pub ring: Vec<Spot>,
}

impl ZoneShape {
    /// Whether a place lies in it.
    pub fn contains(&self, spot: Spot) -> bool {
        self.centre.distance_m(spot) <= MAX_RADIUS_M && ground::inside(&self.ring, spot)
    }

    /// The vertex that lies in about this direction from the centre.
    pub fn fence_toward(&self, bearing_deg: f64) -> Spot {
        let off = |spot: &Spot| {
            let difference = (self.centre.bearing_deg(*spot) - bearing_deg).rem_euclid(360.0);
            difference.min(360.0 - difference)
        };
        self.ring.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(self.centre)
    }
}

/// Makes every zone of the plan.
pub(super) fn make(plan: &Plan, seed: u64) -> Vec<ZoneShape> {
    let mut rng = Rng::new(seed, "zones");
    let mut kinds: Vec<(&'static str, &'static str, &'static str)> = Vec::new();
    for (kind, label, land_class, number) in [
        ("no-grazing", "禁牧区", "grassland", plan.no_grazing_zones),
        ("balance", "草畜平衡区", "grassland", plan.balance_zones),
        ("forest", "林地", "forest", plan.forest_zones),
        ("reserve", "自然保护区", "grassland", plan.reserve_zones),
        ("project", "项目区", "grassland", plan.project_zones),
    ] {
        kinds.extend(std::iter::repeat_n((kind, label, land_class), number));
    }
    rng.shuffle(&mut kinds);
    let rows = kinds.len().div_ceil(COLUMNS);
    let shape = |(index, (kind, label, land_class)): (usize, (&'static str, &'static str, &'static str))| {
        let (column, row) = (index % COLUMNS, index / COLUMNS);
        let centre = Spot {
            east_m: (column as f64 - (COLUMNS - 1) as f64 / 2.0) * CELL_M,
            north_m: (row as f64 - (rows - 1) as f64 / 2.0) * CELL_M,
        };
        let quarter = usize::from(column >= COLUMNS / 2) + 2 * usize::from(row >= rows.div_ceil(2));
        let (township, township_name) = TOWNSHIPS.get(quarter).copied().unwrap_or_default();
        let number = index + 1;
        ZoneShape {
            id: format!("zone-{number:02}"),
            name: format!("{township_name}{number}号{label}（演示）"),
            kind,
            land_class,
            township,
            centre,
            ring: outline(centre, &mut rng),
        }
    };
    kinds.into_iter().enumerate().map(shape).collect()
}

/// An outline of 200 to 5,000 vertices: a circle whose radius is disturbed at every scale, as a fence that follows the land is.
fn outline(centre: Spot, rng: &mut Rng) -> Vec<Spot> {
    const OCTAVES: i32 = 7;
    // As many small zones as large ones: the logarithm is uniform.
    let vertices = rng.between(200_f64.ln(), 4_999_f64.ln()).exp().floor() as usize;
    let mean_radius_m = rng.between(1_900.0, 2_700.0);
    let waves: Vec<(f64, f64, f64)> = (1..=OCTAVES)
        .map(|octave| {
            let per_turn = 2_f64.powi(octave).floor() + rng.whole(0, 1) as f64;
            (per_turn, 0.16 / 1.7_f64.powi(octave - 1), rng.between(0.0, std::f64::consts::TAU))
        })
        .collect();
    let step = std::f64::consts::TAU / vertices as f64;
    (0..vertices)
        .map(|index| {
            // Jitter of at most 0.3 steps to either side keeps the angles in order.
            let angle = (index as f64 + rng.between(-0.3, 0.3)) * step;
            let wave: f64 = waves.iter().map(|(per_turn, size, phase)| size * (per_turn * angle + phase).sin()).sum();
            let grain = rng.normal(0.0, 0.002);
            let radius_m = (mean_radius_m * (wave + grain).exp()).clamp(MIN_RADIUS_M, MAX_RADIUS_M);
            Spot { east_m: centre.east_m + radius_m * angle.cos(), north_m: centre.north_m + radius_m * angle.sin() }
        })
        .collect()
}

/// All zones as one GeoJSON FeatureCollection (RFC 7946: longitude first, outline counter-clockwise and closed).
pub(super) fn geojson(zones: &[ZoneShape], plane: &Plane) -> String {
    let features: Vec<serde_json::Value> = zones
        .iter()
        .map(|zone| {
            let mut ring: Vec<[f64; 2]> = zone.ring.iter().map(|spot| position(plane.degrees(*spot))).collect();
            ring.extend(ring.first().copied());
            json!({
                "type": "Feature",
                "id": zone.id,
                "properties": {
                    "id": zone.id, "name": zone.name, "kind": zone.kind, "township": zone.township,
                    "land_class": zone.land_class, "note": NOTE,
                },
                "geometry": { "type": "Polygon", "coordinates": [ring] },
            })
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

pub(super) fn position(place: LatLon) -> [f64; 2] {
    [ground::round_deg(place.lon), ground::round_deg(place.lat)]
}
