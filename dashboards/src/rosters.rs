//! Duty tables (值班表): who is told when.
//!
//! In: a table's lines with legal times.   Out: the tables, with who is on duty now.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body};
use crate::problem::Problem;
use crate::proposals::legal_field;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Roster, Shift, Timestamp};
use registry::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `PUT /rosters/{name}` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RosterBody {
    shifts: Vec<ShiftBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShiftBody {
    subscriber: String,
    from: String,
    until: String,
}

/// `GET /rosters`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor, Role::Auditor])?;
    let (view, now) = (app.registry_view(), app.now());
    Ok(extract::list(view.rosters.iter().map(|roster| roster_json(roster, now)).collect(), None))
}

/// `PUT /rosters/{name}`
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(name): Path<String>,
    Body(body): Body<RosterBody>,
) -> Result<Json<Value>, Problem> {
    let shifts = body.shifts.into_iter().map(shift).collect::<Result<_, _>>()?;
    let roster = Roster { name, shifts };
    write(&app, &signed, roster.clone()).await?;
    Ok(Json(roster_json(&roster, app.now())))
}

/// `DELETE /rosters/{name}`
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

fn roster_json(roster: &Roster, now: Timestamp) -> Value {
    let on_duty: Vec<&str> = roster.on_duty(now).collect();
    let shifts: Vec<Value> = roster
        .shifts
        .iter()
        .map(|shift| {
            json!({
                "subscriber": shift.subscriber, "from": shift.from.to_rfc3339(), "until": shift.until.to_rfc3339(),
            })
        })
        .collect();
    // Nobody on duty means that all of the table are told: worth seeing before the night.
    json!({ "name": roster.name, "shifts": shifts, "on_duty": on_duty })
}
