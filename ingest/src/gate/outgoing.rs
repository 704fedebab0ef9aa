//! What goes out to one client: the router's acknowledgements and messages, and the gate's own packets.
//!
//! In:  notifications of the session's link, [`Own`] packets.   Out: bytes on the socket.
//!
//! Invariant: a message with QoS 1 is on its way to the client only while the client has room for it, and the client's
//! acknowledgements reach the router in the router's order, since it takes no other.

use super::codec::{Codec, Header, PublishHead};
use super::desk::Desk;
use super::limits;
use crate::metrics::Metrics;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use rumqttd::Notification;
use rumqttd::local::LinkRx;
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet, SubAck};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// A packet that the gate itself owes the client.
#[derive(Debug)]
pub enum Own {
    /// Any answer.
    Answer(Packet),
    /// The PUBREC of a frame that is on disk: it gives the client room for another publish.
    Recorded(Packet),
}

/// How the writer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Whether the router was woken: then it must be waited for before the link is closed.
    pub woke_router: bool,
    /// Whether the router had closed the link itself.
    pub link_gone: bool,
}

/// The writing half of a session.
pub struct Writer<W> {
    /// Of the client.
    pub codec: Codec,
    /// To the client.
    pub socket: W,
    /// From the router.
    pub link: LinkRx,
    /// From the gate.
    pub own: mpsc::Receiver<Own>,
    /// Shared with the reader.
    pub desk: Arc<Desk>,
    /// Permits to give back when an acknowledgement is written.
    pub outstanding: Arc<Semaphore>,
    /// Counters.
    pub metrics: Metrics,
    /// Unacknowledged messages that the client takes at a time.
    pub receive_max: usize,
    /// Largest packet that the client takes.
    pub packet_max: usize,
}

/// What a turn of the writer came to.
enum Stop {
    LinkGone,
    ClientGone,
}

struct Turn {
    out: BytesMut,
    held: VecDeque<(u16, Bytes)>,
    settled: usize,
    unscheduled: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes until `finish` is told or the client or the link is gone; then says the farewell that `finish` holds.
    pub async fn run(mut self, mut finish: oneshot::Receiver<Option<DisconnectReasonCode>>) -> Written {
        let mut written = Written { woke_router: false, link_gone: false };
        let mut turn = Turn { out: BytesMut::new(), held: VecDeque::new(), settled: 0, unscheduled: false };
        let farewell = loop {
            let stop = tokio::select! {
                biased;
                farewell = &mut finish => break farewell.ok().flatten(),
                turned = self.turn(&mut turn) => turned.err(),
            };
            if let Some(stop) = stop {
                written.link_gone = matches!(stop, Stop::LinkGone);
                break None;
            }
            tokio::select! {
                biased;
                // What was cut in the middle cannot be followed by a farewell.
                _ = &mut finish => return written,
                flushed = self.flush(&mut turn) => if flushed.is_err() { return written },
            }
            // Only when the router asked for it: it stops when it is woken without having paused.
            if std::mem::take(&mut turn.unscheduled) {
                written.woke_router = true;
                if self.link.wake().await.is_err() {
                    written.link_gone = true;
                    return written;
                }
            }
        };
        self.say_farewell(turn, farewell).await;
        written
    }

    /// Waits for something to write and takes what else is ready.
    async fn turn(&mut self, turn: &mut Turn) -> Result<(), Stop> {
        let desk = Arc::clone(&self.desk);
        tokio::select! {
            own = self.own.recv() => self.take_own(turn, own.ok_or(Stop::ClientGone)?)?,
            notification = self.link.next() => {
                let notification = notification.map_err(|_| Stop::LinkGone)?;
                self.take_notification(turn, notification)?;
            }
            () = desk.room() => {}
        }
        while turn.out.len() < limits::WRITE_BATCH_BYTES && !turn.unscheduled {
            if let Ok(own) = self.own.try_recv() {
                self.take_own(turn, own)?;
            } else if let Some(notification) = self.link.next().now_or_never() {
                self.take_notification(turn, notification.map_err(|_| Stop::LinkGone)?)?;
            } else {
                break;
            }
        }
        self.release_held(turn);
        Ok(())
    }

    fn take_own(&mut self, turn: &mut Turn, own: Own) -> Result<(), Stop> {
        match own {
            Own::Answer(packet) => self.encode(turn, packet),
            Own::Recorded(packet) => {
                self.metrics.acknowledgements.with_label_values(&["pubrec"]).inc();
                turn.settled += 1;
                self.encode(turn, packet)
            }
        }
    }

    fn take_notification(&mut self, turn: &mut Turn, notification: Option<Notification>) -> Result<(), Stop> {
        let Some(notification) = notification else { return Ok(()) };
        match Option::<Packet>::from(notification) {
            None => turn.unscheduled = true,
            Some(packet @ Packet::PubAck(..)) => {
                self.metrics.acknowledgements.with_label_values(&["puback"]).inc();
                turn.settled += 1;
                self.encode(turn, packet)?;
            }
            Some(Packet::SubAck(ack, _)) => {
                if let Some(return_codes) = self.desk.take_suback(ack.pkid) {
                    self.encode(turn, Packet::SubAck(SubAck { pkid: ack.pkid, return_codes }, None))?;
                }
            }
            Some(packet @ Packet::Publish(..)) => self.take_publish(turn, packet)?,
            Some(Packet::Disconnect(..)) => return Err(Stop::LinkGone),
            // UNSUBACK and PINGRESP are the gate's own; the router is not asked for the rest.
            Some(_) => {}
        }
        Ok(())
    }

    /// A message for the client. Its packet id is not public in the decoded form, so it is read from the encoded one.
    fn take_publish(&mut self, turn: &mut Turn, packet: Packet) -> Result<(), Stop> {
        let mut bytes = BytesMut::new();
        self.codec.encode(packet, &mut bytes).map_err(|_| Stop::ClientGone)?;
        if bytes.len() > self.packet_max {
            return Err(Stop::ClientGone);
        }
        let head = Header::peek(&bytes)
            .ok()
            .flatten()
            .and_then(|header| PublishHead::peek(&header, &bytes).ok().flatten().map(|head| head.packet_id));
        match head {
            Some(0) | None => turn.out.extend_from_slice(&bytes),
            Some(packet_id) => turn.held.push_back((packet_id, bytes.freeze())),
        }
        Ok(())
    }

    /// Held messages are at most as many as the router lets be unacknowledged: 100.
    fn release_held(&self, turn: &mut Turn) {
        while let Some((packet_id, bytes)) = turn.held.pop_front() {
            if !self.desk.send(packet_id, self.receive_max) {
                turn.held.push_front((packet_id, bytes));
                return;
            }
            turn.out.extend_from_slice(&bytes);
        }
    }

    fn encode(&self, turn: &mut Turn, packet: Packet) -> Result<(), Stop> {
        self.codec.encode(packet, &mut turn.out).map_err(|_| Stop::ClientGone)
    }

    async fn flush(&mut self, turn: &mut Turn) -> Result<(), Stop> {
        if !turn.out.is_empty() {
            match tokio::time::timeout(limits::WRITE_TIMEOUT, self.socket.write_all(&turn.out)).await {
                Ok(Ok(())) => turn.out.clear(),
                Ok(Err(_)) | Err(_) => return Err(Stop::ClientGone),
            }
        }
        self.outstanding.add_permits(std::mem::take(&mut turn.settled));
        Ok(())
    }

    /// The last words: answers that are still waiting, then the reason. The client may be gone, and that is all right.
    async fn say_farewell(mut self, mut turn: Turn, farewell: Option<DisconnectReasonCode>) {
        while let Ok(own) = self.own.try_recv() {
            if self.take_own(&mut turn, own).is_err() {
                return;
            }
        }
        if let Some(reason_code) = farewell
            && self.encode(&mut turn, Packet::Disconnect(Disconnect { reason_code }, None)).is_err()
        {
            return;
        }
        let last_words = async {
            self.socket.write_all(&turn.out).await?;
            self.socket.shutdown().await
        };
        if !matches!(tokio::time::timeout(limits::FAREWELL_TIMEOUT, last_words).await, Ok(Ok(()))) {
            tracing::debug!("client was gone before the last words");
        }
    }
}
