//! MAVLink 2 signatures: whether a packet was made by who has the key, and is not one that was heard before.
//!
//! In: a packet with its signature, the system's key, the time.   Out: genuine or why not.
//!
//! Facts: the MAVLink guide, "Message Signing": the first 48 bits of SHA-256 over key, packet, link id and timestamp; timestamps
//! count 10 µs since 2015 and only grow within a stream (system, component, link); a new stream may be a minute behind. Never
//! shows a key.

use super::metrics::Fate;
use crate::decode::mavlink::packet::Packet;
use model::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;

/// 2015-01-01T00:00:00Z.
const EPOCH_MS: i64 = 1_420_070_400_000;
/// A stream that begins may be this far behind our clock.
const BEHIND_MAX_10US: u64 = 60 * 100_000;
/// Streams that are remembered: each vehicle has a handful of parts and links.
const STREAMS_MAX: usize = 4_096;

/// A system's key.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey([u8; 32]);

/// A file that holds no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the file is empty; write the passphrase that the ground station signs with, or the key as 64 hexadecimal digits"
)]
pub struct BadKey;

impl SigningKey {
    /// 64 hexadecimal digits are the key; any other text is a passphrase, of which ground stations take the SHA-256.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadKey);
        }
        Ok(Self(of_hex(text).unwrap_or_else(|| Sha256::digest(text).into())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}

/// The last timestamp of each stream.
#[derive(Debug, Default)]
pub(super) struct Streams(HashMap<(u8, u8, u8), u64>);

impl Streams {
    /// Whether the packet is genuine and new.
    pub(super) fn judge(&mut self, packet: &Packet<'_>, key: &SigningKey, now: Timestamp) -> Result<(), Fate> {
        let Some((covered, signature)) = packet.signature() else { return Err(Fate::Unsigned) };
        let [link, t0, t1, t2, t3, t4, t5, made @ ..] = *signature;
        let mut hasher = Sha256::new_with_prefix(key.0);
        hasher.update(covered);
        hasher.update([link, t0, t1, t2, t3, t4, t5]);
        // All six bytes are looked at, so that how long it takes tells nothing.
        let difference = hasher.finalize().iter().zip(made).fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        if difference != 0 {
            return Err(Fate::BadSignature);
        }
        let stamp = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, 0, 0]);
        let stream = (packet.system, packet.component, link);
        let least = match self.0.get(&stream) {
            Some(last) => last.saturating_add(1),
            None => stamp_of(now).saturating_sub(BEHIND_MAX_10US),
        };
        if stamp < least || (self.0.len() >= STREAMS_MAX && !self.0.contains_key(&stream)) {
            return Err(Fate::Replayed);
        }
        self.0.insert(stream, stamp);
        Ok(())
    }
}

fn stamp_of(now: Timestamp) -> u64 {
    u64::try_from(now.as_millis().saturating_sub(EPOCH_MS)).unwrap_or(0).saturating_mul(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_digits_or_what_a_passphrase_hashes_to_and_is_never_shown() {
        let digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        assert_eq!(SigningKey::parse(digits).unwrap().0[..3], [0x00, 0x11, 0x22]);
        let passphrase = SigningKey::parse("grass\n").unwrap();
        assert_eq!(passphrase.0[..], Sha256::digest("grass")[..]);
        assert_eq!(format!("{passphrase:?}"), "SigningKey");
        assert_eq!(SigningKey::parse(" \n"), Err(BadKey));
    }
}
