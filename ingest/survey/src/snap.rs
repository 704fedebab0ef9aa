//! Makes borders that were meant to be one the same, vertex by vertex.
//!
//! In: the mended features of one file, and how near is near.   Out: the same with vertices moved onto their neighbours'
//! borders, each with its report.   Next: out of the crate.
//! Never: a ring that crosses itself by it; a result that depends on the order of the features.
//!
//! A pass finds, for every vertex, the nearest vertex and edge of another feature; then it moves vertices together, nearest
//! pairs first, and the rest onto edges, which take the vertex in. What something was moved onto stays where it is from then
//! on: later an edge bends to it instead. Places decide, not features, so a vertex that three share moves for all three.
//! What a pass leaves open, because its neighbours were moving, the next one does.

use crate::snap_apply::apply;
use crate::snap_grid::{Edge, Near, near};
use crate::{Note, Repair};
use model::{GeoPoint, Polygon, Ring};
use std::collections::{BTreeMap, HashMap, HashSet};

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

/// An edge by its two ends, the smaller first.
pub(crate) type EdgeKey = (GeoPoint, GeoPoint);

/// What one pass does; `usize`s are plots.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Where a vertex goes, and whose border is there.
    pub(crate) moves: HashMap<GeoPoint, (GeoPoint, usize)>,
    /// What an edge takes in, from its smaller end on, and whose it is.
    pub(crate) inserts: HashMap<EdgeKey, Vec<(GeoPoint, usize)>>,
}

/// What was joined with one neighbour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Joined {
    pub(crate) vertices: usize,
    pub(crate) max_shift_m: f64,
    pub(crate) area_change_m2: f64,
}

/// Joins the borders of these plots where they are within `snap_m` of each other.
pub(crate) fn snap(plots: &mut [Plot], snap_m: f64) -> Vec<Note> {
    let mut fixed: HashSet<GeoPoint> = HashSet::new();
    let mut joined: Vec<BTreeMap<usize, Joined>> = plots.iter().map(|_| BTreeMap::new()).collect();
    let mut left: BTreeMap<usize, GeoPoint> = BTreeMap::new();
    for _ in 0..PASSES_MAX {
        let vertices = vertices(plots);
        let candidates = near(&edges(plots), &vertices, snap_m);
        let plan = plan(candidates, &vertices, &mut fixed);
        if plan.moves.is_empty() && plan.inserts.is_empty() {
            break;
        }
        let mut changed = false;
        for (number, (plot, joined)) in plots.iter_mut().zip(&mut joined).enumerate() {
            let outcome = apply(plot, &plan, joined);
            changed |= outcome.changed;
            if let Some(at) = outcome.left_at {
                left.entry(number).or_insert(at);
            }
        }
        if !changed {
            break;
        }
    }
    let index_of: Vec<usize> = plots.iter().map(|plot| plot.index).collect();
    for (plot, joined) in plots.iter_mut().zip(joined) {
        for (with, Joined { vertices, max_shift_m, area_change_m2 }) in joined {
            let with = index_of.get(with).copied().unwrap_or(with);
            plot.repairs.push(Repair::SliverSnapped { vertices, with, max_shift_m, area_change_m2 });
        }
    }
    let note = |(number, at)| Some(Note::NotSnapped { feature: *index_of.get(number)?, at });
    left.into_iter().filter_map(note).collect()
}

pub(crate) fn rings(plot: &Plot) -> impl Iterator<Item = &Ring> {
    plot.polygons.iter().flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes))
}

/// Every vertex with its plots, sorted by place and plot.
fn vertices(plots: &[Plot]) -> Vec<(GeoPoint, u32)> {
    let mut vertices: Vec<(GeoPoint, u32)> = Vec::new();
    // A file has at most some thousand features.
    for (number, plot) in (0u32..).zip(plots) {
        vertices.extend(rings(plot).flatten().map(|point| (*point, number)));
    }
    vertices.sort_unstable();
    vertices.dedup();
    vertices
}

fn edges(plots: &[Plot]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (number, plot) in (0u32..).zip(plots) {
        for ring in rings(plot) {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                edges.push(Edge { from: *a.min(b), to: *a.max(b), plot: number });
            }
        }
    }
    edges
}

/// The plots that have a vertex here.
pub(crate) fn owners(vertices: &[(GeoPoint, u32)], point: GeoPoint) -> &[(GeoPoint, u32)] {
    let from = vertices.partition_point(|(at, _)| *at < point);
    let rest = vertices.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|(at, _)| *at == point)).unwrap_or_default()
}

/// Settles who moves. Nearest first, then by place.
fn plan(near: Vec<Near>, vertices: &[(GeoPoint, u32)], fixed: &mut HashSet<GeoPoint>) -> Plan {
    let mut plan = Plan::default();
    let mut still: HashSet<GeoPoint> = HashSet::new();
    let mut gathered: HashMap<GeoPoint, Vec<u32>> = HashMap::new();
    let (mut pairs, mut onto): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for near in near {
        match near {
            Near::Vertex { point, other, metres } => pairs.push((metres, point.min(other), point.max(other))),
            Near::Edge { point, edge, foot, metres } => onto.push((metres, point, edge, foot)),
        }
    }
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    pairs.dedup();
    for (_, a, b) in pairs {
        if plan.moves.contains_key(&a) || plan.moves.contains_key(&b) {
            continue;
        }
        let stays = |point: &GeoPoint| still.contains(point) || fixed.contains(point);
        let weight = |point: GeoPoint| (stays(&point), owners(vertices, point).len());
        // What others share already stays; of two equals the one further west.
        let (anchor, moved) = if weight(b) > weight(a) { (b, a) } else { (a, b) };
        if stays(&moved) {
            continue;
        }
        let mut plots = gathered.remove(&anchor).unwrap_or_else(|| plots_of(vertices, anchor));
        let new = plots_of(vertices, moved);
        // A plot's own vertices are never put together.
        if new.iter().all(|plot| !plots.contains(plot)) {
            let with = plots_of(vertices, anchor).first().map_or(0, |plot| *plot as usize);
            plan.moves.insert(moved, (anchor, with));
            still.insert(anchor);
            plots.extend(new);
        }
        gathered.insert(anchor, plots);
    }
    onto.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2.from, a.2.to).cmp(&(b.1, b.2.from, b.2.to))));
    for (_, point, edge, foot) in onto {
        if [point, edge.from, edge.to].iter().any(|point| plan.moves.contains_key(point)) {
            continue;
        }
        let stays = still.contains(&point) || fixed.contains(&point);
        let target = if stays { point } else { foot };
        if target == edge.from || target == edge.to {
            continue;
        }
        if target != point {
            plan.moves.insert(point, (target, edge.plot as usize));
        }
        still.extend([edge.from, edge.to, target]);
        let owner = plots_of(vertices, point).first().map_or(0, |plot| *plot as usize);
        plan.inserts.entry((edge.from, edge.to)).or_default().push((target, owner));
    }
    for ((from, _), points) in &mut plan.inserts {
        points.sort_unstable_by_key(|(point, plot)| (squared(*from, *point), *point, *plot));
        points.dedup_by_key(|(point, _)| *point);
    }
    fixed.extend(still);
    plan
}

fn plots_of(vertices: &[(GeoPoint, u32)], point: GeoPoint) -> Vec<u32> {
    owners(vertices, point).iter().map(|(_, plot)| *plot).collect()
}

fn squared(a: GeoPoint, b: GeoPoint) -> i128 {
    let square = |a: i32, b: i32| (i128::from(a) - i128::from(b)).pow(2);
    square(a.lon_e7, b.lon_e7) + square(a.lat_e7, b.lat_e7)
}

#[cfg(test)]
#[path = "snap_tests.rs"]
mod tests;
