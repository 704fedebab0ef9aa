//! What people have to know besides cases: flaws and outages of devices, blind zones, thresholds of stations, fires.
//!
//! In: which of them.   Out: notices, newest first.   Never: one of another township than the user's.

use crate::app::App;
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, List, Paging, Params, is_asked};
use crate::openapi::{BadRequest, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use journal::wire::NoticeJson;
use model::{DeviceId, Matter};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// What `GET /notices` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Going_on or over.
    state: Option<String>,
    /// Flaw, outage, blind, threshold or fire.
    matter: Option<String>,
    /// That names this device.
    device: Option<String>,
    /// Of this zone.
    zone: Option<String>,
    /// Township code.
    township: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// Flaws and outages of devices, blind zones, thresholds of stations and fires, newest first.
#[utoipa::path(
    get, path = "/api/v1/notices", tag = "notices",
    params(Filter, Paging),
    responses((status = 200, body = List<NoticeJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<NoticeJson>>, Problem> {
    let page = filter.paging.page()?;
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
    Ok(extract::list(found.iter().map(|notice| NoticeJson::clone(notice)).collect(), last))
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
