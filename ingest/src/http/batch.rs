//! Lines of JSON -> frames, and an answer for each line.
//!
//! In: an `application/x-ndjson` body.   Out: the frames of the lines that are understood, and one result for each line, in the
//! same order.   Never: a line that was refused in the journal.

use super::limits::{BATCH_LINES_MAX, PAYLOAD_BYTES_MAX};
use super::refusal::Refusal;
use axum::http::StatusCode;
use bytes::Bytes;
use model::Frame;
use serde::Serialize;

/// A batch, judged.
pub struct Judged {
    /// What is to be recorded.
    pub frames: Vec<Frame>,
    /// What came of each line.
    pub refused: Vec<Option<Refusal>>,
}

/// Judges every line. `understand` makes a frame of a payload, or says why not.
pub fn judge(body: &Bytes, understand: impl Fn(Bytes) -> Result<Frame, Refusal>) -> Result<Judged, Refusal> {
    let text = body.strip_suffix(b"\n").unwrap_or(body);
    let mut judged = Judged { frames: Vec::new(), refused: Vec::new() };
    for line in text.split(|byte| *byte == b'\n') {
        if judged.refused.len() >= BATCH_LINES_MAX {
            return Err(Refusal::TooManyLines { limit: BATCH_LINES_MAX });
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let frame = if line.len() > PAYLOAD_BYTES_MAX {
            Err(Refusal::TooLarge { limit_bytes: PAYLOAD_BYTES_MAX })
        } else {
            // A copy: one short line must not hold a whole batch in the journal's memory.
            understand(Bytes::copy_from_slice(line))
        };
        match frame {
            Ok(frame) => {
                judged.frames.push(frame);
                judged.refused.push(None);
            }
            Err(refusal) => judged.refused.push(Some(refusal)),
        }
    }
    Ok(judged)
}

/// What came of a line, as its sender reads it.
#[derive(Serialize)]
struct LineResult {
    line: usize,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// One line of JSON for each line: `{"line":1,"status":202}`, `{"line":2,"status":400,"detail":"…"}`.
pub fn answer(refused: &[Option<Refusal>]) -> String {
    let mut text = String::new();
    for (line, refused) in (1..).zip(refused) {
        let status = refused.as_ref().map_or(StatusCode::ACCEPTED, Refusal::status).as_u16();
        let result = LineResult { line, status, detail: refused.as_ref().map(Refusal::to_string) };
        // Numbers and text only: it cannot fail, and an empty line would show if it did.
        text.push_str(&serde_json::to_string(&result).unwrap_or_default());
        text.push('\n');
    }
    text
}
