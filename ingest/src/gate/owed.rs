//! Durable -> acknowledgement: what is owed to one client, in the order in which it spoke.
//!
//! In:  frames of one read, with what each is owed.   Out: [`Debt`]s that may be paid, since their frames are on disk.
//!
//! Invariant: a debt comes out of [`crate::record::Recording`] and of nothing else, so an acknowledgement follows the disk
//! by construction.

use super::answers::Answer;
use super::session::BodyPermits;
use crate::record::{Recorder, Recording};
use futures_util::FutureExt;
use journal::AppendError;
use model::Frame;
use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

/// What is owed to the client for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debt {
    /// QoS 0: nothing.
    Nothing,
    /// QoS 1: a PUBACK for this packet id.
    PubAck(u16),
    /// QoS 2: a PUBREC for this packet id.
    PubRec(u16),
}

/// What may be said once a batch is on disk.
#[derive(Debug, Default)]
pub struct Settled {
    /// Acknowledgements, one for each frame.
    pub debts: Vec<Debt>,
    /// Answers that its protocol wants besides.
    pub(super) answers: Vec<Answer>,
}

/// Frames that were read together and are not on their way to the disk yet.
#[derive(Default)]
pub struct Batch {
    frames: Vec<Frame>,
    owed: Settled,
    room: Vec<BodyPermits>,
}

impl Batch {
    /// Adds what is to be said to the client besides its acknowledgement.
    pub(super) fn answer(&mut self, answer: Answer) {
        self.owed.answers.push(answer);
    }

    /// Adds a frame, what is owed for it, and its share of the memory for large bodies.
    pub fn push(&mut self, frame: Frame, debt: Debt, room: Option<BodyPermits>) {
        self.frames.push(frame);
        self.owed.debts.push(debt);
        self.room.extend(room);
    }

    /// Bytes of their payloads.
    pub fn bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.payload.len()).sum()
    }

    /// Frames in it.
    pub fn len(&self) -> usize {
        self.frames.len()
    }
}

/// Everything that is owed to one client.
#[derive(Default)]
pub struct Owing {
    batches: VecDeque<(Recording<Settled>, Vec<BodyPermits>)>,
    frames: usize,
}

impl Owing {
    /// Sends a batch on its way to the disk.
    pub fn begin(&mut self, recorder: &Recorder, batch: Batch) {
        if batch.frames.is_empty() {
            return;
        }
        self.frames += batch.len();
        self.batches.push_back((recorder.begin(batch.frames, batch.owed), batch.room));
    }

    /// Frames that are not known to be on disk.
    pub fn len(&self) -> usize {
        self.frames
    }

    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// What is owed for the oldest batch, once it is on disk; pending also when there is none.
    pub fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<Settled, AppendError>> {
        let Some((recording, _room)) = self.batches.front_mut() else { return Poll::Pending };
        let settled = ready!(recording.poll_unpin(cx));
        self.batches.pop_front();
        if let Ok(settled) = &settled {
            self.frames -= settled.debts.len();
        }
        Poll::Ready(settled)
    }
}
