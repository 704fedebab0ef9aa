//! The closure law: rules for every year, decisions for single ones, and what waits for a second person.
//!
//! In: a decision with its document.   Out: the calendar.   Never: a decision without the role, a document and a reason.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, Params};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::proposals::{ProposalJson, proposal_json};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{
    BadName, ClosureCalendar, ClosureDecision, ClosureRule, LegalDate, MonthDay, TownshipCode, ZoneId, ZoneKind,
};
use registry::{NewClosureDecision, Proposal, Role, Topic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What `GET /closures` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Known {
    /// As known at this instant or legal date; now if absent.
    known: Option<String>,
}

/// The closure calendar: rules, decisions about single seasons, and what waits for a second person.
#[utoipa::path(
    get, path = "/api/v1/closures", tag = "closures",
    params(Known),
    responses((status = 200, body = CalendarJson), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _signed: Signed,
    Params(query): Params<Known>,
) -> Result<Json<CalendarJson>, Problem> {
    let known = extract::legal_instant("known", query.known.as_deref())?.unwrap_or_else(|| app.now());
    let registry = app.parts.registry.clone();
    let (calendar, proposals) = blocking("reading the closures", move || {
        Ok::<_, Problem>((registry.calendar_as_of(known)?, registry.proposals(Topic::Closures)?))
    })
    .await?;
    Ok(Json(calendar_json(&calendar, &proposals)))
}

/// What `POST /closures/decisions` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewClosureDecision)]
pub(crate) struct DecisionBody {
    /// The rule's whole name.
    rule: String,
    /// First legal day, by the rule if absent.
    #[schema(format = Date)]
    first: Option<String>,
    /// Last legal day, included.
    #[schema(format = Date)]
    last: String,
    /// Close these days as well, instead of giving the season other days.
    #[serde(default)]
    adds: bool,
    #[serde(default)]
    townships: Vec<String>,
    #[serde(default)]
    zones: Vec<String>,
    /// Number of the document.
    legal_basis: String,
    reason: String,
}

/// Give a rule's season of one year other days, or add days.
#[utoipa::path(
    post, path = "/api/v1/closures/decisions", tag = "closures",
    request_body = DecisionBody,
    responses(
        (status = 201, body = ProposalJson, description = "it is law"),
        (status = 202, body = ProposalJson, description = "it waits for a second person"),
        BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict,
    ),
)]
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<DecisionBody>,
) -> Result<(StatusCode, Json<ProposalJson>), Problem> {
    signed.who.require(&[Role::Supervisor, Role::Administrator])?;
    let new = parse(body)?;
    // Who has some townships decides for these.
    if new.townships.is_empty() || !new.townships.iter().all(|code| signed.who.sees(Some(code.as_str()))) {
        signed.who.require_everywhere()?;
    }
    let (registry, by) = signed.author(&app);
    let waits = app.parts.second_person;
    let proposal = blocking("deciding about a closure", move || {
        if waits { registry.propose_closure(&new, &by) } else { registry.decide_closure(&new, &by) }
    })
    .await?;
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(proposal_json(&proposal))))
}

fn parse(body: DecisionBody) -> Result<NewClosureDecision, Problem> {
    Ok(NewClosureDecision {
        first: body.first.as_deref().map(|text| date("first", text)).transpose()?,
        last: date("last", &body.last)?,
        rule: body.rule,
        adds: body.adds,
        townships: names(&body.townships, TownshipCode::parse)?,
        zones: names(&body.zones, ZoneId::parse)?,
        legal_basis: body.legal_basis,
        reason: body.reason,
    })
}

fn date(name: &'static str, text: &str) -> Result<LegalDate, Problem> {
    LegalDate::parse(text)
        .ok_or_else(|| Problem::bad_request(format!("{name} `{text}` is no legal date; write it like 2026-06-30")))
}

fn names<T>(words: &[String], parse: impl Fn(&str) -> Result<T, BadName>) -> Result<Vec<T>, Problem> {
    words.iter().map(|word| parse(word).map_err(|error| Problem::bad_request(error.to_string()))).collect()
}

/// The closure calendar, and what waits for a second person.
#[derive(Serialize, ToSchema)]
#[schema(as = Closures)]
pub struct CalendarJson {
    rules: Vec<RuleJson>,
    decisions: Vec<DecisionJson>,
    proposals: Vec<ProposalJson>,
}

/// A rule for every year.
#[derive(Serialize, ToSchema)]
#[schema(as = ClosureRule)]
struct RuleJson {
    name: String,
    #[schema(value_type = Vec<words::ZoneKind>)]
    kinds: Vec<&'static str>,
    townships: Vec<String>,
    zones: Vec<String>,
    #[schema(value_type = Vec<words::LandClass>)]
    land_classes: Vec<&'static str>,
    /// Null: the whole year.
    #[schema(required)]
    season: Option<SeasonJson>,
    #[schema(required, format = Date)]
    effective_from: Option<String>,
    #[schema(required, format = Date)]
    effective_to: Option<String>,
    #[schema(value_type = words::ClosureLevel)]
    level: &'static str,
    legal_basis: String,
    fine_yuan_per_sheep_unit: u32,
}

/// Days of the year, both included.
#[derive(Serialize, ToSchema)]
#[schema(as = ClosureSeason)]
struct SeasonJson {
    /// Like `04-01`.
    from: String,
    to: String,
}

/// What was decided of a single season.
#[derive(Serialize, ToSchema)]
#[schema(as = ClosureDecision)]
struct DecisionJson {
    id: u64,
    rule: String,
    year: i16,
    #[schema(format = Date)]
    first: String,
    #[schema(format = Date)]
    last: String,
    /// These days are closed as well, instead of those of the rule.
    adds: bool,
    townships: Vec<String>,
    zones: Vec<String>,
    legal_basis: String,
    reason: String,
    proposed_by: String,
    approved_by: String,
    known_from: Moment,
}

/// The calendar with what waits.
pub fn calendar_json(calendar: &ClosureCalendar, proposals: &[Proposal]) -> CalendarJson {
    let open = proposals.iter().filter(|proposal| proposal.state == registry::ProposalState::Open);
    CalendarJson {
        rules: calendar.rules.iter().map(rule_json).collect(),
        decisions: calendar.decisions.iter().map(decision_json).collect(),
        proposals: open.map(proposal_json).collect(),
    }
}

fn rule_json(rule: &ClosureRule) -> RuleJson {
    let day = |day: MonthDay| format!("{:02}-{:02}", day.month, day.day);
    RuleJson {
        name: rule.name.clone(),
        kinds: rule.kinds.iter().copied().map(ZoneKind::as_str).collect(),
        townships: rule.townships.iter().map(ToString::to_string).collect(),
        zones: rule.zones.iter().map(ToString::to_string).collect(),
        land_classes: rule.land_classes.iter().map(|class| class.as_str()).collect(),
        season: rule.season.map(|(from, to)| SeasonJson { from: day(from), to: day(to) }),
        effective_from: rule.effective_from.map(|day| day.to_string()),
        effective_to: rule.effective_to.map(|day| day.to_string()),
        level: rule.level.as_str(),
        legal_basis: rule.legal_basis.clone(),
        fine_yuan_per_sheep_unit: rule.fine_yuan_per_sheep_unit,
    }
}

fn decision_json(decision: &ClosureDecision) -> DecisionJson {
    DecisionJson {
        id: decision.id,
        rule: decision.rule.clone(),
        year: decision.year,
        first: decision.first.to_string(),
        last: decision.last.to_string(),
        adds: decision.adds,
        townships: decision.townships.iter().map(ToString::to_string).collect(),
        zones: decision.zones.iter().map(ToString::to_string).collect(),
        legal_basis: decision.legal_basis.clone(),
        reason: decision.reason.clone(),
        proposed_by: decision.proposed_by.clone(),
        approved_by: decision.approved_by.clone(),
        known_from: decision.known_from.into(),
    }
}
