//! What an operator asks the command line when something feels wrong: is the journal whole, and what is the matter here.

use journeys::Platform;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::Output;

async fn ask(platform: &Platform, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let Output { status, stdout, stderr } = platform.command(arguments).output().await.unwrap();
    let said = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
    (status.code(), said, String::from_utf8_lossy(&stderr).trim().to_owned())
}

/// State and text of the only line about `what`.
#[track_caller]
fn line(said: &Value, what: &str) -> (String, String) {
    let lines = said["checks"].as_array().unwrap_or_else(|| panic!("doctor said nothing: {said}"));
    let about: Vec<_> = lines.iter().filter(|line| line["what"] == what).collect();
    let [one] = about[..] else { panic!("{} lines about {what} in {said}", about.len()) };
    (one["state"].as_str().unwrap().to_owned(), one["text"].as_str().unwrap().to_owned())
}

/// A platform that took in what one camera said, and was then ended.
async fn that_has_run() -> Platform {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for note in ["quiet", "windy"] {
        let ts = firmware_sim::clock::now_ms();
        camera.say("heartbeat", json!({"ts": ts, "status": "ok", "note": note})).await.unwrap();
    }
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_before_the_first_start_and_makes_nothing() {
    let platform = Platform::prepare("").unwrap();
    let (status, said, complaint) = ask(&platform, &["--json", "doctor"]).await;
    assert_eq!((status, &said["ok"], &said["running"]), (Some(0), &json!(true), &json!(false)), "{said} {complaint}");
    assert!(line(&said, "journal").1.ends_with("is not there yet; the first start makes it"), "{said}");
    assert!(!platform.data().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_at_a_service_that_runs_and_at_one_that_was_ended() {
    let mut platform = that_has_run().await;
    platform.wait_until_ready().await.unwrap();
    platform.keep_address().unwrap();
    let (status, said, complaint) = ask(&platform, &["--json", "doctor"]).await;
    assert_eq!((status, &said["ok"], &said["running"]), (Some(0), &json!(true), &json!(true)), "{said} {complaint}");
    assert_eq!(line(&said, "http port"), ("ok".into(), format!("{} answers that it is ready", platform.http)));
    let (state, journal) = line(&said, "journal");
    assert_eq!(state, "ok");
    assert!(journal.contains("(0 %), and its end fits the chain"), "{journal}");
    assert!(line(&said, "registry").1.contains("1 devices"), "{said}");
    assert_eq!(said["checks"].as_array().unwrap().iter().filter(|one| one["what"] == "cursor").count(), 3);

    platform.stop().await.unwrap();
    let (status, said, complaint) = ask(&platform, &["--json", "doctor"]).await;
    assert_eq!((status, &said["running"]), (Some(0), &json!(false)), "{said} {complaint}");
    assert_eq!(line(&said, "http port"), ("ok".into(), format!("{} is free", platform.http)));

    let _stranger = TcpListener::bind(&platform.http).unwrap();
    let (status, said, complaint) = ask(&platform, &["--json", "doctor"]).await;
    assert_eq!((status, &said["ok"]), (Some(1), &json!(false)), "{said}");
    let (state, port) = line(&said, "http port");
    assert_eq!(state, "fault");
    assert!(port.contains("is in use by another program; end that one, or change `http.listen`"), "{port}");
    assert_eq!(complaint, "steppewatch: one thing is at fault; its line says what would help");

    let words = platform.command(&["doctor"]).output().await.unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.lines().any(|line| line.starts_with("fault  http port")), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_verified_while_it_is_written_and_an_edited_message_is_named_and_stops_the_start() {
    let mut platform = that_has_run().await;
    let (status, said, complaint) = ask(&platform, &["--json", "journal", "verify"]).await;
    assert_eq!((status, &said["ok"], &said["tenant"]), (Some(0), &json!(true), &json!("hexigten")), "{complaint}");
    assert!(said["entries"].as_u64().unwrap() >= 2, "{said}");
    assert_eq!(said["entries"], said["to"]);
    assert_eq!(said["chain_tip"].as_str().unwrap().len(), 64);

    platform.stop().await.unwrap();
    let words = platform.tell(&["journal", "verify"]).await.unwrap();
    assert!(words.contains("are as they were written\ntenant hexigten\nchain ends at "), "{words}");
    let file = platform.data().join("journal.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(5).position(|window| window == b"windy").unwrap();
    bytes[at..at + 5].copy_from_slice(b"quiet");
    std::fs::write(&file, bytes).unwrap();

    let (status, said, complaint) = ask(&platform, &["--json", "journal", "verify"]).await;
    let entry = said["first_broken_entry"].as_u64().unwrap_or_else(|| panic!("{said} {complaint}"));
    assert_eq!((status, &said["ok"]), (Some(1), &json!(false)));
    assert!(complaint.contains(&format!("journal entry {entry} does not match its hash chain")), "{complaint}");
    let (status, said, _) = ask(&platform, &["--json", "doctor"]).await;
    assert_eq!((status, line(&said, "journal").0.as_str()), (Some(1), "fault"), "{said}");
    let (status, _, complaint) = ask(&platform, &["run"]).await;
    assert_eq!(status, Some(1));
    assert!(complaint.contains(&format!("does not match its hash chain from entry {entry} on")), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_a_journal_that_is_not_there_says_so_and_makes_none() {
    let platform = Platform::prepare("").unwrap();
    let (status, _, complaint) = ask(&platform, &["journal", "verify"]).await;
    assert_eq!(status, Some(2));
    assert!(complaint.starts_with("steppewatch: there is no journal at "), "{complaint}");
    assert!(!platform.data().exists());
}
