//! `steppewatch households`: who keeps animals, and by which marks they are known.
//!
//! In: a ledger as a table, or a household's number.   Out: what became of it.   Never: a phone number but to `phone`, which the
//! audit names.

use super::{Misuse, operator, print, registry};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::Subcommand;
use dashboards::household_json;
use model::{HouseholdId, Stock, TownshipCode};
use registry::{HouseholdImport, Registry, household_rows};
use serde_json::json;
use std::path::PathBuf;

/// What can be done with households.
#[derive(Subcommand)]
pub enum HouseholdsCommand {
    /// Take in a ledger: all of it, or none of it and the reason for each wrong line.
    Import {
        /// CSV with the columns household, name, township, stock, phone, ear_tag, collar, face_id; UTF-8 or GBK.
        file: PathBuf,
    },
    /// List the households and their animals.
    List,
    /// Forget a household and its animals.
    Remove {
        /// Its number.
        id: String,
    },
    /// Print how to reach a household; the audit says who asked.
    Phone {
        /// Its number.
        id: String,
    },
}

/// Carries the command out.
pub fn run(command: HouseholdsCommand, config: &Config, as_json: bool) -> Result<()> {
    let registry = registry(config)?;
    match command {
        HouseholdsCommand::Import { file } => {
            let bytes = std::fs::read(&file)
                .with_context(|| Misuse(format!("{} cannot be read; name a CSV file", file.display())))?;
            let rows = household_rows(&bytes).map_err(|error| Misuse(format!("{}: {error}", file.display())))?;
            imported(registry.import_households(&rows, &operator())?, as_json)
        }
        HouseholdsCommand::List => list(&registry, as_json),
        HouseholdsCommand::Remove { id } => {
            let id = parse_id(&id)?;
            registry.remove_household(&id, &operator())?;
            print(&if as_json {
                json!({"id": id.as_str(), "done": "removed"}).to_string()
            } else {
                format!("{id} is removed")
            })
        }
        HouseholdsCommand::Phone { id } => {
            let id = parse_id(&id)?;
            let phone = registry.household_phone(&id, &operator())?;
            let words = || phone.clone().unwrap_or_else(|| format!("no phone of {id} is known"));
            print(&if as_json { json!({"id": id.as_str(), "phone": phone}).to_string() } else { words() })
        }
    }
}

fn parse_id(id: &str) -> Result<HouseholdId> {
    HouseholdId::parse(id).map_err(|error| Misuse(error.to_string()).into())
}

fn imported(done: HouseholdImport, as_json: bool) -> Result<()> {
    let HouseholdImport { new, changed, same, animals_new, animals_moved } = done;
    if as_json {
        let done = json!({
            "new": new, "changed": changed, "same": same, "animals_new": animals_new, "animals_moved": animals_moved,
        });
        return print(&done.to_string());
    }
    print(&format!(
        "households: {new} new, {changed} changed, {same} as before; animals: {animals_new} new, {animals_moved} moved from another household"
    ))
}

fn list(registry: &Registry, as_json: bool) -> Result<()> {
    let view = registry.view().borrow().clone();
    let animals = view.households.animals();
    if as_json {
        let items = view.households.all().map(|household| household_json(household, animals.get(&household.id)));
        return print(&json!({"items": items.collect::<Vec<_>>()}).to_string());
    }
    for household in view.households.all() {
        let stock = match household.stock {
            Stock::Local => "本地 local",
            Stock::Outside => "外场 outside",
        };
        let known = animals.get(&household.id).map_or(0, Vec::len);
        let township = household.township.as_ref().map_or("-", TownshipCode::as_str);
        print(&format!(
            "{:16} {:12} {stock:10} {known:5} animals  {}",
            household.id.as_str(),
            township,
            household.name
        ))?;
    }
    if view.households.is_empty() { print("没有牧户 there are no households") } else { Ok(()) }
}
