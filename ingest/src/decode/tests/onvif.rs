//! ONVIF: notifications as the specifications show them, and as makers write them.

use super::{RECEIVED_MS, entry};
use crate::decode::decode;
use crate::decode::onvif::channel;
use crate::decode::seen::Beside;
use model::{Body, BoundingBox, FireSign, HeartbeatStatus, Reading, Reject, Species, Timestamp};

fn note(topic: &str, operation: &str, data: &str) -> String {
    format!(
        "<wsnt:NotificationMessage><wsnt:Topic Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\">{topic}</wsnt:Topic>\
         <wsnt:ProducerReference><wsa5:Address>uri://cam</wsa5:Address></wsnt:ProducerReference><wsnt:Message>\
         <tt:Message UtcTime=\"2026-11-22T02:15:00Z\" PropertyOperation=\"{operation}\"><tt:Source>\
         <tt:SimpleItem Name=\"VideoSourceConfigurationToken\" Value=\"1\"/></tt:Source><tt:Key><tt:SimpleItem Name=\"ObjectId\" Value=\"1\"/>\
         </tt:Key><tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )
}

fn item(name: &str, value: &str) -> String {
    format!("<tt:SimpleItem Name=\"{name}\" Value=\"{value}\"/>")
}

fn read_beside(beside: &Beside, note: &str) -> Result<Reading, Reject> {
    decode(&entry(channel(beside), note.as_bytes()))
}

fn read(note: &str) -> Result<Reading, Reject> {
    read_beside(&Beside::default(), note)
}

#[track_caller]
fn seen(index: usize, note: &str) -> (Species, f64, Option<BoundingBox>) {
    let reading = read_beside(&Beside { index, ..Beside::default() }, note).unwrap();
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(RECEIVED_MS)));
    match reading.body {
        Body::Sighting(seen) => (seen.species, seen.confidence, seen.bounding_box),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn status(beside: Option<HeartbeatStatus>, note: &str) -> Option<HeartbeatStatus> {
    let beside = Beside { status: beside, ..Beside::default() };
    match read_beside(&beside, note).unwrap().body {
        Body::Heartbeat(life) => life.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_rule_engine_finds_is_a_sighting_and_its_end_is_a_sign_of_life() {
    let field = |value: &str| note("tns1:RuleEngine/FieldDetector/ObjectsInside", "Changed", &item("IsInside", value));
    assert_eq!(seen(0, &field("true")), (Species::Unknown, 0.5, None));
    assert_eq!(seen(0, &field("1")).0, Species::Unknown);
    assert_eq!(status(None, &field("false")), None);
    let line = note("tns1:RuleEngine/tt:LineDetector/Crossed", "Changed", &item("ObjectId", "0"));
    assert_eq!(seen(0, &line).0, Species::Unknown, "a number is no state");
    let loiters = "tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering";
    assert_eq!(seen(0, &note(loiters, "", &item("Since", "2026-11-22T02:14:00Z"))).0, Species::Unknown);
}

#[test]
fn how_things_stood_when_we_subscribed_is_no_event_of_now() {
    let inside =
        |operation: &str| note("tns1:RuleEngine/FieldDetector/ObjectsInside", operation, &item("IsInside", "true"));
    for operation in ["Initialized", "Deleted"] {
        assert_eq!(status(None, &inside(operation)), None, "{operation}");
    }
    let covered = note("tns1:VideoSource/GlobalSceneChange/AnalyticsService", "Initialized", &item("State", "true"));
    assert_eq!(status(None, &covered), Some(HeartbeatStatus::Fault), "but a lens that is covered is covered");
    assert_eq!(read(&covered).unwrap().device_time, None);
}

#[test]
fn an_object_detectors_classes_are_things_each_and_an_empty_list_is_none() {
    let classes = |value: &str| note("tns1:RuleEngine/ObjectDetection/Object", "Changed", &item("ClassTypes", value));
    let both = classes("Animal Human");
    assert_eq!((seen(0, &both).0, seen(1, &both).0), (Species::Unknown, Species::Person));
    assert_eq!(seen(0, &classes("Vehicle")).0, Species::Vehicle);
    assert_eq!(seen(0, &classes("Sheep,Dog")).0, Species::Sheep);
    assert_eq!(seen(0, &classes("Bird")).0, Species::Unknown, "it is something all the same");
    assert_eq!(status(None, &classes("")), None);
}

#[test]
fn a_box_around_the_middle_is_turned_into_one_from_the_corner() {
    let object = |more: &str| {
        note(
            "tns1:RuleEngine/ObjectTrack/Aggregation",
            "Changed",
            &format!(
                "<tt:ElementItem Name=\"Object\"><tt:Object ObjectId=\"3\">{more}<tt:Appearance><tt:Shape>\
                 <tt:BoundingBox left=\"0.0\" top=\"0.5\" right=\"0.25\" bottom=\"0.25\"/><tt:CenterOfGravity x=\"0.1\" y=\"0.4\"/></tt:Shape>\
                 <tt:Class><tt:Type Likelihood=\"0.75\">Animal</tt:Type><tt:Type Likelihood=\"0.2\">Human</tt:Type></tt:Class>\
                 </tt:Appearance></tt:Object></tt:ElementItem>"
            ),
        )
    };
    let area = BoundingBox { x: 0.5, y: 0.25, w: 0.125, h: 0.125 };
    assert_eq!(seen(0, &object("")), (Species::Unknown, 0.75, Some(area)));
    let halved =
        "<tt:Transformation><tt:Translate x=\"-0.5\" y=\"0\"/><tt:Scale x=\"0.5\" y=\"0.5\"/></tt:Transformation>";
    let area = BoundingBox { x: 0.25, y: 0.375, w: 0.0625, h: 0.0625 };
    assert_eq!(seen(0, &object(halved)).2, Some(area));
}

#[test]
fn trouble_with_the_camera_is_a_heartbeat_that_says_so() {
    for (topic, wanted) in [
        ("tns1:VideoSource/GlobalSceneChange/ImagingService", HeartbeatStatus::Fault),
        ("tns1:VideoSource/SignalLoss", HeartbeatStatus::Fault),
        ("tns1:RuleEngine/TamperDetector/Tamper", HeartbeatStatus::Fault),
        ("tns1:VideoSource/ImageTooDark/AnalyticsService", HeartbeatStatus::Degraded),
        ("tns1:VideoSource/ImageTooBlurry/ImagingService", HeartbeatStatus::Degraded),
        ("tns1:Device/HardwareFailure/StorageFailure", HeartbeatStatus::Degraded),
    ] {
        assert_eq!(status(None, &note(topic, "Changed", &item("State", "true"))), Some(wanted), "{topic}");
        assert_eq!(status(None, &note(topic, "Changed", &item("State", "false"))), None, "{topic}");
    }
    let dark = note("tns1:VideoSource/ImageTooDark/AnalyticsService", "Changed", &item("State", "true"));
    assert_eq!(status(Some(HeartbeatStatus::Fault), &dark), Some(HeartbeatStatus::Fault), "all that it said counts");
}

#[test]
fn an_answer_without_events_and_motion_are_signs_of_life() {
    assert_eq!(status(Some(HeartbeatStatus::Ok), "<tev:PullMessagesResponse/>"), Some(HeartbeatStatus::Ok));
    for topic in [
        "tns1:RuleEngine/CellMotionDetector/Motion",
        "tns1:RuleEngine/MotionRegionDetector/Motion",
        "tns1:VideoSource/MotionAlarm",
    ] {
        assert_eq!(status(None, &note(topic, "Changed", &item("IsMotion", "true"))), None, "{topic}");
    }
}

#[test]
fn makers_own_rules_are_known_by_their_names() {
    let rule = |name: &str| note(&format!("tns1:RuleEngine/MyRuleDetector/{name}"), "Changed", &item("State", "true"));
    assert_eq!(seen(0, &rule("PeopleDetect")).0, Species::Person);
    assert_eq!(seen(0, &rule("VehicleDetect")).0, Species::Vehicle);
    assert_eq!(seen(0, &rule("DogCatDetect")).0, Species::Unknown);
    let sign = |name: &str| match read(&rule(name)).unwrap().body {
        Body::Fire(fire) => fire.sign,
        other => panic!("{other:?}"),
    };
    assert_eq!((sign("SmokeDetect"), sign("FireAlarm")), (FireSign::Smoke, FireSign::Heat));
}

#[test]
fn a_camera_whose_clock_is_off_is_told_by_ours() {
    let line = note("tns1:RuleEngine/LineDetector/Crossed", "Changed", "");
    let at = |skew_ms: i64, line: &str| {
        let beside = Beside { skew_ms, ..Beside::default() };
        read_beside(&beside, line).map(|reading| reading.device_time.unwrap().0.as_millis())
    };
    assert_eq!(at(90_000, &line), Ok(RECEIVED_MS - 90_000));
    assert_eq!(at(-90_000, &line), Ok(RECEIVED_MS + 90_000));
    assert_eq!(at(0, &line.replace("00Z", "00")), Ok(RECEIVED_MS), "without a zone it is UTC");
    assert_eq!(at(i64::MAX, &line).unwrap_err().label(), "bad_time");
    assert_eq!(at(0, &line.replace("2026-", "1926-")).unwrap_err().label(), "bad_time");
}

#[test]
fn what_is_no_notification_has_its_reason() {
    for (bad, label) in [
        ("", "empty"),
        ("<NotificationMessage>", "bad_packet"),
        ("<NotificationMessage/>", "missing_field"),
        ("<NotificationMessage><Topic>a</Topic></NotificationMessage>", "missing_field"),
        ("<Envelope/>", "unknown_message"),
        (&note("tns1:RuleEngine/Recognition/Plate", "Changed", ""), "unknown_message"),
        (&note("tns1:Device/Trigger/Relay", "Changed", ""), "unused"),
        (&note("tns1:Monitoring/ProcessorUsage", "Changed", ""), "unused"),
    ] {
        assert_eq!(read(bad).unwrap_err().label(), label, "{bad}");
    }
}
