//! The data folder is copied while devices speak, and a platform that starts from the copy answers as the first one did.

use crate::herd::two_zones;
use firmware_sim::clock::now_ms;
use journeys::{Operator, Platform};
use model::Timestamp;
use serde_json::{Value, json};

/// The track of the day before and after; the same words at each call.
fn track(begun_ms: i64) -> String {
    let day = |days: i64| Timestamp::from_millis(begun_ms + days * 86_400_000).to_rfc3339();
    format!("/devices/herd-1/track?from={}&to={}", day(-1), day(1))
}

/// What people see, without what counts from the present moment.
async fn answers(operator: &Operator, track: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in ["/incidents", "/zones", "/users", "/subscribers", "/dead-letters"] {
        answers.push(operator.get(path).await.unwrap());
    }
    let device = operator.get("/devices/herd-1").await.unwrap();
    answers.push(json!([device["id"], device["kind"]]));
    answers.push(operator.get(track).await.unwrap());
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_made_while_devices_spoke_starts_a_platform_that_answers_the_same() {
    let track = track(now_ms());
    let mut platform = Platform::start(&two_zones()).await.unwrap();
    let mut herd = platform.device("herd-1", "collar", &[]).await.unwrap();
    herd.connect(&platform).await.unwrap();
    // A second apart, as the device counts: two places of one time would be one.
    for second in 0..3 {
        let ts = now_ms() - 3_000 + second * 1_000;
        herd.say("track", json!({"ts": ts, "lat": 43.3045, "lon": 117.506})).await.unwrap();
    }
    herd.publish("track", b"{not json".to_vec()).await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    for _ in 0..3 {
        camera.sees("sheep", 40, 43.3045, 117.506).await.unwrap();
    }
    let operator = platform.operator().await.unwrap();
    operator.wait_for_items("/incidents", |items| !items.is_empty()).await.unwrap();
    operator.wait_for_items("/dead-letters", |items| items.len() == 1).await.unwrap();

    // While somebody speaks on and on.
    let first = platform.file("first").display().to_string();
    let arguments = ["backup", first.as_str()];
    let copying = platform.tell(&arguments);
    let speaking = async {
        for _ in 0..200 {
            herd.say("heartbeat", json!({"ts": now_ms(), "status": "ok"})).await.unwrap();
        }
    };
    let (said, ()) = tokio::join!(copying, speaking);
    let said = said.unwrap();
    assert!(said.contains("holds a backup") && said.contains("hexigten"), "{said}");
    platform.tell(&["backup", "--check", &first]).await.unwrap();
    let refused = platform.tell(&["backup", &first]).await.unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");

    // Nobody speaks now: both platforms have the same to say.
    operator.wait_for(&track, |track| track["items"].as_array().is_some_and(|points| points.len() == 3)).await.unwrap();
    let before = answers(&operator, &track).await;
    let second = platform.file("second").display().to_string();
    let made: Value = serde_json::from_str(&platform.tell(&["--json", "backup", &second]).await.unwrap()).unwrap();
    assert_eq!((&made["ok"], &made["tenant"]), (&json!(true), &json!("hexigten")));

    // The service's folder is not overwritten, running or not.
    assert!(platform.tell(&["restore", &second]).await.unwrap_err().to_string().contains("is not empty"));
    platform.stop().await.unwrap();
    assert!(platform.tell(&["restore", &second]).await.unwrap_err().to_string().contains("is not empty"));

    for (copy, is_last) in [(&first, false), (&second, true)] {
        let mut other = Platform::prepare("").unwrap();
        let said = other.tell(&["restore", copy]).await.unwrap();
        assert!(said.contains("is restored"), "{said}");
        let verified = other.tell(&["journal", "verify"]).await.unwrap();
        assert!(verified.contains("are as they were written"), "{verified}");
        if !is_last {
            // What these stages made is made again from the journal, as docs/disaster-recovery.md says.
            std::fs::remove_dir_all(other.data().join("history")).unwrap();
            std::fs::remove_file(other.data().join("coverage.db")).unwrap();
        }
        other.run().await.unwrap();
        other.wait_until_ready().await.unwrap();
        let operator = other.operator().await.unwrap();
        let before_track = before.last().unwrap();
        operator.wait_for(&track, |again| again == before_track).await.unwrap();
        // No case twice, and none lost.
        operator.wait_for("/incidents", |again| again == &before[0]).await.unwrap();
        if is_last {
            let after = answers(&operator, &track).await;
            for (one, two) in before.iter().zip(&after) {
                assert_eq!(one, two);
            }
        }
        let restored = operator.items("/audit?what=platform.restore").await.unwrap();
        assert_eq!(restored.len(), 1, "who restored it stands in the audit");
        assert_eq!(operator.get("/audit/chain").await.unwrap()["holds"], true);
        // It works on: the same devices come with the same secrets.
        herd.connect(&other).await.unwrap();
        herd.say("heartbeat", json!({"ts": now_ms(), "status": "ok"})).await.unwrap();
        other.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_cut_off_is_no_folder_to_start_from() {
    let mut platform = Platform::start(&two_zones()).await.unwrap();
    let copy = platform.file("copy");
    platform.tell(&["backup", &copy.display().to_string()]).await.unwrap();
    std::fs::write(copy.join("registry.db"), b"somebody wrote here").unwrap();
    let mut other = Platform::prepare("").unwrap();
    let refused = other.tell(&["restore", &copy.display().to_string()]).await.unwrap_err().to_string();
    assert!(refused.contains("registry.db is not what the backup wrote"), "{refused}");
    let refused = other.run().await.unwrap_err().to_string();
    assert!(refused.contains("was cut off"), "{refused}");
    platform.stop().await.unwrap();
}
