//! From a sighting to the receiver: from just before the deciding message is written to the gate's socket until the whole webhook was read,
//! with everything on, beside mosquitto and Node-RED.
//!
//! One message in a hundred decides. Node-RED decides by one point in a polygon; we need a herd seen three times, so two messages more of
//! our hundred are inside a zone, and every deciding one is of a herd of its own. `RUN_SECONDS` says how long each run lasts,
//! `ONLY` which are made: `steady`, `high`, `kill`.

mod hook;
mod land;
mod load;
mod node_red;

use crate::figures::{Figure, cpu_seconds, quantile};
use crate::mosquitto::Mosquitto;
use crate::mqtt::Speaker;
use crate::platform::{House, PASSWORD, Platform};
use anyhow::{Context, Result, ensure};
use hook::{Heard, Hook};
use journeys::Operator;
use load::{Decided, Evidence, Load, Spoken};
use node_red::NodeRed;
use serde_json::json;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const BENCH: &str = "end_to_end";
const RATE: f64 = 3_000.0;
const HIGH_RATE: f64 = 30_000.0;
const SECONDS: u64 = 20;
/// Both are measured in turn, so that neither has the quieter minute.
const ROUNDS: usize = 3;
/// What is said so early is not timed.
const WARM: Duration = Duration::from_secs(3);
/// How long the last webhooks may take.
const DRAIN: Duration = Duration::from_secs(30);
const KILLS: u32 = 3;

/// Runs it.
pub async fn run() -> Result<()> {
    let seconds = match std::env::var("RUN_SECONDS") {
        Ok(text) => text.parse().context("RUN_SECONDS is no whole number")?,
        Err(_) => SECONDS,
    };
    let only = std::env::var("ONLY").ok();
    let is_wanted = |part: &str| only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted == part));
    let load = |per_second, evidence| Load { per_second, lasts: Duration::from_secs(seconds), evidence };
    if is_wanted("steady") {
        steady(load(RATE, Evidence::Three), load(RATE, Evidence::One)).await?;
    }
    if is_wanted("high") {
        eprintln!("{BENCH}: the platform, {HIGH_RATE}/s");
        let mut high = platform(load(HIGH_RATE, Evidence::Three), 0).await?;
        print("p99_ms_at_30000", high.ms(0.99), "ms", &set(HIGH_RATE), None);
        print("lost", high.lost as f64, "messages", &set(HIGH_RATE), None);
    }
    if is_wanted("kill") {
        eprintln!("{BENCH}: the platform, {RATE}/s, killed {KILLS} times");
        let killed = platform(load(RATE, Evidence::Three), KILLS).await?;
        print("lost", killed.lost as f64, "messages", "kill", None);
    }
    Ok(())
}

/// Beside the peer, each with what it needs to decide.
async fn steady(load: Load, of_peer: Load) -> Result<()> {
    let (mut ours, mut theirs) = (Outcome::default(), Outcome::default());
    for round in 1..=ROUNDS {
        eprintln!("{BENCH}: round {round} of {ROUNDS}, mosquitto and Node-RED, {RATE}/s");
        theirs.add(peer(of_peer).await?);
        eprintln!("{BENCH}: round {round} of {ROUNDS}, the platform, {RATE}/s");
        ours.add(platform(load, 0).await?);
    }
    let peer = |value| Some(("mosquitto + Node-RED", value));
    print("p50_ms_at_3000", ours.ms(0.5), "ms", &set(RATE), peer(theirs.ms(0.5)));
    print("p99_ms_at_3000", ours.ms(0.99), "ms", &set(RATE), peer(theirs.ms(0.99)));
    print("lost", ours.lost as f64, "messages", &set(RATE), peer(theirs.lost as f64));
    Ok(())
}

fn set(rate: f64) -> String {
    format!("{rate}/s from {} connections, 1 in 100 decides", load::CONNECTIONS)
}

fn print(metric: &str, value: f64, unit: &str, set: &str, peer: Option<(&str, f64)>) {
    Figure { bench: BENCH, metric, value, unit, set, peer }.print();
}

/// What came of a run, or of several.
#[derive(Debug, Clone, Default)]
struct Outcome {
    latencies_us: Vec<u32>,
    /// Deciding messages that were acknowledged and never told.
    lost: usize,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.latencies_us.extend(other.latencies_us);
        self.lost += other.lost;
    }

    fn ms(&mut self, share: f64) -> f64 {
        quantile(&mut self.latencies_us, share) / 1_000.0
    }
}

async fn platform(load: Load, kills: u32) -> Result<Outcome> {
    ensure!(load.has_room(), "there is no place for so many herds; make RUN_SECONDS less");
    let house = House::of(&load::devices())?;
    std::fs::write(house.file("zones.geojson"), land::zones().to_string())?;
    house.tell(&["zones", "import", &house.file("zones.geojson").display().to_string()]).await?;
    let hook = Hook::start().await?;
    let mut platform = house.open().await?;
    subscribe(&platform, &hook).await?;
    let speakers = platform.speakers.clone();
    let (address, at) = watch::channel(platform.mqtt.clone());
    let (begun_tx, begun) = tokio::sync::oneshot::channel();
    let speaking = tokio::spawn(async move { load::speak(load, &speakers, at, |at| _ = begun_tx.send(at)).await });
    let begun = begun.await.context("nobody could speak")?;
    for kill in 1..=kills {
        tokio::time::sleep_until((begun + load.lasts * kill / (kills + 1)).into()).await;
        platform = platform.kill().await?.open().await?;
        address.send_replace(platform.mqtt.clone());
    }
    let spoken = speaking.await??;
    let outcome = heard(&hook, &spoken, begun).await;
    eprintln!("  {:.1} s of processor", cpu_seconds(platform.pid()));
    outcome
}

async fn subscribe(platform: &Platform, hook: &Hook) -> Result<()> {
    let operator = Operator::log_in(&platform.http, "admin", PASSWORD).await?;
    let body =
        json!({"name": "bench", "channel": "webhook", "url": hook.url, "events": ["steppewatch.incident.opened"]});
    let (status, answer) = operator.post("/subscribers", &body).await?;
    ensure!(status.as_u16() == 201, "POST /subscribers answered {status}: {answer}");
    Ok(())
}

async fn peer(load: Load) -> Result<Outcome> {
    let (hook, mosquitto) = (Hook::start().await?, Mosquitto::start().await?);
    let node_red = NodeRed::start(&mosquitto.address, &hook.url, &land::zones()).await?;
    let speakers: Vec<Speaker> = load::devices()
        .into_iter()
        .map(|(id, _)| Speaker { id, secret: "x".repeat(43), topic: String::new() })
        .collect();
    // Its compiler needs to have seen the flow at work.
    let at = || watch::channel(mosquitto.address.clone()).1;
    let short = Load { per_second: 500.0, lasts: Duration::from_secs(4), ..load };
    load::speak(short, &speakers, at(), |_| {}).await?;
    hook.heard().told.clear();
    let mut begun = Instant::now();
    let spoken = load::speak(load, &speakers, at(), |at| begun = at).await?;
    let outcome = heard(&hook, &spoken, begun).await;
    eprintln!("  {:.1} s of processor", cpu_seconds(mosquitto.pid()) + cpu_seconds(node_red.pid()));
    outcome
}

/// Waits until every deciding message that was acknowledged is told, or for as long as that may take; then compares.
async fn heard(hook: &Hook, spoken: &Spoken, begun: Instant) -> Result<Outcome> {
    let waited = Instant::now();
    let untold = || {
        let heard = hook.heard();
        spoken.decided.iter().filter(|decided| decided.acked && !heard.told.contains_key(&decided.trigger)).count()
    };
    while untold() > 0 && waited.elapsed() < DRAIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let lost = untold();
    let heard = hook.heard();
    // Node-RED gives its requests no id.
    let twice = heard.told.values().find(|told| told.ids.iter().any(|id| *id != told.ids[0]));
    ensure!(twice.is_none(), "a message was told under two ids: {twice:?}");
    let latency = |decided: &Decided| {
        let told = heard.told.get(&decided.trigger)?;
        Some(u32::try_from((told.at - decided.at).as_micros()).unwrap_or(u32::MAX))
    };
    let timed = spoken.decided.iter().filter(|decided| decided.at >= begun + WARM);
    let outcome = Outcome { latencies_us: timed.filter_map(latency).collect(), lost };
    say(&heard, spoken, outcome.clone());
    Ok(outcome)
}

/// More of a run than its figures, for who looks on.
fn say(heard: &Heard, spoken: &Spoken, mut outcome: Outcome) {
    let decided: HashSet<_> = spoken.decided.iter().map(|decided| &decided.trigger).collect();
    let unasked = heard.told.keys().filter(|trigger| !decided.contains(trigger)).count() as u64 + heard.strange;
    let again: usize = heard.told.values().map(|told| told.ids.len() - 1).sum();
    eprintln!(
        "  p50 {:.2} ms, p99 {:.2} ms, most {:.1} ms; {} decide, {} lost, {again} told again, {unasked} that nobody asked for",
        outcome.ms(0.5),
        outcome.ms(0.99),
        outcome.ms(1.0),
        decided.len(),
        outcome.lost,
    );
    eprintln!(
        "  {} acknowledged, p99 {:.1} ms; speakers at most {:.1} ms late",
        spoken.acked,
        quantile(&mut spoken.acks_us.clone(), 0.99) / 1_000.0,
        spoken.late.as_secs_f64() * 1_000.0,
    );
}
