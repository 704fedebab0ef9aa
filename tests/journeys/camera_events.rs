//! Cameras that speak ISAPI or ONVIF, from their own events to the operator's incident and its pictures.

use crate::herd::two_zones;
use firmware_sim::isapi::{IsapiPoster, IsapiStream, event, region};
use firmware_sim::onvif::OnvifCamera;
use journeys::Platform;
use serde_json::{Value, json};

/// On a mast of 20 m in the middle of the closed zone, looking north and down.
const POSE: [&str; 10] =
    ["--lat", "43.3045", "--lon", "117.506", "--height-m", "20", "--yaw-deg", "0", "--pitch-deg=-20", "--hfov-deg=60"];
/// A sheep at some sixty metres.
const SHEEP: [f64; 4] = [0.48, 0.47, 0.02, 0.03];

/// The same as an object in the scene: from -1 to 1, y upwards.
const OBJECT: &str = "<tt:ElementItem Name=\"Object\"><tt:Object ObjectId=\"NUMBER\"><tt:Appearance><tt:Shape>\
    <tt:BoundingBox left=\"-0.04\" top=\"0.06\" right=\"0.0\" bottom=\"0.0\"/><tt:CenterOfGravity x=\"-0.02\" y=\"0.03\"/></tt:Shape>\
    <tt:Class><tt:Type Likelihood=\"0.9\">Animal</tt:Type></tt:Class></tt:Appearance></tt:Object></tt:ElementItem>";

/// The time of Beijing as these cameras write it.
fn now() -> String {
    in_seconds(0)
}

/// The same, so many seconds later: what is said twice within one time is the same thing said twice.
fn in_seconds(seconds: u8) -> String {
    let ahead_ms = 8 * 3_600_000 + 1_000 * i64::from(seconds);
    let then = model::Timestamp::from_millis(firmware_sim::clock::now_ms() + ahead_ms).to_rfc3339();
    then.replace('Z', "+08:00")
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
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let url = format!("http://{}{}", platform.http, shown["path"].as_str().unwrap());
    let camera = IsapiPoster::new(&url, shown["user"].as_str().unwrap(), password).unwrap();

    camera.post(&event("videoloss", "inactive", &now(), ""), None).await.unwrap();
    let operator = platform.operator().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();
    for number in 0..4_u8 {
        let jpeg = [b"\xFF\xD8\xFF\xE0 a picture ".as_slice(), &[number]].concat();
        let intrusion = event("fielddetection", "active", &in_seconds(number), &region("animal", SHEEP));
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

/// A section of the configuration for a camera that is asked.
fn asked(folder: &std::path::Path, protocol: &str, url: &str) -> String {
    let file = folder.join("camera.password");
    std::fs::write(&file, "grass-2026\n").unwrap();
    format!(
        "[[{protocol}]]\ndevice = \"cam-1\"\nurl = {url:?}\nuser = \"reader\"\npassword_file = {:?}\n",
        file.display().to_string()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cameras_stream_of_events_makes_a_case_with_its_pictures_also_after_it_hung_up() {
    let folder = tempfile::tempdir().unwrap();
    let camera = IsapiStream::start("reader", "grass-2026").await.unwrap();
    let mut platform = Platform::prepare(&asked(folder.path(), "isapi", &camera.url())).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.device("cam-1", "camera", &POSE).await.unwrap();
    platform.run().await.unwrap();
    camera.has_listener(1).await.unwrap();
    camera.say(&event("videoloss", "inactive", &now(), ""), None);
    let operator = platform.operator().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "online").await.unwrap();
    camera.hang_up();
    camera.has_listener(2).await.unwrap();
    for number in 0..4_u8 {
        let jpeg = [b"\xFF\xD8\xFF\xE0 a picture ".as_slice(), &[number]].concat();
        camera.say(&event("fielddetection", "active", &in_seconds(number), &region("animal", SHEEP)), Some(&jpeg));
    }
    incident_with_pictures(&platform, 3).await;
    let up = "steppewatch_camera_links{protocol=\"isapi\",state=\"up\"} 1\n";
    let page = platform.wait_for_metrics(|page| page.contains(up)).await.unwrap();
    assert!(page.contains("steppewatch_camera_link_failures_total{protocol=\"isapi\",reason=\"ended\"} 1\n"), "{page}");
    assert!(!platform.log().contains("grass-2026"), "no password in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_onvif_camera_with_a_wrong_clock_is_asked_and_what_it_detects_makes_a_case() {
    let folder = tempfile::tempdir().unwrap();
    let camera = OnvifCamera::start("reader", "grass-2026").await.unwrap();
    camera.stand_behind_nat();
    camera.set_clock_ahead(86_400_000);
    let mut platform = Platform::prepare(&asked(folder.path(), "onvif", &camera.url())).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.device("cam-1", "camera", &POSE).await.unwrap();
    platform.run().await.unwrap();
    camera.was_asked(1).await.unwrap();
    for number in 1..=4 {
        let object = OBJECT.replace("NUMBER", &number.to_string());
        camera.notify_with("tns1:RuleEngine/ObjectTrack/Aggregation", &object);
        // What is seen in one moment is one picture.
        camera.was_asked(number + 1).await.unwrap();
    }
    incident_with_pictures(&platform, 0).await;
    camera.notify("tns1:VideoSource/GlobalSceneChange/AnalyticsService", &[("State", "true")]);
    let operator = platform.operator().await.unwrap();
    operator.wait_for("/devices/cam-1", |device| device["health"] == "faulty").await.unwrap();
    assert!(platform.stop().await.unwrap().success());
    assert_eq!(camera.subscriptions(), 0, "it was told goodbye");
    assert!(!platform.log().contains("grass-2026"), "no password in the log");
}
