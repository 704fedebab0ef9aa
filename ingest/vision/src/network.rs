//! The model itself, run by tract.
//!
//! In: a file; then squares.   Out: numbers. What has the wrong shape is refused when it is read, so that a wrong `kind` stops the
//! start and not the first picture.

use crate::layout::Layout;
use model::Unseen;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tract_onnx::prelude::{
    DatumExt, Framework, InferenceModelExt, IntoRunnable, IntoTValue, Tensor, TypedRunnableModel, onnx, tvec,
};
use tract_onnx::tract_hir::infer::Factoid;

/// A model larger than this needs another machine than ours.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// What is assumed where the model leaves its side open, pixels.
const SIDE_USUAL: usize = 640;
/// Sides that a model may have, pixels: a multiple of 32 within this.
const SIDES: std::ops::RangeInclusive<usize> = 64..=2_048;

/// Why a model cannot be used. The operator names another file or another kind.
#[derive(Debug, thiserror::Error)]
pub enum BadModel {
    /// Name another file.
    #[error("model {path} cannot be read", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's complaint.
        source: std::io::Error,
    },
    /// Name another file.
    #[error("model {path} has {bytes} bytes; at most {FILE_BYTES_MAX} are read", path = path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Export it again: as ONNX, with one picture of three planes as its input.
    #[error("model {path} is no ONNX model that can be run: {reason}", path = path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// The library's complaint.
        reason: String,
    },
    /// Write the other `kind`, or export the model again without suppression.
    #[error("model {path} writes {is:?} where its kind writes {want:?}; write the other `kind`", path = path.display())]
    Shape {
        /// Which.
        path: PathBuf,
        /// What it writes.
        is: Vec<usize>,
        /// What its kind writes.
        want: [usize; 3],
    },
}

/// What the model wrote.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its extent.
    pub shape: Vec<usize>,
    /// Row by row.
    pub numbers: Vec<f32>,
}

/// A model that can be run.
pub struct Network {
    plan: Arc<TypedRunnableModel>,
    side: usize,
    fingerprint: String,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("side", &self.side).field("fingerprint", &self.fingerprint).finish()
    }
}

impl Network {
    /// Reads it, makes it fast, and tries it once on grey.
    pub fn load(file: &Path, layout: Layout) -> Result<Self, BadModel> {
        let path = file.to_owned();
        let unreadable = |source| BadModel::File { path: path.clone(), source };
        let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(BadModel::TooLarge { path, bytes });
        }
        let content = std::fs::read(file).map_err(unreadable)?;
        let fingerprint = blake3::hash(&content).to_hex().chars().take(32).collect();
        let unusable = |error: &dyn std::fmt::Display| BadModel::Unusable {
            path: path.clone(),
            reason: error.to_string().chars().take(300).collect(),
        };
        let (plan, side) = plan(&content).map_err(|error| unusable(&error))?;
        let network = Self { plan, side, fingerprint };
        let output = network.run(vec![114.0; 3 * side * side]).map_err(|error| unusable(&error))?;
        if output.shape != layout.shape(side) {
            return Err(BadModel::Shape { path, is: output.shape, want: layout.shape(side) });
        }
        Ok(network)
    }

    /// Side of the square that it wants, pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Which file it came from.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Shows it a square of three planes.
    pub fn run(&self, input: Vec<f32>) -> Result<Output, Unseen> {
        let failed = |error: &dyn std::fmt::Display| Unseen::Model(error.to_string().chars().take(300).collect());
        let tensor = Tensor::from_shape(&[1, 3, self.side, self.side], &input).map_err(|error| failed(&error))?;
        let outputs = self.plan.run(tvec!(tensor.into_tvalue())).map_err(|error| failed(&error))?;
        let output = outputs.first().ok_or_else(|| failed(&"it wrote nothing"))?;
        let view = output.to_plain_array_view::<f32>().map_err(|error| failed(&error))?;
        Ok(Output { shape: view.shape().to_vec(), numbers: view.iter().copied().collect() })
    }
}

fn plan(mut content: &[u8]) -> Result<(Arc<TypedRunnableModel>, usize), Box<dyn std::error::Error + Send + Sync>> {
    let model = onnx().model_for_read(&mut content)?;
    let shape = model.input_fact(0)?.shape.concretize();
    // [1, 3, side, side], if it says so.
    let side = match shape.as_deref() {
        Some([_, _, _, wide]) => usize::try_from(wide.to_i64()?)?,
        _ => SIDE_USUAL,
    };
    if !SIDES.contains(&side) || side % 32 != 0 {
        return Err(format!("its side is {side} pixels, which is no multiple of 32 from 64 to 2048").into());
    }
    let plan = model.with_input_fact(0, f32::fact([1, 3, side, side]).into())?.into_optimized()?.into_runnable()?;
    Ok((plan, side))
}
