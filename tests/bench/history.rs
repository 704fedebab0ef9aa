//! What a row of telemetry costs, and how soon it is found again: our history beside plain SQLite rows and victoria-metrics.
//!
//! The same 7.68 million fixes go to each (two thousand movers, 16 hours, one fix every 15 seconds; `ROWS_EACH` says how many fixes a
//! mover has). Bytes are those of the whole folder once all is merged; processor time is all that it took until then. The peer is
//! asked over HTTP on this machine, ours and the rows in the process.

mod fleet;
mod kill;
mod ours;
mod rows;
mod victoria;

use crate::figures::{Figure, quantile};
use anyhow::{Context, Result, ensure};
use fleet::Fleet;
use history::Simplified;
use model::Timestamp;
use ours::Ours;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rows::Rows;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use victoria::Victoria;

pub use kill::{WRITER, write_until_killed};

const BENCH: &str = "history";
const DEVICES: usize = 2_000;
const ROWS_EACH: usize = 3_840;
/// Rows written together, by each side.
const BATCH: usize = 10_000;
/// 2024-05-01 00:00 in Hexigten, so that the rows are in two files of ours.
const BEGUN_MS: i64 = 1_714_492_800_000;
const STEP_S: i64 = 15;
const QUERIES: usize = 300;
/// Movers with a month of track, and the vertices a map needs of it.
const MONTH_DEVICES: usize = 4;
const MONTH_ROWS: usize = 30 * 86_400 / STEP_S as usize;
const VERTICES: usize = 2_000;
/// How long a month of track may take.
const MONTH_BAR_MS: f64 = 50.0;

/// The load, and where each side keeps it.
struct Load {
    folder: TempDir,
    rows_each: usize,
}

impl Load {
    fn at(&self, side: &str) -> PathBuf {
        self.folder.path().join(side)
    }

    fn fleet(&self) -> Fleet {
        Fleet::new(DEVICES, self.rows_each, BEGUN_MS, STEP_S)
    }

    fn count(&self) -> f64 {
        (DEVICES * self.rows_each) as f64
    }
}

/// What a side took for the load, and for the questions in microseconds each.
struct Side {
    name: &'static str,
    bytes: f64,
    cpu_s: f64,
    warm: Vec<u32>,
    cold: Vec<u32>,
}

/// Runs it.
pub async fn run() -> Result<()> {
    let rows_each: usize =
        std::env::var("ROWS_EACH").ok().map_or(Ok(ROWS_EACH), |text| text.parse()).context("ROWS_EACH is no number")?;
    ensure!(rows_each >= 480, "ROWS_EACH is {rows_each}; use at least 480, which are two hours");
    let folder = TempDir::new_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))?;
    let load = Load { folder, rows_each };
    eprintln!("{BENCH}: {} rows into our history", load.count());
    let ours = ours(&load)?;
    eprintln!("{BENCH}: the same as rows of SQLite");
    let rows = rows(&load)?;
    eprintln!("{BENCH}: the same into victoria-metrics");
    let peer = peer(&load).await?;
    for other in [&rows, &peer] {
        compare(&load, &ours, other);
    }
    month(&load.at("month"))?;
    kills(load.folder.path()).await
}

fn ours(load: &Load) -> Result<Side> {
    let folder = load.at("ours");
    let mut ours = Ours::open(&folder, DEVICES)?;
    ours.load(load.fleet())?;
    let (count, cpu_s) = (load.count(), ours.cpu_s);
    let in_us = |seconds: f64| seconds / count * 1e6;
    eprintln!("{BENCH}: {:.2} us a row to take in, {:.2} to seal", in_us(ours.append_s), in_us(cpu_s - ours.append_s));
    ensure!(ours.count(load.rows_each)? as f64 == count, "our history does not hold every row");
    let warm = asked(load.rows_each, |device, from_ms| ours.hour(device, from_ms))?;
    drop(ours);
    let bytes = folder_bytes(&folder)? as f64;
    forget_cached(&folder)?;
    let ours = Ours::open(&folder, DEVICES)?;
    let cold = asked(load.rows_each, |device, from_ms| ours.hour(device, from_ms))?;
    Ok(Side { name: "ours", bytes, cpu_s, warm, cold })
}

fn rows(load: &Load) -> Result<Side> {
    let folder = load.at("rows");
    let mut rows = Rows::open(&folder, DEVICES)?;
    rows.load(load.fleet())?;
    let warm = asked(load.rows_each, |device, from_ms| rows.hour(device, from_ms))?;
    let cpu_s = rows.cpu_s;
    drop(rows);
    let bytes = folder_bytes(&folder)? as f64;
    forget_cached(&folder)?;
    let rows = Rows::open(&folder, DEVICES)?;
    let cold = asked(load.rows_each, |device, from_ms| rows.hour(device, from_ms))?;
    Ok(Side { name: "sqlite_rows", bytes, cpu_s, warm, cold })
}

async fn peer(load: &Load) -> Result<Side> {
    let folder = load.at("victoria");
    let peer = Victoria::start(&folder, DEVICES).await?;
    peer.load(load.fleet()).await?;
    let cpu_s = peer.cpu_s();
    let warm = asked_peer(load.rows_each, &peer).await?;
    peer.stop().await?;
    let bytes = folder_bytes(&folder)? as f64;
    forget_cached(&folder)?;
    let peer = Victoria::start(&folder, DEVICES).await?;
    let cold = asked_peer(load.rows_each, &peer).await?;
    peer.stop().await?;
    Ok(Side { name: "victoria_metrics", bytes, cpu_s, warm, cold })
}

fn compare(load: &Load, ours: &Side, other: &Side) {
    let (count, set) = (load.count(), format!("{DEVICES} movers, {} fixes each", load.rows_each));
    let line = |metric, unit, set: &str, of: &dyn Fn(&Side) -> f64| {
        Figure { bench: BENCH, metric, value: of(ours), unit, set, peer: Some((other.name, of(other))) }.print();
    };
    line("bytes_per_row", "B", &set, &|side| side.bytes / count);
    line("rows_per_cpu_s", "1/s", &set, &|side| count / side.cpu_s);
    line("cpu_us_per_row", "us", &set, &|side| side.cpu_s / count * 1e6);
    let warm = format!("{set}; caches warm; {QUERIES} questions");
    let cold = format!("{set}; just opened, files not in memory; {QUERIES} questions");
    for (metric, share) in [("query_1h_p50_ms", 0.5), ("query_1h_p99_ms", 0.99)] {
        line(metric, "ms", &warm, &|side| quantile(&mut side.warm.clone(), share) / 1e3);
        line(metric, "ms", &cold, &|side| quantile(&mut side.cold.clone(), share) / 1e3);
    }
}

/// Microseconds of each of so many questions about an hour of a device, the same for every side.
fn asked(rows_each: usize, mut ask: impl FnMut(usize, i64) -> Result<usize>) -> Result<Vec<u32>> {
    questions(rows_each)
        .map(|(device, from_ms)| {
            let begun = Instant::now();
            ask(device, from_ms)?;
            Ok(u32::try_from(begun.elapsed().as_micros())?)
        })
        .collect()
}

async fn asked_peer(rows_each: usize, peer: &Victoria) -> Result<Vec<u32>> {
    let mut took = Vec::with_capacity(QUERIES);
    for (device, from_ms) in questions(rows_each) {
        let begun = Instant::now();
        peer.hour(device, from_ms).await?;
        took.push(u32::try_from(begun.elapsed().as_micros())?);
    }
    Ok(took)
}

fn questions(rows_each: usize) -> impl Iterator<Item = (usize, i64)> {
    let mut chance = SmallRng::seed_from_u64(7);
    let hours = rows_each as i64 * STEP_S - 3_600;
    (0..QUERIES).map(move |_| (chance.random_range(0..DEVICES), BEGUN_MS + chance.random_range(0..hours) * 1_000))
}

/// A month of a mover, simplified to what a map can show.
fn month(folder: &Path) -> Result<()> {
    eprintln!("{BENCH}: a month of {MONTH_DEVICES} movers");
    let mut ours = Ours::open(folder, MONTH_DEVICES)?;
    ours.load(Fleet::new(MONTH_DEVICES, MONTH_ROWS, BEGUN_MS, STEP_S))?;
    drop(ours);
    forget_cached(folder)?;
    let ours = Ours::open(folder, MONTH_DEVICES)?;
    let (from, to) = (BEGUN_MS, BEGUN_MS + 30 * 86_400_000);
    let mut took = Vec::new();
    for round in 0..10 {
        for device in 0..MONTH_DEVICES {
            let begun = Instant::now();
            let name = ours.name(device);
            let span = (Timestamp::from_millis(from), Timestamp::from_millis(to));
            let track = ours.history.track_simplified(name, span, VERTICES, Duration::from_secs(300))?;
            took.push(u32::try_from(begun.elapsed().as_micros())?);
            let (vertices, Simplified { read, deviation_m, .. }) = (track.vertices(), track);
            ensure!(vertices <= VERTICES && read >= MONTH_ROWS - 1, "{vertices} of {read} fixes");
            if round == 0 && device == 0 {
                eprintln!("{BENCH}: {read} fixes in {vertices} vertices, at most {deviation_m:.0} m beside");
            }
        }
    }
    let print = |set: &str, metric: &str, took: &mut [u32], share| {
        let peer = Some(("bar", MONTH_BAR_MS));
        let value = quantile(took, share) / 1e3;
        Figure { bench: BENCH, metric, value, unit: "ms", set, peer }.print();
    };
    let (cold, warm) = took.split_at_mut(MONTH_DEVICES);
    print("172,800 fixes to 2,000; just opened, files not in memory, slowest of 4", "track_30d_ms", cold, 1.0);
    print("172,800 fixes to 2,000; caches warm, slowest of 36", "track_30d_ms", warm, 1.0);
    print("172,800 fixes to 2,000; caches warm, middle of 36", "track_30d_p50_ms", warm, 0.5);
    Ok(())
}

async fn kills(folder: &Path) -> Result<()> {
    eprintln!("{BENCH}: killing writers");
    let (mut accepted, mut lost) = (0, 0);
    for round in 0..5 {
        let (some, gone) = kill::ours(&folder.join(format!("killed-{round}")))?;
        accepted += some;
        lost += gone;
    }
    let (peer_accepted, peer_lost) = kill::peer(&folder.join("killed-victoria")).await?;
    eprintln!("{BENCH}: killed after {accepted} accepted rows, and the peer after {peer_accepted}");
    let peer = Some(("victoria_metrics", peer_lost as f64));
    let set = "SIGKILL of the writer after some 20,000 accepted rows; five of ours, one of the peer";
    Figure { bench: BENCH, metric: "lost_after_kill", value: lost as f64, unit: "rows", set, peer }.print();
    Ok(())
}

/// Every file of a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    files(folder)?.iter().map(|file| Ok(file.metadata()?.len())).sum()
}

/// Puts the files of a folder out of the system's memory, as after a start of the machine.
fn forget_cached(folder: &Path) -> Result<()> {
    for path in files(folder)? {
        let file = std::fs::File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}
