//! The evidence bundle of a case, for whoever decides about it outside the house.
//!
//! In: a case and who exports it, by the API or the command line.   Out: one ZIP that opens and is checked without us
//! ([`evidence::bundle`] packs it), and an entry in the audit.
//!
//! ```text
//! gather.rs   stores -> files: the case, its sheet, law, pictures, who was told, who did what
//! said.rs     journal -> what the devices said
//! ```
//!
//! Never: an informant or a household's phone; what belongs to another township than the exporter's; a bundle of which the audit knows
//! nothing.

mod gather;
mod said;

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::incidents::find;
use crate::openapi::words::Bytes;
use crate::openapi::{Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::view::View;
use axum::extract::{Path as PathOf, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use evidence::bundle::{KeyError, Manifest, PackError, SigningKey};
use evidence::{EvidenceError, Store};
use gather::{Gathered, Sources};
use journal::JournalError;
use journal::alert_log::AlertLog;
use journal::wire::DeliveryJson;
use model::{TenantId, Timestamp};
use registry::{Registry, RegistryError, Role};
use serde_json::json;
use std::io::{Cursor, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Who may take a case out of the house: those who work on cases, and who looks after them. A viewer sees the same on the screen; what is
/// copied and handed on cannot be called back.
const TAKERS: [Role; 4] = [Role::Operator, Role::Supervisor, Role::Administrator, Role::Auditor];

/// What is absent, and why.
type Words = (String, String);

/// Files that only an export reads.
#[derive(Debug, Clone)]
pub struct ExportFiles {
    /// The journal.
    pub journal: PathBuf,
    /// The platform's signing key; made at the first export.
    pub signing_key: PathBuf,
}

/// Why a case could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Ask for another.
    #[error("there is no incident `{id}`; GET /api/v1/incidents lists them")]
    NoIncident {
        /// Which.
        id: String,
    },
    /// Mend the key's file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Look at the disk.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Look at the registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Look at the pictures.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Look at the alert log.
    #[error(transparent)]
    Log(#[from] JournalError),
    /// Mend the program.
    #[error("{what} cannot be written: {why}")]
    Write {
        /// Which part.
        what: &'static str,
        /// The complaint.
        why: String,
    },
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NoIncident { .. } => Self::not_found(error.to_string()),
            ExportError::Registry(error) => error.into(),
            _ => Self::internal("packing an evidence bundle", error),
        }
    }
}

/// What an export reads, by a command that is no part of the service.
pub struct ExportParts {
    /// Whose platform this is.
    pub tenant: TenantId,
    /// Zones, closures and the audit.
    pub registry: Registry,
    /// Cases and deliveries.
    pub alert_log: AlertLog,
    /// Pictures.
    pub evidence: Store,
    /// The journal and the key.
    pub files: ExportFiles,
    /// When it is.
    pub now: Timestamp,
}

/// Writes the bundle of a case and says so in the audit; what is in it. Blocks on the disk.
pub fn export_case<W: Write + Seek>(
    parts: &ExportParts,
    id: &str,
    by: &str,
    writer: W,
) -> Result<(W, Manifest), ExportError> {
    let view = View::of(&parts.alert_log)?;
    let incident = view.incident(id).ok_or_else(|| ExportError::NoIncident { id: id.to_owned() })?;
    let sources = Sources {
        tenant: &parts.tenant,
        registry: &parts.registry,
        evidence: &parts.evidence,
        journal: &parts.files.journal,
        shows: &|_| true,
        by,
        now: parts.now,
    };
    let case = Gathered { incident: &incident.json, deliveries: deliveries(&view, id) };
    packed(&sources, &case, &parts.files, writer)
}

/// The evidence bundle of a case: one signed ZIP that is opened and checked without the platform.
///
/// For operators, supervisors, administrators and auditors. Its README.txt says what is in it and how it is checked; `manifest.json` names
/// what is absent, and why. What devices of townships that the exporter does not see showed and said is left out. Each export stands in the
/// audit.
#[utoipa::path(
    get, path = "/api/v1/incidents/{id}/bundle", tag = "incidents",
    responses((status = 200, body = Bytes, content_type = "application/zip"), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn bundle(
    State(app): State<Arc<App>>,
    signed: Signed,
    PathOf(id): PathOf<String>,
) -> Result<Response, Problem> {
    signed.who.require(&TAKERS)?;
    let view = app.view().await?;
    let incident = find(view, &signed.who, &id)?;
    let deliveries = deliveries(view, &id);
    // One at a time: a bundle is held whole in memory, and reads the disk for seconds.
    let turn = Arc::clone(&app.exports).acquire_owned().await.map_err(|error| Problem::internal("waiting", error))?;
    let (registry, by) = signed.author(&app);
    let shared = Arc::clone(&app);
    let packed = blocking("packing an evidence bundle", move || {
        let _turn = turn;
        let (parts, view) = (&shared.parts, shared.registry_view());
        let shows = |device: &_| {
            view.device(device).is_some_and(|device| crate::devices::sees(&signed.who, device))
                || signed.who.sees_everything()
        };
        let sources = Sources {
            tenant: &parts.tenant,
            registry: &registry,
            evidence: &parts.evidence,
            journal: &parts.export_files.journal,
            shows: &shows,
            by: &by,
            now: shared.now(),
        };
        let case = Gathered { incident: &incident.json, deliveries };
        packed(&sources, &case, &parts.export_files, Cursor::new(Vec::new()))
    });
    let (bundle, _) = packed.await?;
    let disposition = format!("attachment; filename=\"evidence-{id}.zip\"");
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bundle.into_inner()).into_response())
}

/// The one way in which a bundle is made: what leaves the house is in the audit before anybody has it.
fn packed<W: Write + Seek>(
    sources: &Sources<'_>,
    case: &Gathered<'_>,
    files: &ExportFiles,
    writer: W,
) -> Result<(W, Manifest), ExportError> {
    let key = SigningKey::open_or_make(&files.signing_key)?;
    let (writer, manifest) = gather::pack(sources, case, &key, writer)?;
    let after = json!({ "chain_tip": manifest.chain_tip, "files": manifest.files.len() });
    sources.registry.witness(format!("incident.export {}", case.incident.id), Some(after), sources.by)?;
    Ok((writer, manifest))
}

/// What was told of a case, the oldest first.
fn deliveries(view: &View, id: &str) -> Vec<DeliveryJson> {
    let (found, _) = view.deliveries(None, usize::MAX, |delivery| delivery.incident.as_deref() == Some(id));
    found.iter().rev().map(|delivery| DeliveryJson::clone(delivery)).collect()
}
