//! Which land is watched, and which nobody watches: how much of each zone, and its cells for the map.
//!
//! In: a span, a zone, a township.   Out: parts of areas, 0 to 1, and mu.   Never: "no alert" for "no grazing"; what nobody watched
//! within its limit is blind, and says so.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, NotFound, NotLoggedIn, Unavailable};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use journal::wire::ZoneRefJson;
use model::{
    ClosureLevel, DutyState, Patrol, PatrolDetail, PatrolFilter, PatrolRoute, RouteFlown, Timestamp, WatchedCell,
    ZoneId, ZoneWatch,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// From when to when.
pub type WatchSpan = Option<(Timestamp, Timestamp)>;

/// Why there is no answer about watched land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwatched {
    /// Ask again in a moment; the text says why.
    Later(String),
    /// Ours to repair.
    Failed(String),
}

/// What is known of watched land and patrols; the stage that watches knows. Every question may read the disk.
pub trait Watching: Send + Sync {
    /// How much of each zone was watched, in the span too if there is one.
    fn zones(&self, span: WatchSpan) -> Result<Vec<ZoneWatch>, Unwatched>;
    /// The cells of a zone; `None` if there is no such zone.
    fn cells(&self, zone: &ZoneId, span: WatchSpan) -> Result<Option<Vec<WatchedCell>>, Unwatched>;
    /// Patrols, newest first.
    fn patrols(&self, filter: &PatrolFilter) -> Result<Vec<Patrol>, Unwatched>;
    /// One patrol.
    fn patrol(&self, id: &str) -> Result<Option<PatrolDetail>, Unwatched>;
    /// How much of a planned route was flown in a span.
    fn route_flown(&self, route: &PatrolRoute, from: Timestamp, to: Timestamp) -> Result<RouteFlown, Unwatched>;
    /// How every duty to be out stands.
    fn duties(&self) -> Result<Vec<DutyState>, Unwatched>;
}

impl From<Unwatched> for Problem {
    fn from(why: Unwatched) -> Self {
        match why {
            Unwatched::Later(why) => Self::unavailable(why),
            Unwatched::Failed(why) => Self::internal("asking for watched land", why),
        }
    }
}

/// How far back a span goes when only its end was named.
pub(crate) const SPAN_DEFAULT: Duration = Duration::from_secs(7 * 86_400);
/// As long as the ledger is kept at most.
const SPAN_MAX: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads `from` and `to`: both, one or none.
pub(crate) fn span(app: &App, from: Option<&str>, to: Option<&str>) -> Result<WatchSpan, Problem> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    extract::span((from, to), app.now(), SPAN_DEFAULT, SPAN_MAX).map(Some)
}

/// What `GET /coverage` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// RFC 3339 with a zone, or a legal date.
    from: Option<String>,
    /// RFC 3339 with a zone, or a legal date; exclusive.
    to: Option<String>,
    /// Only this zone.
    zone: Option<String>,
    /// Only this township.
    township: Option<String>,
    /// Every zone, closed or not.
    all: Option<bool>,
    /// With the cells of `zone`.
    cells: Option<bool>,
    /// With `geojson` only the cells, as polygons.
    #[param(value_type = Option<words::CoverageFormat>, inline)]
    format: Option<String>,
}

/// Which land is watched, and which nobody watches: the zones that are closed now.
#[utoipa::path(
    get, path = "/api/v1/coverage", tag = "coverage",
    params(Query),
    responses(
        (status = 200, content((CoverageJson = "application/json"), (Value = "application/geo+json"))),
        BadRequest, NotLoggedIn, NotFound, Unavailable,
    ),
)]
pub(crate) async fn coverage(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let span = span(&app, query.from.as_deref(), query.to.as_deref())?;
    let zone = query.zone.as_deref().filter(|id| !id.is_empty());
    let zone = zone.map(|id| ZoneId::parse(id).map_err(|error| Problem::bad_request(error.to_string()))).transpose()?;
    let wants_cells = query.cells.unwrap_or(false);
    if wants_cells && zone.is_none() {
        return Err(Problem::bad_request("cells are of one zone; name it with `zone`"));
    }
    let watching = Arc::clone(&app.parts.watching);
    let mut rows = blocking("asking for watched land", move || watching.zones(span)).await?;
    let township = query.township.filter(|code| !code.is_empty());
    let everything = query.all.unwrap_or(false) || zone.is_some();
    rows.retain(|row| {
        let code = row.township.as_ref().map(|code| code.as_str());
        signed.who.sees(code)
            && (everything || row.level != ClosureLevel::None)
            && (township.is_none() || township.as_deref() == code)
            && zone.as_ref().is_none_or(|zone| *zone == row.zone.id)
    });
    if let Some(zone) = &zone
        && rows.is_empty()
    {
        return Err(Problem::not_found(format!(
            "there is no zone `{zone}` (or it is not in your townships); GET /api/v1/coverage?all=true lists them"
        )));
    }
    let cells = match zone {
        Some(zone) if wants_cells => {
            let watching = Arc::clone(&app.parts.watching);
            blocking("asking for cells", move || watching.cells(&zone, span)).await?
        }
        _ => None,
    };
    if let (Some(cells), Some("geojson")) = (&cells, query.format.as_deref()) {
        return Ok(([(header::CONTENT_TYPE, "application/geo+json")], geojson(cells).to_string()).into_response());
    }
    let answer = CoverageJson {
        t: app.now().into(),
        from: span.map(|(from, _)| from.into()),
        to: span.map(|(_, to)| to.into()),
        total: total(&rows),
        items: rows.iter().map(zone_json).collect(),
        next: None,
        cells: cells.as_deref().map(cells_json),
    };
    Ok(Json(answer).into_response())
}

/// Which land is watched.
#[derive(Serialize, ToSchema)]
#[schema(as = Coverage)]
pub(crate) struct CoverageJson {
    t: Moment,
    #[schema(required)]
    from: Option<Moment>,
    #[schema(required)]
    to: Option<Moment>,
    total: TotalJson,
    items: Vec<ZoneWatchJson>,
    /// Always null: all zones are on one page.
    #[schema(required)]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<CellsJson>,
}

/// The land that is closed now, in sum.
#[derive(Serialize, ToSchema)]
#[schema(as = CoverageTotal)]
struct TotalJson {
    zones: usize,
    blind_zones: usize,
    area_mu: f64,
    blind_mu: f64,
    watched: WatchedJson,
}

/// Parts of the area that were watched within the last hour, day and week.
#[derive(Serialize, ToSchema)]
#[schema(as = Watched)]
struct WatchedJson {
    #[schema(minimum = 0, maximum = 1)]
    hour: f64,
    #[schema(minimum = 0, maximum = 1)]
    day: f64,
    #[schema(minimum = 0, maximum = 1)]
    week: f64,
}

/// How a zone is watched.
#[derive(Serialize, ToSchema)]
#[schema(as = ZoneCoverage)]
struct ZoneWatchJson {
    zone: ZoneRefJson,
    #[schema(value_type = words::ZoneKind)]
    kind: &'static str,
    #[schema(required)]
    township: Option<String>,
    #[schema(value_type = words::ClosureLevel)]
    closure: &'static str,
    area_mu: f64,
    watched: WatchedJson,
    /// Within how many hours it has to be watched.
    limit_h: f64,
    #[schema(minimum = 0, maximum = 1)]
    share_min: f64,
    #[schema(minimum = 0, maximum = 1)]
    watched_in_limit: f64,
    /// What nobody watched within the limit.
    blind_mu: f64,
    #[schema(required)]
    last: Option<Moment>,
    #[schema(required)]
    blind_since: Option<Moment>,
    #[schema(required)]
    in_span: Option<InSpanJson>,
}

/// How a zone was watched in the span that was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = ZoneCoverageInSpan)]
struct InSpanJson {
    #[schema(minimum = 0, maximum = 1)]
    watched: f64,
    blind_mu: f64,
}

/// Watched land in cells: one row a cell; what each number is stands once.
#[derive(Serialize, ToSchema)]
#[schema(as = WatchedCells)]
pub(crate) struct CellsJson {
    /// South, west, north, east, share, last_ms.
    #[schema(value_type = Vec<String>)]
    fields: [&'static str; 6],
    #[schema(value_type = Vec<Vec<Option<f64>>>)]
    rows: Vec<(f64, f64, f64, f64, f64, Option<i64>)>,
}

/// Of the land that is closed now.
fn total(rows: &[ZoneWatch]) -> TotalJson {
    let closed: Vec<&ZoneWatch> = rows.iter().filter(|row| row.level != ClosureLevel::None).collect();
    let area_mu: f64 = closed.iter().map(|row| row.area_mu).sum();
    let mean = |of: &dyn Fn(&ZoneWatch) -> f64| {
        let watched: f64 = closed.iter().map(|row| row.area_mu * of(row)).sum();
        if area_mu > 0.0 { rounded(watched / area_mu) } else { 0.0 }
    };
    let window = |at: usize| mean(&move |row| row.watched.get(at).copied().unwrap_or(0.0));
    TotalJson {
        zones: closed.len(),
        blind_zones: closed.iter().filter(|row| row.blind_since.is_some()).count(),
        area_mu: rounded_mu(area_mu),
        blind_mu: rounded_mu(closed.iter().map(|row| row.blind_mu()).sum()),
        watched: WatchedJson { hour: window(0), day: window(1), week: window(2) },
    }
}

fn zone_json(row: &ZoneWatch) -> ZoneWatchJson {
    let [hour, day, week] = row.watched.map(rounded);
    let in_span = row
        .in_span
        .map(|share| InSpanJson { watched: rounded(share), blind_mu: rounded_mu((1.0 - share) * row.area_mu) });
    ZoneWatchJson {
        zone: ZoneRefJson { id: row.zone.id.to_string(), name: row.zone.name.clone(), version: row.zone.version },
        kind: row.kind.as_str(),
        township: row.township.as_ref().map(ToString::to_string),
        closure: row.level.as_str(),
        area_mu: rounded_mu(row.area_mu),
        watched: WatchedJson { hour, day, week },
        limit_h: row.limit.as_secs_f64() / 3_600.0,
        share_min: row.share,
        watched_in_limit: rounded(row.watched_in_limit),
        blind_mu: rounded_mu(row.blind_mu()),
        last: row.last.map(Moment),
        blind_since: row.blind_since.map(Moment),
        in_span,
    }
}

/// A share with four digits.
pub(crate) fn rounded(share: f64) -> f64 {
    (share * 10_000.0).round() / 10_000.0
}

/// An area with one digit.
pub(crate) fn rounded_mu(mu: f64) -> f64 {
    (mu * 10.0).round() / 10.0
}

/// A metre or so.
fn degrees(degrees: f64) -> f64 {
    (degrees * 1e5).round() / 1e5
}

/// As [`CellsJson`] says.
pub(crate) fn cells_json(cells: &[WatchedCell]) -> CellsJson {
    let row = |cell: &WatchedCell| {
        let [south, west, north, east] = cell.bounds_deg.map(degrees);
        (south, west, north, east, rounded(cell.share), cell.last.map(Timestamp::as_millis))
    };
    let fields = ["south", "west", "north", "east", "share", "last_ms"];
    CellsJson { fields, rows: cells.iter().map(row).collect() }
}

fn geojson(cells: &[WatchedCell]) -> Value {
    let feature = |cell: &WatchedCell| {
        let [south, west, north, east] = cell.bounds_deg.map(degrees);
        json!({
            "type": "Feature",
            "properties": { "share": rounded(cell.share), "last": cell.last.map(Timestamp::to_rfc3339) },
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
            },
        })
    };
    json!({ "type": "FeatureCollection", "features": cells.iter().map(feature).collect::<Vec<_>>() })
}
