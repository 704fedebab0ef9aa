//! Steppewatch (草原哨): the one binary. Parses, builds, runs, drains.
//!
//! In: the command line. Out: an exit status: 0 done, 1 failed, 2 wrong usage or configuration. Errors are one sentence on
//! standard error; standard output is for results.

mod announce;
mod backup;
mod certificate;
mod commands;
mod config;
mod demo;
mod evidence;
mod journal_metrics;
mod law;
mod pictures;
mod relief;
mod replay;
mod service;
mod sms_incoming;
mod stages;
mod stores;
mod supervisor;
mod telemetry;
mod tell;
mod upkeep;
mod watching;
mod words;

use clap::{Parser, Subcommand};
use config::{Config, ConfigError};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Grassland no-grazing watch: devices in, alerts out.
#[derive(Parser)]
#[command(name = "steppewatch", version, about)]
struct Cli {
    /// Configuration file; without it the defaults hold.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service until it is told to stop.
    Run {
        /// Which part of the platform this process is; only `all` exists until the cluster engine is there.
        #[arg(long, default_value = "all", value_parser = ["all"])]
        role: String,
    },
    /// Run the service with a simulated fleet around it.
    Demo(demo::DemoArgs),
    /// Check a configuration file, or print a commented example.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Zones of the registry.
    #[command(subcommand)]
    Zones(commands::zones::ZonesCommand),
    /// When land is closed, and what was decided for single seasons.
    #[command(subcommand)]
    Closures(commands::closures::ClosuresCommand),
    /// The relief of the land, by which sightings are placed.
    #[command(subcommand)]
    Terrain(commands::terrain::TerrainCommand),
    /// What devices said, and whether it still is what they said.
    #[command(subcommand)]
    Journal(commands::journal::JournalCommand),
    /// A case as one file for outside the house, and whether such a file is what was exported.
    #[command(subcommand)]
    Evidence(commands::evidence::EvidenceCommand),
    /// Where devices were, as files that other programs open.
    #[command(subcommand)]
    Track(commands::track::TrackCommand),
    /// Judge a stretch of the journal again under other zones or rules: incidents gained, lost, changed.
    Replay(commands::replay::ReplayArgs),
    /// Copy the data folder so that a platform can start from the copy, also while the service runs.
    Backup(commands::backup::BackupArgs),
    /// Copy a backup into the empty data folder.
    Restore(commands::backup::RestoreArgs),
    /// Look at disk, clock, ports and data, and say a line for each.
    Doctor,
    /// Devices of the registry and their credentials.
    #[command(subcommand)]
    Devices(commands::devices::DevicesCommand),
    /// Who keeps animals, and by which marks they are known.
    #[command(subcommand)]
    Households(commands::households::HouseholdsCommand),
    /// Times in which somebody works on devices.
    #[command(subcommand)]
    Maintenance(commands::maintenance::MaintenanceCommand),
    /// Parts of cameras' views in which something is taken for an animal again and again.
    #[command(subcommand)]
    Masks(commands::masks::MasksCommand),
    /// Routes that are planned for patrols, and which device carries whose duty to be out.
    #[command(subcommand)]
    Patrols(commands::patrols::PatrolsCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with a file, or that nothing is.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print a commented example.
    Example,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(matches!(cli.command, Command::Demo(_)));
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("steppewatch: {}", commands::sentence(&error));
            ExitCode::from(if commands::is_misuse(&error) { 2 } else { 1 })
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Config(ConfigCommand::Example) => commands::print(config::EXAMPLE.trim_end()),
        Command::Config(ConfigCommand::Check { file }) => {
            Config::load(&file)?;
            commands::print(&format!("{} is valid", file.display()))
        }
        Command::Run { role: _ } => {
            let config = load(cli.config)?;
            serve(|stop| service::run(config, announce, stop))
        }
        Command::Demo(args) => {
            let (config, json) = (cli.config.map(|file| Config::load(&file)).transpose()?, cli.json);
            serve(|stop| demo::run(args, config, json, stop))
        }
        Command::Zones(command) => commands::zones::run(command, &load(cli.config)?, cli.json),
        Command::Closures(command) => commands::closures::run(command, &load(cli.config)?, cli.json),
        Command::Terrain(command) => commands::terrain::run(command, &load(cli.config)?, cli.json),
        Command::Journal(command) => commands::journal::run(&command, &load(cli.config)?, cli.json),
        Command::Evidence(command) => commands::evidence::run(command, || load(cli.config), cli.json),
        Command::Track(command) => commands::track::run(&command, &load(cli.config)?, cli.json),
        Command::Replay(args) => commands::replay::run(&args, &load(cli.config)?, cli.json),
        Command::Backup(args) => commands::backup::back_up(&args, || load(cli.config), cli.json),
        Command::Restore(args) => commands::backup::restore(&args, &load(cli.config)?, cli.json),
        Command::Doctor => commands::doctor::run(&load(cli.config)?, cli.json),
        Command::Devices(command) => commands::devices::run(command, &load(cli.config)?, cli.json),
        Command::Maintenance(command) => commands::maintenance::run(command, &load(cli.config)?, cli.json),
        Command::Masks(command) => commands::masks::run(command, &load(cli.config)?, cli.json),
        Command::Patrols(command) => commands::patrols::run(command, &load(cli.config)?, cli.json),
        Command::Households(command) => commands::households::run(command, &load(cli.config)?, cli.json),
    }
}

fn load(file: Option<PathBuf>) -> Result<Config, ConfigError> {
    match file {
        Some(file) => Config::load(&file),
        None => Config::parse(""),
    }
}

/// One line of JSON for whoever started us: we are ready, and here.
fn announce(addresses: service::Addresses) {
    let mqtt = addresses.mqtt;
    let mut line = json!({"ready": true, "http": addresses.http.to_string(), "mqtt": mqtt.plain.to_string()});
    // Only what is on.
    let others =
        [("mavlink", addresses.mavlink), ("sip", addresses.sip), ("hj212", addresses.hj212), ("gt06", addresses.gt06)];
    for (key, address) in [("mqtt_tls", mqtt.tls), ("mqtt_ws", mqtt.websocket)].into_iter().chain(others) {
        if let (Some(address), Some(line)) = (address, line.as_object_mut()) {
            line.insert(key.to_owned(), address.to_string().into());
        }
    }
    if let Err(error) = commands::print(&line.to_string()) {
        // Nobody reads; the service is none the worse.
        tracing::debug!(%error, "the ready line was not read");
    }
}

/// Runs until Ctrl-C or SIGTERM, then drains.
fn serve<F: Future<Output = anyhow::Result<()>>>(run: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<()> {
    // Two TLS libraries could be linked; the one that is meant is named. A second call only means it is named already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let on_signal = stop.clone();
        tokio::spawn(async move {
            match signal().await {
                Ok(()) => tracing::info!("stopping: what was taken in is on disk and acknowledged; what was not judged yet is, at the next start"),
                Err(error) => tracing::error!(%error, "signals cannot be heard; stop the process by SIGKILL only"),
            }
            on_signal.cancel();
        });
        run(stop).await
    })
}

async fn signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
