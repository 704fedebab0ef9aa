//! What `fuzz/` calls of ISAPI: what a camera posts, taken apart as the listener does it.
//!
//! In:  any bytes.   Out: frames as they would come into the journal.   Never: a part of what serves.

use super::events::{Event, PICTURES_MAX, Piece, Said, events};
use super::multipart::Parts;
use crate::protocol::health::Health;
use model::{DeviceId, Frame, Timestamp, Transport};
use registry::View;

/// A body in pieces whose size is its first byte.
pub(crate) fn frames(input: &[u8]) -> Vec<Frame> {
    const PART_BYTES_MAX: usize = 64 << 10;
    let Some((&size, body)) = input.split_first() else { return Vec::new() };
    let Some(mut parts) = Parts::of("multipart/form-data; boundary=edge", PART_BYTES_MAX) else { return Vec::new() };
    let mut pieces = Vec::new();
    for chunk in body.chunks(usize::from(size).max(1)) {
        parts.push(chunk);
        while let Ok(Some(part)) = parts.next() {
            assert!(part.body.len() <= PART_BYTES_MAX);
            pieces.push(Piece::of(part));
        }
    }
    let (now, view) = (Timestamp::from_millis(1_795_313_700_000), View::default());
    let Ok(speaker) = DeviceId::parse("cam-1") else { return Vec::new() };
    let said = Said { speaker: &speaker, view: &view, transport: Transport::Http, now };
    let mut health = Health::new(now);
    let whole = Event { alert: bytes::Bytes::copy_from_slice(body), pictures: Vec::new() };
    let mut all = events(pieces.into_iter());
    all.push(whole);
    all.iter()
        .flat_map(|event| {
            assert!(event.pictures.len() <= PICTURES_MAX);
            said.frames(event, &mut health)
        })
        .collect()
}
