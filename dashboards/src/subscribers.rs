//! Who is told, for administrators.
//!
//! In: a new subscriber.   Out: subscribers; the signing secret, or a listener's password, only in the answer that made it.

use crate::app::{App, blocking};
use crate::auth::Signed;
use crate::commands::append;
use crate::extract::{self, Body, List};
use crate::openapi::words::{self, Moment};
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn};
use crate::problem::Problem;
use crate::receivers::ReceiverJson;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use model::{
    Action, AlertKind, Authority, BadName, ChannelKind, Command, LandClass, Language, QuietHours, Severity, Subscriber,
    TownshipCode, ZoneId, ZoneKind,
};
use registry::{NewSubscriber, Role};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What `POST /subscribers` takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriberBody {
    name: String,
    #[schema(value_type = words::Channel)]
    channel: String,
    /// Where it listens; not for `sms` and `mqtt`, needed by all others.
    url: Option<String>,
    /// For `sms`.
    phone: Option<String>,
    /// `zh` when absent.
    #[schema(value_type = Option<words::Language>)]
    language: Option<String>,
    /// What messages are signed with; made when absent. For `mqtt` the password, and `id` is the username.
    secret: Option<String>,
    /// What it is told of; none: everything.
    #[serde(default)]
    #[schema(value_type = Vec<words::AlertKind>)]
    events: Vec<String>,
    /// Only of these; none: of all.
    #[serde(default)]
    townships: Vec<String>,
    /// Only of these; none: of all.
    #[serde(default)]
    zones: Vec<String>,
    /// Only of zones of these kinds; none: of all.
    #[serde(default)]
    #[schema(value_type = Vec<words::ZoneKind>)]
    zone_kinds: Vec<String>,
    /// Only of land of these classes; none: of all.
    #[serde(default)]
    #[schema(value_type = Vec<words::LandClass>)]
    land_classes: Vec<String>,
    /// Only of what these enforce; none: of all.
    #[serde(default)]
    #[schema(value_type = Vec<words::Authority>)]
    authorities: Vec<String>,
    /// Of nothing less; `notice` when absent.
    #[schema(value_type = Option<words::Severity>)]
    severity: Option<String>,
    /// `15m`: told of a case that nobody has acknowledged for so long.
    after: Option<String>,
    /// Hours, or `none`.
    quiet: Option<Quiet>,
    /// Which half of the dual report it takes.
    #[schema(value_type = Option<words::Duty>)]
    duty: Option<String>,
}

/// Hours in which only what cannot wait is told.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = QuietHoursAsked)]
enum Quiet {
    /// `none`: no such hours.
    Word(String),
    Hours {
        /// Legal time, like `22:00`.
        from: String,
        /// Likewise.
        until: String,
        /// What waits: everything below; `warning` when absent.
        #[schema(value_type = Option<words::Severity>)]
        below: Option<String>,
    },
}

/// Who is told.
#[utoipa::path(
    get, path = "/api/v1/subscribers", tag = "subscribers",
    responses((status = 200, body = List<SubscriberJson>), NotLoggedIn, Forbidden),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, signed: Signed) -> Result<Json<List<SubscriberJson>>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor, Role::Auditor])?;
    let view = app.registry_view();
    let told = app.view().await?;
    let line = |subscriber: &Subscriber| {
        let health = Some(told.receiver(&subscriber.id));
        SubscriberJson { health, ..subscriber_json(subscriber) }
    };
    Ok(extract::list(view.subscribers.iter().map(line).collect(), None))
}

/// Tell somebody.
#[utoipa::path(
    post, path = "/api/v1/subscribers", tag = "subscribers",
    request_body = SubscriberBody,
    responses((status = 201, body = SubscriberJson, description = "with the signing secret, shown this once"), BadRequest, NotLoggedIn, Forbidden, Conflict),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    signed: Signed,
    Body(body): Body<SubscriberBody>,
) -> Result<(StatusCode, Json<SubscriberJson>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body, false)?;
    let (registry, by) = signed.author(&app);
    let made = blocking("adding a subscriber", move || registry.add_subscriber(new, &by)).await?;
    Ok((StatusCode::CREATED, Json(with_secret(made))))
}

/// For the one time that it is shown.
fn with_secret(subscriber: Subscriber) -> SubscriberJson {
    let shown = subscriber_json(&subscriber);
    SubscriberJson { secret: Some(subscriber.secret), ..shown }
}

/// Say anew what somebody is told; url, phone and secret that are left out stay.
#[utoipa::path(
    put, path = "/api/v1/subscribers/{id}", tag = "subscribers",
    request_body = SubscriberBody,
    responses((status = 200, body = SubscriberJson), BadRequest, NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
    Body(body): Body<SubscriberBody>,
) -> Result<Json<SubscriberJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let new = parse(body, true)?;
    let (registry, by) = signed.author(&app);
    let made = blocking("changing a subscriber", move || registry.replace_subscriber(&id, new, &by)).await?;
    Ok(Json(subscriber_json(&made)))
}

/// Switch somebody on again.
#[utoipa::path(
    post, path = "/api/v1/subscribers/{id}/enable", tag = "subscribers",
    responses((status = 200, body = SubscriberJson), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn enable(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<SubscriberJson>, Problem> {
    switch(&app, &signed, id, None).await
}

/// Switch somebody off: nothing is sent.
#[utoipa::path(
    post, path = "/api/v1/subscribers/{id}/disable", tag = "subscribers",
    responses((status = 200, body = SubscriberJson), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn disable(
    app: State<Arc<App>>,
    signed: Signed,
    id: Path<String>,
) -> Result<Json<SubscriberJson>, Problem> {
    let why = format!("by {}", signed.who.user.username);
    switch(&app, &signed, id, Some(why)).await
}

async fn switch(
    app: &App,
    signed: &Signed,
    Path(id): Path<String>,
    off: Option<String>,
) -> Result<Json<SubscriberJson>, Problem> {
    signed.who.require(&[Role::Administrator, Role::Supervisor])?;
    let (registry, by) = signed.author(app);
    let switched = move || registry.switch_subscriber(&id, off.as_deref(), &by);
    Ok(Json(subscriber_json(&blocking("switching a subscriber", switched).await?)))
}

/// A new signing secret; for a day both are used.
#[utoipa::path(
    post, path = "/api/v1/subscribers/{id}/secret", tag = "subscribers",
    responses((status = 200, body = SubscriberJson), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn renew_secret(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<SubscriberJson>, Problem> {
    signed.who.require(&[Role::Administrator])?;
    let (registry, by) = signed.author(&app);
    let made = blocking("renewing a secret", move || registry.renew_subscriber_secret(&id, &by)).await?;
    Ok(Json(with_secret(made)))
}

/// Send a message that says that it is one to try.
#[utoipa::path(
    post, path = "/api/v1/subscribers/{id}/test", tag = "subscribers",
    responses((status = 202, description = "it is on its way; GET /api/v1/deliveries shows it"), NotLoggedIn, Forbidden, NotFound),
)]
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

/// Stop telling somebody.
#[utoipa::path(
    delete, path = "/api/v1/subscribers/{id}", tag = "subscribers",
    responses((status = 204), NotLoggedIn, Forbidden, NotFound),
)]
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

/// Somebody who is told.
#[derive(Serialize, ToSchema)]
#[schema(as = Subscriber)]
pub(crate) struct SubscriberJson {
    id: String,
    name: String,
    #[schema(value_type = words::Channel)]
    channel: &'static str,
    /// Of a robot without the token in it.
    #[schema(required)]
    url: Option<String>,
    /// With four digits hidden.
    #[schema(required)]
    phone: Option<String>,
    #[schema(value_type = words::Language)]
    language: &'static str,
    #[schema(value_type = Vec<words::AlertKind>)]
    events: Vec<&'static str>,
    townships: Vec<String>,
    zones: Vec<String>,
    #[schema(value_type = Vec<words::ZoneKind>)]
    zone_kinds: Vec<&'static str>,
    #[schema(value_type = Vec<words::LandClass>)]
    land_classes: Vec<&'static str>,
    #[schema(value_type = Vec<words::Authority>)]
    authorities: Vec<&'static str>,
    #[schema(value_type = words::Severity)]
    severity: &'static str,
    /// `15m`: told of a case that nobody has acknowledged for so long.
    #[schema(required)]
    after: Option<String>,
    #[schema(required)]
    quiet: Option<QuietJson>,
    /// Why nothing is told for now; null: it is.
    #[schema(required)]
    off: Option<String>,
    #[schema(required, value_type = Option<words::Duty>)]
    duty: Option<String>,
    since: Moment,
    /// Only in the answer that made it; for `mqtt` the password, and `id` is the username.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Only in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<ReceiverJson>,
}

/// Hours in which only what cannot wait is told.
#[derive(Serialize, ToSchema)]
#[schema(as = QuietHours)]
struct QuietJson {
    /// Legal time, like `22:00`.
    from: String,
    /// Likewise.
    until: String,
    /// What waits: everything below.
    #[schema(value_type = words::Severity)]
    below: &'static str,
}

fn subscriber_json(subscriber: &Subscriber) -> SubscriberJson {
    SubscriberJson {
        id: subscriber.id.clone(),
        name: subscriber.name.clone(),
        channel: subscriber.channel.as_str(),
        url: shown_url(subscriber).map(str::to_owned),
        phone: subscriber.phone.as_deref().map(masked),
        language: subscriber.language.as_str(),
        events: subscriber.events.iter().map(|kind| kind.as_str()).collect(),
        townships: subscriber.townships.iter().map(ToString::to_string).collect(),
        zones: subscriber.zones.iter().map(ToString::to_string).collect(),
        zone_kinds: subscriber.zone_kinds.iter().map(|kind| kind.as_str()).collect(),
        land_classes: subscriber.land_classes.iter().map(|class| class.as_str()).collect(),
        authorities: subscriber.authorities.iter().map(|body| body.as_str()).collect(),
        severity: subscriber.severity.as_str(),
        after: subscriber.after.map(shown_time),
        quiet: subscriber.quiet.map(|quiet| QuietJson {
            from: quiet.from(),
            until: quiet.until(),
            below: quiet.below.as_str(),
        }),
        off: subscriber.off.clone(),
        duty: subscriber.duty.clone(),
        since: subscriber.since.into(),
        secret: None,
        health: None,
    }
}
