//! `steppewatch maintenance`: times in which somebody works on devices.
//!
//! In: on what, until when and why.   Out: what was announced.   Never: a time without an end.

use super::{Misuse, legal_time, operator, print, registry};
use crate::config::{Config, units};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use dashboards::maintenance_json;
use model::{Clock, DeviceId, MaintenanceScope, Timestamp, TownshipCode};
use registry::NewMaintenance;
use serde_json::json;

/// What can be done with maintenance.
#[derive(Subcommand)]
pub enum MaintenanceCommand {
    /// Announce that somebody works on devices: their silence and flaws are no news.
    Announce(AnnounceArgs),
    /// List what is ahead, holds, or was over within a month.
    List,
    /// End a maintenance now.
    End {
        /// Its number.
        id: u64,
    },
}

/// Who works on what.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("scope").required(true).args(["device", "site", "township"])))]
#[command(group(clap::ArgGroup::new("end").required(true).args(["until", "last"])))]
pub struct AnnounceArgs {
    /// A device, and what it speaks for.
    #[arg(long)]
    device: Option<String>,
    /// A mast, dock or link.
    #[arg(long)]
    site: Option<String>,
    /// A township.
    #[arg(long)]
    township: Option<String>,
    /// From when; now, if left out.
    #[arg(long)]
    from: Option<String>,
    /// Until when.
    #[arg(long)]
    until: Option<String>,
    /// Or for how long, for example 2h.
    #[arg(long = "for")]
    last: Option<String>,
    /// What is done.
    #[arg(long)]
    reason: String,
}

/// Carries the command out.
pub fn run(command: MaintenanceCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    let clock = Clock::system();
    match command {
        MaintenanceCommand::Announce(args) => {
            let new = described(args, clock.now())?;
            let id = registry.announce_maintenance(&new, &operator())?;
            let words = || {
                format!("maintenance {id} of {} {} until {}", new.scope.kind(), new.scope.name(), new.until.to_legal())
            };
            print(&if as_json { json!({"id": id}).to_string() } else { words() })
        }
        MaintenanceCommand::List => {
            let announced = registry.maintenance()?;
            if as_json {
                let items: Vec<_> = announced.iter().map(|work| maintenance_json(work, &clock)).collect();
                return print(&json!({"items": items}).to_string());
            }
            for work in &announced {
                print(&format!(
                    "{} {} {} {} - {} {} {}",
                    work.id,
                    work.scope.kind(),
                    work.scope.name(),
                    work.from.to_legal(),
                    work.until.to_legal(),
                    work.by,
                    work.reason
                ))?;
            }
            if announced.is_empty() { print("没有维护 there is no maintenance") } else { Ok(()) }
        }
        MaintenanceCommand::End { id } => {
            registry.end_maintenance(id, &operator())?;
            print(&if as_json {
                json!({"id": id, "done": "ended"}).to_string()
            } else {
                format!("maintenance {id} is ended")
            })
        }
    }
}

fn described(args: AnnounceArgs, now: Timestamp) -> Result<NewMaintenance> {
    let misuse = |error: model::BadName| Misuse(error.to_string());
    let scope = match (args.device, args.site, args.township) {
        (Some(device), _, _) => MaintenanceScope::Device(DeviceId::parse(&device).map_err(misuse)?),
        (_, Some(site), _) => MaintenanceScope::Site(site),
        (_, _, code) => MaintenanceScope::Township(TownshipCode::parse(&code.unwrap_or_default()).map_err(misuse)?),
    };
    let from = legal_time("--from", args.from.as_deref())?.unwrap_or(now);
    let last = args.last.as_deref().map(|text| {
        units::duration(text)
            .with_context(|| Misuse(format!("--for is `{text}`, which is no duration; write for example 2h")))
    });
    let until = match (legal_time("--until", args.until.as_deref())?, last.transpose()?) {
        (Some(until), _) => until,
        (None, last) => from.plus(last.unwrap_or_default()),
    };
    Ok(NewMaintenance { scope, from, until, reason: args.reason })
}
