//! What the system above us says of a case that it was told of: received, handled, returned, and a remark.
//!
//! In:  a call with the token that the configuration names.   Out: commands in the command log, as if a person at a desk had given
//! them, by 智慧林草平台; then how the case stands.
//!
//! Never: closes a case, since how it turned out is for an officer here to say; takes the same call twice; says anything but "there is
//! no such address" where no token is configured.

use crate::app::App;
use crate::commands::{EFFECT_MAX, append, effect};
use crate::extract::Raw;
use crate::listener::Peer;
use crate::openapi::words;
use crate::openapi::{BadRequest, NotFound, NotLoggedIn, TooMany};
use crate::problem::Problem;
use crate::view::{Incident, View};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blake3::Hash;
use journal::wire::{IncidentJson, TimelineJson};
use model::{Action, Command, IncidentId, IncidentStatus};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// As the timeline names it.
const PLATFORM: &str = "智慧林草平台";
/// A person's name, or an office's.
const BY_MAX: usize = 60;
/// Longest remark, in characters, like a comment.
const REMARK_MAX: usize = 2_000;
/// Calls remembered: one that is repeated before the case shows it is known all the same.
const RECENT_MAX: usize = 1_000;

/// Who may call back. Only the hash of the token is held.
#[derive(Clone, Copy)]
pub struct Callback(Hash);

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Callback")
    }
}

impl Callback {
    /// Whoever has this token.
    pub fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    fn admits(self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        given.strip_prefix(b"Bearer ").is_some_and(|token| self.is(token))
    }

    /// Whether this is the token.
    pub(crate) fn is(self, token: &[u8]) -> bool {
        // Hashes compare in constant time.
        blake3::hash(token) == self.0
    }
}

/// What was taken lately.
#[derive(Debug, Default)]
pub(crate) struct Taken(Mutex<VecDeque<Hash>>);

/// What the call says. Foreign systems add fields of their own; they are not read.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Acknowledgement {
    /// The case, as the message named it: `事件编号`, or `incidents` of CAP.
    id: String,
    #[schema(value_type = words::PlatformState)]
    state: String,
    /// Who, for the case's history.
    #[schema(max_length = 60)]
    #[serde(default)]
    by: String,
    /// Becomes a comment.
    #[schema(max_length = 2000)]
    #[serde(default)]
    remark: String,
}

/// How the case stands now.
#[derive(Serialize, ToSchema)]
#[schema(as = Acknowledged)]
pub(crate) struct AcknowledgedJson {
    /// Always 0.
    code: u8,
    id: String,
    #[schema(value_type = words::IncidentStatus)]
    status: String,
    /// Nothing new was said.
    repeated: bool,
}

/// What the system above says of a case: received, handled, returned, and a remark.
#[utoipa::path(
    post, path = "/api/v1/platform/acknowledgements", tag = "deliveries",
    request_body = Acknowledgement,
    responses(
        (status = 200, body = AcknowledgedJson, description = "taken, or taken before"),
        (status = 202, body = AcknowledgedJson, description = "taken, and not carried out yet"),
        BadRequest, NotLoggedIn, NotFound, TooMany,
    ),
    security(("platform" = [])),
)]
pub(crate) async fn acknowledge(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Raw,
) -> Result<Response, Problem> {
    authorise(&app, &headers, peer.ip())?;
    let said = read(&body)?;
    let view = app.view().await?;
    let not_found = || {
        Problem::not_found(format!(
            "there is no case `{}`; name it as the message did",
            said.id.chars().take(64).collect::<String>()
        ))
    };
    let before = view.incident(&said.id).ok_or_else(not_found)?;
    let incident = IncidentId::parse(&said.id).map_err(|_| not_found())?;
    let by = format!("{PLATFORM} {}", said.by.trim()).trim_end().to_owned();
    let actions = actions(&said, &by, &before.json)?;
    let command = |action| Command { incident: Some(incident.clone()), by: by.clone(), at: app.now(), action };
    let mut last = None;
    for command in actions.into_iter().map(command) {
        if app.acknowledged.take(&app, &before, command.clone()).await? {
            last = Some(command);
        }
    }
    let is_repeated = last.is_none();
    let (status, after) = match last {
        None => (StatusCode::OK, before),
        Some(command) => outcome(view, &said.id, before, &command).await,
    };
    // A code of 0 beside the status, since that is what most such systems look for.
    let (id, state) = (after.json.id.clone(), after.json.status.clone());
    let answer = AcknowledgedJson { code: 0, id, status: state, repeated: is_repeated };
    Ok((status, Json(answer)).into_response())
}

fn authorise(app: &App, headers: &HeaderMap, from: IpAddr) -> Result<(), Problem> {
    let Some(callback) = app.parts.callback else {
        return Err(Problem::not_found("there is no such address here; /api/v1/openapi.json lists what there is"));
    };
    // Counted for each address by itself: who guesses from elsewhere does not shut the platform out.
    let who = format!("platform callback from {from}");
    app.throttle.attempt(&who, from, app.now()).map_err(|wait| {
        let seconds = wait.as_secs().max(1);
        Problem::too_many(format!("too many wrong tokens; try again in {seconds} s"), seconds)
    })?;
    if !callback.admits(headers) {
        tracing::info!(%from, "an acknowledgement with a wrong token was refused");
        return Err(Problem::not_logged_in(
            "send the token as `Authorization: Bearer …`; this one is missing or wrong",
        ));
    }
    app.throttle.succeeded(&who, from);
    Ok(())
}

fn read(Raw(bytes): &Raw) -> Result<Acknowledgement, Problem> {
    let said: Acknowledgement = serde_json::from_slice(bytes).map_err(|error| {
        Problem::bad_request(format!(
            "body: {error}; send {{\"id\": \"…\", \"state\": \"received\", \"by\": \"…\", \"remark\": \"…\"}}"
        ))
    })?;
    if said.by.chars().count() > BY_MAX || said.by.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!("field `by` is not a name; use at most {BY_MAX} characters")));
    }
    if said.remark.chars().count() > REMARK_MAX {
        return Err(Problem::bad_request(format!(
            "field `remark` is too long; at most {REMARK_MAX} characters are kept"
        )));
    }
    Ok(said)
}

/// What it means here. What cannot change the case any more is written down all the same.
fn actions(said: &Acknowledgement, by: &str, incident: &IncidentJson) -> Result<Vec<Action>, Problem> {
    let note = |text: &str| Action::Comment { text: text.to_owned() };
    let is_open = incident.status == IncidentStatus::Open.as_str();
    let has_taken = since_reopened(incident).any(|line| line.what == "acknowledged" && line.by.as_deref() == Some(by));
    let state = match said.state.as_str() {
        // Once more after its own acknowledgement was carried out says nothing new.
        "received" if is_open || has_taken => Action::Acknowledge,
        "received" => note("上级平台已接收"),
        "handled" => note("上级平台已办结"),
        "returned" => note("上级平台已退回"),
        other => {
            return Err(Problem::bad_request(format!(
                "state `{}` is none; use received, handled or returned",
                other.chars().take(64).collect::<String>()
            )));
        }
    };
    let remark = said.remark.trim();
    Ok(std::iter::once(state).chain((!remark.is_empty()).then(|| note(remark))).collect())
}

impl Taken {
    /// Writes a command unless it was given before; whether it was written.
    async fn take(&self, app: &App, before: &Incident, command: Command) -> Result<bool, Problem> {
        // Held while it is written, so that two calls at once are one.
        let mut recent = self.0.lock().await;
        let key = key(&before.json, &command);
        if recent.contains(&key) || shows(&before.json, &command) {
            return Ok(false);
        }
        append(app, None, command).await?;
        if recent.len() >= RECENT_MAX {
            recent.pop_front();
        }
        recent.push_back(key);
        Ok(true)
    }
}

/// What is the same when it is said again. A case that was opened again is another matter.
fn key(incident: &IncidentJson, command: &Command) -> Hash {
    let text = match &command.action {
        Action::Comment { text } => text.as_str(),
        _ => "\0",
    };
    let times = incident.timeline.iter().filter(|line| line.what == "reopened").count();
    blake3::hash(format!("{}\0{times}\0{}\0{text}", incident.id, command.by).as_bytes())
}

/// Whether the case's history holds it already.
fn shows(incident: &IncidentJson, command: &Command) -> bool {
    let mut of_this_person = since_reopened(incident).filter(|line| line.by.as_deref() == Some(&command.by));
    of_this_person.any(|line| match &command.action {
        Action::Comment { text } => line.what == "comment" && line.text.as_deref() == Some(text),
        _ => line.what == "acknowledged",
    })
}

fn since_reopened(incident: &IncidentJson) -> impl Iterator<Item = &TimelineJson> {
    let after = incident.timeline.iter().rposition(|line| line.what == "reopened").map_or(0, |place| place + 1);
    incident.timeline.iter().skip(after)
}

/// The case with the command carried out (200), or as it was with word that it is on its way (202).
async fn outcome(view: &View, id: &str, before: Arc<Incident>, command: &Command) -> (StatusCode, Arc<Incident>) {
    match tokio::time::timeout(EFFECT_MAX, effect(view, id, &before, command)).await {
        Ok(after) => (StatusCode::OK, after),
        Err(_) => (StatusCode::ACCEPTED, before),
    }
}
