//! Command line of the simulated devices.
//!
//! In:  arguments.   Out: what was asked for on standard output, one sentence on standard error when it fails.
//! Exit status: 0 done, 1 failed, 2 wrong usage.

mod cli;

use anyhow::Context;
use clap::Parser;
use cli::{
    Cli, Command, DevicesArgs, Failure, FleetArgs, Format, LoadArgs, MavlinkArgs, ReceiveArgs, ScoreArgs, StationsArgs,
    UpstreamArgs,
};
use firmware_sim::fleet::{Fleet, FleetConfig, FleetError};
use firmware_sim::load::{self, LoadConfig, LoadError};
use firmware_sim::modbus_station::ModbusStations;
use firmware_sim::platform::{Proof, Upstream};
use firmware_sim::receiver::{BindError, Receiver};
use firmware_sim::score::{score, target};
use firmware_sim::{SimDevice, clock, mavlink};
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Cli::parse().command {
        Command::Fleet(args) => fleet(args).await,
        Command::Zones(args) => args.scenario().and_then(|scenario| print(&scenario.zones_geojson())),
        Command::Devices(args) => devices(&args),
        Command::Stations(args) => stations(args).await,
        Command::Mavlink(args) => fly(args).await,
        Command::Load(args) => run_load(args).await,
        Command::Score(args) => run_score(args).await,
        Command::Receive(args) => receive(args).await,
        Command::Upstream(args) => upstream(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(error)) => {
            eprintln!("firmware-sim: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(error)) => {
            eprintln!("firmware-sim: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn fleet(args: FleetArgs) -> Result<(), Failure> {
    let fleet = Fleet::new(FleetConfig {
        mqtt_addr: args.target.mqtt_addr()?,
        tenant: args.target.tenant.clone(),
        credentials: args.target.credentials()?,
        scenario: Arc::new(args.world.scenario()?),
        seed: args.world.seed,
        speed: args.speed,
        faults: args.faults.faults(),
        truth: args.truth,
    })
    .map_err(|error| Failure::Usage(error.into()))?;
    let stats = fleet.stats();
    let played = fleet.run(until_interrupted()).await;
    eprintln!(
        "sent {}, acknowledged {}, dropped {}, connections lost {}, refused {}",
        stats.sent(),
        stats.acked(),
        stats.dropped(),
        stats.lost_connections(),
        stats.refused()
    );
    played.map_err(|error: FleetError| Failure::Failed(error.into()))
}

fn devices(args: &DevicesArgs) -> Result<(), Failure> {
    let scenario = args.world.scenario()?;
    match args.format {
        Format::Json => print(&Value::Array(scenario.devices().iter().map(SimDevice::to_json).collect()).to_string()),
        Format::Csv => print(&devices_csv(scenario.devices())),
    }
}

/// The columns are the options of `devices add`; no value holds a comma.
fn devices_csv(devices: &[SimDevice]) -> String {
    let mut csv = "id,kind,lat,lon,height_m,yaw_deg,pitch_deg,hfov_deg,township,cadence,external,via".to_owned();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for device in devices {
        let external = device.external.as_ref().map(|(system, id)| format!("{system}={id}")).unwrap_or_default();
        let pose = [device.lat, device.lon, device.height_m, device.yaw_deg, device.pitch_deg, device.hfov_deg];
        csv += &format!(
            "\n{},{},{},{},{}s,{external},{}",
            device.id,
            device.kind,
            pose.map(number).join(","),
            device.township,
            device.cadence_s,
            device.via.as_deref().unwrap_or_default(),
        );
    }
    csv
}

async fn stations(args: StationsArgs) -> Result<(), Failure> {
    let scenario = args.world.scenario()?;
    let count = u8::try_from(scenario.stations.len()).unwrap_or(u8::MAX);
    let bound = ModbusStations::bind(args.listen, count, args.world.seed).await;
    let server = bound.map_err(|error| {
        Failure::Failed(anyhow::anyhow!("cannot listen on {} ({error}); choose another address", args.listen))
    })?;
    print(
        &serde_json::json!({ "ready": true, "modbus": server.local_addr().to_string(), "units": count }).to_string(),
    )?;
    server.run(until_interrupted()).await;
    Ok(())
}

async fn fly(args: MavlinkArgs) -> Result<(), Failure> {
    let flown = mavlink::fly(args.target, args.system, (args.lat, args.lon), until_interrupted()).await;
    let sent = flown.map_err(|error| Failure::Failed(error.into()))?;
    eprintln!("sent {sent} datagrams");
    Ok(())
}

async fn run_load(args: LoadArgs) -> Result<(), Failure> {
    let report = load::run(LoadConfig {
        mqtt_addr: args.target.mqtt_addr()?,
        tenant: args.target.tenant.clone(),
        credentials: args.target.credentials()?,
        connections: args.connections,
        rate: args.rate,
        seconds: args.seconds,
        run: args.run.unwrap_or_else(|| format!("run-{}", clock::now_ms())),
        acked: args.acked,
    })
    .await
    .map_err(|error| match error {
        LoadError::Address(_) | LoadError::TooFewCredentials { .. } => Failure::Usage(error.into()),
        LoadError::NotConnected { .. } | LoadError::Acked(..) => Failure::Failed(error.into()),
    })?;
    if args.json {
        return print(&report.to_json().to_string());
    }
    print(&format!(
        "{} of {} acknowledged, {:.0} a second, half within {:.1} ms, 99 % within {:.1} ms",
        report.acked, report.sent, report.rate, report.p50_ms, report.p99_ms
    ))
}

async fn run_score(args: ScoreArgs) -> Result<(), Failure> {
    let truth = args.truth()?;
    let incidents = target::incidents(&args.target, &args.username, &args.password).await;
    let score = score(&truth, &incidents.map_err(|error| Failure::Failed(error.into()))?);
    if args.json {
        return print(&score.to_json().to_string());
    }
    print(&score.to_string())
}

async fn receive(args: ReceiveArgs) -> Result<(), Failure> {
    let receiver = Receiver::announcing(args.listen, &args.secret).await.map_err(|error| match error {
        BindError::Secret(_) => Failure::Usage(error.into()),
        BindError::Listen(..) => Failure::Failed(error.into()),
    })?;
    print(&serde_json::json!({ "ready": true, "url": receiver.url() }).to_string())?;
    until_interrupted().cancelled().await;
    Ok(())
}

async fn upstream(args: UpstreamArgs) -> Result<(), Failure> {
    let proof = match (args.token, args.key) {
        (Some(token), _) => Proof::Token(token),
        (None, Some(key)) => Proof::Hmac(key),
        (None, None) => Proof::None,
    };
    let listening = Upstream::start(args.listen, proof, None, [], true).await;
    let upstream = listening.with_context(|| {
        format!("`--listen` is {}, which cannot be listened on; choose another address or port 0", args.listen)
    });
    let upstream = upstream.map_err(Failure::Failed)?;
    print(&serde_json::json!({ "ready": true, "url": upstream.url() }).to_string())?;
    until_interrupted().cancelled().await;
    Ok(())
}

/// A line on standard output; a reader that went away is a failure, not a crash.
fn print(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure::Failed(error.into()))
}

/// Cancelled by Ctrl-C.
fn until_interrupted() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for ctrl-c");
        }
        stopping.cancel();
    });
    stop
}
