//! How soon the platform is there again after a power cut, with a gigabyte of journal behind it.

use super::figures::Figure;
use super::platform::House;
use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use journal::Journal;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Channel, DeviceId, Frame, ReadingKind, ReceivedAt, TenantId, Timestamp, Transport};
use rand::Rng;
use std::time::{Duration, Instant};

const BENCH: &str = "recovery";
const COLLARS: usize = 1_000;
/// Collars of one herd; each herd stands at its own place.
const HERD: usize = 20;
const JOURNAL_BYTES: u64 = 1 << 30;
/// Written together.
const BATCH: usize = 1_000;
/// A collar speaks every five minutes.
const STEP_MS: i64 = 300_000 / COLLARS as i64;
/// 2026-11-01 at noon in Hexigten.
const BEGUN_MS: i64 = 1_793_505_600_000;

/// Runs it.
pub async fn run() -> Result<()> {
    let house = House::new(COLLARS)?;
    eprintln!("{BENCH}: writing 1 GiB of journal");
    let entries = fill(&house).await?;
    // The first start finds everything still to be decoded and judged; devices are served meanwhile.
    let (first, platform) = timed_start(house).await?;
    print("ready_s_1gb_unread", first);
    eprintln!("{BENCH}: reading {entries} entries");
    let begun = Instant::now();
    // The platform looks at its journal every few seconds; before the first look both are zero.
    while platform.metric("steppewatch_journal_head").await? < entries as f64
        || platform.metric("steppewatch_cursor_lag_entries").await? > 1_000.0
    {
        ensure!(begun.elapsed() < Duration::from_secs(1_800), "the journal was not read in half an hour");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut house = platform.kill().await?;
    let held = size(&house.data())?;
    eprintln!("{BENCH}: {held} bytes of journal after {:.0} s", begun.elapsed().as_secs_f64());
    ensure!(
        held > JOURNAL_BYTES / 10 * 9,
        "the journal was trimmed while it was read, so there is no gigabyte to recover"
    );
    let mut slowest = 0.0_f64;
    for _ in 0..5 {
        let (seconds, platform) = timed_start(house).await?;
        slowest = slowest.max(seconds);
        house = platform.kill().await?;
    }
    print("ready_s_1gb", slowest);
    Ok(())
}

fn print(metric: &str, value: f64) {
    Figure { bench: BENCH, metric, value, unit: "s", set: "1 GiB of journal, after SIGKILL", peer: None }.print();
}

async fn timed_start(house: House) -> Result<(f64, super::platform::Platform)> {
    let begun = Instant::now();
    let platform = house.open().await?;
    Ok((begun.elapsed().as_secs_f64(), platform))
}

/// Fills the journal of a house to its size on disk; how many entries that took. The payloads hold what does not compress, so
/// that a gigabyte is a gigabyte.
async fn fill(house: &House) -> Result<u64> {
    let path = house.data().join("journal.db");
    let options = SqliteOptions { tenant: Some(TenantId::parse("hexigten")?), ..SqliteOptions::default() };
    let journal = SqliteJournal::open(&path, options)?;
    let ids = house.speakers.iter().map(|speaker| DeviceId::parse(&speaker.id)).collect::<Result<Vec<_>, _>>()?;
    let mut random = rand::rng();
    let mut entries: u64 = 0;
    while size(&house.data())? < JOURNAL_BYTES {
        let writes = (0..20).map(|_| {
            let frames = (0..BATCH).map(|_| {
                entries += 1;
                let number = entries as usize % ids.len();
                frame((number, ids[number].clone()), BEGUN_MS + entries as i64 * STEP_MS, entries, &mut random)
            });
            journal.append_all(frames.collect())
        });
        let writes: Vec<_> = writes.collect();
        try_join_all(writes).await?;
    }
    journal.close();
    Ok(entries)
}

fn frame((number, device): (usize, DeviceId), ts: i64, seq: u64, random: &mut impl Rng) -> Frame {
    let herd = (number / HERD) as f64;
    let mut within_100_m = || random.random::<f64>() * 0.001;
    let (lat, lon) = (43.0 + herd * 0.02 + within_100_m(), 117.0 + within_100_m());
    // A field that we do not know is kept: forward compatibility, here as ballast.
    let ballast: String = (0..24).map(|_| format!("{:016x}", random.random::<u64>())).collect();
    let payload = format!(
        r#"{{"ts":{ts},"seq":{seq},"lat":{lat:.7},"lon":{lon:.7},"accuracy_m":5,"firmware_blob":"{ballast}"}}"#
    );
    Frame {
        speaker: device.clone(),
        device,
        channel: Channel::Native { kind: ReadingKind::Track, detail: "".into() },
        transport: Transport::Mqtt,
        payload: Bytes::from(payload),
        received_at: ReceivedAt(Timestamp::from_millis(ts)),
    }
}

fn size(data: &std::path::Path) -> Result<u64> {
    let mut bytes = 0;
    for file in ["journal.db", "journal.db-wal"] {
        // The second is there only while the first is written.
        bytes += std::fs::metadata(data.join(file)).map_or(0, |file| file.len());
    }
    Ok(bytes)
}
