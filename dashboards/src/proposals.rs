//! Changes of zones and closures that wait for a second person.
//!
//! In: who approves or declines which.   Out: the proposals, open and decided.   Never: an approval without the role; that it
//! is another person the registry sees to.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, List};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::Timestamp;
use registry::{ClosureTerms, Proposal, Role, Topic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// What declining takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeclineProposal)]
pub(crate) struct DeclineBody {
    reason: String,
}

/// Who may decide about a change.
fn deciders(topic: Topic) -> &'static [Role] {
    match topic {
        Topic::Zones => &[Role::Supervisor, Role::ZoneEditor, Role::Administrator],
        Topic::Closures => &[Role::Supervisor, Role::Administrator],
    }
}

/// Changes of zones that wait for a second person or were decided, newest first.
#[utoipa::path(
    get, path = "/api/v1/zones/proposals", tag = "zones",
    responses((status = 200, body = List<ProposalJson>), NotLoggedIn, Forbidden),
)]
pub(crate) async fn zones(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<ProposalJson>>, Problem> {
    signed.who.require(&[Role::Supervisor, Role::ZoneEditor, Role::Administrator, Role::Auditor])?;
    let registry = app.parts.registry.clone();
    let list = blocking("reading the proposals", move || registry.proposals(Topic::Zones)).await?;
    Ok(extract::list(list.iter().map(proposal_json).collect(), None))
}

/// Carry a change of zones out; not by whoever proposed it.
#[utoipa::path(
    post, path = "/api/v1/zones/proposals/{id}/approve", tag = "zones",
    responses((status = 200, body = ProposalJson), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn approve_zones(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<ProposalJson>, Problem> {
    approve(state, signed, id, Topic::Zones).await
}

/// Lay a change of zones aside.
#[utoipa::path(
    post, path = "/api/v1/zones/proposals/{id}/decline", tag = "zones",
    request_body = DeclineBody,
    responses((status = 200, body = ProposalJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn decline_zones(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Body<DeclineBody>,
) -> Result<Json<ProposalJson>, Problem> {
    decline(state, signed, id, body, Topic::Zones).await
}

/// Make a proposed decision or calendar law; not by whoever proposed it.
#[utoipa::path(
    post, path = "/api/v1/closures/decisions/{id}/approve", tag = "closures",
    responses((status = 200, body = ProposalJson), NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn approve_closure(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<ProposalJson>, Problem> {
    approve(state, signed, id, Topic::Closures).await
}

/// Lay a proposed decision or calendar aside.
#[utoipa::path(
    post, path = "/api/v1/closures/decisions/{id}/decline", tag = "closures",
    request_body = DeclineBody,
    responses((status = 200, body = ProposalJson), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn decline_closure(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Body<DeclineBody>,
) -> Result<Json<ProposalJson>, Problem> {
    decline(state, signed, id, body, Topic::Closures).await
}

async fn approve(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    topic: Topic,
) -> Result<Json<ProposalJson>, Problem> {
    signed.who.require(deciders(topic))?;
    signed.who.require_everywhere()?;
    let id = number(&id)?;
    let (registry, by) = signed.author(&app);
    let done = blocking("approving a proposal", move || registry.approve_proposal(topic, id, &by)).await?;
    Ok(Json(proposal_json(&done)))
}

async fn decline(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<DeclineBody>,
    topic: Topic,
) -> Result<Json<ProposalJson>, Problem> {
    signed.who.require(deciders(topic))?;
    signed.who.require_everywhere()?;
    let id = number(&id)?;
    let (registry, by) = signed.author(&app);
    let done =
        blocking("declining a proposal", move || registry.decline_proposal(topic, id, &by, &body.reason)).await?;
    Ok(Json(proposal_json(&done)))
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::not_found(format!("there is no proposal `{id}`; it has a number")))
}

/// A legal date or an instant in a body.
pub(crate) fn legal_field(name: &'static str, text: &str) -> Result<Timestamp, Problem> {
    extract::legal_instant(name, Some(text))?.ok_or_else(|| Problem::bad_request(format!("field `{name}` is missing")))
}

/// A change that waits for a second person, or was decided; without its file.
#[derive(Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalJson {
    id: u64,
    /// `zones`, `repeal`, `closure` or `rules`.
    kind: &'static str,
    /// `open`, `approved` or `declined`.
    state: &'static str,
    /// What it does, in words.
    report: String,
    reason: String,
    proposed_by: String,
    proposed_at: Moment,
    #[schema(required)]
    decided_by: Option<String>,
    #[schema(required)]
    decided_at: Option<Moment>,
    #[schema(required)]
    remark: Option<String>,
    /// What a program proposes it from, in whatever shape that has.
    #[schema(required)]
    evidence: Option<Value>,
    /// What it would decide of a single season; null where it is about something else.
    #[schema(required)]
    closure: Option<ClosureTermsJson>,
}

/// What a proposal would decide of a season.
#[derive(Serialize, ToSchema)]
#[schema(as = ClosureTerms)]
struct ClosureTermsJson {
    /// The rule's whole name.
    rule: String,
    /// In which the season begins.
    year: i16,
    /// First legal day.
    #[schema(format = Date)]
    first: String,
    /// Last legal day, included.
    #[schema(format = Date)]
    last: String,
    /// These days are closed as well, instead of those of the rule.
    adds: bool,
    /// Empty: wherever the rule holds.
    townships: Vec<String>,
    /// Empty: all of the rule's.
    zones: Vec<String>,
    /// Number of the document.
    legal_basis: String,
}

/// A proposal as the API shows it.
pub fn proposal_json(proposal: &Proposal) -> ProposalJson {
    ProposalJson {
        id: proposal.id,
        kind: proposal.kind.as_str(),
        state: proposal.state.as_str(),
        report: proposal.report.clone(),
        reason: proposal.reason.clone(),
        proposed_by: proposal.proposed_by.clone(),
        proposed_at: proposal.proposed_at.into(),
        decided_by: proposal.decided_by.clone(),
        decided_at: proposal.decided_at.map(Moment),
        remark: proposal.remark.clone(),
        // Written as JSON by the registry itself.
        evidence: proposal.evidence.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        closure: proposal.closure.as_ref().map(terms_json),
    }
}

fn terms_json(terms: &ClosureTerms) -> ClosureTermsJson {
    ClosureTermsJson {
        rule: terms.rule.clone(),
        year: terms.year,
        first: terms.first.clone(),
        last: terms.last.clone(),
        adds: terms.adds,
        townships: terms.townships.clone(),
        zones: terms.zones.clone(),
        legal_basis: terms.legal_basis.clone(),
    }
}
