//! The square top cells that a map is laid out in.
//!
//! In: how far the edges reach and how many they are.   Out: [`Frame`], from points to cells.

use super::BuildError;
use model::GeoPoint;

/// About this many top cells for each edge: most cells then hold none or a few.
const CELLS_PER_EDGE: u64 = 1;
/// A small map gets this many, since most of its points then need one look (4 bytes each) ...
const CELLS_MIN: u64 = 1 << 18;
/// ... and a large one never more than this: they should stay in a cache that others use, too.
const CELLS_MAX: u64 = 1 << 20;
/// Coordinates within a frame differ by no more than this, so that products of two differences, and what two such
/// products differ by, are exact in 64 bits.
const WIDTH_MAX: u32 = i32::MAX.cast_unsigned() - 2;

/// Where the top cells lie. A frame is larger than the data by at least one unit on each side, so that its border is
/// outside of every zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Lower left corner of the first cell.
    pub(super) west: i32,
    pub(super) south: i32,
    /// From the first to the last column of points, and of rows.
    pub(super) width: u32,
    pub(super) height: u32,
    /// A cell is 2^shift units wide and high.
    pub(super) shift: u32,
    pub(super) columns: u32,
    pub(super) rows: u32,
}

/// A square of 2^shift units; the lower and left borders belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) west: i32,
    pub(super) south: i32,
    pub(super) shift: u32,
}

impl Cell {
    pub(super) fn holds(self, point: GeoPoint) -> bool {
        let (x, y) = (point.lon_e7.wrapping_sub(self.west), point.lat_e7.wrapping_sub(self.south));
        point.lon_e7 >= self.west
            && point.lat_e7 >= self.south
            && (x.cast_unsigned() >> self.shift, y.cast_unsigned() >> self.shift) == (0, 0)
    }
}

impl Frame {
    /// No cells at all: every point lies outside.
    pub(super) const NONE: Self = Self { west: 0, south: 0, width: 0, height: 0, shift: 0, columns: 0, rows: 0 };

    pub(super) fn over(low: GeoPoint, high: GeoPoint, edges: usize) -> Result<Self, BuildError> {
        let width = i64::from(high.lon_e7) - i64::from(low.lon_e7);
        let height = i64::from(high.lat_e7) - i64::from(low.lat_e7);
        // A margin of one unit on either side must still fit.
        let room = |low: i32, high: i32| low > i32::MIN && high < i32::MAX;
        let fits = width.max(height) <= i64::from(WIDTH_MAX) - 2;
        if !fits || !room(low.lon_e7, high.lon_e7) || !room(low.lat_e7, high.lat_e7) {
            let span_deg = u32::try_from(width.max(height) / 10_000_000).unwrap_or(u32::MAX);
            return Err(BuildError::TooWide { span_deg });
        }
        let (width, height) = ((width + 2).unsigned_abs(), (height + 2).unsigned_abs());
        let wanted = (edges as u64).saturating_mul(CELLS_PER_EDGE).clamp(CELLS_MIN, CELLS_MAX);
        let mut shift = 0;
        while ((width >> shift) + 1) * ((height >> shift) + 1) > wanted {
            shift += 1;
        }
        let (west, width) = stretched(low.lon_e7, width, shift);
        let (south, height) = stretched(low.lat_e7, height, shift);
        Ok(Self { west, south, width, height, shift, columns: (width >> shift) + 1, rows: (height >> shift) + 1 })
    }

    /// The cells from one to another, as a frame of their own.
    pub(super) fn part(&self, (first_column, first_row): (u32, u32), (last_column, last_row): (u32, u32)) -> Self {
        let first = self.cell(first_column, first_row);
        let (columns, rows) = (last_column - first_column + 1, last_row - first_row + 1);
        let side = |count: u32| (u64::from(count) << self.shift).min(u64::from(WIDTH_MAX)) as u32;
        let (width, height) = (side(columns), side(rows));
        Self { west: first.west, south: first.south, width, height, columns, rows, ..*self }
    }

    pub(super) fn cells(&self) -> usize {
        self.columns as usize * self.rows as usize
    }

    /// The last column and row of points.
    pub(super) fn east(&self) -> i32 {
        self.west.wrapping_add_unsigned(self.width)
    }

    pub(super) fn north(&self) -> i32 {
        self.south.wrapping_add_unsigned(self.height)
    }

    /// How far the point lies from the lower left corner; `None` outside.
    #[inline(always)]
    pub(super) fn offset(&self, point: GeoPoint) -> Option<(u32, u32)> {
        let x = point.lon_e7.wrapping_sub(self.west).cast_unsigned();
        let y = point.lat_e7.wrapping_sub(self.south).cast_unsigned();
        (x <= self.width && y <= self.height && self.columns > 0).then_some((x, y))
    }

    /// Whether a border may run there: not along the frame's own.
    pub(super) fn takes(&self, point: GeoPoint) -> bool {
        self.offset(point).is_some_and(|(x, y)| x > 0 && y > 0 && x < self.width && y < self.height)
    }

    /// The column of cells of a longitude, the nearest one where it lies outside.
    pub(super) fn column(&self, lon_e7: i64) -> u32 {
        Self::place(lon_e7 - i64::from(self.west), self.shift, self.columns)
    }

    pub(super) fn row(&self, lat_e7: i64) -> u32 {
        Self::place(lat_e7 - i64::from(self.south), self.shift, self.rows)
    }

    fn place(offset: i64, shift: u32, count: u32) -> u32 {
        u32::try_from(offset.max(0) >> shift).unwrap_or(u32::MAX).min(count.saturating_sub(1))
    }

    pub(super) fn cell(&self, column: u32, row: u32) -> Cell {
        let west = self.west.wrapping_add_unsigned(column << self.shift);
        Cell { west, south: self.south.wrapping_add_unsigned(row << self.shift), shift: self.shift }
    }

    /// The first column of points beyond the cell, and beyond the frame where the cell reaches further than that.
    pub(super) fn beyond_east(&self, cell: Cell) -> i32 {
        Self::beyond(cell.west, cell.shift, self.east())
    }

    pub(super) fn beyond_north(&self, cell: Cell) -> i32 {
        Self::beyond(cell.south, cell.shift, self.north())
    }

    fn beyond(start: i32, shift: u32, last: i32) -> i32 {
        let end = i64::from(start) + (1_i64 << shift);
        i32::try_from(end.min(i64::from(last) + 1)).unwrap_or(last)
    }
}

/// Start and width of whole cells over an extent, with the spare room on both sides, as far as the arithmetic allows: a
/// zone that grows a little then still fits.
fn stretched(low: i32, width: u64, shift: u32) -> (i32, u32) {
    let whole = ((((width >> shift) + 1) << shift) - 1).min(u64::from(WIDTH_MAX));
    let start = (i64::from(low) - 1 - i64::try_from((whole - width) / 2).unwrap_or(0)).max(i64::from(i32::MIN));
    let whole = i64::try_from(whole).unwrap_or(0).min(i64::from(i32::MAX) - 1 - start);
    (i32::try_from(start).unwrap_or(low), u32::try_from(whole).unwrap_or(0))
}
