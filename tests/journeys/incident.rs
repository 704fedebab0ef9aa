//! What is in an incident: whose animals, what can be shown, who was told; and what a false alarm leaves behind.

use crate::herd::two_zones;
use firmware_sim::clock::now_ms;
use journeys::{Device, Operator, Platform};
use serde_json::{Value, json};

const LEDGER: &str = "household,name,township,stock,phone,ear_tag,face_id
h-1,其其格,150425100,本地,0476-1234567,156000000000001,
h-2,外来户,,外场,,,niu-7
";

/// Sees the same spot of its picture three times.
async fn sees_three_times(camera: &mut Device, more: Value) {
    for number in 0..3 {
        let mut sighting = json!({
            "ts": now_ms(), "species": "sheep", "count": 40, "lat": 43.3045, "lon": 117.506, "accuracy_m": 8,
            "snapshot_id": format!("s-{number}"), "box": {"x": 0.4, "y": 0.6, "w": 0.06, "h": 0.05}
        });
        sighting.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        camera.say("sighting", sighting).await.unwrap();
    }
}

async fn incident(operator: &Operator, count: usize) -> Value {
    let listed = operator.wait_for_items("/incidents", |items| items.len() == count).await.unwrap();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let shows_all = |incident: &Value| incident["evidence"].as_array().is_some_and(|evidence| evidence.len() == 3);
    operator.wait_for(&format!("/incidents/{id}"), shows_all).await.unwrap()
}

async fn resolve(operator: &Operator, incident: &Value, outcome: &str) {
    let path = format!("/incidents/{}/resolve", incident["id"].as_str().unwrap());
    let (status, _) = operator.post(&path, &json!({"outcome": outcome})).await.unwrap();
    assert_eq!(status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_names_the_households_of_its_animals_and_both_halves_of_the_report_and_tells_no_phone() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    std::fs::write(platform.file("ledger.csv"), LEDGER).unwrap();
    let file = platform.file("ledger.csv").display().to_string();
    let done = platform.tell(&["--json", "households", "import", &file]).await.unwrap();
    assert_eq!(done.trim(), r#"{"animals_moved":0,"animals_new":2,"changed":0,"new":2,"same":0}"#);

    let operator = platform.operator().await.unwrap();
    let receiver = operator.receiver([]).await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    let known = json!({"animals": [{"face_id": "niu-7"}, {"ear_tag": "156000000000001"}, {"ear_tag": "nobodys"}]});
    sees_three_times(&mut camera, known).await;
    let incident = incident(&operator, 1).await;

    assert_eq!(incident["household"]["name"], "其其格");
    assert_eq!(incident["household"]["animals"], json!([{"ear_tag": "156000000000001"}]));
    assert_eq!(incident["other_households"][0]["stock"], "outside");
    assert_eq!(incident["evidence"][0]["boxes"], json!([[0.4, 0.6, 0.06, 0.05]]));
    let halves: Vec<_> =
        incident["reports"].as_array().unwrap().iter().map(|half| half["state"].as_str().unwrap()).collect();
    assert_eq!(halves, ["no_receiver", "no_receiver"]);
    let zh = incident["reasoning"]["zh"].as_str().unwrap();
    assert!(zh.contains("属牧户「外来户」（h-2，外场牲畜）") && zh.contains("另有 1 头可识别个体未登记到户"), "{zh}");

    let told = receiver.wait_until(|delivery| delivery.type_ == "steppewatch.incident.opened").await;
    assert_eq!(told.json()["data"]["household"]["id"], "h-1");
    for place in [told.json().to_string(), incident.to_string(), platform.log()] {
        assert!(!place.contains("1234567"), "a phone is told: {place}");
    }
    let phone = platform.tell(&["households", "phone", "h-1"]).await.unwrap();
    assert_eq!(phone.trim(), "0476-1234567");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_proposes_a_mask_and_once_applied_it_hides_that_spot_and_nothing_else() {
    let platform = Platform::start(&two_zones()).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let mut camera = platform.device("cam-1", "camera", &[]).await.unwrap();
    camera.connect(&platform).await.unwrap();
    sees_three_times(&mut camera, json!({})).await;
    resolve(&operator, &incident(&operator, 1).await, "false_positive").await;

    let proposed = operator.wait_for_items("/masks?state=proposed", |masks| masks.len() == 1).await.unwrap();
    assert_eq!(proposed[0]["area"], json!({"box": {"x": 0.4, "y": 0.6, "w": 0.06, "h": 0.05}}));
    let id = proposed[0]["id"].to_string();
    let applied = platform.tell(&["--json", "masks", "apply", &id, "--reason", "a boulder"]).await.unwrap();
    let applied: Value = serde_json::from_str(&applied).unwrap();
    assert_eq!((&applied["state"], &applied["versions"][1]["reason"]), (&json!("applied"), &json!("a boulder")));
    let holds = |device: &Value| device["masks"].as_array().is_some_and(|masks| masks.len() == 1);
    operator.wait_for("/devices/cam-1", holds).await.unwrap();

    let masked = |page: &str| page.contains("steppewatch_sightings_unplaced_total{reason=\"masked\"} 3");
    sees_three_times(&mut camera, json!({})).await;
    platform.wait_for_metrics(masked).await.unwrap();
    assert_eq!(operator.items("/incidents").await.unwrap().len(), 1);
    // An animal before the boulder is larger than it, and in another zone is another case.
    sees_three_times(&mut camera, json!({"box": {"x": 0.35, "y": 0.5, "w": 0.15, "h": 0.2}, "lat": 43.307})).await;
    operator.wait_for("/masks", |_| true).await.unwrap();
    let seen = |page: &str| page.contains("steppewatch_decoded_total{kind=\"sighting\"} 9");
    let page = platform.wait_for_metrics(seen).await.unwrap();
    assert!(masked(&page), "no more than the boulder is hidden");

    let (status, withdrawn) =
        operator.post(&format!("/masks/{id}/withdraw"), &json!({"reason": "gone"})).await.unwrap();
    assert_eq!((status.as_u16(), &withdrawn["state"]), (200, &json!("withdrawn")));
}
