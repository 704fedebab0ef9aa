//! Changes of the land that wait for a second person.
//!
//! In: drafts, or a zone to repeal.   Out: a [`Proposal`] that keeps them as a file with the dry run's words; approved, the
//! versions.   Never: an approval of a change to versions that are not the newest any more.

use super::publish::Terms;
use crate::approval::{self, NewProposal, Waiting};
use crate::audit::Change;
use crate::zone_draft::ZoneDraft;
use crate::{
    ImportOptions, ImportReport, Proposal, ProposalKind, Registry, RegistryError, ZoneImportError, zone_import,
};
use model::{Timestamp, ZoneId};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use survey::{ReadOptions, Source, Survey};

/// Of a dry run's words that are kept: as many as a person reads before approving; the file itself is kept whole.
const REPORT_LINES: usize = 200;

/// What a file of zones is published by, and the newest version of each zone when it was proposed.
#[derive(Serialize, Deserialize)]
struct ZonesTerms {
    in_force_ms: Option<i64>,
    in_force_to_ms: Option<i64>,
    base: BTreeMap<String, u32>,
}

#[derive(Serialize, Deserialize)]
struct RepealTerms {
    zone: String,
    from_ms: i64,
    base: u32,
}

impl Registry {
    /// Proposes what [`Registry::import_zones`] would publish. The kinds are settled now, `in_force: None` means
    /// the instant of the approval.
    pub fn propose_zones(
        &self,
        survey: &Survey,
        options: ImportOptions,
        by: &str,
        reason: &str,
    ) -> Result<(Proposal, ImportReport), ZoneImportError> {
        self.propose_drafts(zone_import::drafts(survey, options)?, options, by, reason)
    }

    /// Proposes what [`Registry::publish_zones`] would publish.
    pub fn propose_drafts(
        &self,
        drafts: Vec<ZoneDraft>,
        options: ImportOptions,
        by: &str,
        reason: &str,
    ) -> Result<(Proposal, ImportReport), ZoneImportError> {
        approval::check_reason(reason)?;
        let body = super::export::drafts_text(&drafts);
        let ids: Vec<ZoneId> = drafts.iter().map(|draft| draft.id.clone()).collect();
        let base = self.read(|connection| base(connection, &ids))?;
        let dry_run = ImportOptions { dry_run: true, ..options };
        let report = ImportReport { dry_run: false, ..self.publish_zones(drafts, dry_run, by, "")? };
        if report.published() == 0 {
            let remedy = "every zone of the file says this already; there is nothing to propose";
            return Err(RegistryError::invalid("file", &format!("{} zones", ids.len()), remedy).into());
        }
        let (in_force_ms, in_force_to_ms) =
            (options.in_force.map(Timestamp::as_millis), options.in_force_to.map(Timestamp::as_millis));
        let terms = json!(ZonesTerms { in_force_ms, in_force_to_ms, base });
        let new = NewProposal { kind: ProposalKind::Zones, terms, report: report.digest(REPORT_LINES), reason, body };
        let proposal = self.write::<_, RegistryError>(by, |change| approval::propose(change, new))?;
        Ok((proposal, report))
    }

    /// Proposes what [`Registry::repeal_zone`] would do.
    pub fn propose_repeal(
        &self,
        id: &ZoneId,
        from: Timestamp,
        by: &str,
        reason: &str,
    ) -> Result<Proposal, RegistryError> {
        self.write(by, |change| {
            let base = newest(change.transaction, id)?;
            super::repeal::check(change.transaction, id, from)?;
            let terms = json!(RepealTerms { zone: id.to_string(), from_ms: from.as_millis(), base });
            let report = format!("zone {id} is repealed from {}", from.to_legal());
            approval::propose(
                change,
                NewProposal { kind: ProposalKind::Repeal, terms, report, reason, body: String::new() },
            )
        })
    }
}

fn newest(connection: &Connection, id: &ZoneId) -> Result<u32, RegistryError> {
    Ok(super::spans(connection, id)?.last().map_or(0, |span| span.version))
}

fn base(connection: &Connection, ids: &[ZoneId]) -> Result<BTreeMap<String, u32>, RegistryError> {
    ids.iter().map(|id| Ok((id.to_string(), newest(connection, id)?))).collect()
}

fn check_base(change: &Change<'_>, waiting: &Waiting, id: &ZoneId, base: u32) -> Result<(), RegistryError> {
    match newest(change.transaction, id)? {
        found if found == base => Ok(()),
        found => Err(waiting.stale(format!("zone {id} has version {found} by now, it was made on version {base}"))),
    }
}

/// Publishes the file of a proposal.
pub(crate) fn publish(registry: &Registry, change: &Change<'_>, waiting: &Waiting) -> Result<(), RegistryError> {
    let terms: ZonesTerms = waiting.terms()?;
    // The file is our own: whatever there was to mend or to join was mended before it was proposed.
    let source = Source::file("proposal.geojson", waiting.body.as_bytes());
    let as_it_is = ReadOptions { snap_m: 0.0, ..ReadOptions::default() };
    let survey = survey::read(&source, &as_it_is).map_err(|error| waiting.stale(error))?;
    let drafts = zone_import::drafts(&survey, ImportOptions::default()).map_err(|error| waiting.stale(error))?;
    for draft in &drafts {
        check_base(change, waiting, &draft.id, terms.base.get(draft.id.as_str()).copied().unwrap_or(0))?;
    }
    let publication = Terms {
        in_force: terms.in_force_ms.map(Timestamp::from_millis),
        in_force_to: terms.in_force_to_ms.map(Timestamp::from_millis),
        reason: &waiting.proposal.reason,
        published_by: &waiting.proposal.proposed_by,
    };
    match registry.publish_in(change, drafts, &publication) {
        Ok(_) => Ok(()),
        Err(ZoneImportError::Registry(RegistryError::Busy)) => Err(RegistryError::Busy),
        Err(error) => Err(waiting.stale(error)),
    }
}

/// Repeals the zone of a proposal.
pub(crate) fn repeal(change: &Change<'_>, waiting: &Waiting) -> Result<(), RegistryError> {
    let terms: RepealTerms = waiting.terms()?;
    let id = ZoneId::parse(&terms.zone).map_err(|error| waiting.stale(error))?;
    check_base(change, waiting, &id, terms.base)?;
    let (proposal, from) = (&waiting.proposal, Timestamp::from_millis(terms.from_ms));
    super::repeal::repeal(change, &id, from, &proposal.proposed_by, &proposal.reason).map(|_version| ())
}
