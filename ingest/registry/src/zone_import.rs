//! From a surveyor's file to drafts of zones: all of it, or nothing and the reason for each feature.
//!
//! In: a [`Survey`], read and repaired.   Out: drafts, or an [`ImportReport`] with a line for each feature.   Next: `publish`.
//! Never: half a file.

use crate::zone_draft::{ZoneDraft, draft};
use crate::zone_report::{FeatureFault, FeatureOutcome, FeatureReport, ImportReport};
use crate::{Registry, RegistryError, geometry};
use model::{Timestamp, ZoneId, ZoneKind};
use std::collections::HashMap;
use survey::Survey;

/// Zones of one registry; the plan of a banner has some hundred.
pub const MAX_ZONES: u64 = 10_000;
/// Vertices of all zones' newest versions; the geofence keeps them in memory.
pub const MAX_VERTICES: u64 = 5_000_000;

/// What the features of a file become.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// The kind of every zone in the file, whatever the features say; `None`: as each feature says.
    pub kind: Option<ZoneKind>,
    /// From when the versions hold; `None`: from now.
    pub in_force: Option<Timestamp>,
    /// Until when (exclusive); `None`: until others replace them.
    pub in_force_to: Option<Timestamp>,
    /// Say what would happen and change nothing.
    pub dry_run: bool,
}

/// Why a file was not imported; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ZoneImportError {
    /// Correct the coordinates.
    #[error(
        "no zone was imported: zone `{id}` lies {degrees:.0} degrees from the others; check the sign and the order (longitude \
         first) of its coordinates"
    )]
    Misplaced {
        /// Which zone.
        id: ZoneId,
        /// How far it is off.
        degrees: f64,
    },
    /// Correct the features.
    #[error("no zone was imported: {0}")]
    Refused(ImportReport),
    /// Anything that is not the file's fault, and the registry's limits.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Registry {
    /// Publishes every feature of a survey as a version of a zone: all of them, or none and the reasons. `reason` is kept with
    /// each version; a dry run needs none.
    pub fn import_zones(
        &self,
        survey: &Survey,
        options: ImportOptions,
        by: &str,
        reason: &str,
    ) -> Result<ImportReport, ZoneImportError> {
        self.publish_zones(drafts(survey, options)?, options, by, reason)
    }
}

/// Every feature of the survey as a draft, or the reasons.
pub fn drafts(survey: &Survey, options: ImportOptions) -> Result<Vec<ZoneDraft>, ZoneImportError> {
    if survey.features.len() as u64 > MAX_ZONES {
        return Err(RegistryError::Limit { what: "zones", limit: MAX_ZONES }.into());
    }
    let mut drafts: Vec<ZoneDraft> = Vec::with_capacity(survey.features.len());
    let mut report = ImportReport { features: Vec::new(), dry_run: options.dry_run };
    let mut seen: HashMap<ZoneId, usize> = HashMap::new();
    let mut vertices = 0;
    for feature in &survey.features {
        let index = feature.index;
        let id = feature.attributes.get("id").map(|id| id.chars().take(64).collect());
        let draft = draft(feature, options.kind).and_then(|draft| match seen.insert(draft.id.clone(), index) {
            Some(first) => Err(FeatureFault::IdTwice { first }),
            None => Ok(draft),
        });
        let outcome = match draft {
            Ok(draft) => {
                vertices += geometry::vertices(&draft.polygons);
                drafts.push(draft);
                FeatureOutcome::Published { version: 0 }
            }
            Err(fault) => FeatureOutcome::Refused(fault),
        };
        report.features.push(FeatureReport { index, id, outcome, notes: Vec::new(), difference: None });
        if vertices > MAX_VERTICES {
            return Err(RegistryError::Limit { what: "vertices of zones", limit: MAX_VERTICES }.into());
        }
    }
    if report.refused().next().is_some() { Err(ZoneImportError::Refused(report)) } else { Ok(drafts) }
}
