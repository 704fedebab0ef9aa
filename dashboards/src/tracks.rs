//! Where a device was.
//!
//! In: a device, a span of time, a form and how many points there may be.   Out: history's answer as JSON, or as a file that other programs open.
//!
//! Never: a point that the device did not tell; that points were left out without saying how far the line may be beside them.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::find;
use crate::extract::{self, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use history::{History, Simplified, TrackFormat, TrackPoint, TrackWriter};
use model::{Device, Timestamp};
use serde::{Deserialize, Serialize};
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// A span when nobody named one.
pub(crate) const SPAN_DEFAULT: Duration = Duration::from_secs(86_400);

/// The longest span of one question: a year of a collar is some 35,000 points; a year of a drone's every second must be
/// asked for in parts.
pub(crate) const SPAN_MAX: Duration = Duration::from_secs(366 * 86_400);

/// More than a map has pixels across.
const POINTS: RangeInclusive<usize> = 2..=10_000;

/// How far a left out point may be beside the line, metres; how many points there were; how many silences the line goes on over.
const DEVIATION: HeaderName = HeaderName::from_static("track-deviation-m");
const READ: HeaderName = HeaderName::from_static("track-points-read");
const BRIDGED: HeaderName = HeaderName::from_static("track-silences-bridged");

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
    /// At most so many points, so chosen that the line stays where it was; all if absent. How far it may now be beside a point is said in `simplified` and in the header Track-Deviation-M.
    #[param(value_type = Option<u32>, minimum = 2, maximum = 10000)]
    points: Option<String>,
}

/// Where it was. A silence that the device's cadence does not explain breaks the lines of GeoJSON, GPX and KML.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/track", tag = "devices",
    params(TrackQuery),
    responses(
        (status = 200, content(
            (TrackJson = "application/json"), (Value = "application/geo+json"), (String = "application/gpx+xml"),
            (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv"),
            (words::Bytes = "application/vnd.apache.parquet"),
        ), headers(
            ("track-deviation-m" = Option<f64>, description = "with points: no left out point is farther beside the line, metres"),
            ("track-points-read" = Option<u64>, description = "with points: how many there are"),
            ("track-silences-bridged" = Option<u64>, description = "with points: silences that the line goes on over, since there are more than the points allow to show"),
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
    let device = find(&app, &signed.who, &id)?;
    let format = format(query.format.as_deref())?;
    let points = query.points.as_deref().map(|text| extract::number("points", text, POINTS)).transpose()?;
    let asked = (query.from.as_deref(), query.to.as_deref());
    let span = extract::span(asked, app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let history = app.parts.history.clone();
    blocking("reading a track", move || match points {
        None => whole(&history, &device, span, format),
        Some(points) => simplified(&history, &device, span, points, format),
    })
    .await
}

/// How the answer is written; `None` is JSON.
pub(crate) fn format(word: Option<&str>) -> Result<Option<TrackFormat>, Problem> {
    match word {
        None | Some("" | "json") => Ok(None),
        Some(word) => TrackFormat::parse(word).map(Some).ok_or_else(|| {
            let known = TrackFormat::ALL.map(TrackFormat::as_str).join(", ");
            Problem::bad_request(format!("format `{word}` is none; use json, {known}"))
        }),
    }
}

fn whole(
    history: &History,
    device: &Device,
    (from, to): (Timestamp, Timestamp),
    format: Option<TrackFormat>,
) -> Result<Response, Problem> {
    let points = history.track(&device.id, from, to)?;
    match format {
        None => Ok(Json(TrackJson { items: points.iter().map(point_json).collect(), next: None, simplified: None })
            .into_response()),
        Some(format) => {
            file(device.id.as_str(), format, false, device.patience(), |writer| writer.track(&device.id, &points))
        }
    }
}

fn simplified(
    history: &History,
    device: &Device,
    span: (Timestamp, Timestamp),
    points: usize,
    format: Option<TrackFormat>,
) -> Result<Response, Problem> {
    let track = history.track_simplified(&device.id, span, points, device.patience())?;
    let pieces = history.track_vertices(&device.id, &track)?;
    let answer = match format {
        None => {
            let breaks = pieces.iter().skip(1).filter_map(|piece| piece.first()).map(|point| point.ts.into());
            let simplified = SimplifiedJson { breaks: breaks.collect(), ..SimplifiedJson::of(&track) };
            let items = pieces.iter().flatten().map(point_json).collect();
            Json(TrackJson { items, next: None, simplified: Some(simplified) }).into_response()
        }
        Some(format) => {
            file(device.id.as_str(), format, false, device.patience(), |writer| writer.pieces(&device.id, &pieces))?
        }
    };
    let deviation = centimetres_up(track.deviation_m).to_string();
    let said = [(DEVIATION, deviation), (READ, track.read.to_string()), (BRIDGED, track.bridged.to_string())];
    Ok((AppendHeaders(said), answer).into_response())
}

/// A file to be saved under a name; a silence of more than `gap` breaks lines.
pub(crate) fn file(
    name: &str,
    format: TrackFormat,
    is_of_many: bool,
    gap: Duration,
    write: impl FnOnce(&mut TrackWriter<Vec<u8>>) -> io::Result<()>,
) -> Result<Response, Problem> {
    let written = TrackWriter::new(Vec::new(), format, is_of_many, gap).and_then(|mut writer| {
        write(&mut writer)?;
        writer.finish()
    });
    let bytes = written.map_err(|error| Problem::internal("writing a track", error))?;
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.as_str());
    let headers =
        [(header::CONTENT_TYPE, format.content_type().to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// Where a device was.
#[derive(Serialize, ToSchema)]
#[schema(as = Track)]
struct TrackJson {
    items: Vec<PointJson>,
    /// Always null: a track comes whole.
    #[schema(required)]
    next: Option<String>,
    /// What became of the points that were left out; only with `points`.
    #[serde(skip_serializing_if = "Option::is_none")]
    simplified: Option<SimplifiedJson>,
}

/// How a track was made shorter.
#[derive(Serialize, ToSchema)]
#[schema(as = SimplifiedTrack)]
struct SimplifiedJson {
    /// No left out point is farther beside the line, metres.
    deviation_m: f64,
    /// How many points there are.
    read: usize,
    /// Silences that the line goes on over, since there are more than the points allow to show.
    bridged: usize,
    /// The line is broken before the points of these times: the device was silent.
    breaks: Vec<Moment>,
}

impl SimplifiedJson {
    fn of(track: &Simplified) -> Self {
        let deviation_m = centimetres_up(track.deviation_m);
        Self { deviation_m, read: track.read, bridged: track.bridged, breaks: Vec::new() }
    }
}

/// What is said to be the worst must not be less than it.
pub(crate) fn centimetres_up(metres: f64) -> f64 {
    (metres * 100.0).ceil() / 100.0
}

/// Where a device was at one instant.
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
