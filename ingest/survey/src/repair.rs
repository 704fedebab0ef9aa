//! From rings as they were drawn to polygons whose borders cross neither themselves nor each other.
//!
//! In: the rings of one feature on whole 1e-7 degrees.   Out: polygons and every [`Repair`]; or the [`LandFault`] that only the
//! surveyor can correct.   Next: `snap`.
//! Never: a change of what was valid: such rings come out vertex by vertex as they went in; a change of more area than the
//! caller allows.
//!
//! Which land is meant (docs/adr/0013): each line by itself goes around whatever it winds around, in either direction (the nonzero
//! rule: both wings of a bow tie, and a loop drawn twice is no hole). Then outlines add one and holes take one away, and
//! land is where more is added than taken (the positive rule). The area before, which the report compares, is what the
//! surveyor's own program would say: outlines less holes, by their signed areas.

use crate::ring::{self, Crossing};
use crate::{LandFault, Repair};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
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
struct Piece {
    ring: Ring,
    hole: bool,
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
fn directed(mut ring: Ring, hole: bool) -> (Ring, bool) {
    let area = ring::signed_area(&ring);
    let turn = if hole { area > 0 } else { area < 0 };
    if turn {
        ring.reverse();
    }
    (ring, turn)
}

/// Whether all vertices lie on one line.
fn flat(ring: &[GeoPoint]) -> bool {
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

fn bounds(ring: &[GeoPoint]) -> Option<[GeoPoint; 2]> {
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

/// A repair that does not come to rest after this many rounds on the grid never will.
const ROUNDS_MAX: usize = 10;
/// The overlay multiplies differences in 64 bits.
const SPAN_MAX: u32 = 1 << 30;

fn resolve(
    pieces: &[Piece],
    crossing: Crossing,
    area_change_max: f64,
    repairs: &mut Vec<Repair>,
) -> Result<Vec<Polygon>, LandFault> {
    let at = crossing.at();
    let (lon_deg, lat_deg) = at.degrees();
    let unmendable = || LandFault::Unmendable { lon_deg, lat_deg };
    let [origin, far] =
        bounds(&pieces.iter().flat_map(|piece| piece.ring.iter().copied()).collect::<Ring>()).ok_or_else(unmendable)?;
    if far.lon_e7.abs_diff(origin.lon_e7) >= SPAN_MAX || far.lat_e7.abs_diff(origin.lat_e7) >= SPAN_MAX {
        return Err(unmendable());
    }
    let signed = |ring: &Ring, hole: bool| {
        if hole { -model::signed_area_m2(ring).abs() } else { model::signed_area_m2(ring).abs() }
    };
    let before_m2: f64 = pieces.iter().map(|piece| signed(&piece.ring, piece.hole)).sum();
    let mut contours: Vec<Ring> = Vec::new();
    let (mut crossed, mut alone_m2) = (None, 0.0);
    for piece in pieces {
        let Some(own) = ring::first_crossing(std::iter::once(&outward(piece))) else {
            alone_m2 += signed(&piece.ring, piece.hole);
            contours.push(piece.ring.clone());
            continue;
        };
        crossed = crossed.or(Some(own.at()));
        let resolved = overlay(std::slice::from_ref(&piece.ring), origin, FillRule::NonZero);
        alone_m2 += if piece.hole { -model::area_m2(&resolved) } else { model::area_m2(&resolved) };
        for mut ring in resolved.into_iter().flat_map(|polygon| std::iter::once(polygon.exterior).chain(polygon.holes))
        {
            if piece.hole {
                ring.reverse();
            }
            contours.push(ring);
        }
    }
    let mut polygons = overlay(&contours, origin, FillRule::Positive);
    for round in 0.. {
        let rings: Vec<Ring> = polygons
            .iter()
            .flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
            .cloned()
            .collect();
        match ring::first_crossing(rings.iter()) {
            None => break,
            Some(_) if round == ROUNDS_MAX => return Err(unmendable()),
            Some(_) => polygons = overlay(&rings, origin, FillRule::Positive),
        }
    }
    if polygons.is_empty() {
        return Err(LandFault::NoLand);
    }
    let after_m2 = model::area_m2(&polygons);
    let change = after_m2 - before_m2;
    if change.abs() > area_change_max * before_m2.abs() {
        return Err(LandFault::RepairTooLarge { lon_deg, lat_deg, area_change_m2: change, area_m2: before_m2 });
    }
    if let Some(at) = crossed {
        repairs.push(Repair::SelfIntersection { at, area_change_m2: alone_m2 - before_m2 });
    }
    if crossed.is_none() || contours.len() > 1 && (after_m2 - alone_m2).abs() > 0.05 {
        repairs.push(Repair::OverlappingParts { at, area_change_m2: after_m2 - alone_m2 });
    }
    Ok(polygons)
}

/// The ring as an outline, as the sweep wants a single ring.
fn outward(piece: &Piece) -> Ring {
    directed(piece.ring.clone(), false).0
}

/// The land that these contours enclose under a rule, on the same grid.
fn overlay(contours: &[Ring], origin: GeoPoint, rule: FillRule) -> Vec<Polygon> {
    // Collinear vertices stay: a neighbour may have them too.
    let options = IntOverlayOptions::keep_all_points();
    let mut overlay = Overlay::new_custom(contours.iter().map(Vec::len).sum(), options, Default::default());
    // In range: the feature spans less than 2^30.
    let inward = |point: &GeoPoint| IntPoint {
        x: point.lon_e7.wrapping_sub(origin.lon_e7),
        y: point.lat_e7.wrapping_sub(origin.lat_e7),
    };
    let outward = |point: &IntPoint| GeoPoint {
        lon_e7: point.x.wrapping_add(origin.lon_e7),
        lat_e7: point.y.wrapping_add(origin.lat_e7),
    };
    for contour in contours {
        overlay.add_contour(&contour.iter().map(inward).collect::<Vec<_>>(), ShapeType::Subject);
    }
    let mut polygons = Vec::new();
    for shape in overlay.overlay(OverlayRule::Subject, rule) {
        let mut rings = shape.into_iter().map(|contour| {
            let mut ring: Ring = contour.iter().map(outward).collect();
            ring.dedup();
            ring
        });
        let Some(exterior) = rings.next().filter(|ring| !flat(ring)) else { continue };
        let holes = rings.filter(|ring| !flat(ring)).map(|ring| directed(ring, true).0).collect();
        polygons.push(Polygon { exterior: directed(exterior, false).0, holes });
    }
    polygons
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
