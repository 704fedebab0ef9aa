//! What a station measured, and how a device said it was.
//!
//! In: a device, a field, a span of time, a step and what is to stand for its values.   Out: history's answer; holes only where they are asked for.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::devices::find;
use crate::extract::{self, Params};
use crate::openapi::words;
use crate::openapi::{BadRequest, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::tracks::{SPAN_DEFAULT, SPAN_MAX};
use axum::Json;
use axum::extract::{Path, State};
use history::{Aggregate, History, Summary, Vital, aggregated, in_steps, steps_with_gaps, with_gaps};
use model::{Device, Quantity, Timestamp};
use quality::{Daily, Flag, Flags};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Flags are looked for in a span of so long at most: each value is judged again, from what came before it.
const FLAGS_SPAN_MAX: Duration = Duration::from_secs(92 * 86_400);
/// Flagged values that an answer names; of more it says how many.
const FLAGS_MAX: usize = 10_000;
/// With this step a series is in legal days, which are kept longer than the values.
const DAY: Duration = Duration::from_secs(86_400);

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
    /// What stands for the values of a step, in place of its min, mean and max; then points are [ts_ms, value]. Needs `step`; with 1d first and last are not known.
    #[param(value_type = Option<words::Aggregate>, inline)]
    aggregate: Option<String>,
    /// `true`: a hole stands where nothing came, as a point with null: in the first missing step, or without steps right after the last value before a silence that the device's cadence does not explain.
    #[param(value_type = Option<bool>)]
    gaps: Option<String>,
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
    let device = find(&app, &signed.who, &id)?;
    let field = query.field.as_deref().unwrap_or_default();
    let asked = (query.from.as_deref(), query.to.as_deref());
    let span = extract::span(asked, app.now(), SPAN_DEFAULT, SPAN_MAX)?;
    let shape = shape(&query)?;
    let history = app.parts.history.clone();
    if let Some(vital) = Vital::parse(field) {
        let values = blocking("reading a series", move || vitals(&history, &device, vital, span, shape)).await?;
        return Ok(Json(SeriesJson { field: vital.as_str(), unit: vital.unit(), values }));
    }
    let quantity = Quantity::parse(field).ok_or_else(|| {
        let known = Quantity::all().map(Quantity::as_str).chain(Vital::ALL.map(Vital::as_str));
        Problem::bad_request(format!("field `{field}` is none; use {}", known.collect::<Vec<_>>().join(", ")))
    })?;
    let values = blocking("reading a series", move || measured(&history, &device, quantity, span, shape)).await?;
    Ok(Json(SeriesJson { field: quantity.as_str(), unit: quantity.unit(), values }))
}

/// In which form values are wanted.
#[derive(Clone, Copy)]
struct Shape {
    step: Option<Duration>,
    /// Only with a step.
    aggregate: Option<Aggregate>,
    with_gaps: bool,
}

fn shape(query: &SeriesQuery) -> Result<Shape, Problem> {
    let step = query.step.as_deref().map(|text| extract::duration("step", text)).transpose()?;
    let aggregate = query.aggregate.as_deref().filter(|word| !word.is_empty()).map(|word| {
        Aggregate::parse(word).ok_or_else(|| {
            let known = Aggregate::ALL.map(Aggregate::as_str).join(", ");
            Problem::bad_request(format!("aggregate `{word}` is none; use {known}"))
        })
    });
    let aggregate = aggregate.transpose()?;
    match (aggregate, step) {
        (Some(aggregate), None) => {
            let word = aggregate.as_str();
            return Err(Problem::bad_request(format!(
                "aggregate `{word}` stands for the values of a step; name a step, for example 1h"
            )));
        }
        (Some(Aggregate::First | Aggregate::Last), Some(DAY)) => {
            return Err(Problem::bad_request(
                "of legal days no first or last value is kept; use min, mean, max, sum or count, or another step",
            ));
        }
        _ => {}
    }
    let with_gaps = match query.gaps.as_deref() {
        None | Some("" | "false") => false,
        Some("true") => true,
        Some(word) => return Err(Problem::bad_request(format!("gaps `{word}` is none; use true or false"))),
    };
    Ok(Shape { step, aggregate, with_gaps })
}

fn measured(
    history: &History,
    device: &Device,
    quantity: Quantity,
    (from, to): (Timestamp, Timestamp),
    shape: Shape,
) -> Result<Values, Problem> {
    let (id, cadence) = (&device.id, device.cadence);
    Ok(match (shape.step, shape.aggregate) {
        (Some(DAY), _) => of_days(quantity, &history.days(id, quantity, (from, to), cadence)?, shape),
        (Some(step), Some(aggregate)) => {
            of_aggregate(&history.series_aggregated(id, quantity, (from, to), step, aggregate)?, shape)
        }
        (Some(step), None) => of_steps(&history.series_stepped(id, quantity, from, to, step)?, step, shape),
        (None, _) if to.since(from) <= FLAGS_SPAN_MAX => {
            judged(&history.series_judged(id, quantity, (from, to), cadence)?, device, shape)
        }
        (None, _) => Values { flags: Some(None), ..each(&history.series(id, quantity, from, to)?, device, shape) },
    })
}

/// How a device said it was: its charge, its signal.
fn vitals(
    history: &History,
    device: &Device,
    vital: Vital,
    (from, to): (Timestamp, Timestamp),
    shape: Shape,
) -> Result<Values, Problem> {
    let points = history.vital(&device.id, vital, from, to)?;
    Ok(match (shape.step, shape.aggregate) {
        (Some(step), Some(aggregate)) => of_aggregate(&aggregated(None, &points, step, aggregate), shape),
        (Some(step), None) => of_steps(&in_steps(&points, step), step, shape),
        (None, _) => each(&points, device, shape),
    })
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
    /// `[ts_ms, value]`, or with a step and no aggregate `[ts_ms, min, mean, max]`; null only where gaps were asked for.
    #[schema(value_type = Vec<Vec<Option<f64>>>)]
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
    One(i64, Option<f64>),
    Step(i64, Option<f64>, Option<f64>, Option<f64>),
}

impl PointOf {
    fn step(ts: Timestamp, step: Option<Summary>) -> Self {
        Self::Step(ts.as_millis(), step.map(|step| step.min), step.map(|step| step.mean), step.map(|step| step.max))
    }
}

/// Every value; with gaps, a hole in each silence that the cadence does not explain.
fn points(points: &[(Timestamp, f64)], device: &Device, shape: Shape) -> Vec<PointOf> {
    if shape.with_gaps {
        let points = with_gaps(points, device.patience());
        return points.iter().map(|(ts, value)| PointOf::One(ts.as_millis(), *value)).collect();
    }
    points.iter().map(|(ts, value)| PointOf::One(ts.as_millis(), Some(*value))).collect()
}

fn each(values: &[(Timestamp, f64)], device: &Device, shape: Shape) -> Values {
    Values { points: points(values, device, shape), ..Values::default() }
}

fn of_steps(steps: &[Summary], step: Duration, shape: Shape) -> Values {
    let points = if shape.with_gaps {
        steps_with_gaps(steps, step).into_iter().map(|(ts, step)| PointOf::step(ts, step)).collect()
    } else {
        steps.iter().map(|step| PointOf::step(step.ts, Some(*step))).collect()
    };
    Values { points, ..Values::default() }
}

fn of_aggregate(values: &[(Timestamp, Option<f64>)], shape: Shape) -> Values {
    let shown = values.iter().filter(|(_, value)| shape.with_gaps || value.is_some());
    Values { points: shown.map(|(ts, value)| PointOf::One(ts.as_millis(), *value)).collect(), ..Values::default() }
}

/// Values, and beside them what may be wrong with some.
fn judged(series: &[(Timestamp, f64, Flags)], device: &Device, shape: Shape) -> Values {
    let values: Vec<_> = series.iter().map(|(ts, value, _)| (*ts, *value)).collect();
    let flagged = || series.iter().filter(|(_, _, flags)| !flags.is_empty());
    let words = |flags: Flags| flags.iter().map(Flag::as_str).collect::<Vec<_>>();
    let flags = flagged().take(FLAGS_MAX).map(|(ts, _, flags)| (ts.as_millis(), words(*flags)));
    Values {
        points: points(&values, device, shape),
        flags: Some(Some(flags.collect())),
        flags_count: Some(flagged().count()),
        counts: None,
    }
}

/// Legal days: what can be believed in the form of every step, and beside it how much that is of what came.
fn of_days(quantity: Quantity, days: &[(Timestamp, Daily)], shape: Shape) -> Values {
    let counts = days.iter().map(|(day, sums)| (day.as_millis(), sums.count, sums.flagged)).collect();
    let sound = days.iter().filter(|(_, sums)| sums.sound() > 0);
    let values = match shape.aggregate {
        None => {
            let summary = |(ts, sums): &(Timestamp, Daily)| {
                let (ts, min, max) = (*ts, sums.min, sums.max);
                sums.mean(quantity).map(|mean| Summary { ts, min, mean, max })
            };
            of_steps(&sound.filter_map(summary).collect::<Vec<_>>(), DAY, shape)
        }
        Some(aggregate) => {
            let value = |(ts, sums): &(Timestamp, Daily)| of_day(quantity, sums, aggregate).map(|value| (*ts, value));
            let values: Vec<_> = sound.filter_map(value).collect();
            of_aggregate(&with_gaps(&values, DAY), shape)
        }
    };
    Values { counts: Some(counts), ..values }
}

/// What stands for a day with values that can be believed.
fn of_day(quantity: Quantity, sums: &Daily, aggregate: Aggregate) -> Option<f64> {
    match aggregate {
        Aggregate::Min => Some(sums.min),
        Aggregate::Mean => sums.mean(quantity),
        Aggregate::Max => Some(sums.max),
        Aggregate::Sum => Some(sums.sum),
        Aggregate::Count => Some(f64::from(sums.sound())),
        Aggregate::First | Aggregate::Last => None,
    }
}
