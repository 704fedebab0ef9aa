//! bytes -> [`Frame`]: who said it, and may it say this.
//!
//! In:  bytes of an authenticated client.   Out: frames on their way to the journal, packets for the router, answers.
//! Next: `record`, then `settle`.
//!
//! Never: an acknowledgement (that is what a [`Debt`] is for), a packet to the router that it would answer by closing
//! the link or by stopping.

use super::Shared;
use super::acl::{Acl, Allowed, Denied};
use super::bus::NOTICE_TOPIC;
use super::codec::{Codec, Header, Malformed, PublishHead, kind, topic_text};
use super::desk::Desk;
use super::end::End;
use super::limits;
use super::outgoing::Own;
use super::refusal::Refusal;
use super::seats::Memory;
use super::settle::{Debt, Errand};
use bytes::{Bytes, BytesMut};
use model::{Frame, ReceivedAt};
use rumqttd::protocol::{
    DisconnectReasonCode, Packet, PingResp, PubAck, PubAckReason, PubComp, PubCompReason, PubRec, PubRecReason,
    Publish, PublishProperties,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The reading half of a session.
pub struct Reader<R> {
    pub(super) shared: Arc<Shared>,
    pub(super) codec: Codec,
    pub(super) acl: Acl,
    pub(super) peer: SocketAddr,
    pub(super) socket: R,
    pub(super) buffer: BytesMut,
    pub(super) silence_max: Duration,
    pub(super) aliases: HashMap<u16, String>,
    pub(super) memory: Arc<Mutex<Memory>>,
    pub(super) desk: Arc<Desk>,
    pub(super) own: mpsc::Sender<Own>,
    pub(super) errands: mpsc::Sender<Errand>,
    pub(super) outstanding: Arc<Semaphore>,
}

/// The next thing that a client said.
enum Heard {
    Packet(Whole),
    /// A publish that was refused before its payload was read.
    Refused(Refusal, Header, u16),
}

/// A whole packet, and for a publish what its head told already.
struct Whole {
    header: Header,
    packet: BytesMut,
    packet_id: u16,
    /// Unset for an MQTT 5 publish whose topic hides behind an alias.
    allowed: Option<Allowed>,
    room: Option<OwnedSemaphorePermit>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads until the client or the rules end the session.
    pub async fn run(&mut self) -> End {
        loop {
            let step = match self.hear().await {
                Ok(Heard::Packet(whole)) => self.take(whole).await,
                Ok(Heard::Refused(refusal, header, packet_id)) => {
                    self.refuse_publish(refusal, header.qos(), packet_id).await
                }
                Err(end) => Err(end),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Waits for a whole packet, or for enough of a publish to refuse it.
    async fn hear(&mut self) -> Result<Heard, End> {
        let header = loop {
            match Header::peek(&self.buffer)? {
                Some(header) => break header,
                None => self.fill().await?,
            }
        };
        if header.kind != kind::PUBLISH {
            if header.remaining_len > limits::CONTROL_BYTES_MAX {
                return Err(End::Refused(Refusal::TooLarge));
            }
            while self.buffer.len() < header.packet_len() {
                self.fill().await?;
            }
            let packet = self.buffer.split_to(header.packet_len());
            return Ok(Heard::Packet(Whole { header, packet, packet_id: 0, allowed: None, room: None }));
        }
        if header.packet_len() > limits::PACKET_BYTES_MAX {
            return Err(End::Refused(Refusal::TooLarge));
        }
        let (verdict, packet_id) = loop {
            match PublishHead::peek(&header, &self.buffer)? {
                Some(head) => break (self.judge_head(&head), head.packet_id),
                None => self.fill().await?,
            }
        };
        let allowed = match verdict {
            Ok(allowed) => allowed,
            Err(refusal) => {
                if self.codec == Codec::V5 {
                    self.skip(header.packet_len()).await?;
                }
                return Ok(Heard::Refused(refusal, header, packet_id));
            }
        };
        let room = self.room_for(&header).await?;
        let body_deadline = tokio::time::Instant::now() + limits::BODY_TIMEOUT;
        while self.buffer.len() < header.packet_len() {
            tokio::time::timeout_at(body_deadline, self.fill()).await.map_err(|_| End::KeepAlive)??;
        }
        let packet = self.buffer.split_to(header.packet_len());
        Ok(Heard::Packet(Whole { header, packet, packet_id, allowed, room }))
    }

    /// Judges topic and size before the payload has come. A topic that hides behind an alias is judged later.
    fn judge_head(&self, head: &PublishHead<'_>) -> Result<Option<Allowed>, Refusal> {
        if head.topic.is_empty() && self.codec == Codec::V5 {
            return Ok(None);
        }
        let allowed = self.allowed(head.topic)?;
        let properties_max = if self.codec == Codec::V5 { limits::ENVELOPE_BYTES_MAX } else { 0 };
        if head.rest_len > payload_max(&allowed) + properties_max { Err(Refusal::TooLarge) } else { Ok(Some(allowed)) }
    }

    fn allowed(&self, topic: &str) -> Result<Allowed, Refusal> {
        let view = self.shared.view.borrow().clone();
        let verdict = self.acl.publish(&*view, topic).map_err(|denied| match denied {
            Denied::BadName => Refusal::BadTopic,
            Denied::Foreign | Denied::Shared => Refusal::ForeignTopic,
        });
        if let Err(refusal) = verdict {
            self.note(refusal, topic);
        }
        verdict
    }

    /// Room in the memory that large bodies share; waiting for it is back-pressure.
    async fn room_for(&self, header: &Header) -> Result<Option<OwnedSemaphorePermit>, End> {
        if header.remaining_len <= limits::LARGE_BODY_BYTES {
            return Ok(None);
        }
        let kib = u32::try_from(header.remaining_len / 1_024 + 1).unwrap_or(limits::LARGE_BODIES_KIB);
        let room = Arc::clone(&self.shared.large_bodies).acquire_many_owned(kib).await;
        room.map(Some).map_err(|_closed| End::Stopping)
    }

    /// Reads more bytes. Any byte is a sign of life: a client cannot ping in the middle of a snapshot.
    async fn fill(&mut self) -> Result<(), End> {
        match tokio::time::timeout(self.silence_max, self.socket.read_buf(&mut self.buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) => Err(End::Lost),
            Ok(Ok(_)) => Ok(()),
            Err(_elapsed) => Err(End::KeepAlive),
        }
    }

    /// Reads `len` bytes and throws them away.
    async fn skip(&mut self, len: usize) -> Result<(), End> {
        let mut left = len;
        loop {
            let here = left.min(self.buffer.len());
            left -= here;
            drop(self.buffer.split_to(here));
            if left == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, mut whole: Whole) -> Result<(), End> {
        match self.codec.decode(&whole.header, std::mem::take(&mut whole.packet))? {
            Packet::Publish(publish, properties) => self.publish(whole, publish, properties).await,
            Packet::PubAck(ack, _) => self.acknowledged(ack.pkid).await,
            Packet::PubRel(release, _) => self.release(release.pkid).await,
            Packet::Subscribe(subscribe, properties) => self.subscribe(subscribe, properties).await,
            Packet::Unsubscribe(unsubscribe, _) => self.unsubscribe(unsubscribe).await,
            Packet::PingReq(_) => self.answer(Packet::PingResp(PingResp)).await,
            Packet::Disconnect(disconnect, _) => Err(match disconnect.reason_code {
                DisconnectReasonCode::NormalDisconnection => End::Said,
                _ => End::SaidWithWill,
            }),
            // A second CONNECT; or PUBREC and PUBCOMP, though nothing is sent with QoS 2.
            _ => Err(End::Refused(Refusal::Protocol)),
        }
    }

    async fn publish(
        &mut self,
        whole: Whole,
        publish: Publish,
        properties: Option<PublishProperties>,
    ) -> Result<(), End> {
        let Whole { header, packet_id, room, .. } = whole;
        let resolved = self.resolve_alias(&publish, properties.as_ref())?;
        let verdict = match whole.allowed {
            Some(allowed) => Ok(allowed),
            None => self.allowed(&resolved.unwrap_or_default()),
        };
        let allowed = match verdict {
            Ok(allowed) if publish.payload.len() <= payload_max(&allowed) => allowed,
            Ok(_) => return self.refuse_publish(Refusal::TooLarge, header.qos(), packet_id).await,
            Err(refusal) => return self.refuse_publish(refusal, header.qos(), packet_id).await,
        };
        if header.qos() == 2 && self.heard_before(packet_id).await? {
            return Ok(());
        }
        // The session is not read on while too much is on the way.
        let turn = Arc::clone(&self.outstanding).acquire_owned().await.map_err(|_closed| End::Stopping)?;
        let frame = self.frame(allowed, &publish.payload);
        let debt = match header.qos() {
            0 => Debt::Nothing(turn),
            // The writer gives these back when the acknowledgement is written.
            1 => {
                turn.forget();
                Debt::ToRouter(Box::new(Packet::Publish(notice(publish), None)))
            }
            _ => {
                turn.forget();
                Debt::Received(packet_id)
            }
        };
        let recording = self.shared.recorder.begin(frame, debt).await;
        self.send(Errand::Record(Box::new(recording), room)).await
    }

    fn frame(&self, allowed: Allowed, payload: &Bytes) -> Frame {
        Frame {
            device: allowed.device,
            speaker: self.acl.device().clone(),
            channel: allowed.channel,
            transport: model::Transport::Mqtt,
            // A copy: a slice would pin the whole read buffer for as long as the frame lives.
            payload: Bytes::copy_from_slice(payload),
            received_at: ReceivedAt(self.shared.clock.now()),
        }
    }

    /// Keeps MQTT 5's topic aliases; answers with the topic where the publish itself has none.
    fn resolve_alias(
        &mut self,
        publish: &Publish,
        properties: Option<&PublishProperties>,
    ) -> Result<Option<String>, End> {
        if properties.is_some_and(|properties| !properties.subscription_identifiers.is_empty()) {
            return Err(End::Refused(Refusal::Protocol));
        }
        let topic = topic_text(&publish.topic)?;
        match properties.and_then(|properties| properties.topic_alias) {
            None => Ok(None),
            Some(alias) if alias == 0 || alias > limits::TOPIC_ALIASES_MAX => Err(End::Refused(Refusal::BadTopicAlias)),
            Some(alias) if topic.is_empty() => {
                let known = self.aliases.get(&alias).cloned();
                known.map(Some).ok_or(End::Refused(Refusal::Protocol))
            }
            Some(alias) => {
                self.aliases.insert(alias, topic.to_owned());
                Ok(None)
            }
        }
    }

    /// Whether a QoS 2 publish was heard already and not released; then it is answered, not recorded again.
    async fn heard_before(&mut self, packet_id: u16) -> Result<bool, End> {
        let known = {
            let mut memory = lock(&self.memory);
            let known = memory.unreleased.get(&packet_id).copied();
            if known.is_none() {
                if memory.unreleased.len() >= limits::UNRELEASED_MAX {
                    return Err(End::Refused(Refusal::Quota));
                }
                memory.unreleased.insert(packet_id, false);
            }
            known
        };
        if known == Some(true) {
            self.answer(Packet::PubRec(PubRec { pkid: packet_id, reason: PubRecReason::Success }, None)).await?;
        }
        Ok(known.is_some())
    }

    /// PUBREL: the client has our PUBREC.
    async fn release(&mut self, packet_id: u16) -> Result<(), End> {
        let known = {
            let mut memory = lock(&self.memory);
            let known = memory.unreleased.get(&packet_id) == Some(&true);
            if known {
                memory.unreleased.remove(&packet_id);
            }
            known
        };
        let reason = if known { PubCompReason::Success } else { PubCompReason::PacketIdentifierNotFound };
        self.answer(Packet::PubComp(PubComp { pkid: packet_id, reason }, None)).await
    }

    /// PUBACK for a message of ours.
    async fn acknowledged(&mut self, packet_id: u16) -> Result<(), End> {
        for pkid in self.desk.acknowledge(packet_id) {
            let ack = PubAck { pkid, reason: PubAckReason::Success };
            self.send(Errand::ToRouter(Box::new(Packet::PubAck(ack, None)))).await?;
        }
        Ok(())
    }

    /// Says no to a publish, in the words that its version and QoS have.
    async fn refuse_publish(&mut self, refusal: Refusal, qos: u8, packet_id: u16) -> Result<(), End> {
        if refusal == Refusal::TooLarge {
            self.note(refusal, "");
        }
        match (self.codec, qos) {
            (Codec::V311, _) => Err(End::RefusedAndNoted(refusal)),
            (Codec::V5, 0) if refusal == Refusal::TooLarge => Err(End::RefusedAndNoted(refusal)),
            (Codec::V5, 0) => Ok(()),
            (Codec::V5, 1) => {
                let reason = refusal.puback_reason();
                self.answer(Packet::PubAck(PubAck { pkid: packet_id, reason }, None)).await
            }
            (Codec::V5, _) => {
                let reason = refusal.pubrec_reason();
                self.answer(Packet::PubRec(PubRec { pkid: packet_id, reason }, None)).await
            }
        }
    }

    pub(super) fn note(&self, refusal: Refusal, what: &str) {
        self.shared.refusals.note(refusal, self.peer, self.acl.device().as_str(), what);
    }

    pub(super) async fn answer(&self, packet: Packet) -> Result<(), End> {
        self.own.send(Own::Answer(packet)).await.map_err(|_gone| End::Lost)
    }

    pub(super) async fn send(&self, errand: Errand) -> Result<(), End> {
        self.errands.send(errand).await.map_err(|_gone| End::Lost)
    }
}

/// A packet that does not parse ends the session; nothing after it can be trusted.
impl From<Malformed> for End {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

pub(super) fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn payload_max(allowed: &Allowed) -> usize {
    if allowed.is_snapshot() { limits::SNAPSHOT_BYTES_MAX } else { limits::PAYLOAD_BYTES_MAX }
}

/// The publish as the router sees it: packet id and QoS, so that it owes the acknowledgement; see [`NOTICE_TOPIC`].
fn notice(mut publish: Publish) -> Publish {
    publish.topic = Bytes::from_static(NOTICE_TOPIC.as_bytes());
    publish.payload = Bytes::new();
    publish.retain = false;
    publish
}
