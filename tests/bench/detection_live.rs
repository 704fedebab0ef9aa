//! How long a real sighting takes to be told, on the running release binary at real speed: from the publication of the sighting
//! that decides to the arrival of the signed webhook, so the outbox and the way to the receiver are in it.

use super::platform::{House, PASSWORD};
use anyhow::{Context, Result, ensure};
use firmware_sim::clock::now_ms;
use firmware_sim::score::Delays;
use journeys::{Device, Operator};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const CAMERAS: usize = 10;
/// Herds that are seen, one after the other, each at a place of its own.
const HERDS: usize = 120;
const EVERY: Duration = Duration::from_millis(500);
/// Degrees between two herds: more than a herd can walk meanwhile.
const APART_DEG: f64 = 0.03;
/// In a row.
const COLUMNS: usize = 12;

/// Runs it.
pub async fn run() -> Result<()> {
    let house = House::new(0)?;
    let zones = house.file("zones.geojson");
    std::fs::write(&zones, zone().to_string())?;
    house.tell(&["zones", "import", &zones.display().to_string()]).await?;
    let mut cameras = Vec::new();
    for number in 0..CAMERAS {
        let id = format!("cam-{number}");
        let made: Value =
            serde_json::from_str(&house.tell(&["--json", "devices", "add", &id, "--kind", "camera"]).await?)?;
        cameras.push(Device::new(&id, made.get("secret").and_then(Value::as_str).context("no secret")?));
    }
    let platform = house.open().await?;
    for camera in &mut cameras {
        camera.connect_to(&platform.mqtt).await?;
    }
    let operator = Operator::log_in(&platform.http, "admin", PASSWORD).await?;
    let receiver = operator.receiver([]).await?;
    eprintln!("detection: {HERDS} herds at real speed");
    let (mut published, mut acknowledged) = (BTreeMap::new(), Delays::default());
    let mut pace = tokio::time::interval(EVERY);
    for herd in 0..HERDS {
        pace.tick().await;
        let camera = &mut cameras[herd % CAMERAS];
        let (lat, lon) = (42.0 + (herd / COLUMNS) as f64 * APART_DEG, 117.0 + (herd % COLUMNS) as f64 * APART_DEG);
        for _ in 0..2 {
            camera.sees("sheep", 40, lat, lon).await?;
        }
        let began_ms = now_ms();
        published.insert((camera.id.clone(), 3 * (herd / CAMERAS) as u64 + 3), began_ms);
        camera.sees("sheep", 40, lat, lon).await?;
        acknowledged.push(now_ms() - began_ms);
    }
    let last = published.keys().max_by_key(|key| published[*key]).cloned().context("nothing was published")?;
    let of_last = receiver.wait_until(|delivery| deciding(&delivery.json()).as_ref() == Some(&last));
    tokio::time::timeout(Duration::from_secs(30), of_last).await.context("the last herd was never told")?;
    let mut delays = Delays::default();
    for delivery in receiver.deliveries().iter().filter(|delivery| delivery.type_ == "steppewatch.incident.opened") {
        if let Some(began_ms) = deciding(&delivery.json()).and_then(|key| published.get(&key).copied()) {
            delays.push(delivery.at_ms - began_ms);
        }
    }
    ensure!(delays.len() == HERDS, "{} of {HERDS} herds were told by the sighting that decides", delays.len());
    print("alert_s_p50", delays.quantile_s(0.5), "< 1");
    print("alert_s_p99", delays.quantile_s(0.99), "< 3");
    print("alert_s_least", delays.quantile_s(0.0), "");
    print("alert_s_most", delays.quantile_s(1.0), "");
    print("acknowledged_s_p50", acknowledged.quantile_s(0.5), "");
    Ok(())
}

fn print(metric: &str, value: f64, bar: &str) {
    let set = "published to webhook received, 2 incidents a second";
    println!(
        "{}",
        json!({"bench": "detection", "metric": metric, "value": value, "unit": "s", "set": set, "bar": bar})
    );
}

/// Device and number of the reading that decided.
fn deciding(event: &Value) -> Option<(String, u64)> {
    let trigger = event.get("data")?.get("trigger")?;
    Some((trigger.get("device")?.as_str()?.to_owned(), trigger.get("seq")?.as_u64()?))
}

fn zone() -> Value {
    json!({"type": "FeatureCollection", "features": [{
        "type": "Feature",
        "properties": {"id": "closed", "name": "closed", "kind": "no-grazing", "township": "150425100"},
        "geometry": {"type": "Polygon", "coordinates": [[[116.9, 41.9], [117.5, 41.9], [117.5, 42.5], [116.9, 42.5], [116.9, 41.9]]]},
    }]})
}
