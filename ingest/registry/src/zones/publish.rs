//! From drafts to versions of zones: all of them, or nothing and the reason for each.
//!
//! In: drafts, from when to when they hold, who decided and why.   Out: [`ImportReport`], one line for each draft.
//! Never: half of them; a new version where every instant of its interval would be answered as before.

use super::timeline::{self, Period, Span};
use crate::audit::Change;
use crate::load::Part;
use crate::zone_draft::ZoneDraft;
use crate::zone_report::{FeatureFault, FeatureNote, FeatureOutcome, FeatureReport, MAX_VERSIONS};
use crate::{ImportOptions, ImportReport, MAX_VERTICES, MAX_ZONES, Registry, RegistryError, ZoneImportError, approval};
use model::{Polygon, Timestamp, Zone, ZoneId};
use std::collections::HashSet;
use std::sync::Arc;
use survey::AreaDifference;

/// How far apart zones may lie: the geofence measures differences in 32 bits of 1e-7 degree, which is 214 degrees. One zone
/// with a wrong sign would keep all others from being watched.
const SPREAD_MAX_E7: u32 = 2_000_000_000;
/// How far a stated area may be off before its author is asked to look.
const AREA_TOLERANCE: f64 = 0.01;

/// What drafts become versions by.
pub(crate) struct Terms<'a> {
    pub(crate) in_force: Option<Timestamp>,
    pub(crate) in_force_to: Option<Timestamp>,
    pub(crate) reason: &'a str,
    pub(crate) published_by: &'a str,
}

impl Registry {
    /// Publishes every draft as a version of its zone: all of them, or none and the reasons. Of the options only the dates and
    /// the dry run count here.
    pub fn publish_zones(
        &self,
        drafts: Vec<ZoneDraft>,
        options: ImportOptions,
        by: &str,
        reason: &str,
    ) -> Result<ImportReport, ZoneImportError> {
        if !options.dry_run {
            approval::check_reason(reason)?;
        }
        let ImportOptions { in_force, in_force_to, .. } = options;
        let terms = Terms { in_force, in_force_to, reason, published_by: by };
        let differences = if options.dry_run { self.differences(&drafts) } else { Vec::new() };
        // A dry run takes the same way and turns back at the end, so its answer is the real one.
        let outcome = self.write(by, |change| {
            let mut report = self.publish_in(change, drafts, &terms)?;
            report.dry_run = options.dry_run;
            if options.dry_run { Err(Stop::DryRun(report)) } else { Ok(report) }
        });
        match outcome {
            Ok(report) => Ok(report),
            Err(Stop::DryRun(mut report)) => {
                for (feature, difference) in report.features.iter_mut().zip(differences) {
                    feature.difference = difference;
                }
                Ok(report)
            }
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// For each draft, how its land differs from that in force.
    fn differences(&self, drafts: &[ZoneDraft]) -> Vec<Option<AreaDifference>> {
        let view = self.view().borrow().clone();
        drafts
            .iter()
            .map(|draft| {
                let held = view.zone(&draft.id).filter(|held| held.polygons != draft.polygons)?;
                survey::difference(&held.polygons, &draft.polygons)
            })
            .collect()
    }

    /// The same as a part of a change.
    pub(crate) fn publish_in(
        &self,
        change: &Change<'_>,
        drafts: Vec<ZoneDraft>,
        terms: &Terms<'_>,
    ) -> Result<ImportReport, ZoneImportError> {
        check_spread(&drafts, &self.view().borrow().zones)?;
        let from = terms.in_force.unwrap_or(change.now);
        if let Some(to) = terms.in_force_to.filter(|to| *to <= from) {
            let remedy = format!("the versions would begin at {from}; let them end later");
            return Err(RegistryError::invalid("in_force_to", &to.to_rfc3339(), remedy).into());
        }
        let in_force = Period { from, to: terms.in_force_to };
        let mut report = ImportReport { features: Vec::with_capacity(drafts.len()), dry_run: false };
        for (index, draft) in drafts.into_iter().enumerate() {
            let id = Some(draft.id.to_string());
            let repairs = draft.repairs.iter().cloned().map(FeatureNote::Repaired);
            let notes = repairs.chain(area_note(&draft)).collect();
            let outcome = publish_one(change, draft, in_force, terms)?;
            report.features.push(FeatureReport { index, id, outcome, notes, difference: None });
        }
        if report.refused().next().is_some() {
            return Err(ZoneImportError::Refused(report));
        }
        if report.published() > 0 {
            check_size(super::size(change.transaction)?)?;
            change.touch(Part::Zones)?;
        }
        Ok(report)
    }
}

fn publish_one(
    change: &Change<'_>,
    draft: ZoneDraft,
    in_force: Period,
    terms: &Terms<'_>,
) -> Result<FeatureOutcome, RegistryError> {
    if draft.polygons.is_empty() {
        return Ok(FeatureOutcome::Refused(FeatureFault::Land(survey::LandFault::Empty)));
    }
    let spans = super::spans(change.transaction, &draft.id)?;
    if let Some(version) = unchanged(change, &draft, &spans, in_force)? {
        return Ok(FeatureOutcome::Unchanged { version });
    }
    let newest = spans.last().map_or(0, |span| span.version);
    if newest >= MAX_VERSIONS {
        return Ok(FeatureOutcome::Refused(FeatureFault::Versions));
    }
    let before = spans.last().map(|span| super::version(change.transaction, &draft.id, span.version)).transpose()?;
    super::insert(change, &into_zone(draft, newest + 1, in_force, change.now, terms), before.as_ref())?;
    Ok(FeatureOutcome::Published { version: newest + 1 })
}

/// The version that says the same already, where one or several do over the whole interval.
fn unchanged(
    change: &Change<'_>,
    draft: &ZoneDraft,
    spans: &[Span],
    in_force: Period,
) -> Result<Option<u32>, RegistryError> {
    let (deciders, everywhere) = timeline::deciders(spans, in_force);
    if !everywhere || deciders.iter().any(|span| span.repealed) {
        return Ok(None);
    }
    for span in &deciders {
        if !says(&super::version(change.transaction, &draft.id, span.version)?, draft) {
            return Ok(None);
        }
    }
    Ok(deciders.first().map(|span| span.version))
}

/// Whether a version says what the draft says.
fn says(zone: &Zone, draft: &ZoneDraft) -> bool {
    zone.name == draft.name
        && zone.kind == draft.kind
        && zone.land_class == draft.land_class
        && zone.township == draft.township
        && zone.enforcement_body == draft.enforcement_body
        && zone.legal_basis == draft.legal_basis
        && zone.area_mu == draft.area_mu
        && zone.capacity_sheep_units == draft.capacity_sheep_units
        && zone.polygons == draft.polygons
}

fn into_zone(draft: ZoneDraft, version: u32, in_force: Period, known_from: Timestamp, terms: &Terms<'_>) -> Zone {
    Zone {
        version,
        in_force_from: in_force.from,
        in_force_to: in_force.to,
        known_from,
        reason: terms.reason.to_owned(),
        published_by: terms.published_by.to_owned(),
        ..draft.preview()
    }
}

fn area_note(draft: &ZoneDraft) -> Option<FeatureNote> {
    let stated_mu = draft.area_mu?;
    let computed_mu = model::area_mu(&draft.polygons);
    let off = (computed_mu - stated_mu).abs() > AREA_TOLERANCE * stated_mu;
    off.then_some(FeatureNote::Area { stated_mu, computed_mu })
}

/// Why the transaction of an import is rolled back.
enum Stop {
    DryRun(ImportReport),
    Error(ZoneImportError),
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        Self::Error(error.into())
    }
}

impl From<ZoneImportError> for Stop {
    fn from(error: ZoneImportError) -> Self {
        Self::Error(error)
    }
}

/// New zones may not lie so far from the others that the geofence cannot hold them together.
fn check_spread(drafts: &[ZoneDraft], held: &[Arc<Zone>]) -> Result<(), ZoneImportError> {
    let replaced: HashSet<&ZoneId> = drafts.iter().map(|draft| &draft.id).collect();
    let stays = held.iter().filter(|zone| !replaced.contains(&zone.id)).filter_map(|zone| longitude(&zone.polygons));
    let new = drafts.iter().filter_map(|draft| Some((longitude(&draft.polygons)?, &draft.id)));
    let mut all: Vec<i32> = new.clone().map(|(lon_e7, _)| lon_e7).chain(stays).collect();
    all.sort_unstable();
    let (Some(west), Some(east), Some(middle)) = (all.first(), all.last(), all.get(all.len() / 2)) else {
        return Ok(());
    };
    if east.abs_diff(*west) <= SPREAD_MAX_E7 {
        return Ok(());
    }
    // Most zones lie where the county is; the one that is farthest from there is the slip of the pen.
    match new.map(|(lon_e7, id)| (lon_e7.abs_diff(*middle), id)).max() {
        Some((off_e7, id)) => Err(ZoneImportError::Misplaced { id: id.clone(), degrees: f64::from(off_e7) / 1e7 }),
        None => Ok(()),
    }
}

/// Of any point of a zone, in 1e-7 degree.
fn longitude(polygons: &[Polygon]) -> Option<i32> {
    Some(polygons.first()?.exterior.first()?.lon_e7)
}

fn check_size((zones, vertices): (u64, u64)) -> Result<(), RegistryError> {
    if zones > MAX_ZONES {
        return Err(RegistryError::Limit { what: "zones", limit: MAX_ZONES });
    }
    if vertices > MAX_VERTICES {
        return Err(RegistryError::Limit { what: "vertices of zones", limit: MAX_VERTICES });
    }
    Ok(())
}
