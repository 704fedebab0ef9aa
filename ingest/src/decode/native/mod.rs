//! The native payloads, one file for each kind that has fields of its own.
//!
//! In: what the topic says it is, the rest of the topic, and the payload.   Out: a `Statement`, or a [`Reject`].
//! Never reads who sent it: that is the frame's business, not the payload's.

mod fire;
mod heartbeat;
mod measurements;
mod report;
mod sighting;
mod track;

pub(super) use heartbeat::STORAGE_FREE_MAX_MB;
pub(super) use track::{HEIGHT_RANGE_M, SPEED_MAX_MPS};

use super::{Statement, json, time};
use model::{Body, ReadingKind, Reject, Snapshot, SnapshotId};

/// Dispatches by kind.
pub(super) fn decode(kind: ReadingKind, detail: &str, payload: &[u8]) -> Result<Statement, Reject> {
    match kind {
        ReadingKind::Heartbeat => timed::<heartbeat::Wire>(payload),
        ReadingKind::Track => timed::<track::Wire>(payload),
        ReadingKind::Reading => timed::<measurements::Wire>(payload),
        ReadingKind::Sighting => timed::<sighting::Wire>(payload),
        ReadingKind::Report => timed::<report::Wire>(payload),
        ReadingKind::Fire => timed::<fire::Wire>(payload),
        ReadingKind::Snapshot => snapshot(detail, payload).map(Statement::untimed),
        // These have channels of their own and are no native topics.
        ReadingKind::DjiOsd | ReadingKind::Modbus | ReadingKind::Clock => {
            Err(Reject::UnknownMessage(kind.as_str().to_owned()))
        }
    }
}

/// A JSON payload with the common fields.
trait Message<'de>: serde::Deserialize<'de> {
    /// `ts` and `seq`, taken out.
    fn common(&mut self) -> (Option<time::RawTime>, Option<u64>);
    /// The rest, checked.
    fn body(self) -> Result<Body, Reject>;
}

fn timed<'de, M: Message<'de>>(payload: &'de [u8]) -> Result<Statement, Reject> {
    let mut message: M = json::object(payload)?;
    let (ts, seq) = message.common();
    let device_time = Some(time::required("ts", ts)?);
    Ok(Statement { device_time, seq, body: message.body()? })
}

/// What every JPEG begins with: start of image, and the first byte of the next marker.
pub(super) const JPEG_START: [u8; 3] = [0xFF, 0xD8, 0xFF];

/// A picture tells no time in its payload: it happened when it came. Its bytes stay in the journal.
fn snapshot(id: &str, payload: &[u8]) -> Result<Body, Reject> {
    if payload.is_empty() {
        return Err(Reject::Empty);
    }
    if !payload.starts_with(&JPEG_START) {
        return Err(Reject::NotJpeg);
    }
    Ok(Body::Snapshot(Snapshot { id: SnapshotId::parse(id)?, bytes: payload.len() }))
}
