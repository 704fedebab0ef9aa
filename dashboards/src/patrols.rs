//! Patrols, and who has to be out how often.
//!
//! In: a span, a device, a township.   Out: patrols and duties.   Next: `patrol_routes` plans where they go.   Never: what lies in none
//! of the user's townships.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body, List, Paging, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Forbidden, NotFound, NotLoggedIn, Unavailable};
use crate::problem::Problem;
use crate::watching::{CellsJson, SPAN_DEFAULT, cells_json, rounded, rounded_mu, span};
use axum::Json;
use axum::extract::{Path, State};
use journal::wire::ReasoningJson;
use model::{
    DeviceId, DutyState, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, RouteFlown, SQUARE_METRES_PER_MU, Timestamp,
    TownshipCode,
};
use registry::Role;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Who may plan.
pub(crate) const PLANNERS: [Role; 2] = [Role::ZoneEditor, Role::Administrator];

/// What `GET /patrols` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Of its devices, or swept by them.
    township: Option<String>,
    /// Only this device's.
    device: Option<String>,
    /// RFC 3339 with a zone, or a legal date.
    from: Option<String>,
    /// RFC 3339 with a zone, or a legal date; exclusive.
    to: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// Flights and rangers' walks, newest first; without a span those of the last week.
#[utoipa::path(
    get, path = "/api/v1/patrols", tag = "coverage",
    params(Filter, Paging),
    responses((status = 200, body = List<PatrolJson>), BadRequest, NotLoggedIn, Forbidden, Unavailable),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<PatrolJson>>, Problem> {
    let page = filter.paging.page()?;
    let (from, to) = last_week(&app, filter.from.as_deref(), filter.to.as_deref())?;
    let township = filter.township.filter(|code| !code.is_empty());
    let device = filter.device.filter(|id| !id.is_empty());
    let passed = page.after.unwrap_or(0);
    let asked = PatrolFilter {
        townships: townships(&signed.who, township.as_deref())?,
        device: device.map(|id| DeviceId::parse(&id)).transpose().map_err(|e| Problem::bad_request(e.to_string()))?,
        from,
        to,
        passed: usize::try_from(passed).unwrap_or(usize::MAX),
        limit: page.limit + 1,
    };
    let watching = Arc::clone(&app.parts.watching);
    let mut found = blocking("reading patrols", move || watching.patrols(&asked)).await?;
    let more = found.len() > page.limit;
    found.truncate(page.limit);
    let last = more.then(|| passed.saturating_add(found.len() as u64));
    Ok(extract::list(found.iter().map(patrol_json).collect(), last))
}

/// Those of the user, or the one that is asked for if it is the user's.
fn townships(who: &Who, asked: Option<&str>) -> Result<Vec<TownshipCode>, Problem> {
    let Some(code) = asked else { return Ok(who.user.townships.clone()) };
    let parsed = TownshipCode::parse(code).map_err(|error| Problem::bad_request(error.to_string()))?;
    if who.sees(Some(code)) {
        return Ok(vec![parsed]);
    }
    Err(Problem::forbidden(format!("township {code} is none of yours; leave it out, or ask an administrator")))
}

pub(crate) fn last_week(app: &App, from: Option<&str>, to: Option<&str>) -> Result<(Timestamp, Timestamp), Problem> {
    let now = app.now();
    Ok(span(app, from, to)?.unwrap_or_else(|| (now.minus(SPAN_DEFAULT), now)))
}

/// A flight, or a ranger's walk.
#[derive(Serialize, ToSchema)]
#[schema(as = Patrol)]
pub(crate) struct PatrolJson {
    id: String,
    device: String,
    #[schema(value_type = words::DeviceKind)]
    kind: &'static str,
    #[schema(required)]
    flight_id: Option<String>,
    start: Moment,
    end: Moment,
    duration_s: u64,
    distance_m: f64,
    /// Land in zones that it swept.
    area_mu: f64,
    zones: Vec<SweptZoneJson>,
    townships: Vec<SweptTownshipJson>,
}

/// A zone that was swept, and how much of it.
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolZone)]
struct SweptZoneJson {
    id: String,
    name: String,
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// A township that was swept, and how much of it.
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolTownship)]
struct SweptTownshipJson {
    code: String,
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// A patrol with its way.
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolDetail)]
pub(crate) struct PatrolDetailJson {
    #[serde(flatten)]
    patrol: PatrolJson,
    /// GeoJSON LineString.
    line: Value,
    cells: CellsJson,
    routes: Vec<PatrolRouteJson>,
}

/// A planned route of which a patrol flew some.
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolRoute)]
struct PatrolRouteJson {
    id: String,
    name: String,
    #[serde(flatten)]
    flown: FlownJson,
}

/// What was flown of a route.
#[derive(Serialize, ToSchema)]
#[schema(as = RouteFlown)]
pub(crate) struct FlownJson {
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
    length_km: f64,
    /// From and to, km along the route.
    #[schema(value_type = Vec<Vec<f64>>)]
    gaps_km: Vec<[f64; 2]>,
}

fn patrol_json(patrol: &Patrol) -> PatrolJson {
    let zone = |zone: &model::PatrolZone| SweptZoneJson {
        id: zone.zone.to_string(),
        name: zone.name.clone(),
        share: rounded(zone.share),
    };
    let township =
        |(code, share): &(TownshipCode, f64)| SweptTownshipJson { code: code.to_string(), share: rounded(*share) };
    PatrolJson {
        id: patrol.id.clone(),
        device: patrol.device.to_string(),
        kind: patrol.kind.as_str(),
        flight_id: patrol.flight_id.clone(),
        start: patrol.start.into(),
        end: patrol.end.into(),
        duration_s: patrol.end.since(patrol.start).as_secs(),
        distance_m: patrol.distance_m.round(),
        area_mu: rounded_mu(patrol.area_m2 / SQUARE_METRES_PER_MU),
        zones: patrol.zones.iter().map(zone).collect(),
        townships: patrol.townships.iter().map(township).collect(),
    }
}

/// A patrol with its way, its cells and the planned routes of which it flew some.
#[utoipa::path(
    get, path = "/api/v1/patrols/{id}", tag = "coverage",
    responses((status = 200, body = PatrolDetailJson), NotLoggedIn, NotFound, Unavailable),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<PatrolDetailJson>, Problem> {
    let (watching, asked) = (Arc::clone(&app.parts.watching), id.clone());
    let found = blocking("reading a patrol", move || watching.patrol(&asked)).await?;
    let found = found.filter(|detail| is_theirs(&app, &signed.who, &detail.patrol)).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no patrol `{id}` (or it is not in your townships); GET /api/v1/patrols lists them"
        ))
    })?;
    let PatrolDetail { patrol, cells, routes } = found;
    let line: Vec<[f64; 2]> = patrol.line.iter().map(|place| [place.lon_deg(), place.lat_deg()]).collect();
    let route = |(route, flown): &(PatrolRoute, RouteFlown)| PatrolRouteJson {
        id: route.id.clone(),
        name: route.name.clone(),
        flown: flown_json(flown),
    };
    Ok(Json(PatrolDetailJson {
        patrol: patrol_json(&patrol),
        line: json!({ "type": "LineString", "coordinates": line }),
        cells: cells_json(&cells),
        routes: routes.iter().map(route).collect(),
    }))
}

fn is_theirs(app: &App, who: &Who, patrol: &Patrol) -> bool {
    let view = app.registry_view();
    let home = view.device(&patrol.device).and_then(|device| device.township.as_ref());
    let mut codes = home.into_iter().chain(patrol.townships.iter().map(|(code, _)| code));
    who.sees_everything() || codes.any(|code| who.sees(Some(code.as_str())))
}

pub(crate) fn flown_json(flown: &RouteFlown) -> FlownJson {
    let km = |m: f64| (m / 10.0).round() / 100.0;
    FlownJson {
        share: rounded(flown.share),
        length_km: km(flown.length_m),
        gaps_km: flown.gaps_m.iter().map(|(from, to)| [km(*from), km(*to)]).collect(),
    }
}

/// How every duty to be out stands, in every township.
#[utoipa::path(
    get, path = "/api/v1/patrols/duties", tag = "coverage",
    responses((status = 200, body = List<DutyJson>), NotLoggedIn, Unavailable),
)]
pub(crate) async fn duties(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<DutyJson>>, Problem> {
    let watching = Arc::clone(&app.parts.watching);
    let states = blocking("reading duties", move || watching.duties()).await?;
    let view = app.registry_view();
    let carriers = |duty: &str| {
        let carries = view.patrol_roles.iter().filter(|(_, duties)| duties.contains(duty));
        carries.map(|(device, _)| device.to_string()).collect::<Vec<_>>()
    };
    let theirs = states.iter().filter(|state| signed.who.sees(state.township.as_ref().map(TownshipCode::as_str)));
    Ok(extract::list(theirs.map(|state| duty_json(state, carriers(&state.duty))).collect(), None))
}

/// A duty to be out, in one township.
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolDuty)]
pub(crate) struct DutyJson {
    duty: String,
    name: ReasoningJson,
    /// Null: once for the whole banner.
    #[schema(required)]
    township: Option<String>,
    /// `week`, `month` or `quarter`.
    every: &'static str,
    times: u32,
    /// In the present period.
    done: u32,
    #[schema(required)]
    last_done: Option<Moment>,
    /// End of the period in which it is to be done next, exclusive.
    due: Moment,
    overdue: bool,
    /// Who carries it.
    devices: Vec<String>,
}

fn duty_json(state: &DutyState, devices: Vec<String>) -> DutyJson {
    DutyJson {
        duty: state.duty.clone(),
        name: ReasoningJson { zh: state.names.0.clone(), en: state.names.1.clone() },
        township: state.township.as_ref().map(ToString::to_string),
        every: state.every,
        times: state.times,
        done: state.done,
        last_done: state.last_done.map(Moment),
        due: state.due.into(),
        overdue: state.overdue,
        devices,
    }
}

/// What `PUT /devices/{id}/duties` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duties {
    duties: Vec<String>,
}

/// Which duties a device has.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceDuties)]
pub(crate) struct DutiesJson {
    device: String,
    duties: Vec<String>,
}

/// Say which duties a device's patrols count for.
#[utoipa::path(
    put, path = "/api/v1/devices/{id}/duties", tag = "coverage",
    request_body = Duties,
    responses((status = 200, body = DutiesJson), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn set_duties(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<Duties>,
) -> Result<Json<DutiesJson>, Problem> {
    signed.who.require(&PLANNERS)?;
    let device = devices::find(&app, &signed.who, &id)?.id;
    let (registry, by) = signed.author(&app);
    let set = body.duties.clone();
    blocking("saying whose duties a device has", move || registry.set_patrol_roles(&device, &set, &by)).await?;
    Ok(Json(DutiesJson { device: id, duties: body.duties }))
}
