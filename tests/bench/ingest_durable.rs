//! The front door: every acknowledged message is on disk, with the whole pipeline on, against a broker that keeps nothing.

use super::figures::{Figure, cpu_seconds, private_bytes, quantile};
use super::mosquitto::Mosquitto;
use super::mqtt::{self, Pace, Speaker, Tally};
use super::platform::Platform;
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};

const BENCH: &str = "ingest_durable";
const CONNECTIONS: usize = 50;
const WINDOW: usize = 20;
const SECONDS: u64 = 6;
const IDLE: usize = 5_000;
const RETURNING: usize = 10_000;
/// Both are measured in turn, so that neither has the quieter minute.
const ROUNDS: usize = 3;

/// Runs it.
pub async fn run() -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        eprintln!("{BENCH}: round {round} of {ROUNDS}, mosquitto");
        theirs.push(mosquitto(Pace::Window(WINDOW)).await?.0);
        eprintln!("{BENCH}: round {round} of {ROUNDS}, the platform");
        ours.push(platform(Pace::Window(WINDOW)).await?.0);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let set = format!("{CONNECTIONS} connections, QoS 1, 200 bytes, window {WINDOW}");
    print("acked_per_s", ours, "1/s", &set, Some(("mosquitto", theirs)));
    let half = Pace::PerSecond(ours / 2.0 / CONNECTIONS as f64);
    eprintln!("{BENCH}: latency at half of that rate");
    let (_, p99) = platform(half).await?;
    let (_, their_p99) = mosquitto(half).await?;
    print("ack_p99_ms", p99, "ms", &format!("{:.0} messages/s", ours / 2.0), Some(("mosquitto", their_p99)));
    eprintln!("{BENCH}: {IDLE} idle connections");
    let (bytes, their_bytes) = idle().await?;
    print("bytes_per_connection", bytes, "bytes", &format!("{IDLE} idle"), Some(("mosquitto", their_bytes)));
    eprintln!("{BENCH}: {RETURNING} devices come back at once");
    print("reconnect_10000_s", reconnect().await?, "s", "all at once", None);
    Ok(())
}

fn print(metric: &str, value: f64, unit: &str, set: &str, peer: Option<(&str, f64)>) {
    Figure { bench: BENCH, metric, value, unit, set, peer }.print();
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Acknowledged a second, and the time in milliseconds within which 99 of 100 were.
async fn load(address: &str, speakers: &[Speaker], pace: Pace) -> Result<(f64, f64)> {
    let streams = try_join_all(speakers.iter().map(|speaker| mqtt::connect(address, speaker, 60))).await?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(SECONDS);
    let tasks =
        streams.into_iter().zip(speakers).zip(0..).map(|((stream, speaker), number)| {
            tokio::spawn(mqtt::publish(stream, speaker.clone(), pace, until, number))
        });
    let tallies: Vec<Tally> = try_join_all(tasks.collect::<Vec<_>>()).await?.into_iter().collect::<Result<_>>()?;
    let took = begun.elapsed().as_secs_f64();
    let acked: u64 = tallies.iter().map(|tally| tally.acked).sum();
    let mut latencies: Vec<u32> = tallies.into_iter().flat_map(|tally| tally.latencies_us).collect();
    Ok((acked as f64 / took, quantile(&mut latencies, 0.99) / 1_000.0))
}

async fn mosquitto(pace: Pace) -> Result<(f64, f64)> {
    let mosquitto = Mosquitto::start().await?;
    let subscriber = mosquitto.subscriber().await?;
    let speakers: Vec<Speaker> = (0..CONNECTIONS).map(stranger).collect();
    let outcome = load(&mosquitto.address, &speakers, pace).await?;
    eprintln!("  {:.0}/s, {:.1} s of processor", outcome.0, cpu_seconds(mosquitto.pid()));
    drop(mosquitto);
    subscriber.await?;
    Ok(outcome)
}

async fn platform(pace: Pace) -> Result<(f64, f64)> {
    let platform = Platform::start(CONNECTIONS).await?;
    let outcome = load(&platform.mqtt, &platform.speakers, pace).await?;
    let acknowledged = platform.metric("steppewatch_acknowledgements_total").await?;
    let decoded = platform.metric("steppewatch_decoded_total").await?;
    eprintln!(
        "  {:.0}/s, {:.1} s of processor, {decoded:.0} of {acknowledged:.0} decoded at the end",
        outcome.0,
        cpu_seconds(platform.pid())
    );
    // The platform looks at its journal every few seconds.
    let begun = Instant::now();
    while platform.metric("steppewatch_journal_head").await? < acknowledged {
        ensure!(begun.elapsed().as_secs() < 60, "{acknowledged} were acknowledged and are not in the journal");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(outcome)
}

fn stranger(number: usize) -> Speaker {
    let id = format!("collar-{number}");
    // As long as a secret of ours.
    Speaker { topic: format!("steppe/v1/hexigten/{id}/track"), id, secret: "x".repeat(43) }
}

async fn idle() -> Result<(f64, f64)> {
    let platform = Platform::start(IDLE).await?;
    let ours = per_connection(&platform.mqtt, platform.pid(), &platform.speakers).await?;
    drop(platform);
    let mosquitto = Mosquitto::start().await?;
    let speakers: Vec<Speaker> = (0..IDLE).map(stranger).collect();
    Ok((ours, per_connection(&mosquitto.address, mosquitto.pid(), &speakers).await?))
}

async fn per_connection(address: &str, pid: u32, speakers: &[Speaker]) -> Result<f64> {
    // The first connections also pay for what all share.
    let (first, rest) = speakers.split_at(100);
    let mut held = connect_all(address, first).await?;
    let before = private_bytes(pid)?;
    held.extend(connect_all(address, rest).await?);
    // Until the server has put away what it needed only to let them in.
    let mut after = private_bytes(pid)?;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        after = after.min(private_bytes(pid)?);
    }
    drop(held);
    Ok(after.saturating_sub(before) as f64 / rest.len() as f64)
}

async fn connect_all(address: &str, speakers: &[Speaker]) -> Result<Vec<tokio::net::TcpStream>> {
    let mut held = Vec::new();
    for some in speakers.chunks(200) {
        held.extend(try_join_all(some.iter().map(|speaker| mqtt::connect(address, speaker, 3_600))).await?);
    }
    Ok(held)
}

/// Seconds until the last of all is let in. A refused connection tries again, as a device does.
async fn reconnect() -> Result<f64> {
    let platform = Platform::start(RETURNING).await?;
    let begun = Instant::now();
    let tasks = platform.speakers.iter().cloned().map(|speaker| {
        let address = platform.mqtt.clone();
        tokio::spawn(async move {
            loop {
                match mqtt::connect(&address, &speaker, 3_600).await {
                    Ok(stream) => return stream,
                    Err(_busy) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
        })
    });
    let held = try_join_all(tasks.collect::<Vec<_>>()).await?;
    let took = begun.elapsed().as_secs_f64();
    drop(held);
    Ok(took)
}
