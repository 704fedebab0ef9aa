//! Our own history: rows in, sealed and joined, and asked.
//!
//! Processor time is that of the one thread that does all of it; making the readings is not counted, as making its lines is not
//! counted for the peer.

use super::fleet::{Fix, Fleet};
use super::{BATCH, BEGUN_MS, STEP_S};
use anyhow::{Result, ensure};
use history::History;
use model::{Body, Clock, DeviceId, DeviceTime, Offset, Position, Reading, ReceivedAt, Timestamp, Track};
use std::path::Path;
use std::time::Duration;

/// How long what the bench writes is kept: for ever.
const RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// The platform's own beat and budget: ten seconds, and so many blocks.
const TICK_MS: i64 = 10_000;
const BLOCKS_AT_ONCE: usize = 64;

/// Seconds of processor time that this thread has used.
pub fn thread_cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The names of so many devices.
pub fn names(devices: usize) -> Result<Vec<DeviceId>> {
    (0..devices).map(|number| Ok(DeviceId::parse(&format!("mover-{number:05}"))?)).collect()
}

/// What a fix is to history.
pub fn reading(name: &DeviceId, offset: u64, fix: &Fix) -> Result<Reading> {
    let at = Timestamp::from_millis(fix.ts_ms);
    let track = Track {
        position: Some(Position::parse(fix.lat, fix.lon)?),
        alt_m: Some(fix.alt_m),
        speed_mps: Some(fix.speed_mps),
        heading_deg: Some(fix.heading_deg),
        battery_percent: Some(fix.battery_percent),
        ..Track::default()
    };
    Ok(Reading {
        device: name.clone(),
        offset: Offset(offset),
        received_at: ReceivedAt(at),
        device_time: Some(DeviceTime(at)),
        seq: None,
        body: Body::Track(track),
    })
}

/// A store, with a clock that goes as its rows do.
pub struct Ours {
    pub history: History,
    clock: Clock,
    names: Vec<DeviceId>,
    /// Seconds of processor time spent in taking rows in.
    pub append_s: f64,
    /// Seconds of processor time spent in it.
    pub cpu_s: f64,
}

impl Ours {
    pub fn open(folder: &Path, devices: usize) -> Result<Self> {
        let clock = Clock::manual(Timestamp::from_millis(BEGUN_MS));
        Ok(Self {
            history: History::open(folder, RETENTION, clock.clone())?,
            clock,
            names: names(devices)?,
            append_s: 0.0,
            cpu_s: 0.0,
        })
    }

    pub fn name(&self, device: usize) -> &DeviceId {
        &self.names[device]
    }

    /// Takes in a whole fleet, with the platform's maintenance at its own beat, until nothing is left to do; how many rows.
    pub fn load(&mut self, fleet: Fleet) -> Result<usize> {
        let (mut readings, mut rows, mut tick_ms) = (Vec::with_capacity(BATCH), 0_usize, BEGUN_MS);
        let mut fleet = fleet.peekable();
        while let Some(fix) = fleet.next() {
            rows += 1;
            readings.push(reading(&self.names[fix.device], rows as u64, &fix)?);
            if readings.len() < BATCH && fleet.peek().is_some() {
                continue;
            }
            let begun = thread_cpu_seconds();
            self.history.append(&readings, Offset(rows as u64))?;
            self.append_s += thread_cpu_seconds() - begun;
            while tick_ms <= fix.ts_ms {
                self.clock.set(Timestamp::from_millis(tick_ms));
                self.history.seal(BLOCKS_AT_ONCE)?;
                tick_ms += TICK_MS;
            }
            self.cpu_s += thread_cpu_seconds() - begun;
            readings.clear();
        }
        let begun = thread_cpu_seconds();
        self.clock.set(Timestamp::from_millis(tick_ms + 3 * 86_400_000));
        while self.history.seal(BLOCKS_AT_ONCE)?.blocks > 0 {}
        self.cpu_s += thread_cpu_seconds() - begun;
        Ok(rows)
    }

    /// How many rows of this fleet can be read.
    pub fn count(&self, rows_each: usize) -> Result<usize> {
        let end = BEGUN_MS + (rows_each as i64 + 1) * STEP_S * 1_000;
        let (from, to) = (Timestamp::from_millis(BEGUN_MS), Timestamp::from_millis(end));
        self.clock.set(to);
        let mut rows = 0;
        for name in &self.names {
            rows += self.history.track(name, from, to)?.len();
        }
        Ok(rows)
    }

    /// An hour of a device from `from_ms` on, as the text that an API would answer with; how many points.
    pub fn hour(&self, device: usize, from_ms: i64) -> Result<usize> {
        let (from, to) = (Timestamp::from_millis(from_ms), Timestamp::from_millis(from_ms + 3_600_000));
        self.clock.set(to);
        let points = self.history.track(&self.names[device], from, to)?;
        ensure!(points.len() >= 239, "an hour has {} points", points.len());
        Ok(points.len())
    }
}
