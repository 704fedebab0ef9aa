//! What `fuzz/` calls of HTTP in: many lines of JSON, as the handler judges and answers them.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what serves.

use super::{batch, understand};
use bytes::Bytes;
use model::{Channel, DeviceId, ReadingKind, ReceivedAt, Timestamp};
use std::sync::Arc;

/// A batch. The first byte picks the kind of all its lines.
pub fn http_batch(input: &[u8]) {
    let Some((&which, body)) = input.split_first() else { return };
    let kinds =
        [ReadingKind::Heartbeat, ReadingKind::Track, ReadingKind::Reading, ReadingKind::Sighting, ReadingKind::Report];
    let kind = kinds.get(usize::from(which) % kinds.len()).copied().unwrap_or(ReadingKind::Report);
    let channel = Channel::Native { kind, detail: Arc::from("") };
    let Ok(speaker) = DeviceId::parse("cam-1") else { return };
    let received_at = ReceivedAt(Timestamp::from_millis(1_795_313_700_000));
    let judged =
        batch::judge(&Bytes::copy_from_slice(body), |payload| understand(&speaker, &channel, payload, received_at));
    let Ok(judged) = judged else { return };
    let accepted = judged.refused.iter().filter(|refused| refused.is_none()).count();
    assert_eq!(judged.frames.len(), accepted, "every line is a frame or has its reason");
    let answer = batch::answer(&judged.refused);
    assert_eq!(answer.lines().count(), judged.refused.len(), "every line has its answer");
    for (number, line) in (1..).zip(answer.lines()) {
        let said: Option<serde_json::Value> = serde_json::from_str(line).ok();
        assert_eq!(said.and_then(|said| said.get("line")?.as_u64()), Some(number), "{line}");
    }
}
