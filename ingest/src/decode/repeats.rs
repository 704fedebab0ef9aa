//! Which entries a device had said before: it did not hear our acknowledgement, and said the same again.
//!
//! In:  journal entries, in order.   Out: whether the same stood among the last [`WINDOW_ENTRIES`].
//!
//! Pure: what is a repetition depends on the entries before it and on nothing else, so a restart or a replay judges the same,
//! provided that it reads that many entries before the one where it begins. Bounded: some ten megabytes at most.
//!
//! It never judges what we asked for ourselves (stations and the clock), since soil that says the same number a minute later
//! is news, and never what a message does not tell apart from the next one ([`Repeats::is_told_apart`]).

use model::{Body, Channel, Entry, Frame, Offset, Reading, Transport};
use std::collections::{HashMap, VecDeque};

/// How far back a repetition is recognised. A device sends again when it is connected again, mostly within seconds: this is
/// three quarters of a minute of the largest fleet that we promise, and a quarter of an hour of a banner's on a usual day.
/// It is counted in entries and not in time or by device, so that it can be found again by reading that many.
pub(super) const WINDOW_ENTRIES: u64 = 131_072;

/// Half of a BLAKE3 hash: two different messages do not share it by chance.
type Fingerprint = [u8; 16];

/// The memory; see the module.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Where each was said last.
    last: HashMap<Fingerprint, Offset>,
    /// The same in order, for forgetting.
    order: VecDeque<(Offset, Fingerprint)>,
}

impl Repeats {
    /// Remembers the entry, and says whether the same speaker had said the same, byte for byte, within the window.
    pub(super) fn observe(&mut self, entry: &Entry) -> bool {
        self.forget_before(entry.offset);
        let frame = &entry.frame;
        if matches!(frame.transport, Transport::Modbus | Transport::Platform) {
            return false;
        }
        let fingerprint = fingerprint(frame);
        self.order.push_back((entry.offset, fingerprint));
        self.last.insert(fingerprint, entry.offset).is_some()
    }

    /// Whether saying the same twice must be a repetition: the message carries its own time or number, or names its picture.
    /// A lamp that says "on" every minute and nothing else says it anew each time.
    pub(super) fn is_told_apart(reading: &Reading) -> bool {
        reading.device_time.is_some() || reading.seq.is_some() || matches!(reading.body, Body::Snapshot(_))
    }

    fn forget_before(&mut self, now: Offset) {
        while let Some((offset, fingerprint)) = self.order.front().copied() {
            if offset.0.saturating_add(WINDOW_ENTRIES) >= now.0 {
                break;
            }
            self.order.pop_front();
            if self.last.get(&fingerprint) == Some(&offset) {
                self.last.remove(&fingerprint);
            }
        }
    }
}

fn fingerprint(frame: &Frame) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        // With its length, so that no two lists of parts run together to the same bytes.
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    };
    part(frame.device.as_str().as_bytes());
    part(frame.speaker.as_str().as_bytes());
    match &frame.channel {
        Channel::Native { kind, detail } => {
            part(kind.as_str().as_bytes());
            part(detail.as_bytes());
        }
        Channel::DjiOsd => part(b"dji osd"),
        Channel::Modbus { model } => part(model.as_bytes()),
        Channel::Clock => part(b"clock"),
        Channel::Other { topic } => part(topic.as_bytes()),
        Channel::Gb28181 { subject, .. } => part(subject.as_bytes()),
        Channel::Hj212 => part(b"hj212"),
        Channel::Gt06 { .. } => part(b"gt06"),
    }
    part(&frame.payload);
    let mut fingerprint = Fingerprint::default();
    hasher.finalize_xof().fill(&mut fingerprint);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use model::{DeviceId, ReadingKind, ReceivedAt, Timestamp};
    use std::sync::Arc;

    fn said(offset: u64, what: &str) -> Entry {
        let device = DeviceId::parse("cam-1").unwrap();
        let channel = Channel::Native { kind: ReadingKind::Track, detail: Arc::from("") };
        let received_at = ReceivedAt(Timestamp::from_millis(0));
        let payload = Bytes::from(what.to_owned());
        let frame =
            Frame { speaker: device.clone(), device, channel, transport: Transport::Mqtt, payload, received_at };
        Entry { offset: Offset(offset), frame }
    }

    #[test]
    fn what_was_said_longer_ago_than_the_window_is_news() {
        let mut repeats = Repeats::default();
        assert!(!repeats.observe(&said(1, "a")));
        assert!(repeats.observe(&said(1 + WINDOW_ENTRIES, "a")), "the last one within the window");
        assert!(
            repeats.observe(&said(1 + 2 * WINDOW_ENTRIES, "a")),
            "the second one is within the window of the third"
        );
        assert!(!repeats.observe(&said(2 + 3 * WINDOW_ENTRIES, "a")));
    }

    #[test]
    fn the_memory_is_bounded_by_the_window() {
        let mut repeats = Repeats::default();
        for offset in 1..=WINDOW_ENTRIES + 1_000 {
            repeats.observe(&said(offset, &offset.to_string()));
        }
        assert_eq!(repeats.order.len() as u64, WINDOW_ENTRIES + 1);
        assert_eq!(repeats.last.len(), repeats.order.len());
    }

    #[test]
    fn beginning_a_window_before_gives_the_same_answers_as_beginning_at_the_start() {
        let what = |offset: u64| (offset * 7_919 % 90_001).to_string();
        let (mut whole, mut late) = (Repeats::default(), Repeats::default());
        let begin = 100_000;
        for offset in 1..begin + WINDOW_ENTRIES + 2_000 {
            let one = whole.observe(&said(offset, &what(offset)));
            let other = offset > begin && late.observe(&said(offset, &what(offset)));
            assert!(offset <= begin + WINDOW_ENTRIES || one == other, "{offset}");
        }
    }
}
