//! Devices that speak HTTP: the same payloads, the same promise.

use crate::herd::two_zones;
use crate::readme::read;
use journeys::{Device, Platform};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn client() -> reqwest::Client {
    // A second call only means that the provider is chosen already.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn post(platform: &Platform, device: &Device, rest: &str) -> RequestBuilder {
    let url = format!("http://{}/api/v1/ingest/{}/{rest}", platform.http, device.id);
    client().post(url).basic_auth(&device.id, Some(&device.secret))
}

async fn see(platform: &Platform, device: &Device, seq: u64) -> Response {
    let sighting = json!({
        "ts": firmware_sim::clock::now_ms(), "seq": seq, "species": "sheep", "count": 40, "confidence": 0.9,
        "lat": 43.3045, "lon": 117.506, "accuracy_m": 8.0
    });
    post(platform, device, "sighting").json(&sighting).send().await.unwrap()
}

#[test]
fn the_openapi_document_names_every_route_of_the_devices_door_and_no_other() {
    let document: Value = serde_json::from_str(&read("dashboards/src/openapi/devices_in.json")).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let ours = item.as_object().unwrap().iter().filter(|(_, operation)| operation["tags"][0] == "devices-in");
        described.extend(ours.map(|(method, _)| (method.to_uppercase(), path.clone())));
    }
    let routed: BTreeSet<_> =
        ingest::http::routes().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described, routed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_202_survives_a_power_cut_and_becomes_an_incident() {
    let mut platform = Platform::start(&two_zones()).await.unwrap();
    let camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    for seq in 1..=3 {
        let answer = see(&platform, &camera, seq).await;
        assert_eq!(answer.status().as_u16(), 202, "{}", answer.text().await.unwrap());
    }
    platform.kill().await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let open = operator.wait_for_items("/incidents?status=open", |items| !items.is_empty()).await.unwrap();
    assert_eq!((open.len(), &open[0]["zones"][0]["id"]), (1, &json!("north")));
    assert_eq!(open[0]["trigger"]["seq"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_picture_comes_through_the_consoles_port_and_a_refusal_wears_its_headers() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    // Larger than what the console takes from people.
    let picture = [b"\xFF\xD8\xFF".to_vec(), vec![7; 3 << 20]].concat();
    let head = b"--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n".to_vec();
    let form = [head, picture, b"\r\n--edge--\r\n".to_vec()].concat();
    let request = post(&platform, &camera, "snapshot/s-1").header("content-type", "multipart/form-data; boundary=edge");
    let answer = request.body(form).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 202, "{}", answer.text().await.unwrap());
    platform.wait_for_metrics(|page| page.contains("steppewatch_decoded_total{kind=\"snapshot\"} 1")).await.unwrap();

    let mut stranger = camera;
    stranger.secret = "wrong".into();
    let refused = see(&platform, &stranger, 1).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["content-type"]),
        (401, &"application/problem+json".parse().unwrap())
    );
    assert_eq!(refused.headers()["x-content-type-options"], "nosniff");
    assert!(platform.metrics().await.unwrap().contains("steppewatch_refusals_total{reason=\"bad_credentials\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_registered_itself_is_let_in_over_mqtt_when_an_operator_has_approved_it() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let arguments = ["--json", "devices", "claim-key", "--name", "spring", "--kind", "station", "--uses", "2"];
    let key: Value = serde_json::from_str(&platform.tell(&arguments).await.unwrap()).unwrap();
    let claim = json!({"claim_key": key["claim_key"], "serial": "SN-1", "kind": "station"});
    let client = client();
    let url = format!("http://{}/api/v1/provision", platform.http);
    let answer = client.post(&url).json(&claim).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (201, &"no-store".parse().unwrap()));
    let made: Value = answer.json().await.unwrap();
    assert_eq!(client.post(&url).json(&claim).send().await.unwrap().status().as_u16(), 409);

    let mut station = Device::new(made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let refused = station.connect(&platform).await.unwrap_err().to_string();
    assert!(refused.contains("NotAuthorized"), "{refused}");
    let listed = platform.tell(&["devices", "list"]).await.unwrap();
    assert!(listed.contains("SN-1") && listed.contains("quarantined"), "{listed}");
    platform.tell(&["devices", "approve", "SN-1"]).await.unwrap();
    station.connect(&platform).await.unwrap();
    station.say("reading", json!({"ts": firmware_sim::clock::now_ms(), "values": {"ndvi": 0.4}})).await.unwrap();

    let page = platform.metrics().await.unwrap();
    assert!(page.contains("steppewatch_refusals_total{reason=\"quarantined\"} 1"), "{page}");
    let keys: Value =
        serde_json::from_str(&platform.tell(&["--json", "devices", "claim-keys"]).await.unwrap()).unwrap();
    assert_eq!((&keys["items"][0]["used"], &keys["items"][0]["state"]), (&json!(1), &json!("usable")));
    platform.tell(&["devices", "revoke-claim-key", "spring"]).await.unwrap();
    let other = json!({"claim_key": key["claim_key"], "serial": "SN-2", "kind": "station"});
    assert_eq!(client.post(&url).json(&other).send().await.unwrap().status().as_u16(), 403);
    // Neither the key nor the secret was ever written down.
    let said = platform.log() + &keys.to_string();
    for secret in [&key["claim_key"], &made["secret"]] {
        assert!(!said.contains(secret.as_str().unwrap()));
    }
}
