//! Grass stations as they are now: what they measure, what they are past, whether their grass is green.
//!
//! In: what detection last said of them.   Out: a list, and how much of the banner has greened.   Never: a station of a township that is not theirs.

use crate::app::App;
use crate::auth::Signed;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use model::{LatestValue, StationView, TownshipCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /stations`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    let stations = app.parts.live.stations();
    let theirs: Vec<_> = stations
        .iter()
        .filter(|station| signed.who.sees(station.township.as_ref().map(TownshipCode::as_str)))
        .collect();
    let judged = theirs.iter().filter(|station| station.is_judged).count();
    let greened = theirs.iter().filter(|station| station.greened.is_some()).count();
    Ok(Json(json!({
        "items": theirs.into_iter().map(station_json).collect::<Vec<_>>(),
        "next": null,
        "green_up": { "judged": judged, "greened": greened },
    })))
}

fn station_json(station: &StationView) -> Value {
    json!({
        "device": station.device.as_str(),
        "township": station.township.as_ref().map(TownshipCode::as_str),
        "position": station.position.map(|at| json!({ "lat": at.lat_deg(), "lon": at.lon_deg() })),
        "latest": station.latest.iter().map(value_json).collect::<Vec<_>>(),
        "past": station.past,
        "fire_danger": station.fire_danger.map(|(index, class)| json!({ "index": index, "class": class })),
        "soil_moisture": station.soil_moisture
            .map(|(percent, class)| json!({ "relative_percent": percent, "drought_class": class })),
        "green_up": {
            "judged": station.is_judged,
            "greened_on": station.greened.map(|(on, _)| on.to_string()),
            "confidence": station.greened.map(|(_, confidence)| confidence),
        },
    })
}

fn value_json(latest: &LatestValue) -> Value {
    json!({
        "field": latest.quantity.as_str(),
        "unit": latest.quantity.unit(),
        "value": latest.value,
        "ts": latest.at.to_rfc3339(),
        "sound": latest.is_sound,
    })
}
