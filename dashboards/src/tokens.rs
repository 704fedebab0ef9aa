//! Tokens by which programs use the API.
//!
//! In: what it is for, which roles, how long.   Out: the token, once; the list of all, without them.
//! People make tokens of their own roles; an administrator makes them for anybody, and sees everybody's.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body};
use crate::problem::Problem;
use crate::users::roles;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::Timestamp;
use registry::{NewToken, Role, Token};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `POST /tokens` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    name: String,
    /// Whose; oneself when absent.
    username: Option<String>,
    roles: Vec<String>,
    /// Like `90d`.
    expires: String,
}

/// `GET /tokens`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    let (registry, now) = (app.parts.registry.clone(), app.now());
    let tokens = blocking("reading tokens", move || registry.tokens()).await?;
    let shown = tokens.iter().filter(|token| is_for(&signed, &token.username));
    Ok(extract::list(shown.map(|token| token_json(token, now)).collect(), None))
}

/// `POST /tokens`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<TokenBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
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
    let mut shown = token_json(&token, app.now());
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("token".to_owned(), json!(secret.as_str()));
    }
    Ok((StatusCode::CREATED, Json(shown)))
}

/// `DELETE /tokens/{id}`
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

fn token_json(token: &Token, now: Timestamp) -> Value {
    let state = if token.revoked {
        "revoked"
    } else if token.expires_at <= now {
        "expired"
    } else {
        "valid"
    };
    json!({
        "id": token.id,
        "name": token.name,
        "username": token.username,
        "roles": token.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "expires_at": token.expires_at.to_rfc3339(),
        "made_at": token.made_at.to_rfc3339(),
        "state": state,
    })
}
