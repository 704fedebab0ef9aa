//! What the four readers give: features in the survey's own coordinates, nothing judged yet.
//!
//! Never: a vertex that was moved, an attribute that was renamed.

use crate::{Crs, CrsError, Format, LandFault, Note};
use std::collections::BTreeMap;

/// A closed line as the file has it: first number (east), second number (north). It may repeat its first vertex at the end.
pub(crate) type RawRing = Vec<[f64; 2]>;

/// The shape of a feature as its format tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RawShape {
    /// For each part its outline and then its holes.
    Parts(Vec<Vec<RawRing>>),
    /// Rings whose direction says what they are: outlines run clockwise, as a shapefile has it.
    Rings(Vec<RawRing>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawFeature {
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) shape: Result<RawShape, LandFault>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RawSurvey {
    pub(crate) format: Format,
    /// Which file the features came from.
    pub(crate) file: String,
    pub(crate) encoding: String,
    /// As stated by the file, if it states any. One that cannot be used is no matter when the caller states another.
    pub(crate) crs: Option<Result<Crs, CrsError>>,
    pub(crate) features: Vec<RawFeature>,
    pub(crate) notes: Vec<Note>,
}

impl RawShape {
    pub(crate) fn rings(&self) -> impl Iterator<Item = &RawRing> {
        let (parts, rings) = match self {
            Self::Parts(parts) => (parts.as_slice(), [].as_slice()),
            Self::Rings(rings) => ([].as_slice(), rings.as_slice()),
        };
        parts.iter().flatten().chain(rings)
    }

    pub(crate) fn vertices(&self) -> usize {
        self.rings().map(Vec::len).sum()
    }
}
