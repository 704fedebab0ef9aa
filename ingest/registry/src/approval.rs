//! Changes that wait for a second person: proposed by one, carried out when another approves.
//!
//! In: a change with its reason, made ready by `zones` or `closures`.   Out: [`Proposal`]s; an approved one is carried out in
//! the same transaction.   Never: an approval by whoever proposed; an approval of what has changed meanwhile; a proposal
//! without its audit entry. Open proposals are bounded in number and size, decided ones lose their files.

use crate::audit::Change;
use crate::closures::ClosureTerms;
use crate::proposal::{COLUMNS, Proposal, ProposalKind, ProposalState, Topic, proposal};
use crate::zones::proposals as zones;
use crate::{Registry, RegistryError, closures};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};

/// Open proposals at once: more than a shift can look at.
pub const MAX_OPEN_PROPOSALS: u64 = 100;
/// Of all open proposals' files together.
const MAX_BODY_BYTES: u64 = 256 << 20;
/// Decided ones in a list.
const DECIDED_LISTED: usize = 100;
/// Decided ones that are kept; the audit keeps all.
const MAX_DECIDED: u64 = 1_000;
const MAX_REASON_CHARS: usize = 500;

impl Registry {
    /// The proposals about a topic, newest first: all that are open, and the last hundred that were decided.
    pub fn proposals(&self, topic: Topic) -> Result<Vec<Proposal>, RegistryError> {
        self.read(|connection| {
            let mut query = connection.prepare(&format!("SELECT {COLUMNS} FROM proposal ORDER BY id DESC"))?;
            let mut decided = 0;
            let mut list = Vec::new();
            for proposal in query.query_and_then([], proposal)? {
                let proposal = proposal?;
                if proposal.kind.topic() != topic {
                    continue;
                }
                decided += usize::from(proposal.state != ProposalState::Open);
                if proposal.state == ProposalState::Open || decided <= DECIDED_LISTED {
                    list.push(proposal);
                }
            }
            Ok(list)
        })
    }

    /// Carries a proposal out. Whoever approves is another person than who proposed.
    pub fn approve_proposal(&self, topic: Topic, id: u64, by: &str) -> Result<Proposal, RegistryError> {
        self.write(by, |change| {
            let waiting = waiting(change.transaction, topic, id)?;
            if person(by) == person(&waiting.proposal.proposed_by) {
                return Err(RegistryError::OwnProposal { id, by: by.to_owned() });
            }
            match waiting.proposal.kind {
                ProposalKind::Zones => zones::publish(self, change, &waiting)?,
                ProposalKind::Repeal => zones::repeal(change, &waiting)?,
                ProposalKind::Closure => closures::check(change, &waiting)?,
                ProposalKind::Rules => closures::publish_rules(change, &waiting)?,
            }
            decide(change, waiting.proposal, ProposalState::Approved, None)
        })
    }

    /// Lays a proposal aside, with the reason. Whoever proposed may do it too.
    pub fn decline_proposal(&self, topic: Topic, id: u64, by: &str, reason: &str) -> Result<Proposal, RegistryError> {
        check_reason(reason)?;
        self.write(by, |change| {
            let waiting = waiting(change.transaction, topic, id)?;
            decide(change, waiting.proposal, ProposalState::Declined, Some(reason))
        })
    }
}

/// The reason of a change, which is kept and shown for good.
pub(crate) fn check_reason(reason: &str) -> Result<(), RegistryError> {
    check_text("reason", reason, "say in 1 to 500 visible characters why")
}

/// A text of one line that has to say something.
pub(crate) fn check_text(key: &'static str, text: &str, remedy: &str) -> Result<(), RegistryError> {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_REASON_CHARS;
    if fits && !text.chars().any(char::is_control) { Ok(()) } else { Err(RegistryError::invalid(key, text, remedy)) }
}

/// The person behind a name in the audit: the same at the console, on the command line, and by a token of theirs.
fn person(by: &str) -> &str {
    let by = by.strip_prefix("cli:").unwrap_or(by);
    by.split_once(crate::tokens::MARK).map_or(by, |(person, _)| person)
}

/// A change that is to be proposed.
pub(crate) struct NewProposal<'a> {
    pub(crate) kind: ProposalKind,
    /// What only the module knows that carries it out.
    pub(crate) terms: Value,
    pub(crate) report: String,
    pub(crate) reason: &'a str,
    /// A file, for the kinds that have one.
    pub(crate) body: String,
}

/// A proposal with what it takes to carry it out.
pub(crate) struct Waiting {
    pub(crate) proposal: Proposal,
    pub(crate) terms: String,
    pub(crate) body: String,
}

impl Waiting {
    /// What was written as `terms`.
    pub(crate) fn terms<T: serde::de::DeserializeOwned>(&self) -> Result<T, RegistryError> {
        serde_json::from_str(&self.terms).map_err(|_| RegistryError::corrupt("proposal", self.proposal.id.to_string()))
    }

    /// Why it cannot be carried out, with what would do.
    pub(crate) fn stale(&self, why: impl std::fmt::Display) -> RegistryError {
        let why = format!("cannot be carried out: {why}; decline it and propose again");
        RegistryError::Proposal { id: self.proposal.id, why }
    }
}

/// Keeps a proposal and writes its audit entry.
pub(crate) fn propose(change: &Change<'_>, new: NewProposal<'_>) -> Result<Proposal, RegistryError> {
    check_reason(new.reason)?;
    let (open, bytes): (i64, i64) = change.transaction.query_row(
        "SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0) FROM proposal WHERE state = 'open'",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if u64::try_from(open).unwrap_or(u64::MAX) >= MAX_OPEN_PROPOSALS {
        return Err(RegistryError::Limit { what: "open proposals", limit: MAX_OPEN_PROPOSALS });
    }
    if u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(new.body.len() as u64) > MAX_BODY_BYTES {
        return Err(RegistryError::Limit { what: "bytes of open proposals", limit: MAX_BODY_BYTES });
    }
    change.transaction.execute(
        "INSERT INTO proposal (kind, terms, report, reason, proposed_by, proposed_at_ms, state, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)",
        params![
            new.kind.as_str(),
            new.terms.to_string(),
            new.report,
            new.reason,
            change.by(),
            change.now.as_millis(),
            new.body
        ],
    )?;
    let id = u64::try_from(change.transaction.last_insert_rowid()).unwrap_or_default();
    let after = json!({
        "kind": new.kind.as_str(),
        "terms": new.terms,
        "reason": new.reason,
        "body": blake3::hash(new.body.as_bytes()).to_hex().as_str(),
    });
    change.audit(format!("proposal.add {id}"), None, Some(after))?;
    let closure = closure_terms(&new)?;
    Ok(Proposal {
        id,
        kind: new.kind,
        report: new.report,
        reason: new.reason.to_owned(),
        proposed_by: change.by().to_owned(),
        proposed_at: change.now,
        state: ProposalState::Open,
        decided_by: None,
        decided_at: None,
        remark: None,
        evidence: new.terms.get("evidence").map(Value::to_string),
        closure,
    })
}

/// What a proposal about a season would decide.
fn closure_terms(new: &NewProposal<'_>) -> Result<Option<ClosureTerms>, RegistryError> {
    if new.kind != ProposalKind::Closure {
        return Ok(None);
    }
    let read = ClosureTerms::deserialize(&new.terms);
    read.map(Some).map_err(|error| RegistryError::corrupt("terms of a proposal", error.to_string()))
}

fn waiting(connection: &Connection, topic: Topic, id: u64) -> Result<Waiting, RegistryError> {
    let row = connection
        .query_row(
            &format!("SELECT {COLUMNS}, terms, body FROM proposal WHERE id = ?1"),
            [i64::try_from(id).unwrap_or(i64::MAX)],
            |row| Ok((proposal(row), row.get(12)?, row.get(13)?)),
        )
        .optional()?;
    let not_found = || RegistryError::NotFound { what: "proposal", name: id.to_string() };
    let (found, terms, body) = row.ok_or_else(not_found)?;
    let proposal = found?;
    if proposal.kind.topic() != topic {
        return Err(not_found());
    }
    if proposal.state != ProposalState::Open {
        return Err(RegistryError::Proposal { id, why: format!("is {} already", proposal.state.as_str()) });
    }
    Ok(Waiting { proposal, terms, body })
}

/// Writes down what became of a proposal, in the change that carried it out.
pub(crate) fn decide(
    change: &Change<'_>,
    proposal: Proposal,
    state: ProposalState,
    remark: Option<&str>,
) -> Result<Proposal, RegistryError> {
    let id = i64::try_from(proposal.id).unwrap_or(i64::MAX);
    change.transaction.execute(
        "UPDATE proposal SET state = ?2, decided_by = ?3, decided_at_ms = ?4, remark = ?5, body = '' WHERE id = ?1",
        params![id, state.as_str(), change.by(), change.now.as_millis(), remark],
    )?;
    // An approved closure is law and stays.
    change.transaction.execute(
        "DELETE FROM proposal WHERE id IN (SELECT id FROM proposal
         WHERE state <> 'open' AND NOT (kind = 'closure' AND state = 'approved') ORDER BY id DESC LIMIT -1 OFFSET ?1)",
        [i64::try_from(MAX_DECIDED).unwrap_or(i64::MAX)],
    )?;
    let after = json!({ "kind": proposal.kind.as_str(), "proposed_by": proposal.proposed_by, "remark": remark });
    let what = if state == ProposalState::Approved { "approve" } else { "decline" };
    change.audit(format!("proposal.{what} {}", proposal.id), None, Some(after))?;
    Ok(Proposal {
        state,
        decided_by: Some(change.by().to_owned()),
        decided_at: Some(change.now),
        remark: remark.map(str::to_owned),
        ..proposal
    })
}
