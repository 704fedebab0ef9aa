//! What Frigate tells: objects in pictures of a size that only the installation knows, and who lives.

use super::foreign;
use crate::decode::formats;
use model::{Body, BoundingBox, FireSign, Heartbeat, HeartbeatStatus, Place, Reject, Sighting, Species, Timestamp};
use serde_json::{Value, json};

fn event() -> Value {
    json!({
        "type": "new",
        "before": { "id": "1795313700.123456-grz001", "camera": "mast-07", "label": "sheep", "false_positive": true },
        "after": {
            "id": "1795313700.123456-grz001", "camera": "mast-07", "frame_time": 1_795_313_700.9, "start_time": 1_795_313_700.123_456,
            "end_time": null, "label": "sheep", "sub_label": null, "score": 0.83, "top_score": 0.86, "false_positive": false,
            "box": [640, 360, 704, 432], "area": 1634, "ratio": 1.13, "region": [480, 280, 800, 600],
            "current_zones": ["nograze_a"], "stationary": false, "has_snapshot": true, "has_clip": false
        }
    })
}

fn seen(event: &Value) -> Result<Sighting, Reject> {
    match foreign(formats::FRIGATE_EVENTS, "1280x720", event.to_string().as_bytes())?.body {
        Body::Sighting(sighting) => Ok(sighting),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tracked_sheep_is_a_sighting_in_the_part_of_the_picture_that_its_pixels_are() {
    for kind in ["new", "update", "end"] {
        let mut event = event();
        event["type"] = kind.into();
        let bounding_box = BoundingBox { x: 0.5, y: 0.5, w: 0.55 - 0.5, h: 0.6 - 0.5 };
        let want = Sighting {
            species: Species::Sheep,
            count: 1,
            young: 0,
            confidence: 0.83,
            place: Place::Picture(bounding_box),
            track_id: Some("1795313700.123456-grz001".into()),
            snapshot_id: None,
            bounding_box: Some(bounding_box),
            animals: Vec::new(),
        };
        assert_eq!(seen(&event), Ok(want));
        let reading = foreign(formats::FRIGATE_EVENTS, "1280x720", event.to_string().as_bytes()).unwrap();
        assert_eq!(reading.happened_at(), Timestamp::from_millis(1_795_313_700_900));
    }
}

#[test]
fn labels_are_species_and_a_finer_one_counts() {
    for (label, species) in
        [("cow", Species::Cattle), ("horse", Species::Horse), ("person", Species::Person), ("car", Species::Vehicle)]
    {
        let mut event = event();
        event["after"]["label"] = label.into();
        assert_eq!(seen(&event).unwrap().species, species);
    }
    let mut event = event();
    event["after"]["sub_label"] = json!(["goat", 0.91]);
    assert_eq!(seen(&event).unwrap().species, Species::Goat);
    event["after"]["sub_label"] = "Bella".into();
    assert_eq!(seen(&event).unwrap().species, Species::Sheep);
}

#[test]
fn smoke_is_a_fire_even_where_nobody_knows_the_pictures_size() {
    let mut smoke = event();
    for (label, sign) in [("smoke", FireSign::Smoke), ("Fire", FireSign::Heat), ("flame", FireSign::Heat)] {
        smoke["after"]["label"] = label.into();
        for (size, is_placed) in [("1280x720", true), ("", false)] {
            let body = foreign(formats::FRIGATE_EVENTS, size, smoke.to_string().as_bytes()).unwrap().body;
            let Body::Fire(fire) = body else { panic!("{body:?}") };
            assert_eq!((fire.sign, fire.confidence, fire.place.is_some()), (sign, 0.83, is_placed));
        }
    }
}

#[test]
fn what_is_no_animal_of_ours_or_nothing_at_all_is_left_aside_and_is_no_fault() {
    let mut bird = event();
    bird["after"]["label"] = "bird".into();
    assert!(matches!(seen(&bird), Err(Reject::Unused(_))));
    let mut nothing = event();
    nothing["after"]["false_positive"] = true.into();
    assert!(matches!(seen(&nothing), Err(Reject::Unused(_))));
}

#[test]
fn without_the_pictures_size_or_with_a_wrong_one_nothing_is_placed() {
    let text = event().to_string();
    let unknown = foreign(formats::FRIGATE_EVENTS, "", text.as_bytes()).unwrap_err();
    assert_eq!(unknown.to_string(), "field `[mqtt.frigate] detect` is missing");
    let wrong = foreign(formats::FRIGATE_EVENTS, "640x360", text.as_bytes()).unwrap_err();
    assert!(matches!(wrong, Reject::OutOfRange { field: "after.box x" | "after.box y", .. }), "{wrong}");
    for (corners, field) in [([-9, 0, 0, 9], "after.box width"), ([5, 9, 9, 5], "after.box height")] {
        let mut flat = event();
        flat["after"]["box"] = json!(corners);
        assert!(matches!(seen(&flat), Err(Reject::OutOfRange { field: found, .. }) if found == field), "{corners:?}");
    }
    let mut overhangs = event();
    overhangs["after"]["box"] = json!([1240, 700, 1300, 740]);
    assert!(
        matches!(seen(&overhangs).unwrap().place, Place::Picture(area) if area.x + area.w == 1.0 && area.y + area.h == 1.0)
    );
}

#[test]
fn an_instance_and_a_camera_say_how_they_feel_in_a_word() {
    let feels = |format: &str, detail: &str, word: &str| match foreign(format, detail, word.as_bytes()).map(|r| r.body)
    {
        Ok(Body::Heartbeat(Heartbeat { status, .. })) => Ok(status),
        Ok(other) => panic!("{other:?}"),
        Err(reject) => Err(reject.label()),
    };
    let available = |word| feels(formats::FRIGATE_AVAILABLE, "", word);
    assert_eq!(available("online"), Ok(Some(HeartbeatStatus::Ok)));
    assert_eq!([available("offline"), available("stopped")], [Ok(Some(HeartbeatStatus::Fault)); 2]);
    assert_eq!([available("maybe"), available("")], [Err("unknown_word"), Err("empty")]);
    let camera = |role, word| feels(formats::FRIGATE_STATUS, role, word);
    assert_eq!(camera("detect", "online"), Ok(Some(HeartbeatStatus::Ok)));
    assert_eq!(camera("detect", "offline"), Ok(Some(HeartbeatStatus::Fault)));
    assert_eq!(camera("record", "offline"), Ok(Some(HeartbeatStatus::Degraded)));
    assert_eq!([camera("record", "online"), camera("detect", "disabled")], [Ok(None), Err("unused")]);
    assert_eq!(feels(formats::FRIGATE_STATS, "", r#"{"cameras":{}}"#), Ok(None));
}

#[test]
fn a_picture_gets_a_name_of_its_own_and_has_to_be_one() {
    let picture = foreign(formats::FRIGATE_SNAPSHOT, "fat sheep", b"\xff\xd8\xff\xe0rest").unwrap().body;
    assert!(matches!(picture, Body::Snapshot(snapshot) if snapshot.id.as_str() == "frigate-fat-sheep-1795313700000"));
    assert_eq!(foreign(formats::FRIGATE_SNAPSHOT, "sheep", b"PNG").unwrap_err(), Reject::NotJpeg);
}
