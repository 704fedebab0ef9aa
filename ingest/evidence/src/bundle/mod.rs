//! The evidence bundle of a case: one ZIP file that a prosecutor or a court's expert opens and checks without us.
//!
//! ```text
//! pack.rs       files, one after the other  ->  a ZIP with its manifest, chain and signature
//! verify.rs     such a ZIP, or anything     ->  what it is, or the first thing that does not fit
//! archive.rs    the ZIP's own structure: whole, without a byte or a name too many
//! manifest.rs   what is in it, and the chain over it
//! key.rs        the platform's signing key, and what is told of it to others
//! ```
//!
//! In:  bytes and files.   Out: bytes, or a [`Fault`] in one sentence.   Never: a store, a network or a clock; what goes into a bundle is
//! decided by whoever gathers it. [`verify()`] trusts nothing in the file: sizes and counts are bounded before anything is unpacked.

mod archive;
mod key;
mod manifest;
mod pack;
mod verify;

pub use key::{Fingerprint, KeyError, PublicKey, SigningKey};
pub use manifest::{About, Absent, Line, Manifest, sha256};
pub use pack::{PackError, Packer};
pub use verify::{Fault, Verified, verify};

/// Written into the manifest and into the chain; another layout gets another number.
pub const FORMAT: &str = "steppewatch-evidence/1";

/// What stands beside the files that the manifest lists, in this order at the archive's end.
const SUMS: &str = "SHA256SUMS";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
const PUBLIC_KEY: &str = "public-key.pem";
const SEALS: [&str; 4] = [SUMS, MANIFEST, SIGNATURE, PUBLIC_KEY];

/// Files of a bundle: every picture of a case that lasted for days, and what was said of it.
const FILES_MAX: usize = 4_000;
/// Bytes of one file in it.
const FILE_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of all of them together, unpacked.
const TOTAL_MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of the manifest, and of each of the other seals.
const SEAL_MAX_BYTES: u64 = 4 * 1024 * 1024;

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

#[cfg(test)]
mod tests;
