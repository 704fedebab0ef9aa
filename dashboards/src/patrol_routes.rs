//! The routes that are planned for patrols.
//!
//! In: routes as GeoJSON; a span.   Out: routes beside what was flown of them.   Never: what lies in none of the user's townships.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::extract::{Body, Params};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn, Unavailable};
use crate::patrols::{PLANNERS, flown_json, last_week};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{PatrolRoute, TownshipCode};
use registry::{route_feature, routes_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What `GET /patrols/routes` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// RFC 3339 with a zone, or a legal date.
    from: Option<String>,
    /// RFC 3339 with a zone, or a legal date; exclusive.
    to: Option<String>,
}

/// GeoJSON FeatureCollection of LineStrings with id, name, township, device, width_m, duty and flown (share, length_km, gaps_km).
#[derive(Serialize, ToSchema)]
#[schema(as = PatrolRoutes)]
pub(crate) struct RoutesJson {
    /// `FeatureCollection`.
    r#type: &'static str,
    from: Moment,
    to: Moment,
    features: Vec<Value>,
}

/// Planned routes beside what was flown of them in a span, or in the last week.
#[utoipa::path(
    get, path = "/api/v1/patrols/routes", tag = "coverage",
    params(Filter),
    responses((status = 200, body = RoutesJson), BadRequest, NotLoggedIn, Unavailable),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<RoutesJson>, Problem> {
    let (from, to) = last_week(&app, filter.from.as_deref(), filter.to.as_deref())?;
    let routes = Arc::clone(&app.registry_view().patrol_routes);
    let theirs: Vec<PatrolRoute> = routes.iter().filter(|route| sees(&signed.who, route)).cloned().collect();
    let watching = Arc::clone(&app.parts.watching);
    let features = blocking("comparing routes with patrols", move || {
        let shown = theirs.iter().map(|route| {
            let flown = watching.route_flown(route, from, to)?;
            let mut feature = route_feature(route);
            if let Some(properties) = feature.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert("flown".to_owned(), json!(flown_json(&flown)));
            }
            Ok::<Value, crate::watching::Unwatched>(feature)
        });
        shown.collect::<Result<Vec<_>, _>>()
    })
    .await?;
    Ok(Json(RoutesJson { r#type: "FeatureCollection", from: from.into(), to: to.into(), features }))
}

fn sees(who: &Who, route: &PatrolRoute) -> bool {
    who.sees(route.township.as_ref().map(TownshipCode::as_str))
}

/// The ids of the routes that are planned now.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutesPlanned)]
pub(crate) struct PlannedJson {
    planned: Vec<String>,
}

/// Plan routes, or change those of the same id: GeoJSON Feature or FeatureCollection of LineStrings.
#[utoipa::path(
    post, path = "/api/v1/patrols/routes", tag = "coverage",
    request_body = Value,
    responses((status = 201, body = PlannedJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn plan(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<PlannedJson>), Problem> {
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
    Ok((StatusCode::CREATED, Json(PlannedJson { planned: ids })))
}

/// Take a planned route away.
#[utoipa::path(
    delete, path = "/api/v1/patrols/routes/{id}", tag = "coverage",
    responses((status = 204, description = "it is gone"), NotLoggedIn, Forbidden, NotFound),
)]
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
