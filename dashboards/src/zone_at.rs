//! In which zones a place lies, who enforces there, by which rule and since when: now, then, as known now or then.
//!
//! In: a place and up to two instants.   Out: the zones with what holds in them.   Never: today's zones for a day of the past.

use crate::app::{App, Holding, blocking};
use crate::auth::Signed;
use crate::extract::{self, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotLoggedIn};
use crate::problem::Problem;
use crate::zone_feature::{ClosureJson, closure_json};
use crate::zones::sees;
use axum::Json;
use axum::extract::State;
use model::Position;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What `GET /zones/at` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// WGS84 degrees.
    #[param(value_type = Option<f64>, required = true)]
    lat: Option<String>,
    /// WGS84 degrees.
    #[param(value_type = Option<f64>, required = true)]
    lon: Option<String>,
    /// In force at this instant or legal date; now if absent.
    t: Option<String>,
    /// As known at this instant or legal date; now if absent.
    known: Option<String>,
}

/// Zones at a place: now, or in force then, as known now or then.
#[utoipa::path(
    get, path = "/api/v1/zones/at", tag = "zones",
    params(At),
    responses((status = 200, body = ZonesAtJson), BadRequest, NotLoggedIn),
)]
pub(crate) async fn at(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<At>,
) -> Result<Json<ZonesAtJson>, Problem> {
    let position = Position::parse(degrees("lat", query.lat.as_deref())?, degrees("lon", query.lon.as_deref())?)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let now = app.now();
    let t = extract::legal_instant("t", query.t.as_deref())?.unwrap_or(now);
    let known = extract::legal_instant("known", query.known.as_deref())?.unwrap_or(now);
    let zones_as_of = Arc::clone(&app.parts.zones_as_of);
    let found = blocking("looking up a place", move || zones_as_of(position, t, known)).await?;
    let theirs = found.iter().filter(|holding| sees(&signed.who, &holding.zone));
    let zones = theirs.map(holding_json).collect();
    Ok(Json(ZonesAtJson { t: t.into(), known: known.into(), zones }))
}

/// The zones that hold a place.
#[derive(Serialize, ToSchema)]
#[schema(as = ZonesAt)]
pub(crate) struct ZonesAtJson {
    t: Moment,
    known: Moment,
    zones: Vec<HoldingJson>,
}

/// A zone that holds a place.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldingZone)]
pub struct HoldingJson {
    id: String,
    name: String,
    #[schema(value_type = words::ZoneKind)]
    kind: &'static str,
    land_class: &'static str,
    version: u32,
    #[schema(required)]
    township: Option<String>,
    #[schema(value_type = words::Authority)]
    authority: &'static str,
    /// Document that made it a zone; may be empty.
    legal_basis: String,
    in_force_from: Moment,
    #[schema(required)]
    in_force_to: Option<Moment>,
    known_from: Moment,
    closure: ClosureJson,
}

/// A zone that holds a place, as the API shows it.
pub fn holding_json(holding: &Holding) -> HoldingJson {
    let zone = &holding.zone;
    HoldingJson {
        id: zone.id.to_string(),
        name: zone.name.clone(),
        kind: zone.kind.as_str(),
        land_class: zone.land_class.as_str(),
        version: zone.version,
        township: zone.township.as_ref().map(ToString::to_string),
        authority: zone.authority().as_str(),
        legal_basis: zone.legal_basis.clone(),
        in_force_from: zone.in_force_from.into(),
        in_force_to: holding.period.to.map(Moment),
        known_from: zone.known_from.into(),
        closure: closure_json(&holding.closure),
    }
}

fn degrees(name: &'static str, text: Option<&str>) -> Result<f64, Problem> {
    let text =
        text.ok_or_else(|| Problem::bad_request(format!("parameter `{name}` is missing; give WGS84 degrees")))?;
    text.parse().map_err(|_| Problem::bad_request(format!("{name} `{text}` is no number; give WGS84 degrees")))
}
