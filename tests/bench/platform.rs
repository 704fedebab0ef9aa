//! The platform under test: the release binary with everything on, in a folder of its own.

use super::mqtt::Speaker;
use anyhow::{Context, Result, ensure};
use model::{Clock, DeviceId, DeviceKind};
use registry::{NewDevice, Registry};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The administrator's password.
pub const PASSWORD: &str = "bench-password";

fn binary() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/steppewatch")
}

/// What a platform keeps between two starts: its folder and its devices.
pub struct House {
    folder: TempDir,
    pub speakers: Vec<Speaker>,
}

impl House {
    /// A new one, with so many collars registered, each with its native `track` topic.
    pub fn new(collars: usize) -> Result<Self> {
        let collar = |number| (format!("collar-{number}"), DeviceKind::Collar);
        Self::of(&(0..collars).map(collar).collect::<Vec<_>>())
    }

    /// A new one with these devices.
    pub fn of(devices: &[(String, DeviceKind)]) -> Result<Self> {
        let folder = TempDir::new_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let text = format!(
            "data = {:?}\n[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n",
            data.display().to_string()
        );
        std::fs::write(folder.path().join("steppewatch.toml"), text)?;
        let speakers = register(&data, devices)?;
        Ok(Self { folder, speakers })
    }

    /// Where the platform keeps what it is told.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command of the binary to its end; what it said.
    pub async fn tell(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(binary());
        command.arg("--config").arg(self.folder.path().join("steppewatch.toml")).args(arguments);
        let output =
            command.output().await.context("target/release/steppewatch is not there; `make bench` builds it")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the platform and waits until it is ready.
    pub async fn open(self) -> Result<Platform> {
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let mut child = Command::new(binary())
            .arg("--config")
            .arg(self.folder.path().join("steppewatch.toml"))
            .arg("run")
            .env("STEPPEWATCH_ADMIN_PASSWORD", PASSWORD)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("target/release/steppewatch is not there; `make bench` builds it")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let line = lines.next_line().await?.context("it ended before it was ready")?;
        let ready: Value = serde_json::from_str(&line)?;
        let address = |key: &str| ready.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Platform {
            child,
            mqtt: address("mqtt"),
            http: address("http"),
            speakers: self.speakers.clone(),
            house: self,
        })
    }
}

/// A running platform; killed when dropped.
pub struct Platform {
    child: Child,
    pub mqtt: String,
    pub http: String,
    pub speakers: Vec<Speaker>,
    house: House,
}

impl Platform {
    /// A new one, with so many collars.
    pub async fn start(collars: usize) -> Result<Self> {
        House::new(collars)?.open().await
    }

    /// Ends it without a word, as a power cut does.
    pub async fn kill(mut self) -> Result<House> {
        self.child.kill().await?;
        Ok(self.house)
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The sum of a metric over its labels.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let page = client.get(format!("http://{}/metrics", self.http)).send().await?.text().await?;
        let lines = page.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

fn register(data: &Path, devices: &[(String, DeviceKind)]) -> Result<Vec<Speaker>> {
    let registry = Registry::open(&data.join("registry.db"), Clock::system())?;
    let ids = devices.iter().map(|(id, _)| DeviceId::parse(id)).collect::<Result<Vec<_>, _>>()?;
    let new: Vec<_> = ids.iter().zip(devices).map(|(id, (_, kind))| NewDevice::new(id.clone(), *kind)).collect();
    let secrets = registry.add_devices(&new, "bench")?;
    let speaker = |(id, secret): (&DeviceId, registry::Secret)| Speaker {
        id: id.to_string(),
        secret: secret.to_string(),
        topic: format!("steppe/v1/hexigten/{id}/track"),
    };
    Ok(ids.iter().zip(secrets).map(speaker).collect())
}
