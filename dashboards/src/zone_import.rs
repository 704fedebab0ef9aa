//! Zones change: new versions from a file, and the end of a zone.
//!
//! In: GeoJSON or a zone's id, with the reason.   Out: what became of each feature; where a second person is asked for, the
//! number of the proposal that waits.   Never: a change without the role and a reason.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body, Params, Raw};
use crate::problem::Problem;
use crate::proposals::{legal_field, proposal_json};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{ZoneId, ZoneKind};
use registry::{Datum, FeatureOutcome, ImportOptions, ImportReport, Proposal, Role, ZoneImportError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Who may change zones.
const EDITORS: [Role; 2] = [Role::ZoneEditor, Role::Administrator];

/// What `POST /zones/import` takes beside the file.
#[derive(Deserialize)]
pub(crate) struct Import {
    kind: Option<String>,
    datum: Option<String>,
    in_force: Option<String>,
    in_force_to: Option<String>,
    dry_run: Option<String>,
    reason: Option<String>,
}

/// `POST /zones/import`: the GeoJSON is the body.
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(query): Params<Import>,
    Raw(body): Raw,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&EDITORS)?;
    let reason = query.reason.clone().unwrap_or_default();
    let options = options(query)?;
    if reason.trim().is_empty() && !options.dry_run {
        return Err(Problem::bad_request("parameter `reason` is missing; say why the zones change"));
    }
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    let waits = app.parts.second_person && !options.dry_run;
    let (report, proposal) = blocking("importing zones", move || {
        let text = std::str::from_utf8(&body).map_err(|error| {
            Problem::bad_request(format!("body is no UTF-8 text: {error}; GeoJSON is always UTF-8"))
        })?;
        if waits {
            let (proposal, report) = registry.propose_zones(text, options, &by, &reason)?;
            return Ok((report, Some(proposal)));
        }
        Ok::<_, Problem>((registry.import_zones(text, options, &by, &reason)?, None))
    })
    .await?;
    let mut json = report_json(&report);
    let status = match (&proposal, json.as_object_mut()) {
        (Some(proposal), Some(fields)) => {
            fields.insert("proposal".to_owned(), proposal_json(proposal));
            StatusCode::ACCEPTED
        }
        _ => StatusCode::OK,
    };
    Ok((status, Json(json)))
}

/// What `POST /zones/{id}/repeal` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepealBody {
    from: String,
    reason: String,
}

/// `POST /zones/{id}/repeal`
pub(crate) async fn repeal(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<RepealBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&EDITORS)?;
    let id = ZoneId::parse(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let from = legal_field("from", &body.from)?;
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    let waits = app.parts.second_person;
    let done: Result<Proposal, u32> = blocking("repealing a zone", move || {
        if waits {
            return registry.propose_repeal(&id, from, &by, &body.reason).map(Ok);
        }
        registry.repeal_zone(&id, from, &by, &body.reason).map(Err)
    })
    .await?;
    Ok(match done {
        Ok(proposal) => (StatusCode::ACCEPTED, Json(json!({ "proposal": proposal_json(&proposal) }))),
        Err(version) => (StatusCode::OK, Json(json!({ "version": version }))),
    })
}

fn options(query: Import) -> Result<ImportOptions, Problem> {
    let kind = query.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let allowed = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Problem::bad_request(format!("kind `{word}` is none; use {allowed}"))
        })
    });
    let datum = query.datum.as_deref().map(|word| {
        let allowed = Datum::ALL.map(Datum::as_str).join(", ");
        Datum::parse(word).ok_or_else(|| Problem::bad_request(format!("datum `{word}` is none; use {allowed}")))
    });
    let dry_run = match query.dry_run.as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1" | "") => true,
        Some(word) => return Err(Problem::bad_request(format!("dry_run `{word}` is neither true nor false"))),
    };
    Ok(ImportOptions {
        kind: kind.transpose()?,
        datum: datum.transpose()?.unwrap_or_default(),
        in_force: extract::legal_instant("in_force", query.in_force.as_deref())?,
        in_force_to: extract::legal_instant("in_force_to", query.in_force_to.as_deref())?,
        dry_run,
    })
}

fn report_json(report: &ImportReport) -> Value {
    let features = report.features.iter().map(|feature| {
        let (outcome, version, reason) = match &feature.outcome {
            FeatureOutcome::Published { version } => ("published", Some(*version), None),
            FeatureOutcome::Unchanged { version } => ("unchanged", Some(*version), None),
            FeatureOutcome::Refused(fault) => ("refused", None, Some(fault.to_string())),
        };
        let notes: Vec<_> = feature.notes.iter().map(ToString::to_string).collect();
        json!({ "index": feature.index, "id": feature.id, "outcome": outcome, "version": version, "reason": reason,
                "notes": notes })
    });
    let features: Vec<_> = features.collect();
    json!({ "dry_run": report.dry_run, "published": report.published(), "features": features })
}

impl From<ZoneImportError> for Problem {
    fn from(error: ZoneImportError) -> Self {
        match error {
            ZoneImportError::Registry(error) => error.into(),
            ZoneImportError::TooLarge { .. } => Self::of_status(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            _ => Self::bad_request(error.to_string()),
        }
    }
}
