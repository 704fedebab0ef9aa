//! Watched land, patrols, routes and duties, as each sees their townships.

use crate::support::{Server, TOWNSHIP, problem};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["zone"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn closed_zones_are_listed_with_what_nobody_watched_and_each_sees_their_townships() {
    let server = Server::start().await;
    server.add_user("ranger", &[Role::Viewer], &[TOWNSHIP]);
    let admin = server.login("admin").await;
    let all = admin.get_json("/api/v1/coverage").await;
    assert_eq!(ids(&all), ["zone-1", "zone-2"]);
    let total = json!({
        "zones": 2, "blind_zones": 1, "area_mu": 2000.0, "blind_mu": 1000.0,
        "watched": { "hour": 0.0, "day": 0.25, "week": 0.5 },
    });
    assert_eq!(all["total"], total);
    let first = &all["items"][0];
    assert_eq!(
        (&first["blind_mu"], &first["limit_h"], &first["in_span"]),
        (&json!(750.0), &json!(168.0), &Value::Null)
    );
    assert_eq!(ids(&admin.get_json("/api/v1/coverage?all=true").await), ["zone-1", "zone-2", "zone-3"]);
    let ranger = server.login("ranger").await;
    assert_eq!(ids(&ranger.get_json("/api/v1/coverage").await), ["zone-1"]);
    problem(ranger.get("/api/v1/coverage?zone=zone-2").await, StatusCode::NOT_FOUND).await;
    let span = ranger.get_json("/api/v1/coverage?zone=zone-1&from=2026-05-01&to=2026-05-02").await;
    assert_eq!(span["items"][0]["in_span"], json!({ "watched": 0.125, "blind_mu": 875.0 }));
    assert_eq!(span["from"], "2026-04-30T16:00:00.000Z");
    problem(ranger.get("/api/v1/coverage?from=2026-05-02&to=2026-05-01").await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn the_cells_of_a_zone_come_as_rows_or_as_geojson() {
    let server = Server::start().await;
    let admin = server.login("admin").await;
    let rows = admin.get_json("/api/v1/coverage?zone=zone-1&cells=true").await;
    assert_eq!(rows["cells"]["fields"], json!(["south", "west", "north", "east", "share", "last_ms"]));
    assert_eq!(rows["cells"]["rows"], json!([[43.3, 117.5, 43.30225, 117.5031, 0.5, 1_780_000_000_000_i64]]));
    let drawn = admin.get_json("/api/v1/coverage?zone=zone-1&cells=true&format=geojson").await;
    assert_eq!(drawn["features"][0]["geometry"]["coordinates"][0].as_array().unwrap().len(), 5);
    problem(admin.get("/api/v1/coverage?cells=true").await, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn patrols_are_listed_by_span_and_township_and_shown_with_their_way() {
    let server = Server::start().await;
    server.add_user("elsewhere", &[Role::Viewer], &["150425200"]);
    let admin = server.login("admin").await;
    let listed = admin.get_json("/api/v1/patrols?from=2026-05-01&to=2026-05-02").await;
    let flight = &listed["items"][0];
    assert_eq!(
        (&flight["duration_s"], &flight["distance_m"], &flight["area_mu"]),
        (&json!(1800), &json!(12345.0), &json!(1000.0))
    );
    assert_eq!(listed["next"], Value::Null);
    assert_eq!(admin.get_json("/api/v1/patrols?from=2026-06-01&to=2026-06-02").await["items"], json!([]));
    let path = format!("/api/v1/patrols/{}", flight["id"].as_str().unwrap());
    assert_eq!(admin.get_json(&path).await["line"]["coordinates"][1], json!([117.5, 43.31]));
    let elsewhere = server.login("elsewhere").await;
    assert_eq!(elsewhere.get_json("/api/v1/patrols?from=2026-05-01&to=2026-05-02").await["items"], json!([]));
    problem(elsewhere.get(&path).await, StatusCode::NOT_FOUND).await;
    problem(elsewhere.get(&format!("/api/v1/patrols?township={TOWNSHIP}")).await, StatusCode::FORBIDDEN).await;
    let duties = elsewhere.get_json("/api/v1/patrols/duties").await;
    assert_eq!(duties["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get_json("/api/v1/patrols/duties").await["items"].as_array().unwrap().len(), 3);
}

fn route(id: &str, township: Option<&str>) -> Value {
    json!({
        "type": "Feature", "properties": { "id": id, "name": "北线", "township": township, "duty": "village_chief" },
        "geometry": { "type": "LineString", "coordinates": [[117.5, 43.3], [117.55, 43.3]] },
    })
}

#[tokio::test]
async fn routes_are_planned_by_zone_editors_of_the_township_and_shown_beside_what_was_flown() {
    let server = Server::start().await;
    server.add_user("planner", &[Role::ZoneEditor], &[TOWNSHIP]);
    server.add_user("operator", &[Role::Operator], &[]);
    let plan = |body: Value| (Method::POST, "/api/v1/patrols/routes", body);
    let planner = server.login("planner").await;
    let send = |(method, path, body): (Method, &str, Value)| planner.request(method, path).json(&body).send();
    assert_eq!(send(plan(route("r-1", Some(TOWNSHIP)))).await.unwrap().status(), StatusCode::CREATED);
    problem(send(plan(route("r-2", Some("150425200")))).await.unwrap(), StatusCode::FORBIDDEN).await;
    problem(send(plan(route("r 3", Some(TOWNSHIP)))).await.unwrap(), StatusCode::BAD_REQUEST).await;
    let operator = server.login("operator").await;
    let refused = operator.request(Method::POST, "/api/v1/patrols/routes").json(&route("r-4", None)).send();
    problem(refused.await.unwrap(), StatusCode::FORBIDDEN).await;
    let shown = operator.get_json("/api/v1/patrols/routes").await;
    let flown = json!({ "share": 0.75, "length_km": 4.0, "gaps_km": [[1.0, 2.0]] });
    assert_eq!((&shown["features"][0]["id"], &shown["features"][0]["properties"]["flown"]), (&json!("r-1"), &flown));
    let gone = planner.request(Method::DELETE, "/api/v1/patrols/routes/r-1").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let again = planner.request(Method::DELETE, "/api/v1/patrols/routes/r-1").send().await.unwrap();
    problem(again, StatusCode::NOT_FOUND).await;
}
