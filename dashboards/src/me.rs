//! What people do about themselves: who am I, another password, a second factor.
//!
//! In: a session, never a program's token.   Out: the account as it is then.   Never: a change without the present password or a code.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::Body;
use crate::login::{SessionJson, open, user_json};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotLoggedIn, TooMany};
use crate::problem::Problem;
use crate::refusals::Code;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What `PUT /me/password` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    current: String,
    #[schema(min_length = 8)]
    new: String,
}

/// What the second factor's addresses take.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    password: Option<String>,
    code: Option<String>,
}

/// A second factor that waits for its first code.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactorOffer)]
pub(crate) struct OfferJson {
    /// Base 32.
    secret: String,
    /// The same as `otpauth://`, for a picture that an authenticator reads.
    uri: String,
}

/// Who am I.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "session",
    responses((status = 200, body = SessionJson), NotLoggedIn),
)]
pub(crate) async fn me(signed: Signed) -> Json<SessionJson> {
    Json(SessionJson { user: user_json(&signed.who.user), csrf: signed.who.csrf.to_string() })
}

/// Another password for oneself; all sessions end and this one goes on under a new cookie.
#[utoipa::path(
    put, path = "/api/v1/me/password", tag = "session",
    request_body = NewPassword,
    responses((status = 200, body = SessionJson), BadRequest, NotLoggedIn, Forbidden, TooMany),
)]
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

/// A secret for an authenticator; it counts once a code of it was confirmed.
#[utoipa::path(
    post, path = "/api/v1/me/second-factor", tag = "session",
    request_body = Proof,
    responses((status = 200, body = OfferJson), NotLoggedIn, Forbidden, Conflict, TooMany),
)]
pub(crate) async fn offer_factor(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Proof>,
) -> Result<Json<OfferJson>, Problem> {
    signed.session()?;
    let user = prove(&app, &signed, body.password).await?;
    if user.second_factor {
        return Err(Problem::conflict("your account has a second factor; remove it first to set up another"));
    }
    let (registry, tenant) = (app.parts.registry.clone(), app.parts.tenant.to_string());
    let offer = blocking("making a second factor", move || registry.offer_factor(&user.username, &tenant)).await?;
    Ok(Json(OfferJson { secret: offer.secret, uri: offer.uri }))
}

/// Puts the offered second factor in force.
#[utoipa::path(
    post, path = "/api/v1/me/second-factor/confirm", tag = "session",
    request_body = Proof,
    responses((status = 200, body = SessionJson), BadRequest, NotLoggedIn, Forbidden, TooMany),
)]
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
        )
        .because(Code::WrongFactor, []));
    }
    app.throttle.succeeded(&name, signed.address);
    again(&app, &name).await
}

/// Removes one's second factor.
#[utoipa::path(
    delete, path = "/api/v1/me/second-factor", tag = "session",
    request_body = Proof,
    responses((status = 200, body = SessionJson), NotLoggedIn, Forbidden, TooMany),
)]
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
            .because(Code::PresentPasswordWrong, [])
    })?;
    app.throttle.succeeded(&name, signed.address);
    Ok(user)
}
