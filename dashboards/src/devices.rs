//! Devices with how they are doing, and the registration of new ones.
//!
//! In: an id, or a new device from an administrator.   Out: the registry's facts joined with what was last heard; a new
//! device's secret, once.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::extract::{self, Body, Page, Params};
use crate::health::{self, Condition};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{Device, DeviceId, DeviceKind, External, Pose, Position, Timestamp, TownshipCode};
use registry::{NewDevice, Role};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What `GET /devices` takes.
#[derive(Deserialize)]
pub(crate) struct Filter {
    kind: Option<String>,
    township: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /devices`, by id. The cursor counts devices that were passed: ids are names and do not fit a number.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(filter.limit.as_deref(), filter.cursor.as_deref())?;
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

/// `GET /devices/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
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

/// A device as the contract shows it.
pub(crate) fn device_json(app: &App, device: &Device) -> Value {
    let heard = app.parts.live.heard(&device.id);
    let condition = health::of(app, device, &heard);
    let Condition { health, last_seen, deadline } = condition;
    let last_position = heard
        .fix
        .map(|fix| json!({ "lat": fix.position.lat_deg(), "lon": fix.position.lon_deg(), "ts": fix.at.to_rfc3339() }));
    json!({
        "id": device.id.as_str(),
        "kind": device.kind.as_str(),
        "model": device.model,
        "site": device.site,
        "health": health.as_str(),
        "reasons": health::reasons(app, device, condition),
        "quarantined": device.quarantined,
        "last_seen": last_seen.map(Timestamp::to_rfc3339),
        "deadline": deadline.map(Timestamp::to_rfc3339),
        "place": device.place.map(|place| json!({ "lat": place.lat_deg(), "lon": place.lon_deg() })),
        "pose": device.pose.map(pose_json),
        "township": device.township.as_ref().map(|code| code.as_str()),
        "cadence_s": device.cadence.as_secs_f64(),
        "battery_percent": heard.battery_percent,
        "firmware": heard.firmware.as_deref(),
        "last_position": last_position,
        "via": device.via.as_ref().map(|via| via.as_str()),
        "external": external_json(&device.external),
        "masks": crate::masks::holding(app, &device.id),
        "registered_at": device.registered_at.to_rfc3339(),
    })
}

fn pose_json(pose: Pose) -> Value {
    json!({ "height_m": pose.height_m, "yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg, "hfov_deg": pose.hfov_deg })
}

/// `{"dji": "…"}`; a list where a system knows the device by several names.
fn external_json(names: &[External]) -> Value {
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
    Value::Object(systems)
}

/// What `POST /devices` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceBody {
    id: String,
    kind: String,
    model: Option<String>,
    site: Option<String>,
    place: Option<PlaceBody>,
    pose: Option<PoseBody>,
    township: Option<String>,
    /// Like `60s`.
    cadence: Option<String>,
    via: Option<String>,
    #[serde(default)]
    external: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceBody {
    pub lat: f64,
    pub lon: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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

/// `POST /devices`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<DeviceBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body)?;
    let id = new.id.clone();
    let (registry, by) = signed.author(&app);
    let secret = blocking("registering a device", move || registry.add_device(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id.as_str(), "secret": secret.as_str() }))))
}

/// `POST /devices/{id}/approve`: lets a device in that registered itself.
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
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
