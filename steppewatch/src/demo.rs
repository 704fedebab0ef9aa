//! `steppewatch demo`: the service with a simulated banner around it, as `make run` starts it.
//!
//! In: a data folder, a seed, a speed. Out: the same service as `run`, fed by `firmware-sim` over real sockets, with a webhook
//! receiver that prints what it is told. The same again continues with the same data.

use crate::config::{Config, Telling};
use crate::service::{self, Addresses};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use firmware_sim::modbus_station::ModbusStations;
use firmware_sim::receiver::Receiver;
use firmware_sim::{Credentials, Faults, Fleet, FleetConfig, Scenario, SimDevice};
use ingest::protocol::modbus::ModbusStation;
use model::{DeviceId, DeviceKind, External, Pose, Position, TownshipCode};
use registry::{ImportOptions, NewDevice, NewSubscriber, Registry};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use survey::{ReadOptions, Source};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// The demonstration's login, unless the environment says otherwise. It listens on loopback only.
const PASSWORD: &str = "steppe-demo";
const BY: &str = "demo";
const RECEIVER: &str = "示范接收端 demo receiver";

/// How to run the demonstration.
#[derive(Args)]
pub struct DemoArgs {
    /// Folder of the data; the same again continues.
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// Another seed, another banner; fixed with the first start in a data folder.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How fast the animals, drones and devices move; their clocks stay true.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Write the ground truth to this file, a line of JSON each.
    #[arg(long)]
    truth: Option<PathBuf>,
}

/// Runs until `stop`, with the addresses of `config` if there is one. With `json` the ready line of `run` takes the place of
/// the welcome.
pub async fn run(args: DemoArgs, config: Option<Config>, json: bool, stop: CancellationToken) -> Result<()> {
    if !(args.speed > 0.0 && args.speed <= 100.0) {
        bail!(crate::commands::Misuse(format!("--speed is {}; write a number above 0 and at most 100", args.speed)));
    }
    let scenario = Arc::new(Scenario::hexigten_day(args.seed));
    let registry = crate::stores::open_registry(&args.data)?;
    let password = std::env::var("STEPPEWATCH_ADMIN_PASSWORD").unwrap_or_else(|_| PASSWORD.into());
    registry.ensure_admin(Some(&password))?;
    let credentials = settle(&registry, &scenario, &args)?;

    let stations = scenario.devices().iter().filter_map(|device| device.modbus_unit).max().unwrap_or(0);
    let plc = ModbusStations::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), stations, args.seed).await?;
    let config = configured(&args, config, &scenario, plc.local_addr())?;
    let receiver = subscribed(&registry).await?;
    drop(registry);

    let fleet = FleetConfig {
        mqtt_addr: String::new(),
        tenant: config.tenant.to_string(),
        credentials,
        scenario,
        seed: args.seed,
        speed: args.speed,
        faults: Faults::steppe(),
        truth: args.truth.clone(),
    };
    let (ready_tx, ready) = oneshot::channel();
    let devices = async {
        // Not ready: the service failed to start and says why.
        let Ok(addresses) = ready.await else { return Ok(()) };
        if json {
            crate::announce(addresses);
        } else {
            welcome(addresses, &password, &receiver)?;
        }
        let fleet = Fleet::new(FleetConfig { mqtt_addr: addresses.mqtt.plain.to_string(), ..fleet })?;
        let ended = fleet.run(stop.clone()).await;
        ended.map_err(|error| anyhow!("the simulated fleet stopped: {error}"))
    };
    let told = move |addresses| {
        // Nobody waits any more when the demonstration is being stopped.
        ready_tx.send(addresses).ok();
    };
    let (service, devices, ()) = tokio::join!(service::run(config, told, stop.clone()), devices, plc.run(stop.clone()));
    service.and(devices)
}

/// Registers what the scenario holds, once; the secrets are kept beside the data so that the same fleet can come again.
fn settle(registry: &Registry, scenario: &Scenario, args: &DemoArgs) -> Result<Credentials> {
    let file = args.data.join("fleet-secrets.json");
    if let Ok(text) = std::fs::read_to_string(&file) {
        let (seed, credentials): (u64, Credentials) = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; remove the data folder and start again", file.display()))?;
        if seed != args.seed {
            bail!(crate::commands::Misuse(format!(
                "{} holds the banner of seed {seed}; start with --seed {seed}, or choose another folder by --data",
                args.data.display()
            )));
        }
        return Ok(credentials);
    }
    for land in [scenario.townships_geojson(), scenario.zones_geojson()] {
        let survey = survey::read(&Source::file("land.geojson", land.as_bytes()), &ReadOptions::default())?;
        registry.import_zones(&survey, ImportOptions::default(), BY, "made up for the demonstration")?;
    }
    let known = registry.view().borrow().devices.keys().cloned().collect::<Vec<_>>();
    let mut credentials = Credentials::new();
    let described: Vec<NewDevice> = scenario.devices().iter().map(described).collect::<Result<_>>()?;
    let (old, new): (Vec<_>, Vec<_>) = described.into_iter().partition(|device| known.contains(&device.id));
    for (device, secret) in new.iter().zip(registry.add_devices(&new, BY)?) {
        credentials.insert(device.id.to_string(), secret.as_str().to_owned());
    }
    // A first start that broke off between registering and writing the file.
    for device in old {
        credentials.insert(device.id.to_string(), registry.renew_credential(&device.id, BY)?.as_str().to_owned());
    }
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
    out.write_all(serde_json::to_string(&(args.seed, &credentials))?.as_bytes())?;
    out.sync_all()?;
    Ok(credentials)
}

fn described(device: &SimDevice) -> Result<NewDevice> {
    let pose = match (device.height_m, device.yaw_deg, device.pitch_deg, device.hfov_deg) {
        (Some(height_m), Some(yaw_deg), Some(pitch_deg), Some(hfov_deg)) => {
            Some(Pose { height_m, yaw_deg, pitch_deg, hfov_deg })
        }
        _ => None,
    };
    let kind = DeviceKind::parse(device.kind).with_context(|| format!("no such kind of device: {}", device.kind))?;
    let place = device.lat.zip(device.lon).map(|(lat, lon)| Position::parse(lat, lon)).transpose()?;
    Ok(NewDevice {
        place,
        pose,
        township: Some(TownshipCode::parse(&device.township)?),
        cadence: Some(Duration::from_secs(device.cadence_s)),
        external: device
            .external
            .iter()
            .map(|(system, id)| External { system: system.clone(), id: id.clone() })
            .collect(),
        ..NewDevice::new(DeviceId::parse(&device.id)?, kind)
    })
}

fn configured(args: &DemoArgs, given: Option<Config>, scenario: &Scenario, plc: SocketAddr) -> Result<Config> {
    let own = Config::parse("[webhooks]\nallow_networks = [\"127.0.0.0/8\"]")?;
    // The receiver listens on loopback: whatever is configured, webhooks may go there.
    let telling = Telling { networks: own.telling.networks.clone(), ..given.as_ref().unwrap_or(&own).telling.clone() };
    let mut config = Config { telling, ..given.unwrap_or(own) };
    config.data.clone_from(&args.data);
    config.gate.listen = free(config.gate.listen);
    config.http = free(config.http);
    for device in scenario.devices() {
        if let Some(unit) = device.modbus_unit {
            config.modbus.push(ModbusStation {
                device: DeviceId::parse(&device.id)?,
                address: plc.to_string(),
                unit,
                interval: Duration::from_secs(10),
                model: "renke-soil".into(),
                framing: ingest::protocol::modbus::Framing::Tcp,
            });
        }
    }
    Ok(config)
}

/// The usual port, or any other when something holds it: a demonstration should start.
fn free(usual: SocketAddr) -> SocketAddr {
    match TcpListener::bind(usual) {
        Ok(_) => usual,
        Err(_) => SocketAddr::new(usual.ip(), 0),
    }
}

/// A receiver for the alerts, with the township's half of the dual report as its duty. It keeps its address over restarts,
/// so that what was still pending is delivered.
async fn subscribed(registry: &Registry) -> Result<Receiver> {
    let known = registry.view().borrow().subscribers.iter().find(|subscriber| subscriber.name == RECEIVER).cloned();
    if let Some(subscriber) = known {
        let address = subscriber.url.trim_start_matches("http://").split('/').next().and_then(|host| host.parse().ok());
        if let Some(address) = address
            && let Ok(receiver) = Receiver::announcing(address, &subscriber.secret).await
        {
            return Ok(receiver);
        }
        tracing::warn!(url = subscriber.url, "the receiver's port is taken; it gets a new one");
        registry.remove_subscriber(&subscriber.id, BY)?;
    }
    // The registry makes the secret, and the receiver needs it at once: so the port is chosen first.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let subscriber = registry.add_subscriber(
        NewSubscriber {
            duty: Some("local_government".into()),
            ..NewSubscriber::webhook(RECEIVER, format!("http://{address}/"))
        },
        BY,
    )?;
    Ok(Receiver::announcing(address, &subscriber.secret).await?)
}

fn welcome(addresses: Addresses, password: &str, receiver: &Receiver) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "\n  草原哨 Steppewatch: a made-up day in Hexigten\n\n\
         \x20 Console   http://{}\n  Login     admin / {password}\n  Devices   mqtt://{}\n  Webhooks  {}\n\n\
         \x20 Look at: drones on patrol; herds and their collars; within two minutes the first incident, in the list and on\n\
         \x20 the map without a reload, and its signed webhook below. Ctrl-C drains and stops; the same again continues.\n",
        addresses.http,
        addresses.mqtt.plain,
        receiver.url()
    )?;
    Ok(out.flush()?)
}
