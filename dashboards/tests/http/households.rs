//! Whose animals are known, and who may reach them at home.

use crate::support::{Server, TOWNSHIP, problem};
use registry::{AuditQuery, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const LEDGER: &str = "household,name,township,stock,phone,ear_tag\nh-1,其其格,150425100,本地,0476-1234567,156000000000001\nh-2,外来户,,外场,,\n";

#[tokio::test]
async fn a_ledger_is_listed_without_phones_and_each_sees_their_townships() {
    let server = Server::start().await;
    server.add_user("ranger", &[Role::Operator], &[TOWNSHIP]);
    let admin = server.login("admin").await;
    let import = |body: &'static str| admin.request(Method::POST, "/api/v1/households/import").body(body).send();
    let done: Value = import(LEDGER).await.unwrap().json().await.unwrap();
    assert_eq!((&done["new"], &done["animals_new"]), (&json!(2), &json!(1)));

    let all = admin.get_json("/api/v1/households").await;
    let first = json!({
        "id": "h-1", "name": "其其格", "township": TOWNSHIP, "stock": "local", "animals": [{ "ear_tag": "156000000000001" }]
    });
    assert_eq!((&all["items"][0], all["items"].as_array().unwrap().len()), (&first, 2));
    assert!(!all.to_string().contains("1234567"));
    let page = admin.get_json("/api/v1/households?limit=1").await;
    let rest = admin.get_json(&format!("/api/v1/households?cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!(rest["items"][0]["id"], "h-2");
    let theirs = server.login("ranger").await.get_json("/api/v1/households").await;
    assert_eq!((&theirs["items"][0]["id"], theirs["items"].as_array().unwrap().len()), (&json!("h-1"), 1));

    let wrong = import("household,name,stock\nh-1,其其格,mine\n").await.unwrap();
    let why = problem(wrong, StatusCode::BAD_REQUEST).await;
    assert!(why.starts_with("1 line is wrong: line 2: stock `mine` is none"), "{why}");
}

#[tokio::test]
async fn a_phone_is_for_supervisors_and_who_asked_is_written_down() {
    let server = Server::start().await;
    server.add_user("operator", &[Role::Operator], &[]);
    server.add_user("chief", &[Role::Supervisor], &[]);
    server.add_user("elsewhere", &[Role::Supervisor], &["150425200"]);
    let admin = server.login("admin").await;
    admin.request(Method::POST, "/api/v1/households/import").body(LEDGER).send().await.unwrap();
    let path = "/api/v1/households/h-1/phone";
    let chief = server.login("chief").await;
    assert_eq!(chief.get_json(path).await["phone"], "0476-1234567");
    problem(server.login("operator").await.get(path).await, StatusCode::FORBIDDEN).await;
    problem(server.login("elsewhere").await.get(path).await, StatusCode::NOT_FOUND).await;
    let import = server.login("operator").await.request(Method::POST, "/api/v1/households/import").body(LEDGER);
    problem(import.send().await.unwrap(), StatusCode::FORBIDDEN).await;
    let asked = AuditQuery { what: Some("household.phone".into()), ..AuditQuery::default() };
    let audit = server.registry.find_in_audit(&asked, 10).unwrap();
    let found: Vec<_> = audit.iter().map(|entry| (entry.who.as_str(), entry.what.as_str())).collect();
    assert_eq!(found, [("chief", "household.phone h-1")]);
}
