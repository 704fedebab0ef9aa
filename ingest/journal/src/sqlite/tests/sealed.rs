use crate::sqlite::batch::{BrokenAt, SealedBatch, StoredBatch, genesis};
use crate::sqlite::codec::{self, CodecError};
use bytes::Bytes;
use model::{Channel, DeviceId, Frame, Offset, ReadingKind, ReceivedAt, Timestamp, Transport};
use proptest::prelude::*;
use std::sync::Arc;

const KINDS: [ReadingKind; 9] = [
    ReadingKind::Heartbeat,
    ReadingKind::Track,
    ReadingKind::Reading,
    ReadingKind::Sighting,
    ReadingKind::Snapshot,
    ReadingKind::Report,
    ReadingKind::DjiOsd,
    ReadingKind::Modbus,
    ReadingKind::Clock,
];

const TRANSPORTS: [Transport; 7] = [
    Transport::Mqtt,
    Transport::Http,
    Transport::Modbus,
    Transport::Platform,
    Transport::Udp,
    Transport::Sip,
    Transport::Tcp,
];

fn device() -> impl Strategy<Value = DeviceId> {
    let named = prop::collection::vec(prop::sample::select(b"aZ09._-".to_vec()), 1..=64)
        .prop_map(|name| DeviceId::parse(std::str::from_utf8(&name).unwrap()).unwrap());
    prop_oneof![9 => named, 1 => Just(DeviceId::platform())]
}

fn text() -> impl Strategy<Value = Arc<str>> {
    any::<String>().prop_map(Arc::from)
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![
        (prop::sample::select(KINDS.to_vec()), text()).prop_map(|(kind, detail)| Channel::Native { kind, detail }),
        Just(Channel::DjiOsd),
        text().prop_map(|model| Channel::Modbus { model }),
        Just(Channel::Clock),
        text().prop_map(|topic| Channel::Other { topic }),
        (text(), text()).prop_map(|(format, detail)| Channel::Foreign { format, detail }),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let transport = prop::sample::select(TRANSPORTS.to_vec());
    (device(), device(), channel(), transport, prop::collection::vec(any::<u8>(), 0..300), any::<i64>()).prop_map(
        |(device, speaker, channel, transport, payload, millis)| Frame {
            device,
            speaker,
            channel,
            transport,
            payload: Bytes::from(payload),
            received_at: ReceivedAt(Timestamp::from_millis(millis)),
        },
    )
}

fn stored(first: u64, frames: &[Frame]) -> StoredBatch {
    let mut sealed = SealedBatch::starting(Offset(first), genesis("a test"));
    for frame in frames {
        sealed.push(frame.clone());
    }
    let count = u64::try_from(frames.len()).unwrap();
    StoredBatch { first: sealed.first, count, before: sealed.before, after: sealed.after, blob: sealed.blob }
}

proptest! {
    #[test]
    fn an_entry_survives_the_round_trip(offset in any::<u64>(), frame in frame()) {
        let mut bytes = Vec::new();
        codec::encode(Offset(offset), &frame, &mut bytes);
        prop_assert!(bytes.len() <= codec::encoded_len(&frame));
        let entry = codec::decode(&bytes).unwrap();
        prop_assert_eq!(entry.offset, Offset(offset));
        prop_assert_eq!(entry.frame, frame);
    }

    #[test]
    fn a_truncated_or_lengthened_entry_is_an_error(frame in frame(), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        codec::encode(Offset(1), &frame, &mut bytes);
        prop_assert!(codec::decode(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(codec::decode(&bytes), Err(CodecError::Trailing(1)));
    }

    #[test]
    fn any_bytes_are_an_entry_or_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Whatever it says, it said it without a panic; and what it takes for an entry of today is one.
        if let (Ok(entry), Some(2)) = (codec::decode(&bytes), bytes.first()) {
            let mut again = Vec::new();
            codec::encode(entry.offset, &entry.frame, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn a_batch_survives_the_round_trip(first in 1..u64::from(u32::MAX), frames in prop::collection::vec(frame(), 0..10)) {
        let entries = stored(first, &frames).open().unwrap().entries;
        prop_assert_eq!(entries.iter().map(|entry| entry.frame.clone()).collect::<Vec<_>>(), frames);
        prop_assert!(entries.iter().zip(first..).all(|(entry, offset)| entry.offset == Offset(offset)));
    }

    #[test]
    fn a_flipped_bit_breaks_the_batch_at_the_entry_where_it_was_flipped(
        frames in prop::collection::vec(frame(), 1..10),
        byte in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let mut batch = stored(1, &frames);
        let at = byte.index(batch.blob.len());
        let hit = (1..).zip(1..=frames.len()).map(|(offset, count)| (offset, stored(1, &frames[..count]).blob.len()))
            .find(|(_, end)| at < *end).unwrap().0;
        batch.blob[at] ^= 1_u8 << bit;
        prop_assert_eq!(batch.open(), Err(BrokenAt(Offset(hit))));
    }

    #[test]
    fn a_truncated_batch_is_broken(frames in prop::collection::vec(frame(), 1..10), cut in any::<prop::sample::Index>()) {
        let mut batch = stored(1, &frames);
        batch.blob.truncate(cut.index(batch.blob.len()));
        prop_assert!(batch.open().is_err());
    }

    #[test]
    fn a_batch_fits_only_between_its_own_links_and_at_its_own_place(
        frames in prop::collection::vec(frame(), 1..5),
        byte in 0..32_usize,
        bit in 0..8,
    ) {
        let whole = stored(5, &frames);
        let mut other_start = whole.clone();
        other_start.before[byte] ^= 1_u8 << bit;
        prop_assert!(other_start.open().is_err());
        let mut other_end = whole.clone();
        other_end.after[byte] ^= 1_u8 << bit;
        prop_assert!(other_end.open().is_err());
        prop_assert_eq!(StoredBatch { first: Offset(6), ..whole.clone() }.open(), Err(BrokenAt(Offset(6))));
        let miscounted = StoredBatch { count: whole.count + 1, ..whole };
        prop_assert!(miscounted.open().is_err());
    }
}
