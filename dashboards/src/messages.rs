//! The words that people are told by, and what a change of them would say.

use crate::app::App;
use crate::auth::Signed;
use crate::extract::{self, Body, List};
use crate::openapi::{BadRequest, Forbidden, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use registry::Role;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The messages there are, and what a template would say; `alerts` knows.
#[derive(Clone)]
pub struct Words {
    /// Every message.
    pub shown: Arc<dyn Fn() -> Vec<MessageJson> + Send + Sync>,
    /// The same of a template in the place of a message, or what is wrong with it. Name, template.
    pub preview: Preview,
}

/// What a template would say in the place of a message of this name.
pub type Preview = Arc<dyn Fn(&str, &str) -> Result<MessageJson, String> + Send + Sync>;

/// A message as somebody looks at it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageJson {
    /// What it is about, and in which language.
    pub name: String,
    /// The template.
    pub text: String,
    /// Whether it is the installation's own.
    pub is_own: bool,
    /// What it says of much and of little.
    pub says: Vec<SaidJson>,
}

/// What a message says of something made up.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = SaidMessage)]
pub struct SaidJson {
    /// In words.
    pub text: String,
    /// Its length as a provider counts it.
    pub characters: usize,
    /// How many text messages that is.
    pub sms_parts: usize,
}

/// What `POST /messages/preview` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Which message it is to stand in the place of.
    name: String,
    /// The template.
    text: String,
}

/// The words that people are told by, with what they say.
#[utoipa::path(
    get, path = "/api/v1/messages", tag = "subscribers",
    responses((status = 200, body = List<MessageJson>), NotLoggedIn, Forbidden),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<MessageJson>>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    Ok(extract::list((app.parts.words.shown)(), None))
}

/// What a template would say.
#[utoipa::path(
    post, path = "/api/v1/messages/preview", tag = "subscribers",
    request_body = Draft,
    responses((status = 200, body = MessageJson), BadRequest, NotLoggedIn, Forbidden),
)]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(Draft { name, text }): Body<Draft>,
) -> Result<Json<MessageJson>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    (app.parts.words.preview)(&name, &text).map(Json).map_err(Problem::bad_request)
}
