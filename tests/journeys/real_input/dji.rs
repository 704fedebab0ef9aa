//! Every message that the documentation of the DJI Cloud API shows, said to the real binary by one registered aircraft.

use journeys::{Platform, shared_data};
use serde_json::Value;

const SERIAL: &str = "1581F6Q8D24000GRZ1";
const SAMPLE_COUNT: usize = 610;

/// Telemetry, by what the documentation says of its envelope: a time and an object of data, and no name of a method, which events,
/// answers and requests have. (`biz_code` is of what the vendor's cloud pushes to its own web pages.)
fn is_telemetry(payload: &Value) -> bool {
    let named = ["method", "biz_code"].iter().any(|key| payload.get(key).is_some_and(|name| !name.is_null()));
    !named && payload["timestamp"].is_i64() && payload["data"].is_object()
}

/// The sum of a counter over its labels, the platform's own ticks aside.
fn total(page: &str, counter: &str) -> u64 {
    let lines = page.lines().filter(|line| line.starts_with(counter) && !line.contains("clock"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_the_vendors_documentation_is_understood_or_kept_with_its_reason() {
    let Some(file) = shared_data("payloads/dji_cloud_api/samples.jsonl") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let samples: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(samples.len(), SAMPLE_COUNT);
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let mut drone = platform.device("drone-1", "drone", &["--external", &format!("dji={SERIAL}")]).await.unwrap();
    drone.connect(&platform).await.unwrap();

    // The documentation names few topics, and those are the cloud's to speak on. On that of telemetry each payload is read to the end.
    let topic = format!("thing/product/{SERIAL}/osd");
    for sample in &samples {
        drone.publish_to(&topic, sample["payload"].to_string().into_bytes()).await.unwrap();
    }

    let counted =
        |page: &str| ["decoded", "repeats", "rejects"].map(|name| total(page, &format!("steppewatch_{name}_total")));
    let all = samples.len() as u64;
    let page = platform.wait_for_metrics(|page| counted(page).iter().sum::<u64>() == all).await.unwrap();
    // Some samples are printed twice; the second is the first sent again.
    let [understood, repeated, refused] = counted(&page);
    let operator = platform.operator().await.unwrap();
    let letters = operator.items("/dead-letters?limit=1000").await.unwrap();
    assert_eq!(letters.len() as u64, refused, "each message that was not understood is one dead letter");
    for letter in &letters {
        for field in ["reason", "detail"] {
            assert!(letter[field].as_str().is_some_and(|text| !text.is_empty()), "without {field}: {letter}");
        }
        assert_eq!((letter["device"].as_str(), letter["channel"].as_str()), (Some("drone-1"), Some("dji osd")));
    }

    // One device speaks one message after another, so the dead letters, newest first, are the samples that are no telemetry from the end.
    let foreign: Vec<&Value> = samples.iter().map(|sample| &sample["payload"]).filter(|it| !is_telemetry(it)).collect();
    assert_eq!(understood + repeated, all - foreign.len() as u64, "{letters:?}");
    for (payload, letter) in foreign.iter().zip(letters.iter().rev()) {
        let detail = letter["detail"].as_str().unwrap();
        let expected = match payload.get("method").or(payload.get("biz_code")).and_then(Value::as_str) {
            Some(name) if letter["reason"] == "unknown_message" => detail.contains(name),
            // What has a name may also be of another shape than telemetry, and then that is the reason.
            Some(_) => letter["reason"] == "malformed",
            None => letter["reason"] == "malformed" || letter["reason"] == "missing_field",
        };
        assert!(expected, "{letter} is no reason to refuse {payload}");
    }
    println!("{understood} understood, {repeated} repeated, {refused} kept as dead letters");
}
