//! One client's session: what it says becomes frames and answers, until somebody ends it.
//!
//! In:  bytes of an authenticated client.   Out: [`model::Frame`]s for the journal, MQTT answers.
//! Next: `record`; what is owed for a frame waits in `owed` until it is on disk.
//!
//! Never: an acknowledgement before the disk, a packet to the router that it would answer by closing the link or by stopping.

use super::Shared;
use super::acl::Acl;
use super::bus::{NotSaid, RouterGone};
use super::codec::{Codec, Header, Malformed, kind};
use super::end::End;
use super::flow::{Event, Flow};
use super::limits;
use super::mailbox::Mailbox;
use super::owed::{Batch, Debt};
use super::pace::Pace;
use super::publish::Aliases;
use super::refusal::Refusal;
use super::seats::{Keep, Memory};
use bytes::BytesMut;
use journal::AppendError;
use rumqttd::protocol::{
    DisconnectReasonCode, Packet, PingResp, PubAckReason, PubComp, PubCompReason, PubRec, PubRecReason,
};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A client's session.
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) codec: Codec,
    pub(super) acl: Acl,
    pub(super) peer: SocketAddr,
    pub(super) flow: Flow,
    pub(super) aliases: Aliases,
    pub(super) memory: Memory,
    pub(super) keep: Keep,
    pub(super) link_name: Arc<str>,
    /// Unacknowledged messages that the client takes at a time, and its largest packet.
    pub(super) takes: (usize, usize),
    pub(super) mailbox: Option<Box<Mailbox>>,
    pub(super) stage: Stage,
    /// How fast the device, and its address, may speak.
    pub(super) paces: [Arc<Pace>; 2],
    /// Since when it speaks faster than that.
    pub(super) slowed_since: Option<Instant>,
}

/// What the session does with the bytes that it has.
#[derive(Default)]
pub(super) enum Stage {
    /// Looks for the next packet.
    #[default]
    Open,
    /// Throws away the rest of a publish that was refused, then says so.
    Skipping { left: usize, refusal: Refusal, header: Header, packet_id: u16 },
    /// Waits for memory for a large body, and then for the body.
    Large { room: Room, since: Instant },
}

/// Memory for a large body: of the device's own share, and of what all have together.
pub(super) type BodyPermits = [OwnedSemaphorePermit; 2];

/// Whether there is memory for a large body.
pub(super) enum Room {
    /// Not asked for yet, or asked for and others come first.
    Waiting(futures_util::future::BoxFuture<'static, Option<BodyPermits>>),
    /// There is room.
    Held(BodyPermits),
}

impl Session {
    /// Serves the client until the client or the rules end the session.
    pub async fn run(&mut self, mut ending: Pin<Box<impl Future<Output = End>>>) -> End {
        let timer = tokio::time::sleep_until(self.deadline());
        tokio::pin!(timer);
        let mut end = self.digest().await.err();
        while end.is_none() {
            if self.deadline() < timer.deadline() {
                timer.as_mut().reset(self.deadline());
            }
            end = tokio::select! {
                biased;
                end = &mut ending => Some(end),
                event = std::future::poll_fn(|cx| self.flow.poll_event(cx)) => self.happened(event).await.err(),
                word = next_word(&mut self.mailbox), if self.flow.keeps_up() => match word {
                    Ok(notification) => Box::pin(self.heard_from_router(notification)).await.err(),
                    Err(RouterGone) => Some(End::RouterGone),
                },
                room = wait_for_room(&mut self.stage) => match room {
                    Some(permit) => {
                        self.stage = Stage::Large { room: Room::Held(permit), since: Instant::now() };
                        self.digest().await.err()
                    }
                    None => Some(End::Stopping),
                },
                () = &mut timer => {
                    let expired = self.expired(Instant::now());
                    timer.as_mut().reset(self.deadline());
                    expired
                }
            };
        }
        end.unwrap_or(End::Lost)
    }

    async fn happened(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Settled(settled) => {
                self.pay(&settled.debts);
                for answer in &settled.answers {
                    // On the heap: only DJI's devices are answered.
                    Box::pin(self.shared.bus.say(&answer.topic, &answer.payload, false)).await?;
                }
                self.digest().await
            }
            Event::Heard | Event::CaughtUp => self.digest().await,
            Event::Over(end) => Err(end),
            Event::JournalFailed(error) => Err(self.journal_failed(error)),
        }
    }

    pub(super) fn journal_failed(&self, error: AppendError) -> End {
        self.shared.fail(super::GateError::Journal(error));
        End::JournalFailed
    }

    /// Writes the acknowledgements of frames that are on disk.
    pub(super) fn pay(&mut self, debts: &[Debt]) {
        let (mut acknowledged, mut received) = (0, 0);
        for debt in debts {
            // The shortest form says "success" in both versions.
            let (first, packet_id) = match *debt {
                Debt::Nothing => continue,
                Debt::PubAck(packet_id) => {
                    acknowledged += 1;
                    (0x40, packet_id)
                }
                Debt::PubRec(packet_id) => {
                    received += 1;
                    self.memory.unreleased.insert(packet_id, true);
                    (0x50, packet_id)
                }
            };
            let [high, low] = packet_id.to_be_bytes();
            self.flow.outgoing.extend_from_slice(&[first, 2, high, low]);
        }
        self.shared.metrics.acknowledged(acknowledged, received);
    }

    /// Takes all whole packets among the bytes that are here; what they say goes to the disk together.
    async fn digest(&mut self) -> Result<(), End> {
        let mut batch = Batch::default();
        let outcome = self.take_packets(&mut batch).await;
        let slowed = self.keep_pace(&batch);
        // Also when a packet ends the session: what was said before it counts.
        self.flow.owing.begin(&self.shared.recorder, batch);
        outcome.and(slowed)
    }

    /// Slows a client that speaks too fast by not listening; one that does not learn from it is sent away.
    fn keep_pace(&mut self, batch: &Batch) -> Result<(), End> {
        if batch.len() == 0 {
            return Ok(());
        }
        let (now, bytes) = (Instant::now(), batch.bytes());
        let wait = self.paces.iter().map(|pace| pace.charge(batch.len(), bytes, now)).max().unwrap_or_default();
        if wait.is_zero() {
            self.slowed_since = None;
            return Ok(());
        }
        self.flow.pause(wait);
        let since = *self.slowed_since.get_or_insert(now);
        if now.duration_since(since) > self.shared.slowed_max { Err(End::Refused(Refusal::TooFast)) } else { Ok(()) }
    }

    async fn take_packets(&mut self, batch: &mut Batch) -> Result<(), End> {
        loop {
            // A client is not heard on while too much of it is on the way, or while it does not take its answers.
            let busy = self.flow.owing.len() + batch.len() >= usize::from(limits::OUTSTANDING_MAX);
            if busy || !self.flow.keeps_up() {
                self.flow.listening = !busy;
                return Ok(());
            }
            if self.flow.incoming.is_empty() {
                // Lets go of what was read and is looked at: an idle connection holds no buffer.
                self.flow.incoming = BytesMut::new();
            }
            if !self.take_packet(batch).await? {
                self.flow.listening = !matches!(self.stage, Stage::Large { room: Room::Waiting(_), .. });
                return Ok(());
            }
        }
    }

    /// Takes one packet; `false` when more bytes, or memory for them, are needed first.
    async fn take_packet(&mut self, batch: &mut Batch) -> Result<bool, End> {
        if let Stage::Skipping { left, refusal, header, packet_id } = &mut self.stage {
            let here = (*left).min(self.flow.incoming.len());
            *left -= here;
            drop(self.flow.incoming.split_to(here));
            if *left > 0 {
                return Ok(false);
            }
            let (refusal, qos, packet_id) = (*refusal, header.qos(), *packet_id);
            self.stage = Stage::Open;
            self.refuse_publish(refusal, qos, packet_id)?;
            return Ok(true);
        }
        let Some(header) = Header::peek(&self.flow.incoming)? else { return Ok(false) };
        if header.kind == kind::PUBLISH {
            return self.take_publish(header, batch);
        }
        if header.remaining_len > limits::CONTROL_BYTES_MAX {
            return Err(End::Refused(Refusal::TooLarge));
        }
        if self.flow.incoming.len() < header.packet_len() {
            return Ok(false);
        }
        let packet = self.flow.incoming.split_to(header.packet_len());
        // On the heap: these packets are rare, and their way to the router is what a session has room for least.
        Box::pin(self.take_control(&header, packet)).await?;
        Ok(true)
    }

    async fn take_control(&mut self, header: &Header, packet: BytesMut) -> Result<(), End> {
        match self.codec.decode(header, packet)? {
            Packet::PubAck(ack, _) => match &mut self.mailbox {
                Some(mailbox) => Ok(mailbox.acknowledged(ack.pkid, &mut self.flow.outgoing).await?),
                None => Ok(()),
            },
            Packet::PubRel(release, _) => self.release(release.pkid),
            Packet::Subscribe(subscribe, properties) => self.subscribe(subscribe, properties).await,
            Packet::Unsubscribe(unsubscribe, _) => self.unsubscribe(unsubscribe).await,
            Packet::PingReq(_) => self.answer(Packet::PingResp(PingResp)),
            Packet::Disconnect(disconnect, _) => Err(match disconnect.reason_code {
                DisconnectReasonCode::NormalDisconnection => End::Said,
                _ => End::SaidWithWill,
            }),
            // A second CONNECT; or PUBREC and PUBCOMP, though nothing is sent with QoS 2.
            _ => Err(End::Refused(Refusal::Protocol)),
        }
    }

    async fn heard_from_router(&mut self, notification: Option<rumqttd::Notification>) -> Result<(), End> {
        let Some(mailbox) = &mut self.mailbox else { return Ok(()) };
        mailbox.deliver(notification, &mut self.flow.outgoing)?;
        mailbox.settle().await?;
        Ok(mailbox.go_on().await?)
    }

    /// PUBREL: the client has our PUBREC.
    fn release(&mut self, packet_id: u16) -> Result<(), End> {
        let known = self.memory.unreleased.get(&packet_id) == Some(&true);
        if known {
            self.memory.unreleased.remove(&packet_id);
        }
        let reason = if known { PubCompReason::Success } else { PubCompReason::PacketIdentifierNotFound };
        self.answer(Packet::PubComp(PubComp { pkid: packet_id, reason }, None))
    }

    /// Says no to a publish, in the words that its version and QoS have.
    pub(super) fn refuse_publish(&mut self, refusal: Refusal, qos: u8, packet_id: u16) -> Result<(), End> {
        if refusal == Refusal::TooLarge {
            self.note(refusal, "");
        }
        match (self.codec, qos) {
            (Codec::V311, _) => Err(End::RefusedAndNoted(refusal)),
            (Codec::V5, 0) if refusal == Refusal::TooLarge => Err(End::RefusedAndNoted(refusal)),
            (Codec::V5, 0) => Ok(()),
            (Codec::V5, 1) => self.answer_puback(packet_id, refusal.puback_reason()),
            (Codec::V5, _) => {
                let reason = refusal.pubrec_reason();
                self.answer(Packet::PubRec(PubRec { pkid: packet_id, reason }, None))
            }
        }
    }

    fn answer_puback(&mut self, pkid: u16, reason: PubAckReason) -> Result<(), End> {
        self.answer(Packet::PubAck(rumqttd::protocol::PubAck { pkid, reason }, None))
    }

    /// A PUBREC for a QoS 2 publish that was recorded already.
    pub(super) fn receive_again(&mut self, pkid: u16) -> Result<(), End> {
        self.answer(Packet::PubRec(PubRec { pkid, reason: PubRecReason::Success }, None))
    }

    pub(super) fn note(&self, refusal: Refusal, what: &str) {
        self.shared.refusals.note(refusal, self.peer, self.acl.device().as_str(), what);
    }

    /// Answers that the gate gives itself; the client is not heard on while it does not take them.
    pub(super) fn answer(&mut self, packet: Packet) -> Result<(), End> {
        self.codec.encode(packet, &mut self.flow.outgoing).map_err(|_| End::Lost)
    }

    fn deadline(&self) -> Instant {
        let flow = self.flow.deadline();
        match &self.stage {
            Stage::Large { room: Room::Held(_), since } => flow.min(*since + limits::BODY_TIMEOUT),
            _ => flow,
        }
    }

    fn expired(&mut self, now: Instant) -> Option<End> {
        match &self.stage {
            Stage::Large { room: Room::Held(_), since } if now >= *since + limits::BODY_TIMEOUT => Some(End::KeepAlive),
            _ => self.flow.expired(now),
        }
    }
}

/// The router's next word; never without a mailbox.
async fn next_word(mailbox: &mut Option<Box<Mailbox>>) -> Result<Option<rumqttd::Notification>, RouterGone> {
    match mailbox {
        Some(mailbox) => mailbox.next().await,
        None => std::future::pending().await,
    }
}

/// Memory for a large body; never when none is waited for.
async fn wait_for_room(stage: &mut Stage) -> Option<BodyPermits> {
    match stage {
        Stage::Large { room: Room::Waiting(room), .. } => room.await,
        _ => std::future::pending().await,
    }
}

/// A packet that does not parse ends the session; nothing after it can be trusted.
impl From<Malformed> for End {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<NotSaid> for End {
    fn from(_: NotSaid) -> Self {
        // An answer is never empty.
        Self::RouterGone
    }
}

impl From<RouterGone> for End {
    fn from(_: RouterGone) -> Self {
        Self::RouterGone
    }
}
