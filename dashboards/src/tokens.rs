//! Tokens by which programs use the API.
//!
//! In: what it is for, which roles, how long.   Out: the token, once; the list of all, without them.
//! People make tokens of their own roles; an administrator makes them for anybody, and sees everybody's.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, List};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::users::roles;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::Timestamp;
use registry::{NewToken, Role, Token};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What `POST /tokens` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    #[schema(max_length = 32)]
    name: String,
    /// Whose; oneself when absent.
    username: Option<String>,
    #[schema(min_items = 1)]
    roles: Vec<String>,
    /// Like `90d`.
    expires: String,
}

/// Tokens of programs: one's own; an administrator's list has everybody's.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "users",
    responses((status = 200, body = List<TokenJson>), NotLoggedIn),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<TokenJson>>, Problem> {
    let (registry, now) = (app.parts.registry.clone(), app.now());
    let tokens = blocking("reading tokens", move || registry.tokens()).await?;
    let shown = tokens.iter().filter(|token| is_for(&signed, &token.username));
    Ok(extract::list(shown.map(|token| token_json(token, now)).collect(), None))
}

/// Makes a token; it is shown this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "users",
    request_body = TokenBody,
    responses((status = 201, body = NewTokenJson, description = "made"), BadRequest, NotLoggedIn, Forbidden, Conflict),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<TokenBody>,
) -> Result<(StatusCode, Json<NewTokenJson>), Problem> {
    // A token must not make its own successors.
    signed.session()?;
    let username = body.username.unwrap_or_else(|| signed.who.user.username.clone());
    if !is_for(&signed, &username) {
        return Err(Problem::forbidden("a token for somebody else is made by an administrator"));
    }
    let life = extract::duration("expires", &body.expires)?;
    let new = NewToken { name: body.name, username, roles: roles(&body.roles)?, life };
    let (registry, by) = signed.author(&app);
    let (secret, token) = blocking("making a token", move || registry.add_token(new, &by)).await?;
    let shown = token_json(&token, app.now());
    Ok((StatusCode::CREATED, Json(NewTokenJson { shown, token: secret.as_str().to_owned() })))
}

/// Takes a token back.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "users",
    responses((status = 204, description = "nobody comes in with it any more"), NotLoggedIn, NotFound),
)]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<u64>,
) -> Result<StatusCode, Problem> {
    let (registry, by) = signed.author(&app);
    let reader = registry.clone();
    let tokens = blocking("reading tokens", move || reader.tokens()).await?;
    if !tokens.iter().any(|token| token.id == id && is_for(&signed, &token.username)) {
        return Err(Problem::not_found(format!("there is no token {id} of yours; GET /api/v1/tokens lists them")));
    }
    blocking("taking a token back", move || registry.revoke_token(id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn is_for(signed: &Signed, username: &str) -> bool {
    let administers = signed.who.require(&[Role::Administrator]).is_ok() && signed.who.sees_everything();
    administers || signed.who.user.username == username
}

/// A program's token.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenJson {
    id: u64,
    name: String,
    /// As whom a program comes in.
    username: String,
    #[schema(value_type = Vec<words::Role>)]
    roles: Vec<&'static str>,
    expires_at: Moment,
    made_at: Moment,
    state: TokenState,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TokenState {
    Valid,
    Expired,
    Revoked,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
pub(crate) struct NewTokenJson {
    #[serde(flatten)]
    shown: TokenJson,
    /// `swt_…`; sent as `Authorization: Bearer`.
    token: String,
}

fn token_json(token: &Token, now: Timestamp) -> TokenJson {
    TokenJson {
        id: token.id,
        name: token.name.clone(),
        username: token.username.clone(),
        roles: token.roles.iter().map(|role| role.as_str()).collect(),
        expires_at: token.expires_at.into(),
        made_at: token.made_at.into(),
        state: match token {
            _ if token.revoked => TokenState::Revoked,
            _ if token.expires_at <= now => TokenState::Expired,
            _ => TokenState::Valid,
        },
    }
}
