//! Where many devices were, as lines for a map.
//!
//! In: devices by id, or movers of a township or a kind; a span; how many points there may be in all.   Out: each one's line with the points that
//! matter most, as JSON or as one file.   Never: a device of another township than the user's; an answer without bound.
//!
//! `playback` answers another question: it keeps what was when, and this keeps the shape. A herd that stood for three hours and then walked is one
//! straight line here.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::devices::{find, kind, sees};
use crate::extract::{self, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::tracks::{SPAN_DEFAULT, SPAN_MAX, centimetres_up, file, format};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use history::{History, Simplified, TrackFormat};
use model::{Device, DeviceId, DeviceKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// The largest fleet of one banner.
const DEVICES_MAX: usize = 2_000;
/// Days of devices that are read for one answer: a week of the largest fleet, two seasons of fifty collars.
const DEVICE_DAYS_MAX: usize = 14_000;
/// Points of all lines together: some 6 MB at most.
const POINTS: RangeInclusive<usize> = 2..=200_000;
const POINTS_DEFAULT: usize = 20_000;

/// What `GET /tracks` takes.
#[derive(Default, Deserialize, IntoParams)]
#[serde(from = "Vec<(String, String)>")]
#[into_params(parameter_in = Query)]
pub(crate) struct TracksQuery {
    /// A device's id, repeated for each; at most 2,000. Every mover of the user's townships if absent.
    device: Vec<String>,
    /// Only of this township.
    township: Option<String>,
    /// Only of this kind.
    #[param(value_type = Option<words::DeviceKind>, inline)]
    kind: Option<String>,
    /// A day before `to` if absent.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Excluded; now if absent.
    #[param(format = DateTime)]
    to: Option<String>,
    /// At most so many points in all; at least two for each device.
    #[param(value_type = Option<u32>, minimum = 2, maximum = 200000, default = 20000)]
    points: Option<String>,
    /// JSON if absent.
    #[param(value_type = Option<words::TrackFormat>, inline)]
    format: Option<String>,
}

impl From<Vec<(String, String)>> for TracksQuery {
    fn from(pairs: Vec<(String, String)>) -> Self {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "device" => query.device.push(value),
                "township" => query.township = Some(value),
                "kind" => query.kind = Some(value),
                "from" => query.from = Some(value),
                "to" => query.to = Some(value),
                "points" => query.points = Some(value),
                "format" => query.format = Some(value),
                _ => {}
            }
        }
        query
    }
}

/// Where many devices were, simplified to so many points in all; one without a place in the span is left out.
#[utoipa::path(
    get, path = "/api/v1/tracks", tag = "devices",
    params(TracksQuery),
    responses(
        (status = 200, content(
            (TracksJson = "application/json"), (Value = "application/geo+json"), (String = "application/gpx+xml"),
            (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv"),
            (words::Bytes = "application/vnd.apache.parquet"),
        )),
        BadRequest, NotLoggedIn, NotFound,
    ),
)]
pub(crate) async fn tracks(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<TracksQuery>,
) -> Result<Response, Problem> {
    let format = format(query.format.as_deref())?;
    let points = query.points.as_deref().map(|text| extract::number("points", text, POINTS)).transpose()?;
    let points = points.unwrap_or(POINTS_DEFAULT);
    let asked = (query.from.as_deref(), query.to.as_deref());
    let span = extract::span(asked, app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let devices = chosen(&app, &signed.who, &query)?;
    bounded(devices.len(), span, points)?;
    let history = app.parts.history.clone();
    blocking("reading tracks", move || answer(&history, &devices, span, points, format)).await
}

/// The devices that are asked for and are this user's business.
fn chosen(app: &App, who: &Who, query: &TracksQuery) -> Result<BTreeMap<DeviceId, Device>, Problem> {
    let kind = query.kind.as_deref().filter(|word| !word.is_empty()).map(kind).transpose()?;
    if query.device.len() > DEVICES_MAX {
        return Err(too_many(query.device.len()));
    }
    let named = if query.device.is_empty() {
        let moves = |kind| matches!(kind, DeviceKind::Drone | DeviceKind::Collar | DeviceKind::Ranger);
        let registry = app.registry_view();
        let movers = registry.devices.values().filter(|device| sees(who, device) && moves(device.kind));
        movers.cloned().collect()
    } else {
        query.device.iter().map(|id| find(app, who, id)).collect::<Result<Vec<_>, _>>()?
    };
    let township = |device: &Device| {
        extract::is_asked(query.township.as_ref(), device.township.as_ref().map(|code| code.as_str()))
    };
    let wanted = named.into_iter().filter(|device| township(device) && kind.is_none_or(|kind| kind == device.kind));
    Ok(wanted.map(|device| (device.id.clone(), device)).collect())
}

fn too_many(devices: usize) -> Problem {
    Problem::bad_request(format!(
        "{devices} devices are more than {DEVICES_MAX}; narrow them down by township or kind, or name fewer"
    ))
}

fn bounded(devices: usize, (from, to): (Timestamp, Timestamp), points: usize) -> Result<(), Problem> {
    if devices > DEVICES_MAX {
        return Err(too_many(devices));
    }
    if points < 2 * devices {
        return Err(Problem::bad_request(format!(
            "points {points} are too few for {devices} devices; ask for at least {} or for fewer devices",
            2 * devices
        )));
    }
    let days = usize::try_from(to.since(from).as_secs().div_ceil(86_400)).unwrap_or(usize::MAX);
    if devices.saturating_mul(days) > DEVICE_DAYS_MAX {
        return Err(Problem::bad_request(format!(
            "{days} days of {devices} devices are too much for one answer; ask for at most {} days or for fewer devices",
            (DEVICE_DAYS_MAX / devices.max(1)).max(1)
        )));
    }
    Ok(())
}

fn answer(
    history: &History,
    devices: &BTreeMap<DeviceId, Device>,
    (from, to): (Timestamp, Timestamp),
    points: usize,
    format: Option<TrackFormat>,
) -> Result<Response, Problem> {
    let gap = |id: &DeviceId| devices.get(id).map_or(Duration::MAX, Device::patience);
    let ids: Vec<DeviceId> = devices.keys().cloned().collect();
    let tracks = history.tracks_simplified(&ids, (from, to), points, gap)?;
    let Some(format) = format else {
        let line = |(id, track): &(&DeviceId, Simplified)| Some(LineJson::of(devices.get(*id)?, track));
        let tracks = tracks.iter().filter_map(line).collect();
        return Ok(Json(TracksJson { from: from.into(), to: to.into(), tracks }).into_response());
    };
    let mut lines = Vec::with_capacity(tracks.len());
    for (id, track) in tracks {
        lines.push((id, history.track_vertices(id, &track)?));
    }
    file("tracks", format, true, Duration::MAX, |writer| {
        lines.iter().try_for_each(|(id, pieces)| writer.pieces(id, pieces))
    })
}

/// Where devices were.
#[derive(Serialize, ToSchema)]
#[schema(as = Tracks)]
struct TracksJson {
    from: Moment,
    to: Moment,
    tracks: Vec<LineJson>,
}

/// Where one of them was.
#[derive(Serialize, ToSchema)]
#[schema(as = TrackLine)]
struct LineJson {
    id: String,
    #[schema(value_type = words::DeviceKind)]
    kind: &'static str,
    /// No left out point is farther beside the line, metres.
    deviation_m: f64,
    /// How many points there are.
    read: usize,
    /// Silences that the line goes on over, since there are more than the points allow to show.
    bridged: usize,
    /// Lines without a silence in them: Unix milliseconds, latitude, longitude.
    pieces: Vec<Vec<(i64, f64, f64)>>,
}

impl LineJson {
    fn of(device: &Device, track: &Simplified) -> Self {
        let piece = |piece: &Vec<history::Vertex>| {
            let vertices = piece.iter();
            vertices.map(|at| (at.ts.as_millis(), at.position.lat_deg(), at.position.lon_deg())).collect()
        };
        Self {
            id: device.id.to_string(),
            kind: device.kind.as_str(),
            deviation_m: centimetres_up(track.deviation_m),
            read: track.read,
            bridged: track.bridged,
            pieces: track.pieces.iter().map(piece).collect(),
        }
    }
}
