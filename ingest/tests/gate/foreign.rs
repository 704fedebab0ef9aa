//! Foreign protocols at the gate: DJI's devices get their answers, docks speak for the aircraft that they fly, Frigate for its cameras.

use crate::house::House;
use ingest::decode::decode;
use ingest::gate::FrigateDetect;
use model::{Body, Channel, DeviceId, DeviceKind, External, Place};
use registry::NewDevice;
use rumqttc::{AsyncClient, Event, EventLoop, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

struct Client(AsyncClient, EventLoop);

impl Client {
    async fn connect(house: &House, device: &str, secret: &str) -> Self {
        let mut options = MqttOptions::new(device, house.address.ip().to_string(), house.address.port());
        options.set_credentials(device, secret);
        let (client, events) = AsyncClient::new(options, 16);
        let mut client = Self(client, events);
        client.until(|event| matches!(event, Incoming::ConnAck(_)).then_some(())).await;
        client
    }

    async fn until<T>(&mut self, wanted: impl Fn(Incoming) -> Option<T>) -> T {
        let hearing = async {
            loop {
                if let Event::Incoming(incoming) = self.1.poll().await.unwrap()
                    && let Some(found) = wanted(incoming)
                {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hearing).await.unwrap()
    }

    async fn subscribe(&mut self, filter: &str) {
        self.0.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.until(|event| matches!(event, Incoming::SubAck(_)).then_some(())).await;
    }

    async fn publish(&mut self, topic: &str, payload: &Value) {
        self.0.publish(topic, QoS::AtLeastOnce, false, payload.to_string()).await.unwrap();
    }

    /// The next message, as topic and JSON.
    async fn hears(&mut self) -> (String, Value) {
        self.until(|event| match event {
            Incoming::Publish(said) => Some((said.topic, serde_json::from_slice(&said.payload).unwrap())),
            _ => None,
        })
        .await
    }

    async fn acknowledged(&mut self) {
        self.until(|event| matches!(event, Incoming::PubAck(_)).then_some(())).await;
    }
}

fn message(method: &str, data: Value) -> Value {
    json!({ "tid": "t-1", "bid": "b-1", "timestamp": 1_763_769_600_000_i64, "method": method, "data": data })
}

fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn known_as(name: &str, kind: DeviceKind, via: Option<&str>, system: &str, external: &str) -> NewDevice {
    let external = vec![External { system: system.into(), id: external.into() }];
    NewDevice { via: via.map(id), external, ..NewDevice::new(id(name), kind) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dock_that_asks_is_answered_once_what_it_said_is_on_disk() {
    let house = House::start().await;
    let mut dock = Client::connect(&house, "dock", house.secret("dock")).await;
    for topic in
        ["thing/product/DOCK1/events_reply", "thing/product/DOCK1/requests_reply", "sys/product/DOCK1/status_reply"]
    {
        dock.subscribe(topic).await;
    }
    let mut event = message("file_upload_callback", json!({ "file": { "name": "dog.jpeg" } }));
    event["need_reply"] = 1.into();
    dock.publish("thing/product/DOCK1/events", &event).await;
    let (topic, answer) = dock.hears().await;
    assert_eq!(topic, "thing/product/DOCK1/events_reply");
    assert_eq!((&answer["tid"], &answer["bid"], &answer["method"]), (&"t-1".into(), &"b-1".into(), &event["method"]));
    assert_eq!(answer["data"], json!({ "result": 0 }));
    assert_eq!(house.entries().await.len(), 1, "before it was answered it was written down");
    dock.publish(
        "thing/product/DOCK1/requests",
        &message("airport_bind_status", json!({ "devices": [{ "sn": "DRONE1" }] })),
    )
    .await;
    let (_, answer) = dock.hears().await;
    assert_eq!(answer["data"]["output"]["bind_status"][0]["device_callsign"], "drone");
    dock.publish("sys/product/DOCK1/status", &message("update_topo", json!({ "sub_devices": [] }))).await;
    assert_eq!(dock.hears().await.0, "sys/product/DOCK1/status_reply");
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dock_speaks_for_a_drone_without_a_gateway_from_the_moment_that_it_says_it_flies_it() {
    let house = House::start().await;
    house.registry.add_device(known_as("drone-9", DeviceKind::Drone, None, "dji", "DRONE9"), "test").unwrap();
    let osd = json!({ "timestamp": 1_763_769_600_000_i64, "data": { "latitude": 43.9, "longitude": 113.5, "elevation": 100 } });
    let mut dock = Client::connect(&house, "dock", house.secret("dock")).await;
    dock.publish("thing/product/DRONE9/osd", &osd).await;
    // MQTT 3.1.1 has no other word for "not yours".
    tokio::time::timeout(PATIENCE, async { while dock.1.poll().await.is_ok() {} }).await.unwrap();
    let mut dock = Client::connect(&house, "dock", house.secret("dock")).await;
    dock.publish("sys/product/DOCK1/status", &message("update_topo", json!({ "sub_devices": [{ "sn": "DRONE9" }] })))
        .await;
    dock.acknowledged().await;
    dock.publish("thing/product/DRONE9/osd", &osd).await;
    dock.acknowledged().await;
    let flying = message("osd_info_push", json!({ "latitude": 43.9, "longitude": 113.5 }));
    dock.publish("thing/product/DOCK1/drc/up", &flying).await;
    dock.acknowledged().await;
    let entries = house.entries().await;
    let who: Vec<_> = entries.iter().map(|e| (e.frame.device.as_str(), e.frame.speaker.as_str())).collect();
    assert_eq!(who, [("dock", "dock"), ("drone-9", "dock"), ("drone-9", "dock")]);
    assert!(entries[1..].iter().all(|entry| matches!(decode(entry).unwrap().body, Body::Track(_))));
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frigate_event_is_its_cameras_and_of_an_unknown_camera_it_is_kept_with_the_reason() {
    let house = House::start_as(|config| {
        let cameras = [("mast-08".to_owned(), (640, 360))].into();
        config.frigate_detect = FrigateDetect { usual: Some((1_280, 720)), cameras };
    })
    .await;
    let secret =
        house.registry.add_device(NewDevice::new(id("nvr-1"), DeviceKind::Gateway), "test").unwrap().to_string();
    for (name, camera) in [("cam-7", "mast-07"), ("cam-8", "mast-08")] {
        house
            .registry
            .add_device(known_as(name, DeviceKind::Camera, Some("nvr-1"), "frigate", camera), "test")
            .unwrap();
    }
    let event = |camera: &str| {
        json!({ "type": "new", "after": { "id": "1-a", "camera": camera, "frame_time": 1_763_769_600.5, "label": "sheep", "score": 0.8,
            "false_positive": false, "box": [64, 36, 128, 72] } })
    };
    let mut frigate = Client::connect(&house, "nvr-1", &secret).await;
    for camera in ["mast-07", "mast-08", "mast-09"] {
        frigate.publish("frigate/events", &event(camera)).await;
        frigate.acknowledged().await;
    }
    frigate.publish("frigate/mast-07/motion", &json!("ON")).await;
    frigate.acknowledged().await;
    let entries = house.entries().await;
    let who: Vec<_> = entries.iter().map(|e| e.frame.device.as_str()).collect();
    assert_eq!(who, ["cam-7", "cam-8", "nvr-1", "nvr-1"]);
    let widths = entries[..2].iter().map(|entry| match decode(entry).unwrap().body {
        Body::Sighting(seen) => match seen.place {
            Place::Picture(area) => area.w,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    });
    assert_eq!(widths.collect::<Vec<_>>(), [0.05, 0.1], "each in the size of its own camera's picture");
    let unknown = decode(&entries[2]).unwrap_err();
    assert!(unknown.to_string().contains("nobody is registered as `mast-09`"), "{unknown}");
    assert_eq!(entries[3].frame.channel, Channel::Foreign { format: "aside".into(), detail: "mast-07/motion".into() });
    house.stop().await.unwrap();
}
