//! What was told in confidence stands in no log, whatever goes wrong.

use crate::herd::two_zones;
use firmware_sim::clock::now_ms;
use journeys::{Device, Operator, PASSWORD, Platform};
use serde_json::json;

/// So long that no number or name is it by chance.
fn told(said: &mut Vec<(&'static str, String)>, what: &'static str, secret: &str) {
    assert!(secret.len() >= 12, "{what} is too short to be looked for");
    said.push((what, secret.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_whatever_goes_wrong() {
    let mut said = Vec::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut platform = Platform::prepare("").unwrap();
    let token_file = platform.file("influx.token");
    std::fs::write(&token_file, "influx-token-of-the-journey\n").unwrap();
    told(&mut said, "the token for InfluxDB", "influx-token-of-the-journey");
    let config = std::fs::read_to_string(platform.file("steppewatch.toml")).unwrap();
    let influx = format!(
        "[influx]\nurl = \"http://{nobody}\"\norg = \"hexigten\"\nbucket = \"steppe\"\ntoken_file = {:?}\n",
        token_file.display().to_string()
    );
    std::fs::write(platform.file("steppewatch.toml"), format!("{config}{influx}")).unwrap();
    platform.import(&two_zones()).await.unwrap();
    platform.run().await.unwrap();

    // People, right and wrong.
    told(&mut said, "the administrator's password", PASSWORD);
    told(&mut said, "a wrong password", "wrong-password-of-somebody");
    assert!(Operator::log_in(&platform.http, "admin", "wrong-password-of-somebody").await.is_err());
    let operator = platform.operator().await.unwrap();
    told(&mut said, "another person's password", "password-of-the-viewer");
    let viewer = json!({"username": "bao", "password": "password-of-the-viewer", "roles": ["viewer"]});
    assert_eq!(operator.post("/users", &viewer).await.unwrap().0, 201);
    let (status, token) =
        operator.post("/tokens", &json!({"name": "export", "roles": ["viewer"], "expires": "1d"})).await.unwrap();
    assert_eq!(status, 201, "{token}");
    told(&mut said, "a program's token", token["token"].as_str().unwrap());

    // A receiver that nobody answers for, with its secret in every signature.
    let secret = operator.subscribe("receiver", &format!("http://{nobody}/path-with-a-token-in-it")).await.unwrap();
    told(&mut said, "a receiver's secret", &secret);
    told(&mut said, "a receiver's path", "path-with-a-token-in-it");

    // Devices, right and wrong; a case, so that something is to be delivered.
    told(&mut said, "a wrong secret of a device", "wrong-secret-of-a-device");
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    told(&mut said, "a device's secret", &camera.secret);
    assert!(Device::new("cam-1", "wrong-secret-of-a-device").connect(&platform).await.is_err());
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }
    camera.say("heartbeat", json!({"ts": now_ms(), "status": "ok"})).await.unwrap();
    let failing = |items: &[serde_json::Value]| items.iter().any(|delivery| delivery["attempts"].as_u64() > Some(0));
    operator.wait_for_items("/deliveries", failing).await.unwrap();
    platform.stop().await.unwrap();

    let log = platform.log();
    assert!(log.contains("\"level\":\"INFO\"") && log.lines().count() > 3, "there is a log: {log}");
    for (what, secret) in said {
        assert!(!log.contains(&secret), "{what} is in the log: {log}");
    }
}
