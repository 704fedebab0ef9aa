//! Heights on a grid of degrees.
//!
//! In: rows of heights from north to south.   Out: the height at a place, between the four that surround it.
//! Two bytes a height: decimetres above the lowest of the grid, which is finer than any model is right.

/// More than this is a country; half a second of arc over a banner is less. 128 MB in memory.
const CELLS_MAX: u64 = 64_000_000;
/// From below the Dead Sea to above any mountain.
const HEIGHT_RANGE_M: (f64, f64) = (-500.0, 9_000.0);
/// Stands for no height.
const VOID: u16 = u16::MAX;
const DECIMETRES_PER_METRE: f64 = 10.0;

/// Why numbers are no grid of heights.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadGrid {
    /// Cut it into tiles, or make it coarser.
    #[error("elevation model has {columns} x {rows} cells; the limit is {limit}: cut it into tiles or make it coarser", limit = CELLS_MAX)]
    TooLarge {
        /// Cells in a row.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// One cell says nothing of relief.
    #[error("elevation model has {columns} x {rows} cells; it takes at least 2 x 2")]
    TooSmall {
        /// Cells in a row.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// The file's placement is damaged, or in another unit.
    #[error(
        "elevation model lies at {west_deg}, {north_deg} with steps of {step_lon_deg} and {step_lat_deg} degrees, which is not on \
         the map; state its coordinate system"
    )]
    OffTheMap {
        /// Middle of the first cell, longitude.
        west_deg: f64,
        /// Likewise, latitude.
        north_deg: f64,
        /// From cell to cell.
        step_lon_deg: f64,
        /// From row to row.
        step_lat_deg: f64,
    },
    /// Feet, or no elevation model.
    #[error("elevation model has a height of {height_m} m, which no land has; its unit has to be metres")]
    NotHeights {
        /// The first that cannot be.
        height_m: f64,
    },
    /// Nothing but voids.
    #[error("elevation model has no height at all, only cells without data")]
    Empty,
    /// The count of heights is another.
    #[error("elevation model has {found} heights where {expected} belong")]
    Count {
        /// Heights given.
        found: usize,
        /// Columns times rows.
        expected: u64,
    },
}

/// Heights at the middles of cells. North up, longitude and latitude in WGS84 degrees.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    pub(crate) west_deg: f64,
    pub(crate) north_deg: f64,
    pub(crate) step_lon_deg: f64,
    pub(crate) step_lat_deg: f64,
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) base_m: f64,
    /// Row by row from the north; decimetres above `base_m`, or [`VOID`].
    pub(crate) decimetres: Vec<u16>,
}

/// Whether a count of cells is one that is kept.
pub(crate) fn check_size(columns: u32, rows: u32) -> Result<u64, BadGrid> {
    let cells = u64::from(columns) * u64::from(rows);
    if columns < 2 || rows < 2 {
        return Err(BadGrid::TooSmall { columns, rows });
    }
    if cells > CELLS_MAX { Err(BadGrid::TooLarge { columns, rows }) } else { Ok(cells) }
}

impl Grid {
    /// The middle of the north-western cell as (longitude, latitude), the steps to the next column and row, how many of each, and the
    /// heights row by row from the north; what is not finite is void.
    pub fn new(
        (west_deg, north_deg): (f64, f64),
        (step_lon_deg, step_lat_deg): (f64, f64),
        (columns, rows): (u32, u32),
        heights_m: &[f32],
    ) -> Result<Self, BadGrid> {
        let expected = check_size(columns, rows)?;
        if heights_m.len() as u64 != expected {
            return Err(BadGrid::Count { found: heights_m.len(), expected });
        }
        let known = || heights_m.iter().map(|height| f64::from(*height)).filter(|height| height.is_finite());
        let (lowest, highest) = HEIGHT_RANGE_M;
        if let Some(height_m) = known().find(|height| !(lowest..=highest).contains(height)) {
            return Err(BadGrid::NotHeights { height_m });
        }
        let base_m = known().fold(f64::INFINITY, f64::min).floor();
        if !base_m.is_finite() {
            return Err(BadGrid::Empty);
        }
        let above = |height: f64| ((height - base_m) * DECIMETRES_PER_METRE).round();
        let decimetres = heights_m.iter().map(|height| match f64::from(*height) {
            // More than 6.5 km of relief in one tile exists nowhere; the highest peaks would be cut.
            height if height.is_finite() => above(height).min(f64::from(VOID - 1)) as u16,
            _ => VOID,
        });
        let grid = Self {
            west_deg,
            north_deg,
            step_lon_deg,
            step_lat_deg,
            columns,
            rows,
            base_m,
            decimetres: decimetres.collect(),
        };
        grid.checked()
    }

    /// Whether it lies on the map.
    pub(crate) fn checked(self) -> Result<Self, BadGrid> {
        let Self { west_deg, north_deg, step_lon_deg, step_lat_deg, columns, rows, .. } = self;
        let expected = check_size(columns, rows)?;
        if self.decimetres.len() as u64 != expected {
            return Err(BadGrid::Count { found: self.decimetres.len(), expected });
        }
        let (east_deg, south_deg) = (self.east_deg(), self.south_deg());
        let steps = (1e-7..=1.0).contains(&step_lon_deg) && (1e-7..=1.0).contains(&step_lat_deg);
        let on_map = west_deg >= -180.0 && east_deg <= 180.0 && south_deg >= -85.0 && north_deg <= 85.0;
        // Not-a-number is neither.
        if steps && on_map && self.base_m.is_finite() {
            Ok(self)
        } else {
            Err(BadGrid::OffTheMap { west_deg, north_deg, step_lon_deg, step_lat_deg })
        }
    }

    pub(crate) fn east_deg(&self) -> f64 {
        self.west_deg + self.step_lon_deg * f64::from(self.columns.saturating_sub(1))
    }

    pub(crate) fn south_deg(&self) -> f64 {
        self.north_deg - self.step_lat_deg * f64::from(self.rows.saturating_sub(1))
    }

    /// Whether a place lies on it: up to the outer edges of its cells.
    pub(crate) fn covers(&self, lat_deg: f64, lon_deg: f64) -> bool {
        let (half_lon, half_lat) = (self.step_lon_deg / 2.0, self.step_lat_deg / 2.0);
        (self.west_deg - half_lon..=self.east_deg() + half_lon).contains(&lon_deg)
            && (self.south_deg() - half_lat..=self.north_deg + half_lat).contains(&lat_deg)
    }

    fn cell(&self, row: u32, column: u32) -> Option<f64> {
        let place = u64::from(row) * u64::from(self.columns) + u64::from(column);
        let found = self.decimetres.get(usize::try_from(place).ok()?).copied().filter(|found| *found != VOID)?;
        Some(self.base_m + f64::from(found) / DECIMETRES_PER_METRE)
    }

    /// The height at a place on it, bilinear between the four around; none beside a void.
    pub(crate) fn height_m(&self, lat_deg: f64, lon_deg: f64) -> Option<f64> {
        let within = |at: f64, count: u32| at.clamp(0.0, f64::from(count.saturating_sub(1)));
        let x = within((lon_deg - self.west_deg) / self.step_lon_deg, self.columns);
        let y = within((self.north_deg - lat_deg) / self.step_lat_deg, self.rows);
        let (column, row) = (x as u32, y as u32);
        let (right, below) = (x - f64::from(column), y - f64::from(row));
        let corner = |row: u32, column: u32, weight: f64| {
            // At the last row and column there is no next one, and it has no weight.
            if weight == 0.0 { Some(0.0) } else { self.cell(row, column).map(|height| height * weight) }
        };
        Some(
            corner(row, column, (1.0 - right) * (1.0 - below))?
                + corner(row, column + 1, right * (1.0 - below))?
                + corner(row + 1, column, (1.0 - right) * below)?
                + corner(row + 1, column + 1, right * below)?,
        )
    }

    pub(crate) fn highest_m(&self) -> f64 {
        let highest = self.decimetres.iter().copied().filter(|found| *found != VOID).max().unwrap_or(0);
        self.base_m + f64::from(highest) / DECIMETRES_PER_METRE
    }

    /// How many of its cells have a height, 0 to 1.
    pub(crate) fn known_share(&self) -> f64 {
        let known = self.decimetres.iter().filter(|found| **found != VOID).count();
        known as f64 / self.decimetres.len().max(1) as f64
    }
}
