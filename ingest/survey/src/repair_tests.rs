use super::*;
use proptest::prelude::*;

/// A ring from metres-like numbers: 1 is 1e-4 degrees, about ten metres.
fn ring(points: &[(i32, i32)]) -> Ring {
    let point = |&(x, y): &(i32, i32)| GeoPoint { lon_e7: 1_170_000_000 + x * 1_000, lat_e7: 430_000_000 + y * 1_000 };
    points.iter().map(point).collect()
}

fn parts(parts: &[&[&[(i32, i32)]]]) -> Shape {
    let parts = parts.iter().map(|rings| rings.iter().map(|points| ring(points)).collect()).collect();
    Shape::Parts { parts, wound: true }
}

fn rings(rings: &[&[(i32, i32)]]) -> Shape {
    Shape::Rings(rings.iter().map(|points| ring(points)).collect())
}

const FIELD: &[(i32, i32)] = &[(0, 0), (100, 0), (100, 100), (0, 100)];

#[track_caller]
fn check(shape: Shape, change_max: f64) -> (Vec<Polygon>, Vec<Repair>) {
    let (polygons, repairs) = repair(shape, change_max).unwrap();
    assert_sound(&polygons);
    (polygons, repairs)
}

#[track_caller]
fn assert_sound(polygons: &[Polygon]) {
    let rings = polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
    assert_eq!(ring::first_crossing(rings), None, "{polygons:?}");
    assert!(!polygons.is_empty());
    for polygon in polygons {
        assert!(ring::signed_area(&polygon.exterior) > 0);
        assert!(polygon.holes.iter().all(|hole| ring::signed_area(hole) < 0));
    }
}

#[test]
fn what_is_valid_comes_out_vertex_by_vertex() {
    let hole: &[_] = &[(10, 10), (10, 20), (20, 20), (20, 10)];
    let (polygons, repairs) = check(parts(&[&[FIELD, hole], &[&[(100, 0), (150, 0), (100, 50)]]]), 0.01);
    assert_eq!(repairs, []);
    assert_eq!(polygons[0], Polygon { exterior: ring(FIELD), holes: vec![ring(hole)] });
    assert_eq!(polygons[1].exterior, ring(&[(100, 0), (150, 0), (100, 50)]));
}

#[test]
fn a_knot_is_untied_and_says_where_and_how_much() {
    // The last corner is drawn before the one it follows: a wing of one unit.
    let knot: &[_] = &[(0, 0), (100, 0), (100, 100), (50, 100), (49, 101), (49, 100), (50, 101), (0, 101)];
    let (polygons, repairs) = check(parts(&[&[knot]]), 0.01);
    let [Repair::SelfIntersection { at, area_change_m2 }] = repairs.as_slice() else { panic!("{repairs:?}") };
    assert_eq!(*at, ring(&[(49, 100)])[0].min(*at).max(*at));
    assert!(area_change_m2.abs() > 1.0, "{area_change_m2}");
    assert!((model::area_m2(&polygons) - 10_100.0 * 90.58).abs() < 20_000.0);
}

#[test]
fn a_bow_tie_whose_wings_are_equal_is_for_the_surveyor_unless_everything_is_allowed() {
    let tie: &[_] = &[(0, 0), (100, 100), (100, 0), (0, 100)];
    assert!(matches!(repair(parts(&[&[tie]]), 0.01), Err(LandFault::RepairTooLarge { .. })));
    let uneven: &[_] = &[(0, 0), (100, 100), (100, 0), (0, 90)];
    let (polygons, repairs) = check(parts(&[&[uneven]]), 1e9);
    assert_eq!(polygons.len(), 2, "both wings are land: {polygons:?}");
    assert!(matches!(repairs.last(), Some(Repair::SelfIntersection { .. })));
}

#[test]
fn a_spike_goes_and_its_neighbours_stay() {
    let (polygons, repairs) = check(parts(&[&[&[(0, 0), (100, 0), (130, 0), (100, 0), (100, 100), (0, 100)]]]), 0.01);
    assert_eq!(model::area_m2(&polygons), model::area_m2(&[Polygon { exterior: ring(FIELD), holes: Vec::new() }]));
    assert!(matches!(repairs.as_slice(), [Repair::SelfIntersection { .. }]), "{repairs:?}");
}

#[test]
fn a_loop_drawn_twice_is_no_hole() {
    let looped: &[_] = &[(0, 0), (100, 0), (100, 100), (4, 100), (4, 2), (8, 2), (8, 98), (0, 98)];
    let (polygons, _) = check(parts(&[&[looped]]), 10.0);
    assert!(polygons.iter().all(|polygon| polygon.holes.is_empty()), "{polygons:?}");
}

#[test]
fn overlapping_parts_become_their_union() {
    let (polygons, repairs) = check(parts(&[&[FIELD], &[&[(99, 0), (200, 0), (200, 100), (99, 100)]]]), 0.01);
    assert_eq!(polygons.len(), 1);
    let [Repair::OverlappingParts { area_change_m2, .. }] = repairs.as_slice() else { panic!("{repairs:?}") };
    assert!((area_change_m2 + 100.0 * 90.58).abs() < 10.0, "{area_change_m2}");
    assert!(matches!(repair(parts(&[&[FIELD], &[FIELD]]), 0.01), Err(LandFault::RepairTooLarge { .. })));
}

#[test]
fn a_part_over_the_hole_of_another_fills_it_and_overlapping_holes_stay_holes() {
    let hole: &[_] = &[(10, 10), (10, 30), (30, 30), (30, 10)];
    let (polygons, _) = check(parts(&[&[FIELD, hole], &[&[(5, 5), (35, 5), (35, 35), (5, 35)]]]), 10.0);
    assert!(polygons.len() == 1 && polygons[0].holes.is_empty(), "{polygons:?}");
    let (polygons, _) = check(parts(&[&[FIELD, hole, &[(20, 20), (20, 40), (40, 40), (40, 20)]]]), 10.0);
    assert!(polygons.len() == 1 && polygons[0].holes.len() == 1, "{polygons:?}");
}

#[test]
fn a_hole_outside_of_the_land_cuts_nothing() {
    let (polygons, repairs) = check(parts(&[&[FIELD, &[(200, 0), (200, 10), (210, 10)]]]), 0.01);
    assert_eq!(polygons, [Polygon { exterior: ring(FIELD), holes: Vec::new() }]);
    assert!(matches!(repairs.as_slice(), [Repair::HoleOutside { .. }]));
}

#[test]
fn directions_are_corrected_and_counted_where_the_format_has_one() {
    let clockwise: Vec<_> = FIELD.iter().rev().copied().collect();
    let (polygons, repairs) = check(parts(&[&[&clockwise]]), 0.01);
    assert_eq!((polygons[0].exterior.clone(), repairs), (ring(FIELD), vec![Repair::WrongWinding { rings: 1 }]));
}

#[test]
fn a_shapefiles_rings_find_their_outlines_and_islands_lie_in_holes() {
    let reversed = |points: &[(i32, i32)]| points.iter().rev().copied().collect::<Vec<_>>();
    let (outline, hole) = (reversed(FIELD), [(10, 10), (50, 10), (50, 50), (10, 50)]);
    let island = reversed(&[(20, 20), (30, 20), (30, 30), (20, 30)]);
    let (polygons, repairs) = check(rings(&[&island, &hole, &outline]), 0.01);
    assert_eq!(repairs, []);
    assert_eq!(polygons.iter().map(|polygon| polygon.holes.len()).collect::<Vec<_>>(), [0, 1]);
    // All of them the other way round.
    let (turned, repairs) = check(rings(&[&reversed(&island), &reversed(&hole), FIELD]), 0.01);
    assert_eq!(repairs, [Repair::WrongWinding { rings: 3 }]);
    assert_eq!(model::area_m2(&turned), model::area_m2(&polygons));
}

#[test]
fn rings_without_land_are_dropped_and_a_feature_without_any_is_refused() {
    let (polygons, repairs) = check(parts(&[&[FIELD, &[(1, 1), (2, 2), (3, 3)]]]), 0.01);
    assert!(polygons[0].holes.is_empty() && matches!(repairs.as_slice(), [Repair::DroppedSliverRing { .. }]));
    for nothing in [parts(&[]), parts(&[&[]]), parts(&[&[&[(0, 0), (1, 0)]]]), rings(&[&[(0, 0), (5, 5), (9, 9)]])] {
        assert_eq!(repair(nothing, 0.01), Err(LandFault::NoLand));
    }
}

#[test]
fn a_feature_that_spans_the_globe_and_crosses_itself_is_left_to_the_surveyor() {
    let point = |lon_e7, lat_e7| GeoPoint { lon_e7, lat_e7 };
    let ring = vec![
        point(-1_800_000_000, -900_000_000),
        point(1_800_000_000, 900_000_000),
        point(1_800_000_000, -900_000_000),
        point(-1_800_000_000, 800_000_000),
    ];
    let shape = Shape::Parts { parts: vec![vec![ring]], wound: true };
    assert!(matches!(repair(shape, 1e9), Err(LandFault::Unmendable { .. })));
}

#[test]
fn a_tangle_of_a_thousand_lines_is_left_to_the_surveyor_at_once() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::StdRng::seed_from_u64(3);
    let tangle: Vec<(i32, i32)> =
        (0..1_000).map(|_| (random.random_range(0..10_000), random.random_range(0..10_000))).collect();
    assert!(matches!(repair(parts(&[&[&tangle]]), f64::INFINITY), Err(LandFault::Unmendable { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was drawn, what comes out is simple on the grid, and mending it again changes nothing.
    #[test]
    fn any_scribble_is_mended_into_sound_land_or_refused(
        drawn in prop::collection::vec(prop::collection::vec(prop::collection::vec((0..40i32, 0..40i32), 3..12), 1..3), 1..3),
        fine in any::<bool>(),
        as_rings in any::<bool>(),
    ) {
        // On a fine grid crossings fall between the whole numbers and have to be rounded.
        let place = |&(x, y): &(i32, i32)| {
            let step = if fine { 1 } else { 1_000 };
            GeoPoint { lon_e7: 1_170_000_000 + x * step, lat_e7: 430_000_000 + y * step }
        };
        let parts: Vec<Vec<Ring>> =
            drawn.iter().map(|part| part.iter().map(|ring| ring.iter().map(place).collect::<Ring>()).collect()).collect();
        let parts: Vec<Vec<Ring>> = parts.into_iter().map(|part| part.into_iter().map(|mut ring| { ring.dedup(); while ring.len() > 1 && ring.first() == ring.last() { ring.pop(); } ring }).collect()).collect();
        let shape = if as_rings { Shape::Rings(parts.concat()) } else { Shape::Parts { parts, wound: true } };
        if let Ok((polygons, _)) = repair(shape, f64::INFINITY) {
            assert_sound(&polygons);
            let again = polygons.iter().map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes).cloned().collect()).collect();
            let (same, repairs) = repair(Shape::Parts { parts: again, wound: true }, 0.0).unwrap();
            prop_assert_eq!(same.iter().map(|polygon| &polygon.exterior).collect::<Vec<_>>(), polygons.iter().map(|polygon| &polygon.exterior).collect::<Vec<_>>());
            prop_assert_eq!(repairs, vec![]);
        }
    }
}
