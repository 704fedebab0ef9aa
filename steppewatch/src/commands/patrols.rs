//! `steppewatch patrols`: routes that are planned, and which device carries whose duty to be out.
//!
//! In: GeoJSON, a route's id, a device with duties.   Out: what was planned.   Never: a part of a file.

use super::{Misuse, operator, print, registry};
use crate::config::Config;
use anyhow::Result;
use clap::Subcommand;
use model::{DeviceId, PatrolRoute, Position};
use registry::{route_feature, routes_of};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A line of 2,000 routes with every bend.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// What can be done with patrols.
#[derive(Subcommand)]
pub enum PatrolsCommand {
    /// Plan the routes of a GeoJSON file of LineStrings: all of them or none. One of the same id is changed.
    Import {
        /// The file; each feature has `id`, `name` and, where they are known, `township`, `device`, `width_m`, `duty`.
        file: PathBuf,
    },
    /// List the planned routes; with --json as GeoJSON that `import` takes.
    List,
    /// Take a planned route away.
    Remove {
        /// Its id.
        id: String,
    },
    /// Say which duties a device's patrols count for; without any it carries none.
    Assign {
        /// The device.
        device: String,
        /// Names of `[[patrol_duty]]`, for example village_chief.
        duties: Vec<String>,
    },
}

/// Carries the command out.
pub fn run(command: PatrolsCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    let (line, answer) = match command {
        PatrolsCommand::Import { file } => {
            let routes = routes_of(&read(&file)?).map_err(|error| Misuse(error.to_string()))?;
            for duty in routes.iter().filter_map(|route| route.duty.as_deref()) {
                check(config, duty)?;
            }
            registry.plan_routes(&routes, &operator())?;
            (format!("{} routes are planned", routes.len()), json!({ "planned": routes.len() }))
        }
        PatrolsCommand::List => return list(&registry.view().borrow().patrol_routes, as_json),
        PatrolsCommand::Remove { id } => {
            registry.remove_route(&id, &operator())?;
            (format!("route {id} is gone"), json!({ "removed": id }))
        }
        PatrolsCommand::Assign { device, duties } => {
            for duty in &duties {
                check(config, duty)?;
            }
            let id = DeviceId::parse(&device).map_err(|error| Misuse(error.to_string()))?;
            registry.set_patrol_roles(&id, &duties, &operator())?;
            let line = match duties.as_slice() {
                [] => format!("{device} carries no duty"),
                duties => format!("{device} carries {}", duties.join(", ")),
            };
            (line, json!({ "device": device, "duties": duties }))
        }
    };
    print(&if as_json { answer.to_string() } else { line })
}

/// Here the configuration is at hand, and a slip of the pen can be told at once.
fn check(config: &Config, duty: &str) -> Result<(), Misuse> {
    if config.coverage.duties.iter().any(|known| known.name == duty) {
        return Ok(());
    }
    let known = config.coverage.duties.iter().map(|duty| duty.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(Misuse(format!("duty `{duty}` is none of the configuration; use one of: {known}")))
}

fn read(file: &Path) -> Result<Value> {
    let name = file.display();
    let size = std::fs::metadata(file)
        .map_err(|error| Misuse(format!("{name} cannot be read: {error}; name a GeoJSON file")))?;
    if size.len() > FILE_BYTES_MAX {
        return Err(Misuse(format!("{name} has more than 64 MiB; split it")).into());
    }
    let text = std::fs::read(file)?;
    Ok(serde_json::from_slice(&text)
        .map_err(|error| Misuse(format!("{name} is no JSON: {error}; export it as GeoJSON")))?)
}

fn list(routes: &[PatrolRoute], as_json: bool) -> Result<()> {
    if as_json {
        let features: Vec<Value> = routes.iter().map(route_feature).collect();
        return print(&json!({ "type": "FeatureCollection", "features": features }).to_string());
    }
    if routes.is_empty() {
        return print("没有规划路线 there are no planned routes");
    }
    for route in routes {
        let township = route.township.as_ref().map_or("-", |code| code.as_str());
        let device = route.device.as_ref().map_or("-", |id| id.as_str());
        let duty = route.duty.as_deref().unwrap_or("-");
        let km = length_m(route) / 1_000.0;
        print(&format!("{}  {}  {km:.1} km  {township}  {device}  {duty}", route.id, route.name))?;
    }
    Ok(())
}

fn length_m(route: &PatrolRoute) -> f64 {
    let place = |point: &model::GeoPoint| {
        let (lon, lat) = point.degrees();
        Position::parse(lat, lon).ok()
    };
    let places: Vec<Position> = route.line.iter().filter_map(place).collect();
    let leg = |pair: &[Position]| match pair {
        [from, to] => from.distance_m(*to),
        _ => 0.0,
    };
    places.windows(2).map(leg).sum()
}
