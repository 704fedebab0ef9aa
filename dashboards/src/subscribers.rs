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
use model::{AlertKind, BadName, ChannelKind, Language, Severity, Subscriber, TownshipCode, ZoneId};
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
    phone: Option<String>,
    /// `zh` or `en`.
    language: Option<String>,
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
    let channel = ChannelKind::parse(&body.channel).ok_or_else(|| {
        let allowed = ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
        Problem::bad_request(format!("channel `{}` is none; use {allowed}", body.channel))
    })?;
    let language = match body.language.as_deref() {
        None => Language::Zh,
        Some(word) => Language::parse(word)
            .ok_or_else(|| Problem::bad_request(format!("language `{word}` is none; use zh or en")))?,
    };
    if body.url.is_none() && channel != ChannelKind::Sms {
        return Err(Problem::bad_request(format!(
            "field `url` is missing; {} needs an http or https address",
            channel.as_str()
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
        channel,
        url: body.url.unwrap_or_default(),
        phone: body.phone,
        language,
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

/// A robot is addressed by a token in its address: that is not shown again.
fn shown_url(subscriber: &Subscriber) -> Option<&str> {
    let url = subscriber.url.as_str();
    let shown = if subscriber.channel.is_text() { url.split(['?', '#']).next().unwrap_or_default() } else { url };
    Some(shown).filter(|url| !url.is_empty())
}

/// `+86139****5678`: enough to know whose it is.
fn masked(phone: &str) -> String {
    let length = phone.chars().count();
    let hidden = length.saturating_sub(8)..length.saturating_sub(4);
    phone.chars().enumerate().map(|(place, digit)| if hidden.contains(&place) { '*' } else { digit }).collect()
}

fn subscriber_json(subscriber: &Subscriber) -> Value {
    json!({
        "id": subscriber.id,
        "name": subscriber.name,
        "channel": subscriber.channel.as_str(),
        "url": shown_url(subscriber),
        "phone": subscriber.phone.as_deref().map(masked),
        "language": subscriber.language.as_str(),
        "events": subscriber.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "townships": subscriber.townships.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "zones": subscriber.zones.iter().map(|zone| zone.as_str()).collect::<Vec<_>>(),
        "severity": subscriber.severity.as_str(),
        "duty": subscriber.duty,
        "since": subscriber.since.to_rfc3339(),
    })
}
