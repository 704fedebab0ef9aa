//! What people do about themselves: who am I, another password, a second factor.
//!
//! In: a session, never a program's token.   Out: the account as it is then.   Never: a change without the present password or a code.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::Body;
use crate::login::{open, user_json};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `PUT /me/password` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    current: String,
    new: String,
}

/// What the second factor's addresses take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    password: Option<String>,
    code: Option<String>,
}

/// `GET /me`
pub(crate) async fn me(signed: Signed) -> Json<Value> {
    Json(json!({ "user": user_json(&signed.who.user), "csrf": &*signed.who.csrf }))
}

/// `PUT /me/password`: all sessions end, and this one goes on under a new cookie.
pub(crate) async fn set_password(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<NewPassword>,
) -> Result<Response, Problem> {
    signed.session()?;
    let user = prove(&app, &signed, Some(body.current)).await?;
    let (registry, by) = signed.author(&app);
    let (name, new) = (user.username.clone(), body.new);
    blocking("setting a password", move || registry.set_password(&name, &new, &by)).await?;
    app.sessions.close_all_of(&user.username);
    open(&app, user)
}

/// `POST /me/second-factor` with `{"password"}`: a secret for an authenticator, which counts once a code of it was shown.
pub(crate) async fn offer_factor(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Proof>,
) -> Result<Json<Value>, Problem> {
    signed.session()?;
    let user = prove(&app, &signed, body.password).await?;
    if user.second_factor {
        return Err(Problem::conflict("your account has a second factor; remove it first to set up another"));
    }
    let (registry, tenant) = (app.parts.registry.clone(), app.parts.tenant.to_string());
    let offer = blocking("making a second factor", move || registry.offer_factor(&user.username, &tenant)).await?;
    Ok(Json(json!({ "secret": offer.secret, "uri": offer.uri })))
}

/// `POST /me/second-factor/confirm` with `{"code"}`: from now on a password alone does not do.
pub(crate) async fn confirm_factor(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Proof>,
) -> Result<Response, Problem> {
    signed.session()?;
    let name = signed.who.user.username.clone();
    app.throttle.attempt(&name, signed.address, app.now()).map_err(Problem::throttled)?;
    let (registry, by) = signed.author(&app);
    let (username, code) = (name.clone(), body.code.unwrap_or_default());
    let is_right =
        blocking("confirming a second factor", move || registry.confirm_factor(&username, &code, &by)).await?;
    if !is_right {
        return Err(Problem::bad_request(
            "the code is none of the secret that was offered last, or was used; wait for the next code, and see that the clock of the authenticator is right",
        ));
    }
    app.throttle.succeeded(&name, signed.address);
    again(&app, &name).await
}

/// `DELETE /me/second-factor` with `{"password"}`.
pub(crate) async fn remove_factor(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Proof>,
) -> Result<Response, Problem> {
    signed.session()?;
    let user = prove(&app, &signed, body.password).await?;
    let (registry, by) = signed.author(&app);
    let name = user.username.clone();
    blocking("removing a second factor", move || registry.remove_factor(&name, &by)).await?;
    again(&app, &user.username).await
}

/// Other sessions end, and a new one begins with the account as it is now.
async fn again(app: &Arc<App>, username: &str) -> Result<Response, Problem> {
    let (registry, name) = (app.parts.registry.clone(), username.to_owned());
    let user = blocking("reading an account", move || registry.user(&name)).await?;
    let user = user.ok_or_else(|| Problem::not_logged_in("your account is gone"))?;
    app.sessions.close_all_of(username);
    open(app, user)
}

/// Whoever sits at an open console is not yet its owner.
async fn prove(app: &Arc<App>, signed: &Signed, password: Option<String>) -> Result<registry::User, Problem> {
    let name = signed.who.user.username.clone();
    app.throttle.attempt(&name, signed.address, app.now()).map_err(Problem::throttled)?;
    let permit =
        app.password_checks.acquire().await.map_err(|error| Problem::internal("checking a password", error))?;
    let (registry, asked) = (app.parts.registry.clone(), name.clone());
    let found = blocking("checking a password", move || registry.check_password(&asked, &password.unwrap_or_default()));
    let found = found.await?;
    drop(permit);
    let user = found.ok_or_else(|| {
        Problem::of_status(StatusCode::FORBIDDEN, "the present password is wrong; send it as `password` or `current`")
    })?;
    app.throttle.succeeded(&name, signed.address);
    Ok(user)
}
