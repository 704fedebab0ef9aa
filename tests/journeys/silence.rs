//! A device that stops speaking is told of once, and once when it is back, whatever restarts come between.

use firmware_sim::receiver::Receiver;
use journeys::{Device, PATIENCE, Platform};
use serde_json::{Value, json};

const SILENT: &str = "steppewatch.device.silent";
const BACK: &str = "steppewatch.device.back";

async fn beats(camera: &mut Device) {
    let ts = firmware_sim::clock::now_ms();
    camera.say("heartbeat", json!({"ts": ts, "status": "ok", "uptime_s": 60})).await.unwrap();
}

/// Waits until a device is told of in this way; what is told.
async fn told(receiver: &Receiver, type_: &str, device: &str) -> Value {
    let wanted = receiver.wait_until(|one| one.type_ == type_ && one.json()["data"]["device"] == device);
    tokio::time::timeout(PATIENCE, wanted).await.unwrap().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_falls_silent_is_told_of_once_and_once_when_it_is_back_with_a_power_cut_between() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let receiver = platform.operator().await.unwrap().receiver([]).await.unwrap();
    // The shortest cadence there is: three of them and five seconds of grace are its patience.
    let mut camera = platform.device("cam-1", "camera", &["--cadence", "1s"]).await.unwrap();
    let mut other = platform.device("cam-2", "camera", &["--cadence", "1s"]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    beats(&mut camera).await;
    let silent = told(&receiver, SILENT, "cam-1").await;
    let operator = platform.operator().await.unwrap();
    let shown = operator.get("/devices/cam-1").await.unwrap();
    assert_eq!(shown["health"], "silent");
    assert_eq!(silent["data"]["last_seen"], shown["last_seen"]);

    platform.kill().await.unwrap();
    platform.run().await.unwrap();
    // The other camera measures the time: when it is told of, the first one's patience has passed once more.
    other.connect(&platform).await.unwrap();
    beats(&mut other).await;
    told(&receiver, SILENT, "cam-2").await;

    camera.connect(&platform).await.unwrap();
    beats(&mut camera).await;
    let back = told(&receiver, BACK, "cam-1").await;
    assert_eq!(back["data"]["last_seen"], silent["data"]["last_seen"], "{back}");
    beats(&mut camera).await;
    beats(&mut other).await;
    told(&receiver, BACK, "cam-2").await;

    // The outbox is written in the journal's order: what the second heartbeat brought about would be in it by now.
    let operator = platform.operator().await.unwrap();
    let outbox = operator.items("/deliveries").await.unwrap();
    let mut alerts: Vec<_> =
        outbox.iter().map(|delivery| (delivery["type"].as_str().unwrap(), subject(delivery))).collect();
    alerts.sort_unstable();
    assert_eq!(alerts, [(BACK, "cam-1"), (BACK, "cam-2"), (SILENT, "cam-1"), (SILENT, "cam-2")]);
}

/// The device that an alert is about; its id begins with it.
fn subject(delivery: &Value) -> &str {
    delivery["alert"].as_str().unwrap().get(..5).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_takes_two_cameras_with_it_is_one_outage_and_one_return() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let receiver = platform.operator().await.unwrap().receiver([]).await.unwrap();
    let mut devices = vec![platform.device("dock-1", "gateway", &["--cadence", "1s"]).await.unwrap()];
    for camera in ["cam-1", "cam-2"] {
        devices.push(platform.device(camera, "camera", &["--cadence", "1s", "--via", "dock-1"]).await.unwrap());
    }
    for device in &mut devices {
        device.connect(&platform).await.unwrap();
        beats(device).await;
    }
    let outage = |type_: &'static str| {
        let wanted = receiver.wait_until(move |one| one.type_ == type_);
        async { tokio::time::timeout(PATIENCE, wanted).await.unwrap().json() }
    };
    let begun = outage("steppewatch.fleet.outage").await;
    let notice = &begun["data"];
    assert_eq!((&notice["code"], &notice["name"]), (&json!("gateway"), &json!("dock-1")), "{begun}");
    assert_eq!(notice["devices"], json!(["cam-1", "cam-2", "dock-1"]), "{begun}");
    let operator = platform.operator().await.unwrap();
    let reasons = |camera: &Value| camera["reasons"][0]["code"] == "outage" && camera["health"] == "silent";
    operator.wait_for("/devices/cam-1", reasons).await.unwrap();

    for device in &mut devices {
        beats(device).await;
    }
    let over = outage("steppewatch.fleet.outage_over").await;
    assert_eq!(over["data"]["id"], notice["id"], "the same notice");
    let outbox = operator.items("/deliveries").await.unwrap();
    let alone = outbox.iter().filter(|delivery| [SILENT, BACK].contains(&delivery["type"].as_str().unwrap()));
    assert_eq!(alone.count(), 0, "nobody was told of alone: {outbox:?}");
}
