//! In which zones a place lies, who enforces there, by which rule and since when: now, then, as known now or then.
//!
//! In: a place and up to two instants.   Out: the zones with what holds in them.   Never: today's zones for a day of the past.

use crate::app::{App, Holding, blocking};
use crate::auth::Signed;
use crate::extract::{self, Params};
use crate::problem::Problem;
use crate::zone_feature::closure_json;
use crate::zones::sees;
use axum::Json;
use axum::extract::State;
use model::{Position, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `GET /zones/at` takes.
#[derive(Deserialize)]
pub(crate) struct At {
    lat: Option<String>,
    lon: Option<String>,
    t: Option<String>,
    known: Option<String>,
}

/// `GET /zones/at`
pub(crate) async fn at(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<At>,
) -> Result<Json<Value>, Problem> {
    let position = Position::parse(degrees("lat", query.lat.as_deref())?, degrees("lon", query.lon.as_deref())?)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let now = app.now();
    let t = extract::legal_instant("t", query.t.as_deref())?.unwrap_or(now);
    let known = extract::legal_instant("known", query.known.as_deref())?.unwrap_or(now);
    let zones_as_of = Arc::clone(&app.parts.zones_as_of);
    let found = blocking("looking up a place", move || zones_as_of(position, t, known)).await?;
    let theirs = found.iter().filter(|holding| sees(&signed.who, &holding.zone));
    let zones: Vec<_> = theirs.map(holding_json).collect();
    Ok(Json(json!({ "t": t.to_rfc3339(), "known": known.to_rfc3339(), "zones": zones })))
}

/// A zone that holds a place.
pub fn holding_json(holding: &Holding) -> Value {
    let zone = &holding.zone;
    json!({
        "id": zone.id.as_str(),
        "name": zone.name,
        "kind": zone.kind.as_str(),
        "land_class": zone.land_class.as_str(),
        "version": zone.version,
        "township": zone.township.as_ref().map(|code| code.as_str()),
        "authority": zone.authority().as_str(),
        "legal_basis": zone.legal_basis,
        "in_force_from": zone.in_force_from.to_rfc3339(),
        "in_force_to": holding.period.to.map(Timestamp::to_rfc3339),
        "known_from": zone.known_from.to_rfc3339(),
        "closure": closure_json(&holding.closure),
    })
}

fn degrees(name: &'static str, text: Option<&str>) -> Result<f64, Problem> {
    let text =
        text.ok_or_else(|| Problem::bad_request(format!("parameter `{name}` is missing; give WGS84 degrees")))?;
    text.parse().map_err(|_| Problem::bad_request(format!("{name} `{text}` is no number; give WGS84 degrees")))
}
