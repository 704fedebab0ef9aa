//! The simulated drones fly, and the platform says which land they watched; what nobody watches stays blind. Then a planned route.

use crate::herd::two_zones;
use journeys::Platform;
use serde_json::{Value, json};
use std::time::Duration;

fn watched(answer: &Value) -> f64 {
    answer["total"]["watched"]["hour"].as_f64().unwrap_or(0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_simulated_drones_fly_over_is_watched_their_flights_are_patrols_and_a_power_cut_loses_neither() {
    let mut platform = Platform::prepare("").unwrap();
    platform.demo().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let first = operator.wait_for("/coverage", |answer| watched(answer) > 0.0).await.unwrap();
    let before = watched(&first);
    let later = operator.wait_for("/coverage", |answer| watched(answer) > before).await.unwrap();
    assert!(later["total"]["blind_mu"].as_f64().unwrap() > 0.0, "six drones do not watch a banner: {later}");
    assert_eq!(later["total"]["blind_zones"], 0, "nobody had a week's time");
    // A patrol is told once it took a minute.
    let flights = operator.wait_for_items("/patrols", |items| !items.is_empty());
    let flights = tokio::time::timeout(Duration::from_secs(120), flights).await.unwrap().unwrap();
    assert_eq!((&flights[0]["kind"], flights[0]["distance_m"].as_f64().unwrap() >= 100.0), (&json!("drone"), true));
    let id = flights[0]["id"].as_str().unwrap().to_owned();
    let flight = operator.get(&format!("/patrols/{id}")).await.unwrap();
    assert!(flight["line"]["coordinates"].as_array().unwrap().len() >= 2, "{flight}");
    let page = platform.metrics().await.unwrap();
    assert!(page.contains("steppewatch_coverage_watched_ratio{window=\"hour\"}"), "{page}");

    assert!(platform.stop().await.unwrap().success());
    platform.demo().await.unwrap();
    let operator = platform.operator().await.unwrap();
    let again = operator.wait_for("/coverage", |answer| watched(answer) >= before).await.unwrap();
    assert!(again["items"].as_array().unwrap().iter().any(|zone| !zone["last"].is_null()));
    operator.wait_for_items("/patrols", |items| items.iter().any(|item| item["id"] == id.as_str())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_was_planned_shows_what_of_it_was_flown_and_a_ranger_does_the_duty_of_a_village_chief() {
    let mut platform = Platform::prepare("").unwrap();
    platform.import(&two_zones()).await.unwrap();
    let route = json!({ "type": "FeatureCollection", "features": [{
        "type": "Feature", "properties": { "id": "r-1", "name": "北线", "width_m": 200 },
        "geometry": { "type": "LineString", "coordinates": [[117.5, 43.3045], [117.52, 43.3045]] },
    }]});
    let file = platform.file("routes.geojson");
    std::fs::write(&file, route.to_string()).unwrap();
    platform.tell(&["patrols", "import", file.to_str().unwrap()]).await.unwrap();
    platform.run().await.unwrap();
    let mut ranger = platform.device("r-1", "ranger", &[]).await.unwrap();
    platform.tell(&["patrols", "assign", "r-1", "village_chief"]).await.unwrap();
    let wrong = platform.tell(&["patrols", "assign", "r-1", "village_chef"]).await.unwrap_err().to_string();
    assert!(wrong.contains("village_chief"), "{wrong}");
    ranger.connect(&platform).await.unwrap();
    // A walk of ten minutes that its phone kept until now.
    let now = firmware_sim::clock::now_ms();
    for step in 0..=10_i64 {
        let ts = now - (20 - step) * 60_000;
        let lon = 117.5 + 0.001 * step as f64;
        ranger.say("track", json!({ "ts": ts, "lat": 43.3045, "lon": lon })).await.unwrap();
    }
    let operator = platform.operator().await.unwrap();
    let shown = operator
        .wait_for("/patrols/routes", |answer| {
            answer["features"][0]["properties"]["flown"]["share"].as_f64() > Some(0.5)
        })
        .await
        .unwrap();
    let flown = &shown["features"][0]["properties"]["flown"];
    assert_eq!(flown["gaps_km"].as_array().unwrap().len(), 1, "{shown}");
    let listed = platform.tell(&["patrols", "list"]).await.unwrap();
    assert!(listed.starts_with("r-1  北线  1.6 km"), "{listed}");
    let duties = operator.items("/patrols/duties").await.unwrap();
    assert!(
        duties.iter().any(|duty| duty["duty"] == "village_chief" && duty["devices"] == json!(["r-1"])),
        "{duties:?}"
    );
}
