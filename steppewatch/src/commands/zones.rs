//! `steppewatch zones`: what is closed where.

use super::{Misuse, operator, print, registry};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use model::{Timestamp, ZoneKind};
use registry::{Datum, FeatureOutcome, ImportOptions, ImportReport};
use serde_json::json;
use std::path::PathBuf;

/// What can be done with zones.
#[derive(Subcommand)]
pub enum ZonesCommand {
    /// Import a GeoJSON file: all of it, or with a wrong feature nothing.
    Import(ImportArgs),
    /// List the zones in force.
    List,
    /// Print the zones in force as GeoJSON.
    Export {
        /// Only geojson so far.
        #[arg(long, default_value = "geojson", value_parser = ["geojson"])]
        format: String,
    },
}

/// How a file is to be read.
#[derive(Args)]
pub struct ImportArgs {
    /// GeoJSON: Feature or FeatureCollection of Polygon and MultiPolygon.
    file: PathBuf,
    /// The kind of every zone in the file, whatever the features say.
    #[arg(long)]
    kind: Option<String>,
    /// What the coordinates mean: wgs84, cgcs2000, gcj02 or bd09.
    #[arg(long, default_value = "wgs84")]
    datum: String,
    /// From when the versions hold, RFC 3339; without it from now.
    #[arg(long)]
    in_force: Option<String>,
    /// Say what would happen and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Carries the command out.
pub fn run(command: ZonesCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    match command {
        ZonesCommand::Import(args) => {
            let text = std::fs::read_to_string(&args.file).with_context(|| {
                Misuse(format!("{} cannot be read; name a GeoJSON file in UTF-8", args.file.display()))
            })?;
            let report = registry.import_zones(&text, options(&args)?, &operator(), "imported")?;
            show(&report, as_json)
        }
        ZonesCommand::Export { format: _ } => print(&registry.zones_geojson()),
        ZonesCommand::List => {
            let view = registry.view();
            let view = view.borrow();
            if as_json {
                let items = view.zones.iter().map(|zone| {
                    json!({"id": zone.id.as_str(), "name": zone.name, "kind": zone.kind.as_str(), "version": zone.version,
                           "township": zone.township.as_ref().map(|code| code.as_str())})
                });
                return print(&json!({ "items": items.collect::<Vec<_>>() }).to_string());
            }
            for zone in &view.zones {
                print(&format!(
                    "{:24} {:13} version {:<3} {}",
                    zone.id.as_str(),
                    zone.kind.as_str(),
                    zone.version,
                    zone.name
                ))?;
            }
            Ok(())
        }
    }
}

fn options(args: &ImportArgs) -> Result<ImportOptions> {
    let kind = args.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let known = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Misuse(format!("--kind is `{word}`, which is none of: {known}"))
        })
    });
    let datum = Datum::parse(&args.datum)
        .ok_or_else(|| Misuse(format!("--datum is `{}`; use wgs84, cgcs2000, gcj02 or bd09", args.datum)))?;
    let in_force = args.in_force.as_deref().map(|text| {
        Timestamp::parse_rfc3339(text).ok_or_else(|| {
            Misuse(format!("--in-force is `{text}`; write a time with a zone, for example 2026-12-01T00:00:00+08:00"))
        })
    });
    Ok(ImportOptions {
        kind: kind.transpose()?,
        datum,
        in_force: in_force.transpose()?,
        in_force_to: None,
        dry_run: args.dry_run,
    })
}

fn show(report: &ImportReport, as_json: bool) -> Result<()> {
    let outcome = |outcome: &FeatureOutcome| match outcome {
        FeatureOutcome::Published { version } => format!("version {version}"),
        FeatureOutcome::Unchanged { version } => format!("unchanged, version {version}"),
        FeatureOutcome::Refused(fault) => format!("refused: {fault}"),
    };
    if as_json {
        let features: Vec<_> = report
            .features
            .iter()
            .map(|feature| json!({"index": feature.index, "id": feature.id, "outcome": outcome(&feature.outcome)}))
            .collect();
        return print(&json!({"dry_run": report.dry_run, "features": features}).to_string());
    }
    for feature in &report.features {
        print(&format!("{:24} {}", feature.id.as_deref().unwrap_or("-"), outcome(&feature.outcome)))?;
    }
    print(&format!("{report}{}", if report.dry_run { " (dry run: nothing was changed)" } else { "" }))
}
