//! Who changed what.
//!
//! In: a number of entries, and which.   Out: the registry's audit, newest first, and whether its chain holds; to administrators and auditors
//! only.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Page, Params};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use registry::{AuditEntry, AuditQuery, RegistryError, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `GET /audit` takes.
#[derive(Deserialize)]
pub(crate) struct Asked {
    who: Option<String>,
    what: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /audit`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<Value>, Problem> {
    may_read(&signed)?;
    let page = Page::parse(asked.limit.as_deref(), asked.cursor.as_deref())?;
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

/// `GET /audit/chain`: whether every entry is as it was written.
pub(crate) async fn chain(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    may_read(&signed)?;
    let registry = app.parts.registry.clone();
    let walked = blocking("walking the audit", move || match registry.verify_audit() {
        Err(RegistryError::AuditBroken { seq }) => Ok(Err(seq)),
        other => other.map(Ok),
    });
    Ok(Json(match walked.await? {
        Ok(entries) => json!({ "holds": true, "entries": entries, "broken_at": null }),
        Err(seq) => json!({ "holds": false, "entries": null, "broken_at": seq }),
    }))
}

/// What is in it is of all townships.
fn may_read(signed: &Signed) -> Result<(), Problem> {
    signed.who.require(&[Role::Administrator, Role::Auditor])?;
    signed.who.require_everywhere()
}

/// An entry as it is shown.
pub(crate) fn entry_json(entry: &AuditEntry) -> Value {
    // The registry keeps both as JSON texts; show what they hold, or the text if it is something else.
    let shown = |text: &Option<String>| {
        text.as_deref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
    };
    json!({
        "seq": entry.seq,
        "at": entry.at.to_rfc3339(),
        "who": entry.who,
        "what": entry.what,
        "before": shown(&entry.before),
        "after": shown(&entry.after),
        "address": entry.address,
    })
}
