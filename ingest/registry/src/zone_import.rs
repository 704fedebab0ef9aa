//! From a surveyor's GeoJSON to versions of zones: all of a file, or nothing and the reason for each feature.
//!
//! In: GeoJSON text, its datum, its date.   Out: [`ImportReport`], one line for each feature.
//! Never: half a file; a repaired geometry (what crosses itself is the surveyor's to correct); a new version of a zone that
//! is what it was.

use crate::load::Part;
use crate::zone_draft::{Draft, draft};
use crate::zone_report::{FeatureFault, FeatureOutcome, FeatureReport, ImportReport, MAX_VERSIONS};
use crate::{Datum, Registry, RegistryError, geometry, zones};
use model::{Polygon, Timestamp, Zone, ZoneId, ZoneKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use survey::geojson;

/// The text of one import; a region's zones take some 100 MiB.
pub const MAX_GEOJSON_BYTES: usize = 256 << 20;
/// Zones of one registry; the plan of a banner has some hundred.
pub const MAX_ZONES: u64 = 10_000;
/// Vertices of all zones' newest versions; the geofence keeps them in memory.
pub const MAX_VERTICES: u64 = 5_000_000;

/// How far apart zones may lie: the geofence measures differences in 32 bits of 1e-7 degree, which is 214 degrees. One zone
/// with a wrong sign would keep all others from being watched.
const SPREAD_MAX_E7: u32 = 2_000_000_000;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// The kind of every zone in the file, whatever the features say; `None`: as each feature says.
    pub kind: Option<ZoneKind>,
    /// What the coordinates mean.
    pub datum: Datum,
    /// From when the versions hold; `None`: from now.
    pub in_force: Option<Timestamp>,
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
    /// Publishes every feature of a file as a version of a zone: all of them, or none and the reasons.
    pub fn import_zones(
        &self,
        geojson: &str,
        options: ImportOptions,
        by: &str,
    ) -> Result<ImportReport, ZoneImportError> {
        let drafts = read(geojson, options)?;
        check_spread(&drafts, &self.view().borrow().zones)?;
        // A dry run takes the same way and turns back at the end, so its answer is the real one.
        let outcome = self.write(by, |change| {
            let mut report = ImportReport { features: Vec::with_capacity(drafts.len()), dry_run: options.dry_run };
            let mut touched = false;
            for (index, draft) in drafts.into_iter().enumerate() {
                let id = Some(draft.id.to_string());
                let before = zones::newest(change.transaction, &draft.id)?;
                let in_force_from = options.in_force.unwrap_or(change.now);
                let outcome = match before {
                    Some(before) if same(&before, &draft, options.in_force, change.now) => {
                        FeatureOutcome::Unchanged { version: before.version }
                    }
                    Some(before) if before.version >= MAX_VERSIONS => FeatureOutcome::Refused(FeatureFault::Versions),
                    before => {
                        let version = before.as_ref().map_or(0, |before| before.version) + 1;
                        let zone = draft.into_zone(version, in_force_from, change.now);
                        zones::insert(change, &zone, before.as_ref())?;
                        touched = true;
                        FeatureOutcome::Published { version }
                    }
                };
                report.features.push(FeatureReport { index, id, outcome });
            }
            if report.refused().next().is_some() {
                return Err(Stop::Error(ZoneImportError::Refused(report)));
            }
            if touched {
                check_size(zones::size(change.transaction)?)?;
                change.touch(Part::Zones)?;
            }
            if options.dry_run { Err(Stop::DryRun(report)) } else { Ok(report) }
        });
        match outcome {
            Ok(report) | Err(Stop::DryRun(report)) => Ok(report),
            Err(Stop::Error(error)) => Err(error),
        }
    }
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

/// New zones may not lie so far from the others that the geofence cannot hold them together.
fn check_spread(drafts: &[Draft], held: &[Arc<Zone>]) -> Result<(), ZoneImportError> {
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

/// Whether publishing the draft would say nothing new: the same land, and no other date. Without a date "now" is meant, so a
/// version that waits for its day is brought forward.
fn same(newest: &Zone, draft: &Draft, in_force: Option<Timestamp>, now: Timestamp) -> bool {
    newest.name == draft.name
        && newest.kind == draft.kind
        && newest.land_class == draft.land_class
        && newest.township == draft.township
        && newest.polygons == draft.polygons
        && in_force.map_or(newest.in_force_from <= now, |at| at == newest.in_force_from)
}

/// Every feature of the text as a draft, or the reasons.
pub(crate) fn read(text: &str, options: ImportOptions) -> Result<Vec<Draft>, ZoneImportError> {
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
    let mut drafts: Vec<Draft> = Vec::with_capacity(document.features.len());
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
                report.features.push(FeatureReport { index, id, outcome });
                drafts.push(draft);
            }
            Err(fault) => {
                report.features.push(FeatureReport { index, id, outcome: FeatureOutcome::Refused(fault) });
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
