//! Durable -> acknowledgement: waits for each frame in the order it was said and settles what is owed for it.
//!
//! In:  [`Errand`]s of one session, in order.   Out: packets for the router, answers for the writer.
//!
//! Invariant: whatever acknowledges a frame comes out of [`crate::record::Recording::on_disk`].

use super::bus::{self, RouterGone};
use super::end::End;
use super::outgoing::Own;
use super::seats::Memory;
use super::session::lock;
use crate::record::Recording;
use journal::AppendError;
use rumqttd::local::LinkTx;
use rumqttd::protocol::{Packet, PubRec, PubRecReason};
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

/// What is owed to the client for a frame.
pub enum Debt {
    /// QoS 0: nothing but its turn.
    Nothing(OwnedSemaphorePermit),
    /// QoS 1: the publish goes to the router, whose PUBACK travels back.
    ToRouter(Box<Packet>),
    /// QoS 2: a PUBREC for this packet id.
    Received(u16),
}

/// Something that happens in the order in which the client spoke.
pub enum Errand {
    /// A frame on its way to the disk, with its share of the memory for large bodies.
    Record(Box<Recording<Debt>>, Option<OwnedSemaphorePermit>),
    /// A packet for the router.
    ToRouter(Box<Packet>),
}

/// Settles one session's errands.
pub struct Settler {
    pub(super) errands: mpsc::Receiver<Errand>,
    pub(super) link: LinkTx,
    pub(super) own: mpsc::Sender<Own>,
    pub(super) memory: Arc<Mutex<Memory>>,
    /// Cancelled when nobody waits for the rest any more.
    pub(super) give_up: CancellationToken,
}

/// What is left when the errands are done.
pub struct Settled {
    link: LinkTx,
    /// Why it ended early.
    pub trouble: Option<Trouble>,
}

/// Why errands were left undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The journal cannot be written; nothing may be acknowledged any more.
    Journal(AppendError),
    /// The router is gone.
    Router,
    /// The writer is gone: so is the client.
    Client,
    /// Told to give up.
    GivenUp,
}

impl Trouble {
    /// How the session ends because of it.
    pub fn end(&self) -> End {
        match self {
            Self::Journal(_) => End::JournalFailed,
            Self::Router => End::RouterGone,
            Self::Client | Self::GivenUp => End::Lost,
        }
    }
}

impl Settler {
    /// Runs until the errands' queue is closed and empty, or something fails.
    pub async fn run(mut self) -> Settled {
        let give_up = self.give_up.clone();
        let trouble = tokio::select! {
            trouble = self.settle_all() => trouble,
            () = give_up.cancelled() => Some(Trouble::GivenUp),
        };
        Settled { link: self.link, trouble }
    }

    async fn settle_all(&mut self) -> Option<Trouble> {
        while let Some(errand) = self.errands.recv().await {
            let settled = match errand {
                Errand::ToRouter(packet) => self.hand_over(*packet).await,
                Errand::Record(recording, _room) => match recording.on_disk().await {
                    Ok(debt) => self.pay(debt).await,
                    Err(error) => Err(Trouble::Journal(error)),
                },
            };
            if let Err(trouble) = settled {
                return Some(trouble);
            }
        }
        None
    }

    async fn pay(&mut self, debt: Debt) -> Result<(), Trouble> {
        match debt {
            Debt::Nothing(_turn) => Ok(()),
            Debt::ToRouter(packet) => self.hand_over(*packet).await,
            Debt::Received(packet_id) => {
                lock(&self.memory).unreleased.insert(packet_id, true);
                let received = Packet::PubRec(PubRec { pkid: packet_id, reason: PubRecReason::Success }, None);
                self.own.send(Own::Recorded(received)).await.map_err(|_gone| Trouble::Client)
            }
        }
    }

    async fn hand_over(&mut self, packet: Packet) -> Result<(), Trouble> {
        self.link.send(packet).await.map(|_queued| ()).map_err(|_gone| Trouble::Router)
    }
}

impl Settled {
    /// Closes the link; the writer must have dropped its half.
    pub async fn close(self) -> Result<(), RouterGone> {
        bus::close(self.link).await
    }
}
