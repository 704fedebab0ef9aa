//! Makes a tile of an elevation model.
//!
//! In: the bytes of a file and what its heights are measured from.   Out: a [`Tile`] in WGS84 degrees, or why not.
//! A model in Gauss-Krüger or UTM metres is drawn anew on a grid of degrees with cells as large; one in degrees stays as it is.

use crate::grid::{BadGrid, Grid, check_size};
use crate::raw::Raw;
use crate::tile::{BadName, Heights, Tile};
use crate::{ascii, geotiff};
use survey::{Crs, CrsError, Datum};

/// A larger file is cut into tiles first.
pub const FILE_BYTES_MAX: usize = 1 << 30;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// How a file is to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// What its heights are measured from; no format says it reliably.
    pub heights: Heights,
    /// What its places mean, if the file does not say so.
    pub crs: Option<Crs>,
}

/// Why a file is no elevation model that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Convert it.
    #[error("file is neither a GeoTIFF nor an ESRI ASCII grid; convert it to one of them")]
    Format,
    /// Cut it.
    #[error("file has {bytes} bytes; the limit is {limit}: cut it into tiles", limit = FILE_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Export it again.
    #[error("{format} cannot be read: {found}")]
    Damaged {
        /// What it looks like.
        format: &'static str,
        /// What is wrong.
        found: String,
    },
    /// State it.
    #[error("file does not say which coordinate system it is in, and {x}, {y} are no degrees; state its EPSG code")]
    CrsNeeded {
        /// Its corner.
        x: f64,
        /// Its corner.
        y: f64,
    },
    /// Use another.
    #[error(transparent)]
    Crs(#[from] CrsError),
    /// Use one of the earth, not of a map that was shifted.
    #[error("elevation model is in {0}, which is not read here; transform it to EPSG:4490")]
    Shifted(String),
    /// It lies off the zone of its projection.
    #[error("elevation model lies off its coordinate system {0}; state the right one")]
    OffZone(String),
    /// Heights or size.
    #[error(transparent)]
    Grid(#[from] BadGrid),
    /// Choose another.
    #[error(transparent)]
    Name(#[from] BadName),
}

/// Reads a file.
pub fn import(name: &str, bytes: &[u8], options: &ImportOptions) -> Result<Tile, ImportError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ImportError::TooLarge { bytes: bytes.len() });
    }
    let raw = if geotiff::is_tiff(bytes) { geotiff::read(bytes)? } else { ascii::read(bytes)? };
    let grid = match crs_of(&raw, options)? {
        Crs::Geographic(Datum::Wgs84 | Datum::Cgcs2000) => {
            Grid::new(raw.corner, raw.step, (raw.columns, raw.rows), &raw.heights_m)?
        }
        Crs::Projected(projection) => drawn_anew(&raw, &Crs::Projected(projection))?,
        other => return Err(ImportError::Shifted(other.to_string())),
    };
    Ok(Tile::new(name, options.heights, grid)?)
}

fn crs_of(raw: &Raw, options: &ImportOptions) -> Result<Crs, ImportError> {
    let (x, y) = raw.corner;
    let degrees = x.abs() <= 180.0 && y.abs() <= 90.0 && raw.step.0 < 1.0;
    let stated = options.crs.clone().or_else(|| raw.crs.clone());
    stated.or(degrees.then_some(Crs::Geographic(Datum::Wgs84))).ok_or(ImportError::CrsNeeded { x, y })
}

/// A grid of degrees over the same land, each height bilinear between the four around it.
fn drawn_anew(raw: &Raw, crs: &Crs) -> Result<Grid, ImportError> {
    let off_zone = || ImportError::OffZone(crs.to_string());
    let (step_x, step_y) = raw.step;
    if !(step_x > 0.0 && step_y > 0.0) {
        return Err(off_zone());
    }
    let at = |column: u32, row: u32| {
        let (x, y) = (raw.corner.0 + step_x * f64::from(column), raw.corner.1 - step_y * f64::from(row));
        crs.to_wgs84([x, y]).ok_or_else(off_zone)
    };
    let (last_column, last_row) = (raw.columns - 1, raw.rows - 1);
    let sides = (0..=last_column).flat_map(|column| [(column, 0), (column, last_row)]);
    let sides = sides.chain((0..=last_row).flat_map(|row| [(0, row), (last_column, row)]));
    let (mut west, mut east, mut south, mut north) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
    for (column, row) in sides {
        let (lon, lat) = at(column, row)?;
        (west, east) = (west.min(lon), east.max(lon));
        (south, north) = (south.min(lat), north.max(lat));
    }
    let step_lat = step_y / METRES_PER_DEGREE;
    let step_lon = step_x / (METRES_PER_DEGREE * f64::midpoint(south, north).to_radians().cos());
    let count = |span: f64, step: f64| ((span / step).ceil() + 1.0).min(f64::from(u32::MAX)) as u32;
    let (columns, rows) = (count(east - west, step_lon), count(north - south, step_lat));
    let cells = check_size(columns, rows)?;
    let mut heights_m = Vec::with_capacity(usize::try_from(cells).unwrap_or_default());
    for row in 0..rows {
        for column in 0..columns {
            let (lon, lat) = (west + step_lon * f64::from(column), north - step_lat * f64::from(row));
            let place = crs.of_wgs84((lon, lat)).ok_or_else(off_zone)?;
            heights_m.push(raw.height_m((place[0] - raw.corner.0) / step_x, (raw.corner.1 - place[1]) / step_y));
        }
    }
    Ok(Grid::new((west, north), (step_lon, step_lat), (columns, rows), &heights_m)?)
}

impl Raw {
    /// Bilinear at a place counted in columns and rows; up to half a cell outside the middles of the outermost cells.
    fn height_m(&self, x: f64, y: f64) -> f32 {
        let (last_x, last_y) = (f64::from(self.columns - 1), f64::from(self.rows - 1));
        if !((-0.5..=last_x + 0.5).contains(&x) && (-0.5..=last_y + 0.5).contains(&y)) {
            return f32::NAN;
        }
        let (x, y) = (x.clamp(0.0, last_x), y.clamp(0.0, last_y));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = ((x - column as f64) as f32, (y - row as f64) as f32);
        let corner = |column: usize, row: usize, weight: f32| {
            let height = || self.heights_m.get(row * self.columns as usize + column).copied().unwrap_or(f32::NAN);
            if weight == 0.0 { 0.0 } else { height() * weight }
        };
        corner(column, row, (1.0 - right) * (1.0 - below))
            + corner(column + 1, row, right * (1.0 - below))
            + corner(column, row + 1, (1.0 - right) * below)
            + corner(column + 1, row + 1, right * below)
    }
}
