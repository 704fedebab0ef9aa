//! What was seen in a picture, as frames for the journal.
//!
//! In: detections, or why nobody knows; how the picture is.   Out: one frame for each species, with how many and where; one that says "unknown"; or none
//! where the model found nothing; and one with the measures. The channel's detail is the picture's place in the journal. Read again by `decode::vision`.
//!
//! A species is told once for each picture, with how many of it there are: counts of several sightings are never added up.
//! Where they stand is told by the one in their middle, counted from the nearest to the farthest: its feet are on the ground, those
//! of all together are not.

use super::waiting::Job;
use super::worker::Looked;
use crate::decode::formats;
use bytes::Bytes;
use model::{BoundingBox, Channel, Detection, DeviceId, Frame, ReceivedAt, Species, Timestamp, Transport};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Boxes told of one species; the surest.
const BOXES_MAX: usize = 64;

#[derive(Serialize)]
struct Wire<'a> {
    snapshot_id: &'a str,
    ts: i64,
    model: &'a str,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Seen {
        species: &'static str,
        count: usize,
        confidence: f64,
        place: [f64; 4],
        around: [f64; 4],
        boxes: Vec<[f64; 5]>,
    },
    Unknown {
        unknown: &'static str,
        reason: String,
    },
    Measured {
        clarity: [f64; 3],
    },
}

/// The frames of a picture: what a model saw in it, if one looked, and how it is, if it was measured.
pub(super) fn frames(job: &Job, looked: &Looked, model: &str, now: Timestamp) -> Vec<Frame> {
    let said = match &looked.seen {
        None => Vec::new(),
        Some(Ok(found)) => by_species(found),
        Some(Err(unseen)) => vec![Said::Unknown { unknown: unseen.as_str(), reason: unseen.to_string() }],
    };
    let measured = looked.clarity.map(|of| Said::Measured { clarity: [of.mean, of.contrast, of.sharpness].map(short) });
    said.into_iter().chain(measured).filter_map(|said| frame(job, said, model, now)).collect()
}

fn frame(job: &Job, said: Said, model: &str, now: Timestamp) -> Option<Frame> {
    let wire = Wire { snapshot_id: job.snapshot.as_str(), ts: job.taken_at.as_millis(), model, said };
    // Numbers and words only: it cannot fail.
    let payload = serde_json::to_vec(&wire).ok()?;
    Some(Frame {
        device: job.device.clone(),
        speaker: DeviceId::platform(),
        channel: Channel::Foreign { format: Arc::from(formats::VISION), detail: Arc::from(job.offset.0.to_string()) },
        transport: Transport::Platform,
        payload: Bytes::from(payload),
        received_at: ReceivedAt(now),
    })
}

fn by_species(found: &[Detection]) -> Vec<Said> {
    let mut of: BTreeMap<Species, Vec<&Detection>> = BTreeMap::new();
    for detection in found {
        of.entry(detection.species).or_default().push(detection);
    }
    of.into_iter().filter_map(|(species, found)| seen(species, found)).collect()
}

fn seen(species: Species, mut found: Vec<&Detection>) -> Option<Said> {
    let count = found.len();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let confidence = found.first()?.confidence;
    let boxes = found.iter().take(BOXES_MAX).map(|one| {
        let [x, y, w, h] = sides(one.bounding_box);
        [x, y, w, h, short(one.confidence)]
    });
    let boxes = boxes.collect();
    let around = found.iter().map(|one| one.bounding_box).reduce(both)?;
    let feet = |of: &BoundingBox| of.y + of.h;
    found.sort_by(|a, b| feet(&a.bounding_box).total_cmp(&feet(&b.bounding_box)));
    let place = found.get(count / 2)?.bounding_box;
    Some(Said::Seen {
        species: species.as_str(),
        count,
        confidence: short(confidence),
        place: sides(place),
        around: sides(around),
        boxes,
    })
}

fn both(a: BoundingBox, b: BoundingBox) -> BoundingBox {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    BoundingBox { x, y, w: (a.x + a.w).max(b.x + b.w) - x, h: (a.y + a.h).max(b.y + b.h) - y }
}

fn sides(of: BoundingBox) -> [f64; 4] {
    [of.x, of.y, of.w, of.h].map(short)
}

/// A hundred-thousandth is a fifth of a pixel of the largest picture.
fn short(number: f64) -> f64 {
    (number * 1e5).round() / 1e5
}
