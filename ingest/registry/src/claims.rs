//! Claim keys: how a new device registers itself, once, and waits to be approved.
//!
//! In:  a key that an operator made for an installation, and a device's serial number.   Out: the device's own id and
//! [`Secret`], once; the device in quarantine.   Next: [`Registry::approve`].
//!
//! Never: a stored or logged key (only its keyed hash); a second credential for one serial number; a device that is let in
//! before an operator has looked at it. A use is counted in the transaction that registers the device.

use crate::admission::quarantine;
use crate::audit::Change;
use crate::devices::insert;
use crate::load::Part;
use crate::secrets::{Secret, claim_key_hash};
use crate::{NewDevice, Registry, RegistryError};
use model::{DeviceId, DeviceKind, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Keys held at once, dead ones included: an installation each.
pub const MAX_CLAIM_KEYS: u64 = 1_000;
/// A key that outlives its installation is a door that nobody watches.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(366 * 86_400);
/// A banner's fleet.
const USES: RangeInclusive<u32> = 1..=10_000;
/// Characters of a name; it is part of who the audit says made a change.
const NAME_CHARS: RangeInclusive<usize> = 1..=64;

/// A key to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClaimKey {
    /// What it is called in lists and in the audit.
    pub name: String,
    /// The only kind that it registers; `None`: any.
    pub kind: Option<DeviceKind>,
    /// How long it can be used.
    pub life: Duration,
    /// How many devices it can register.
    pub uses: u32,
}

/// A key as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimKey {
    /// What it is called.
    pub name: String,
    /// The only kind that it registers.
    pub kind: Option<DeviceKind>,
    /// From when it is refused.
    pub expires_at: Timestamp,
    /// How many devices it can register.
    pub uses: u32,
    /// How many it did.
    pub used: u32,
    /// Whether an operator took it back.
    pub revoked: bool,
    /// When it was made.
    pub made_at: Timestamp,
}

impl ClaimKey {
    /// Why it registers nothing at `now`, if it does not.
    pub fn refusal(&self, now: Timestamp) -> Option<ClaimRefusal> {
        if self.revoked {
            Some(ClaimRefusal::Revoked)
        } else if self.expires_at <= now {
            Some(ClaimRefusal::Expired)
        } else if self.used >= self.uses {
            Some(ClaimRefusal::Spent)
        } else {
            None
        }
    }
}

/// Why a key does not register a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefusal {
    /// No such key.
    #[error("claim key is wrong")]
    Unknown,
    /// An operator took it back.
    #[error("claim key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("claim key has expired")]
    Expired,
    /// It has registered as many devices as it may.
    #[error("claim key is used up")]
    Spent,
    /// It is for devices of another kind.
    #[error("claim key is not for this kind of device")]
    OtherKind,
}

impl ClaimRefusal {
    /// In one word, for lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::OtherKind => "other",
        }
    }
}

/// Why a claim came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Ask the operator for another key.
    #[error("{0}; ask the platform's administrator for another")]
    Key(ClaimRefusal),
    /// Have the operator renew the credential if the device lost it.
    #[error("serial number `{0}` is registered already; if its secret was lost, the administrator makes a new one")]
    Taken(DeviceId),
    /// The registry did not do it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<rusqlite::Error> for ClaimError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl Registry {
    /// Makes a key; it is not shown again.
    pub fn add_claim_key(&self, new: &NewClaimKey, by: &str) -> Result<(Secret, ClaimKey), RegistryError> {
        check(new)?;
        let secret = Secret::claim_key()?;
        let hash = claim_key_hash(&self.inner.key, secret.as_str());
        let made = self.write(by, |change| {
            let count: i64 = change.transaction.query_row("SELECT count(*) FROM claim_key", [], |row| row.get(0))?;
            if u64::try_from(count).unwrap_or(u64::MAX) >= MAX_CLAIM_KEYS {
                return Err(RegistryError::Limit { what: "claim keys", limit: MAX_CLAIM_KEYS });
            }
            let key = ClaimKey {
                name: new.name.clone(),
                kind: new.kind,
                expires_at: change.now.plus(new.life),
                uses: new.uses,
                used: 0,
                revoked: false,
                made_at: change.now,
            };
            insert_key(change, &key, hash)?;
            Ok(key)
        })?;
        Ok((secret, made))
    }

    /// Every key, oldest first.
    pub fn claim_keys(&self) -> Result<Vec<ClaimKey>, RegistryError> {
        self.read(|connection| {
            let mut query = connection.prepare(&format!("{SELECT} ORDER BY made_at_ms, name"))?;
            let mut rows = query.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(key(row)?);
            }
            Ok(keys)
        })
    }

    /// Takes a key back: it registers nothing from now on. What it registered stays.
    pub fn revoke_claim_key(&self, name: &str, by: &str) -> Result<(), RegistryError> {
        self.write(by, |change| {
            let revoked: Option<bool> = change
                .transaction
                .query_row("SELECT revoked FROM claim_key WHERE name = ?1", [name], |row| row.get(0))
                .optional()?;
            match revoked {
                None => Err(RegistryError::NotFound { what: "claim key", name: name.chars().take(64).collect() }),
                Some(true) => Ok(()),
                Some(false) => {
                    change.transaction.execute("UPDATE claim_key SET revoked = 1 WHERE name = ?1", [name])?;
                    let state = |revoked: bool| Some(json!({ "revoked": revoked }));
                    change.audit(format!("claim_key.revoke {name}"), state(false), state(true))
                }
            }
        })
    }

    /// Registers the device with this serial number, which becomes its id, and keeps it out until it is approved.
    pub fn claim(&self, key: &str, serial: &DeviceId, kind: DeviceKind) -> Result<Secret, ClaimError> {
        let hash = claim_key_hash(&self.inner.key, key);
        // A wrong key costs one look-up and no turn of the writers.
        let known = self.read(|connection| find(connection, hash))?.ok_or(ClaimError::Key(ClaimRefusal::Unknown))?;
        self.write(&format!("claim:{}", known.name), |change| {
            // As it stands now, and not as it stood before the lock.
            let key = find(change.transaction, hash)?.ok_or(ClaimError::Key(ClaimRefusal::Unknown))?;
            if let Some(refusal) = key.refusal(change.now) {
                return Err(ClaimError::Key(refusal));
            }
            if key.kind.is_some_and(|only| only != kind) {
                return Err(ClaimError::Key(ClaimRefusal::OtherKind));
            }
            if is_taken(change.transaction, serial)? {
                return Err(ClaimError::Taken(serial.clone()));
            }
            change.touch(Part::Devices)?;
            let secret = insert(change, &self.inner.key, &NewDevice::new(serial.clone(), kind))?;
            quarantine(change, serial)?;
            count_use(change, &key, serial)?;
            Ok(secret)
        })
    }
}

fn check(new: &NewClaimKey) -> Result<(), RegistryError> {
    if !NAME_CHARS.contains(&new.name.chars().count()) || new.name.chars().any(char::is_control) {
        return Err(RegistryError::invalid("name", &new.name, "use 1 to 64 characters"));
    }
    if !LIFE.contains(&new.life) {
        return Err(RegistryError::invalid("expires", &format!("{:?}", new.life), "use 1 minute to 366 days"));
    }
    if !USES.contains(&new.uses) {
        return Err(RegistryError::invalid("uses", &new.uses.to_string(), "use 1 to 10000 devices"));
    }
    Ok(())
}

fn insert_key(change: &Change<'_>, key: &ClaimKey, hash: [u8; 32]) -> Result<(), RegistryError> {
    let named = "SELECT EXISTS (SELECT 1 FROM claim_key WHERE name = ?1)";
    if change.transaction.query_row(named, [&key.name], |row| row.get(0))? {
        return Err(RegistryError::Exists { what: "claim key", name: key.name.clone() });
    }
    change.transaction.execute(
        "INSERT INTO claim_key (name, hash, kind, expires_at_ms, uses, used, revoked, made_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6)",
        params![
            key.name,
            hash.as_slice(),
            key.kind.map(DeviceKind::as_str),
            key.expires_at.as_millis(),
            key.uses,
            key.made_at.as_millis(),
        ],
    )?;
    let shown = json!({
        "kind": key.kind.map(DeviceKind::as_str),
        "expires_at": key.expires_at.to_rfc3339(),
        "uses": key.uses,
    });
    change.audit(format!("claim_key.add {}", key.name), None, Some(shown))
}

fn count_use(change: &Change<'_>, key: &ClaimKey, device: &DeviceId) -> Result<(), RegistryError> {
    change.transaction.execute("UPDATE claim_key SET used = used + 1 WHERE name = ?1", [&key.name])?;
    let used = |used: u32| json!({ "used": used, "uses": key.uses });
    let mut after = used(key.used.saturating_add(1));
    if let Some(fields) = after.as_object_mut() {
        fields.insert("device".to_owned(), json!(device.as_str()));
    }
    change.audit(format!("claim_key.use {}", key.name), Some(used(key.used)), Some(after))
}

/// Whether a device has this id, or is known by it in another system.
fn is_taken(connection: &Connection, serial: &DeviceId) -> Result<bool, RegistryError> {
    let query = "SELECT EXISTS (SELECT 1 FROM device WHERE id = ?1) OR EXISTS (SELECT 1 FROM external WHERE id = ?1)";
    Ok(connection.query_row(query, [serial.as_str()], |row| row.get(0))?)
}

const SELECT: &str = "SELECT name, kind, expires_at_ms, uses, used, revoked, made_at_ms FROM claim_key";

fn find(connection: &Connection, hash: [u8; 32]) -> Result<Option<ClaimKey>, RegistryError> {
    let mut query = connection.prepare(&format!("{SELECT} WHERE hash = ?1"))?;
    let mut rows = query.query([hash.as_slice()])?;
    rows.next()?.map(key).transpose()
}

fn key(row: &Row<'_>) -> Result<ClaimKey, RegistryError> {
    let name: String = row.get(0)?;
    let kind: Option<String> = row.get(1)?;
    let kind = kind.map(|word| DeviceKind::parse(&word).ok_or_else(|| RegistryError::corrupt("claim key", &*name)));
    Ok(ClaimKey {
        kind: kind.transpose()?,
        expires_at: Timestamp::from_millis(row.get(2)?),
        uses: row.get(3)?,
        used: row.get(4)?,
        revoked: row.get(5)?,
        made_at: Timestamp::from_millis(row.get(6)?),
        name,
    })
}
