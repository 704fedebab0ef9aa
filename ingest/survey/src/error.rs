//! Why a file is not read, a feature has no land, or land is not written: one variant for each remedy.
//!
//! Never: an error that does not name the file, and the place in it where there is one.

use crate::CrsError;

/// Why nothing of a file was read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// Split the file.
    #[error("{file} holds more than {limit} {what}; split the file")]
    TooLarge {
        /// Which file.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
    /// Choose a file in one of the four formats.
    #[error("{file} is no format that is read; use .zip or .shp with .dbf and .prj, .geojson, .kml, .kmz or .gpkg")]
    Format {
        /// Which file.
        file: String,
    },
    /// Add the file that belongs to it.
    #[error("{file} needs its {member}; send it along, or all of them in one .zip")]
    MemberMissing {
        /// Which file.
        file: String,
        /// The extension that is missing.
        member: &'static str,
    },
    /// Send one layer at a time.
    #[error("{file} holds several layers: {layers}; export one of them")]
    SeveralLayers {
        /// Which file.
        file: String,
        /// Their names.
        layers: String,
    },
    /// Export the file anew.
    #[error("{file} is broken at {place}: {message}; export it again")]
    Broken {
        /// Which file.
        file: String,
        /// Where in it.
        place: String,
        /// What was found.
        message: String,
    },
    /// State the coordinate system, or transform the file.
    #[error("{file}: {error}")]
    Crs {
        /// Which file.
        file: String,
        /// What is wrong with it.
        error: CrsError,
    },
    /// Give the mapping other names.
    #[error("mapping takes `{key}` from `{field}`, which no feature has; it can be one of: {fields}")]
    MappingField {
        /// Ours.
        key: String,
        /// The surveyor's, as the mapping has it.
        field: String,
        /// What the file has.
        fields: String,
    },
    /// Give a distance between 0 and 100 m, a share between 0 and 1.
    #[error("{what} is {found}; use {want}")]
    Option {
        /// Which option.
        what: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        want: &'static str,
    },
}

/// Why a feature has no land; the surveyor corrects it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LandFault {
    /// A row without a geometry.
    #[error("geometry is empty; draw the land or delete the row")]
    Empty,
    /// A point, a line, a surface in space.
    #[error("geometry is {found}; use Polygon or MultiPolygon")]
    GeometryType {
        /// What was there.
        found: String,
    },
    /// Not rings of positions.
    #[error("coordinates are not rings of positions ({found}); write the geometry anew")]
    Shape {
        /// What was there.
        found: String,
    },
    /// Off the globe, or longitude and latitude swapped, or metres where degrees are meant.
    #[error("coordinate {x}, {y} is not on the globe; use degrees, longitude first, or state the coordinate system")]
    OffGlobe {
        /// First number.
        x: f64,
        /// Second number.
        y: f64,
    },
    /// Metres of another zone than the coordinate system has.
    #[error("coordinate {x}, {y} lies outside of {crs}; state the coordinate system in which the file was made")]
    OffZone {
        /// Easting.
        x: f64,
        /// Northing.
        y: f64,
        /// The coordinate system.
        crs: String,
    },
    /// Nothing is left after what has no area is taken away.
    #[error("no ring encloses land; at least 3 distinct vertices are needed")]
    NoLand,
    /// The repair would decide something that only the surveyor knows.
    #[error(
        "border crosses itself or its parts overlap at lon {lon_deg:.7}, lat {lat_deg:.7}, and mending it changes the area by \
         {area_change_m2:+.0} m² of {area_m2:.0} m²; correct it there"
    )]
    RepairTooLarge {
        /// Degrees east of the first such place.
        lon_deg: f64,
        /// Degrees north.
        lat_deg: f64,
        /// By how much the area would change.
        area_change_m2: f64,
        /// The area before.
        area_m2: f64,
    },
    /// The repair does not come to rest, or the feature spans half the globe.
    #[error("border crosses itself at lon {lon_deg:.7}, lat {lat_deg:.7} and could not be mended; correct it there")]
    Unmendable {
        /// Degrees east.
        lon_deg: f64,
        /// Degrees north.
        lat_deg: f64,
    },
}

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Correct the text.
    #[error("mapping is not TOML as it should be: {message}")]
    Text {
        /// Where and why.
        message: String,
    },
    /// Use a word that there is.
    #[error("mapping turns `{from}` into {key} `{found}`; use one of: {known}")]
    Word {
        /// Which attribute.
        key: &'static str,
        /// The surveyor's word.
        from: String,
        /// The word it should become.
        found: String,
        /// The words that there are.
        known: String,
    },
}

/// Why land is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Choose another format, or shorten it.
    #[error(
        "feature {feature}: attribute `{name}` has {bytes} bytes; a shapefile holds 254, use GeoJSON or shorten it"
    )]
    AttributeTooLong {
        /// Which feature.
        feature: usize,
        /// Which attribute.
        name: String,
        /// How long it is.
        bytes: usize,
    },
    /// Choose another format.
    #[error("{what} are more than a shapefile holds; use GeoJSON")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// An archive could not be made; a fault of ours.
    #[error("the files could not be packed: {message}")]
    Pack {
        /// Why.
        message: String,
    },
}
