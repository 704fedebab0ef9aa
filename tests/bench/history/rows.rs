//! The plain way: a table of rows in SQLite, a transaction and a sync to the disk per batch.

use super::BATCH;
use super::fleet::{Fix, Fleet};
use super::ours::{names, thread_cpu_seconds};
use anyhow::{Result, ensure};
use rusqlite::{Connection, params};
use std::path::Path;

pub struct Rows {
    connection: Connection,
    names: Vec<String>,
    pub cpu_s: f64,
}

impl Rows {
    pub fn open(folder: &Path, devices: usize) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let connection = Connection::open(folder.join("rows.sqlite"))?;
        connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous=FULL;
             CREATE TABLE IF NOT EXISTS fix (
                 device TEXT NOT NULL, ts_ms INTEGER NOT NULL, lat REAL, lon REAL, alt_m REAL, speed_mps REAL, heading_deg REAL,
                 battery_percent REAL, PRIMARY KEY (device, ts_ms)
             ) WITHOUT ROWID;",
        )?;
        let names = names(devices)?.iter().map(ToString::to_string).collect();
        Ok(Self { connection, names, cpu_s: 0.0 })
    }

    pub fn load(&mut self, fleet: Fleet) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut fleet = fleet.peekable();
        while let Some(fix) = fleet.next() {
            batch.push(fix);
            if batch.len() == BATCH || fleet.peek().is_none() {
                let begun = thread_cpu_seconds();
                self.write(&batch)?;
                self.cpu_s += thread_cpu_seconds() - begun;
                batch.clear();
            }
        }
        Ok(self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    fn write(&mut self, batch: &[Fix]) -> Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO fix VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            for fix in batch {
                insert.execute(params![
                    self.names[fix.device],
                    fix.ts_ms,
                    fix.lat,
                    fix.lon,
                    fix.alt_m,
                    fix.speed_mps,
                    fix.heading_deg,
                    fix.battery_percent
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    pub fn hour(&self, device: usize, from_ms: i64) -> Result<usize> {
        let mut select = self
            .connection
            .prepare_cached("SELECT * FROM fix WHERE device = ?1 AND ts_ms >= ?2 AND ts_ms < ?3 ORDER BY ts_ms")?;
        let each = select.query_map(params![self.names[device], from_ms, from_ms + 3_600_000], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, f64>(2)?, row.get::<_, f64>(3)?, row.get::<_, f64>(4)?))
        })?;
        let points = each.collect::<rusqlite::Result<Vec<_>>>()?;
        ensure!(points.len() >= 239, "an hour has {} rows", points.len());
        Ok(points.len())
    }
}
