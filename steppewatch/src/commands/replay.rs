//! `steppewatch replay`: what a stretch of the journal would have led to under other zones or rules.

use super::{Misuse, journal, legal_time, print, registry, zones};
use crate::config::Config;
use crate::replay::{Difference, Stretch, compare, difference_json, merged, world};
use anyhow::{Context, Result};
use clap::Args;
use model::{Case, ClosureCalendar, Timestamp};
use registry::ImportOptions;
use std::path::{Path, PathBuf};

/// What is to be judged again.
#[derive(Args)]
pub struct ReplayArgs {
    /// From this legal date or RFC 3339 instant.
    #[arg(long)]
    from: String,
    /// Until this legal date (its beginning) or RFC 3339 instant.
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
    let instant = |flag: &str, text: &str| -> Result<Timestamp> {
        legal_time(flag, Some(text))?.with_context(|| format!("{flag} is missing"))
    };
    let stretch = Stretch { from: instant("--from", &args.from)?, to: instant("--to", &args.to)? };
    if stretch.from >= stretch.to {
        return Err(Misuse(format!("--from {} is not before --to {}", args.from, args.to)).into());
    }
    let view = registry(config)?.view().borrow().clone();
    let zones = match &args.zones {
        Some(file) => {
            let survey = zones::survey(file, &Default::default())?;
            let drafts = registry::drafts(&survey, ImportOptions::default())?;
            merged(&view.zones, drafts.into_iter().map(|draft| draft.preview()).collect())
        }
        None => view.zones.clone(),
    };
    let calendar = match &args.rules {
        Some(file) => ClosureCalendar { rules: rules_of(file)?, decisions: view.calendar.decisions.clone() },
        None => view.calendar.clone(),
    };
    let relief = crate::relief::open(&config.data);
    let present = world(&view, view.zones.clone(), view.calendar.clone(), &relief)?;
    let worlds = [present, world(&view, zones, calendar, &relief)?];
    let reader = journal::reader(&journal::path(config))?;
    let difference = compare(&reader, stretch, &config.detection, worlds, None, said())?;
    if as_json { print(&difference_json(&difference).to_string()) } else { show(&difference) }
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

fn rules_of(file: &Path) -> Result<Vec<model::ClosureRule>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| Misuse(format!("{} cannot be read; name a calendar file", file.display())))?;
    registry::rules::parse(&text).map_err(|error| Misuse(format!("{}: {error}", file.display())).into())
}

/// An incident on one line.
fn line(case: &Case) -> String {
    let zones: Vec<_> = case.zones.iter().map(|zone| zone.name.as_str()).collect();
    format!(
        "{}  {} — {}  {:.5},{:.5}  {}  {}",
        case.id,
        case.first_seen.to_legal(),
        case.last_seen.to_legal(),
        case.position.lat_deg(),
        case.position.lon_deg(),
        zones.join(", "),
        case.closure.rule,
    )
}

/// What differs, for people.
pub fn show(difference: &Difference) -> Result<()> {
    let Difference { gained, lost, changed, alike, entries } = difference;
    for (sign, cases) in [("+", gained), ("-", lost)] {
        for case in cases {
            print(&format!("{sign} {}", line(case)))?;
        }
    }
    for (was, would_be) in changed {
        print(&format!("~ {}\n  {}", line(was), line(would_be)))?;
    }
    print(&format!(
        "{entries} entries judged: 新增 {} incidents gained, 减少 {} lost, 变化 {} changed, 不变 {alike} alike",
        gained.len(),
        lost.len(),
        changed.len()
    ))
}
