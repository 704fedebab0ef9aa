//! Where a device was, what a station measured, and how a device said it was.
//!
//! In: a device, a span of time, a format or a step.   Out: history's answer as JSON, GeoJSON or CSV.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::find;
use crate::extract::{self, List, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use history::{Summary, TrackPoint, Vital, in_steps};
use model::{DeviceId, Quantity, Timestamp};
use quality::{Daily, Flag, Flags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// A span when nobody named one.
const SPAN_DEFAULT: Duration = Duration::from_secs(86_400);

/// The longest span of one question: a year of a collar is some 35,000 points; a year of a drone's every second must be
/// asked for in parts.
const SPAN_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Flags are looked for in a span of so long at most: each value is judged again, from what came before it.
const FLAGS_SPAN_MAX: Duration = Duration::from_secs(92 * 86_400);
/// Flagged values that an answer names; of more it says how many.
const FLAGS_MAX: usize = 10_000;
/// With this step a series is in legal days, which are kept longer than the values.
const DAY: Duration = Duration::from_secs(86_400);

/// What `GET /devices/{id}/track` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrackQuery {
    /// A day before `to` if absent.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Excluded; now if absent.
    #[param(format = DateTime)]
    to: Option<String>,
    /// JSON if absent.
    #[param(value_type = Option<words::TrackFormat>, inline)]
    format: Option<String>,
}

/// What `GET /devices/{id}/series` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// A quantity such as soil_moisture_percent; or of any device battery_percent, signal_dbm, temperature_c, storage_free_mb.
    #[param(required = true)]
    field: Option<String>,
    /// A day before `to` if absent.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Excluded; now if absent.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Like 10m; then points are [ts_ms, min, mean, max]. With 1d they are legal days of Asia/Shanghai, of values that can be believed, and are kept longer than the values.
    step: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    GeoJson,
    Csv,
}

/// Where it was.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/track", tag = "devices",
    params(TrackQuery),
    responses(
        (status = 200, content(
            (List<PointJson> = "application/json"), (Value = "application/geo+json"), (String = "text/csv"),
        )),
        BadRequest, NotLoggedIn, NotFound,
    ),
)]
pub(crate) async fn track(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<TrackQuery>,
) -> Result<Response, Problem> {
    let device = find(&app, &signed.who, &id)?.id;
    let format = match query.format.as_deref() {
        None | Some("" | "json") => Format::Json,
        Some("geojson") => Format::GeoJson,
        Some("csv") => Format::Csv,
        Some(word) => return Err(Problem::bad_request(format!("format `{word}` is none; use json, geojson or csv"))),
    };
    let asked = (query.from.as_deref(), query.to.as_deref());
    let (from, to) = extract::span(asked, app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let history = app.parts.history.clone();
    blocking("reading a track", move || {
        let points = history.track(&device, from, to)?;
        Ok::<_, Problem>(match format {
            Format::Json => extract::list(points.iter().map(point_json).collect(), None).into_response(),
            Format::GeoJson => {
                ([(header::CONTENT_TYPE, "application/geo+json")], geojson(&id, &points).to_string()).into_response()
            }
            Format::Csv => {
                let disposition = format!("attachment; filename=\"{id}.csv\"");
                let headers = [
                    (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                    (header::CONTENT_DISPOSITION, disposition),
                ];
                (headers, csv(&points)).into_response()
            }
        })
    })
    .await
}

/// Where a device was.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackPoint)]
struct PointJson {
    ts: Moment,
    lat: f64,
    lon: f64,
    #[schema(required)]
    alt_m: Option<f64>,
    #[schema(required)]
    speed_mps: Option<f64>,
    #[schema(required)]
    heading_deg: Option<f64>,
    #[schema(required)]
    accuracy_m: Option<f64>,
}

fn point_json(point: &TrackPoint) -> PointJson {
    PointJson {
        ts: point.ts.into(),
        lat: point.position.lat_deg(),
        lon: point.position.lon_deg(),
        alt_m: point.alt_m,
        speed_mps: point.speed_mps,
        heading_deg: point.heading_deg,
        accuracy_m: point.accuracy_m,
    }
}

/// A line, or a point where there is only one, with the time of each vertex beside it.
fn geojson(id: &str, points: &[TrackPoint]) -> Value {
    let coordinates: Vec<_> = points.iter().map(|point| [point.position.lon_deg(), point.position.lat_deg()]).collect();
    let times: Vec<_> = points.iter().map(|point| point.ts.to_rfc3339()).collect();
    let geometry = match coordinates.as_slice() {
        [] => None,
        [only] => Some(json!({ "type": "Point", "coordinates": only })),
        _ => Some(json!({ "type": "LineString", "coordinates": coordinates })),
    };
    let features = geometry.map(|geometry| {
        json!({ "type": "Feature", "id": id, "properties": { "device": id, "times": times }, "geometry": geometry })
    });
    json!({ "type": "FeatureCollection", "features": features.into_iter().collect::<Vec<_>>() })
}

fn csv(points: &[TrackPoint]) -> String {
    let mut text = String::from("ts,lat,lon,alt_m,speed_mps,heading_deg,accuracy_m\n");
    for point in points {
        // Writing into a text cannot fail.
        write!(text, "{},{},{}", point.ts, point.position.lat_deg(), point.position.lon_deg()).ok();
        for value in [point.alt_m, point.speed_mps, point.heading_deg, point.accuracy_m] {
            match value {
                Some(value) => write!(text, ",{value}").ok(),
                None => write!(text, ",").ok(),
            };
        }
        text.push('\n');
    }
    text
}

/// What it measured.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/series", tag = "devices",
    params(SeriesQuery),
    responses((status = 200, body = SeriesJson), BadRequest, NotLoggedIn, NotFound),
)]
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<SeriesQuery>,
) -> Result<Json<SeriesJson>, Problem> {
    let found = find(&app, &signed.who, &id)?;
    let (device, cadence) = (found.id, found.cadence);
    let field = query.field.unwrap_or_default();
    let asked = (query.from.as_deref(), query.to.as_deref());
    let (from, to) = extract::span(asked, app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let step = query.step.as_deref().map(|text| extract::duration("step", text)).transpose()?;
    if let Some(vital) = Vital::parse(&field) {
        return vitals(&app, device, vital, (from, to), step).await;
    }
    let quantity = Quantity::parse(&field).ok_or_else(|| {
        let known = Quantity::all().map(Quantity::as_str).chain(Vital::ALL.map(Vital::as_str));
        Problem::bad_request(format!("field `{field}` is none; use {}", known.collect::<Vec<_>>().join(", ")))
    })?;
    let history = app.parts.history.clone();
    let values = move || {
        Ok::<_, Problem>(match step {
            Some(DAY) => of_days(quantity, &history.days(&device, quantity, (from, to), cadence)?),
            Some(step) => of_steps(&history.series_stepped(&device, quantity, from, to, step)?),
            None if to.since(from) <= FLAGS_SPAN_MAX => {
                judged(&history.series_judged(&device, quantity, (from, to), cadence)?)
            }
            None => Values { flags: Some(None), ..each(&history.series(&device, quantity, from, to)?) },
        })
    };
    let values = blocking("reading a series", values).await?;
    Ok(Json(SeriesJson { field: quantity.as_str(), unit: quantity.unit(), values }))
}

/// How a device said it was: its charge, its signal.
async fn vitals(
    app: &App,
    device: DeviceId,
    vital: Vital,
    (from, to): (Timestamp, Timestamp),
    step: Option<Duration>,
) -> Result<Json<SeriesJson>, Problem> {
    let history = app.parts.history.clone();
    let points = blocking("reading a series", move || history.vital(&device, vital, from, to)).await?;
    let values = match step {
        Some(step) => of_steps(&in_steps(&points, step)),
        None => each(&points),
    };
    Ok(Json(SeriesJson { field: vital.as_str(), unit: vital.unit(), values }))
}

/// What a device measured.
#[derive(Serialize, ToSchema)]
#[schema(as = Series)]
pub(crate) struct SeriesJson {
    field: &'static str,
    unit: &'static str,
    #[serde(flatten)]
    values: Values,
}

/// The values of a series.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = SeriesValues)]
struct Values {
    /// `[ts_ms, value]`, or with a step `[ts_ms, min, mean, max]`.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<PointOf>,
    /// Without a step: what may be wrong with values, as `[ts_ms, [words]]`; null for spans of more than 92 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<(i64, Vec<words::Flag>)>>)]
    flags: Option<Option<Vec<Flagged>>>,
    /// How many values have flags; the list names 10,000 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags_count: Option<usize>,
    /// With step 1d: how many values came on each legal day and how many of them cannot be believed, as `[ts_ms, count, flagged]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Vec<(i64, u32, u32)>>,
}

/// When a value was measured, and what may be wrong with it.
type Flagged = (i64, Vec<&'static str>);

#[derive(Serialize)]
#[serde(untagged)]
enum PointOf {
    One(i64, f64),
    Step(i64, f64, f64, f64),
}

fn each(points: &[(Timestamp, f64)]) -> Values {
    let points = points.iter().map(|(ts, value)| PointOf::One(ts.as_millis(), *value)).collect();
    Values { points, ..Values::default() }
}

fn of_steps(steps: &[Summary]) -> Values {
    let point = |step: &Summary| PointOf::Step(step.ts.as_millis(), step.min, step.mean, step.max);
    Values { points: steps.iter().map(point).collect(), ..Values::default() }
}

/// Values, and beside them what may be wrong with some.
fn judged(series: &[(Timestamp, f64, Flags)]) -> Values {
    let points = series.iter().map(|(ts, value, _)| PointOf::One(ts.as_millis(), *value));
    let flagged = || series.iter().filter(|(_, _, flags)| !flags.is_empty());
    let words = |flags: Flags| flags.iter().map(Flag::as_str).collect::<Vec<_>>();
    let flags = flagged().take(FLAGS_MAX).map(|(ts, _, flags)| (ts.as_millis(), words(*flags)));
    Values {
        points: points.collect(),
        flags: Some(Some(flags.collect())),
        flags_count: Some(flagged().count()),
        counts: None,
    }
}

/// Legal days: what can be believed in the form of every step, and beside it how much that is of what came.
fn of_days(quantity: Quantity, days: &[(Timestamp, Daily)]) -> Values {
    let point = |(day, sums): &(Timestamp, Daily)| {
        sums.mean(quantity).map(|mean| PointOf::Step(day.as_millis(), sums.min, mean, sums.max))
    };
    let counts = days.iter().map(|(day, sums)| (day.as_millis(), sums.count, sums.flagged));
    Values { points: days.iter().filter_map(point).collect(), counts: Some(counts.collect()), ..Values::default() }
}
