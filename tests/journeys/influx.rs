//! The copy to InfluxDB, before `victoria-metrics`, which speaks its write API: an outage delays it and takes nothing.

use journeys::{Device, PATIENCE, Platform};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The server, which ends with the journey.
struct Server(Child);

impl Server {
    /// `None`, said aloud, where the program is not installed. It is hardly up when this returns: who talks to it tries again.
    fn start(data: &Path, port: u16) -> Option<Self> {
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-storageDataPath={}", data.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=100y", "-memory.allowedBytes=128MB", "-loggerLevel=ERROR"]);
        match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                eprintln!("SKIPPED: victoria-metrics cannot be started ({error}); tests/install.sh installs it");
                None
            }
        }
    }

    /// Asks it to end, as its operator would, and waits until it has: what it took is on its disk then.
    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is what they are for.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The drone's latitudes that the server holds; `None` while it does not answer. It keeps a repeated point twice until it
/// tidies up, where InfluxDB overwrites it: here it is shown once.
async fn latitudes(port: u16) -> Option<Vec<(i64, f64)>> {
    let client = journeys::http_client().unwrap();
    let ask = |path: &str| client.get(format!("http://127.0.0.1:{port}{path}"));
    ask("/internal/force_flush").send().await.ok()?;
    let stored = ask("/api/v1/export?match[]=track_lat&start=0&end=4000000000").send().await.ok()?;
    let answer = stored.error_for_status().ok()?;
    let mut points = Vec::new();
    for line in answer.text().await.ok()?.lines() {
        let series: Value = serde_json::from_str(line).unwrap();
        let times = series["timestamps"].as_array().unwrap().iter().map(|ts| ts.as_i64().unwrap());
        points.extend(times.zip(series["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap())));
    }
    points.sort_by_key(|point| point.0);
    points.dedup();
    Some(points)
}

/// Asks again until the server holds exactly this. The pause only spares it.
async fn comes_to_hold(port: u16, expected: &[(i64, f64)]) {
    let mut last = None;
    let asking = async {
        loop {
            last = latitudes(port).await;
            if last.as_deref() == Some(expected) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, asking).await;
    assert!(came.is_ok(), "the server never held what was sent; last: {last:?}, expected: {expected:?}");
}

/// Flies on by so many places, each acknowledged; all of its places so far.
async fn flies(drone: &mut Device, flown: &mut Vec<(i64, f64)>, places: usize) {
    for _ in 0..places {
        let number = flown.len();
        let (ts, lat) = (firmware_sim::clock::now_ms() - 100_000 + number as i64 * 100, 43.0 + number as f64 / 1_024.0);
        drone.say("track", json!({"ts": ts, "lat": lat, "lon": 117.5, "height_m": 80.0})).await.unwrap();
        flown.push((ts, lat));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tracks_come_to_influxdb_and_an_outage_of_it_holds_up_nobody_and_loses_nothing() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "a-token\n").unwrap();
    let Some(server) = Server::start(&folder.path().join("server"), port) else { return };
    let influx = format!(
        "[influx]\nurl = \"http://127.0.0.1:{port}\"\norg = \"steppe\"\nbucket = \"tracks\"\ntoken_file = {:?}",
        token.display().to_string()
    );
    let mut platform = Platform::prepare(&influx).unwrap();
    let mut drone = platform.device("drone-1", "drone", &[]).await.unwrap();
    platform.run().await.unwrap();
    drone.connect(&platform).await.unwrap();
    let mut flown = Vec::new();
    flies(&mut drone, &mut flown, 40).await;
    comes_to_hold(port, &flown).await;

    server.stop();
    flies(&mut drone, &mut flown, 40).await;
    let waits = |page: &str| page.lines().any(|line| line.starts_with("steppewatch_influx_retries_total"));
    platform.wait_for_metrics(waits).await.unwrap();
    // What came meanwhile can be read here, where it waits.
    let operator = platform.operator().await.unwrap();
    operator.wait_for_items("/devices/drone-1/track", |points| points.len() == 80).await.unwrap();
    // Nor does it matter that the platform itself is restarted while it waits.
    platform.kill().await.unwrap();
    platform.run().await.unwrap();
    drone.connect(&platform).await.unwrap();
    flies(&mut drone, &mut flown, 40).await;

    let _server = Server::start(&folder.path().join("server"), port).unwrap();
    comes_to_hold(port, &flown).await;
}
