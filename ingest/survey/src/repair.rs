//! From rings as they were drawn to polygons whose borders cross neither themselves nor each other.
//!
//! In: the rings of one feature on whole 1e-7 degrees.   Out: polygons and every [`Repair`]; or the [`LandFault`] that only the
//! surveyor can correct.   Next: `resolve` for what is not valid, then `snap`.
//! Never: a change of what was valid: such rings come out vertex by vertex as they went in; a change of more area than the
//! caller allows.

use crate::resolve::resolve;
use crate::ring;
use crate::{LandFault, Repair};
use model::{GeoPoint, Polygon, Ring};

/// What the format says about its rings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// For each part its outline and then its holes.
    Parts {
        parts: Vec<Vec<Ring>>,
        /// Whether outlines have to run counter-clockwise in this format.
        wound: bool,
    },
    /// Outlines run clockwise, holes the other way.
    Rings(Vec<Ring>),
}

/// A ring with its role; its inside lies to the left.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) ring: Ring,
    pub(crate) hole: bool,
}

/// Checks the rings of one feature, and mends what can be mended.
pub(crate) fn repair(shape: Shape, area_change_max: f64) -> Result<(Vec<Polygon>, Vec<Repair>), LandFault> {
    let mut repairs = Vec::new();
    let direction_is_role = matches!(shape, Shape::Rings(_));
    let mut pieces = pieces(shape, &mut repairs);
    if pieces.iter().all(|piece| piece.hole) {
        return Err(LandFault::NoLand);
    }
    let crossing = match ring::nesting(pieces.iter().map(|piece| &piece.ring)) {
        Ok(below) => return Ok((assemble(&pieces, &below), repairs)),
        Err(crossing) => crossing,
    };
    settle_stray_holes(&mut pieces, direction_is_role, &mut repairs);
    if let Ok(below) = ring::nesting(pieces.iter().map(|piece| &piece.ring)) {
        return Ok((assemble(&pieces, &below), repairs));
    }
    let polygons = resolve(&pieces, crossing, area_change_max, &mut repairs)?;
    Ok((polygons, repairs))
}

/// Gives each ring its role and direction, and drops those that enclose nothing.
fn pieces(shape: Shape, repairs: &mut Vec<Repair>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut turned = 0;
    let mut push = |ring: Ring, hole: bool, repairs: &mut Vec<Repair>| {
        if let Some(at) = ring.first().filter(|_| flat(&ring)) {
            repairs.push(Repair::DroppedSliverRing { at: *at, area_change_m2: 0.0 });
        } else if !ring.is_empty() {
            pieces.push(Piece { ring, hole });
        }
    };
    match shape {
        Shape::Parts { parts, wound } => {
            for rings in parts {
                for (number, ring) in rings.into_iter().enumerate() {
                    let (ring, was_turned) = directed(ring, number > 0);
                    turned += usize::from(was_turned && wound);
                    push(ring, number > 0, repairs);
                }
            }
        }
        Shape::Rings(rings) => {
            let largest = rings.iter().map(|ring| ring::signed_area(ring)).max_by_key(|area| area.unsigned_abs());
            // The largest ring of a feature is no hole. If it runs like one, all were drawn the other way round.
            let reversed = largest.is_some_and(|area| area > 0);
            turned += if reversed { rings.len() } else { 0 };
            for ring in rings {
                let hole = (ring::signed_area(&ring) > 0) != reversed;
                push(directed(ring, hole).0, hole, repairs);
            }
        }
    }
    if turned > 0 {
        repairs.push(Repair::WrongWinding { rings: turned });
    }
    pieces
}

/// The ring with its inside to the left, and whether it had to be turned for that.
pub(crate) fn directed(mut ring: Ring, hole: bool) -> (Ring, bool) {
    let area = ring::signed_area(&ring);
    let turn = if hole { area > 0 } else { area < 0 };
    if turn {
        ring.reverse();
    }
    (ring, turn)
}

/// Whether all vertices lie on one line.
pub(crate) fn flat(ring: &[GeoPoint]) -> bool {
    let Some(first) = ring.first() else { return true };
    let from_first = |point: &GeoPoint| {
        let difference = |a: i32, b: i32| i128::from(a) - i128::from(b);
        (difference(point.lon_e7, first.lon_e7), difference(point.lat_e7, first.lat_e7))
    };
    let Some((x, y)) = ring.iter().map(from_first).find(|offset| *offset != (0, 0)) else { return true };
    ring.iter().map(from_first).all(|(other_x, other_y)| x * other_y == y * other_x)
}

/// Puts each hole into its outline. `below` is what the sweep saw, so rings further west come first.
fn assemble(pieces: &[Piece], below: &[(usize, ring::Below)]) -> Vec<Polygon> {
    let mut outline_of: Vec<Option<usize>> = pieces.iter().map(|_| None).collect();
    for (ring, below) in below {
        let hole = pieces.get(*ring).is_some_and(|piece| piece.hole);
        let around = below.and_then(|(other, _)| outline_of.get(other).copied().flatten());
        if let Some(outline) = outline_of.get_mut(*ring) {
            *outline = if hole { around } else { Some(*ring) };
        }
    }
    let mut place: Vec<Option<usize>> = pieces.iter().map(|_| None).collect();
    let mut polygons: Vec<Polygon> = Vec::new();
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.hole) {
        if let Some(place) = place.get_mut(number) {
            *place = Some(polygons.len());
        }
        polygons.push(Polygon { exterior: piece.ring.clone(), holes: Vec::new() });
    }
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.hole) {
        let outline = outline_of.get(number).copied().flatten();
        let polygon = outline.and_then(|outline| place.get(outline).copied().flatten());
        if let Some(polygon) = polygon.and_then(|polygon| polygons.get_mut(polygon)) {
            polygon.holes.push(piece.ring.clone());
        }
    }
    polygons
}

/// A hole that lies in no outline: where the direction of a ring is its role, it is a part that was drawn the wrong way round;
/// elsewhere it is nothing.
fn settle_stray_holes(pieces: &mut Vec<Piece>, direction_is_role: bool, repairs: &mut Vec<Repair>) {
    let outlines: Vec<(Ring, [GeoPoint; 2])> = pieces
        .iter()
        .filter(|piece| !piece.hole)
        .filter_map(|piece| Some((piece.ring.clone(), bounds(&piece.ring)?)))
        .collect();
    let mut work = STRAY_WORK_MAX;
    let mut turned = 0;
    pieces.retain_mut(|piece| {
        if !piece.hole || !stray(&piece.ring, &outlines, &mut work) {
            return true;
        }
        if direction_is_role {
            turned += 1;
            piece.hole = false;
            piece.ring.reverse();
        } else if let Some(at) = piece.ring.first() {
            repairs.push(Repair::HoleOutside { at: *at });
        }
        direction_is_role
    });
    if turned > 0 {
        repairs.push(Repair::WrongWinding { rings: turned });
    }
}

/// Holes times outlines may not become a matter of hours: after this many edges a hole counts as inside.
const STRAY_WORK_MAX: usize = 200_000_000;

fn stray(hole: &Ring, outlines: &[(Ring, [GeoPoint; 2])], work: &mut usize) -> bool {
    let Some([low, high]) = bounds(hole) else { return false };
    let touches = |[other_low, other_high]: &[GeoPoint; 2]| {
        low.lon_e7 <= other_high.lon_e7
            && other_low.lon_e7 <= high.lon_e7
            && low.lat_e7 <= other_high.lat_e7
            && other_low.lat_e7 <= high.lat_e7
    };
    let near: Vec<&Ring> = outlines.iter().filter(|(_, bounds)| touches(bounds)).map(|(ring, _)| ring).collect();
    !hole.iter().take(16).any(|vertex| {
        near.iter().any(|ring| {
            *work = work.saturating_sub(ring.len());
            *work == 0 || inside_or_on(ring, *vertex)
        })
    })
}

pub(crate) fn bounds(ring: &[GeoPoint]) -> Option<[GeoPoint; 2]> {
    let first = *ring.first()?;
    Some(ring.iter().fold([first, first], |[low, high], point| {
        let corner = |of: fn(i32, i32) -> i32, corner: GeoPoint| GeoPoint {
            lon_e7: of(corner.lon_e7, point.lon_e7),
            lat_e7: of(corner.lat_e7, point.lat_e7),
        };
        [corner(i32::min, low), corner(i32::max, high)]
    }))
}

fn inside_or_on(ring: &[GeoPoint], point: GeoPoint) -> bool {
    let mut inside = false;
    for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let difference = |a: i32, b: i32| i128::from(a) - i128::from(b);
        let side = difference(b.lon_e7, a.lon_e7) * difference(point.lat_e7, a.lat_e7)
            - difference(b.lat_e7, a.lat_e7) * difference(point.lon_e7, a.lon_e7);
        let within = |a: i32, b: i32, value: i32| a.min(b) <= value && value <= a.max(b);
        if side == 0 && within(a.lon_e7, b.lon_e7, point.lon_e7) && within(a.lat_e7, b.lat_e7, point.lat_e7) {
            return true;
        }
        if (a.lat_e7 > point.lat_e7) != (b.lat_e7 > point.lat_e7) && (side > 0) == (b.lat_e7 > a.lat_e7) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
