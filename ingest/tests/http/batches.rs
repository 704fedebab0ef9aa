//! Many messages in one request: a result for each line, when all that were accepted are on disk.

use super::house::{House, Mood, beat, problem};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;

async fn send(house: &House, kind: &str, body: impl Into<reqwest::Body>) -> Response {
    house.says(kind).header("content-type", "application/x-ndjson").body(body).send().await.unwrap()
}

async fn results(response: Response) -> Vec<Value> {
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    response.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_has_its_result_in_order_and_only_the_good_ones_are_recorded() {
    let house = House::start().await;
    let body = format!("{}\r\n{{\"status\":\"ok\"}}\n\n{}\n", beat(1), beat(2));
    let results = results(send(&house, "heartbeat", body).await).await;
    assert_eq!(results.len(), 4);
    assert_eq!(results[0], json!({"line": 1, "status": 202}));
    assert_eq!(results[1], json!({"line": 2, "status": 400, "detail": "field `ts` is missing"}));
    assert_eq!((&results[2]["line"], &results[2]["status"]), (&json!(3), &json!(400)));
    assert_eq!(results[3], json!({"line": 4, "status": 202}));
    assert_eq!(house.payloads().await, [beat(1), beat(2)]);
    assert_eq!((*house.asked.borrow(), house.refusals("not_understood")), (1, 2));
    assert_eq!(house.metrics.acknowledgements.with_label_values(&["http"]).get(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_thousand_is_taken_and_one_more_line_is_refused_whole() {
    let house = House::start().await;
    let lines = |count: u64| (1..=count).map(|seq| beat(seq) + "\n").collect::<String>();
    assert_eq!(results(send(&house, "heartbeat", lines(1_000)).await).await.len(), 1_000);
    problem(send(&house, "heartbeat", lines(1_001)).await, 413).await;
    assert_eq!(house.entries().await.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_beyond_a_messages_bound_is_refused_alone() {
    let house = House::start().await;
    let long = format!("{{\"ts\":\"{}\"}}", "x".repeat(1 << 20));
    let results = results(send(&house, "heartbeat", format!("{long}\n{}", beat(2))).await).await;
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!(413), &json!(202)));
    assert_eq!(house.payloads().await, [beat(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_nothing_good_is_answered_and_never_reaches_the_journal() {
    let house = House::start().await;
    house.mood.send_replace(Mood::Broken);
    let results = results(send(&house, "track", "no\nno").await).await;
    assert!(results.iter().all(|result| result["status"] == 400) && results.len() == 2);
    assert_eq!(*house.asked.borrow(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_journal_refuses_a_batch_whole() {
    let house = House::start_with(Duration::from_millis(300)).await;
    house.mood.send_replace(Mood::Full);
    problem(send(&house, "heartbeat", format!("{}\n{}", beat(1), beat(2))).await, 503).await;
    assert_eq!(house.entries().await, []);
}
