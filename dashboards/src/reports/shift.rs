//! What a shift hands over: open cases, those closed in it, devices that are down, land that nobody watches, reports that one half has not taken,
//! and what somebody wrote down for the next.
//!
//! In: the shift's span.   Out: [`Shift`], as things stand now.

use super::brief::Brief;
use super::table::{Cell, Column, Document, Table};
use super::{Format, Heading, answered, day, legal};
use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::commands::ACTORS;
use crate::devices::sees;
use crate::extract::{self, Body, Params};
use crate::health;
use crate::notices;
use crate::openapi::words::{self, Bytes, Moment, ReportFormat};
use crate::openapi::{BadRequest, Forbidden, NotLoggedIn};
use crate::problem::Problem;
use crate::view::Incident;
use crate::watching::rounded_mu;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use journal::wire::{NoticeJson, ReasoningJson};
use model::{Device, Health, Timestamp, ZoneWatch};
use registry::ShiftNote;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// A shift when nobody named one.
const SPAN_DEFAULT: Duration = Duration::from_secs(12 * 3_600);
const SPAN_MAX: Duration = Duration::from_secs(31 * 86_400);
/// Lines of each list: nobody hands over more by word of mouth.
const LINES_MAX: usize = 500;

/// What `GET /reports/shift` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// RFC 3339 or a legal date.
    from: Option<String>,
    /// Likewise; now when absent.
    to: Option<String>,
    /// JSON when absent.
    #[param(value_type = Option<ReportFormat>, inline)]
    format: Option<String>,
}

/// What `POST /reports/shift/notes` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    #[schema(max_length = 2000)]
    text: String,
}

/// Cases by how far people are with them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftCases)]
struct Cases {
    open: Vec<Brief>,
    acknowledged: Vec<Brief>,
    dispatched: Vec<Brief>,
    resolved: Vec<Brief>,
}

/// A device that is not well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftDevice)]
struct Down {
    id: String,
    #[schema(value_type = words::DeviceKind)]
    kind: &'static str,
    #[schema(value_type = words::Health)]
    health: &'static str,
    #[schema(required)]
    township: Option<String>,
    #[schema(required, format = DateTime)]
    last_seen: Option<String>,
    reasons: Vec<ReasoningJson>,
}

/// A notice that went on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftNotice)]
struct Told {
    id: String,
    matter: String,
    text: ReasoningJson,
    #[schema(format = DateTime)]
    since: String,
    #[schema(required, format = DateTime)]
    until: Option<String>,
}

/// A zone that nobody watched within its limit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftBlind)]
struct BlindJson {
    zone: NamedJson,
    blind_mu: f64,
    #[schema(required)]
    blind_since: Option<Moment>,
}

/// A zone by its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedZone)]
struct NamedJson {
    id: String,
    name: String,
}

/// How many deliveries wait, and how many were given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftDeliveries)]
struct UnsentJson {
    pending: i64,
    dead: i64,
}

/// A word for those who come next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftNote)]
pub(crate) struct NoteJson {
    at: Moment,
    by: String,
    text: String,
}

/// What a shift hands over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShiftReport)]
struct Shift {
    #[serde(flatten)]
    heading: Heading,
    incidents: Cases,
    half_reported: Vec<Brief>,
    devices: Vec<Down>,
    notices: Vec<Told>,
    blind: Vec<BlindJson>,
    /// Of everybody; null for who sees some townships only.
    #[schema(required)]
    deliveries: Option<UnsentJson>,
    notes: Vec<NoteJson>,
    #[serde(skip)]
    blind_rows: Vec<ZoneWatch>,
    #[serde(skip)]
    written: Vec<ShiftNote>,
}

/// What a shift hands over: the last 12 hours unless said otherwise.
#[utoipa::path(
    get, path = "/api/v1/reports/shift", tag = "reports",
    params(Asked),
    responses(
        (status = 200, content(
            (Shift = "application/json"), (String = "text/csv"),
            (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Bytes = "application/pdf"),
        )),
        BadRequest, NotLoggedIn,
    ),
)]
pub(crate) async fn shift(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let format = Format::parse(asked.format.as_deref())?;
    let now = app.now();
    let span = extract::span((asked.from.as_deref(), asked.to.as_deref()), now, SPAN_DEFAULT, SPAN_MAX)?;
    let shift = gathered(&app, &signed, span, now).await?;
    answered(format, &format!("shift-{}", day(span.1)), &shift, || document(&shift))
}

/// A word for the next shift.
#[utoipa::path(
    post, path = "/api/v1/reports/shift/notes", tag = "reports",
    request_body = NoteBody,
    responses((status = 201, body = NoteJson, description = "kept"), BadRequest, NotLoggedIn, Forbidden),
)]
pub(crate) async fn note(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<NoteBody>,
) -> Result<(StatusCode, Json<NoteJson>), Problem> {
    signed.who.require(&ACTORS)?;
    let (registry, by) = signed.author(&app);
    let note = blocking("keeping a note", move || registry.add_shift_note(&body.text, &by)).await?;
    Ok((StatusCode::CREATED, Json(note_json(&note))))
}

fn note_json(note: &ShiftNote) -> NoteJson {
    NoteJson { at: note.at.into(), by: note.by.clone(), text: note.text.clone() }
}

async fn gathered(
    app: &Arc<App>,
    signed: &Signed,
    span: (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Shift, Problem> {
    let view = app.view().await?;
    let who = &signed.who;
    let briefs = |keep: &dyn Fn(&Incident) -> bool| -> Vec<Brief> {
        let is_theirs = |incident: &Incident| who.sees(incident.json.township.as_deref()) && keep(incident);
        let (found, _) = view.incidents(None, LINES_MAX, is_theirs);
        found.iter().map(|incident| Brief::from(&**incident)).collect()
    };
    let with = |status: &'static str| briefs(&move |incident: &Incident| incident.json.status == status);
    let incidents = Cases {
        open: with("open"),
        acknowledged: with("acknowledged"),
        dispatched: with("dispatched"),
        resolved: briefs(&|incident| is_resolved_in(incident, span)),
    };
    let is_half = |incident: &Incident| {
        let waits = incident.json.reports.iter().any(|report| report.state != "delivered");
        waits && !incident.json.drill && incident.last_seen >= span.0 && incident.json.status != "resolved"
    };
    let half_reported = briefs(&is_half);
    let registry = app.registry_view();
    let devices = registry.devices.values().filter(|device| sees(who, device));
    let devices = devices.filter_map(|device| down(app, device)).take(LINES_MAX).collect();
    let (found, _) = view.notices(None, LINES_MAX, |notice| {
        // What is wrong with single devices stands with the devices.
        notice.matter != "flaw" && went_on(notice, span.0) && notices::sees(app, who, notice)
    });
    let watching = Arc::clone(&app.parts.watching);
    // Asked right after a start there is no answer yet; a handover must not fail for it.
    let mut blind_rows = blocking("asking for watched land", move || watching.zones(None)).await.unwrap_or_default();
    blind_rows.retain(|row| row.blind_since.is_some() && who.sees(row.township.as_ref().map(|code| code.as_str())));
    let reader = app.parts.registry.clone();
    let written = blocking("reading notes", move || reader.shift_notes(span.0, span.1)).await?;
    let count = |state: &str| {
        let all = view.deliveries_by_state();
        all.iter().filter(|(_, found, _)| found == state).map(|(.., count)| count).sum::<i64>()
    };
    let deliveries = who.sees_everything().then(|| UnsentJson { pending: count("pending"), dead: count("dead") });
    Ok(Shift {
        heading: Heading::new(span, now, who),
        incidents,
        half_reported,
        devices,
        notices: found.iter().map(|notice| told(notice)).collect(),
        blind: blind_rows.iter().map(blind_json).collect(),
        deliveries,
        notes: written.iter().map(note_json).collect(),
        blind_rows,
        written,
    })
}

fn is_resolved_in(incident: &Incident, (from, to): (Timestamp, Timestamp)) -> bool {
    let lines = incident.json.timeline.iter().filter(|line| line.what == "resolved");
    let mut times = lines.filter_map(|line| Timestamp::parse_rfc3339(&line.at));
    incident.json.status == "resolved" && times.any(|at| at >= from && at < to)
}

fn down(app: &App, device: &Device) -> Option<Down> {
    let heard = app.parts.live.heard(&device.id);
    let condition = health::of(app, device, &heard);
    if !matches!(condition.health, Health::Silent | Health::Faulty | Health::Late) {
        return None;
    }
    Some(Down {
        id: device.id.to_string(),
        kind: device.kind.as_str(),
        health: condition.health.as_str(),
        township: device.township.as_ref().map(ToString::to_string),
        last_seen: condition.last_seen.map(Timestamp::to_rfc3339),
        reasons: health::reasons(app, device, condition).into_iter().map(|reason| reason.text).collect(),
    })
}

fn went_on(notice: &NoticeJson, from: Timestamp) -> bool {
    notice.until.as_deref().and_then(Timestamp::parse_rfc3339).is_none_or(|until| until >= from)
}

fn told(notice: &NoticeJson) -> Told {
    Told {
        id: notice.id.clone(),
        matter: notice.matter.clone(),
        text: notice.text.clone(),
        since: notice.since.clone(),
        until: notice.until.clone(),
    }
}

fn blind_json(row: &ZoneWatch) -> BlindJson {
    BlindJson {
        zone: NamedJson { id: row.zone.id.to_string(), name: row.zone.name.clone() },
        blind_mu: rounded_mu(row.blind_mu()),
        blind_since: row.blind_since.map(Moment),
    }
}

fn document(shift: &Shift) -> Document {
    let cases = |title: &str, briefs: &[Brief]| Table {
        title: format!("{title}（{}）", briefs.len()),
        columns: Brief::COLUMNS.into(),
        rows: briefs.iter().map(Brief::cells).collect(),
    };
    let columns = |heads: &[(&'static str, f32)]| {
        heads.iter().map(|(head, weight)| Column { head, weight: *weight }).collect::<Vec<_>>()
    };
    let table = |title: &str, heads: &[(&'static str, f32)], rows: Vec<Vec<Cell>>| Table {
        title: format!("{title}（{}）", rows.len()),
        columns: columns(heads),
        rows,
    };
    let Cases { open, acknowledged, dispatched, resolved } = &shift.incidents;
    let devices = shift.devices.iter().map(|device| {
        let reasons = device.reasons.iter().map(|reason| reason.zh.as_str()).collect::<Vec<_>>().join("；");
        let seen = device.last_seen.as_deref().map_or(Cell::Nothing, |at| legal(at).into());
        vec![Cell::from(device.id.as_str()), seen, Cell::from(reasons)]
    });
    let notices = shift.notices.iter().map(|notice| {
        let until = notice.until.as_deref().map_or_else(|| "进行中".to_owned(), legal);
        vec![Cell::from(notice.text.zh.as_str()), legal(&notice.since).into(), until.into()]
    });
    let blind = shift.blind_rows.iter().map(|row| {
        let since = row.blind_since.map_or(Cell::Nothing, |since| since.to_legal().into());
        vec![Cell::from(row.zone.name.as_str()), Cell::Number(rounded_mu(row.blind_mu())), since]
    });
    let notes = shift
        .written
        .iter()
        .map(|note| vec![note.at.to_legal().into(), Cell::from(note.by.as_str()), Cell::from(note.text.as_str())]);
    let mut remarks = shift.heading.remarks();
    remarks.push("数量、羊单位为估算。交班人：____________　接班人：____________".to_owned());
    Document {
        title: "值班交接记录".to_owned(),
        remarks,
        tables: vec![
            cases("未签收", open),
            cases("已签收", acknowledged),
            cases("已派遣", dispatched),
            cases("本班办结", resolved),
            cases("双报告未完成", &shift.half_reported),
            table("异常设备", &[("编号", 1.5), ("最后上报", 1.5), ("原因", 4.0)], devices.collect()),
            table("提示", &[("内容", 5.0), ("开始", 1.5), ("结束", 1.5)], notices.collect()),
            table("监视盲区", &[("区域", 3.0), ("盲区（亩）", 1.0), ("开始", 1.5)], blind.collect()),
            table("值班备注", &[("时间", 1.5), ("值班员", 1.0), ("内容", 5.0)], notes.collect()),
        ],
        pictures: Vec::new(),
        is_wide: true,
    }
}
