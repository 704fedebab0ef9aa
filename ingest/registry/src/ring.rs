//! Finds where the edges of a zone cross each other, exactly, in time n log n.
//!
//! In: the rings of one feature.   Out: a [`Crossing`], the first from the west, or none.
//! Never: floating point in a decision; a refusal of rings that only touch. A border that touches itself or its neighbour in
//! points has a clear inside (surveyors tie holes to outlines that way), one that crosses itself or runs back along
//! itself has not.
//!
//! A line sweeps from west to east over the edges' ends (Shamos and Hoey). Edges under the line are kept in their order
//! from south to north; two that cross stand next to each other there before the line reaches the crossing.

use model::{GeoPoint, Ring};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// Where two edges meet as they may not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Crossing {
    /// They cross here.
    At { lat_deg: f64, lon_deg: f64 },
    /// They run along each other from here: a spike, or two parts that overlap.
    Along { lat_deg: f64, lon_deg: f64 },
    /// No two edges meet wrongly, but from here on the inside is outside or is there twice: a part within a part, a hole
    /// without land around it, a border that crosses itself exactly in a vertex.
    Inverted { lat_deg: f64, lon_deg: f64 },
}

/// An edge from its western end (of a vertical one: its southern) to the other.
#[derive(Debug, Clone, Copy)]
struct Edge {
    left: GeoPoint,
    right: GeoPoint,
    /// Which ring it belongs to.
    ring: u32,
    /// Whether the ring runs from left to right here.
    forward: bool,
    number: u32,
}

/// Twice the area of the triangle a, b, c: positive when c lies to the left of a -> b. Exact: 2^32 squared needs more than 64 bits.
fn orientation(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> i128 {
    let difference = |to: i32, from: i32| i128::from(to) - i128::from(from);
    difference(b.lon_e7, a.lon_e7) * difference(c.lat_e7, a.lat_e7)
        - difference(b.lat_e7, a.lat_e7) * difference(c.lon_e7, a.lon_e7)
}

/// South to north where both are under the line. Consistent as long as no two of them cross to the west of it.
impl Ord for Edge {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.number == other.number {
            return Ordering::Equal;
        }
        let (earlier, later, swapped) =
            if self.left <= other.left { (self, other, false) } else { (other, self, true) };
        let above = orientation(earlier.left, earlier.right, later.left)
            .cmp(&0)
            .then_with(|| orientation(earlier.left, earlier.right, later.right).cmp(&0));
        // `above` says where `later` lies; the order asks where `self` lies.
        let order = if swapped { above } else { above.reverse() };
        // On a shared border the southern part ends before the northern one begins.
        order.then(self.forward.cmp(&other.forward)).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Edge {}

/// Twice the signed area: positive when the ring runs counter-clockwise.
pub(crate) fn signed_area(ring: &[GeoPoint]) -> i128 {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(a, b)| i128::from(a.lon_e7) * i128::from(b.lat_e7) - i128::from(b.lon_e7) * i128::from(a.lat_e7))
        .sum()
}

/// The first crossing from the west among the edges of all these rings, which run with their inside to the left.
pub(crate) fn first_crossing<'a>(rings: impl Iterator<Item = &'a Ring>) -> Option<Crossing> {
    let mut edges = Vec::new();
    for (ring, points) in rings.enumerate() {
        for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
            let forward = a < b;
            let (left, right) = if forward { (*a, *b) } else { (*b, *a) };
            // Far fewer than 2^32 vertices are let in.
            edges.push(Edge { left, right, ring: ring as u32, forward, number: edges.len() as u32 });
        }
    }
    // At one point, edges that end there go before those that begin there.
    let mut events: Vec<(GeoPoint, bool, Edge)> =
        edges.iter().flat_map(|edge| [(edge.left, true, *edge), (edge.right, false, *edge)]).collect();
    events.sort_unstable_by_key(|(at, begins, edge)| (*at, *begins, edge.number));
    let mut line: BTreeSet<Edge> = BTreeSet::new();
    // Remembered while the sweep goes on: a crossing further on explains it better.
    let mut inverted = None;
    for at_one_point in events.chunk_by(|(a, ..), (b, ..)| a == b) {
        for (_, begins, edge) in at_one_point {
            if let Some(crossing) = advance(&mut line, *edge, *begins) {
                return Some(crossing);
            }
        }
        let mut begun = at_one_point.iter().filter(|(_, begins, _)| *begins);
        if inverted.is_none() && begun.any(|(_, _, edge)| !alternates(&line, edge)) {
            inverted = at_one_point.first().map(|(at, ..)| at.degrees());
        }
    }
    inverted.map(|(lon_deg, lat_deg)| Crossing::Inverted { lat_deg, lon_deg })
}

/// Lets an edge begin or end under the line; how the edges that become neighbours by it meet wrongly, if they do.
fn advance(line: &mut BTreeSet<Edge>, edge: Edge, begins: bool) -> Option<Crossing> {
    if !begins {
        line.remove(&edge);
    }
    let below = line.range(..edge).next_back();
    let above = line.range((Excluded(edge), Unbounded)).next();
    if !begins {
        return below.zip(above).and_then(|(below, above)| meet(below, above));
    }
    let found = below.and_then(|other| meet(other, &edge)).or_else(|| above.and_then(|other| meet(&edge, other)));
    line.insert(edge);
    found
}

/// From south to north one enters land and leaves it by turns, beginning outside: an edge that runs eastward has its inside
/// to the north.
fn alternates(line: &BTreeSet<Edge>, edge: &Edge) -> bool {
    edge.forward != line.range(..edge).next_back().is_some_and(|below| below.forward)
}

/// How two edges meet as they may not, if they do.
fn meet(a: &Edge, b: &Edge) -> Option<Crossing> {
    let (b_left, b_right) = (orientation(a.left, a.right, b.left), orientation(a.left, a.right, b.right));
    let (a_left, a_right) = (orientation(b.left, b.right, a.left), orientation(b.left, b.right, a.right));
    if b_left == 0 && b_right == 0 {
        let from = a.left.max(b.left);
        // Two parts may share a border: then their rings run along it in opposite directions.
        let neighbours = a.ring != b.ring && a.forward != b.forward;
        let (lon_deg, lat_deg) = from.degrees();
        return (from < a.right.min(b.right) && !neighbours).then_some(Crossing::Along { lat_deg, lon_deg });
    }
    let opposite = |x: i128, y: i128| x.signum() * y.signum() < 0;
    if !(opposite(b_left, b_right) && opposite(a_left, a_right)) {
        return None;
    }
    // Only to show it: where b crosses a, by the distances of b's ends from a.
    let share = b_left as f64 / (b_left - b_right) as f64;
    let ((from_lon, from_lat), (to_lon, to_lat)) = (b.left.degrees(), b.right.degrees());
    Some(Crossing::At {
        lat_deg: from_lat + share * (to_lat - from_lat),
        lon_deg: from_lon + share * (to_lon - from_lon),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(i32, i32)]) -> Ring {
        points
            .iter()
            .map(|&(lon_e7, lat_e7)| GeoPoint { lon_e7: lon_e7 * 10_000_000, lat_e7: lat_e7 * 10_000_000 })
            .collect()
    }

    #[track_caller]
    fn check(rings: &[&[(i32, i32)]], want: Option<Crossing>) {
        let rings: Vec<Ring> = rings.iter().map(|points| ring(points)).collect();
        assert_eq!(first_crossing(rings.iter()), want);
    }

    #[test]
    fn a_bow_tie_crosses_in_its_knot() {
        check(&[&[(0, 0), (2, 2), (2, 0), (0, 2)]], Some(Crossing::At { lat_deg: 1.0, lon_deg: 1.0 }));
    }

    #[test]
    fn a_square_an_upright_star_and_a_comb_do_not_cross() {
        check(&[&[(0, 0), (2, 0), (2, 2), (0, 2)]], None);
        check(&[&[(0, 3), (-1, 1), (-3, 0), (-1, -1), (0, -3), (1, -1), (3, 0), (1, 1)]], None);
        check(&[&[(0, 0), (6, 0), (6, 5), (5, 1), (4, 5), (3, 1), (2, 5), (1, 1), (0, 5)]], None);
    }

    #[test]
    fn a_ring_that_touches_itself_in_a_point_is_let_through() {
        check(&[&[(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)]], None);
        check(&[&[(0, 0), (2, 1), (4, 0), (4, 4), (2, 1), (0, 4)]], None);
    }

    #[test]
    fn a_spike_runs_back_along_itself() {
        check(
            &[&[(0, 0), (4, 0), (6, 0), (4, 0), (4, 4), (0, 4)]],
            Some(Crossing::Along { lat_deg: 0.0, lon_deg: 4.0 }),
        );
    }

    #[test]
    fn neighbouring_parts_share_a_border_and_overlapping_parts_do_not() {
        let west: &[_] = &[(0, 0), (2, 0), (2, 2), (0, 2)];
        check(&[west, &[(2, 0), (4, 0), (4, 2), (2, 2)]], None);
        check(&[west, west], Some(Crossing::Along { lat_deg: 0.0, lon_deg: 0.0 }));
        check(&[west, &[(1, -1), (3, -1), (3, 1), (1, 1)]], Some(Crossing::At { lat_deg: 0.0, lon_deg: 1.0 }));
    }

    #[test]
    fn nested_parts_stray_holes_and_a_knot_in_a_vertex_turn_the_inside_out() {
        let inverted = |lon_deg, lat_deg| Some(Crossing::Inverted { lat_deg, lon_deg });
        let land: &[_] = &[(0, 0), (6, 0), (6, 6), (0, 6)];
        let (hole, island): (&[_], &[_]) = (&[(1, 1), (1, 4), (4, 4), (4, 1)], &[(2, 2), (3, 2), (3, 3), (2, 3)]);
        check(&[land, hole, island], None);
        check(&[land, island], inverted(2.0, 2.0));
        check(&[land, &[(7, 7), (7, 8), (8, 8)]], inverted(7.0, 7.0));
        check(&[&[(0, 0), (1, 1), (2, 2), (2, 0), (1, 1), (0, 3)]], inverted(1.0, 1.0));
    }

    /// Every pair of edges, as slow and simple as it gets.
    fn any_pair_meets(rings: &[Ring]) -> bool {
        let mut edges: Vec<Edge> = Vec::new();
        for (number, points) in rings.iter().enumerate() {
            for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
                let (left, right) = (*a.min(b), *a.max(b));
                edges.push(Edge { left, right, ring: number as u32, forward: a < b, number: edges.len() as u32 });
            }
        }
        edges.iter().any(|a| edges.iter().any(|b| a != b && meet(a, b).is_some()))
    }

    #[test]
    fn the_sweep_agrees_with_trying_every_pair_on_random_rings_of_a_coarse_grid() {
        use rand::{Rng, SeedableRng};
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let (mut crossed, mut simple) = (0, 0);
        for _ in 0..20_000 {
            let count = random.random_range(3..8);
            let mut points: Vec<(i32, i32)> =
                (0..count).map(|_| (random.random_range(0..6), random.random_range(0..6))).collect();
            points.dedup();
            if points.len() < 3 || points.first() == points.last() {
                continue;
            }
            let rings = [ring(&points)];
            let found = matches!(first_crossing(rings.iter()), Some(Crossing::At { .. } | Crossing::Along { .. }));
            assert_eq!(found, any_pair_meets(&rings), "{points:?}");
            if found { crossed += 1 } else { simple += 1 }
        }
        assert!(crossed > 1_000 && simple > 1_000, "{crossed} {simple}");
    }

    #[test]
    fn a_star_of_100_000_vertices_is_searched_and_one_swapped_pair_in_it_is_found() {
        let mut star: Ring = (0..100_000)
            .map(|index| {
                let angle = f64::from(index) * std::f64::consts::TAU / 100_000.0;
                let radius_e7 = if index % 2 == 0 { 9e6 } else { 4.5e6 };
                GeoPoint { lon_e7: (radius_e7 * angle.cos()) as i32, lat_e7: (radius_e7 * angle.sin()) as i32 }
            })
            .collect();
        star.dedup();
        assert_eq!(first_crossing([&star].into_iter()), None);
        star.swap(40_000, 40_004);
        assert!(matches!(first_crossing([&star].into_iter()), Some(Crossing::At { .. })));
    }
}
