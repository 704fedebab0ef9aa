//! Changing devices, one or many at once; shutting them out; taking in a list.
//!
//! In: what an administrator wants changed, or a table.   Out: how many became others; the secrets of new ones, once.   Never: a
//! field that was not named.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::{self, DeviceJson, PlaceBody, PoseBody, device_json, find};
use crate::extract::{self, Body, Params, Raw};
use crate::openapi::words;
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::{DeviceId, Position, TownshipCode};
use registry::{DeviceEdit, DeviceImport, Role, device_rows};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What is left out stays; `null` takes a field away; external names replace those in the same system.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
#[schema(as = DeviceEdit)]
pub(crate) struct EditBody {
    #[schema(value_type = Option<words::DeviceKind>)]
    kind: Option<String>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    site: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<PlaceBody>)]
    place: Option<Option<PlaceBody>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<PoseBody>)]
    pose: Option<Option<PoseBody>>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    township: Option<Option<String>>,
    /// Like `60s`.
    cadence: Option<String>,
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<String>)]
    via: Option<Option<String>>,
    #[serde(default)]
    #[schema(value_type = Object)]
    external: Map<String, Value>,
}

/// What `PATCH /devices` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ManyDevicesEdit)]
pub(crate) struct ManyBody {
    #[schema(max_items = 10000)]
    ids: Vec<String>,
    change: EditBody,
}

/// A field that is named, be it with `null`.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Change a device.
#[utoipa::path(
    patch, path = "/api/v1/devices/{id}", tag = "devices",
    request_body = EditBody,
    responses((status = 200, body = DeviceJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<EditBody>,
) -> Result<Json<DeviceJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let id = find(&app, &signed.who, &id)?.id;
    change(&app, &signed, vec![id.clone()], body).await?;
    let device = find(&app, &signed.who, id.as_str())?;
    Ok(Json(device_json(&app, &device)))
}

/// What came of changing many devices.
#[derive(Serialize, ToSchema)]
#[schema(as = DevicesChanged)]
pub(crate) struct ChangedJson {
    /// How many became others than they were.
    changed: u64,
}

/// Change many devices, all or none.
#[utoipa::path(
    patch, path = "/api/v1/devices", tag = "devices",
    request_body = ManyBody,
    responses((status = 200, body = ChangedJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn many(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<ManyBody>,
) -> Result<Json<ChangedJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let ids = body.ids.iter().map(|id| find(&app, &signed.who, id).map(|device| device.id));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let changed = change(&app, &signed, ids, body.change).await?;
    Ok(Json(ChangedJson { changed }))
}

async fn change(app: &Arc<App>, signed: &Signed, ids: Vec<DeviceId>, body: EditBody) -> Result<u64, Problem> {
    let edit = parse(body)?;
    let (registry, by) = signed.author(app);
    blocking("changing devices", move || registry.edit_devices(&ids, &edit, &by)).await
}

/// Shut a device out.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/disable", tag = "devices",
    responses((status = 200, body = DeviceJson), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn disable(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<DeviceJson>, Problem> {
    shut_out(app, signed, id, true).await
}

/// Let a device in again.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/enable", tag = "devices",
    responses((status = 200, body = DeviceJson), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn enable(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<DeviceJson>, Problem> {
    shut_out(app, signed, id, false).await
}

async fn shut_out(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    disabled: bool,
) -> Result<Json<DeviceJson>, Problem> {
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
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportOptions {
    /// Only say what would become of it.
    dry_run: Option<bool>,
}

/// Take in a list of devices: all of it, or the reason for each wrong line.
///
/// New devices are registered, known ones changed where the list says otherwise; an empty cell says nothing.
#[utoipa::path(
    post, path = "/api/v1/devices/import", tag = "devices",
    params(ImportOptions),
    request_body(
        content = String, content_type = "text/csv",
        description = "columns id, kind, model, site, lat, lon, height_m, yaw_deg, pitch_deg, hfov_deg, township, cadence_s, via, dji, \
                       mavlink, gb28181, deveui, frigate, hj212, imei, or their Chinese names; UTF-8 or GBK; at most 16 MiB",
    ),
    responses((status = 200, body = ImportedJson), BadRequest, NotLoggedIn, Forbidden, Conflict),
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(options): Params<ImportOptions>,
    Raw(body): Raw,
) -> Result<Json<ImportedJson>, Problem> {
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

/// What became of a list of devices.
#[derive(Serialize, ToSchema)]
#[schema(as = DevicesImported)]
pub struct ImportedJson {
    new: Vec<NewJson>,
    changed: u64,
    same: u64,
    dry_run: bool,
}

/// A device that the list registered.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedDevice)]
struct NewJson {
    id: String,
    /// Shown this once; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What became of a list of devices; the secrets of new ones, unless it was only tried.
pub fn imported_json(done: &DeviceImport, dry_run: bool) -> ImportedJson {
    let new = done
        .new
        .iter()
        .map(|(id, secret)| NewJson { id: id.to_string(), secret: (!dry_run).then(|| secret.as_str().to_owned()) });
    ImportedJson { new: new.collect(), changed: done.changed, same: done.same, dry_run }
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
