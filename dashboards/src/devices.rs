//! Devices with how they are doing, and the registration of new ones.
//!
//! In: an id, or a new device from an administrator.   Out: the registry's facts joined with what was last heard; a new
//! device's secret, once.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::extract::{self, Body, List, Paging, Params};
use crate::health::{self, Condition, Reason};
use crate::live::Fix;
use crate::masks::{HoldingJson, holding};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use journal::wire::PositionJson;
use model::{Device, DeviceId, DeviceKind, External, Pose, Position, TownshipCode};
use registry::{NewDevice, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What `GET /devices` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only of this kind.
    #[param(value_type = Option<words::DeviceKind>, inline)]
    kind: Option<String>,
    /// Township code.
    township: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// Devices by id.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "devices",
    params(Filter, Paging),
    responses((status = 200, body = List<DeviceJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<DeviceJson>>, Problem> {
    let page = filter.paging.page()?;
    let kind = filter.kind.as_deref().filter(|word| !word.is_empty()).map(kind).transpose()?;
    let township = filter.township.filter(|code| !code.is_empty());
    app.view().await?;
    let registry = app.registry_view();
    let matching = registry
        .devices
        .values()
        .filter(|device| sees(&signed.who, device))
        .filter(|device| kind.is_none_or(|kind| kind == device.kind))
        .filter(|device| {
            township.is_none() || township.as_deref() == device.township.as_ref().map(|code| code.as_str())
        });
    Ok(extract::counted(page, matching, |device| device_json(&app, device)))
}

/// One device.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}", tag = "devices",
    responses((status = 200, body = DeviceJson), NotLoggedIn, NotFound),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<DeviceJson>, Problem> {
    app.view().await?;
    let device = find(&app, &signed.who, &id)?;
    Ok(Json(device_json(&app, &device)))
}

/// The device, if there is one for this user.
pub(crate) fn find(app: &App, who: &Who, id: &str) -> Result<Device, Problem> {
    let parsed = DeviceId::parse(id).ok();
    let device = parsed.and_then(|id| app.registry_view().device(&id).cloned());
    device.filter(|device| sees(who, device)).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no device `{id}` (or it is not in your townships); GET /api/v1/devices lists them"
        ))
    })
}

/// Whether a device is this user's business.
pub(crate) fn sees(who: &Who, device: &Device) -> bool {
    who.sees(device.township.as_ref().map(|code| code.as_str()))
}

/// A device with how it is doing.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceJson {
    id: String,
    #[schema(value_type = words::DeviceKind)]
    kind: &'static str,
    /// Make and model.
    #[schema(required)]
    model: Option<String>,
    /// The mast, dock or link that it shares its fate with.
    #[schema(required)]
    site: Option<String>,
    #[schema(value_type = words::Health)]
    health: &'static str,
    /// What is known against it: the work on it, its silence or the outage that it is part of, and its flaws; empty when all is well.
    reasons: Vec<Reason>,
    /// Registered itself and awaits approval; health is disabled.
    quarantined: bool,
    #[schema(required)]
    last_seen: Option<Moment>,
    #[schema(required)]
    deadline: Option<Moment>,
    #[schema(required)]
    place: Option<PositionJson>,
    #[schema(required)]
    pose: Option<PoseJson>,
    #[schema(required)]
    township: Option<String>,
    cadence_s: f64,
    #[schema(required)]
    battery_percent: Option<f64>,
    /// As its last heartbeat that named one said.
    #[schema(required)]
    firmware: Option<String>,
    #[schema(required)]
    last_position: Option<FixJson>,
    #[schema(required)]
    via: Option<String>,
    /// What other systems call it: `{"dji": "…"}`; a list where a system knows it by several names.
    #[schema(value_type = Object)]
    external: Map<String, Value>,
    /// Masks that hold over its view now.
    masks: Vec<HoldingJson>,
    registered_at: Moment,
}

/// How a camera is mounted.
#[derive(Serialize, ToSchema)]
#[schema(as = Pose)]
struct PoseJson {
    height_m: f64,
    yaw_deg: f64,
    pitch_deg: f64,
    hfov_deg: f64,
}

/// Where a device was, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = Fix)]
struct FixJson {
    lat: f64,
    lon: f64,
    ts: Moment,
}

/// A device as the contract shows it.
pub(crate) fn device_json(app: &App, device: &Device) -> DeviceJson {
    let heard = app.parts.live.heard(&device.id);
    let condition = health::of(app, device, &heard);
    let Condition { health, last_seen, deadline } = condition;
    let fix = |fix: Fix| FixJson { lat: fix.position.lat_deg(), lon: fix.position.lon_deg(), ts: fix.at.into() };
    DeviceJson {
        id: device.id.to_string(),
        kind: device.kind.as_str(),
        model: device.model.clone(),
        site: device.site.clone(),
        health: health.as_str(),
        reasons: health::reasons(app, device, condition),
        quarantined: device.quarantined,
        last_seen: last_seen.map(Moment),
        deadline: deadline.map(Moment),
        place: device.place.map(|place| PositionJson { lat: place.lat_deg(), lon: place.lon_deg() }),
        pose: device.pose.map(pose_json),
        township: device.township.as_ref().map(ToString::to_string),
        cadence_s: device.cadence.as_secs_f64(),
        battery_percent: heard.battery_percent,
        firmware: heard.firmware.as_deref().map(str::to_owned),
        last_position: heard.fix.map(fix),
        via: device.via.as_ref().map(ToString::to_string),
        external: external_json(&device.external),
        masks: holding(app, &device.id),
        registered_at: device.registered_at.into(),
    }
}

fn pose_json(pose: Pose) -> PoseJson {
    let Pose { height_m, yaw_deg, pitch_deg, hfov_deg } = pose;
    PoseJson { height_m, yaw_deg, pitch_deg, hfov_deg }
}

/// `{"dji": "…"}`; a list where a system knows the device by several names.
fn external_json(names: &[External]) -> Map<String, Value> {
    let mut systems = Map::new();
    for External { system, id } in names {
        match systems.get_mut(system) {
            None => {
                systems.insert(system.clone(), Value::from(id.as_str()));
            }
            Some(Value::Array(ids)) => ids.push(Value::from(id.as_str())),
            Some(one) => *one = json!([one.clone(), id]),
        }
    }
    systems
}

/// What `POST /devices` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDevice)]
pub(crate) struct DeviceBody {
    id: String,
    #[schema(value_type = words::DeviceKind)]
    kind: String,
    /// Make and model.
    model: Option<String>,
    /// The mast, dock or link that it shares its fate with.
    site: Option<String>,
    place: Option<PlaceBody>,
    pose: Option<PoseBody>,
    township: Option<String>,
    /// Like `60s`.
    cadence: Option<String>,
    via: Option<String>,
    /// What other systems call it: `{"dji": "…"}`; a list where a system knows it by several names.
    #[serde(default)]
    #[schema(value_type = Object)]
    external: Map<String, Value>,
}

/// Where a device stands, WGS84 degrees.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPlace)]
pub(crate) struct PlaceBody {
    pub lat: f64,
    pub lon: f64,
}

/// How a camera is mounted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPose)]
pub(crate) struct PoseBody {
    height_m: f64,
    yaw_deg: f64,
    pitch_deg: f64,
    hfov_deg: f64,
}

impl PoseBody {
    pub(crate) fn pose(self) -> Pose {
        let Self { height_m, yaw_deg, pitch_deg, hfov_deg } = self;
        Pose { height_m, yaw_deg, pitch_deg, hfov_deg }
    }
}

/// A device that has a new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceRegistered)]
pub(crate) struct RegisteredJson {
    id: String,
    secret: String,
}

/// Register a device.
#[utoipa::path(
    post, path = "/api/v1/devices", tag = "devices",
    request_body = DeviceBody,
    responses(
        (status = 201, body = RegisteredJson, description = "the secret, shown this once"),
        BadRequest, NotLoggedIn, Forbidden, Conflict,
    ),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<DeviceBody>,
) -> Result<(StatusCode, Json<RegisteredJson>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body)?;
    let id = new.id.clone();
    let (registry, by) = signed.author(&app);
    let secret = blocking("registering a device", move || registry.add_device(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(RegisteredJson { id: id.to_string(), secret: secret.as_str().to_owned() })))
}

/// A new secret for a device; its old one is refused from now on.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/secret", tag = "devices",
    responses(
        (status = 200, body = RegisteredJson, description = "the secret, shown this once"),
        NotLoggedIn, Forbidden, NotFound,
    ),
)]
pub(crate) async fn renew_secret(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<RegisteredJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let device = find(&app, &signed.who, &id)?.id;
    let (registry, by) = signed.author(&app);
    let renewed = device.clone();
    let secret = blocking("renewing a device's secret", move || registry.renew_credential(&renewed, &by)).await?;
    Ok(Json(RegisteredJson { id: device.to_string(), secret: secret.as_str().to_owned() }))
}

/// Let a device in that registered itself.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/approve", tag = "devices",
    responses((status = 200, body = DeviceJson), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<DeviceJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    app.view().await?;
    let device = find(&app, &signed.who, &id)?.id;
    let (registry, by) = signed.author(&app);
    let approved = device.clone();
    blocking("approving a device", move || registry.approve(&approved, &by)).await?;
    let device = find(&app, &signed.who, device.as_str())?;
    Ok(Json(device_json(&app, &device)))
}

fn parse(body: DeviceBody) -> Result<NewDevice, Problem> {
    let refused = |error: model::BadName| Problem::bad_request(error.to_string());
    let place = body.place.map(|place| Position::parse(place.lat, place.lon)).transpose();
    Ok(NewDevice {
        id: DeviceId::parse(&body.id).map_err(refused)?,
        kind: kind(&body.kind)?,
        model: body.model,
        site: body.site,
        place: place.map_err(|error| Problem::bad_request(error.to_string()))?,
        pose: body.pose.map(PoseBody::pose),
        township: body.township.as_deref().map(TownshipCode::parse).transpose().map_err(refused)?,
        cadence: body.cadence.as_deref().map(|text| extract::duration("cadence", text)).transpose()?,
        via: body.via.as_deref().map(DeviceId::parse).transpose().map_err(refused)?,
        external: external(body.external)?,
    })
}

pub(crate) fn kind(word: &str) -> Result<DeviceKind, Problem> {
    DeviceKind::parse(word).ok_or_else(|| {
        let allowed = DeviceKind::ALL.map(DeviceKind::as_str).join(", ");
        Problem::bad_request(format!("kind `{word}` is none; use {allowed}"))
    })
}

pub(crate) fn external(names: Map<String, Value>) -> Result<Vec<External>, Problem> {
    let mut externals = Vec::new();
    for (system, value) in names {
        let ids = if let Value::Array(ids) = value { ids } else { vec![value] };
        for id in ids {
            let Value::String(id) = id else {
                return Err(Problem::bad_request(format!(
                    "external `{system}` is {id}; give the name there as a text"
                )));
            };
            externals.push(External { system: system.clone(), id });
        }
    }
    Ok(externals)
}
