//! A backup back into an empty data folder.
//!
//! In: a backup.   Out: a data folder that the service can start from, or an error and a folder that it refuses to start from.

use super::{Manifest, Progress, copy, inside, make_room};
use crate::config::Config;
use anyhow::{Context, Result, bail};
use copy::Kind;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// There as long as not everything is.
const UNFINISHED: &str = "restore-unfinished";

/// Whether a restore into this folder was cut off.
pub fn is_half_restored(data: &Path) -> bool {
    data.join(UNFINISHED).exists()
}

/// Copies a backup into the data folder of a configuration, which must be empty or not there yet, and checks every file on the way.
///
/// # Errors
/// When the folder holds something, the backup is another tenant's, or a file is not what was backed up.
pub fn restore(config: &Config, from: &Path, progress: Progress<'_>) -> Result<Manifest> {
    let manifest = Manifest::read(from)?;
    if manifest.tenant != config.tenant.as_str() {
        bail!("the backup is of `{}`, and `tenant` is `{}`; name its configuration", manifest.tenant, config.tenant);
    }
    make_room(&config.data, manifest.bytes()).context("`data` has to name where the backup is to go")?;
    let owner = fs::metadata(&config.data)?;
    let unfinished = config.data.join(UNFINISHED);
    fs::write(&unfinished, "A restore was cut off. Empty this folder and restore again.\n")?;
    for file in &manifest.files {
        progress(&file.name, file.bytes);
        let (old, new) = (inside(from, &file.name)?, inside(&config.data, &file.name)?);
        let there =
            copy::copy(&old, &new, Kind::Plain).with_context(|| format!("{} was not restored", old.display()))?;
        if !there {
            bail!("{} was not restored: it is not there; use another backup", old.display());
        }
        let (bytes, blake3) = copy::hash(&new)?;
        file.is(bytes, &blake3)?;
    }
    hand_over(&config.data, owner.uid(), owner.gid())?;
    fs::remove_file(&unfinished)?;
    fs::File::open(&config.data)?.sync_all()?;
    Ok(manifest)
}

/// Root restores for the service's user, whose the folder is.
fn hand_over(path: &Path, user: u32, group: u32) -> Result<()> {
    if !rustix::process::geteuid().is_root() || user == 0 {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            hand_over(&entry?.path(), user, group)?;
        }
    }
    Ok(chown(path, Some(user), Some(group))?)
}
