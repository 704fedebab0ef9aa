//! Legal days of what stations measured, summed up and kept longer than the values themselves.
//!
//! In: which days of which devices got values ([`Dailies::mark`]), and what those days come to ([`Dailies::keep`]).   Out: days by device and
//! quantity.   One SQLite file. A day is marked before its rows are on disk and unmarked once it is summed up, so a crash only sums a day up
//! again, and what comes late does so too. Never: a day that is still going on, nor one whose values are partly gone.

use crate::HistoryError;
use crate::sqlite::{Kind, in_file, lock, open, open_to_look};
use model::{DeviceId, LegalDate, Quantity, Timestamp};
use quality::{Daily, Judged};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

const KIND: Kind = Kind {
    journal_mode: "WAL",
    page_bytes: 4_096,
    schema: "
    CREATE TABLE IF NOT EXISTS daily (
        device TEXT NOT NULL, quantity TEXT NOT NULL, day_ms INTEGER NOT NULL, value_count INTEGER NOT NULL, flagged INTEGER NOT NULL,
        total REAL NOT NULL, lowest REAL NOT NULL, highest REAL NOT NULL, PRIMARY KEY (device, quantity, day_ms)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS due (device TEXT NOT NULL, day_ms INTEGER NOT NULL, PRIMARY KEY (device, day_ms)) WITHOUT ROWID;",
};

/// How long after its end a day is summed up first: most late values come within it.
const SETTLE: Duration = Duration::from_secs(2 * 3_600);

/// A device and the midnight at which a legal day begins.
type DeviceDay = (String, i64);

pub(crate) struct Dailies {
    file: PathBuf,
    connection: Mutex<Connection>,
    /// Days that are marked, also on disk: most rows are of a day that is.
    marked: Mutex<BTreeSet<DeviceDay>>,
}

impl Dailies {
    pub(crate) fn open(dir: &Path) -> Result<Self, HistoryError> {
        let file = dir.join("daily.db");
        let connection = open(&file, &KIND)?;
        Self::with(file, connection)
    }

    /// The days that are there, for looking only.
    pub(crate) fn look(dir: &Path) -> Result<Self, HistoryError> {
        let file = dir.join("daily.db");
        let connection = open_to_look(&file, &KIND)?;
        Self::with(file, connection)
    }

    fn with(file: PathBuf, connection: Connection) -> Result<Self, HistoryError> {
        let read = || -> rusqlite::Result<BTreeSet<DeviceDay>> {
            let mut select = connection.prepare("SELECT device, day_ms FROM due")?;
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let marked = read().map_err(in_file(&file))?;
        Ok(Self { file, connection: Mutex::new(connection), marked: Mutex::new(marked) })
    }

    /// These days are about to get values.
    pub(crate) fn mark<'a>(&self, days: impl Iterator<Item = (&'a DeviceId, Timestamp)>) -> Result<(), HistoryError> {
        let mut marked = lock(&self.marked);
        let days = days.filter_map(|(device, at)| Some((device.as_str(), LegalDate::of(at)?.begins_at()?.as_millis())));
        let new: BTreeSet<DeviceDay> = days
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|(device, day)| (device.to_owned(), day))
            .filter(|day| !marked.contains(day))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        self.write(|connection| {
            let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO due VALUES (?1, ?2)")?;
            new.iter().try_for_each(|(device, day)| insert.execute(params![device, day]).map(|_| ()))
        })?;
        marked.extend(new);
        Ok(())
    }

    /// Marked days that are over, at most so many, oldest first. Each counts as unmarked from now on in memory, so that what comes while it
    /// is summed up marks it again.
    pub(crate) fn take(&self, now: Timestamp, limit: usize) -> Vec<(DeviceId, LegalDate)> {
        let over_ms = now.minus(SETTLE).as_millis();
        let mut marked = lock(&self.marked);
        let is_over = |day: i64| day.saturating_add(86_400_000) <= over_ms;
        let mut due: Vec<DeviceDay> = marked.iter().filter(|(_, day)| is_over(*day)).cloned().collect();
        due.sort_by_key(|(_, day)| *day);
        due.truncate(limit);
        for day in &due {
            marked.remove(day);
        }
        let parsed = |(device, day): DeviceDay| {
            Some((DeviceId::parse(&device).ok()?, LegalDate::of(Timestamp::from_millis(day))?))
        };
        due.into_iter().filter_map(parsed).collect()
    }

    /// Marks a day again that could not be summed up.
    pub(crate) fn put_back(&self, device: &DeviceId, day: LegalDate) {
        if let Some(begins) = day.begins_at() {
            lock(&self.marked).insert((device.to_string(), begins.as_millis()));
        }
    }

    /// Keeps what a day comes to; with nothing, as it was.
    pub(crate) fn keep(
        &self,
        device: &DeviceId,
        day: LegalDate,
        sums: &BTreeMap<Quantity, Daily>,
    ) -> Result<(), HistoryError> {
        let Some(day_ms) = day.begins_at().map(Timestamp::as_millis) else { return Ok(()) };
        let key = (device.to_string(), day_ms);
        let marked = lock(&self.marked);
        let is_marked_again = marked.contains(&key);
        self.write(|connection| {
            let mut insert =
                connection.prepare_cached("INSERT OR REPLACE INTO daily VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            for (quantity, day) in sums {
                let Daily { count, flagged, sum, min, max } = day;
                insert.execute(params![key.0, quantity.as_str(), day_ms, count, flagged, sum, min, max])?;
            }
            if !is_marked_again {
                connection.execute("DELETE FROM due WHERE device = ?1 AND day_ms = ?2", params![key.0, day_ms])?;
            }
            Ok(())
        })
    }

    /// The days of a quantity that begin from `from` to `to` (excluded).
    pub(crate) fn read(
        &self,
        device: &DeviceId,
        quantity: Quantity,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Daily)>, HistoryError> {
        let connection = lock(&self.connection);
        let read = || -> rusqlite::Result<Vec<(Timestamp, Daily)>> {
            let mut select = connection.prepare_cached(
                "SELECT day_ms, value_count, flagged, total, lowest, highest FROM daily
                 WHERE device = ?1 AND quantity = ?2 AND day_ms >= ?3 AND day_ms < ?4 ORDER BY day_ms",
            )?;
            let bounds = params![device.as_str(), quantity.as_str(), from.as_millis(), to.as_millis()];
            let each = select.query_map(bounds, |row| {
                let (count, flagged, sum) = (row.get(1)?, row.get(2)?, row.get(3)?);
                let day = Daily { count, flagged, sum, min: row.get(4)?, max: row.get(5)? };
                Ok((Timestamp::from_millis(row.get(0)?), day))
            })?;
            each.collect()
        };
        read().map_err(in_file(&self.file))
    }

    /// Lets go of days before this one.
    pub(crate) fn expire(&self, before: Timestamp) -> Result<(), HistoryError> {
        self.write(|connection| {
            connection.execute("DELETE FROM daily WHERE day_ms < ?1", [before.as_millis()]).map(|_| ())
        })
    }

    fn write(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), HistoryError> {
        let wrap = in_file(&self.file);
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction().map_err(&wrap)?;
        work(&transaction).map_err(&wrap)?;
        transaction.commit().map_err(&wrap)
    }
}

/// Sums judged values up by quantity; of values of one instant the last counts, as in a series.
#[derive(Default)]
pub(crate) struct Summing {
    sums: BTreeMap<Quantity, Daily>,
    last: BTreeMap<Quantity, (Timestamp, Judged)>,
}

impl Summing {
    pub(crate) fn add(&mut self, at: Timestamp, judged: Judged) {
        if let Some((before, value)) = self.last.insert(judged.quantity, (at, judged))
            && before != at
        {
            self.sums.entry(value.quantity).or_default().add(&value);
        }
    }

    pub(crate) fn done(mut self) -> BTreeMap<Quantity, Daily> {
        for (quantity, (_, judged)) in &self.last {
            self.sums.entry(*quantity).or_default().add(judged);
        }
        self.sums
    }
}
