//! What the journal tells about itself, for the binary to export as metrics.
//!
//! In:  the writer's counts.   Out: [`Stats`], a copy of the moment. It never knows a metrics library.

use super::batch::Link;
use super::store::Ledger;
use model::Offset;
use std::time::Duration;

/// The journal at one moment. Totals count from when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// The last offset on disk.
    pub head: Offset,
    /// The oldest offset that is still held; 0 when none is.
    pub oldest: Offset,
    /// How many entries are held.
    pub entries: u64,
    /// In how many batches.
    pub batches: u64,
    /// How many bytes they take, counted against `max_bytes`.
    pub bytes: u64,
    /// The bound.
    pub max_bytes: u64,
    /// Commits made, each with one sync to disk.
    pub commits_total: u64,
    /// Entries appended.
    pub appended_total: u64,
    /// Frames refused because the journal or its disk was full.
    pub refused_full_total: u64,
    /// Why nothing is acknowledged at the moment, if that is for want of room.
    pub full: Option<Full>,
    /// Entries trimmed.
    pub trimmed_total: u64,
    /// Time spent in commits.
    pub commit_time_total: Duration,
    /// How long the last commit took.
    pub commit_time_last: Duration,
    /// Frames that wait for the disk.
    pub waiting_frames: usize,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// A write failed; nothing is appended any more.
    pub broken: bool,
    /// The hash chain's end: whoever writes it down elsewhere can later prove that nothing before it was changed.
    pub chain_tip: Link,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The journal has come to its bound.
    Bound,
    /// The disk has no room left, although the bound is not reached.
    Disk,
}

/// What waits in the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) frames: usize,
    pub(super) bytes: u64,
    pub(super) broken: bool,
}

/// What the writer counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) ledger: Option<Ledger>,
    pub(super) commits_total: u64,
    pub(super) appended_total: u64,
    pub(super) refused_full_total: u64,
    pub(super) full: Option<Full>,
    pub(super) trimmed_total: u64,
    pub(super) commit_time_total: Duration,
    pub(super) commit_time_last: Duration,
}

impl Counts {
    pub(super) fn stats(&self, waiting: Waiting, max_bytes: u64) -> Stats {
        let held = self.ledger.map(|ledger| Stats {
            head: ledger.head,
            oldest: if ledger.entries() == 0 { Offset::default() } else { ledger.trimmed.next() },
            entries: ledger.entries(),
            batches: ledger.batches,
            bytes: ledger.bytes,
            chain_tip: ledger.head_link,
            ..Stats::default()
        });
        Stats {
            max_bytes,
            commits_total: self.commits_total,
            appended_total: self.appended_total,
            refused_full_total: self.refused_full_total,
            full: self.full,
            trimmed_total: self.trimmed_total,
            commit_time_total: self.commit_time_total,
            commit_time_last: self.commit_time_last,
            waiting_frames: waiting.frames,
            waiting_bytes: waiting.bytes,
            broken: waiting.broken,
            ..held.unwrap_or_default()
        }
    }
}
