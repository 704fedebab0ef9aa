//! Numbers the places of all vertices, so that a pass of snapping looks things up by number.
//!
//! In: plots.   Out: [`Places`]: each place once, in order, with the plots that have it.   Never: a hash.

use crate::snap::{Plot, rings};
use crate::snap_grid::Edge;
use model::GeoPoint;

#[derive(Debug, Default)]
pub(crate) struct Places {
    /// In order, so that the smaller number is the smaller place.
    points: Vec<GeoPoint>,
    /// Where each place's plots begin among all, and at the end how many there are.
    starts: Vec<u32>,
    owners: Vec<u32>,
    /// For each vertex, in the order of plots and rings, its place.
    numbers: Vec<u32>,
}

impl Places {
    /// Far fewer than 2^32 vertices are let in.
    pub(crate) fn of(plots: &[Plot]) -> Self {
        let mut vertices: Vec<(GeoPoint, u32, u32)> = Vec::new();
        for (plot, number) in plots.iter().zip(0u32..) {
            let first = vertices.len() as u32;
            vertices.extend(rings(plot).flatten().zip(first..).map(|(point, vertex)| (*point, number, vertex)));
        }
        vertices.sort_unstable();
        let mut places = Self { numbers: vec![0; vertices.len()], ..Self::default() };
        let mut before = None;
        for (point, plot, vertex) in vertices {
            let owner = (point, plot);
            if places.points.last() != Some(&point) {
                places.points.push(point);
                places.starts.push(places.owners.len() as u32);
            }
            if before != Some(owner) {
                places.owners.push(plot);
                before = Some(owner);
            }
            if let Some(number) = places.numbers.get_mut(vertex as usize) {
                *number = places.points.len() as u32 - 1;
            }
        }
        places.starts.push(places.owners.len() as u32);
        places
    }

    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    pub(crate) fn point(&self, number: u32) -> GeoPoint {
        // Every number comes from here.
        self.points.get(number as usize).copied().unwrap_or(GeoPoint { lon_e7: 0, lat_e7: 0 })
    }

    pub(crate) fn points(&self) -> &[GeoPoint] {
        &self.points
    }

    /// The plots that have a vertex here, in order.
    pub(crate) fn owners(&self, number: u32) -> &[u32] {
        let at = |number: usize| self.starts.get(number).map_or(0, |start| *start as usize);
        self.owners.get(at(number as usize)..at(number as usize + 1)).unwrap_or_default()
    }

    /// The places of each plot's vertices.
    pub(crate) fn by_plot(&self, plots: &[Plot]) -> Vec<&[u32]> {
        let mut rest = self.numbers.as_slice();
        let mut take = |plot: &Plot| {
            let (here, after) = rest.split_at_checked(rings(plot).map(Vec::len).sum()).unwrap_or_default();
            rest = after;
            here
        };
        plots.iter().map(&mut take).collect()
    }

    pub(crate) fn edges(&self, plots: &[Plot]) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(self.numbers.len());
        for ((plot, mut rest), number) in plots.iter().zip(self.by_plot(plots)).zip(0u32..) {
            for ring in rings(plot) {
                let (here, after) = rest.split_at_checked(ring.len()).unwrap_or_default();
                rest = after;
                let sides = here.iter().zip(here.iter().cycle().skip(1));
                edges.extend(sides.map(|(a, b)| Edge { from: *a.min(b), to: *a.max(b), plot: number }));
            }
        }
        edges
    }

    /// For each place whether it is among these, which are in order.
    pub(crate) fn among(&self, sorted: &[GeoPoint]) -> Vec<bool> {
        let mut rest = sorted.iter().peekable();
        let mut found = |point: &GeoPoint| {
            while rest.next_if(|other| *other < point).is_some() {}
            rest.peek() == Some(&point)
        };
        self.points.iter().map(&mut found).collect()
    }
}
