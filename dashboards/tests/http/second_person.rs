//! Changes of zones and closures: who may make them, and that a second person can be asked for.

use crate::support::{Server, Session, TOWNSHIP, problem, zone_geojson};
use registry::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const SEASON: &str = "草畜平衡区春季休牧 balance zone, rest period";

/// Three people with the roles that matter here.
async fn people(server: &Server) -> [Session<'_>; 3] {
    server.add_user("editor", &[Role::ZoneEditor], &[]);
    server.add_user("chief", &[Role::Supervisor], &[]);
    [server.login("admin").await, server.login("editor").await, server.login("chief").await]
}

async fn import(session: &Session<'_>, text: String) -> Response {
    session.request(Method::POST, "/api/v1/zones/import?reason=五年重划").body(text).send().await.unwrap()
}

async fn json(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status, "{:?}", response.text().await);
    response.json().await.unwrap()
}

fn renamed() -> String {
    zone_geojson().replace("一号平衡区", "二号平衡区")
}

fn until(last: &str) -> Value {
    json!({ "rule": SEASON, "last": last, "townships": [TOWNSHIP], "legal_basis": "12号", "reason": "返青推迟" })
}

#[tokio::test]
async fn an_import_without_a_reason_is_refused() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    let response = session.request(Method::POST, "/api/v1/zones/import").body(renamed()).send().await.unwrap();
    assert!(problem(response, StatusCode::BAD_REQUEST).await.contains("`reason` is missing"));
    json(import(&session, renamed()).await, StatusCode::OK).await;
    let versions = session.get_json("/api/v1/zones/zone-1/versions").await;
    let newest = &versions["items"][0];
    assert_eq!((&newest["reason"], &newest["published_by"]), (&json!("五年重划"), &json!("admin")));
    let since = &newest["decides"][0]["from"];
    assert_eq!((&versions["items"][1]["in_force_to"], &newest["in_force_from"]), (since, since));
}

#[tokio::test]
async fn every_version_of_a_zone_is_there_with_its_border_and_is_sent_once() {
    let server = Server::start().await;
    server.add_user("stranger", &[Role::Viewer], &["150425999"]);
    let session = server.login("admin").await;
    json(import(&session, zone_geojson().replace("43.0", "43.2")).await, StatusCode::OK).await;
    let path = "/api/v1/zones/zone-1/versions/1";
    let response = session.get(path).await;
    let etag = response.headers()["etag"].clone();
    let old = json(response, StatusCode::OK).await;
    let new = session.get_json("/api/v1/zones/zone-1/versions/2").await;
    assert_eq!(
        (&old["type"], &old["id"], &old["properties"]["version"]),
        (&json!("Feature"), &json!("zone-1"), &json!(1))
    );
    assert_eq!(
        old["properties"]["published_by"],
        session.get_json("/api/v1/zones/zone-1/versions").await["items"][1]["published_by"]
    );
    assert!(old["geometry"].is_object() && old["geometry"] != new["geometry"], "{old} {new}");
    let again = session.request(Method::GET, path).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    for none in ["zone-1/versions/3", "zone-1/versions/first", "zone-9/versions/1"] {
        problem(session.get(&format!("/api/v1/zones/{none}")).await, StatusCode::NOT_FOUND).await;
    }
    problem(server.login("stranger").await.get(path).await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_zone_is_repealed_from_a_date_on() {
    let server = Server::start().await;
    let [admin, editor, chief] = people(&server).await;
    let body = json!({ "from": "2026-02-01", "reason": "撤销" });
    problem(chief.post("/api/v1/zones/zone-1/repeal", body.clone()).await, StatusCode::FORBIDDEN).await;
    let done = json(editor.post("/api/v1/zones/zone-1/repeal", body).await, StatusCode::OK).await;
    assert_eq!(done["version"], 2);
    let at = |t: &str| format!("/api/v1/zones/at?lat=43.5&lon=117.5&t={t}");
    assert_eq!(admin.get_json(&at("2026-01-31")).await["zones"][0]["version"], 1);
    assert_eq!(admin.get_json(&at("2026-02-01")).await["zones"], json!([]));
    let versions = admin.get_json("/api/v1/zones/zone-1/versions").await;
    assert_eq!(
        (&versions["items"][0]["repealed"], &versions["items"][0]["closure"]["level"]),
        (&json!(true), &json!("none"))
    );
}

#[tokio::test]
async fn where_a_second_person_is_asked_for_an_import_waits_for_one() {
    let server = Server::start_with_second_person().await;
    let [admin, editor, chief] = people(&server).await;
    let answer = json(import(&editor, renamed()).await, StatusCode::ACCEPTED).await;
    assert_eq!((&answer["published"], &answer["proposal"]["state"]), (&json!(1), &json!("open")));
    assert_eq!(server.registry.view().borrow().zones[0].version, 1);
    let path = format!("/api/v1/zones/proposals/{}/approve", answer["proposal"]["id"]);
    let own = problem(editor.post(&path, json!({})).await, StatusCode::CONFLICT).await;
    assert!(own.contains("another person"), "{own}");
    assert_eq!(chief.get_json("/api/v1/zones/proposals").await["items"][0]["reason"], "五年重划");
    let done = json(chief.post(&path, json!({})).await, StatusCode::OK).await;
    assert_eq!((&done["state"], &done["decided_by"]), (&json!("approved"), &json!("chief")));
    assert_eq!(server.registry.view().borrow().zones[0].version, 2);
    problem(admin.post(&path, json!({})).await, StatusCode::CONFLICT).await;
    problem(admin.post("/api/v1/zones/proposals/x/approve", json!({})).await, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_declined_proposal_says_why_and_changes_nothing() {
    let server = Server::start_with_second_person().await;
    let [_, editor, chief] = people(&server).await;
    let answer = json(import(&editor, renamed()).await, StatusCode::ACCEPTED).await;
    let path = format!("/api/v1/zones/proposals/{}/decline", answer["proposal"]["id"]);
    let done = json(chief.post(&path, json!({ "reason": "界线有误" })).await, StatusCode::OK).await;
    assert_eq!((&done["state"], &done["remark"]), (&json!("declined"), &json!("界线有误")));
    assert_eq!(server.registry.view().borrow().zones[0].version, 1);
}

#[tokio::test]
async fn a_season_is_extended_by_whoever_may_and_is_law_when_approved() {
    let server = Server::start_with_second_person().await;
    let [admin, editor, chief] = people(&server).await;
    let year = model::LegalDate::of(model::Clock::system().now()).unwrap().year();
    let body = until(&format!("{}-06-30", year + 1));
    problem(editor.post("/api/v1/closures/decisions", body.clone()).await, StatusCode::FORBIDDEN).await;
    let answer = json(chief.post("/api/v1/closures/decisions", body).await, StatusCode::ACCEPTED).await;
    let path = format!("/api/v1/closures/decisions/{}", answer["id"]);
    problem(chief.post(&format!("{path}/approve"), json!({})).await, StatusCode::CONFLICT).await;
    let closures = editor.get_json("/api/v1/closures").await;
    assert_eq!((&closures["decisions"], &closures["proposals"][0]["id"]), (&json!([]), &answer["id"]));
    json(admin.post(&format!("{path}/approve"), json!({})).await, StatusCode::OK).await;
    let closures = editor.get_json("/api/v1/closures").await;
    let decision = &closures["decisions"][0];
    assert_eq!((&decision["townships"], &decision["legal_basis"]), (&json!([TOWNSHIP]), &json!("12号")));
    assert_eq!((&decision["proposed_by"], &decision["approved_by"]), (&json!("chief"), &json!("admin")));
    assert_eq!(closures["rules"].as_array().unwrap().len(), 7);
    let before = editor.get_json("/api/v1/closures?known=2026-01-01").await;
    assert_eq!(before["decisions"], json!([]));
}

#[tokio::test]
async fn a_decision_that_cannot_be_is_refused_with_the_remedy() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for (key, value, words) in [
        ("rule", "休牧", "whole name"),
        ("last", "June", "2026-06-30"),
        ("last", "2001-06-30", "long over"),
        ("legal_basis", "", "document"),
    ] {
        let mut body = until("2099-06-30");
        body[key] = json!(value);
        let detail = problem(session.post("/api/v1/closures/decisions", body).await, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(words), "{detail}");
    }
    json(session.post("/api/v1/closures/decisions", until("2099-06-30")).await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn who_has_one_township_decides_for_it_and_approves_nothing() {
    let server = Server::start_with_second_person().await;
    server.add_user("local", &[Role::Supervisor], &[TOWNSHIP]);
    server.add_user("elsewhere", &[Role::Supervisor], &["150425200"]);
    let (local, elsewhere) = (server.login("local").await, server.login("elsewhere").await);
    let body = until("2099-06-30");
    problem(elsewhere.post("/api/v1/closures/decisions", body.clone()).await, StatusCode::FORBIDDEN).await;
    let mut everywhere = body.clone();
    everywhere["townships"] = json!([]);
    problem(local.post("/api/v1/closures/decisions", everywhere).await, StatusCode::FORBIDDEN).await;
    let answer = json(local.post("/api/v1/closures/decisions", body).await, StatusCode::ACCEPTED).await;
    let path = format!("/api/v1/closures/decisions/{}/approve", answer["id"]);
    problem(elsewhere.post(&path, json!({})).await, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn a_proposed_decision_says_in_fields_what_it_would_decide_and_whoever_proposed_it_is_told_why_not_them() {
    let server = Server::start_with_second_person().await;
    let [_, _, chief] = people(&server).await;
    let proposal =
        json(chief.post("/api/v1/closures/decisions", until("2099-06-20")).await, StatusCode::ACCEPTED).await;
    let terms = json!({
        "rule": SEASON, "year": 2099, "first": "2099-04-01", "last": "2099-06-20", "adds": false,
        "townships": [TOWNSHIP], "zones": [], "legal_basis": "12号",
    });
    assert_eq!((&proposal["closure"], &proposal["evidence"]), (&terms, &Value::Null));
    assert_eq!(chief.get_json("/api/v1/closures").await["proposals"][0]["closure"], terms);
    let approve = format!("/api/v1/closures/decisions/{}/approve", proposal["id"]);
    let refused = json(chief.post(&approve, json!({})).await, StatusCode::CONFLICT).await;
    assert_eq!(
        (&refused["code"], &refused["params"]),
        (&json!("second-person-needed"), &json!({ "proposal": proposal["id"] }))
    );
}
