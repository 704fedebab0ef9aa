//! Accounts, second factors, programs' tokens, and what the audit says of it.

use crate::support::{PASSWORD, Server, Session, problem};
use registry::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

async fn send(session: &Session<'_>, method: Method, path: &str, body: Value) -> reqwest::Response {
    session.request(method, &format!("/api/v1/{path}")).json(&body).send().await.unwrap()
}

async fn done(response: reqwest::Response, status: StatusCode) -> Value {
    let (found, text) = (response.status(), response.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// What an authenticator shows so many seconds from now.
fn code(secret: &str, ahead_s: u64) -> String {
    let bytes = Secret::Encoded(secret.to_owned()).to_bytes().unwrap();
    let now = u64::try_from(model::Clock::system().now().as_millis() / 1_000).unwrap();
    TOTP::new(Algorithm::SHA1, 6, 0, 30, bytes).unwrap().generate(now + ahead_s)
}

async fn log_in(server: &Server, name: &str, password: &str, code: Option<&str>) -> reqwest::Response {
    let body = json!({ "username": name, "password": password, "code": code });
    server.request(Method::POST, "/api/v1/session").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn who_is_changed_is_logged_out_and_has_what_they_may_now() {
    let server = Server::start().await;
    server.add_user("bao", &[Role::Operator], &["150425100"]);
    let (admin, bao) = (server.login("admin").await, server.login("bao").await);
    let roles = json!({ "roles": ["viewer"], "townships": [] });
    let edited = done(send(&admin, Method::PATCH, "users/bao", roles).await, StatusCode::OK).await;
    assert_eq!((&edited["roles"], &edited["townships"]), (&json!(["viewer"]), &json!([])));
    problem(bao.get("/api/v1/me").await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(server.login("bao").await.get_json("/api/v1/me").await["user"]["roles"], json!(["viewer"]));

    let away = send(&admin, Method::PATCH, "users/bao", json!({ "disabled": true })).await;
    assert_eq!(done(away, StatusCode::OK).await["disabled"], true);
    problem(server.try_login("bao", PASSWORD).await, StatusCode::UNAUTHORIZED).await;
    let nobody = send(&admin, Method::PATCH, "users/nobody", json!({ "disabled": true })).await;
    problem(nobody, StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn the_last_administrator_stays_and_one_of_some_townships_makes_nobody() {
    let server = Server::start().await;
    server.add_user("local", &[Role::Administrator], &["150425100"]);
    let (admin, local) = (server.login("admin").await, server.login("local").await);
    for body in [json!({ "disabled": true }), json!({ "roles": ["viewer"] }), json!({ "townships": ["150425100"] })] {
        let told = problem(send(&admin, Method::PATCH, "users/admin", body).await, StatusCode::CONFLICT).await;
        assert!(told.contains("somebody else an administrator"), "{told}");
    }
    assert_eq!(admin.get("/api/v1/me").await.status(), StatusCode::OK, "nothing was changed");
    let new = json!({ "username": "u", "password": PASSWORD, "roles": ["administrator"] });
    problem(local.post("/api/v1/users", new).await, StatusCode::FORBIDDEN).await;
    problem(local.get("/api/v1/audit").await, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn another_password_needs_the_present_one_and_ends_every_other_session() {
    let server = Server::start().await;
    server.add_user("bao", &[Role::Viewer], &[]);
    let (here, there) = (server.login("bao").await, server.login("bao").await);
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let wrong = send(&here, Method::PUT, "me/password", change("wrong", "another password")).await;
    problem(wrong, StatusCode::FORBIDDEN).await;
    problem(send(&here, Method::PUT, "me/password", change(PASSWORD, "short")).await, StatusCode::BAD_REQUEST).await;
    let answer = send(&here, Method::PUT, "me/password", change(PASSWORD, "another password")).await;
    assert!(answer.headers().contains_key("set-cookie"));
    done(answer, StatusCode::OK).await;
    problem(there.get("/api/v1/me").await, StatusCode::UNAUTHORIZED).await;
    problem(here.get("/api/v1/me").await, StatusCode::UNAUTHORIZED).await;
    problem(server.try_login("bao", PASSWORD).await, StatusCode::UNAUTHORIZED).await;
    done(server.try_login("bao", "another password").await, StatusCode::OK).await;
}

#[tokio::test]
async fn with_a_second_factor_a_password_alone_does_not_do_and_a_code_does_once() {
    let server = Server::start().await;
    server.add_user("bao", &[Role::Viewer], &[]);
    let bao = server.login("bao").await;
    problem(send(&bao, Method::POST, "me/second-factor", json!({})).await, StatusCode::FORBIDDEN).await;
    let offer = send(&bao, Method::POST, "me/second-factor", json!({ "password": PASSWORD })).await;
    let offer = done(offer, StatusCode::OK).await;
    let secret = offer["secret"].as_str().unwrap().to_owned();
    assert!(offer["uri"].as_str().unwrap().starts_with("otpauth://totp/Steppewatch:bao@hexigten?secret="));
    done(server.try_login("bao", PASSWORD).await, StatusCode::OK).await;
    let wrong = send(&bao, Method::POST, "me/second-factor/confirm", json!({ "code": "12" })).await;
    problem(wrong, StatusCode::BAD_REQUEST).await;
    let confirmed = send(&bao, Method::POST, "me/second-factor/confirm", json!({ "code": code(&secret, 0) })).await;
    assert_eq!(done(confirmed, StatusCode::OK).await["user"]["second_factor"], true);

    let alone = done(server.try_login("bao", PASSWORD).await, StatusCode::UNAUTHORIZED).await;
    assert_eq!(alone["type"], "urn:steppewatch:problem:code-needed");
    let used = code(&secret, 0);
    problem(log_in(&server, "bao", PASSWORD, Some(&used)).await, StatusCode::UNAUTHORIZED).await;
    let next = code(&secret, 30);
    done(log_in(&server, "bao", PASSWORD, Some(&next)).await, StatusCode::OK).await;
    problem(log_in(&server, "bao", PASSWORD, Some(&next)).await, StatusCode::UNAUTHORIZED).await;

    // An administrator helps who lost the authenticator.
    let admin = server.login("admin").await;
    done(send(&admin, Method::DELETE, "users/bao/second-factor", json!({})).await, StatusCode::NO_CONTENT).await;
    done(server.try_login("bao", PASSWORD).await, StatusCode::OK).await;
    let audit = admin.get_json("/api/v1/audit?what=second_factor").await.to_string();
    assert!(audit.contains("user.second_factor bao") && !audit.contains(&secret), "{audit}");
}

#[tokio::test]
async fn codes_cannot_be_tried_without_end() {
    let server = Server::start().await;
    server.add_user("bao", &[Role::Viewer], &[]);
    let bao = server.login("bao").await;
    let offer = send(&bao, Method::POST, "me/second-factor", json!({ "password": PASSWORD })).await;
    let secret = done(offer, StatusCode::OK).await["secret"].as_str().unwrap().to_owned();
    let confirmed = send(&bao, Method::POST, "me/second-factor/confirm", json!({ "code": code(&secret, 0) })).await;
    done(confirmed, StatusCode::OK).await;
    for attempt in 0..5 {
        // With the right password, and in between without a code.
        let said = (attempt % 2 == 0).then_some("000000");
        problem(log_in(&server, "bao", PASSWORD, said).await, StatusCode::UNAUTHORIZED).await;
    }
    let right = code(&secret, 30);
    problem(log_in(&server, "bao", PASSWORD, Some(&right)).await, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn a_program_comes_in_with_a_token_and_may_what_both_it_and_its_person_may() {
    let server = Server::start().await;
    server.add_user("bao", &[Role::Operator, Role::Viewer], &["150425100"]);
    let (admin, bao) = (server.login("admin").await, server.login("bao").await);
    let new = |roles: &[&str]| json!({ "name": "export", "roles": roles, "expires": "1d" });
    let more = bao.post("/api/v1/tokens", new(&["administrator"])).await;
    assert!(problem(more, StatusCode::BAD_REQUEST).await.contains("viewer, operator"));
    let made = done(bao.post("/api/v1/tokens", new(&["operator"])).await, StatusCode::CREATED).await;
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("swt_"));

    let with = |method: Method, path: &str| server.request(method, &format!("/api/v1/{path}")).bearer_auth(&token);
    let me = done(with(Method::GET, "me").send().await.unwrap(), StatusCode::OK).await;
    assert_eq!((&me["user"]["roles"], &me["user"]["townships"]), (&json!(["operator"]), &json!(["150425100"])));
    // No CSRF token, and no more than its roles.
    let unknown = with(Method::POST, "incidents/i-1/acknowledge").send().await.unwrap();
    problem(unknown, StatusCode::NOT_FOUND).await;
    problem(with(Method::GET, "users").send().await.unwrap(), StatusCode::FORBIDDEN).await;
    let another = with(Method::POST, "tokens").json(&new(&["operator"])).send().await.unwrap();
    problem(another, StatusCode::FORBIDDEN).await;

    done(send(&admin, Method::PATCH, "users/bao", json!({ "roles": ["viewer"] })).await, StatusCode::OK).await;
    problem(with(Method::GET, "me").send().await.unwrap(), StatusCode::UNAUTHORIZED).await;
    done(send(&admin, Method::PATCH, "users/bao", json!({ "roles": ["operator"] })).await, StatusCode::OK).await;
    done(with(Method::GET, "me").send().await.unwrap(), StatusCode::OK).await;

    let listed = admin.get_json("/api/v1/tokens").await;
    assert_eq!((&listed["items"][0]["state"], &listed["items"][0]["token"]), (&json!("valid"), &Value::Null));
    let id = listed["items"][0]["id"].as_u64().unwrap();
    done(send(&admin, Method::DELETE, &format!("tokens/{id}"), json!({})).await, StatusCode::NO_CONTENT).await;
    problem(with(Method::GET, "me").send().await.unwrap(), StatusCode::UNAUTHORIZED).await;
    assert!(!admin.get_json("/api/v1/audit").await.to_string().contains(&token));
}

#[tokio::test]
async fn a_token_is_seen_and_taken_back_by_its_person_only_and_by_administrators() {
    let server = Server::start().await;
    for name in ["bao", "li"] {
        server.add_user(name, &[Role::Viewer], &[]);
    }
    let (bao, li) = (server.login("bao").await, server.login("li").await);
    let new = json!({ "name": "wall", "roles": ["viewer"], "expires": "1d" });
    let id = done(bao.post("/api/v1/tokens", new).await, StatusCode::CREATED).await["id"].as_u64().unwrap();
    assert_eq!(li.get_json("/api/v1/tokens").await["items"], json!([]));
    let path = format!("tokens/{id}");
    problem(send(&li, Method::DELETE, &path, json!({})).await, StatusCode::NOT_FOUND).await;
    done(send(&bao, Method::DELETE, &path, json!({})).await, StatusCode::NO_CONTENT).await;
    let for_bao = json!({ "name": "w", "username": "bao", "roles": ["viewer"], "expires": "1d" });
    problem(li.post("/api/v1/tokens", for_bao).await, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn the_audit_says_from_where_and_is_searched_and_its_chain_holds() {
    let server = Server::start().await;
    let admin = server.login("admin").await;
    let new = json!({ "username": "bao", "password": PASSWORD, "roles": ["viewer"] });
    done(admin.post("/api/v1/users", new).await, StatusCode::CREATED).await;
    let found = admin.get_json("/api/v1/audit?what=user.add&who=admin&since=2020-01-01").await;
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{found}");
    assert_eq!((&items[0]["what"], &items[0]["address"]), (&json!("user.add bao"), &json!("127.0.0.1")));
    let logins = admin.get_json("/api/v1/audit?what=session.open").await;
    assert_eq!((&logins["items"][0]["who"], &logins["items"][0]["address"]), (&json!("admin"), &json!("127.0.0.1")));

    let first = admin.get_json("/api/v1/audit?limit=1").await;
    let cursor = first["next"].as_str().unwrap();
    let second = admin.get_json(&format!("/api/v1/audit?limit=1&cursor={cursor}")).await;
    let seq = |page: &Value| page["items"][0]["seq"].as_u64().unwrap();
    assert_eq!(seq(&second), seq(&first) - 1);

    let chain = admin.get_json("/api/v1/audit/chain").await;
    assert_eq!((&chain["holds"], &chain["entries"]), (&json!(true), &json!(seq(&first))));
}
