//! Patrols, the routes that are planned for them, and who has to be out how often.
//!
//! In: a span, a device, a township; routes as GeoJSON.   Out: patrols, routes beside what was flown, duties.   Never: what lies in
//! none of the user's townships.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body, Page, Params};
use crate::problem::Problem;
use crate::watching::{SPAN_DEFAULT, cells_json, rounded, rounded_mu, span};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{
    DeviceId, DutyState, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, RouteFlown, SQUARE_METRES_PER_MU, Timestamp,
    TownshipCode,
};
use registry::{Role, route_feature, routes_of};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Who may plan.
const PLANNERS: [Role; 2] = [Role::ZoneEditor, Role::Administrator];

/// What `GET /patrols` takes.
#[derive(Deserialize)]
pub(crate) struct Filter {
    township: Option<String>,
    device: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /patrols`, newest first; without a span those of the last week. The cursor counts patrols that were passed.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(filter.limit.as_deref(), filter.cursor.as_deref())?;
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
    Ok(extract::list(found.iter().map(|patrol| Value::Object(patrol_json(patrol))).collect(), last))
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

fn last_week(app: &App, from: Option<&str>, to: Option<&str>) -> Result<(Timestamp, Timestamp), Problem> {
    let now = app.now();
    Ok(span(app, from, to)?.unwrap_or_else(|| (now.minus(SPAN_DEFAULT), now)))
}

fn patrol_json(patrol: &Patrol) -> Map<String, Value> {
    let zone =
        |zone: &model::PatrolZone| json!({ "id": zone.zone.as_str(), "name": zone.name, "share": rounded(zone.share) });
    let township = |(code, share): &(TownshipCode, f64)| json!({ "code": code.as_str(), "share": rounded(*share) });
    let shown = json!({
        "id": patrol.id,
        "device": patrol.device.as_str(),
        "kind": patrol.kind.as_str(),
        "flight_id": patrol.flight_id,
        "start": patrol.start.to_rfc3339(),
        "end": patrol.end.to_rfc3339(),
        "duration_s": patrol.end.since(patrol.start).as_secs(),
        "distance_m": patrol.distance_m.round(),
        "area_mu": rounded_mu(patrol.area_m2 / SQUARE_METRES_PER_MU),
        "zones": patrol.zones.iter().map(zone).collect::<Vec<_>>(),
        "townships": patrol.townships.iter().map(township).collect::<Vec<_>>(),
    });
    match shown {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `GET /patrols/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (watching, asked) = (Arc::clone(&app.parts.watching), id.clone());
    let found = blocking("reading a patrol", move || watching.patrol(&asked)).await?;
    let found = found.filter(|detail| is_theirs(&app, &signed.who, &detail.patrol)).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no patrol `{id}` (or it is not in your townships); GET /api/v1/patrols lists them"
        ))
    })?;
    let PatrolDetail { patrol, cells, routes } = found;
    let mut fields = patrol_json(&patrol);
    let line: Vec<[f64; 2]> = patrol.line.iter().map(|place| [place.lon_deg(), place.lat_deg()]).collect();
    fields.insert("line".to_owned(), json!({ "type": "LineString", "coordinates": line }));
    fields.insert("cells".to_owned(), cells_json(&cells));
    let route = |(route, flown): &(PatrolRoute, RouteFlown)| {
        let mut fields = flown_json(flown);
        fields.insert("id".to_owned(), route.id.as_str().into());
        fields.insert("name".to_owned(), route.name.as_str().into());
        Value::Object(fields)
    };
    fields.insert("routes".to_owned(), routes.iter().map(route).collect());
    Ok(Json(Value::Object(fields)))
}

fn is_theirs(app: &App, who: &Who, patrol: &Patrol) -> bool {
    let view = app.registry_view();
    let home = view.device(&patrol.device).and_then(|device| device.township.as_ref());
    let mut codes = home.into_iter().chain(patrol.townships.iter().map(|(code, _)| code));
    who.sees_everything() || codes.any(|code| who.sees(Some(code.as_str())))
}

fn flown_json(flown: &RouteFlown) -> Map<String, Value> {
    let km = |m: f64| (m / 10.0).round() / 100.0;
    let gaps: Vec<[f64; 2]> = flown.gaps_m.iter().map(|(from, to)| [km(*from), km(*to)]).collect();
    let mut fields = Map::new();
    fields.insert("share".to_owned(), rounded(flown.share).into());
    fields.insert("length_km".to_owned(), km(flown.length_m).into());
    fields.insert("gaps_km".to_owned(), json!(gaps));
    fields
}

/// `GET /patrols/duties`
pub(crate) async fn duties(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    let watching = Arc::clone(&app.parts.watching);
    let states = blocking("reading duties", move || watching.duties()).await?;
    let view = app.registry_view();
    let carriers = |duty: &str| {
        let carries = view.patrol_roles.iter().filter(|(_, duties)| duties.contains(duty));
        carries.map(|(device, _)| device.as_str()).collect::<Vec<_>>()
    };
    let theirs = states.iter().filter(|state| signed.who.sees(state.township.as_ref().map(TownshipCode::as_str)));
    Ok(extract::list(theirs.map(|state| duty_json(state, &carriers(&state.duty))).collect(), None))
}

fn duty_json(state: &DutyState, devices: &[&str]) -> Value {
    json!({
        "duty": state.duty,
        "name": { "zh": state.names.0, "en": state.names.1 },
        "township": state.township.as_ref().map(TownshipCode::as_str),
        "every": state.every,
        "times": state.times,
        "done": state.done,
        "last_done": state.last_done.map(Timestamp::to_rfc3339),
        "due": state.due.to_rfc3339(),
        "overdue": state.overdue,
        "devices": devices,
    })
}

/// What `PUT /devices/{id}/duties` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duties {
    duties: Vec<String>,
}

/// `PUT /devices/{id}/duties`: which duties the device's patrols count for.
pub(crate) async fn set_duties(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<Duties>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&PLANNERS)?;
    let device = devices::find(&app, &signed.who, &id)?.id;
    let (registry, by) = signed.author(&app);
    let set = body.duties.clone();
    blocking("saying whose duties a device has", move || registry.set_patrol_roles(&device, &set, &by)).await?;
    Ok(Json(json!({ "device": id, "duties": body.duties })))
}

/// What `GET /patrols/routes` takes.
#[derive(Deserialize)]
pub(crate) struct RouteFilter {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /patrols/routes`: every planned route as GeoJSON, beside what was flown of it in a span, or in the last week.
pub(crate) async fn routes(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<RouteFilter>,
) -> Result<Json<Value>, Problem> {
    let (from, to) = last_week(&app, filter.from.as_deref(), filter.to.as_deref())?;
    let routes = Arc::clone(&app.registry_view().patrol_routes);
    let theirs: Vec<PatrolRoute> = routes.iter().filter(|route| sees(&signed.who, route)).cloned().collect();
    let watching = Arc::clone(&app.parts.watching);
    let features = blocking("comparing routes with patrols", move || {
        let shown = theirs.iter().map(|route| {
            let flown = watching.route_flown(route, from, to)?;
            let mut feature = route_feature(route);
            if let Some(properties) = feature.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert("flown".to_owned(), Value::Object(flown_json(&flown)));
            }
            Ok::<Value, crate::watching::Unwatched>(feature)
        });
        shown.collect::<Result<Vec<_>, _>>()
    })
    .await?;
    Ok(Json(json!({
        "type": "FeatureCollection", "from": from.to_rfc3339(), "to": to.to_rfc3339(), "features": features,
    })))
}

fn sees(who: &Who, route: &PatrolRoute) -> bool {
    who.sees(route.township.as_ref().map(TownshipCode::as_str))
}

/// `POST /patrols/routes` with a GeoJSON Feature or FeatureCollection: plans routes, or changes those of the same id.
pub(crate) async fn plan(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&PLANNERS)?;
    let routes = routes_of(&body)?;
    let known = Arc::clone(&app.registry_view().patrol_routes);
    let before = |id: &str| known.iter().find(|route| route.id == id);
    if let Some(other) =
        routes.iter().find(|new| !sees(&signed.who, new) || before(&new.id).is_some_and(|old| !sees(&signed.who, old)))
    {
        return Err(Problem::forbidden(format!(
            "route `{}` is not in your townships; ask somebody whose account is for it",
            other.id
        )));
    }
    let (registry, by) = signed.author(&app);
    let ids: Vec<String> = routes.iter().map(|route| route.id.clone()).collect();
    blocking("planning routes", move || registry.plan_routes(&routes, &by)).await?;
    Ok((StatusCode::CREATED, Json(json!({ "planned": ids }))))
}

/// `DELETE /patrols/routes/{id}`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    signed.who.require(&PLANNERS)?;
    let known = Arc::clone(&app.registry_view().patrol_routes);
    if !known.iter().any(|route| route.id == id && sees(&signed.who, route)) {
        return Err(Problem::not_found(format!(
            "there is no route `{id}` (or it is not in your townships); GET /api/v1/patrols/routes lists them"
        )));
    }
    let (registry, by) = signed.author(&app);
    blocking("removing a route", move || registry.remove_route(&id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}
