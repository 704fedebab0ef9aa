//! `steppewatch devices`: who may speak, and with which secret.

use super::claim_keys::{self, ClaimKeyArgs};
use super::device_changes::{self, EditArgs, ImportArgs};
use super::{Misuse, operator, print, registry};
use crate::config::{Config, units};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use model::{Device, DeviceId, DeviceKind, External, Pose, Position, TownshipCode};
use registry::{NewDevice, Registry};
use serde_json::{Value, json};

/// What can be done with devices.
#[derive(Subcommand)]
pub enum DevicesCommand {
    /// Register a device and print its secret, this once.
    Add(Box<AddArgs>),
    /// Take in a list of devices: all of it, or none of it and the reason for each wrong line.
    Import(ImportArgs),
    /// Change devices, one or many at once.
    Edit(Box<EditArgs>),
    /// List the devices.
    List,
    /// Shut a device out; a running service cuts it off within seconds.
    Disable {
        /// The device's id.
        id: String,
    },
    /// Let a device in again.
    Enable {
        /// The device's id.
        id: String,
    },
    /// Let a device in that registered itself with a claim key.
    Approve {
        /// The device's id.
        id: String,
    },
    /// Make a key with which new devices register themselves, and print it, this once.
    ClaimKey(ClaimKeyArgs),
    /// List the claim keys.
    ClaimKeys,
    /// Take a claim key back; what it registered stays.
    RevokeClaimKey {
        /// The key's name.
        name: String,
    },
    /// Print what a camera of GB/T 28181 needs to register: its number and its password.
    SipPassword {
        /// The device's id.
        id: String,
    },
    /// Print what the page of a camera needs to post its events (ISAPI): path, user and password.
    CameraPassword {
        /// The device's id.
        id: String,
    },
    /// Make a new secret and print it, this once; the old one is refused from now on.
    Credential {
        /// The device's id.
        id: String,
    },
}

/// A device as described on the command line.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct AddArgs {
    /// 1 to 64 of A-Z a-z 0-9 . _ -
    id: String,
    /// camera, drone, station, collar, gateway or ranger.
    #[arg(long)]
    kind: String,
    /// Make and model, as on its plate.
    #[arg(long)]
    model: Option<String>,
    /// The mast, dock or link that it shares its fate with: silences of one site are told together.
    #[arg(long)]
    site: Option<String>,
    /// Latitude, degrees north (WGS84).
    #[arg(long, requires = "lon")]
    lat: Option<f64>,
    /// Longitude, degrees east (WGS84).
    #[arg(long, requires = "lat")]
    lon: Option<f64>,
    /// Height of the lens above the ground, metres.
    #[arg(long)]
    height_m: Option<f64>,
    /// Where the camera looks, clockwise from true north.
    #[arg(long)]
    yaw_deg: Option<f64>,
    /// Where the camera looks, above the horizon positive.
    #[arg(long)]
    pitch_deg: Option<f64>,
    /// Horizontal field of view.
    #[arg(long)]
    hfov_deg: Option<f64>,
    /// Code of the township.
    #[arg(long)]
    township: Option<String>,
    /// How often it promises to speak, for example 60s.
    #[arg(long)]
    cadence: Option<String>,
    /// The gateway that speaks for it.
    #[arg(long)]
    via: Option<String>,
    /// Its name in another system, KEY=VALUE; keys dji, mavlink, gb28181, deveui, frigate, hj212, isapi, imei.
    #[arg(long)]
    external: Vec<String>,
}

/// Carries the command out.
pub fn run(command: DevicesCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    match command {
        DevicesCommand::Add(args) => {
            let device = described(*args)?;
            let id = device.id.clone();
            let secret = registry.add_device(device, &operator())?;
            show_secret(&registry, &id, secret.as_str(), as_json)
        }
        DevicesCommand::Import(args) => device_changes::import(&registry, &args, as_json),
        DevicesCommand::Edit(args) => device_changes::edit(&registry, *args, as_json),
        DevicesCommand::Credential { id } => {
            let id = parse_id(&id)?;
            let secret = registry.renew_credential(&id, &operator())?;
            show_secret(&registry, &id, secret.as_str(), as_json)
        }
        DevicesCommand::SipPassword { id } => show_sip_password(&registry, &parse_id(&id)?, as_json),
        DevicesCommand::CameraPassword { id } => show_camera_password(&registry, &parse_id(&id)?, as_json),
        DevicesCommand::Disable { id } => {
            registry.set_disabled(&parse_id(&id)?, true, &operator())?;
            done(&id, "disabled", as_json)
        }
        DevicesCommand::Enable { id } => {
            registry.set_disabled(&parse_id(&id)?, false, &operator())?;
            done(&id, "enabled", as_json)
        }
        DevicesCommand::Approve { id } => {
            registry.approve(&parse_id(&id)?, &operator())?;
            done(&id, "approved", as_json)
        }
        DevicesCommand::ClaimKey(args) => claim_keys::add(&registry, args, as_json),
        DevicesCommand::ClaimKeys => claim_keys::list(&registry, as_json),
        DevicesCommand::RevokeClaimKey { name } => claim_keys::revoke(&registry, &name, as_json),
        DevicesCommand::List => list(&registry, as_json),
    }
}

fn list(registry: &Registry, as_json: bool) -> Result<()> {
    let view = registry.view();
    let view = view.borrow();
    if as_json {
        return print(&json!({"items": view.devices.values().map(shown).collect::<Vec<_>>()}).to_string());
    }
    for device in view.devices.values() {
        print(&format!(
            "{:24} {:8} {:11} every {} s",
            device.id.as_str(),
            device.kind.as_str(),
            state(device),
            device.cadence.as_secs()
        ))?;
    }
    Ok(())
}

/// Whether it is let in. How it is doing the running service knows; here only what an operator decided.
fn state(device: &Device) -> &'static str {
    match (device.quarantined, device.disabled) {
        (true, _) => "quarantined",
        (false, true) => "disabled",
        (false, false) => "enabled",
    }
}

pub(super) fn parse_kind(word: &str) -> Result<DeviceKind> {
    DeviceKind::parse(word).ok_or_else(|| {
        let known = DeviceKind::ALL.map(DeviceKind::as_str).join(", ");
        Misuse(format!("--kind is `{word}`, which is none of: {known}")).into()
    })
}

fn done(id: &str, what: &str, as_json: bool) -> Result<()> {
    print(&if as_json { json!({"id": id, "done": what}).to_string() } else { format!("{id} is {what}") })
}

fn show_secret(registry: &Registry, id: &DeviceId, secret: &str, as_json: bool) -> Result<()> {
    let number = sip_number(registry, id);
    let password = match number {
        Some(_) => Some(registry.sip_password(id)?),
        None => None,
    };
    if as_json {
        let mut shown = json!({"id": id.as_str(), "secret": secret});
        if let (Some(password), Some(fields)) = (password, shown.as_object_mut()) {
            fields.insert("sip_password".to_owned(), password.as_str().into());
        }
        return print(&shown.to_string());
    }
    let sip = password.map(|password| format!("\nSIP password {password}")).unwrap_or_default();
    print(&format!(
        "device {id}\nsecret {secret}{sip}\nThe secret is not shown again; `steppewatch devices credential {id}` makes a new one."
    ))
}

/// Under which 20 digits a camera registers by GB/T 28181, if it is one.
fn sip_number(registry: &Registry, id: &DeviceId) -> Option<String> {
    let view = registry.view();
    let view = view.borrow();
    let device = view.device(id)?;
    let stated = device.external.iter().find(|name| name.system == "gb28181").map(|name| name.id.clone());
    let own = id.as_str().len() == 20 && id.as_str().bytes().all(|byte| byte.is_ascii_digit());
    stated.or_else(|| own.then(|| id.to_string()))
}

/// What a camera's page asks for. It is derived, so it can be shown again (docs/adr/0017).
fn show_sip_password(registry: &Registry, id: &DeviceId, as_json: bool) -> Result<()> {
    let number = sip_number(registry, id).with_context(|| {
        Misuse(format!("device {id} has no number of GB/T 28181; register it with --external gb28181=20 digits"))
    })?;
    let password = registry.sip_password(id)?;
    if as_json {
        return print(&json!({"id": id.as_str(), "number": number, "sip_password": password.as_str()}).to_string());
    }
    print(&format!("device {id}\nnumber {number}\nSIP password {password}"))
}

/// What a camera's page asks for to post its events. The password is the same as for SIP, and derived (docs/adr/0017, 0024).
fn show_camera_password(registry: &Registry, id: &DeviceId, as_json: bool) -> Result<()> {
    let password = registry.sip_password(id)?;
    let path = format!("/isapi/{id}");
    if as_json {
        let shown = json!({"id": id.as_str(), "path": path, "user": id.as_str(), "camera_password": password.as_str()});
        return print(&shown.to_string());
    }
    print(&format!(
        "device {id}\npath {path}\nuser {id}\npassword {password}\nWhere the camera's page has no field for a user the path is {path}/{password}."
    ))
}

fn shown(device: &Device) -> Value {
    json!({
        "id": device.id.as_str(),
        "kind": device.kind.as_str(),
        "model": device.model,
        "site": device.site,
        "disabled": device.disabled,
        "quarantined": device.quarantined,
        "cadence_s": device.cadence.as_secs(),
        "township": device.township.as_ref().map(TownshipCode::as_str),
        "place": device.place.map(|place| json!({"lat": place.lat_deg(), "lon": place.lon_deg()})),
        "via": device.via.as_ref().map(DeviceId::as_str),
        "external": device.external.iter().map(|one| (one.system.clone(), json!(one.id))).collect::<serde_json::Map<_, _>>(),
    })
}

pub(super) fn parse_id(id: &str) -> Result<DeviceId> {
    DeviceId::parse(id).map_err(|error| Misuse(error.to_string()).into())
}

fn described(args: AddArgs) -> Result<NewDevice> {
    let kind = parse_kind(&args.kind)?;
    let place = match (args.lat, args.lon) {
        (Some(lat), Some(lon)) => {
            Some(Position::parse(lat, lon).map_err(|error| Misuse(format!("--lat and --lon: {error}")))?)
        }
        _ => None,
    };
    let pose = match (args.height_m, args.hfov_deg) {
        (None, None) if args.yaw_deg.is_none() && args.pitch_deg.is_none() => None,
        (Some(height_m), Some(hfov_deg)) => Some(Pose {
            height_m,
            hfov_deg,
            yaw_deg: args.yaw_deg.unwrap_or(0.0),
            pitch_deg: args.pitch_deg.unwrap_or(0.0),
        }),
        _ => return Err(Misuse("a pose needs both --height-m and --hfov-deg; add the missing one".into()).into()),
    };
    let cadence = args.cadence.as_deref().map(|text| {
        units::duration(text)
            .with_context(|| Misuse(format!("--cadence is `{text}`, which is no duration; write for example 60s")))
    });
    Ok(NewDevice {
        id: parse_id(&args.id)?,
        kind,
        model: args.model,
        site: args.site,
        place,
        pose,
        township: args.township.as_deref().map(TownshipCode::parse).transpose().map_err(|e| Misuse(e.to_string()))?,
        cadence: cadence.transpose()?,
        via: args.via.as_deref().map(parse_id).transpose()?,
        external: args.external.iter().map(|text| external(text)).collect::<Result<_>>()?,
    })
}

pub(super) fn external(text: &str) -> Result<External> {
    let (system, id) = text.split_once('=').ok_or_else(|| {
        Misuse(format!("--external is `{text}`; write KEY=VALUE, for example dji=1581F6Q8D24000GRZ1"))
    })?;
    Ok(External { system: system.to_owned(), id: id.to_owned() })
}
