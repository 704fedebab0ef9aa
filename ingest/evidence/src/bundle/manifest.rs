//! What is in a bundle, and the chain over it.
//!
//! In: each file's path, size and SHA-256, in order.   Out: [`Manifest`], and the links of its chain.
//!
//! The chain is a line of text hashed for each file, so that `printf` and `sha256sum` follow it: link 0 is the SHA-256 of
//! `FORMAT TENANT INCIDENT` and a line feed, link n that of `LINK SHA256 BYTES PATH` and a line feed, LINK being link n-1.

use super::FORMAT;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Longest path of a file in a bundle, in bytes.
const PATH_MAX: usize = 200;

/// Of which case a bundle is, and who made it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Whose platform.
    pub tenant: String,
    /// Which case.
    pub incident: String,
    /// When, RFC 3339 UTC.
    pub exported_at: String,
    /// By whom, as the audit names them.
    pub exported_by: String,
    /// Name and version of the program.
    pub software: String,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Where in the archive.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// What it is, in Chinese and English.
    pub what: String,
    /// The chain's link here, hexadecimal.
    pub link: String,
}

/// Something that belongs to the case and is not in its bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// What.
    pub what: String,
    /// Why, in Chinese and English.
    pub why: String,
}

/// The table of contents, and all that the signature is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Whose platform.
    pub tenant: String,
    /// Which case.
    pub incident: String,
    /// When it was made, RFC 3339 UTC.
    pub exported_at: String,
    /// By whom.
    pub exported_by: String,
    /// By which program.
    pub software: String,
    /// Every file but the seals, in the chain's order.
    pub files: Vec<Line>,
    /// The chain's last link.
    pub chain_tip: String,
    /// What is not in it, and why.
    pub absent: Vec<Absent>,
    /// Ed25519, 32 bytes, hexadecimal.
    pub public_key: String,
}

impl Manifest {
    pub(super) fn new(about: About, public_key: String) -> Self {
        let About { tenant, incident, exported_at, exported_by, software } = about;
        let chain_tip = first_link(&tenant, &incident);
        Self {
            format: FORMAT.to_owned(),
            tenant,
            incident,
            exported_at,
            exported_by,
            software,
            files: Vec::new(),
            chain_tip,
            absent: Vec::new(),
            public_key,
        }
    }

    /// Adds a file at the chain's end.
    pub(super) fn add(&mut self, path: &str, what: &str, content: &[u8]) {
        let (bytes, sha256) = (content.len() as u64, sha256(content));
        self.chain_tip = next_link(&self.chain_tip, &sha256, bytes, path);
        let (path, what, link) = (path.to_owned(), what.to_owned(), self.chain_tip.clone());
        self.files.push(Line { path, bytes, sha256, what, link });
    }

    /// The path of the first file whose link does not follow from the one before it; the end counts as one.
    pub(super) fn broken_at(&self) -> Option<&str> {
        let mut link = first_link(&self.tenant, &self.incident);
        for line in &self.files {
            link = next_link(&link, &line.sha256, line.bytes, &line.path);
            if link != line.link {
                return Some(&line.path);
            }
        }
        (link != self.chain_tip).then_some("the chain's end")
    }

    /// The lines that `sha256sum -c` reads, the manifest's own included.
    pub(super) fn sums(&self, written: &[u8]) -> String {
        let mut text = String::new();
        let own = (sha256(written), super::MANIFEST.to_owned());
        let files = self.files.iter().map(|line| (line.sha256.clone(), line.path.clone()));
        for (sha256, path) in files.chain(std::iter::once(own)) {
            // Writing into a String cannot fail.
            writeln!(text, "{sha256}  {path}").ok();
        }
        text
    }
}

/// A path that every program unpacks to the same place below the folder, and that stands in a line of text.
pub(super) fn is_path(path: &str) -> bool {
    let is_name = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain)
    };
    path.len() <= PATH_MAX && path.split('/').all(is_name)
}

fn first_link(tenant: &str, incident: &str) -> String {
    sha256(format!("{FORMAT} {tenant} {incident}\n").as_bytes())
}

fn next_link(link: &str, of_file: &str, bytes: u64, path: &str) -> String {
    sha256(format!("{link} {of_file} {bytes} {path}\n").as_bytes())
}

/// In hexadecimal, as `sha256sum` prints it.
pub fn sha256(content: &[u8]) -> String {
    hex(digest(&SHA256, content).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}
