//! What devices said that could not be understood: looked at, and taken up again once it can be.
//!
//! In:  a cursor, or one letter's number.   Out: letters newest first, the bytes of one as long as the journal has them; the same bytes
//! appended to the journal anew, which is where they go on as if they had just come.
//!
//! Never: a letter dropped before its bytes are in the journal again; and never a message that bears no time of its own replayed, for it
//! would count as said today.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::extract::{self, List, Paging, Params};
use crate::openapi::words::Moment;
use crate::openapi::{BadRequest, Conflict, Forbidden, NotFound, NotLoggedIn, Unavailable};
use crate::problem::Problem;
use crate::refusals::Code;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use journal::JournalError;
use journal::dead_letters::DeadLetterRow;
use model::{DeviceId, Entry, Frame, Offset, Reading, ReceivedAt, Reject};
use registry::Role;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// What an entry of the journal says, or why it cannot be understood; decode knows.
pub type Understands = Arc<dyn Fn(&Entry) -> Result<Reading, Reject> + Send + Sync>;

/// Bytes of a message that are shown: more than any message but a picture.
const SHOWN_MAX: usize = 64 << 10;

/// A message that could not be understood.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct DeadLetterJson {
    id: String,
    /// Its place in the journal.
    offset: u64,
    device: String,
    received_at: Moment,
    /// What it was said on.
    channel: String,
    /// A short word, as the metric's label.
    reason: String,
    /// Why, as a sentence.
    detail: String,
}

/// The same with its bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterWithPayload)]
pub(crate) struct WholeLetterJson {
    #[serde(flatten)]
    letter: DeadLetterJson,
    /// Null: the journal no longer holds it.
    #[schema(required)]
    payload: Option<PayloadJson>,
}

/// The bytes of a message.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterPayload)]
pub(crate) struct PayloadJson {
    /// How long the message is.
    bytes: usize,
    /// Its first 64 KiB, where they are UTF-8.
    #[schema(required)]
    text: Option<String>,
    /// The same bytes.
    base64: String,
}

/// Where a message went on.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplayedDeadLetter)]
pub(crate) struct ReplayedJson {
    id: String,
    /// Its new place in the journal.
    offset: u64,
}

/// Messages that could not be understood, newest first.
#[utoipa::path(
    get, path = "/api/v1/dead-letters", tag = "dead letters",
    params(Paging),
    responses((status = 200, body = List<DeadLetterJson>), BadRequest, NotLoggedIn),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(paging): Params<Paging>,
) -> Result<Json<List<DeadLetterJson>>, Problem> {
    let page = paging.page()?;
    let letters = app.parts.dead_letters.clone();
    let rows = blocking("reading dead letters", move || letters.list(page.after, page.limit)).await?;
    let last = rows.last().filter(|_| rows.len() == page.limit).map(|row| row.offset.0);
    let theirs = rows.iter().filter(|row| sees(&app, &signed.who, &row.device)).map(row_json);
    Ok(extract::list(theirs.collect(), last))
}

/// One of them with its bytes; for administrators and auditors, since it may name an informant.
#[utoipa::path(
    get, path = "/api/v1/dead-letters/{id}", tag = "dead letters",
    responses((status = 200, body = WholeLetterJson), NotLoggedIn, Forbidden, NotFound),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<WholeLetterJson>, Problem> {
    // The bytes as they came may name an informant.
    signed.who.require(&[Role::Administrator, Role::Auditor])?;
    let row = find(&app, &signed.who, &id).await?;
    let entry = entry(&app, row.offset).await?;
    let payload = entry.map(|entry| payload_json(&entry.frame.payload));
    Ok(Json(WholeLetterJson { letter: row_json(&row), payload }))
}

/// It goes into the journal anew, if it can be understood by now and bears a time of its own.
#[utoipa::path(
    post, path = "/api/v1/dead-letters/{id}/replay", tag = "dead letters",
    responses(
        (status = 202, body = ReplayedJson, description = "it is in the journal; the letter is closed"),
        NotLoggedIn, Forbidden, NotFound, Conflict, Unavailable,
    ),
)]
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<ReplayedJson>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let row = find(&app, &signed.who, &id).await?;
    let Some(kept) = entry(&app, row.offset).await? else {
        return Err(Problem::conflict(format!(
            "the journal no longer holds the bytes of dead letter `{id}`; [journal] retention says how long it does"
        ))
        .because(Code::LetterGone, [id.as_str().into()]));
    };
    let again = Entry { frame: Frame { received_at: ReceivedAt(app.now()), ..kept.frame }, ..kept };
    match (app.parts.understands)(&again) {
        Err(reject) => {
            return Err(Problem::conflict(format!("dead letter `{id}` still cannot be understood: {reject}"))
                .because(Code::LetterUnclear, [id.as_str().into()]));
        }
        Ok(reading) if reading.device_time.is_none() => {
            return Err(Problem::conflict(format!(
                "dead letter `{id}` bears no time of its own and would count as said today; it stays as it is"
            ))
            .because(Code::LetterTimeless, [id.as_str().into()]));
        }
        Ok(_) => {}
    }
    let durable =
        app.parts.journal.append(again.frame).await.map_err(|error| Problem::unavailable(error.to_string()))?;
    let (letters, (registry, by)) = (app.parts.dead_letters.clone(), signed.author(&app));
    let (from, to) = (row.offset, durable.offset());
    blocking("closing a dead letter", move || {
        letters.forget(from)?;
        let after = json!({ "device": row.device.as_str(), "offset": to.0 });
        registry.witness(format!("dead_letter.replay {}", from.0), Some(after), &by)?;
        Ok::<_, Problem>(())
    })
    .await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayedJson { id, offset: to.0 })))
}

fn sees(app: &App, who: &Who, device: &DeviceId) -> bool {
    let registry = app.registry_view();
    let township = registry.device(device).and_then(|device| device.township.as_ref());
    who.sees(township.map(|code| code.as_str()))
}

async fn find(app: &App, who: &Who, id: &str) -> Result<DeadLetterRow, Problem> {
    let letters = app.parts.dead_letters.clone();
    let found = match id.parse() {
        Ok(offset) => blocking("reading a dead letter", move || letters.one(Offset(offset))).await?,
        Err(_) => None,
    };
    found.filter(|row| sees(app, who, &row.device)).ok_or_else(|| {
        Problem::not_found(format!("there is no dead letter `{id}`; GET /api/v1/dead-letters lists them"))
    })
}

/// What the journal holds there, if it still does.
async fn entry(app: &App, offset: Offset) -> Result<Option<Entry>, JournalError> {
    let read = app.parts.journal.read(Offset(offset.0.saturating_sub(1)), 1).await?;
    Ok(read.into_iter().find(|entry| entry.offset == offset))
}

fn row_json(row: &DeadLetterRow) -> DeadLetterJson {
    DeadLetterJson {
        id: row.offset.0.to_string(),
        offset: row.offset.0,
        device: row.device.to_string(),
        received_at: row.received_at.0.into(),
        channel: row.channel.clone(),
        reason: row.reason.clone(),
        detail: row.detail.clone(),
    }
}

/// The beginning of the bytes, as text too where they are text.
fn payload_json(bytes: &[u8]) -> PayloadJson {
    let shown = bytes.get(..SHOWN_MAX).unwrap_or(bytes);
    let text = std::str::from_utf8(shown).ok().map(str::to_owned);
    PayloadJson { bytes: bytes.len(), text, base64: STANDARD.encode(shown) }
}
