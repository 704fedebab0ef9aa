//! Where a device was, what a station measured, and how a device said it was.
//!
//! In: a device, a span of time, a format or a step.   Out: history's answer as JSON, GeoJSON or CSV.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::find;
use crate::extract::{self, Params};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use history::{Summary, TrackPoint, Vital, in_steps};
use model::{DeviceId, Quantity, Timestamp};
use quality::{Daily, Flag, Flags};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

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
#[derive(Deserialize)]
pub(crate) struct TrackQuery {
    from: Option<String>,
    to: Option<String>,
    format: Option<String>,
}

/// What `GET /devices/{id}/series` takes.
#[derive(Deserialize)]
pub(crate) struct SeriesQuery {
    field: Option<String>,
    from: Option<String>,
    to: Option<String>,
    step: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    GeoJson,
    Csv,
}

/// `GET /devices/{id}/track`
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
            Format::Json => Json(json!({ "items": points.iter().map(point_json).collect::<Vec<_>>(), "next": null }))
                .into_response(),
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

fn point_json(point: &TrackPoint) -> Value {
    json!({
        "ts": point.ts.to_rfc3339(),
        "lat": point.position.lat_deg(),
        "lon": point.position.lon_deg(),
        "alt_m": point.alt_m,
        "speed_mps": point.speed_mps,
        "heading_deg": point.heading_deg,
        "accuracy_m": point.accuracy_m,
    })
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

/// `GET /devices/{id}/series`
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Params(query): Params<SeriesQuery>,
) -> Result<Json<Value>, Problem> {
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
    let mut answer = blocking("reading a series", move || {
        Ok::<Value, Problem>(match step {
            Some(DAY) => days_json(quantity, &history.days(&device, quantity, (from, to), cadence)?),
            Some(step) => {
                let steps = history.series_stepped(&device, quantity, from, to, step)?;
                json!({ "points": steps.iter().map(summary_json).collect::<Vec<_>>() })
            }
            None if to.since(from) <= FLAGS_SPAN_MAX => {
                judged_json(&history.series_judged(&device, quantity, (from, to), cadence)?)
            }
            None => {
                let points = history.series(&device, quantity, from, to)?;
                let points = points.into_iter().map(|(ts, value)| json!([ts.as_millis(), value]));
                json!({ "points": points.collect::<Vec<_>>(), "flags": null })
            }
        })
    })
    .await?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("field".to_owned(), quantity.as_str().into());
        answer.insert("unit".to_owned(), quantity.unit().into());
    }
    Ok(Json(answer))
}

/// How a device said it was: its charge, its signal.
async fn vitals(
    app: &App,
    device: DeviceId,
    vital: Vital,
    (from, to): (Timestamp, Timestamp),
    step: Option<Duration>,
) -> Result<Json<Value>, Problem> {
    let history = app.parts.history.clone();
    let points = blocking("reading a series", move || history.vital(&device, vital, from, to)).await?;
    let points: Vec<Value> = match step {
        Some(step) => in_steps(&points, step).iter().map(summary_json).collect(),
        None => points.into_iter().map(|(ts, value)| json!([ts.as_millis(), value])).collect(),
    };
    Ok(Json(json!({ "field": vital.as_str(), "unit": vital.unit(), "points": points })))
}

/// Values, and beside them what may be wrong with some.
fn judged_json(series: &[(Timestamp, f64, Flags)]) -> Value {
    let points = series.iter().map(|(ts, value, _)| json!([ts.as_millis(), value]));
    let flagged = || series.iter().filter(|(_, _, flags)| !flags.is_empty());
    let words = |flags: Flags| flags.iter().map(Flag::as_str).collect::<Vec<_>>();
    let flags = flagged().take(FLAGS_MAX).map(|(ts, _, flags)| json!([ts.as_millis(), words(*flags)]));
    json!({
        "points": points.collect::<Vec<_>>(),
        "flags": flags.collect::<Vec<_>>(),
        "flags_count": flagged().count(),
    })
}

/// Legal days: what can be believed in the form of every step, and beside it how much that is of what came.
fn days_json(quantity: Quantity, days: &[(Timestamp, Daily)]) -> Value {
    let point = |(day, sums): &(Timestamp, Daily)| {
        sums.mean(quantity).map(|mean| json!([day.as_millis(), sums.min, mean, sums.max]))
    };
    let counts = days.iter().map(|(day, sums)| json!([day.as_millis(), sums.count, sums.flagged]));
    json!({ "points": days.iter().filter_map(point).collect::<Vec<_>>(), "counts": counts.collect::<Vec<_>>() })
}

fn summary_json(summary: &Summary) -> Value {
    json!([summary.ts.as_millis(), summary.min, summary.mean, summary.max])
}
