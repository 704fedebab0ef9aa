//! Times in which somebody works on devices.
//!
//! In: on what, from when until when, and why.   Out: what was announced, newest first.   Never: a time without an end, or one of
//! devices that are not in the user's townships.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body, List};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Clock, DeviceId, Maintenance, MaintenanceScope, TownshipCode};
use registry::{NewMaintenance, Role};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Who may say that a silence is no news.
const ANNOUNCERS: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `POST /maintenance` takes; one of `device`, `site` and `township`.
#[derive(Deserialize, ToSchema)]
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

/// Times in which somebody works on devices, newest first.
#[utoipa::path(
    get, path = "/api/v1/maintenance", tag = "devices",
    responses((status = 200, body = List<MaintenanceJson>), NotLoggedIn),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<MaintenanceJson>>, Problem> {
    let registry = app.parts.registry.clone();
    let announced = blocking("reading the maintenance", move || registry.maintenance()).await?;
    let items = announced.iter().filter(|work| sees(&app, &signed.who, &work.scope));
    Ok(extract::list(items.map(|work| maintenance_json(work, &app.parts.clock)).collect(), None))
}

/// Announce that somebody works on devices: their silence and flaws are no news.
#[utoipa::path(
    post, path = "/api/v1/maintenance", tag = "devices",
    request_body = NewBody,
    responses((status = 201, body = AnnouncedJson), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn announce(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<NewBody>,
) -> Result<(StatusCode, Json<AnnouncedJson>), Problem> {
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
    Ok((StatusCode::CREATED, Json(AnnouncedJson { id })))
}

/// End a maintenance now.
#[utoipa::path(
    post, path = "/api/v1/maintenance/{id}/end", tag = "devices",
    responses((status = 200, body = EndedJson), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<u64>,
) -> Result<Json<EndedJson>, Problem> {
    signed.who.require(&ANNOUNCERS)?;
    let (registry, by) = signed.author(&app);
    let reader = registry.clone();
    let announced = blocking("reading the maintenance", move || reader.maintenance()).await?;
    if !announced.iter().any(|work| work.id == id && sees(&app, &signed.who, &work.scope)) {
        return Err(Problem::not_found(format!("there is no maintenance {id}; GET /api/v1/maintenance lists them")));
    }
    blocking("ending a maintenance", move || registry.end_maintenance(id, &by)).await?;
    Ok(Json(EndedJson { id, done: "ended" }))
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

/// What a maintenance is called from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = MaintenanceAnnounced)]
pub(crate) struct AnnouncedJson {
    id: u64,
}

/// What became of a maintenance.
#[derive(Serialize, ToSchema)]
#[schema(as = MaintenanceEnded)]
pub(crate) struct EndedJson {
    id: u64,
    /// `ended`.
    done: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MaintenanceState {
    Ahead,
    Holds,
    Over,
}

/// A time in which somebody works on devices.
#[derive(Serialize, ToSchema)]
#[schema(as = Maintenance)]
pub struct MaintenanceJson {
    id: u64,
    /// What `name` is: `device`, `site` or `township`.
    scope: &'static str,
    name: String,
    from: Moment,
    until: Moment,
    state: MaintenanceState,
    reason: String,
    by: String,
}

/// A maintenance as the API shows it.
pub fn maintenance_json(work: &Maintenance, clock: &Clock) -> MaintenanceJson {
    let now = clock.now();
    let state = match work {
        _ if work.until <= now => MaintenanceState::Over,
        _ if work.holds(now) => MaintenanceState::Holds,
        _ => MaintenanceState::Ahead,
    };
    MaintenanceJson {
        id: work.id,
        scope: work.scope.kind(),
        name: work.scope.name().to_owned(),
        from: work.from.into(),
        until: work.until.into(),
        state,
        reason: work.reason.clone(),
        by: work.by.clone(),
    }
}
