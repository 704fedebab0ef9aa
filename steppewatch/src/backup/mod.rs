//! A copy of the data folder that a platform can start from, made while the service runs; and back again.
//!
//! In: a data folder.   Out: a folder of the same files, each consistent in itself and none ahead of what it is made from, and
//! `backup.json`, which lists them with their hashes and is written last: without it there is no backup.   Next: `restore`.
//!
//! What a stage derives is copied before what it is derived from, the journal last. So a copy of a stage's store is at most behind, which
//! is what a power cut leaves too: at the next start the stage reads on from its own cursor. Nothing is held up: a copy of a database is one
//! reader of it.

mod copy;
mod manifest;
mod restore;

use manifest::File;
pub use manifest::Manifest;
pub use restore::{is_half_restored, restore};

use crate::config::Config;
use anyhow::{Context, Result, bail};
use copy::Kind;
use journal::sqlite::{Held, SqliteJournal};
use model::{Clock, Offset};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// In this order; what is not named here comes between the last but one and the last. A folder stands for what is in it.
const ORDER: [&str; 9] = [
    // How far each consumer of the journal is, with what it made of it.
    "detection.db",
    "coverage.db",
    "history/tail.sqlite",
    "history",
    // Cases, and how far their stage is with what operators said.
    "alerts.db",
    "commands.db",
    // Written again when the journal is read again.
    "dead-letters.db",
    // Rows before pictures: a picture too many is swept away at the start.
    "evidence/index.db",
    "evidence",
];

/// What everything else is made from.
const LAST: [&str; 2] = ["registry.db", "journal.db"];

/// Left out: locks, and what SQLite keeps beside a database, which the copy of the database holds already.
const NEVER: [&str; 5] = [".lock", "-wal", "-shm", "-journal", ".new"];

/// Deeper than this no file of ours lies.
const DEPTH_MAX: usize = 8;

/// What copying tells while it works: what is copied now, and how large it is.
pub type Progress<'a> = &'a dyn Fn(&str, u64);

/// Copies the data folder of a configuration to `to`, which is made.
///
/// # Errors
/// When `to` holds something, there is no room, a database is damaged, or the journal let go of entries that the copies would need.
pub fn make(config: &Config, to: &Path, clock: &Clock, progress: Progress<'_>) -> Result<Manifest> {
    let begun = clock.now();
    let data =
        config.data.canonicalize().with_context(|| format!("there is no data folder {}", config.data.display()))?;
    let journal = SqliteJournal::open_read_only(&data.join("journal.db"))?;
    let needed_from = journal.cursors()?.values().min().copied().unwrap_or_default();
    let files = in_order(found(&data)?);
    make_room(to, files.iter().map(|file| file.bytes).sum())?;
    let mut copied = Vec::with_capacity(files.len());
    for found in files {
        progress(&found.name, found.bytes);
        let (from, into) = (data.join(&found.name), to.join(&found.name));
        // What a store throws away while we copy is not missed; that the journal is there is seen below.
        if copy::copy(&from, &into, found.kind).with_context(|| format!("{} was not copied", from.display()))? {
            copied.push(found.name);
        }
    }
    let held = SqliteJournal::open_read_only(&to.join("journal.db"))?.held()?;
    whole_enough(&held, needed_from)?;
    evidence::forget_missing(&to.join("evidence"))?;
    let listed = copied.into_iter().map(|name| {
        let (bytes, blake3) = copy::hash(&to.join(&name))?;
        Ok(File { name, bytes, blake3 })
    });
    let manifest = Manifest::new(config.tenant.to_string(), begun, held.head.0, listed.collect::<Result<_>>()?);
    manifest.write(to)?;
    Ok(manifest)
}

/// The journal may have let go of entries while we copied, if it is full or kept for a very short time: then the stages could not read on.
fn whole_enough(held: &Held, needed_from: Offset) -> Result<()> {
    let first = held.head.0.saturating_sub(held.entries).saturating_add(1);
    if first > needed_from.0.saturating_add(1) {
        bail!(
            "the journal let go of entries {} to {} while it was copied, and the copy would need them; raise [journal] max_bytes or \
             retention, and try again",
            needed_from.0.saturating_add(1),
            first.saturating_sub(1)
        );
    }
    Ok(())
}

/// A file of the data folder.
struct Found {
    name: String,
    kind: Kind,
    bytes: u64,
}

fn found(data: &Path) -> Result<Vec<Found>> {
    let mut files = Vec::new();
    walk(data, Path::new(""), 0, &mut files)?;
    Ok(files)
}

fn walk(data: &Path, within: &Path, depth: usize, files: &mut Vec<Found>) -> Result<()> {
    let folder = data.join(within);
    if depth > DEPTH_MAX {
        bail!("{} lies deeper than {DEPTH_MAX} folders; take away what is not the platform's", folder.display());
    }
    let complaint = || format!("{} cannot be read; run this as the service's user", folder.display());
    for entry in fs::read_dir(&folder).with_context(complaint)? {
        let name = within.join(entry.with_context(complaint)?.file_name());
        // Followed where it is a link: evidence may lie on a disk of its own.
        let Ok(about) = fs::metadata(data.join(&name)) else { continue };
        let text = name.to_str().with_context(|| format!("{} is no name of ours; take it away", name.display()))?;
        if about.is_dir() {
            walk(data, &name, depth.saturating_add(1), files)?;
        } else if about.is_file() && !NEVER.iter().any(|end| text.ends_with(end)) {
            let kind = copy::kind(&data.join(&name))?;
            files.push(Found { name: text.to_owned(), kind, bytes: about.len() });
        }
    }
    Ok(())
}

fn in_order(mut files: Vec<Found>) -> Vec<Found> {
    files.sort_by(|one, other| (rank(&one.name), &one.name).cmp(&(rank(&other.name), &other.name)));
    files
}

fn rank(name: &str) -> usize {
    let is = |listed: &str| name == listed || name.strip_prefix(listed).is_some_and(|rest| rest.starts_with('/'));
    // Of two that fit the exact one counts, and it stands first.
    let early = ORDER.iter().position(|listed| is(listed));
    let last = || LAST.iter().position(|listed| is(listed)).map(|at| ORDER.len() + 1 + at);
    early.or_else(last).unwrap_or(ORDER.len())
}

/// Makes the folder, for nobody else's eyes, and sees that so much fits into it.
fn make_room(folder: &Path, bytes: u64) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty; name a folder that is empty or not there yet", folder.display());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let disk = rustix::fs::statvfs(folder)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes {
        bail!("{} has room for {free} bytes, and {bytes} are needed; name a larger disk", folder.display());
    }
    Ok(())
}

/// Where a name of a manifest leads, which never leaves the folder.
fn inside(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let is_plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if name.is_empty() || !is_plain {
        bail!("the list of files names `{name}`, which lies outside the folder");
    }
    Ok(folder.join(path))
}

#[cfg(test)]
mod tests;
