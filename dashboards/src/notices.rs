//! What people have to know besides cases: flaws and outages of devices, blind zones, thresholds of stations, fires.
//!
//! In: which of them.   Out: notices, newest first.   Never: one of another township than the user's.

use crate::app::App;
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Page, Params, is_asked};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use journal::wire::NoticeJson;
use model::{DeviceId, Matter};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `GET /notices` takes.
#[derive(Deserialize)]
pub(crate) struct Filter {
    state: Option<String>,
    matter: Option<String>,
    device: Option<String>,
    zone: Option<String>,
    township: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /notices`, newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(filter.limit.as_deref(), filter.cursor.as_deref())?;
    let is_over = match filter.state.as_deref().filter(|word| !word.is_empty()) {
        None => None,
        Some("going_on") => Some(false),
        Some("over") => Some(true),
        Some(word) => return Err(Problem::bad_request(format!("state `{word}` is none; use going_on or over"))),
    };
    let matter = filter.matter.filter(|word| !word.is_empty());
    if let Some(word) = &matter
        && !Matter::KINDS.contains(&word.as_str())
    {
        return Err(Problem::bad_request(format!("matter `{word}` is none; use {}", Matter::KINDS.join(", "))));
    }
    app.view().await?;
    let (found, last) = app.view.notices(page.after, page.limit, |notice| {
        is_over.is_none_or(|is_over| notice.until.is_some() == is_over)
            && matter.as_ref().is_none_or(|matter| *matter == notice.matter)
            && is_asked(filter.zone.as_ref(), notice.zone.as_ref().map(|zone| zone.id.as_str()))
            && is_asked(filter.township.as_ref(), notice.township.as_deref())
            && filter.device.as_ref().is_none_or(|device| device.is_empty() || notice.devices.contains(device))
            && sees(&app, &signed.who, notice)
    });
    Ok(extract::list(found.iter().map(|notice| json!(**notice)).collect(), last))
}

/// Whether a notice is this user's business: its township's, or, where it names none, all of its devices'.
pub(crate) fn sees(app: &App, who: &Who, notice: &NoticeJson) -> bool {
    if who.sees_everything() || notice.township.is_some() {
        return who.sees(notice.township.as_deref());
    }
    let view = app.registry_view();
    let theirs = |name: &String| {
        DeviceId::parse(name).ok().and_then(|id| view.device(&id)).is_some_and(|device| devices::sees(who, device))
    };
    !notice.devices.is_empty() && notice.devices.iter().all(theirs)
}
