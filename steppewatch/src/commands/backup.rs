//! `steppewatch backup` and `steppewatch restore`.

use super::{Misuse, operator, print, registry};
use crate::backup::{self, Manifest};
use crate::config::Config;
use anyhow::{Context, Result};
use model::Clock;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What `backup` takes.
#[derive(clap::Args)]
pub struct BackupArgs {
    /// A folder that is empty or not there yet.
    dir: PathBuf,
    /// Only see whether the files of a backup that is there are what was copied.
    #[arg(long)]
    check: bool,
}

/// What `restore` takes.
#[derive(clap::Args)]
pub struct RestoreArgs {
    /// The folder of a backup.
    dir: PathBuf,
}

/// Copies the data folder, also while the service runs.
pub fn back_up(
    args: &BackupArgs,
    config: impl FnOnce() -> Result<Config, crate::config::ConfigError>,
    as_json: bool,
) -> Result<()> {
    if args.check {
        let manifest = Manifest::read(&args.dir)?;
        manifest.check(&args.dir)?;
        return show(&args.dir, &manifest, "is as it was made 与备份时一致", as_json);
    }
    let config = config()?;
    if !config.data.join("journal.db").exists() {
        let complaint =
            format!("there is no journal in {}; `data` has to name the service's folder", config.data.display());
        return Err(Misuse(complaint).into());
    }
    let manifest = backup::make(&config, &args.dir, &Clock::system(), &tell)
        .with_context(|| format!("{} is no backup", args.dir.display()))?;
    show(&args.dir, &manifest, "holds a backup 备份完成", as_json)
}

/// Copies a backup into the empty data folder.
pub fn restore(args: &RestoreArgs, config: &Config, as_json: bool) -> Result<()> {
    let manifest = backup::restore(config, &args.dir, &tell)?;
    let after = json!({"made_at": manifest.made_at, "journal_head": manifest.journal_head});
    registry(config)?.witness("platform.restore".to_owned(), Some(after), &operator())?;
    show(&config.data, &manifest, "is restored 已恢复", as_json)
}

/// What takes long says so.
fn tell(name: &str, bytes: u64) {
    const WORTH_A_LINE: u64 = 64 << 20;
    if bytes >= WORTH_A_LINE {
        eprintln!("{name}: {} MiB", bytes >> 20);
    }
}

fn show(folder: &Path, manifest: &Manifest, what: &str, as_json: bool) -> Result<()> {
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    if as_json {
        let made = json!({"ok": true, "dir": folder.display().to_string(), "tenant": manifest.tenant, "made_at": manifest.made_at,
                          "made_by": manifest.made_by, "files": files, "bytes": bytes, "journal_head": manifest.journal_head});
        return print(&made.to_string());
    }
    print(&format!(
        "{}: {what}：{}，{}，{files} 个文件 files，{} KiB，to journal entry {}",
        folder.display(),
        manifest.tenant,
        manifest.made_at,
        bytes.div_ceil(1024),
        manifest.journal_head
    ))
}
