//! What the page for integrators shows works as it stands there.

use crate::herd::two_zones;
use crate::readme::read;
use journeys::{Device, Platform};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use tokio::process::Command;

/// The fenced blocks of a language, in order.
pub(crate) fn blocks(language: &str) -> Vec<String> {
    let page = read("docs/integrator.md");
    let begin = format!("```{language}\n");
    page.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
}

/// The examples of messages: topic and payload.
fn messages() -> Vec<(String, String)> {
    let examples = blocks("text");
    examples.iter().filter_map(|block| block.split_once('\n')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// The devices that the documents' examples are of, connected.
pub(crate) async fn devices_of_the_examples(platform: &Platform) -> BTreeMap<String, Device> {
    let mut devices = BTreeMap::new();
    for (id, kind, more) in [
        ("cam-1", "camera", &["--lat", "43.3", "--lon", "117.5"] as &[&str]),
        ("drone-1", "drone", &["--external", "dji=1581F6Q8D24000GRZ1"]),
        ("station-1", "station", &[]),
        ("ranger-1", "ranger", &[]),
    ] {
        let mut device = platform.device(id, kind, more).await.unwrap();
        device.connect(platform).await.unwrap();
        devices.insert(id.to_owned(), device);
    }
    devices
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_a_message_is_understood() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let mut devices = devices_of_the_examples(&platform).await;
    let examples = messages();
    assert!(examples.len() >= 7, "the page has lost its examples: {examples:?}");
    for (topic, payload) in &examples {
        let speaker = if topic.starts_with("thing/") { "drone-1" } else { topic.split('/').nth(3).unwrap() };
        let device = devices.get_mut(speaker).unwrap_or_else(|| panic!("{topic} is of no device here"));
        device.publish_to(topic, payload.clone().into_bytes()).await.unwrap();
    }

    let understood = |page: &str| -> u64 {
        let counters =
            page.lines().filter(|line| line.starts_with("steppewatch_decoded_total") && !line.contains("clock"));
        counters.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    let all = examples.len() as u64;
    let page = platform.wait_for_metrics(|page| understood(page) + rejected(page) == all).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let letters = operator.items("/dead-letters").await.unwrap();
    assert_eq!((understood(&page), rejected(&page)), (all, 0), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_first_contact_gives_a_device_its_secret() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let key = platform.tell(&["--json", "devices", "claim-key", "--name", "spring"]).await.unwrap();
    let key: serde_json::Value = serde_json::from_str(&key).unwrap();
    let ours = |block: &String| block.contains("/api/v1/provision");
    let [block] = blocks("sh").into_iter().filter(ours).collect::<Vec<_>>().try_into().unwrap();
    let block = format!("CLAIM_KEY={}\n{block}", key["claim_key"].as_str().unwrap());
    let made: serde_json::Value = serde_json::from_str(&sh(&platform, &block, "").await).unwrap();
    assert_eq!(made["id"], "SN-2041");
    assert_eq!(made["secret"].as_str().unwrap().len(), 43);
}

/// Runs a block of the page as it stands there, but for the platform's address.
async fn sh(platform: &Platform, block: &str, secret: &str) -> String {
    let script = format!("set -euo pipefail\n{}", block.replace("127.0.0.1:8080", &platform.http));
    std::fs::write(platform.file("picture.jpg"), b"\xFF\xD8\xFF a picture").unwrap();
    let folder = platform.data();
    let mut command = Command::new("bash");
    command.args(["-c", &script]).env("SECRET", secret).current_dir(folder.parent().unwrap());
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{script}\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_with_curl_are_taken_and_answered_as_the_page_says() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    let drone = platform.device("drone-1", "drone", &[]).await.unwrap();
    let ours = |block: &String| block.contains("/api/v1/ingest/");
    let [one_by_one, batch] = blocks("sh").into_iter().filter(ours).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(sh(&platform, &one_by_one, &camera.secret).await, r#"{"accepted":1}{"accepted":1}"#);
    let answers = sh(&platform, &batch, &drone.secret).await;
    assert!(
        blocks("json").iter().any(|block| *block == answers.trim_end()),
        "the page shows another answer: {answers}"
    );
    let decoded = |kind: &str| format!("steppewatch_decoded_total{{kind=\"{kind}\"}} 1");
    platform
        .wait_for_metrics(|page| ["heartbeat", "snapshot", "track"].iter().all(|kind| page.contains(&decoded(kind))))
        .await
        .unwrap();
}

fn rejected(page: &str) -> u64 {
    let counters = page.lines().filter(|line| line.starts_with("steppewatch_rejects_total"));
    counters.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_in_python_takes_our_deliveries_and_nobody_elses() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    let secret = operator.subscribe("python", &url).await.unwrap();
    let [program] = blocks("python").try_into().unwrap();
    let _receiver = Command::new("python3")
        .args(["-c", &program])
        .env("WEBHOOK_SECRET", secret)
        .env("PORT", port.to_string())
        .kill_on_drop(true)
        .spawn()
        .unwrap();

    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }
    // An attempt may come before the receiver listens: then it comes again.
    let delivered = operator.wait_for_items("/deliveries?state=delivered", |items| !items.is_empty()).await.unwrap();
    assert!(delivered[0]["answer"].as_str().unwrap().starts_with("204"), "{delivered:?}");

    let now_s = firmware_sim::clock::now_ms() / 1_000;
    let forged = reqwest::Client::builder().no_proxy().build().unwrap().post(&url);
    let forged = forged.header("webhook-id", "msg_1").header("webhook-timestamp", now_s.to_string());
    let answer = forged.header("webhook-signature", "v1,AAAA").body("{}").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
}
