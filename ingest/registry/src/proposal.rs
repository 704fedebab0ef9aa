//! What a proposal is, and how its row reads.
//!
//! In: rows.   Out: [`Proposal`]s.   Never: a change; those are `approval`'s.

use crate::RegistryError;
use crate::closures::ClosureTerms;
use model::Timestamp;
use rusqlite::Row;

/// What a proposal would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalKind {
    /// Publish versions of zones.
    Zones,
    /// Repeal a zone.
    Repeal,
    /// Give a closure other days in one year.
    Closure,
    /// Publish another closure calendar.
    Rules,
}

/// What a proposal is about, and so whose it is to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The land.
    Zones,
    /// The law over it.
    Closures,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// It waits.
    Open,
    /// It was carried out.
    Approved,
    /// It was not.
    Declined,
}

/// A change that one person proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its number.
    pub id: u64,
    /// What it would do.
    pub kind: ProposalKind,
    /// The same in words: what a dry run said.
    pub report: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// What became of it.
    pub state: ProposalState,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub remark: Option<String>,
    /// What shows that it is called for, as JSON, where the platform itself proposed it.
    pub evidence: Option<String>,
    /// What it would decide, where it is about a single season.
    pub closure: Option<ClosureTerms>,
}

impl ProposalKind {
    const ALL: [Self; 4] = [Self::Zones, Self::Repeal, Self::Closure, Self::Rules];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zones => "zones",
            Self::Repeal => "repeal",
            Self::Closure => "closure",
            Self::Rules => "rules",
        }
    }

    /// Whose it is to approve.
    pub fn topic(self) -> Topic {
        match self {
            Self::Zones | Self::Repeal => Topic::Zones,
            Self::Closure | Self::Rules => Topic::Closures,
        }
    }
}

impl ProposalState {
    const ALL: [Self; 3] = [Self::Open, Self::Approved, Self::Declined];

    /// As written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// What [`proposal`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, kind, report, reason, proposed_by, proposed_at_ms, state, decided_by, decided_at_ms, remark, \
     json_extract(terms, '$.evidence'), CASE kind WHEN 'closure' THEN json_remove(terms, '$.evidence') END";

/// One row.
pub(crate) fn proposal(row: &Row<'_>) -> Result<Proposal, RegistryError> {
    let id: i64 = row.get(0)?;
    let (kind, state): (String, String) = (row.get(1)?, row.get(6)?);
    let corrupt = || RegistryError::corrupt("proposal", id.to_string());
    Ok(Proposal {
        id: u64::try_from(id).map_err(|_| corrupt())?,
        kind: ProposalKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(corrupt)?,
        report: row.get(2)?,
        reason: row.get(3)?,
        proposed_by: row.get(4)?,
        proposed_at: Timestamp::from_millis(row.get(5)?),
        state: ProposalState::ALL.into_iter().find(|known| known.as_str() == state).ok_or_else(corrupt)?,
        decided_by: row.get(7)?,
        decided_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        remark: row.get(9)?,
        evidence: row.get(10)?,
        closure: row
            .get::<_, Option<String>>(11)?
            .map(|terms| serde_json::from_str(&terms).map_err(|_| corrupt()))
            .transpose()?,
    })
}
