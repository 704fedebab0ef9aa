//! How a model writes what it found, and what it wants to be shown.
//!
//! In: the numbers of one output.   Out: [`Candidate`]s above a threshold, in pixels of the model's square. Pure.
//!
//! - YOLOX writes a row for each cell of three grids (8, 16 and 32 pixels): centre in cells, logarithm of the size in cells, how
//!   surely anything is there, and of each class how surely it is that. It wants blue, green, red from 0 to 255.
//!   Source: Megvii, YOLOX, `demo/ONNXRuntime` and `yolox/utils/demo_utils.py`.
//! - YOLOv8 writes a column for each cell: centre and size in pixels, and of each class how surely it is that. It wants red, green,
//!   blue from 0 to 1. Source: Ultralytics, documentation of the exported ONNX model, output `[1, 84, 8400]`.

use crate::classes;
use crate::network::Output;
use model::{Species, Unseen};

/// Which way of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// YOLOX, exported without decoding.
    Yolox,
    /// YOLOv8 and what writes like it (YOLO11), exported without suppression.
    Yolov8,
}

/// What may be an animal; many of them are the same one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What.
    pub species: Species,
    /// How surely.
    pub confidence: f64,
    /// Left, top, right and bottom edge in pixels of the square.
    pub corners: [f64; 4],
}

/// Sides of YOLOX's cells, pixels.
const STRIDES: [usize; 3] = [8, 16, 32];
/// A herd that fills the picture gives some thousands; more are noise, and their number squared is work.
const CANDIDATES_MAX: usize = 2_000;

impl Layout {
    /// As written in the configuration.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "yolox" => Some(Self::Yolox),
            "yolov8" => Some(Self::Yolov8),
            _ => None,
        }
    }

    /// The shape of the output for a square of this side.
    pub(crate) fn shape(self, side: usize) -> [usize; 3] {
        let cells = STRIDES.iter().map(|stride| (side / stride) * (side / stride)).sum();
        match self {
            Self::Yolox => [1, cells, 5 + classes::COUNT],
            Self::Yolov8 => [1, 4 + classes::COUNT, cells],
        }
    }

    /// Whether the picture lies in the middle of the square.
    pub(crate) fn is_centred(self) -> bool {
        self == Self::Yolov8
    }

    /// Which of red (0), green and blue (2) stands in which plane.
    pub(crate) fn colours(self) -> [usize; 3] {
        match self {
            Self::Yolox => [2, 1, 0],
            Self::Yolov8 => [0, 1, 2],
        }
    }

    /// What a byte's step is worth.
    pub(crate) fn unit(self) -> f32 {
        match self {
            Self::Yolox => 1.0,
            Self::Yolov8 => 1.0 / 255.0,
        }
    }

    /// What is at least as sure as the threshold.
    pub(crate) fn candidates(self, output: &Output, side: usize, threshold: f64) -> Result<Vec<Candidate>, Unseen> {
        if output.shape != self.shape(side) || output.numbers.len() != output.shape.iter().product::<usize>() {
            return Err(Unseen::Model(format!("it wrote {:?}, not {:?}", output.shape, self.shape(side))));
        }
        let mut candidates = match self {
            Self::Yolox => yolox(&output.numbers, side, threshold),
            Self::Yolov8 => yolov8(&output.numbers, threshold),
        };
        // The surest first; what is as sure in the model's order, so that the answer does not depend on chance.
        candidates.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        candidates.truncate(CANDIDATES_MAX);
        Ok(candidates)
    }
}

fn yolox(numbers: &[f32], side: usize, threshold: f64) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut rows = numbers.chunks_exact(5 + classes::COUNT);
    for stride in STRIDES {
        let across = side / stride;
        for (cell, row) in rows.by_ref().take(across * across).enumerate() {
            let [x, y, w, h, there, of_classes @ ..] = row else { continue };
            let Some((species, sure)) = surest(of_classes.iter().copied()) else { continue };
            let cell_px = stride as f64;
            let centre = [
                (f64::from(*x) + (cell % across) as f64) * cell_px,
                (f64::from(*y) + (cell / across) as f64) * cell_px,
            ];
            let size = [f64::from(*w).exp() * cell_px, f64::from(*h).exp() * cell_px];
            found.extend(candidate(species, f64::from(*there) * f64::from(sure), centre, size, threshold));
        }
    }
    found
}

fn yolov8(numbers: &[f32], threshold: f64) -> Vec<Candidate> {
    let cells = numbers.len() / (4 + classes::COUNT);
    let line = |number: usize| numbers.get(number * cells..(number + 1) * cells).unwrap_or_default();
    let at = |number: usize, cell: usize| line(number).get(cell).copied().unwrap_or(f32::NAN);
    (0..cells)
        .filter_map(|cell| {
            let (species, sure) = surest((0..classes::COUNT).map(|class| at(4 + class, cell)))?;
            let [x, y, w, h] = [0, 1, 2, 3].map(|number| f64::from(at(number, cell)));
            candidate(species, f64::from(sure), [x, y], [w, h], threshold)
        })
        .collect()
}

/// The surest class of all 80, if it is one that we ask for: a bench that may be a sheep is a bench.
fn surest(classes: impl Iterator<Item = f32>) -> Option<(Species, f32)> {
    let (class, sure) = classes.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    classes::species(class).map(|species| (species, sure))
}

fn candidate(species: Species, confidence: f64, centre: [f64; 2], size: [f64; 2], threshold: f64) -> Option<Candidate> {
    let [x, y] = centre;
    let [w, h] = size;
    let corners = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
    // Not-a-number is not sure enough, and is nowhere.
    let sure = confidence >= threshold && corners.iter().all(|corner| corner.is_finite());
    sure.then_some(Candidate { species, confidence: confidence.min(1.0), corners })
}
