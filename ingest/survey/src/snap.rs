//! Makes borders that were meant to be one the same, vertex by vertex.
//!
//! In: the mended features of one file, and how near is near.   Out: the same with vertices moved onto their neighbours'
//! borders, each with its report.   Next: out of the crate.
//! Never: a ring that crosses itself by it; a result that depends on the order of the features.
//!
//! A pass finds, for every vertex, the nearest vertex or edge of another feature (`snap_grid`); settles who moves
//! (`snap_plan`); and moves, feature by feature, what does not make a border cross itself (`snap_apply`). What a pass leaves
//! open, because its neighbours were moving, the next one does; it looks only around what has changed.

use crate::snap_apply::apply;
use crate::snap_grid::near;
use crate::snap_places::Places;
use crate::snap_plan::plan;
use crate::{Note, Repair};
use model::{GeoPoint, Polygon, Ring};
use std::collections::BTreeMap;

/// A feature's land on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// Its place in the file.
    pub(crate) index: usize,
    pub(crate) polygons: Vec<Polygon>,
    pub(crate) repairs: Vec<Repair>,
}

/// After this many passes the rest is chains of vertices that pull at each other.
const PASSES_MAX: usize = 5;

/// What was joined with one neighbour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Joined {
    pub(crate) vertices: usize,
    pub(crate) max_shift_m: f64,
    pub(crate) area_change_m2: f64,
}

/// Joins the borders of these plots where they are within `snap_m` of each other.
pub(crate) fn snap(plots: &mut [Plot], snap_m: f64) -> Vec<Note> {
    // What something was moved onto, in order; it stays where it is from then on.
    let mut fixed: Vec<GeoPoint> = Vec::new();
    let mut changed: Option<Vec<GeoPoint>> = None;
    let mut joined: Vec<BTreeMap<u32, Joined>> = plots.iter().map(|_| BTreeMap::new()).collect();
    let mut left: BTreeMap<usize, GeoPoint> = BTreeMap::new();
    for _ in 0..PASSES_MAX {
        let places = Places::of(plots);
        let (candidates, crowded) = near(&places, &places.edges(plots), changed.as_deref(), snap_m);
        if let Some((plot, at)) = crowded {
            left.entry(plot as usize).or_insert(at);
        }
        let plan = plan(&candidates, &places, &places.among(&fixed));
        if plan.is_empty() {
            break;
        }
        let mut any = false;
        let numbers = places.by_plot(plots);
        for (number, ((plot, joined), numbers)) in plots.iter_mut().zip(&mut joined).zip(numbers).enumerate() {
            let outcome = apply(plot, numbers, &places, &plan, joined);
            any |= outcome.changed;
            if let Some(at) = outcome.left_at {
                left.entry(number).or_insert(at);
            }
        }
        if !any {
            break;
        }
        fixed.extend(&plan.stays);
        fixed.sort_unstable();
        fixed.dedup();
        changed = Some(plan.stays);
    }
    let index_of: Vec<usize> = plots.iter().map(|plot| plot.index).collect();
    let index_of = |number: usize| index_of.get(number).copied().unwrap_or(number);
    for (plot, joined) in plots.iter_mut().zip(joined) {
        for (with, Joined { vertices, max_shift_m, area_change_m2 }) in joined {
            let with = index_of(with as usize);
            plot.repairs.push(Repair::SliverSnapped { vertices, with, max_shift_m, area_change_m2 });
        }
    }
    left.into_iter().map(|(number, at)| Note::NotSnapped { feature: index_of(number), at }).collect()
}

pub(crate) fn rings(plot: &Plot) -> impl Iterator<Item = &Ring> {
    plot.polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
}

#[cfg(test)]
#[path = "snap_tests.rs"]
mod tests;
