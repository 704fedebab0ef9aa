//! Surveyors' files: what they hold as checked land in WGS84, and the land we hold as files.
//!
//! In:  the bytes of a shapefile, GeoJSON, KML or GeoPackage, and how they are to be read.   Out: [`Survey`]: for each feature
//! its attributes and its [`Land`] in whole 1e-7 degrees, with every [`Repair`] and how much area it changed; or why it has
//! none.   Next: `registry` makes zones of it.   Back: [`write_geojson`], [`write_shapefile()`], [`write_kml`].
//!
//! ```text
//! source.rs    files -> Parts       which format, its members, unpacked within bounds
//! shapefile.rs geojson.rs kml.rs geopackage.rs    Parts -> Raw    rings in the survey's own coordinates
//! mapping.rs   attributes -> ours   BSM -> id, 禁牧区 -> no-grazing
//! densify.rs   rings -> Ring        straight in the survey stays straight here, to a centimetre
//! repair.rs    rings -> Polygons    simple on the whole-number grid (resolve.rs mends), or a reason
//! snap.rs      Polygons -> Polygons borders that were meant to be one are one
//! ```
//!
//! Pure: no network, no clock, no disk (GeoPackage's SQLite works in memory). Never: half a file; a panic, whatever the bytes;
//! a geometry that was changed in silence; a guess of the datum without a note.

mod attributes;
mod crs;
mod datum;
mod dbf;
mod densify;
mod difference;
mod encoding;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod geojson;
mod geopackage;
mod kml;
mod land;
mod mapping;
mod options;
mod raw;
mod read;
mod repair;
mod resolve;
pub mod ring;
mod shapefile;
mod snap;
mod snap_apply;
mod snap_grid;
mod snap_places;
mod snap_plan;
mod source;
mod transverse_mercator;
mod wkb;
mod wkt;
mod write;
mod write_shapefile;

pub use crs::{Crs, CrsError, Projection};
pub use datum::Datum;
pub use difference::{AreaDifference, difference};
pub use encoding::Encoding;
pub use error::{LandFault, MappingError, ReadError, WriteError};
pub use land::{Feature, Land, Note, Repair, Survey};
pub use mapping::Mapping;
pub use options::{Limits, ReadOptions};
pub use read::read;
pub use source::{Format, Source};
pub use write::{Export, push_geometry, write_geojson, write_kml};
pub use write_shapefile::{write_shapefile, write_shapefile_files};

#[cfg(test)]
mod peer_tests;
#[cfg(test)]
mod real_tests;
