//! `steppewatch zones import`: a surveyor's file becomes versions, or a proposal of them.
//!
//! In: a file, how it is to be read, why.   Out: a line for each feature.   Never: half a file.

use super::datum;
use crate::commands::{Misuse, imported_from, legal_time, operator, print};
use anyhow::{Context, Result};
use clap::Args;
use dashboards::proposal_json;
use model::ZoneKind;
use registry::{ImportOptions, ImportReport, Proposal, Registry};
use serde_json::json;
use std::path::PathBuf;

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
    /// From when the versions hold: a legal date or RFC 3339; without it from now.
    #[arg(long)]
    in_force: Option<String>,
    /// From when they do not hold any more; without it until others replace them.
    #[arg(long)]
    in_force_to: Option<String>,
    /// Why the zones change; it is kept with each version. Without it: imported from FILE.
    #[arg(long)]
    reason: Option<String>,
    /// Say what would happen and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Carries the command out.
pub fn run(registry: &Registry, args: &ImportArgs, second_person: bool, as_json: bool) -> Result<()> {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| Misuse(format!("{} cannot be read; name a GeoJSON file in UTF-8", args.file.display())))?;
    let (options, by) = (options(args)?, operator());
    let reason = args.reason.clone().unwrap_or_else(|| imported_from(&args.file));
    if second_person && !args.dry_run {
        let (proposal, report) = registry.propose_zones(&text, options, &by, &reason)?;
        return show(&report, Some(&proposal), as_json);
    }
    show(&registry.import_zones(&text, options, &by, &reason)?, None, as_json)
}

fn options(args: &ImportArgs) -> Result<ImportOptions> {
    let kind = args.kind.as_deref().map(|word| {
        ZoneKind::parse(word).ok_or_else(|| {
            let known = ZoneKind::ALL.map(ZoneKind::as_str).join(", ");
            Misuse(format!("--kind is `{word}`, which is none of: {known}"))
        })
    });
    Ok(ImportOptions {
        kind: kind.transpose()?,
        datum: datum(&args.datum)?,
        in_force: legal_time("--in-force", args.in_force.as_deref())?,
        in_force_to: legal_time("--in-force-to", args.in_force_to.as_deref())?,
        dry_run: args.dry_run,
    })
}

fn show(report: &ImportReport, proposal: Option<&Proposal>, as_json: bool) -> Result<()> {
    if as_json {
        let features = report.features.iter().map(|feature| {
            let notes: Vec<_> = feature.notes.iter().map(ToString::to_string).collect();
            json!({"index": feature.index, "id": feature.id, "outcome": feature.outcome.to_string(), "notes": notes})
        });
        let features: Vec<_> = features.collect();
        let proposal = proposal.map(proposal_json);
        return print(&json!({"dry_run": report.dry_run, "features": features, "proposal": proposal}).to_string());
    }
    print(&report.text())?;
    match proposal {
        Some(proposal) => print(&format!(
            "提案 proposal {}, 等待另一人批准 waits for another person: steppewatch zones approve {}",
            proposal.id, proposal.id
        )),
        None if report.dry_run => print("(dry run: nothing was changed)"),
        None => Ok(()),
    }
}
