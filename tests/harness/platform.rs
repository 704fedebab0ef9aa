//! The platform as its operator has it: a binary, a configuration file, a data folder.

use crate::{Device, Operator, PATIENCE, http_client};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// The administrator's password in all journeys.
pub const PASSWORD: &str = "journey-password";

/// A platform of its own for one journey. It is killed when it is dropped.
pub struct Platform {
    folder: TempDir,
    child: Option<Child>,
    /// `host:port` of the gate, while it runs.
    pub mqtt: String,
    /// `host:port` of the API, while it runs.
    pub http: String,
    /// What it said when it was ready.
    ready: Value,
    said: watch::Receiver<Vec<String>>,
    environment: Vec<(&'static str, String)>,
    forgotten: Vec<&'static str>,
    wrapper: Vec<String>,
}

impl Platform {
    /// A folder with a configuration, nothing running yet. `more` is added to the configuration.
    pub fn prepare(more: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let config = format!(
            "data = {:?}\ntenant = \"hexigten\"\n{more}\n[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n",
            data.display().to_string()
        );
        std::fs::write(folder.path().join("steppewatch.toml"), config)?;
        let said = watch::channel(Vec::new()).1;
        Ok(Self {
            folder,
            child: None,
            mqtt: String::new(),
            http: String::new(),
            ready: Value::Null,
            said,
            environment: Vec::new(),
            forgotten: Vec::new(),
            wrapper: Vec::new(),
        })
    }

    /// The same, with the zones of a GeoJSON text, and running.
    pub async fn start(zones: &str) -> Result<Self> {
        let mut platform = Self::prepare("")?;
        platform.import(zones).await?;
        platform.run().await?;
        Ok(platform)
    }

    /// Where it listens for devices of another language: `sip`, `hj212`, `gt06`.
    pub fn listens(&self, key: &str) -> Result<std::net::SocketAddr> {
        let address =
            self.ready.get(key).and_then(Value::as_str).with_context(|| format!("it does not listen for {key}"))?;
        Ok(address.parse()?)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in the journey's own folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every command from here on finds this in its environment.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.push((name, value.into()));
    }

    /// No command from here on finds this in its environment.
    pub fn forget(&mut self, name: &'static str) {
        self.forgotten.push(name);
    }

    /// Every command from here on is started by this one, which has to become it: its process id is taken for the service's.
    pub fn start_by(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Adds a line to a section that every journey's configuration has: `mqtt`, `http`, `webhooks`.
    pub fn add_to(&self, section: &str, line: &str) -> Result<()> {
        let file = self.file("steppewatch.toml");
        let config = std::fs::read_to_string(&file)?;
        let head = format!("[{section}]\n");
        if !config.contains(&head) {
            bail!("there is no section {section}");
        }
        Ok(std::fs::write(&file, config.replace(&head, &format!("{head}{line}\n")))?)
    }

    /// Starts the service and waits for its ready line.
    pub async fn run(&mut self) -> Result<()> {
        self.begin(&["run"]).await
    }

    /// The same with the simulated banner of seed 1 around it.
    pub async fn demo(&mut self) -> Result<()> {
        let data = self.data().display().to_string();
        self.begin(&["--json", "demo", "--seed", "1", "--data", &data]).await
    }

    /// The next start listens where this one does: who is connected may come back.
    pub fn keep_address(&self) -> Result<()> {
        let file = self.file("steppewatch.toml");
        let mut config = std::fs::read_to_string(&file)?;
        for (section, address) in [("mqtt", &self.mqtt), ("http", &self.http)] {
            let any = format!("[{section}]\nlisten = \"127.0.0.1:0\"");
            config = config.replace(&any, &format!("[{section}]\nlisten = \"{address}\""));
        }
        Ok(std::fs::write(&file, config)?)
    }

    /// Waits for a line on standard output that is wanted, said since the last start.
    pub async fn says(&self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let mut said = self.said.clone();
        let heard = async {
            let lines = said.wait_for(|lines| lines.iter().any(|line| wanted(line))).await.context("it ended")?;
            lines.iter().find(|line| wanted(line)).cloned().context("no such line")
        };
        tokio::time::timeout(PATIENCE, heard).await?
    }

    async fn begin(&mut self, arguments: &[&str]) -> Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.file("log.jsonl"))?;
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started; run `cargo build --bins` first", binary().display()))?;
        let out = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
        let line = line.ok_or_else(|| anyhow!("the service did not start: {}", self.log()))?;
        let ready: Value = serde_json::from_str(&line)?;
        let address = |key: &str| ready.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        (self.mqtt, self.http) = (address("mqtt"), address("http"));
        self.ready = ready;
        let (tell, said) = watch::channel(Vec::new());
        self.said = said;
        // Read to its end: a service whose output nobody takes would wait, or fail, on the next line.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                tell.send_modify(|lines: &mut Vec<String>| lines.push(line));
            }
        });
        self.child = Some(child);
        Ok(())
    }

    /// SIGKILL, as a power cut would.
    pub async fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("it does not run")?;
        child.kill().await?;
        Ok(())
    }

    /// SIGSTOP or SIGCONT: the process holds its connections and does nothing, as on a machine that is out of breath.
    pub async fn freeze(&self, frozen: bool) -> Result<()> {
        self.signal(if frozen { "-STOP" } else { "-CONT" }).await
    }

    async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.as_ref().and_then(Child::id).context("it does not run, or ended by itself")?;
        let sent = Command::new("kill").arg(name).arg(pid.to_string()).status().await?;
        if sent.success() { Ok(()) } else { bail!("kill {name} {pid} failed") }
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.signal("-TERM").await?;
        let mut child = self.child.take().context("it does not run")?;
        Ok(tokio::time::timeout(PATIENCE, child.wait()).await??)
    }

    /// What the service wrote to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log.jsonl")).unwrap_or_default()
    }

    /// What `/metrics` says now.
    pub async fn metrics(&self) -> Result<String> {
        let (status, page) = self.probe("/metrics").await?;
        if status == 200 { Ok(page) } else { bail!("/metrics answered {status}: {page}") }
    }

    /// Asks what needs no login: status and body.
    pub async fn probe(&self, path: &str) -> Result<(u16, String)> {
        let answer = http_client()?.get(format!("http://{}{path}", self.http)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Asks again until `wanted` finds what it looks for in `/metrics`. The pause only spares the server.
    pub async fn wait_for_metrics(&self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let asking = async {
            loop {
                let page = self.metrics().await?;
                if wanted(&page) {
                    return Ok(page);
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(found) => found,
            Err(_) => bail!("/metrics never showed what was waited for; last:\n{}", self.metrics().await?),
        }
    }

    /// Asks again until `/readyz` says yes: listening comes a moment before. The pause only spares the server.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let asking = async {
            while self.probe("/readyz").await?.0 != 200 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, asking).await.context("it was never ready")?
    }

    /// A command of the binary with this platform's configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.wrapper.split_first() {
            Some((wrapper, words)) => {
                let mut command = Command::new(wrapper);
                command.args(words).arg(binary());
                command
            }
            None => Command::new(binary()),
        };
        command
            .arg("--config")
            .arg(self.file("steppewatch.toml"))
            .args(arguments)
            .env("STEPPEWATCH_ADMIN_PASSWORD", PASSWORD)
            .env_remove("RUST_LOG")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for name in &self.forgotten {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command to its end; its output if it succeeded, its complaint if not.
    pub async fn tell(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = self.command(arguments).output().await?;
        if status.success() {
            return Ok(String::from_utf8(stdout)?);
        }
        bail!("{}", String::from_utf8_lossy(&stderr).trim())
    }

    /// Imports zones by the command line.
    pub async fn import(&self, zones: &str) -> Result<()> {
        let file = self.file("zones.geojson");
        std::fs::write(&file, zones)?;
        self.tell(&["zones", "import", &file.display().to_string()]).await?;
        Ok(())
    }

    /// Registers a device; `more` is what the command line would add. The device is not connected yet.
    pub async fn device(&self, id: &str, kind: &str, more: &[&str]) -> Result<Device> {
        let mut arguments = vec!["--json", "devices", "add", id, "--kind", kind];
        arguments.extend(more);
        let answer: Value = serde_json::from_str(&self.tell(&arguments).await?)?;
        let secret = answer.get("secret").and_then(Value::as_str).context("no secret")?;
        Ok(Device::new(id, secret))
    }

    /// An operator who is logged in as administrator.
    pub async fn operator(&self) -> Result<Operator> {
        Operator::log_in(&self.http, "admin", PASSWORD).await
    }
}

/// The binary beside the test's own.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let target = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    target.join("steppewatch")
}
