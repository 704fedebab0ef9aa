//! What watching costs: 10,000 collars that each move once a second, and 20 pages that look on. Then what an operator sees of a banner: [`console`].
//!
//! `ONLY=pages` or `ONLY=console` makes a part. `server_cores` is what the pages cost the platform: its processor time with them, less that without them in the same run, by the second.
//! Beside them one page reads nothing; it must cost the others nothing, so their longest pause is printed too.

mod console;
mod land;

use crate::figures::{Figure, cpu_seconds};
use crate::mqtt::{self, Speaker};
use crate::platform::{PASSWORD, Platform};
use anyhow::{Context, Result, ensure};
use futures_util::{SinkExt, StreamExt};
use journeys::Operator;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

const BENCH: &str = "live_view";
const MOVERS: usize = 10_000;
const VIEWERS: usize = 20;
const SECONDS: u64 = 20;
/// Connections opened at once.
const AT_ONCE: usize = 100;

/// Runs it.
pub async fn run() -> Result<()> {
    let only = std::env::var("ONLY").ok();
    let is_wanted = |part: &str| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted == part));
    if is_wanted("pages") {
        pages().await?;
    }
    if is_wanted("console") {
        console::run().await?;
    }
    Ok(())
}

async fn pages() -> Result<()> {
    eprintln!("{BENCH}: {MOVERS} collars");
    let platform = Platform::start(MOVERS).await?;
    let mut movers = Vec::new();
    for some in platform.speakers.chunks(AT_ONCE) {
        let connecting = some.iter().map(|speaker| mqtt::connect(&platform.mqtt, speaker, 60));
        for (stream, speaker) in futures_util::future::join_all(connecting).await.into_iter().zip(some) {
            movers.push(tokio::spawn(walk(stream?, speaker.clone(), Walk::in_rows(movers.len()))));
        }
    }
    let alone = cores(platform.pid()).await;
    let mut pages = Vec::new();
    for _ in 0..VIEWERS {
        let operator = Operator::log_in(&platform.http, "admin", PASSWORD).await?;
        pages.push(tokio::spawn(look_on(operator)));
    }
    // It gives no credit and reads nothing.
    let lazy = Operator::log_in(&platform.http, "admin", PASSWORD).await?.socket().await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let watched = cores(platform.pid()).await;
    drop(lazy);
    let (mut frames, mut moves, mut pause) = (0, 0, Duration::ZERO);
    for page in pages {
        let seen = page.await??;
        frames += seen.frames;
        moves += seen.moves;
        pause = pause.max(seen.pause);
    }
    movers.iter().for_each(tokio::task::JoinHandle::abort);
    eprintln!("  {alone:.2} cores without pages, {watched:.2} with them; {frames} frames, {moves} places");
    ensure!(frames > 0 && moves > MOVERS * VIEWERS, "the pages saw next to nothing");
    let set = format!("{MOVERS} movers at 1 Hz, {VIEWERS} pages");
    let print = |metric, value, unit| Figure { bench: BENCH, metric, value, unit, set: &set, peer: None }.print();
    print("server_cores", watched - alone, "cores");
    print("longest_pause_ms", pause.as_secs_f64() * 1_000.0, "ms");
    Ok(())
}

/// Processor time by the second.
async fn cores(pid: u32) -> f64 {
    let (before, begun) = (cpu_seconds(pid), Instant::now());
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    (cpu_seconds(pid) - before) / begun.elapsed().as_secs_f64()
}

/// Who walks where.
#[derive(Debug, Clone, Copy)]
struct Walk {
    nth: usize,
    of: usize,
    lat: f64,
    lon: f64,
}

impl Walk {
    /// A hundred in a row.
    fn in_rows(nth: usize) -> Self {
        Self { nth, of: MOVERS, lat: 43.0 + (nth % 100) as f64 * 0.01, lon: 117.0 + (nth / 100) as f64 * 0.01 }
    }
}

/// A mover: a place a second, at a moment of its own, 50 steps of 1 m to the north and again.
async fn walk(mut stream: TcpStream, speaker: Speaker, Walk { nth, of, lat, lon }: Walk) -> Result<()> {
    tokio::time::sleep(Duration::from_micros(nth as u64 * 1_000_000 / of as u64)).await;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let (mut packet, mut ack) = (Vec::new(), [0; 4]);
    for step in 1_u32.. {
        seconds.tick().await;
        let ts = firmware_sim::clock::now_ms();
        let lat = lat + f64::from(step % 50) * 1e-5;
        let payload = format!(
            r#"{{"ts":{ts},"seq":{step},"lat":{lat:.6},"lon":{lon:.6},"accuracy_m":5.0,"battery_percent":64.0}}"#
        );
        packet.clear();
        mqtt::packet(&mut packet, &speaker.topic, (step % 60_000) as u16 + 1, payload.as_bytes());
        stream.write_all(&packet).await?;
        stream.read_exact(&mut ack).await?;
    }
    Ok(())
}

/// What a page saw.
#[derive(Default)]
struct Seen {
    frames: usize,
    moves: usize,
    pause: Duration,
}

/// A page that takes each frame at once, for as long as both measurements of the platform take.
async fn look_on(operator: Operator) -> Result<Seen> {
    let mut socket = operator.socket().await?;
    let until = Instant::now() + Duration::from_secs(SECONDS + 2);
    let (mut seen, mut last) = (Seen::default(), None::<Instant>);
    while Instant::now() < until {
        let message = socket.next().await.context("the live socket was closed")??;
        let Message::Text(text) = message else { continue };
        if !text.as_str().starts_with("{\"type\":\"positions\"") {
            continue;
        }
        let now = Instant::now();
        seen.pause = seen.pause.max(last.map_or(Duration::ZERO, |last| now - last));
        last = Some(now);
        seen.frames += 1;
        // Read whole once in a while only: the reading is the page's work, on the same two cores.
        if seen.frames % 10 == 1 {
            let frame: Value = serde_json::from_str(text.as_str())?;
            seen.moves += 10 * frame["items"].as_array().map_or(0, Vec::len);
        }
        socket.send(Message::text(r#"{"type":"credit"}"#)).await?;
    }
    Ok(seen)
}
