//! Logging in and out, and who am I.
//!
//! In: a username and a password, slowed down by [`crate::throttle`].   Out: the session cookie and the CSRF token.
//!
//! Never: tells whether a username exists; a wrong name and a wrong password look and last the same.

use crate::app::{App, blocking};
use crate::auth::{COOKIE, Signed};
use crate::extract::Body;
use crate::listener::Peer;
use crate::openapi::words;
use crate::openapi::{BadRequest, Forbidden, NotLoggedIn, TooMany, WrongType};
use crate::problem::Problem;
use crate::refusals::Code;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use registry::{Login, RegistryError, User};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// No username and no password is longer; a longer text is not worth hashing.
const LENGTH_MAX: usize = 1_024;

/// What `POST /session` takes.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginBody {
    username: String,
    password: String,
    /// Of the authenticator, where somebody has one.
    code: Option<String>,
}

/// Log in.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session",
    request_body = LoginBody,
    responses((status = 200, body = SessionJson), BadRequest, NotLoggedIn, WrongType, TooMany),
    security(()),
)]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Body(LoginBody { username, password, code }): Body<LoginBody>,
) -> Result<Response, Problem> {
    if [&username, &password].into_iter().chain(&code).any(|text| text.len() > LENGTH_MAX) {
        return Err(wrong());
    }
    app.throttle.attempt(&username, peer.ip(), app.now()).map_err(Problem::throttled)?;
    let permit =
        app.password_checks.acquire().await.map_err(|error| Problem::internal("checking a password", error))?;
    let (registry, name) = (app.parts.registry.from_address(peer.ip()), username.clone());
    let login = blocking("checking a password", move || {
        let login = registry.log_in(&name, &password, code.as_deref())?;
        if matches!(login, Login::In(_)) {
            registry.witness("session.open".to_owned(), None, &name)?;
        }
        Ok::<_, RegistryError>(login)
    });
    let login = login.await?;
    drop(permit);
    let user = match login {
        Login::In(user) => user,
        // Asking for the code tells that the password is right, and still counts as an attempt: codes cannot be tried without end.
        Login::NeedsCode => return Err(Problem::needs_code()),
        Login::WrongCode => {
            tracing::info!(username, %peer, "login refused: wrong code");
            return Err(Problem::not_logged_in("the code is wrong or was used; wait for the next one")
                .because(Code::WrongFactor, []));
        }
        Login::Refused => {
            tracing::info!(username, %peer, "login refused");
            return Err(wrong());
        }
    };
    app.throttle.succeeded(&username, peer.ip());
    open(&app, user)
}

/// A new session, with its cookie.
pub(crate) fn open(app: &App, user: User) -> Result<Response, Problem> {
    let shown = user_json(&user);
    let opened = app.sessions.open(user, app.now())?;
    let cookie = cookie(&opened.token, app.parts.certificate.is_some())?;
    let body = Json(SessionJson { user: shown, csrf: opened.csrf.to_string() });
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), body).into_response())
}

fn wrong() -> Problem {
    Problem::not_logged_in("username or password is wrong").because(Code::WrongPassword, [])
}

/// Log out.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session",
    responses((status = 204), NotLoggedIn, Forbidden),
)]
pub(crate) async fn logout(State(app): State<Arc<App>>, signed: Signed) -> Result<Response, Problem> {
    app.sessions.close(signed.session()?);
    let gone = cookie("; Max-Age=0", app.parts.certificate.is_some())?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(SET_COOKIE, gone)])).into_response())
}

/// The session's cookie, or its end.
pub(crate) fn cookie(value: &str, secure: bool) -> Result<HeaderValue, Problem> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/{secure}"))
        .map_err(|error| Problem::internal("setting the session cookie", error))
}

/// Somebody who may look and act.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserJson {
    username: String,
    #[schema(value_type = Vec<words::Role>)]
    roles: Vec<&'static str>,
    /// Codes of those that are their business; none: all are.
    townships: Vec<String>,
    /// May not log in.
    disabled: bool,
    /// A password alone does not let them in.
    second_factor: bool,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionJson {
    pub user: UserJson,
    /// What state-changing requests of the session carry as `X-CSRF-Token`.
    pub csrf: String,
}

/// A user as the API shows them.
pub(crate) fn user_json(user: &User) -> UserJson {
    UserJson {
        username: user.username.clone(),
        roles: user.roles.iter().map(|role| role.as_str()).collect(),
        townships: user.townships.iter().map(ToString::to_string).collect(),
        disabled: user.disabled,
        second_factor: user.second_factor,
    }
}
