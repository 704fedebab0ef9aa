//! `steppewatch replay`: what a stretch of the journal would have led to under other zones or rules.

use super::{Misuse, journal, print, registry};
use crate::config::Config;
use crate::replay::{Difference, Stretch, compare};
use anyhow::{Context, Result};
use clap::Args;
use detect::World;
use model::{Case, ClosureRule, Timestamp, Zone};
use registry::{ImportOptions, Registry, View};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is to be judged again.
#[derive(Args)]
pub struct ReplayArgs {
    /// From this instant, RFC 3339 with a zone.
    #[arg(long)]
    from: String,
    /// Until this instant, RFC 3339 with a zone.
    #[arg(long)]
    to: String,
    /// Zones as they would be: those of the same id are replaced, new ones are added, the rest stays.
    #[arg(long, value_name = "FILE")]
    zones: Option<PathBuf>,
    /// The closure calendar as it would be.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// Carries the command out.
pub fn run(args: &ReplayArgs, config: &Config, as_json: bool) -> Result<()> {
    let stretch = Stretch { from: instant("--from", &args.from)?, to: instant("--to", &args.to)? };
    if stretch.from >= stretch.to {
        return Err(Misuse(format!("--from {} is not before --to {}", args.from, args.to)).into());
    }
    let registry = registry(config)?;
    let view = registry.view().borrow().clone();
    let zones = match &args.zones {
        Some(file) => proposed(&registry, &view, file)?,
        None => view.zones.clone(),
    };
    let rules = match &args.rules {
        Some(file) => rules_of(file)?,
        None => view.rules.clone(),
    };
    let world = |zones: Vec<Arc<Zone>>, rules: Vec<ClosureRule>| {
        World::new(view.devices.clone(), zones, rules).map(Arc::new).context("the zones cannot be indexed")
    };
    let worlds = [world(view.zones.clone(), view.rules.clone())?, world(zones, rules)?];
    let reader = journal::reader(&journal::path(config))?;
    let difference = compare(&reader, stretch, &detect::Settings::default(), worlds, None, said())?;
    show(&difference, as_json)
}

/// Tells how far it is, once for each tenth.
pub fn said() -> impl FnMut(f64) {
    let mut told = 0;
    move |share| {
        // Of a number between 0 and 1.
        let tenth = (share * 10.0) as u32;
        if tenth > told {
            told = tenth;
            eprintln!("judged {} %", tenth * 10);
        }
    }
}

fn instant(name: &str, text: &str) -> Result<Timestamp> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Misuse(format!("{name} is `{text}`; write a time with a zone, for example 2026-04-01T00:00:00+08:00")).into()
    })
}

fn rules_of(file: &Path) -> Result<Vec<ClosureRule>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| Misuse(format!("{} cannot be read; name a calendar file", file.display())))?;
    registry::rules::parse(&text).map_err(|error| Misuse(format!("{}: {error}", file.display())).into())
}

/// The zones in force with those of the file in their places.
fn proposed(registry: &Registry, view: &View, file: &Path) -> Result<Vec<Arc<Zone>>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| Misuse(format!("{} cannot be read; name a GeoJSON file in UTF-8", file.display())))?;
    let (zones, _report) = registry.proposed_zones(&text, ImportOptions::default())?;
    Ok(merged(&view.zones, zones))
}

/// By id: what is proposed replaces what is there.
pub fn merged(present: &[Arc<Zone>], proposed: Vec<Zone>) -> Vec<Arc<Zone>> {
    let mut zones: Vec<Arc<Zone>> = proposed.into_iter().map(Arc::new).collect();
    zones.extend(present.iter().filter(|zone| zones.iter().all(|other| other.id != zone.id)).cloned().collect::<Vec<_>>());
    zones.sort_by(|left, right| left.id.cmp(&right.id));
    zones
}

/// An incident on one line.
fn line(case: &Case) -> String {
    let zones: Vec<_> = case.zones.iter().map(|zone| zone.name.as_str()).collect();
    format!(
        "{}  {} — {}  {:.5},{:.5}  {}  {}",
        case.id,
        case.first_seen.to_rfc3339(),
        case.last_seen.to_rfc3339(),
        case.position.lat_deg(),
        case.position.lon_deg(),
        zones.join(", "),
        case.closure.rule,
    )
}

/// The same for programs.
pub fn case_json(case: &Case) -> Value {
    json!({
        "id": case.id.to_string(), "first_seen": case.first_seen.to_rfc3339(), "last_seen": case.last_seen.to_rfc3339(),
        "position": {"lat": case.position.lat_deg(), "lon": case.position.lon_deg()},
        "zones": case.zones.iter().map(|zone| json!({"id": zone.id.as_str(), "name": zone.name, "version": zone.version})).collect::<Vec<_>>(),
        "rule": case.closure.rule, "level": case.closure.level.as_str(), "authority": case.authority.as_str(),
        "sheep_units": {"low": case.sheep_units.low, "high": case.sheep_units.high},
    })
}

fn show(difference: &Difference, as_json: bool) -> Result<()> {
    let Difference { gained, lost, changed, alike, entries } = difference;
    if as_json {
        let changed: Vec<_> = changed.iter().map(|(was, is)| json!({"was": case_json(was), "would_be": case_json(is)})).collect();
        return print(
            &json!({"entries": entries, "alike": alike, "gained": gained.iter().map(case_json).collect::<Vec<_>>(),
                    "lost": lost.iter().map(case_json).collect::<Vec<_>>(), "changed": changed})
            .to_string(),
        );
    }
    for (sign, cases) in [("+", gained), ("-", lost)] {
        for case in cases {
            print(&format!("{sign} {}", line(case)))?;
        }
    }
    for (was, would_be) in changed {
        print(&format!("~ {}\n  {}", line(was), line(would_be)))?;
    }
    print(&format!(
        "{entries} entries judged: {} incidents gained, {} lost, {} changed, {alike} alike",
        gained.len(),
        lost.len(),
        changed.len()
    ))
}
