//! The platform's signing key, and what is told of it to others.
//!
//! In:  a file that only its owner reads, made on first use; a bundle's public key as hexadecimal or PEM.   Out: signatures; a fingerprint.
//!
//! Ed25519, since everybody's tools have it: `openssl pkeyutl -verify -rawin` needs nothing of ours. Never: the private key in a log, an error or a
//! bundle. Who loses the file signs with another from then on, and bundles of before stay valid by their own key.

use super::manifest::{hex, sha256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{self, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What stands before the 32 bytes of an Ed25519 key in its DER (RFC 8410).
const DER_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system: mend its rights, or make room.
    #[error("signing key {path} cannot be used; the user that runs this has to own it", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's complaint.
        source: io::Error,
    },
    /// The file is there and is no key; a backup has one.
    #[error("signing key {path} holds no Ed25519 key; put it back from the backup, or move it away and another is made", path = path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
    },
    /// The system has no randomness to give.
    #[error("the system gives no random bytes to make a signing key of")]
    Random,
}

/// The platform's key.
pub struct SigningKey(Ed25519KeyPair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().fingerprint())
    }
}

impl SigningKey {
    /// Reads the key, or makes one that only its owner reads. Whoever makes it at the same time, both have the same one afterwards.
    pub fn open_or_make(path: &Path) -> Result<Self, KeyError> {
        let at = |source| KeyError::File { path: path.to_owned(), source };
        match fs::read(path) {
            Ok(pkcs8) => Self::parse(path, &pkcs8),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let system = SystemRandom::new();
                let made = Ed25519KeyPair::generate_pkcs8(&system).map_err(|_| KeyError::Random)?;
                let name: [u8; 8] = rand::generate(&system).map_err(|_| KeyError::Random)?.expose();
                place(path, &path.with_extension(format!("key.{}", hex(&name))), made.as_ref()).map_err(at)?;
                Self::parse(path, &fs::read(path).map_err(at)?)
            }
            Err(error) => Err(at(error)),
        }
    }

    fn parse(path: &Path, pkcs8: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8(pkcs8).map(Self).map_err(|_| KeyError::Unusable { path: path.to_owned() })
    }

    /// What others check its signatures by.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// Whole or not at all, and never over one that is there: written beside, synced, linked to its name.
fn place(path: &Path, beside: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let linked = match written.and_then(|()| fs::hard_link(beside, path)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(beside)?;
    linked?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// By what signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse_hex(text: &str) -> Option<Self> {
        bytes_of(text).map(Self)
    }

    /// Reads a PEM file as `public-key.pem` in every bundle is one.
    pub fn parse_pem(text: &str) -> Option<Self> {
        let body = text.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).ok()?;
        der.strip_prefix(&DER_HEAD)?.try_into().ok().map(Self)
    }

    /// As hexadecimal.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// As a PEM file.
    pub fn to_pem(self) -> String {
        format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(self.der()))
    }

    /// What people compare.
    pub fn fingerprint(self) -> Fingerprint {
        Fingerprint(sha256(&self.der()))
    }

    pub(super) fn has_signed(self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }

    fn der(self) -> Vec<u8> {
        [&DER_HEAD[..], &self.0].concat()
    }
}

/// SHA-256 of a public key's DER, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Reads 64 hexadecimal digits, in either case, with or without colons or spaces between them.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|letter| !matches!(letter, ':' | ' ')).collect();
        bytes_of(&digits).map(|bytes| Self(hex(&bytes)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
