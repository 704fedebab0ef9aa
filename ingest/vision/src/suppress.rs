//! One detection for each animal.
//!
//! In: candidates, the surest first.   Out: [`Detection`]s as parts of the whole picture, without what lies in a mask: of those that
//! are one animal the surest, also where the model wavers between a horse and a cow. A rider and a horse are two.

use crate::layout::Candidate;
use crate::letterbox::Letterbox;
use model::{BoundingBox, Detection, Look};

/// Two boxes of one species that are the same by so much are one animal. What YOLOX's own demonstration uses.
const SAME: f64 = 0.45;
/// Two boxes of two species that graze are one animal from here on: nobody stands so closely behind another.
const SAME_MISREAD: f64 = 0.7;
/// More animals than a picture of 416 pixels can show apart.
const FOUND_MAX: usize = 256;

/// What is told.
pub fn detections(candidates: Vec<Candidate>, letterbox: &Letterbox, look: &Look) -> Vec<Detection> {
    let mut found: Vec<Detection> = Vec::new();
    for candidate in candidates {
        let Some(bounding_box) = letterbox.back(candidate.corners) else { continue };
        let known = |other: &Detection| {
            let likeness = other.bounding_box.likeness(bounding_box);
            let both_graze = other.species.grazes() && candidate.species.grazes();
            likeness >= SAME && other.species == candidate.species || likeness >= SAME_MISREAD && both_graze
        };
        if found.len() >= FOUND_MAX || found.iter().any(known) {
            continue;
        }
        found.push(Detection { species: candidate.species, confidence: candidate.confidence, bounding_box });
    }
    found.retain(|detection| !look.masks.iter().any(|mask| has_middle(*mask, detection.bounding_box)));
    found
}

fn has_middle(mask: BoundingBox, of: BoundingBox) -> bool {
    let (x, y) = (of.x + of.w / 2.0, of.y + of.h / 2.0);
    (mask.x..=mask.x + mask.w).contains(&x) && (mask.y..=mask.y + mask.h).contains(&y)
}
