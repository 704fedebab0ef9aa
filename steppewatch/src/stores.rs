//! Everything of the platform that is on disk, opened; and the live view, filled with what was known when it stopped.

use crate::config::Config;
use alerts::coverage::{CoverageStore, Shared};
use alerts::message::Messages;
use alerts::{States, Store};
use anyhow::{Context, Result, bail};
use dashboards::ExportFiles;
use dashboards::live::Live;
use evidence::Recent;
use history::History;
use ingest::decode::stage::BATCH_ENTRIES;
use journal::Journal;
use journal::alert_log::AlertLog;
use journal::command_log::CommandLog;
use journal::dead_letters::DeadLetters;
use journal::sqlite::{SqliteJournal, SqliteOptions};
use model::{Clock, Offset};
use registry::Registry;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use terrain::Terrain;

/// So much of the journal's end is read at a start to know where everything was: an hour of a banner's fleet at rest.
const REMEMBERED: u64 = 20_000;

/// Handles; clones share what is behind them.
#[derive(Clone)]
pub struct Stores {
    /// Devices, zones, subscribers, users.
    pub registry: Registry,
    /// What devices said.
    pub journal: Arc<SqliteJournal>,
    /// What could not be understood.
    pub dead_letters: DeadLetters,
    /// Tracks and measurements.
    pub history: History,
    /// Pictures of cases.
    pub evidence: evidence::Store,
    /// Which pictures came lately; not on disk.
    pub recent: Recent,
    /// Incidents, alert log, outbox.
    pub alerts: Store,
    /// How far detection is.
    pub states: States,
    /// Which land was watched, and patrols.
    pub coverage: CoverageStore,
    /// What the stage that watches knows right now.
    pub watched: Shared,
    /// What operators did.
    pub commands: CommandLog,
    /// The relief of the land, as it was at the start.
    pub relief: Arc<Terrain>,
    /// What is known right now; not on disk.
    pub live: Live,
    /// What `/metrics` shows.
    pub metrics: prometheus::Registry,
    /// Where time comes in.
    pub clock: Clock,
}

impl Stores {
    /// Opens the data folder.
    pub async fn open(config: &Config) -> Result<Self> {
        if crate::backup::is_half_restored(&config.data) {
            bail!("a restore into {} was cut off; empty the folder and restore again", config.data.display());
        }
        let clock = Clock::system();
        let registry = open_registry(&config.data)?;
        announce_admin(&registry).await?;
        let file = |name: &str| config.data.join(name);
        let links = config.telling.public_url.as_deref().map(|url| registry.links(url));
        let mut consumers = vec!["detect", "history", alerts::coverage::CONSUMER];
        consumers.extend(config.influx.as_ref().map(|_| "influx"));
        consumers.extend(config.vision.as_ref().map(|_| ingest::vision::CONSUMER));
        let alerts = Store::open(&file("alerts.db"), AlertLog::open(&file("alerts.db"))?, config.tenant.clone())?
            .with_messages(Messages::with(config.telling.messages.clone())?)
            .with_links(links)
            .with_payloads(config.upstream.payloads.clone());
        let options = SqliteOptions {
            max_bytes: config.journal_max_bytes,
            retention: config.journal_retention,
            consumers,
            tenant: Some(config.tenant.clone()),
        };
        let stores = Self {
            registry,
            journal: SqliteJournal::open(&file("journal.db"), options)?,
            dead_letters: DeadLetters::open(&file("dead-letters.db"))?,
            evidence: evidence::Store::open(&file("evidence"), config.evidence_max_bytes)?,
            recent: Recent::default(),
            history: History::open_with_days(
                &file("history"),
                config.history_retention,
                config.history_daily,
                clock.clone(),
            )?,
            states: States::open(&file("detection.db"), &alerts)?,
            alerts,
            coverage: CoverageStore::open(&file("coverage.db"))?,
            watched: Shared::default(),
            commands: CommandLog::open(&file("commands.db"))?,
            relief: crate::relief::open(&config.data),
            live: Live::new(),
            metrics: prometheus::Registry::new(),
            clock,
        };
        if config.influx.is_none() {
            // A sink that was switched off must not hold up trimming for ever.
            stores.journal.forget_cursor("influx").await?;
        }
        if config.vision.is_none() {
            // Likewise; and who turns it on again begins with the pictures of then.
            stores.journal.forget_cursor(ingest::vision::CONSUMER).await?;
        }
        stores.remember().await?;
        Ok(stores)
    }

    /// The journal as every stage knows it.
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    /// Where everything was, from the journal's end: a restart must not show a fleet that was never seen.
    async fn remember(&self) -> Result<()> {
        let head = *self.journal.head().borrow();
        let mut after = Offset(head.0.saturating_sub(REMEMBERED));
        while after < head {
            let entries = self.journal.read(after, BATCH_ENTRIES).await?;
            let Some(last) = entries.last() else { break };
            after = last.offset;
            let readings: Vec<_> = entries.iter().filter_map(|entry| ingest::decode::decode(entry).ok()).collect();
            self.live.observe(&readings);
            self.recent.observe(&readings);
        }
        Ok(())
    }
}

/// What an export of a case reads beside the stores.
pub fn export_files(data: &Path) -> ExportFiles {
    ExportFiles { journal: data.join("journal.db"), signing_key: data.join("bundle.key") }
}

/// Opens the registry of a data folder, making the folder if it is not there yet.
pub fn open_registry(data: &Path) -> Result<Registry> {
    std::fs::create_dir_all(data).with_context(|| {
        format!(
            "`data` names {}, which cannot be made; name a folder that the service's user may write",
            data.display()
        )
    })?;
    Ok(Registry::open(&data.join("registry.db"), Clock::system())?)
}

/// Where the first administrator's made-up password goes instead of standard error, which a service manager keeps as a log.
const PASSWORD_FILE: &str = "STEPPEWATCH_FIRST_PASSWORD_FILE";

/// The first administrator: by the environment, or made up and shown once.
async fn announce_admin(registry: &Registry) -> Result<()> {
    let registry = registry.clone();
    let password = std::env::var("STEPPEWATCH_ADMIN_PASSWORD").ok();
    let made = tokio::task::spawn_blocking(move || registry.ensure_admin(password.as_deref())).await??;
    let Some(password) = made else { return Ok(()) };
    match std::env::var_os(PASSWORD_FILE) {
        Some(file) => {
            let file = Path::new(&file);
            write_secret(file, &password).with_context(|| {
                format!(
                    "{PASSWORD_FILE} names {}, which cannot be made anew, so nobody knows the administrator's password; start once with \
                     STEPPEWATCH_ADMIN_PASSWORD, which sets it",
                    file.display()
                )
            })?;
            tracing::info!(file = %file.display(), "first administrator: user `admin`, password in this file; remove it once it is read");
        }
        None => eprintln!(
            "first administrator: user `admin`, password `{password}` (shown this once; STEPPEWATCH_ADMIN_PASSWORD sets another)"
        ),
    }
    Ok(())
}

/// For its owner's eyes only, and never over something that is there.
fn write_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(format!("{secret}\n").as_bytes())?;
    file.sync_all()
}
