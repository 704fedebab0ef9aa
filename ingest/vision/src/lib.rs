//! Finds animals, people and vehicles in pictures, with a model that the installation names.
//!
//! ```text
//! jpeg.rs      bytes -> Picture        decoded, if it is no larger than we decode
//! clarity.rs   Picture -> Clarity      how bright, rich in contrast and sharp it is; needs no model
//! letterbox.rs Picture -> Input        the part that is looked at, as large as the model wants it
//! network.rs   Input -> numbers        tract
//! layout.rs    numbers -> Candidates   by the model's way of writing them: YOLOX, YOLOv8
//! suppress.rs  Candidates -> Detection one for each animal, as parts of the picture; masks
//! ```
//!
//! In: a JPEG and how to look at it ([`model::Look`]).   Out: [`Detection`]s, or why nobody knows ([`Unseen`]).
//!
//! Invariant: the same picture, model and look always give the same answer on the same machine. No clock, no journal, no
//! thread of its own. Never says that a picture is clear: an empty list is "the model found nothing", no more.

mod clarity;
mod classes;
mod jpeg;
mod layout;
mod letterbox;
mod network;
mod suppress;

pub use layout::Layout;
pub use network::BadModel;

use letterbox::Letterbox;
use model::{Clarity, Detection, Look, Unseen};
use network::Network;
use std::path::Path;

/// A model, ready to look. Cheap to share between threads.
#[derive(Debug)]
pub struct Detector {
    network: Network,
    layout: Layout,
}

impl Detector {
    /// Reads and prepares a model of this layout; takes a second or so.
    pub fn load(file: &Path, layout: Layout) -> Result<Self, BadModel> {
        Ok(Self { network: Network::load(file, layout)?, layout })
    }

    /// The first half of the file's BLAKE3 hash, in hexadecimal: which model said so.
    pub fn fingerprint(&self) -> &str {
        self.network.fingerprint()
    }

    /// What the model finds in a picture.
    pub fn find(&self, jpeg: &[u8], look: &Look) -> Result<Vec<Detection>, Unseen> {
        let picture = jpeg::decode(jpeg)?;
        let letterbox = Letterbox::new(&picture, look.region, self.network.side(), self.layout.is_centred());
        let input = letterbox.input(&picture, self.layout);
        let output = self.network.run(input)?;
        let candidates = self.layout.candidates(&output, self.network.side(), look.threshold)?;
        Ok(suppress::detections(candidates, &letterbox, look))
    }
}

/// How bright, rich in contrast and sharp a picture is, or why nobody knows.
pub fn clarity(jpeg: &[u8]) -> Result<Clarity, Unseen> {
    jpeg::decode(jpeg).map(|picture| clarity::measure(&picture))
}

#[cfg(test)]
mod tests;
