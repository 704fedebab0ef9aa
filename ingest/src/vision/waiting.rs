//! Pictures that wait to be looked at.
//!
//! In: pictures, as they come.   Out: the next one, of the camera whose turn it is; and how far the journal is dealt with.
//!
//! Bounded for each camera: when a picture too many comes, the oldest of the same camera is given up, since the newest says most
//! about now. Only places in the journal wait, never bytes.

use model::{DeviceId, Look, Offset, SnapshotId, Timestamp, Unseen};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A picture that is to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Where it is.
    pub offset: Offset,
    /// Whose.
    pub device: DeviceId,
    /// Which.
    pub snapshot: SnapshotId,
    /// Of when.
    pub taken_at: Timestamp,
    /// How.
    pub look: Arc<Look>,
    /// Why it need not be looked at to know that nobody knows.
    pub unfit: Option<Unseen>,
    /// Whether it is measured too: something may be before the lens.
    pub is_measured: bool,
}

/// The queues.
#[derive(Debug)]
pub(super) struct Waiting {
    of: BTreeMap<DeviceId, VecDeque<Job>>,
    /// Cameras of which something waits, each once, in turn.
    turn: VecDeque<DeviceId>,
    /// What waits or is looked at.
    open: BTreeSet<Offset>,
    up_to: Offset,
    bound: usize,
}

impl Waiting {
    /// Nothing waits.
    pub fn new(up_to: Offset, bound: usize) -> Self {
        Self { of: BTreeMap::new(), turn: VecDeque::new(), open: BTreeSet::new(), up_to, bound }
    }

    /// Takes a picture in; what it displaced, if there were too many.
    pub fn put(&mut self, job: Job) -> Option<Job> {
        let queue = self.of.entry(job.device.clone()).or_default();
        let shed = if queue.len() >= self.bound { queue.pop_front() } else { None };
        if queue.is_empty() && shed.is_none() {
            self.turn.push_back(job.device.clone());
        }
        self.open.insert(job.offset);
        queue.push_back(job);
        if let Some(shed) = &shed {
            self.open.remove(&shed.offset);
        }
        shed
    }

    /// The oldest of the camera whose turn it is.
    pub fn next(&mut self) -> Option<Job> {
        let device = self.turn.pop_front()?;
        let queue = self.of.get_mut(&device)?;
        let job = queue.pop_front();
        if queue.is_empty() {
            self.of.remove(&device);
        } else {
            self.turn.push_back(device);
        }
        job
    }

    /// It was looked at.
    pub fn done(&mut self, offset: Offset) {
        self.open.remove(&offset);
    }

    /// All pictures up to here were put in.
    pub fn read_up_to(&mut self, offset: Offset) {
        self.up_to = self.up_to.max(offset);
    }

    /// Everything up to and including this is dealt with.
    pub fn cursor(&self) -> Offset {
        self.open.first().map_or(self.up_to, |first| Offset(first.0.saturating_sub(1)).min(self.up_to))
    }

    /// How many wait or are looked at.
    pub fn len(&self) -> usize {
        self.open.len()
    }
}
