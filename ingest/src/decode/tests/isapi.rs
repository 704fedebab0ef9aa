//! ISAPI: the sheet's vector, and what firmware makes of it.

use super::{RECEIVED_MS, entry};
use crate::decode::decode;
use crate::decode::isapi::channel;
use crate::decode::seen::Beside;
use model::{Body, BoundingBox, FireSign, HeartbeatStatus, Place, Reading, Reject, SnapshotId, Species, Timestamp};

fn read_beside(beside: &Beside, event: &str) -> Result<Reading, Reject> {
    decode(&entry(channel(beside), event.as_bytes()))
}

fn read(event: &str) -> Result<Reading, Reject> {
    read_beside(&Beside::default(), event)
}

/// An event of that type and state, with more fields.
fn event(kind: &str, state: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">\
         <ipAddress>10.20.1.31</ipAddress><portNo>80</portNo><protocolType>HTTP</protocolType><macAddress>44:47:cc:00:00:01</macAddress>\
         <channelID>1</channelID><dateTime>2026-11-22T10:15:00+08:00</dateTime><activePostCount>1</activePostCount>\
         <eventType>{kind}</eventType><eventState>{state}</eventState><eventDescription>{kind} alarm</eventDescription>{more}</EventNotificationAlert>"
    )
}

fn region(target: &str, sides: [f64; 4]) -> String {
    let [x, y, width, height] = sides;
    format!(
        "<DetectionRegionEntry><regionID>2</regionID><RegionCoordinatesList><RegionCoordinates><positionX>0</positionX></RegionCoordinates>\
         </RegionCoordinatesList>{target}<TargetRect><X>{x}</X><Y>{y}</Y><width>{width}</width><height>{height}</height></TargetRect></DetectionRegionEntry>"
    )
}

fn list(regions: &[String]) -> String {
    format!("<DetectionRegionList>{}</DetectionRegionList>", regions.concat())
}

#[track_caller]
fn seen(event: &str) -> (Species, Option<BoundingBox>) {
    seen_beside(0, event)
}

#[track_caller]
fn seen_beside(index: usize, event: &str) -> (Species, Option<BoundingBox>) {
    let beside = Beside { index, ..Beside::default() };
    let reading = read_beside(&beside, event).unwrap();
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(RECEIVED_MS)));
    match reading.body {
        Body::Sighting(seen) => (seen.species, seen.bounding_box),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn status(beside: Option<HeartbeatStatus>, event: &str) -> Option<HeartbeatStatus> {
    let beside = Beside { status: beside, ..Beside::default() };
    match read_beside(&beside, event).unwrap().body {
        Body::Heartbeat(life) => life.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_intrusion_is_a_sighting_where_the_camera_says_in_either_scale() {
    let area = BoundingBox { x: 0.5, y: 0.25, w: 0.125, h: 0.0625 };
    for scale in [1.0, 1_000.0] {
        let sides = [0.5, 0.25, 0.125, 0.0625].map(|side| side * scale);
        assert_eq!(
            seen(&event("fielddetection", "active", &list(&[region("", sides)]))),
            (Species::Unknown, Some(area)),
            "{scale}"
        );
    }
    let targets = |word: &str| {
        let target = format!("<detectionTarget>{word}</detectionTarget>");
        seen(&event("linedetection", "active", &list(&[region(&target, [0.5, 0.25, 0.125, 0.0625])]))).0
    };
    assert_eq!(targets("human"), Species::Person);
    assert_eq!(targets("vehicle"), Species::Vehicle);
    assert_eq!(targets("animal"), Species::Unknown);
    assert_eq!(targets("others"), Species::Unknown);
}

#[test]
fn a_box_that_is_none_leaves_the_alarm_without_a_box_and_not_the_operator_without_the_alarm() {
    for sides in [[0.0; 4], [-1.0, 0.0, 0.5, 0.5], [0.0, 0.0, 1_920.0, 1_080.0], [1_000.0, 0.0, 10.0, 10.0]] {
        let (species, area) = seen(&event("regionEntrance", "active", &list(&[region("", sides)])));
        assert_eq!((species, area), (Species::Unknown, None), "{sides:?}");
    }
    let reading = read(&event("fielddetection", "active", "<DetectionRegionList/>")).unwrap();
    let Body::Sighting(seen) = reading.body else { panic!("no sighting") };
    assert!(matches!(seen.place, Place::Picture(area) if area.w == 1.0), "somewhere before the lens");
    assert_eq!((seen.confidence, seen.bounding_box), (0.5, None));
}

#[test]
fn each_thing_that_an_event_names_is_told_by_its_number() {
    let human = region("<detectionTarget>human</detectionTarget>", [0.5, 0.25, 0.125, 0.0625]);
    let vehicle = region("<detectionTarget>vehicle</detectionTarget>", [0.25, 0.25, 0.125, 0.0625]);
    let both = event("fielddetection", "active", &list(&[human, vehicle]));
    assert_eq!(seen_beside(0, &both).0, Species::Person);
    assert_eq!(seen_beside(1, &both).0, Species::Vehicle);
    assert_eq!(seen_beside(2, &both), (Species::Unknown, None), "there is no third");
}

#[test]
fn the_repeated_video_loss_that_is_none_is_a_sign_of_life_whatever_the_cameras_clock_says() {
    let beat = event("videoloss", "inactive", "").replace("2026-11-22", "2036-11-22");
    let reading = read(&beat).unwrap();
    assert_eq!(reading.device_time, None);
    assert_eq!(status(None, &beat), None, "it does not take back what the camera said before");
    assert_eq!(status(Some(HeartbeatStatus::Fault), &beat), Some(HeartbeatStatus::Fault));
    assert_eq!(status(Some(HeartbeatStatus::Ok), &beat), Some(HeartbeatStatus::Ok));
    let ahead = read(&event("fielddetection", "active", "").replace("2026-11-22", "2036-11-22"));
    assert!(matches!(ahead, Err(Reject::FutureTime { .. })), "{ahead:?}");
}

#[test]
fn trouble_with_the_camera_is_a_heartbeat_that_says_so() {
    for (kind, wanted) in [
        ("videoloss", HeartbeatStatus::Fault),
        ("shelteralarm", HeartbeatStatus::Fault),
        ("tamperdetection", HeartbeatStatus::Fault),
        ("scenechangedetection", HeartbeatStatus::Fault),
        ("diskfull", HeartbeatStatus::Degraded),
        ("diskerror", HeartbeatStatus::Degraded),
        ("defocus", HeartbeatStatus::Degraded),
    ] {
        assert_eq!(status(None, &event(kind, "active", "")), Some(wanted), "{kind}");
        assert_eq!(status(None, &event(kind, "inactive", "")), None, "{kind}");
    }
    let worse = status(Some(HeartbeatStatus::Fault), &event("diskfull", "active", ""));
    assert_eq!(worse, Some(HeartbeatStatus::Fault), "all that it said counts");
}

#[test]
fn motion_is_a_sign_of_life_unless_the_camera_knows_what_moves() {
    assert_eq!(status(None, &event("VMD", "active", "")), None);
    assert_eq!(seen(&event("VMD", "active", "<targetType>human</targetType>")).0, Species::Person);
    let ended = event("fielddetection", "inactive", "");
    assert_eq!(status(None, &ended), None);
    let wrapped = "<DurationList><Duration><relationEvent>linedetection</relationEvent></Duration></DurationList>";
    assert_eq!(seen(&event("duration", "active", wrapped)).0, Species::Unknown);
}

#[test]
fn smoke_and_heat_are_a_fire_and_not_a_sighting() {
    let hot = "<DetectionRegionEntry><FireDetection><FireRegion><x>500</x><y>250</y><width>125</width><height>62.5</height></FireRegion>\
               <fireMaxTemperature>68</fireMaxTemperature></FireDetection></DetectionRegionEntry>";
    let fire = |kind: &str, more: &str| {
        let beside = Beside { snapshot: Some(SnapshotId::parse("isapi-1").unwrap()), ..Beside::default() };
        match read_beside(&beside, &event(kind, "active", more)).unwrap().body {
            Body::Fire(fire) => (fire.sign, fire.place.and_then(Place::bounding_box), fire.snapshot_id.is_some()),
            other => panic!("{other:?}"),
        }
    };
    let area = BoundingBox { x: 0.5, y: 0.25, w: 0.125, h: 0.0625 };
    assert_eq!(fire("fireDetection", &list(&[hot.to_owned()])), (FireSign::Heat, Some(area), true));
    assert_eq!(fire("smokeDetection", ""), (FireSign::Smoke, None, true));
    assert_eq!(fire("TMA", ""), (FireSign::Heat, None, true));
    assert_eq!(status(None, &event("fireDetection", "inactive", "")), None);
}

#[test]
fn the_open_platforms_models_say_in_json_what_they_see() {
    let json = |data: &str| {
        format!(
            r#"{{"ipAddress":"10.20.1.31","channelID":1,"dateTime":"2026-11-22T10:15:00+08:00","activePostCount":1,
                "eventType":"AIOP_Video","eventState":"active","eventDescription":"AIOP","taskName":"cam-1",{data}}}"#
        )
    };
    let targets = json(
        r#""AIOPData":{"targets":[{"label":"sheep","confidence":870,"rect":{"x":0.5,"y":0.25,"w":0.125,"h":0.0625}},
            {"obj":{"typeName":"山羊","rect":{"x":500,"y":250,"width":125,"height":62.5}}},{"label":"helmet","rect":{"x":1}}]}"#,
    );
    let area = BoundingBox { x: 0.5, y: 0.25, w: 0.125, h: 0.0625 };
    assert_eq!(seen_beside(0, &targets), (Species::Sheep, Some(area)));
    assert_eq!(seen_beside(1, &targets), (Species::Goat, Some(area)));
    match read(&targets).unwrap().body {
        Body::Sighting(seen) => assert_eq!(seen.confidence, 0.87),
        other => panic!("{other:?}"),
    }
    assert_eq!(seen(&json(r#""ruleName":"牛羊闯入""#)), (Species::Cattle, None));
    assert_eq!(seen(&format!(r#"{{"EventNotificationAlert":{}}}"#, json(r#""ruleName":"动物""#))).0, Species::Unknown);
    let helmet = read(&json(r#""ruleName":"安全帽""#));
    assert!(matches!(helmet, Err(Reject::UnknownMessage(name)) if name.contains("安全帽")));
    // A list that does not name its entries.
    let listed = event("fielddetection", "active", "");
    assert_eq!(seen(&listed), (Species::Unknown, None));
    let listed = r#"{"eventType":"fielddetection","dateTime":"2026-11-22T10:15:00+08:00",
        "DetectionRegionList":[{"DetectionRegionEntry":{"detectionTarget":"human"}},{"detectionTarget":"vehicle"}]}"#;
    assert_eq!((seen_beside(0, listed).0, seen_beside(1, listed).0), (Species::Person, Species::Vehicle));
}

#[test]
fn what_is_no_event_has_its_reason() {
    assert_eq!(read(" \r\n\0"), Err(Reject::Empty));
    for (bad, label) in [
        ("<EventNotificationAlert>", "bad_packet"),
        ("{\"eventType\":", "bad_packet"),
        ("text", "bad_packet"),
        ("<ResponseStatus/>", "unknown_message"),
        ("<EventNotificationAlert/>", "missing_field"),
        (&event("newDetection", "active", ""), "unknown_message"),
        (&event("illaccess", "active", ""), "unused"),
        (&event("fielddetection", "active", "").replace("2026-11-22T10", "yesterday"), "bad_time"),
        (&format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100)), "bad_packet"),
    ] {
        assert_eq!(read(bad).unwrap_err().label(), label, "{bad}");
    }
}
