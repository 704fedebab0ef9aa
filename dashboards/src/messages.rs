//! The words that people are told by, and what a change of them would say.

use crate::app::App;
use crate::auth::Signed;
use crate::extract::Body;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use registry::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The messages there are, and what a template would say; `alerts` knows.
#[derive(Clone)]
pub struct Words {
    /// Every message: name, template, what it says of much and of little.
    pub shown: Arc<dyn Fn() -> Value + Send + Sync>,
    /// The same of a template in the place of a message, or what is wrong with it. Name, template.
    pub preview: Preview,
}

/// What a template would say in the place of a message of this name.
pub type Preview = Arc<dyn Fn(&str, &str) -> Result<Value, String> + Send + Sync>;

/// What `POST /messages/preview` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    name: String,
    text: String,
}

/// `GET /messages`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    Ok(Json(json!({ "items": (app.parts.words.shown)(), "next": null })))
}

/// `POST /messages/preview`
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(Draft { name, text }): Body<Draft>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    (app.parts.words.preview)(&name, &text).map(Json).map_err(Problem::bad_request)
}
