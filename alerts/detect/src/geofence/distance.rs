//! How far a point is from a border, where that is not far.
//!
//! In: a point, and how far to look.   Out: metres.   Never: a look at cells that are further away.
//!
//! A box of cells around the point is enough: where none of them has edges, which a few words say, no border is within
//! reach. So there is no need for a mark on cells that lie deep in a zone, which would fit one distance only.

use super::crowd::Crowd;
use super::leaf::Leaf;
use super::lookup::Cells;
use super::sets::{Held, SetId};
use super::store::{Kind, Node};
use model::{GeoPoint, Position};

/// A box that is more top cells wide or high than this is not looked at only to find out whether it is empty.
const BOX_SIDE_MAX: i64 = 16;

/// Points from a lower left to an upper right one, both of them in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Box {
    pub(super) low: GeoPoint,
    pub(super) high: GeoPoint,
}

impl Box {
    /// Around a point. `None` where it would reach around the globe.
    pub(super) fn around(point: GeoPoint, scale: Scale, east_m: f64, north_m: f64) -> Option<Self> {
        // One unit more than what is rounded.
        let (x, y) = ((east_m / scale.east_m).ceil() + 1.0, (north_m / scale.north_m).ceil() + 1.0);
        let (lon, lat) = (f64::from(point.lon_e7), f64::from(point.lat_e7));
        let is_on_globe = lon.abs() + x < 1.8e9 && lat.abs() + y < 0.9e9;
        let corner = |x: f64, y: f64| GeoPoint { lon_e7: x as i32, lat_e7: y as i32 };
        is_on_globe.then(|| Self { low: corner(lon - x, lat - y), high: corner(lon + x, lat + y) })
    }
}

/// Metres of one unit, eastward and northward, at the latitude of a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    east_m: f64,
    north_m: f64,
}

impl Scale {
    /// `None` off the globe.
    pub(super) fn at(point: GeoPoint) -> Option<Self> {
        let (_, lat_deg) = point.degrees();
        // The plane that `Position` measures on, which is the same at every longitude.
        let here = Position::parse(lat_deg, 1.0).ok()?;
        let there = Position::parse(lat_deg - 1_f64.copysign(lat_deg), 2.0).ok()?;
        let (east_m, north_m) = here.offset_to(there);
        Some(Self { east_m: east_m / 1e7, north_m: north_m.abs() / 1e7 })
    }

    /// The square of the distance from a point to the nearest point of an edge.
    fn square_m2(self, point: GeoPoint, a: GeoPoint, b: GeoPoint) -> f64 {
        let away = |end: GeoPoint| {
            let x = f64::from(end.lon_e7) - f64::from(point.lon_e7);
            (x * self.east_m, (f64::from(end.lat_e7) - f64::from(point.lat_e7)) * self.north_m)
        };
        let ((ax, ay), (bx, by)) = (away(a), away(b));
        let (dx, dy) = (bx - ax, by - ay);
        let along = (-(ax * dx + ay * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        let (x, y) = (ax + along * dx, ay + along * dy);
        x * x + y * y
    }
}

impl Cells<'_> {
    /// The set of all points of a box, where they have the same and no border runs through their cells.
    pub(super) fn only_set(&self, around: Box) -> Option<SetId> {
        let Box { low, high } = around;
        let side = |low: i32, high: i32| (i64::from(high) - i64::from(low)) >> self.frame.shift;
        if side(low.lon_e7, high.lon_e7).max(side(low.lat_e7, high.lat_e7)) > BOX_SIDE_MAX {
            return None;
        }
        let mut only = None;
        let found =
            self.each_node(around, &mut |node| node.is_set() && *only.get_or_insert(node.payload()) == node.payload());
        only.filter(|_| found).map(SetId)
    }

    /// Metres from a point to the nearest edge that borders on a zone, or on any.
    pub(super) fn border_m(&self, sets: &Held, zone: Option<u32>, point: GeoPoint, band_m: f64) -> Option<f64> {
        let scale = Scale::at(point)?;
        let around = Box::around(point, scale, band_m, band_m)?;
        let mut nearest_m2 = f64::INFINITY;
        let holds = |set: SetId| zone.is_some_and(|zone| sets.of(set).binary_search(&zone).is_ok());
        let mut meet = |a, b, is_border: bool| {
            if zone.is_none() || is_border {
                nearest_m2 = nearest_m2.min(scale.square_m2(point, a, b));
            }
        };
        self.each_node(around, &mut |node| {
            match node.kind() {
                Kind::Leaf(at) => {
                    if let Some(leaf) = Leaf::read(self.store.from(at)) {
                        leaf.each_edge().for_each(|(a, b, set)| meet(a, b, holds(set) != holds(leaf.base())));
                    }
                }
                Kind::Crowd(at) => {
                    if let Some(crowd) = Crowd::read(self.store.from(at)) {
                        crowd.each_edge().for_each(|(a, b, set)| meet(a, b, holds(set)));
                    }
                }
                Kind::Set(_) | Kind::Block(_) => {}
            }
            true
        });
        let nearest_m = nearest_m2.sqrt();
        (nearest_m <= band_m).then_some(nearest_m)
    }

    /// Hands out what lies in the cells that a box touches, as long as more is wanted. False when it was not. All that lies
    /// outside of the frame is one empty set.
    fn each_node(&self, around: Box, wants_more: &mut dyn FnMut(Node) -> bool) -> bool {
        let Box { low, high } = around;
        let frame = self.frame;
        let is_within = frame.offset(low).is_some() && frame.offset(high).is_some();
        if !is_within && !wants_more(Node::OUTSIDE) {
            return false;
        }
        let is_apart = low.lon_e7 > frame.east() || low.lat_e7 > frame.north();
        if frame.columns == 0 || is_apart || high.lon_e7 < frame.west || high.lat_e7 < frame.south {
            return true;
        }
        let columns = frame.column(low.lon_e7.into())..=frame.column(high.lon_e7.into());
        let rows = frame.row(low.lat_e7.into())..=frame.row(high.lat_e7.into());
        for row in rows {
            for column in columns.clone() {
                let node = self.top.get((row * frame.columns + column) as usize).copied().unwrap_or(0);
                let cell = frame.cell(column, row);
                if !self.each_below(Node(node), (cell.west, cell.south), cell.shift, around, wants_more) {
                    return false;
                }
            }
        }
        true
    }

    fn each_below(
        &self,
        node: Node,
        (west, south): (i32, i32),
        shift: u32,
        around: Box,
        wants_more: &mut dyn FnMut(Node) -> bool,
    ) -> bool {
        let Kind::Block(block) = node.kind() else { return wants_more(node) };
        let shift = shift.saturating_sub(2);
        let range = |low: i32, high: i32, start: i32| {
            let place = |value: i32| ((i64::from(value) - i64::from(start)) >> shift).clamp(0, 3) as u32;
            place(low)..=place(high)
        };
        for row in range(around.low.lat_e7, around.high.lat_e7, south) {
            for column in range(around.low.lon_e7, around.high.lon_e7, west) {
                let corner = (west.wrapping_add_unsigned(column << shift), south.wrapping_add_unsigned(row << shift));
                let child = self.store.child(block, row << 2 | column);
                if !self.each_below(child, corner, shift, around, wants_more) {
                    return false;
                }
            }
        }
        true
    }
}
