//! `steppewatch journal`: is what devices said still what they said?

use super::{Misuse, print};
use crate::config::Config;
use anyhow::{Context, Result};
use clap::Subcommand;
use journal::JournalError;
use journal::sqlite::{SqliteJournal, SqliteReader, Verified};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What can be done with the journal.
#[derive(Subcommand)]
pub enum JournalCommand {
    /// Walk the whole hash chain, also while the service writes: says how many entries there are, or names the first that was
    /// cut or edited.
    Verify,
}

/// The journal of a data folder.
pub fn path(config: &Config) -> PathBuf {
    config.data.join("journal.db")
}

/// Opens it for looking only; never makes one.
pub fn reader(path: &Path) -> Result<SqliteReader> {
    if !path.exists() {
        let complaint = format!("there is no journal at {}; `data` has to name the service's folder", path.display());
        return Err(Misuse(complaint).into());
    }
    Ok(SqliteJournal::open_read_only(path)?)
}

/// Carries the command out.
pub fn run(command: &JournalCommand, config: &Config, as_json: bool) -> Result<()> {
    let JournalCommand::Verify = command;
    let path = path(config);
    let reader = reader(&path)?;
    let tenant = reader.tenant()?;
    match reader.verify() {
        Ok(verified) => show(&path, tenant.as_deref(), &verified, as_json),
        Err(error) => {
            if let (JournalError::ChainBroken { offset }, true) = (&error, as_json) {
                let found = json!({"ok": false, "journal": path.display().to_string(), "tenant": tenant,
                                   "first_broken_entry": offset, "reason": error.to_string()});
                print(&found.to_string())?;
            }
            Err(error).with_context(|| format!("{} is not what was written", path.display()))
        }
    }
}

fn show(path: &Path, tenant: Option<&str>, verified: &Verified, as_json: bool) -> Result<()> {
    let tip: String = verified.chain_tip.iter().map(|byte| format!("{byte:02x}")).collect();
    if as_json {
        let found = json!({"ok": true, "journal": path.display().to_string(), "tenant": tenant, "entries": verified.entries,
                           "from": verified.from.0, "to": verified.to.0, "chain_tip": tip});
        return print(&found.to_string());
    }
    let range = if verified.entries == 0 {
        "holds no entries".to_owned()
    } else {
        format!(
            "entries {} to {}, {} in all, are as they were written",
            verified.from.0, verified.to.0, verified.entries
        )
    };
    print(&format!(
        "{}: {range}\ntenant {}\nchain ends at {tip}; written down elsewhere, it proves everything before it",
        path.display(),
        tenant.unwrap_or("not named"),
    ))
}
