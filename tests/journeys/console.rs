//! The console in a real browser, before the demonstration and before nothing. What the browser does stands in
//! `tests/browser`; what it asks for meanwhile (a herd, a power cut) is done here.

use anyhow::{Context, Result, bail};
use firmware_sim::Scenario;
use journeys::{Device, PASSWORD, Platform};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

/// Longest that a browser's test may take in all; each of its waits has a limit of its own.
const SHIFT: std::time::Duration = std::time::Duration::from_secs(600);

/// Whose camels the browser will see.
const LEDGER: &str =
    "household,name,township,stock,ear_tag,face_id\nh-1,其其格,,本地,156000000000001,\nh-2,外来户,,外场,,tuo-7\n";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

/// Whether there is a browser to be driven; where there is none, the reason is told.
pub(crate) fn can_browse() -> bool {
    let node =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|at| at.join("node").exists()));
    for (there, what) in [(node, "node"), (Path::new("/usr/bin/chromium").exists(), "/usr/bin/chromium")] {
        if !there {
            eprintln!(
                "SKIPPED: {what} is not there; tests/install.sh installs the browser, README names the Node version"
            );
            return false;
        }
    }
    assert!(folder().join("node_modules").is_dir(), "the browser's driver is not installed; run tests/install.sh");
    true
}

/// Runs a script of `tests/browser` to its end and does what it asks for.
async fn browse(script: &str, platform: &mut Platform, mut herd: Option<Device>) -> Result<()> {
    let mut child = Command::new("node")
        .arg(script)
        .current_dir(folder())
        .env("CONSOLE_URL", format!("http://{}/", platform.http))
        .env("CONSOLE_USER", "admin")
        .env("CONSOLE_PASSWORD", PASSWORD)
        .env("CONSOLE_OUTPUT", Path::new(env!("CARGO_MANIFEST_DIR")).join("output"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut answers = child.stdin.take().context("no standard input")?;
    let mut lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(asked) = serde_json::from_str::<Value>(&line) else {
            println!("{line}");
            continue;
        };
        match (asked.get("please").and_then(Value::as_str), &mut herd) {
            (Some("herd"), Some(camera)) => see_a_herd_where_nothing_else_is(platform, camera).await?,
            (Some("babble"), _) => babble(platform).await?,
            (Some("smoke"), Some(camera)) => see_smoke(camera).await?,
            (Some("freeze"), _) => platform.freeze(true).await?,
            (Some("thaw"), _) => platform.freeze(false).await?,
            (Some("power cut"), _) => {
                platform.keep_address()?;
                platform.kill().await?;
            }
            (Some("power"), _) => platform.demo().await?,
            _ => bail!("the browser asked for something unknown: {line}"),
        }
        answers.write_all(b"done\n").await?;
    }
    let status = child.wait().await?;
    if !status.success() {
        bail!(
            "{script} ended with {status}; pictures are in tests/output. The service's last words: {}",
            last(&platform.log())
        );
    }
    Ok(())
}

fn last(log: &str) -> String {
    log.lines().rev().take(5).collect::<Vec<_>>().join("\n")
}

/// Camels in the middle of the no-grazing zone that is farthest from every herd of the demonstration.
async fn see_a_herd_where_nothing_else_is(platform: &Platform, camera: &mut Device) -> Result<()> {
    let scenario = Scenario::hexigten_day(1);
    let nearest_m = |spot| scenario.herds.iter().map(|herd| herd.start.distance_m(spot)).fold(f64::MAX, f64::min);
    let closed = scenario.zones.iter().filter(|zone| zone.kind == "no-grazing");
    let zone = closed.max_by(|a, b| nearest_m(a.centre).total_cmp(&nearest_m(b.centre))).context("no zone")?;
    let place = scenario.plane.degrees(zone.centre);
    camera.connect(platform).await?;
    // What the lens saw before, and at the first sighting.
    for (name, shade) in [("grass", 90), ("camels-0", 160)] {
        let shades: Vec<u8> = (0..64_u32 * 36).map(|at| if at % 64 > at / 64 { shade } else { 40 }).collect();
        camera.publish(&format!("snapshot/{name}"), firmware_sim::devices::jpeg::encode(64, 36, &shades)).await?;
    }
    for number in 0..3 {
        let sighting = json!({
            "ts": firmware_sim::clock::now_ms(), "species": "camel", "count": 25, "confidence": 0.9, "lat": place.lat, "lon": place.lon,
            "accuracy_m": 8, "snapshot_id": format!("camels-{number}"), "box": {"x": 0.2, "y": 0.4, "w": 0.3, "h": 0.25},
            "animals": [{"ear_tag": "156000000000001"}, {"face_id": "tuo-7"}]
        });
        camera.say("sighting", sighting).await?;
    }
    Ok(())
}

async fn see_smoke(camera: &mut Device) -> Result<()> {
    let ts = firmware_sim::clock::now_ms();
    camera.say("fire", json!({"ts": ts, "sign": "smoke", "confidence": 0.8, "lat": 43.31, "lon": 117.52})).await
}

/// What nobody understands, until it is a dead letter.
async fn babble(platform: &Platform) -> Result<()> {
    let mut camera = platform.device("cam-that-babbles", "camera", &[]).await?;
    camera.connect(platform).await?;
    camera.say("sighting", json!({"species": "unicorn", "remark": "看不懂"})).await?;
    let operator = platform.operator().await?;
    operator.wait_for_items("/dead-letters", |letters| !letters.is_empty()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_banner_live_takes_an_incident_and_outlives_a_power_cut() {
    if !can_browse() {
        return;
    }
    let mut platform = Platform::prepare("").unwrap();
    platform.demo().await.unwrap();
    let camera = platform.device("cam-of-the-journey", "camera", &[]).await.unwrap();
    let told = platform.says(|line| line.starts_with("alert ") && line.contains("incident.opened")).await.unwrap();
    assert!(told.contains("yuan (estimate)"), "{told}");
    std::fs::write(platform.file("ledger.csv"), LEDGER).unwrap();
    platform.tell(&["households", "import", &platform.file("ledger.csv").display().to_string()]).await.unwrap();
    let operator = platform.operator().await.unwrap();
    let delivered = operator.wait_for_items("/deliveries?state=delivered", |items| {
        items.iter().any(|delivery| delivery["type"] == "steppewatch.incident.opened")
    });
    delivered.await.unwrap();
    tokio::time::timeout(SHIFT, browse("console.mjs", &mut platform, Some(camera))).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_with_nothing_to_show_says_on_every_page_what_will_be_there() {
    if !can_browse() {
        return;
    }
    let mut platform = Platform::prepare("").unwrap();
    platform.run().await.unwrap();
    tokio::time::timeout(SHIFT, browse("empty.mjs", &mut platform, None)).await.unwrap().unwrap();
}

/// What each page is for, on a demonstration of its own. One browser at a time: two of them would each see a slow platform.
async fn page_does_its_work(script: &str) {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    if !can_browse() {
        return;
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut platform = Platform::prepare("").unwrap();
    platform.demo().await.unwrap();
    let told = platform.says(|line| line.starts_with("alert ") && line.contains("incident.opened")).await.unwrap();
    assert!(told.contains("yuan (estimate)"), "{told}");
    tokio::time::timeout(SHIFT, browse(script, &mut platform, None)).await.unwrap().unwrap();
}

macro_rules! pages {
    ($($name:ident: $script:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            page_does_its_work($script).await;
        }
    )*};
}
pages! {
    a_desk_finds_measures_and_finishes_cases: "desk.mjs";
    devices_are_looked_after: "devices.mjs";
    stations_are_compared_and_closures_decided: "stations.mjs";
    patrols_are_planned_and_blind_land_is_seen: "patrols.mjs";
    zones_are_kept: "zones.mjs";
    whoever_is_to_be_told_is: "deliveries.mjs";
    accounts_and_tokens_are_kept: "admin.mjs";
    what_happened_is_played_back: "playback.mjs";
    a_shift_is_handed_over: "reports.mjs";
    whoever_is_there_for_one_township_never_sees_another: "townships.mjs";
}
