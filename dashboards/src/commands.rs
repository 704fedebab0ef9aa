//! What an operator does to a case.
//!
//! In:  a click.   Out: a [`model::Command`] in the command log, durable before anything is answered; then the case as it
//! stands once `alerts` has carried the command out (200), or word that it is on its way (202).
//!
//! Never: changes a case here. If `alerts` is behind or down, the command waits in its log and is not lost.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::Raw;
use crate::incidents::find;
use crate::openapi::words;
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::refusals::Code;
use crate::view::{Incident, View};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::wire::IncidentJson;
use model::{Action, Command, IncidentId, IncidentStatus, Outcome, Timestamp, ZoneId};
use registry::Role;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Who may act on cases and deliveries.
pub(crate) const ACTORS: [Role; 3] = [Role::Operator, Role::Supervisor, Role::Administrator];

/// How long an answer waits for the command's effect. A person does not wait longer; the live view tells the rest.
pub(crate) const EFFECT_MAX: Duration = Duration::from_secs(5);

/// Longest comment, in characters.
const TEXT_MAX: usize = 2_000;

/// Whom to send.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document: the fields are read one by one, so that what is wrong is named")]
struct DispatchBody {
    /// To whom enforces there when absent.
    #[schema(max_length = 2000)]
    to: Option<String>,
}

/// How it ended.
#[derive(ToSchema)]
#[expect(dead_code, reason = "likewise")]
struct ResolveBody {
    #[schema(value_type = words::Outcome)]
    outcome: String,
}

/// What is to be written down.
#[derive(ToSchema)]
#[expect(dead_code, reason = "likewise")]
struct CommentBody {
    #[schema(max_length = 2000)]
    text: String,
}

/// Where the drill is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "likewise")]
struct DrillBody {
    /// A zone's id.
    zone: String,
}

/// Take a case.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents",
    responses((status = 200, body = IncidentJson, description = "the case after the command took effect"), (status = 202, body = IncidentJson, description = "the command is durable, its effect is still on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn acknowledge(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Response, Problem> {
    act(&app, signed, &id, |_| Ok(Action::Acknowledge)).await
}

/// Send somebody.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/dispatch", tag = "incidents",
    request_body = DispatchBody,
    responses((status = 200, body = IncidentJson, description = "the case after the command took effect"), (status = 202, body = IncidentJson, description = "the command is durable, its effect is still on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn dispatch(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Raw,
) -> Result<Response, Problem> {
    let body = fields(&body)?;
    act(&app, signed, &id, |json| {
        let to =
            if body.get("to").is_some_and(|to| !to.is_null()) { text(&body, "to")? } else { json.authority.clone() };
        Ok(Action::Dispatch { to })
    })
    .await
}

/// Close a case.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/resolve", tag = "incidents",
    request_body = ResolveBody,
    responses((status = 200, body = IncidentJson, description = "the case after the command took effect"), (status = 202, body = IncidentJson, description = "the command is durable, its effect is still on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn resolve(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Raw,
) -> Result<Response, Problem> {
    let body = fields(&body)?;
    act(&app, signed, &id, |_| {
        let word = body.get("outcome").and_then(Value::as_str).unwrap_or_default();
        let outcome = Outcome::parse(word).ok_or_else(|| {
            Problem::bad_request(format!(
                "outcome `{word}` is none; use violation, lawful, false_positive or unfounded"
            ))
        })?;
        Ok(Action::Resolve { outcome })
    })
    .await
}

/// Open a case again.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/reopen", tag = "incidents",
    responses((status = 200, body = IncidentJson, description = "the case after the command took effect"), (status = 202, body = IncidentJson, description = "the command is durable, its effect is still on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn reopen(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Response, Problem> {
    act(&app, signed, &id, |_| Ok(Action::Reopen)).await
}

/// Write something down.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/comment", tag = "incidents",
    request_body = CommentBody,
    responses((status = 200, body = IncidentJson, description = "the case after the command took effect"), (status = 202, body = IncidentJson, description = "the command is durable, its effect is still on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound, Conflict),
)]
pub(crate) async fn comment(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
    body: Raw,
) -> Result<Response, Problem> {
    let body = fields(&body)?;
    act(&app, signed, &id, |_| Ok(Action::Comment { text: text(&body, "text")? })).await
}

/// A drill: a case that is none, told like any other and marked in every message.
#[utoipa::path(
    post, path = "/api/v1/drills", tag = "incidents",
    request_body = DrillBody,
    responses((status = 202, description = "it is on its way"), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn drill(app: State<Arc<App>>, signed: Signed, body: Raw) -> Result<StatusCode, Problem> {
    signed.who.require(&[Role::Supervisor, Role::Administrator])?;
    let name = text(&fields(&body)?, "zone")?;
    let zone = ZoneId::parse(&name).map_err(|error| Problem::bad_request(error.to_string()))?;
    let view = app.registry_view();
    let known = view.zone(&zone).filter(|zone| signed.who.sees(zone.township.as_ref().map(|code| code.as_str())));
    if known.is_none() {
        return Err(Problem::not_found(format!("there is no zone `{name}` in force; GET /api/v1/zones lists them")));
    }
    let by = signed.by.to_string();
    let command = Command { incident: None, by, at: app.now(), action: Action::Drill { zone } };
    append(&app, Some(signed.address), command).await?;
    Ok(StatusCode::ACCEPTED)
}

fn fields(Raw(bytes): &Raw) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::bad_request(format!("body is no JSON: {error}")))
}

fn text(body: &Value, field: &'static str) -> Result<String, Problem> {
    let text = body.get(field).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    match text.chars().count() {
        1..=TEXT_MAX => Ok(text.to_owned()),
        0 => Err(Problem::bad_request(format!("field `{field}` is missing or empty; send {{\"{field}\": \"…\"}}"))),
        count => {
            Err(Problem::bad_request(format!("field `{field}` has {count} characters; at most {TEXT_MAX} are kept")))
        }
    }
}

async fn act(
    app: &App,
    signed: Signed,
    id: &str,
    action: impl FnOnce(&IncidentJson) -> Result<Action, Problem>,
) -> Result<Response, Problem> {
    signed.who.require(&ACTORS)?;
    let view = app.view().await?;
    let before = find(view, &signed.who, id)?;
    let action = action(&before.json)?;
    fits(&before.json, &action)?;
    let incident = IncidentId::parse(id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let by = signed.by.to_string();
    let command = Command { incident: Some(incident), by, at: app.now(), action };
    append(app, Some(signed.address), command.clone()).await?;
    match tokio::time::timeout(EFFECT_MAX, effect(view, id, &before, &command)).await {
        Ok(after) => Ok(Json(&after.json).into_response()),
        Err(_) => Ok((StatusCode::ACCEPTED, Json(&before.json)).into_response()),
    }
}

/// Puts a command where `alerts` reads it; durable when this returns. What a person did also stands in the audit, with the address it came from.
pub(crate) async fn append(app: &App, from: Option<IpAddr>, command: Command) -> Result<(), Problem> {
    let (log, registry) = (app.parts.command_log.clone(), app.parts.registry.clone());
    let by = command.by.clone();
    let seq = blocking("writing a command", move || {
        let seq = log.append(&command)?;
        if let Some((what, after)) = audited(&command) {
            let registry = from.map_or_else(|| registry.clone(), |address| registry.from_address(address));
            if let Err(error) = registry.witness(what, after, &command.by) {
                // The command stands in its own log and is carried out; refusing it now would make the person do it twice.
                tracing::error!(%error, seq, "a command cannot be written into the audit");
            }
        }
        Ok::<_, Problem>(seq)
    })
    .await?;
    tracing::info!(seq, by, "command taken");
    Ok(())
}

/// What the audit says of a command; nothing of what a provider reports by the thousand.
fn audited(command: &Command) -> Option<(String, Option<Value>)> {
    let incident = command.incident.as_ref().map_or("", |id| id.as_str());
    let of_case = |what: &str, after| (format!("incident.{what} {incident}"), after);
    Some(match &command.action {
        Action::Acknowledge => of_case("acknowledge", None),
        Action::Dispatch { to } => of_case("dispatch", Some(json!({ "to": to }))),
        Action::Resolve { outcome } => of_case("resolve", Some(json!({ "outcome": outcome.as_str() }))),
        Action::Reopen => of_case("reopen", None),
        Action::Comment { text } => of_case("comment", Some(json!({ "text": text }))),
        Action::RetryDelivery { delivery } => (format!("delivery.retry {delivery}"), None),
        Action::RetryDeliveries { subscriber } => {
            ("delivery.retry_all".into(), Some(json!({ "subscriber": subscriber })))
        }
        Action::Drill { zone } => (format!("drill {zone}"), None),
        Action::TestSubscriber { subscriber } => (format!("subscriber.test {subscriber}"), None),
        Action::SmsReceipt { .. } => return None,
    })
}

/// Refuses what cannot mean anything in the case's present state, so that the operator learns it at once.
fn fits(incident: &IncidentJson, action: &Action) -> Result<(), Problem> {
    let resolved = incident.status == IncidentStatus::Resolved.as_str();
    match action {
        Action::Acknowledge | Action::Dispatch { .. } | Action::Resolve { .. } if resolved => {
            Err(Problem::conflict(format!(
                "incident `{}` is resolved already; reopen it first with POST /api/v1/incidents/{{id}}/reopen",
                incident.id
            ))
            .because(Code::IncidentResolved, [incident.id.as_str().into()]))
        }
        Action::Reopen if !resolved => Err(Problem::conflict(format!(
            "incident `{}` is {}; only a resolved one is reopened",
            incident.id, incident.status
        ))
        .because(Code::IncidentNotResolved, [incident.id.as_str().into(), incident.status.as_str().into()])),
        _ => Ok(()),
    }
}

/// Waits until the view shows the case with the command carried out.
pub(crate) async fn effect(view: &View, id: &str, before: &Incident, command: &Command) -> Arc<Incident> {
    let mut seq = view.seq();
    loop {
        if let Some(after) = view.incident(id).filter(|after| shows(after, before, command)) {
            return after;
        }
        if seq.changed().await.is_err() {
            // The view outlives every request; if it did not, the caller's time limit answers.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether the case's history holds what this command did: a new line by the same person, not older than the command.
fn shows(after: &Incident, before: &Incident, command: &Command) -> bool {
    let new_lines = after.json.timeline.iter().filter(|line| !before.json.timeline.contains(line));
    let at = |line: &str| Timestamp::parse_rfc3339(line).unwrap_or_default();
    let mut by_this_person = new_lines.filter(|line| line.by.as_deref() == Some(&command.by));
    after.updated_seq > before.updated_seq && by_this_person.any(|line| at(&line.at) >= command.at)
}
