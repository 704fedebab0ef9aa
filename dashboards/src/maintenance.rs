//! Times in which somebody works on devices.
//!
//! In: on what, from when until when, and why.   Out: what was announced, newest first.   Never: a time without an end, or one of
//! devices that are not in the user's townships.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Clock, DeviceId, Maintenance, MaintenanceScope, TownshipCode};
use registry::{NewMaintenance, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who may say that a silence is no news.
const ANNOUNCERS: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `POST /maintenance` takes; one of `device`, `site` and `township`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBody {
    device: Option<String>,
    site: Option<String>,
    township: Option<String>,
    /// Now, if left out.
    from: Option<String>,
    until: String,
    reason: String,
}

/// `GET /maintenance`: what is ahead, holds, or was over within a month; newest first.
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    let registry = app.parts.registry.clone();
    let announced = blocking("reading the maintenance", move || registry.maintenance()).await?;
    let items = announced.iter().filter(|work| sees(&app, &signed.who, &work.scope));
    Ok(extract::list(items.map(|work| maintenance_json(work, &app.parts.clock)).collect(), None))
}

/// `POST /maintenance`
pub(crate) async fn announce(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<NewBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&ANNOUNCERS)?;
    app.view().await?;
    let new = parse(&app, body)?;
    if !sees(&app, &signed.who, &new.scope) {
        return Err(Problem::not_found(format!(
            "there is no {} `{}` (or it is not in your townships)",
            new.scope.kind(),
            new.scope.name()
        )));
    }
    let (registry, by) = signed.author(&app);
    let id = blocking("announcing a maintenance", move || registry.announce_maintenance(&new, &by)).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// `POST /maintenance/{id}/end`
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&ANNOUNCERS)?;
    let (registry, by) = signed.author(&app);
    let reader = registry.clone();
    let announced = blocking("reading the maintenance", move || reader.maintenance()).await?;
    if !announced.iter().any(|work| work.id == id && sees(&app, &signed.who, &work.scope)) {
        return Err(Problem::not_found(format!("there is no maintenance {id}; GET /api/v1/maintenance lists them")));
    }
    blocking("ending a maintenance", move || registry.end_maintenance(id, &by)).await?;
    Ok(Json(json!({ "id": id, "done": "ended" })))
}

/// Whether all that is worked on is this user's business.
fn sees(app: &App, who: &Who, scope: &MaintenanceScope) -> bool {
    let view = app.registry_view();
    match scope {
        MaintenanceScope::Township(code) => who.sees(Some(code.as_str())),
        MaintenanceScope::Device(id) => view.device(id).is_some_and(|device| devices::sees(who, device)),
        MaintenanceScope::Site(site) => {
            let mut there = view.devices.values().filter(|device| device.site.as_ref() == Some(site)).peekable();
            (who.sees_everything() || there.peek().is_some()) && there.all(|device| devices::sees(who, device))
        }
    }
}

fn parse(app: &App, body: NewBody) -> Result<NewMaintenance, Problem> {
    let refused = |error: model::BadName| Problem::bad_request(error.to_string());
    let scope = match (body.device, body.site, body.township) {
        (Some(device), None, None) => MaintenanceScope::Device(DeviceId::parse(&device).map_err(refused)?),
        (None, Some(site), None) => MaintenanceScope::Site(site),
        (None, None, Some(code)) => MaintenanceScope::Township(TownshipCode::parse(&code).map_err(refused)?),
        _ => return Err(Problem::bad_request("name one of device, site and township")),
    };
    let from = extract::legal_instant("from", body.from.as_deref())?.unwrap_or_else(|| app.now());
    let until = extract::legal_instant("until", Some(&body.until))?.unwrap_or(from);
    Ok(NewMaintenance { scope, from, until, reason: body.reason })
}

/// A maintenance as the API shows it.
pub fn maintenance_json(work: &Maintenance, clock: &Clock) -> Value {
    let now = clock.now();
    let state = if work.until <= now {
        "over"
    } else if work.holds(now) {
        "holds"
    } else {
        "ahead"
    };
    json!({
        "id": work.id,
        "scope": work.scope.kind(),
        "name": work.scope.name(),
        "from": work.from.to_rfc3339(),
        "until": work.until.to_rfc3339(),
        "state": state,
        "reason": work.reason,
        "by": work.by,
    })
}
