//! People who may look and act, for administrators.
//!
//! In: a new user.   Out: everybody, without anything of their passwords.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body};
use crate::login::user_json;
use crate::problem::Problem;
use crate::subscribers::names;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::TownshipCode;
use registry::{NewUser, Role};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// What `POST /users` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    username: String,
    password: String,
    roles: Vec<String>,
    #[serde(default)]
    townships: Vec<String>,
}

/// `GET /users`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let registry = app.parts.registry.clone();
    let users = blocking("reading users", move || registry.users()).await?;
    Ok(extract::list(users.iter().map(user_json).collect(), None))
}

/// `POST /users`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<UserBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let roles = body.roles.iter().map(|word| role(word)).collect::<Result<_, _>>()?;
    let townships = names(&body.townships, TownshipCode::parse)?;
    let new = NewUser { username: body.username, password: body.password, roles, townships };
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    let user = blocking("adding a user", move || registry.add_user(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(user_json(&user))))
}

fn role(word: &str) -> Result<Role, Problem> {
    Role::parse(word).ok_or_else(|| {
        let allowed = Role::ALL.map(Role::as_str).join(", ");
        Problem::bad_request(format!("role `{word}` is none; use {allowed}"))
    })
}
