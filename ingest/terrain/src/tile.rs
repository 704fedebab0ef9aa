//! One relief of several tiles.
//!
//! In: tiles, each with its own resolution and its own kind of heights.   Out: [`Terrain`]: where tiles overlap, the finest that has a
//! height there.

use crate::grid::Grid;
use model::Position;
use std::fmt;

/// 256 MB in memory.
const CELLS_MAX: usize = 128_000_000;
const NAME_BYTES_MAX: usize = 64;

/// What heights are measured from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heights {
    /// The mean sea (the geoid), as on maps and in most models. With the geoid's height above the ellipsoid here, if it is known.
    Orthometric {
        /// Metres, negative where the geoid is below the ellipsoid.
        undulation_m: Option<f64>,
    },
    /// The ellipsoid, as satellites measure.
    Ellipsoidal,
}

impl Heights {
    /// What to add for a height above the ellipsoid.
    fn to_ellipsoid_m(self) -> Option<f64> {
        match self {
            Self::Orthometric { undulation_m } => undulation_m,
            Self::Ellipsoidal => Some(0.0),
        }
    }
}

impl fmt::Display for Heights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orthometric { undulation_m: Some(undulation_m) } => {
                write!(f, "orthometric, geoid {undulation_m} m above the ellipsoid")
            }
            Self::Orthometric { undulation_m: None } => f.write_str("orthometric, undulation not stated"),
            Self::Ellipsoidal => f.write_str("ellipsoidal"),
        }
    }
}

/// A name that is no file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name for a tile; use 1 to 64 of a-z, A-Z, 0-9, `-` and `_`")]
pub struct BadName(String);

/// The tiles do not fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("elevation models have {cells} cells together; the limit is {limit}: remove one or make it coarser", limit = CELLS_MAX)]
pub struct TooLarge {
    /// How many.
    pub cells: usize,
}

/// A stretch of land with its heights.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pub(crate) name: String,
    pub(crate) heights: Heights,
    pub(crate) grid: Grid,
}

impl Tile {
    /// Its name is a file's too.
    pub fn new(name: &str, heights: Heights, grid: Grid) -> Result<Self, BadName> {
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !letters {
            return Err(BadName(name.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        Ok(Self { name: name.to_owned(), heights, grid })
    }

    /// As it was imported.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its heights are measured from.
    pub fn heights(&self) -> Heights {
        self.heights
    }

    /// Columns and rows.
    pub fn size(&self) -> (u32, u32) {
        (self.grid.columns, self.grid.rows)
    }

    /// South-western and north-eastern cell, as (latitude, longitude).
    pub fn bounds_deg(&self) -> ((f64, f64), (f64, f64)) {
        ((self.grid.south_deg(), self.grid.west_deg), (self.grid.north_deg, self.grid.east_deg()))
    }

    /// Lowest and highest height, as the model has them.
    pub fn range_m(&self) -> (f64, f64) {
        (self.grid.base_m, self.grid.highest_m())
    }

    /// How many of its cells have a height, 0 to 1.
    pub fn known_share(&self) -> f64 {
        self.grid.known_share()
    }

    /// From row to row on the ground, metres.
    pub fn cell_m(&self) -> f64 {
        const METRES_PER_DEGREE: f64 = 111_195.0;
        self.grid.step_lat_deg * METRES_PER_DEGREE
    }
}

/// The ground at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// Metres above the ellipsoid if [`Ground::ellipsoidal`], else above the mean sea.
    pub height_m: f64,
    /// Whether the height can be held against a satellite receiver's.
    pub ellipsoidal: bool,
    /// How far apart the model's heights are here, metres.
    pub cell_m: f64,
}

/// What is known of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lookup {
    /// Its height.
    Height(Ground),
    /// It lies on a tile, which has no height there.
    Void,
    /// It lies on no tile.
    Outside,
}

/// The relief as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terrain {
    /// The finest first.
    tiles: Vec<Tile>,
    highest_m: f64,
}

impl Terrain {
    /// Of these tiles, in whatever order.
    pub fn new(mut tiles: Vec<Tile>) -> Result<Self, TooLarge> {
        let cells = tiles.iter().map(|tile| tile.grid.decimetres.len()).sum();
        if cells > CELLS_MAX {
            return Err(TooLarge { cells });
        }
        tiles.sort_by(|a, b| a.cell_m().total_cmp(&b.cell_m()).then_with(|| a.name.cmp(&b.name)));
        let highest =
            tiles.iter().map(|tile| tile.grid.highest_m() + tile.heights.to_ellipsoid_m().unwrap_or_default());
        let highest_m = highest.fold(f64::NEG_INFINITY, f64::max);
        Ok(Self { tiles, highest_m })
    }

    /// The finest first.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Whether no relief is known at all.
    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// No ground is higher than this, metres.
    pub(crate) fn highest_m(&self) -> f64 {
        self.highest_m
    }

    /// The ground at a place.
    pub fn ground(&self, position: Position) -> Lookup {
        let (lat_deg, lon_deg) = (position.lat_deg(), position.lon_deg());
        let mut found = Lookup::Outside;
        for tile in self.tiles.iter().filter(|tile| tile.grid.covers(lat_deg, lon_deg)) {
            if let Some(height_m) = tile.grid.height_m(lat_deg, lon_deg) {
                let to_ellipsoid_m = tile.heights.to_ellipsoid_m();
                return Lookup::Height(Ground {
                    height_m: height_m + to_ellipsoid_m.unwrap_or_default(),
                    ellipsoidal: to_ellipsoid_m.is_some(),
                    cell_m: tile.cell_m(),
                });
            }
            found = Lookup::Void;
        }
        found
    }

    /// The ground at a place that has a height.
    pub fn height(&self, position: Position) -> Option<Ground> {
        match self.ground(position) {
            Lookup::Height(ground) => Some(ground),
            Lookup::Void | Lookup::Outside => None,
        }
    }
}
