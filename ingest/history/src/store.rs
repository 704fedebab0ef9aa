//! The handle: what the rest of the house sees of the telemetry store.
//!
//! In: readings and questions. Out: rows on disk, tracks and series. All calls block on the disk: from async code call them
//! in `spawn_blocking`. Of several rows with the same time the one with the highest offset counts, and of those with the
//! same offset the one written last.

use crate::block::{BadBlock, decode};
use crate::daily::Dailies;
use crate::day::Day;
use crate::partition::Partitions;
use crate::row::{Group, MAX_COLUMNS, Row, Vital, station_column};
use crate::seal::{self, Sealed};
use crate::sqlite::lock;
use crate::tail::Tail;
use crate::{HistoryError, TrackPoint};
use model::{Clock, DeviceId, Offset, Quantity, Reading, Timestamp};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Summed days of stations are small: a hundred stations with twelve quantities are some 25 MB a year.
const DAILY_RETENTION: Duration = Duration::from_secs(3_650 * 86_400);

/// The telemetry store. Clones share it.
#[derive(Clone)]
pub struct History(Arc<Store>);

pub(crate) struct Store {
    pub(crate) tail: Tail,
    pub(crate) partitions: Partitions,
    pub(crate) dailies: Dailies,
    /// One maintenance tick at a time.
    pub(crate) maintenance: Mutex<()>,
    pub(crate) retention: Duration,
    pub(crate) daily_retention: Duration,
    pub(crate) clock: Clock,
}

/// A step of a series, summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Beginning of the step.
    pub ts: Timestamp,
    /// Lowest value in it.
    pub min: f64,
    /// Mean of the values in it.
    pub mean: f64,
    /// Highest value in it.
    pub max: f64,
}

/// What a query reads.
struct Ask<'a> {
    device: &'a DeviceId,
    group: Group,
    columns: &'a [usize],
    first_ms: i64,
    last_ms: i64,
}

impl History {
    /// Opens the store in its folder, which is made if it is not there. What is older than `retention` is neither kept nor
    /// taken in.
    pub fn open(dir: &Path, retention: Duration, clock: Clock) -> Result<Self, HistoryError> {
        Self::open_with_days(dir, retention, DAILY_RETENTION, clock)
    }

    /// The same, with how long summed days of stations are kept.
    pub fn open_with_days(
        dir: &Path,
        retention: Duration,
        daily_retention: Duration,
        clock: Clock,
    ) -> Result<Self, HistoryError> {
        std::fs::create_dir_all(dir).map_err(|source| HistoryError::Folder { dir: dir.to_owned(), source })?;
        let (tail, partitions, dailies) = (Tail::open(dir)?, Partitions::open(dir)?, Dailies::open(dir)?);
        let maintenance = Mutex::default();
        Ok(Self(Arc::new(Store { tail, partitions, dailies, maintenance, retention, daily_retention, clock })))
    }

    /// Takes in readings and remembers that everything up to `up_to` is dealt with: rows and cursor in one transaction, on
    /// disk when it returns. Doing it again changes nothing. Readings without telemetry only move the cursor.
    pub fn append<'a>(
        &self,
        readings: impl IntoIterator<Item = &'a Reading>,
        up_to: Offset,
    ) -> Result<(), HistoryError> {
        let now = self.0.clock.now();
        let oldest_kept = Day::oldest_kept(now, self.0.retention);
        let kept = readings.into_iter().filter(|reading| Day::of(reading.happened_at()) >= oldest_kept);
        let rows: Vec<_> =
            kept.filter_map(|reading| Row::of(reading).map(|(group, row)| (&reading.device, group, row))).collect();
        let stations = rows.iter().filter(|(_, group, _)| *group == Group::Station);
        self.0.dailies.mark(stations.map(|(device, _, row)| (*device, Timestamp::from_millis(row.ts_ms))))?;
        self.0.tail.append(&rows, up_to, now)
    }

    /// How far the journal has been taken in.
    pub fn cursor(&self) -> Offset {
        self.0.tail.cursor()
    }

    /// Where a device was from `from` to `to` (excluded), by time.
    pub fn track(&self, device: &DeviceId, from: Timestamp, to: Timestamp) -> Result<Vec<TrackPoint>, HistoryError> {
        let columns: Vec<usize> = (0..MAX_COLUMNS).collect();
        let points = self.0.scan(device, Group::Track, &columns, (from, to), TrackPoint::of)?;
        Ok(points.into_iter().map(|(_, point)| point).collect())
    }

    /// What a station measured from `from` to `to` (excluded), by time.
    pub fn series(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, f64)>, HistoryError> {
        let Some(column) = station_column(quantity) else { return Ok(Vec::new()) };
        self.0.scan(device, Group::Station, &[column], (from, to), |row| row.get(column))
    }

    /// The same [`in_steps`].
    pub fn series_stepped(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Result<Vec<Summary>, HistoryError> {
        Ok(in_steps(&self.series(device, quantity, from, to)?, step))
    }

    /// How a device said it was from `from` to `to` (excluded), by time.
    pub fn vital(
        &self,
        device: &DeviceId,
        vital: Vital,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, f64)>, HistoryError> {
        let mut found = Vec::new();
        for (group, column) in vital.columns() {
            found.extend(self.0.scan(device, group, &[column], (from, to), |row| row.get(column))?);
        }
        // What was said twice at one time is said once; the heartbeat's own word comes first.
        found.sort_by_key(|(ts, _)| *ts);
        found.dedup_by_key(|(ts, _)| *ts);
        Ok(found)
    }

    /// Where every device was last; it outlives the retention of tracks.
    pub fn last_positions(&self) -> Result<Vec<(DeviceId, TrackPoint)>, HistoryError> {
        Ok(self.0.tail.last_positions())
    }

    /// Seals at most `budget` blocks (about a millisecond of CPU each). Call it from a maintenance tick, again and again:
    /// a small budget spreads the work that falls due at once.
    pub fn seal(&self, budget: usize) -> Result<Sealed, HistoryError> {
        let _one_at_a_time = lock(&self.0.maintenance);
        seal::seal(&self.0.tail, &self.0.partitions, self.0.clock.now(), budget)
    }

    /// Lets go of the days that ended before the retention; says how many files went. Call it from a maintenance tick.
    pub fn expire(&self) -> Result<usize, HistoryError> {
        let _one_at_a_time = lock(&self.0.maintenance);
        let oldest_kept = Day::oldest_kept(self.0.clock.now(), self.0.retention);
        self.0.tail.expire(oldest_kept)?;
        self.0.partitions.expire(oldest_kept)
    }

    pub(crate) fn of(store: Store) -> Self {
        Self(Arc::new(store))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0
    }
}

/// Values in steps, counted from 1970: one summary for each step that has a value. A step of less than a millisecond is taken as
/// one.
pub fn in_steps(points: &[(Timestamp, f64)], step: Duration) -> Vec<Summary> {
    let steps = points.chunk_by(|one, next| start_of_step(one.0, step) == start_of_step(next.0, step));
    steps.filter_map(|values| summary(start_of_step(values.first()?.0, step), values)).collect()
}

/// Beginning of the step that an instant is in.
pub(crate) fn start_of_step(ts: Timestamp, step: Duration) -> Timestamp {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(ts.as_millis().div_euclid(step_ms).saturating_mul(step_ms))
}

impl Store {
    /// Reads the tail first: a row that seal moves meanwhile is then seen twice, which the merge undoes, but never missed.
    pub(crate) fn scan<T>(
        &self,
        device: &DeviceId,
        group: Group,
        columns: &[usize],
        (from, to): (Timestamp, Timestamp),
        pick: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<(Timestamp, T)>, HistoryError> {
        self.found(device, group, columns, (from, to), pick).map(newest_of_each_time)
    }

    /// The same with time and offset, in no order; a row may be there twice.
    pub(crate) fn found<T>(
        &self,
        device: &DeviceId,
        group: Group,
        columns: &[usize],
        (from, to): (Timestamp, Timestamp),
        pick: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<(i64, i64, T)>, HistoryError> {
        let kept_ms = Day::oldest_kept(self.clock.now(), self.retention).start_ms();
        let (first_ms, last_ms) = (from.as_millis().max(kept_ms), to.as_millis().saturating_sub(1));
        if from >= to || first_ms > last_ms {
            return Ok(Vec::new());
        }
        let ask = Ask { device, group, columns, first_ms, last_ms };
        let unsealed = self.tail.rows(device, group, (first_ms, last_ms))?;
        let mut found = Vec::new();
        let mut keep = |row: &Row| found.extend(pick(row).map(|picked| (row.ts_ms, row.offset, picked)));
        for day in self.partitions.days(day_of(first_ms), day_of(last_ms)) {
            self.sealed_rows(day, &ask, &mut keep)?;
        }
        unsealed.iter().for_each(keep);
        Ok(found)
    }

    /// The parts of a span, a UTC day each, in which a device may have rows, by time.
    pub(crate) fn days_with_rows(
        &self,
        device: &DeviceId,
        group: Group,
        (from, to): (Timestamp, Timestamp),
    ) -> Vec<(Timestamp, Timestamp)> {
        let (first, last) = (Day::of(from), day_of(to.as_millis().saturating_sub(1)));
        // The tail first, as in a scan: a day that is sealed meanwhile is seen twice rather than never.
        let mut days: BTreeSet<Day> = self.tail.days(device, group, (first, last)).into_iter().collect();
        days.extend(self.partitions.days(first, last));
        let part = |day: Day| {
            let begins = Timestamp::from_millis(day.start_ms()).max(from);
            (begins, Timestamp::from_millis(day.end_ms()).min(to))
        };
        days.into_iter().map(part).collect()
    }

    fn sealed_rows(&self, day: Day, ask: &Ask<'_>, keep: &mut impl FnMut(&Row)) -> Result<(), HistoryError> {
        let range = (ask.first_ms, ask.last_ms);
        for body in self.partitions.bodies(day, ask.device.as_str(), ask.group, range)? {
            let damaged = |BadBlock(what)| HistoryError::Damaged { file: self.partitions.file(day), what };
            let columns = decode(ask.group, &body, ask.columns).map_err(damaged)?;
            columns.each_row(&(ask.first_ms..=ask.last_ms), keep);
        }
        Ok(())
    }
}

fn day_of(millis: i64) -> Day {
    Day::of(Timestamp::from_millis(millis))
}

/// In: rows in the order they were written. Sorting keeps that order among equals, so the last of each time is the one
/// with the highest offset that was written last.
fn newest_of_each_time<T>(mut found: Vec<(i64, i64, T)>) -> Vec<(Timestamp, T)> {
    if !found.is_sorted_by_key(|(ts_ms, offset, _)| (*ts_ms, *offset)) {
        found.sort_by_key(|(ts_ms, offset, _)| (*ts_ms, *offset));
    }
    let mut newest: Vec<(Timestamp, T)> = Vec::with_capacity(found.len());
    for (ts_ms, _, picked) in found {
        let ts = Timestamp::from_millis(ts_ms);
        match newest.last_mut() {
            Some(last) if last.0 == ts => last.1 = picked,
            _ => newest.push((ts, picked)),
        }
    }
    newest
}

fn summary(ts: Timestamp, values: &[(Timestamp, f64)]) -> Option<Summary> {
    let (first, count) = (values.first()?.1, values.len() as f64);
    let start = Summary { ts, min: first, mean: 0.0, max: first };
    Some(values.iter().fold(start, |sum, (_, value)| Summary {
        ts,
        min: sum.min.min(*value),
        mean: sum.mean + value / count,
        max: sum.max.max(*value),
    }))
}
