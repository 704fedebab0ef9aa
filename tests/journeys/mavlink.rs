//! A MAVLink vehicle on patrol: where it is is there to be seen, and its fifty positions a second do not fill the journal.

use firmware_sim::mavlink::fly;
use journeys::Platform;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_that_streams_mavlink_is_on_the_map_and_leaves_one_position_a_second() {
    let mut platform = Platform::prepare("[mavlink]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    platform.device("drone-7", "drone", &["--external", "mavlink=7"]).await.unwrap();
    platform.run().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let stop = CancellationToken::new();
    let flying = tokio::spawn(fly(platform.listens("mavlink").unwrap(), 7, (43.3, 117.5), stop.clone()));
    let east = |device: &Value| device["last_position"]["lon"].as_f64().is_some_and(|lon| lon > 117.500_2);
    let seen = operator.wait_for("/devices/drone-7", east).await.unwrap();
    stop.cancel();
    let sent = flying.await.unwrap().unwrap();
    assert_eq!(seen["health"], "online", "{seen}");
    let recorded = |page: &str| {
        let line = page.lines().find(|line| line.starts_with("steppewatch_mavlink_packets_total{result=\"recorded\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    let page = platform.wait_for_metrics(|page| recorded(page) >= 2).await.unwrap();
    // A position a second and a heartbeat in ten, of a hundred and fifty packets a second.
    assert!(recorded(&page) * 20 < sent, "{} of {sent}", recorded(&page));
}
