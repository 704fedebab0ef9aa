//! Answers to `PullMessages` -> frames.
//!
//! In:  the answer, which camera gave it.   Out: a frame for each thing that each notification names; now and then one for an answer
//! without any, which is a sign of life.

use crate::decode::onvif::{self, About, Note};
use crate::decode::seen::Beside;
use crate::decode::xml::{Document, Element};
use crate::protocol::health::Health;
use bytes::Bytes;
use model::{DeviceId, Frame, ReceivedAt, Timestamp, Transport};

/// Notifications of one answer; we ask for fewer.
const NOTES_MAX: usize = 256;

/// Which camera said something, and when.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub device: &'a DeviceId,
    pub now: Timestamp,
    /// By how much its clock is ahead, where that matters.
    pub skew_ms: i64,
}

impl Said<'_> {
    /// The frames of all notifications in an answer.
    pub(super) fn frames(self, document: &Document<'_>, answer: &Element, health: &mut Health) -> Vec<Frame> {
        let notes = answer.children.iter().filter(|child| child.name == "NotificationMessage").take(NOTES_MAX);
        notes.flat_map(|note| self.frames_of(&Bytes::from(document.written(note).to_owned()), health)).collect()
    }

    /// An answer without events, as a sign of life.
    pub(super) fn life(self, health: &mut Health) -> Frame {
        self.frame(0, Bytes::from_static(b"<PullMessagesResponse/>"), health)
    }

    fn frames_of(self, payload: &Bytes, health: &mut Health) -> Vec<Frame> {
        let note = Note::read(payload).ok().flatten();
        let about = note.as_ref().map_or(About::Unknown, Note::about);
        let active = note.as_ref().is_some_and(Note::is_active);
        if let (About::Health(status), Some(note)) = (about, &note) {
            health.says(self.device, &note.topic, active.then_some(status), self.now);
        }
        let names_things =
            active && matches!(about, About::Intruder(_)) && !note.as_ref().is_some_and(Note::is_initial);
        let count = note.as_ref().filter(|_| names_things).map_or(1, |note| note.targets().len());
        (0..count).map(|index| self.frame(index, payload.clone(), health)).collect()
    }

    fn frame(self, index: usize, payload: Bytes, health: &mut Health) -> Frame {
        let status = health.of(self.device, self.now);
        let beside = Beside { index, status, skew_ms: self.skew_ms, ..Beside::default() };
        Frame {
            device: self.device.clone(),
            speaker: self.device.clone(),
            channel: onvif::channel(&beside),
            transport: Transport::Http,
            payload,
            received_at: ReceivedAt(self.now),
        }
    }
}
