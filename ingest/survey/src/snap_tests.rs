use super::*;
use crate::ring;
use crate::snap_grid::metres;
use proptest::prelude::*;

/// Numbers are decimetres or so: 1 is 1e-6 degrees, 11 cm to the north and 8 to the east.
fn place((x, y): (i32, i32)) -> GeoPoint {
    GeoPoint { lon_e7: 1_170_000_000 + x * 10, lat_e7: 430_000_000 + y * 10 }
}

fn plot(index: usize, points: &[(i32, i32)]) -> Plot {
    let exterior = points.iter().map(|point| place(*point)).collect();
    Plot { index, polygons: vec![Polygon { exterior, holes: Vec::new() }], repairs: Vec::new() }
}

fn exterior(plot: &Plot) -> Vec<(i32, i32)> {
    let back = |point: &GeoPoint| ((point.lon_e7 - 1_170_000_000) / 10, (point.lat_e7 - 430_000_000) / 10);
    plot.polygons[0].exterior.iter().map(back).collect()
}

#[track_caller]
fn check(mut plots: Vec<Plot>, want: &[&[(i32, i32)]]) -> Vec<Plot> {
    let before: Vec<f64> = plots.iter().map(|plot| model::area_m2(&plot.polygons)).collect();
    let notes = snap(&mut plots, 0.5);
    assert_eq!(notes, []);
    for ((plot, want), before) in plots.iter().zip(want).zip(before) {
        assert_eq!(exterior(plot), *want, "feature {}", plot.index);
        let told: f64 = plot.repairs.iter().map(Repair::area_change_m2).sum();
        let change = model::area_m2(&plot.polygons) - before;
        assert!((told - change).abs() < 0.01 + change.abs() * 0.01, "told {told}, is {change}");
    }
    plots
}

const WEST: &[(i32, i32)] = &[(0, 0), (1000, 0), (1000, 1000), (0, 1000)];

#[test]
fn corners_that_lie_near_each_other_become_one() {
    let plots = check(
        vec![plot(0, WEST), plot(7, &[(1002, 1), (2000, 0), (2000, 1000), (1003, 1001)])],
        &[WEST, &[(1000, 0), (2000, 0), (2000, 1000), (1000, 1000)]],
    );
    let [Repair::SliverSnapped { vertices: 2, with: 0, max_shift_m, .. }] = plots[1].repairs.as_slice() else {
        panic!("{:?}", plots[1].repairs)
    };
    assert!((0.2..0.3).contains(max_shift_m), "{max_shift_m}");
    assert_eq!(plots[0].repairs, []);
}

#[test]
fn a_corner_on_the_neighbours_edge_is_taken_into_it() {
    check(
        vec![plot(0, WEST), plot(1, &[(1002, 500), (2000, 500), (2000, 1000), (1000, 1000)])],
        &[
            &[(0, 0), (1000, 0), (1000, 500), (1000, 1000), (0, 1000)],
            &[(1000, 500), (2000, 500), (2000, 1000), (1000, 1000)],
        ],
    );
}

#[test]
fn what_is_one_already_and_what_is_far_stay() {
    let east: &[_] = &[(1000, 0), (2000, 0), (2000, 1000), (1000, 1000)];
    let far: &[_] = &[(2010, 0), (3000, 0), (3000, 1000), (2010, 1000)];
    let plots = check(vec![plot(0, WEST), plot(1, east), plot(2, far)], &[WEST, east, far]);
    assert!(plots.iter().all(|plot| plot.repairs.is_empty()));
}

#[test]
fn a_corner_that_two_share_moves_for_both_and_they_stay_one() {
    // The second and third share (1002, 500), which lies near the first one's edge.
    let plots = vec![
        plot(0, WEST),
        plot(1, &[(1002, 500), (2000, 500), (2000, 1000), (1000, 1000)]),
        plot(2, &[(1000, 0), (2000, 0), (2000, 500), (1002, 500)]),
    ];
    check(
        plots,
        &[
            &[(0, 0), (1000, 0), (1000, 500), (1000, 1000), (0, 1000)],
            &[(1000, 500), (2000, 500), (2000, 1000), (1000, 1000)],
            &[(1000, 0), (2000, 0), (2000, 500), (1000, 500)],
        ],
    );
}

#[test]
fn two_borders_with_vertices_in_different_places_become_one_line() {
    let west: Vec<(i32, i32)> = [(0, 0), (1000, 0)]
        .into_iter()
        .chain((1..10).map(|step| (1000, step * 100)))
        .chain([(1000, 1000), (0, 1000)])
        .collect();
    let east: Vec<(i32, i32)> = [(1002, 1000)]
        .into_iter()
        .chain((1..10).rev().map(|step| (1002, step * 100 - 50)))
        .chain([(1002, 0), (2000, 0), (2000, 1000)])
        .collect();
    let mut plots = vec![plot(0, &west), plot(1, &east)];
    assert_eq!(snap(&mut plots, 0.5), []);
    let line = |plot: &Plot| -> Vec<(i32, i32)> {
        let mut line: Vec<_> = exterior(plot).into_iter().filter(|(x, _)| (990..1010).contains(x)).collect();
        line.sort_by_key(|(_, y)| *y);
        line
    };
    assert_eq!(line(&plots[0]), line(&plots[1]));
    assert_eq!(line(&plots[0]).len(), 20);
}

#[test]
fn a_corner_that_would_cross_its_own_border_is_left_apart_and_named() {
    // The second one's notch reaches almost through to its western border, and beyond that lies the first one's.
    let west: &[_] = &[(0, 0), (990, 0), (1010, 1000), (0, 1000)];
    let notched: &[_] =
        &[(1001, -500), (2000, -500), (2000, 400), (1004, 480), (2000, 600), (2000, 1500), (1001, 1500)];
    let mut plots = vec![plot(0, west), plot(5, notched)];
    let notes = snap(&mut plots, 0.5);
    assert!(matches!(notes.as_slice(), [Note::NotSnapped { feature: 5, .. }]), "{notes:?}");
    assert_eq!(exterior(&plots[1]), notched);
    assert_eq!(plots[1].repairs, []);
}

#[test]
fn a_tongue_along_a_border_may_touch_itself_but_not_cross() {
    let tongue = plot(5, &[(1005, 0), (1004, 500), (1005, 1000), (1001, 1000), (1003, 500), (1001, 0)]);
    let mut plots = vec![plot(0, &[(0, 0), (1002, 0), (1002, 1000), (0, 1000)]), tongue];
    snap(&mut plots, 0.5);
    for plot in &plots {
        assert_eq!(ring::first_crossing(rings(plot)), None, "{:?}", exterior(plot));
    }
}

#[test]
fn nothing_is_snapped_where_nothing_is_near() {
    let mut plots = vec![plot(0, WEST)];
    assert_eq!(snap(&mut plots, 0.5), []);
    assert_eq!(snap(&mut [], 0.5), []);
    assert_eq!(exterior(&plots[0]), WEST);
}

/// A grid of fields, each corner of each field off by a little, as when every field was drawn by itself.
fn fields(shake: &[(i32, i32)], side: usize) -> Vec<Plot> {
    let corner = |x: usize, y: usize, number: usize| {
        let (dx, dy) = shake.get(number % shake.len().max(1)).copied().unwrap_or((0, 0));
        (x as i32 * 200 + dx, y as i32 * 200 + dy)
    };
    let mut plots = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let number = plots.len() * 4;
            let corners = [
                corner(x, y, number),
                corner(x + 1, y, number + 1),
                corner(x + 1, y + 1, number + 2),
                corner(x, y + 1, number + 3),
            ];
            plots.push(plot(plots.len(), &corners));
        }
    }
    plots
}

fn sorted(plots: &[Plot]) -> Vec<(usize, Vec<Polygon>)> {
    let mut sorted: Vec<_> = plots.iter().map(|plot| (plot.index, plot.polygons.clone())).collect();
    sorted.sort_by_key(|(index, _)| *index);
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shaken_fields_share_their_corners_again_whatever_their_order(
        shake in prop::collection::vec((-2..=2i32, -1..=1i32), 7..40),
        side in 2..5usize,
    ) {
        let mut plots = fields(&shake, side);
        let mut backwards: Vec<Plot> = plots.iter().rev().cloned().collect();
        snap(&mut plots, 0.6);
        snap(&mut backwards, 0.6);
        prop_assert_eq!(sorted(&plots), sorted(&backwards));
        for plot in &plots {
            prop_assert_eq!(ring::first_crossing(rings(plot)), None);
            for repair in &plot.repairs {
                if let Repair::SliverSnapped { max_shift_m, .. } = repair {
                    prop_assert!(*max_shift_m <= 0.61);
                }
            }
        }
        // Whatever is still near to a vertex of another is that vertex.
        let all: Vec<GeoPoint> = plots.iter().flat_map(rings).flatten().copied().collect();
        let near_but_apart = all.iter().any(|a| all.iter().any(|b| a != b && metres(*a, *b) < 0.1));
        prop_assert!(!near_but_apart);
    }

    #[test]
    fn two_hands_along_one_winding_border_give_one_line_whoever_comes_first(
        west in prop::collection::btree_map(1..999i32, -3..=3i32, 1..60),
        east in prop::collection::btree_map(1..999i32, -3..=3i32, 1..60),
        bend in -200..200i32,
    ) {
        let border = |y: i32, shake: i32| 1000 + bend * (y * (1000 - y) / 1000) / 250 + shake;
        let west: Vec<_> = [(0, 0), (1000, 0)].into_iter()
            .chain(west.iter().map(|(y, shake)| (border(*y, *shake), *y)))
            .chain([(1000, 1000), (0, 1000)]).collect();
        let east: Vec<_> = [(1001, 1000)].into_iter()
            .chain(east.iter().rev().map(|(y, shake)| (border(*y, *shake), *y)))
            .chain([(1001, 0), (2000, 0), (2000, 1000)]).collect();
        let drawn = [plot(0, &west), plot(1, &east)];
        prop_assume!(drawn.iter().all(|plot| ring::first_crossing(rings(plot)).is_none()));
        let (mut plots, mut backwards) = (drawn.to_vec(), vec![drawn[1].clone(), drawn[0].clone()]);
        snap(&mut plots, 0.5);
        snap(&mut backwards, 0.5);
        prop_assert_eq!(sorted(&plots), sorted(&backwards));
        for (plot, before) in plots.iter().zip(&drawn) {
            prop_assert_eq!(ring::first_crossing(rings(plot)), None);
            let told: f64 = plot.repairs.iter().map(Repair::area_change_m2).sum();
            let change = model::area_m2(&plot.polygons) - model::area_m2(&before.polygons);
            prop_assert!((told - change).abs() < 0.02 + change.abs() * 0.01, "told {}, is {}", told, change);
        }
    }
}
