//! What an operator sees, in a real browser without a GPU: how soon there is a map, how smoothly it moves, how smoothly ten thousand cases
//! scroll, how soon a new one is among them.
//!
//! All at once on one page, as in a bad season: the cases are on the map while it is moved. The browser, the movers and the platform share the
//! machine. What is done on the page stands in `tests/browser/bench_console.mjs`.

use super::land;
use super::{BENCH, Walk, walk};
use crate::figures::Figure;
use crate::mqtt::{self, Speaker};
use crate::platform::{House, PASSWORD, Platform};
use anyhow::{Context, Result, ensure};
use firmware_sim::clock::now_ms;
use futures_util::{SinkExt, StreamExt};
use journeys::{Device, Operator};
use model::DeviceKind;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

const COLLARS: usize = 480;
const DRONES: usize = 20;
const CASES: usize = 10_000;
const CAMERA: &str = "cam-1";
/// A herd that is seen so often is a case.
const EVIDENCE: usize = 3;

/// Runs it.
pub async fn run() -> Result<()> {
    eprintln!("{BENCH}: {} zones, {} movers, {CASES} cases, a browser", land::ZONES, COLLARS + DRONES);
    let mut house = prepare().await?;
    let mut closed = land::closed();
    let mut camera = camera(&mut house)?;
    // Raised by the platform itself; the others are made of it.
    let platform = house.open().await?;
    let operator = Operator::log_in(&platform.http, "admin", PASSWORD).await?;
    see(&mut camera, &platform, closed.next().context("no zone is closed")?).await?;
    operator.wait_for_items("/incidents", |items| !items.is_empty()).await?;
    let house = platform.kill().await?;
    land::repeat_first_case(&house.data(), CASES)?;

    let platform = house.open().await?;
    let movers = set_out(&platform).await?;
    let operator = Operator::log_in(&platform.http, "admin", PASSWORD).await?;
    let page = browse(&platform, &operator, &mut camera, &mut closed).await;
    movers.iter().for_each(JoinHandle::abort);
    print(&page?)
}

/// Zones and devices of the banner.
async fn prepare() -> Result<House> {
    let of = |kind: DeviceKind, count| (1..=count).map(move |number| (format!("{}-{number}", kind.as_str()), kind));
    let mut devices: Vec<_> = of(DeviceKind::Collar, COLLARS).chain(of(DeviceKind::Drone, DRONES)).collect();
    devices.push((CAMERA.to_owned(), DeviceKind::Camera));
    let house = House::of(&devices)?;
    let zones = house.file("zones.geojson");
    std::fs::write(&zones, land::zones().to_string())?;
    house.tell(&["zones", "import", &zones.display().to_string()]).await?;
    Ok(house)
}

fn camera(house: &mut House) -> Result<Device> {
    let Speaker { id, secret, .. } = house.speakers.pop().context("no camera")?;
    Ok(Device::new(&id, &secret))
}

/// Every mover begins to move.
async fn set_out(platform: &Platform) -> Result<Vec<JoinHandle<Result<()>>>> {
    let mut movers = Vec::new();
    let of = platform.speakers.len();
    for (nth, speaker) in platform.speakers.iter().enumerate() {
        let (lat, lon) = land::between(nth);
        let stream = mqtt::connect(&platform.mqtt, speaker, 60).await?;
        movers.push(tokio::spawn(walk(stream, speaker.clone(), Walk { nth, of, lat, lon })));
    }
    Ok(movers)
}

/// A herd in the middle of a zone; when the sighting that makes it a case was published.
async fn see(camera: &mut Device, platform: &Platform, zone: usize) -> Result<i64> {
    let (lat, lon) = land::middle(zone);
    // A new connection each time: nobody keeps the last one alive meanwhile.
    camera.connect_to(&platform.mqtt).await?;
    let mut at_ms = 0;
    for _ in 0..EVIDENCE {
        at_ms = now_ms();
        camera.sees("sheep", 40, lat, lon).await?;
    }
    Ok(at_ms)
}

/// A page's figures, and how long the platform took for its part of each case.
struct Page {
    seen: Value,
    shown_ms: Vec<f64>,
    told_ms: Vec<f64>,
}

/// Lets the browser do its work, and has cases happen when it asks for one.
async fn browse(
    platform: &Platform,
    operator: &Operator,
    camera: &mut Device,
    closed: &mut impl Iterator<Item = usize>,
) -> Result<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let mut child = Command::new("node")
        .arg("bench_console.mjs")
        .current_dir(folder)
        .env("CONSOLE_URL", format!("http://{}/", platform.http))
        .env("CONSOLE_USER", "admin")
        .env("CONSOLE_PASSWORD", PASSWORD)
        .env("CONSOLE_OUTPUT", Path::new(env!("CARGO_MANIFEST_DIR")).join("output"))
        .env("BENCH_ZONES", land::ZONES.to_string())
        .env("BENCH_MOVERS", platform.speakers.len().to_string())
        .env("BENCH_CASES", CASES.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("node is not there; README names its version")?;
    let mut answers = child.stdin.take().context("no standard input")?;
    let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    let mut page = Page { seen: Value::Null, shown_ms: Vec::new(), told_ms: Vec::new() };
    while let Some(line) = lines.next_line().await? {
        let Ok(said) = serde_json::from_str::<Value>(&line) else {
            eprintln!("  {line}");
            continue;
        };
        if said.get("please").and_then(Value::as_str) == Some("case") {
            let zone = closed.next().context("no closed zone is left")?;
            let listening = hear_of_a_case(operator).await?;
            let published_ms = see(camera, platform, zone).await?;
            let told_ms = listening.await??;
            answers.write_all(b"done\n").await?;
            let shown = lines.next_line().await?.context("the page ended")?;
            let shown: Value = serde_json::from_str(&shown).with_context(|| shown.clone())?;
            let shown_ms = shown.get("shown_at_ms").and_then(Value::as_i64).context("the page saw no case")?;
            page.shown_ms.push((shown_ms - published_ms) as f64);
            page.told_ms.push((told_ms - published_ms) as f64);
        } else {
            page.seen = said;
        }
    }
    ensure!(child.wait().await?.success(), "the browser's part failed; pictures are in tests/output");
    Ok(page)
}

/// Waits, beside, for the news of a new case on a live socket of its own; when it came.
async fn hear_of_a_case(operator: &Operator) -> Result<JoinHandle<Result<i64>>> {
    let mut socket = operator.socket().await?;
    // Greeted: from here on nothing is missed.
    socket.next().await.context("the live socket was closed")??;
    Ok(tokio::spawn(async move {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message? else { continue };
            if text.as_str().contains("steppewatch.incident.opened") {
                return Ok(now_ms());
            }
            if text.as_str().starts_with("{\"type\":\"positions\"") {
                socket.send(Message::text(r#"{"type":"credit"}"#)).await?;
            }
        }
        anyhow::bail!("the live socket was closed")
    }))
}

fn print(page: &Page) -> Result<()> {
    let set = format!(
        "{} zones of {} vertices in all, {} movers at 1 Hz, {CASES} open cases, software rendering",
        land::ZONES,
        land::VERTICES,
        COLLARS + DRONES
    );
    let print = |metric: &str, value, unit: &str| {
        Figure { bench: BENCH, metric, value, unit, set: &set, peer: None }.print();
    };
    for (metric, unit) in [
        ("first_map_ms", "ms"),
        ("first_map_longest_ms", "ms"),
        ("first_map_script_kb", "kB"),
        ("browser_fps", "frames/s"),
        ("browser_longest_frame_ms", "ms"),
        ("browser_frame_cpu_ms", "ms"),
        ("queue_scroll_fps", "frames/s"),
        ("queue_scroll_longest_frame_ms", "ms"),
        ("queue_scroll_frame_cpu_ms", "ms"),
        ("queue_scroll_blank", "looks"),
    ] {
        let value =
            page.seen.get(metric).and_then(Value::as_f64).with_context(|| format!("the page said no {metric}"))?;
        print(metric, value, unit);
    }
    let (mut shown, mut told) = (page.shown_ms.clone(), page.told_ms.clone());
    shown.sort_by(f64::total_cmp);
    told.sort_by(f64::total_cmp);
    let middle = |sorted: &[f64]| sorted.get(sorted.len() / 2).copied().context("no case was shown");
    print("incident_shown_ms", middle(&shown)?, "ms");
    print("incident_shown_longest_ms", *shown.last().context("no case was shown")?, "ms");
    print("incident_told_ms", middle(&told)?, "ms");
    Ok(())
}
