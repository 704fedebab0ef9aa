//! The peer: Debian's victoria-metrics on a port and in a folder of its own, spoken to as InfluxDB's clients do.

use super::fleet::{Fix, Fleet};
use super::ours::names;
use super::{BATCH, BEGUN_MS, STEP_S};
use crate::figures::cpu_seconds;
use anyhow::{Context, Result, ensure};
use reqwest::Client;
use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A running one; killed when dropped.
pub struct Victoria {
    child: Child,
    client: Client,
    url: String,
    names: Vec<String>,
}

impl Victoria {
    /// Starts it in this folder; waits until it answers.
    pub async fn start(folder: &Path, devices: usize) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("victoria-metrics")
            .arg(format!("-storageDataPath={}", folder.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=100y", "-loggerLevel=ERROR"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("victoria-metrics is not there; run tests/install.sh")?;
        let client = Client::builder().no_proxy().build()?;
        let names = names(devices)?.iter().map(ToString::to_string).collect();
        let url = format!("http://127.0.0.1:{port}");
        let peer = Self { child, client, url, names };
        let begun = Instant::now();
        while peer.get("/health").await.is_err() {
            ensure!(begun.elapsed().as_secs() < 30, "victoria-metrics does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(peer)
    }

    /// Ends it as an operator would, with all it has on its disk.
    pub async fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id().context("it has ended")?)?);
        rustix::process::kill_process(pid.context("no process")?, rustix::process::Signal::TERM)?;
        self.child.wait().await?;
        Ok(())
    }

    /// Ends it as a power cut would.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    pub fn cpu_s(&self) -> f64 {
        self.child.id().map_or(f64::NAN, cpu_seconds)
    }

    async fn get(&self, path: &str) -> Result<String> {
        Ok(self.client.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await?)
    }

    /// One batch; it is accepted when this returns.
    pub async fn write(&self, batch: &[Fix]) -> Result<()> {
        let mut lines = String::with_capacity(batch.len() * 130);
        for fix in batch {
            let Fix { ts_ms, lat, lon, alt_m, speed_mps, heading_deg, battery_percent, .. } = fix;
            writeln!(
                lines,
                "track,device={} lat={lat},lon={lon},alt_m={alt_m},speed_mps={speed_mps},heading_deg={heading_deg},battery_percent={battery_percent} {ts_ms}",
                self.names[fix.device]
            )?;
        }
        self.client
            .post(format!("{}/write?precision=ms", self.url))
            .body(lines)
            .send()
            .await?
            .error_for_status()
            .context("victoria-metrics refused a batch")?;
        Ok(())
    }

    /// Takes in a whole fleet, then flushes and merges until it is done.
    pub async fn load(&self, fleet: Fleet) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut fleet = fleet.peekable();
        while let Some(fix) = fleet.next() {
            batch.push(fix);
            if batch.len() == BATCH || fleet.peek().is_none() {
                self.write(&batch).await?;
                batch.clear();
            }
        }
        self.get("/internal/force_flush").await?;
        self.settled().await?;
        self.get("/internal/force_merge").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.settled().await
    }

    /// Waits until no merge is under way.
    async fn settled(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let page = self.get("/metrics").await?;
            let merges = page.lines().filter(|line| line.starts_with("vm_active_merges{"));
            let active: f64 = merges.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
            if active == 0.0 {
                return Ok(());
            }
            ensure!(begun.elapsed().as_secs() < 300, "victoria-metrics merges without end");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// An hour of a device, read to its end; how many bytes.
    pub async fn hour(&self, device: usize, from_ms: i64) -> Result<usize> {
        let answer =
            self.export(&format!("{{device=\"{}\"}}", self.names[device]), from_ms, from_ms + 3_600_000).await?;
        ensure!(answer.lines().count() >= 6, "an hour has {} series", answer.lines().count());
        Ok(answer.len())
    }

    /// How many rows of this fleet can be read.
    pub async fn count(&self, rows_each: usize) -> Result<usize> {
        let end = BEGUN_MS + (rows_each as i64 + 1) * STEP_S * 1_000;
        let answer = self.export("track_lat", BEGUN_MS, end).await?;
        let mut rows = 0;
        for line in answer.lines() {
            let series: serde_json::Value = serde_json::from_str(line)?;
            rows += series["values"].as_array().map_or(0, Vec::len);
        }
        Ok(rows)
    }

    async fn export(&self, select: &str, from_ms: i64, to_ms: i64) -> Result<String> {
        let query = [
            ("match[]", select.to_owned()),
            ("start", format!("{:.3}", from_ms as f64 / 1e3)),
            ("end", format!("{:.3}", to_ms as f64 / 1e3)),
        ];
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/export", self.url), &query)?;
        Ok(self.client.get(url).send().await?.error_for_status()?.text().await?)
    }
}
