//! The line before the writer: frames wait here while a commit runs, and the next commit takes all of them.
//!
//! In:  frames and chores, from any thread.   Out: [`Work`] for the writer, in the order of the calls.
//!
//! A frame takes its place within the call to [`Line::push`], not when somebody polls a future: that is the only way to keep
//! the order of pipelined appends, since a future that waits for room in a queue may be polled later than its successor.
//! So the line never makes a caller wait; it is bounded by refusing. Callers that await [`Line::room`] before they read more
//! are held back instead, and the space between the two marks is for what they have read already.
//!
//! It never waits for a timer: an idle writer takes a lone frame at once.

use super::codec;
use super::pack::Packed;
use super::stats::Waiting as WaitingStats;
use crate::{AppendError, Durable, JournalError};
use model::{Frame, Offset};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Bounds of the line and of what one commit takes from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Beyond this much memory a frame is refused.
    pub(super) refuse_bytes: u64,
    /// Beyond this many a frame is refused.
    pub(super) refuse_frames: usize,
    /// Below this, callers may read on.
    pub(super) room_bytes: u64,
    /// Below this, callers may read on.
    pub(super) room_frames: usize,
    /// A commit takes frames until it has this many bytes.
    pub(super) batch_bytes: u64,
    /// A commit takes at most this many frames.
    pub(super) batch_frames: usize,
    /// Batches are packed together in groups of this many bytes.
    pub(super) group_bytes: usize,
}

impl Limits {
    /// Listeners stop reading at 64 MiB or 65,536 frames, about a second of the disk. What they have read by then (one
    /// frame for each session, at most 4 MiB) has four times that to land in.
    /// Groups of 256 KiB pack nearly as well as larger ones, and a read from the middle has to unpack no more than that.
    /// A commit of 1,024 frames spreads one sync thin enough that more would gain nothing; 4 MiB is one picture.
    pub(super) const STANDARD: Self = Self {
        refuse_bytes: 256 * 1024 * 1024,
        refuse_frames: 262_144,
        room_bytes: 64 * 1024 * 1024,
        room_frames: 65_536,
        batch_bytes: 4 * 1024 * 1024,
        batch_frames: 1_024,
        group_bytes: 256 * 1024,
    };
}

/// Consumers move their cursors a few times a second each; so many waiting means that the disk hangs.
const CHORES_MAX: usize = 4_096;

/// Frames that wait together, and whom to tell. They are written in one commit, or refused as one.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) frames: Vec<Frame>,
    pub(super) bytes: u64,
    pub(super) reply: oneshot::Sender<Result<Durable, AppendError>>,
}

/// What the writer does beside appending; it joins the next commit.
#[derive(Debug)]
pub(super) enum Chore {
    /// Moves a cursor forward.
    SetCursor { consumer: String, offset: Offset, reply: oneshot::Sender<Result<(), JournalError>> },
    /// Takes a cursor away, so that it no longer holds trimming back.
    ForgetCursor { consumer: String, reply: oneshot::Sender<Result<(), JournalError>> },
    /// Puts a packed batch in the place of those that it was made of.
    Pack { packed: Box<Packed>, reply: oneshot::Sender<()> },
    /// Frees what lies before `keep_from` and below every cursor.
    Trim { keep_from: Offset, reply: oneshot::Sender<Result<super::Trimmed, JournalError>> },
}

/// What one commit is made of.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) groups: Vec<Waiting>,
    pub(super) chores: Vec<Chore>,
}

#[derive(Debug, Default)]
struct State {
    groups: VecDeque<Waiting>,
    chores: VecDeque<Chore>,
    frames: usize,
    bytes: u64,
    /// Why nothing is taken any more.
    ended: Option<AppendError>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    state: Mutex<State>,
    arrived: Condvar,
    drained: Notify,
    limits: Limits,
}

impl Line {
    pub(super) fn new(limits: Limits) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), drained: Notify::new(), limits }
    }

    /// Takes the frames' place in the order of writing. The answer comes when they are on disk, or are not going to be.
    pub(super) fn push(
        &self,
        frames: Vec<Frame>,
    ) -> Result<oneshot::Receiver<Result<Durable, AppendError>>, AppendError> {
        let len = |frame| u64::try_from(codec::encoded_len(frame)).unwrap_or(u64::MAX);
        let bytes = frames.iter().map(len).fold(0, u64::saturating_add);
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            return Err(ended.clone());
        }
        let total = state.bytes.saturating_add(bytes);
        if total > self.limits.refuse_bytes || state.frames >= self.limits.refuse_frames {
            return Err(AppendError::Busy { waiting_bytes: state.bytes });
        }
        let (reply, answer) = oneshot::channel();
        state.frames += frames.len();
        state.bytes = total;
        state.groups.push_back(Waiting { frames, bytes, reply });
        drop(state);
        self.arrived.notify_one();
        Ok(answer)
    }

    /// Queues a chore for the next commit.
    pub(super) fn push_chore(&self, chore: Chore) -> Result<(), JournalError> {
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            return Err(JournalError::Engine(ended.to_string()));
        }
        if state.chores.len() >= CHORES_MAX {
            return Err(JournalError::Engine(format!("{CHORES_MAX} cursor changes wait for the disk; it hangs")));
        }
        state.chores.push_back(chore);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Resolves when little enough waits, or when the line has ended and waiting would be in vain.
    pub(super) async fn room(&self) {
        loop {
            // Made before the check, so that a drain between the check and the wait is not missed.
            let drained = self.drained.notified();
            if self.has_room(&self.lock()) {
                return;
            }
            drained.await;
        }
    }

    /// Blocks until there is something to do; `None` when the line has ended and everything was taken.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.lock();
        while state.groups.is_empty() && state.chores.is_empty() {
            if state.ended.is_some() {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut groups = Vec::new();
        let (mut frames, mut bytes) = (0, 0_u64);
        while frames < self.limits.batch_frames && bytes < self.limits.batch_bytes {
            let Some(waiting) = state.groups.pop_front() else { break };
            frames += waiting.frames.len();
            bytes = bytes.saturating_add(waiting.bytes);
            groups.push(waiting);
        }
        state.frames -= frames;
        state.bytes = state.bytes.saturating_sub(bytes);
        let chores = state.chores.drain(..).collect();
        if self.has_room(&state) {
            self.drained.notify_waiters();
        }
        Some(Work { groups, chores })
    }

    /// No more frames; those that wait are still written.
    pub(super) fn close(&self) {
        self.lock().ended.get_or_insert(AppendError::Closed);
        self.arrived.notify_all();
        self.drained.notify_waiters();
    }

    /// No more frames, and those that wait are told why. Also called when the writer ends in any other way.
    pub(super) fn fail(&self, error: &AppendError) {
        let mut state = self.lock();
        // A failure outranks an orderly end: what was waiting was not written.
        if !matches!(state.ended, Some(AppendError::Broken(_))) {
            state.ended = Some(error.clone());
        }
        let groups = std::mem::take(&mut state.groups);
        state.chores.clear();
        (state.frames, state.bytes) = (0, 0);
        drop(state);
        for waiting in groups {
            // Nobody may be listening any more; nothing was promised to them.
            waiting.reply.send(Err(error.clone())).ok();
        }
        self.arrived.notify_all();
        self.drained.notify_waiters();
    }

    /// What waits now, and whether the line has failed.
    pub(super) fn stats(&self) -> WaitingStats {
        let state = self.lock();
        WaitingStats {
            frames: state.frames,
            bytes: state.bytes,
            broken: matches!(state.ended, Some(AppendError::Broken(_))),
        }
    }

    fn has_room(&self, state: &State) -> bool {
        state.ended.is_some() || (state.bytes < self.limits.room_bytes && state.frames < self.limits.room_frames)
    }

    /// Nothing in here panics while it holds the lock, so a poisoned one still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
