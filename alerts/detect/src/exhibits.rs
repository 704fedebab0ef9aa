//! What can be shown for a case: pictures with what was seen in them, tracks, and the animals that are known.
//!
//! In: a herd, and what was shown before.   Out: [`Exhibits`], with what came since added.   Never: an entry counted twice,
//! nor a list without a bound: the journal holds all of it.

use crate::herd::{Herd, Newest, Seen, Source};
use model::{CasePicture, CaseTrack, Exhibits, Position, SeenArea};

/// Pictures named in a case; the newest stay.
const PICTURES_MAX: usize = 12;
/// Boxes named of one picture.
const BOXES_MAX: usize = 16;
/// Parts of pictures named in a case; the first stay. What stands still is in one, and a herd that walks is in all.
const AREAS_MAX: usize = 16;
/// Tracks and animals named in a case; the first stay.
const NAMED_MAX: usize = 64;
/// Boxes of one device that are the same by so much show the same spot.
const SAME_SPOT: f64 = 0.5;
/// A head that says it is turned by less than this is where it was.
const SAME_TURN_DEG: f64 = 0.5;

/// What was shown before, and what the herd's newer sightings add.
pub fn shown(herd: &Herd, before: Option<&Exhibits>) -> Exhibits {
    let mut exhibits = before.cloned().unwrap_or_default();
    for seen in herd.news_after(before.map(|before| before.up_to)) {
        exhibits.up_to = exhibits.up_to.max(seen.offset);
        picture(&mut exhibits.pictures, seen);
        area(&mut exhibits.areas, seen);
        track(&mut exhibits.tracks, seen);
        for mark in &seen.animals {
            if exhibits.animals.len() < NAMED_MAX && !exhibits.animals.contains(mark) {
                exhibits.animals.push(mark.clone());
            }
        }
    }
    exhibits
}

/// How far from its middle the herd's current sightings lie at most, metres.
pub fn apart_m(herd: &Herd, middle: Position) -> f64 {
    let far = |seen: &Newest| middle.distance_m(seen.position);
    herd.newest.iter().map(far).fold(0.0, f64::max)
}

fn picture(pictures: &mut Vec<CasePicture>, seen: &Seen) {
    let Some(snapshot) = &seen.snapshot else { return };
    let known = pictures.iter().position(|picture| picture.snapshot == *snapshot && picture.device == seen.device);
    let number = known.unwrap_or_else(|| {
        if pictures.len() >= PICTURES_MAX {
            pictures.remove(0);
        }
        pictures.push(CasePicture {
            snapshot: snapshot.clone(),
            device: seen.device.clone(),
            at: seen.at,
            boxes: Vec::new(),
        });
        pictures.len() - 1
    });
    if let (Some(picture), Some((bounding_box, _))) = (pictures.get_mut(number), seen.view)
        && picture.boxes.len() < BOXES_MAX
    {
        picture.boxes.push(bounding_box);
    }
}

fn area(areas: &mut Vec<SeenArea>, seen: &Seen) {
    let Some((bounding_box, head)) = seen.view else { return };
    let is_same = |area: &&mut SeenArea| {
        let turned = match (area.head, head) {
            (Some(was), Some(is)) => (was.pan_deg - is.pan_deg).abs().max((was.tilt_deg - is.tilt_deg).abs()),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        };
        area.device == seen.device && turned < SAME_TURN_DEG && area.bounding_box.likeness(bounding_box) >= SAME_SPOT
    };
    if let Some(area) = areas.iter_mut().find(is_same) {
        area.times = area.times.saturating_add(1);
    } else if areas.len() < AREAS_MAX {
        areas.push(SeenArea { device: seen.device.clone(), bounding_box, head, times: 1 });
    }
}

fn track(tracks: &mut Vec<CaseTrack>, seen: &Seen) {
    if seen.source != Source::Collar {
        return;
    }
    if let Some(track) = tracks.iter_mut().find(|track| track.device == seen.device) {
        (track.from, track.to) = (track.from.min(seen.at), track.to.max(seen.at));
        track.fixes = track.fixes.saturating_add(1);
        track.entries.1 = seen.offset;
    } else if tracks.len() < NAMED_MAX {
        let (from, to, entries) = (seen.at, seen.at, (seen.offset, seen.offset));
        tracks.push(CaseTrack { device: seen.device.clone(), from, to, fixes: 1, entries });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{NORTH, Stage};
    use model::{AnimalId, AnimalMark, Body, BoundingBox, Case, MarkKind, SnapshotId, What};

    fn of(found: &[What]) -> Option<&Case> {
        found.iter().rev().find_map(|what| match what {
            What::Opened(case) | What::Grew(case) | What::SeenAgain(case) => Some(case),
            _ => None,
        })
    }

    /// A sighting with a picture, a box in it and an animal that wears a tag.
    fn shows(stage: &mut Stage, picture: &str, x: f64, tag: &str) -> Vec<What> {
        let Body::Sighting(mut sighting) = Stage::sighting_body(NORTH, 40) else { return Vec::new() };
        sighting.snapshot_id = SnapshotId::parse(picture).ok();
        sighting.bounding_box = Some(BoundingBox { x, y: 0.4, w: 0.1, h: 0.1 });
        sighting.animals = vec![AnimalMark { kind: MarkKind::EarTag, id: AnimalId::parse(tag).unwrap() }];
        let now = stage.now;
        stage.take("cam-2", Body::Sighting(sighting), Some(now)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_case_shows_each_picture_with_its_boxes_each_track_and_each_known_animal_once() {
        let mut stage = Stage::at("2026-01-10T10:00:00+08:00");
        let mut told = Vec::new();
        for (picture, x) in [("s-1", 0.1), ("s-1", 0.5), ("s-2", 0.12), ("s-3", 0.5)] {
            told.extend(shows(&mut stage, picture, x, "1560001"));
            told.extend(stage.fix(NORTH));
            told.extend(stage.wait(30));
        }
        let exhibits = &of(&told).unwrap().exhibits;
        let pictures: Vec<_> = exhibits.pictures.iter().map(|one| (one.snapshot.as_str(), one.boxes.len())).collect();
        assert_eq!(pictures, [("s-1", 2), ("s-2", 1), ("s-3", 1)]);
        let areas: Vec<_> = exhibits.areas.iter().map(|area| (area.bounding_box.x, area.times)).collect();
        assert_eq!(areas, [(0.1, 2), (0.5, 2)], "boxes that are alike are one spot");
        let [track] = exhibits.tracks.as_slice() else { panic!("{:?}", exhibits.tracks) };
        assert_eq!((track.device.as_str(), track.fixes), ("collar-1", 4));
        assert_eq!((track.to.since(track.from).as_secs(), track.entries.0.0), (90, 2));
        let animals: Vec<_> = exhibits.animals.iter().map(|mark| (mark.kind, mark.id.as_str())).collect();
        assert_eq!(animals, [(MarkKind::EarTag, "1560001"), (MarkKind::Collar, "collar-1")]);
    }

    #[test]
    fn what_is_shown_is_bounded_however_long_a_case_lasts() {
        let mut stage = Stage::at("2026-01-10T10:00:00+08:00");
        let mut told = Vec::new();
        for number in 0..100 {
            told.extend(shows(&mut stage, &format!("s-{number}"), f64::from(number) * 0.009, &number.to_string()));
            told.extend(stage.wait(11));
        }
        let exhibits = &of(&told).unwrap().exhibits;
        assert_eq!((exhibits.pictures.len(), exhibits.animals.len()), (12, 64));
        assert_eq!(exhibits.pictures.last().unwrap().snapshot.as_str(), "s-99", "the newest pictures stay");
        assert!((5..=16).contains(&exhibits.areas.len()), "{}", exhibits.areas.len());
    }
}
