//! Cameras that speak ISAPI or ONVIF, from their own events to the operator's incident and its pictures.

use crate::herd::two_zones;
use firmware_sim::isapi::{IsapiPoster, event, region};
use journeys::Platform;
use serde_json::{Value, json};

/// On a mast of 20 m in the middle of the closed zone, looking north and down.
const POSE: [&str; 10] =
    ["--lat", "43.3045", "--lon", "117.506", "--height-m", "20", "--yaw-deg", "0", "--pitch-deg=-20", "--hfov-deg=60"];
/// A sheep at some sixty metres.
const SHEEP: [f64; 4] = [0.48, 0.47, 0.02, 0.03];

/// The time of Beijing as these cameras write it.
fn now() -> String {
    let now = model::Timestamp::from_millis(firmware_sim::clock::now_ms() + 8 * 3_600_000).to_rfc3339();
    now.replace('Z', "+08:00")
}

/// The one incident, once it shows so many pictures.
async fn incident_with_pictures(platform: &Platform, pictures: usize) -> Value {
    let operator = platform.operator().await.unwrap();
    let listed = operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    assert_eq!((listed.len(), &listed[0]["zones"][0]["id"]), (1, &json!("north")));
    let path = format!("/incidents/{}", listed[0]["id"].as_str().unwrap());
    let shows = |incident: &Value| incident["evidence"].as_array().is_some_and(|shown| shown.len() >= pictures);
    operator.wait_for(&path, shows).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_posts_its_events_makes_a_case_with_its_pictures_and_says_when_its_lens_is_covered() {
    let mut platform = Platform::prepare("").unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.device("cam-1", "camera", &POSE).await.unwrap();
    let shown = platform.tell(&["--json", "devices", "camera-password", "cam-1"]).await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let password = shown["camera_password"].as_str().unwrap();
    platform.run().await.unwrap();
    let url = format!("http://{}{}", platform.http, shown["path"].as_str().unwrap());
    let camera = IsapiPoster::new(&url, shown["user"].as_str().unwrap(), password).unwrap();

    camera.post(&event("videoloss", "inactive", &now(), ""), None).await.unwrap();
    let operator = platform.operator().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();
    for number in 0..4_u8 {
        let jpeg = [b"\xFF\xD8\xFF\xE0 a picture ".as_slice(), &[number]].concat();
        let intrusion = event("fielddetection", "active", &now(), &region("animal", SHEEP));
        camera.post(&intrusion, Some(&jpeg)).await.unwrap();
    }
    let incident = incident_with_pictures(&platform, 3).await;
    assert_eq!(incident["evidence"][0]["boxes"].as_array().map(Vec::len), Some(1), "{incident}");

    camera.post(&event("shelteralarm", "active", &now(), ""), None).await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "faulty").await.unwrap();
    camera.post(&event("videoloss", "inactive", &now(), ""), None).await.unwrap();
    camera.post(&event("shelteralarm", "inactive", &now(), ""), None).await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();

    let stranger = IsapiPoster::new(&url, "cam-1", "guess").unwrap();
    let refused = stranger.post(&event("videoloss", "inactive", &now(), ""), None).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    assert!(!platform.log().contains(password), "no password in the log");
}
