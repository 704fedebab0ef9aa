//! Zones for the map, and the versions of one.
//!
//! In: the registry, and who looks.   Out: zones with what holds in them now.   Never: a zone of another township than the user's.
//!
//! The closure is worked out by detection's own rules, handed in as a function, so the map and the alerts cannot disagree.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::console::is_known;
use crate::extract::{self, List};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::zone_feature::{ZoneJson, properties, push_feature};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::wire::ZoneLoadJson;
use model::{Closure, Position, Timestamp, TownshipCode, Zone, ZoneId};
use registry::{Period, ZoneVersion};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;

/// Kinds of viewers whose answers are remembered: a banner has a dozen townships.
const VIEWERS_KEPT: usize = 32;

/// The last answers of `GET /zones`, by the townships of who asked: megabytes that are the same until a zone or a closure changes.
#[derive(Default)]
pub(crate) struct ZonesCache(Mutex<HashMap<Vec<TownshipCode>, Cached>>);

#[derive(Clone)]
struct Cached {
    zones: Vec<Arc<Zone>>,
    closures: Vec<Closure>,
    body: Bytes,
    etag: String,
}

/// Zones in force, with what holds in them now.
#[utoipa::path(
    get, path = "/api/v1/zones", tag = "zones",
    responses(
        (status = 200, body = Object, content_type = "application/geo+json",
            description = "GeoJSON FeatureCollection, with ETag; the properties of each feature are a Zone"),
        (status = 304, description = "the caller has it"), NotLoggedIn,
    ),
)]
pub(crate) async fn all(State(app): State<Arc<App>>, signed: Signed, headers: HeaderMap) -> Result<Response, Problem> {
    let shared = Arc::clone(&app);
    let write = move || Ok::<_, Problem>(cached(&shared, &signed.who));
    let Cached { body, etag, .. } = blocking("writing the zones", write).await?;
    geo_json(&headers, body, &etag)
}

/// What stands in each open balance zone that names its capacity.
#[utoipa::path(
    get, path = "/api/v1/zones/loads", tag = "zones",
    responses((status = 200, body = List<ZoneLoadJson>), NotLoggedIn),
)]
pub(crate) async fn loads(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<ZoneLoadJson>>, Problem> {
    let loads = app.parts.live.zone_loads();
    let theirs = loads.iter().filter(|load| signed.who.sees(load.township.as_ref().map(|code| code.as_str())));
    Ok(extract::list(theirs.map(ZoneLoadJson::from).collect(), None))
}

/// Whether a zone is this user's business.
pub(crate) fn sees(who: &Who, zone: &Zone) -> bool {
    who.sees(zone.township.as_ref().map(|code| code.as_str()))
}

fn cached(app: &App, who: &Who) -> Cached {
    let (view, now) = (app.registry_view(), app.now());
    let zones: Vec<_> = view.zones.iter().filter(|zone| sees(who, zone)).cloned().collect();
    let closures = closures(app, &zones, now);
    let mut kept = app.zones_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept.get(&who.user.townships);
    if let Some(cached) = known.filter(|cached| cached.closures == closures && same(&cached.zones, &zones)) {
        return cached.clone();
    }
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (index, (zone, closure)) in zones.iter().zip(&closures).enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_feature(&mut text, zone, &properties(zone, closure));
    }
    text.push_str("]}");
    let etag = etag_of(text.as_bytes());
    let fresh = Cached { zones, closures, body: Bytes::from(text), etag };
    if kept.len() >= VIEWERS_KEPT {
        kept.clear();
    }
    kept.insert(who.user.townships.clone(), fresh.clone());
    fresh
}

/// Whether these are the same versions; cheap when they are the same objects.
pub(crate) fn same(left: &[Arc<Zone>], right: &[Arc<Zone>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| Arc::ptr_eq(left, right) || left == right)
}

/// Versions of a zone, newest first.
#[utoipa::path(
    get, path = "/api/v1/zones/{id}/versions", tag = "zones",
    responses((status = 200, body = List<VersionJson>), BadRequest, NotLoggedIn, NotFound),
)]
pub(crate) async fn versions(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<List<VersionJson>>, Problem> {
    let zone_id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let registry = app.parts.registry.clone();
    let versions = blocking("reading a zone's versions", move || registry.zone_versions(&zone_id)).await?;
    if !versions.last().is_some_and(|version| sees(&signed.who, &version.zone)) {
        return Err(Problem::not_found(format!("there is no zone `{id}`; GET /api/v1/zones lists them")));
    }
    let now = app.now();
    let items = versions.iter().rev().map(|version| version_json(version, &(app.parts.closure_at)(&version.zone, now)));
    Ok(extract::list(items.collect(), None))
}

/// One version of a zone with its border.
#[utoipa::path(
    get, path = "/api/v1/zones/{id}/versions/{version}", tag = "zones",
    responses(
        (status = 200, body = Object, content_type = "application/geo+json",
            description = "GeoJSON Feature, with ETag; its properties are a ZoneVersion"),
        (status = 304, description = "the caller has it"), BadRequest, NotLoggedIn, NotFound,
    ),
)]
pub(crate) async fn version(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let zone_id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let shared = Arc::clone(&app);
    let feature = blocking("reading a version of a zone", move || {
        let versions = shared.parts.registry.zone_versions(&zone_id)?;
        // Whose business a zone is, its newest version says; as for the list.
        let is_theirs = versions.last().is_some_and(|newest| sees(&signed.who, &newest.zone));
        let wanted = versions.iter().find(|one| is_theirs && version.parse() == Ok(one.zone.version));
        let found = wanted.ok_or_else(|| {
            Problem::not_found(format!(
                "there is no version `{version}` of a zone `{id}`; GET /api/v1/zones/{{id}}/versions lists them"
            ))
        })?;
        let closure = (shared.parts.closure_at)(&found.zone, shared.now());
        let mut text = String::new();
        push_feature(&mut text, &found.zone, &version_json(found, &closure));
        Ok::<_, Problem>(text)
    });
    let body = Bytes::from(feature.await?);
    geo_json(&headers, body.clone(), &etag_of(&body))
}

fn etag_of(body: &[u8]) -> String {
    format!("\"{}\"", blake3::hash(body).to_hex().get(..32).unwrap_or_default())
}

/// GeoJSON, or that the caller has it.
fn geo_json(headers: &HeaderMap, body: Bytes, etag: &str) -> Result<Response, Problem> {
    let etag_value = HeaderValue::try_from(etag).map_err(|error| Problem::internal("writing an ETag", error))?;
    let common = [(header::ETAG, etag_value), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if is_known(headers, etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, "application/geo+json")], body).into_response())
}

/// A version of a zone, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ZoneVersion)]
pub struct VersionJson {
    #[serde(flatten)]
    zone: ZoneJson,
    /// Since when later versions leave it nothing to decide.
    #[schema(required)]
    known_to: Option<Moment>,
    decides: Vec<PeriodJson>,
    repealed: bool,
    reason: String,
    published_by: String,
}

/// A time in which a version decides.
#[derive(Serialize, ToSchema)]
#[schema(as = Period)]
struct PeriodJson {
    from: Moment,
    #[schema(required)]
    to: Option<Moment>,
}

/// A version and what became of it. A repeal closes nothing.
pub fn version_json(version: &ZoneVersion, closure: &Closure) -> VersionJson {
    let zone = &version.zone;
    let open = Closure::default();
    let mut shown = properties(zone, if version.repealed { &open } else { closure });
    shown.in_force_to = version.in_force_to().map(Moment);
    VersionJson {
        zone: shown,
        known_to: version.known_to.map(Moment),
        decides: version.decides.iter().map(period_json).collect(),
        repealed: version.repealed,
        reason: zone.reason.clone(),
        published_by: zone.published_by.clone(),
    }
}

fn period_json(period: &Period) -> PeriodJson {
    PeriodJson { from: period.from.into(), to: period.to.map(Moment) }
}

/// The townships that a place lies in, for users who see only some.
pub(crate) fn townships_at(app: &App, position: Position) -> Vec<String> {
    let view = app.registry_view();
    let zones = (app.parts.zones_at)(position);
    let townships = zones.iter().filter_map(|id| view.zone(id)).filter_map(|zone| zone.township.as_ref());
    townships.map(ToString::to_string).collect()
}

/// What holds in every zone, in the view's order: it changes with the calendar though no zone changes.
pub(crate) fn closures(app: &App, zones: &[Arc<Zone>], at: Timestamp) -> Vec<Closure> {
    zones.iter().map(|zone| (app.parts.closure_at)(zone, at)).collect()
}
