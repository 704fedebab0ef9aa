//! Sightings: what, how many, and where.

use super::{check_rejected, native, timed};
use model::{BadPosition, Body, BoundingBox, Place, Position, ReadingKind, Reject, Sighting, SnapshotId, Species};
use std::sync::Arc;

#[track_caller]
fn seen(fields: &str) -> Sighting {
    match timed(ReadingKind::Sighting, fields) {
        Ok(Body::Sighting(sighting)) => sighting,
        other => panic!("{fields}: {other:?}"),
    }
}

#[track_caller]
fn check(fields: &str, reason: &str) {
    check_rejected(ReadingKind::Sighting, fields, reason);
}

const HERE: &str = r#""lat":43.9,"lon":113.5"#;

#[test]
fn a_herd_on_the_ground_keeps_every_number_the_device_told() {
    assert_eq!(
        seen(
            r#""species":"sheep","count":40,"young":6,"confidence":0.93,"lat":43.9,"lon":113.5,"accuracy_m":12.5,
               "track_id":17,"snapshot_id":"cam-1.20261122""#
        ),
        Sighting {
            species: Species::Sheep,
            count: 40,
            young: 6,
            confidence: 0.93,
            place: Place::Ground { position: Position::parse(43.9, 113.5).unwrap(), accuracy_m: Some(12.5) },
            track_id: Some(Arc::from("17")),
            snapshot_id: Some(SnapshotId::parse("cam-1.20261122").unwrap()),
            bounding_box: None,
            animals: vec![],
        }
    );
}

#[test]
fn a_box_in_the_picture_is_kept_for_georeferencing() {
    let sighting = seen(r#""species":"cattle","box":{"x":0.25,"y":0.5,"w":0.1,"h":0.5}"#);
    assert_eq!(sighting.place, Place::Picture(BoundingBox { x: 0.25, y: 0.5, w: 0.1, h: 0.5 }));
    assert_eq!((sighting.count, sighting.young, sighting.confidence), (1, 0, 1.0));
    assert_eq!(sighting.bounding_box, Some(BoundingBox { x: 0.25, y: 0.5, w: 0.1, h: 0.5 }));
}

#[test]
fn where_a_device_tells_both_the_ground_counts() {
    let both = seen(&format!(r#""species":"goat",{HERE},"box":{{"x":0,"y":0,"w":1,"h":1}}"#));
    assert!(matches!(both.place, Place::Ground { .. }));
    assert_eq!(both.bounding_box, Some(BoundingBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 }), "and the box is evidence");
    let no_box = seen(&format!(r#""species":"goat",{HERE},"box":{{"x":10,"y":20,"w":300,"h":200}}"#));
    assert_eq!(no_box.bounding_box, None, "pixels are no parts of a picture");
}

#[test]
fn a_sighting_that_would_be_nowhere_is_rejected() {
    let no_fix = timed(ReadingKind::Sighting, r#""species":"sheep","lat":0,"lon":0.0"#);
    assert_eq!(no_fix, Err(Reject::BadPosition(BadPosition::NoFix)));
    check(r#""species":"sheep""#, "field `lat, lon or box` is missing");
    check(r#""species":"sheep","lat":43.9"#, "field `lon` is missing");
}

#[test]
fn only_the_contracts_species_are_known() {
    for species in Species::ALL {
        assert_eq!(seen(&format!(r#""species":"{}",{HERE}"#, species.as_str())).species, species);
    }
    let listed: Vec<_> = Species::ALL.iter().map(|species| species.as_str()).collect();
    check(
        &format!(r#""species":"yak",{HERE}"#),
        &format!("field `species` is `yak`, which is not one of: {}", listed.join(", ")),
    );
    check(HERE, "field `species` is missing");
}

#[test]
fn counts_are_whole_and_bounded_and_the_young_are_among_them() {
    let with = |fields: &str| format!(r#""species":"sheep",{HERE},{fields}"#);
    assert_eq!(seen(&with(r#""count":10000,"young":10000"#)).young, 10_000);
    check(&with(r#""count":10001"#), "field `count` is 10001; it must be within 1 to 10000");
    check(&with(r#""count":0"#), "field `count` is 0; it must be within 1 to 10000");
    check(&with(r#""count":-3"#), "field `count` is -3; it must be within 1 to 10000");
    check(&with(r#""count":2,"young":3"#), "field `young` is 3; it must be within 0 to 2");
    check(&with(r#""confidence":1.01"#), "field `confidence` is 1.01; it must be within 0 to 1");
    assert!(matches!(timed(ReadingKind::Sighting, &with(r#""count":2.5"#)), Err(Reject::Malformed(_))));
}

#[test]
fn a_box_without_size_or_beyond_the_picture_is_rejected() {
    let boxed = |fields: &str| timed(ReadingKind::Sighting, &format!(r#""species":"sheep","box":{fields}"#));
    for outside in [
        r#"{"x":-0.1,"y":0,"w":0.1,"h":0.1}"#,
        r#"{"x":0.95,"y":0,"w":0.1,"h":0.1}"#,
        r#"{"x":0,"y":0.5,"w":0.1,"h":0.6}"#,
        r#"{"x":0,"y":0,"w":0,"h":0.1}"#,
        r#"{"x":0,"y":0,"w":0.1,"h":-0.1}"#,
        r#"{"x":1,"y":0,"w":0.0000005,"h":0.1}"#,
    ] {
        assert!(matches!(boxed(outside), Err(Reject::OutOfRange { .. })), "{outside}");
    }
    assert_eq!(boxed(r#"{"x":0,"y":0,"w":0.1}"#), Err(Reject::Missing { field: "box.h" }));
    assert!(matches!(boxed("[0.1,0.1,0.9,0.9]"), Err(Reject::Malformed(_))), "corners are not taken for sizes");
}

#[test]
fn a_box_that_overhangs_by_rounding_is_cut_to_the_picture() {
    let sighting = seen(r#""species":"sheep","box":{"x":0.75,"y":0,"w":0.2500004,"h":1}"#);
    assert_eq!(sighting.place, Place::Picture(BoundingBox { x: 0.75, y: 0.0, w: 0.25, h: 1.0 }));
}

#[test]
fn the_counter_and_the_times_of_a_message_come_along() {
    let reading = native(
        ReadingKind::Sighting,
        &format!(r#"{{"ts":1795313699000,"seq":18446744073709551615,"species":"sheep",{HERE}}}"#),
    )
    .unwrap();
    assert_eq!((reading.offset.0, reading.seq), (7, Some(u64::MAX)));
    assert_eq!(reading.happened_at().as_millis(), 1_795_313_699_000);
}

#[test]
fn animals_that_the_device_knows_are_told_each_once_by_their_marks() {
    let with = |animals: &str| format!(r#""species":"cattle",{HERE},"animals":{animals}"#);
    let told = r#"[{"ear_tag":"156000000000001"},{"face_id":"f.7"},{"ear_tag":156000000000001},{"ear_tag":"2","face_id":"f.8"}]"#;
    let animals = seen(&with(told)).animals;
    let marks: Vec<_> = animals.iter().map(|mark| format!("{} {}", mark.kind.as_str(), mark.id)).collect();
    assert_eq!(marks, ["ear_tag 156000000000001", "face_id f.7", "ear_tag 2", "face_id f.8"]);
    check(&with(r#"[{"colour":"red"}]"#), "field `animals[].ear_tag or face_id` is missing");
    check(&with(r#"[{"ear_tag":"a/b"}]"#), "animal id `a/b` holds `/`; use A-Z a-z 0-9 . _ -");
    let crowd = vec![r#"{"ear_tag":"1"}"#; 65].join(",");
    check(
        &with(&format!("[{crowd}]")),
        "payload is not valid JSON for this kind: field `animals` names 65; at most 64 are allowed in one message",
    );
    assert!(matches!(timed(ReadingKind::Sighting, &with(r#""156""#)), Err(Reject::Malformed(_))));
    assert!(matches!(timed(ReadingKind::Sighting, &with(r#"[["156"]]"#)), Err(Reject::Malformed(_))));
    assert!(matches!(timed(ReadingKind::Sighting, &with("[null]")), Err(Reject::Malformed(_))));
    assert_eq!(seen(&with("null")).animals, []);
}
