//! Duty tables (值班表): who is told when.
//!
//! In: a table's lines with legal times.   Out: the tables, with who is on duty now.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, List};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::proposals::legal_field;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Roster, Shift, Timestamp};
use registry::Role;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What `PUT /rosters/{name}` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RosterBody {
    shifts: Vec<ShiftBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShiftBody {
    /// A subscriber's id.
    subscriber: String,
    /// Legal date or instant.
    from: String,
    /// Likewise; excluded.
    until: String,
}

/// Duty tables, and who is on duty now.
#[utoipa::path(
    get, path = "/api/v1/rosters", tag = "subscribers",
    responses((status = 200, body = List<RosterJson>), NotLoggedIn, Forbidden),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<RosterJson>>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor, Role::Auditor])?;
    let (view, now) = (app.registry_view(), app.now());
    Ok(extract::list(view.rosters.iter().map(|roster| roster_json(roster, now)).collect(), None))
}

/// Write a duty table.
#[utoipa::path(
    put, path = "/api/v1/rosters/{name}", tag = "subscribers",
    request_body = RosterBody,
    responses((status = 200, body = RosterJson), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(name): Path<String>,
    Body(body): Body<RosterBody>,
) -> Result<Json<RosterJson>, Problem> {
    let shifts = body.shifts.into_iter().map(shift).collect::<Result<_, _>>()?;
    let roster = Roster { name, shifts };
    write(&app, &signed, roster.clone()).await?;
    Ok(Json(roster_json(&roster, app.now())))
}

/// Remove a duty table.
#[utoipa::path(
    delete, path = "/api/v1/rosters/{name}", tag = "subscribers",
    responses((status = 204, description = "removed"), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    if !app.registry_view().rosters.iter().any(|roster| roster.name == name) {
        return Err(Problem::not_found(format!("there is no duty table `{name}`; GET /api/v1/rosters lists them")));
    }
    write(&app, &signed, Roster { name, shifts: Vec::new() }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn write(app: &App, signed: &Signed, roster: Roster) -> Result<(), Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    let (registry, by) = signed.author(app);
    blocking("writing a duty table", move || registry.set_roster(&roster, &by)).await
}

fn shift(body: ShiftBody) -> Result<Shift, Problem> {
    let (from, until) = (legal_field("from", &body.from)?, legal_field("until", &body.until)?);
    Ok(Shift { subscriber: body.subscriber, from, until })
}

/// A duty table, and who is on duty now.
#[derive(Serialize, ToSchema)]
#[schema(as = Roster)]
pub(crate) struct RosterJson {
    name: String,
    shifts: Vec<ShiftJson>,
    /// Subscribers' ids; nobody on duty means that all of the table are told.
    on_duty: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RosterShift)]
struct ShiftJson {
    subscriber: String,
    from: Moment,
    until: Moment,
}

fn roster_json(roster: &Roster, now: Timestamp) -> RosterJson {
    let shift = |shift: &Shift| ShiftJson {
        subscriber: shift.subscriber.clone(),
        from: shift.from.into(),
        until: shift.until.into(),
    };
    RosterJson {
        name: roster.name.clone(),
        shifts: roster.shifts.iter().map(shift).collect(),
        // Nobody on duty means that all of the table are told: worth seeing before the night.
        on_duty: roster.on_duty(now).map(str::to_owned).collect(),
    }
}
