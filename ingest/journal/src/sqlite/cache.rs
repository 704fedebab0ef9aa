//! The newest committed entries in memory, so that a consumer that keeps up never touches the disk.
//!
//! In:  batches in order, as they are committed.   Out: entries after an offset, or "not here, ask the file".
//!
//! Bounded in bytes; the oldest batch goes first. It never holds an entry that is not on disk.

use model::{Entry, Offset};
use std::collections::VecDeque;

/// Some seconds of the largest fleet we promise, or four pictures. Consumers further behind read the file.
pub(super) const CACHE_MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
struct Batch {
    entries: Vec<Entry>,
    bytes: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Cache {
    batches: VecDeque<Batch>,
    bytes: usize,
    max_bytes: usize,
}

impl Cache {
    pub(super) fn bounded(max_bytes: usize) -> Self {
        Self { batches: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// Takes a batch that was just committed; `bytes` is about what it weighs.
    pub(super) fn push(&mut self, entries: Vec<Entry>, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.batches.push_back(Batch { entries, bytes });
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
    }

    /// Lets go of batches that were trimmed, so that memory never shows what the file no longer has.
    pub(super) fn forget_up_to(&mut self, trimmed: Offset) {
        let gone = |batch: &Batch| batch.entries.last().is_none_or(|last| last.offset <= trimmed);
        while self.batches.front().is_some_and(gone) {
            let bytes = self.batches.pop_front().map_or(0, |batch| batch.bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Up to `limit` entries after `after`; `None` if the first of them is older than what is held, or not yet here.
    pub(super) fn read(&self, after: Offset, limit: usize) -> Option<Vec<Entry>> {
        let want = after.next();
        let start = self.batches.partition_point(|batch| batch.entries.last().is_some_and(|last| last.offset < want));
        let holds = self.batches.get(start)?.entries.first().is_some_and(|first| first.offset <= want);
        let later = self.batches.iter().skip(start).flat_map(|batch| &batch.entries);
        holds.then(|| later.skip_while(|entry| entry.offset < want).take(limit).cloned().collect())
    }
}
