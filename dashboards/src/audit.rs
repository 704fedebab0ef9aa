//! Who changed what.
//!
//! In: a number of entries, and which.   Out: the registry's audit, newest first, and whether its chain holds; to administrators and auditors
//! only.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, List, Paging, Params};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Forbidden, NotLoggedIn};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use registry::{AuditEntry, AuditQuery, RegistryError, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What `GET /audit` takes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// By whom, exactly.
    who: Option<String>,
    /// A part of what was done.
    what: Option<String>,
    /// RFC 3339 or a legal date.
    since: Option<String>,
    /// Likewise; not included.
    until: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    paging: Paging,
}

/// Who changed what, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit",
    params(Asked, Paging),
    responses((status = 200, body = List<EntryJson>), BadRequest, NotLoggedIn, Forbidden),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<List<EntryJson>>, Problem> {
    may_read(&signed)?;
    let page = asked.paging.page()?;
    let query = AuditQuery {
        before: page.after,
        since: extract::legal_instant("since", asked.since.as_deref())?,
        until: extract::legal_instant("until", asked.until.as_deref())?,
        who: asked.who,
        what: asked.what,
    };
    let registry = app.parts.registry.clone();
    let entries = blocking("reading the audit", move || registry.find_in_audit(&query, page.limit)).await?;
    let last = entries.last().map(|entry| entry.seq).filter(|seq| entries.len() == page.limit && *seq > 1);
    Ok(extract::list(entries.iter().map(entry_json).collect(), last))
}

/// Whether every entry of the audit is as it was written.
#[utoipa::path(
    get, path = "/api/v1/audit/chain", tag = "audit",
    responses((status = 200, body = ChainJson), NotLoggedIn, Forbidden),
)]
pub(crate) async fn chain(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<ChainJson>, Problem> {
    may_read(&signed)?;
    let registry = app.parts.registry.clone();
    let walked = blocking("walking the audit", move || match registry.verify_audit() {
        Err(RegistryError::AuditBroken { seq }) => Ok(Err(seq)),
        other => other.map(Ok),
    });
    Ok(Json(match walked.await? {
        Ok(entries) => ChainJson { holds: true, entries: Some(entries), broken_at: None },
        Err(seq) => ChainJson { holds: false, entries: None, broken_at: Some(seq) },
    }))
}

/// What is in it is of all townships.
fn may_read(signed: &Signed) -> Result<(), Problem> {
    signed.who.require(&[Role::Administrator, Role::Auditor])?;
    signed.who.require_everywhere()
}

/// Whether every entry is as it was written.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditChain)]
pub(crate) struct ChainJson {
    holds: bool,
    /// How many there are, if it holds.
    #[schema(required)]
    entries: Option<u64>,
    /// The first entry that does not fit.
    #[schema(required)]
    broken_at: Option<u64>,
}

/// A change, and who made it.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct EntryJson {
    /// Its place in the chain, from 1.
    seq: u64,
    at: Moment,
    who: String,
    /// What was done, for example `device.add camera-1`.
    what: String,
    /// What was there before, in whatever shape that thing has.
    #[schema(required)]
    before: Option<Value>,
    /// What is there now, likewise.
    #[schema(required)]
    after: Option<Value>,
    /// From which address, where it came over the network.
    #[schema(required)]
    address: Option<String>,
}

/// An entry as it is shown.
pub(crate) fn entry_json(entry: &AuditEntry) -> EntryJson {
    // The registry keeps both as JSON texts; show what they hold, or the text if it is something else.
    let shown = |text: &Option<String>| {
        text.as_deref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
    };
    EntryJson {
        seq: entry.seq,
        at: entry.at.into(),
        who: entry.who.clone(),
        what: entry.what.clone(),
        before: shown(&entry.before),
        after: shown(&entry.after),
        address: entry.address.clone(),
    }
}
