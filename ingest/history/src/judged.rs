//! What stations measured, each value with what may be wrong with it, and days of it.
//!
//! In: a device, a quantity, a span, and how often the device promises to speak.   Out: values with their flags, and legal days summed up: those
//! whose values are all there from the values, older ones from what was kept of them.   Never: flags that are stored; they are found again by the
//! function that detection uses, from so much of the series before as it needs.

use crate::HistoryError;
use crate::daily::Summing;
use crate::day::Day;
use crate::row::{Group, MAX_COLUMNS, Row, measurements};
use crate::sqlite::lock;
use crate::store::{History, Store};
use model::{DeviceId, LegalDate, Quantity, Timestamp};
use quality::{Daily, Flags, Judged, Monitor, WARM_UP};
use std::collections::BTreeMap;
use std::time::Duration;

impl History {
    /// What a station measured from `from` to `to` (excluded), by time, with flags. `cadence` is how often it promises to speak.
    pub fn series_judged(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        (from, to): (Timestamp, Timestamp),
        cadence: Duration,
    ) -> Result<Vec<(Timestamp, f64, Flags)>, HistoryError> {
        let mut found: Vec<(Timestamp, f64, Flags)> = Vec::new();
        self.store().judge(device, (from, to), cadence, |at, judged| {
            if judged.quantity != quantity {
                return;
            }
            match found.last_mut() {
                Some(last) if last.0 == at => *last = (at, judged.value, judged.flags),
                _ => found.push((at, judged.value, judged.flags)),
            }
        })?;
        Ok(found)
    }

    /// The legal days that overlap `from` to `to` (excluded), each by its midnight; a day without a value is left out.
    pub fn days(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        (from, to): (Timestamp, Timestamp),
        cadence: Duration,
    ) -> Result<Vec<(Timestamp, Daily)>, HistoryError> {
        let begins = |at: Timestamp| LegalDate::of(at).and_then(LegalDate::begins_at).unwrap_or(at);
        let (first, whole) = (begins(from), self.store().whole_from());
        let mut days = self.store().dailies.read(device, quantity, (first, to.min(whole)))?;
        let mut sums: BTreeMap<Timestamp, Summing> = BTreeMap::new();
        let last = LegalDate::of(Timestamp::from_millis(to.as_millis().saturating_sub(1)));
        let end = last.and_then(LegalDate::ends_at).unwrap_or(to);
        self.store().judge(device, (first.max(whole), end), cadence, |at, judged| {
            if judged.quantity == quantity {
                sums.entry(begins(at)).or_default().add(at, judged);
            }
        })?;
        days.extend(sums.into_iter().filter_map(|(day, sums)| Some((day, sums.done().remove(&quantity)?))));
        Ok(days)
    }

    /// Sums up at most `budget` days that are over and got values since they were last summed up, and lets go of those that are older than is
    /// kept; says how many. `cadence` says how often a device promises to speak. Call it from a maintenance tick.
    pub fn sum_days(&self, budget: usize, cadence: impl Fn(&DeviceId) -> Duration) -> Result<usize, HistoryError> {
        let store = self.store();
        let _one_at_a_time = lock(&store.maintenance);
        let now = store.clock.now();
        let due = store.dailies.take(now, budget);
        let count = due.len();
        for (at, (device, day)) in due.iter().enumerate() {
            if let Err(error) = store.sum_day(device, *day, cadence(device)) {
                due.iter().skip(at).for_each(|(device, day)| store.dailies.put_back(device, *day));
                return Err(error);
            }
        }
        store.dailies.expire(now.minus(store.daily_retention))?;
        Ok(count)
    }
}

impl Store {
    /// From when on all values are kept: the first legal midnight within the raw retention.
    fn whole_from(&self) -> Timestamp {
        let oldest = Timestamp::from_millis(Day::oldest_kept(self.clock.now(), self.retention).start_ms());
        match LegalDate::of(oldest).and_then(LegalDate::begins_at) {
            Some(midnight) if midnight == oldest => oldest,
            Some(_) => LegalDate::of(oldest).and_then(LegalDate::ends_at).unwrap_or(oldest),
            None => oldest,
        }
    }

    fn sum_day(&self, device: &DeviceId, day: LegalDate, cadence: Duration) -> Result<(), HistoryError> {
        let (Some(begins), Some(ends)) = (day.begins_at(), day.ends_at()) else { return Ok(()) };
        let mut sums = Summing::default();
        // What is partly gone already stays as it was summed up when it was whole.
        if begins >= self.whole_from() {
            self.judge(device, (begins, ends), cadence, |at, judged| sums.add(at, judged))?;
        }
        self.dailies.keep(device, day, &sums.done())
    }

    /// Hands each value of a span with its flags to `each`, in order.
    fn judge(
        &self,
        device: &DeviceId,
        (from, to): (Timestamp, Timestamp),
        cadence: Duration,
        mut each: impl FnMut(Timestamp, Judged),
    ) -> Result<(), HistoryError> {
        if from >= to {
            return Ok(());
        }
        let columns: Vec<usize> = (0..MAX_COLUMNS).collect();
        let mut rows: Vec<(i64, i64, Row)> =
            self.found(device, Group::Station, &columns, (from.minus(WARM_UP), to), |row| Some(*row))?;
        rows.sort_by_key(|(ts_ms, offset, _)| (*ts_ms, *offset));
        // Sorting keeps the order in which equals were written; the one written last counts.
        rows.dedup_by(|next, kept| {
            let is_same = (next.0, next.1) == (kept.0, kept.1);
            if is_same {
                *kept = *next;
            }
            is_same
        });
        let mut monitor = Monitor::default();
        for (ts_ms, _, row) in rows {
            let at = Timestamp::from_millis(ts_ms);
            for judged in monitor.judge(at, &measurements(&row), cadence) {
                if at >= from {
                    each(at, judged);
                }
            }
        }
        Ok(())
    }
}
