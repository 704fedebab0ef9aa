//! What reading a surveyor's file gives.
//!
//! In: what the stages found.   Out: [`Survey`], for people (every note and repair has words) and for programs.
//! Never: a repair that changes area and does not say by how much.

use crate::{Format, LandFault};
use model::{GeoPoint, Polygon};
use std::collections::BTreeMap;
use std::fmt;

/// A whole file, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// What kind of file it was.
    pub format: Format,
    /// The coordinate system as found or assumed, in words.
    pub crs: String,
    /// How the text was encoded, in words.
    pub encoding: String,
    /// In the file's order.
    pub features: Vec<Feature>,
    /// What the person who chose the file should know about all of it.
    pub notes: Vec<Note>,
}

/// One row of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its place in the file, from 0.
    pub index: usize,
    /// As text, after the mapping: `id`, `name`, `kind`, `township`, `land_class` are ours, the others as in the file.
    pub attributes: BTreeMap<String, String>,
    /// Its land, or what the surveyor has to correct.
    pub land: Result<Land, LandFault>,
}

/// Polygons whose borders cross neither themselves nor each other, on whole 1e-7 degrees of WGS84; exteriors run
/// counter-clockwise, holes clockwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Land {
    /// The pieces.
    pub polygons: Vec<Polygon>,
    /// Area on the ellipsoid.
    pub area_m2: f64,
    /// What was changed to make it so, in the order in which it was done.
    pub repairs: Vec<Repair>,
}

/// Something to know about the whole file.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// The file says nothing about its coordinates.
    CrsAssumed {
        /// What was taken.
        crs: String,
    },
    /// The caller's coordinate system was taken instead of the file's.
    CrsOverridden {
        /// What the file says.
        file: String,
        /// What was taken.
        taken: String,
    },
    /// The file says nothing about its text; it was found by looking.
    EncodingDetected {
        /// What was taken.
        encoding: String,
    },
    /// Some bytes are no text in that encoding and were replaced.
    TextReplaced {
        /// How many attributes have such bytes.
        attributes: usize,
    },
    /// Two borders lie near each other and could not be joined without one of them crossing itself, or so many that none is
    /// the nearest.
    NotSnapped {
        /// Whose border was left as it was.
        feature: usize,
        /// Where.
        at: GeoPoint,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrsAssumed { crs } => write!(f, "the file states no coordinate system; {crs} was assumed"),
            Self::CrsOverridden { file, taken } => write!(f, "the file says: {file}; {taken} was taken, as asked"),
            Self::EncodingDetected { encoding } => {
                write!(f, "the file states no encoding; its text looks like {encoding}")
            }
            Self::TextReplaced { attributes } => {
                write!(f, "{attributes} attributes are not text in this encoding; state another")
            }
            Self::NotSnapped { feature, at } => {
                let (lon, lat) = at.degrees();
                write!(
                    f,
                    "the border of feature {feature} was left apart from its neighbour's near lon {lon:.7}, lat {lat:.7}: \
                     joined, it would cross itself, or there are too many to tell"
                )
            }
        }
    }
}

/// One thing that was changed in a feature. Area changes are in square metres, positive when the feature grew.
#[derive(Debug, Clone, PartialEq)]
pub enum Repair {
    /// A border crossed itself; the land is whatever each line goes around.
    SelfIntersection {
        /// The first crossing from the west.
        at: GeoPoint,
        /// How the area changed with everything that was resolved together.
        area_change_m2: f64,
    },
    /// Parts or holes lay over each other; the land is their union.
    OverlappingParts {
        /// The first such place from the west.
        at: GeoPoint,
        /// How the area changed.
        area_change_m2: f64,
    },
    /// Rings were drawn in the direction that their role forbids.
    WrongWinding {
        /// How many.
        rings: usize,
    },
    /// Vertices in the place of the one before.
    DuplicateVertices {
        /// How many were left out.
        count: usize,
    },
    /// Vertices were moved onto a neighbour's border, or the neighbour's vertices taken into this border.
    SliverSnapped {
        /// How many vertices were moved or taken in.
        vertices: usize,
        /// The neighbour.
        with: usize,
        /// How far the farthest was moved.
        max_shift_m: f64,
        /// How the area changed.
        area_change_m2: f64,
    },
    /// A ring with less than three corners or without area.
    DroppedSliverRing {
        /// One of its vertices.
        at: GeoPoint,
        /// Negative for a part, positive for a hole; zero when it had no area.
        area_change_m2: f64,
    },
    /// Vertices were added so that an edge that is straight in the survey's coordinates runs as it did.
    Densified {
        /// How many.
        vertices: usize,
    },
    /// A hole outside of the land it should be cut from; it cut nothing.
    HoleOutside {
        /// One of its vertices.
        at: GeoPoint,
    },
}

impl Repair {
    /// Whether something was wrong; otherwise the same land is only written in another way.
    pub fn is_mending(&self) -> bool {
        !matches!(self, Self::WrongWinding { .. } | Self::DuplicateVertices { .. } | Self::Densified { .. })
    }

    /// By how many square metres the feature grew; 0 where the area is not touched.
    pub fn area_change_m2(&self) -> f64 {
        match self {
            Self::SelfIntersection { area_change_m2, .. }
            | Self::OverlappingParts { area_change_m2, .. }
            | Self::SliverSnapped { area_change_m2, .. }
            | Self::DroppedSliverRing { area_change_m2, .. } => *area_change_m2,
            _ => 0.0,
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |at: &GeoPoint| {
            let (lon, lat) = at.degrees();
            format!("lon {lon:.7}, lat {lat:.7}")
        };
        match self {
            Self::SelfIntersection { at, area_change_m2 } => {
                write!(f, "border crossed itself at {}; area changed by {area_change_m2:+.1} m²", place(at))
            }
            Self::OverlappingParts { at, area_change_m2 } => {
                write!(f, "parts overlapped at {}; area changed by {area_change_m2:+.1} m²", place(at))
            }
            Self::WrongWinding { rings } => write!(f, "{rings} rings were drawn the wrong way round and turned"),
            Self::DuplicateVertices { count } => write!(f, "{count} repeated vertices were left out"),
            Self::SliverSnapped { vertices, with, max_shift_m, area_change_m2 } => write!(
                f,
                "{vertices} vertices were joined with the border of feature {with}, by {max_shift_m:.3} m at most; area \
                 changed by {area_change_m2:+.1} m²"
            ),
            Self::DroppedSliverRing { at, area_change_m2 } => {
                write!(f, "a ring without land at {} was dropped; area changed by {area_change_m2:+.1} m²", place(at))
            }
            Self::Densified { vertices } => {
                write!(f, "{vertices} vertices were added so that straight edges stay where the survey has them")
            }
            Self::HoleOutside { at } => write!(f, "a hole at {} lay outside of the land and was dropped", place(at)),
        }
    }
}
