//! Grass stations as they are now: what they measure, what they are past, whether their grass is green.
//!
//! In: what detection last said of them.   Out: a list, and how much of the banner has greened.   Never: a station of a township that is not theirs.

use crate::app::App;
use crate::auth::Signed;
use crate::openapi::NotLoggedIn;
use crate::openapi::words::Moment;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use journal::wire::PositionJson;
use model::{LatestValue, StationView, TownshipCode};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Grass stations as they are now: values, thresholds, fire danger, drought, green-up.
#[utoipa::path(
    get, path = "/api/v1/stations", tag = "devices",
    responses((status = 200, body = StationsJson), NotLoggedIn),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<StationsJson>, Problem> {
    let stations = app.parts.live.stations();
    let theirs: Vec<_> = stations
        .iter()
        .filter(|station| signed.who.sees(station.township.as_ref().map(TownshipCode::as_str)))
        .collect();
    let judged = theirs.iter().filter(|station| station.is_judged).count();
    let greened = theirs.iter().filter(|station| station.greened.is_some()).count();
    let items = theirs.into_iter().map(station_json).collect();
    Ok(Json(StationsJson { items, next: None, green_up: GreenedJson { judged, greened } }))
}

/// Grass stations, all on one page.
#[derive(Serialize, ToSchema)]
#[schema(as = Stations)]
pub(crate) struct StationsJson {
    items: Vec<StationJson>,
    /// Always null.
    #[schema(required)]
    next: Option<String>,
    green_up: GreenedJson,
}

/// How many stations can be judged, and how many have greened this year.
#[derive(Serialize, ToSchema)]
#[schema(as = StationsGreened)]
struct GreenedJson {
    judged: usize,
    greened: usize,
}

/// A grass station as it is now.
#[derive(Serialize, ToSchema)]
#[schema(as = Station)]
struct StationJson {
    device: String,
    #[schema(required)]
    township: Option<String>,
    #[schema(required)]
    position: Option<PositionJson>,
    /// The last value of each quantity, and whether it can be believed.
    latest: Vec<ValueJson>,
    /// The thresholds that it is past, by their rules' names.
    past: Vec<String>,
    /// Its own; what is told is the township's median.
    #[schema(required)]
    fire_danger: Option<FireDangerJson>,
    #[schema(required)]
    soil_moisture: Option<SoilMoistureJson>,
    green_up: GreenUpJson,
}

/// A value that was measured.
#[derive(Serialize, ToSchema)]
#[schema(as = StationValue)]
struct ValueJson {
    field: &'static str,
    unit: &'static str,
    value: f64,
    ts: Moment,
    sound: bool,
}

/// Index of fire danger, and its class from 1 to 5.
#[derive(Serialize, ToSchema)]
#[schema(as = FireDanger)]
struct FireDangerJson {
    index: f64,
    class: u8,
}

/// Percent of field capacity over the last days, and class of drought from 0 to 4.
#[derive(Serialize, ToSchema)]
#[schema(as = SoilMoisture)]
struct SoilMoistureJson {
    relative_percent: f64,
    drought_class: u8,
}

/// Whether the grass has turned green this year.
#[derive(Serialize, ToSchema)]
#[schema(as = GreenUp)]
struct GreenUpJson {
    /// Whether that can be said.
    judged: bool,
    /// A legal date.
    #[schema(required)]
    greened_on: Option<String>,
    /// 0 to 1.
    #[schema(required)]
    confidence: Option<f64>,
}

fn station_json(station: &StationView) -> StationJson {
    StationJson {
        device: station.device.to_string(),
        township: station.township.as_ref().map(ToString::to_string),
        position: station.position.map(|at| PositionJson { lat: at.lat_deg(), lon: at.lon_deg() }),
        latest: station.latest.iter().map(value_json).collect(),
        past: station.past.clone(),
        fire_danger: station.fire_danger.map(|(index, class)| FireDangerJson { index, class }),
        soil_moisture: station
            .soil_moisture
            .map(|(relative_percent, drought_class)| SoilMoistureJson { relative_percent, drought_class }),
        green_up: GreenUpJson {
            judged: station.is_judged,
            greened_on: station.greened.map(|(on, _)| on.to_string()),
            confidence: station.greened.map(|(_, confidence)| confidence),
        },
    }
}

fn value_json(latest: &LatestValue) -> ValueJson {
    ValueJson {
        field: latest.quantity.as_str(),
        unit: latest.quantity.unit(),
        value: latest.value,
        ts: latest.at.into(),
        sound: latest.is_sound,
    }
}
