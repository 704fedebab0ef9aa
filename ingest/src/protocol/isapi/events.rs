//! Parts of a camera's message -> its events, each with its pictures -> frames.
//!
//! In:  parts, who said them, the registry.   Out: frames: the pictures first, then the event once for each thing that it names.
//!
//! A picture has no name in this protocol; it gets that of its event's bytes, so that a message that comes twice names it alike.
//! Events of a recorder are about its channels, which are devices behind it; what nobody registered is kept as the recorder's own,
//! with the reason. Never more than [`PICTURES_MAX`] pictures or [`EVENTS_MAX`] events of one message.

use super::multipart::Part;
use crate::decode::formats;
use crate::decode::isapi::alert::{Alert, Target};
use crate::decode::isapi::{self, About};
use crate::decode::seen::Beside;
use crate::protocol::digest::hex;
use crate::protocol::health::Health;
use bytes::Bytes;
use model::{Channel, DeviceId, DeviceKind, Frame, ReadingKind, ReceivedAt, SnapshotId, Timestamp, Transport};
use registry::View;
use std::sync::Arc;

/// The system under which the registry knows names of this protocol.
pub(crate) const SYSTEM: &str = "isapi";
/// Largest picture: the platform's bound for all of them.
pub(crate) const PICTURE_BYTES_MAX: usize = 4 << 20;
/// Pictures of one event: the scene and its parts, in light and in heat.
pub(crate) const PICTURES_MAX: usize = 4;
/// Events of one message; cameras send one.
const EVENTS_MAX: usize = 16;
/// Largest event; the largest that cameras send are some ten kilobytes.
pub(crate) const EVENT_BYTES_MAX: usize = 256 << 10;

/// One event and what came with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// XML or JSON.
    pub alert: Bytes,
    /// JPEGs.
    pub pictures: Vec<Bytes>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Alert(Bytes),
    Picture(Bytes),
    Nothing,
}

impl Piece {
    /// By its type, or else by how it begins.
    pub(crate) fn of(part: Part) -> Self {
        let begin = part.body.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(byte));
        let is_text = matches!(begin, Some(b'<' | b'{'));
        match part.media_type.as_str() {
            _ if part.body.is_empty() => Self::Nothing,
            "image/jpeg" | "image/pjpeg" | "image/jpg" => Self::Picture(part.body),
            _ if part.body.starts_with(b"\xFF\xD8\xFF") => Self::Picture(part.body),
            _ if is_text && part.body.len() <= EVENT_BYTES_MAX => Self::Alert(part.body),
            _ => Self::Nothing,
        }
    }
}

/// Puts pictures to their events: they follow them.
pub(crate) fn events(pieces: impl Iterator<Item = Piece>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut early = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Alert(alert) if events.len() < EVENTS_MAX => {
                events.push(Event { alert, pictures: std::mem::take(&mut early) });
            }
            Piece::Picture(picture) => {
                let pictures = events.last_mut().map_or(&mut early, |event| &mut event.pictures);
                if pictures.len() < PICTURES_MAX {
                    pictures.push(picture);
                }
            }
            Piece::Alert(_) | Piece::Nothing => {}
        }
    }
    events
}

/// Which channel of a recorder an event is about.
enum Channeled {
    /// None: it is no recorder, or the event names no channel.
    No,
    Of(DeviceId),
    /// One that nobody registered under this name.
    Nobodys(String),
}

/// Who said an event, and when.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    pub speaker: &'a DeviceId,
    pub view: &'a View,
    pub transport: Transport,
    pub now: Timestamp,
}

impl Said<'_> {
    /// The frames of an event, and what it tells of the device's health is remembered.
    pub(crate) fn frames(self, event: &Event, health: &mut Health) -> Vec<Frame> {
        let alert = Alert::read(&event.alert).ok();
        let kind = alert.as_ref().and_then(Alert::kind).unwrap_or_default();
        let about = isapi::about(&kind);
        let goes_on = alert.as_ref().is_some_and(Alert::is_active) && about != About::Life;
        let channel = self.channel_of(alert.as_ref());
        let devices = match (goes_on, channel) {
            (true, Channeled::Nobodys(name)) => return vec![self.of_stranger(&name, event.alert.clone())],
            (_, Channeled::No) | (false, Channeled::Nobodys(_)) => vec![self.speaker.clone()],
            (true, Channeled::Of(device)) => vec![device],
            // A video loss that is over is the recorder's heartbeat; it is its channel's too if there was one.
            (false, Channeled::Of(device)) if health.has(&device, &kind) => vec![self.speaker.clone(), device],
            (false, Channeled::Of(_)) => vec![self.speaker.clone()],
        };
        let names_things = goes_on && matches!(about, About::Intruder | About::Perhaps);
        let targets = alert.as_ref().filter(|_| names_things).map(Alert::targets).unwrap_or_default();
        // Motion has regions without anything in them.
        let count =
            if about == About::Intruder || targets.iter().any(Target::is_named) { targets.len().max(1) } else { 1 };
        let mut frames = Vec::new();
        for device in devices {
            if let About::Health(status) = about {
                health.says(&device, &kind, goes_on.then_some(status), self.now);
            }
            let status = health.of(&device, self.now);
            frames.extend(self.pictures(&device, event));
            let snapshot = (!event.pictures.is_empty()).then(|| name(&event.alert, 0)).flatten();
            for index in 0..count {
                let beside = Beside { index, snapshot: snapshot.clone(), status, ..Beside::default() };
                frames.push(self.frame(&device, isapi::channel(&beside), event.alert.clone()));
            }
        }
        frames
    }

    fn pictures(&self, device: &DeviceId, event: &Event) -> Vec<Frame> {
        let named =
            event.pictures.iter().enumerate().filter_map(|(n, picture)| Some((name(&event.alert, n)?, picture)));
        let channel = |id: SnapshotId| Channel::Native { kind: ReadingKind::Snapshot, detail: Arc::from(id.as_str()) };
        named.map(|(id, picture)| self.frame(device, channel(id), picture.clone())).collect()
    }

    /// Which of a recorder's channels an event is about.
    fn channel_of(&self, alert: Option<&Alert>) -> Channeled {
        let is_recorder = self.view.device(self.speaker).is_some_and(|device| device.kind == DeviceKind::Gateway);
        let Some(channel) = alert.and_then(Alert::channel).filter(|_| is_recorder) else { return Channeled::No };
        let name = format!("{}/{}", self.speaker, channel.chars().take(16).collect::<String>());
        match self.view.by_external(SYSTEM, &name) {
            Some(device) if device.via.as_ref() == Some(self.speaker) && !device.disabled => {
                Channeled::Of(device.id.clone())
            }
            _ => Channeled::Nobodys(name),
        }
    }

    fn frame(&self, device: &DeviceId, channel: Channel, payload: Bytes) -> Frame {
        Frame {
            device: device.clone(),
            speaker: self.speaker.clone(),
            channel,
            transport: self.transport,
            payload,
            received_at: ReceivedAt(self.now),
        }
    }

    fn of_stranger(&self, name: &str, payload: Bytes) -> Frame {
        let channel = Channel::Foreign { format: formats::UNREGISTERED.into(), detail: name.into() };
        self.frame(self.speaker, channel, payload)
    }
}

/// The name of an event's picture.
fn name(alert: &[u8], number: usize) -> Option<SnapshotId> {
    let hash = blake3::hash(alert);
    SnapshotId::parse(&format!("isapi-{}-{number}", hex(hash.as_bytes().get(..10)?))).ok()
}
