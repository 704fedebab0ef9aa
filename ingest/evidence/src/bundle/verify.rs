//! Is this bundle what was exported?
//!
//! In:  a file, whatever it holds, and the fingerprint of the key that is trusted, if one is known.   Out: [`Verified`], or the first thing
//! that does not fit. In this order: the archive is whole, its manifest is one, the chain follows, the signature is of the key, each file is
//! there and as it was, no other is.
//!
//! Needs no data folder, no network and no clock. Without a fingerprint the key is the bundle's own word: it then shows that nothing was changed
//! since it was signed, and not by whom it was signed; the caller has to say so.

use super::archive::{Archive, Content};
use super::key::{Fingerprint, PublicKey};
use super::manifest::{Line, Manifest, is_path, sha256};
use super::{
    FILE_MAX_BYTES, FILES_MAX, FORMAT, MANIFEST, PUBLIC_KEY, SEAL_MAX_BYTES, SEALS, SIGNATURE, SUMS, TOTAL_MAX_BYTES,
};
use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

/// The first thing that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The disk, or the rights.
    #[error("the bundle cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Cut, or something else.
    #[error("the bundle is no whole ZIP file: {why}; it was cut or damaged on its way, or is something else")]
    NotWhole {
        /// What is wrong with it.
        why: String,
    },
    /// Bytes that no program shows.
    #[error("the bundle holds something at byte {at} that belongs to none of its files; it was edited")]
    Hidden {
        /// Where.
        at: u64,
    },
    /// More than a bundle ever is.
    #[error("{what} has more than {limit} bytes, which no bundle has; it is not unpacked")]
    TooLarge {
        /// The file.
        what: String,
        /// Bytes.
        limit: u64,
    },
    /// Likewise.
    #[error("the bundle has more than {limit} files, which no bundle has; it is not unpacked")]
    TooMany {
        /// Files.
        limit: usize,
    },
    /// A file that belongs to it.
    #[error("`{path}` is missing from the bundle")]
    Missing {
        /// Which.
        path: String,
    },
    /// One of our seals, or the manifest's own words.
    #[error("`{path}` is not what the program writes: {why}")]
    Malformed {
        /// Which.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Of a later program, or of something else.
    #[error(
        "the bundle's format is `{format}`; this program knows `{FORMAT}`, so use the program that wrote it or a newer one"
    )]
    Format {
        /// As the manifest has it.
        format: String,
    },
    /// Files were swapped, taken out, put in, or their digests changed.
    #[error("the hash chain breaks at `{path}`: the manifest's files were changed or put in another order")]
    Chain {
        /// The first that does not follow.
        path: String,
    },
    /// The manifest is not what was signed.
    #[error("the signature is not of this manifest: `{MANIFEST}`, `{SIGNATURE}` or the key in it was changed")]
    Signature,
    /// Signed, but by somebody else.
    #[error("the bundle is signed by the key {found}, and not by {expected}")]
    OtherKey {
        /// Whose it is.
        found: Fingerprint,
        /// Whose it should be.
        expected: Fingerprint,
    },
    /// A file is not what it was.
    #[error("`{path}` is not what was exported: its content was changed")]
    Altered {
        /// Which.
        path: String,
    },
    /// A file that is not in the manifest.
    #[error("`{path}` is in the bundle and not in its manifest: it was put in later")]
    Extra {
        /// Which.
        path: String,
    },
    /// In another order than the manifest's.
    #[error("`{path}` does not stand where the manifest has it: the files were put in another order")]
    Order {
        /// The first that stands elsewhere.
        path: String,
    },
}

/// A bundle in which everything fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What is in it.
    pub manifest: Manifest,
    /// Of the key that signed it.
    pub fingerprint: Fingerprint,
    /// Bytes of its files, unpacked, without the seals.
    pub bytes: u64,
}

/// Checks all of it.
pub fn verify(reader: impl Read + Seek, expected: Option<&Fingerprint>) -> Result<Verified, Fault> {
    let mut archive = Archive::open(reader)?;
    let written = seal(&mut archive, MANIFEST)?;
    let manifest = parse(&written)?;
    let bytes = bounded(&manifest.files)?;
    if let Some(path) = manifest.broken_at() {
        return Err(Fault::Chain { path: path.to_owned() });
    }
    let key = signed(&mut archive, &manifest, &written)?;
    let found = key.fingerprint();
    if let Some(expected) = expected.filter(|expected| **expected != found) {
        return Err(Fault::OtherKey { found, expected: expected.clone() });
    }
    for line in &manifest.files {
        check(&mut archive, line)?;
    }
    for (path, should) in [(SUMS, manifest.sums(&written)), (PUBLIC_KEY, key.to_pem())] {
        if seal(&mut archive, path)? != should.as_bytes() {
            return Err(Fault::Altered { path: path.to_owned() });
        }
    }
    nothing_else(&archive.names, &manifest)?;
    Ok(Verified { manifest, fingerprint: found, bytes })
}

/// One of the files that are not in the manifest.
fn seal(archive: &mut Archive<impl Read + Seek>, path: &'static str) -> Result<Vec<u8>, Fault> {
    let name = || path.to_owned();
    match archive.read(path, SEAL_MAX_BYTES)?.ok_or_else(|| Fault::Missing { path: name() })? {
        Content::Whole(bytes) => Ok(bytes),
        Content::TooLong => Err(Fault::TooLarge { what: format!("`{path}`"), limit: SEAL_MAX_BYTES }),
        Content::Damaged => Err(Fault::Altered { path: name() }),
    }
}

fn parse(written: &[u8]) -> Result<Manifest, Fault> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: String,
    }
    let malformed = |error: serde_json::Error| Fault::Malformed { path: MANIFEST.to_owned(), why: error.to_string() };
    let Format { format } = serde_json::from_slice(written).map_err(malformed)?;
    if format != FORMAT {
        return Err(Fault::Format { format: format.chars().filter(|letter| !letter.is_control()).take(80).collect() });
    }
    serde_json::from_slice(written).map_err(malformed)
}

/// Bytes of all files, if paths, counts and sizes are such as the program writes.
fn bounded(files: &[Line]) -> Result<u64, Fault> {
    if files.len() > FILES_MAX {
        return Err(Fault::TooMany { limit: FILES_MAX });
    }
    let (mut total, mut paths) = (0_u64, BTreeSet::new());
    for Line { path, bytes, .. } in files {
        if !is_path(path) || SEALS.contains(&path.as_str()) || !paths.insert(path) {
            let why = format!("`{}` is no path, or is there twice", path.escape_debug().take(200).collect::<String>());
            return Err(Fault::Malformed { path: MANIFEST.to_owned(), why });
        }
        if *bytes > FILE_MAX_BYTES {
            return Err(Fault::TooLarge { what: format!("`{path}`"), limit: FILE_MAX_BYTES });
        }
        total = total.saturating_add(*bytes);
    }
    if total > TOTAL_MAX_BYTES {
        return Err(Fault::TooLarge { what: "the bundle unpacked".to_owned(), limit: TOTAL_MAX_BYTES });
    }
    Ok(total)
}

fn signed(archive: &mut Archive<impl Read + Seek>, manifest: &Manifest, written: &[u8]) -> Result<PublicKey, Fault> {
    let why = || "public_key is not 64 hexadecimal digits".to_owned();
    let key = PublicKey::parse_hex(&manifest.public_key)
        .ok_or_else(|| Fault::Malformed { path: MANIFEST.to_owned(), why: why() })?;
    let signature = seal(archive, SIGNATURE)?;
    if key.has_signed(written, &signature) { Ok(key) } else { Err(Fault::Signature) }
}

fn check(archive: &mut Archive<impl Read + Seek>, line: &Line) -> Result<(), Fault> {
    let path = || line.path.clone();
    match archive.read(&line.path, line.bytes)?.ok_or_else(|| Fault::Missing { path: path() })? {
        Content::Whole(bytes) if bytes.len() as u64 == line.bytes && sha256(&bytes) == line.sha256 => Ok(()),
        Content::Whole(_) | Content::TooLong | Content::Damaged => Err(Fault::Altered { path: path() }),
    }
}

/// The archive holds what the manifest names and the seals, in that order.
fn nothing_else(names: &[String], manifest: &Manifest) -> Result<(), Fault> {
    let known: BTreeSet<&str> = manifest.files.iter().map(|line| line.path.as_str()).chain(SEALS).collect();
    if let Some(extra) = names.iter().find(|name| !known.contains(name.as_str())) {
        return Err(Fault::Extra { path: extra.escape_debug().take(200).collect() });
    }
    let order = manifest.files.iter().map(|line| line.path.as_str()).chain(SEALS);
    match order.zip(names).find(|(should, name)| should != name) {
        Some((should, _)) => Err(Fault::Order { path: should.to_owned() }),
        None => Ok(()),
    }
}
