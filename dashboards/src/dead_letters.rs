//! What devices said that could not be understood: looked at, and taken up again once it can be.
//!
//! In:  a cursor, or one letter's number.   Out: letters newest first, the bytes of one as long as the journal has them; the same bytes
//! appended to the journal anew, which is where they go on as if they had just come.
//!
//! Never: a letter dropped before its bytes are in the journal again; and never a message that bears no time of its own replayed, for it
//! would count as said today.

use crate::app::{App, blocking};
use crate::auth::{Signed, Who};
use crate::extract::{self, Page, Params};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use journal::JournalError;
use journal::dead_letters::DeadLetterRow;
use model::{DeviceId, Entry, Frame, Offset, Reading, ReceivedAt, Reject};
use registry::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What an entry of the journal says, or why it cannot be understood; decode knows.
pub type Understands = Arc<dyn Fn(&Entry) -> Result<Reading, Reject> + Send + Sync>;

/// Bytes of a message that are shown: more than any message but a picture.
const SHOWN_MAX: usize = 64 << 10;

/// What `GET /dead-letters` takes.
#[derive(Deserialize)]
pub(crate) struct Paging {
    cursor: Option<String>,
    limit: Option<String>,
}

/// `GET /dead-letters`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed: Signed,
    Params(paging): Params<Paging>,
) -> Result<Json<Value>, Problem> {
    let page = Page::parse(paging.limit.as_deref(), paging.cursor.as_deref())?;
    let letters = app.parts.dead_letters.clone();
    let rows = blocking("reading dead letters", move || letters.list(page.after, page.limit)).await?;
    let last = rows.last().filter(|_| rows.len() == page.limit).map(|row| row.offset.0);
    let theirs = rows.iter().filter(|row| sees(&app, &signed.who, &row.device)).map(row_json);
    Ok(extract::list(theirs.collect(), last))
}

/// `GET /dead-letters/{id}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    // The bytes as they came may name an informant.
    signed.who.require(&[Role::Administrator, Role::Auditor])?;
    let row = find(&app, &signed.who, &id).await?;
    let entry = entry(&app, row.offset).await?;
    let mut letter = row_json(&row);
    if let Some(fields) = letter.as_object_mut() {
        fields.insert("payload".to_owned(), entry.map_or(Value::Null, |entry| payload_json(&entry.frame.payload)));
    }
    Ok(Json(letter))
}

/// `POST /dead-letters/{id}/replay`
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    signed.who.require(&[Role::Administrator])?;
    let row = find(&app, &signed.who, &id).await?;
    let Some(kept) = entry(&app, row.offset).await? else {
        return Err(Problem::conflict(format!(
            "the journal no longer holds the bytes of dead letter `{id}`; [journal] retention says how long it does"
        )));
    };
    let again = Entry { frame: Frame { received_at: ReceivedAt(app.now()), ..kept.frame }, ..kept };
    match (app.parts.understands)(&again) {
        Err(reject) => {
            return Err(Problem::conflict(format!("dead letter `{id}` still cannot be understood: {reject}")));
        }
        Ok(reading) if reading.device_time.is_none() => {
            return Err(Problem::conflict(format!(
                "dead letter `{id}` bears no time of its own and would count as said today; it stays as it is"
            )));
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
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "offset": to.0 }))))
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

fn row_json(row: &DeadLetterRow) -> Value {
    json!({
        "id": row.offset.0.to_string(),
        "offset": row.offset.0,
        "device": row.device.as_str(),
        "received_at": row.received_at.0.to_rfc3339(),
        "channel": row.channel,
        "reason": row.reason,
        "detail": row.detail,
    })
}

/// The beginning of the bytes, as text too where they are text.
fn payload_json(bytes: &[u8]) -> Value {
    let shown = bytes.get(..SHOWN_MAX).unwrap_or(bytes);
    json!({ "bytes": bytes.len(), "text": std::str::from_utf8(shown).ok(), "base64": STANDARD.encode(shown) })
}
