//! The closure law: rules for every year, decisions for single ones, and what waits for a second person.
//!
//! In: a decision with its document.   Out: the calendar.   Never: a decision without the role, a document and a reason.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, Params};
use crate::problem::Problem;
use crate::proposals::proposal_json;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{
    BadName, ClosureCalendar, ClosureDecision, ClosureRule, LegalDate, MonthDay, TownshipCode, ZoneId, ZoneKind,
};
use registry::{NewClosureDecision, Proposal, Role, Topic};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `GET /closures` takes.
#[derive(Deserialize)]
pub(crate) struct Known {
    known: Option<String>,
}

/// `GET /closures`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _signed: Signed,
    Params(query): Params<Known>,
) -> Result<Json<Value>, Problem> {
    let known = extract::legal_instant("known", query.known.as_deref())?.unwrap_or_else(|| app.now());
    let registry = app.parts.registry.clone();
    let (calendar, proposals) = blocking("reading the closures", move || {
        Ok::<_, Problem>((registry.calendar_as_of(known)?, registry.proposals(Topic::Closures)?))
    })
    .await?;
    Ok(Json(calendar_json(&calendar, &proposals)))
}

/// What `POST /closures/decisions` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    rule: String,
    first: Option<String>,
    last: String,
    #[serde(default)]
    adds: bool,
    #[serde(default)]
    townships: Vec<String>,
    #[serde(default)]
    zones: Vec<String>,
    legal_basis: String,
    reason: String,
}

/// `POST /closures/decisions`
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<DecisionBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
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

/// The calendar with what waits.
pub fn calendar_json(calendar: &ClosureCalendar, proposals: &[Proposal]) -> Value {
    let rules: Vec<_> = calendar.rules.iter().map(rule_json).collect();
    let decisions: Vec<_> = calendar.decisions.iter().map(decision_json).collect();
    let open = proposals.iter().filter(|proposal| proposal.state == registry::ProposalState::Open);
    json!({ "rules": rules, "decisions": decisions, "proposals": open.map(proposal_json).collect::<Vec<_>>() })
}

fn rule_json(rule: &ClosureRule) -> Value {
    let day = |day: MonthDay| format!("{:02}-{:02}", day.month, day.day);
    json!({
        "name": rule.name,
        "kinds": rule.kinds.iter().copied().map(ZoneKind::as_str).collect::<Vec<_>>(),
        "townships": rule.townships.iter().map(TownshipCode::as_str).collect::<Vec<_>>(),
        "zones": rule.zones.iter().map(ZoneId::as_str).collect::<Vec<_>>(),
        "land_classes": rule.land_classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "season": rule.season.map(|(from, to)| json!({ "from": day(from), "to": day(to) })),
        "effective_from": rule.effective_from.map(|day| day.to_string()),
        "effective_to": rule.effective_to.map(|day| day.to_string()),
        "level": rule.level.as_str(),
        "legal_basis": rule.legal_basis,
        "fine_yuan_per_sheep_unit": rule.fine_yuan_per_sheep_unit,
    })
}

fn decision_json(decision: &ClosureDecision) -> Value {
    json!({
        "id": decision.id,
        "rule": decision.rule,
        "year": decision.year,
        "first": decision.first.to_string(),
        "last": decision.last.to_string(),
        "adds": decision.adds,
        "townships": decision.townships.iter().map(TownshipCode::as_str).collect::<Vec<_>>(),
        "zones": decision.zones.iter().map(ZoneId::as_str).collect::<Vec<_>>(),
        "legal_basis": decision.legal_basis,
        "reason": decision.reason,
        "proposed_by": decision.proposed_by,
        "approved_by": decision.approved_by,
        "known_from": decision.known_from.to_rfc3339(),
    })
}
