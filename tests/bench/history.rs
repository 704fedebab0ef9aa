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
use std::path::Path;
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

/// Runs it.
pub async fn run() -> Result<()> {
    let rows_each: usize =
        std::env::var("ROWS_EACH").ok().map_or(Ok(ROWS_EACH), |text| text.parse()).context("ROWS_EACH is no number")?;
    ensure!(rows_each >= 480, "ROWS_EACH is {rows_each}; use at least 480, which are two hours");
    let folder = TempDir::new_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))?;
    let at = |name: &str| folder.path().join(name);
    let fleet = || Fleet::new(DEVICES, rows_each, BEGUN_MS, STEP_S);
    let count = (DEVICES * rows_each) as f64;
    eprintln!("{BENCH}: {count} rows into our history");
    let mut ours = Ours::open(&at("ours"), DEVICES)?;
    ours.load(fleet())?;
    ensure!(ours.count(rows_each)? as f64 == count, "our history does not hold every row");
    let ours_cpu_s = ours.cpu_s;
    eprintln!(
        "{BENCH}: {:.2} us a row to take it in, {:.2} to seal it",
        ours.append_s / count * 1e6,
        (ours_cpu_s - ours.append_s) / count * 1e6
    );
    let ours_warm = asked(rows_each, |device, from_ms| ours.hour(device, from_ms))?;
    drop(ours);
    let ours_bytes = folder_bytes(&at("ours"))? as f64;
    forget_cached(&at("ours"))?;
    let ours = Ours::open(&at("ours"), DEVICES)?;
    let ours_cold = asked(rows_each, |device, from_ms| ours.hour(device, from_ms))?;
    drop(ours);

    eprintln!("{BENCH}: the same as rows of SQLite");
    let mut rows = Rows::open(&at("rows"), DEVICES)?;
    rows.load(fleet())?;
    let rows_warm = asked(rows_each, |device, from_ms| rows.hour(device, from_ms))?;
    let rows_cpu_s = rows.cpu_s;
    drop(rows);
    let rows_bytes = folder_bytes(&at("rows"))? as f64;
    forget_cached(&at("rows"))?;
    let rows = Rows::open(&at("rows"), DEVICES)?;
    let rows_cold = asked(rows_each, |device, from_ms| rows.hour(device, from_ms))?;
    drop(rows);

    eprintln!("{BENCH}: the same into victoria-metrics");
    let peer = Victoria::start(&at("victoria"), DEVICES).await?;
    peer.load(fleet()).await?;
    let peer_cpu_s = peer.cpu_s();
    let peer_warm = asked_peer(rows_each, &peer).await?;
    peer.stop().await?;
    let peer_bytes = folder_bytes(&at("victoria"))? as f64;
    forget_cached(&at("victoria"))?;
    let peer = Victoria::start(&at("victoria"), DEVICES).await?;
    let peer_cold = asked_peer(rows_each, &peer).await?;
    peer.stop().await?;

    let set = format!("{DEVICES} movers, {rows_each} fixes each");
    for (name, bytes, cpu_s) in [("sqlite_rows", rows_bytes, rows_cpu_s), ("victoria_metrics", peer_bytes, peer_cpu_s)]
    {
        let line = |metric, value, unit, peer| {
            Figure { bench: BENCH, metric, value, unit, set: &set, peer: Some((name, peer)) }.print();
        };
        line("bytes_per_row", ours_bytes / count, "B", bytes / count);
        line("rows_per_cpu_s", count / ours_cpu_s, "1/s", count / cpu_s);
        line("cpu_us_per_row", ours_cpu_s / count * 1e6, "us", cpu_s / count * 1e6);
    }
    for (caches, mine, others) in [
        ("caches warm", ours_warm, [("sqlite_rows", rows_warm), ("victoria_metrics", peer_warm)]),
        ("just opened, files not in memory", ours_cold, [("sqlite_rows", rows_cold), ("victoria_metrics", peer_cold)]),
    ] {
        let set = format!("{set}; {caches}; {QUERIES} questions");
        for (name, other) in others {
            for (metric, share) in [("query_1h_p50_ms", 0.5), ("query_1h_p99_ms", 0.99)] {
                let peer = Some((name, quantile(&mut other.clone(), share) / 1e3));
                let value = quantile(&mut mine.clone(), share) / 1e3;
                Figure { bench: BENCH, metric, value, unit: "ms", set: &set, peer }.print();
            }
        }
    }
    month(&at("month"))?;
    kills(folder.path()).await
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
fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
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
