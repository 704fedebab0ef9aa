//! The next version of an index, in which one zone is another.
//!
//! In: an index, and a zone's new polygons.   Out: an index that shares with the first whatever did not change.   Never: a
//! change of the first, which its readers go on with.
//!
//! Only cells within the bounds of the old and the new zone can change. Where neither has a border, the zone is taken out
//! of the cell's set or put into it. Where one has, the cell's other edges are read out of its leaves, the new ones are put
//! to them, and the cell is built anew, behind what is there. What it was before stays where it is, for the readers of the
//! first and as waste in the second, until as much lies waste as a fresh index takes; the next version is then built as a whole.

use super::buckets::Buckets;
use super::build::Builder;
use super::crowd::Crowd;
use super::edge::Edge;
use super::frame::Cell;
use super::leaf::Leaf;
use super::lookup::Cells;
use super::sets::{SetId, Sets};
use super::store::{Kind, Node, Writer};
use super::{BuildError, Extent, Geofence, Limits, collect};
use model::{GeoPoint, Polygon};
use std::sync::Arc;

/// Top cells suit as many edges as there were when they were laid out, and some times more.
const GROWTH_MAX: usize = 4;
/// So much may lie waste in an index, however small it is.
const WASTE_WORDS_MIN: usize = 1 << 18;

impl Geofence {
    /// The same with other polygons for one zone; none at all to take it away, and the number [`Geofence::zones`] to add one.
    /// Takes milliseconds, and shares all that does not change. Where the zone reaches beyond the land that the index was
    /// laid out for, or much has changed since, it takes as long as a build.
    pub fn with_zone(&self, number: u32, polygons: &[Polygon]) -> Result<Self, BuildError> {
        let zones = self.zones.max(number as usize + 1);
        if zones > Limits::USUAL.zones {
            return Err(BuildError::TooManyZones { limit: Limits::USUAL.zones });
        }
        let mut sets = Sets::resume(&self.sets);
        let zone = sets.id(&[number]);
        let mut edges = Vec::new();
        collect(number, polygons, &mut sets, &mut edges);
        let mut extents = self.extents.to_vec();
        extents.resize(zones, Extent::NONE);
        let new = Extent::of(&edges);
        let old = extents.get_mut(number as usize).map_or(Extent::NONE, |extent| std::mem::replace(extent, new));
        let total: usize = extents.iter().map(|extent| extent.edges).sum();
        let is_laid_out = new.bounds.is_none_or(|(low, high)| self.frame.takes(low) && self.frame.takes(high));
        let is_wasted = self.store.words() > self.fresh_words * 2 + WASTE_WORDS_MIN;
        let suits = total <= self.laid_out_for.saturating_mul(GROWTH_MAX);
        if total > Limits::USUAL.edges || !is_laid_out || is_wasted || !suits {
            return self.rebuilt(sets, zone, edges, extents);
        }
        let Some((low, high)) = old.joined(new) else {
            return Ok(Self { zones, extents: extents.into(), ..self.clone() });
        };
        let first = (self.frame.column(i64::from(low.lon_e7) - 1), self.frame.row(i64::from(low.lat_e7) - 1));
        let last = (self.frame.column(i64::from(high.lon_e7)), self.frame.row(i64::from(high.lat_e7)));
        let buckets = Buckets::fill(&self.frame.part(first, last), &edges).ok_or(BuildError::TooDense)?;
        let held = (0..self.sets.len()).map(|id| SetId(u32::try_from(id).unwrap_or(u32::MAX)));
        let held = held.map(|id| self.sets.of(id).binary_search(&number).is_ok()).collect();
        let builder = Builder::new(self.frame, sets, Writer::resume(&self.store));
        let mut change =
            Change { old: self.cells(), zone, held, builder, list: Vec::new(), leaves: Vec::new(), met: Vec::new() };
        let top = change.rows(first, last, &buckets, &edges)?;
        let (store, sets) = (change.builder.writer.finish(), Arc::new(change.builder.sets.finish()));
        Ok(Self { top, store, sets, zones, extents: extents.into(), ..self.clone() })
    }

    /// The same as a whole, from the edges that the index holds.
    fn rebuilt(
        &self,
        mut sets: Sets,
        zone: SetId,
        mut edges: Vec<Edge>,
        extents: Vec<Extent>,
    ) -> Result<Self, BuildError> {
        let mut leaves = Vec::new();
        for (place, node) in (0_u32..).zip(self.top.iter()) {
            let cell = self.frame.cell(place % self.frame.columns, place / self.frame.columns);
            list_leaves(&self.cells(), Node(*node), cell, &mut leaves);
        }
        for (cell, node) in leaves {
            // The cell in which an edge begins stands for all that it touches.
            each_edge(&self.cells(), node, |low, high, toggles, base| {
                if let Some(edge) = Edge::between(low, high, SetId::EMPTY).filter(|edge| cell.holds(edge.low)) {
                    let toggles = without(&mut sets, zone, toggles, base);
                    edges.extend((toggles != SetId::EMPTY).then_some(Edge { toggles, ..edge }));
                }
            });
        }
        // What sets were only in use before is forgotten.
        let mut fresh = Sets::new();
        for edge in &mut edges {
            edge.toggles = fresh.id(sets.of(edge.toggles));
        }
        Self::of_edges(Limits::USUAL, &edges, fresh, extents)
    }
}

/// What becomes of the cells.
struct Change<'a> {
    old: Cells<'a>,
    /// The set of the zone alone.
    zone: SetId,
    /// Whether the zone is in a set of the old index.
    held: Vec<bool>,
    builder: Builder,
    list: Vec<Edge>,
    leaves: Vec<(Cell, Node)>,
    /// Which of the listed edges were found in the leaves.
    met: Vec<bool>,
}

impl Change<'_> {
    fn rows(
        &mut self,
        first: (u32, u32),
        last: (u32, u32),
        buckets: &Buckets,
        edges: &[Edge],
    ) -> Result<Arc<[u32]>, BuildError> {
        let frame = self.builder.frame;
        let mut top: Arc<[u32]> = self.old.top.into();
        let nodes = Arc::get_mut(&mut top).unwrap_or_default();
        let mut bucket = 0;
        for row in first.1..=last.1 {
            // Whether the new zone holds the cell's corner. Its border lies further to the east, to begin with.
            let mut is_in = false;
            for column in first.0..=last.0 {
                let Some(node) = nodes.get_mut((row * frame.columns + column) as usize) else { continue };
                let numbers = buckets.of(bucket);
                bucket += 1;
                if numbers.is_empty() && Node(*node).is_set() {
                    *node = self.filled(Node(*node), is_in).0;
                    continue;
                }
                let cell = frame.cell(column, row);
                self.list.clear();
                self.list.extend(numbers.iter().filter_map(|number| edges.get(*number as usize)));
                let east = frame.beyond_east(cell);
                let parted = self.list.iter().filter(|edge| edge.parts_level(cell.west, east, cell.south)).count();
                *node = self.cell(cell, Node(*node), is_in).0;
                is_in ^= parted % 2 == 1;
            }
            self.builder.check()?;
        }
        Ok(top)
    }

    /// A cell without edges.
    fn filled(&mut self, node: Node, is_in: bool) -> Node {
        let set = SetId(node.payload());
        if self.holds(set) == is_in { node } else { Node::new(Kind::Set(self.builder.sets.xor(set, self.zone).0)) }
    }

    /// A cell with edges now, or before, or both; those that the new zone has there are listed.
    fn cell(&mut self, cell: Cell, node: Node, is_in: bool) -> Node {
        self.leaves.clear();
        list_leaves(&self.old, node, cell, &mut self.leaves);
        let corner = GeoPoint { lon_e7: cell.west, lat_e7: cell.south };
        let mut before = self.old.set_at(corner);
        let mut list = std::mem::take(&mut self.list);
        self.builder.join(&mut list);
        if self.holds(before) == is_in && self.has_borders(&mut list) {
            self.list = list;
            return node;
        }
        let own = list.len();
        // One border after the other toggles the same.
        let mut last = (SetId::EMPTY, SetId::EMPTY, SetId::EMPTY);
        for (_, node) in &self.leaves {
            let (sets, zone) = (&mut self.builder.sets, self.zone);
            each_edge(&self.old, *node, |low, high, toggled, base| {
                if (last.0, last.1) != (toggled, base) {
                    last = (toggled, base, without(sets, zone, toggled, base));
                }
                let toggles = last.2;
                list.extend(Edge::between(low, high, toggles).filter(|_| toggles != SetId::EMPTY));
            });
        }
        let mut others = list.split_off(own);
        self.builder.joiner.unique(&mut others);
        list.append(&mut others);
        self.builder.join(&mut list);
        if self.holds(before) != is_in {
            before = self.builder.sets.xor(before, self.zone);
        }
        let node = self.builder.node(cell, &list, before);
        self.list = list;
        node
    }

    fn holds(&self, set: SetId) -> bool {
        self.held.get(set.0 as usize).copied().unwrap_or(false)
    }

    /// Whether the borders that the zone has in the leaves are the ones listed.
    fn has_borders(&mut self, list: &mut Vec<Edge>) -> bool {
        let joiner = &mut self.builder.joiner;
        joiner.unique(list);
        self.met.clear();
        self.met.resize(list.len(), false);
        let mut are_all_listed = true;
        let holds = |set: SetId| self.held.get(set.0 as usize).copied().unwrap_or(false);
        for (_, node) in &self.leaves {
            each_edge(&self.old, *node, |a, b, toggled, base| {
                let edge = Edge::between(a, b, self.zone).filter(|_| are_all_listed && holds(toggled) != holds(base));
                if let Some(edge) = edge {
                    let place = joiner.place(&edge, list).and_then(|place| self.met.get_mut(place));
                    are_all_listed &= place.map(|met| *met = true).is_some();
                }
            });
            if !are_all_listed {
                return false;
            }
        }
        self.met.iter().all(|met| *met)
    }
}

/// The leaves and crowds below a node, and their cells.
fn list_leaves(cells: &Cells, node: Node, cell: Cell, into: &mut Vec<(Cell, Node)>) {
    match node.kind() {
        Kind::Set(_) => {}
        Kind::Leaf(_) | Kind::Crowd(_) => into.push((cell, node)),
        Kind::Block(block) => {
            let shift = cell.shift.saturating_sub(2);
            for place in 0..16 {
                let (column, row) = (place & 3, place >> 2);
                // Parts beyond the frame hold nothing, so it does not matter where they are.
                let west = cell.west.wrapping_add_unsigned(column << shift);
                let south = cell.south.wrapping_add_unsigned(row << shift);
                list_leaves(cells, cells.store.child(block, place), Cell { west, south, shift }, into);
            }
        }
    }
}

/// Hands out the edges of a leaf or crowd: both ends, and two sets that differ by what the edge toggles.
fn each_edge(cells: &Cells, node: Node, mut found: impl FnMut(GeoPoint, GeoPoint, SetId, SetId)) {
    match node.kind() {
        Kind::Leaf(at) => {
            if let Some(leaf) = Leaf::read(cells.store.from(at)) {
                leaf.each_edge().for_each(|(a, b, toggled)| found(a, b, toggled, leaf.base()));
            }
        }
        Kind::Crowd(at) => {
            if let Some(crowd) = Crowd::read(cells.store.from(at)) {
                crowd.each_edge().for_each(|(a, b, toggles)| found(a, b, toggles, SetId::EMPTY));
            }
        }
        Kind::Set(_) | Kind::Block(_) => {}
    }
}

/// By what two sets differ, but for one zone.
fn without(sets: &mut Sets, zone: SetId, a: SetId, b: SetId) -> SetId {
    let toggles = sets.xor(a, b);
    let number = sets.of(zone).first();
    if number.is_some_and(|number| sets.of(toggles).binary_search(number).is_ok()) {
        return sets.xor(toggles, zone);
    }
    toggles
}
