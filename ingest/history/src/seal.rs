//! Moves rows from the tail into compressed blocks, and lets expired days go. Called by a maintenance tick.
//!
//! In: the parts of the tail that are due. Out: blocks in the files of their days, a shorter tail.
//!
//! Three steps, each safe to be the last one before a crash: take rows (reads only), write their block (on disk in the
//! day's file), forget the rows in the tail. A crash before "forget" leaves rows in both places, which a query merges; the
//! next seal writes the same block again, which the day's file recognises. Never holds the tail's writer while compressing.

use crate::HistoryError;
use crate::block::{BadBlock, MAX_ROWS, encode};
use crate::day::Day;
use crate::partition::{NewBlock, Partitions};
use crate::tail::{Tail, Taken};
use model::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a day's rows stay in the tail after its end: most late points come within it, so their block is whole.
pub(crate) const SETTLE: Duration = Duration::from_secs(2 * 3_600);

/// What one call of [`crate::History::seal`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Blocks written.
    pub blocks: usize,
    /// Rows in them.
    pub rows: usize,
}

/// First step: the parts that are due, by day, with their rows. Reads only.
pub(crate) fn take(tail: &Tail, now: Timestamp, budget: usize) -> Result<BTreeMap<Day, Vec<Taken>>, HistoryError> {
    let mut by_day: BTreeMap<Day, Vec<Taken>> = BTreeMap::new();
    for taken in tail.due(now.minus(SETTLE), budget)? {
        by_day.entry(taken.part.day).or_default().push(taken);
    }
    Ok(by_day)
}

/// Second step: their blocks into the day's file, on disk when it returns.
pub(crate) fn write(partitions: &Partitions, day: Day, taken: &[Taken]) -> Result<Sealed, HistoryError> {
    let mut blocks = Vec::with_capacity(taken.len());
    let mut sealed = Sealed::default();
    for Taken { part, rows, .. } in taken {
        // Of equal size: a last one of a few rows would cost as much again.
        let row_count = rows.len().div_ceil(rows.len().div_ceil(MAX_ROWS).max(1)).max(1);
        for rows in rows.chunks(row_count) {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
            let damaged = |BadBlock(what)| HistoryError::Damaged { file: partitions.file(day), what };
            let body = encode(part.group, rows).map_err(damaged)?;
            sealed.blocks += 1;
            sealed.rows += rows.len();
            blocks.push(NewBlock {
                device: part.device.as_str(),
                group: part.group,
                start_ms: first.ts_ms,
                last_ms: last.ts_ms,
                row_count: rows.len(),
                body,
            });
        }
    }
    if !blocks.is_empty() {
        partitions.write(day, &blocks)?;
    }
    Ok(sealed)
}

/// All steps, for some `budget` blocks: a part goes whole, so the last one may take it a little beyond.
pub(crate) fn seal(
    tail: &Tail,
    partitions: &Partitions,
    now: Timestamp,
    budget: usize,
) -> Result<Sealed, HistoryError> {
    let mut total = Sealed::default();
    for (day, taken) in take(tail, now, budget)? {
        let sealed = write(partitions, day, &taken)?;
        tail.forget(&taken, now)?;
        total.blocks += sealed.blocks;
        total.rows += sealed.rows;
    }
    tail.pack()?;
    Ok(total)
}
