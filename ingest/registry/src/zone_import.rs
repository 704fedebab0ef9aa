//! From a surveyor's GeoJSON to drafts of zones: all of a file, or nothing and the reason for each feature.
//!
//! In: GeoJSON text, its datum, its date.   Out: drafts, or an [`ImportReport`] with a line for each feature.   Next: `publish`.
//! Never: half a file; a repaired geometry (what crosses itself is the surveyor's to correct).

use crate::zone_draft::{ZoneDraft, draft};
use crate::zone_report::{FeatureFault, FeatureOutcome, FeatureReport, ImportReport};
use crate::{Datum, Registry, RegistryError, geometry};
use model::{Timestamp, ZoneId, ZoneKind};
use std::collections::HashMap;
use survey::geojson;

/// The text of one import; a region's zones take some 100 MiB.
pub const MAX_GEOJSON_BYTES: usize = 256 << 20;
/// Zones of one registry; the plan of a banner has some hundred.
pub const MAX_ZONES: u64 = 10_000;
/// Vertices of all zones' newest versions; the geofence keeps them in memory.
pub const MAX_VERTICES: u64 = 5_000_000;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// The kind of every zone in the file, whatever the features say; `None`: as each feature says.
    pub kind: Option<ZoneKind>,
    /// What the coordinates mean.
    pub datum: Datum,
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
    /// Split the file.
    #[error("GeoJSON text has {bytes} bytes; at most {MAX_GEOJSON_BYTES} are read at once, split the file")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Choose another file, or export it anew.
    #[error("zones are not GeoJSON: {message}; use a Feature or a FeatureCollection")]
    NotGeoJson {
        /// What was found.
        message: String,
    },
    /// Transform the file first.
    #[error("GeoJSON states crs `{found}`; transform it to EPSG:4490 or EPSG:4326 and export it again")]
    Crs {
        /// What it states.
        found: String,
    },
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
    /// Publishes every feature of a file as a version of a zone: all of them, or none and the reasons. `reason` is kept with
    /// each version; a dry run needs none.
    pub fn import_zones(
        &self,
        geojson: &str,
        options: ImportOptions,
        by: &str,
        reason: &str,
    ) -> Result<ImportReport, ZoneImportError> {
        self.publish_zones(read(geojson, options)?, options, by, reason)
    }
}

/// Every feature of the text as a draft, or the reasons.
pub(crate) fn read(text: &str, options: ImportOptions) -> Result<Vec<ZoneDraft>, ZoneImportError> {
    if text.len() > MAX_GEOJSON_BYTES {
        return Err(ZoneImportError::TooLarge { bytes: text.len() });
    }
    let document = geojson::read(text).map_err(|message| ZoneImportError::NotGeoJson { message })?;
    if let Some(found) = document.crs.filter(|name| !is_geographic(name)) {
        return Err(ZoneImportError::Crs { found });
    }
    if document.features.len() as u64 > MAX_ZONES {
        return Err(RegistryError::Limit { what: "zones", limit: MAX_ZONES }.into());
    }
    let mut drafts: Vec<ZoneDraft> = Vec::with_capacity(document.features.len());
    let mut report = ImportReport { features: Vec::new(), dry_run: options.dry_run };
    let mut seen: HashMap<ZoneId, usize> = HashMap::new();
    let mut vertices = 0;
    for (index, feature) in document.features.into_iter().enumerate() {
        let id = feature.id().map(|id| id.chars().take(64).collect());
        let draft = draft(&feature, options).and_then(|draft| match seen.insert(draft.id.clone(), index) {
            Some(first) => Err(FeatureFault::IdTwice { first }),
            None => Ok(draft),
        });
        match draft {
            Ok(draft) => {
                vertices += geometry::vertices(&draft.polygons);
                let outcome = FeatureOutcome::Published { version: 0 };
                report.features.push(FeatureReport { index, id, outcome, notes: Vec::new() });
                drafts.push(draft);
            }
            Err(fault) => {
                let outcome = FeatureOutcome::Refused(fault);
                report.features.push(FeatureReport { index, id, outcome, notes: Vec::new() });
            }
        }
        if vertices > MAX_VERTICES {
            return Err(RegistryError::Limit { what: "vertices of zones", limit: MAX_VERTICES }.into());
        }
    }
    if report.refused().next().is_some() { Err(ZoneImportError::Refused(report)) } else { Ok(drafts) }
}

/// `EPSG:4490`, `urn:ogc:def:crs:EPSG::4326`, `urn:ogc:def:crs:OGC:1.3:CRS84` and the like: degrees, longitude first.
fn is_geographic(name: &str) -> bool {
    let name = name.trim().to_ascii_uppercase();
    let code = name.rsplit([':', '/']).next().unwrap_or_default();
    code == "CRS84" || (name.contains("EPSG") && matches!(code, "4490" | "4326"))
}
