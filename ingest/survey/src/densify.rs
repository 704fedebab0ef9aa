//! From a ring in the survey's coordinates to one on whole 1e-7 degrees of WGS84 that runs the same way over the ground.
//!
//! In: a [`RawRing`] and its [`Crs`].   Out: a [`Ring`] without repetitions, and what was counted on the way.
//! Never: more than a centimetre between the surveyor's straight edge and ours; an edge that is divided one way from one side
//! and another way from the other.

use crate::raw::RawRing;
use crate::{Crs, LandFault};
use model::{GeoPoint, Ring};

/// Rounding takes up to 7 mm of the centimetre.
const DEVIATION_MAX_M: f64 = 0.003;
/// Sixteen thousand pieces; the longest edge within a zone needs four thousand.
const DEPTH_MAX: u32 = 14;

/// What happened to the vertices of one feature.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Added so that edges run as they did.
    pub(crate) added: usize,
    /// Left out because they repeat the one before.
    pub(crate) repeated: usize,
}

/// Why there is no ring.
#[derive(Debug)]
pub(crate) enum Stop {
    Fault(LandFault),
    /// All vertices that may be read are used up.
    TooMany,
}

/// A vertex in both coordinates.
#[derive(Debug, Clone, Copy)]
struct Vertex {
    survey: [f64; 2],
    /// Longitude, latitude.
    degrees: (f64, f64),
}

/// Brings one ring over; takes what it uses from `left`.
pub(crate) fn ring(raw: &RawRing, crs: &Crs, left: &mut usize, counts: &mut Counts) -> Result<Ring, Stop> {
    let mut ring: Ring = Vec::with_capacity(raw.len());
    let mut before: Option<Vertex> = None;
    let mut push = |ring: &mut Ring, point: GeoPoint| {
        *left = left.checked_sub(1).ok_or(Stop::TooMany)?;
        let new = ring.last() != Some(&point);
        if new {
            ring.push(point);
        }
        Ok::<bool, Stop>(new)
    };
    let closing = raw.first().filter(|first| raw.last() != Some(first));
    let corners = raw.len();
    for (index, survey) in raw.iter().chain(closing).enumerate() {
        let vertex = vertex(*survey, crs).map_err(Stop::Fault)?;
        if let Some(before) = before.filter(|_| !crs.keeps_lines()) {
            for point in between(before, vertex, crs) {
                counts.added += usize::from(push(&mut ring, point)?);
            }
        }
        before = Some(vertex);
        if index < corners {
            counts.repeated += usize::from(!push(&mut ring, grid(vertex.degrees))?);
        }
    }
    // The closing vertex repeats the first as it should; more than that is a repetition.
    let mut closed = raw.len() > 1 && closing.is_none();
    while ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
        counts.repeated += usize::from(!std::mem::take(&mut closed));
    }
    Ok(ring)
}

fn vertex(survey: [f64; 2], crs: &Crs) -> Result<Vertex, LandFault> {
    let [x, y] = survey;
    let degrees = crs.to_wgs84(survey).ok_or_else(|| match crs {
        Crs::Projected(_) => LandFault::OffZone { x, y, crs: crs.to_string() },
        Crs::Geographic(_) => LandFault::OffGlobe { x, y },
    })?;
    Ok(Vertex { survey, degrees })
}

fn grid((lon, lat): (f64, f64)) -> GeoPoint {
    // In range: |180e7| < 2^31.
    GeoPoint { lon_e7: (lon * 1e7).round() as i32, lat_e7: (lat * 1e7).round() as i32 }
}

/// The vertices that an edge needs between its ends, in its direction.
fn between(from: Vertex, to: Vertex, crs: &Crs) -> Vec<GeoPoint> {
    // Neighbours draw the same edge in opposite directions: both compute it in one.
    let [from_x, from_y] = from.survey;
    let [to_x, to_y] = to.survey;
    let swapped = from_x.total_cmp(&to_x).then(from_y.total_cmp(&to_y)).is_gt();
    let mut points = Vec::new();
    let (first, last) = if swapped { (to, from) } else { (from, to) };
    divide(first, last, crs, DEPTH_MAX, &mut points);
    if swapped {
        points.reverse();
    }
    points
}

fn divide(from: Vertex, to: Vertex, crs: &Crs, depth: u32, points: &mut Vec<GeoPoint>) {
    let at = |share: f64| {
        let [from_x, from_y] = from.survey;
        let [to_x, to_y] = to.survey;
        vertex([from_x + (to_x - from_x) * share, from_y + (to_y - from_y) * share], crs).ok()
    };
    // Three places, since a line that bends one way and then the other is right in its middle.
    let (Some(quarter), Some(middle), Some(three_quarters)) = (at(0.25), at(0.5), at(0.75)) else { return };
    let straight = [quarter, middle, three_quarters]
        .into_iter()
        .all(|vertex| deviation_m(from.degrees, to.degrees, vertex.degrees) <= DEVIATION_MAX_M);
    if straight || depth == 0 {
        return;
    }
    divide(from, middle, crs, depth - 1, points);
    points.push(grid(middle.degrees));
    divide(middle, to, crs, depth - 1, points);
}

/// How far a place lies from the line through two others.
fn deviation_m(from: (f64, f64), to: (f64, f64), place: (f64, f64)) -> f64 {
    const DEGREE_M: f64 = 111_320.0;
    let shrink = place.1.to_radians().cos();
    let metres = |(lon, lat): (f64, f64)| ((lon - from.0) * DEGREE_M * shrink, (lat - from.1) * DEGREE_M);
    let ((line_x, line_y), (x, y)) = (metres(to), metres(place));
    let length = line_x.hypot(line_y);
    if length < 1e-9 { x.hypot(y) } else { (line_x * y - line_y * x).abs() / length }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Datum;

    fn run(raw: &[[f64; 2]], crs: &Crs) -> (Ring, Counts) {
        let mut counts = Counts::default();
        let ring = ring(&raw.to_vec(), crs, &mut 100_000, &mut counts).unwrap();
        (ring, counts)
    }

    #[test]
    fn an_edge_of_ten_kilometres_stays_within_a_centimetre_and_is_the_same_from_both_sides() {
        let crs = Crs::of_epsg(4548).unwrap();
        let corners = [[600_000.0, 4_790_000.0], [610_000.0, 4_791_000.0], [605_000.0, 4_799_000.0]];
        let (there, counts) = run(&corners, &crs);
        assert!(counts.added > 20, "{counts:?}");
        let [a, b, c] = corners;
        let (mut back, _) = run(&[a, c, b], &crs);
        back.reverse();
        back.rotate_right(1);
        assert_eq!(there, back);
        // A thousand places of each edge, against the nearest piece.
        for (from, to) in [(a, b), (b, c), (c, a)] {
            for step in 0..1_000 {
                let share = f64::from(step) / 1_000.0;
                let survey = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
                let place = vertex(survey, &crs).unwrap().degrees;
                let near = there
                    .iter()
                    .zip(there.iter().cycle().skip(1))
                    .map(|(p, q)| to_segment_m(p.degrees(), q.degrees(), place));
                let near = near.fold(f64::INFINITY, f64::min);
                assert!(near < 0.01, "{near}");
            }
        }
    }

    fn to_segment_m(p: (f64, f64), q: (f64, f64), place: (f64, f64)) -> f64 {
        let shrink = place.1.to_radians().cos();
        let m = |a: (f64, f64)| ((a.0 - place.0) * 111_320.0 * shrink, (a.1 - place.1) * 111_320.0);
        let ((px, py), (qx, qy)) = (m(p), m(q));
        let (dx, dy) = (qx - px, qy - py);
        let t = (-(px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        (px + t * dx).hypot(py + t * dy)
    }

    #[test]
    fn degrees_get_no_vertices_and_lose_those_that_repeat() {
        let crs = Crs::Geographic(Datum::Cgcs2000);
        let (ring, counts) = run(&[[117.0, 43.0], [118.0, 43.0], [118.0, 43.0], [118.0, 44.0], [117.0, 43.0]], &crs);
        assert_eq!((ring.len(), counts.added, counts.repeated), (3, 0, 1));
        let (ring, counts) = run(&[[117.0, 43.0], [118.0, 43.0], [118.0, 44.0]], &crs);
        assert_eq!((ring.len(), counts.repeated), (3, 0));
    }

    #[test]
    fn more_vertices_than_may_be_read_stop_it() {
        let crs = Crs::of_epsg(4548).unwrap();
        let raw = vec![[400_000.0, 4_000_000.0], [600_000.0, 5_000_000.0], [600_000.0, 4_000_000.0]];
        assert!(matches!(ring(&raw, &crs, &mut 100, &mut Counts::default()), Err(Stop::TooMany)));
    }
}
