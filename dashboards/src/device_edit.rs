//! Changing devices, one or many at once; shutting them out; taking in a list.
//!
//! In: what an administrator wants changed, or a table.   Out: how many became others; the secrets of new ones, once.   Never: a
//! field that was not named.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::{self, PlaceBody, PoseBody, device_json, find};
use crate::extract::{self, Body, Params, Raw};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::{DeviceId, Position, TownshipCode};
use registry::{DeviceEdit, DeviceImport, Role, device_rows};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What `PATCH /devices/{id}` takes: what is left out stays, `null` takes a field away.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    kind: Option<String>,
    #[serde(default, deserialize_with = "named")]
    model: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    site: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    place: Option<Option<PlaceBody>>,
    #[serde(default, deserialize_with = "named")]
    pose: Option<Option<PoseBody>>,
    #[serde(default, deserialize_with = "named")]
    township: Option<Option<String>>,
    /// Like `60s`.
    cadence: Option<String>,
    #[serde(default, deserialize_with = "named")]
    via: Option<Option<String>>,
    #[serde(default)]
    external: Map<String, Value>,
}

/// What `PATCH /devices` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyBody {
    ids: Vec<String>,
    change: EditBody,
}

/// A field that is named, be it with `null`.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// `PATCH /devices/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<EditBody>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let id = find(&app, &signed.who, &id)?.id;
    change(&app, &signed, vec![id.clone()], body).await?;
    let device = find(&app, &signed.who, id.as_str())?;
    Ok(Json(device_json(&app, &device)))
}

/// `PATCH /devices` with `{"ids": […], "change": {…}}`: all or none.
pub(crate) async fn many(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<ManyBody>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let ids = body.ids.iter().map(|id| find(&app, &signed.who, id).map(|device| device.id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let changed = change(&app, &signed, ids, body.change).await?;
    Ok(Json(json!({ "changed": changed })))
}

async fn change(app: &Arc<App>, signed: &Signed, ids: Vec<DeviceId>, body: EditBody) -> Result<u64, Problem> {
    let edit = parse(body)?;
    let (registry, by) = signed.author(app);
    blocking("changing devices", move || registry.edit_devices(&ids, &edit, &by)).await
}

/// `POST /devices/{id}/disable`
pub(crate) async fn disable(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Json<Value>, Problem> {
    shut_out(app, signed, id, true).await
}

/// `POST /devices/{id}/enable`
pub(crate) async fn enable(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Json<Value>, Problem> {
    shut_out(app, signed, id, false).await
}

async fn shut_out(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    disabled: bool,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let id = find(&app, &signed.who, &id)?.id;
    let (registry, by) = signed.author(&app);
    let which = id.clone();
    blocking("shutting a device out or in", move || registry.set_disabled(&which, disabled, &by)).await?;
    let device = find(&app, &signed.who, id.as_str())?;
    Ok(Json(device_json(&app, &device)))
}

/// What `POST /devices/import` takes beside the table.
#[derive(Deserialize)]
pub(crate) struct ImportOptions {
    dry_run: Option<bool>,
}

/// `POST /devices/import` with the table as the body.
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(options): Params<ImportOptions>,
    Raw(body): Raw,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    signed.who.require_everywhere()?;
    let dry_run = options.dry_run.unwrap_or(false);
    let (registry, by) = signed.author(&app);
    let done = blocking("importing devices", move || {
        let rows = device_rows(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
        registry.import_devices(&rows, dry_run, &by).map_err(Problem::from)
    })
    .await?;
    Ok(Json(imported_json(&done, dry_run)))
}

/// What became of a list of devices; the secrets of new ones, unless it was only tried.
pub fn imported_json(done: &DeviceImport, dry_run: bool) -> Value {
    let new = done.new.iter().map(|(id, secret)| {
        let mut device = json!({ "id": id.as_str() });
        if let (false, Some(fields)) = (dry_run, device.as_object_mut()) {
            fields.insert("secret".to_owned(), secret.as_str().into());
        }
        device
    });
    json!({ "new": new.collect::<Vec<_>>(), "changed": done.changed, "same": done.same, "dry_run": dry_run })
}

fn parse(body: EditBody) -> Result<DeviceEdit, Problem> {
    let refused = |error: model::BadName| Problem::bad_request(error.to_string());
    let place = |place: PlaceBody| Position::parse(place.lat, place.lon);
    Ok(DeviceEdit {
        kind: body.kind.as_deref().map(devices::kind).transpose()?,
        model: body.model,
        site: body.site,
        place: inner(body.place, place).map_err(|error| Problem::bad_request(error.to_string()))?,
        pose: body.pose.map(|pose| pose.map(PoseBody::pose)),
        township: inner(body.township, |code| TownshipCode::parse(&code)).map_err(refused)?,
        cadence: body.cadence.as_deref().map(|text| extract::duration("cadence", text)).transpose()?,
        via: inner(body.via, |via| DeviceId::parse(&via)).map_err(refused)?,
        external: devices::external(body.external)?,
    })
}

fn inner<A, B, E>(field: Option<Option<A>>, parse: impl FnOnce(A) -> Result<B, E>) -> Result<Option<Option<B>>, E> {
    Ok(match field {
        Some(Some(value)) => Some(Some(parse(value)?)),
        Some(None) => Some(None),
        None => None,
    })
}
