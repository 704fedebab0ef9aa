//! The peer: Debian's mosquitto without persistence, with one QoS 0 subscriber to everything in place of a platform.

use super::mqtt::{self, Speaker};
use anyhow::{Context, Result};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A running mosquitto; killed when dropped.
pub struct Mosquitto {
    child: Child,
    pub address: String,
    _folder: TempDir,
}

impl Mosquitto {
    pub async fn start() -> Result<Self> {
        let folder = TempDir::new()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.path().join("mosquitto.conf");
        // No limit on what waits for the subscriber: dropping messages would be cheaper than sending them.
        std::fs::write(
            &config,
            format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nlog_dest none\n"
            ),
        )?;
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("mosquitto is not there; run tests/install.sh")?;
        let address = format!("127.0.0.1:{port}");
        let begun = std::time::Instant::now();
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            anyhow::ensure!(begun.elapsed().as_secs() < 10, "mosquitto does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(Self { child, address, _folder: folder })
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// The subscriber, in a task of its own.
    pub async fn subscriber(&self) -> Result<tokio::task::JoinHandle<u64>> {
        let speaker = Speaker { id: "subscriber".into(), secret: String::new(), topic: String::new() };
        let mut stream = mqtt::connect(&self.address, &speaker, 0).await?;
        mqtt::subscribe_to_all(&mut stream).await?;
        Ok(tokio::spawn(mqtt::drain(stream)))
    }
}
