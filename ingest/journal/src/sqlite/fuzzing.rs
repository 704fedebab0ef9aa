//! What `fuzz/` calls: entries and batches as they might stand in a file that was cut, edited or written by a stranger.
//!
//! In:  any bytes.   Out: nothing; a panic is a finding.   Never: a part of what writes.

use super::batch::{SealedBatch, StoredBatch, genesis, next_link};
use super::codec;
use super::pack;
use bytes::Bytes;
use model::{Channel, DeviceId, Frame, Offset, ReadingKind, ReceivedAt, Timestamp, Transport};
use std::sync::Arc;

/// How a packed blob begins.
const PACKED: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The first byte says what the rest is: (0) an entry, (1) entries each after a byte with its length, which get sound marks, (2) a
/// blob, (3) a packed blob, (4) an edit of a sound batch: where, by what, and the payload in it.
pub fn journal_entry(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    match how % 5 {
        0 => entry(rest),
        1 => marked(rest),
        2 => stranger(rest.to_vec()),
        3 => stranger([&PACKED, rest].concat()),
        _ => edited(rest),
    }
}

/// What decodes is what was written: it is written the same again.
fn entry(bytes: &[u8]) {
    let Ok(entry) = codec::decode(bytes) else { return };
    let mut again = Vec::new();
    codec::encode(entry.offset, &entry.frame, &mut again);
    assert!(again.len() <= codec::encoded_len(&entry.frame), "room is made for all of it");
    if bytes.first() == again.first() {
        assert_eq!(again, bytes);
    } else {
        // Of the first layout, which told no transport.
        assert_eq!(codec::decode(&again), Ok(entry));
    }
}

/// Arbitrary entries within a sound chain.
fn marked(mut pieces: &[u8]) {
    let before = genesis("fuzzing");
    let (mut link, mut blob, mut count, mut first) = (before, Vec::new(), 0, None);
    while let Some((&len, rest)) = pieces.split_first() {
        let (bytes, rest) = rest.split_at(usize::from(len).min(rest.len()));
        pieces = rest;
        first = first.or(codec::decode(bytes).ok().map(|entry| entry.offset));
        link = next_link(&link, bytes);
        blob.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        blob.extend(link.iter().take(4));
        blob.extend_from_slice(bytes);
        count += 1;
    }
    let stored = StoredBatch { first: first.unwrap_or(Offset(1)), count, before, after: link, blob };
    if let Some(blob) = pack::pack(&stored.blob) {
        assert_eq!(StoredBatch { blob, ..stored.clone() }.open(), stored.open(), "packing changes nothing");
    }
    if let Ok(opened) = stored.open() {
        let mut again = SealedBatch::starting(stored.first, before);
        for entry in &opened.entries {
            assert_eq!(again.push(entry.frame.clone()), entry.offset);
        }
        assert_eq!(again.entries, opened.entries);
        let last = opened.entries.last().map_or(stored.first, |entry| entry.offset);
        assert!(opened.entries.is_empty() || stored.link_at(last) == Some(stored.after));
    }
}

/// A blob that was never sealed does not open.
fn stranger(blob: Vec<u8>) {
    let (before, after) = (genesis("fuzzing"), genesis("another"));
    let stored = StoredBatch { first: Offset(1), count: 1, before, after, blob };
    assert!(stored.open().is_err());
    stored.link_at(Offset(3));
}

/// An edit shows, packed or not.
fn edited(input: &[u8]) {
    let Some(([high, low, by], payload)) = input.split_first_chunk::<3>() else { return };
    let Ok(device) = DeviceId::parse("cam-1") else { return };
    let mut sealed = SealedBatch::starting(Offset(41), genesis("fuzzing"));
    for detail in ["", "s-1"] {
        sealed.push(Frame {
            device: device.clone(),
            speaker: device.clone(),
            channel: Channel::Native { kind: ReadingKind::Sighting, detail: Arc::from(detail) },
            transport: Transport::Mqtt,
            payload: Bytes::copy_from_slice(payload),
            received_at: ReceivedAt(Timestamp::from_millis(1_795_313_700_000)),
        });
    }
    let SealedBatch { first, before, after, blob, entries } = sealed;
    for blob in [pack::pack(&blob), Some(blob)].into_iter().flatten() {
        let mut stored = StoredBatch { first, count: 2, before, after, blob };
        assert_eq!(stored.open().map(|opened| opened.entries).as_ref(), Ok(&entries));
        let place = usize::from(u16::from_be_bytes([*high, *low])) % stored.blob.len().max(1);
        if let Some(byte) = stored.blob.get_mut(place) {
            *byte ^= by;
        }
        // What packs the entries may be written in more than one way; the entries may not.
        if let Ok(opened) = stored.open() {
            assert_eq!(opened.entries, entries);
        }
        stored.link_at(first);
    }
}

#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;

#[test]
fn entries_and_batches_that_were_kept_are_read_exactly_or_refused() {
    replay::replay("journal_entry", journal_entry);
}
