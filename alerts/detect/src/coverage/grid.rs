//! Land as points: a lattice over the globe, and which of its points lie in which zones.
//!
//! In: zones and the index over them.   Out: [`Grid`]: cells of 4 x 4 points by row and column, each with the zones that hold them.
//! Never: more cells than it is told; huge land gets coarser ones. A cell's key says where it is whatever the zones are, so that
//! what is known of it survives a new border.

use crate::geofence::{Geofence, SetId};
use model::{GeoPoint, Polygon, Position, TownshipCode, Zone};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Points to a cell.
pub const POINTS: usize = 16;
/// Along a side.
const SIDE: i64 = 4;
const METRES_PER_DEGREE: f64 = 111_195.0;
/// Near the poles columns would become endless.
const COS_MIN: f64 = 0.01;
/// Cells that are looked at for each that may be kept: land of many scattered pieces is laid out coarser.
const LOOKED_AT_PER_CELL: usize = 20;
/// How much coarser each try is.
const COARSER: f64 = 1.25;

/// Squares of one size over the globe, in rows along the parallels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    cell_m: f64,
}

/// A point of the lattice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its cell.
    pub key: i64,
    /// Which of the cell's points, 0 to 15.
    pub bit: u8,
}

/// Rows are counted from the south pole and columns from the antimeridian, so none is negative and keys sort by both.
fn key(row: i32, column: i32) -> i64 {
    (i64::from(row) << 32) | i64::from(column)
}

fn row_column(key: i64) -> (i32, i32) {
    ((key >> 32) as i32, (key & 0x7fff_ffff) as i32)
}

impl Lattice {
    /// With cells of this side, metres.
    pub fn new(cell_m: f64) -> Self {
        Self { cell_m: cell_m.max(1.0) }
    }

    /// Side of a cell, metres.
    pub fn cell_m(self) -> f64 {
        self.cell_m
    }

    fn row_deg(self) -> f64 {
        self.cell_m / METRES_PER_DEGREE
    }

    fn column_deg(self, row: i32) -> f64 {
        let middle_deg = (f64::from(row) + 0.5) * self.row_deg() - 90.0;
        self.row_deg() / middle_deg.to_radians().cos().max(COS_MIN)
    }

    fn row_of(self, lat_deg: f64) -> i32 {
        ((lat_deg + 90.0) / self.row_deg()).floor().max(0.0) as i32
    }

    fn column_of(self, row: i32, lon_deg: f64) -> i32 {
        ((lon_deg + 180.0) / self.column_deg(row)).floor().max(0.0) as i32
    }

    /// The point whose surroundings hold a position.
    pub fn at(self, position: Position) -> Place {
        let row = self.row_of(position.lat_deg());
        let (up, right) =
            ((position.lat_deg() + 90.0) / self.row_deg(), (position.lon_deg() + 180.0) / self.column_deg(row));
        let part = |of: f64| (((of - of.floor()) * SIDE as f64) as u8).min(3);
        Place { key: key(row, right.floor() as i32), bit: part(up) * 4 + part(right) }
    }

    /// Where a point is, degrees (latitude, longitude).
    fn degrees(self, place: Place) -> (f64, f64) {
        let (row, column) = row_column(place.key);
        let part = |of: u8| (f64::from(of) + 0.5) / SIDE as f64;
        let (up, right) = (f64::from(row) + part(place.bit / 4), f64::from(column) + part(place.bit % 4));
        (up * self.row_deg() - 90.0, right * self.column_deg(row) - 180.0)
    }

    /// Where a point is; `None` beyond the edge of the globe.
    pub fn position(self, place: Place) -> Option<Position> {
        let (lat_deg, lon_deg) = self.degrees(place);
        Position::parse(lat_deg, lon_deg).ok()
    }

    /// South, west, north and east of a cell, degrees.
    pub fn bounds_deg(self, key: i64) -> [f64; 4] {
        let (row, column) = row_column(key);
        let (up, right) = (self.row_deg(), self.column_deg(row));
        let (south, west) = (f64::from(row) * up - 90.0, f64::from(column) * right - 180.0);
        [south, west, south + up, west + right]
    }
}

/// The part of a cell that lies in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its place in the list of zones.
    pub(crate) zone: u32,
    /// Which points.
    pub(crate) mask: u16,
}

/// The cells of all zones.
#[derive(Debug, Clone)]
pub struct Grid {
    lattice: Lattice,
    /// Sorted, so by row and then by column.
    keys: Vec<i64>,
    /// Where each cell's parts begin, and where the last one's end.
    starts: Vec<u32>,
    parts: Vec<Part>,
    /// How many points lie in each zone.
    zone_points: Vec<u32>,
    /// How many lie in each township: in any of its zones.
    townships: BTreeMap<TownshipCode, u32>,
}

impl Grid {
    /// Of zones and the index whose numbers they have, with cells as small as `cells_max` allows.
    pub fn build(fence: &Geofence, zones: &[Arc<Zone>], cell_m: f64, cells_max: usize) -> Self {
        let mut lattice = Lattice::new(cell_m);
        loop {
            if let Some(grid) = Self::try_build(fence, zones, lattice, cells_max.max(1)) {
                return grid;
            }
            lattice = Lattice::new(lattice.cell_m * COARSER);
        }
    }

    fn try_build(fence: &Geofence, zones: &[Arc<Zone>], lattice: Lattice, cells_max: usize) -> Option<Self> {
        let stretches = stretches(zones, lattice, cells_max.saturating_mul(LOOKED_AT_PER_CELL))?;
        let mut grid = Self {
            lattice,
            keys: Vec::new(),
            starts: vec![0],
            parts: Vec::new(),
            zone_points: vec![0; zones.len()],
            townships: BTreeMap::new(),
        };
        let mut sets = [SetId::EMPTY; POINTS];
        for (row, columns) in stretches {
            for column in columns {
                let key = key(row, column);
                let point = |bit: usize| {
                    let (lat_deg, lon_deg) = lattice.degrees(Place { key, bit: bit as u8 });
                    GeoPoint { lon_e7: (lon_deg * 1e7).round() as i32, lat_e7: (lat_deg * 1e7).round() as i32 }
                };
                fence.sets_at(&std::array::from_fn::<_, POINTS, _>(point), &mut sets);
                grid.add(key, &sets, fence, zones);
                if grid.parts.len() > cells_max {
                    return None;
                }
            }
        }
        grid.add_small(zones);
        Some(grid)
    }

    fn add(&mut self, key: i64, sets: &[SetId; POINTS], fence: &Geofence, zones: &[Arc<Zone>]) {
        let mut masks: BTreeMap<u32, u16> = BTreeMap::new();
        for (bit, set) in sets.iter().enumerate() {
            for zone in fence.zones_of(*set) {
                *masks.entry(*zone).or_default() |= 1 << bit;
            }
        }
        if masks.is_empty() {
            return;
        }
        let mut townships: BTreeMap<&TownshipCode, u16> = BTreeMap::new();
        for (zone, mask) in masks {
            self.parts.push(Part { zone, mask });
            if let Some(points) = self.zone_points.get_mut(zone as usize) {
                *points += mask.count_ones();
            }
            if let Some(township) = zones.get(zone as usize).and_then(|zone| zone.township.as_ref()) {
                *townships.entry(township).or_default() |= mask;
            }
        }
        for (township, mask) in townships {
            *self.townships.entry(township.clone()).or_default() += mask.count_ones();
        }
        self.keys.push(key);
        self.starts.push(u32::try_from(self.parts.len()).unwrap_or(u32::MAX));
    }

    /// A zone that falls between all points has the one next to its first corner: it is watched or it is not.
    fn add_small(&mut self, zones: &[Arc<Zone>]) {
        let mut missing: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
        for (number, zone) in zones.iter().enumerate() {
            if self.zone_points.get(number) != Some(&0) {
                continue;
            }
            let corner = zone.polygons.first().and_then(|polygon| polygon.exterior.first());
            let Some((lon, lat)) = corner.map(|corner| corner.degrees()) else { continue };
            let Ok(position) = Position::parse(lat, lon) else { continue };
            let place = self.lattice.at(position);
            let part = Part { zone: number as u32, mask: 1 << place.bit };
            missing.entry(place.key).or_default().push(part);
            if let Some(points) = self.zone_points.get_mut(number) {
                *points = 1;
            }
            if let Some(township) = &zone.township {
                self.townships.entry(township.clone()).or_insert(1);
            }
        }
        if missing.is_empty() {
            return;
        }
        let known: Vec<(i64, Vec<Part>)> = self.cells().map(|(key, parts)| (key, parts.to_vec())).collect();
        for (key, parts) in known {
            let all = missing.entry(key).or_default();
            all.extend(parts);
            all.sort_by_key(|part| part.zone);
        }
        (self.keys, self.starts, self.parts) = (Vec::new(), vec![0], Vec::new());
        for (key, parts) in missing {
            self.keys.push(key);
            self.parts.extend(parts);
            self.starts.push(u32::try_from(self.parts.len()).unwrap_or(u32::MAX));
        }
    }

    /// The squares it is laid out in.
    pub fn lattice(&self) -> Lattice {
        self.lattice
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no land.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this cell holds land of a zone.
    pub fn holds(&self, key: i64) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    /// How many points lie in a zone.
    pub(crate) fn zone_points(&self, zone: usize) -> u32 {
        self.zone_points.get(zone).copied().unwrap_or(0)
    }

    /// The townships with the number of their points.
    pub(crate) fn townships(&self) -> &BTreeMap<TownshipCode, u32> {
        &self.townships
    }

    /// All cells with their parts.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (i64, &[Part])> {
        self.keys.iter().enumerate().map(|(at, key)| (*key, self.parts_at(at)))
    }

    /// The parts of a cell.
    pub(crate) fn parts(&self, key: i64) -> &[Part] {
        self.keys.binary_search(&key).map_or(&[], |at| self.parts_at(at))
    }

    fn parts_at(&self, at: usize) -> &[Part] {
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range.and_then(|(from, to)| self.parts.get(*from as usize..*to as usize)).unwrap_or_default()
    }

    /// Every point within a distance of a place that lies in some zone, and the cells around it.
    pub(crate) fn near(&self, from: Position, reach_m: f64, mut visit: impl FnMut(Place, Position)) {
        let reach_deg = reach_m / METRES_PER_DEGREE * 1.01;
        let rows = self.lattice.row_of(from.lat_deg() - reach_deg)..=self.lattice.row_of(from.lat_deg() + reach_deg);
        for row in rows {
            let wide_deg = reach_deg * self.lattice.column_deg(row) / self.lattice.row_deg();
            let column = |lon_deg| self.lattice.column_of(row, lon_deg);
            let (first, last) = (column(from.lon_deg() - wide_deg), column(from.lon_deg() + wide_deg));
            let begin = self.keys.partition_point(|known| *known < key(row, first));
            let row_keys = self.keys.get(begin..).unwrap_or_default();
            for known in row_keys.iter().take_while(|known| **known <= key(row, last)) {
                for bit in 0..POINTS as u8 {
                    let place = Place { key: *known, bit };
                    if let Some(position) = self.lattice.position(place) {
                        visit(place, position);
                    }
                }
            }
        }
    }
}

/// Per row the columns that some piece of land may reach; `None` if those are more cells than this.
fn stretches(zones: &[Arc<Zone>], lattice: Lattice, most: usize) -> Option<Vec<(i32, Range<i32>)>> {
    let mut rows: BTreeMap<i32, Vec<Range<i32>>> = BTreeMap::new();
    let mut count = 0_usize;
    for polygon in zones.iter().flat_map(|zone| &zone.polygons) {
        let Some([south, west, north, east]) = bounds(polygon) else { continue };
        for row in lattice.row_of(south)..=lattice.row_of(north) {
            let columns = lattice.column_of(row, west)..lattice.column_of(row, east).saturating_add(1);
            count = count.saturating_add(columns.len());
            rows.entry(row).or_default().push(columns);
            // Overlapping boxes are counted again; ten times as many is land that is laid out coarser anyway.
            if count > most.saturating_mul(10) {
                return None;
            }
        }
    }
    let mut merged: Vec<(i32, Range<i32>)> = Vec::new();
    for (row, mut columns) in rows {
        columns.sort_by_key(|stretch| (stretch.start, stretch.end));
        for stretch in columns {
            match merged.last_mut() {
                Some((last, known)) if *last == row && stretch.start <= known.end => {
                    known.end = known.end.max(stretch.end);
                }
                _ => merged.push((row, stretch)),
            }
        }
    }
    let total: usize = merged.iter().map(|(_, columns)| columns.len()).sum();
    (total <= most).then_some(merged)
}

/// South, west, north and east, degrees.
fn bounds(polygon: &Polygon) -> Option<[f64; 4]> {
    let first = polygon.exterior.first()?.degrees();
    let start = [first.1, first.0, first.1, first.0];
    Some(polygon.exterior.iter().fold(start, |[south, west, north, east], point| {
        let (lon, lat) = point.degrees();
        [south.min(lat), west.min(lon), north.max(lat), east.max(lon)]
    }))
}
