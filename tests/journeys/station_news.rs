//! What a station measures and a camera takes for a fire reaches whoever is to be told.

use firmware_sim::receiver::Receiver;
use journeys::{PATIENCE, Platform};
use serde_json::{Value, json};

const FROST: &str =
    "[[station_threshold]]\nname = \"frost\"\nquantity = \"air_temperature_c\"\nbelow = 0\nback = 2\nfor = \"5min\"";

async fn told(receiver: &Receiver, type_: &str) -> Value {
    tokio::time::timeout(PATIENCE, receiver.wait_until(|one| one.type_ == type_)).await.unwrap().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frost_is_told_once_and_its_end_once() {
    let mut platform = Platform::prepare(FROST).unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let receiver = operator.receiver([]).await.unwrap();
    let mut station = platform.device("station-1", "station", &["--township", "150425100"]).await.unwrap();
    station.connect(&platform).await.unwrap();
    let now = firmware_sim::clock::now_ms();
    // A spike that no sensor of that air can mean, a frost of ten minutes, and the sun.
    for (minutes_ago, air) in [(12, 1.5), (11, -30.0), (10, -0.4), (7, -1.0), (4, -1.2), (2, 0.5), (1, 2.5)] {
        let values = json!({"air_temperature_c": air, "humidity_percent": 80.0});
        station.say("reading", json!({"ts": now - minutes_ago * 60_000, "values": values})).await.unwrap();
    }
    let begun = told(&receiver, "steppewatch.station.threshold").await;
    let data = &begun["data"];
    assert_eq!(
        (&data["code"], &data["devices"], &data["township"]),
        (&json!("frost"), &json!(["station-1"]), &json!("150425100"))
    );
    assert_eq!((&data["value"], &data["limit"], &data["late"]), (&json!(-1.2), &json!(0.0), &json!(false)), "{begun}");
    assert!(data["text"]["zh"].as_str().unwrap().contains("霜冻"), "{begun}");
    told(&receiver, "steppewatch.station.threshold_over").await;
    let outbox = operator.items("/deliveries").await.unwrap();
    assert_eq!(outbox.len(), 2, "{outbox:?}");
    let series = operator.get("/devices/station-1/series?field=air_temperature_c").await.unwrap();
    assert_eq!(series["points"].as_array().unwrap().len(), 7, "what is flagged is shown all the same");
    assert_eq!(series["flags"], json!([[now - 11 * 60_000, ["rate"]]]), "{series}");
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_that_a_camera_sees_is_told_at_once_where_it_burns() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let receiver = platform.operator().await.unwrap().receiver([]).await.unwrap();
    let pose = [
        "--lat",
        "43.3",
        "--lon",
        "117.5",
        "--height-m",
        "30",
        "--yaw-deg",
        "0",
        "--pitch-deg=-10",
        "--hfov-deg",
        "60",
    ];
    let mut camera = platform.device("cam-1", "camera", &pose).await.unwrap();
    camera.connect(&platform).await.unwrap();
    let box_of_smoke = json!({"x": 0.45, "y": 0.4, "w": 0.1, "h": 0.1});
    for _again in 0..2 {
        let ts = firmware_sim::clock::now_ms();
        camera.say("fire", json!({"ts": ts, "sign": "smoke", "confidence": 0.7, "box": box_of_smoke})).await.unwrap();
    }
    let seen = told(&receiver, "steppewatch.fire.seen").await;
    let data = &seen["data"];
    assert_eq!((&data["code"], &data["devices"]), (&json!("smoke"), &json!(["cam-1"])));
    let lat = data["position"]["lat"].as_f64().unwrap();
    assert!((43.301..43.304).contains(&lat), "north of the camera: {seen}");
    let outbox = platform.operator().await.unwrap().items("/deliveries").await.unwrap();
    assert_eq!(outbox.len(), 1, "one fire is told once: {outbox:?}");
}
