//! The main job: a herd where it may not be, from the camera's message to the operator's hand.

use firmware_sim::receiver::Receiver;
use journeys::Platform;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};

/// A square of about a kilometre; `north` is closed all year, `south` is open in winter.
pub(crate) fn two_zones() -> String {
    let square = |id: &str, name: &str, kind: &str, south: f64| {
        let north = south + 0.009;
        json!({"type": "Feature", "properties": {"id": id, "name": name, "kind": kind, "township": "150425100"},
               "geometry": {"type": "Polygon", "coordinates": [[[117.5, south], [117.512, south], [117.512, north], [117.5, north], [117.5, south]]]}})
    };
    json!({"type": "FeatureCollection", "features": [
        square("north", "北坡禁牧区", "no-grazing", 43.3), square("south", "南坡平衡区", "balance", 43.28)
    ]})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_seen_three_times_in_a_no_grazing_zone_raises_one_alert_that_is_told_shown_and_acknowledged() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    // The receiver's address is known before its secret, and the secret only after subscribing.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = operator.subscribe("township", &format!("http://127.0.0.1:{port}/")).await.unwrap();
    let receiver = Receiver::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), &secret).await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();

    let heard = operator.hears(|message| message["event"]["alert"] == "steppewatch.incident.opened");
    let seen = async {
        for _ in 0..3 {
            camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
        }
    };
    let (heard, ()) = tokio::join!(heard, seen);
    let shown = heard.unwrap()["event"]["incident"].clone();
    assert_eq!(shown["zones"][0]["id"], "north");
    assert_eq!(shown["sheep_units"], json!({"low": 34, "high": 46}));
    assert_eq!(shown["fine_yuan"], json!({"low": 34 * 120, "high": 46 * 120, "estimate": true}));

    let told = receiver.wait_until(|delivery| delivery.type_ == "steppewatch.incident.opened").await;
    assert!(told.verified, "the receiver's own code accepts the signature");
    let body: Value = told.json();
    assert_eq!(body["data"]["id"], shown["id"]);
    assert_eq!(body["data"]["trigger"]["device"], "cam-1");
    assert_eq!(body["data"]["trigger"]["seq"], 3);

    let listed = operator.items("/incidents?status=open").await.unwrap();
    assert_eq!(listed.len(), 1);
    let path = format!("/incidents/{}/acknowledge", shown["id"].as_str().unwrap());
    let (status, acknowledged) = operator.post(&path, &json!({})).await.unwrap();
    assert_eq!((status.as_u16(), &acknowledged["status"]), (200, &json!("acknowledged")));
    assert_eq!(operator.items("/incidents?status=open").await.unwrap(), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_herd_in_a_balance_zone_in_winter_is_on_the_map_and_nobodys_case() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..4 {
        camera.sees("cattle", 12, 43.2845, 117.506).await.unwrap();
    }
    let positions =
        operator.hears(|message| message["type"] == "positions" && message["herds"][0]["species"] == "cattle");
    assert_eq!(positions.await.unwrap()["herds"][0]["incident"], Value::Null);
    assert_eq!(operator.items("/incidents").await.unwrap(), [] as [Value; 0]);
}
