//! Changes that wait for a second person: shown, approved, declined.
//!
//! In: a number and the operator's name.   Out: what became of it.   Never: an approval by whoever proposed; the registry sees
//! to that, by the name that the system gives the operator.

use super::{operator, print};
use anyhow::Result;
use dashboards::proposal_json;
use model::Timestamp;
use registry::{Proposal, ProposalState, Registry, Topic};
use serde_json::json;

/// Lists them, newest first.
pub fn list(registry: &Registry, topic: Topic, as_json: bool) -> Result<()> {
    let proposals = registry.proposals(topic)?;
    if as_json {
        return print(&json!({"items": proposals.iter().map(proposal_json).collect::<Vec<_>>()}).to_string());
    }
    for proposal in &proposals {
        print(&words(proposal))?;
    }
    if proposals.is_empty() { print("没有提案 there are no proposals") } else { Ok(()) }
}

/// Approves one.
pub fn approve(registry: &Registry, topic: Topic, id: u64, as_json: bool) -> Result<()> {
    show(&registry.approve_proposal(topic, id, &operator())?, as_json)
}

/// Declines one.
pub fn decline(registry: &Registry, topic: Topic, id: u64, reason: &str, as_json: bool) -> Result<()> {
    show(&registry.decline_proposal(topic, id, &operator(), reason)?, as_json)
}

/// One that was just made or decided.
pub fn show(proposal: &Proposal, as_json: bool) -> Result<()> {
    print(&if as_json { json!(proposal_json(proposal)).to_string() } else { words(proposal) })
}

fn words(proposal: &Proposal) -> String {
    let state = match proposal.state {
        ProposalState::Open => "待审 open",
        ProposalState::Approved => "已批准 approved",
        ProposalState::Declined => "未批准 declined",
    };
    let mut text = format!(
        "{} {state}: {} {}: {}",
        proposal.id,
        proposal.proposed_at.to_legal(),
        proposal.proposed_by,
        proposal.reason
    );
    for line in proposal.report.lines() {
        text.push_str(&format!("\n  {line}"));
    }
    if let Some(by) = &proposal.decided_by {
        let at = proposal.decided_at.map(Timestamp::to_legal).unwrap_or_default();
        text.push_str(&format!("\n  {state} {at} {by} {}", proposal.remark.as_deref().unwrap_or_default()));
    }
    text.trim_end().to_owned()
}
