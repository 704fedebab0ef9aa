//! Who is told, for administrators.
//!
//! In: a new subscriber.   Out: subscribers; the signing secret only in the answer that made it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::extract::{self, Body};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{AlertKind, BadName, ChannelKind, Severity, Subscriber, TownshipCode, ZoneId};
use registry::{NewSubscriber, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What `POST /subscribers` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriberBody {
    name: String,
    channel: String,
    url: Option<String>,
    // Named by the contract for channels that are not built yet; refused below with the channel.
    phone: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    townships: Vec<String>,
    #[serde(default)]
    zones: Vec<String>,
    severity: Option<String>,
    duty: Option<String>,
}

/// `GET /subscribers`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor, Role::Auditor])?;
    let view = app.registry_view();
    Ok(extract::list(view.subscribers.iter().map(subscriber_json).collect(), None))
}

/// `POST /subscribers`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<SubscriberBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body)?;
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    let made = blocking("adding a subscriber", move || registry.add_subscriber(new, &by)).await?;
    let mut json = subscriber_json(&made);
    if let Some(fields) = json.as_object_mut() {
        fields.insert("secret".to_owned(), Value::from(made.secret));
    }
    Ok((StatusCode::CREATED, Json(json)))
}

/// `DELETE /subscribers/{id}`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let (registry, by) = (app.parts.registry.clone(), signed.who.user.username.clone());
    blocking("removing a subscriber", move || registry.remove_subscriber(&id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(body: SubscriberBody) -> Result<NewSubscriber, Problem> {
    if body.channel != ChannelKind::Webhook.as_str() || body.phone.is_some() {
        return Err(Problem::bad_request(format!(
            "channel `{}` is not available on this platform; use webhook with a url and no phone",
            body.channel
        )));
    }
    let events = body.events.iter().map(|word| event(word)).collect::<Result<_, _>>()?;
    let severity = match body.severity.as_deref() {
        None => Severity::Notice,
        Some(word) => Severity::parse(word)
            .ok_or_else(|| Problem::bad_request(format!("severity `{word}` is none; use notice, warning or urgent")))?,
    };
    Ok(NewSubscriber {
        name: body.name,
        url: body
            .url
            .ok_or_else(|| Problem::bad_request("field `url` is missing; a webhook needs an http or https address"))?,
        secret: body.secret,
        events,
        townships: names(&body.townships, TownshipCode::parse)?,
        zones: names(&body.zones, ZoneId::parse)?,
        severity,
        duty: body.duty,
    })
}

fn event(word: &str) -> Result<AlertKind, Problem> {
    AlertKind::parse(word).ok_or_else(|| {
        let allowed = AlertKind::ALL.map(AlertKind::as_str).join(", ");
        Problem::bad_request(format!("event `{word}` is none; use {allowed}, or none at all for every kind"))
    })
}

/// Reads a list of names; the first bad one is told.
pub(crate) fn names<T>(words: &[String], parse: fn(&str) -> Result<T, BadName>) -> Result<Vec<T>, Problem> {
    words
        .iter()
        .map(|word| parse(word))
        .collect::<Result<_, _>>()
        .map_err(|error| Problem::bad_request(error.to_string()))
}

fn subscriber_json(subscriber: &Subscriber) -> Value {
    json!({
        "id": subscriber.id,
        "name": subscriber.name,
        "channel": subscriber.channel.as_str(),
        "url": subscriber.url,
        "events": subscriber.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "townships": subscriber.townships.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "zones": subscriber.zones.iter().map(|zone| zone.as_str()).collect::<Vec<_>>(),
        "severity": subscriber.severity.as_str(),
        "duty": subscriber.duty,
        "since": subscriber.since.to_rfc3339(),
    })
}
