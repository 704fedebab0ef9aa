//! Puts a bundle together: file by file, then the seals.
//!
//! In:  [`About`], each file's path and content, what is absent, and the key.   Out: the ZIP, and its manifest.
//!
//! The same files in the same order with the same `About` and key give the same bytes: the archive's times are the export's. Pictures are
//! stored as they are, everything else is deflated.

use super::key::SigningKey;
use super::manifest::{About, Absent, Manifest, is_path};
use super::{FILE_MAX_BYTES, FILES_MAX, MANIFEST, PUBLIC_KEY, SEALS, SIGNATURE, SUMS, TOTAL_MAX_BYTES};
use model::Timestamp;
use std::io::{Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Why a bundle could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Leave the file out, and say that it is absent.
    #[error("{path} is one file or one byte more than a bundle takes")]
    Full {
        /// Which.
        path: String,
    },
    /// Mend the caller: no such file may be in a bundle.
    #[error("`{path}` is no path for a file in a bundle, or is in it already")]
    Path {
        /// Which.
        path: String,
    },
    /// The archive, or the disk under it.
    #[error("the bundle cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The disk.
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// Mend the caller: the manifest must be JSON.
    #[error("the bundle's manifest cannot be written: {0}")]
    Manifest(#[from] serde_json::Error),
}

/// A bundle that is being made.
pub struct Packer<'a, W: Write + Seek> {
    zip: ZipWriter<W>,
    manifest: Manifest,
    key: &'a SigningKey,
    times: DateTime,
    bytes: u64,
}

impl<'a, W: Write + Seek> Packer<'a, W> {
    /// An empty one.
    pub fn new(writer: W, about: About, key: &'a SigningKey) -> Self {
        let times = times(&about.exported_at);
        let manifest = Manifest::new(about, key.public().to_hex());
        Self { zip: ZipWriter::new(writer), manifest, key, times, bytes: 0 }
    }

    /// Adds a file. `what` says in Chinese and English what it is.
    pub fn add(&mut self, path: &str, what: &str, content: &[u8]) -> Result<(), PackError> {
        let is_known = SEALS.contains(&path) || self.manifest.files.iter().any(|line| line.path == path);
        if is_known || !is_path(path) {
            return Err(PackError::Path { path: path.to_owned() });
        }
        let bytes = content.len() as u64;
        let total = self.bytes.saturating_add(bytes);
        if bytes > FILE_MAX_BYTES || total > TOTAL_MAX_BYTES || self.manifest.files.len() >= FILES_MAX {
            return Err(PackError::Full { path: path.to_owned() });
        }
        self.write(path, content)?;
        self.bytes = total;
        self.manifest.add(path, what, content);
        Ok(())
    }

    /// Says what is not in it.
    pub fn absent(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.manifest.absent.push(Absent { what: what.into(), why: why.into() });
    }

    /// Seals it.
    pub fn finish(mut self) -> Result<(W, Manifest), PackError> {
        let mut written = serde_json::to_vec_pretty(&self.manifest)?;
        written.push(b'\n');
        let sums = self.manifest.sums(&written);
        self.write(SUMS, sums.as_bytes())?;
        self.write(MANIFEST, &written)?;
        self.write(SIGNATURE, &self.key.sign(&written))?;
        self.write(PUBLIC_KEY, self.key.public().to_pem().as_bytes())?;
        Ok((self.zip.finish()?, self.manifest))
    }

    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), PackError> {
        let method = if path.ends_with(".jpg") { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(self.times)
            .unix_permissions(0o644);
        self.zip.start_file(path, options)?;
        Ok(self.zip.write_all(content)?)
    }
}

/// The export's time as an archive has it, by the clock in Beijing; the archive's first day for one that it cannot have.
fn times(exported_at: &str) -> DateTime {
    let clock = Timestamp::parse_rfc3339(exported_at).map(Timestamp::to_legal).unwrap_or_default();
    let mut numbers =
        clock.split(|letter: char| !letter.is_ascii_digit()).map(|digits| digits.parse::<u16>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let (year, month, day, hour, minute, second) = (next(), next(), next(), next(), next(), next());
    let small = |number: u16| u8::try_from(number).unwrap_or(0);
    DateTime::from_date_and_time(year, small(month), small(day), small(hour), small(minute), small(second))
        .unwrap_or_default()
}
