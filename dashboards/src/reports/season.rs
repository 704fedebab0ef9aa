//! What became of the cases of a span, by township.
//!
//! In: the cases that were first seen in it.   Out: [`Season`].   Drills are no cases; animals and fines are those of cases that are a violation or not
//! yet decided, and are estimates.

use super::brief::sum;
use super::table::{Cell, Column, Document, Table};
use super::{Format, Heading, answered, day};
use crate::app::App;
use crate::auth::Signed;
use crate::extract::{self, Params};
use crate::openapi::words::{Bytes, ReportFormat};
use crate::openapi::{BadRequest, NotLoggedIn};
use crate::problem::Problem;
use crate::view::Incident;
use axum::extract::State;
use axum::response::Response;
use journal::wire::IntervalJson;
use model::{Timestamp, ZoneKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// A season when nobody named a span.
const SPAN_DEFAULT: Duration = Duration::from_secs(92 * 86_400);
const SPAN_MAX: Duration = Duration::from_secs(3 * 366 * 86_400);
/// Of a case that names no township.
const NOWHERE: &str = "";

/// What `GET /reports/season` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// RFC 3339 or a legal date.
    from: Option<String>,
    /// Likewise; now when absent.
    to: Option<String>,
    /// Only this one.
    township: Option<String>,
    /// JSON when absent.
    #[param(value_type = Option<ReportFormat>, inline)]
    format: Option<String>,
}

/// What became of a number of cases.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SeasonCounts)]
struct Counts {
    incidents: u64,
    open: u64,
    violation: u64,
    lawful: u64,
    false_positive: u64,
    unfounded: u64,
    late: u64,
    sheep_units: IntervalJson,
    fine_yuan: IntervalJson,
    #[schema(required)]
    acknowledged_median_s: Option<f64>,
    #[schema(required)]
    resolved_median_s: Option<f64>,
}

/// Those of one township.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SeasonRow)]
struct Row {
    #[schema(required)]
    township: Option<String>,
    name: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What became of the cases of a span.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SeasonReport)]
struct Season {
    #[serde(flatten)]
    heading: Heading,
    rows: Vec<Row>,
    total: Counts,
}

/// What became of the cases first seen in a span, by township; animals and fines are estimates.
///
/// They are of cases that are a violation or undecided.
#[utoipa::path(
    get, path = "/api/v1/reports/season", tag = "reports",
    params(Asked),
    responses(
        (status = 200, content(
            (Season = "application/json"), (String = "text/csv"),
            (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Bytes = "application/pdf"),
        )),
        BadRequest, NotLoggedIn,
    ),
)]
pub(crate) async fn season(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let format = Format::parse(asked.format.as_deref())?;
    let now = app.now();
    let span = extract::span((asked.from.as_deref(), asked.to.as_deref()), now, SPAN_DEFAULT, SPAN_MAX)?;
    let wanted = asked.township.filter(|code| !code.is_empty());
    let (cases, _) = app.view().await?.incidents(None, usize::MAX, |incident| {
        let township = incident.json.township.as_deref();
        !incident.json.drill
            && incident.first_seen >= span.0
            && incident.first_seen < span.1
            && signed.who.sees(township)
            && (wanted.is_none() || wanted.as_deref() == township)
    });
    let season = counted(&cases, Heading::new(span, now, &signed.who), &names(&app));
    answered(format, &format!("season-{}-{}", day(span.0), day(span.1)), &season, || document(&season))
}

/// Townships by their code, as the jurisdictions that were imported say.
fn names(app: &App) -> HashMap<String, String> {
    let view = app.registry_view();
    let jurisdictions = view.zones.iter().filter(|zone| zone.kind == ZoneKind::Jurisdiction);
    jurisdictions.filter_map(|zone| Some((zone.township.as_ref()?.to_string(), zone.name.clone()))).collect()
}

fn counted(cases: &[Arc<Incident>], heading: Heading, names: &HashMap<String, String>) -> Season {
    let mut by_township: BTreeMap<&str, Vec<&Incident>> = BTreeMap::new();
    for case in cases {
        by_township.entry(case.json.township.as_deref().unwrap_or(NOWHERE)).or_default().push(case);
    }
    let row = |(code, cases): (&str, Vec<&Incident>)| Row {
        township: (code != NOWHERE).then(|| code.to_owned()),
        name: names.get(code).map_or(if code == NOWHERE { "未标明" } else { code }, String::as_str).to_owned(),
        counts: Counts::of(&cases),
    };
    let all: Vec<&Incident> = cases.iter().map(AsRef::as_ref).collect();
    Season { heading, rows: by_township.into_iter().map(row).collect(), total: Counts::of(&all) }
}

impl Counts {
    fn of(cases: &[&Incident]) -> Self {
        let count = |keep: &dyn Fn(&Incident) -> bool| cases.iter().filter(|case| keep(case)).count() as u64;
        let ended = |word: &'static str| count(&move |case: &Incident| case.json.outcome.as_deref() == Some(word));
        let none = IntervalJson { low: 0, high: Some(0) };
        let stands = |case: &&&Incident| matches!(case.json.outcome.as_deref(), None | Some("violation"));
        let standing: Vec<&&Incident> = cases.iter().filter(stands).collect();
        let fine = |case: &Incident| IntervalJson { low: case.json.fine_yuan.low, high: case.json.fine_yuan.high };
        Self {
            incidents: cases.len() as u64,
            open: count(&|case| case.json.status != "resolved"),
            violation: ended("violation"),
            lawful: ended("lawful"),
            false_positive: ended("false_positive"),
            unfounded: ended("unfounded"),
            late: count(&|case| case.json.late),
            sheep_units: standing.iter().map(|case| case.json.sheep_units).fold(none, sum),
            fine_yuan: standing.iter().map(|case| fine(case)).fold(none, sum),
            acknowledged_median_s: median(cases.iter().filter_map(|case| seconds_to(case, "acknowledged"))),
            resolved_median_s: median(cases.iter().filter_map(|case| seconds_to(case, "resolved"))),
        }
    }
}

/// From the first line of a case's history to the first of this kind.
fn seconds_to(case: &Incident, what: &str) -> Option<f64> {
    let at = |line: &str| Timestamp::parse_rfc3339(line);
    let opened = at(&case.json.timeline.first()?.at)?;
    let done = at(&case.json.timeline.iter().find(|line| line.what == what)?.at)?;
    Some(done.since(opened).as_secs_f64())
}

/// The middle one; the lower of two.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

const COLUMNS: [Column; 14] = [
    Column { head: "苏木乡镇", weight: 2.2 },
    Column { head: "事件", weight: 0.9 },
    Column { head: "未办结", weight: 0.9 },
    Column { head: "违规放牧", weight: 0.9 },
    Column { head: "合法放牧", weight: 0.9 },
    Column { head: "误报", weight: 0.8 },
    Column { head: "查无实据", weight: 0.9 },
    Column { head: "补报", weight: 0.8 },
    Column { head: "羊单位下限（估算）", weight: 1.3 },
    Column { head: "羊单位上限（估算）", weight: 1.3 },
    Column { head: "罚款下限（元，估算）", weight: 1.4 },
    Column { head: "罚款上限（元，估算）", weight: 1.4 },
    Column { head: "签收用时中位数（分）", weight: 1.3 },
    Column { head: "办结用时中位数（小时）", weight: 1.3 },
];

fn document(season: &Season) -> Document {
    let total = Row { township: None, name: "合计".to_owned(), counts: season.total.clone() };
    let rows = season.rows.iter().chain([&total]).map(cells).collect();
    let mut remarks = season.heading.remarks();
    remarks.push("羊单位和罚款为认定违规及尚未定性的事件之和，均为估算，须由执法人员核实；演练不计。".to_owned());
    Document {
        title: "禁牧事件分苏木乡镇统计".to_owned(),
        remarks,
        tables: vec![Table { title: "统计表".to_owned(), columns: COLUMNS.into(), rows }],
        pictures: Vec::new(),
        is_wide: true,
    }
}

fn cells(row: &Row) -> Vec<Cell> {
    let Counts { incidents, open, violation, lawful, false_positive, unfounded, late, .. } = row.counts;
    let high = |amount: IntervalJson| amount.high.map_or_else(|| Cell::from("不详"), Cell::count);
    let (units, fine) = (row.counts.sheep_units, row.counts.fine_yuan);
    std::iter::once(Cell::from(row.name.as_str()))
        .chain([incidents, open, violation, lawful, false_positive, unfounded, late].map(Cell::count))
        .chain([Cell::count(units.low), high(units), Cell::count(fine.low), high(fine)])
        .chain([
            Cell::maybe(row.counts.acknowledged_median_s.map(|seconds| seconds / 60.0)),
            Cell::maybe(row.counts.resolved_median_s.map(|seconds| seconds / 3_600.0)),
        ])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_and_of_none_there_is_none() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(1.0));
        assert_eq!(median(std::iter::empty()), None);
    }
}
