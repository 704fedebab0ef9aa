//! Who gets in, and what a session is worth.

use crate::support::{PASSWORD, Server, opened, problem};
use model::{Clock, Timestamp};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn without_a_provider_of_identities_there_is_the_password_and_a_page_that_says_so() {
    let server = Server::start().await;
    let ways: serde_json::Value = server.get("/api/v1/login-ways").await.json().await.unwrap();
    assert_eq!(ways, serde_json::json!({ "password": true, "provider": null }));
    for path in ["/api/v1/session/oidc", "/api/v1/session/oidc/callback?code=a&state=b"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(answer.text().await.unwrap().contains("No identity provider is configured."));
    }
}

#[tokio::test]
async fn a_right_password_opens_a_session_that_ends_with_logging_out() {
    let server = Server::start().await;
    let response = server.try_login("admin", PASSWORD).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/") && !cookie.contains("Secure"), "{cookie}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["user"]["username"], "admin");

    let session = server.login("admin").await;
    let me = session.get_json("/api/v1/me").await;
    assert_eq!((&me["user"]["username"], &me["csrf"]), (&json!("admin"), &json!(session.csrf)));
    let out = session.request(Method::DELETE, "/api/v1/session").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    problem(session.get("/api/v1/me").await, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let server = Server::start().await;
    let wrong = problem(server.try_login("admin", "wrong").await, StatusCode::UNAUTHORIZED).await;
    let unknown = problem(server.try_login("nobody", "wrong").await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn after_five_wrong_passwords_even_the_right_one_has_to_wait() {
    let server = Server::start().await;
    for _ in 0..5 {
        problem(server.try_login("admin", "wrong").await, StatusCode::UNAUTHORIZED).await;
    }
    let refused = server.try_login("admin", PASSWORD).await;
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds));
    problem(refused, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn without_a_session_everything_but_the_probes_is_closed() {
    let server = Server::start().await;
    for path in ["me", "incidents", "zones", "devices", "deliveries", "audit", "live", "users"] {
        problem(server.get(&format!("/api/v1/{path}")).await, StatusCode::UNAUTHORIZED).await;
    }
    for path in ["/healthz", "/metrics", "/api/v1/openapi.json", "/"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_state_changing_request_without_the_csrf_token_is_refused() {
    let server = Server::start().await;
    let session = server.login("admin").await;
    for token in [None, Some("wrong")] {
        let mut request = server.request(Method::DELETE, "/api/v1/session").header("cookie", &session.cookie);
        if let Some(token) = token {
            request = request.header("x-csrf-token", token);
        }
        let detail = problem(request.send().await.unwrap(), StatusCode::FORBIDDEN).await;
        assert!(detail.contains("X-CSRF-Token"), "{detail}");
    }
    assert_eq!(session.get("/api/v1/me").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_login_that_is_no_json_is_refused_with_a_reason() {
    let server = Server::start().await;
    let form = server.request(Method::POST, "/api/v1/session").body("username=admin").send().await.unwrap();
    problem(form, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let half =
        server.request(Method::POST, "/api/v1/session").json(&json!({ "username": "admin" })).send().await.unwrap();
    assert!(problem(half, StatusCode::BAD_REQUEST).await.contains("password"));
}

#[tokio::test]
async fn a_role_is_needed_for_what_it_is_for() {
    let server = Server::start().await;
    server.add_user("viewer", &[Role::Viewer], &[]);
    let viewer = server.login("viewer").await;
    for path in ["/api/v1/audit", "/api/v1/users", "/api/v1/subscribers"] {
        problem(viewer.get(path).await, StatusCode::FORBIDDEN).await;
    }
    for (path, body) in [
        ("devices", json!({ "id": "camera-9", "kind": "camera" })),
        ("subscribers", json!({ "name": "n", "channel": "webhook", "url": "https://example.org/" })),
        ("users", json!({ "username": "u", "password": PASSWORD, "roles": ["viewer"] })),
        ("incidents/i-1/acknowledge", json!({})),
        ("deliveries/d-1/retry", json!({})),
    ] {
        let detail = problem(viewer.post(&format!("/api/v1/{path}"), body).await, StatusCode::FORBIDDEN).await;
        assert!(detail.contains("roles"), "{path}: {detail}");
    }
    problem(viewer.post("/api/v1/zones/import", json!({})).await, StatusCode::FORBIDDEN).await;
    assert!(server.registry.view().borrow().devices.is_empty());
}

#[tokio::test]
async fn a_refusal_says_by_a_code_and_values_what_a_page_tells_in_other_words() {
    let server = Server::start_after(&[opened("inc-1")]).await;
    server.add_user("viewer", &[Role::Viewer], &[]);
    let wrong: Value = server.try_login("viewer", "wrong").await.json().await.unwrap();
    assert_eq!((&wrong["code"], wrong.get("params")), (&json!("wrong-password"), None));
    let viewer = server.login("viewer").await;
    let refused: Value = viewer.post("/api/v1/incidents/inc-1/acknowledge", json!({})).await.json().await.unwrap();
    assert_eq!(refused["code"], "role-needed");
    assert_eq!(refused["params"]["roles"], "operator,supervisor,administrator");
    let none: Value = viewer.get("/api/v1/incidents/inc-9").await.json().await.unwrap();
    assert_eq!((&none["code"], &none["params"]), (&json!("no-incident"), &json!({ "incident": "inc-9" })));
    let unnamed: Value = viewer.get("/api/v1/nothing").await.json().await.unwrap();
    assert_eq!((unnamed.get("code"), &unnamed["type"]), (None, &json!("urn:steppewatch:problem:not-found")));
}

#[tokio::test]
async fn a_session_that_is_used_for_hours_has_a_new_cookie_each_hour_and_the_old_one_ends() {
    let begun = Timestamp::parse_legal("2026-05-01").unwrap();
    let clock = Clock::manual(begun);
    let server = Server::start_at(&clock).await;
    let mut session = server.login("admin").await;
    assert!(!session.get("/api/v1/me").await.headers().contains_key("set-cookie"), "it is new");

    clock.set(begun.plus(Duration::from_secs(3_600)));
    let answer = session.get("/api/v1/me").await;
    let renewed = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(renewed.contains("; HttpOnly; SameSite=Strict; Path=/"), "{renewed}");
    let old = std::mem::replace(&mut session.cookie, renewed.split(';').next().unwrap().to_owned());
    assert_ne!(old, session.cookie);
    let changed = session.request(Method::POST, "/api/v1/tokens").json(&json!({})).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::BAD_REQUEST, "the token against forgery is the same");

    clock.set(begun.plus(Duration::from_secs(3_661)));
    assert_eq!(session.get("/api/v1/me").await.status(), StatusCode::OK);
    let copied = server.request(Method::GET, "/api/v1/me").header("cookie", &old).send().await.unwrap();
    assert_eq!(copied.status(), StatusCode::UNAUTHORIZED);

    clock.set(begun.plus(Duration::from_secs(2 * 3_600)));
    let left = session.request(Method::DELETE, "/api/v1/session").send().await.unwrap();
    let cookies: Vec<_> = left.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "who leaves is given no new one: {cookies:?}");
}
