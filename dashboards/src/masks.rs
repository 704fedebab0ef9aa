//! Masks over what cameras see.
//!
//! In: which mask, why and for how long.   Out: masks with all their versions.   Never: a mask of a camera that is not in the
//! user's townships, or one that nobody gave a reason for.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices;
use crate::extract::{self, Body, List, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use journal::wire::BoxJson;
use model::{BoundingBox, DeviceId, Mask, MaskArea};
use registry::{MASK_DAYS, MaskEntry, MaskState, Registry, RegistryError, Role};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Who may blind a part of a camera.
const DECIDERS: [Role; 2] = [Role::Supervisor, Role::Administrator];

/// What `GET /masks` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Device id.
    device: Option<String>,
    /// Proposed, applied, declined or withdrawn.
    state: Option<String>,
    /// Only those that this case proposed.
    incident: Option<String>,
}

/// What a decision takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    reason: String,
    #[schema(minimum = 1, maximum = 366)]
    days: Option<u16>,
}

/// Masks over what cameras see, newest first.
#[utoipa::path(
    get, path = "/api/v1/masks", tag = "masks",
    params(Filter),
    responses((status = 200, body = List<MaskJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<List<MaskJson>>, Problem> {
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

/// Apply a proposed mask from now on.
#[utoipa::path(
    post, path = "/api/v1/masks/{id}/apply", tag = "masks",
    request_body = Decision,
    responses((status = 200, body = MaskJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn apply(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<MaskJson>, Problem> {
    let days = body.days.unwrap_or(MASK_DAYS);
    decide(app, signed, id, move |registry, id, by| registry.apply_mask(id, days, &body.reason, by)).await
}

/// Decline a proposed mask.
#[utoipa::path(
    post, path = "/api/v1/masks/{id}/decline", tag = "masks",
    request_body = Decision,
    responses((status = 200, body = MaskJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn decline(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<MaskJson>, Problem> {
    decide(app, signed, id, move |registry, id, by| registry.decline_mask(id, &body.reason, by)).await
}

/// End a mask before its time.
#[utoipa::path(
    post, path = "/api/v1/masks/{id}/withdraw", tag = "masks",
    request_body = Decision,
    responses((status = 200, body = MaskJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn withdraw(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    Body(body): Body<Decision>,
) -> Result<Json<MaskJson>, Problem> {
    decide(app, signed, id, move |registry, id, by| registry.withdraw_mask(id, &body.reason, by)).await
}

async fn decide(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    decision: impl FnOnce(&Registry, u64, &str) -> Result<MaskEntry, RegistryError> + Send + 'static,
) -> Result<Json<MaskJson>, Problem> {
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
pub(crate) fn holding(app: &App, device: &DeviceId) -> Vec<HoldingJson> {
    let (view, now) = (app.registry_view(), app.now());
    let masks = view.masks.iter().filter(|mask| mask.device == *device && mask.holds_at(now));
    masks
        .map(|Mask { id, area, from, to, .. }| HoldingJson {
            id: *id,
            area: AreaJson::from(*area),
            from: (*from).into(),
            to: (*to).into(),
        })
        .collect()
}

/// A mask that holds now.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldingMask)]
pub(crate) struct HoldingJson {
    id: u64,
    area: AreaJson,
    from: Moment,
    to: Moment,
}

/// Part of a fixed camera's picture, or directions of a turning head.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = MaskArea)]
enum AreaJson {
    Picture {
        #[serde(rename = "box")]
        bounding_box: BoxJson,
    },
    Head {
        /// From and to, degrees.
        pan_deg: [f64; 2],
        /// From and to, degrees.
        tilt_deg: [f64; 2],
        zoom: f64,
    },
}

impl From<MaskArea> for AreaJson {
    fn from(area: MaskArea) -> Self {
        match area {
            MaskArea::Picture { bounding_box: BoundingBox { x, y, w, h } } => {
                Self::Picture { bounding_box: BoxJson { x, y, w, h } }
            }
            MaskArea::Head { pan_deg, tilt_deg, zoom } => {
                Self::Head { pan_deg: pan_deg.into(), tilt_deg: tilt_deg.into(), zoom }
            }
        }
    }
}

/// A decision about a mask.
#[derive(Serialize, ToSchema)]
#[schema(as = MaskVersion)]
struct VersionJson {
    /// From 1.
    version: u32,
    #[schema(value_type = words::MaskState)]
    state: &'static str,
    #[schema(required)]
    from: Option<Moment>,
    #[schema(required)]
    to: Option<Moment>,
    /// When it was decided.
    at: Moment,
    by: String,
    reason: String,
}

/// Parts of a camera's view in which what is seen is no animal.
#[derive(Serialize, ToSchema)]
#[schema(as = Mask)]
pub struct MaskJson {
    id: u64,
    device: String,
    area: AreaJson,
    #[schema(value_type = words::MaskState)]
    state: &'static str,
    #[schema(required)]
    from: Option<Moment>,
    #[schema(required)]
    to: Option<Moment>,
    /// The false alarm that proposed it.
    incident: String,
    /// How often something was seen there in it.
    times: u32,
    /// Oldest first; the first is the proposal.
    versions: Vec<VersionJson>,
}

/// A mask with its versions.
pub fn mask_json(mask: &MaskEntry) -> MaskJson {
    let version = |version: &registry::MaskVersion| {
        let (from, to) = version.holds.unzip();
        VersionJson {
            version: version.version,
            state: version.state.as_str(),
            from: from.map(Moment),
            to: to.map(Moment),
            at: version.at.into(),
            by: version.by.clone(),
            reason: version.reason.clone(),
        }
    };
    let holds = mask.mask();
    MaskJson {
        id: mask.id,
        device: mask.device.to_string(),
        area: mask.area.into(),
        state: mask.state().as_str(),
        from: holds.as_ref().map(|mask| Moment(mask.from)),
        to: holds.as_ref().map(|mask| Moment(mask.to)),
        incident: mask.incident.to_string(),
        times: mask.times,
        versions: mask.versions.iter().map(version).collect(),
    }
}
