//! Logging in and out, and who am I.
//!
//! In: a username and a password, slowed down by [`crate::throttle`].   Out: the session cookie and the CSRF token.
//!
//! Never: tells whether a username exists; a wrong name and a wrong password look and last the same.

use crate::app::{App, blocking};
use crate::auth::{COOKIE, Signed};
use crate::extract::Body;
use crate::listener::Peer;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use registry::User;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// No username and no password is longer; a longer text is not worth hashing.
const LENGTH_MAX: usize = 1_024;

/// What `POST /session` takes.
#[derive(Deserialize)]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// `POST /session`
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Body(Login { username, password }): Body<Login>,
) -> Result<Response, Problem> {
    if username.len() > LENGTH_MAX || password.len() > LENGTH_MAX {
        return Err(wrong());
    }
    app.throttle.attempt(&username, peer.ip(), app.now()).map_err(|wait| {
        let seconds = wait.as_secs().max(1);
        Problem::too_many(format!("too many wrong passwords; try again in {seconds} s"), seconds)
    })?;
    let permit =
        app.password_checks.acquire().await.map_err(|error| Problem::internal("checking a password", error))?;
    let (registry, name) = (app.parts.registry.clone(), username.clone());
    let user = blocking("checking a password", move || registry.check_password(&name, &password)).await?;
    drop(permit);
    let Some(user) = user else {
        tracing::info!(username, %peer, "login refused");
        return Err(wrong());
    };
    app.throttle.succeeded(&username, peer.ip());
    let shown = user_json(&user);
    let opened = app.sessions.open(user, app.now())?;
    let cookie = cookie(&opened.token, app.parts.secure_cookie)?;
    let body = Json(json!({ "user": shown, "csrf": &*opened.csrf }));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), body).into_response())
}

fn wrong() -> Problem {
    Problem::not_logged_in("username or password is wrong")
}

/// `DELETE /session`
pub(crate) async fn logout(State(app): State<Arc<App>>, signed: Signed) -> Result<Response, Problem> {
    app.sessions.close(&signed.token);
    let gone = cookie("; Max-Age=0", app.parts.secure_cookie)?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(SET_COOKIE, gone)])).into_response())
}

/// `GET /me`
pub(crate) async fn me(signed: Signed) -> Json<Value> {
    Json(json!({ "user": user_json(&signed.who.user), "csrf": &*signed.who.csrf }))
}

fn cookie(value: &str, secure: bool) -> Result<HeaderValue, Problem> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/{secure}"))
        .map_err(|error| Problem::internal("setting the session cookie", error))
}

/// A user as the API shows them.
pub(crate) fn user_json(user: &User) -> Value {
    json!({
        "username": user.username,
        "roles": user.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "townships": user.townships.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
    })
}
