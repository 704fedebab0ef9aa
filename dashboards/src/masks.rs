//! Masks over what cameras see.
//!
//! In: which mask, why and for how long.   Out: masks with all their versions.   Never: a mask of a camera that is not in the
//! user's townships, or one that nobody gave a reason for.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body, Params};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::{DeviceId, Mask, MaskArea, Timestamp};
use registry::{MASK_DAYS, MaskEntry, MaskState, Registry, RegistryError, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who may blind a part of a camera.
const DECIDERS: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `GET /masks` takes.
#[derive(Deserialize)]
pub(crate) struct Filter {
    device: Option<String>,
    state: Option<String>,
    incident: Option<String>,
}

/// What a decision takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    reason: String,
    days: Option<u16>,
}

/// `GET /masks`, newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Value>, Problem> {
    let state = filter.state.filter(|word| !word.is_empty()).map(|word| {
        MaskState::parse(&word).ok_or_else(|| {
            Problem::bad_request(format!("state `{word}` is none; use proposed, applied, declined or withdrawn"))
        })
    });
    let (state, device) = (state.transpose()?, filter.device.filter(|id| !id.is_empty()));
    let registry = app.parts.registry.clone();
    let masks = blocking("reading the masks", move || registry.masks()).await?;
    let items = masks
        .iter()
        .filter(|mask| sees(&app, &signed.who, &mask.device))
        .filter(|mask| state.is_none_or(|state| mask.state() == state))
        .filter(|mask| extract::is_asked(filter.incident.as_ref(), Some(mask.incident.as_str())))
        .filter(|mask| device.as_deref().is_none_or(|device| mask.device.as_str() == device));
    Ok(extract::list(items.map(mask_json).collect(), None))
}

/// `POST /masks/{id}/apply` with `{"reason", "days"}`
pub(crate) async fn apply(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<Value>, Problem> {
    let days = body.days.unwrap_or(MASK_DAYS);
    decide(app, signed, id, move |registry, id, by| registry.apply_mask(id, days, &body.reason, by)).await
}

/// `POST /masks/{id}/decline` with `{"reason"}`
pub(crate) async fn decline(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<Value>, Problem> {
    decide(app, signed, id, move |registry, id, by| registry.decline_mask(id, &body.reason, by)).await
}

/// `POST /masks/{id}/withdraw` with `{"reason"}`
pub(crate) async fn withdraw(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<Value>, Problem> {
    decide(app, signed, id, move |registry, id, by| registry.withdraw_mask(id, &body.reason, by)).await
}

async fn decide(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    decision: impl FnOnce(&Registry, u64, &str) -> Result<MaskEntry, RegistryError> + Send + 'static,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&DECIDERS)?;
    let unknown = || {
        Problem::not_found(format!(
            "there is no mask `{id}` (or it is not in your townships); GET /api/v1/masks lists them"
        ))
    };
    let number: u64 = id.parse().map_err(|_| unknown())?;
    let (registry, by) = signed.author(&app);
    let masks = blocking("reading the masks", move || registry.masks()).await?;
    if !masks.iter().any(|mask| mask.id == number && sees(&app, &signed.who, &mask.device)) {
        return Err(unknown());
    }
    let registry = app.parts.registry.clone();
    let mask = blocking("deciding about a mask", move || decision(&registry, number, &by)).await?;
    Ok(Json(mask_json(&mask)))
}

/// A mask of a camera that is registered no more is everybody's whose account is for all.
fn sees(app: &App, who: &Who, device: &DeviceId) -> bool {
    app.registry_view().device(device).map_or(who.sees_everything(), |device| devices::sees(who, device))
}

/// The masks that hold over a device's view now, newest last.
pub(crate) fn holding(app: &App, device: &DeviceId) -> Value {
    let (view, now) = (app.registry_view(), app.now());
    let masks = view.masks.iter().filter(|mask| mask.device == *device && mask.holds_at(now));
    masks.map(|Mask { id, area, from, to, .. }| {
        json!({ "id": id, "area": area_json(*area), "from": from.to_rfc3339(), "to": to.to_rfc3339() })
    }).collect()
}

/// A mask with its versions.
pub fn mask_json(mask: &MaskEntry) -> Value {
    let version = |version: &registry::MaskVersion| {
        let (from, to) = version.holds.unzip();
        json!({
            "version": version.version,
            "state": version.state.as_str(),
            "from": from.map(Timestamp::to_rfc3339),
            "to": to.map(Timestamp::to_rfc3339),
            "at": version.at.to_rfc3339(),
            "by": version.by,
            "reason": version.reason,
        })
    };
    let holds = mask.mask();
    json!({
        "id": mask.id,
        "device": mask.device.as_str(),
        "area": area_json(mask.area),
        "state": mask.state().as_str(),
        "from": holds.as_ref().map(|mask| mask.from.to_rfc3339()),
        "to": holds.as_ref().map(|mask| mask.to.to_rfc3339()),
        "incident": mask.incident.as_str(),
        "times": mask.times,
        "versions": mask.versions.iter().map(version).collect::<Vec<_>>(),
    })
}

fn area_json(area: MaskArea) -> Value {
    match area {
        MaskArea::Picture { bounding_box } => {
            json!({ "box": { "x": bounding_box.x, "y": bounding_box.y, "w": bounding_box.w, "h": bounding_box.h } })
        }
        MaskArea::Head { pan_deg, tilt_deg, zoom } => json!({ "pan_deg": pan_deg, "tilt_deg": tilt_deg, "zoom": zoom }),
    }
}
