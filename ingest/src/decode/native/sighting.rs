//! `sighting`: animals, people or vehicles that a device saw.
//!
//! In: its JSON, in any datum.   Out: [`model::Sighting`], on the ground (WGS84) or in the picture. Where a device tells
//! both, the ground counts: it is what the box would have to be turned into. A sighting at 0,0 is rejected: it would be
//! nowhere. Animals that the device knows (`animals`) are told by their marks. Never invents a number of animals; a message
//! without `count` saw one.

use super::super::datum::{self, WireDatum};
use super::super::fields::{COUNT_MAX, SPECIES, required, whole, within, within_if_said, word};
use super::super::json::{self, Label};
use super::super::time::RawTime;
use super::Message;
use model::{AnimalId, AnimalMark, Body, BoundingBox, MarkKind, Place, Reject, Sighting, SnapshotId, Species};
use serde::Deserialize;

/// A thousandth of a pixel of the largest picture: what is smaller has no size.
const BOX_SIDE_MIN: f64 = 1e-7;
/// Detectors compute edges in single precision; a box that overhangs by this much is cut to the picture.
const BOX_OVERHANG: f64 = 1e-6;

#[derive(Deserialize)]
pub(super) struct Wire {
    ts: Option<RawTime>,
    seq: Option<u64>,
    datum: Option<WireDatum>,
    species: Option<String>,
    count: Option<f64>,
    young: Option<f64>,
    confidence: Option<f64>,
    lat: Option<f64>,
    lon: Option<f64>,
    accuracy_m: Option<f64>,
    #[serde(default, rename = "box", deserialize_with = "json::nested")]
    bounding_box: Option<WireBox>,
    track_id: Option<Label>,
    snapshot_id: Option<Label>,
    #[serde(default, deserialize_with = "json::list")]
    animals: Option<Vec<WireAnimal>>,
}

/// One animal by one mark: `{"ear_tag": "156…"}` or `{"face_id": "…"}`.
#[derive(Deserialize)]
struct WireAnimal {
    ear_tag: Option<Label>,
    face_id: Option<Label>,
}

#[derive(Deserialize)]
pub(super) struct WireBox {
    x: Option<f64>,
    y: Option<f64>,
    w: Option<f64>,
    h: Option<f64>,
}

impl Message<'_> for Wire {
    fn common(&mut self) -> (Option<RawTime>, Option<u64>) {
        (self.ts.take(), self.seq)
    }

    fn body(self) -> Result<Body, Reject> {
        let place = place(self.datum, self.lat, self.lon, self.accuracy_m, self.bounding_box.as_ref())?;
        let species = word("species", &required("species", self.species)?, SPECIES, Species::parse)?;
        let count = whole("count", self.count.unwrap_or(1.0), 1, COUNT_MAX)?;
        Ok(Body::Sighting(Sighting {
            species,
            count,
            young: whole("young", self.young.unwrap_or(0.0), 0, count)?,
            confidence: within("confidence", self.confidence.unwrap_or(1.0), 0.0, 1.0)?,
            place,
            track_id: Label::checked("track_id", self.track_id)?,
            snapshot_id: Label::checked("snapshot_id", self.snapshot_id)?
                .map(|id| SnapshotId::parse(&id))
                .transpose()?,
            // Beside a place on the ground it is evidence, and a wrong one is no reason to lose the place.
            bounding_box: self.bounding_box.as_ref().and_then(|wire| bounding_box(wire).ok()),
            animals: animals(self.animals.unwrap_or_default())?,
        }))
    }
}

/// On the ground where the device said so, else in the picture.
pub(super) fn place(
    datum: Option<WireDatum>,
    lat: Option<f64>,
    lon: Option<f64>,
    accuracy_m: Option<f64>,
    wire: Option<&WireBox>,
) -> Result<Place, Reject> {
    let datum = WireDatum::checked(datum)?;
    match (lat, lon, wire) {
        (None, None, Some(wire)) => bounding_box(wire).map(Place::Picture),
        (None, None, None) => Err(Reject::Missing { field: "lat, lon or box" }),
        (lat, lon, _) => Ok(Place::Ground {
            position: datum::position(required("lat", lat)?, required("lon", lon)?, datum)?,
            accuracy_m: within_if_said("accuracy_m", accuracy_m, 0.0, datum::ACCURACY_MAX_M)?,
        }),
    }
}

/// Each once, in the order told.
fn animals(wire: Vec<WireAnimal>) -> Result<Vec<AnimalMark>, Reject> {
    if wire.len() > Sighting::ANIMALS_MAX {
        return Err(Reject::Malformed(format!(
            "field `animals` names {}; at most {} are allowed in one message",
            wire.len(),
            Sighting::ANIMALS_MAX
        )));
    }
    let mut marks: Vec<AnimalMark> = Vec::with_capacity(wire.len());
    for WireAnimal { ear_tag, face_id } in wire {
        let known = marks.len();
        for (kind, label) in [(MarkKind::EarTag, ear_tag), (MarkKind::Face, face_id)] {
            if let Some(id) = Label::checked("animals", label)? {
                marks.push(AnimalMark { kind, id: AnimalId::parse(&id)? });
            }
        }
        if marks.len() == known {
            return Err(Reject::Missing { field: "animals[].ear_tag or face_id" });
        }
    }
    let mut told = std::collections::BTreeSet::new();
    marks.retain(|mark| told.insert(mark.clone()));
    Ok(marks)
}

fn bounding_box(wire: &WireBox) -> Result<BoundingBox, Reject> {
    let x = within("box.x", required("box.x", wire.x)?, 0.0, 1.0)?;
    let y = within("box.y", required("box.y", wire.y)?, 0.0, 1.0)?;
    Ok(BoundingBox {
        x,
        y,
        w: side("box.w", required("box.w", wire.w)?, 1.0 - x)?,
        h: side("box.h", required("box.h", wire.h)?, 1.0 - y)?,
    })
}

/// A side that is not empty and ends within the picture, of which `room` is left.
fn side(field: &'static str, length: f64, room: f64) -> Result<f64, Reject> {
    let length = within(field, length, BOX_SIDE_MIN, room + BOX_OVERHANG)?;
    // A box that begins on the far edge has no room at all, whatever the overhang allows.
    within(field, length.min(room), BOX_SIDE_MIN, room)
}
