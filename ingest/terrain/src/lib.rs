//! The relief of the land.
//!
//! In:  the bytes of an elevation model (GeoTIFF, ESRI ASCII grid), once, by an operator.   Out: [`Terrain`]: how high the ground
//! is at a place, and where a sight line meets it first ([`Terrain::first_ground`]).   Next: `detect::place`.
//!
//! ```text
//! geotiff.rs ascii.rs   bytes -> Raw      heights on the grid of the file, in its own coordinate system
//! import.rs             Raw -> Tile       in WGS84 degrees, checked
//! stored.rs             Tile <-> bytes    as it is kept in the data folder
//! tile.rs               tiles -> Terrain  one relief of several tiles
//! march.rs              sight line -> Hit where the ground is seen
//! ```
//!
//! Heights above the sea and above the ellipsoid differ by tens of metres in places, so a tile says which its are ([`Heights`]).
//!
//! Pure: no disk, no network, no clock. Never: a height where the model has none; a panic, whatever the bytes.

#[cfg(feature = "files")]
mod ascii;
mod frame;
#[cfg(all(feature = "files", any(test, feature = "fuzzing")))]
pub mod fuzzing;
#[cfg(feature = "files")]
mod geotiff;
mod grid;
#[cfg(feature = "files")]
mod import;
mod march;
#[cfg(feature = "files")]
mod raw;
#[cfg(feature = "files")]
mod stored;
mod tile;

pub use grid::{BadGrid, Grid};
#[cfg(feature = "files")]
pub use import::{FILE_BYTES_MAX, ImportError, ImportOptions, import};
pub use march::{Hit, Miss, SightLine};
#[cfg(feature = "files")]
pub use stored::{StoredError, read_stored, write_stored};
pub use tile::{BadName, Ground, Heights, Lookup, Terrain, Tile, TooLarge};

#[cfg(test)]
#[cfg(feature = "files")]
mod import_tests;
#[cfg(test)]
mod march_tests;
