//! What may be written on the command line, and how a failure leaves the program.

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use firmware_sim::Credentials;
use firmware_sim::faults::Faults;
use firmware_sim::scenario::{Plan, Scenario};
use firmware_sim::score::{Truth, read_lines};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The simulated devices of a made-up banner.
#[derive(Parser)]
#[command(name = "firmware-sim", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Plays devices against a running platform and writes the ground truth.
    Fleet(FleetArgs),
    /// Prints the scenario's zones as GeoJSON. They are made up.
    Zones(ScenarioArgs),
    /// Prints the scenario's devices, to be registered.
    Devices(DevicesArgs),
    /// Serves the scenario's grass stations by Modbus TCP, one unit id each.
    Stations(StationsArgs),
    /// Flies a MAVLink vehicle east and tells a listener about it.
    Mavlink(MavlinkArgs),
    /// Publishes at a steady rate and times the acknowledgements.
    Load(LoadArgs),
    /// Compares a running platform's incidents with the ground truth that `fleet` wrote.
    Score(ScoreArgs),
    /// Receives webhooks, checks their signature and prints a line for each new one.
    Receive(ReceiveArgs),
    /// Plays the system above: takes what `[platform]` sends, checks its token or signature and prints a line for each message.
    Upstream(UpstreamArgs),
}

/// Which vehicle.
#[derive(Args)]
pub struct MavlinkArgs {
    /// The listener.
    #[arg(long, default_value = "127.0.0.1:14550")]
    pub target: SocketAddr,
    /// The vehicle's system id.
    #[arg(long, default_value_t = 1)]
    pub system: u8,
    /// Where it takes off, degrees north.
    #[arg(long, default_value_t = 43.3)]
    pub lat: f64,
    /// Degrees east.
    #[arg(long, default_value_t = 117.5)]
    pub lon: f64,
}

/// Which world.
#[derive(Args)]
pub struct ScenarioArgs {
    /// `hexigten-day`, or a JSON file that changes its numbers.
    #[arg(long, default_value = "hexigten-day")]
    scenario: String,
    /// Same seed, same world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl ScenarioArgs {
    /// The world asked for.
    pub fn scenario(&self) -> Result<Scenario, Failure> {
        if self.scenario == "hexigten-day" {
            return Ok(Scenario::hexigten_day(self.seed));
        }
        let text = read(Path::new(&self.scenario))?;
        let plan = Plan::parse(&text).map_err(|error| Failure::Usage(error.into()))?;
        Ok(Scenario::from_plan(&self.scenario, plan, self.seed))
    }
}

/// Where the platform is and who may speak to it.
#[derive(Args)]
pub struct TargetArgs {
    /// The platform's MQTT: mqtt://HOST:PORT
    #[arg(long)]
    target: String,
    /// JSON with the devices' secrets: {"ID": "SECRET", ...} or [{"id": ..., "secret": ...}, ...]
    #[arg(long)]
    credentials: PathBuf,
    /// Whose topics.
    #[arg(long, default_value = "hexigten")]
    pub tenant: String,
}

impl TargetArgs {
    /// `HOST:PORT`; 1883 where no port is named.
    pub fn mqtt_addr(&self) -> Result<String, Failure> {
        let usage = || Failure::Usage(anyhow::anyhow!("target `{}` is not mqtt://HOST:PORT", self.target));
        let rest = self.target.strip_prefix("mqtt://").ok_or_else(usage)?.trim_end_matches('/');
        let port_named = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if rest.is_empty() {
            Err(usage())
        } else if port_named {
            Ok(rest.to_owned())
        } else {
            Ok(format!("{rest}:1883"))
        }
    }

    /// The secrets.
    pub fn credentials(&self) -> Result<Credentials, Failure> {
        let text = read(&self.credentials)?;
        let parsed = parse_credentials(&text);
        parsed.with_context(|| format!("{} holds no credentials", self.credentials.display())).map_err(Failure::Usage)
    }
}

/// Of `fleet`.
#[derive(Args)]
pub struct FleetArgs {
    /// Which world.
    #[command(flatten)]
    pub world: ScenarioArgs,
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Scenario seconds per real second; makes motion faster and devices speak more often, time stamps stay real.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// What goes wrong on the way.
    #[arg(long, value_enum, default_value_t = FaultSet::Steppe)]
    pub faults: FaultSet,
    /// Where the ground truth is written, as JSON lines.
    #[arg(long)]
    pub truth: Option<PathBuf>,
}

/// Ready sets of faults.
#[derive(Clone, Copy, ValueEnum)]
pub enum FaultSet {
    /// Nothing goes wrong.
    None,
    /// A mild day.
    Steppe,
}

impl FaultSet {
    /// The numbers behind the name.
    pub fn faults(self) -> Faults {
        match self {
            Self::None => Faults::none(),
            Self::Steppe => Faults::steppe(),
        }
    }
}

/// Of `devices`.
#[derive(Args)]
pub struct DevicesArgs {
    /// Which world.
    #[command(flatten)]
    pub world: ScenarioArgs,
    /// How to print them.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
}

/// Of a list.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// With a head line.
    Csv,
    /// One array.
    Json,
}

/// Of `stations`.
#[derive(Args)]
pub struct StationsArgs {
    /// Which world.
    #[command(flatten)]
    pub world: ScenarioArgs,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:1502")]
    pub listen: SocketAddr,
}

/// Of `load`.
#[derive(Args)]
pub struct LoadArgs {
    /// Where to.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many devices.
    #[arg(long, default_value_t = 20)]
    pub connections: usize,
    /// Messages a second over all of them; 0: as fast as acknowledged.
    #[arg(long, default_value_t = 100.0)]
    pub rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Name of the run, in every payload's `run`; made from the time when absent.
    #[arg(long)]
    pub run: Option<String>,
    /// Where `DEVICE SEQ` of every acknowledged message is written.
    #[arg(long)]
    pub acked: Option<PathBuf>,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    pub json: bool,
}

/// Of `score`.
#[derive(Args)]
pub struct ScoreArgs {
    /// What `fleet --truth FILE` wrote.
    #[arg(long)]
    pub truth: PathBuf,
    /// The platform's API: http://HOST:PORT
    #[arg(long)]
    pub target: String,
    /// Who asks.
    #[arg(long, default_value = "admin")]
    pub username: String,
    /// The password; better in STEPPEWATCH_PASSWORD than on the command line.
    #[arg(long, env = "STEPPEWATCH_PASSWORD", hide_env_values = true)]
    pub password: String,
    /// Print JSON instead of a sentence.
    #[arg(long)]
    pub json: bool,
}

impl ScoreArgs {
    /// The truth.
    pub fn truth(&self) -> Result<Truth, Failure> {
        read_lines(&read(&self.truth)?)
            .with_context(|| format!("{} holds no truth", self.truth.display()))
            .map_err(Failure::Usage)
    }
}

/// Of `receive`.
#[derive(Args)]
pub struct ReceiveArgs {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:9080")]
    pub listen: SocketAddr,
    /// The secret shared with the sender: whsec_...
    #[arg(long)]
    pub secret: String,
}

/// Of `upstream`.
#[derive(Args)]
pub struct UpstreamArgs {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:9090")]
    pub listen: SocketAddr,
    /// The token that is asked for.
    #[arg(long, conflicts_with = "key")]
    pub token: Option<String>,
    /// The key by which messages have to be signed.
    #[arg(long)]
    pub key: Option<String>,
}

/// Why the program ends badly, and so with which status.
pub enum Failure {
    /// 2: written or configured wrongly.
    Usage(anyhow::Error),
    /// 1: it did not work.
    Failed(anyhow::Error),
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())).map_err(Failure::Usage)
}

fn parse_credentials(text: &str) -> anyhow::Result<Credentials> {
    #[derive(serde::Deserialize)]
    struct Row {
        id: String,
        secret: String,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Written {
        Map(Credentials),
        Rows(Vec<Row>),
    }
    let written = serde_json::from_str(text)
        .context(r#"write {"ID": "SECRET", ...} or [{"id": "ID", "secret": "SECRET"}, ...]"#)?;
    Ok(match written {
        Written::Map(map) => map,
        Written::Rows(rows) => rows.into_iter().map(|row| (row.id, row.secret)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_as_a_map_and_as_rows() {
        let expected = Credentials::from([("cam-1".to_owned(), "x".to_owned())]);
        assert_eq!(parse_credentials(r#"{"cam-1": "x"}"#).unwrap(), expected);
        assert_eq!(parse_credentials(r#"[{"id": "cam-1", "secret": "x"}]"#).unwrap(), expected);
        assert!(parse_credentials("[1]").is_err());
    }
}
