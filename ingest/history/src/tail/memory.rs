//! What the tail holds, by device, group and day: which chunks are on disk, and the rows that are not in a chunk yet.
//!
//! In: rows as the log took them. Out: where to find a device's rows, and which parts are due for sealing. Never touches the disk; what
//! stands here was committed before.

use crate::TrackPoint;
use crate::block::FULL_ROWS;
use crate::day::Day;
use crate::row::{Group, Row};
use model::{DeviceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The unsealed rows of one device, group and day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub(crate) day: Day,
    pub(crate) device: DeviceId,
    pub(crate) group: Group,
}

/// Rows of a part that stand together on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) id: i64,
    pub(super) start_ms: i64,
    pub(super) last_ms: i64,
    pub(super) row_count: usize,
}

/// What there is of a part.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// In the order they were written.
    pub(super) chunks: Vec<Chunk>,
    /// Packed rows that only the log holds.
    pub(super) fresh: Vec<u8>,
    pub(super) fresh_count: usize,
    /// Earliest and latest time of a fresh row, or more.
    pub(super) fresh_ms: (i64, i64),
    /// When the first of its rows came.
    pub(super) since_ms: i64,
}

impl Held {
    pub(super) fn row_count(&self) -> usize {
        self.fresh_count + self.chunks.iter().map(|chunk| chunk.row_count).sum::<usize>()
    }
}

#[derive(Default)]
struct Known {
    /// The latest row with a place on the globe.
    last: Option<Row>,
    is_last_saved: bool,
    parts: BTreeMap<(Group, Day), Held>,
}

#[derive(Default)]
pub(super) struct Memory {
    devices: HashMap<DeviceId, Known>,
    /// Parts that fill a block, so that a tick need not look at all of them.
    full: BTreeSet<Part>,
    /// How many parts each day has, for the same reason.
    days: BTreeMap<Day, usize>,
    /// Rows that are in no chunk.
    pub(super) fresh_count: usize,
    /// The last batch of the log whose rows are here.
    pub(super) batch: i64,
    /// How often fresh rows were written into chunks.
    pub(super) flushes: u64,
}

impl Memory {
    fn held(&mut self, part: &Part, since_ms: i64) -> &mut Held {
        let known = self.devices.entry(part.device.clone()).or_default();
        known.parts.entry((part.group, part.day)).or_insert_with(|| {
            *self.days.entry(part.day).or_default() += 1;
            Held { since_ms, ..Held::default() }
        })
    }

    /// A chunk that is on disk.
    pub(super) fn add_chunk(&mut self, part: &Part, chunk: Chunk, since_ms: i64) {
        let held = self.held(part, since_ms);
        held.chunks.push(chunk);
        if held.row_count() >= FULL_ROWS {
            self.full.insert(part.clone());
        }
    }

    /// A row of the log, packed.
    pub(super) fn add_row(&mut self, device: &DeviceId, group: Group, row: &Row, packed: &[u8], since_ms: i64) {
        let day = Day::of(Timestamp::from_millis(row.ts_ms));
        // Most rows are of a part that is known, and need no copy of the name.
        let known = match self.devices.get_mut(device) {
            Some(known) => known,
            None => self.devices.entry(device.clone()).or_default(),
        };
        let held = known.parts.entry((group, day)).or_insert_with(|| {
            *self.days.entry(day).or_default() += 1;
            Held { since_ms, ..Held::default() }
        });
        held.fresh_ms = match held.fresh_count {
            0 => (row.ts_ms, row.ts_ms),
            _ => (held.fresh_ms.0.min(row.ts_ms), held.fresh_ms.1.max(row.ts_ms)),
        };
        held.fresh.extend_from_slice(packed);
        held.fresh_count += 1;
        self.fresh_count += 1;
        // Counted only where it may have come to it just now.
        if held.fresh_count.is_multiple_of(64) && held.row_count() >= FULL_ROWS {
            self.full.insert(Part { day, device: device.clone(), group });
        }
        self.keep_last(device, group, row);
    }

    /// The latest position by time and then by offset. A row without a place on the globe is none; it would only hide the one before.
    pub(super) fn keep_last(&mut self, device: &DeviceId, group: Group, row: &Row) {
        if group != Group::Track {
            return;
        }
        let Some(known) = self.devices.get_mut(device) else { return };
        let is_newer = known.last.is_none_or(|last| (row.ts_ms, row.offset) >= (last.ts_ms, last.offset));
        if is_newer && TrackPoint::of(row).is_some() {
            known.last = Some(*row);
            known.is_last_saved = false;
        }
    }

    /// A device of which every row is sealed already.
    pub(super) fn know_device(&mut self, device: &DeviceId) {
        if !self.devices.contains_key(device) {
            self.devices.insert(device.clone(), Known::default());
        }
    }

    /// A last position that is on disk.
    pub(super) fn know_last(&mut self, device: DeviceId, row: Row) {
        let known = self.devices.entry(device).or_default();
        known.last = Some(row);
        known.is_last_saved = true;
    }

    /// Last positions that are not on disk.
    pub(super) fn unsaved_last(&self) -> Vec<(DeviceId, Row)> {
        let unsaved = self.devices.iter().filter(|(_, known)| !known.is_last_saved);
        unsaved.filter_map(|(device, known)| Some((device.clone(), known.last?))).collect()
    }

    pub(super) fn last_saved(&mut self, saved: &[(DeviceId, Row)]) {
        for (device, _) in saved {
            if let Some(known) = self.devices.get_mut(device) {
                known.is_last_saved = true;
            }
        }
    }

    pub(super) fn last_positions(&self) -> Vec<(DeviceId, TrackPoint)> {
        let all = self.devices.iter();
        let mut all: Vec<_> =
            all.filter_map(|(device, known)| Some((device.clone(), TrackPoint::of(&known.last?)?))).collect();
        all.sort_by(|(one, _), (next, _)| one.cmp(next));
        all
    }

    /// What there is of a device from one day to another.
    pub(super) fn parts(&self, device: &DeviceId, group: Group, (first, last): (Day, Day)) -> Vec<&Held> {
        let Some(known) = self.devices.get(device).filter(|_| first <= last) else { return Vec::new() };
        known.parts.range((group, first)..=(group, last)).map(|(_, held)| held).collect()
    }

    /// The days of these of which there is something.
    pub(super) fn days(&self, device: &DeviceId, group: Group, (first, last): (Day, Day)) -> Vec<Day> {
        let Some(known) = self.devices.get(device).filter(|_| first <= last) else { return Vec::new() };
        known.parts.range((group, first)..=(group, last)).map(|((_, day), _)| *day).collect()
    }

    /// What there is of a part.
    pub(super) fn part(&self, part: &Part) -> Option<&Held> {
        self.devices.get(&part.device)?.parts.get(&(part.group, part.day))
    }

    /// Every part with fresh rows.
    pub(super) fn fresh(&self) -> Vec<(Part, Held)> {
        let mut found = Vec::new();
        for (device, known) in &self.devices {
            for ((group, day), held) in known.parts.iter().filter(|(_, held)| held.fresh_count > 0) {
                found.push((Part { day: *day, device: device.clone(), group: *group }, held.clone()));
            }
        }
        // In the order in which parts fall due, so that chunks that go together stand together.
        found.sort_by(|(one, _), (next, _)| one.cmp(next));
        found
    }

    /// Lets go of a part's first fresh bytes and rows.
    pub(super) fn drain(&mut self, part: &Part, bytes: usize, rows: usize) {
        let held = self.devices.get_mut(&part.device).and_then(|known| known.parts.get_mut(&(part.group, part.day)));
        if let Some(held) = held {
            if bytes >= held.fresh.len() {
                held.fresh = Vec::new();
            } else {
                held.fresh.drain(..bytes);
            }
            held.fresh_count = held.fresh_count.saturating_sub(rows);
            self.fresh_count = self.fresh_count.saturating_sub(rows);
        }
    }

    /// Lets go of chunks that are in blocks now. What is left came after, so it waits from `now_ms` on; a part of which nothing is left
    /// goes too.
    pub(super) fn forget(&mut self, part: &Part, chunks: &[i64], now_ms: i64) {
        self.full.remove(part);
        let Some(known) = self.devices.get_mut(&part.device) else { return };
        let Some(held) = known.parts.get_mut(&(part.group, part.day)) else { return };
        held.chunks.retain(|chunk| !chunks.contains(&chunk.id));
        held.since_ms = now_ms;
        match held.row_count() {
            0 => self.remove(part),
            FULL_ROWS.. => drop(self.full.insert(part.clone())),
            _ => {}
        }
    }

    fn remove(&mut self, part: &Part) {
        self.full.remove(part);
        let known = self.devices.get_mut(&part.device);
        if let Some(held) = known.and_then(|known| known.parts.remove(&(part.group, part.day))) {
            self.fresh_count = self.fresh_count.saturating_sub(held.fresh_count);
            if let Some(count) = self.days.get_mut(&part.day) {
                *count -= 1;
                if *count == 0 {
                    self.days.remove(&part.day);
                }
            }
        }
    }

    /// Parts that fill a block, or whose day ended before `settled` and that wait since before it: fullest first, so that the tail
    /// shrinks fastest.
    pub(super) fn due(&self, settled: Timestamp, limit: usize) -> Vec<Part> {
        let mut due: Vec<(usize, Part)> = Vec::new();
        let count = |part: &Part| self.part(part).map_or(0, Held::row_count);
        due.extend(self.full.iter().map(|part| (count(part), part.clone())));
        if self.days.first_key_value().is_some_and(|(day, _)| *day < Day::of(settled)) {
            due.extend(self.waiting(settled));
        }
        due.sort_by(|(count, part), (next_count, next_part)| next_count.cmp(count).then_with(|| part.cmp(next_part)));
        due.dedup_by(|(_, next), (_, part)| next == part);
        due.truncate(limit);
        due.into_iter().map(|(_, part)| part).collect()
    }

    fn waiting(&self, settled: Timestamp) -> impl Iterator<Item = (usize, Part)> {
        let day_over = Day::of(settled);
        self.devices.iter().flat_map(move |(device, known)| {
            let parts = known.parts.iter();
            let waiting = parts.filter(move |((_, day), held)| *day < day_over && held.since_ms <= settled.as_millis());
            waiting.map(|((group, day), held)| {
                (held.row_count(), Part { day: *day, device: device.clone(), group: *group })
            })
        })
    }

    /// Drops the parts of days before this one; whether there were any.
    pub(super) fn expire(&mut self, oldest_kept: Day) -> bool {
        if self.days.first_key_value().is_none_or(|(day, _)| *day >= oldest_kept) {
            return false;
        }
        let mut expired = Vec::new();
        for (device, known) in &self.devices {
            let parts = known.parts.keys().filter(|(_, day)| *day < oldest_kept);
            expired.extend(parts.map(|(group, day)| Part { day: *day, device: device.clone(), group: *group }));
        }
        expired.iter().for_each(|part| self.remove(part));
        true
    }
}
