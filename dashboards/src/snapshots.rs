//! Pictures that are kept as evidence.
//!
//! In: a camera, or a picture's hash.   Out: a list with the age of each, and the JPEG itself, byte for byte as the camera sent it.
//!
//! A picture is shown to whoever may see its camera. Its name is the hash of its content, so it never changes: browsers may keep it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::{find, sees};
use crate::extract::{self, List, Page, Params};
use crate::incidents;
use crate::openapi::words::Bytes;
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evidence::{EvidenceError, Item};
use model::{IncidentId, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Only here, and not by what stands between: a picture is shown to who is logged in.
const CACHE: &str = "private, max-age=31536000, immutable";

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        Problem::internal("evidence", error)
    }
}

/// What `GET /devices/{id}/snapshots` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// How many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
}

/// Its pictures that are kept as evidence, the newest first.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/snapshots", tag = "devices",
    params(Query),
    responses((status = 200, body = List<PictureJson>), BadRequest, NotLoggedIn, NotFound),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<Query>,
) -> Result<Json<List<PictureJson>>, Problem> {
    let page = Page::parse(query.limit.as_deref(), None)?;
    let device = find(&app, &signed.who, &id)?;
    let (store, now) = (app.parts.evidence.clone(), app.now());
    let items = blocking("list evidence", move || store.of_device(&device.id, page.limit)).await?;
    Ok(extract::list(items.iter().map(|item| item_json(item, now)).collect(), None))
}

/// Pictures that are kept for a case, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/snapshots", tag = "devices",
    responses((status = 200, body = List<PictureJson>), BadRequest, NotLoggedIn, NotFound),
)]
pub(crate) async fn of_incident(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<List<PictureJson>>, Problem> {
    let incident = incidents::find(app.view().await?, &signed.who, &id)?;
    let id = IncidentId::parse(&incident.json.id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let (store, now) = (app.parts.evidence.clone(), app.now());
    let items = blocking("list evidence", move || store.of_incident(&id)).await?;
    let registry = app.registry_view();
    let may_see = |item: &&Item| registry.device(&item.device).is_some_and(|device| sees(&signed.who, device));
    Ok(extract::list(items.iter().filter(may_see).map(|item| item_json(item, now)).collect(), None))
}

/// A picture, as its camera sent it.
///
/// Its name is the BLAKE3 hash of its content, which is also its ETag.
#[utoipa::path(
    get, path = "/api/v1/snapshots/{hash}", tag = "devices",
    responses(
        (status = 200, body = Bytes, content_type = "image/jpeg", description = "the picture"),
        (status = 304, description = "the caller has it"), NotLoggedIn, NotFound,
    ),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (store, wanted) = (app.parts.evidence.clone(), hash.clone());
    let items = blocking("find evidence", move || store.of_hash(&wanted)).await?;
    let registry = app.registry_view();
    let may_see = |item: &Item| registry.device(&item.device).is_some_and(|device| sees(&signed.who, device));
    if !items.iter().any(may_see) {
        return Err(missing());
    }
    let tag = format!("\"{hash}\"");
    let cached = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, CACHE.to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    let store = app.parts.evidence.clone();
    let content = blocking("read evidence", move || store.content(&hash)).await?.ok_or_else(missing)?;
    Ok((cached, [(header::CONTENT_TYPE, "image/jpeg")], content).into_response())
}

fn missing() -> Problem {
    Problem::not_found(
        "there is no such picture (or its camera is not in your townships); GET /api/v1/devices/{id}/snapshots lists them",
    )
}

/// What is known of a picture.
#[derive(Serialize, ToSchema)]
#[schema(as = Picture)]
pub(crate) struct PictureJson {
    snapshot_id: String,
    hash: String,
    device: String,
    #[schema(format = DateTime)]
    ts: String,
    /// How old it is now, seconds.
    age_s: u64,
    incident: String,
    /// `named` by the incident, or `before` the first that it names.
    why: &'static str,
    /// Its place in the journal.
    entry: u64,
    bytes: u64,
    pose: LookJson,
    /// What its camera's heartbeats named.
    #[schema(required)]
    firmware: Option<String>,
}

/// Where a camera was and looked, as far as it or its survey says.
#[derive(Serialize, ToSchema)]
#[schema(as = PicturePose)]
struct LookJson {
    #[schema(required)]
    lat: Option<f64>,
    #[schema(required)]
    lon: Option<f64>,
    #[schema(required)]
    height_m: Option<f64>,
    #[schema(required)]
    yaw_deg: Option<f64>,
    #[schema(required)]
    pitch_deg: Option<f64>,
    #[schema(required)]
    pan_deg: Option<f64>,
    #[schema(required)]
    zoom: Option<f64>,
}

/// A picture as the API shows it.
pub(crate) fn item_json(item: &Item, now: Timestamp) -> PictureJson {
    let looking = &item.looking;
    PictureJson {
        snapshot_id: item.snapshot.to_string(),
        hash: item.hash.clone(),
        device: item.device.to_string(),
        ts: item.taken_at.to_string(),
        age_s: now.since(item.taken_at).as_secs(),
        incident: item.incident.to_string(),
        why: item.why.as_str(),
        entry: item.offset.0,
        bytes: item.bytes,
        pose: LookJson {
            lat: looking.position.map(|position| position.lat_deg()),
            lon: looking.position.map(|position| position.lon_deg()),
            height_m: looking.height_m,
            yaw_deg: looking.yaw_deg,
            pitch_deg: looking.pitch_deg,
            pan_deg: looking.pan_deg,
            zoom: looking.zoom,
        },
        firmware: looking.firmware.as_deref().map(str::to_owned),
    }
}
