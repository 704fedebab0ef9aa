//! Links in messages by which somebody acknowledges a case without signing in.
//!
//! In: a delivery's id and until when.   Out: a link that nobody can make up, and what stands in one that came back.   Never: a link
//! that works twice, or after its time; nor anything in it that says whom or what it is about.

use crate::{Registry, RegistryError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use rusqlite::params;
use std::fmt;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// The first letters of a delivery's id; 24 hexadecimal digits follow.
const ID_PREFIX: &str = "msg_";
const ID_BYTES: usize = 12;
const TIME_BYTES: usize = 4;
/// 88 bits: nobody guesses that over a network.
const MARK_BYTES: usize = 11;
const MINUTE_MS: i64 = 60_000;
/// Used links are remembered for longer than any link works.
const REMEMBERED: Duration = Duration::from_secs(31 * 86_400);

/// Why a link does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// Not one of ours, or not whole.
    #[error("the link is not valid")]
    Forged,
    /// Too old.
    #[error("the link has expired")]
    Expired,
}

/// Makes links and reads them. Copies make the same.
#[derive(Clone)]
pub struct Links {
    key: [u8; 32],
    base: String,
}

/// Without the key.
impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Links {
    /// The address that acknowledges what a delivery tells, until an instant (in whole minutes). `None` for an id that no delivery has.
    pub fn make(&self, delivery: &str, until: Timestamp) -> Option<String> {
        let mut bytes = id_bytes(delivery)?.to_vec();
        let minutes = u32::try_from(until.as_millis().div_euclid(MINUTE_MS)).ok()?;
        bytes.extend(minutes.to_be_bytes());
        bytes.extend(self.mark(&bytes));
        Some(format!("{}/a/{}", self.base, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The delivery that a link's last step names.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<String, BadLink> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadLink::Forged)?;
        if bytes.len() != ID_BYTES + TIME_BYTES + MARK_BYTES {
            return Err(BadLink::Forged);
        }
        let (said, mark) = bytes.split_at(ID_BYTES + TIME_BYTES);
        let (id, minutes) = said.split_at(ID_BYTES);
        if !bool::from(self.mark(said).ct_eq(mark)) {
            return Err(BadLink::Forged);
        }
        let minutes = minutes.iter().fold(0_i64, |sum, byte| sum * 256 + i64::from(*byte));
        if now.as_millis() >= minutes.saturating_mul(MINUTE_MS) {
            return Err(BadLink::Expired);
        }
        Ok(id.iter().fold(ID_PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    fn mark(&self, said: &[u8]) -> Vec<u8> {
        let mut mark = blake3::keyed_hash(&self.key, said).as_bytes().to_vec();
        mark.truncate(MARK_BYTES);
        mark
    }
}

fn id_bytes(delivery: &str) -> Option<[u8; ID_BYTES]> {
    let digits = delivery.strip_prefix(ID_PREFIX)?;
    if digits.len() != ID_BYTES * 2 {
        return None;
    }
    let mut bytes = [0; ID_BYTES];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl Registry {
    /// Links that begin with `base`, for example `https://watch.example`.
    pub fn links(&self, base: &str) -> Links {
        let key = blake3::derive_key("steppewatch 2026 links in messages", &self.inner.key);
        Links { key, base: base.trim_end_matches('/').to_owned() }
    }

    /// Notes that a delivery's link was used; `false` when it was before.
    pub fn use_link(&self, delivery: &str, by: &str) -> Result<bool, RegistryError> {
        self.write(by, |change| {
            let (transaction, now) = (change.transaction, change.now);
            transaction.execute("DELETE FROM used_link WHERE at_ms < ?1", [now.minus(REMEMBERED).as_millis()])?;
            let insert = "INSERT INTO used_link (delivery, at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            let is_new = transaction.execute(insert, params![delivery, now.as_millis()])? > 0;
            if is_new {
                change.audit(format!("link.use {delivery}"), None, None)?;
            }
            Ok(is_new)
        })
    }

    /// Whether a delivery's link was used.
    pub fn link_is_used(&self, delivery: &str) -> Result<bool, RegistryError> {
        self.read(|connection| {
            let query = "SELECT EXISTS (SELECT 1 FROM used_link WHERE delivery = ?1)";
            Ok(connection.query_row(query, [delivery], |row| row.get(0))?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Clock;

    const DELIVERY: &str = "msg_0123456789abcdef01234567";

    #[test]
    fn a_link_names_its_delivery_until_it_expires_and_cannot_be_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("registry.db"), Clock::system()).unwrap();
        let links = registry.links("https://watch.example/");
        let at = |minute: i64| Timestamp::from_millis(1_795_313_700_000 / MINUTE_MS * MINUTE_MS + minute * MINUTE_MS);
        let link = links.make(DELIVERY, at(60)).unwrap();
        let token = link.strip_prefix("https://watch.example/a/").unwrap();
        assert_eq!(token.len(), 36, "short enough for a text message");
        assert_eq!(links.read(token, at(59)).unwrap(), DELIVERY);
        assert_eq!(links.read(token, at(60)), Err(BadLink::Expired));
        for place in 0..token.len() {
            let mut forged = token.to_owned();
            let letter = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
            forged.replace_range(place..=place, letter);
            assert_eq!(links.read(&forged, at(0)), Err(BadLink::Forged), "{place}");
        }
        assert_eq!(links.read("", at(0)), Err(BadLink::Forged));
        let folder = tempfile::tempdir().unwrap();
        let other = Registry::open(&folder.path().join("registry.db"), Clock::system()).unwrap().links("");
        assert_eq!(other.read(token, at(0)), Err(BadLink::Forged), "of another installation");
        assert_eq!(links.make("else", at(1)), None);
    }

    #[test]
    fn a_link_is_used_once() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("registry.db"), Clock::system()).unwrap();
        assert!(!registry.link_is_used(DELIVERY).unwrap());
        assert!(registry.use_link(DELIVERY, "王所长").unwrap());
        assert!(!registry.use_link(DELIVERY, "王所长").unwrap());
        assert!(registry.link_is_used(DELIVERY).unwrap());
    }
}
