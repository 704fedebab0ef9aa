//! What the platform's own model saw in a camera's picture.
//!
//! In: the frames of `crate::vision`.   Out: a [`model::Sighting`] in the picture, of its time, or how the picture is ([`Clarity`]). "Unknown" is [`Reject::Unused`]: it says
//! nothing about animals, and must never be read as "none".

use super::Statement;
use super::fields::{COUNT_MAX, SPECIES, required, short, whole, within, word};
use super::json;
use super::time::{self, RawTime};
use model::{Body, BoundingBox, Clarity, Frame, Place, Reject, Sighting, SnapshotId, Species};
use serde::Deserialize;

/// Rounding may carry an edge over the picture's by this much.
const OVERHANG: f64 = 1e-4;

#[derive(Deserialize)]
struct Wire {
    snapshot_id: Option<String>,
    ts: Option<RawTime>,
    unknown: Option<String>,
    species: Option<String>,
    count: Option<f64>,
    confidence: Option<f64>,
    place: Option<[f64; 4]>,
    around: Option<[f64; 4]>,
    /// Brightness, contrast, sharpness.
    clarity: Option<[f64; 3]>,
}

/// The format `vision`.
pub(super) fn decode(frame: &Frame) -> Result<Statement, Reject> {
    let wire: Wire = json::object(&frame.payload)?;
    if let Some(why) = wire.unknown {
        return Err(Reject::Unused(format!("vision unknown: {}", short(&why))));
    }
    let device_time = Some(time::required("ts", wire.ts)?);
    if let Some([mean, contrast, sharpness]) = wire.clarity {
        let body = Body::Clarity(Clarity {
            mean: within("clarity.mean", mean, 0.0, 255.0)?,
            contrast: within("clarity.contrast", contrast, 0.0, 128.0)?,
            sharpness: within("clarity.sharpness", sharpness, 0.0, 1e7)?,
        });
        return Ok(Statement { device_time, seq: None, body });
    }
    Ok(Statement {
        device_time,
        seq: None,
        body: Body::Sighting(Sighting {
            species: word("species", &required("species", wire.species)?, SPECIES, Species::parse)?,
            count: whole("count", required("count", wire.count)?, 1, COUNT_MAX)?,
            young: 0,
            confidence: within("confidence", required("confidence", wire.confidence)?, 0.0, 1.0)?,
            place: Place::Picture(part(required("place", wire.place)?)?),
            track_id: None,
            snapshot_id: Some(SnapshotId::parse(&required("snapshot_id", wire.snapshot_id)?)?),
            bounding_box: Some(part(required("around", wire.around)?)?),
            animals: Vec::new(),
        }),
    })
}

fn part([x, y, w, h]: [f64; 4]) -> Result<BoundingBox, Reject> {
    let (x, y) = (within("box.x", x, 0.0, 1.0)?, within("box.y", y, 0.0, 1.0)?);
    let w = within("box.w", w, f64::EPSILON, 1.0 - x + OVERHANG)?.min(1.0 - x);
    let h = within("box.h", h, f64::EPSILON, 1.0 - y + OVERHANG)?.min(1.0 - y);
    Ok(BoundingBox { x, y, w, h })
}
