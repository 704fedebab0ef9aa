//! Numbers for `docs/adr/0010`, run by hand:
//! `cargo test --release --locked -p journal measure -- --ignored --nocapture --test-threads 1`

use super::*;
use bytes::Bytes;
use std::time::Instant;

/// The DJI Cloud API's own examples, each repeated with other numbers: digits move as they would from one second to the
/// next, lengths and names stay.
fn dji(count: usize) -> Option<Vec<Bytes>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/payloads/dji_cloud_api/samples.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there; it is real data that is kept beside the repository", path.display());
        return None;
    };
    let samples: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["payload"].to_string())
        .collect();
    let mut noise = blake3::Hasher::new().finalize_xof();
    let mut vary = |sample: &str| {
        let mut bytes = sample.as_bytes().to_vec();
        let mut random = vec![0; bytes.len()];
        noise.fill(&mut random);
        for (byte, random) in bytes.iter_mut().zip(random) {
            if byte.is_ascii_digit() && random < 128 {
                *byte = b'0' + random % 10;
            }
        }
        Bytes::from(bytes)
    };
    Some(samples.iter().cycle().take(count).map(|sample| vary(sample)).collect())
}

fn frames(payloads: &[Bytes]) -> Vec<model::Frame> {
    let framed =
        |(number, payload): (u64, &Bytes)| model::Frame { payload: payload.clone(), ..frame("dock-1", number * 5 + 2) };
    (0..).zip(payloads).map(framed).collect()
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn measure_bytes_and_time_of_packing_by_level_and_group() {
    let Some(payloads) = dji(610 * 20) else { return };
    let mut sealed = crate::sqlite::batch::SealedBatch::starting(Offset(1), crate::sqlite::batch::genesis("measure"));
    let mut ends = Vec::new();
    for frame in frames(&payloads) {
        sealed.push(frame);
        ends.push(sealed.blob.len());
    }
    println!(
        "{} messages, {} payload bytes, {} blob bytes",
        payloads.len(),
        payloads.iter().map(Bytes::len).sum::<usize>(),
        sealed.blob.len()
    );
    for level in [1, 3, 6, 9] {
        for per_group in [1, 8, 64, 700, 2_800] {
            let started = Instant::now();
            let mut start = 0;
            let mut packed = 0;
            for end in ends.iter().skip(per_group - 1).step_by(per_group) {
                packed += zstd::bulk::compress(&sealed.blob[start..*end], level).unwrap().len();
                start = *end;
            }
            let us = started.elapsed().as_secs_f64() * 1e6 / payloads.len() as f64;
            println!(
                "level {level}, {per_group:>5} messages: {:5.2} times smaller, {us:6.2} us a message",
                start as f64 / packed as f64
            );
        }
    }
}

/// Waits for every acknowledgement of a window before the next one, as a fleet of so many devices does.
async fn appended(journal: &SqliteJournal, frames: &[model::Frame], window: usize) -> f64 {
    let started = Instant::now();
    for some in frames.chunks(window) {
        try_join_all(some.iter().map(|frame| journal.append(frame.clone())).collect::<Vec<_>>()).await.unwrap();
    }
    started.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and asserts nothing"]
async fn measure_acknowledging_with_and_without_packing() {
    let Some(payloads) = dji(610 * 50) else { return };
    let frames = frames(&payloads);
    for (window, count) in [(1, 2_000), (32, frames.len()), (1_024, frames.len())] {
        for round in 0..3 {
            for group_bytes in [usize::MAX, 256 * 1024] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("journal.db");
                let journal = open_packing(&path, group_bytes);
                let seconds = appended(&journal, &frames[..count], window).await;
                let commits = journal.stats();
                let per_commit = commits.commit_time_total.as_secs_f64() * 1e6 / commits.commits_total as f64;
                drop(journal);
                let bytes = open(&path).stats().bytes;
                println!(
                    "window {window}, round {round}, packing {}: {:.0} acknowledged a second, {per_commit:.0} us a commit, {bytes} bytes",
                    group_bytes != usize::MAX,
                    count as f64 / seconds,
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, and asserts nothing"]
async fn measure_opening_a_gigabyte() {
    let Some(payloads) = dji(610 * 50) else { return };
    let frames = frames(&payloads);
    for (packing, group_bytes) in [("unpacked", usize::MAX), ("packed", 256 * 1024)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let journal = open_packing(&path, group_bytes);
        while journal.stats().bytes < 1 << 30 {
            appended(&journal, &frames, 1_024).await;
            if group_bytes != usize::MAX {
                let head = journal.stats().head.0;
                packed_up_to(&journal, head.saturating_sub(1_000_000)).await;
            }
        }
        let stats = journal.stats();
        drop(journal);
        let started = Instant::now();
        let journal = open(&path);
        println!(
            "{packing}: {} entries, {} bytes in {} batches opened in {:.0} ms",
            stats.entries,
            stats.bytes,
            stats.batches,
            started.elapsed().as_secs_f64() * 1e3,
        );
        drop(journal);
    }
}
