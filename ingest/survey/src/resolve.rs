//! Mends rings that cross themselves or each other.
//!
//! In: the pieces of one feature.   Out: polygons, simple on the grid, and how much area it changed.
//! Never: a change of more area than the caller allows; a rounding that leaves another crossing behind.
//!
//! Which land is meant (docs/adr/0013): each line by itself goes around whatever it winds around, in either direction (the nonzero
//! rule: both wings of a bow tie, and a loop drawn twice is no hole). Then outlines add one and holes take one away, and
//! land is where more is added than taken (the positive rule). The area before, which the report compares, is what the
//! surveyor's own program would say: outlines less holes, by their signed areas.

use crate::repair::{Piece, bounds, directed, flat};
use crate::ring::{self, Crossing};
use crate::{LandFault, Repair};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;
use model::{GeoPoint, Polygon, Ring};

/// A repair that does not come to rest after this many rounds on the grid never will.
const ROUNDS_MAX: usize = 10;
/// The overlay multiplies differences in 64 bits.
const SPAN_MAX: u32 = 1 << 30;

/// Resolves all crossings of these pieces, of which `crossing` is the first.
pub(crate) fn resolve(
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
    if tangled(pieces) {
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

/// So many crossings are no slip of the hand, and their resolution would take memory by their number.
const CROSSINGS_MAX: usize = 20_000;
/// About a second.
const PAIRS_MAX: usize = 200_000_000;

/// Whether there are more crossings than anybody would want mended; a line sweeps over the edges until that is known.
fn tangled(pieces: &[Piece]) -> bool {
    let mut edges: Vec<(GeoPoint, GeoPoint)> = pieces
        .iter()
        .flat_map(|piece| piece.ring.iter().zip(piece.ring.iter().cycle().skip(1)))
        .map(|(a, b)| (*a.min(b), *a.max(b)))
        .collect();
    edges.sort_unstable();
    let (mut crossings, mut pairs) = (0, 0);
    let mut active: Vec<(GeoPoint, GeoPoint)> = Vec::new();
    for (from, to) in edges {
        let (low, high) = (from.lat_e7.min(to.lat_e7), from.lat_e7.max(to.lat_e7));
        pairs += active.len();
        active.retain(|(other_from, other_to)| {
            let beside =
                other_from.lat_e7.min(other_to.lat_e7) <= high && low <= other_from.lat_e7.max(other_to.lat_e7);
            crossings += usize::from(beside && ring::cross((from, to), (*other_from, *other_to)));
            other_to.lon_e7 >= from.lon_e7
        });
        active.push((from, to));
        if crossings > CROSSINGS_MAX || pairs > PAIRS_MAX {
            return true;
        }
    }
    false
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
