//! A planned route beside what was flown.
//!
//! In: a route's line and the lines of patrols.   Out: [`RouteFlown`]: which part of it lay within the corridor of some way, and the
//! gaps.   Never: a question of order or direction; who flies it backwards or in pieces has flown it.

use model::{PatrolRoute, Position, RouteFlown};

/// The route is looked at this often, metres ...
const STEP_M: f64 = 20.0;
/// ... but at most at so many places.
const STEPS_MAX: f64 = 10_000.0;

/// How much of a route these ways covered.
pub fn flown(route: &PatrolRoute, ways: &[&[Position]]) -> RouteFlown {
    let line: Vec<Position> = route
        .line
        .iter()
        .filter_map(|point| {
            let (lon, lat) = point.degrees();
            Position::parse(lat, lon).ok()
        })
        .collect();
    let length_m: f64 = line.windows(2).map(length).sum();
    let step_m = STEP_M.max(length_m / STEPS_MAX);
    let mut flown = RouteFlown { share: 0.0, length_m, gaps_m: Vec::new() };
    let (mut along_m, mut covered_m) = (0.0, 0.0);
    for piece in line.windows(2) {
        let [from, to] = piece else { continue };
        let piece_m = length(piece);
        let steps = (piece_m / step_m).ceil().max(1.0);
        let (east, north) = from.offset_to(*to);
        for step in 0..steps as u32 {
            let middle = (f64::from(step) + 0.5) / steps;
            let place = from.moved(east * middle, north * middle);
            let begin_m = along_m + piece_m * f64::from(step) / steps;
            let end_m = along_m + piece_m * f64::from(step + 1) / steps;
            if ways.iter().any(|way| is_near(place, way, route.reach_m)) {
                covered_m += end_m - begin_m;
            } else {
                gap(&mut flown.gaps_m, begin_m, end_m);
            }
        }
        along_m += piece_m;
    }
    if length_m > 0.0 {
        flown.share = (covered_m / length_m).clamp(0.0, 1.0);
    }
    flown
}

fn gap(gaps: &mut Vec<(f64, f64)>, begin_m: f64, end_m: f64) {
    match gaps.last_mut() {
        Some((_, end)) if (*end - begin_m).abs() < 1e-6 => *end = end_m,
        _ => gaps.push((begin_m, end_m)),
    }
}

fn length(piece: &[Position]) -> f64 {
    match piece {
        [from, to] => from.distance_m(*to),
        _ => 0.0,
    }
}

/// Whether some part of a way is within a distance.
fn is_near(place: Position, way: &[Position], reach_m: f64) -> bool {
    if let [only] = way {
        return place.distance_m(*only) <= reach_m;
    }
    let plane = place.plane();
    way.windows(2).any(|piece| {
        let [from, to] = piece else { return false };
        let ((ax, ay), (bx, by)) = (plane.offset_to(*from), plane.offset_to(*to));
        let (dx, dy) = (bx - ax, by - ay);
        let square = dx * dx + dy * dy;
        let along = if square > 0.0 { (-(ax * dx + ay * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
        (ax + along * dx).hypot(ay + along * dy) <= reach_m
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::GeoPoint;

    fn start() -> Position {
        Position::parse(43.3, 117.5).unwrap()
    }

    /// 2 km to the east, then 1 km to the north; 100 m wide to both sides.
    fn route() -> PatrolRoute {
        let line = [(0.0, 0.0), (2_000.0, 0.0), (2_000.0, 1_000.0)];
        PatrolRoute {
            id: "r-1".into(),
            name: "北线".into(),
            township: None,
            device: None,
            reach_m: 100.0,
            duty: None,
            line: line.map(|(east, north)| GeoPoint::from(start().moved(east, north))).to_vec(),
        }
    }

    fn way(places: &[(f64, f64)]) -> Vec<Position> {
        places.iter().map(|(east, north)| start().moved(*east, *north)).collect()
    }

    #[test]
    fn backwards_and_beside_is_flown_and_what_is_missing_is_a_gap_in_metres_along_the_route() {
        let back = way(&[(2_060.0, 1_000.0), (2_060.0, 60.0), (1_500.0, 60.0)]);
        let half = flown(&route(), &[&back]);
        assert!((half.length_m - 3_000.0).abs() < 1.0);
        // 1 km north, 560 m of the east, and 80 m more within reach of its end.
        assert!((half.share - 1_580.0 / 3_000.0).abs() < 0.01, "{half:?}");
        assert_eq!(half.gaps_m.len(), 1);
        assert!(half.gaps_m[0].0.abs() < 1.0 && (half.gaps_m[0].1 - 1_420.0).abs() < 21.0, "{half:?}");
        let rest = way(&[(-50.0, -90.0), (1_450.0, -90.0)]);
        let both = flown(&route(), &[&back, &rest]);
        assert_eq!((both.share, both.gaps_m.len()), (1.0, 0));
        let aside = way(&[(0.0, 120.0), (1_800.0, 120.0)]);
        assert_eq!(flown(&route(), &[&aside]).share, 0.0);
        assert_eq!(flown(&route(), &[]).gaps_m.len(), 1);
    }
}
