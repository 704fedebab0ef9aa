//! `backup.json`: what a backup holds.

use super::copy;
use anyhow::{Context, Result, bail};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Of this file and the order of the folder; a program refuses a later one than its own.
pub const FORMAT: u32 = 1;

const NAME: &str = "backup.json";

/// So large no list of files can be that we wrote.
const BYTES_MAX: u64 = 256 << 20;

/// What a backup holds, and of when it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`] of the program that made it.
    pub format: u32,
    /// Which program.
    pub made_by: String,
    /// When copying began, RFC 3339: what came in before that is in it.
    pub made_at: String,
    /// Whose data.
    pub tenant: String,
    /// The last entry of the journal that it holds.
    pub journal_head: u64,
    /// Every file.
    pub files: Vec<File>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Within the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its content in hexadecimal.
    pub blake3: String,
}

impl Manifest {
    pub(super) fn new(tenant: String, at: Timestamp, journal_head: u64, files: Vec<File>) -> Self {
        let made_by = format!("steppewatch {}", env!("CARGO_PKG_VERSION"));
        Self { format: FORMAT, made_by, made_at: at.to_rfc3339(), tenant, journal_head, files }
    }

    /// How many bytes all files have together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Written beside and renamed, so that it is there as a whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let new = folder.join("backup.json.new");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, folder.join(NAME))?;
        Ok(fs::File::open(folder)?.sync_all()?)
    }

    /// Reads the list of a backup.
    ///
    /// # Errors
    /// When there is none, it is not ours, or a later program made it.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let about = fs::metadata(&path).with_context(|| {
            format!("{} has no {NAME}: it is no backup, or making it was cut off; name another", folder.display())
        })?;
        if about.len() > BYTES_MAX {
            bail!("{} is too large to be a list of files; name another backup", path.display());
        }
        let text = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not as a backup writes it; name another backup", path.display()))?;
        if manifest.format > FORMAT {
            bail!(
                "the backup has format {}, made by {}; this program knows {FORMAT}: restore it with that one, or a later",
                manifest.format,
                manifest.made_by
            );
        }
        Ok(manifest)
    }

    /// Whether every file in the folder is as it was listed.
    pub fn check(&self, folder: &Path) -> Result<()> {
        for file in &self.files {
            let (bytes, blake3) = copy::hash(&super::inside(folder, &file.name)?)?;
            file.is(bytes, &blake3)?;
        }
        Ok(())
    }
}

impl File {
    pub(super) fn is(&self, bytes: u64, blake3: &str) -> Result<()> {
        if (bytes, blake3) != (self.bytes, self.blake3.as_str()) {
            bail!("{} is not what the backup wrote ({bytes} of {} bytes); use another backup", self.name, self.bytes);
        }
        Ok(())
    }
}
