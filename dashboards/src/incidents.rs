//! Cases, as lists and one by one.
//!
//! In: filters and a cursor, or an id.   Out: cases as the contract shows them, newest first.
//!
//! Never: a case of a township that is not the user's; such a case does not exist for them.

use crate::app::App;
use crate::auth::{Signed, Who};
use crate::extract::{self, List, Paging, Params};
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::refusals::Code;
use crate::view::{Incident, View};
use axum::Json;
use axum::extract::{Path, State};
use journal::wire::IncidentJson;
use model::{IncidentStatus, Timestamp};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// What `GET /incidents` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// One or several of open, acknowledged, dispatched, resolved, with commas.
    status: Option<String>,
    /// Zone id.
    zone: Option<String>,
    /// Township code.
    township: Option<String>,
    /// Any part of the case at or after.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Any part of the case before.
    #[param(format = DateTime)]
    until: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// The same, read.
struct Wanted {
    statuses: Vec<IncidentStatus>,
    zone: Option<String>,
    township: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Wanted {
    fn parse(filter: Filter) -> Result<Self, Problem> {
        let words = filter.status.as_deref().unwrap_or_default();
        let statuses = words.split(',').filter(|word| !word.is_empty()).map(status).collect::<Result<_, _>>()?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            statuses,
            zone: given(filter.zone),
            township: given(filter.township),
            since: extract::instant("since", filter.since.as_deref())?,
            until: extract::instant("until", filter.until.as_deref())?,
        })
    }

    /// A case is within `since` to `until` (excluded) when any part of it is.
    fn lets_through(&self, incident: &Incident) -> bool {
        let json = &incident.json;
        (self.statuses.is_empty() || self.statuses.iter().any(|status| status.as_str() == json.status))
            && self.zone.as_ref().is_none_or(|zone| json.zones.iter().any(|one| one.id == *zone))
            && self.township.as_ref().is_none_or(|township| json.township.as_ref() == Some(township))
            && self.since.is_none_or(|since| incident.last_seen >= since)
            && self.until.is_none_or(|until| incident.first_seen < until)
    }
}

fn status(word: &str) -> Result<IncidentStatus, Problem> {
    IncidentStatus::parse(word.trim()).ok_or_else(|| {
        let allowed = IncidentStatus::ALL.map(IncidentStatus::as_str).join(", ");
        Problem::bad_request(format!("status `{word}` is none; use {allowed}, or several with commas"))
    })
}

/// Cases, newest first.
#[utoipa::path(
    get, path = "/api/v1/incidents", tag = "incidents",
    params(Filter, Paging),
    responses((status = 200, body = List<IncidentJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<IncidentJson>>, Problem> {
    let page = filter.paging.page()?;
    let wanted = Wanted::parse(filter)?;
    let view = app.view().await?;
    let (found, last) = view.incidents(page.after, page.limit, |incident| {
        signed.who.sees(incident.json.township.as_deref()) && wanted.lets_through(incident)
    });
    Ok(extract::list(found.iter().map(|incident| incident.json.clone()).collect(), last))
}

/// One case.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}", tag = "incidents",
    responses((status = 200, body = IncidentJson), NotLoggedIn, NotFound),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<IncidentJson>, Problem> {
    let incident = find(app.view().await?, &signed.who, &id)?;
    Ok(Json(incident.json.clone()))
}

/// The case, if there is one for this user.
pub(crate) fn find(view: &View, who: &Who, id: &str) -> Result<Arc<Incident>, Problem> {
    view.incident(id).filter(|incident| who.sees(incident.json.township.as_deref())).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no incident `{id}` (or it is not in your townships); GET /api/v1/incidents lists them"
        ))
        .because(Code::NoIncident, [id.into()])
    })
}
