use super::*;
use serde_json::Value;
use std::collections::BTreeMap;

const TIMING: Timing = Timing { start_unix_ms: 1_795_313_700_000, speed: 1.0 };

fn play(seed: u64, seconds: u64) -> Output {
    let scenario = Arc::new(Scenario::hexigten_day(seed));
    Play::new(scenario, "hexigten", TIMING, |_| 0).until(SimTime(seconds * 1_000))
}

fn of_kind<'a>(output: &'a Output, kind: &str) -> Vec<&'a Message> {
    let part = format!("/{kind}");
    output.messages.iter().filter(|message| message.topic.contains(&part)).collect()
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

#[test]
fn the_same_seed_says_the_same_bytes_in_the_first_minute() {
    let (first, second) = (play(11, 60), play(11, 60));
    assert!(first.messages.len() > 300, "{}", first.messages.len());
    assert_eq!(first, second);
    assert_ne!(first.messages, play(12, 60).messages);
}

#[test]
fn every_device_gives_a_sign_of_life_within_the_first_minute() {
    let scenario = Scenario::hexigten_day(11);
    let output = play(11, 61);
    let silent: Vec<_> = scenario
        .devices()
        .iter()
        .filter(|device| device.speaks_mqtt())
        .filter(|device| !output.messages.iter().any(|message| *message.device == *device.id))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn native_payloads_use_the_contracts_field_names() {
    let output = play(11, 120);
    let common = ["ts", "seq"];
    let allowed: BTreeMap<&str, Vec<&str>> = [
        (
            "heartbeat",
            vec![
                "status",
                "uptime_s",
                "battery_percent",
                "signal_dbm",
                "temperature_c",
                "storage_free_mb",
                "pose",
                "frame_hash",
            ],
        ),
        (
            "track",
            vec![
                "lat",
                "lon",
                "alt_m",
                "height_m",
                "speed_mps",
                "heading_deg",
                "battery_percent",
                "gimbal",
                "hdop",
                "accuracy_m",
                "flight_id",
            ],
        ),
        (
            "sighting",
            vec![
                "species",
                "count",
                "young",
                "confidence",
                "lat",
                "lon",
                "accuracy_m",
                "box",
                "track_id",
                "snapshot_id",
            ],
        ),
    ]
    .into();
    for (kind, names) in allowed {
        let messages = of_kind(&output, kind);
        assert!(!messages.is_empty(), "no {kind}");
        for message in messages {
            assert_eq!(message.topic, format!("steppe/v1/hexigten/{}/{kind}", message.device));
            let object = json(message);
            for key in object.as_object().unwrap().keys() {
                assert!(common.contains(&key.as_str()) || names.contains(&key.as_str()), "{kind} has {key}");
            }
            assert!(object["seq"].is_u64() && (object["ts"].is_string() || object["ts"].is_i64()));
        }
    }
}

#[test]
fn a_camera_and_its_neighbour_tell_of_the_trespassers_three_times_within_the_first_minute() {
    for seed in [1, 2, 3, 7, 42] {
        let output = play(seed, 45);
        for camera in ["cam-01", "cam-02"] {
            let sightings: Vec<Value> = of_kind(&output, "sighting")
                .into_iter()
                .filter(|message| &*message.device == camera)
                .map(json)
                .collect();
            assert!(sightings.len() >= 3, "seed {seed}: {camera} told {} times", sightings.len());
            assert!(sightings.iter().all(|sighting| sighting["accuracy_m"].as_f64().unwrap() < 40.0));
        }
    }
}

#[test]
fn told_places_scatter_about_the_true_ones_by_about_their_accuracy() {
    let output = play(5, 600);
    let truth: BTreeMap<(String, i64), (f64, f64)> = output
        .truth
        .iter()
        .map(|line| serde_json::from_str::<Value>(&line.to_json()).unwrap())
        .filter(|line| line["what"] == "seen" && line["device"].as_str().unwrap().starts_with("drone"))
        .map(|line| {
            let key = (line["device"].as_str().unwrap().to_owned(), line["ts"].as_i64().unwrap());
            (key, (line["lat"].as_f64().unwrap(), line["lon"].as_f64().unwrap()))
        })
        .collect();
    let mut checked = 0;
    for message in of_kind(&output, "sighting") {
        let said = json(message);
        let Some(ts) = said["ts"].as_i64() else { continue };
        let Some((lat, lon)) = truth.get(&(message.device.to_string(), ts)) else { continue };
        let off_m =
            ((said["lat"].as_f64().unwrap() - lat) * 111_100.0).hypot((said["lon"].as_f64().unwrap() - lon) * 81_000.0);
        assert!(off_m < 5.0 * said["accuracy_m"].as_f64().unwrap(), "{off_m} m off: {said}");
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn boxes_lie_within_the_picture() {
    let output = play(11, 300);
    let boxes: Vec<Value> =
        of_kind(&output, "sighting").into_iter().map(json).filter(|s| !s["box"].is_null()).collect();
    assert!(!boxes.is_empty());
    for sighting in boxes {
        let edge = |name: &str| sighting["box"][name].as_f64().unwrap();
        assert!(edge("x") >= 0.0 && edge("y") >= 0.0 && edge("w") > 0.0 && edge("h") > 0.0, "{sighting}");
        assert!(edge("x") + edge("w") <= 1.0 + 1e-5 && edge("y") + edge("h") <= 1.0 + 1e-5, "{sighting}");
        assert!(sighting["lat"].is_null());
    }
}

#[test]
fn dji_airframes_send_osd_in_their_makers_envelope_every_two_seconds() {
    let output = play(11, 60);
    let osd: Vec<&Message> = output.messages.iter().filter(|message| message.topic.ends_with("/osd")).collect();
    assert_eq!(osd.len(), 2 * 30);
    for message in osd {
        let serial = message.topic.split('/').nth(2).unwrap();
        assert!(serial.starts_with("1581F6Q8D24"), "{serial}");
        let object = json(message);
        for key in ["tid", "bid", "gateway"] {
            assert!(object[key].is_string(), "{key}");
        }
        assert!(object["timestamp"].is_i64());
        let data = &object["data"];
        assert!((42.9..43.7).contains(&data["latitude"].as_f64().unwrap()));
        assert!((-180.0..=180.0).contains(&data["attitude_head"].as_f64().unwrap()));
        assert_eq!(data["81-0-0"]["payload_index"], "81-0-0");
        assert_eq!(data["position_state"]["is_fixed"], 2);
        let above_m = data["height"].as_f64().unwrap() - data["elevation"].as_f64().unwrap();
        assert!((above_m - crate::scenario::GROUND_ALT_M).abs() < 0.2);
    }
}

#[test]
fn sightings_name_a_picture_that_was_sent_before() {
    let output = play(11, 300);
    let mut sent = std::collections::BTreeSet::new();
    let mut named = 0;
    for message in &output.messages {
        if let Some((_, id)) = message.topic.split_once("/snapshot/") {
            assert!(message.payload.starts_with(&[0xff, 0xd8, 0xff]));
            sent.insert(id.to_owned());
        } else if message.topic.ends_with("/sighting")
            && let Some(id) = json(message)["snapshot_id"].as_str()
        {
            assert!(sent.contains(id), "{id}");
            named += 1;
        }
    }
    assert!(named > 10);
}

#[test]
fn speed_makes_devices_talk_more_often_but_leaves_the_time_stamps_real() {
    let timing = Timing { speed: 10.0, ..TIMING };
    let scenario = Arc::new(Scenario::hexigten_day(11));
    let output = Play::new(scenario, "hexigten", timing, |_| 0).until(timing.sim_time(6_000));
    assert!(output.messages.iter().all(|message| message.at_ms <= 6_000));
    for message in of_kind(&output, "track") {
        let ts = json(message)["ts"].as_i64().unwrap();
        assert!((TIMING.start_unix_ms..=TIMING.start_unix_ms + 6_000).contains(&ts));
    }
    assert_eq!(output.messages.len(), play(11, 60).messages.len());
}

#[test]
fn collars_sometimes_have_no_fix_and_sometimes_jump() {
    let output = play(11, 1_200);
    let fixes: Vec<Value> = of_kind(&output, "track")
        .into_iter()
        .filter(|message| message.device.starts_with("collar"))
        .map(json)
        .collect();
    let none = fixes.iter().filter(|fix| fix["lat"] == 0.0 && fix["lon"] == 0.0).count();
    assert!(none > 0 && none * 50 < fixes.len(), "{none} of {}", fixes.len());
}
