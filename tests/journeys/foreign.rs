//! Devices that speak somebody else's protocol over MQTT: a collar behind a LoRaWAN network server, cameras behind a Frigate instance.

use crate::herd::two_zones;
use journeys::{Device, Platform};
use serde_json::{Value, json};

async fn publish(device: &mut Device, topic: &str, payload: &Value) {
    device.publish_to(topic, payload.to_string().into_bytes()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collar_behind_a_lorawan_network_server_is_where_its_bytes_say() {
    let mut platform = Platform::prepare("").unwrap();
    let mut server = platform.device("lora-1", "gateway", &[]).await.unwrap();
    let collar = ["--via", "lora-1", "--external", "deveui=A84041000181C061"];
    platform.device("collar-17", "collar", &collar).await.unwrap();
    platform.run().await.unwrap();
    server.connect(&platform).await.unwrap();
    let now = firmware_sim::clock::now_ms();
    // An Oyster at 43.8912345, 113.456789.
    let uplink = json!({
        "time": firmware_sim::clock::rfc3339(now), "fCnt": 4, "fPort": 1, "data": "WUUpGtIhoEMBEsg=",
        "deviceInfo": { "deviceProfileName": "Digital Matter Oyster", "devEui": "a84041000181c061", "tags": {} },
    });
    publish(&mut server, "application/7d0c/device/a84041000181c061/event/up", &uplink).await;
    publish(&mut server, "application/7d0c/device/ffffffffffffffff/event/up", &uplink).await;
    let operator = platform.operator().await.unwrap();
    let is_there = |device: &Value| device["last_position"]["lat"] == 43.8912345 && device["health"] == "online";
    operator.wait_for("/devices/collar-17", is_there).await.unwrap();
    let letters = operator.items("/dead-letters").await.unwrap();
    assert_eq!(
        (&letters[0]["reason"], &letters[0]["device"]),
        (&"unregistered".into(), &"lora-1".into()),
        "{letters:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frigate_instance_that_loses_a_cameras_stream_makes_the_camera_faulty_until_it_is_back() {
    let size = "[mqtt.frigate]\ndetect = \"1280x720\"\n";
    let mut platform = Platform::prepare(size).unwrap();
    let mut frigate = platform.device("nvr-1", "gateway", &[]).await.unwrap();
    let camera = ["--via", "nvr-1", "--external", "frigate=mast-07", "--lat", "43.3", "--lon", "117.5"];
    platform.device("cam-7", "camera", &camera).await.unwrap();
    platform.run().await.unwrap();
    frigate.connect(&platform).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let health = |wanted: &'static str| move |device: &Value| device["health"] == wanted;
    frigate.publish_to("frigate/available", b"online".to_vec()).await.unwrap();
    operator.wait_for("/devices/nvr-1", health("online")).await.unwrap();
    let seconds = firmware_sim::clock::now_ms() as f64 / 1_000.0;
    let event = json!({ "type": "new", "after": { "id": "1-a", "camera": "mast-07", "frame_time": seconds, "label": "sheep",
        "score": 0.83, "false_positive": false, "box": [612, 403, 655, 441] } });
    publish(&mut frigate, "frigate/events", &event).await;
    operator.wait_for("/devices/cam-7", health("online")).await.unwrap();
    for (word, wanted) in [("offline", "faulty"), ("online", "online")] {
        frigate.publish_to("frigate/mast-07/status/detect", word.into()).await.unwrap();
        operator.wait_for("/devices/cam-7", health(wanted)).await.unwrap();
    }
    assert_eq!(operator.items("/dead-letters").await.unwrap(), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sheep_that_frigate_tracks_in_a_closed_zone_are_an_incident_where_they_stand() {
    let mut platform = Platform::prepare("[mqtt.frigate]\ndetect = \"1280x720\"\n").unwrap();
    platform.import(&two_zones()).await.unwrap();
    let mut frigate = platform.device("nvr-1", "gateway", &[]).await.unwrap();
    // On a mast of 20 m, looking north and ten degrees down: the picture's middle is 113 m away, inside the zone.
    let pose = [
        "--lat",
        "43.3035",
        "--lon",
        "117.506",
        "--height-m",
        "20",
        "--yaw-deg",
        "0",
        "--pitch-deg=-10",
        "--hfov-deg",
        "60",
    ];
    let camera = [&["--via", "nvr-1", "--external", "frigate=mast-07"][..], &pose].concat();
    platform.device("cam-7", "camera", &camera).await.unwrap();
    platform.run().await.unwrap();
    frigate.connect(&platform).await.unwrap();
    let operator = platform.operator().await.unwrap();
    for (step, kind) in ["new", "update", "update", "end"].iter().enumerate() {
        let seconds = firmware_sim::clock::now_ms() as f64 / 1_000.0 - 30.0 + 10.0 * step as f64;
        let event = json!({ "type": kind, "after": { "id": "1795313700.123456-grz001", "camera": "mast-07", "frame_time": seconds,
            "label": "sheep", "score": 0.83, "false_positive": false, "box": [610, 330, 670, 360] } });
        publish(&mut frigate, "frigate/events", &event).await;
    }
    let opened = operator.wait_for_items("/incidents?status=open", |all| !all.is_empty()).await.unwrap();
    assert_eq!(opened[0]["zones"][0]["id"], "north", "{opened:?}");
    let metres_north = (opened[0]["position"]["lat"].as_f64().unwrap() - 43.3035) * 111_100.0;
    assert!((metres_north - 113.4).abs() < 5.0, "{metres_north} m");
}
