//! People who may look and act, for administrators.
//!
//! In: a new user, or what is to be other about one.   Out: everybody, without anything of their passwords.
//! What somebody may holds at once: their sessions end with every change.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, List};
use crate::login::{UserJson, user_json};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::subscribers::names;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::TownshipCode;
use registry::{NewUser, RegistryError, Role, UserEdit};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What `POST /users` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    username: String,
    #[schema(min_length = 8)]
    password: String,
    roles: Vec<String>,
    #[serde(default)]
    townships: Vec<String>,
}

/// What `PATCH /users/{username}` takes; what is not given stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    password: Option<String>,
    roles: Option<Vec<String>>,
    townships: Option<Vec<String>>,
    disabled: Option<bool>,
}

/// Who may log in.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "users",
    responses((status = 200, body = List<UserJson>), NotLoggedIn, Forbidden),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<UserJson>>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let registry = app.parts.registry.clone();
    let users = blocking("reading users", move || registry.users()).await?;
    Ok(extract::list(users.iter().map(user_json).collect(), None))
}

/// Register a person.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "users",
    request_body = UserBody,
    responses((status = 201, body = UserJson), BadRequest, NotLoggedIn, Forbidden, Conflict),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<UserBody>,
) -> Result<(StatusCode, Json<UserJson>), Problem> {
    administers(&signed)?;
    let roles = roles(&body.roles)?;
    let townships = names(&body.townships, TownshipCode::parse)?;
    let new = NewUser { username: body.username, password: body.password, roles, townships };
    let (registry, by) = signed.author(&app);
    let user = blocking("adding a user", move || registry.add_user(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(user_json(&user))))
}

/// What somebody may, their password, whether they may log in; their sessions end.
#[utoipa::path(
    patch, path = "/api/v1/users/{username}", tag = "users",
    request_body = EditBody,
    responses((status = 200, body = UserJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn edit(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(username): Path<String>,
    Body(body): Body<EditBody>,
) -> Result<Json<UserJson>, Problem> {
    administers(&signed)?;
    let edit = UserEdit {
        roles: body.roles.map(|words| roles(&words)).transpose()?,
        townships: body.townships.map(|codes| names(&codes, TownshipCode::parse)).transpose()?,
        disabled: body.disabled,
    };
    let (registry, by) = signed.author(&app);
    let name = username.clone();
    let user = blocking("changing a user", move || {
        if let Some(password) = &body.password {
            registry.set_password(&name, password, &by)?;
        }
        registry.edit_user(&name, edit, &by)
    });
    let user = user.await?;
    app.sessions.close_all_of(&username);
    Ok(Json(user_json(&user)))
}

/// Removes somebody's second factor: they lost their authenticator.
#[utoipa::path(
    delete, path = "/api/v1/users/{username}/second-factor", tag = "users",
    responses((status = 204, description = "a password alone lets them in again"), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn remove_factor(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(username): Path<String>,
) -> Result<StatusCode, Problem> {
    administers(&signed)?;
    let (registry, by) = signed.author(&app);
    let name = username.clone();
    blocking("removing a second factor", move || {
        registry.remove_factor(&name, &by)?;
        Ok::<_, RegistryError>(())
    })
    .await?;
    app.sessions.close_all_of(&username);
    Ok(StatusCode::NO_CONTENT)
}

/// Who administers some townships only would otherwise make somebody who sees all.
fn administers(signed: &Signed) -> Result<(), Problem> {
    signed.who.require(&[Role::Administrator])?;
    signed.who.require_everywhere()
}

pub(crate) fn roles(words: &[String]) -> Result<Vec<Role>, Problem> {
    words.iter().map(|word| role(word)).collect()
}

fn role(word: &str) -> Result<Role, Problem> {
    Role::parse(word).ok_or_else(|| {
        let allowed = Role::ALL.map(Role::as_str).join(", ");
        Problem::bad_request(format!("role `{word}` is none; use {allowed}"))
    })
}
