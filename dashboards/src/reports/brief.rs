//! A case in a line.
//!
//! In: a case as it stands.   Out: [`Brief`], for lists of reports.

use super::legal;
use super::table::{Cell, Column};
use crate::openapi::words as document;
use crate::view::Incident;
use journal::wire::{IncidentJson, IntervalJson, words};
use model::Interval;
use serde::Serialize;
use utoipa::ToSchema;

/// A case in a line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IncidentBrief)]
pub(crate) struct Brief {
    id: String,
    #[schema(value_type = document::Severity)]
    severity: String,
    #[schema(value_type = document::IncidentStatus)]
    status: String,
    zone: String,
    #[schema(required)]
    township: Option<String>,
    #[schema(format = DateTime)]
    first_seen: String,
    #[schema(format = DateTime)]
    last_seen: String,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
    /// In words.
    species: String,
    sheep_units: IntervalJson,
    /// An estimate.
    #[schema(required)]
    fine_yuan: Option<IntervalJson>,
    #[schema(required, value_type = Option<document::Outcome>)]
    outcome: Option<String>,
}

impl From<&Incident> for Brief {
    fn from(incident: &Incident) -> Self {
        let json = &incident.json;
        let fine = IntervalJson { low: json.fine_yuan.low, high: json.fine_yuan.high };
        Self {
            id: json.id.clone(),
            severity: json.severity.clone(),
            status: json.status.clone(),
            zone: json.zones.first().map(|zone| zone.name.clone()).unwrap_or_default(),
            township: json.township.clone(),
            first_seen: json.first_seen.clone(),
            last_seen: json.last_seen.clone(),
            ended_at: json.ended_at.clone(),
            species: species(json),
            sheep_units: json.sheep_units,
            fine_yuan: (fine.high != Some(0)).then_some(fine),
            outcome: json.outcome.clone(),
        }
    }
}

/// `绵羊 34 至 46 只、牛 3 头`.
pub(super) fn species(json: &IncidentJson) -> String {
    model::Incident::try_from(json).map(|incident| words::animals(&incident.case.species).zh).unwrap_or_default()
}

/// `34–46`, `≥ 34`.
pub(crate) fn interval(amount: IntervalJson) -> String {
    match amount.high {
        Some(high) if high == amount.low => high.to_string(),
        Some(high) => format!("{}–{high}", amount.low),
        None => format!("≥ {}", amount.low),
    }
}

/// Adds what both stand for; without an upper end there is none of the sum.
pub(crate) fn sum(one: IntervalJson, other: IntervalJson) -> IntervalJson {
    let ends = |json: IntervalJson| Interval { low: json.low, high: json.high.unwrap_or(u64::MAX) };
    let sum = ends(one).and(ends(other));
    IntervalJson { low: sum.low, high: sum.at_most() }
}

impl Brief {
    /// The columns of [`Brief::cells`].
    pub const COLUMNS: [Column; 8] = [
        Column { head: "编号", weight: 2.0 },
        Column { head: "区域", weight: 2.6 },
        Column { head: "状态", weight: 1.0 },
        Column { head: "首次发现", weight: 1.7 },
        Column { head: "最近发现", weight: 1.7 },
        Column { head: "牲畜（估算）", weight: 2.4 },
        Column { head: "羊单位（估算）", weight: 1.2 },
        Column { head: "处理结果", weight: 1.1 },
    ];

    /// A row.
    pub fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::from(self.id.as_str()),
            Cell::from(self.zone.as_str()),
            Cell::from(status(&self.status)),
            legal(&self.first_seen).into(),
            legal(&self.last_seen).into(),
            Cell::from(self.species.as_str()),
            interval(self.sheep_units).into(),
            self.outcome.as_deref().map_or(Cell::Nothing, |word| outcome(word).into()),
        ]
    }
}

/// How far people are, in words.
pub(super) fn status(word: &str) -> &str {
    match word {
        "open" => "未签收",
        "acknowledged" => "已签收",
        "dispatched" => "已派遣",
        "resolved" => "已办结",
        other => other,
    }
}

/// How it turned out, in words.
pub(super) fn outcome(word: &str) -> &str {
    match word {
        "violation" => "违规放牧",
        "lawful" => "合法放牧",
        "false_positive" => "误报",
        "unfounded" => "查无实据",
        other => other,
    }
}
