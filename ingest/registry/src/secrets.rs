//! What proves that a device is itself: made here, shown once, kept only as a keyed hash.
//!
//! In: a device's id and the secret it sent.   Out: [`Refusal`] or nothing.
//! Never: a stored or logged secret; a comparison that stops at the first wrong byte; a database access per check.

use crate::RegistryError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::DeviceId;
use rand::TryRngCore;
use std::collections::HashMap;
use std::fmt;
use subtle::ConstantTimeEq;

/// A device's secret: 32 random bytes as base64url. `Display` shows it, for the one time it is handed out; `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub(crate) fn random() -> Result<Self, RegistryError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    /// A new claim key; the beginning tells people, and scanners for leaked secrets, what it is.
    pub(crate) fn claim_key() -> Result<Self, RegistryError> {
        Ok(Self(format!("claim_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))))
    }

    /// A new token of the API; likewise.
    pub(crate) fn api_token() -> Result<Self, RegistryError> {
        Ok(Self(format!("swt_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()?))))
    }

    /// The secret itself, for the one who has to type it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Letters and digits that nobody confuses on a camera's page; a power of two, so that each is as likely.
const SIP_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Five bits each: 80 bits, and within the 16 characters that the tightest device takes.
const SIP_PASSWORD_CHARS: usize = 16;

/// A device's password for SIP, whose digest needs the password itself and not a hash of it: derived from what is stored of
/// the device's secret, so that it changes with it and is nowhere written (docs/adr/0017).
pub(crate) fn sip_password(key: &[u8; 32], device: &DeviceId, credential: &[u8; 32]) -> Secret {
    let mut hasher = blake3::Hasher::new_keyed(key);
    // Begins with a NUL, which no id does: never the hash of a credential or of a claim key.
    hasher.update(b"\0sip password\0");
    hasher.update(device.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(credential);
    let mut bytes = [0_u8; SIP_PASSWORD_CHARS];
    hasher.finalize_xof().fill(&mut bytes);
    let letter = |byte: &u8| SIP_ALPHABET.get(usize::from(byte % 32)).map(|letter| char::from(*letter));
    Secret(bytes.iter().filter_map(letter).collect())
}

/// Why a device was not let in. For logs and counters; a device is told only "no".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No device has this id.
    #[error("device is not registered; register it first")]
    UnknownDevice,
    /// The device exists, its secret is another.
    #[error("secret is wrong; renew the credential if it was lost")]
    WrongSecret,
    /// An operator shut it out.
    #[error("device is disabled; enable it first")]
    Disabled,
    /// It registered itself and nobody has approved it yet.
    #[error("device awaits approval; approve it first")]
    Quarantined,
}

/// From the system's generator.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RegistryError> {
    let mut bytes = [0_u8; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| RegistryError::Secret(error.to_string()))?;
    Ok(bytes)
}

/// The hash that is stored. The id is part of it, so a row's hash is of no use in another row; ids hold no NUL.
pub(crate) fn credential_hash(key: &[u8; 32], device: &DeviceId, secret: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(device.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(secret.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The hash of a claim key. It begins with a NUL, which no id does, so it is never the hash of a credential.
pub(crate) fn claim_key_hash(key: &[u8; 32], claim_key: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"\0claim key\0");
    hasher.update(claim_key.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The hash of a token of the API; likewise.
pub(crate) fn token_hash(key: &[u8; 32], token: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"\0api token\0");
    hasher.update(token.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The hash of a listener's password. Begins with a NUL, which no id does: never the hash of a device's secret.
pub(crate) fn listener_hash(key: &[u8; 32], subscriber: &str, password: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"\0listener\0");
    hasher.update(subscriber.as_bytes());
    hasher.update(&[0]);
    hasher.update(password.as_bytes());
    *hasher.finalize().as_bytes()
}

/// What the registry remembers of one device's secret.
#[derive(Clone, Copy)]
pub(crate) struct Credential {
    pub(crate) hash: [u8; 32],
    pub(crate) disabled: bool,
    pub(crate) quarantined: bool,
}

/// Every device's credential, in memory: a check is one hash and one look-up.
#[derive(Default)]
pub(crate) struct Credentials(pub(crate) HashMap<DeviceId, Credential>);

impl Credentials {
    /// The device's password for SIP, if it may speak.
    pub(crate) fn sip_password(&self, key: &[u8; 32], device: &DeviceId) -> Result<Secret, Refusal> {
        match self.0.get(device) {
            None => Err(Refusal::UnknownDevice),
            Some(credential) if credential.quarantined => Err(Refusal::Quarantined),
            Some(credential) if credential.disabled => Err(Refusal::Disabled),
            Some(credential) => Ok(sip_password(key, device, &credential.hash)),
        }
    }

    /// Does the same hashing and comparing whether or not the device exists.
    pub(crate) fn check(&self, key: &[u8; 32], device: &DeviceId, secret: &str) -> Result<(), Refusal> {
        let said = credential_hash(key, device, secret);
        let known = self.0.get(device);
        let expected = known.map_or([0_u8; 32], |credential| credential.hash);
        let same = bool::from(said.ct_eq(&expected));
        match known {
            None => Err(Refusal::UnknownDevice),
            Some(_) if !same => Err(Refusal::WrongSecret),
            Some(credential) if credential.quarantined => Err(Refusal::Quarantined),
            Some(credential) if credential.disabled => Err(Refusal::Disabled),
            Some(_) => Ok(()),
        }
    }
}
