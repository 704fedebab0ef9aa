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
    check(&[&[(0, 0), (4, 0), (6, 0), (4, 0), (4, 4), (0, 4)]], Some(Crossing::Along { lat_deg: 0.0, lon_deg: 4.0 }));
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

#[test]
fn a_hole_and_an_island_know_what_lies_below_them() {
    let rings = [
        ring(&[(2, 2), (3, 2), (3, 3), (2, 3)]),
        ring(&[(1, 1), (1, 4), (4, 4), (4, 1)]),
        ring(&[(0, 0), (6, 0), (6, 6), (0, 6)]),
    ];
    assert_eq!(nesting(rings.iter()), Ok(vec![(2, None), (1, Some((2, true))), (0, Some((1, false)))]));
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
