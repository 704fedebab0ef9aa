//! Who is told, for administrators.
//!
//! In: a new subscriber.   Out: subscribers; the signing secret, or a listener's password, only in the answer that made it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::commands::append;
use crate::extract::{self, Body};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{
    Action, AlertKind, Authority, BadName, ChannelKind, Command, LandClass, Language, QuietHours, Severity, Subscriber,
    TownshipCode, ZoneId, ZoneKind,
};
use registry::{NewSubscriber, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

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
    #[serde(default)]
    zone_kinds: Vec<String>,
    #[serde(default)]
    land_classes: Vec<String>,
    #[serde(default)]
    authorities: Vec<String>,
    severity: Option<String>,
    /// `15m`: told of a case that nobody has acknowledged for so long.
    after: Option<String>,
    /// Hours, or `none`.
    quiet: Option<Quiet>,
    duty: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Quiet {
    /// `none`
    Word(String),
    Hours {
        from: String,
        until: String,
        below: Option<String>,
    },
}

/// `GET /subscribers`
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor, Role::Auditor])?;
    let view = app.registry_view();
    let told = app.view().await?;
    let line = |subscriber: &Subscriber| {
        let mut json = subscriber_json(subscriber);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("health".to_owned(), told.receiver(&subscriber.id));
        }
        json
    };
    Ok(extract::list(view.subscribers.iter().map(line).collect(), None))
}

/// `POST /subscribers`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<SubscriberBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body, false)?;
    let (registry, by) = signed.author(&app);
    let made = blocking("adding a subscriber", move || registry.add_subscriber(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(with_secret(made))))
}

/// For the one time that it is shown.
fn with_secret(subscriber: Subscriber) -> Value {
    let mut json = subscriber_json(&subscriber);
    if let Some(fields) = json.as_object_mut() {
        fields.insert("secret".to_owned(), Value::from(subscriber.secret));
    }
    json
}

/// `PUT /subscribers/{id}`
pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<SubscriberBody>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body, true)?;
    let (registry, by) = signed.author(&app);
    let made = blocking("changing a subscriber", move || registry.replace_subscriber(&id, new, &by)).await?;
    Ok(Json(subscriber_json(&made)))
}

/// `POST /subscribers/{id}/enable`
pub(crate) async fn enable(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Json<Value>, Problem> {
    switch(&app, &signed, id, None).await
}

/// `POST /subscribers/{id}/disable`
pub(crate) async fn disable(app: State<Arc<App>>, signed: Signed, id: Path<String>) -> Result<Json<Value>, Problem> {
    let why = format!("by {}", signed.who.user.username);
    switch(&app, &signed, id, Some(why)).await
}

async fn switch(
    app: &App,
    signed: &Signed,
    Path(id): Path<String>,
    off: Option<String>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    let (registry, by) = signed.author(app);
    let switched = move || registry.switch_subscriber(&id, off.as_deref(), &by);
    Ok(Json(subscriber_json(&blocking("switching a subscriber", switched).await?)))
}

/// `POST /subscribers/{id}/secret`
pub(crate) async fn renew_secret(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let (registry, by) = signed.author(&app);
    let made = blocking("renewing a secret", move || registry.renew_subscriber_secret(&id, &by)).await?;
    Ok(Json(with_secret(made)))
}

/// `POST /subscribers/{id}/test`: sends a message that says that it is one to try. `GET /deliveries` shows what becomes of it.
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    let view = app.registry_view();
    let Some(subscriber) = view.subscribers.iter().find(|subscriber| subscriber.id == id) else {
        return Err(Problem::not_found(format!("there is no subscriber `{id}`; GET /api/v1/subscribers lists them")));
    };
    if subscriber.channel == ChannelKind::Mqtt || subscriber.channel.is_upstream() {
        return Err(Problem::conflict(format!(
            "a subscriber of the channel {} takes no try; POST /api/v1/drills opens a drill that it hears of",
            subscriber.channel.as_str()
        )));
    }
    let (by, action) = (signed.who.user.username.clone(), Action::TestSubscriber { subscriber: id });
    append(&app, Some(signed.address), Command { incident: None, by, at: app.now(), action }).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /subscribers/{id}`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let (registry, by) = signed.author(&app);
    blocking("removing a subscriber", move || registry.remove_subscriber(&id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `is_change`: an address that is left out stays as it is.
fn parse(body: SubscriberBody, is_change: bool) -> Result<NewSubscriber, Problem> {
    let channel = ChannelKind::parse(&body.channel).ok_or_else(|| {
        let allowed = ChannelKind::ALL.map(ChannelKind::as_str).join(", ");
        Problem::bad_request(format!("channel `{}` is none; use {allowed}", body.channel))
    })?;
    let language = match body.language.as_deref() {
        None => Language::Zh,
        Some(word) => Language::parse(word)
            .ok_or_else(|| Problem::bad_request(format!("language `{word}` is none; use zh or en")))?,
    };
    let has_address = !matches!(channel, ChannelKind::Sms | ChannelKind::Mqtt) && !channel.is_upstream();
    if body.url.is_none() && !is_change && has_address {
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
        zone_kinds: words(&body.zone_kinds, "zone kind", ZoneKind::parse, &ZoneKind::ALL.map(ZoneKind::as_str))?,
        land_classes: words(&body.land_classes, "land class", land_class, &LandClass::STATED.map(LandClass::as_str))?,
        authorities: words(&body.authorities, "authority", Authority::parse, &Authority::ALL.map(Authority::as_str))?,
        severity,
        after: body.after.as_deref().map(time).transpose()?,
        quiet: quiet(body.quiet, channel, body.duty.is_some())?,
        duty: body.duty,
    })
}

fn land_class(word: &str) -> Option<LandClass> {
    LandClass::STATED.into_iter().find(|class| class.as_str() == word)
}

/// As it was written.
fn shown_time(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Reads a list of words; the first that is none is told.
fn words<T>(
    list: &[String],
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
    allowed: &[&str],
) -> Result<Vec<T>, Problem> {
    let one = |word: &String| {
        let none = || Problem::bad_request(format!("{what} `{word}` is none; use {}", allowed.join(", ")));
        parse(word).ok_or_else(none)
    };
    list.iter().map(one).collect()
}

/// `30s`, `15m` or `2h`: nobody waits for days, and a number alone says too little.
fn time(text: &str) -> Result<Duration, Problem> {
    let wrong = || Problem::bad_request(format!("after `{text}` is no time; write 30s, 15m or 2h"));
    let has_unit = text.ends_with(['s', 'm', 'h']);
    extract::duration("after", text).ok().filter(|_| has_unit).ok_or_else(wrong)
}

/// Nights are for what cannot wait: a phone is woken at night by nothing that is only good to know, unless its owner wants it.
fn quiet(given: Option<Quiet>, channel: ChannelKind, has_duty: bool) -> Result<Option<QuietHours>, Problem> {
    let (from, until, below) = match given {
        None if channel == ChannelKind::Sms && !has_duty => ("22:00".to_owned(), "06:00".to_owned(), None),
        None => return Ok(None),
        Some(Quiet::Word(word)) if word == "none" => return Ok(None),
        Some(Quiet::Word(word)) => {
            return Err(Problem::bad_request(format!(
                "quiet `{word}` is none; write \"none\", or {{\"from\": \"22:00\", \"until\": \"06:00\"}}"
            )));
        }
        Some(Quiet::Hours { from, until, below }) => (from, until, below),
    };
    let below = match below.as_deref() {
        None => Severity::Warning,
        Some(word) => Severity::parse(word)
            .ok_or_else(|| Problem::bad_request(format!("quiet.below `{word}` is none; use warning or urgent")))?,
    };
    let hours = QuietHours::parse(&from, &until, below).ok_or_else(|| {
        Problem::bad_request(format!("quiet hours `{from}` to `{until}` are none; write 22:00 and 06:00, legal time"))
    })?;
    Ok(Some(hours))
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
        "zone_kinds": subscriber.zone_kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "land_classes": subscriber.land_classes.iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "authorities": subscriber.authorities.iter().map(|body| body.as_str()).collect::<Vec<_>>(),
        "severity": subscriber.severity.as_str(),
        "after": subscriber.after.map(shown_time),
        "quiet": subscriber.quiet.map(|quiet| {
            json!({ "from": quiet.from(), "until": quiet.until(), "below": quiet.below.as_str() })
        }),
        "off": subscriber.off,
        "duty": subscriber.duty,
        "since": subscriber.since.to_rfc3339(),
    })
}
