//! PUBLISH -> [`Frame`]: judged by its head before its body has come, and taken into the batch of its read.
//!
//! In:  the bytes of a publish, whole or not.   Out: a frame with what is owed for it, or a refusal.
//!
//! Never: more of a body in memory than the rules allow its topic.

use super::acl::{Allowed, Denied, Kin, Relations};
use super::answers::Answer;
use super::codec::{Codec, Header, Malformed, PublishHead, topic_text};
use super::end::End;
use super::limits;
use super::owed::{Batch, Debt};
use super::refusal::Refusal;
use super::session::{Room, Session, Stage};
use super::topics;
use crate::decode::{formats, frigate};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use model::{Frame, ReceivedAt, Transport};
use rumqttd::protocol::{Packet, PublishProperties};
use std::sync::Arc;
use tokio::time::Instant;

/// MQTT 5's topic aliases, and the native topic that was used last: most devices have one.
#[derive(Default)]
pub(super) struct Aliases {
    /// At most [`limits::TOPIC_ALIASES_MAX`].
    topics: Vec<(u16, String)>,
    last: Option<(String, Allowed)>,
}

impl Session {
    /// Takes one publish; `false` when more bytes, or memory for them, are needed first.
    pub(super) fn take_publish(&mut self, header: Header, batch: &mut Batch) -> Result<bool, End> {
        if header.packet_len() > limits::PACKET_BYTES_MAX {
            return Err(End::Refused(Refusal::TooLarge));
        }
        // Lent out while it is looked at: what it says is judged by the session that holds it.
        let mut incoming = std::mem::take(&mut self.flow.incoming);
        let taken = self.take_publish_from(&mut incoming, header, batch);
        self.flow.incoming = incoming;
        taken
    }

    fn take_publish_from(&mut self, incoming: &mut BytesMut, header: Header, batch: &mut Batch) -> Result<bool, End> {
        let Some(head) = PublishHead::peek(&header, incoming)? else { return Ok(false) };
        let (packet_id, rest_len) = (head.packet_id, head.rest_len);
        let allowed = match self.judge_head(&head) {
            Ok(allowed) => allowed,
            Err(refusal) if self.codec == Codec::V5 => {
                self.stage = Stage::Skipping { left: header.packet_len(), refusal, header, packet_id };
                return Ok(true);
            }
            Err(refusal) => {
                return Err(self.refuse_publish(refusal, header.qos(), packet_id).err().unwrap_or(End::Lost));
            }
        };
        if header.remaining_len > limits::LARGE_BODY_BYTES && !self.has_room(&header) {
            return Ok(false);
        }
        if incoming.len() < header.packet_len() {
            return Ok(false);
        }
        let room = match std::mem::take(&mut self.stage) {
            Stage::Large { room: Room::Held(permit), .. } => Some(permit),
            _ => None,
        };
        let packet = incoming.split_to(header.packet_len());
        let (allowed, payload) = match self.open(&header, packet, rest_len, allowed)? {
            Ok(opened) => opened,
            Err(refusal) => {
                self.refuse_publish(refusal, header.qos(), packet_id)?;
                return Ok(true);
            }
        };
        if header.qos() == 2 && self.heard_before(packet_id)? {
            return Ok(true);
        }
        let debt = match header.qos() {
            0 => Debt::Nothing,
            1 => Debt::PubAck(packet_id),
            _ => Debt::PubRec(packet_id),
        };
        let allowed = if allowed.names_camera { self.of_camera(allowed, &payload) } else { allowed };
        if let Some(topic) = allowed.answer.clone() {
            self.answer_to(&allowed, &topic, &payload).into_iter().for_each(|answer| batch.answer(answer));
        }
        batch.push(self.frame(allowed, payload), debt, room);
        Ok(true)
    }

    /// Whether there is memory for a large body; asks for it otherwise. Waiting for it is back-pressure.
    fn has_room(&mut self, header: &Header) -> bool {
        if let Stage::Large { room, .. } = &self.stage {
            return matches!(room, Room::Held(_));
        }
        let kib = u32::try_from(header.remaining_len / 1_024 + 1).unwrap_or(limits::LARGE_BODIES_KIB);
        let all = Arc::clone(&self.shared.large_bodies);
        let own = self.shared.seats.large_bodies(self.acl.device());
        let since = Instant::now();
        // The device's own share first: while it waits for that, it holds nothing that others need.
        let mut asked = Box::pin(async move {
            let own = own?.acquire_many_owned(kib).await.ok()?;
            Some([own, all.acquire_many_owned(kib).await.ok()?])
        });
        let (room, held) = match asked.as_mut().now_or_never() {
            Some(Some(permits)) => (Room::Held(permits), true),
            _ => (Room::Waiting(asked), false),
        };
        self.stage = Stage::Large { room, since };
        held
    }

    /// Judges topic and size before the payload has come. A topic that hides behind an alias is judged later.
    fn judge_head(&mut self, head: &PublishHead<'_>) -> Result<Option<Allowed>, Refusal> {
        if head.topic.is_empty() && self.codec == Codec::V5 {
            return Ok(None);
        }
        let allowed = self.allowed(head.topic)?;
        let properties_max = if self.codec == Codec::V5 { limits::ENVELOPE_BYTES_MAX } else { 0 };
        if head.rest_len > payload_max(&allowed) + properties_max { Err(Refusal::TooLarge) } else { Ok(Some(allowed)) }
    }

    fn allowed(&mut self, topic: &str) -> Result<Allowed, Refusal> {
        if let Some((last, allowed)) = &self.aliases.last
            && last == topic
        {
            return Ok(allowed.clone());
        }
        let view = self.shared.view.borrow().clone();
        let relations = Relations { view: &view, topology: &self.shared.topology };
        let verdict = self.acl.publish(&relations, topic).map_err(|denied| match denied {
            Denied::BadName => Refusal::BadTopic,
            Denied::Foreign | Denied::Shared => Refusal::ForeignTopic,
            Denied::Listener => Refusal::ListenerSpeaks,
        });
        match &verdict {
            // A device's own topics are its own for ever; for whom else it speaks can change any moment.
            Ok(allowed) if allowed.is_own() => self.aliases.last = Some((topic.to_owned(), allowed.clone())),
            Ok(_) => {}
            Err(refusal) => self.note(*refusal, topic),
        }
        verdict
    }

    /// The payload of a whole publish, and whose it is.
    fn open(
        &mut self,
        header: &Header,
        packet: BytesMut,
        rest_len: usize,
        allowed: Option<Allowed>,
    ) -> Result<Result<(Allowed, Bytes), Refusal>, End> {
        let rest_at = header.packet_len() - rest_len;
        let has_properties = self.codec == Codec::V5 && packet.get(rest_at).copied() != Some(0);
        let (allowed, payload) = match allowed {
            Some(allowed) if !has_properties => {
                let mut payload = packet.freeze();
                payload.advance(rest_at + usize::from(self.codec == Codec::V5));
                (allowed, payload)
            }
            allowed => {
                let Packet::Publish(publish, properties) = self.codec.decode(header, packet)? else {
                    return Err(Malformed("PUBLISH that is none").into());
                };
                let resolved = self.resolve_alias(&publish.topic, properties.as_ref())?;
                match allowed.map_or_else(|| self.allowed(&resolved.unwrap_or_default()), Ok) {
                    Ok(allowed) => (allowed, publish.payload),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
        };
        Ok(if payload.len() <= payload_max(&allowed) { Ok((allowed, payload)) } else { Err(Refusal::TooLarge) })
    }

    fn frame(&self, allowed: Allowed, payload: Bytes) -> Frame {
        Frame {
            device: allowed.device,
            speaker: self.acl.device().clone(),
            channel: allowed.channel,
            transport: Transport::Mqtt,
            // A slice of what was read with it, and so of frames that go to the disk with it.
            payload,
            received_at: ReceivedAt(self.shared.clock.now()),
        }
    }

    /// Whose a Frigate event is: that of the camera which it names, if the speaker may speak for it.
    fn of_camera(&self, allowed: Allowed, payload: &[u8]) -> Allowed {
        // What cannot be read is the speaker's own nonsense.
        let Some(name) = frigate::camera_named_in(payload) else { return allowed };
        let view = self.shared.view.borrow().clone();
        match view.external(self.acl.device(), "frigate", &name) {
            Some(device) => {
                let detail = self.shared.frigate_detect.of(&name);
                Allowed { device, channel: topics::channel(formats::FRIGATE_EVENTS, &detail), ..allowed }
            }
            None => Allowed { channel: topics::channel(formats::UNREGISTERED, &name), ..allowed },
        }
    }

    /// What a DJI device wants to hear, once what it says is on disk.
    fn answer_to(&self, allowed: &Allowed, topic: &str, payload: &[u8]) -> Option<Answer> {
        let view = self.shared.view.borrow().clone();
        if topic.starts_with("sys/") {
            self.shared.topology.hear(&view, &allowed.device, payload);
        }
        let relations = Relations { view: &view, topology: &self.shared.topology };
        let name_of = |serial: &str| {
            relations.external(self.acl.device(), "dji", serial).map(|device| device.as_str().to_owned())
        };
        self.shared.dji.answer(topic, payload, self.shared.clock.now().as_millis(), name_of)
    }

    /// Keeps MQTT 5's topic aliases; answers with the topic where the publish itself has none.
    fn resolve_alias(&mut self, topic: &Bytes, properties: Option<&PublishProperties>) -> Result<Option<String>, End> {
        if properties.is_some_and(|properties| !properties.subscription_identifiers.is_empty()) {
            return Err(End::Refused(Refusal::Protocol));
        }
        let topic = topic_text(topic)?;
        match properties.and_then(|properties| properties.topic_alias) {
            None => Ok(None),
            Some(alias) if alias == 0 || alias > limits::TOPIC_ALIASES_MAX => Err(End::Refused(Refusal::BadTopicAlias)),
            Some(alias) if topic.is_empty() => {
                let known = self.aliases.topics.iter().find(|(known, _)| *known == alias);
                known.map(|(_, topic)| Some(topic.clone())).ok_or(End::Refused(Refusal::Protocol))
            }
            Some(alias) => {
                self.aliases.topics.retain(|(known, _)| *known != alias);
                self.aliases.topics.push((alias, topic.to_owned()));
                Ok(None)
            }
        }
    }

    /// Whether a QoS 2 publish was heard already and not released; then it is answered, not recorded again.
    fn heard_before(&mut self, packet_id: u16) -> Result<bool, End> {
        let known = self.memory.unreleased.get(&packet_id).copied();
        match known {
            None if self.memory.unreleased.len() >= limits::UNRELEASED_MAX => {
                return Err(End::Refused(Refusal::Quota));
            }
            None => {
                self.memory.unreleased.insert(packet_id, false);
            }
            Some(true) => self.receive_again(packet_id)?,
            // Its PUBREC follows when it is on disk.
            Some(false) => {}
        }
        Ok(known.is_some())
    }
}

fn payload_max(allowed: &Allowed) -> usize {
    if allowed.is_snapshot() { limits::SNAPSHOT_BYTES_MAX } else { limits::PAYLOAD_BYTES_MAX }
}
