use crate::{BoundingBox, Species};

/// How the pictures of one camera are looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What is less sure than this is not told, 0 to 1.
    pub threshold: f64,
    /// Only this part of the picture is shown to the model, and so in more detail; `None` for all of it.
    pub region: Option<BoundingBox>,
    /// What has its middle in one of these is not told: a boulder, a painted wall.
    pub masks: Vec<BoundingBox>,
}

/// One animal, person or vehicle that a model found in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// What.
    pub species: Species,
    /// How sure the model is, 0 to 1.
    pub confidence: f64,
    /// Where in the picture.
    pub bounding_box: BoundingBox,
}

/// How a picture is, whatever is in it: whether something may be before the lens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clarity {
    /// Mean brightness, 0 (black) to 255 (white).
    pub mean: f64,
    /// Standard deviation of the brightness, 0 to 128: next to nothing where all is covered, in fog, and at night.
    pub contrast: f64,
    /// Variance of the Laplacian of the brightness: small where all edges are soft.
    pub sharpness: f64,
}

/// Why nobody knows what is in a picture. It is never the same as "nothing is there".
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unseen {
    /// The camera looks down more steeply than the model can tell animals.
    #[error("the camera looks down by {down_deg:.0} degrees, too steeply for the model")]
    TooSteep {
        /// Below the horizon, degrees.
        down_deg: f64,
    },
    /// Nobody said how steeply the camera looks, and it may be too steep.
    #[error("nobody said how steeply the camera looked")]
    NoAttitude,
    /// The installation says that the model is unfit for this camera.
    #[error("the configuration says that the model is unfit for this camera")]
    Unfit,
    /// The bytes are no whole JPEG.
    #[error("the picture cannot be decoded: {0}")]
    NotDecodable(String),
    /// More pixels than are decoded.
    #[error("the picture of {width} x {height} pixels is too large; at most {most} pixels are decoded")]
    TooLarge {
        /// Its width.
        width: usize,
        /// Its height.
        height: usize,
        /// How many pixels may be.
        most: usize,
    },
    /// The model did not do its work.
    #[error("the model failed: {0}")]
    Model(String),
}

impl Unseen {
    /// A short word for the journal and the metric's label: bounded in number, never data.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TooSteep { .. } => "too_steep",
            Self::NoAttitude => "no_attitude",
            Self::Unfit => "unfit",
            Self::NotDecodable(_) => "not_decodable",
            Self::TooLarge { .. } => "too_large",
            Self::Model(_) => "model_failed",
        }
    }
}
