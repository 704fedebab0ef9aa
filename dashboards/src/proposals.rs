//! Changes of zones and closures that wait for a second person.
//!
//! In: who approves or declines which.   Out: the proposals, open and decided.   Never: an approval without the role; that it
//! is another person the registry sees to.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use model::Timestamp;
use registry::{Proposal, Role, Topic};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What declining takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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

/// `GET /zones/proposals`
pub(crate) async fn zones(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Supervisor, Role::ZoneEditor, Role::Administrator, Role::Auditor])?;
    let registry = app.parts.registry.clone();
    let list = blocking("reading the proposals", move || registry.proposals(Topic::Zones)).await?;
    Ok(extract::list(list.iter().map(proposal_json).collect(), None))
}

/// `POST /zones/proposals/{id}/approve`
pub(crate) async fn approve_zones(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<Value>, Problem> {
    approve(state, signed, id, Topic::Zones).await
}

/// `POST /zones/proposals/{id}/decline`
pub(crate) async fn decline_zones(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Body<DeclineBody>,
) -> Result<Json<Value>, Problem> {
    decline(state, signed, id, body, Topic::Zones).await
}

/// `POST /closures/decisions/{id}/approve`
pub(crate) async fn approve_closure(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<Value>, Problem> {
    approve(state, signed, id, Topic::Closures).await
}

/// `POST /closures/decisions/{id}/decline`
pub(crate) async fn decline_closure(
    state: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Body<DeclineBody>,
) -> Result<Json<Value>, Problem> {
    decline(state, signed, id, body, Topic::Closures).await
}

async fn approve(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    topic: Topic,
) -> Result<Json<Value>, Problem> {
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
) -> Result<Json<Value>, Problem> {
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

/// A proposal without its file.
pub fn proposal_json(proposal: &Proposal) -> Value {
    json!({
        "id": proposal.id,
        "kind": proposal.kind.as_str(),
        "state": proposal.state.as_str(),
        "report": proposal.report,
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by,
        "proposed_at": proposal.proposed_at.to_rfc3339(),
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at.map(Timestamp::to_rfc3339),
        "remark": proposal.remark,
        // Written as JSON by the registry itself.
        "evidence": proposal.evidence.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
    })
}
