//! Pictures that are kept as evidence.
//!
//! In: a camera, or a picture's hash.   Out: a list with the age of each, and the JPEG itself, byte for byte as the camera sent it.
//!
//! A picture is shown to whoever may see its camera. Its name is the hash of its content, so it never changes: browsers may keep it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::{find, sees};
use crate::extract::{self, Page, Params};
use crate::incidents;
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evidence::{EvidenceError, Item};
use model::{IncidentId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Only here, and not by what stands between: a picture is shown to who is logged in.
const CACHE: &str = "private, max-age=31536000, immutable";

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        Problem::internal("evidence", error)
    }
}

/// What `GET /devices/{id}/snapshots` takes.
#[derive(Deserialize)]
pub(crate) struct Query {
    limit: Option<String>,
}

/// `GET /devices/{id}/snapshots`, the newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<Query>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(query.limit.as_deref(), None)?;
    let device = find(&app, &signed.who, &id)?;
    let (store, now) = (app.parts.evidence.clone(), app.now());
    let items = blocking("list evidence", move || store.of_device(&device.id, page.limit)).await?;
    Ok(extract::list(items.iter().map(|item| item_json(item, now)).collect(), None))
}

/// `GET /incidents/{id}/snapshots`, the oldest first; those of cameras that the user may not see are left out.
pub(crate) async fn of_incident(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let incident = incidents::find(app.view().await?, &signed.who, &id)?;
    let id = IncidentId::parse(&incident.json.id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let (store, now) = (app.parts.evidence.clone(), app.now());
    let items = blocking("list evidence", move || store.of_incident(&id)).await?;
    let registry = app.registry_view();
    let may_see = |item: &&Item| registry.device(&item.device).is_some_and(|device| sees(&signed.who, device));
    Ok(extract::list(items.iter().filter(may_see).map(|item| item_json(item, now)).collect(), None))
}

/// `GET /snapshots/{hash}`
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
pub(crate) fn item_json(item: &Item, now: Timestamp) -> Value {
    let looking = &item.looking;
    json!({
        "snapshot_id": item.snapshot.as_str(),
        "hash": item.hash,
        "device": item.device.as_str(),
        "ts": item.taken_at.to_string(),
        "age_s": now.since(item.taken_at).as_secs(),
        "incident": item.incident.as_str(),
        "why": item.why.as_str(),
        "entry": item.offset.0,
        "bytes": item.bytes,
        "pose": {
            "lat": looking.position.map(|position| position.lat_deg()),
            "lon": looking.position.map(|position| position.lon_deg()),
            "height_m": looking.height_m,
            "yaw_deg": looking.yaw_deg,
            "pitch_deg": looking.pitch_deg,
            "pan_deg": looking.pan_deg,
            "zoom": looking.zoom
        },
        "firmware": looking.firmware.as_deref()
    })
}
