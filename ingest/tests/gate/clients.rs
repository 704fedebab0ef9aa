//! Clients that others wrote: rumqttc, and Debian's mosquitto_pub and mosquitto_sub.

use super::house::House;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_publishes_and_hears_with_311() {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let house = House::start().await;
    let mut options = MqttOptions::new("rumqttc", house.address.ip().to_string(), house.address.port());
    options.set_credentials("camera-1", house.secret("camera-1")).set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("steppe/v1/hexigten/camera-1/down/#", QoS::AtLeastOnce).await.unwrap();
    client.publish("steppe/v1/hexigten/camera-1/track", QoS::AtLeastOnce, false, "{}").await.unwrap();
    client.publish("steppe/v1/hexigten/camera-1/track", QoS::ExactlyOnce, false, "{}").await.unwrap();
    let mut seen = (false, false, false, false);
    while seen != (true, true, true, true) {
        match events.poll().await.unwrap() {
            Event::Incoming(Packet::SubAck(_)) => {
                house.downlink.say("steppe/v1/hexigten/camera-1/down/x", b"hello", false).await.unwrap();
                seen.0 = true;
            }
            Event::Incoming(Packet::PubAck(_)) => seen.1 = true,
            Event::Incoming(Packet::PubComp(_)) => seen.2 = true,
            Event::Incoming(Packet::Publish(_)) => seen.3 = true,
            _ => {}
        }
    }
    assert_eq!(house.entries().await.len(), 2);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_publishes_with_5_and_is_told_what_it_may_not() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let house = House::start().await;
    let mut options = MqttOptions::new("rumqttc", house.address.ip().to_string(), house.address.port());
    options.set_credentials("camera-1", house.secret("camera-1")).set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.publish("steppe/v1/hexigten/camera-1/track", QoS::AtLeastOnce, false, "{}").await.unwrap();
    client.publish("steppe/v1/hexigten/camera-2/track", QoS::AtLeastOnce, false, "{}").await.unwrap();
    let mut reasons = Vec::new();
    while reasons.len() < 2 {
        if let Ok(Event::Incoming(Packet::PubAck(ack))) = events.poll().await {
            reasons.push(ack.reason);
        }
    }
    assert!(reasons.contains(&PubAckReason::Success) && reasons.contains(&PubAckReason::NotAuthorized), "{reasons:?}");
    assert_eq!(house.entries().await.len(), 1);
    house.stop().await.unwrap();
}

/// A mosquitto program set up for `device`, or `None` where it is not installed.
fn mosquitto(program: &str, house: &House, version: &str, device: &str, secret: &str) -> Option<Command> {
    let mut probe = Command::new(program);
    if probe.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("skipped: {program} is not installed; apt-get install mosquitto-clients");
        return None;
    }
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &house.address.port().to_string(), "-V", version]);
    command.args(["-u", device, "-P", secret]);
    Some(command)
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_publishes_in_both_versions_and_every_qos() {
    let house = House::start().await;
    for version in ["mqttv311", "mqttv5"] {
        for qos in ["0", "1", "2"] {
            let secret = house.secret("camera-1");
            let Some(mut publish) = mosquitto("mosquitto_pub", &house, version, "camera-1", secret) else { return };
            publish.args(["-t", "steppe/v1/hexigten/camera-1/heartbeat", "-m", "{\"status\":\"ok\"}", "-q", qos]);
            assert!(output(publish).await.status.success(), "{version} {qos}");
        }
    }
    assert_eq!(house.entries_reach(6).await.len(), 6);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_is_told_that_its_secret_is_wrong() {
    let house = House::start().await;
    for version in ["mqttv311", "mqttv5"] {
        let Some(mut publish) = mosquitto("mosquitto_pub", &house, version, "camera-1", "wrong") else { return };
        publish.args(["-t", "steppe/v1/hexigten/camera-1/heartbeat", "-m", "{}", "-q", "1"]);
        let output = output(publish).await;
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(said.contains("bad user name") || said.contains("not authori"), "{said}");
    }
    assert_eq!(house.refusals("bad_credentials"), 2);
    house.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_hears_its_own_orders() {
    let house = House::start().await;
    for number in 0..40 {
        let topic = format!("steppe/v1/hexigten/camera-1/down/{number}");
        house.downlink.say(&topic, b"order", true).await.unwrap();
    }
    for version in ["mqttv311", "mqttv5"] {
        let secret = house.secret("camera-1");
        let Some(mut subscribe) = mosquitto("mosquitto_sub", &house, version, "camera-1", secret) else { return };
        subscribe.args(["-t", "steppe/v1/hexigten/camera-1/down/#", "-q", "1", "-C", "40"]);
        let output = output(subscribe).await;
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 40, "{version}");
    }
    house.stop().await.unwrap();
}
