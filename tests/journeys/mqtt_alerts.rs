//! Alerts by MQTT: a township listens to its own, with clients that others wrote, and to nothing else.

use crate::asyncapi::schema::Schemas;
use crate::asyncapi::{address, document, follow};
use crate::gate::{CUT, VERSIONS, counter, keeps_to_itself, log_lines, mosquitto};
use crate::integrator::blocks;
use journeys::{Operator, PATIENCE, Platform};
use model::AlertKind;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

const ROOT: &str = "steppe/v1/hexigten/alerts";
const NEAR: &str = "150425100";
const FAR: &str = "150425200";

/// A closed square of about a kilometre in each of two townships.
fn two_townships() -> String {
    let square = |id: &str, township: &str, south: f64| {
        let north = south + 0.009;
        json!({"type": "Feature", "properties": {"id": id, "name": id, "kind": "no-grazing", "township": township},
               "geometry": {"type": "Polygon", "coordinates": [[[117.5, south], [117.512, south], [117.512, north], [117.5, north], [117.5, south]]]}})
    };
    json!({"type": "FeatureCollection", "features": [square("near", NEAR, 43.3), square("far", FAR, 43.4)]}).to_string()
}

async fn herd(platform: &Platform, camera: &str, lat: f64) {
    let mut camera = platform.device(camera, "camera", &[]).await.unwrap();
    camera.connect(platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, lat, 117.506).await.unwrap();
    }
}

/// Somebody who may listen: username and password.
async fn listener(operator: &Operator, body: &Value) -> [String; 2] {
    let (status, made) = operator.post("/subscribers", body).await.unwrap();
    assert_eq!((status.as_u16(), &made["url"], &made["phone"]), (201, &Value::Null, &Value::Null), "{made}");
    [&made["id"], &made["secret"]].map(|field| field.as_str().unwrap().to_owned())
}

/// Registered as the page for integrators shows it.
async fn of_the_page(operator: &Operator) -> [String; 2] {
    let ours = |block: &String| block.contains("\"channel\": \"mqtt\"");
    let [block] = blocks("sh").into_iter().filter(ours).collect::<Vec<_>>().try_into().unwrap();
    let body = block.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["townships"], json!([NEAR]));
    listener(operator, &body).await
}

fn client(platform: &Platform, [id, password]: &[String; 2]) -> (AsyncClient, EventLoop) {
    let (host, port) = platform.mqtt.rsplit_once(':').unwrap();
    let mut options = MqttOptions::new("screen", host, port.parse().unwrap());
    options.set_credentials(id, password);
    AsyncClient::new(options, 10)
}

async fn subscribed(client: &AsyncClient, events: &mut EventLoop, filter: &str) {
    client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
    let granted = async { while !matches!(events.poll().await.unwrap(), Event::Incoming(Packet::SubAck(_))) {} };
    tokio::time::timeout(PATIENCE, granted).await.unwrap();
}

/// Listens until this topic is heard; the event.
async fn hears(events: &mut EventLoop, topic: &str) -> Value {
    let heard = async {
        loop {
            if let Event::Incoming(Packet::Publish(publish)) = events.poll().await.unwrap()
                && publish.topic == topic
            {
                return serde_json::from_slice(&publish.payload).unwrap();
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_township_hears_of_its_own_herd_also_of_one_that_came_while_it_was_away_and_not_of_the_neighbours() {
    let platform = Platform::start(&two_townships()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let [id, password] = of_the_page(&operator).await;
    let county = listener(&operator, &json!({"name": "county", "channel": "mqtt"})).await;
    let filter = format!("{ROOT}/{NEAR}/#");
    for (version, _) in VERSIONS {
        // Subscribes with a session that is kept, and leaves.
        let more = ["-i", version, "-c", "-q", "1", "-t", &filter, "-E"];
        let output = mosquitto("mosquitto_sub", &platform, version, [&id, &password], &more).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{version}: {output:?}");
    }
    let (client, mut events) = client(&platform, &county);
    subscribed(&client, &mut events, &format!("{ROOT}/+/incident.opened")).await;
    herd(&platform, "cam-far", 43.4045).await;
    let far = hears(&mut events, &format!("{ROOT}/{FAR}/incident.opened")).await;
    herd(&platform, "cam-near", 43.3045).await;
    let near = hears(&mut events, &format!("{ROOT}/{NEAR}/incident.opened")).await;
    assert_eq!((&far["data"]["township"], &near["data"]["township"]), (&json!(FAR), &json!(NEAR)));
    // Who listens may hear of it a moment before the console's view has it.
    let id_near = near["data"]["id"].as_str().unwrap();
    operator.wait_for_items("/incidents", |items| items.iter().any(|one| one["id"] == id_near)).await.unwrap();
    let shown = operator.get(&format!("/incidents/{id_near}")).await.unwrap();
    assert_eq!((&near["data"]["zones"], &near["data"]["sheep_units"]), (&shown["zones"], &shown["sheep_units"]));

    for (version, _) in VERSIONS {
        let more = ["-i", version, "-c", "-q", "1", "-t", &filter, "-C", "1", "-F", "%t %p"];
        let output = mosquitto("mosquitto_sub", &platform, version, [&id, &password], &more).await;
        let said = String::from_utf8(output.stdout).unwrap();
        let (topic, event) = said.split_once(' ').unwrap_or_else(|| panic!("{version}: {said}"));
        assert_eq!(topic, format!("{ROOT}/{NEAR}/incident.opened"), "the first that it hears");
        assert_eq!(serde_json::from_str::<Value>(event).unwrap(), near, "{version}");
    }
    let document = document();
    let message = document.pointer("/components/messages/alert").unwrap();
    let schema = follow(&document, message.get("payload").unwrap());
    assert!(Schemas::of(&document).allow(schema, &near), "the event is not as the document says: {near}");
    let topic = address(document.pointer("/channels/alerts").unwrap());
    assert_eq!(topic, format!("{ROOT}/{NEAR}/incident.opened"));
    assert_eq!(operator.items("/deliveries").await.unwrap(), [] as [Value; 0], "who listens accepts nothing");
    keeps_to_itself(&platform, &[&password, &county[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_may_do_nothing_else_and_nothing_any_more_once_it_is_removed() {
    let platform = Platform::start(&two_townships()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let [id, password] = of_the_page(&operator).await;
    let screen = [id.as_str(), password.as_str()];
    let foreign = [
        format!("{ROOT}/#"),
        format!("{ROOT}/{FAR}/#"),
        format!("{ROOT}/+/incident.opened"),
        "steppe/v1/hexigten/cam-1/down/#".into(),
        "#".into(),
    ];
    for (version, _) in VERSIONS {
        for filter in &foreign {
            let output = mosquitto("mosquitto_sub", &platform, version, screen, &["-q", "1", "-t", filter, "-E"]).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("denied"), "{version} {filter}: {output:?}");
        }
        let more = ["-t", &format!("{ROOT}/{NEAR}/#"), "-E"];
        let output = mosquitto("mosquitto_sub", &platform, version, [&id, "guess"], &more).await;
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(said.contains("bad user name"), "{version}: {output:?}");
    }
    for (topic, (version, _)) in [format!("{ROOT}/{NEAR}/incident.opened"), "steppe/v1/hexigten/cam-1/track".into()]
        .iter()
        .flat_map(|topic| VERSIONS.map(|version| (topic, version)))
    {
        let output =
            mosquitto("mosquitto_pub", &platform, version, screen, &["-q", "1", "-t", topic, "-m", "{}"]).await;
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        // 3.1.1 has no word for it: the connection is closed, maybe while mosquitto_pub still writes.
        let is_refused = ["not authorized", CUT, "reset by peer", "broken pipe"].iter().any(|word| said.contains(word));
        assert!(is_refused, "{version} {topic}: {output:?}");
    }
    let page = platform.metrics().await.unwrap();
    let filters = foreign.len() as u64 * 2;
    assert_eq!(counter(&page, "refusals_total", "foreign_filter"), filters);
    assert!(
        counter(&page, "refusals_total", "listener_speaks") >= 4
            && counter(&page, "refusals_total", "bad_credentials") >= 2
    );
    for reason in ["foreign_filter", "listener_speaks", "bad_credentials"] {
        let lines = log_lines(&platform, |line| line["reason"] == reason && line["device"] == id.as_str());
        assert!(!lines.is_empty(), "{reason} stands in no line");
    }

    let (client, mut events) = client(&platform, &[id.clone(), password.clone()]);
    subscribed(&client, &mut events, &format!("{ROOT}/{NEAR}/#")).await;
    platform.wait_for_metrics(|page| page.contains("steppewatch_mqtt_listeners 1\n")).await.unwrap();
    assert_eq!(operator.delete(&format!("/subscribers/{id}")).await.unwrap().as_u16(), 204);
    let ended = async { while events.poll().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    platform.wait_for_metrics(|page| page.contains("steppewatch_mqtt_listeners 0\n")).await.unwrap();
    let output =
        mosquitto("mosquitto_sub", &platform, "mqttv5", screen, &["-t", &format!("{ROOT}/{NEAR}/#"), "-E"]).await;
    assert!(String::from_utf8_lossy(&output.stderr).to_lowercase().contains("bad user name"), "{output:?}");
    keeps_to_itself(&platform, &[&password, "guess"]);
}

#[test]
fn the_document_names_every_kind_of_alert_as_topic_and_as_type() {
    let document = document();
    let words = |pointer: &str| document.pointer(pointer).unwrap().as_array().unwrap().clone();
    let levels = AlertKind::ALL.map(AlertKind::topic_level).map(Value::from);
    assert_eq!(words("/channels/alerts/parameters/event/enum"), levels);
    assert_eq!(
        words("/components/schemas/event/properties/type/enum"),
        AlertKind::ALL.map(AlertKind::as_str).map(Value::from)
    );
}
