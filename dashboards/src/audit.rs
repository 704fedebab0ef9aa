//! Who changed what.
//!
//! In: a number of entries.   Out: the registry's audit, newest first, to administrators and auditors only.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Page, Params};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use registry::{AuditEntry, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `GET /audit` takes.
#[derive(Deserialize)]
pub(crate) struct Paging {
    limit: Option<String>,
}

/// `GET /audit`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(paging): Params<Paging>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Auditor])?;
    let page = Page::parse(paging.limit.as_deref(), None)?;
    let registry = app.parts.registry.clone();
    let entries = blocking("reading the audit", move || registry.audit(page.limit)).await?;
    Ok(extract::list(entries.iter().map(entry_json).collect(), None))
}

fn entry_json(entry: &AuditEntry) -> Value {
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
    })
}
