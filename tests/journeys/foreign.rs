//! Devices that speak somebody else's protocol over MQTT: a collar behind a LoRaWAN network server, cameras behind a Frigate instance.

use crate::herd::two_zones;
use firmware_sim::foreign::{frigate::Tracked, lorawan};
use journeys::{Device, Platform};
use serde_json::Value;

async fn publish(device: &mut Device, topic: &str, payload: &Value) {
    device.publish_to(topic, payload.to_string().into_bytes()).await.unwrap();
}

fn tracked(id: &str, frame: [u32; 4]) -> Tracked {
    Tracked { id: id.into(), camera: "mast-07".into(), label: "sheep".into(), frame }
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
    for dev_eui in ["a84041000181c061", "ffffffffffffffff"] {
        publish(&mut server, &lorawan::topic(dev_eui), &lorawan::oyster(dev_eui, 0, now, 43.891_234_5, 113.456_789))
            .await;
    }
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
    let ewe = tracked("1795313700.1-a", [612, 403, 655, 441]);
    let event = ewe.event("new", firmware_sim::clock::now_ms());
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
    let ewe = tracked("1795313700.123456-grz001", [610, 330, 670, 360]);
    for (kind, ago_ms) in [("new", 30_000), ("update", 20_000), ("update", 10_000), ("end", 0)] {
        publish(&mut frigate, "frigate/events", &ewe.event(kind, firmware_sim::clock::now_ms() - ago_ms)).await;
    }
    let opened = operator.wait_for_items("/incidents?status=open", |all| !all.is_empty()).await.unwrap();
    assert_eq!(opened[0]["zones"][0]["id"], "north", "{opened:?}");
    let metres_north = (opened[0]["position"]["lat"].as_f64().unwrap() - 43.3035) * 111_100.0;
    assert!((metres_north - 113.4).abs() < 5.0, "{metres_north} m");
}
