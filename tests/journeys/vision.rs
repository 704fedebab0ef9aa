//! A picture becomes an incident: the real model, the real binary, a real picture over MQTT.

use crate::herd::two_zones;
use crate::readme::repository;
use journeys::{Device, Platform};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A file of the shared data, or a visible reason why the journey says nothing.
fn shared(name: &str) -> Option<PathBuf> {
    let file = repository().join("../shared/data").join(name);
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    }
    Some(file)
}

/// On a mast of 20 m, looking north and down.
const POSE: [&str; 10] =
    ["--lat", "43.3045", "--lon", "117.506", "--height-m", "20", "--yaw-deg", "0", "--pitch-deg=-20", "--hfov-deg=60"];

/// The pictures of a camera differ: here by what stands behind their end, which a decoder leaves alone.
async fn shows(camera: &mut Device, id: &str, jpeg: &[u8]) {
    camera.publish(&format!("snapshot/{id}"), [jpeg, id.as_bytes()].concat()).await.unwrap();
}

fn looked_at(outcome: &str, times: u32) -> String {
    format!("steppewatch_vision_pictures_total{{outcome=\"{outcome}\"}} {times}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn sheep_in_a_cameras_pictures_become_an_incident_whose_pictures_and_the_one_before_are_kept_across_a_restart() {
    let (Some(model), Some(sheep), Some(dogs)) = (
        shared("models/yolox_nano.onnx"),
        shared("images/coco_yolox_sample/000000005992.jpg"),
        shared("images/coco_yolox_sample/000000008690.jpg"),
    ) else {
        return;
    };
    let vision =
        format!("[vision]\nmodel = {:?}\nshare_percent = 100\ninterval = \"1ms\"", model.display().to_string());
    let mut platform = Platform::prepare(&vision).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &POSE).await.unwrap();
    camera.connect(&platform).await.unwrap();

    // A person and a dog are told and make no case; what is no picture is unknown.
    shows(&mut camera, "torn", b"\xFF\xD8\xFF nothing more").await;
    let dogs = std::fs::read(dogs).unwrap();
    shows(&mut camera, "dogs", &dogs).await;
    let unknown = looked_at("not_decodable", 1);
    platform.wait_for_metrics(|page| page.contains(&unknown) && page.contains(&looked_at("found", 1))).await.unwrap();

    let sheep = std::fs::read(sheep).unwrap();
    for id in ["s-1", "s-2", "s-3"] {
        shows(&mut camera, id, &sheep).await;
    }
    let listed = operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    assert_eq!((listed.len(), &listed[0]["zones"][0]["id"]), (1, &json!("north")));
    let path = format!("/incidents/{}", listed[0]["id"].as_str().unwrap());
    let shows_all = |incident: &Value| incident["evidence"].as_array().is_some_and(|shown| shown.len() == 3);
    let incident = operator.wait_for(&path, shows_all).await.unwrap();
    let species: Vec<_> = incident["species"].as_array().unwrap().iter().map(|of| &of["species"]).collect();
    assert_eq!(species, ["sheep"], "{incident}");
    assert_eq!(incident["species"][0]["count"], json!({"low": 3, "high": 5}), "four, more or less");

    let kept = operator.wait_for_items("/devices/cam-1/snapshots", |items| items.len() == 4).await.unwrap();
    let mut named: Vec<_> =
        kept.iter().map(|item| (item["snapshot_id"].as_str().unwrap(), item["why"].as_str().unwrap())).collect();
    named.sort_unstable();
    assert_eq!(named, [("dogs", "before"), ("s-1", "named"), ("s-2", "named"), ("s-3", "named")]);
    assert_eq!(kept[0]["pose"]["pitch_deg"], -20.0);
    let before = kept.iter().find(|item| item["snapshot_id"] == "dogs").unwrap();
    let file = platform.data().join("evidence").join(before["hash"].as_str().unwrap().get(..2).unwrap());
    let file = file.join(format!("{}.jpg", before["hash"].as_str().unwrap()));
    assert_eq!(std::fs::read(file).unwrap(), [&dogs[..], b"dogs"].concat());

    // A power cut, and the same pictures are neither looked at nor told again.
    platform.kill().await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    camera.connect(&platform).await.unwrap();
    shows(&mut camera, "s-4", &sheep).await;
    platform.wait_for_metrics(|page| page.contains(&looked_at("found", 1))).await.unwrap();
    let shows_one_more = |incident: &Value| incident["evidence"].as_array().is_some_and(|shown| shown.len() == 4);
    let incident = operator.wait_for(&path, shows_one_more).await.unwrap();
    let boxes: Vec<_> = incident["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|picture| picture["boxes"].as_array().unwrap().len())
        .collect();
    assert_eq!(boxes, [1, 1, 1, 1], "each picture was told once");
    assert_eq!(operator.items("/incidents").await.unwrap().len(), 1);
}
