//! When each point of the land was last watched, and on which legal days.
//!
//! In: a point and an instant, in any order.   Out: the last instant of each point, cells that changed since they were kept, and the
//! points of each day.   Never: an earlier instant for a later one; so what is read twice or comes late does no harm.

use super::grid::{Grid, Lattice, POINTS, Place};
use model::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Seconds since 1970 of each point of a cell; 0 is never.
pub type Instants = [u32; POINTS];
/// On a day: cell to points.
pub type DayMarks = BTreeMap<i64, u16>;
/// Legal days begin eight hours before those of UTC.
const LEGAL_AHEAD_S: u32 = 8 * 3_600;
const DAY_S: u32 = 86_400;
/// Days whose marks wait to be kept; older ones come only from devices whose stores held a year.
const DAYS_MAX: usize = 1_000;

/// What was watched.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    cells: HashMap<i64, Instants>,
    changed: BTreeSet<i64>,
    days: BTreeMap<u32, DayMarks>,
}

/// Whole seconds since 1970, within what a point can hold.
pub fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis().max(0) / 1_000).unwrap_or(u32::MAX)
}

/// The instant of whole seconds; `None` for never.
pub fn instant(seconds: u32) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_millis(i64::from(seconds) * 1_000))
}

/// The legal day that holds an instant, counted from 1970-01-01 in Beijing.
pub fn day(seconds: u32) -> u32 {
    seconds.saturating_add(LEGAL_AHEAD_S) / DAY_S
}

impl Ledger {
    /// What was kept.
    pub fn of(cells: impl IntoIterator<Item = (i64, Instants)>) -> Self {
        Self { cells: cells.into_iter().collect(), ..Self::default() }
    }

    /// When a point was last watched; 0 is never.
    pub fn last(&self, place: Place) -> u32 {
        let cell = self.cells.get(&place.key);
        cell.and_then(|cell| cell.get(usize::from(place.bit))).copied().unwrap_or(0)
    }

    /// The last instants of a cell.
    pub fn cell(&self, key: i64) -> Option<&Instants> {
        self.cells.get(&key)
    }

    /// A point was watched.
    pub fn mark(&mut self, place: Place, at_s: u32) {
        let cell = self.cells.entry(place.key).or_default();
        let Some(last) = cell.get_mut(usize::from(place.bit)) else { return };
        if at_s > *last {
            // Its day has it already where the instant before was of the same one.
            let is_new_day = *last == 0 || day(*last) != day(at_s);
            *last = at_s;
            self.changed.insert(place.key);
            if is_new_day {
                self.mark_day(place, at_s);
            }
        } else if day(*last) != day(at_s) {
            self.mark_day(place, at_s);
        }
    }

    fn mark_day(&mut self, place: Place, at_s: u32) {
        *self.days.entry(day(at_s)).or_default().entry(place.key).or_default() |= 1 << place.bit;
        if self.days.len() > DAYS_MAX {
            self.days.pop_first();
        }
    }

    /// The points of a cell that were watched since an instant.
    pub fn since(&self, key: i64, since_s: u32) -> u16 {
        let Some(cell) = self.cells.get(&key) else { return 0 };
        let is_since = |(bit, at): (usize, &u32)| u16::from(*at > 0 && *at >= since_s) << bit;
        cell.iter().enumerate().map(is_since).fold(0, |mask, bit| mask | bit)
    }

    /// Cells that changed since this was last asked.
    pub fn take_changed(&mut self) -> Vec<(i64, Instants)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().filter_map(|key| Some((key, *self.cells.get(&key)?))).collect()
    }

    /// What is to be added to what is kept of each day.
    pub fn take_days(&mut self) -> BTreeMap<u32, DayMarks> {
        std::mem::take(&mut self.days)
    }

    /// What of each day is not kept yet.
    pub fn days(&self) -> &BTreeMap<u32, DayMarks> {
        &self.days
    }

    /// The same for other land: where cells are as large as before only those stay that still hold land, else each point becomes that
    /// of the old cell around it.
    pub fn laid_out(&mut self, before: Lattice, grid: &Grid) {
        if before == grid.lattice() {
            self.cells.retain(|key, _| grid.holds(*key));
            self.changed.retain(|key| grid.holds(*key));
            return;
        }
        let mut cells = HashMap::new();
        for (key, _) in grid.cells() {
            let old = |bit: usize| {
                let position = grid.lattice().position(Place { key, bit: bit as u8 });
                position.map_or(0, |position| self.last(before.at(position)))
            };
            let instants: Instants = std::array::from_fn(old);
            if instants.iter().any(|at| *at > 0) {
                cells.insert(key, instants);
            }
        }
        self.changed = cells.keys().copied().collect();
        self.cells = cells;
        self.days = BTreeMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u32 {
        seconds(Timestamp::parse_rfc3339(text).unwrap())
    }

    #[test]
    fn what_comes_late_counts_for_its_own_day_and_takes_nothing_back() {
        let place = Place { key: 7, bit: 3 };
        let mut ledger = Ledger::default();
        ledger.mark(place, at("2026-05-02T01:00:00+08:00"));
        ledger.mark(place, at("2026-05-01T23:59:59+08:00"));
        ledger.mark(place, at("2026-05-02T00:00:00+08:00"));
        assert_eq!(ledger.last(place), at("2026-05-02T01:00:00+08:00"));
        let first = day(at("2026-05-01T00:00:00+08:00"));
        let days: Vec<_> = ledger.take_days().into_iter().map(|(day, cells)| (day, cells[&7])).collect();
        assert_eq!(days, [(first, 8), (first + 1, 8)]);
        assert_eq!(ledger.since(7, at("2026-05-02T01:00:00+08:00")), 8);
        assert_eq!(ledger.since(7, at("2026-05-02T01:00:01+08:00")), 0);
        assert_eq!((ledger.take_changed().len(), ledger.take_changed().len()), (1, 0));
    }
}
