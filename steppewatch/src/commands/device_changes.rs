//! `steppewatch devices edit` and `devices import`: many devices at once.
//!
//! In: ids and what to change, or a list as a table.   Out: what became of them; the secrets of new ones, this once.   Never: half
//! of it, nor a field that was not named.

use super::devices::{external, parse_id, parse_kind};
use super::{Misuse, operator, print};
use crate::config::units;
use anyhow::{Context, Result};
use clap::Args;
use dashboards::imported_json;
use model::{Position, TownshipCode};
use registry::{DeviceEdit, Registry, device_rows};
use serde_json::json;
use std::path::PathBuf;

/// What to change, of which devices. An empty word takes a field away.
#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct EditArgs {
    /// The devices' ids.
    #[arg(required = true)]
    ids: Vec<String>,
    /// camera, drone, station, collar, gateway or ranger.
    #[arg(long)]
    kind: Option<String>,
    /// Make and model; '' takes it away, likewise below.
    #[arg(long)]
    model: Option<String>,
    /// The mast, dock or link that it shares its fate with.
    #[arg(long)]
    site: Option<String>,
    /// Latitude, degrees north (WGS84).
    #[arg(long, requires = "lon")]
    lat: Option<f64>,
    /// Longitude, degrees east (WGS84).
    #[arg(long, requires = "lat")]
    lon: Option<f64>,
    /// Code of the township.
    #[arg(long)]
    township: Option<String>,
    /// How often it promises to speak, for example 60s.
    #[arg(long)]
    cadence: Option<String>,
    /// The gateway that speaks for it.
    #[arg(long)]
    via: Option<String>,
    /// Its name in another system, KEY=VALUE; names in the same system are replaced.
    #[arg(long)]
    external: Vec<String>,
}

/// A list to take in.
#[derive(Args)]
pub struct ImportArgs {
    /// CSV with id and any of kind, model, site, lat, lon, height_m, yaw_deg, pitch_deg, hfov_deg, township, cadence_s, via and
    /// names in other systems, or their Chinese names; UTF-8 or GBK.
    file: PathBuf,
    /// Only say what would become of it.
    #[arg(long)]
    dry_run: bool,
}

/// Changes devices.
pub fn edit(registry: &Registry, args: EditArgs, as_json: bool) -> Result<()> {
    let ids = args.ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>>>()?;
    let changed = registry.edit_devices(&ids, &described(args)?, &operator())?;
    print(&if as_json {
        json!({"changed": changed}).to_string()
    } else {
        format!("{changed} of {} devices changed", ids.len())
    })
}

fn described(args: EditArgs) -> Result<DeviceEdit> {
    let or_none = |text: Option<String>| text.map(|text| Some(text).filter(|text| !text.is_empty()));
    let place = args.lat.zip(args.lon).map(|(lat, lon)| Position::parse(lat, lon)).transpose();
    let township = or_none(args.township).map(|code| code.as_deref().map(TownshipCode::parse).transpose()).transpose();
    let cadence = args.cadence.as_deref().map(|text| {
        units::duration(text)
            .with_context(|| Misuse(format!("--cadence is `{text}`, which is no duration; write for example 60s")))
    });
    Ok(DeviceEdit {
        kind: args.kind.as_deref().map(parse_kind).transpose()?,
        model: or_none(args.model),
        site: or_none(args.site),
        place: place.map_err(|error| Misuse(format!("--lat and --lon: {error}")))?.map(Some),
        pose: None,
        township: township.map_err(|error| Misuse(error.to_string()))?,
        cadence: cadence.transpose()?,
        via: or_none(args.via).map(|via| via.as_deref().map(parse_id).transpose()).transpose()?,
        external: args.external.iter().map(|text| external(text)).collect::<Result<_>>()?,
    })
}

/// Takes in a list. The secrets of new devices come as a table of their own, to be kept where secrets are.
pub fn import(registry: &Registry, args: &ImportArgs, as_json: bool) -> Result<()> {
    let file = args.file.display();
    let bytes = std::fs::read(&args.file).with_context(|| Misuse(format!("{file} cannot be read; name a CSV file")))?;
    let rows = device_rows(&bytes).map_err(|error| Misuse(format!("{file}: {error}")))?;
    let done = registry.import_devices(&rows, args.dry_run, &operator())?;
    if as_json {
        return print(&json!(imported_json(&done, args.dry_run)).to_string());
    }
    let would = if args.dry_run { "would be " } else { "" };
    eprintln!("devices: {} {would}new, {} {would}changed, {} as before", done.new.len(), done.changed, done.same);
    if args.dry_run || done.new.is_empty() {
        return Ok(());
    }
    eprintln!("The secrets below are not shown again; `steppewatch devices credential ID` makes a new one.");
    print("id,secret")?;
    done.new.iter().try_for_each(|(id, secret)| print(&format!("{id},{}", secret.as_str())))
}
