//! Made-up townships: the quarters of the zones' grid.
//!
//! In:  how many zones there are.   Out: GeoJSON of the jurisdictions, with the townships' codes and names.
//!
//! Invariant: neighbours share their border point by point, and no border comes into a zone: it strays less from the middle
//! between two cells than zones keep away from it.

use super::TOWNSHIPS;
use super::zones::{CELL_M, COLUMNS, NOTE, position};
use crate::ground::{Plane, Spot};
use serde_json::json;

/// A border strays so far at most; zones end 200 m before their cell does.
const STRAYS_M: f64 = 150.0;
/// Points of a border are so far apart.
const STEP_M: f64 = 400.0;

/// All townships as one FeatureCollection (RFC 7946).
pub(super) fn geojson(zones: usize, plane: &Plane) -> String {
    let rows = zones.div_ceil(COLUMNS);
    let (half_width_m, half_height_m) = (COLUMNS as f64 * CELL_M / 2.0, rows as f64 * CELL_M / 2.0);
    let easts_m = [-half_width_m, 0.0, half_width_m];
    // The lower half has the middle row, as zones are named.
    let norths_m = [-half_height_m, rows.div_ceil(2) as f64 * CELL_M - half_height_m, half_height_m];
    let features: Vec<serde_json::Value> = TOWNSHIPS
        .iter()
        .zip([(0, 0), (1, 0), (0, 1), (1, 1)])
        .filter_map(|((code, name), (column, row))| {
            let corner = |column: usize, row: usize| {
                Some(Spot { east_m: *easts_m.get(column)?, north_m: *norths_m.get(row)? })
            };
            let corners = [
                corner(column, row)?,
                corner(column + 1, row)?,
                corner(column + 1, row + 1)?,
                corner(column, row + 1)?,
                corner(column, row)?,
            ];
            let mut ring: Vec<[f64; 2]> =
                corners.windows(2).flat_map(border).map(|spot| position(plane.degrees(spot))).collect();
            ring.extend(ring.first().copied());
            Some(json!({
                "type": "Feature",
                "id": format!("township-{code}"),
                "properties": {
                    "id": format!("township-{code}"), "name": name, "kind": "jurisdiction", "township": code, "note": NOTE,
                },
                "geometry": { "type": "Polygon", "coordinates": [ring] },
            }))
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

/// From the first corner up to before the second. The way depends on the place alone, so it is the same from either side.
fn border(corners: &[Spot]) -> Vec<Spot> {
    let (Some(from), Some(to)) = (corners.first(), corners.last()) else { return Vec::new() };
    let steps = (from.distance_m(*to) / STEP_M).round().max(1.0);
    let upright = (to.east_m - from.east_m).abs() < (to.north_m - from.north_m).abs();
    (0..steps as usize)
        .map(|step| {
            let spot = from.part_way(*to, step as f64 / steps);
            let (along_m, side_m) = if upright { (spot.north_m, spot.east_m) } else { (spot.east_m, spot.north_m) };
            // Corners stay where they are: there, borders meet.
            let taper = (std::f64::consts::PI * step as f64 / steps).sin();
            let wave = 0.6 * (along_m / 1_900.0 + side_m).sin() + 0.4 * (along_m / 700.0 - side_m).sin();
            let off_m = STRAYS_M * taper * wave;
            if upright {
                Spot { east_m: spot.east_m + off_m, ..spot }
            } else {
                Spot { north_m: spot.north_m + off_m, ..spot }
            }
        })
        .collect()
}
