//! What the router has for one client: the messages that it subscribed to, and its answers to SUBSCRIBE.
//!
//! In:  notifications of the session's router link.   Out: packets for the client; acknowledgements for the router.
//!
//! Only a session that subscribed has one: a device that only publishes costs the router nothing.
//!
//! Invariant: a message with QoS 1 is on its way to the client only while the client has room for it, and the client's
//! acknowledgements reach the router in the router's order, since it takes no other.

use super::audience::Hearing;
use super::bus::{self, Bus, Link, RouterGone};
use super::codec::{Codec, Header, PublishHead};
use super::end::End;
use bytes::{Bytes, BytesMut};
use rumqttd::Notification;
use rumqttd::local::{LinkRx, LinkTx};
use rumqttd::protocol::{Packet, PubAck, PubAckReason, SubAck, SubscribeReasonCode};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// One client's end of the router.
pub struct Mailbox {
    to: LinkTx,
    from: LinkRx,
    codec: Codec,
    /// Unacknowledged messages that the client takes at a time.
    receive_max: usize,
    /// Largest packet that the client takes.
    packet_max: usize,
    /// Which alerts it wants, if it listens to them.
    hearing: Option<Arc<Hearing>>,
    /// Messages that the client has no room for, and `None` for those that are not for it; at most as many as the router lets be
    /// unacknowledged: 100.
    held: VecDeque<(u16, Option<Bytes>)>,
    /// Packet ids on their way to the client, in the router's order; `true` once the client acknowledged.
    sent: VecDeque<(u16, bool)>,
    /// SUBACKs to write when the router has taken the subscription.
    subacks: HashMap<u16, Vec<SubscribeReasonCode>>,
    /// The router paused, since we were slow, and waits to be woken.
    paused: bool,
    /// Whether it was ever woken: then it must be waited for before the link is closed.
    woke: bool,
}

impl Mailbox {
    /// Around an open link.
    pub fn new(link: Link, codec: Codec, receive_max: usize, packet_max: usize, hearing: Option<Arc<Hearing>>) -> Self {
        Self {
            to: link.to,
            from: link.from,
            codec,
            receive_max,
            packet_max,
            hearing,
            held: VecDeque::new(),
            sent: VecDeque::new(),
            subacks: HashMap::new(),
            paused: false,
            woke: false,
        }
    }

    /// Waits for the router's next word. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<Option<Notification>, RouterGone> {
        Ok(self.from.next().await?)
    }

    /// Writes what a notification means for the client.
    pub fn deliver(&mut self, notification: Option<Notification>, out: &mut BytesMut) -> Result<(), End> {
        let Some(notification) = notification else { return Ok(()) };
        match Option::<Packet>::from(notification) {
            None => self.paused = true,
            Some(Packet::SubAck(ack, _)) => {
                if let Some(return_codes) = self.subacks.remove(&ack.pkid) {
                    self.encode(Packet::SubAck(SubAck { pkid: ack.pkid, return_codes }, None), out)?;
                }
            }
            Some(packet @ Packet::Publish(..)) => {
                self.take_publish(packet)?;
                self.release(out);
            }
            Some(Packet::Disconnect(..)) => return Err(End::RouterGone),
            // UNSUBACK and PINGRESP are the gate's own; the router is not asked for the rest.
            Some(_) => {}
        }
        Ok(())
    }

    /// A message for the client. Its packet id is not public in the decoded form, so it is read from the encoded one.
    fn take_publish(&mut self, packet: Packet) -> Result<(), End> {
        let is_wanted = match (&self.hearing, &packet) {
            (Some(hearing), Packet::Publish(publish, properties)) => hearing.wants(publish, properties.as_ref()),
            _ => true,
        };
        let mut bytes = BytesMut::new();
        self.encode(packet, &mut bytes)?;
        let fits = bytes.len() <= self.packet_max;
        if is_wanted && !fits {
            // MQTT 5: as if it had been sent.
            tracing::warn!(bytes = bytes.len(), most = self.packet_max, "a message is larger than its client takes");
        }
        let head = Header::peek(&bytes)
            .ok()
            .flatten()
            .and_then(|header| PublishHead::peek(&header, &bytes).ok().flatten().map(|head| head.packet_id));
        self.held.push_back((head.unwrap_or(0), Some(bytes.freeze()).filter(|_| is_wanted && fits)));
        Ok(())
    }

    /// Messages that the client has room for, in the router's order.
    fn release(&mut self, out: &mut BytesMut) {
        while let Some((packet_id, bytes)) = self.held.pop_front() {
            let Some(bytes) = bytes else {
                if packet_id != 0 {
                    self.sent.push_back((packet_id, true));
                }
                continue;
            };
            if packet_id != 0 && !self.send(packet_id) {
                self.held.push_front((packet_id, Some(bytes)));
                return;
            }
            out.extend_from_slice(&bytes);
        }
    }

    /// Takes a place among the packets on their way, if there is one.
    fn send(&mut self, packet_id: u16) -> bool {
        let room = self.sent.iter().filter(|(_, done)| !done).count() < self.receive_max;
        if room {
            self.sent.push_back((packet_id, false));
        }
        room
    }

    /// PUBACK of the client for a message of ours; one for an id that is not on its way means nothing.
    pub async fn acknowledged(&mut self, packet_id: u16, out: &mut BytesMut) -> Result<(), RouterGone> {
        mark(&mut self.sent, packet_id);
        self.release(out);
        self.settle().await
    }

    /// Acknowledges to the router what the client acknowledged or was not sent.
    pub async fn settle(&mut self) -> Result<(), RouterGone> {
        for pkid in settled(&mut self.sent) {
            self.tell(Packet::PubAck(PubAck { pkid, reason: PubAckReason::Success }, None)).await?;
        }
        Ok(())
    }

    /// Remembers the answer to a SUBSCRIBE until the router has taken it; `false` if the packet id is in use.
    pub fn expect_suback(&mut self, packet_id: u16, codes: Vec<SubscribeReasonCode>) -> bool {
        let free = !self.subacks.contains_key(&packet_id);
        if free {
            self.subacks.insert(packet_id, codes);
        }
        free
    }

    /// Tells the router something.
    pub async fn tell(&mut self, packet: Packet) -> Result<(), RouterGone> {
        self.to.send(packet).await?;
        Ok(())
    }

    /// Lets a router go on that paused for us. Only when it asked for it: it stops when it is woken without having paused.
    pub async fn go_on(&mut self) -> Result<(), RouterGone> {
        if std::mem::take(&mut self.paused) {
            self.woke = true;
            self.from.wake().await?;
        }
        Ok(())
    }

    /// Closes the link. Order matters: a receiving half that wakes the router after the link is gone stops it.
    pub async fn close(self, bus: &Bus) -> Result<(), RouterGone> {
        if self.woke {
            bus.barrier().await?;
        }
        drop(self.from);
        bus::close(self.to).await
    }

    fn encode(&self, packet: Packet, out: &mut BytesMut) -> Result<(), End> {
        self.codec.encode(packet, out).map_err(|_| End::Lost)
    }
}

/// Marks `packet_id` as acknowledged by the client.
fn mark(sent: &mut VecDeque<(u16, bool)>, packet_id: u16) {
    if let Some(entry) = sent.iter_mut().find(|(id, done)| *id == packet_id && !done) {
        entry.1 = true;
    }
}

/// What may be passed on to the router now, in its order.
fn settled(sent: &mut VecDeque<(u16, bool)>) -> Vec<u16> {
    let mut released = Vec::new();
    while let Some((id, _)) = sent.pop_front_if(|(_, done)| *done) {
        released.push(id);
    }
    released
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_reach_the_router_in_its_order_whatever_the_clients_order() {
        let mut sent: VecDeque<(u16, bool)> = (1..=4).map(|packet_id| (packet_id, false)).collect();
        let due = |sent: &mut VecDeque<(u16, bool)>, packet_id| {
            mark(sent, packet_id);
            settled(sent)
        };
        assert!(due(&mut sent, 2).is_empty());
        assert!(due(&mut sent, 3).is_empty());
        assert!(due(&mut sent, 99).is_empty());
        assert_eq!(due(&mut sent, 1), [1, 2, 3]);
        assert!(due(&mut sent, 1).is_empty());
        assert_eq!(due(&mut sent, 4), [4]);
    }
}
