//! `steppewatch zones`: what is closed where, then and now.

mod at;
mod import;

pub use import::survey;

use super::{Misuse, legal_time, operator, print, proposals, registry};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use dashboards::version_json;
use model::{Clock, Timestamp, Zone, ZoneId};
use registry::{Datum, Registry, Topic, ZoneVersion};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use survey::Format;

/// What can be done with zones.
#[derive(Subcommand)]
pub enum ZonesCommand {
    /// Import a surveyor's file (shapefile, GeoJSON, KML, GeoPackage): all of it, or with a wrong feature nothing.
    Import(Box<import::ImportArgs>),
    /// Say in which zones a place lies, who enforces there, by which rule and since when.
    At(at::AtArgs),
    /// List the zones in force.
    List(When),
    /// Write the zones in force as GeoJSON, KML or a packed shapefile.
    Export {
        /// geojson, kml, or shp, which is one .zip.
        #[arg(long, default_value = "geojson", value_parser = ["geojson", "kml", "shp"])]
        format: String,
        /// Where to; without it on standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        when: When,
    },
    /// List every version of a zone, oldest first.
    Versions {
        /// The zone's id.
        id: String,
    },
    /// End a zone from a date on; imported again it is back.
    Repeal {
        /// The zone's id.
        id: String,
        /// The first legal date on which it is none, or RFC 3339.
        #[arg(long)]
        from: String,
        /// Why; it is kept with the version.
        #[arg(long)]
        reason: String,
    },
    /// List the changes that wait for a second person, and those that were decided.
    Proposals,
    /// Carry out what another person proposed.
    Approve {
        /// The proposal's number.
        id: u64,
    },
    /// Lay a proposal aside.
    Decline {
        /// The proposal's number.
        id: u64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Of which time.
#[derive(Args)]
pub struct When {
    /// In force when: a legal date or RFC 3339; without it now.
    #[arg(long)]
    time: Option<String>,
    /// As known when; without it now.
    #[arg(long)]
    known: Option<String>,
}

/// Carries the command out.
pub fn run(command: ZonesCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    let now = Clock::system().now();
    match command {
        ZonesCommand::Import(args) => import::run(&args, &registry, config, as_json),
        ZonesCommand::At(args) => at::run(&args, &registry, now, as_json),
        ZonesCommand::Export { format, out, when } => {
            let zones = match when.times(now)? {
                None => registry.view().borrow().zones.clone(),
                Some((time, known)) => registry.zones_as_of(time, known)?,
            };
            export(&zones, &format, out.as_deref())
        }
        ZonesCommand::List(when) => match when.times(now)? {
            None => list(&registry.view().borrow().zones, as_json),
            Some((time, known)) => list(&registry.zones_as_of(time, known)?, as_json),
        },
        ZonesCommand::Versions { id } => versions(&registry, &parse_id(&id)?, now, as_json),
        ZonesCommand::Repeal { id, from, reason } => {
            let from = legal_time("--from", Some(&from))?.unwrap_or(now);
            let id = parse_id(&id)?;
            if config.second_person {
                return proposals::show(&registry.propose_repeal(&id, from, &operator(), &reason)?, as_json);
            }
            let version = registry.repeal_zone(&id, from, &operator(), &reason)?;
            print(&if as_json {
                json!({ "id": id.as_str(), "version": version }).to_string()
            } else {
                format!("{id} 自 from {} 起撤销 is repealed, version {version}", from.to_legal())
            })
        }
        ZonesCommand::Proposals => proposals::list(&registry, Topic::Zones, as_json),
        ZonesCommand::Approve { id } => proposals::approve(&registry, Topic::Zones, id, as_json),
        ZonesCommand::Decline { id, reason } => proposals::decline(&registry, Topic::Zones, id, &reason, as_json),
    }
}

impl When {
    /// In force when and as known when; `None` where neither is given, which is what the view holds.
    fn times(&self, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, Misuse> {
        let time = legal_time("--time", self.time.as_deref())?;
        let known = legal_time("--known", self.known.as_deref())?;
        let given = time.is_some() || known.is_some();
        Ok(given.then(|| (time.unwrap_or(now), known.unwrap_or(now))))
    }
}

fn parse_id(id: &str) -> Result<ZoneId, Misuse> {
    ZoneId::parse(id).map_err(|error| Misuse(error.to_string()))
}

fn datum(word: &str) -> Result<Datum, Misuse> {
    Datum::parse(word).ok_or_else(|| Misuse(format!("--datum is `{word}`; use wgs84, cgcs2000, gcj02 or bd09")))
}

fn export(zones: &[Arc<Zone>], format: &str, out: Option<&Path>) -> Result<()> {
    let format = match format {
        "kml" => Format::Kml,
        "shp" => Format::Shapefile,
        _ => Format::GeoJson,
    };
    let bytes = registry::export_zones(zones, format)?;
    match out {
        Some(file) => std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display())),
        None if format == Format::Shapefile && std::io::stdout().is_terminal() => {
            Err(Misuse("a packed shapefile is no text; name a file with --out".to_owned()).into())
        }
        None => Ok(std::io::stdout().lock().write_all(&bytes)?),
    }
}

fn list(zones: &[Arc<Zone>], as_json: bool) -> Result<()> {
    if as_json {
        let items = zones.iter().map(|zone| {
            json!({"id": zone.id.as_str(), "name": zone.name, "kind": zone.kind.as_str(), "version": zone.version,
                   "township": zone.township.as_ref().map(|code| code.as_str()), "authority": zone.authority().as_str(),
                   "in_force_from": zone.in_force_from.to_rfc3339(),
                   "in_force_to": zone.in_force_to.map(Timestamp::to_rfc3339)})
        });
        return print(&json!({ "items": items.collect::<Vec<_>>() }).to_string());
    }
    for zone in zones {
        print(&format!("{:24} {:13} version {:<3} {}", zone.id.as_str(), zone.kind.as_str(), zone.version, zone.name))?;
    }
    Ok(())
}

fn versions(registry: &Registry, id: &ZoneId, now: Timestamp, as_json: bool) -> Result<()> {
    let versions = registry.zone_versions(id)?;
    if versions.is_empty() {
        let error = registry::RegistryError::NotFound { what: "zone", name: id.to_string() };
        return Err(error.into());
    }
    if as_json {
        let view = registry.view().borrow().clone();
        let closure = |version: &ZoneVersion| detect::closure::closure_at(&view.calendar, &version.zone, now);
        let items: Vec<_> = versions.iter().map(|version| version_json(version, &closure(version))).collect();
        return print(&json!({ "items": items }).to_string());
    }
    versions.iter().try_for_each(|version| print(&version_words(version)))
}

fn version_words(version: &ZoneVersion) -> String {
    let zone = &version.zone;
    let what = if version.repealed { "撤销 repealed" } else { zone.kind.as_str() };
    let mut text = format!("version {:<3} {what} {}", zone.version, zone.name);
    for period in &version.decides {
        let until = super::words::until(period.to, "直至另行公布 until it is replaced");
        text.push_str(&format!("\n  生效 in force     {} {until}", period.from.to_legal()));
    }
    text.push_str(&format!(
        "\n  公布 known since  {} {}: {}",
        zone.known_from.to_legal(),
        zone.published_by,
        zone.reason
    ));
    if let Some(at) = version.known_to {
        text.push_str(&format!("\n  已被取代 replaced {}", at.to_legal()));
    }
    text
}
