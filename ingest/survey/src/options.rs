//! How a surveyor's file is to be read.
//!
//! In: what the caller knows and the file does not say.   Out: [`ReadOptions`].   Never: a bound that is absent.

use crate::{Crs, Datum, Encoding, Mapping};

/// What the caller knows about a file; the default takes everything from the file.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// The coordinate system, instead of the file's own.
    pub crs: Option<Crs>,
    /// What degrees mean, instead of what the file says. Nothing for projected coordinates, which state their own.
    pub datum: Option<Datum>,
    /// The encoding of a shapefile's text, instead of what the file says.
    pub encoding: Option<Encoding>,
    /// What the surveyor's attributes are called here.
    pub mapping: Mapping,
    /// Borders of two features that lie this near to each other were meant to be one; 0 leaves them. At most 100.
    pub snap_m: f64,
    /// A repair that changes more than this share of a feature's area is a matter for the surveyor.
    pub area_change_max: f64,
    /// How much is read.
    pub limits: Limits,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            crs: None,
            datum: None,
            encoding: None,
            mapping: Mapping::default(),
            snap_m: 0.5,
            area_change_max: 0.01,
            limits: Limits::default(),
        }
    }
}

/// What one file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of all files together, unpacked.
    pub bytes: usize,
    /// Rows.
    pub features: usize,
    /// Vertices, before and after some are added.
    pub vertices: usize,
    /// Characters of one attribute; what is longer is cut.
    pub attribute_chars: usize,
    /// Attributes of one feature.
    pub attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 256 << 20, features: 10_000, vertices: 5_000_000, attribute_chars: 4_096, attributes: 255 }
    }
}
