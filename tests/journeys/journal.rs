//! What the journal promises to devices: heard once however often it is said, and never acknowledged without room.

use journeys::Platform;
use serde_json::json;

fn shows(page: &str, sample: &str) -> bool {
    page.lines().any(|line| line == sample)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_sent_again_is_acknowledged_again_and_counted_once() {
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    let beat = |seq: u64| {
        serde_json::to_vec(&json!({"ts": firmware_sim::clock::now_ms(), "seq": seq, "status": "ok"})).unwrap()
    };
    let first = beat(1);
    camera.publish("heartbeat", first.clone()).await.unwrap();

    // The acknowledgement is lost with the connection, and the service is killed meanwhile: neither makes it two.
    platform.kill().await.unwrap();
    platform.run().await.unwrap();
    camera.connect(&platform).await.unwrap();
    camera.publish("heartbeat", first.clone()).await.unwrap();
    camera.publish("heartbeat", first).await.unwrap();
    camera.publish("heartbeat", beat(2)).await.unwrap();
    let page = platform.wait_for_metrics(|page| shows(page, "steppewatch_repeats_total 2")).await.unwrap();
    assert!(!page.contains("steppewatch_rejects_total{"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_is_told_by_metric_and_readiness_and_goes_on_by_itself() {
    let mut platform = Platform::prepare("[journal]\nmax_bytes = \"64KiB\"").unwrap();
    platform.run().await.unwrap();
    platform.wait_until_ready().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    let said = async {
        // Far more than fits before the consumers tell how far they are, which they do every ten seconds.
        for number in 0..200 {
            let ts = firmware_sim::clock::now_ms();
            camera.say("heartbeat", json!({"ts": ts, "status": "ok", "note": number})).await.unwrap();
        }
    };
    let told = async {
        platform.wait_for_metrics(|page| shows(page, "steppewatch_journal_full 1")).await.unwrap();
        platform.probe("/readyz").await.unwrap()
    };
    let ((), (status, reason)) = tokio::join!(said, told);
    assert_eq!(status, 503);
    assert!(reason.contains("the journal is full"), "{reason}");

    let page = platform.wait_for_metrics(|page| shows(page, "steppewatch_journal_full 0")).await.unwrap();
    assert!(shows(&page, "steppewatch_journal_max_bytes 65536"), "{page}");
    assert!(shows(&page, "steppewatch_frames_total{kind=\"heartbeat\"} 200"), "every one was taken in the end: {page}");
    platform.wait_until_ready().await.unwrap();
}
