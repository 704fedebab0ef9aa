//! Zones for the map, what holds at a place, and the import of new versions.
//!
//! In: a place and a time, or GeoJSON from a zone editor.   Out: zones with what holds in them now.
//!
//! The closure is worked out by detection's own rules, handed in as a function, so the map and the alerts cannot disagree.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::console::is_known;
use crate::extract::{self, Params, Raw};
use crate::problem::Problem;
use crate::zone_feature::{closure_json, properties, push_feature};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Closure, Position, Timestamp, Zone, ZoneId, ZoneKind};
use registry::{Datum, FeatureOutcome, ImportOptions, ImportReport, Role, ZoneImportError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// The last answer of `GET /zones`: megabytes that are the same for everybody until a zone or a closure changes.
#[derive(Default)]
pub(crate) struct ZonesCache(Mutex<Option<Cached>>);

#[derive(Clone)]
struct Cached {
    zones: Vec<Arc<Zone>>,
    closures: Vec<Closure>,
    body: Bytes,
    etag: String,
}

/// `GET /zones`
pub(crate) async fn all(State(app): State<Arc<App>>, _signed: Signed, headers: HeaderMap) -> Result<Response, Problem> {
    let shared = Arc::clone(&app);
    let Cached { body, etag, .. } = blocking("writing the zones", move || Ok::<_, Problem>(cached(&shared))).await?;
    let etag_value =
        HeaderValue::try_from(etag.as_str()).map_err(|error| Problem::internal("writing an ETag", error))?;
    let common = [(header::ETAG, etag_value), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, "application/geo+json")], body).into_response())
}

fn cached(app: &App) -> Cached {
    let (view, now) = (app.registry_view(), app.now());
    let closures = closures(app, &view.zones, now);
    let mut slot = app.zones_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cached) = slot.as_ref().filter(|cached| cached.closures == closures && same(&cached.zones, &view.zones))
    {
        return cached.clone();
    }
    let mut text = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (index, (zone, closure)) in view.zones.iter().zip(&closures).enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_feature(&mut text, zone, closure);
    }
    text.push_str("]}");
    let etag = format!("\"{}\"", blake3::hash(text.as_bytes()).to_hex().get(..32).unwrap_or_default());
    let fresh = Cached { zones: view.zones.clone(), closures, body: Bytes::from(text), etag };
    *slot = Some(fresh.clone());
    fresh
}

/// Whether these are the same versions; cheap when they are the same objects.
pub(crate) fn same(left: &[Arc<Zone>], right: &[Arc<Zone>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| Arc::ptr_eq(left, right) || left == right)
}

/// What `GET /zones/at` takes.
#[derive(Deserialize)]
pub(crate) struct At {
    lat: Option<String>,
    lon: Option<String>,
    t: Option<String>,
}

/// `GET /zones/at`
pub(crate) async fn at(
    State(app): State<Arc<App>>,
    _signed: Signed,
    Params(query): Params<At>,
) -> Result<Json<Value>, Problem> {
    let position = Position::parse(degrees("lat", query.lat.as_deref())?, degrees("lon", query.lon.as_deref())?)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let t = extract::instant("t", query.t.as_deref())?.unwrap_or_else(|| app.now());
    let view = app.registry_view();
    let found = (app.parts.zones_at)(position);
    let zones = found.iter().filter_map(|id| view.zone(id)).map(|zone| {
        let closure = (app.parts.closure_at)(zone, t);
        json!({
            "id": zone.id.as_str(),
            "name": zone.name,
            "kind": zone.kind.as_str(),
            "version": zone.version,
            "township": zone.township.as_ref().map(|code| code.as_str()),
            "authority": zone.kind.authority().as_str(),
            "closure": closure_json(&closure),
        })
    });
    Ok(Json(json!({ "t": t.to_rfc3339(), "zones": zones.collect::<Vec<_>>() })))
}

fn degrees(name: &'static str, text: Option<&str>) -> Result<f64, Problem> {
    let text =
        text.ok_or_else(|| Problem::bad_request(format!("parameter `{name}` is missing; give WGS84 degrees")))?;
    text.parse().map_err(|_| Problem::bad_request(format!("{name} `{text}` is no number; give WGS84 degrees")))
}

/// `GET /zones/{id}/versions`: without the geometry, which the map has for the version in force.
pub(crate) async fn versions(
    State(app): State<Arc<App>>,
    _signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let zone_id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let registry = app.parts.registry.clone();
    let versions = blocking("reading a zone's versions", move || registry.zone_versions(&zone_id)).await?;
    if versions.is_empty() {
        return Err(Problem::not_found(format!("there is no zone `{id}`; GET /api/v1/zones lists them")));
    }
    let now = app.now();
    let items = versions.iter().rev().map(|zone| properties(zone, &(app.parts.closure_at)(zone, now)));
    Ok(extract::list(items.collect(), None))
}

/// What `POST /zones/import` takes beside the file.
#[derive(Deserialize)]
pub(crate) struct Import {
    kind: Option<String>,
    datum: Option<String>,
    in_force: Option<String>,
    dry_run: Option<String>,
}

/// `POST /zones/import`: the GeoJSON is the body.
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<Import>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::ZoneEditor, Role::Administrator])?;
    let options = options(query)?;
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    let report = blocking("importing zones", move || {
        let text = std::str::from_utf8(&body).map_err(|error| {
            Problem::bad_request(format!("body is no UTF-8 text: {error}; GeoJSON is always UTF-8"))
        })?;
        registry.import_zones(text, options, &by).map_err(Problem::from)
    })
    .await?;
    Ok(Json(report_json(&report)))
}

fn options(query: Import) -> Result<ImportOptions, Problem> {
    let kind = query.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let allowed = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Problem::bad_request(format!("kind `{word}` is none; use {allowed}"))
        })
    });
    let datum = query.datum.as_deref().map(|word| {
        let allowed = Datum::ALL.map(Datum::as_str).join(", ");
        Datum::parse(word).ok_or_else(|| Problem::bad_request(format!("datum `{word}` is none; use {allowed}")))
    });
    let dry_run = match query.dry_run.as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1" | "") => true,
        Some(word) => return Err(Problem::bad_request(format!("dry_run `{word}` is neither true nor false"))),
    };
    let in_force = extract::instant("in_force", query.in_force.as_deref())?;
    Ok(ImportOptions { kind: kind.transpose()?, datum: datum.transpose()?.unwrap_or_default(), in_force, dry_run })
}

fn report_json(report: &ImportReport) -> Value {
    let features = report.features.iter().map(|feature| {
        let (outcome, version, reason) = match &feature.outcome {
            FeatureOutcome::Published { version } => ("published", Some(*version), None),
            FeatureOutcome::Unchanged { version } => ("unchanged", Some(*version), None),
            FeatureOutcome::Refused(fault) => ("refused", None, Some(fault.to_string())),
        };
        json!({ "index": feature.index, "id": feature.id, "outcome": outcome, "version": version, "reason": reason })
    });
    let features: Vec<_> = features.collect();
    json!({ "dry_run": report.dry_run, "published": report.published(), "features": features })
}

impl From<ZoneImportError> for Problem {
    fn from(error: ZoneImportError) -> Self {
        match error {
            ZoneImportError::Registry(error) => error.into(),
            ZoneImportError::TooLarge { .. } => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            _ => Self::bad_request(error.to_string()),
        }
    }
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
