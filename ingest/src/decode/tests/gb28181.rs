//! GB/T 28181: the standard's examples and what real devices make of them.

use super::{RECEIVED_MS, entry};
use crate::decode::decode;
use crate::decode::gb28181::channel;
use model::{Body, FireSign, HeartbeatStatus, Place, Reading, Reject, Species, Timestamp};

const CAMERA: &str = "15252500401320000001";
const CHANNEL: &str = "15252500401320000002";

fn read_as(subject: &str, datum: &str, payload: &[u8]) -> Result<Reading, Reject> {
    decode(&entry(channel(subject, datum), payload))
}

fn read(xml: &str) -> Result<Reading, Reject> {
    read_as(CAMERA, "wgs84", xml.as_bytes())
}

#[track_caller]
fn check_life(subject: &str, xml: &str, status: HeartbeatStatus) {
    let reading = read_as(subject, "wgs84", xml.as_bytes()).unwrap();
    // Devices that count their keepalives from 1 after each start say nothing twice.
    assert_eq!((reading.device_time, reading.seq), (None, None));
    match reading.body {
        Body::Heartbeat(life) => assert_eq!(life.status, Some(status), "{xml}"),
        other => panic!("{other:?}"),
    }
}

fn alarm(fields: &str) -> String {
    format!(
        "<Notify><CmdType>Alarm</CmdType><SN>51</SN><DeviceID>{CAMERA}</DeviceID><AlarmPriority>2</AlarmPriority>\
         <AlarmTime>2026-11-22T10:15:00</AlarmTime>{fields}</Notify>"
    )
}

fn seen(fields: &str) -> (Species, Place) {
    let reading = read(&alarm(fields)).unwrap();
    assert_eq!(reading.device_time.map(|time| time.0), Some(Timestamp::from_millis(RECEIVED_MS)));
    assert_eq!(reading.seq, Some(51));
    match reading.body {
        Body::Sighting(seen) => (seen.species, seen.place),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_keepalive_is_a_sign_of_life_and_names_the_parts_that_are_out_of_order() {
    let keepalive = |status: &str, info: &str| {
        format!(
            "<Notify><CmdType>Keepalive</CmdType><SN>1</SN><DeviceID>{CAMERA}</DeviceID><Status>{status}</Status>{info}</Notify>"
        )
    };
    let broken_channel = format!("<Info><DeviceID>{CHANNEL}</DeviceID></Info>");
    check_life(CAMERA, &keepalive("OK", ""), HeartbeatStatus::Ok);
    check_life(CAMERA, &keepalive("ok", &broken_channel), HeartbeatStatus::Ok);
    check_life(CHANNEL, &keepalive("OK", &broken_channel), HeartbeatStatus::Fault);
    check_life(CHANNEL, &keepalive("ERROR", ""), HeartbeatStatus::Ok);
    check_life(CAMERA, &keepalive("Error", ""), HeartbeatStatus::Fault);
    check_life(CAMERA, "<Notify CmdType=\"Keepalive\" SN=\"43\"/>", HeartbeatStatus::Ok);
    check_life(CAMERA, "REGISTER sip:15252500402000000001@1525250040 SIP/2.0\r\n\r\n", HeartbeatStatus::Ok);
}

#[test]
fn a_catalogue_says_of_each_channel_whether_it_works() {
    let catalogue = format!(
        "<Response><CmdType>Catalog</CmdType><SN>17430</SN><DeviceID>{CAMERA}</DeviceID><SumNum>2</SumNum><DeviceList Num=\"1\">\
         <Item><DeviceID>{CHANNEL}</DeviceID><Name>草场一号</Name><Status>OFF</Status></Item></DeviceList></Response>"
    );
    check_life(CHANNEL, &catalogue, HeartbeatStatus::Fault);
    check_life(CAMERA, &catalogue, HeartbeatStatus::Ok);
    check_life(CHANNEL, &catalogue.replace("OFF", "ON"), HeartbeatStatus::Ok);
}

#[test]
fn an_intrusion_is_a_sighting_of_something_at_the_place_that_the_alarm_names() {
    let fields = "<AlarmMethod>5</AlarmMethod><AlarmDescription>牛羊入侵</AlarmDescription><Longitude>113.456789</Longitude>\
                  <Latitude>43.891234</Latitude><Info><AlarmType>6</AlarmType><AlarmTypeParam><EventType>1</EventType></AlarmTypeParam></Info>";
    let (species, place) = seen(fields);
    assert_eq!(species, Species::Unknown);
    let Place::Ground { position, accuracy_m: None } = place else { panic!("{place:?}") };
    assert_eq!((position.lat_deg(), position.lon_deg()), (43.891_234, 113.456_789));
    // The same as bytes of GB2312.
    let said = alarm(fields);
    let (bytes, _, _) = encoding_rs::GBK.encode(&said);
    assert!(matches!(read_as(CAMERA, "wgs84", &bytes).unwrap().body, Body::Sighting(_)));
}

#[test]
fn an_alarm_in_another_datum_is_moved_to_where_it_was() {
    let fields = "<AlarmMethod>5</AlarmMethod><AlarmType>6</AlarmType><Longitude>113.507503</Longitude><Latitude>43.902009</Latitude>";
    let reading = read_as(CAMERA, "gcj02", alarm(fields).as_bytes()).unwrap();
    let Body::Sighting(seen) = reading.body else { panic!("{reading:?}") };
    let Place::Ground { position, .. } = seen.place else { panic!("{seen:?}") };
    assert!((position.lat_deg() - 43.9).abs() < 1e-5 && (position.lon_deg() - 113.5).abs() < 1e-5, "{position:?}");
}

#[test]
fn an_intrusion_without_a_place_was_somewhere_before_the_lens() {
    for place in ["", "<Longitude>0.0</Longitude><Latitude>0.0</Latitude>"] {
        let (species, place) = seen(&format!("<AlarmMethod>5</AlarmMethod><AlarmType>6</AlarmType>{place}"));
        assert!(matches!(place, Place::Picture(area) if area.w == 1.0), "{place:?}");
        assert_eq!(species, Species::Unknown);
    }
}

#[test]
fn a_text_names_people_and_vehicles_and_animals_before_both() {
    let named =
        |text: &str| seen(&format!("<AlarmMethod>7</AlarmMethod><AlarmDescription>{text}</AlarmDescription>")).0;
    assert_eq!(named("人员赶羊"), Species::Unknown);
    assert_eq!(named("Sheep in zone 3"), Species::Unknown);
    assert_eq!(named("人员闯入"), Species::Person);
    assert_eq!(named("车辆驶入"), Species::Vehicle);
}

#[test]
fn a_text_that_names_smoke_or_fire_is_a_fire_whatever_the_type() {
    let fire = |fields: &str| match read(&alarm(fields)).map(|reading| reading.body) {
        Ok(Body::Fire(fire)) => Some((fire.sign, fire.place.is_some())),
        _ => None,
    };
    let described = |method: &str, text: &str| {
        format!("<AlarmMethod>{method}</AlarmMethod><AlarmDescription>{text}</AlarmDescription>")
    };
    let placed = format!("{}<Longitude>117.5</Longitude><Latitude>43.3</Latitude>", described("5", "热成像发现火点"));
    assert_eq!(fire(&placed), Some((FireSign::Heat, true)));
    assert_eq!(fire(&described("5", "烟火检测报警")), Some((FireSign::Smoke, false)));
    assert_eq!(fire(&described("7", "Smoke detected")), Some((FireSign::Smoke, false)));
    for nothing in ["防火检查站 人员", "吸烟检测", "firewall", "羊群"] {
        assert_eq!(fire(&described("5", nothing)), None, "{nothing}");
    }
    let hot_device = format!("{}<AlarmType>4</AlarmType>", described("2", "设备高温 火警输出"));
    assert_eq!(fire(&hot_device), None, "the device itself is hot");
}

#[test]
fn an_alarm_about_the_device_is_its_health_and_one_that_left_is_gone() {
    let health = |fields: &str| match read(&alarm(fields)).unwrap().body {
        Body::Heartbeat(life) => life.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(health("<AlarmMethod>2</AlarmMethod><AlarmType>1</AlarmType>"), Some(HeartbeatStatus::Fault));
    assert_eq!(health("<AlarmMethod>2</AlarmMethod><AlarmType>3</AlarmType>"), Some(HeartbeatStatus::Degraded));
    assert_eq!(health("<AlarmMethod>6</AlarmMethod>"), Some(HeartbeatStatus::Fault));
    let left = "<AlarmMethod>5</AlarmMethod><Info><AlarmType>6</AlarmType><AlarmTypeParam><EventType>2</EventType></AlarmTypeParam></Info>";
    assert_eq!(health(left), Some(HeartbeatStatus::Ok));
}

#[test]
fn what_says_nothing_of_animals_is_kept_under_its_name() {
    let unknown = |xml: &str| match read(xml) {
        Err(Reject::UnknownMessage(name)) => name,
        other => panic!("{other:?}"),
    };
    let motion =
        alarm("<AlarmMethod>5</AlarmMethod><AlarmType>2</AlarmType><AlarmDescription>移动侦测</AlarmDescription>");
    assert_eq!(unknown(&motion), "gb28181 alarm, method 5, type 2");
    assert_eq!(unknown("<Notify><CmdType>Broadcast</CmdType></Notify>"), "gb28181 Notify Broadcast");
    assert_eq!(unknown("<Query><CmdType>Alarm</CmdType></Query>"), "gb28181 Query Alarm");
    assert_eq!(read("<Notify><SN>1</SN></Notify>"), Err(Reject::Missing { field: "CmdType" }));
}

#[test]
fn a_mobile_position_is_a_track_in_metres_a_second() {
    let position = |lon: &str, time: &str| {
        format!(
            "<Notify><CmdType>MobilePosition</CmdType><SN>9</SN><Time>{time}</Time><Longitude>{lon}</Longitude><Latitude>43.9</Latitude>\
             <Speed>36</Speed><Direction>90</Direction><Altitude>1255.5</Altitude></Notify>"
        )
    };
    let reading = read(&position("113.5", "2026-11-22T10:15:00")).unwrap();
    let Body::Track(track) = reading.body else { panic!("{reading:?}") };
    assert_eq!((track.speed_mps, track.alt_m, track.heading_deg), (Some(10.0), Some(1_255.5), None));
    assert_eq!(track.position.map(|at| at.lon_deg()), Some(113.5));
    assert!(matches!(read(&position("east", "2026-11-22T10:15:00")), Err(Reject::Malformed(_))));
    assert!(matches!(read(&position("113.5", "noon")), Err(Reject::BadTime(_))));
    assert!(matches!(read(&position("113.5", "2026-11-22T11:15:00")), Err(Reject::FutureTime { .. })));
}
